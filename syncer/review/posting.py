"""Which comment and which issue is ours, and whether it's written: one a pull request, one an environment. No I/O.

A `Host` sends requests; this module decides which. The first line of what we write is a marker. A comment is ours only
if all of this holds:

    its author is the account that we are       otherwise its author could edit what we wrote
    its very first line is a marker             one further down is quoted text
    kind, environment and folder are the same   each environment of each folder with settings has its own comment

    there is                                   what is done                                          Posted
    none                                       create, if that's wanted                              CREATED, SKIPPED
    one, of a later run                        nothing                                               SUPERSEDED
    one, the same but for its run              nothing                                               UNCHANGED
    one, other                                 edit; if it was deleted meanwhile, create             UPDATED, CREATED
    several                                    the oldest counts; a write hides the others           as above

A create whose answer was lost may have happened: the comments are listed again before it is tried once more.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from syncer.errors import HostError
from syncer.review.marker import Kind, Marker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.review.host import Host, Note

_Sent = TypeVar("_Sent")
Render: TypeAlias = "Callable[[int], str]"
"""Makes a text, without its marker, of at most so many UTF-8 bytes."""

_SMALL: Final = 20_000
"""The budget of the second try, in bytes, where a host takes less than it should."""

_LINE_ROOM: Final = 500
"""How many bytes a text leaves free for `append_line`."""

_LONGEST_LINE: Final = 400
_LONGEST_TITLE: Final = 250
_TOO_LARGE: Final = frozenset({400, 413, 422})
_GONE: Final = frozenset({404, 410})
_APPENDED: Final = "\n\n<!-- syncer:applied -->\n"


class Place(NamedTuple):
    """The folder that a run works in, from the repository's top; empty at the top."""

    folder: str = ""
    inherits: bool = False
    """Whether a marker without a folder may be its own: older versions wrote none, and no settings stand at the top."""


_TOP: Final = Place()


