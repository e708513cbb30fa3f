"""What a CI run says on a code host, kept in one place: one comment a pull request, one issue an environment. No I/O.

A host (GitHub, GitLab) is a `Host`: it knows requests, this room knows which comment is ours and whether to write.
The first line of what we write is a marker, and a comment is ours only if all of this holds:

    its author is the account that we are      or we would fill somebody's comment, who may edit it afterwards
    its very first line is a marker            an echoed or quoted one further down is text
    kind, instance and folder are the marker's each environment of each folder with settings has its own comment

    there is                                   what is done                                          Posted
    none                                       create, if that's wanted                              CREATED, SKIPPED
    one, of a later run                        nothing: late finishers lose                          SUPERSEDED
    one, the same but for its run              nothing                                               UNCHANGED
    one, other                                 edit; if it was deleted meanwhile, create             UPDATED, CREATED
    several                                    the oldest counts; a write hides the others           as above

A create whose answer was lost may have happened: the comments are listed again before it is tried once more.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from syncer.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncer.model import Json, Source

_Sent = TypeVar("_Sent")
Event: TypeAlias = Literal["change", "push", "queue", "schedule", "manual", "follow-up"]
Render: TypeAlias = "Callable[[int], str]"
"""Makes a text, without its marker, of at most so many UTF-8 bytes."""

_SMALL: Final = 20_000
"""The budget of the second try, when a host takes less than it should."""

_LINE_ROOM: Final = 500
"""What a first text leaves free for the line that is appended later, with its own marker."""

_LONGEST_LINE: Final = 400
_LONGEST_TITLE: Final = 250
_TOO_LARGE: Final = frozenset({400, 413, 422})
_GONE: Final = frozenset({404, 410})
_APPENDED: Final = "\n\n<!-- syncer:applied -->\n"

_MARKER = re.compile(r"\A<!-- syncer:(plan|drift) (\{[^\r\n]{1,2000}\}) -->(?=\r?\n|\Z)")
_HEAD = re.compile(r"[0-9a-f]{40}|")
_DIGEST = re.compile(r"[0-9A-Za-z:_-]{0,100}")
_VOUCHED = re.compile(r"[0-9a-f]{64}")
_LONGEST_INSTANCE: Final = 100
_LARGEST_RUN: Final = 2**53
_TYPES: Final = {"digest": str, "head": str, "instance": str, "run": int, "folder": str}
_ESCAPES: Final = {"--": r"\u002d\u002d", "<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\x7f": r"\u007f"}


# -- nouns -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Context:
    """What a CI run is about. A host makes it of its variables and its event file.

    event       is
    change      a pull or merge request
    push        a push to a branch
    queue       a merge queue's try
    schedule    a timer
    manual      everything else: started by hand or by another program
    follow-up   a run after another run, from the default branch (workflow_run)
    """

    event: Event
    number: int | None
    """The pull request; None if there is none, or if it must be looked up (`Host.change_of_run`)."""
    head_sha: str
    """40 hex: the commit to name. Of a change it's the branch's own head, not the merge that the host checks out."""
    base_sha: str
    """40 hex, or empty: what a change goes on top of, what a push replaces."""
    is_untrusted: bool
    """A fork's or Dependabot's run: it has no secrets and may only read."""
    run_url: str
    """Link to the run: an https URL of plain characters, or empty."""
    run: int
    """Orders runs of one workflow; a later one, or a later attempt, is larger."""
    branch: str
    """The branch that a push went to, or that a change goes to; else the default branch; may be empty."""


class Kind(Enum):
    """What a marked text tells of."""

    PLAN = "plan"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Marker:
    """The first line of what we write: whose it is, and which run wrote it of what.

    `instance` is the environment; `head` (40 hex), `digest` and `folder` may be empty. Raises ValueError for what no
    reader would take for a marker.
    """

    kind: Kind
    instance: str
    head: str
    digest: str
    run: int
    folder: str = ""
    """The folder that the run works in, from the repository's top; empty at the top, as older versions wrote it."""

    def __post_init__(self) -> None:
        """Refuse what `parse` would refuse."""
        if not (
            0 < len(self.instance) <= _LONGEST_INSTANCE
            and _HEAD.fullmatch(self.head)
            and _DIGEST.fullmatch(self.digest)
            and 0 <= self.run < _LARGEST_RUN
            and _MARKER.match(self.line())
        ):
            raise ValueError(f"no marker can hold {self!r}")

    def line(self) -> str:
        r"""The line: an HTML comment that no name can end.

        >>> Marker(Kind.PLAN, "eu--prod", "", "9c41", 412001).line()
        '<!-- syncer:plan {"digest":"9c41","head":"","instance":"eu\\u002d\\u002dprod","run":412001} -->'
        """
        data = {"digest": self.digest, "head": self.head, "instance": self.instance, "run": self.run}
        if self.folder:
            data["folder"] = self.folder
        text = json.dumps(data, separators=(",", ":"), sort_keys=True)
        for char, escape in _ESCAPES.items():
            text = text.replace(char, escape)
        return f"<!-- syncer:{self.kind.value} {text} -->"

    @staticmethod
    def parse(body: str) -> Marker | None:
        """The marker that the text begins with; None if it doesn't begin with one that `line` could have written."""
        if (match := _MARKER.match(body)) is None:
            return None
        try:
            data = json.loads(match[2])
            marker = _marker(Kind(match[1]), data)
        except (ValueError, TypeError, RecursionError):
            return None
        return marker if marker.line() == match[0] else None


