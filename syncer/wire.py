"""API payload ↔ fields, by whitelist, and the API's habits undone so that both sides compare like with like. No I/O.

Every habit is one commented line; all were observed on the server, version 0.124.0.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from syncer.model import (
    FIELDS,
    REQUIRED,
    Connector,
    LiveModel,
    Secret,
    SecretRef,
    Sync,
    is_mask,
    is_secret_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.model import Fields, Json

_BLANK_IS_NULL = ("description", "primary_key", "query")
_BLOCK_TEXT = ("description", "query")
FINAL_LINE_ENDS = re.compile(r"(?:\r?\n)+\Z")
"""What at the end of `query` and `description` is nobody's."""


def parse(resource: Mapping[str, Any]) -> LiveModel:
    """A model of the API (`{"id", "type", "attributes"}`) as a live model in normal form.

    Raises KeyError, TypeError, AttributeError or ValueError where the resource is no such thing.
    """
    attributes = resource["attributes"]
    connector = attributes.get("connector")
    # The documents promise connector_id; the server sends a nested connector, whose other keys are not ours to keep.
    connector_id = connector["id"] if connector else attributes["connector_id"]
    fields = {field: attributes.get(field) for field in FIELDS if field != "connector_id"}
    configuration = fields["configuration"]
    # The server adds the catalog's json_schema to every ai_ml model it shows; a stored one is never seen again.
    if fields["query_type"] == "ai_ml" and isinstance(configuration, dict):
        fields["configuration"] = {key: value for key, value in configuration.items() if key != "json_schema"}
    return LiveModel(
        _id(resource["id"]),
        normal_form({**fields, "connector_id": _id(connector_id)}),
        str(attributes.get("updated_at") or ""),
    )


_ID = re.compile(r"[1-9][0-9]{0,18}")


def _id(value: object) -> int:
    """An id: text in the envelope, a number inside. Raises ValueError for what the database can't have."""
    if not isinstance(value, int | str) or isinstance(value, bool) or not _ID.fullmatch(str(value)):
        raise ValueError
    return int(value)


def parse_connector(resource: Mapping[str, Any]) -> Connector:
    """A connector of the API; of its configuration (hosts, users, masked passwords) nothing is kept.

    Raises KeyError, TypeError or ValueError where the resource is no such thing.
    """
    attributes = resource["attributes"]
    name, kind, definition = (str(attributes[key]) for key in ("name", "connector_type", "connector_name"))
    return Connector(_id(resource["id"]), name, kind, definition)


def parse_sync(resource: Mapping[str, Any]) -> Sync:
    """A sync of the API; of its model, its source and its destination's settings nothing is kept.

    Raises KeyError, TypeError, AttributeError or ValueError where the resource is no such thing.
    """
    attributes = resource["attributes"]
    destination = attributes.get("destination") or {}
    return Sync(
        _id(resource["id"]),
        _id(attributes["model_id"]),
        _id(attributes["source_id"]),
        str(destination.get("name") or f"destination {attributes.get('destination_id')}"),
        str(destination.get("connector_name") or ""),
        str(attributes.get("stream_name") or ""),
        str(attributes.get("sync_mode") or ""),
        _schedule(attributes),
        str(attributes.get("status") or ""),
        str(attributes.get("cursor_field") or ""),
        tuple(dict.fromkeys(_mapped(attributes.get("configuration")))),
        str((attributes.get("source") or {}).get("name") or ""),
    )


def _schedule(attributes: Mapping[str, Any]) -> str:
    kind = attributes.get("schedule_type")
    count, unit = attributes.get("sync_interval"), attributes.get("sync_interval_unit")
    if kind == "interval" and count and unit:
        return f"every {str(unit).removesuffix('s')}" if str(count) == "1" else f"every {count} {unit}"
    if kind == "cron_expression":
        return f"cron {attributes.get('cron_expression')}"
    return str(kind or "")


def _mapped(configuration: Json) -> Iterator[str]:
    """The model's columns that a mapping reads: a list of pairs, or, in older syncs, column → field."""
    if isinstance(configuration, dict):
        yield from (key for key in configuration if isinstance(key, str))
    for pair in configuration if isinstance(configuration, list) else ():
        # A static or a template mapping has a text of its own there, not a column.
        if isinstance(pair, dict) and pair.get("mapping_type", "standard") == "standard":
            column = pair.get("from")
            if isinstance(column, str) and column:
                yield column


def normal_form(fields: Fields) -> Fields:
    """The same fields in the one form in which desired and live state may be compared."""
    normal = dict(fields)
    for field in _BLANK_IS_NULL:
        # The UI turns null into "" whenever somebody saves a model there.
        if field in normal and normal[field] is None:
            normal[field] = ""
    for field in _BLOCK_TEXT:
        # A YAML block ends in a line end, editors add one to a file, nobody means it; the server keeps every byte.
        if isinstance(normal.get(field), str):
            normal[field] = FINAL_LINE_ENDS.sub("", normal[field])
    if "configuration" in normal:
        normal["configuration"] = _normal_value(normal["configuration"], False)
    return normal


def _normal_value(value: Json, secret: bool) -> Json:  # noqa: FBT001 - called for each value
    kind = type(value)
    if kind is dict:
        # Secrets come back in clear from the open-source server: they are marked before anything can print them.
        return {key: _normal_value(inner, secret or is_secret_key(key)) for key, inner in value.items()}
    if kind is list:
        return [_normal_value(inner, secret) for inner in value]
    if kind is str:
        # A mask can be neither compared nor sent back, so it is marked like a secret wherever it stands.
        return Secret(value) if secret or (value.startswith("*") and is_mask(value)) else value
    # jsonb has one kind of number: a stored 1 stays 1 when 1.0 is sent, 1e22 comes back as an integer.
    if kind is float and value.is_integer():
        value, kind = int(value), int
    return Secret(value) if secret and kind in (int, float) else value


def body(after: Fields, changed: Iterable[str]) -> dict[str, Any]:
    """The body of a PUT: the three documented required fields and the changed ones, the rest is the server's to keep.

    A PUT merges at the top and replaces `configuration` whole. Raises ValueError for what must never be sent.
    """
    return _sendable({field: _plain(after[field]) for field in FIELDS if field in (*REQUIRED, *changed)})


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
    if isinstance(value, SecretRef) or is_mask(value):
        # Echoing the asterisks would store them as the key.
        message = "an unresolved or masked secret can't be sent"
        raise ValueError(message)
    return value.reveal() if isinstance(value, Secret) else value
