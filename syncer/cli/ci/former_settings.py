"""Compare a change's settings with those at its base: a change must not choose the environment of a CI run.

The target comes from the job's variables (`config.require_target`). The environment's name may come from the settings,
and those are the change's: so they're compared with the settings at its base. Another name is refused, because another
environment's values would be planned and its comment written; what else differs is a warning.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syncer import config
from syncer.cli.shared.committed_settings import settings_at, settings_in
from syncer.cli.shared.run import Run
from syncer.errors import SettingsError, SyncerError
from syncer.model import NOWHERE, SANDBOX, Problem, Severity, shortlist
from syncer.plan.limits import Limits

RULE: Final = "settings"
"""The rule of the warning that settings are altered."""

_SHOWN: Final = 10
"""How many altered settings are named."""


@dataclass(frozen=True, slots=True)
class Former:
    """The environment that the settings at a change's base mean, empty if it's unknown.

    `altered` are the settings that the change says otherwise.
    """

    environment: str = ""
    altered: tuple[str, ...] = ()


def compared(commit: str, head: str = "") -> Former:
    """The settings of this folder at a commit, beside those at another one, else those that stand here.

    Raises SettingsError for commits that git can't read.
    """
    here = Path.cwd()
    before = settings_at(here, commit)
    after = settings_at(here, head) if head else settings_in(here)
    if before is None:
        return Former()
    environment = ""
    if before.settings.environments:
        with suppress(SettingsError):
            environment = config.environment_name(before.settings, None, os.environ)
    if after is None:
        return Former(environment, ("they can't be read any more",))
    return Former(environment, tuple(config.changed_keys(before.written, after.written)))


def environment(flag: str, commit: str) -> str:
    """The name of the environment that a run is about, also if it fails: the job's word, the base's, this folder's."""
    said = flag or os.environ.get("SYNCER_ENV", "")
    if not said and commit:
        with suppress(SyncerError):
            said = compared(commit).environment
    if not said:
        with suppress(SyncerError):
            said = config.environment_name(config.load(Path.cwd()), None, os.environ)
    return said or "default"


def unsettled_run(flag: str, name: str) -> Run:
    """A run that knows no more than where it was to go: what is kept of one that fails. Raises SyncerError."""
    settings = config.load(Path.cwd())
    config.require_target(flag, os.environ)
    if name == SANDBOX:
        return Run(settings, config.environment(settings, name, {}), os.environ, Limits())
    return Run(settings, config.with_target(config.Environment(name), os.environ), os.environ, Limits())


def refuse_other(run: Run, name: str) -> None:
    """Raise SettingsError if the settings mean another environment than the one that the run is about."""
    if run.environment.name != name:
        message = (
            f"the settings choose the environment {run.environment.name!r} here, and {name!r} at the base "
            f"of this change"
        )
        raise SettingsError(message, "set the variable SYNCER_ENV to the one that you mean, or keep the former name")


def warnings(known: Former, hint: str) -> tuple[Problem, ...]:
    """The warning of settings that a change alters; none if it alters none."""
    if not known.altered:
        return ()
    message = f"this change alters the settings: {shortlist(known.altered, _SHOWN)}"
    return (Problem(NOWHERE, RULE, message, hint, Severity.WARNING),)