def _marker(kind: Kind, data: Json) -> Marker:
    if not isinstance(data, dict):
        raise TypeError
    types = {key: type(value) for key, value in data.items()}
    if {"folder": str, **types} != _TYPES:
        raise TypeError
    return Marker(kind, **data)


class Place(NamedTuple):
    """The folder that a run works in, from the repository's top; empty at the top."""

    folder: str = ""
    inherits: bool = False
    """Whether a marker without a folder may be its own: older versions wrote none, and no settings stand at the top."""


_TOP: Final = Place()


@dataclass(frozen=True, slots=True)
class Note:
    """A comment, or an issue (then `id` is its number, and it has a title). `body` includes the marker.

    `author` compares with `Host.whoami` as it is: both are in the host's own normal form.
    """

    id: int
    author: str
    body: str
    node: str = ""
    title: str = ""


class Posted(Enum):
    """What became of a text that was to be kept on the host."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    """An issue that has nothing more to say."""
    SUPERSEDED = "superseded"
    """A later run has written already."""
    SKIPPED = "skipped"
    """There is none, and none is wanted."""
    DENIED = "denied"
    """The token may not do this. In a fork's run that's expected, and never an error of the plan."""


class Host(Protocol):
    """A code host, as one CI run sees it. Whatever asks the host raises HostError."""

    @property
    def context(self) -> Context:
        """What the run is about."""

    @property
    def max_bytes(self) -> int:
        """How many UTF-8 bytes a comment or an issue may have."""

    @property
    def lifting(self) -> str:
        """How a run is started by hand with what lifts a refusal, in words."""

    def whoami(self) -> str:
        """The account that comments are written by. Raises HostError if that can't be known."""

    def comments(self, number: int) -> Sequence[Note]:
        """Every comment of a pull request."""

    def comment(self, number: int, body: str) -> Note:
        """Write a new one. With status 0 or 5xx it may have been written all the same."""

    def edit(self, number: int, note: Note, body: str) -> None:
        """Replace a comment's text."""

    def hide(self, note: Note) -> None:
        """Fold a comment away, if the host can; never fails."""

    def issues(self) -> Sequence[Note]:
        """The open issues that this account has opened."""

    def open_issue(self, title: str, body: str) -> Note:
        """Open a new one. With status 0 or 5xx it may have been opened all the same."""

    def edit_issue(self, note: Note, title: str, body: str) -> None:
        """Replace an issue's title and text."""

    def close_issue(self, note: Note, comment: str) -> None:
        """Close an issue and say why."""

    def pull_requests_of(self, sha: str) -> Sequence[int]:
        """The open or merged pull requests that a commit belongs to."""

    def head_of(self, branch: str) -> str:
        """The commit that a branch points at now."""

    def vouch(self, name: str, word: str) -> bool:
        """Leave a word for the later jobs of this very run, past its artifacts; False if there is no such way."""

    def vouched(self, name: str) -> Sequence[str]:
        """The words of that name that this account, and nobody else, has left in this run; the newest is the last."""

    def change_of_run(self) -> int | None:
        """Of a follow-up: the one open pull request that the first run was about, as the host itself says."""

    def source_of_run(self) -> Source | None:
        """Where that pull request's commits are; None if there is no such pull request."""

    def summary(self, markdown: str) -> None:
        """Add to the run's summary, where there is one."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """Hand values to later steps, where that exists. Raises ValueError for anything but plain short words."""

    def mask(self, values: Iterable[str]) -> Sequence[str]:
        """The lines to print so that the log hides these values; none where logs can't."""


# -- keeping -----------------------------------------------------------------------------------------------------


