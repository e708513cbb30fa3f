"""The endpoints of models. The order of checks is the server's own: clients can see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import contracts, error_responses, jsonb, number_text, pagination, serializers, validation
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.serializers import Serializer
from syncer.sandbox.workspace_access import find_workspace, must_write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.sandbox.database import Row
    from syncer.sandbox.http_request import RoutedRequest

_NUMERIC: Final = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]")
_TEXTS: Final = ("name", "description", "query", "query_type", "primary_key")


def index(request: RoutedRequest) -> Answer:
    """Answer `GET /models`."""
    workspace_id = find_workspace(request)
    query_types = _query_types(request.query.get("query_type"))
    filters = {} if query_types is None else {"query_type": query_types}
    return pagination.list_rows(request, "models", workspace_id, lambda serializer: serializer.model, **filters)


def show(request: RoutedRequest) -> Answer:
    """Answer `GET /models/{id}`."""
    return Answer(200, serializers.one(Serializer(request.database).model(_find(request, find_workspace(request)))))


def create(request: RoutedRequest) -> Answer:
    """Answer `POST /models`. A destination is accepted as the connector, one of another workspace is not."""
    workspace_id = find_workspace(request)
    sent = _permitted(request.params["model"])
    connector_id = _to_integer(sent["connector_id"])
    connector = request.database.find("connectors", connector_id, workspace_id)
    if connector is None:
        raise error_responses.one_sentence(404, _not_found("Connector", sent["connector_id"]))
    _must_have_catalog(connector)
    must_write(request, workspace_id)
    model = {**dict.fromkeys((*_TEXTS, "configuration")), **sent, "connector_id": connector_id}
    problems = validation.problems(model, connector_exists=True)
    if problems:
        raise error_responses.application_error(422, "Model creation failed", problems)
    now = request.timestamp()
    columns = {**_columns(model), "workspace_id": workspace_id, "created_at": now, "updated_at": now}
    model_id = request.database.insert_model(columns)
    return _written(request, 201, model_id, sent)


def update(request: RoutedRequest) -> Answer:
    """Answer `PUT` and `PATCH /models/{id}`.

    Keys not sent are kept, a configuration is replaced whole. A connector of any workspace is accepted. If nothing
    changes, `updated_at` stays.
    """
    workspace_id = find_workspace(request)
    row = _find(request, workspace_id)
    _must_have_catalog(request.database.find("connectors", row["connector_id"]))
    must_write(request, workspace_id)
    sent = _permitted(_required(request.params))
    if "connector_id" in sent:
        sent["connector_id"] = _to_integer(sent["connector_id"])
    before = {name: row[name] for name in (*_TEXTS, "connector_id")}
    before["configuration"] = jsonb.decode(row["configuration"])
    after = {**before, **sent}
    connector_exists = request.database.find("connectors", after["connector_id"]) is not None
    problems = validation.problems(after, connector_exists=connector_exists)
    if problems:
        raise error_responses.application_error(422, "Model update failed", problems)
    # A stored 1 against a sent 1.0 is no change, so the 1 stays; so does the stored order of keys.
    changes = {name: value for name, value in sent.items() if not jsonb.is_equal(value, before[name])}
    if changes:
        request.database.update("models", row["id"], {**_columns(changes), "updated_at": request.timestamp()})
    return _written(request, 200, row["id"], sent)


def destroy(request: RoutedRequest) -> Answer:
    """Answer `DELETE /models/{id}`. The syncs that use the model are deleted as well; the answer is silent on that."""
    workspace_id = find_workspace(request)
    row = _find(request, workspace_id)
    must_write(request, workspace_id)
    request.database.delete_model(row["id"])
    return Answer(204, content_type=None)


def _find(request: RoutedRequest, workspace_id: int) -> Row:
    row = request.database.find("models", request.row_id(), workspace_id)
    if row is None:
        raise error_responses.one_sentence(404, _not_found("Model", request.params["id"]))
    return row


def _written(request: RoutedRequest, status: int, model_id: int, sent: Mapping[str, Any]) -> Answer:
    """Answer with what was written. The configuration has the order of keys and the numbers that were sent.

    A model that cannot be shown (ai_ml without a catalog) gives a 400, and it is written all the same.
    """
    row = request.database.find("models", model_id) or {}
    shown = jsonb.dumps(sent["configuration"]) if "configuration" in sent else None
    return Answer(status, serializers.one(Serializer(request.database).model(row, shown)))


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn values into columns: the configuration into JSON text. A NUL in any text raises in the database: 400."""
    try:
        return {
            name: jsonb.encode(value)
            if name == "configuration" and value is not None
            else jsonb.without_nul(value)
            if isinstance(value, str)
            else value
            for name, value in values.items()
        }
    except jsonb.NulError as error:
        raise error_responses.exception_raised(detail=str(error)) from error


def _required(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the model that was sent. An empty one is refused only here, not by the contract."""
    model = params.get("model")
    if isinstance(model, dict) and model:
        return model
    hint = "\nDid you mean?  models" if "models" in params else ""
    raise error_responses.one_sentence(422, f"param is missing or the value is empty: model{hint}")


def _permitted(model: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the attributes that a client may set; all other keys are ignored."""
    sent = {name: model[name] for name in _TEXTS if name in model}
    # No contract checks the description: numbers become text, lists and hashes are dropped.
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
    """Refuse any write to a model on an AI connector without catalog, even a move to another connector."""
    if connector is not None and connector["category"] == "AI Model" and connector["json_schema"] is None:
        raise error_responses.application_error(422, "Catalog is not present for the connector")


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
        return number_text.write_float(value)
    return str(value) if isinstance(value, int) else value


def _not_found(kind: str, sought: object) -> str:
    shown = f'"{sought}"' if isinstance(sought, str) else sought
    return f"""Couldn't find {kind} with 'id'={shown} [WHERE "{kind.lower()}s"."workspace_id" = $1]"""
