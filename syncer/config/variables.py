"""What the environment's variables give: credentials, and the secrets that files name, as `Secret` values."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from syncer.errors import SettingsError
from syncer.model import Credentials
from syncer.secrets import SECRET_VARIABLE, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLES: Final = (
    ("SYNCER_TOKEN", "The API token. It lives 30 minutes in the open-source server. It beats e-mail and password."),
    ("SYNCER_EMAIL", "With `SYNCER_PASSWORD`, and without a token: log in once a run."),
    ("SYNCER_PASSWORD", "The password of that user."),
    (
        "SYNCER_TOKEN_…, SYNCER_EMAIL_…, SYNCER_PASSWORD_…",
        "For one environment: `SYNCER_TOKEN_EU_STAGING` for `eu-staging`. If one is set, plain ones don't count.",
    ),
    ("SYNCER_ENV", "The environment, in place of `--env`."),
    ("SYNCER_API_URL", "Beats the environment's `api_url`."),
    ("SYNCER_WORKSPACE_ID", "Beats the environment's `workspace_id`."),
    ("SYNCER_UI_URL", "In CI it beats the environment's `ui_url`."),
    ("SYNCER_SECRET_…", "Values that model files name by `{env: SYNCER_SECRET_…}`; no other variable can be named."),
    ("SYNCER_STATE_DIR", "Where syncer keeps what it remembers on this machine: an absolute path; see below."),
    ("SYNCER_ALLOW", "In CI, for `--allow`: what may pass in this run, separated by commas."),
    ("SYNCER_MAX_CHANGE_PERCENT", "In CI, for `--max-change-percent`."),
    ("SYNCER_ON_DRIFT", "In CI, for `--on-drift`."),
    ("GITHUB_TOKEN", "On GitHub: what comments and issues are written with."),
    ("SYNCER_GITLAB_TOKEN", "On GitLab the same: a token of the project, because a job's own can't write notes."),
    ("SYNCER_GITLAB_STATUS_TOKEN", "On GitLab: what commit statuses are set and read with; branches mustn't see it."),
    ("NO_COLOR", "Any value: no colour. `TERM=dumb` and a pipe mean the same; `CLICOLOR_FORCE=1` means colour."),
)
"""Every variable that the tool reads, for the reference; but for those by which GitHub and GitLab tell of a run."""

CREDENTIAL_VARIABLES: Final = ("SYNCER_TOKEN", "SYNCER_EMAIL", "SYNCER_PASSWORD")
TARGET_VARIABLES: Final = ("SYNCER_API_URL", "SYNCER_WORKSPACE_ID")

_CREDENTIAL: Final = re.compile(r"SYNCER_(TOKEN|EMAIL|PASSWORD)(?:_[A-Z0-9_]+)?")


def is_credential(variable: str) -> bool:
    """Whether a variable says who asks, in one environment or in all."""
    return _CREDENTIAL.fullmatch(variable) is not None


def own_variables(environment: str) -> tuple[str, str, str]:
    """The variables of a token, an e-mail and a password for one environment alone."""
    suffix = re.sub(r"[^A-Za-z0-9]", "_", environment).upper()
    token, address, password = (f"{name}_{suffix}" for name in CREDENTIAL_VARIABLES)
    return token, address, password


def credential_variables(
    variables: Mapping[str, str], environment: str = "", environments: Iterable[str] = ()
) -> tuple[str, str, str]:
    """The variables of a token, an e-mail and a password that count: the environment's own, else the plain ones.

    Raises SettingsError where the own ones would be those of two environments.
    """
    own = own_variables(environment)
    if not environment or not any(variables.get(name, "").strip() for name in own):
        return CREDENTIAL_VARIABLES
    if twins := [one for one in environments if one != environment and own_variables(one) == own]:
        message = f"{next(name for name in own if variables.get(name))} would be for {environment} and for {twins[0]}"
        raise SettingsError(message, "rename one of the environments, or set the plain variables for one run")
    return own


def credentials(variables: Mapping[str, str], environment: str = "", environments: Iterable[str] = ()) -> Credentials:
    """Who asks, from the environment's variables alone. Raises SettingsError if nobody does."""
    names = credential_variables(variables, environment, environments)
    token, address, password = (variables.get(name, "").strip() for name in names)
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            message = f"{names[0]} holds characters that no token has"
            raise SettingsError(message, "copy it again, without quotes or line breaks")
        return Credentials(Secret(token, names[0]))
    if address and password:
        return Credentials(email=address, password=Secret(variables[names[2]], names[2]))
    missing = names[2] if address else names[1] if password else ""
    what = f"{missing} is not set" if missing else f"no credentials: {names[0]} is not set"
    raise SettingsError(what, f"set {names[0]}, or {names[1]} and {names[2]}")


def secret(variable: str, variables: Mapping[str, str] | None = None) -> Secret | None:
    """The secret that a file names; None if the variable isn't set, is empty, or may not be named by a file."""
    value = (os.environ if variables is None else variables).get(variable, "")
    return Secret(value, variable) if value and SECRET_VARIABLE.fullmatch(variable) else None


def secrets(variables: Mapping[str, str]) -> list[Secret]:
    """Every value that a file could name, for keeping them out of what is printed."""
    return [Secret(value, name) for name, value in variables.items() if value and SECRET_VARIABLE.fullmatch(name)]
