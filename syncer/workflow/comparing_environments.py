"""`syncer compare`: what is live in one environment beside what is live in another, under the definitions' names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.desired.binding import bind
from syncer.desired.resolve import resolve
from syncer.desired.targets import ALL, Targets, refuse_unknown, traits_of
from syncer.model import NOWHERE, Binding, Bound, DesiredState, Problem, Severity, Target, shortlist
from syncer.plan.planner import Counterpart, Planned, make_plan
from syncer.plan.promotion import CONNECTOR, connector_there, own_fields, promoted
from syncer.workflow.live_state import told_together, unread_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Common, Connector, DesiredModel, Document, LiveModel
    from syncer.workflow.reader import Reader

_ABSENT = "no-live-model"
_MANY = 5


def compare_environments(
    documents: Sequence[Document],
    here: tuple[Target, Reader],
    there: tuple[Target, Reader],
    common: Common,
    targets: Targets = ALL,
) -> Planned:
    """What would change `there` if it had what is live `here`, model by model. Raises ApiError and RefreshError.

    Of what can't be bound a problem tells, in either environment. And SettingsError for a target that means nothing.
    """
    one, other = (_Side.of(documents, *side, targets) for side in (here, there))
    known = {model.address: model for side in (other, one) for model in side.everything.values()}
    refuse_unknown([traits_of(model) for model in known.values()], targets, "definition")
    bindings, unmapped, kept = [], [], 0
    for address in sorted(one.bindings.keys() & other.bindings.keys()):
        mine, its = one.bindings[address], other.bindings[address]
        own = own_fields(mine.desired, its.desired)
        kept += bool(own)
        connector = None
        if CONNECTOR not in own:
            names = (one.target.environment, other.target.environment)
            live = mine.live.fields.get(CONNECTOR)
            connector = connector_there(live, one.connectors, other.connectors, common, names)
            unmapped += [address] if connector is None else []
        bindings.append(Binding(promoted(mine, its, connector), its.live))
    made = make_plan(
        Bound(tuple(bindings), other.unmanaged),
        other.target,
        excluded=len(one.everything.keys() | other.everything.keys()) - len(one.chosen | other.chosen),
        elsewhere=len(one.chosen ^ other.chosen),
    )
    counterpart = Counterpart(
        one.target,
        alone_here=tuple(sorted(one.bindings.keys() & other.absent)),
        alone_there=tuple(sorted(other.bindings.keys() & one.absent)),
        nowhere=tuple(sorted(one.absent & other.absent)),
        unmanaged=one.unmanaged,
    )
    warnings = (*one.warnings, *other.warnings, *_unmapped(unmapped), *_kept(kept))
    return Planned(made, warnings, (*one.problems, *other.problems), counterpart=counterpart)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two environments: its bindings by address, and what can't be bound there."""

    target: Target
    connectors: Sequence[Connector]
    everything: dict[str, DesiredModel]
    chosen: frozenset[str]
    bindings: dict[str, Binding]
    absent: frozenset[str]
    unmanaged: tuple[LiveModel, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @classmethod
    def of(cls, documents: Sequence[Document], target: Target, reader: Reader, targets: Targets) -> _Side:
        """What is live there of the definitions that live there."""
        everything = resolve(documents, target.environment)
        chosen = DesiredState(tuple(model for model in everything.models if targets.has(traits_of(model))))
        connectors = reader.connectors()
        live = reader.fetch({model.id for model in everything.models if model.id is not None})
        bound = bind(everything, live)
        addresses = frozenset(model.address for model in chosen.models)
        by_path = {model.document.path: model.address for model in chosen.models}
        about = [problem for problem in bound.problems if problem.path in by_path]
        told = told_together(about, chosen, live, target)
        is_elsewhere = any(problem.origin == NOWHERE for problem in told)
        problems = told if is_elsewhere else tuple(one for one in told if one.rule != _ABSENT)
        return cls(
            target,
            connectors,
            {model.address: model for model in everything.models},
            addresses,
            {one.desired.address: one for one in bound.bindings if one.desired.address in addresses},
            frozenset(by_path[one.path] for one in about if one.rule == _ABSENT),
            bound.unmanaged,
            tuple(_in(target, one) for one in problems),
            tuple(_in(target, one) for one in unread_models(live)),
        )


def _in(target: Target, problem: Problem) -> Problem:
    """The problem with the environment that it's about: the same file may be right in the other one."""
    return replace(problem, message=f"in {target.environment}: {problem.message}")


def _unmapped(addresses: Sequence[str]) -> list[Problem]:
    if not addresses:
        return []
    message = "connectors not compared: no name in files means the same connector in both environments"
    hint = f"{shortlist(addresses, _MANY)}. Name them in the connectors table of each environment's settings"
    return [Problem(NOWHERE, "unmapped-connector", message, hint, Severity.WARNING)]


def _kept(count: int) -> list[Problem]:
    if not count:
        return []
    files = "1 file gives" if count == 1 else f"{count} files give"
    message = f"{files} an environment values of its own: these fields were not compared"
    return [Problem(NOWHERE, "own-values", message, "they stay as they are when a change is merged", Severity.WARNING)]
