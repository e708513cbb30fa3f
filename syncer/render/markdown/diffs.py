"""The folded diffs of a plan's models, as many and as long as a budget allows. Pure."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from syncer.render.effects import consequences, feeds, feeds_line
from syncer.render.escaping import code, fenced, html_text
from syncer.render.markdown.blocks import LONGEST_PATH, byte_size, joined, linked
from syncer.render.plan_table import opens_diffs, shared_consequences, shown_lines, titled
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from syncer.render.links import Links
    from syncer.render.plan_table import ModelRow

_FEWEST: Final = 160
"""The smallest allowance that is worth a diff, in bytes."""

_FAIR: Final = 1_000
"""The allowance where not all models have a diff, in bytes."""

_show: Final = partial(code, most=LONGEST_PATH)


class FoldedDiff:
    """The folded diff of one model, or of several with the same change. Its lines are computed only if asked for."""

    def __init__(
        self, rows: Sequence[ModelRow], links: Links, *, title: str, is_open: bool, is_reversed: bool, has_id: bool
    ) -> None:
        self.count = len(rows)
        self._rows = rows
        self._links = links
        self._title = title
        self._is_open = is_open
        self._is_reversed = is_reversed
        self._has_id = has_id

    @cached_property
    def _lines(self) -> list[str]:
        return [str(line) for line in shown_lines(self._rows, is_reversed=self._is_reversed)]

    @cached_property
    def _sizes(self) -> list[int]:
        return _sizes(self._lines)

    @cached_property
    def _head(self) -> tuple[str, str, str]:
        """The title, the summary, and what the change does beyond the model."""
        row = self._rows[0]
        named = f"<code>{html_text(row.address)}</code>"
        if self.count > 1:
            named = f"{self.count} models · <code>{html_text(row.fields[0].path)}</code>"
        opening = "<details open>" if self._is_open else "<details>"
        summary = f"{row.change.action.value} {named} · {counted(len(self._lines), 'line')}"
        effects = _effects(row) if self.count == 1 else shared_consequences(self._rows, _show)
        return self._title, f"{opening}<summary>{summary}</summary>", effects

    @cached_property
    def _models(self) -> list[str]:
        """What is live of the model: a sentence of one, a list of several."""
        if self.count > 1:
            return [self._item(row) for row in self._rows]
        live = self._live(self._rows[0])
        return [f"{live[:1].upper()}{live[1:]}."] if live else []

    def _item(self, row: ModelRow) -> str:
        told = "; ".join(filter(None, [self._live(row), feeds_line(row.effect, _show)]))
        return f"- {code(row.address)}: {told}" if told else f"- {code(row.address)}"

    def _live(self, row: ModelRow) -> str:
        change = row.change
        if change.is_creation:
            return "a new model: its id is known after the apply"
        link = linked(str(change.id), self._links.model(change))
        return f"live model {link}, {code(change.live.name, LONGEST_PATH)}" if self._has_id else ""

    def render(self, allowance: int) -> str:
        """The diff's first lines: whole ones, of at most `allowance` bytes in all; so with the list of its models."""
        lines = self._lines[: bisect_right(self._sizes, allowance)]
        left = len(self._lines) - len(lines)
        note = f"_{left} of {counted(len(self._lines), 'diff line')} left out here._" if left else ""
        models = self._models
        if self.count > 1:
            models = models[: bisect_right(_sizes(models), allowance)]
            rest = self.count - len(models)
            models += [f"- {counted(rest, 'more model')}"] if rest else []
        title, summary, effects = self._head
        shown = fenced(lines, "diff") if lines else ""
        return joined(title, summary, "\n".join(models), effects, shown, note, "</details>")


def folded_diffs(rows: Sequence[ModelRow], links: Links, *, is_reversed: bool, has_id: bool) -> list[FoldedDiff]:
    """A folded diff for each model, or for models with the same change; a title begins each of several groups."""
    is_open = opens_diffs(rows)
    return [
        FoldedDiff(
            some,
            links,
            title=f"**{title}**" if title else "",
            is_open=is_open,
            is_reversed=is_reversed,
            has_id=has_id,
        )
        for title, some in titled(rows)
    ]


def _sizes(lines: Iterable[str]) -> list[int]:
    """How many bytes the first line takes, the first two lines, and so on."""
    return list(accumulate(byte_size(line) + 1 for line in lines))


def _effects(row: ModelRow) -> str:
    """What the change does beyond the model: its columns, the syncs that it feeds, and what it means for them."""
    if row.effect is None:
        return ""
    listed = "\n".join(f"- {one}" for one in feeds(row.effect, _show))
    return joined(consequences(row.change, row.effect, _show), f"Feeds:\n{listed}" if listed else "")


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
        models = sum(diff.count for diff in diffs[count:])
        return note(f"The diffs of the last {counted(models, 'model')} don't fit in here", "they are")

    count = _fitting(diffs, _FAIR, budget - byte_size(laid_out(0, without(0), 0)))
    if count:
        yield laid_out(_FAIR, without(count), count)


def _fitting(diffs: Iterable[FoldedDiff], allowance: int, room: int) -> int:
    """How many diffs fit, from the first on. The lines of the others aren't computed."""
    count = 0
    for diff in diffs:
        room -= byte_size(diff.render(allowance)) + len("\n\n")
        if room < 0:
            break
        count += 1
    return count
