"""The published schema of the JSON lines, closed: what it doesn't describe is an error in tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "schemas" / "events.schema.json").read_text(encoding="utf-8")
)


def _strict(node: Any) -> Any:
    """The schema, closed: what it doesn't describe is an error here, though readers must ignore it."""
    if isinstance(node, list):
        return [_strict(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _strict(inner) for key, inner in node.items()}
    is_described = node.get("type") == "object" and "description" in node
    return {**closed, "unevaluatedProperties": False} if is_described else closed


def _closed() -> Draft202012Validator:
    schema = _strict(SCHEMA)
    # What every line has is a part of a line, so it isn't closed by itself.
    del schema["$defs"]["line"]["unevaluatedProperties"]
    return Draft202012Validator(schema, format_checker=FormatChecker())


VALIDATOR = _closed()
