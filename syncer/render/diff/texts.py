"""Two texts as the entry of a changed field: beside each other, or as a diff of lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.render.diff.matching import match_sequences
from syncer.render.diff.rows import STEP, Entry, Part, Row, arrow, comment, fold
from syncer.render.diff.text_lines import (
    common_ends,
    differing_parts,
    distinct_lines,
    is_multiline,
    split_text,
    unseen_differences,
)
from syncer.render.text import cells, counted, look_alike, quoted, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.render.style import Style

CONTEXT: Final = 3
"""Unchanged lines shown around a changed one."""


def text_entry(before: str, after: str, indent: int, style: Style, *, ascii_only: bool) -> Entry:
    """Two texts beside each other, or a diff of their lines. With `ascii_only` short ones show non-ASCII as escapes."""
    # Where both don't fit in one row, one stands below the other.
    room = style.width - indent if before and after else 2 * style.width
    if is_multiline(before) or is_multiline(after) or len(before) + len(after) > room:
        return _line_diff(before, after, indent, style)
    said = unseen_differences(split_text(before), split_text(after))
    if look_alike([before], [after], quoted):
        sides = [quoted(side, ascii_only=True) for side in (before, after)]
        said = "Unicode form only"
    else:
        sides = [quoted(side, ascii_only=ascii_only) for side in (before, after)]
    return Entry("~", (Part(sides[0]), arrow(style), Part(sides[1])), said)


def _line_diff(before: str, after: str, indent: int, style: Style) -> Entry:
    """A diff of lines. An empty text has no line, so it stands as `""` beside the diff."""
    old, new = split_text(before), split_text(after)
    said = unseen_differences(old, new)
    rows = _line_rows(old.lines, new.lines, indent + STEP, style)
    if old.ends != new.ends and not any(row.symbol for row in rows):
        rows = [comment(f"({counted(len(old.lines), 'line')}, the same but for their ends)", indent + STEP, style)]
    opening = "<<-EOT" + (f" {style.paint('faint', f'# {said}')}" if said else "")
    parts = [Part(opening, rows, "EOT")]
    if not before:
        parts[:0] = [Part('""'), arrow(style)]
    if not after:
        parts += [arrow(style), Part('""')]
    return Entry("~", tuple(parts))


def _line_rows(before: Sequence[str], after: Sequence[str], indent: int, style: Style) -> list[Row]:
    rows: list[Row] = []
    stretches = match_sequences(before, after)
    for index, one in enumerate(stretches):
        if not one.is_same:
            rows += _changed_lines([before[i] for i in one.before], [after[i] for i in one.after], indent, style)
            continue
        head = CONTEXT if index else 0
        foot = CONTEXT if index < len(stretches) - 1 else 0
        rows += _unchanged_lines([before[i] for i in one.before], head, foot, indent, style)
    return rows


def _changed_lines(removed: list[str], added: list[str], indent: int, style: Style) -> list[Row]:
    """The removed and the added lines; of very long ones that stand for each other only the parts that differ."""
    longest = 2 * style.width
    if len(removed) != len(added) or all(len(line) <= longest for line in (*removed, *added)):
        return _signed(removed, added, indent)
    rows: list[Row] = []
    short: tuple[list[str], list[str]] = ([], [])
    for before, after in zip(removed, added, strict=True):
        if min(len(before), len(after)) <= longest:
            short[0].append(before)
            short[1].append(after)
            continue
        rows += _signed(*short, indent)
        short = ([], [])
        parts, rest = differing_parts(before, after)
        for part in parts:
            rows += fold(part.hidden, "character", indent, style)
            rows += _signed([part.before], [part.after], indent, room=style.width - indent)
        rows += fold(rest, "character", indent, style)
    return [*rows, *_signed(*short, indent)]


def _signed(removed: list[str], added: list[str], indent: int, *, room: int = 0) -> list[Row]:
    """The lines of both sides with their signs; where there is `room`, `^` below the second says where it differs."""
    shown = distinct_lines(removed, added)
    rows = [Row(symbol, indent, line) for symbol, lines in zip("-+", shown, strict=True) for line in lines]
    return [*rows, *_carets(shown[0][0], shown[1][0], indent, room)] if room else rows


def _carets(before: str, after: str, indent: int, room: int) -> list[Row]:
    """A row of `^` below what differs in the second of two lines, or below what follows a gap there."""
    head, tail = common_ends(before, after)
    width = max(cells(after[head : len(after) - tail]), 1)
    start = cells(after[:head])
    return [Row("", indent, " " * start + "^" * width)] if start + width <= room else []


def _unchanged_lines(lines: Sequence[str], head: int, foot: int, indent: int, style: Style) -> Iterator[Row]:
    hidden = len(lines) - head - foot
    if hidden <= 1:
        # Saying that one line is hidden takes as much room as the line.
        head, hidden = len(lines), 0
    yield from (Row("", indent, visible_line(line)) for line in lines[:head])
    if hidden:
        yield from fold(hidden, "line", indent, style)
        yield from (Row("", indent, visible_line(line)) for line in lines[len(lines) - foot :])
