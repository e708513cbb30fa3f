"""What a change's block is made of: rows, and the parts that a value is laid out as. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.render.style import Style

STEP: Final = 4
"""How many cells a nested value is indented."""


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


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands after a key: the parts one after the other, then a comment. The symbol is the first line's."""

    symbol: str
    parts: tuple[Part, ...]
    note: str = ""


def arrow(style: Style) -> Part:
    """What stands between the value before and the one after."""
    return Part(f" {style.paint('arrow', '->')} ")


def comment(text: str, indent: int, style: Style) -> Row:
    """A row of our own words."""
    return Row("", indent, style.paint("faint", f"# {text}"))


def fold(hidden: int, noun: str, indent: int, style: Style) -> list[Row]:
    """`# (4 unchanged attributes hidden)`, or nothing where nothing is."""
    return [comment(f"({counted(hidden, f'unchanged {noun}')} hidden)", indent, style)] if hidden else []
