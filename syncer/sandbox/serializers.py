"""Serializers: which attributes of a row an answer shows. Rows in, JSON text out.

They join text instead of building trees, because one page may hold thousands of rows. A model of type ai_ml shows the
`json_schema` of its connector's catalog, added behind the stored configuration: if that has a `json_schema` of its own,
the text has the key twice. Without a catalog such a model cannot be shown at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import error_responses
from syncer.sandbox.jsonb import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.sandbox.database import Database, Row

_NO_CATALOG: Final = "undefined method `json_schema' for nil"
_NO_CONFIGURATION: Final = "undefined method `merge' for nil"
_WORKSPACE: Final = ("name", "slug", "status", "api_key", "created_at", "updated_at", "description", "region")
_SYNC: Final = ("schedule_type", "sync_mode", "sync_interval", "sync_interval_unit", "cron_expression", "stream_name")


class Serializer:
    """Turns rows of one database into JSON text. Lives for one request: it remembers connectors."""

    def __init__(self, database: Database) -> None:
        """Read connectors and models from this database."""
        self._database = database
        self._connectors: dict[int, Row] = {}
        self._nested: dict[int, str] = {}

    def model(self, row: Row, configuration: str | None = None) -> str:
        """Write one model; `configuration` is the text to show instead of the stored one."""
        return _resource(row["id"], "models", self._model(row, configuration))

    def connector(self, row: Row) -> str:
        """Write one connector."""
        return _resource(row["id"], "connectors", _connector(row))

    def sync(self, row: Row) -> str:
        """Write one sync, with its source, destination and model inside."""
        model = self._database.find("models", row["model_id"]) or {}
        attributes = {
            **{name: dumps(row[name]) for name in ("source_id", "destination_id", "model_id")},
            "configuration": row["configuration"] or "null",
            **{name: dumps(row[name]) for name in (*_SYNC, "status", "cursor_field", "current_cursor_field")},
            "updated_at": dumps(row["updated_at"]),
            "created_at": dumps(row["created_at"]),
            "source": _object(_numbered(self._connector_row(row["source_id"]), "configuration")),
            "destination": _object(_numbered(self._connector_row(row["destination_id"]), "configuration")),
            "model": _object({"id": dumps(model["id"]), **self._model(model, None)}) if model else "null",
        }
        return _resource(row["id"], "syncs", attributes)

    def _model(self, row: Row, configuration: str | None) -> dict[str, str]:
        shown = configuration or row["configuration"]
        if row["query_type"] == "ai_ml":
            json_schema = self._connector_row(row["connector_id"])["json_schema"]
            if json_schema is None:
                raise error_responses.exception_raised(detail=_NO_CATALOG)
            if shown is None:
                raise error_responses.exception_raised(detail=_NO_CONFIGURATION)
            comma = "" if shown == "{}" else ","
            shown = f'{shown[:-1]}{comma}"json_schema":{json_schema}}}'
        return {
            **{name: dumps(row[name]) for name in ("name", "description", "query", "query_type")},
            "configuration": shown or "null",
            **{name: dumps(row[name]) for name in ("primary_key", "created_at", "updated_at")},
            "connector": self._nested_connector(row["connector_id"]),
        }

    def _nested_connector(self, connector_id: int) -> str:
        if connector_id not in self._nested:
            self._nested[connector_id] = _object(_numbered(self._connector_row(connector_id)))
        return self._nested[connector_id]

    def _connector_row(self, connector_id: int) -> Row:
        if connector_id not in self._connectors:
            row = self._database.find("connectors", connector_id)
            if row is None:
                raise error_responses.exception_raised(detail="undefined method `id' for nil")
            self._connectors[connector_id] = row
        return self._connectors[connector_id]


def sync_run(row: Row) -> str:
    """Write one run of a sync."""
    names = ("sync_id", "status", "sync_run_type", "started_at", "finished_at", "total_rows", "successful_rows")
    attributes = {name: dumps(row[name]) for name in (*names, "failed_rows", "error")}
    return _resource(row["id"], "sync_runs", attributes)


def workspace(row: Row) -> str:
    """Write one workspace."""
    attributes = {
        **{name: dumps(row[name]) for name in _WORKSPACE},
        **{name: dumps(row[name]) for name in ("organization_id", "organization_name", "members_count")},
        "workspace_logo_url": "null",
        "organization_logo_url": "null",
    }
    return _resource(row["id"], "workspaces", attributes)


def user(row: Row, role: str) -> str:
    """Write one user, with the name of the role in the workspace of the request."""
    attributes: dict[str, Any] = {
        **{name: row[name] for name in ("name", "email", "created_at")},
        "role": role,
        "status": row["status"],
        "invitation_created_at": None,
        "invitation_due_at": None,
        "email_verification_enabled": False,
    }
    return _resource(row["id"], "users", {name: dumps(value) for name, value in attributes.items()})


def one(resource: str) -> str:
    """Write the body that holds one resource."""
    return f'{{"data":{resource}}}'


def many(resources: Iterable[str], links: Mapping[str, str | None] | None = None) -> str:
    """Write the body that holds a list. There is no total."""
    data = ",".join(resources)
    return f'{{"data":[{data}]}}' if links is None else f'{{"data":[{data}],"links":{dumps(links)}}}'


def _resource(row_id: int, kind: str, attributes: Mapping[str, str]) -> str:
    return f'{{"id":"{row_id}","type":"{kind}","attributes":{_object(attributes)}}}'


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}"


def _numbered(row: Row, *without: str) -> dict[str, str]:
    """Write a connector as it stands inside a model or a sync: with its id as a number."""
    return {"id": dumps(row["id"]), **{name: text for name, text in _connector(row).items() if name not in without}}


def _connector(row: Row) -> dict[str, str]:
    names = ("name", "description", "connector_type", "workspace_id", "created_at", "updated_at")
    return {
        **{name: dumps(row[name]) for name in names},
        "configuration": row["configuration"] or "null",
        **{name: dumps(row[name]) for name in ("connector_name", "icon")},
    }
