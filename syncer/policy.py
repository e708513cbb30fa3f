"""Is this plan allowed? Plan and limits in, problems out: warnings to read, errors that refuse an apply.

And may this server get the credentials? What is known of servers in, yes or no out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from syncer.effects import RISKS
from syncer.model import LOST_COLUMN, NOWHERE, RISKY, Problem, Secret, Severity, shortlist
from syncer.planner import LOOSENED, Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncer.errors import SyncerError
    from syncer.model import Columns, Connector, Sync
    from syncer.planner import Change, Effect, Plan, Planned, Provenance

_MANY: Final = 3
"""How many syncs one message lists."""
_MANY_MODELS: Final = 10

SILENT_BASE: Final = "silent-base"
"""The rule of a base that can't tell all: who wants no drift undone can't rely on it."""

PROTECT: Final = "protect"
"""What lets protected models change, in one run; no file can."""

_UNPROTECT: Final = (
    "if the change is meant, say `protect: false` in a change of its own, and merge that first; or let the run say "
    f"`--allow {PROTECT}`"
)

_JUDGED: Final = frozenset(
    {"too-many-changes", "protected", "risky-change", "lost-column", "conflict", "drift", "secret-change", SILENT_BASE}
)
"""The rules of `judged`."""


class OnDrift(Enum):
    """What an apply does about edits made outside git, where the base tells of them."""

    FAIL = "fail"
    """Neither undoes nor overwrites any."""
    WARN = "warn"
    """Undoes those that only it would undo, overwrites none that this change competes with."""
    OVERWRITE = "overwrite"
    """Git wins."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one apply may change: at most `percent` of the bound models, once it's `floor` of them or more."""

    percent: int = 30
    floor: int = 10
    on_drift: OnDrift = OnDrift.WARN
    allow: frozenset[str] = frozenset()
    """What may pass in every model, as `lifecycle.allow` lets it in one; and `PROTECT`."""
    asks_files: bool = True
    """Whether a file can allow it; on the way back of a run none is asked."""
    said: int | None = None
    """The share that this run itself lets pass, in percent: it beats `percent`, wherever that comes from."""

    @property
    def share(self) -> int:
        """The share that counts, in percent."""
        return self.percent if self.said is None else self.said

    def allows(self, change: Change, what: str) -> bool:
        """Whether this may pass in the model that changes."""
        return what in self.allow or what in change.desired.lifecycle.allow

    def with_base(self, provenance: Provenance | None) -> Limits:
        """The limits as the base's settings have them, where there is a base: a change doesn't lift its own guard."""
        if provenance is None or provenance.max_change is None:
            return self
        percent, floor = provenance.max_change
        return replace(self, percent=percent, floor=floor)


def judged(planned: Planned, limits: Limits) -> Planned:
    """The plan with the one verdict on it: what an apply under these limits refuses, and what it lets pass with a word.

    Everything is judged anew, so a plan that was judged under other limits gets the verdict of these.
    """
    limits = limits.with_base(planned.provenance)
    plan = planned.plan
    found = (
        *_too_many(plan, limits),
        *_protected(plan, limits),
        *(_risk(change, field, limits) for change in plan.updated for field in _risky_fields(change)),
        *_lost_columns(planned, limits),
        *_outside(planned, limits),
        *_secret_changes(plan),
    )
    # A saved plan doesn't hold its files. Its former verdict knows where something stands.
    known = {(one.rule, one.message): one for one in (*planned.warnings, *planned.refusals)}
    placed = [replace(known.get((one.rule, one.message), one), hint=one.hint, severity=one.severity) for one in found]
    others = [one for one in planned.warnings if one.rule not in _JUDGED]
    return replace(
        planned,
        warnings=(*others, *(one for one in placed if not one.is_error)),
        refusals=tuple(one for one in placed if one.is_error),
    )


