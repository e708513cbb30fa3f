"""Changes that may mean another model than somebody thinks: renames without an id, ids of other models. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from syncer.model import Severity
from syncer.plan.base_definitions import BaseDefinitions
from syncer.plan.diff import same

if TYPE_CHECKING:
    from syncer.model import DesiredState, Problem
    from syncer.plan.planner import Plan

REPURPOSED: Final = "repurposed-id"
"""The rule of a pinned live model whose name nobody expected."""


def unpinned_renames(plan: Plan, base: DesiredState) -> tuple[Problem, ...]:
    """The creations that are renames, most likely: their file meant another model before, which is live, in no file.

    Without an id nobody can tell a rename from a new model, and a second model would feed nothing.
    """
    former = BaseDefinitions(base)
    left = {model.name: model for model in plan.unmanaged}
    found = []
    for change in plan.created:
        model = former.of(change.desired)
        if model is not None and model.name != change.desired.name and (live := left.get(model.name)) is not None:
            message = (
                f"{change.desired.name!r} would be created, but its file used to mean live model "
                f"{live.id} ({live.name!r})"
            )
            hint = f"to rename that one, pin it with `id: {live.id}`; for a new model use a new file"
            found.append(change.desired.problem("renamed-without-id", message, "name", hint=hint))
    return tuple(found)


def repurposed_ids(plan: Plan, base: DesiredState | None) -> tuple[Problem, ...]:
    """The pinned live models that bear another name than their file and the base say: another model's id, perhaps.

    So is one that gets the name of a model that the base pinned to another id: then the ids may have changed places.
    """
    former = BaseDefinitions(base) if base is not None else None
    found = []
    for change in plan.updated:
        if change.desired.id is None or "name" not in change.changed:
            continue
        before = former.all_of(change.desired, change.live) if former is not None else ()
        is_taken = former is not None and former.has_elsewhere(change.desired)
        if is_taken or not any(same(model.name, change.live.name) for model in before):
            found.append(
                change.desired.problem(
                    REPURPOSED,
                    f"live name {_quoted(change.live.name)} becomes {_quoted(change.desired.name)}",
                    "id",
                    hint=f"see whether id {change.desired.id} is the model that you mean",
                    severity=Severity.WARNING,
                )
            )
    return tuple(found)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
