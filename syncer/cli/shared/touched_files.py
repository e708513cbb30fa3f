"""What a command's flags say about which definitions are meant, with what a branch touches. Reads git and the files."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from syncer import config
from syncer.cli.shared.committed_settings import settings_at
from syncer.cli.shared.file_checks import unparsed
from syncer.cli.shared.flags import ALONE
from syncer.desired import git, loader
from syncer.desired.targets import Targets
from syncer.errors import SettingsError
from syncer.model import DEFAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.cli.shared.groups import Chosen


def targets_of(chosen: Chosen, settings: config.Settings, loaded: loader.Loaded) -> Targets:
    """The definitions that the flags mean, of those that were loaded. Raises SettingsError."""
    changed = _touched(settings, loaded, chosen.changed) if chosen.changed else None
    return Targets(chosen.targets, chosen.connectors, chosen.query_types, changed)


def _touched(settings: config.Settings, loaded: loader.Loaded, ref: str) -> frozenset[str]:
    """The paths of the model files that differ, or a part of them, from the commit where this branch left another.

    The work tree counts as it is: committed, staged, edited and new files alike. Settings that differ touch every file.
    """
    root, models = settings.root, settings.models
    if ref == ALONE:
        default = git.default_branch(root)
        commit = (git.fork_point(root, default) if default else "") or git.checked_out(root)
        if not commit:
            raise SettingsError("--changed needs a git repository with a commit", "leave it out, or commit")
    else:
        commit = git.merge_base(root, ref)
    # The settings are compared by what they say.
    files = {one.path: {path for path in one.paths if path.endswith((".yaml", ".sql"))} for one in loaded.documents}
    files |= {path: {path} for path in unparsed(loaded, root)}
    said = settings_at(root, commit)
    if said is None or config.changed_keys(said.written, config.written(root)):
        return frozenset(files)
    contents = {path: content for paths in files.values() for path in paths if (content := _raw(root, path))}
    same = git.unchanged(root, commit, models, contents)
    # A checkout may write Windows line ends where the commit has others.
    unix = {path: raw.replace(b"\r\n", b"\n") for path, raw in contents.items() if path not in same and b"\r" in raw}
    same |= git.unchanged(root, commit, models, unix) if unix else frozenset()
    gone = _lost_defaults(settings, loaded, commit)
    return frozenset(path for path, parts in files.items() if not parts <= same or path.startswith(gone))


def _lost_defaults(settings: config.Settings, loaded: loader.Loaded, commit: str) -> tuple[str, ...]:
    """The beginnings of the paths below the folders whose defaults a commit has, and the work tree has no more."""
    models = posixpath.normpath(settings.models)
    there = {section.path for section in loaded.sections}
    folders = git.folders_with(settings.root, commit, {DEFAULTS})
    below = [one for one in folders if models in {".", one} or one.startswith(f"{models}/")]
    gone = [one for one in below if posixpath.normpath(f"{one}/{DEFAULTS}") not in there]
    return tuple("" if one == "." else f"{one}/" for one in gone)


def _raw(root: Path, path: str) -> bytes:
    raw = loader.raw(root, path)
    return raw if isinstance(raw, bytes) else b""
