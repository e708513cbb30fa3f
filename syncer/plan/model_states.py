"""How each model stands: in step, changed, drifted, in conflict, new, unmanaged or unknown. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from syncer.plan.planner import Cause

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from syncer.model import Bound, Connector, DesiredModel, DesiredState, LiveModel, Problem, Sync
    from syncer.plan.planner import Plan, Provenance


class State(Enum):
    """How a model stands, in the word that the list says."""

    IN_STEP = "in step"
    """Live is what git says."""
    CHANGED = "changed"
    """Git says something that isn't live yet."""
    DRIFTED = "drifted"
    """Live was edited outside git."""
    CONFLICT = "conflict"
    """Both."""
    NEW = "new"
    """No live model answers to the definition."""
    UNMANAGED = "unmanaged"
    """No file declares it."""
    UNKNOWN = "unknown"
    """It can't be told: a problem says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model. What isn't known is None; `address` and `file` are empty for one that no file declares.

    `connector_id` is None where a definition names a connector that isn't there. `syncs` counts those that read it.
    """

    state: State
    address: str
    id: int | None
    name: str
    query_type: str
    connector_id: int | None
    connector: str | None
    syncs: int | None
    file: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Every model, those of git by address and then the others by id; and what kept some from being told."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    elsewhere: int = 0
    """How many definitions live in other environments only."""

    @property
    def counts(self) -> dict[State, int]:
        """How many stand in which way; none is left out."""
        counts = Counter(row.state for row in self.rows)
        return {state: counts[state] for state in State if counts[state]}

    @property
    def unmanaged(self) -> Listing:
        """Those alone that no file declares."""
        return Listing(tuple(row for row in self.rows if row.state is State.UNMANAGED), self.problems, self.elsewhere)


def rows_of(
    desired: DesiredState,
    bound: Bound,
    plan: Plan,
    provenance: Provenance | None,
    unseen: Collection[str],
    *,
    connectors: Sequence[Connector] | None,
    syncs: Sequence[Sync] | None,
) -> tuple[Row, ...]:
    """A row for each definition and for each live model that none declares.

    `unseen` are the addresses of those with a secret that can't be looked up: what else differs is told, but nobody can
    say that they're in step. `connectors` and `syncs` are the workspace's, None where they
    could not be read.
    """
    connector_names = {one.id: one.name for one in connectors or ()}
    sync_counts = None if syncs is None else Counter(sync.model_id for sync in syncs)
    changes = {change.address: change for change in plan.changes}
    lives = {binding.desired.address: binding.live for binding in bound.bindings}
    new = {model.address for model in bound.new}

    def state(model: DesiredModel) -> State:
        change = changes.get(model.address)
        if model.address in new:
            return State.NEW
        if model.address not in lives:
            return State.UNKNOWN
        if change is None:
            return State.UNKNOWN if model.address in unseen else State.IN_STEP
        return _cause(set() if provenance is None else {*provenance.causes[change.address]})

    def row(how: State, model: DesiredModel | None, live: LiveModel | None) -> Row:
        fields: Mapping[str, object] = live.fields if live is not None else model.fields if model is not None else {}
        connector_id = fields.get("connector_id")
        number = connector_id if isinstance(connector_id, int) else None
        name = connector_names.get(number) if number is not None else model.connector if model is not None else None
        ident = live.id if live is not None else model.id if model is not None else None
        return Row(
            how,
            model.address if model is not None else "",
            ident,
            str(fields.get("name") or ""),
            str(fields.get("query_type") or ""),
            number,
            name,
            None if sync_counts is None else sync_counts[ident] if ident is not None else 0,
            model.document.path if model is not None else "",
        )

    managed = sorted(desired.models, key=lambda model: model.address)
    rest = sorted(bound.unmanaged, key=lambda live: live.id)
    return (
        *(row(state(model), model, lives.get(model.address)) for model in managed),
        *(row(State.UNMANAGED, None, live) for live in rest),
    )


def _cause(causes: set[Cause]) -> State:
    if Cause.CONFLICT in causes or {Cause.DRIFT, Cause.CHANGE} <= causes:
        return State.CONFLICT
    return State.DRIFTED if Cause.DRIFT in causes else State.CHANGED
