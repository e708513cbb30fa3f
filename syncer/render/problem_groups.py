"""Problems by their cause: what one step mends is told once, with the list of its places."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import Problem


def by_cause(problems: Iterable[Problem], fewest: int = 2) -> list[tuple[Problem, ...]]:
    """The problems in groups that have one cause each, in the order of the groups' first problems; none is left out.

    Problems of one rule with the same message have one cause. So have those with the same hint, because one step mends
    them all; where there are fewer than `fewest` different messages, each message is a group of its own.
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


def says_one_thing(group: Sequence[Problem]) -> bool:
    """Whether all problems of a group have the same message, each for its own place."""
    return all(problem.message == group[0].message for problem in group)