def loosened(limits: Limits, base: tuple[int, int] | None, *, create: bool, created: bool) -> tuple[Problem, ...]:
    """What the settings let pass that the base's didn't: its share and floor are `base`, its `create` is `created`."""
    percent, floor = base or (limits.percent, limits.floor)
    counts = "until this is merged, the limit of the base counts"
    found = []
    if limits.percent > percent:
        found.append((f"max_change_percent rises from {percent} to {limits.percent}", counts))
    if limits.floor > floor:
        found.append((f"max_change_floor rises from {floor} to {limits.floor}", counts))
    if create and not created:
        found.append(("create is switched on", "an apply makes new models from now on"))
    return tuple(Problem(NOWHERE, LOOSENED, message, hint, Severity.WARNING) for message, hint in found)


def _severity(*, is_allowed: bool) -> Severity:
    return Severity.WARNING if is_allowed else Severity.ERROR


def _secret_changes(plan: Plan) -> Iterator[Problem]:
    """The variables whose values differ from what is live: nobody sees in a diff whether that is meant."""
    for change in plan.updated:
        for one in change.fields:
            if isinstance(one.after, Secret) and one.after.reference and isinstance(one.before, Secret):
                path = ".".join(map(str, one.path))
                yield change.desired.problem(
                    "secret-change",
                    f"{path} of {change.address} is not what {one.after.reference} holds: an apply puts that there",
                    "configuration",
                    hint="if the live one is right, correct the variable",
                    severity=Severity.WARNING,
                )


_REFUSED: Final[Mapping[OnDrift, tuple[Cause, ...]]] = {
    OnDrift.FAIL: (Cause.DRIFT, Cause.CONFLICT),
    OnDrift.WARN: (Cause.CONFLICT,),
    OnDrift.OVERWRITE: (),
}


def _outside(planned: Planned, limits: Limits) -> Iterator[Problem]:
    """The edits made outside git that an apply may not touch, and a base that can't tell of all."""
    refused = _REFUSED[limits.on_drift]
    provenance = planned.provenance
    silent = next((one for one in (*planned.warnings, *planned.refusals) if one.rule == SILENT_BASE), None)
    if silent is not None:
        is_trusted = limits.on_drift is not OnDrift.FAIL or provenance is None or planned.plan.is_empty
        yield replace(silent, severity=_severity(is_allowed=is_trusted))
    if provenance is None:
        return
    for change in provenance.with_cause(planned.plan.changes, *refused):
        for field, causes in provenance.of(change).items():
            yield from (_drifted(change, field, cause) for cause in causes if cause in refused)


_ON_DRIFT: Final = {
    Cause.DRIFT: (
        "undo",
        (
            "if it's meant, take it into the file: `syncer import --drift`; if git is right (or a merge was never "
            "applied), say `--on-drift overwrite`"
        ),
    ),
    # An import leaves these to a person.
    Cause.CONFLICT: (
        "overwrite",
        (
            "if live is right, write its value into the file by hand (`syncer import --drift` only shows it, because "
            "git says something new there, too); if git is right (or a merge was never applied), say "
            "`--on-drift overwrite`"
        ),
    ),
}
"""What an apply does to an edit made outside git, in a word, and what helps."""


def _drifted(change: Change, field: str, cause: Cause) -> Problem:
    does, hint = _ON_DRIFT[cause]
    return change.desired.problem(
        cause.value,
        f"{field} of {change.address} was changed outside git, and this apply would {does} that",
        field,
        hint=hint,
    )


def _risky_fields(change: Change) -> list[str]:
    return [field for field in RISKY if field in change.changed]


def _risk(change: Change, field: str, limits: Limits) -> Problem:
    hint = RISKS[field]
    is_allowed = limits.allows(change, field)
    if not is_allowed:
        in_file = f"the file says `lifecycle: {{allow: [{field}]}}`, or " if limits.asks_files else ""
        hint += f" Apply refuses it until {in_file}the run says `--allow {field}`."
    what = f"{field} of {change.address} changes"
    return change.desired.problem("risky-change", what, field, hint=hint, severity=_severity(is_allowed=is_allowed))


