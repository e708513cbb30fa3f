"""Apply: a plan as it was made, a saved one made whole again, or the way back of a run."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.applying import applier, rollback
from syncer.desired.resolve import resolve
from syncer.errors import RefusedError
from syncer.plan import policy, saved_plan
from syncer.plan.planner import Planned
from syncer.workflow.asking import Connectors, Reader, is_chosen, refuse_nameless
from syncer.workflow.effects import impossible, with_consequences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.applying.applier import Report, Stop, Writer
    from syncer.applying.rollback import Ending
    from syncer.events import Tell
    from syncer.model import Document, Problem, Target
    from syncer.plan.planner import Change
    from syncer.plan.policy import Limits
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
    saved_plan.admit(planned, target, commit)
    known = {change.id for change in planned.plan.updated}
    renewed = saved_plan.renew(planned, reader.fetch(known), lookup)
    # Syncs may have come since: what is lost now counts. What was said of them before is said anew.
    stale = {"unread-syncs", "unread-connectors", policy.UNCHECKED, policy.NO_WAY_BACK}
    renewed = replace(renewed, warnings=tuple(one for one in renewed.warnings if one.rule not in stale))
    connectors = Connectors(reader)
    renewed = with_consequences(renewed, reader, connectors)
    if problems := impossible(renewed.plan, connectors):
        raise RefusedError("the saved plan can't be applied; nothing was written", "plan again", problems)
    return policy.judged(renewed, limits)


def roll_back(
    kept: Planned,
    endings: Mapping[str, Ending],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
    *,
    patterns: Sequence[str] = (),
    documents: Sequence[Document] = (),
) -> tuple[Planned, tuple[Problem, ...]]:
    """What takes a run back, by its plan and how each change ended; and what of it can't go back, which stops nothing.

    `documents` are the files as they are now: what they protect is protected.

    Raises RefusedError for another target, ApiError, RefreshError, and SettingsError for a pattern that names nothing.
    """
    rollback.admit(kept, target)
    plan = kept.plan
    changes = tuple(change for change in plan.changes if is_chosen(change.desired, patterns))
    refuse_nameless([change.desired for change in plan.changes], patterns, "change of that run")
    left_out = len(plan.changes) - len(changes)
    # All that the run compared counts: the way back changes as much of it as the way there did.
    protected = {model.address for model in resolve(documents, target.environment).models if model.lifecycle.protect}
    changes = tuple(_protected(change) if change.address in protected else change for change in changes)
    plan = replace(plan, changes=changes, unchanged=plan.unchanged + plan.excluded, excluded=left_out)
    back = rollback.way_back(plan, endings, reader.fetch({change.id for change in plan.updated}), lookup)
    connectors = Connectors(reader)
    wrong = {one.address: impossible(replace(back.plan, changes=(one,)), connectors) for one in back.plan.changes}
    going = tuple(change for change in back.plan.changes if not wrong[change.address])
    stays = len(back.plan.changes) - len(going)
    plan = replace(back.plan, changes=going, unchanged=back.plan.unchanged + stays)
    refused = (*back.refused, *(problem for problems in wrong.values() for problem in problems))
    planned = with_consequences(Planned(plan, back.left), reader, connectors)
    return policy.judged(planned, limits), refused


def _protected(change: Change) -> Change:
    lifecycle = replace(change.desired.lifecycle, protect=True)
    return replace(change, desired=replace(change.desired, lifecycle=lifecycle))


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
        message = "the plan is not whole, so nothing is applied"
        raise RefusedError(message, "solve the problems above, or apply a part of it with --target")
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
    """Carry out exactly the plan that was shown. Raises RefusedError before anything is written."""
    refuse(planned, limits)
    plan = planned.plan
    return applier.apply(
        plan, writer, tell, parallelism=parallelism, fail_fast=fail_fast, stop=stop, clock=clock, sleep=sleep
    )
