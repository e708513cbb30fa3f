"""Is this plan allowed? Plan and limits in, problems out: warnings to read, errors that refuse an apply.

And may this server get the credentials? What is known of servers in, yes or no out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from syncer.model import LOST_COLUMN, NOWHERE, RISKY, Problem, Secret, Severity
from syncer.planner import LOST_COLUMN_RULE, Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncer.errors import SyncerError
    from syncer.model import Columns, Connector, Sync
    from syncer.planner import Change, Effect, Plan, Planned

EFFECTS: Final = {
    "primary_key": (
        "Every row looks new to the syncs that read this model: their next run inserts all of them again, which makes "
        "duplicates where the destination inserts. Rows whose new key is blank are skipped without an error."
    ),
    "connector_id": (
        "The syncs that read this model stay on the old connector: their next run sends the new query to the old one."
    ),
    "query_type": (
        "The server doesn't check that the syncs that read this model can go on with the new type: "
        "they may be left unusable."
    ),
}
"""What a change of a risky field does downstream, in words."""


_MANY: Final = 3
"""How many syncs one message lists."""
_MANY_MODELS: Final = 10

SILENT_BASE: Final = "silent-base"
"""The rule of a base that can't tell all: who wants no drift undone can't rely on it."""


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
    """What may pass in every model, as `lifecycle.allow` lets it in one."""
    asks_files: bool = True
    """Whether a file can allow it; on the way back of a run none is asked."""

    def allows(self, change: Change, what: str) -> bool:
        """Whether this may pass in the model that changes."""
        return what in self.allow or what in change.desired.lifecycle.allow


def warnings(plan: Plan, limits: Limits) -> tuple[Problem, ...]:
    """What each risky change does to the syncs, where the file gives the new value, and which guards will refuse it."""
    risks = [_risk(change, field, limits) for change in plan.updated for field in _risky_fields(change)]
    guards = [replace(guard, severity=Severity.WARNING) for guard in (*_too_many(plan, limits), *_protected(plan))]
    return (*risks, *_secret_changes(plan), *guards)


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


def refusals(plan: Plan, limits: Limits) -> tuple[Problem, ...]:
    """Every guard that this plan trips, each naming the way past it; empty if it may be applied."""
    risks = [
        replace(_risk(change, field, limits), severity=Severity.ERROR)
        for change in plan.updated
        for field in _risky_fields(change)
        if not limits.allows(change, field)
    ]
    return (*_too_many(plan, limits), *_protected(plan), *risks)


_REFUSED: Final[Mapping[OnDrift, tuple[Cause, ...]]] = {
    OnDrift.FAIL: (Cause.DRIFT, Cause.CONFLICT),
    OnDrift.WARN: (Cause.CONFLICT,),
    OnDrift.OVERWRITE: (),
}


def drift_refusals(planned: Planned, limits: Limits) -> tuple[Problem, ...]:
    """The edits made outside git that this apply may not touch; empty without a base."""
    refused = _REFUSED[limits.on_drift]
    provenance = planned.provenance
    if provenance is None:
        return ()
    silent = [replace(one, severity=Severity.ERROR) for one in planned.warnings if one.rule == SILENT_BASE]
    found = tuple(
        _drifted(change, field, cause)
        for change in provenance.with_cause(planned.plan.changes, *refused)
        for field, causes in provenance.of(change).items()
        for cause in causes
        if cause in refused
    )
    return (*(silent if limits.on_drift is OnDrift.FAIL else ()), *found)


_ON_DRIFT: Final = {
    Cause.DRIFT: (
        "undo",
        (
            "if it's meant, take it into the file: `syncer import --drift`; if git is right (or a merge was never "
            "applied), say --on-drift overwrite"
        ),
    ),
    # An import leaves these to a person.
    Cause.CONFLICT: (
        "overwrite",
        (
            "if live is right, write its value into the file by hand (`syncer import --drift` only shows it, because "
            "git says something new there, too); if git is right, say --on-drift overwrite"
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
    hint = EFFECTS[field]
    if not limits.allows(change, field):
        in_file = f"the file says `lifecycle: {{allow: [{field}]}}`, or " if limits.asks_files else ""
        hint += f" Apply refuses it until {in_file}the run says --allow {field}."
    what = f"{field} of {change.address} changes"
    return change.desired.problem("risky-change", what, field, hint=hint, severity=Severity.WARNING)


def _too_many(plan: Plan, limits: Limits) -> list[Problem]:
    # Of all that git declares: a small --target is how a large change is applied in parts.
    everything = plan.bound + plan.excluded
    count = len(plan.updated)
    share = 100 * count / everything if everything else 0
    if count < limits.floor or share <= limits.percent:
        return []
    return [
        Problem(
            NOWHERE,
            "too-many-changes",
            f"{count} of {everything} bound models would change ({share:.0f} %, the limit is "
            f"{limits.percent} % from {limits.floor} changes on)",
            f"if that is meant, say --max-change-percent {_ceil(share)}, or apply in parts with --target",
        )
    ]


def _ceil(share: float) -> int:
    return min(100, int(share) + 1)


def _protected(plan: Plan) -> list[Problem]:
    return [
        change.desired.problem(
            "protected",
            f"{change.address} is protected, and would change ({', '.join(change.changed)})",
            "lifecycle",
            hint="apply refuses it; if the change is meant, say `protect: false` in the same review",
        )
        for change in plan.updated
        if change.desired.lifecycle.protect
    ]


def lost_columns(planned: Planned, limits: Limits) -> tuple[Problem, ...]:
    """The columns that a sync or the primary key names and the new query certainly doesn't return.

    Errors, but for those that are allowed: these are warnings.
    """
    return tuple(
        replace(problem, severity=Severity.WARNING) if limits.allows(change, LOST_COLUMN) else problem
        for change in planned.plan.changes
        if (effect := planned.effects.get(change.address)) is not None and effect.columns is not None
        for problem in _lost(change, effect, effect.columns, limits)
    )


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
            said = ", ".join(f"which {use}" for use in uses[:_MANY])
            said += f" and {len(uses) - _MANY} more" * (len(uses) > _MANY)
            instead = "name another primary key" if column == key else "change the sync first"
            in_file = f"`lifecycle: {{allow: [{LOST_COLUMN}]}}`, or " if limits.asks_files else ""
            allowing = f"; if it's meant, say {in_file}--allow {LOST_COLUMN}"
            is_allowed = limits.allows(change, LOST_COLUMN)
            # What the query returns is as it was, or never was there: then the key is what has to change.
            names_key = is_new_key and not change.is_creation and not ("query" in change.changed and was_there)
            keep = f"let the query return {column}" if names_key else "keep the column"
            yield change.desired.problem(
                LOST_COLUMN_RULE,
                f"the query of {change.address} doesn't return {column}, {said}",
                "primary_key" if names_key else "query",
                hint="" if is_allowed else f"{keep}, or {instead}{allowing}",
            )


UNCHECKED: Final = "columns-not-checked"
"""The rule of a plan in which the guard against lost columns can't tell of some query."""


