"""Keys of a `configuration` that look mistyped: the server stores any, and uses those alone that it knows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from syncer.desired.validate.finding import Finding, label, nearest
from syncer.model import CONFIGURED_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.model import Path

_KNOWN: Final[Mapping[Path, tuple[str, ...]]] = {
    (): ("harvesters", "json_schema", "embedding_config", "chunk_config"),
    ("embedding_config",): ("api_key", "model", "mode"),
    ("chunk_config",): ("chunk_size", "chunk_overlap"),
    ("json_schema",): ("input", "output"),
}


def mistyped_keys(given: Mapping[str, Any]) -> Iterator[Finding]:
    """Keys of the configuration that look like a slip; other unknown keys are kept by the server, and are fine."""
    query_type, configuration = given.get("query_type"), given.get("configuration")
    if not isinstance(query_type, str) or query_type not in CONFIGURED_TYPES:
        return
    for path, known in _KNOWN.items():
        inner = configuration
        for segment in path:
            inner = inner.get(segment) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            free = [name for name in known if name not in inner]
            for key in [key for key in inner if key not in known][:20]:
                near = nearest(key, free)
                if near:
                    where = ("configuration", *path, key)
                    yield Finding(
                        "configuration-key",
                        f"{label(where)} is unknown to the server, which stores it but doesn't use it",
                        where,
                        f"did you mean {near}?",
                        key=True,
                    )