def _too_many(plan: Plan, limits: Limits) -> list[Problem]:
    # Of all that git declares: a small --target is how a large change is applied in parts.
    everything = plan.bound + plan.excluded
    count = len(plan.updated)
    share = 100 * count / everything if everything else 0
    if count < limits.floor or share <= limits.share:
        return []
    least = "1 change" if limits.floor == 1 else f"{limits.floor} changes"
    return [
        Problem(
            NOWHERE,
            "too-many-changes",
            f"{count} of {everything} bound models would change ({share:.0f} %, the limit is "
            f"{limits.share} % from {least} on)",
            f"if that is meant, say `--max-change-percent {_ceil(share)}`, or apply in parts with --target",
        )
    ]


def _ceil(share: float) -> int:
    return min(100, int(share) + 1)


def _protected(plan: Plan, limits: Limits) -> list[Problem]:
    is_allowed = PROTECT in limits.allow
    return [
        change.desired.problem(
            "protected",
            f"{change.address} is protected, and would change ({', '.join(change.changed)})",
            "lifecycle",
            hint="" if is_allowed else _UNPROTECT,
            severity=_severity(is_allowed=is_allowed),
        )
        for change in plan.updated
        if change.desired.lifecycle.protect
    ]


def _lost_columns(planned: Planned, limits: Limits) -> Iterator[Problem]:
    """The columns that a sync or the primary key names and the new query certainly doesn't return."""
    for change in planned.plan.changes:
        effect = planned.effects.get(change.address)
        if effect is not None and effect.columns is not None:
            yield from _lost(change, effect, effect.columns, limits)


def _lost(change: Change, effect: Effect, columns: Columns, limits: Limits) -> Iterator[Problem]:
    needed: dict[str, list[str]] = {}
    for sync in effect.syncs or ():
        for column in (*sync.columns, *filter(None, [sync.cursor])):
            use = "reads new rows by" if column == sync.cursor and column not in sync.columns else "maps"
            needed.setdefault(column, []).append(f"sync {sync.id} to {sync.destination} {use}")
    key = change.after.get("primary_key") or change.live.fields.get("primary_key")
    if key:
        needed.setdefault(str(key), []).insert(0, "is the primary key")
    for column, uses in needed.items():
        # What the query didn't return before isn't lost now.
        was_there = columns.before is None or column.casefold() in {name.casefold() for name in columns.before}
        is_new_key = column == key and "primary_key" in change.changed
        if columns.lacks(column) and (was_there or is_new_key):
            said = shortlist((f"which {use}" for use in uses), _MANY)
            instead = "name another primary key" if column == key else "change the sync first"
            in_file = f"`lifecycle: {{allow: [{LOST_COLUMN}]}}`, or " if limits.asks_files else ""
            allowing = f"; if it's meant, say {in_file}`--allow {LOST_COLUMN}`"
            is_allowed = limits.allows(change, LOST_COLUMN)
            # What the query returns is as it was, or never was there: then the key is what has to change.
            names_key = is_new_key and not change.is_creation and not ("query" in change.changed and was_there)
            keep = f"let the query return {column}" if names_key else "keep the column"
            yield change.desired.problem(
                "lost-column",
                f"the query of {change.address} doesn't return {column}, {said}",
                "primary_key" if names_key else "query",
                hint="" if is_allowed else f"{keep}, or {instead}{allowing}",
                severity=_severity(is_allowed=is_allowed),
            )


UNCHECKED: Final = "columns-not-checked"
"""The rule of a plan in which the guard against lost columns can't tell of some query."""


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


def unsendable(plan: Plan) -> tuple[Problem, ...]:
    """The changes that have no body: nothing may be written before it's known that all can be sent."""
    problems = []
    for change in plan.changes:
        try:
            _ = change.body
        except ValueError as error:
            what = f"{change.address} can't be changed as planned: {error}"
            hint = "see what `lifecycle.ignore_changes` leaves of it"
            problems.append(change.desired.problem("unsendable", what, "configuration", hint=hint))
    return tuple(problems)


