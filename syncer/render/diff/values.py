"""The lines between the braces of a changed model: what differs, nested as the values are, the rest folded. Pure.

They are `Row`s, because a terminal and a diff put the symbol in different places. They are made of the whole values
before and after, not of the field changes, because a fold counts what stays, and because an inserted element must not
mark all later ones as changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from syncer.model import ABSENT, leaves
from syncer.plan.diff import same
from syncer.render.diff.list_items import item_pairs
from syncer.render.diff.matching import match_sequences
from syncer.render.diff.text_lines import (
    differing_parts,
    distinct_lines,
    is_multiline,
    split_text,
    unseen_differences,
)
from syncer.render.text import ascii_escaped, cells, counted, look_alike, quoted, visible_line
from syncer.secrets import SENSITIVE, Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.model import Path
    from syncer.plan.diff import FieldChange
    from syncer.plan.planner import Change
    from syncer.render.diff.list_items import Pairs
    from syncer.render.style import Style

CONTEXT: Final = 3
"""Unchanged lines shown around a changed one."""

DEEPEST: Final = 20
"""How many levels of nesting are shown; of deeper ones only that they differ."""

_STEP: Final = 4
_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_WIDEST_KEY: Final = 40
"""Keys up to this many cells stand in one column."""


class Row(NamedTuple):
    """One line: its symbol (`+`, `-`, `~` or none) stands two cells before `indent`, where the text begins."""

    symbol: str
    indent: int
    text: str

    def render(self, style: Style) -> str:
        """The row as a line of a terminal."""
        symbol = style.paint(self.symbol, self.symbol) or " "
        return f"{' ' * (self.indent - 2)}{symbol} {self.text}".rstrip(" ")


@dataclass(frozen=True, slots=True)
class Part:
    """A value as text: on one line (`first`), or opened by `first`, closed by `last`, with rows between."""

    first: str
    rows: Sequence[Row] = ()
    last: str | None = None


_TOO_DEEP: Final = Part(f"(nested deeper than {DEEPEST} levels)")


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands after a key: the parts one after the other, then a comment. The symbol is the first line's."""

    symbol: str
    parts: tuple[Part, ...]
    note: str = ""


def change_rows(change: Change, style: Style) -> list[Row]:
    """A change's attributes: id and name, then what differs by name, then how many stay as they are."""
    body = ValueLayout(style)
    changed = change.changed
    # An offline plan knows no id where the file has none.
    named = [("id", body.unchanged(change.id, 8))] if change.id else []
    if change.is_creation:
        named = [("id", Entry("+", (Part("(known after apply)"),)))]
    if "name" not in changed:
        named.append(("name", body.unchanged(change.live.name, 8)))
    for field in sorted(changed, key=lambda field: (field != "name", field)):
        before = change.live.fields.get(field, ABSENT)
        named.append((field, body.difference(before, change.after.get(field, ABSENT), 8, 0)))
    hidden = len(change.after.keys() - {*changed, "name"})
    return [*body.attribute_rows(named, 8), *body.fold(hidden, "attribute", 8)]


def field_rows(fields: Sequence[FieldChange], style: Style, indent: int) -> list[Row]:
    """Field changes on their own, each under its whole path."""
    body = ValueLayout(style)
    return body.attribute_rows(
        [(path_text(field.path), body.difference(field.before, field.after, indent, 0)) for field in fields], indent
    )


