"""The endpoints of models. Each does its checks in the server's own order, which clients can see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import contracts, error_responses, jsonb, number_text, serializers, validation
from syncer.sandbox.database import decode
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.serializers import Serializer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.sandbox.database import Row
    from syncer.sandbox.http_request import Call

_NUMERIC: Final = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]")
_TEXTS: Final = ("name", "description", "query", "query_type", "primary_key")


def index(call: Call) -> Answer:
    """Answer `GET /models`."""
    workspace_id = call.workspace_id()
    query_types = _query_types(call.query.get("query_type"))
    filters = {} if query_types is None else {"query_type": query_types}
    return call.listing("models", workspace_id, lambda serializer: serializer.model, **filters)


def show(call: Call) -> Answer:
    """Answer `GET /models/{id}`."""
    return Answer(200, serializers.one(Serializer(call.store).model(_find(call, call.workspace_id()))))


def create(call: Call) -> Answer:
    """Answer `POST /models`. A destination is accepted as the connector, one of another workspace is not."""
    workspace_id = call.workspace_id()
    sent = _permitted(_required(call.params))
    connector_id = _to_integer(sent["connector_id"])
    connector = call.store.find("connectors", connector_id, workspace_id)
    if connector is None:
        raise error_responses.plain(404, _not_found("Connector", sent["connector_id"]))
    _must_have_catalog(connector)
    call.must_write(workspace_id)
    model = {**dict.fromkeys((*_TEXTS, "configuration")), **sent, "connector_id": connector_id}
    problems = validation.problems(model, connector_exists=True)
    if problems:
        raise error_responses.refused(422, "Model creation failed", problems)
    now = call.timestamp()
    columns = {**_columns(model), "workspace_id": workspace_id, "created_at": now, "updated_at": now}
    model_id = call.store.insert_model(columns)
    return _written(call, 201, model_id, sent)


def update(call: Call) -> Answer:
    """Answer `PUT` and `PATCH /models/{id}`.

    Keys not sent are kept, a configuration is replaced whole. The connector is not looked up in the workspace: any that
    exists anywhere will do. Nothing changed: `updated_at` stays.
    """
    workspace_id = call.workspace_id()
    row = _find(call, workspace_id)
    _must_have_catalog(call.store.find("connectors", row["connector_id"]))
    call.must_write(workspace_id)
    sent = _permitted(_required(call.params))
    if "connector_id" in sent:
        sent["connector_id"] = _to_integer(sent["connector_id"])
    before = {name: row[name] for name in (*_TEXTS, "connector_id")} | {"configuration": decode(row["configuration"])}
    after = {**before, **sent}
    connector_exists = call.store.find("connectors", after["connector_id"]) is not None
    problems = validation.problems(after, connector_exists=connector_exists)
    if problems:
        raise error_responses.refused(422, "Model update failed", problems)
    # A stored 1 against a sent 1.0 is no change, so the 1 stays; so does the stored order of keys.
    changes = {name: value for name, value in sent.items() if not number_text.is_equal(value, before[name])}
    if changes:
        call.store.update("models", row["id"], {**_columns(changes), "updated_at": call.timestamp()})
    return _written(call, 200, row["id"], sent)


def destroy(call: Call) -> Answer:
    """Answer `DELETE /models/{id}`: the syncs that use the model go with it, without a word."""
    workspace_id = call.workspace_id()
    row = _find(call, workspace_id)
    call.must_write(workspace_id)
    call.store.delete_model(row["id"])
    return Answer(204, content_type=None)


def _find(call: Call, workspace_id: int) -> Row:
    row = call.store.find("models", call.row_id(), workspace_id)
    if row is None:
        raise error_responses.plain(404, _not_found("Model", call.params["id"]))
    return row


def _written(call: Call, status: int, model_id: int, sent: Mapping[str, Any]) -> Answer:
    """Show what was written; a configuration in the order of keys and with the numbers that were sent.

    If it cannot be shown (ai_ml without a catalog) the answer is a 400, and the row is written all the same.
    """
    row = call.store.find("models", model_id) or {}
    shown = jsonb.dumps(sent["configuration"]) if "configuration" in sent else None
    return Answer(status, serializers.one(Serializer(call.store).model(row, shown)))


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn values into columns: the configuration into JSON text. A NUL in any text is an exception of the database."""
    try:
        return {
            name: jsonb.stored(value)
            if name == "configuration" and value is not None
            else jsonb.without_nul(value)
            if isinstance(value, str)
            else value
            for name, value in values.items()
        }
    except jsonb.NulError as error:
        raise error_responses.raised(detail=str(error)) from error


def _required(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take out the model that was sent. An empty one is refused only here, after everything else."""
    model = params.get("model")
    if isinstance(model, dict) and model:
        return model
    hint = "\nDid you mean?  models" if "models" in params else ""
    raise error_responses.plain(422, f"param is missing or the value is empty: model{hint}")


def _permitted(model: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a model can be given; all other keys are ignored without a word."""
    sent = {name: model[name] for name in _TEXTS if name in model}
    # No contract looks at the description: numbers become text, lists and hashes are dropped.
    if isinstance(sent.get("description"), list | dict):
        del sent["description"]
    elif "description" in sent:
        sent["description"] = _to_text(sent["description"])
    if "connector_id" in model:
        sent["connector_id"] = model["connector_id"]
    if "configuration" in model:
        sent["configuration"] = jsonb.without_infinity(model["configuration"])
    return sent


def _must_have_catalog(connector: Row | None) -> None:
    """Refuse any write to a model on an AI connector without catalog, even one that would move it away."""
    if connector is not None and connector["category"] == "AI Model" and connector["json_schema"] is None:
        raise error_responses.refused(422, "Catalog is not present for the connector")


def _query_types(wanted: object) -> Sequence[str] | None:
    """Read the filter: a comma list or several values. Numbers of the enum work, unknown names match nothing."""
    if isinstance(wanted, str):
        names: list[object] = list(wanted.split(","))
    elif isinstance(wanted, list):
        names = wanted
    else:  # `query_type[a]=b`, or the name without a value: no filter
        return None
    found = (_query_type(name) for name in names if isinstance(name, str))
    return [name for name in found if name is not None]


def _query_type(name: str) -> str | None:
    if name in contracts.QUERY_TYPES:
        return name
    if not _NUMERIC.match(name):
        return None
    number = number_text.leading_integer(name)
    return contracts.QUERY_TYPES[number] if 0 <= number < len(contracts.QUERY_TYPES) else None


def _to_integer(value: str | float) -> int:
    return number_text.leading_integer(value) if isinstance(value, str) else int(value)


def _to_text(value: object) -> object:
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, float):
        return number_text.float_text(value)
    return str(value) if isinstance(value, int) else value


def _not_found(kind: str, sought: object) -> str:
    shown = f'"{sought}"' if isinstance(sought, str) else sought
    return f"""Couldn't find {kind} with 'id'={shown} [WHERE "{kind.lower()}s"."workspace_id" = $1]"""
