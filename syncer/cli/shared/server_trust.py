"""Decide whether a server gets the credentials: a commit alone must not choose it.

The first server is accepted without a question, as ssh's `accept-new` does; another one is asked for. It's remembered
when it's accepted, not when it answers: a server that took the token and said nothing has the token all the same.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from syncer import config, state_folder
from syncer.errors import RefusedError
from syncer.model import SANDBOX
from syncer.render import terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Credentials


def credentials(run: Run, screen: Screen) -> Credentials:
    """Who asks the run's server, if that server may know. Raises SettingsError, RefusedError, StateError."""
    given = run.credentials()
    admit(run, screen)
    return given


def admit(run: Run, screen: Screen) -> None:
    """Ask whether the server may get the credentials, unless that is clear. Raises RefusedError, StateError.

    Nothing is remembered of a server that `SYNCER_API_URL` names: variables are the user's own word each time, and what
    is remembered is compared with the files'.
    """
    name, root = run.environment.name, run.settings.root
    if name == SANDBOX or run.variables.get("SYNCER_API_URL"):
        return
    server = config.server(run.environment.api_url)
    try:
        folder = state_folder.repository_folder_of(root, run.variables)
        known = folder.servers()
    except state_folder.UnavailableError as error:
        _warn(screen, error)
        return
    if known.get(name) == server:
        return
    is_clear = config.may_get_credentials(known, name, server, is_named=run.is_named)
    if not is_clear:
        _ask(screen, name, server, _shown(root), {name: known[name]} if name in known else known)
    try:
        folder.remember(name, server)
    except state_folder.UnavailableError as error:
        if not is_clear:
            raise
        _warn(screen, error)


def remember(root: Path, environment: config.Environment, variables: Mapping[str, str], screen: Screen) -> None:
    """Remember the server that a person named for new settings."""
    server = config.server(environment.api_url)
    try:
        state_folder.repository_folder_of(root, variables).remember(environment.name, server)
    except state_folder.StateError as error:
        _warn(screen, error)


def _shown(root: Path) -> str:
    file = config.find(root)
    return file.name if file else "no settings file"


def _ask(screen: Screen, name: str, server: str, file: str, known: Mapping[str, str]) -> None:
    """Raise RefusedError for anything but `yes`, and where nobody can be asked."""
    if screen.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        before = ", ".join(f"{one} ({environment})" for environment, one in known.items())
        message = f"{file} sends the credentials of {name!r} to {server}; before it was {before}; nothing was sent"
        raise RefusedError(message, "if you mean this server, answer `yes` on a terminal, or set SYNCER_API_URL")
    if not screen.is_approved(terminal.render_server(name, server, file, known), sys.stderr):
        raise RefusedError("Cancelled", "only `yes` accepts another server; nothing was sent")


def _warn(screen: Screen, error: state_folder.StateError) -> None:
    screen.warn("syncer could not record which server got the credentials", f"{error.what}; {error.hint}")