def unread_columns(change: Change, syncs: Iterable[Sync]) -> Iterator[Problem]:
    """The syncs that need columns of a query that could be read, and can't be any more: one warning."""
    uses = [
        f"sync {sync.id} to {sync.destination} needs {', '.join(names)}"
        for sync in syncs
        if (names := dict.fromkeys(filter(None, (*sync.columns, sync.cursor))))
    ]
    if uses:
        said = "; ".join(uses[:_MANY]) + f"; and {len(uses) - _MANY} more" * (len(uses) > _MANY)
        yield change.desired.problem(
            UNCHECKED,
            f"the columns of {change.address} are not checked, for its new query can't be read: {said}",
            "query",
            hint="correct the query, or see for yourself that it returns these columns",
            severity=Severity.WARNING,
        )


def unchecked_columns(effects: Mapping[str, Effect], why: Mapping[str, SyncerError]) -> tuple[Problem, ...]:
    """A warning for each reason why queries, by address, weren't looked at, with those that feed a sync."""
    unlooked: dict[tuple[str, str], list[str]] = {}
    for address, error in why.items():
        syncs = effects[address].syncs
        if syncs is None:
            unlooked.setdefault((error.what, error.hint), []).append(f"{address} (its syncs could not be read)")
        elif syncs:
            named = ", ".join(f"sync {sync.id} to {sync.destination}" for sync in syncs[:_MANY])
            named += f" and {len(syncs) - _MANY} more" * (len(syncs) > _MANY)
            unlooked.setdefault((error.what, error.hint), []).append(f"{address} (feeds {named})")
    return tuple(
        Problem(
            NOWHERE,
            UNCHECKED,
            f"columns not checked, because {what}: {', '.join(models[:_MANY_MODELS])}"
            + f" and {len(models) - _MANY_MODELS} more models" * (len(models) > _MANY_MODELS),
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
