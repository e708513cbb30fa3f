"""What one definition says in one environment, value by value, each with the place that says it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syncer.model import Origin

if TYPE_CHECKING:
    from syncer.model import Document, Path, Place

_ORDER: Final = (
    "id", "name", "description", "connector", "connector_id", "query_type", "primary_key", "query", "query_file",
    "configuration", "lifecycle",
)  # fmt: skip
"""The order in which people write them."""


@dataclass(frozen=True, slots=True)
class Said:
    """One value: `path` leads to it, `origin` is where it stands.

    For a connector that the environment calls otherwise `in_files` is what files call it, and `mapping` where the
    settings say so.
    """

    path: Path
    value: Any
    origin: Origin
    in_files: str = ""
    mapping: Origin | None = None


def said_in(document: Document, environment: str) -> tuple[Said, ...]:
    """Every value of a valid definition in an environment; each part of a lifecycle by itself."""
    values, places = document.effective(environment)
    found = []
    for key in (one for one in _ORDER if one in values):
        value = values[key]
        if key == "lifecycle":
            for part, inner in value.items():
                found.append(Said((key, part), inner, _origin(document, places[f"lifecycle.{part}"])))
            continue
        origin = _origin(document, places[key])
        if key == "query_file":
            file = document.files[value]
            found += [Said((key,), value, origin), Said(("query",), file.text, Origin(file.path))]
        elif key == "connector" and not places[key].is_of_environment:
            found.append(_connector(document, environment, value, origin))
        else:
            found.append(Said((key,), value, origin))
    return tuple(found)


def _connector(document: Document, environment: str, name: str, origin: Origin) -> Said:
    common = document.inherited.common
    there = common.connector(environment, name)
    if there == name:
        return Said(("connector",), name, origin)
    section = common.connectors[environment]
    mapping = Origin(section.path, *section.marks.position((name,), key=True))
    return Said(("connector",), there, origin, name, mapping)


def _origin(document: Document, place: Place) -> Origin:
    path, section = place
    if section is None:
        return document.origin(path, key=True)
    return Origin(section.path, *section.marks.position(path, key=True))
