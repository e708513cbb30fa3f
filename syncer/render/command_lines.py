"""Command lines of syncer as they work where they're printed: pasted into a shell, they mean what this run meant."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syncer.render.text import visible

if TYPE_CHECKING:
    from syncer.plan.planner import Planned

WITH_ENVIRONMENT: Final = frozenset(
    {"plan", "apply", "drift", "import", "list", "rollback", "ci", "init", "doctor"},
)
"""The commands that take `--env`."""
WITHOUT_ENVIRONMENT: Final = frozenset(
    {"validate", "show", "history", "schema", "sandbox", "demo", "completion"},
)

_IN_TICKS: Final = re.compile(r"`(syncer|git) ([a-z][^`\n]*)`")


@dataclass(frozen=True, slots=True)
class Commands:
    """How command lines are written: with the folder and the environment that this run was given, where it was."""

    folder: str = ""
    """What `--chdir` said."""
    environment: str = ""
    """What `--env` said."""

    def meaning(self, environment: str) -> Commands:
        """The same, for an environment that no flag chose."""
        return replace(self, environment=environment)

    def line(self, *words: str) -> str:
        """The command line of these words, quoted for a shell."""
        folder = _flag("--chdir", self.folder)
        has_environment = words[0] in WITH_ENVIRONMENT and "--env" not in words
        environment = _flag("--env", self.environment) if has_environment else []
        return visible(shlex.join(["syncer", *folder, *words, *environment]))

    def completed(self, text: str) -> str:
        """A text of ours in which each command between back-ticks, syncer's or git's, works where it's shown."""
        return _IN_TICKS.sub(self._completed, text) if self != ANYWHERE else text

    def _completed(self, found: re.Match[str]) -> str:
        try:
            words = shlex.split(found[2])
        except ValueError:
            return found[0]
        if found[1] == "git":
            return f"`{visible(shlex.join(['git', *(['-C', self.folder] if self.folder else []), *words]))}`"
        return f"`{self.line(*words)}`" if words[0] in WITH_ENVIRONMENT | WITHOUT_ENVIRONMENT else found[0]

    def planned(self, planned: Planned) -> Planned:
        """The plan with hints whose commands work here."""
        warnings, problems, refusals = (
            tuple(replace(one, hint=self.completed(one.hint)) for one in some)
            for some in (planned.warnings, planned.problems, planned.refusals)
        )
        return replace(planned, warnings=warnings, problems=problems, refusals=refusals)


def _flag(name: str, value: str) -> list[str]:
    """A flag with its value, if it has one; a value that begins with a dash would be another flag."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value] if value else []


def operand(file: str) -> str:
    """A file's name as a command takes it: one that begins with a dash would be a flag."""
    return f"./{file}" if file.startswith("-") else file


ANYWHERE: Final = Commands()
"""Commands as they are written where nobody knows the place."""
