"""The guard for columns: those that a sync or the primary key needs, and that a changed query doesn't return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.model import LOST_COLUMN, NOWHERE, Problem, Severity, shortlist

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncer.errors import SyncerError
    from syncer.model import Columns, Sync
    from syncer.plan.limits import Limits
    from syncer.plan.planner import Change, Effect, Planned


_MANY: Final = 3
"""How many syncs one message lists."""

_OF_SEVERAL: Final = {"maps": "map", "reads new rows by": "read new rows by"}

_MANY_MODELS: Final = 10

UNCHECKED: Final = "columns-not-checked"
"""The rule of a plan in which the guard against lost columns can't tell of some query."""


def lost_columns(planned: Planned, limits: Limits) -> Iterator[Problem]:
    """The columns that a sync or the primary key names and the new query certainly doesn't return."""
    for change in planned.plan.changes:
        effect = planned.effects.get(change.address)
        if effect is not None and effect.columns is not None:
            yield from _lost(change, effect, effect.columns, limits)


def _lost(change: Change, effect: Effect, columns: Columns, limits: Limits) -> Iterator[Problem]:
    needed: dict[str, dict[str, list[str]]] = {}
    for sync in effect.syncs or ():
        for column in dict.fromkeys((*sync.columns, *filter(None, [sync.cursor]))):
            use = "reads new rows by" if column not in sync.columns else "maps"
            needed.setdefault(column, {}).setdefault(use, []).append(f"sync {sync.id} to {sync.destination}")
    key = change.after.get("primary_key") or change.live.fields.get("primary_key")
    if key:
        needed.setdefault(str(key), {})
    for column, uses in needed.items():
        # What the query didn't return before isn't lost now.
        was_there = columns.before is None or column.casefold() in {name.casefold() for name in columns.before}
        is_new_key = column == key and "primary_key" in change.changed
        if columns.lacks(column) and (was_there or is_new_key):
            said = _needed_by(uses, is_key=column == key)
            instead = "name another primary key" if column == key else "change the sync first"
            in_file = f"`lifecycle: {{allow: [{LOST_COLUMN}]}}`, or " if limits.asks_files else ""
            allowing = f"; if it's meant, say {in_file}`--allow {LOST_COLUMN}`"
            is_allowed = limits.allows(change, LOST_COLUMN)
            # What the query returns is as it was, or never was there: then the key is what has to change.
            names_key = is_new_key and not change.is_creation and not ("query" in change.changed and was_there)
            keep = f"let the query return {column}" if names_key else "keep the column"
            yield change.desired.problem(
                "lost-column",
                f"the query of {change.address} doesn't return {column}, which {said}",
                "primary_key" if names_key else "query",
                hint="" if is_allowed else f"{keep}, or {instead}{allowing}",
                severity=Severity.WARNING if is_allowed else Severity.ERROR,
            )


def _needed_by(uses: Mapping[str, Sequence[str]], *, is_key: bool) -> str:
    """Who needs a column, as one list for each use: `sync 1 to Ads and sync 2 to Ads map`."""
    said = ["is the primary key"] if is_key else []
    for use, syncs in uses.items():
        rest = len(syncs) - _MANY
        *names, last = [*syncs[:_MANY], *([f"{rest} more"] if rest > 0 else [])]
        said.append(f"{', '.join(names)} and {last} {_OF_SEVERAL[use]}" if names else f"{last} {use}")
    return ", and ".join(said)


def unread_columns(change: Change, syncs: Iterable[Sync]) -> Iterator[Problem]:
    """The syncs that need columns of a query that could be read, and can't be any more: one warning."""
    if said := _uses(syncs):
        yield change.desired.problem(
            UNCHECKED,
            f"the columns of {change.address} are not checked, for its new query can't be read: {said}",
            "query",
            hint="correct the query, or see for yourself that it returns these columns",
            severity=Severity.WARNING,
        )


def unlooked_columns(change: Change, syncs: Iterable[Sync] | None) -> Problem:
    """The warning of a query that wasn't looked at, because a run reads no more queries than it has read by then."""
    said = "its syncs could not be read" if syncs is None else _uses(syncs)
    return change.desired.problem(
        UNCHECKED,
        f"the columns of {change.address} are not checked, for this plan changes more SQL than one run reads"
        + (f": {said}" if said else ""),
        "query",
        hint="plan fewer models at once, with `--target`, or see for yourself that the query returns what syncs map",
        severity=Severity.WARNING,
    )


def _uses(syncs: Iterable[Sync]) -> str:
    """Which columns some syncs need, in words; empty if they need none."""
    uses = [
        f"sync {sync.id} to {sync.destination} needs {', '.join(names)}"
        for sync in syncs
        if (names := dict.fromkeys(filter(None, (*sync.columns, sync.cursor))))
    ]
    rest = len(uses) - _MANY
    return "; ".join([*uses[:_MANY], *([f"and {rest} more"] if rest > 0 else [])])


def unchecked_columns(effects: Mapping[str, Effect], why: Mapping[str, SyncerError]) -> tuple[Problem, ...]:
    """A warning for each reason why queries, by address, weren't looked at, with those that feed a sync."""
    unlooked: dict[tuple[str, str], list[str]] = {}
    for address, error in why.items():
        syncs = effects[address].syncs
        if syncs is None:
            unlooked.setdefault((error.what, error.hint), []).append(f"{address} (its syncs could not be read)")
        elif syncs:
            named = shortlist((f"sync {sync.id} to {sync.destination}" for sync in syncs), _MANY)
            unlooked.setdefault((error.what, error.hint), []).append(f"{address} (feeds {named})")
    return tuple(
        Problem(
            NOWHERE,
            UNCHECKED,
            f"columns not checked, because {what}: {shortlist(models, _MANY_MODELS)}",
            f"see for yourself that each query returns what its syncs map, or let syncer see: {hint}",
            Severity.WARNING,
        )
        for (what, hint), models in unlooked.items()
    )