class Posted(Enum):
    """What was done with a comment or an issue."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    """The issue had nothing to say any more."""
    SUPERSEDED = "superseded"
    """A later run has written already."""
    SKIPPED = "skipped"
    """There was none, and none is wanted."""
    DENIED = "denied"
    """The token may not do this. In a fork's run that's expected, and never an error of the plan."""


def keep_comment(
    host: Host, number: int, marker: Marker, render: Render, *, create: bool, inherits: bool = False
) -> Posted:
    """Make the pull request's one comment of this kind, environment and folder say what `render` makes.

    Without `create` only a comment that exists is updated. `inherits` is `Place.inherits`. Raises HostError.
    """
    try:
        return _keep(_Comments(host, number), marker, render, create=create, inherits=inherits)
    except HostError as error:
        return _denied_or_raise(error)


def keep_issue(host: Host, marker: Marker, title: str, render: Render | None, *, inherits: bool = False) -> Posted:
    """Make the one open issue of this kind, environment and folder say what `render` makes; None closes it.

    Raises HostError.
    """
    notes = _Issues(host, " ".join(title.split())[:_LONGEST_TITLE])
    try:
        if render:
            return _keep(notes, marker, render, create=True, inherits=inherits)
        return _close(notes, marker, inherits=inherits)
    except HostError as error:
        return _denied_or_raise(error)


def append_line(host: Host, number: int, environment: str, line: str, place: Place = _TOP) -> Posted:
    """Put a line about what became of the plan below its comment, in place of a former one. Raises HostError.

    A plan that says something new removes the line.
    """
    line = " ".join(line.split())
    if len(line.encode()) > _LONGEST_LINE:
        raise ValueError(f"a line of at most {_LONGEST_LINE} bytes can be appended")
    try:
        found = find_comment(host, number, Kind.PLAN, environment, place)
        if found is None:
            return Posted.SKIPPED
        note = found[0]
        text, former = _split_appended(_normalized(note.body))
        if former == line:
            return Posted.UNCHANGED
        host.edit_comment(number, note, f"{text}{_APPENDED}{line}")
    except HostError as error:
        return _denied_or_raise(error)
    return Posted.UPDATED


def find_comment(
    host: Host, number: int, kind: Kind, environment: str, place: Place = _TOP
) -> tuple[Note, Marker] | None:
    """Our comment of this kind, environment and folder: the oldest, if there are several. Raises HostError."""
    return next(iter(_our_notes(_Comments(host, number), kind, environment, place)), None)


def _denied_or_raise(error: HostError) -> Posted:
    if error.is_denied:
        return Posted.DENIED
    raise error


@dataclass(slots=True)
class _Comments:
    """The comments of a pull request, as the notes among which ours is looked for."""

    host: Host
    number: int

    def all(self) -> Sequence[Note]:
        return self.host.comments(self.number)

    def is_same(self, note: Note, body: str) -> bool:
        return _comparable(note.body) == _comparable(body)

    def add(self, body: str) -> Note:
        return self.host.add_comment(self.number, body)

    def replace(self, note: Note, body: str) -> None:
        self.host.edit_comment(self.number, note, body)

    def discard(self, note: Note, kept: Note) -> None:  # noqa: ARG002 - a folded comment needs no word
        self.host.hide_comment(note)


@dataclass(slots=True)
class _Issues:
    """The same of the open issues."""

    host: Host
    title: str

    def all(self) -> Sequence[Note]:
        return self.host.issues()

    def is_same(self, note: Note, body: str) -> bool:
        return note.title == self.title and _comparable(note.body) == _comparable(body)

    def add(self, body: str) -> Note:
        return self.host.open_issue(self.title, body)

    def replace(self, note: Note, body: str) -> None:
        self.host.edit_issue(note, self.title, body)

    def discard(self, note: Note, kept: Note) -> None:
        with suppress(HostError):
            self.host.close_issue(note, f"#{kept.id} tells the same.")


_NoteList: TypeAlias = _Comments | _Issues


def _keep(notes: _NoteList, marker: Marker, render: Render, *, create: bool, inherits: bool) -> Posted:
    lost: HostError | None = None
    for _ in range(2):
        ours = _our_notes(notes, marker.kind, marker.instance, Place(marker.folder, inherits))
        posted = _update(notes, ours, marker, render) if ours else None
        if posted is not None:
            return Posted.CREATED if lost and posted is Posted.UNCHANGED else posted
        if not create:
            return Posted.SKIPPED
        try:
            _send_fitting(notes.host, marker, render, notes.add)
        except HostError as error:
            if not _may_have_happened(error):
                raise
            lost = error
        else:
            return Posted.CREATED
    assert lost is not None  # noqa: S101 - the loop ended because two creates were lost
    raise lost


def _update(notes: _NoteList, ours: Sequence[tuple[Note, Marker]], marker: Marker, render: Render) -> Posted | None:
    """Edit the oldest of ours; None if it was deleted meanwhile."""
    if any(former.run > marker.run for _, former in ours):
        return Posted.SUPERSEDED
    note = ours[0][0]

    def send(body: str) -> Posted:
        if notes.is_same(note, body):
            return Posted.UNCHANGED
        notes.replace(note, body)
        return Posted.UPDATED

    try:
        posted = _send_fitting(notes.host, marker, render, send)
    except HostError as error:
        if error.status in _GONE:
            return None
        raise
    if posted is Posted.UPDATED:
        # Only after an edit: hiding is a write, too, and nobody can read what is hidden already.
        _discard_others(notes, ours)
    return posted


def _close(notes: _Issues, marker: Marker, *, inherits: bool) -> Posted:
    ours = _our_notes(notes, marker.kind, marker.instance, Place(marker.folder, inherits))
    if not ours:
        return Posted.SKIPPED
    if any(former.run > marker.run for _, former in ours):
        return Posted.SUPERSEDED
    url = notes.host.context.run_url
    notes.host.close_issue(ours[0][0], f"Nothing differs any more, says {f'[this run]({url})' if url else 'a run'}.")
    _discard_others(notes, ours)
    return Posted.CLOSED


def _discard_others(notes: _NoteList, ours: Sequence[tuple[Note, Marker]]) -> None:
    for other, _ in ours[1:]:
        notes.discard(other, ours[0][0])


def _our_notes(notes: _NoteList, kind: Kind, environment: str, place: Place) -> list[tuple[Note, Marker]]:
    """The notes that are ours, of this kind, environment and folder, the oldest first."""
    me = notes.host.whoami()
    if not me:
        raise HostError("the host doesn't say who this token belongs to", "without that no comment may be edited")
    marked = ((note, Marker.parse(note.body)) for note in notes.all() if note.author == me)
    known = [(note, marker) for note, marker in marked if marker and marker.kind is kind]
    ours = [pair for pair in known if pair[1].instance == environment]
    found = [pair for pair in ours if pair[1].folder == place.folder]
    if not found and place.inherits:
        found = [pair for pair in ours if not pair[1].folder]
    return sorted(found, key=lambda pair: pair[0].id)


def _send_fitting(host: Host, marker: Marker, render: Render, send: Callable[[str], _Sent]) -> _Sent:
    """Send the text; once more and much smaller if the host says that it's too long."""
    line = marker.line()
    full = host.max_bytes - len(line) - 1 - _LINE_ROOM
    try:
        return send(f"{line}\n{render(full)}")
    except HostError as error:
        if error.status not in _TOO_LARGE or full <= _SMALL:
            raise
    return send(f"{line}\n{render(_SMALL)}")


def _may_have_happened(error: HostError) -> bool:
    """Whether a write may have happened although it failed."""
    return error.status == 0 or error.status >= 500  # noqa: PLR2004 - HTTP's classes


def _comparable(body: str) -> tuple[Marker | None, str]:
    """What of a text counts in a comparison: all but the run that wrote it and the line that was appended."""
    marker = Marker.parse(body)
    text, _ = _split_appended(_normalized(body))
    return marker and replace(marker, run=0), text.partition("\n")[2].rstrip()


def _split_appended(body: str) -> tuple[str, str]:
    """The text without the line that was appended, and that line."""
    text, mark, line = body.rpartition(_APPENDED)
    return (text, line) if mark and "\n" not in line else (body, "")


def _normalized(body: str) -> str:
    """The text with LF alone and no white space at its end: browsers write CRLF, and hosts differ about the end."""
    return body.replace("\r\n", "\n").rstrip()
