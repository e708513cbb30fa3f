"""The lines between the braces of a changed model: what differs, nested as the values are, the rest folded. Pure.

They are `Row`s, because a terminal and a diff put the symbol in different places. They are made of the whole values
before and after, not of the field changes, because a fold counts what stays, and because an inserted element must not
mark all later ones as changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from syncer.model import ABSENT, leaves
from syncer.plan.diff import same
from syncer.render.diff.list_items import item_pairs
from syncer.render.diff.rows import STEP, Entry, Part, Row, arrow, fold
from syncer.render.diff.text_lines import is_multiline, split_text
from syncer.render.diff.texts import text_entry
from syncer.render.text import ascii_escaped, cells, look_alike, quoted, visible_line
from syncer.secrets import SENSITIVE, Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import Path
    from syncer.plan.diff import FieldChange
    from syncer.plan.planner import Change
    from syncer.render.diff.list_items import Pairs
    from syncer.render.style import Style

DEEPEST: Final = 20
"""How many levels of nesting are shown; of deeper ones only that they differ."""

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_WIDEST_KEY: Final = 40
"""Keys up to this many cells stand in one column."""

_TOO_DEEP: Final = Part(f"(nested deeper than {DEEPEST} levels)")


def change_rows(change: Change, style: Style) -> list[Row]:
    """A change's attributes: id and name, then what differs by name, then how many stay as they are."""
    layout = ValueLayout(style)
    changed = change.changed
    # An offline plan knows no id where the file has none.
    named = [("id", layout.unchanged(change.id, 8))] if change.id else []
    if change.is_creation:
        named = [("id", Entry("+", (Part("(known after apply)"),)))]
    if "name" not in changed:
        named.append(("name", layout.unchanged(change.live.name, 8)))
    for field in sorted(changed, key=lambda field: (field != "name", field)):
        before = change.live.fields.get(field, ABSENT)
        named.append((field, layout.difference(before, change.after.get(field, ABSENT), 8, 0)))
    hidden = len(change.after.keys() - {*changed, "name"})
    return [*layout.attribute_rows(named, 8), *fold(hidden, "attribute", 8, style)]


def field_rows(fields: Sequence[FieldChange], style: Style, indent: int) -> list[Row]:
    """Field changes on their own, each under its whole path."""
    layout = ValueLayout(style)
    return layout.attribute_rows(
        [(path_text(field.path), layout.difference(field.before, field.after, indent, 0)) for field in fields], indent
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
            return text_entry(before, after, indent, self.style, ascii_only=self.ascii_only)
        symbol = "" if same(before, after) else "~"
        if isinstance(before, Mapping) and isinstance(after, Mapping) and (before or after):
            if depth < DEEPEST:
                return Entry(symbol, (Part("{", self._mapping(before, after, indent + STEP, depth + 1), "}"),))
            return Entry(symbol, (_TOO_DEEP,), "changed" if symbol else "")
        if isinstance(before, list) and isinstance(after, list) and (before or after):
            if depth < DEEPEST:
                return Entry(symbol, (Part("[", self._list(before, after, indent + STEP, depth + 1), "]"),))
            return Entry(symbol, (_TOO_DEEP,), "changed" if symbol else "")
        parts = (self.in_full(before, "-", indent, depth), arrow(self.style), self.in_full(after, "+", indent, depth))
        return Entry(symbol, parts)

    def in_full(self, value: object, symbol: str, indent: int, depth: int) -> Part:
        """A value in full. Its inner lines have the symbol."""
        inner = indent + STEP
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

    @property
    def _null(self) -> Part:
        return Part(self.style.paint("faint", "null"))

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
        return Entry("-", (whole,) if before is None else (whole, arrow(self.style), self._null))

    def _sensitive(self, before: object, after: object) -> Entry:
        """Both sides hidden, but for null: that nothing is set is no secret."""
        if isinstance(before, Secret) and before.is_mask:
            return Entry("", (Part(SENSITIVE),), "masked by the server, so it can't be compared")
        if before is None or after is None:
            sides = [self._null if side is None else Part(SENSITIVE) for side in (before, after)]
            return Entry("~", (sides[0], arrow(self.style), sides[1]))
        return Entry("~", (Part(SENSITIVE),), "changed")

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
        return [*self.attribute_rows(named, indent), *fold(hidden, "attribute", indent, self.style)]

    def _list(self, before: Sequence[Any], after: Sequence[Any], indent: int, depth: int) -> list[Row]:
        rows: list[Row] = []
        hidden = 0
        for pairs in item_pairs(before, after):
            layout = replace(self, ascii_only=self.ascii_only or _has_look_alikes(pairs))
            for live, desired in pairs:
                if _is_foldable(live, desired):
                    hidden += 1
                    continue
                rows += fold(hidden, "element", indent, self.style)
                hidden = 0
                entry = layout.difference(live, desired, indent, depth)
                # An element that goes away doesn't become null, as a field does.
                parts = entry.parts[:1] if desired is ABSENT else entry.parts
                rows += self._entry_rows("", replace(entry, parts=parts), indent, ",")
        return rows + fold(hidden, "element", indent, self.style)


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
