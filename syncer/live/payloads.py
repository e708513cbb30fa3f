"""The API's JSON into models, connectors and syncs, and a change into the body of a PUT or POST. Pure.

Fields are taken by name, and get the types that the server's contract gives them. Habits of the API are undone in a
commented line each; all were observed on the server, version 0.124.0. See `normalization` for what is no difference.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from syncer.model import FIELDS, REQUIRED, Connector, LiveModel, Sync, Unreadable
from syncer.normalization import normal_form, raw_form
from syncer.secrets import Secret, SecretRef, is_mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.model import Fields, Json


MAX_DEPTH: Final = 100
"""How deep a configuration may be nested: the server accepts no more."""

_TEXTS: Final = {"name": False, "description": True, "query_type": False, "primary_key": True, "query": True}
"""The fields that are text, and whether null will do."""

MALFORMED_HINT: Final = "repair it in the UI, or ask whoever runs the server"


class MalformedError(ValueError):
    """A resource of the API is no such thing; the message says why."""


def read(resource: Json) -> LiveModel | Unreadable:
    """A model of the API in normal form; what can't be one is unreadable, whatever the server sent."""
    try:
        return parse(resource)
    except MalformedError as error:
        attributes = _at(resource, "attributes")
        try:
            model_id = _id(_at(resource, "id"), "id")
        except MalformedError:
            model_id = None
        return Unreadable(model_id, str(error), _text(_at(attributes, "name")), MALFORMED_HINT)


def parse(resource: Json) -> LiveModel:
    """A model of the API (`{"id", "type", "attributes"}`) as a live model in normal form.

    Every field has the type that the server's own contract gives it: no room behind this one looks again. Raises
    MalformedError where the resource is no such thing.
    """
    attributes = _at(resource, "attributes")
    model_id = _id(_at(resource, "id"), "id")
    # The documents promise connector_id; the server sends a nested connector, whose other keys are not ours to keep.
    connector = _at(attributes, "connector")
    connector_id = _at(connector, "id") if connector else _at(attributes, "connector_id")
    fields = {field: _at(attributes, field) for field in FIELDS}
    fields["connector_id"] = _id(connector_id, "connector's id")
    for field, is_optional in _TEXTS.items():
        value = fields[field]
        if not (isinstance(value, str) or (is_optional and value is None)):
            raise MalformedError(f"its {field} is {_kind(value)}, not text")
    configuration = fields["configuration"]
    if configuration is not None:
        _check(configuration)
        # The server adds the catalog's json_schema to every ai_ml model it shows; a stored one is never seen again.
        if fields["query_type"] == "ai_ml":
            fields["configuration"] = {key: value for key, value in configuration.items() if key != "json_schema"}
    normal = normal_form(fields)
    return LiveModel(model_id, normal, _text(_at(attributes, "updated_at")), raw_form(fields, normal))


def _check(configuration: Json) -> None:
    """Raise MalformedError for a configuration that the server can't have stored, or nobody could send back."""
    if not isinstance(configuration, dict):
        raise MalformedError(f"its configuration is {_kind(configuration)}, not an object")
    level: list[Json] = [configuration]
    for _ in range(MAX_DEPTH):
        inner: list[Json] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                inner += value.values()
            elif kind is list:
                inner += value
            elif kind is float and not isfinite(value):
                raise MalformedError("its configuration holds a number that is too large")
        level = inner
    if level:
        raise MalformedError("its configuration is nested too deep")


def _at(value: Json, key: str) -> Json:
    """What stands under a key; None where there is none, whatever the value is."""
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Json) -> str:
    """A text that is only told; empty for whatever else."""
    return value if isinstance(value, str) and _is_fit(value) else ""


def _is_fit(text: str) -> bool:
    """Whether a text has whole characters only, so that it can be printed, stored and sent."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Json) -> str:
    """The type of a JSON value in words."""
    if value is None:
        return "missing"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names[type(value)]


_ID = re.compile(r"[1-9][0-9]{0,18}")


def _id(value: Json, what: str) -> int:
    """An id: text in the envelope, a number inside. Raises MalformedError for what the database can't have."""
    if not isinstance(value, int | str) or isinstance(value, bool) or not _ID.fullmatch(str(value)):
        raise MalformedError(f"its {what} is not a number that an id can be")
    return int(value)


def parse_connector(resource: Json) -> Connector:
    """A connector of the API; of its configuration (hosts, users, masked passwords) nothing is kept.

    An id that is none is 0, a text that is none is empty.
    """
    attributes = _at(resource, "attributes")
    name, kind, definition = (_text(_at(attributes, key)) for key in ("name", "connector_type", "connector_name"))
    return Connector(_number(_at(resource, "id")), name, kind, definition)


def parse_workspace(resource: Json) -> tuple[int, str]:
    """The id and the name of a workspace; 0 and empty for what is none."""
    return _number(_at(resource, "id")), _text(_at(_at(resource, "attributes"), "name"))


def parse_sync(resource: Json) -> Sync:
    """A sync of the API; of its model, its source and its destination's settings nothing is kept.

    What says which model it reads, and which columns, may be `unknown`; what is only told may be empty.
    """
    attributes = _at(resource, "attributes")
    sync_id = _number(_at(resource, "id"))
    model_id, cursor = _number(_at(attributes, "model_id")), _at(attributes, "cursor_field")
    columns, unknown = _mapped(_at(attributes, "configuration"))
    if cursor is not None and not _text(cursor) and cursor != "":
        unknown = "its cursor_field is not text"
    if not (model_id and sync_id):
        model_id, unknown = 0, f"its {'model_id' if sync_id else 'id'} is not a number that an id can be"
    destination, source = _at(attributes, "destination"), _at(attributes, "source")
    return Sync(
        sync_id,
        model_id,
        _number(_at(attributes, "source_id")),
        _text(_at(destination, "name")) or f"destination {_number(_at(attributes, 'destination_id')) or '?'}",
        _text(_at(destination, "connector_name")),
        _text(_at(attributes, "stream_name")),
        _text(_at(attributes, "sync_mode")),
        _schedule(attributes),
        _text(_at(attributes, "status")),
        _text(cursor),
        columns,
        _text(_at(source, "name")),
        unknown=unknown,
    )


