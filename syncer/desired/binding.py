"""Which live model each desired model means: by its id, else by its name. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from syncer.desired.similar_names import LiveNames
from syncer.model import (
    Binding,
    Bound,
    DesiredModel,
    DesiredState,
    Severity,
    shortlist,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.model import LiveModel, LiveState, Problem, Unreadable

REPAIR: Final = (
    "give its connector a catalog in the UI, or delete the model; "
    "if its connector is not an AI connector, set the model's query type back instead"
)
"""What makes the server show an ai_ml model again that stands on a connector without a catalog."""

_MANY: Final = 5
"""How many candidates a message lists before it counts the rest."""


def bind(desired: DesiredState, live: LiveState, *, create: bool = False) -> Bound:
    """Which live model each desired model means: the one of its `id`, else the only live one of its name.

    None, several, or two files for one live model are problems; nothing downstream looks anything up by name.

        id in the file   live models that fit   outcome
        yes              the one of that id     bound
        yes              none                   problem `unknown-id`, candidates by name
        no               one of the name        bound
        either           one nobody can read    problem `unreadable-model`
        no               none                   new with `create`, else problem `no-live-model`, candidates by likeness
        no               several                problem `ambiguous-name`, all of them
        no               none among those read  problem `incomplete-live-state`, where another may have the name
    """
    by_id = {model.id: model for model in live.models}
    names = LiveNames(live.models)

    claimed: dict[int, list[Binding]] = defaultdict(list)
    problems: list[Problem] = []
    new: list[DesiredModel] = []
    wanted = Counter(model.name for model in desired.models)
    for model in desired.models:
        namesakes = names.bearers(model.name) if live.complete else []
        broken = _unreadable_row(model, live)
        if model.id in by_id:
            claimed[model.id].append(Binding(model, by_id[model.id]))
        elif broken is not None:
            problems.append(_unreadable(model, broken))
        elif model.id is None and live.complete and not namesakes and create:
            told = _obstacles(model, live, names, wanted)
            problems += told
            new += [] if any(problem.is_error for problem in told) else [model]
        elif model.id is None and len(namesakes) == 1:
            claimed[namesakes[0].id].append(Binding(model, namesakes[0]))
        else:
            problems.append(_unbound(model, live, names, namesakes))
    problems += [problem for rivals in claimed.values() for problem in _claimed_twice(rivals)]
    bound = tuple(rivals[0] for rivals in claimed.values() if len(rivals) == 1)
    return Bound(
        tuple(sorted(bound, key=lambda binding: binding.desired.address)),
        tuple(sorted((one for one in live.models if one.id not in claimed), key=lambda one: one.id)),
        tuple(sorted(problems, key=lambda problem: problem.origin)),
        tuple(sorted(new, key=lambda model: model.address)),
    )


def _unreadable_row(model: DesiredModel, live: LiveState) -> Unreadable | None:
    """The live model that a definition means and nobody can read: the one of its `id`, else one of its name."""
    meant = (row for row in live.unreadable if (row.name == model.name if model.id is None else row.id == model.id))
    return next(meant, None)


def _unbound(model: DesiredModel, live: LiveState, names: LiveNames, namesakes: Sequence[LiveModel]) -> Problem:
    """Why a definition means no live model, or not one."""
    if model.id is not None:
        return _unknown_id(model, names)
    if namesakes:
        return _ambiguous(model, namesakes)
    is_unseen = not live.complete or any(row.may_be(model.name) for row in live.unreadable)
    return _not_all_read(model) if is_unseen else _no_live_model(model, names)


def _obstacles(model: DesiredModel, live: LiveState, names: LiveNames, wanted: Mapping[str, int]) -> list[Problem]:
    """What speaks against creating a model that no live one answers to: errors forbid it, warnings are to be read."""
    if any(row.may_be(model.name) for row in live.unreadable):
        return [_unseen(model)]
    return [_wanted_twice(model)] if wanted[model.name] > 1 else _similar(model, names)


def _live_list(models: Sequence[LiveModel]) -> str:
    """`id 4 "Active users", id 9 "Active users"`, and how many more."""
    return shortlist((f"id {model.id} ({model.name!r})" for model in models), _MANY)


def _no_live_model(model: DesiredModel, names: LiveNames) -> Problem:
    near = names.near(model.name)
    pin = (
        f"did you mean {_live_list(near)}? Pin the one you mean with `id:`" if near else "pin the live model with `id:`"
    )
    hint = f"{pin}; to make a new one, set `create = true` in the environment's settings"
    return model.problem("no-live-model", f"the workspace has no live model named {model.name!r}", "name", hint=hint)


def _unseen(model: DesiredModel) -> Problem:
    return model.problem(
        "unreadable-model",
        f"{model.name!r} can't be created: the server can't show every live model, and one of them may have the name",
        "name",
        hint="repair what it can't show, or pin the live model with `id:`",
    )


def _wanted_twice(model: DesiredModel) -> Problem:
    message = f"{model.name!r} would be created, but another file gives its model the same name"
    hint = "pin the one you mean with `id:`, or give one of them another name"
    return model.problem("claimed-twice", message, "name", hint=hint)


def _similar(model: DesiredModel, names: LiveNames) -> list[Problem]:
    """A mistyped name would make a second model: what is the same but for a slip is told."""
    near = names.slips(model.name)
    if not near:
        return []
    message = f"{model.name!r} would be created, but there is {_live_list(near)}"
    hint = "if that is the one you mean, pin it with `id:`, in one file only"
    return [model.problem("similar-name", message, "name", hint=hint, severity=Severity.WARNING)]


def _ambiguous(model: DesiredModel, namesakes: Sequence[LiveModel]) -> Problem:
    message = f"{len(namesakes)} live models are named {model.name!r}: {_live_list(namesakes)}"
    return model.problem("ambiguous-name", message, "name", hint="pin the one you mean with `id:`")


def _unknown_id(model: DesiredModel, names: LiveNames) -> Problem:
    hint = "was it deleted (then remove the file, or its id to create it anew), or is it in another workspace?"
    if namesakes := names.bearers(model.name):
        hint += f" Of its name there is {_live_list(namesakes)}"
    return model.problem("unknown-id", f"the workspace has no live model with id {model.id}", "id", hint=hint)


def _not_all_read(model: DesiredModel) -> Problem:
    return model.problem(
        "incomplete-live-state",
        f"{model.name!r} can't be found by name: not every live model could be read",
        "name",
        hint="pin the live model with `id:`",
    )


def _unreadable(model: DesiredModel, row: Unreadable) -> Problem:
    which = f"live model {row.id}" if row.id is not None else f"the live model {row.name!r}"
    return model.problem(
        "unreadable-model",
        f"the server can't show {which}: {row.reason}",
        "id" if model.id is not None else "name",
        hint=row.hint or f"{REPAIR}. Then plan again",
    )


def _claimed_twice(rivals: Sequence[Binding]) -> list[Problem]:
    return (
        []
        if len(rivals) == 1
        else [
            binding.desired.problem(
                "claimed-twice",
                f"live model {binding.live.id} ({binding.live.name!r}) is also declared by "
                + ", ".join(other.desired.document.path for other in rivals if other is not binding),
                "id" if binding.desired.id is not None else "name",
                hint="one live model has one file: remove one, or pin another `id:`",
            )
            for binding in rivals
        ]
    )
