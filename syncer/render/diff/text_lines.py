"""Texts of several lines: their lines, and in words what differs between two of them without being seen. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import partial
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.render.text import look_alike, visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

AROUND: Final = 30
"""Unchanged characters shown on each side of what differs in a very long line."""

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")
_MANY_WORDS: Final = 2_000
"""How many words of a line are compared one by one: it takes a time that grows with the square."""
_MANY_PARTS: Final = 12
"""How many parts of a line are shown apart."""


class TextLines(NamedTuple):
    """A text as lines without their ends. `ends` is LF, CRLF, mixed (then a CR stays in its line), or empty."""

    lines: list[str]
    ends: str
    is_final: bool
    """Whether it ends in a line end."""
    bare: list[str]
    """The lines without any CR at their end."""
    words: str
    """The text without white space."""


def split_text(text: str) -> TextLines:
    r"""The text as lines.

    >>> split_text("a\r\nb")
    TextLines(lines=['a', 'b'], ends='CRLF', is_final=False, bare=['a', 'b'], words='ab')
    """
    is_final = text.endswith("\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    bare = [line.removesuffix("\r") for line in lines]
    ended = lines if is_final else lines[:-1]
    returns = sum(line.endswith("\r") for line in ended)
    ends = "" if not ended else "LF" if not returns else "CRLF" if returns == len(ended) else "mixed"
    if ends == "CRLF":
        # A normal form has lost a final LF, and its CR is still there.
        is_final = is_final or lines[-1].endswith("\r")
        lines = bare
    return TextLines(lines, ends, is_final, bare, "".join(text.split()))


def is_multiline(text: str) -> bool:
    """Whether a text has more than one line."""
    return "\n" in text.removesuffix("\n")


def unseen_differences(before: TextLines, after: TextLines) -> str:
    """What the shown lines hide: `whitespace only`, `line ends only: CRLF -> LF`, `final newline added`."""
    found = []
    if before.bare != after.bare and before.words == after.words:
        found.append("whitespace only")
    if before.ends and after.ends and before.ends != after.ends:
        found.append(f"line ends{' only' if before.bare == after.bare else ''}: {before.ends} -> {after.ends}")
    if before.is_final != after.is_final and before.lines and after.lines:
        found.append(f"final newline {'added' if after.is_final else 'removed'}")
    return ", ".join(found)


def distinct_lines(removed: Sequence[str], added: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines of both sides as shown, with blanks or non-ASCII as escapes where two would look the same otherwise."""
    surest = partial(visible_line, blanks=True, ascii_only=True)
    show = next(
        (way for way in (visible_line, partial(visible_line, blanks=True)) if not look_alike(removed, added, way)),
        surest,
    )
    return [show(line) for line in removed], [show(line) for line in added]


class Stretch(NamedTuple):
    """A part of two long lines that differs, with unchanged characters around; `hidden` are left out before it."""

    hidden: int
    before: str
    after: str


def common_ends(before: str, after: str) -> tuple[int, int]:
    """How many characters two texts have in common at their beginning, and behind that at their end."""
    head = sum(1 for _ in takewhile(bool, map(str.__eq__, before, after)))
    rest = min(len(before), len(after)) - head
    tail = sum(
        1 for _, _ in zip(range(rest), takewhile(bool, map(str.__eq__, before[::-1], after[::-1])), strict=False)
    )
    return head, tail


def differing_parts(before: str, after: str) -> tuple[list[Stretch], int]:
    """The parts of two long lines that differ, each with 30 characters around, and how many are left out at the end.

    Words are compared, up to a bound; where there are more, or nearly all differ, it's one part from the first
    difference to the last.

    >>> differing_parts("x" * 100 + "old" + "y" * 100, "x" * 100 + "new" + "y" * 100)[0][0].hidden
    70
    """
    head, tail = common_ends(before, after)
    spans = _differing_words(before[head : len(before) - tail], after[head : len(after) - tail])
    places = [(head + a, head + b, head + c, head + d) for a, b, c, d in spans]
    stretches: list[Stretch] = []
    shown = 0
    for start, end, other, last in places:
        lead = min(AROUND, start - shown)
        room = min(AROUND, *(next_ - end for next_, *_ in places if next_ > end), len(before) - end)
        room = min(room, len(after) - last)
        hidden = start - lead - shown
        stretches.append(Stretch(hidden, before[start - lead : end + room], after[other - lead : last + room]))
        shown = end + room
    return stretches, len(before) - shown


def _differing_words(before: str, after: str) -> list[tuple[int, int, int, int]]:
    """Where two texts differ: from and to in each. Differences that stand close together are one."""
    whole = [(0, len(before), 0, len(after))]
    old, new = _WORD.findall(before), _WORD.findall(after)
    if len(old) > _MANY_WORDS or len(new) > _MANY_WORDS:
        return whole
    ends = [list(accumulate(map(len, words), initial=0)) for words in (old, new)]
    found: list[tuple[int, int, int, int]] = []
    for kind, *span in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        a, b, c, d = (ends[side // 2][place] for side, place in enumerate(span))
        if found and a - found[-1][1] <= 2 * AROUND:
            found[-1] = (found[-1][0], b, found[-1][2], d)
        else:
            found.append((a, b, c, d))
    return found if len(found) <= _MANY_PARTS else whole