_NO_ENDPOINTS: Final = frozenset(
    {
        *("AmazonS3", "AwsAthena", "Bigquery", "Clickhouse", "Databricks", "Firecrawl", "GoogleDrive", "Http"),
        *("IntuitQuickBooks", "MariaDB", "Odoo", "Oracle", "PineconeDB", "Postgresql", "Qdrant", "Redshift"),
        *("SalesforceConsumerGoodsCloud", "Sftp", "Snowflake", "WatsonxData"),
    }
)
"""The connectors that certainly have no catalog of a model endpoint. One that isn't known gets the benefit of doubt."""


def connector_problems(plan: Plan, connectors: Sequence[Connector]) -> tuple[Problem, ...]:
    """What the server would accept and shouldn't: a foreign connector, a destination, ai_ml on no endpoint."""
    by_id = {connector.id: connector for connector in connectors}
    sources = ", ".join(f"{c.id} ({c.name})" for c in connectors if c.kind == "source")
    problems = []
    for change in plan.changes:
        if not needs_connectors(change):
            continue
        connector = by_id.get(change.after["connector_id"])
        if connector is None or connector.kind != "source":
            what = "no connector" if connector is None else f"a {connector.kind}, not a source"
            problems.append(
                change.desired.problem(
                    "wrong-connector",
                    f"connector_id {change.after['connector_id']} of {change.address} is {what} of this workspace",
                    "connector_id",
                    hint=f"its source connectors are {sources or 'none'}",
                )
            )
        elif change.after["query_type"] == "ai_ml" and connector.definition in _NO_ENDPOINTS:
            # The server answers 400, but writes the row, and can then show neither it nor any list that holds it.
            problems.append(
                change.desired.problem(
                    "not-an-ai-connector",
                    f"{change.address} would be an ai_ml model on connector {connector.id} ({connector.name}), "
                    "which is no model endpoint",
                    "connector_id",
                    hint="the server would store it, and could then show neither it nor the lists that hold it; "
                    "name a connector of the category AI Model",
                )
            )
    return tuple(problems)


NO_WAY_BACK: Final = "no-way-back"
"""The rule of a move that the server may not let anybody undo."""

_UNSHOWN: Final = "It could show neither this ai_ml model nor the lists that hold it any more. "


def one_way_moves(plan: Plan, connectors: Sequence[Connector]) -> tuple[Problem, ...]:
    """The moves to what may be an AI connector without a catalog: no list tells, and asking for a catalog makes one."""
    endpoints = {one.id: one for one in connectors if one.kind == "source" and one.definition not in _NO_ENDPOINTS}
    return tuple(
        change.desired.problem(
            NO_WAY_BACK,
            f"{change.address} moves to connector {connector.id} ({connector.name}), which can't be taken back "
            "if that is an AI connector without a catalog",
            "connector_id",
            hint="the server accepts such a move, and refuses every change of the model after it (422), also the one "
            "that moves it back: neither the reverted file nor a rollback can undo it. "
            + (_UNSHOWN if change.after["query_type"] == "ai_ml" else "")
            + "See in the UI that the connector has a catalog before you apply",
            severity=Severity.WARNING,
        )
        for change in plan.updated
        if "connector_id" in change.changed and (connector := endpoints.get(change.after["connector_id"]))
    )


def needs_connectors(change: Change) -> bool:
    """Whether the change can only be judged with the workspace's connectors at hand."""
    return bool({"connector_id", "query_type"} & set(change.changed))


def may_get_credentials(known: Mapping[str, str], environment: str, server: str, *, is_named: bool) -> bool:
    """Whether a server may get an environment's credentials without a question; `known` are those that got them before.

    What is known of the environment counts first. One that is new here may be a commit's: it's taken if the user named
    it, if nothing is known yet, or if it's a server that gets credentials anyway.
    """
    if environment in known:
        return known[environment] == server
    return is_named or not known or server in known.values()
