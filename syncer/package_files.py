"""The files that ship with the package: schemas and example models. An edge: it reads files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def folder(name: str) -> Path:
    """The folder of that name: inside an installed package, or at the top of a source checkout."""
    installed = _HERE / "_shipped" / name
    return installed if installed.is_dir() else _HERE.parent / name


def schema_text(name: str = "model") -> str:
    """The JSON Schema of that name, as it's published."""
    return (folder("schemas") / f"{name}.schema.json").read_text("utf-8")


def defaults_schema() -> dict[str, Any]:
    """The schema of a `_defaults.yaml`: a part of the model files', by itself."""
    model = schema()
    kept = {key: model[key] for key in ("$schema", "$defs", "properties")}
    return {"$id": "urn:syncer:schema:defaults", "$ref": "#/$defs/defaults", **kept}


def schema(name: str = "model") -> dict[str, Any]:
    """The same, read."""
    data: dict[str, Any] = json.loads(schema_text(name))
    return data
