"""The endpoints around models: connectors, syncs, workspaces, the user, login and logout. Read-only but for a few."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from syncer.sandbox import error_responses, login, pagination, serializers
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.serializers import Serializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.sandbox.database import Row
    from syncer.sandbox.http_request import Call

# What `category=data` and the like stand for. Other words reach the server's internals; here they are an exception.
_CATEGORIES: Final = {
    "data": (
        "Data Warehouse",
        "Retail",
        "Data Lake",
        "Database",
        "Marketing Automation",
        "CRM",
        "Ad-Tech",
        "Team Collaboration",
        "Productivity Tools",
        "Payments",
        "File Storage",
        "HTTP",
        "Customer Support",
        "data",
    ),
    "ai_ml": ("AI Model",),
}
_SUB_CATEGORIES: Final = {
    "llm": ("LLM",),
    "database": ("Relational Database", "database"),
    "web": ("Web Scraper",),
    "ai_ml_service": ("AI_ML Service",),
    "vector": ("Vector Database",),
}


def connectors(call: Call) -> Answer:
    """Answer `GET /connectors`."""
    workspace_id = call.workspace_id()
    filters: dict[str, Sequence[str]] = {}
    if call.params.get("type"):
        filters["connector_type"] = (call.params["type"].lower(),)
    for name, meanings in (("category", _CATEGORIES), ("sub_category", _SUB_CATEGORIES)):
        word = call.params.get(name)
        if word is not None:
            meaning = meanings.get(word.lower()) if isinstance(word, str) else None
            if meaning is None:
                raise error_responses.raised(
                    detail=f"undefined method `{word}' for an instance of ActiveRecord::Relation"
                )
            filters[name] = meaning
    return call.listing("connectors", workspace_id, lambda serializer: serializer.connector, **filters)


def connector(call: Call) -> Answer:
    """Answer `GET /connectors/{id}`."""
    return Answer(200, serializers.one(Serializer(call.store).connector(_connector(call, call.workspace_id()))))


def delete_connector(call: Call) -> Answer:
    """Answer `DELETE /connectors/{id}`: its models go with it."""
    workspace_id = call.workspace_id()
    row = _connector(call, workspace_id)
    call.must_write(workspace_id)
    call.store.delete_connector(row["id"])
    return Answer(204, content_type=None)


def syncs(call: Call) -> Answer:
    """Answer `GET /syncs`. There is no filter: not by model either."""
    return call.listing("syncs", call.workspace_id(), lambda serializer: serializer.sync)


def sync(call: Call) -> Answer:
    """Answer `GET /syncs/{id}`."""
    row = call.store.find("syncs", call.row_id(), call.workspace_id())
    if row is None:
        where = '"syncs"."discarded_at" IS NULL AND "syncs"."workspace_id" = $1'
        raise error_responses.plain(404, f"""Couldn't find Sync with 'id'="{call.params["id"]}" [WHERE {where}]""")
    return Answer(200, serializers.one(Serializer(call.store).sync(row)))


def sync_runs(call: Call) -> Answer:
    """Answer `GET /syncs/{id}/sync_runs`. Read from the documents and the source, not recorded."""
    sync = call.store.find("syncs", call.row_id(), call.workspace_id())
    if sync is None:
        raise error_responses.refused(404, "Sync not found")
    page = pagination.read(call.params)
    rows, total = call.store.runs(sync["id"], page.limit, page.offset)
    return Answer(
        200, serializers.many(map(serializers.sync_run, rows), pagination.links(call.url, call.query, page, total))
    )


def workspaces(call: Call) -> Answer:
    """Answer `GET /workspaces`: needs no Workspace-Id, and has no pages."""
    return Answer(200, serializers.many(map(serializers.workspace, _workspaces(call))))


def workspace(call: Call) -> Answer:
    """Answer `GET /workspaces/{id}`."""
    for row in _workspaces(call):
        if row["id"] == call.row_id():
            return Answer(200, serializers.one(serializers.workspace(row)))
    raise error_responses.refused(404, "Workspace not found")


def me(call: Call) -> Answer:
    """Answer `GET /users/me`."""
    workspace_id = call.workspace_id()
    user = _user(call)
    return Answer(200, serializers.one(serializers.user(user, call.store.role(user["id"], workspace_id) or "")))


def log_in(call: Call) -> Answer:
    """Answer `POST /login`."""
    return login.log_in(call.store, call.params, call.now)


def log_out(call: Call) -> Answer:
    """Answer `DELETE /logout`."""
    return login.log_out(call.store, _user(call), str(uuid.uuid4()))


def _connector(call: Call, workspace_id: int) -> Row:
    row = call.store.find("connectors", call.row_id(), workspace_id)
    if row is None:
        raise error_responses.refused(404, "Connector not found")
    return row


def _workspaces(call: Call) -> Sequence[Row]:
    return call.store.workspaces_of(_user(call)["id"])


def _user(call: Call) -> Row:
    if call.user is None:  # the route asks for no token
        raise error_responses.refused(401, "Unauthorized")
    return call.user
