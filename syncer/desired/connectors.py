"""The connectors that files name, bound to those of the workspace; a name that fits not one is a problem. Pure."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from syncer.model import (
    DesiredModel,
    DesiredState,
    shortlist,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.model import Connector, Json, Problem

_LONG: Final = 200

_MANY: Final = 5
"""How many candidates a message lists before it counts the rest."""


def bind_connectors(desired: DesiredState, connectors: Sequence[Connector]) -> tuple[DesiredState, tuple[Problem, ...]]:
    """The same state with the id of every connector that a file names, and a problem for each name that fits not one.

    Only source connectors of the workspace count: the server would take a destination as well.
    """
    models, problems = [], []
    for model in desired.models:
        fits = [one for one in connectors if one.name == model.connector and one.kind == "source"]
        if model.connector and len(fits) == 1:
            models.append(replace(model, fields={**model.fields, "connector_id": fits[0].id}))
            continue
        models.append(model)
        if model.connector:
            problems.append(_several_connectors(model, fits) if fits else _no_connector(model, connectors))
    return DesiredState(tuple(models)), tuple(problems)


def source_name(connectors: Sequence[Connector], connector_id: Json) -> str:
    """The name that means this source connector and no other; empty if there is none."""
    name = next((one.name for one in connectors if one.id == connector_id and one.kind == "source"), "")
    is_single = sum(one.name == name and one.kind == "source" for one in connectors) == 1
    return name if is_single and name.strip() and name.isprintable() else ""


def stand_in_connectors(desired: DesiredState) -> DesiredState:
    """The same state with the connectors' names in place of their ids: for comparing files with files."""
    return DesiredState(
        tuple(
            replace(model, fields={**model.fields, "connector_id": model.connector}) if model.connector else model
            for model in desired.models
        )
    )


def _several_connectors(model: DesiredModel, fits: Sequence[Connector]) -> Problem:
    message = f"{len(fits)} source connectors are named {model.connector!r}{_mapped(model)}: {_connectors(fits)}"
    hint = f"give the number of the one you mean: `connector_id: {fits[0].id}`"
    return model.problem("ambiguous-connector", message, "connector_id", hint=hint)


def _no_connector(model: DesiredModel, connectors: Sequence[Connector]) -> Problem:
    others = [one for one in connectors if one.name == model.connector]
    if others:
        message = f"{model.connector!r}{_mapped(model)} is a {others[0].kind}, but a model reads from a source"
    else:
        message = f"the workspace has no source connector named {model.connector!r}{_mapped(model)}"
    sources = [one for one in connectors if one.kind == "source"]
    names = {one.name.casefold(): one.name for one in sources}
    word = model.connector.casefold()
    near = names.get(word) or next((names[one] for one in get_close_matches(word[:_LONG], names, 1)), "")
    hint = f"did you mean {near!r}?" if near else f"its source connectors are {_connectors(sources) or 'none'}"
    return model.problem("unknown-connector", message, "connector_id", hint=hint)


def _mapped(model: DesiredModel) -> str:
    """Where the name comes from, if files say another."""
    return f" (the settings call {model.connector_in_files!r} so here)" if model.connector_in_files else ""


def _connectors(connectors: Sequence[Connector]) -> str:
    return shortlist((f"id {one.id} ({one.name!r}, {one.definition})" for one in connectors), _MANY)
