"""What a plan does beyond its models (syncs, columns), and what of it can't be carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer import sql
from syncer.errors import ApiError, RefreshError
from syncer.model import (
    NOWHERE,
    SQL_TYPES,
    Columns,
    Connector,
    Problem,
    Severity,
    Sync,
    shortlist,
)
from syncer.plan import feasibility, lost_columns
from syncer.plan.planner import Change, Effect, Plan, Planned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.workflow.reader import Connectors, Reader

_ASKED: Final = 20
"""How many syncs are asked at most whether they run: it's a request for each."""

_LISTED: Final = 10
"""How many syncs a message lists."""

_DOWNSTREAM: Final = frozenset({"query", "primary_key", "connector_id", "query_type"})
"""The fields whose change a sync's next run notices."""


def with_consequences(planned: Planned, reader: Reader, connectors: Connectors) -> Planned:
    """The plan with what its changes do downstream, and with the syncs of what nobody manages any more."""
    made, removed = planned.plan, planned.removed
    if made.is_empty and not removed:
        return planned
    unknown = []
    read: Sequence[Sync] | None = ()
    try:
        read = reader.syncs() if made.updated or any(one.id for one in removed) else ()
        unknown += _half_read([sync for sync in read if sync.unknown])
    except (ApiError, RefreshError) as error:
        read = None
        unknown.append(_unread("syncs", "what these models feed", error))
    effects, unchecked = _effects(made, read, reader, connectors)
    moves = any("connector_id" in change.changed for change in made.updated)
    unknown += feasibility.one_way_moves(made, connectors()) if moves else ()
    fed = tuple(replace(one, syncs=_fed(one.id, read)) for one in removed)
    return replace(planned, effects=effects, removed=fed, warnings=(*planned.warnings, *unknown, *unchecked))


def _fed(model_id: int, syncs: Sequence[Sync] | None) -> tuple[Sync, ...] | None:
    """The syncs that read a live model; none of id 0, and None where nobody knows."""
    if not model_id:
        return ()
    return None if syncs is None else tuple(one for one in syncs if one.model_id == model_id)


def _effects(
    made: Plan, read: Sequence[Sync] | None, reader: Reader, connectors: Connectors
) -> tuple[Mapping[str, Effect], tuple[Problem, ...]]:
    """What each change does downstream, by address; and a warning for what isn't known."""
    unknown = []
    known: Mapping[int, Connector] = {}
    unchecked: dict[str, sql.UncheckedError] = {}
    queried = [change.address for change in made.changes if _is_queried(change)]
    if queried:
        try:
            sql.check()
            known = {one.id: one for one in connectors()}
        except sql.UncheckedError as error:
            unchecked = dict.fromkeys(queried, error)
        except (ApiError, RefreshError) as error:
            unknown.append(_unread("connectors", "whether a column that is needed gets lost", error))
    syncs = None if read is None else _running(made, read, reader)

    feeds = {
        change.address: () if change.is_creation else None if syncs is None else tuple(syncs.get(change.id, ()))
        for change in made.changes
    }
    chosen = _read_in_one_run(made, known, feeds)

    def effect(change: Change) -> Effect:
        fed = feeds[change.address]
        if change.address not in chosen:
            unknown.append(lost_columns.unlooked_columns(change, fed))
            return Effect(fed)
        try:
            found = _columns(change, known)
            if found is None and fed and _is_lost(change, known):
                unknown.extend(lost_columns.unread_columns(change, fed))
            return Effect(fed, found)
        except sql.UncheckedError as error:
            unchecked[change.address] = error
            return Effect(fed)

    effects = {change.address: effect(change) for change in made.changes}
    return effects, (*unknown, *lost_columns.unchecked_columns(effects, unchecked))


