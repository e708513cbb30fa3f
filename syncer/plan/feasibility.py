"""What of a plan can't be carried out: a change that can't be sent, a connector that the model can't stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.model import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Connector
    from syncer.plan.planner import Change, Plan


def unsendable(plan: Plan) -> tuple[Problem, ...]:
    """The changes that have no body: nothing may be written before it's known that all can be sent."""
    problems = []
    withheld = {change.address for change in plan.withheld}
    for change in plan.changes:
        if change.address in withheld:
            continue
        try:
            _ = change.body
        except ValueError as error:
            what = f"{change.address} can't be changed as planned: {error}"
            hint = "check what `lifecycle.ignore_changes` leaves of it"
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
                    "which is not a model endpoint",
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
