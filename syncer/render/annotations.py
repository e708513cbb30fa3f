"""Problems as GitHub workflow commands, which a pull request shows beside the line they are about."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from syncer.render.command_lines import ANYWHERE, Commands
from syncer.render.problem_groups import grouped
from syncer.render.text import counted, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Problem

SHOWN: Final = 10
"""How many annotations of one severity GitHub shows of a step. It drops the others silently."""

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = {**_DATA, ":": "%3A", ",": "%2C"}


def render_problems(problems: Sequence[Problem], commands: Commands = ANYWHERE) -> str:
    """One command a problem, ten of each severity; the others are counted in a notice. Empty without problems.

    The first problem of each group comes before further ones, so that one group doesn't hide the others.
    """
    seen: Counter[str] = Counter()
    lines = []
    groups = grouped(problems)
    for problem in (*(group[0] for group in groups), *(one for group in groups for one in group[1:])):
        severity = problem.severity.value
        seen[severity] += 1
        if seen[severity] <= SHOWN:
            lines.append(_command(severity, problem, commands.completed(problem.hint)))
    more = [counted(count - SHOWN, f"more {severity}") for severity, count in sorted(seen.items()) if count > SHOWN]
    if more:
        lines.append(f"::notice title=syncer::{' and '.join(more)}: the job's log has them all")
    return "\n".join(lines)


def _command(severity: str, problem: Problem, hint: str) -> str:
    origin = problem.origin
    place = {"file": origin.path, "line": origin.line, "col": origin.column, "title": problem.rule}
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in place.items() if value)
    lines = [visible(line) for text in (problem.message, hint) if text for line in text.split("\n")]
    return f"::{severity} {shown}::{_escaped(chr(10).join(lines), _DATA)}"


def _property(text: str) -> str:
    return _escaped(visible(text), _PROPERTY)


def _escaped(text: str, codes: dict[str, str]) -> str:
    return "".join(codes.get(char, char) for char in text)
