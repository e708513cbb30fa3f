"""The definitions that the base has and git has no more, with what is live of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.plan.planner import Removed

if TYPE_CHECKING:
    from syncer.model import DesiredState, LiveModel, LiveState


def removed_definitions(base: DesiredState, now: DesiredState, live: LiveState | None) -> tuple[Removed, ...]:
    """The definitions that are gone, by address, with what is live of them; a moved one isn't gone.

    What counts is whether another definition means the same live model. Where none is known, one of the same address,
    id or name is the same definition.
    """
    ids = {model.id for model in now.models if model.id is not None}
    bound_names = {model.name for model in now.models if model.id is None}
    addresses, names = {model.address for model in now.models}, {model.name for model in now.models}
    models = {model.id: model for model in live.models} if live else {}
    named: dict[str, list[LiveModel]] = {}
    for one in models.values():
        named.setdefault(one.name, []).append(one)
    unseen = None if live is None or not live.complete else {row.id for row in live.unreadable}
    gone = []
    for model in base.models:
        if model.id is None:
            fits = named.get(model.name, [])
        elif model.id in models:
            fits = [models[model.id]]
        else:
            fits = []
        if len(fits) == 1:
            (found,) = fits
            if found.id not in ids and found.name not in bound_names:
                kind = str(found.fields.get("query_type", ""))
                gone.append(Removed(model.address, model.document.path, found.id, found.name, query_type=kind))
        elif model.address not in addresses and model.name not in names and model.id not in ids:
            is_unseen = unseen is None or model.id in unseen
            model_id = model.id if model.id is not None and is_unseen else 0
            kind = str(model.fields.get("query_type", ""))
            gone.append(Removed(model.address, model.document.path, model_id, model.name, query_type=kind))
    return tuple(sorted(gone, key=lambda one: one.address))