def keep_comment(
    host: Host, number: int, marker: Marker, render: Render, *, create: bool, inherits: bool = False
) -> Posted:
    """Make the pull request's one comment of this kind, instance and folder say what `render` makes. Raises HostError.

    Without `create` only a comment that exists is updated; `inherits` is `Place.inherits`.
    """
    try:
        return _keep(_Comments(host, number), marker, render, create=create, inherits=inherits)
    except HostError as error:
        return _denied(error)


def keep_issue(host: Host, marker: Marker, title: str, render: Render | None, *, inherits: bool = False) -> Posted:
    """Make the one open issue of this kind, instance and folder say what `render` makes; None closes it.

    Raises HostError.
    """
    board = _Issues(host, " ".join(title.split())[:_LONGEST_TITLE])
    try:
        if render:
            return _keep(board, marker, render, create=True, inherits=inherits)
        return _close(board, marker, inherits=inherits)
    except HostError as error:
        return _denied(error)


def append_line(host: Host, number: int, instance: str, line: str, place: Place = _TOP) -> Posted:
    """Put one line below the plan's comment, in place of the one that was appended before. Raises HostError.

    It's for what became of the plan. A plan that says something new takes the line away.
    """
    line = " ".join(line.split())
    if len(line.encode()) > _LONGEST_LINE:
        raise ValueError(f"a line of at most {_LONGEST_LINE} bytes can be appended")
    try:
        found = find_comment(host, number, Kind.PLAN, instance, place)
        if found is None:
            return Posted.SKIPPED
        note = found[0]
        text, former = _parted(_plain(note.body))
        if former == line:
            return Posted.UNCHANGED
        host.edit(number, note, f"{text}{_APPENDED}{line}")
    except HostError as error:
        return _denied(error)
    return Posted.UPDATED


def find_comment(host: Host, number: int, kind: Kind, instance: str, place: Place = _TOP) -> tuple[Note, Marker] | None:
    """Our comment of this kind, instance and folder: the oldest, if there are several. Raises HostError."""
    return next(iter(_ours(_Comments(host, number), kind, instance, place)), None)


def _denied(error: HostError) -> Posted:
    if error.is_denied:
        return Posted.DENIED
    raise error


class _Board(Protocol):
    """Where notes hang: the comments of a pull request, or the open issues."""

    host: Host

    def notes(self) -> Sequence[Note]: ...
    def says(self, note: Note, body: str) -> bool: ...
    def add(self, body: str) -> Note: ...
    def change(self, note: Note, body: str) -> None: ...
    def drop(self, note: Note, kept: Note) -> None: ...


@dataclass(slots=True)
class _Comments:
    host: Host
    number: int

    def notes(self) -> Sequence[Note]:
        return self.host.comments(self.number)

    def says(self, note: Note, body: str) -> bool:
        return _content(note.body) == _content(body)

    def add(self, body: str) -> Note:
        return self.host.comment(self.number, body)

    def change(self, note: Note, body: str) -> None:
        self.host.edit(self.number, note, body)

    def drop(self, note: Note, kept: Note) -> None:  # noqa: ARG002 - a folded comment needs no word
        self.host.hide(note)


@dataclass(slots=True)
class _Issues:
    host: Host
    title: str

    def notes(self) -> Sequence[Note]:
        return self.host.issues()

    def says(self, note: Note, body: str) -> bool:
        return note.title == self.title and _content(note.body) == _content(body)

    def add(self, body: str) -> Note:
        return self.host.open_issue(self.title, body)

    def change(self, note: Note, body: str) -> None:
        self.host.edit_issue(note, self.title, body)

    def drop(self, note: Note, kept: Note) -> None:
        with suppress(HostError):
            self.host.close_issue(note, f"#{kept.id} tells the same.")


def _keep(board: _Board, marker: Marker, render: Render, *, create: bool, inherits: bool) -> Posted:
    lost: HostError | None = None
    for _ in range(2):
        ours = _ours(board, marker.kind, marker.instance, Place(marker.folder, inherits))
        posted = _update(board, ours, marker, render) if ours else None
        if posted is not None:
            return Posted.CREATED if lost and posted is Posted.UNCHANGED else posted
        if not create:
            return Posted.SKIPPED
        try:
            _fitted(board.host, marker, render, board.add)
        except HostError as error:
            if not _is_open(error):
                raise
            lost = error
        else:
            return Posted.CREATED
    assert lost is not None  # noqa: S101 - the loop ended because two creates were lost
    raise lost


