"""The connectors that the settings map for an environment, and that no file names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.desired.validate.finding import nearest, quoted
from syncer.model import Origin, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.model import Common, Document


def unused_connectors(documents: Sequence[Document], common: Common) -> Iterator[Problem]:
    """A warning for each mapped name that nothing names in its environment: mistyped, it would map nothing."""
    for environment, section in common.connectors.items():
        named = set()
        for document in documents:
            values, sources = document.effective(environment)
            name = values.get("connector")
            if isinstance(name, str) and not sources["connector"].is_of_environment:
                named.add(name)
        for name in section.data:
            if name not in named:
                near = nearest(name, sorted(named))
                origin = Origin(section.path, *section.marks.position((name,), key=True))
                yield Problem(
                    origin,
                    "unused-connector",
                    f"no file names the connector {quoted(name)} that environments.{environment}.connectors maps",
                    f"did you mean {quoted(near)}?" if near else "remove the line, or write the name as the files do",
                    Severity.WARNING,
                    section.marks.line(origin.line),
                )
