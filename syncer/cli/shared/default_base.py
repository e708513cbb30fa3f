"""Find the base that nobody named: where the branch left the default one; on that itself, what was applied last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer import package_files
from syncer.applying import run_records
from syncer.applying.last_apply import last_apply
from syncer.cli.shared.base import FoundBase, base_at, base_of
from syncer.cli.shared.state_folder import RUNS, state_folder
from syncer.desired import git
from syncer.errors import SettingsError, SyncerError
from syncer.plan import planfile

if TYPE_CHECKING:
    from syncer.applying.last_apply import LastApply
    from syncer.applying.run_records import Record
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.plan.planner import Plan
    from syncer.workflow.base import Base

NONE: Final = "none"
"""The value of `--base` for no base. A branch of that name is `refs/heads/none`."""

_OTHERS: Final = "Changes that others applied since look like edits made outside git."
_WITHOUT: Final = "Without a base, an edit made outside git looks like part of this change. Name one with `--base REF`."


def base_for_plan(run: Run, ref: str, screen: Screen) -> FoundBase:
    """The base that `--base` names, else the default one. Raises SettingsError."""
    return _named(run, ref) if ref else _default(run, screen)


def base_for_reading(run: Run, ref: str, screen: Screen) -> Base | None:
    """The same for what only reads: without any other base HEAD is one, because uncommitted edits are no drift.

    Raises SettingsError.
    """
    base = base_for_plan(run, ref, screen).base
    if base is None and ref != NONE and (head := git.checked_out(run.settings.root)):
        return _read(run, head)
    return base


def _named(run: Run, ref: str) -> FoundBase:
    return FoundBase(None if ref == NONE else base_of(run, ref))


def _default(run: Run, screen: Screen) -> FoundBase:
    root = run.settings.root
    head = git.checked_out(root)
    if not head:
        return _none("git has no commit with this folder")
    default = git.default_branch(root)
    fork = git.fork_point(root, default) if default else ""
    branch = git.branch(root)
    is_default = f"origin/{branch}" == default or (not branch and fork == head)
    if fork and not is_default:
        return FoundBase(_read(run, fork), f"Base: commit {fork[:12]}, where this branch left {default}.")
    if default and not is_default:
        cut = ", because the clone is shallow (`git fetch --unshallow` makes it whole)" if git.is_shallow(root) else ""
        return _none(f"git doesn't find where this branch left {default}{cut}")
    if (last := _last_apply(run, screen)) is not None:
        base = _read(run, last.commit).without(last.changed_since, run.environment.name)
        line = f"Base: commit {last.commit[:12]}, which was applied last from here (run {last.name}). {_OTHERS}"
        return FoundBase(base, line)
    here = f"this is {default} itself" if default else "git knows no default branch of origin"
    return _none(f"{here}, and this folder has no record of a complete apply of a commit")


def _none(why: str) -> FoundBase:
    return FoundBase(None, f"Base: none, because {why}. {_WITHOUT}")


def _read(run: Run, commit: str) -> Base:
    """What git said at a commit that nobody named. Raises SettingsError, which says how to do without."""
    try:
        return base_at(run, commit)
    except SettingsError as error:
        raise SettingsError(error.what, f"{error.hint}; or go on without a base: --base {NONE}") from None


def _last_apply(run: Run, screen: Screen) -> LastApply | None:
    """The last apply whose commit this clone has; None if that isn't certain: a base is no reason to fail."""
    schema, shape = package_files.schema("run"), package_files.schema("plan")
    try:
        folder = state_folder(run.settings.root, screen).looked_at(RUNS)

        def read(name: str) -> tuple[Record, Plan]:
            record = run_records.read(folder, name, schema)
            return record, planfile.loads(record.plan.encode(), shape, f"the plan of run {name}").plan

        found = last_apply(run_records.listed(folder, schema), run.target, read)
        return found if found is not None and git.holds(run.settings.root, found.commit) else None
    except SyncerError:
        return None
