"""The embedded sandbox of a settings' folder: its state stands in the state folder."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from syncer.cli.shared.state_folder import state_folder
from syncer.errors import SettingsError
from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.database import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.cli.shared.screen import Screen

_DATABASE: Final = "sandbox.db"


@contextmanager
def sandbox_at(root: Path, screen: Screen, faults: Faults | None = None) -> Iterator[Sandbox]:
    """The sandbox of a settings' folder. Raises SettingsError, StateError."""
    path = state_folder(root, screen).file(_DATABASE)
    try:
        with closing(Sandbox(path=path, faults=faults)) as box:
            yield box
    except UnusableError as error:
        raise _unusable(error, path) from None


def _unusable(error: UnusableError, path: Path) -> SettingsError:
    hint = "end the other syncer that uses it" if error.is_busy else "`syncer sandbox reset` makes it anew"
    return SettingsError(f"the sandbox's state can't be used: {error} ({path})", hint)


def reset(root: Path, screen: Screen) -> None:
    """Back to the seeded world; what can't be used is taken away first."""
    path = state_folder(root, screen).file(_DATABASE)
    try:
        with closing(Sandbox(path=path)) as box:
            box.reset()
    except UnusableError as error:
        if error.is_busy:
            raise _unusable(error, path) from None
        _take_away(path)
        with sandbox_at(root, screen):
            pass


def _take_away(path: Path) -> None:
    try:
        for rest in ("", "-journal", "-wal", "-shm"):
            path.with_name(f"{path.name}{rest}").unlink(missing_ok=True)
    except OSError as error:
        message = f"the sandbox's state can't be taken away: {error.strerror} ({path})"
        raise SettingsError(message, "delete it by hand") from None
