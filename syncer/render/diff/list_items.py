"""Which elements of two lists belong side by side, so that one put in front doesn't mark all later ones. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from syncer.model import ABSENT
from syncer.plan.diff import same
from syncer.render.diff.matching import align
from syncer.render.diff.text_lines import is_long

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AREA: Final = 400
"""The area (length by length) of a replaced stretch up to which the likest elements are sought."""

Pairs: TypeAlias = list[tuple[Any, Any]]


def paired(before: Sequence[Any], after: Sequence[Any]) -> Iterator[Pairs]:
    """The elements side by side, stretch by stretch; `ABSENT` beside one that stands alone.

    >>> list(paired([1, 2, 3], [1, 9, 3]))
    [[(1, 1)], [(2, <Absent.ABSENT: 'absent'>), (<Absent.ABSENT: 'absent'>, 9)], [(3, 3)]]
    """
    for run in align([_frozen(item) for item in before], [_frozen(item) for item in after]):
        old, new = [before[i] for i in run.before], [after[i] for i in run.after]
        if run.is_same:
            yield list(zip(old, new, strict=True))
        else:
            yield _coupled(old, new, _likest(old, new) if len(old) * len(new) <= _AREA else _in_order(old, new))


def _coupled(before: Sequence[Any], after: Sequence[Any], couples: Sequence[tuple[int, int]]) -> Pairs:
    """The couples, and in front of each the elements that have none: the removed ones first."""
    pairs: Pairs = []
    i = j = 0
    for i_next, j_next in couples:
        pairs += [(item, ABSENT) for item in before[i:i_next]]
        pairs += [(ABSENT, item) for item in after[j:j_next]]
        pairs.append((before[i_next], after[j_next]))
        i, j = i_next + 1, j_next + 1
    return [*pairs, *((item, ABSENT) for item in before[i:]), *((ABSENT, item) for item in after[j:])]


def _frozen(value: object) -> Hashable:
    """A value to be looked up by; `1`, `1.0` and `True` are three."""
    if isinstance(value, Mapping):
        return "map", frozenset((key, _frozen(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "list", tuple(_frozen(inner) for inner in value)
    return type(value), value


def _likest(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """The couples, in order on both sides, that have most in common."""
    # best[i][j]: how much before[i:] and after[j:] can have in common, and the step that leads there.
    best: list[list[tuple[float, tuple[int, int]]]]
    best = [[(0.0, (0, 0))] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            options = [(best[i + 1][j][0], (1, 0)), (best[i][j + 1][0], (0, 1))]
            if likeness := _likeness(before[i], after[j]):
                options.append((best[i + 1][j + 1][0] + likeness, (1, 1)))
            best[i][j] = max(options)
    couples = []
    i = j = 0
    while i < len(before) and j < len(after):
        step = best[i][j][1]
        if step == (1, 1):
            couples.append((i, j))
        i, j = i + step[0], j + step[1]
    return couples


def _in_order(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    return [(i, i) for i, (old, new) in enumerate(zip(before, after, strict=False)) if _likeness(old, new)]


def _likeness(before: object, after: object) -> float:
    """0 for what isn't worth a nested difference, else how much of the two is the same."""
    if same(before, after):
        # They differ in what the server masks alone.
        return 2.0
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before and after:
        kept = sum(same(value, after.get(key, ABSENT)) for key, value in before.items())
        return 0.1 + kept / max(len(before), len(after))
    if isinstance(before, list) and isinstance(after, list) and before and after:
        return 0.1 + sum(map(same, before, after)) / max(len(before), len(after))
    return 0.1 if isinstance(before, str) and isinstance(after, str) and is_long(before) and is_long(after) else 0.0
