"""A change as the lines of a diff, for readers that colour a line by its first character: one hunk a field. Pure.

    @@ query @@ drift: undoes an edit made in the UI
      SELECT
    -   sum(amount) AS revenue
    +   sum(net_amount) AS revenue
    @@ configuration @@
      chunk_config = {
    !     chunk_size = 500 -> 800
      }

A blank stands between sign and text, because `--- x` would be taken for a file's name: an SQL comment is `- -- x`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.model import ABSENT
from syncer.render.diff.values import ValueLayout
from syncer.render.style import Style
from syncer.render.text import runner_safe, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.plan.planner import Change
    from syncer.render.diff.rows import Entry, Part, Row

_STEP: Final = 4
_OPENING: Final = "<<-EOT"
_SIGNS: Final = {"~": "!"}
_CONTAINERS: Final = (" = {", " = [", " = <<-EOT")


class Line(NamedTuple):
    """One line: its sign (`+`, `-`, `!` for what differs inside, `@` for a field's head, or none) and its text."""

    sign: str
    text: str

    def __str__(self) -> str:
        text = self.text if self.sign == "@" else f"{self.sign or ' '} {self.text}"
        # These lines may go to a runner's log, and there an unchanged one could begin like a command.
        return runner_safe(text.rstrip(" "))


def change_lines(change: Change, notes: Mapping[str, str]) -> list[Line]:
    """All that differs, the name before the other fields. `notes` are words of ours for the head of a field."""
    layout = ValueLayout(Style())
    lines: list[Line] = []
    for field in sorted(change.changed, key=lambda field: (field != "name", field)):
        entry = layout.difference(change.live.fields.get(field, ABSENT), change.after.get(field, ABSENT), 0, 0)
        said = "; ".join(filter(None, [notes.get(field, ""), entry.note, _text_note(entry)]))
        lines.append(Line("@", f"@@ {visible(field)} @@ {said}".rstrip(" ")))
        lines += _field_lines(entry)
    return lines


def _text_note(entry: Entry) -> str:
    """The words after the opening of a text: `whitespace only`."""
    found = (part.first.removeprefix(_OPENING).strip(" #") for part in entry.parts if part.first.startswith(_OPENING))
    return next(filter(None, found), "")


def _field_lines(entry: Entry) -> Iterator[Line]:
    """A field's difference. Below its head it needs neither key nor braces."""
    if len(entry.parts) == 1:
        part = entry.parts[0]
        sign = _SIGNS.get(entry.symbol, entry.symbol)
        yield from _rows(part) if part.last is not None else [Line(sign, part.first)]
        return
    for sign, part in zip("-+", entry.parts[:: len(entry.parts) - 1], strict=True):
        is_text = part.first.startswith(_OPENING)
        if not is_text:
            yield Line(sign, part.first)
        yield from _rows(part, 0 if is_text else _STEP)
        if part.last is not None and not is_text:
            yield Line(sign, part.last)


def _rows(part: Part, indent: int = 0) -> Iterator[Line]:
    return (_row(row, indent) for row in part.rows)


def _row(row: Row, indent: int) -> Line:
    is_container = row.symbol == "~" and (row.text.endswith(_CONTAINERS) or row.text in {"{", "[", _OPENING})
    sign = "" if is_container else _SIGNS.get(row.symbol, row.symbol)
    return Line(sign, f"{' ' * (row.indent - _STEP + indent)}{row.text}")
