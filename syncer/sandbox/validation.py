"""Validation: the checks of a model as a whole, last of all before it is written. Failed: 422, nothing is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# What counts as blank: all Unicode white space (a no-break space too), but not zero-width characters.
_BLANK: Final = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*")
_WITH_QUERY: Final = ("raw_sql", "dbt", "soql", "table_selector")
_WITH_CONFIGURATION: Final = ("ai_ml", "dynamic_sql", "unstructured", "vector_search")
# The server has no text for this failure, so it does not say which key is wrong.
_BAD_CONFIGURATION: Final = (
    "Translation missing. Options considered were:\n"
    "- en.activerecord.errors.models.model.attributes.configuration.invalid_json\n"
    "- en.activerecord.errors.models.model.invalid_json\n"
    "- en.activerecord.errors.messages.invalid_json\n"
    "- en.errors.attributes.configuration.invalid_json\n"
    "- en.errors.messages.invalid_json"
)


def problems(model: Mapping[str, Any], *, connector_exists: bool) -> dict[str, str]:
    """Return the first problem of each invalid attribute; `model` has all columns as they would be written."""
    found: dict[str, str] = {}
    query_type, configuration = model["query_type"], model["configuration"]
    if is_blank(model["name"]):
        found["name"] = "can't be blank"
    if query_type in _WITH_QUERY and is_blank(model["query"]):
        found["query"] = "can't be blank"
    if query_type in _WITH_CONFIGURATION:
        if is_blank(configuration):
            found["configuration"] = "can't be blank"
        elif not _fits(query_type, configuration):
            found["configuration"] = _BAD_CONFIGURATION
    if not connector_exists:
        found["connector"] = "must exist"
    return found


def is_blank(value: object) -> bool:
    """Whether a value counts as not given: null, false, an empty list or hash, text of white space only."""
    if isinstance(value, str):
        return _BLANK.fullmatch(value) is not None
    return value is None or value is False or value in ([], {})


def _fits(query_type: str, configuration: Mapping[str, Any]) -> bool:
    """Whether a configuration has the form its query type asks for. Other keys are never looked at."""
    harvesters = isinstance(configuration.get("harvesters"), list)
    json_schema = isinstance(configuration.get("json_schema"), dict)
    no_wrong_schema = json_schema or "json_schema" not in configuration
    if query_type == "ai_ml":
        return harvesters and no_wrong_schema
    if query_type == "dynamic_sql":
        return harvesters and json_schema
    embedding = _has_texts(configuration.get("embedding_config"))
    if query_type == "vector_search":
        return harvesters and json_schema and embedding
    return embedding and _has_sizes(configuration.get("chunk_config")) and no_wrong_schema


def _has_texts(embedding: object) -> bool:
    return isinstance(embedding, dict) and all(
        isinstance(embedding.get(key), str) and embedding[key] for key in ("api_key", "model")
    )


def _has_sizes(chunk: object) -> bool:
    # 10.0 is no integer here, and neither is "10".
    return isinstance(chunk, dict) and all(
        isinstance(size := chunk.get(key), int) and not isinstance(size, bool) and size >= least
        for key, least in (("chunk_size", 1), ("chunk_overlap", 0))
    )
