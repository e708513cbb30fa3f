"""Definitions bound to live models, and what to say of those that are missing or can't be read. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer.desired.binding import REPAIR, bind
from syncer.model import (
    NOWHERE,
    Bound,
    DesiredState,
    LiveState,
    Problem,
    Severity,
    Target,
    Unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


_MANY_IDS: Final = 100
"""How many ids it lists."""

_FEWEST: Final = 3
"""From so many definitions on it's no chance that the workspace has none of them."""

_ABSENT: Final = frozenset({"unknown-id", "no-live-model", "unknown-connector"})
"""What is said of a definition that belongs to another workspace."""


def bound_to(
    everything: DesiredState, chosen: DesiredState, live: LiveState, incomplete: set[str], *, create: bool
) -> tuple[Bound, tuple[Problem, ...]]:
    """The chosen definitions' bindings and problems. All are bound, so that a rival among the others is noticed.

    Definitions in the files `incomplete` have a problem already, and can't be compared.
    """
    revealed = {model.address: model for model in chosen.models}
    bound = bind(DesiredState(tuple(revealed.get(m.address, m) for m in everything.models)), live, create=create)
    paths = {model.document.path for model in chosen.models}
    ready = {model.address for model in chosen.models if model.document.path not in incomplete}
    return (
        replace(
            bound,
            bindings=tuple(b for b in bound.bindings if b.desired.address in ready),
            new=tuple(model for model in bound.new if model.address in ready),
        ),
        tuple(problem for problem in bound.problems if problem.path in paths),
    )


def told_together(
    problems: Sequence[Problem], desired: DesiredState, live: LiveState, target: Target
) -> tuple[Problem, ...]:
    """The problems; one for all of those that say of every definition that it isn't in this workspace."""
    ids, names = {model.id for model in live.models}, {model.name for model in live.models}
    absent = {problem.path for problem in problems if problem.rule in _ABSENT}
    count = len(desired.models)
    is_elsewhere = count >= _FEWEST and all(
        model.document.path in absent and model.id not in ids and (model.id is not None or model.name not in names)
        for model in desired.models
    )
    if not is_elsewhere:
        # What is wrong with a default is said once.
        return tuple(dict.fromkeys(problems))
    what = f"none of the {count} definitions is in workspace {target.workspace_id}: neither by id nor by name"
    hint = (
        f"check workspace_id and api_url of the environment {target.environment}. If the workspace is the right one, "
        "`syncer import --all` takes its models into git, and `create = true` in its settings lets apply make new ones"
    )
    others = (problem for problem in problems if problem.rule not in _ABSENT)
    return (Problem(NOWHERE, "wrong-workspace", what, hint), *others)


def unread_models(live: LiveState) -> tuple[Problem, ...]:
    """What refresh couldn't read, in words."""
    alike: dict[tuple[str, str], list[Unreadable]] = {}
    for row in live.unreadable:
        alike.setdefault((row.reason, row.hint), []).append(row)
    told = [
        Problem(
            NOWHERE,
            "unreadable-model",
            f"the server can't show {_counted([row.id for row in rows])}: {reason}",
            f"{hint or _NO_CATALOG}. Until then a model bound by name may have a namesake that syncer can't "
            f"see: pin it with `id:`",
            Severity.WARNING,
        )
        for (reason, hint), rows in alike.items()
    ]
    if not live.complete:
        message = "not every live model could be read, so only those that files pin with `id:` are planned"
        told.append(Problem(NOWHERE, "incomplete-live-state", message, "", Severity.WARNING))
    return tuple(told)


_NO_CATALOG: Final = f"it's an ai_ml model whose connector has no catalog, most likely; {REPAIR}"


def _counted(ids: Sequence[int | None]) -> str:
    """`live model 7`, or how many they are and which, as far as that is known."""
    known = sorted(model_id for model_id in ids if model_id is not None)
    if len(ids) == 1:
        return f"live model {known[0]}" if known else "one live model"
    shown = ", ".join(map(str, known[:_MANY_IDS]))
    more = len(ids) - min(len(known), _MANY_IDS)
    named = f"{shown}{f' and {more} more' if more else ''}" if known else "their ids are not known"
    return f"{len(ids)} live models ({named})"
