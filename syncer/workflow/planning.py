"""`syncer plan`: git beside live state; or, where nobody may ask the server, beside the base."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer import normalization
from syncer.desired import validate
from syncer.desired.connectors import stand_in_connectors
from syncer.desired.resolve import resolve, reveal
from syncer.desired.targets import ALL, Targets, taken_by_unread, targeted, traits_of
from syncer.model import Binding, Bound, DesiredState, Document, LiveModel, Problem, Severity, Target
from syncer.plan import causes, policy, renames
from syncer.plan.base_definitions import BaseDefinitions
from syncer.plan.guards import loosened_guards, with_guards_of
from syncer.plan.limits import loosened_limits
from syncer.plan.planner import Plan, Planned, Removed, make_plan
from syncer.plan.removed_definitions import removed_definitions
from syncer.plan.unset_secrets import not_compared_secrets, without_unset
from syncer.secrets import Secret
from syncer.workflow.base import Base, silent_base
from syncer.workflow.effects import impossible, with_consequences
from syncer.workflow.live_state import bound_to, told_together, unread_models
from syncer.workflow.reader import Connectors, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.plan.limits import Limits


def plan(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    limits: Limits,
    targets: Targets = ALL,
    *,
    base: Base | None = None,
    create: bool = False,
    with_effects: bool = True,
) -> Planned:
    """Refresh and plan; with `targets` only the definitions that they mean.

    With a base the plan says of each difference where it comes from, which guards the change loosens and which
    definitions it removes. With `create` definitions that no live model answers to are planned, too. `with_effects` it
    says what the changes do downstream, and has the verdict. The documents must be valid.
    Raises ApiError, RefreshError, and SettingsError for targets that mean nothing.
    """
    connectors = Connectors(reader)
    targets = connectors.told(targets)
    everything = resolve(documents, target.environment)
    wanted, nameless = connectors.bound(targeted(everything, targets))
    chosen, missing = reveal(wanted, lookup)
    missing = (*nameless, *(missing if limits.requires_secrets else ()))
    live = reader.fetch({model.id for model in everything.models if model.id is not None})

    bound, problems = bound_to(everything, chosen, live, {problem.path for problem in missing}, create=create)
    problems = (*problems, *taken_by_unread(bound, targets))
    told = tuple(problem for problem in problems if not problem.is_error)
    problems = tuple(problem for problem in problems if problem.is_error)
    bound, not_compared = without_unset(bound)
    excluded = len(everything.models) - len(chosen.models)
    made = make_plan(
        bound,
        target,
        excluded=excluded,
        not_compared=not_compared,
        elsewhere=len(documents) - len(everything.models),
    )
    problems = (*problems, *impossible(made, connectors))
    former = origins = None
    loosened: tuple[Problem, ...] = ()
    removed: tuple[Removed, ...] = ()
    if base is not None:
        said = base.state(target.environment)
        former, _ = connectors.bound(said)
        origins = causes.provenance_of(made, bound.bindings, reveal(former, lookup)[0], base.commit)
        origins = replace(origins, max_change=base.max_change)
        problems = (*problems, *renames.unpinned_renames(made, former))
        guards = base.guards(target.environment) if base.hurt else said
        made = with_guards_of(made, guards)
        loosened = (
            *loosened_limits(limits, base.max_change, create=create, created=base.create),
            *loosened_guards(bound.bindings, guards),
            *base.told,
        )
        removed = _chosen(removed_definitions(guards, everything, live), guards, targets)
    told = (*told, *renames.repurposed_ids(made, former))
    warnings = (
        *loosened,
        *unread_models(live),
        *silent_base(base, differs=not made.is_empty),
        *not_compared_secrets(not_compared, made),
        *told,
    )
    problems = told_together((*missing, *problems), chosen, live, target)
    planned = Planned(made, warnings, problems, origins, removed=removed)
    if not with_effects:
        return planned
    planned = replace(planned, warnings=(*warnings, *_unreadable(made)))
    return policy.judged(with_consequences(planned, reader, connectors), limits)


def _unreadable(made: Plan) -> tuple[Problem, ...]:
    """The changed queries that no database can read, as warnings."""
    changed = (change.desired.document for change in made.changes if "query" in change.changed)
    return validate.unreadable(changed, made.target.environment)


def plan_offline(
    documents: Sequence[Document], base: Base, target: Target, limits: Limits, targets: Targets = ALL
) -> Planned:
    """What a change would do if live were what its base says: for whoever may not ask the server.

    Secrets are compared by the variables that name them. A definition that the base doesn't have can't be compared, and
    is named in a warning.
    """

    def lookup(variable: str) -> Secret:
        return Secret(variable, variable)

    everything = stand_in_connectors(resolve(documents, target.environment))
    chosen, _ = reveal(targeted(everything, targets), lookup)
    said = base.state(target.environment)
    former = BaseDefinitions(reveal(stand_in_connectors(said), lookup)[0])
    bindings, new = [], []
    for model in chosen.models:
        before = former.of(model)
        if before is None:
            message = f"{model.address} is new: what it would change can't be told without the target"
            hint = "it's compared when somebody with access plans"
            new.append(model.problem("new-definition", message, hint=hint, severity=Severity.WARNING))
        else:
            live = LiveModel(model.id or before.id or 0, normalization.normal_form(before.fields))
            bindings.append(Binding(model, live))
    made = make_plan(
        Bound(tuple(bindings)),
        target,
        excluded=len(everything.models) - len(chosen.models),
        elsewhere=len(documents) - len(everything.models),
    )
    guards = base.guards(target.environment) if base.hurt else said
    loosened = loosened_guards(bindings, guards)
    warnings = (*loosened, *new, *silent_base(base), *_unreadable(made))
    removed = _chosen(removed_definitions(guards, everything, None), guards, targets)
    planned = Planned(with_guards_of(made, guards), warnings, is_offline=True, removed=removed)
    return policy.judged(planned, limits)


def _chosen(removed: Sequence[Removed], base: DesiredState, targets: Targets) -> tuple[Removed, ...]:
    """Those that the targets mean by what the base says; a file that isn't valid is there all the same."""
    meant = {model.address for model in base.models if replace(targets, changed=None).has(traits_of(model))}
    return tuple(one for one in removed if one.address in meant and one.path not in targets.unread)
