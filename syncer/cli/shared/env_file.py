"""Read the file of credentials and secrets that the settings name, where git can't have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer import config, safe_files
from syncer.config.env_file import env_file_values
from syncer.desired import git
from syncer.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.secrets import Secret

_LARGEST: Final = 256 * 1024


def read_env_file(settings: config.Settings) -> dict[str, Secret]:
    """The variables in the settings' `env_file`; none without one, and where it isn't there. Raises SettingsError.

    The settings come with a commit, so from anybody: it's a plain file below their folder, and none that git has.
    """
    name, root = settings.env_file, settings.root
    if not name:
        return {}
    if not safe_files.is_reached_directly(root, name):
        message = f"the env_file {name!r} leads out of the settings' folder, or through a link"
        raise SettingsError(message, 'name a file below that folder: env_file = ".env"')
    try:
        raw = safe_files.read(root / name, _LARGEST)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{name} can't be read: {error.strerror}", "put a plain file there") from None
    if len(raw) > _LARGEST:
        raise SettingsError(f"{name} is too large: {_LARGEST // 1024} KiB at most", "keep only these variables in it")
    file = root / name
    # A submodule has its files for itself: the repository around it knows none of them.
    if any(_is_in_git(folder, file) for folder in {root, file.parent}):
        message = f"{name} is in git, where others can read it, so syncer takes nothing from it"
        hint = f"`git rm --cached {name}`, name it in .gitignore, commit both, and change every secret that was in it"
        raise SettingsError(message, hint)
    return env_file_values(raw, name)


def _is_in_git(folder: Path, file: Path) -> bool:
    return config.repository(folder.resolve()) is not None and git.has_tracked(folder, str(file.relative_to(folder)))
