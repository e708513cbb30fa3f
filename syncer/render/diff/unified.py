"""Two texts of a file compared as `diff -u` does it, safe for a terminal. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.render.diff.matching import match_sequences
from syncer.render.diff.text_lines import distinct_lines, split_text
from syncer.render.text import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.render.style import Style

_AROUND: Final = 3
"""Unchanged lines shown around a changed one."""


def unified_diff(path: str, before: bytes, after: bytes, style: Style) -> str:
    """What differs between two texts of a file; line ends and a byte order mark aside."""
    # An import leaves line ends and a byte order mark as they are.
    old_lines, new_lines = (split_text(raw.decode("utf-8-sig", "replace")).bare for raw in (before, after))
    shown = visible(path)
    lines = [style.paint("bold", f"--- {shown}"), style.paint("bold", f"+++ {shown}")]
    for hunk in _hunks(old_lines, new_lines):
        removed = [old_lines[i] for i, _, sign in hunk if sign == "-"]
        added = [new_lines[j] for _, j, sign in hunk if sign == "+"]
        old, new = (iter(side) for side in distinct_lines(removed, added))
        starts = hunk[0][0] + 1, hunk[0][1] + 1
        counts = sum(sign != "+" for *_, sign in hunk), sum(sign != "-" for *_, sign in hunk)
        head = f"@@ -{starts[0]},{counts[0]} +{starts[1]},{counts[1]} @@"
        lines.append(style.paint("note", head))
        for i, _, sign in hunk:
            text = next(old) if sign == "-" else next(new) if sign == "+" else visible_line(old_lines[i])
            lines.append(style.paint(sign, f"{sign}{text}") if sign else f" {text}".rstrip(" "))
    return "\n".join(lines)


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[list[tuple[int, int, str]]]:
    """The stretches that differ, with three lines around: for each line its index on both sides, and its sign."""
    hunk: list[tuple[int, int, str]] = []
    stretches = match_sequences(before, after)
    for number, one in enumerate(stretches):
        if not one.is_same:
            hunk += [(i, one.after.start, "-") for i in one.before]
            hunk += [(one.before.stop, j, "+") for j in one.after]
            continue
        pairs = [(i, j, "") for i, j in zip(one.before, one.after, strict=True)]
        is_last = number == len(stretches) - 1
        if hunk and not is_last and len(pairs) <= 2 * _AROUND:
            hunk += pairs
            continue
        if hunk:
            yield hunk + pairs[:_AROUND]
        hunk = pairs[-_AROUND:] if not is_last else []
    if hunk and any(sign for *_, sign in hunk):
        yield hunk
