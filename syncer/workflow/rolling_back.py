"""`syncer rollback`: the plan that takes a run back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.applying import rollback
from syncer.desired.resolve import resolve
from syncer.desired.targets import Targets, refuse_unknown, traits_of
from syncer.plan import policy
from syncer.plan.planner import Planned
from syncer.workflow.effects import impossible, with_consequences
from syncer.workflow.reader import Connectors, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.applying.past_run import Ending
    from syncer.model import (
        Document,
        Problem,
        Target,
    )
    from syncer.plan.limits import Limits
    from syncer.plan.planner import Change
    from syncer.secrets import Secret


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
    rollback.check_applicable(kept, target)
    plan = kept.plan
    targets = Targets(patterns)
    changes = tuple(change for change in plan.changes if targets.has(traits_of(change.desired)))
    refuse_unknown([traits_of(change.desired) for change in plan.changes], targets, "change of that run")
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
