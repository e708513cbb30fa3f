"""Where a settings' folder keeps what syncer remembers on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from syncer.state_folder import StateFolder, folder_of

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.cli.shared.screen import Screen

RUNS: Final = "runs"
"""Where the records of runs stand, in the state folder."""

_LEFT: Final = ".syncer"


def state_folder(root: Path, screen: Screen) -> StateFolder:
    """Where syncer keeps what it remembers of the settings' folder `root`. Raises StateError.

    What an older version left in the repository is told of once, and never looked into: a commit may have brought it.
    """
    if os.path.lexists(root / _LEFT):
        what = f"{_LEFT} beside the settings is no longer used, and nothing in it is read"
        screen.note_once(f"Note: {what}. An older version kept its runs and its sandbox there; delete it.")
    return folder_of(root, os.environ)
