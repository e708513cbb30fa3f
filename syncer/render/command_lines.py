"""Command lines in messages, completed with this run's folder and environment, so that they can be pasted."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syncer.render.text import visible

if TYPE_CHECKING:
    from syncer.plan.planner import Planned

WITH_ENVIRONMENT: Final = frozenset(
    {"plan", "apply", "drift", "import", "list", "rollback", "ci", "init", "doctor", "compare"},
)
"""The commands that take `--env`."""
WITHOUT_ENVIRONMENT: Final = frozenset(
    {
        "validate",
        "show",
        "history",
        "schema",
        "sandbox",
        "demo",
        "completion",
        "version",
        "help",
        "explain",
        "fmt",
    },
)
"""Those that don't, and `show`: a plan file has its environment, and only an address is given one."""

_IN_TICKS: Final = re.compile(r"`(syncer|git) ([a-z][^`\n]*)`")


@dataclass(frozen=True, slots=True)
class Commands:
    """Writes command lines with the folder and the environment that this run was given."""

    folder: str = ""
    """What `--chdir` said."""
    environment: str = ""
    """What `--env` said."""

    def for_environment(self, environment: str) -> Commands:
        """The same for an environment that a plan file or a run chose, and no flag."""
        return replace(self, environment=environment)

    def line(self, *words: str) -> str:
        """The command line `syncer` plus these words, quoted for a shell."""
        folder = _flag("--chdir", self.folder)
        has_environment = words[0] in WITH_ENVIRONMENT and "--env" not in words
        environment = _flag("--env", self.environment) if has_environment else []
        return visible(shlex.join(["syncer", *folder, *words, *environment]))

    def completed(self, text: str) -> str:
        """The text with each syncer or git command between back-ticks completed."""
        return _IN_TICKS.sub(self._completed, text) if self != ANYWHERE else text

    def _completed(self, found: re.Match[str]) -> str:
        try:
            words = shlex.split(found[2])
        except ValueError:
            return found[0]
        if found[1] == "git":
            return f"`{visible(shlex.join(['git', *(['-C', self.folder] if self.folder else []), *words]))}`"
        return f"`{self.line(*words)}`" if words[0] in WITH_ENVIRONMENT | WITHOUT_ENVIRONMENT else found[0]

    def completed_plan(self, planned: Planned) -> Planned:
        """The plan with the commands in its hints completed."""
        warnings, problems, refusals = (
            tuple(replace(one, hint=self.completed(one.hint)) for one in some)
            for some in (planned.warnings, planned.problems, planned.refusals)
        )
        return replace(planned, warnings=warnings, problems=problems, refusals=refusals)


def _flag(name: str, value: str) -> list[str]:
    """The flag's words, none without a value. A value that begins with a dash is joined: alone it would be a flag."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value] if value else []


def operand(file: str) -> str:
    """The file's name as an argument. One that begins with a dash would be a flag, so it gets `./`."""
    return f"./{file}" if file.startswith("-") else file


ANYWHERE: Final = Commands()
"""Completes nothing: for output that is read where nobody knows the folder."""