def _read_in_one_run(
    made: Plan, connectors: Mapping[int, Connector], feeds: Mapping[str, Sequence[Sync] | None]
) -> set[str]:
    """The changes whose queries are looked at, by address: what may feed a sync first, and no more than the bound.

    Changes without a query to look at are among them.
    """
    left = sql.MAX_PIECES
    chosen = set()
    for change in sorted(made.changes, key=lambda one: feeds[one.address] == ()):
        connector = connectors.get(change.after["connector_id"])
        if connector is None or not _is_queried(change):
            chosen.add(change.address)
            continue
        effort = sql.effort(_queries(change), connector.definition)
        left -= effort
        if not effort or left >= 0:
            chosen.add(change.address)
    return chosen


def _unread(what: str, unknown: str, error: ApiError | RefreshError) -> Problem:
    message = f"the {what} could not be read, so it is not known {unknown}: {error.what}"
    return Problem(NOWHERE, f"unread-{what}", message, error.hint, Severity.WARNING)


def _half_read(syncs: Sequence[Sync]) -> list[Problem]:
    """A warning for the syncs that can't be read."""
    if not syncs:
        return []
    named = shortlist((str(sync.id or "?") for sync in syncs), _LISTED)
    message = (
        f"it is not known what these changes do to some syncs ({named}). The reason for the first: {syncs[0].unknown}"
    )
    return [Problem(NOWHERE, "unread-syncs", message, "look at them in the UI before you apply", Severity.WARNING)]


def _running(made: Plan, syncs: Sequence[Sync], reader: Reader) -> dict[int, list[Sync]]:
    """The syncs of each model that changes, by its id; of those that notice it, whether they run just now."""
    changes = {change.id: change for change in made.updated}
    found: dict[int, list[Sync]] = {}
    left = _ASKED
    for sync in syncs:
        if sync.model_id not in changes:
            continue
        is_running: bool | None = False
        if sync.is_enabled and _DOWNSTREAM & set(changes[sync.model_id].changed):
            is_running = None
            if left:
                left -= 1
                try:
                    is_running = reader.is_running(sync.id)
                except ApiError:
                    # Older servers, and roles, don't show runs: then nobody knows.
                    left = 0
        found.setdefault(sync.model_id, []).append(replace(sync, is_running=is_running))
    return found


def _is_queried(change: Change) -> bool:
    """Whether its query may return other columns, or stand on another key, than before."""
    return bool({"query", "primary_key"} & set(change.changed)) and change.after.get("query_type") in SQL_TYPES


def _queries(change: Change) -> tuple[str, str]:
    """The query before and after."""
    fields = change.live.fields
    return fields.get("query") or "", {**fields, **change.after}.get("query") or ""


def _is_lost(change: Change, connectors: Mapping[int, Connector]) -> bool:
    """Whether the old query could be read and the new one can't. Raises UncheckedError."""
    connector = connectors.get(change.after["connector_id"])
    before, after = change.live.fields.get("query") or "", change.after.get("query") or ""
    return connector is not None and _is_queried(change) and sql.is_lost(before, after, connector.definition)


def _columns(change: Change, connectors: Mapping[int, Connector]) -> Columns | None:
    """What becomes of the columns; None where the query stays, or nobody can tell. Raises UncheckedError."""
    connector = connectors.get(change.after["connector_id"])
    if connector is None or not _is_queried(change):
        return None
    before, after = _queries(change)
    if not before or "query" not in change.changed:
        # A model that is made has no columns to lose; but its primary key should be one, and so should a new key.
        returned = sql.columns(after, connector.definition)
        return None if returned is None else Columns(returned if before else None, returned)
    return sql.compare(before, after, connector.definition)


def impossible(made: Plan, connectors: Connectors) -> tuple[Problem, ...]:
    """What can't be sent, and what the server would accept and shouldn't."""
    problems = feasibility.unsendable(made)
    if any(map(feasibility.needs_connectors, made.changes)):
        problems = (*problems, *feasibility.connector_problems(made, connectors()))
    return problems
