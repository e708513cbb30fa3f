"""Which live models somebody asks `syncer import` for. Values in, models and problems out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import SettingsError
from syncer.model import NOWHERE, QUERY_TYPES, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import Connector, LiveModel, LiveState


@dataclass(frozen=True, slots=True)
class Selection:
    """Which live models somebody asks for: all, those of some ids, or of some query types and connectors."""

    everything: bool = False
    ids: tuple[int, ...] = ()
    query_types: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    """Names or ids."""


def check_selection(asked: Selection) -> None:
    """Raise SettingsError unless exactly one way of asking was used, and rightly."""
    is_filtered = bool(asked.query_types or asked.connectors)
    if not (asked.everything or asked.ids or is_filtered):
        message = "the command names no models to import"
        raise SettingsError(message, "use --all, the ids of some, --query-type TYPE or --connector NAME")
    if asked.ids and (asked.everything or is_filtered):
        message = "the ids already name the models to import"
        raise SettingsError(message, "leave out --all, --query-type and --connector, or the ids")
    for one in asked.query_types:
        if one not in QUERY_TYPES:
            raise SettingsError(f"there is no query type {one!r}", f"there are {', '.join(QUERY_TYPES)}")


def selected(
    asked: Selection, live: LiveState, connectors: Sequence[Connector]
) -> tuple[list[LiveModel], list[Problem]]:
    """The live models that are asked for, by id, and a problem for each that isn't there.

    Raises SettingsError for a connector that isn't one.
    """
    if not asked.ids:
        wanted = _connector_ids(asked.connectors, connectors)
        found = [
            model
            for model in live.models
            if (not asked.query_types or model.fields.get("query_type") in asked.query_types)
            and (not asked.connectors or model.fields.get("connector_id") in wanted)
        ]
        return sorted(found, key=lambda model: model.id), []
    by_id = {model.id: model for model in live.models}
    broken = {row.id: row.reason for row in live.unreadable}
    problems = []
    for one in dict.fromkeys(asked.ids):
        if one in broken:
            message = f"the server can't show live model {one}: {broken[one]}"
            problems.append(Problem(NOWHERE, "unreadable-model", message, "repair it in the UI, then import it"))
        elif one not in by_id:
            message = f"the workspace has no live model with id {one}"
            problems.append(Problem(NOWHERE, "unknown-id", message, "`syncer list` shows those that it has"))
    return [by_id[one] for one in sorted({*asked.ids}) if one in by_id and one not in broken], problems


def _connector_ids(names: Iterable[str], connectors: Sequence[Connector]) -> set[int]:
    found: set[int] = set()
    for name in names:
        named = {one.id for one in connectors if one.name == name}
        fits = named or {one.id for one in connectors if str(one.id) == name}
        if not fits:
            listed = ", ".join(f"{one.name!r}" for one in connectors if one.kind == "source")
            raise SettingsError(f"the workspace has no connector {name!r}", f"its sources are {listed or 'none'}")
        found |= fits
    return found
