"""`syncer apply`: a plan as it was made, or a saved one on live state as it is now; and what refuses either."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.applying import applier
from syncer.applying.outcome import Outcome, Status
from syncer.errors import RefusedError
from syncer.model import NO_MARKS, Document
from syncer.plan import feasibility, lost_columns, policy, saved_plan
from syncer.plan.planner import Planned
from syncer.workflow.effects import impossible, with_consequences
from syncer.workflow.reader import Connectors, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.applying.applier import Stop
    from syncer.applying.outcome import Report
    from syncer.applying.writer import Writer
    from syncer.events import Tell
    from syncer.model import Target
    from syncer.plan.limits import Limits
    from syncer.plan.planner import Change, Planned
    from syncer.secrets import Secret


def resume(
    planned: Planned,
    reader: Reader,
    target: Target,
    commit: str,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
) -> Planned:
    """A saved plan on live state as it is now, with the verdict under these limits: the same plan, or RefusedError.

    Raises ApiError and RefreshError.
    """
    saved_plan.check_applicable(planned, target, commit)
    known = {change.id for change in planned.plan.updated}
    renewed = saved_plan.with_live_state(planned, reader.fetch(known), lookup)
    # Syncs may have come since: what is lost now counts. What was said of them before is said anew.
    stale = {"unread-syncs", "unread-connectors", lost_columns.UNCHECKED, feasibility.NO_WAY_BACK}
    renewed = replace(renewed, warnings=tuple(one for one in renewed.warnings if one.rule not in stale))
    connectors = Connectors(reader)
    renewed = with_consequences(renewed, reader, connectors)
    if problems := impossible(renewed.plan, connectors):
        raise RefusedError("the saved plan can't be applied; nothing was written", "plan again", problems)
    return policy.judged(renewed, limits)


def without_files(planned: Planned) -> Planned:
    """The plan as a saved one has it: its files are named, and what they say is in `after` alone.

    A long apply needs the room that what was read of them takes.
    """

    def bare(change: Change) -> Change:
        document = Document(change.address, change.desired.document.path, {}, NO_MARKS)
        return replace(change, desired=replace(change.desired, fields=change.after, document=document, sources={}))

    return replace(planned, plan=replace(planned.plan, changes=tuple(map(bare, planned.plan.changes))))


def expect(planned: Planned, digest: str) -> None:
    """Raise RefusedError unless the plan is the one that was reviewed."""
    if planned.plan.digest != digest:
        message = f"this is not the reviewed plan: its digest is {planned.plan.digest}; nothing was written"
        raise RefusedError(
            message, "live models or files changed since the review: review this plan, and name its digest"
        )


def refuse(planned: Planned, limits: Limits) -> None:
    """Raise RefusedError if the plan may not be applied: it isn't whole, or the verdict is against it.

    The verdict that was shown is made once more, so that no plan passes that nobody judged.
    """
    if planned.problems:
        message = "the plan is incomplete, so nothing is applied"
        raise RefusedError(message, "fix the problems above, or apply a part of it with --target")
    if refusals := policy.judged(planned, limits).refusals:
        message = "this plan may not be applied as it is; nothing was written"
        raise RefusedError(message, problems=refusals)


def apply(
    planned: Planned,
    writer: Writer,
    tell: Tell,
    limits: Limits,
    *,
    parallelism: int,
    fail_fast: bool,
    stop: Stop,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Carry out the plan that was shown, but for what it withholds. Raises RefusedError before anything is written."""
    refuse(planned, limits)
    plan = planned.plan
    left = {change.address: _left_out(change, plan.not_compared[change.address]) for change in plan.withheld}
    sent = replace(plan, changes=tuple(change for change in plan.changes if change.address not in left))
    report = applier.apply(
        sent, writer, tell, parallelism=parallelism, fail_fast=fail_fast, stop=stop, clock=clock, sleep=sleep
    )
    outcomes = {one.change.address: one for one in report.outcomes} | left
    return replace(report, outcomes=tuple(outcomes[change.address] for change in plan.changes))


def _left_out(change: Change, variables: Sequence[str]) -> Outcome:
    """What becomes of a change whose configuration would be sent without a secret."""
    are = "is" if len(variables) == 1 else "are"
    reason = f"its configuration would be sent without a secret: {', '.join(variables)} {are} not set"
    return Outcome(change, Status.NOT_ATTEMPTED, reason, "set it where syncer runs, and plan again")
