"""Which elements of two sequences belong together, in nearly linear time. Pure.

Equal ends are cut off, then the elements that occur equally often on both sides and in the same order are taken as
anchors, and so on between the anchors (a patience diff). difflib sees only what is left in small gaps: its time grows
with the square, and a changed 5,000-line query would take it many seconds. A large gap without any anchor counts as
replaced as a whole, which is always right, if longer than need be.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

_SMALL: Final = 40_000
"""The area (length by length) of a gap up to which difflib is quick."""

_ROUNDS: Final = 12
"""How often a gap is looked through for new anchors: each round costs time in proportion to the whole."""


class Run(NamedTuple):
    """A stretch that is the same on both sides, or differs; half-open ranges of the indices on each."""

    is_same: bool
    before: range
    after: range


def align(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Run]:
    """Runs that cover both sequences in order; same and different ones alternate."""
    runs: list[Run] = []
    b = a = 0
    for i, j in sorted(_pairs(before, after)):
        if b < i or a < j:
            runs.append(Run(False, range(b, i), range(a, j)))
        begun = runs.pop() if runs and runs[-1].is_same else Run(True, range(i, i), range(j, j))
        runs.append(Run(True, range(begun.before.start, i + 1), range(begun.after.start, j + 1)))
        b, a = i + 1, j + 1
    if b < len(before) or a < len(after):
        runs.append(Run(False, range(b, len(before)), range(a, len(after))))
    return runs


def _pairs(before: Sequence[Hashable], after: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """The indices of elements that belong together, increasing on both sides, in no order."""
    gaps = [(0, len(before), 0, len(after), _ROUNDS)]
    while gaps:
        b, b_end, a, a_end, rounds = gaps.pop()
        while b < b_end and a < a_end and before[b] == after[a]:
            yield b, a
            b, a = b + 1, a + 1
        while b < b_end and a < a_end and before[b_end - 1] == after[a_end - 1]:
            b_end, a_end = b_end - 1, a_end - 1
            yield b_end, a_end
        if b == b_end or a == a_end:
            continue
        anchors = _anchors(before[b:b_end], after[a:a_end]) if rounds else []
        if anchors:
            for b_anchor, a_anchor in anchors:
                yield b + b_anchor, a + a_anchor
            starts = [(b, a), *((b + i + 1, a + j + 1) for i, j in anchors)]
            ends = [*((b + i, a + j) for i, j in anchors), (b_end, a_end)]
            gaps += [(i, i_end, j, j_end, rounds - 1) for (i, j), (i_end, j_end) in zip(starts, ends, strict=True)]
        elif (b_end - b) * (a_end - a) <= _SMALL:
            for block in SequenceMatcher(None, before[b:b_end], after[a:a_end], autojunk=False).get_matching_blocks():
                yield from ((b + block.a + step, a + block.b + step) for step in range(block.size))


def _anchors(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The longest chain of elements that occur equally often on both sides; those that occur once, if there are any."""
    counts, others = Counter(before), Counter(after)
    stable = {element for element, count in counts.items() if others[element] == count}
    once = {element for element in stable if counts[element] == 1}
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, element in enumerate(after):
        places[element].append(index)
    seen: Counter[Hashable] = Counter()
    found = []
    for index, element in enumerate(before):
        if element in (once or stable):
            found.append((index, places[element][seen[element]]))
            seen[element] += 1
    return _increasing(found)


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest chain of the pairs (increasing on the left) that increases on the right as well."""
    tails: list[int] = []
    chain: list[int] = []
    previous: list[int] = []
    for index, (_, right) in enumerate(pairs):
        place = bisect_left(tails, right)
        tails[place : place + 1] = [right]
        chain[place : place + 1] = [index]
        previous.append(chain[place - 1] if place else -1)
    longest = []
    index = chain[-1] if chain else -1
    while index >= 0:
        longest.append(pairs[index])
        index = previous[index]
    return longest[::-1]
