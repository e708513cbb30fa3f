"""The folded diffs of a plan's models, as many and as long as a budget allows. Pure."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from syncer.render.diff.hunks import change_lines
from syncer.render.effects import consequences, feeds
from syncer.render.escaping import code, fenced, html_text
from syncer.render.markdown.blocks import LONGEST_PATH, byte_size, joined
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from syncer.render.plan_table import ModelRow

_FEWEST: Final = 160
"""The smallest allowance that is worth a diff, in bytes."""

_FAIR: Final = 1_000
"""The allowance where not all models have a diff, in bytes."""


class FoldedDiff:
    """One model's folded diff. Its lines are computed once, and only if they're asked for."""

    def __init__(self, row: ModelRow, *, is_reversed: bool, has_id: bool) -> None:
        self._row = row
        self._is_reversed = is_reversed
        self._has_id = has_id

    @cached_property
    def _lines(self) -> list[str]:
        change = self._row.change
        shown = change.reversed if self._is_reversed else change
        return [str(line) for line in change_lines(shown, self._row.notes)]

    @cached_property
    def _sizes(self) -> list[int]:
        """How many bytes the first line takes, the first two lines, and so on."""
        return list(accumulate(byte_size(line) + 1 for line in self._lines))

    @cached_property
    def _head(self) -> tuple[str, str]:
        change = self._row.change
        address = html_text(change.address)
        count = counted(len(self._lines), "line")
        summary = f"<details><summary>{change.action.value} <code>{address}</code> · {count}</summary>"
        live = f"Live model {change.id}, {code(change.live.name, LONGEST_PATH)}." if self._has_id else ""
        live = "A new model: its id is known after the apply." if change.is_creation else live
        return summary, joined(live, _effects(self._row))

    def render(self, allowance: int) -> str:
        """The diff's first lines: whole ones, of at most `allowance` bytes in all."""
        lines = self._lines[: bisect_right(self._sizes, allowance)]
        left = len(self._lines) - len(lines)
        note = f"_{left} of {counted(len(self._lines), 'diff line')} left out here._" if left else ""
        return joined(*self._head, fenced(lines, "diff") if lines else "", note, "</details>")


def _effects(row: ModelRow) -> str:
    """What the change does beyond the model: its columns, the syncs that it feeds, and what it means for them."""
    if row.effect is None:
        return ""
    show = partial(code, most=LONGEST_PATH)
    listed = "\n".join(f"- {one}" for one in feeds(row.effect, show))
    return joined(consequences(row.change, row.effect, show), f"Feeds:\n{listed}" if listed else "")


def pages_with_diffs(
    diffs: Sequence[FoldedDiff], budget: int, page: Callable[[str, str], str], note: Callable[[str, str], str]
) -> Iterator[str]:
    """The pages with diffs that may fit: with whole ones, with shortened ones, with those of the first models.

    `page(diffs, note)` lays out a page. `note(what, missing)` says what doesn't fit and where it is.
    """

    def laid_out(allowance: int, said: str, count: int = len(diffs)) -> str:
        return page(joined(*(diff.render(allowance) for diff in diffs[:count])), said)

    if _fitting(diffs, budget, budget) == len(diffs):
        yield laid_out(budget, "")
    shortened = note("Some diffs don't fit in here and are shortened", "whole they are")
    if _fitting(diffs, _FEWEST, budget - byte_size(laid_out(0, shortened, 0))) == len(diffs):
        low, high = _FEWEST, budget
        while low < high:
            middle = (low + high + 1) // 2
            is_fit = byte_size(laid_out(middle, shortened)) <= budget
            low, high = (middle, high) if is_fit else (low, middle - 1)
        yield laid_out(low, shortened)
        return

    def without(count: int) -> str:
        return note(f"The diffs of the last {counted(count, 'model')} don't fit in here", "they are")

    count = _fitting(diffs, _FAIR, budget - byte_size(laid_out(0, without(len(diffs)), 0)))
    if count:
        yield laid_out(_FAIR, without(len(diffs) - count), count)


def _fitting(diffs: Iterable[FoldedDiff], allowance: int, room: int) -> int:
    """How many diffs fit, from the first on. The lines of the others aren't computed."""
    count = 0
    for diff in diffs:
        room -= byte_size(diff.render(allowance)) + len("\n\n")
        if room < 0:
            break
        count += 1
    return count
