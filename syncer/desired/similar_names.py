"""The live models by name, and those whose name is one that somebody may have mistyped. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from syncer.typos import is_slip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import LiveModel

_COMPARISONS: Final = 20_000

_LEAST: Final = 5
"""How long a word must be for a letter that differs to be a slip."""

_LONG: Final = 200


class LiveNames:
    """The live models by name, and what somebody may have meant who wrote another one.

    Comparing every name with every other is quadratic: planned against a wrong workspace, ten thousand files would
    take hours. So it guesses for the first problems and then no more.
    """

    def __init__(self, models: Iterable[LiveModel]) -> None:
        self._exact: dict[str, list[LiveModel]] = defaultdict(list)
        self._folded: dict[str, list[LiveModel]] = defaultdict(list)
        for model in models:
            self._exact[model.name].append(model)
            self._folded[model.name.casefold()].append(model)
        self._comparisons = _COMPARISONS
        self._alike: dict[object, list[LiveModel]] = defaultdict(list)
        self._by_count: dict[int, list[tuple[Sequence[str], LiveModel]]] = defaultdict(list)

    def bearers(self, name: str) -> list[LiveModel]:
        """The live models of exactly that name."""
        return self._exact.get(name, [])

    def near(self, name: str) -> list[LiveModel]:
        """The live models whose name is the same but for case, or much alike."""
        if alike := self._folded.get(name.casefold()):
            return alike
        self._comparisons -= len(self._exact)
        if self._comparisons < 0 or len(name) > _LONG:
            return []
        return [model for near in get_close_matches(name, self._exact, 3) for model in self._exact[near]]

    def slips(self, name: str) -> list[LiveModel]:
        """The live models that bear the same name but for a slip: it's all but certain that one of them is meant.

        A slip is another case, other signs between the words, the words in another order, or in words of five letters
        and more a letter too many, too few, another one or two that changed places. Numbers, short words and the first
        letter tell names apart: `Orders Q1` and `Orders Q2`, `Users EU` and `Users US`, `Inbound` and `Unbound`.
        """
        if not self._by_count:
            for one in chain.from_iterable(self._exact.values()):
                words = _words(one.name)
                self._by_count[len(words)].append((words, one))
                for key in _spellings(words):
                    self._alike[key].append(one)
        words = _words(name)
        alike = {one.id: one for key in _spellings(words) for one in self._alike.get(key, ())}
        others = self._by_count.get(len(words), ()) if len(name) <= _LONG else ()
        self._comparisons -= len(others)
        if self._comparisons >= 0:
            alike |= {one.id: one for them, one in others if all(map(_is_meant, words, them))}
        return [*alike.values()]


def _words(name: str) -> Sequence[str]:
    return re.findall(r"[^\W_]+", normalize("NFKC", name[:_LONG]).casefold())


def _spellings(words: Sequence[str]) -> Iterable[object]:
    """What is the same for names that differ in signs between the words alone, or in the order of the words."""
    return {"".join(words), tuple(sorted(words))} if words else ()


def _is_meant(word: str, other: str) -> bool:
    """Whether somebody who wrote one word may well have meant the other."""
    if word == other:
        return True
    if max(len(word), len(other)) < _LEAST or not (word.isalpha() and word.upper() != word):
        return False
    is_another = len(word) == len(other) and word[0] != other[0] and word[1:] == other[1:]
    return not is_another and is_slip(word, other)
