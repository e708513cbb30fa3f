"""Which elements of two lists stand side by side: an inserted element must not mark all later ones as changed. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from syncer.model import ABSENT
from syncer.plan.diff import same
from syncer.render.diff.matching import match_sequences
from syncer.render.diff.text_lines import is_multiline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AREA: Final = 400
"""The area (length by length) of a replaced stretch up to which the most similar elements are looked for."""

Pairs: TypeAlias = list[tuple[Any, Any]]


def item_pairs(before: Sequence[Any], after: Sequence[Any]) -> Iterator[Pairs]:
    """The elements side by side, stretch by stretch, with `ABSENT` beside one that stands alone.

    >>> list(item_pairs([1, 2, 3], [1, 9, 3]))
    [[(1, 1)], [(2, <Absent.ABSENT: 'absent'>), (<Absent.ABSENT: 'absent'>, 9)], [(3, 3)]]
    """
    for stretch in match_sequences([_hashable(item) for item in before], [_hashable(item) for item in after]):
        old, new = [before[i] for i in stretch.before], [after[i] for i in stretch.after]
        if stretch.is_same:
            yield list(zip(old, new, strict=True))
        else:
            yield _with_unpaired(
                old, new, _best_pairs(old, new) if len(old) * len(new) <= _AREA else _pairs_by_index(old, new)
            )


def _with_unpaired(before: Sequence[Any], after: Sequence[Any], indices: Sequence[tuple[int, int]]) -> Pairs:
    """The pairs at these indices, and before each the elements that have no partner, the removed ones first."""
    pairs: Pairs = []
    i = j = 0
    for i_next, j_next in indices:
        pairs += [(item, ABSENT) for item in before[i:i_next]]
        pairs += [(ABSENT, item) for item in after[j:j_next]]
        pairs.append((before[i_next], after[j_next]))
        i, j = i_next + 1, j_next + 1
    return [*pairs, *((item, ABSENT) for item in before[i:]), *((ABSENT, item) for item in after[j:])]


def _hashable(value: object) -> Hashable:
    """A hashable stand-in for the value; those of `1`, `1.0` and `True` differ."""
    if isinstance(value, Mapping):
        return "map", frozenset((key, _hashable(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "list", tuple(_hashable(inner) for inner in value)
    return type(value), value


def _best_pairs(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """The indices of the pairs, increasing on both sides, that have most in common."""
    # best[i][j]: how much before[i:] and after[j:] can have in common, and the step that leads there.
    best: list[list[tuple[float, tuple[int, int]]]]
    best = [[(0.0, (0, 0))] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            options = [(best[i + 1][j][0], (1, 0)), (best[i][j + 1][0], (0, 1))]
            if likeness := _similarity(before[i], after[j]):
                options.append((best[i + 1][j + 1][0] + likeness, (1, 1)))
            best[i][j] = max(options)
    indices = []
    i = j = 0
    while i < len(before) and j < len(after):
        step = best[i][j][1]
        if step == (1, 1):
            indices.append((i, j))
        i, j = i + step[0], j + step[1]
    return indices


def _pairs_by_index(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    return [(i, i) for i, (old, new) in enumerate(zip(before, after, strict=False)) if _similarity(old, new)]


def _similarity(before: object, after: object) -> float:
    """How much of the two is the same; 0 where a nested difference isn't worth it."""
    if same(before, after):
        # They differ only in what the server masks.
        return 2.0
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before and after:
        kept = sum(same(value, after.get(key, ABSENT)) for key, value in before.items())
        return 0.1 + kept / max(len(before), len(after))
    if isinstance(before, list) and isinstance(after, list) and before and after:
        return 0.1 + sum(map(same, before, after)) / max(len(before), len(after))
    return (
        0.1
        if isinstance(before, str) and isinstance(after, str) and is_multiline(before) and is_multiline(after)
        else 0.0
    )
