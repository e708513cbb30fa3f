"""Contracts: the checks of a request's parameters, right after the token and before any look-up. Broken: 400.

A contract looks at all keys and reports all failures at once. The rules of a key (the LIMIT rule, say) are checked only
if its type is right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from syncer.sandbox import number_text
from syncer.sandbox.error_responses import FrameworkError
from syncer.sandbox.limit_rule import has_limit
from syncer.sandbox.validation import is_blank

TypeCheck = Callable[[Any], "str | None"]
Errors = dict[str, Any]
Contract = Callable[[Mapping[str, Any]], Errors]

QUERY_TYPES: Final = (
    "raw_sql",
    "dbt",
    "soql",
    "table_selector",
    "ai_ml",
    "dynamic_sql",
    "unstructured",
    "vector_search",
)
_MISSING: Final = object()
_LIMIT_MESSAGE: Final = "Query validation failed: Query cannot contain LIMIT or OFFSET"
_EMAIL: Final = re.compile(r"[\w+\-.]+@[a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z]+", re.IGNORECASE | re.ASCII)

# The keys that a configuration must have when a model is created, and the message if one is missing.
_CREATE_CONFIGURATION: Final = {
    "ai_ml": (("harvesters",), "Config must contain harvester details"),
    "dynamic_sql": (("harvesters", "json_schema"), "Config must contain harvester & json_schema"),
    "unstructured": (
        ("harvesters", "embedding_config", "chunk_config"),
        "Config must contain embedding and chunk config details",
    ),
    "vector_search": (
        ("harvesters", "json_schema", "embedding_config"),
        "Config must contain harvester,json_schema & embedding_config",
    ),
}


def anything(_params: Mapping[str, Any]) -> Errors:
    """Accept any parameters."""
    return {}


def page_number(params: Mapping[str, Any]) -> Errors:
    """Check a list request: `page`, if given, is an integer. `per_page` is not checked."""
    return _failures(params, {"page": _filled_integer})


def row_id(params: Mapping[str, Any]) -> Errors:
    """Check a request for one row: its id, if given, is an integer, written in any way that reads as one."""
    return _failures(params, {"id": _filled_integer})


def connector_list(params: Mapping[str, Any]) -> Errors:
    """Check the list of connectors: `type`, if given, is source or destination in any case. `page` is not checked."""
    errors = _failures(params, {"type": _filled_string})
    if not errors and "type" in params and params["type"].lower() not in ("source", "destination"):
        errors["type"] = ["invalid type"]
    return errors


def login(params: Mapping[str, Any]) -> Errors:
    """Check a login: an e-mail address and a password."""
    errors = _failures(params, {"email": _filled_string, "password": _filled_string}, required=("email", "password"))
    if "email" not in errors and not _EMAIL.fullmatch(params["email"]):
        errors["email"] = ["has invalid email format"]
    return dict(sorted(errors.items()))


def model_update(params: Mapping[str, Any]) -> Errors:
    """Check PUT and PATCH of a model: no key is required, and the LIMIT rule holds for every query type."""
    errors = row_id(params)
    model = _model(params, errors)
    if model is None:
        return errors
    failures = _failures(model, _MODEL_TYPES)
    if "query_type" in model and "query_type" not in failures and model["query_type"] not in QUERY_TYPES:
        failures["query_type"] = ["invalid query type"]
    if "query" not in failures and has_limit(model.get("query")):
        failures["query"] = [_LIMIT_MESSAGE]
    return errors | ({"model": failures} if failures else {})


def model_create(params: Mapping[str, Any]) -> Errors:
    """Check POST of a model: what is required depends on its query type; the LIMIT rule holds for three types only."""
    errors: Errors = {}
    model = _model(params, errors)
    if model is None:
        return errors
    failures = _failures(model, _MODEL_TYPES, required=("connector_id", "name", "query_type"))
    query_type = model.get("query_type")
    if "query_type" not in failures and query_type not in QUERY_TYPES:
        failures["query_type"] = ["invalid query type"]
    if "primary_key" not in failures and query_type != "unstructured" and is_blank(model.get("primary_key")):
        failures["primary_key"] = ["Primary key is required"]
    if "query" not in failures and query_type in ("raw_sql", "dbt", "soql"):
        if is_blank(model.get("query")):
            failures["query"] = ["Query is required for this query type"]
        elif has_limit(model["query"]):
            failures["query"] = [_LIMIT_MESSAGE]
    if "configuration" not in failures and isinstance(query_type, str) and query_type in _CREATE_CONFIGURATION:
        keys, message = _CREATE_CONFIGURATION[query_type]
        if "configuration" not in model:
            failures["configuration"] = ["Configuration is required for this query type"]
        elif not all(key in model["configuration"] for key in keys):
            failures["configuration"] = [message]
    return {"model": failures} if failures else {}


def _model(params: Mapping[str, Any], errors: Errors) -> Mapping[str, Any] | None:
    """Take out the `model` hash; if there is none, add that to `errors` and return None."""
    model = params.get("model", _MISSING)
    if model == "":  # an empty string counts as an empty hash
        return {}
    if isinstance(model, dict):
        return model
    errors["model"] = ["is missing" if model is _MISSING else "must be a hash"]
    return None


def _failures(values: Mapping[str, Any], checks: Mapping[str, TypeCheck], *, required: tuple[str, ...] = ()) -> Errors:
    failures: Errors = {}
    for key, check in checks.items():
        if key not in values:
            if key in required:
                failures[key] = ["is missing"]
        elif message := check(values[key]):
            failures[key] = [message]
    return failures


def _is_filled(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def _filled_integer(value: object) -> str | None:
    if not _is_filled(value):
        return "must be filled"
    if isinstance(value, float):
        if math.isinf(value):  # the server can't convert it, and does not catch the exception
            raise FrameworkError(500)
        return None
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    is_text_of_one = isinstance(value, str) and number_text.whole_integer(value) is not None
    return None if is_integer or is_text_of_one else "must be an integer"


def _filled_string(value: object) -> str | None:
    if not _is_filled(value):
        return "must be filled"
    return None if isinstance(value, str) else "must be a string"


def _maybe_string(value: object) -> str | None:
    return None if value is None or isinstance(value, str) else "must be a string"


def _filled_hash(value: object) -> str | None:
    if not _is_filled(value):
        return "must be filled"
    return None if isinstance(value, dict) else "must be a hash"


# The description is missing on purpose: it is the one attribute that no contract checks.
_MODEL_TYPES: Final[Mapping[str, TypeCheck]] = {
    "connector_id": _filled_integer,
    "name": _filled_string,
    "query": _maybe_string,
    "query_type": _filled_string,
    "primary_key": _maybe_string,
    "configuration": _filled_hash,
}
