"""Two files that mean one live model, by id or by name. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from syncer.desired.validate.finding import Finding, quoted
from syncer.model import shortlist

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.model import Document, Path, Place

_MANY: Final = 3
"""How many rivals a message names before it counts the rest."""


class Claims:
    """Which live model each document means, environment by environment: by its id, or else by its name."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str, Any], list[tuple[Document, Path]]] = defaultdict(list)

    def add(
        self, document: Document, environment: str, values: Mapping[str, Any], sources: Mapping[str, Place]
    ) -> None:
        """Note what the document means in one environment."""
        field = "id" if "id" in values else "name"
        value = values.get(field)
        if isinstance(value, str | int) and not isinstance(value, bool):
            self._claims[environment, field, value].append((document, sources[field].path))

    def rivals(self) -> Iterator[tuple[Document, str, Finding]]:
        """Each document that isn't the only one to mean a live model, in which environment, and what to say."""
        for (environment, field, value), claims in self._claims.items():
            if len(claims) == 1:
                continue
            paths = sorted({document.path for document, _ in claims})
            for document, path in claims:
                others = [other for other in paths if other != document.path]
                listed = shortlist(others, _MANY)
                shown = f"id {value}" if field == "id" else f"name {quoted(str(value))}"
                hint = (
                    "one live model has one file: remove one, or correct its id"
                    if field == "id"
                    else "pin each live model with its `id:`, or give one another name"
                )
                message = f"the {shown} is declared by {listed} too"
                yield document, environment, Finding(f"duplicate-{field}", message, path, hint)
