"""Definitions beside live state, whether or not they could be applied: how every model stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from syncer.adopting import importer
from syncer.desired.resolve import resolve, reveal
from syncer.errors import ApiError, RefreshError
from syncer.model import NOWHERE, Bound, DesiredState, Document, Problem, Severity, Target
from syncer.plan import provenance
from syncer.plan.model_states import Around, Listing
from syncer.plan.model_states import listed as rows_of
from syncer.plan.planner import Plan, Provenance, make_plan
from syncer.workflow.asking import Base, Connectors, Reader, bound_to, silent_base, targeted, told_once, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.secrets import Secret

_T = TypeVar("_T")


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
    patterns: Sequence[str] = (),
) -> Comparison:
    """Definitions beside live state, with what is new as such. Raises ApiError and RefreshError."""
    everything = resolve(documents, target.environment)
    named, nameless = connectors.bound(targeted(everything, patterns))
    chosen, missing = reveal(named, lookup)
    live = reader.fetch({model.id for model in everything.models if model.id is not None})
    bound, problems = bound_to(everything, chosen, live, {problem.origin.path for problem in nameless}, create=True)
    pairs = [importer.blind(binding) for binding in bound.bindings]
    bound = replace(bound, bindings=tuple(binding for binding, _ in pairs))
    made = make_plan(bound, target, excluded=len(everything.models) - len(chosen.models))
    origins = None
    if base is not None:
        former, _ = connectors.bound(base.state(target.environment))
        origins = provenance.attribute(made, bound.bindings, reveal(former, lookup)[0], base.commit)
    # Whether one that isn't live yet has its secrets, the plan that creates it tells.
    compared = {binding.desired.document.path for binding in bound.bindings}
    unset = tuple(replace(one, severity=Severity.WARNING) for one in missing if one.origin.path in compared)
    silent = silent_base(base) if made.updated else ()
    return Comparison(
        made,
        bound,
        chosen,
        origins,
        (*unread(live), *silent, *unset),
        told_once((*nameless, *(one for one in problems if one.is_error)), chosen, live, target),
        frozenset(binding.desired.address for binding, unseen in pairs if unseen),
    )


def listing(
    documents: Sequence[Document],
    reader: Reader,
    target: Target,
    lookup: Callable[[str], Secret | None],
    base: Base | None = None,
) -> Listing:
    """How every model stands, of git and of the workspace. Raises ApiError and RefreshError.

    What is only told beside them (connectors, syncs) may be missing.
    """
    connectors = Connectors(reader)
    told: list[Problem] = []
    known, error = _tried(connectors)
    if error is not None and any(document.data.get("connector") for document in documents):
        raise error
    syncs, lost = _tried(reader.syncs)
    for what, why in (("connectors", error), ("syncs", lost)):
        if why is not None:
            message = f"the {what} could not be read: {why.what}"
            told.append(Problem(NOWHERE, f"unread-{what}", message, why.hint, Severity.WARNING))
    found = compared(documents, reader, target, lookup, connectors, base=base)
    around = Around(known, syncs)
    rows = rows_of(found.chosen, found.bound, found.plan, found.provenance, around, found.unseen)
    return Listing(rows, (*told, *found.warnings, *found.problems))


def _tried(ask: Callable[[], Sequence[_T]]) -> tuple[Sequence[_T] | None, ApiError | RefreshError | None]:
    try:
        return ask(), None
    except (ApiError, RefreshError) as error:
        return None, error
