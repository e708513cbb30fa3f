"""Read the base: the definitions and settings of the commit that was applied last. Reads git and the work tree."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer import config
from syncer.cli.shared.committed_settings import settings_at
from syncer.cli.shared.file_checks import EMPTY_RULES, check
from syncer.desired import git, loader, validate
from syncer.errors import SyncerError
from syncer.model import NOWHERE, SANDBOX, Problem, Severity
from syncer.plan.limits import Limits
from syncer.workflow.base import Base

if TYPE_CHECKING:
    from syncer.cli.shared.run import Run
    from syncer.model import Document

_MOST_MOVED: Final = 20
"""In how many folders settings that were moved are looked for."""


class FoundBase(NamedTuple):
    """A base, or none; and a line that says which it is and why, empty where the command or the event says so."""

    base: Base | None
    line: str = ""


def base_at(run: Run, commit: str, models: str = "", *, is_checked_out: bool = True) -> Base:
    """What git said at a commit; what isn't valid says nothing, and is named. Raises SettingsError.

    Definitions are looked for in the folder `models`, else where the settings of that commit say. What is compared with
    it is read from the work tree, where that `is_checked_out`; what a sparse checkout leaves out is in neither then.
    """
    settings, root, folder_there = _definitions_at(run, commit)
    root, models = (run.settings.root, models) if models else (root, folder_there)
    is_here = is_checked_out and root == run.settings.root
    same = _same_files(run, commit) if is_here and models == run.settings.models else {}
    with git.files_at(root, commit, models, without=same) as folder:
        common = (settings or run.settings).common
        loaded = loader.load(folder, models, [*same.values()], common=common)
    # Its files may speak of environments that the settings have no more.
    spoken = {
        name
        for one in loaded.documents
        for name in (*_names(one.data.get("environments")), *_names(one.data.get("only")))
    }
    passed = (
        {one.path for one in loaded.documents if one is same.get(one.path)} if spoken <= {*run.environments} else ()
    )
    found = check(loaded, {*run.environments, *spoken}, passed=passed)
    # An id at the top was right while there was one environment.
    allowed = {*EMPTY_RULES, validate.SHARED_ID}
    wrong = {problem.origin.path for problem in found if problem.is_error and problem.rule not in allowed}
    wrong.update(f"{path} (a git submodule)" for path in git.submodules(root, commit, models))
    left_out = git.left_out(root, (one.path for one in loaded.documents)) if is_here else set()
    there = [one for one in loaded.documents if one.path not in left_out]
    documents = tuple(one for one in there if not wrong & one.paths)
    usable = {one.path for one in documents}
    hurt = tuple(guard for one in there if one.path not in usable and (guard := validate.guard_of(one)))
    names = [*settings.environments] if settings is not None else []
    before = config.declared_environment(settings, _former_name(run, settings)) if settings is not None else None
    shared = {problem.origin.path for problem in found if problem.rule == validate.SHARED_ID}
    if shared and (before is None or names != [before.name]):
        # Nobody knows whose ids they were then.
        documents = tuple(
            replace(one, data={**one.data, "id": None}) if one.path in shared else one for one in documents
        )
    base = Base(commit, documents, tuple(sorted(wrong)), hurt=hurt)
    if before is None:
        return replace(base, max_change=_strictest(run.limits), told=(_unread_settings(commit),))
    max_change = before.numbers.max_change_percent, before.numbers.max_change_floor
    return replace(base, environment=before.name, max_change=max_change, create=before.create)


def _same_files(run: Run, commit: str) -> dict[str, Document]:
    """The valid definitions of the work tree whose files a commit has just so, by path: they needn't be read again."""
    loaded, found = run.checked()
    wrong = {problem.origin.path for problem in found if problem.is_error}
    valid = {one.path: one for one in loaded.documents if not wrong & one.paths}
    contents = {path: loader.content(one) for path, one in valid.items()}
    same = git.unchanged(run.settings.root, commit, run.settings.models, contents)
    return {path: one for path, one in valid.items() if path in same}


def _definitions_at(run: Run, commit: str) -> tuple[config.Settings | None, Path, str]:
    """The settings of a commit, None if they can't be read; and a folder with the models folder then, below it."""
    root, models = run.settings.root, run.settings.models
    said = settings_at(root, commit)
    if said is None:
        return None, root, models
    settings, file = said.settings, said.file
    if file is None:
        return _moved_from(run, commit) or (settings, root, models)
    # Settings that led outside name a folder that isn't below them.
    is_below = not os.path.normpath(settings.models).startswith(("..", os.sep))
    former = Path(os.path.normpath(root / file.parent))
    # Settings that stood above may have had their definitions here all the same, or go on holding there.
    is_moved = not (former / file.name).exists() and not git.has(root, commit, models)
    if is_below and (former == root or is_moved):
        return settings, former, settings.models
    return settings, root, models


def _moved_from(run: Run, commit: str) -> tuple[config.Settings, Path, str] | None:
    """The settings of a commit that stood in another folder, are gone from there and had this run's environment."""
    top = config.repository(run.settings.root)
    if top is None:
        return None
    folders = git.folders_with(top, commit, config.FILES)
    gone = [one for one in folders if not any((top / one / name).exists() for name in config.FILES)]
    for one in gone[:_MOST_MOVED]:
        names = [f"{one}/{name}" for name in config.FILES]
        with git.folder_at(top, commit, names) as folder, suppress(SyncerError):
            settings = config.load(folder / one)
            models = os.path.normpath(f"{one}/{settings.models}")
            if not models.startswith("..") and _former_name(run, settings) in settings.environments:
                return settings, top, models
    return None


def _former_name(run: Run, settings: config.Settings) -> str:
    """What former settings called this run's environment. Another name for the same target is the same environment.

    Of its target is one with the same address and workspace, in the files or in this run; else one that is gone, and
    may have been of this workspace: its address can be written in several ways.
    """
    own = run.environment
    if own.name in settings.environments or own.name == SANDBOX:
        return own.name
    here = [one for one in (own, run.settings.environments.get(own.name)) if one is not None]
    targets = {(one.api_url, one.workspace_id) for one in here}
    same = [one for one, table in settings.environments.items() if (table.api_url, table.workspace_id) in targets]
    gone = [one for one in settings.environments if one not in run.settings.environments]
    fitting = [one for one in gone if settings.environments[one].workspace_id in {0, own.workspace_id}]
    return (*(one for one in same if one in gone), *same, *fitting, own.name)[0]


def _strictest(limits: Limits) -> tuple[int, int]:
    return min(limits.percent, Limits().percent), min(limits.floor, Limits().floor)


def _unread_settings(commit: str) -> Problem:
    message = f"the settings at the base {commit[:12]} can't be read, so their limits are not known"
    hint = "for each limit, the stricter of this change's value and the default counts"
    return Problem(NOWHERE, "unread-settings", message, hint, Severity.WARNING)


def base_of(run: Run, ref: str) -> Base:
    """What git said at the commit that a ref names. Raises SettingsError."""
    return base_at(run, git.commit_of(run.settings.root, ref))


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, dict | list) else []
