"""Definitions beside live state, whether or not they could be applied: how every model stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.desired.resolve import resolve, reveal
from syncer.desired.targets import ALL, Targets, taken_by_unread, targeted
from syncer.plan import causes
from syncer.plan.planner import Plan, Provenance, make_plan
from syncer.plan.unset_secrets import not_compared_secrets, without_unset
from syncer.workflow.base import Base, silent_base
from syncer.workflow.live_state import bound_to, told_together, unread_models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.model import Bound, DesiredState, Document, Problem, Target
    from syncer.secrets import Secret
    from syncer.workflow.reader import Connectors, Reader


@dataclass(frozen=True, slots=True)
class Comparison:
    """Definitions beside live state; a secret that isn't set is taken for what is live, and its model is `unseen`."""

    plan: Plan
    bound: Bound
    chosen: DesiredState
    provenance: Provenance | None
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    unseen: frozenset[str]


def compared(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    connectors: Connectors,
    *,
    base: Base | None,
    targets: Targets = ALL,
) -> Comparison:
    """Definitions beside live state, with what is new as such. Raises ApiError and RefreshError."""
    everything = resolve(documents, target.environment)
    named, nameless = connectors.bound(targeted(everything, connectors.told(targets)))
    chosen, _ = reveal(named, lookup)
    live = reader.fetch({model.id for model in everything.models if model.id is not None})
    bound, problems = bound_to(everything, chosen, live, {problem.path for problem in nameless}, create=True)
    problems = (*problems, *taken_by_unread(bound, targets))
    # Whether one that isn't live yet has its secrets, the plan that creates it tells.
    bound, not_compared = without_unset(bound)
    not_compared = {one: not_compared[one] for one in sorted(not_compared) if one not in {m.address for m in bound.new}}
    made = make_plan(
        bound,
        target,
        excluded=len(everything.models) - len(chosen.models),
        elsewhere=len(documents) - len(everything.models),
    )
    origins = None
    if base is not None:
        former, _ = connectors.bound(base.state(target.environment))
        origins = causes.provenance_of(made, bound.bindings, reveal(former, lookup)[0], base.commit)
    silent = silent_base(base) if made.updated else ()
    return Comparison(
        made,
        bound,
        chosen,
        origins,
        (*unread_models(live), *silent, *not_compared_secrets(not_compared)),
        told_together((*nameless, *(one for one in problems if one.is_error)), chosen, live, target),
        frozenset(not_compared),
    )
