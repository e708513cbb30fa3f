"""The last apply that brought about all that a commit says, and what others changed since. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncer.applying.past_run import LostRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncer.applying.past_run import PastRun
    from syncer.applying.run_records import Record
    from syncer.model import Target
    from syncer.plan.planner import Plan

_DIRTY: Final = "-dirty"


@dataclass(frozen=True, slots=True)
class LastApply:
    """A run after which live was what `commit` says.

    `changed_since` names the models that later runs changed otherwise, each by its address, id and names: what the
    commit says of those need not be live. A later run counts so if it had a target, failed in part, took another run
    back, was made of a work tree with edits, didn't know a secret, or called this workspace's environment otherwise.
    """

    name: str
    commit: str
    changed_since: frozenset[int | str]


def last_apply(
    runs: Iterable[PastRun | LostRun], target: Target, read: Callable[[str], tuple[Record, Plan]]
) -> LastApply | None:
    """The last whole apply to a target, from the runs of a folder, the newest first; None if none is certain.

    `read` gives a run's record and its plan by the run's name; whatever it raises comes out of here.
    """
    changed: set[int | str] = set()
    for run in runs:
        if isinstance(run, LostRun):
            # It may have been to this target, and nobody knows what it changed.
            return None
        if (run.target.url, run.target.workspace_id) != (target.url, target.workspace_id):
            continue
        record, plan = read(run.name)
        if run.target == target and _is_whole(record, plan):
            return LastApply(run.name, run.commit, frozenset(changed))
        for change in plan.changes:
            model_id = change.id or record.endings[change.address].id
            changed |= {change.address, change.live.name, str(change.after["name"])} | {model_id}
    return None


def _is_whole(record: Record, plan: Plan) -> bool:
    """Whether a run certainly left live as its commit says."""
    run = record.run
    is_clean = bool(run.commit) and not run.commit.endswith(_DIRTY)
    is_done = all(one.status == "done" for one in record.endings.values())
    is_all = not (run.is_rollback or plan.excluded or plan.not_compared)
    return bool(run.ended) and is_clean and is_all and is_done
