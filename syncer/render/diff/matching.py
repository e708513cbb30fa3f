"""Which elements of two sequences are the same, in nearly linear time: a patience diff. Pure.

Equal ends are cut off. Elements that occur equally often on both sides, in the same order, are anchors. The gaps
between the anchors are treated likewise. difflib gets what is left in small gaps alone, because it takes quadratic
time: many seconds for a changed query of 5,000 lines. A large gap without anchors counts as replaced, which is right,
though longer than it need be.
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


class Stretch(NamedTuple):
    """A stretch of both sequences that is the same, or differs; the indices on each side."""

    is_same: bool
    before: range
    after: range


def match_sequences(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Stretch]:
    """Stretches that cover both sequences in order. Same and different ones alternate."""
    stretches: list[Stretch] = []
    b = a = 0
    for i, j in sorted(_equal_elements(before, after)):
        if b < i or a < j:
            stretches.append(Stretch(False, range(b, i), range(a, j)))
        begun = stretches.pop() if stretches and stretches[-1].is_same else Stretch(True, range(i, i), range(j, j))
        stretches.append(Stretch(True, range(begun.before.start, i + 1), range(begun.after.start, j + 1)))
        b, a = i + 1, j + 1
    if b < len(before) or a < len(after):
        stretches.append(Stretch(False, range(b, len(before)), range(a, len(after))))
    return stretches


def _equal_elements(before: Sequence[Hashable], after: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """The indices of elements that are the same, unsorted. Sorted, they increase on both sides."""
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
    """The longest chain of elements that occur once on each side; where there are none, equally often."""
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
