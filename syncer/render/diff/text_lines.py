"""Texts of several lines: what differs between two of them, and in words what lines can't show. Pure."""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.render.text import mistakable, spelt

if TYPE_CHECKING:
    from collections.abc import Sequence

AROUND: Final = 30
"""Unchanged characters shown on each side of what differs in a very long line."""


class Text(NamedTuple):
    """A text in lines without their ends; `ends` is LF, CRLF, mixed (then a CR stays in its line), or none."""

    lines: list[str]
    ends: str
    is_final: bool
    """Whether it ends in a line end."""
    bare: list[str]
    """The lines without any CR at their end."""
    words: str
    """All of it but white space."""


def split(text: str) -> Text:
    r"""The text taken apart.

    >>> split("a\r\nb")
    Text(lines=['a', 'b'], ends='CRLF', is_final=False, bare=['a', 'b'], words='ab')
    """
    is_final = text.endswith("\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    bare = [line.removesuffix("\r") for line in lines]
    ended = lines if is_final else lines[:-1]
    returns = sum(line.endswith("\r") for line in ended)
    ends = "" if not ended else "LF" if not returns else "CRLF" if returns == len(ended) else "mixed"
    if ends == "CRLF":
        # Normal form takes a final LF off and leaves its CR.
        is_final = is_final or lines[-1].endswith("\r")
        lines = bare
    return Text(lines, ends, is_final, bare, "".join(text.split()))


def is_long(text: str) -> bool:
    """Whether a text has more than one line."""
    return "\n" in text.removesuffix("\n")


def notes(before: Text, after: Text) -> str:
    """What the lines alone don't show: `whitespace only`, `line ends only: CRLF -> LF`, `final newline added`."""
    found = []
    if before.bare != after.bare and before.words == after.words:
        found.append("whitespace only")
    if before.ends and after.ends and before.ends != after.ends:
        found.append(f"line ends{' only' if before.bare == after.bare else ''}: {before.ends} -> {after.ends}")
    if before.is_final != after.is_final and before.lines and after.lines:
        found.append(f"final newline {'added' if after.is_final else 'removed'}")
    return ", ".join(found)


def told_apart(removed: Sequence[str], added: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both sides as shown; with blanks, or all beyond ASCII, written out where a line would look like another."""
    surest = partial(spelt, blanks=True, ascii_only=True)
    show = next((way for way in (spelt, partial(spelt, blanks=True)) if not mistakable(removed, added, way)), surest)
    return [show(line) for line in removed], [show(line) for line in added]


def narrowed(before: str, after: str) -> tuple[int, str, str, int]:
    """The parts of two long lines that differ, with some around them, and how many characters are left off each side.

    >>> narrowed("x" * 100 + "old" + "y" * 100, "x" * 100 + "new" + "y" * 100)[0]
    70
    """
    head = sum(1 for _ in takewhile(bool, map(str.__eq__, before, after)))
    rest = min(len(before), len(after)) - head
    tail = sum(
        1 for _, _ in zip(range(rest), takewhile(bool, map(str.__eq__, before[::-1], after[::-1])), strict=False)
    )
    head, tail = max(head - AROUND, 0), max(tail - AROUND, 0)
    return head, before[head : len(before) - tail], after[head : len(after) - tail], tail
