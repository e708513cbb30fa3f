"""Problems in groups: what one step mends is told once, with the list of its places. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import Problem


def grouped(problems: Iterable[Problem], fewest: int = 2) -> list[tuple[Problem, ...]]:
    """All problems in groups, in the order of the groups' first problems.

    Problems of one rule with the same message are a group. So are those with the same hint, because one step mends
    them all; but with fewer than `fewest` different messages each message is a group of its own.
    """
    by_hint: dict[tuple[object, ...], dict[str, list[tuple[int, Problem]]]] = {}
    for place, problem in enumerate(problems):
        messages = by_hint.setdefault((problem.severity, problem.rule, problem.hint), {})
        messages.setdefault(problem.message, []).append((place, problem))
    groups: list[list[tuple[int, Problem]]] = []
    for (*_, hint), messages in by_hint.items():
        if hint and len(messages) >= fewest:
            groups.append(sorted((one for some in messages.values() for one in some), key=_place))
        else:
            groups += messages.values()
    return [tuple(problem for _, problem in group) for group in sorted(groups, key=lambda group: group[0][0])]


def _place(one: tuple[int, Problem]) -> int:
    return one[0]


def has_one_message(group: Sequence[Problem]) -> bool:
    """Whether all problems of the group have the same message, each for its own place."""
    return all(problem.message == group[0].message for problem in group)


def first_groups(problems: Iterable[Problem], most: int) -> tuple[list[Sequence[Problem]], int]:
    """Groups of `most` problems in all, the last one cut if need be; and how many problems are left out."""
    shown: list[Sequence[Problem]] = []
    left = 0
    for group in grouped(problems):
        if some := group[:most]:
            shown.append(some)
        left += len(group) - len(some)
        most -= len(some)
    return shown, left


def severity_counts(problems: Iterable[Problem], more: str = "") -> list[str]:
    """`3 errors`, `1 warning`; a severity without problems is left out. `more` stands before the noun."""
    counts = Counter(problem.severity.value for problem in problems)
    return [counted(counts[severity], f"{more}{severity}") for severity in ("error", "warning") if counts[severity]]
