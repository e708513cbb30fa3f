"""The settings as they stand in a folder, or stood there at a commit. Reads git and the work tree."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from syncer import config
from syncer.desired import git
from syncer.errors import SyncerError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Said(NamedTuple):
    """The settings that hold in a folder: their file's path from there, None without one, and what it says by key."""

    settings: config.Settings
    file: Path | None
    written: Mapping[str, object]


def settings_in(folder: Path) -> Said | None:
    """The settings that hold in a folder; None if they can't be read."""
    try:
        settings, found = config.load(folder), config.find(folder)
        return Said(settings, found and Path(os.path.relpath(found, folder)), config.written(folder))
    except SyncerError:
        return None


@lru_cache(maxsize=4)
def settings_at(folder: Path, commit: str) -> Said | None:
    """The same at a commit, which says the same whenever it's asked. Raises SettingsError for one that isn't here."""
    with git.folder_at(folder, commit, config.FILES) as then:
        return settings_in(then)