def path_text(path: Path) -> str:
    """A path for people: `configuration.harvesters[0]."odd key"`."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in path]
    return "".join(steps).removeprefix(".")


@dataclass(frozen=True, slots=True)
class ValueLayout:
    """Lays out values and their differences in one style."""

    style: Style
    ascii_only: bool = False
    """Whether texts show non-ASCII as escapes, because two would look alike otherwise."""

    def unchanged(self, value: object, indent: int) -> Entry:
        """A value that doesn't change."""
        return Entry("", (self.in_full(value, "", indent, 0),))

    def difference(self, before: Any, after: Any, indent: int, depth: int) -> Entry:  # noqa: ANN401 - JSON
        """What differs between two values. Where they are the same, what of them can't be compared."""
        if before is ABSENT or after is ABSENT:
            return self._one_sided(before, after, indent, depth)
        if any(isinstance(side, (Secret, SecretRef)) for side in (before, after)):
            return self._sensitive(before, after)
        if isinstance(before, str) and isinstance(after, str):
            return self._text(before, after, indent)
        symbol = "" if same(before, after) else "~"
        if isinstance(before, Mapping) and isinstance(after, Mapping) and (before or after):
            if depth < DEEPEST:
                return Entry(symbol, (Part("{", self._mapping(before, after, indent + _STEP, depth + 1), "}"),))
            return Entry(symbol, (_TOO_DEEP,), "changed" if symbol else "")
        if isinstance(before, list) and isinstance(after, list) and (before or after):
            if depth < DEEPEST:
                return Entry(symbol, (Part("[", self._list(before, after, indent + _STEP, depth + 1), "]"),))
            return Entry(symbol, (_TOO_DEEP,), "changed" if symbol else "")
        parts = (self.in_full(before, "-", indent, depth), self._arrow, self.in_full(after, "+", indent, depth))
        return Entry(symbol, parts)

    def in_full(self, value: object, symbol: str, indent: int, depth: int) -> Part:
        """A value in full. Its inner lines have the symbol."""
        inner = indent + _STEP
        if isinstance(value, (Mapping, list)) and value and depth >= DEEPEST:
            return _TOO_DEEP
        if isinstance(value, Mapping) and value:
            named = [
                (_key(key), Entry(symbol, (self.in_full(value[key], symbol, inner, depth + 1),)))
                for key in _sorted_keys(value)
            ]
            return Part("{", self.attribute_rows(named, inner), "}")
        if isinstance(value, list) and value:
            rows: list[Row] = []
            for item in value:
                rows += self._entry_rows("", Entry(symbol, (self.in_full(item, symbol, inner, depth + 1),)), inner, ",")
            return Part("[", rows, "]")
        if isinstance(value, str) and is_multiline(value):
            lines = (visible_line(line, ascii_only=self.ascii_only) for line in split_text(value).lines)
            return Part("<<-EOT", [Row(symbol, inner, line) for line in lines], "EOT")
        return Part(self._scalar(value))

    def attribute_rows(self, named: Iterable[tuple[str, Entry]], indent: int) -> list[Row]:
        """A row or more for each key and entry, the `=` of all below each other."""
        named = list(named)
        # A very long key must not push all the other values to the right.
        widest = min(max((cells(key) for key, _ in named), default=0), _WIDEST_KEY)
        rows: list[Row] = []
        for key, entry in named:
            rows += self._entry_rows(f"{key}{' ' * (widest - cells(key))} = ", entry, indent)
        return rows

    def fold(self, hidden: int, noun: str, indent: int) -> list[Row]:
        """`# (4 unchanged attributes hidden)`, or nothing where nothing is."""
        return [self._comment(f"({counted(hidden, f'unchanged {noun}')} hidden)", indent)] if hidden else []

    # -- pieces ----------------------------------------------------------------------------------------------------

    @property
    def _arrow(self) -> Part:
        return Part(f" {self.style.paint('arrow', '->')} ")

    @property
    def _null(self) -> Part:
        return Part(self.style.paint("faint", "null"))

    def _comment(self, text: str, indent: int) -> Row:
        return Row("", indent, self.style.paint("faint", f"# {text}"))

    def _entry_rows(self, head: str, entry: Entry, indent: int, tail: str = "") -> list[Row]:
        rows: list[Row] = []
        symbol, text = entry.symbol, head
        for part in entry.parts:
            text += part.first
            if part.last is not None:
                rows += [Row(symbol, indent, text), *part.rows]
                symbol, text = "", part.last
        note = f" {self.style.paint('faint', f'# {entry.note}')}" if entry.note else ""
        return [*rows, Row(symbol, indent, f"{text}{tail}{note}")]

    def _scalar(self, value: object) -> str:
        if isinstance(value, str):
            return quoted(value, ascii_only=self.ascii_only)
        if value is None:
            return self._null.first
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return repr(value)
        if isinstance(value, (Mapping, list)):
            return "{}" if isinstance(value, Mapping) else "[]"
        # Anything else may be a secret.
        return SENSITIVE

    def _one_sided(self, before: object, after: object, indent: int, depth: int) -> Entry:
        if before is ABSENT:
            return Entry("+", (self.in_full(after, "+", indent, depth),))
        whole = self.in_full(before, "-", indent, depth)
        return Entry("-", (whole,) if before is None else (whole, self._arrow, self._null))

    def _sensitive(self, before: object, after: object) -> Entry:
        """Both sides hidden, but for null: that nothing is set is no secret."""
        if isinstance(before, Secret) and before.is_mask:
            return Entry("", (Part(SENSITIVE),), "masked by the server, so it can't be compared")
        if before is None or after is None:
            sides = [self._null if side is None else Part(SENSITIVE) for side in (before, after)]
            return Entry("~", (sides[0], self._arrow, sides[1]))
        return Entry("~", (Part(SENSITIVE),), "changed")

    # -- texts -----------------------------------------------------------------------------------------------------

    def _text(self, before: str, after: str, indent: int) -> Entry:
        # Where both don't fit in one row, one stands below the other.
        room = self.style.width - indent if before and after else 2 * self.style.width
        if is_multiline(before) or is_multiline(after) or len(before) + len(after) > room:
            return self._text_rows(before, after, indent)
        said = unseen_differences(split_text(before), split_text(after))
        if look_alike([before], [after], quoted):
            sides = [quoted(side, ascii_only=True) for side in (before, after)]
            said = "Unicode form only"
        else:
            sides = [quoted(side, ascii_only=self.ascii_only) for side in (before, after)]
        return Entry("~", (Part(sides[0]), self._arrow, Part(sides[1])), said)

    def _text_rows(self, before: str, after: str, indent: int) -> Entry:
        """A diff of lines. An empty text has no line, so it stands as `""` beside the diff."""
        old, new = split_text(before), split_text(after)
        said = unseen_differences(old, new)
        rows = self._line_rows(old.lines, new.lines, indent + _STEP)
        if old.ends != new.ends and not any(row.symbol for row in rows):
            rows = [self._comment(f"({counted(len(old.lines), 'line')}, the same but for their ends)", indent + _STEP)]
        opening = "<<-EOT" + (f" {self.style.paint('faint', f'# {said}')}" if said else "")
        parts = [Part(opening, rows, "EOT")]
        if not before:
            parts[:0] = [Part('""'), self._arrow]
        if not after:
            parts += [self._arrow, Part('""')]
        return Entry("~", tuple(parts))

    def _line_rows(self, before: Sequence[str], after: Sequence[str], indent: int) -> list[Row]:
        rows: list[Row] = []
        stretches = match_sequences(before, after)
        for index, one in enumerate(stretches):
            if not one.is_same:
                rows += self._changed_lines([before[i] for i in one.before], [after[i] for i in one.after], indent)
                continue
            head = CONTEXT if index else 0
            foot = CONTEXT if index < len(stretches) - 1 else 0
            rows += self._unchanged_lines([before[i] for i in one.before], head, foot, indent)
        return rows

    def _changed_lines(self, removed: list[str], added: list[str], indent: int) -> list[Row]:
        """The removed and the added lines; of one very long line only the part that differs."""
        head = tail = 0
        if len(removed) == len(added) == 1 and min(len(removed[0]), len(added[0])) > 2 * self.style.width:
            head, removed[0], added[0], tail = differing_parts(removed[0], added[0])
        shown = distinct_lines(removed, added)
        marked = [Row(symbol, indent, line) for symbol, lines in zip("-+", shown, strict=True) for line in lines]
        return [*self.fold(head, "character", indent), *marked, *self.fold(tail, "character", indent)]

    def _unchanged_lines(self, lines: Sequence[str], head: int, foot: int, indent: int) -> Iterator[Row]:
        hidden = len(lines) - head - foot
        if hidden <= 1:
            # Saying that one line is hidden takes as much room as the line.
            head, hidden = len(lines), 0
        yield from (Row("", indent, visible_line(line)) for line in lines[:head])
        if hidden:
            yield from self.fold(hidden, "line", indent)
            yield from (Row("", indent, visible_line(line)) for line in lines[len(lines) - foot :])

    # -- maps and lists --------------------------------------------------------------------------------------------

    def _mapping(self, before: Mapping[Any, Any], after: Mapping[Any, Any], indent: int, depth: int) -> list[Row]:
        named: list[tuple[str, Entry]] = []
        hidden = 0
        for key in _sorted_keys({**before, **after}):
            live, desired = before.get(key, ABSENT), after.get(key, ABSENT)
            if _is_foldable(live, desired):
                hidden += 1
            else:
                named.append((_key(key), self.difference(live, desired, indent, depth)))
        removed = [key for key, entry in named if entry.symbol == "-"]
        if look_alike(removed, (key for key, entry in named if entry.symbol == "+"), str):
            named = [(ascii_escaped(key), entry) for key, entry in named]
        return [*self.attribute_rows(named, indent), *self.fold(hidden, "attribute", indent)]

    def _list(self, before: Sequence[Any], after: Sequence[Any], indent: int, depth: int) -> list[Row]:
        rows: list[Row] = []
        hidden = 0
        for pairs in item_pairs(before, after):
            body = replace(self, ascii_only=self.ascii_only or _has_look_alikes(pairs))
            for live, desired in pairs:
                if _is_foldable(live, desired):
                    hidden += 1
                    continue
                rows += self.fold(hidden, "element", indent)
                hidden = 0
                entry = body.difference(live, desired, indent, depth)
                # An element that goes away doesn't become null, as a field does.
                parts = entry.parts[:1] if desired is ABSENT else entry.parts
                rows += self._entry_rows("", replace(entry, parts=parts), indent, ",")
        return rows + self.fold(hidden, "element", indent)


def _key(key: object) -> str:
    if not isinstance(key, str):
        return str(key)
    return key if _BARE_KEY.fullmatch(key) else quoted(key)


def _sorted_keys(keys: Iterable[Any]) -> list[Any]:
    return sorted(keys, key=lambda key: (str(key), type(key).__name__))


def _is_foldable(before: object, after: object) -> bool:
    """Whether nothing differs, and the server masks nothing inside."""
    if before is ABSENT or after is ABSENT or not same(before, after):
        return False
    return not any(isinstance(leaf, Secret) and leaf.is_mask for _, leaf in leaves(before))


def _has_look_alikes(pairs: Pairs) -> bool:
    """Whether a removed text looks like an added one."""
    removed = (live for live, desired in pairs if desired is ABSENT and isinstance(live, str))
    added = (desired for live, desired in pairs if live is ABSENT and isinstance(desired, str))
    return look_alike(removed, added, quoted)
