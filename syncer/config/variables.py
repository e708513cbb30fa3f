"""What the environment's variables give: credentials, and the secrets that files name, as `Secret` values."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from syncer.errors import SettingsError
from syncer.model import Credentials
from syncer.secrets import SECRET_VARIABLE, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES: Final = (
    ("SYNCER_TOKEN", "The API token. It lives 30 minutes in the open-source server. It beats e-mail and password."),
    ("SYNCER_EMAIL", "With `SYNCER_PASSWORD`, and without a token: log in once a run."),
    ("SYNCER_PASSWORD", "The password of that user."),
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


def credentials(variables: Mapping[str, str]) -> Credentials:
    """Who asks, from the environment's variables alone. Raises SettingsError if nobody does."""
    token, address, password = (variables.get(f"SYNCER_{name}", "").strip() for name in ("TOKEN", "EMAIL", "PASSWORD"))
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            message = "SYNCER_TOKEN holds characters that no token has"
            raise SettingsError(message, "copy it again, without quotes or line breaks")
        return Credentials(Secret(token, "SYNCER_TOKEN"))
    if address and password:
        return Credentials(email=address, password=Secret(variables["SYNCER_PASSWORD"], "SYNCER_PASSWORD"))
    missing = "SYNCER_PASSWORD" if address else "SYNCER_EMAIL" if password else ""
    what = f"{missing} is not set" if missing else "no credentials: SYNCER_TOKEN is not set"
    raise SettingsError(what, "set SYNCER_TOKEN, or SYNCER_EMAIL and SYNCER_PASSWORD")


def secret(variable: str, variables: Mapping[str, str] | None = None) -> Secret | None:
    """The secret that a file names; None if the variable isn't set, is empty, or may not be named by a file."""
    value = (os.environ if variables is None else variables).get(variable, "")
    return Secret(value, variable) if value and SECRET_VARIABLE.fullmatch(variable) else None


def secrets(variables: Mapping[str, str]) -> list[Secret]:
    """Every value that a file could name, for keeping them out of what is printed."""
    return [Secret(value, name) for name, value in variables.items() if value and SECRET_VARIABLE.fullmatch(name)]
