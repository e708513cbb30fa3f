"""Which environment a run is about, and its target: flags beat variables, which beat the settings file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer.config.servers import api_root
from syncer.config.settings import (
    LARGEST_ID,
    SANDBOX_URL,
    Environment,
    Settings,
    did_you_mean,
)
from syncer.config.variables import TARGET_VARIABLES, is_credential
from syncer.errors import SettingsError
from syncer.model import SANDBOX, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID = re.compile(r"[0-9]{1,19}")

_LONGEST_SHOWN: Final = 4


def environment_name(settings: Settings, flag: str | None, variables: Mapping[str, str]) -> str:
    """The name of the environment of this run: flag, `SYNCER_ENV`, default, the only one, or else the sandbox's.

    Raises SettingsError where nothing chooses, and where the settings would choose the sandbox for a run that was given
    a target or credentials: a file must not turn a run against a real server into one about nothing.
    """
    said = flag or variables.get("SYNCER_ENV")
    name = said or settings.default_environment
    overridden = _is_overridden(variables)
    if not name and len(settings.environments) > 1:
        names = ", ".join(settings.environments)
        message = f"which environment? There are {names}, and no default_environment"
        raise SettingsError(message, "use --env NAME, or set SYNCER_ENV")
    if not name and settings.environments:
        name = next(iter(settings.environments))
    given = [one for one in (*TARGET_VARIABLES, *filter(is_credential, sorted(variables))) if variables.get(one)]
    if not name and not overridden and given:
        # Whoever brings a token means a real server: a job that lost its settings must not stay green in the sandbox.
        message = f"there are credentials but no environment, because there are no settings in {settings.root} or above"
        raise SettingsError(message, "work in the folder of the settings, or use --env sandbox for the embedded server")
    if not said and name == SANDBOX and given:
        message = f"default_environment is the sandbox, but {given[0]} is set, which means a real server"
        raise SettingsError(message, "use --env NAME, or set SYNCER_ENV; --env sandbox chooses the embedded server")
    return name or ("default" if overridden else SANDBOX)


def require_target(flag: str | None, variables: Mapping[str, str]) -> None:
    """Raise SettingsError unless a CI job itself says what it's about: by variables, or the sandbox by its name.

    In CI the settings are those of whoever pushed, and a change must not choose where it's planned.
    """
    missing = [name for name in TARGET_VARIABLES if not variables.get(name)]
    if missing and (flag or variables.get("SYNCER_ENV")) != SANDBOX:
        verb = "are" if len(missing) > 1 else "is"
        message = f"in CI the target comes from variables alone, and {' and '.join(missing)} {verb} not set"
        hint = "set them in the CI settings of the repository; a run without a server says SYNCER_ENV=sandbox"
        raise SettingsError(message, hint)


def _is_overridden(variables: Mapping[str, str]) -> bool:
    return any(variables.get(name) for name in TARGET_VARIABLES)


def environment(settings: Settings, flag: str | None, variables: Mapping[str, str]) -> Environment:
    """The environment of this run, its URL and workspace as the variables say, or else its table."""
    name = environment_name(settings, flag, variables)
    overridden = _is_overridden(variables)
    if name == SANDBOX:
        numbers = replace(settings.numbers, requests_per_minute=0)
        return Environment(SANDBOX, SANDBOX_URL, 1, numbers, settings.create)
    own = settings.environments.get(name)
    if own is None and not (name == "default" and overridden):
        raise SettingsError(f"there is no environment {name!r}", did_you_mean(name, {*settings.environments, SANDBOX}))
    return with_target(declared_environment(settings, name), variables)


def declared_environment(settings: Settings, name: str) -> Environment:
    """The environment as its table says, else with what stands at the top of the settings."""
    return settings.environments.get(name) or Environment(name, numbers=settings.numbers, create=settings.create)


def with_target(own: Environment, variables: Mapping[str, str]) -> Environment:
    """An environment with the URL and the workspace that the variables say, else its own. Raises SettingsError."""
    url = api_root(variables.get("SYNCER_API_URL") or own.api_url, own.name)
    workspace = variables.get("SYNCER_WORKSPACE_ID") or own.workspace_id
    if isinstance(workspace, str) and not (_ID.fullmatch(workspace) and int(workspace) <= LARGEST_ID):
        # Something longer may be a token in the wrong place.
        shown = f", not {workspace!r}" if len(workspace) <= _LONGEST_SHOWN else ": the id of a workspace"
        message = f"SYNCER_WORKSPACE_ID must be a number{shown}"
        raise SettingsError(message, "set it to the number of the workspace: SYNCER_WORKSPACE_ID=2")
    if not int(workspace):
        message = f"the environment {own.name!r} has no workspace_id"
        raise SettingsError(message, "set workspace_id in its table, or SYNCER_WORKSPACE_ID")
    return replace(own, api_url=url, workspace_id=int(workspace))


def target(chosen: Environment) -> Target:
    """Where the run reads and writes."""
    return Target(chosen.name, chosen.api_url, chosen.workspace_id)