def _number(value: Json) -> int:
    """An id that is only told; 0 for whatever else."""
    try:
        return _id(value, "")
    except MalformedError:
        return 0


def _schedule(attributes: Json) -> str:
    kind = _text(_at(attributes, "schedule_type"))
    count, unit = _number(_at(attributes, "sync_interval")), _text(_at(attributes, "sync_interval_unit"))
    if kind == "interval" and count and unit:
        return f"every {unit.removesuffix('s')}" if count == 1 else f"every {count} {unit}"
    if kind == "cron_expression":
        return f"cron {_text(_at(attributes, 'cron_expression'))}"
    return kind


def _mapped(configuration: Json) -> tuple[tuple[str, ...], str]:
    """The model's columns that a mapping reads, and what of it is none.

    It's a list of pairs, or, in older syncs, column → field.
    """
    pairs = configuration if isinstance(configuration, list) else []
    # A static or a template mapping has a text of its own there, not a column.
    mapped = [pair.get("from") for pair in pairs if isinstance(pair, dict) and not _is_composed(pair)]
    names = list(configuration) if isinstance(configuration, dict) else [name for name in mapped if name != ""]
    columns = tuple(dict.fromkeys(name for name in map(_text, names) if name))
    is_whole = isinstance(configuration, dict | list | None) and all(isinstance(pair, dict) for pair in pairs)
    return columns, "" if is_whole and all(map(_text, names)) else "its mapping has an entry that is not a column"


def _is_composed(pair: Mapping[str, Json]) -> bool:
    return bool(pair.get("mapping_type", "standard") != "standard")


def body(after: Fields, changed: Iterable[str], raw: Fields) -> dict[str, Any]:
    """The body of a PUT: the three documented required fields and the changed ones, the rest is the server's to keep.

    A PUT merges at the top and replaces `configuration` whole. So whatever is the same in `raw` is sent as it came.
    Raises ValueError for what must never be sent.
    """
    sent = _sendable({field: _plain(after[field]) for field in FIELDS if field in (*REQUIRED, *changed)})
    return {"model": {field: _as_it_came(field, value, raw) for field, value in sent["model"].items()}}


def _as_it_came(field: str, value: Json, raw: Fields) -> Json:
    if field not in raw:
        return value
    if field == "configuration":
        return _numbers_as_they_came(value, raw[field])
    return raw[field] if normal_form({field: raw[field]})[field] == value else value


def _numbers_as_they_came(value: Json, raw: Json) -> Json:
    if isinstance(value, dict) and isinstance(raw, dict):
        return {key: _numbers_as_they_came(inner, raw.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(raw, list):
        return [_numbers_as_they_came(*pair) for pair in zip(value, _beside(value, raw), strict=True)]
    is_same = type(value) is int and type(raw) is float and raw == value
    return raw if is_same else value


def _beside(values: list[Json], raws: list[Json]) -> list[Json]:
    """For each element the one that it came from. They are paired from both ends as far as they are the same.

    In the middle an element came from any that is the same, else from the one at its place.
    """
    keys, raw_keys = (list(map(_key, some)) for some in (values, raws))
    most = min(len(keys), len(raw_keys))
    head = next((i for i in range(most) if keys[i] != raw_keys[i]), most)
    tail = next((i for i in range(most - head) if keys[-1 - i] != raw_keys[-1 - i]), most - head)
    same = dict(zip(raw_keys, raws, strict=True))
    end = len(raws) - tail
    middle = [same.get(keys[i], raws[i] if i < end else None) for i in range(head, len(keys) - tail)]
    return [*raws[:head], *middle, *raws[end:]]


def _key(value: Json) -> str:
    """The same text for what is the same in normal form."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if type(value) is float and value.is_integer() else value


def creation(after: Fields) -> dict[str, Any]:
    """The body of a POST: everything that the file declares. Raises ValueError for what must never be sent."""
    configuration = after.get("configuration")
    if after.get("query_type") == "unstructured" and "harvesters" not in (configuration or {}):
        # An update does without; filled in here it would differ from the file for ever.
        message = "the server creates an unstructured model only with configuration.harvesters (`[]` will do)"
        raise ValueError(message)
    return _sendable({field: _plain(after[field]) for field in FIELDS if field in after})


def _sendable(model: dict[str, Any]) -> dict[str, Any]:
    # null or {} in configuration, and null in most other fields, are refused or stored as damage.
    if any(value is None for value in model.values()) or model.get("configuration") == {}:
        message = "a null or an empty configuration can't be sent"
        raise ValueError(message)
    try:
        json.dumps(model, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        message = "half a character, or a number without end, can't be sent"
        raise ValueError(message) from None
    return {"model": model}


def _plain(value: object) -> object:
    """The value as JSON can carry it, secrets revealed."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, SecretRef) or is_mask(value) or (isinstance(value, Secret) and value.is_unset):
        # Echoing the asterisks would store them as the key.
        message = "an unresolved or masked secret can't be sent"
        raise ValueError(message)
    return value.reveal() if isinstance(value, Secret) else value