def _update(board: _Board, ours: Sequence[tuple[Note, Marker]], marker: Marker, render: Render) -> Posted | None:
    """Edit the oldest of ours; None if it was deleted meanwhile."""
    if any(former.run > marker.run for _, former in ours):
        return Posted.SUPERSEDED
    note = ours[0][0]

    def send(body: str) -> Posted:
        if board.says(note, body):
            return Posted.UNCHANGED
        board.change(note, body)
        return Posted.UPDATED

    try:
        posted = _fitted(board.host, marker, render, send)
    except HostError as error:
        if error.status in _GONE:
            return None
        raise
    if posted is Posted.UPDATED:
        # Not when nothing changed: hiding is a write, and who is hidden can't be read.
        _drop_others(board, ours)
    return posted


def _close(board: _Issues, marker: Marker, *, inherits: bool) -> Posted:
    ours = _ours(board, marker.kind, marker.instance, Place(marker.folder, inherits))
    if not ours:
        return Posted.SKIPPED
    if any(former.run > marker.run for _, former in ours):
        return Posted.SUPERSEDED
    url = board.host.context.run_url
    board.host.close_issue(ours[0][0], f"Nothing differs any more, says {f'[this run]({url})' if url else 'a run'}.")
    _drop_others(board, ours)
    return Posted.CLOSED


def _drop_others(board: _Board, ours: Sequence[tuple[Note, Marker]]) -> None:
    for other, _ in ours[1:]:
        board.drop(other, ours[0][0])


def _ours(board: _Board, kind: Kind, instance: str, place: Place) -> list[tuple[Note, Marker]]:
    """The notes that are ours, of this kind, instance and folder, the oldest first."""
    me = board.host.whoami()
    if not me:
        raise HostError("the host doesn't say who this token belongs to", "without that no comment may be edited")
    marked = ((note, Marker.parse(note.body)) for note in board.notes() if note.author == me)
    ours = [(note, marker) for note, marker in marked if marker and marker.kind is kind and marker.instance == instance]
    found = [pair for pair in ours if pair[1].folder == place.folder]
    if not found and place.inherits:
        found = [pair for pair in ours if not pair[1].folder]
    return sorted(found, key=lambda pair: pair[0].id)


def _fitted(host: Host, marker: Marker, render: Render, send: Callable[[str], _Sent]) -> _Sent:
    """Send the text; once more and much smaller if the host says that it's too long."""
    line = marker.line()
    full = host.max_bytes - len(line) - 1 - _LINE_ROOM
    try:
        return send(f"{line}\n{render(full)}")
    except HostError as error:
        if error.status not in _TOO_LARGE or full <= _SMALL:
            raise
    return send(f"{line}\n{render(_SMALL)}")


def _is_open(error: HostError) -> bool:
    """Whether a write may have happened although it failed."""
    return error.status == 0 or error.status >= 500  # noqa: PLR2004 - HTTP's classes


def _content(body: str) -> tuple[Marker | None, str]:
    """What of a text counts when two are compared: not which run wrote it, not what became of the plan."""
    marker = Marker.parse(body)
    text, _ = _parted(_plain(body))
    return marker and replace(marker, run=0), text.partition("\n")[2].rstrip()


def _parted(body: str) -> tuple[str, str]:
    """A text without the line that was appended to it, and that line."""
    text, mark, line = body.rpartition(_APPENDED)
    return (text, line) if mark and "\n" not in line else (body, "")


def _plain(body: str) -> str:
    """A text with the line ends that we write: a browser's edit leaves others, and hosts differ about the last one."""
    return body.replace("\r\n", "\n").rstrip()


# -- vouching ----------------------------------------------------------------------------------------------------


def vouch(host: Host, instance: str, digest: str, folder: str = "") -> bool:
    """Have this run's apply know the plan's digest from somewhere else than the plan's file. Raises HostError.

    False if the host has no way, or this run comes to no apply.
    """
    return host.vouch(_voucher(instance, folder), digest)


def vouched(host: Host, instance: str, folder: str = "") -> str:
    """The digest that this run's plan was given; empty if there is none, or the token may not see it.

    Raises HostError.
    """
    try:
        words = host.vouched(_voucher(instance, folder))
    except HostError as error:
        if error.is_denied:
            return ""
        raise
    return words[-1] if words and _VOUCHED.fullmatch(words[-1]) else ""


def _voucher(instance: str, folder: str) -> str:
    """The name of the word for one environment of one folder. A host bounds names, so a folder is a hash in it."""
    mark = f" in {hashlib.sha256(folder.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}" if folder else ""
    return f"syncer plan of {instance}{mark}"
