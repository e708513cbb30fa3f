"""What the base tells of a plan: who made live differ, which guards stood there, and what git says no more. No I/O.

Git is the last-applied state: what the definitions said at the base is what an apply has brought about.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from syncer.model import ABSENT, Severity, leaves
from syncer.plan.diff import compare, same
from syncer.plan.planner import LOOSENED, Cause, Provenance, Removed, wanted
from syncer.secrets import SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.model import (
        Binding,
        DesiredModel,
        DesiredState,
        Fields,
        Json,
        LiveModel,
        LiveState,
        Path,
        Problem,
    )
    from syncer.plan.diff import FieldChange
    from syncer.plan.planner import Change, Plan


REPURPOSED: Final = "repurposed-id"
"""The rule of a pinned live model whose name nobody expected."""


def attribute(plan: Plan, bindings: Iterable[Binding], base: DesiredState, commit: str) -> Provenance:
    """The cause of every difference of the plan, and what of this change is live already.

    `bindings` are all that the plan was made of; `base` is what git said at `commit`, its secrets looked up.
    """
    former = Former(base)
    changes = {change.address: change for change in plan.changes}
    causes: dict[str, tuple[Cause, ...]] = {}
    already_live: dict[str, tuple[str, ...]] = {}
    for binding in bindings:
        desired, live = binding.desired, binding.live
        model = former.of(desired)
        if model is None and desired.address not in changes:
            continue
        base_fields = wanted(model, live) if model is not None else {}
        # wanted() fills in the fields that every PUT needs; the base says only what it declared.
        base_fields = {field: value for field, value in base_fields.items() if model and field in model.fields}
        change = changes.get(desired.address)
        after = change.after if change is not None else wanted(desired, live)
        if change is not None:
            causes[desired.address] = tuple(_cause(field, live.fields, base_fields, after) for field in change.fields)
        kept = {field: after[field] for field in base_fields if field in after}
        brought = {str(field.path[0]) for field in compare(base_fields, kept)}
        done = tuple(sorted(field for field in brought if change is None or field not in change.changed))
        if done:
            already_live[desired.address] = done
    for change in plan.created:
        # What git said before under this name, and nothing live answers to any more, somebody deleted.
        model = former.of(change.desired)
        cause = Cause.DRIFT if model is not None and model.name == change.desired.name else Cause.CHANGE
        causes[change.address] = (cause,) * len(change.fields)
    return Provenance(commit, causes, already_live)


def renamed(plan: Plan, base: DesiredState) -> tuple[Problem, ...]:
    """The creations that are renames, most likely: their file meant another model before, which is live, in no file.

    Without an id nobody can tell a rename from a new model, and a second model would feed nothing.
    """
    former = Former(base)
    left = {model.name: model for model in plan.unmanaged}
    found = []
    for change in plan.created:
        model = former.of(change.desired)
        if model is not None and model.name != change.desired.name and (live := left.get(model.name)) is not None:
            message = (
                f"{change.desired.name!r} would be created, but its file meant live model {live.id} ({live.name!r})"
            )
            hint = f"to rename that one, pin it with `id: {live.id}`; for a new model take a new file"
            found.append(change.desired.problem("renamed-without-id", message, "name", hint=hint))
    return tuple(found)


def repurposed(plan: Plan, base: DesiredState | None) -> tuple[Problem, ...]:
    """The pinned live models that bear another name than their file and the base say: another model's id, perhaps.

    So is one that gets the name of a model that the base pinned to another id: then the ids may have changed places.
    """
    former = Former(base) if base is not None else None
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


def guarded(plan: Plan, base: DesiredState) -> Plan:
    """The plan with `protect` as the base has it: a change doesn't lift the guard that it would trip."""
    former = Former(base)
    return replace(plan, changes=tuple(_guarded(change, former) for change in plan.changes))


def _guarded(change: Change, former: Former) -> Change:
    before = () if change.is_creation else former.all_of(change.desired, change.live)
    if not before:
        return change
    protect = any(model.lifecycle.protect for model in before)
    lifecycle = replace(change.desired.lifecycle, protect=protect)
    return replace(change, desired=replace(change.desired, lifecycle=lifecycle))


def loosened(bindings: Iterable[Binding], base: DesiredState) -> tuple[Problem, ...]:
    """What the definitions take from their guards, or let pass, and the base didn't: a warning each."""
    former = Former(base)
    return tuple(
        binding.desired.problem(LOOSENED, message, "lifecycle", hint=hint, severity=Severity.WARNING)
        for binding in bindings
        if (before := former.all_of(binding.desired, binding.live))
        for message, hint in _loosened(binding.desired, before)
    )


def _loosened(now: DesiredModel, before: Iterable[DesiredModel]) -> Iterator[tuple[str, str]]:
    """Each in words, with what it means."""
    lifecycles = [model.lifecycle for model in before]
    if any(one.protect for one in lifecycles) and not now.lifecycle.protect:
        yield f"`protect` of {now.address} is lifted", "until this is merged, it still protects"
    ignored = {path for one in lifecycles for path in one.ignore_changes}
    for path in now.lifecycle.ignore_changes:
        if not any(path == one or path.startswith(f"{one}.") for one in ignored):
            yield (
                f"{now.address} ignores changes of {path} from now on",
                "what is live there is neither seen nor undone",
            )
    for what in sorted({*now.lifecycle.allow} - {what for one in lifecycles for what in one.allow}):
        yield f"{now.address} allows {what} from now on", "no apply refuses that any more"


def removed(base: DesiredState, now: DesiredState, live: LiveState | None) -> tuple[Removed, ...]:
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
                gone.append(Removed(model.address, model.document.path, found.id, found.name))
        elif model.address not in addresses and model.name not in names and model.id not in ids:
            is_unseen = unseen is None or model.id in unseen
            model_id = model.id if model.id is not None and is_unseen else 0
            gone.append(Removed(model.address, model.document.path, model_id, model.name))
    return tuple(sorted(gone, key=lambda one: one.address))


def _cause(field: FieldChange, live: Fields, base: Fields, after: Fields) -> Cause:
    """The cause of one difference: of the value that its path leads to, down to the first list.

    base = git   base = live   cause
    yes          no            drift
    no           yes           this change
    no           no            conflict
    (base says nothing here)   this change
    """
    path = tuple(takewhile(lambda key: isinstance(key, str), field.path))
    before, is_live, is_wanted = (_at(fields, path) for fields in (base, live, after))
    if _at(base, path[:1]) is ABSENT:
        return Cause.CHANGE
    if same(before, is_wanted):
        return Cause.DRIFT
    if any(isinstance(leaf, SecretRef) for _, leaf in leaves(before)):
        # The base names a variable that isn't set any more: which one is named is what this change changes.
        return Cause.CHANGE
    # In this order: what live masks may be what the base says.
    return Cause.CHANGE if same(is_live, before) else Cause.CONFLICT


def _at(fields: Fields, path: Path) -> Json:
    """The value at a path of keys; ABSENT where there is none."""
    value: Json = fields
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return ABSENT
        value = value[key]
    return value


class Former:
    """What the base said of a model: by id, else by address, else (it was moved) by name if that's unique."""

    def __init__(self, base: DesiredState) -> None:
        self._by_address = {model.address: model for model in base.models}
        self._with_id: dict[int, list[DesiredModel]] = {}
        for model in base.models:
            if model.id is not None:
                self._with_id.setdefault(model.id, []).append(model)
        self._by_id = {model_id: models[-1] for model_id, models in self._with_id.items()}
        self._named: dict[str, list[DesiredModel]] = {}
        for model in base.models:
            self._named.setdefault(model.name, []).append(model)
        self._by_name = {name: models[0] for name, models in self._named.items() if len(models) == 1}

    def of(self, desired: DesiredModel) -> DesiredModel | None:
        """The definition of the same model at the base, if there was one."""
        if desired.id is not None and (found := self._by_id.get(desired.id)):
            return found
        found = self._by_address.get(desired.address)
        if found is None or (desired.id is not None and found.id is not None):
            # Nothing stood there, or another model: two files may have changed places.
            found = self._by_name.get(desired.name)
        return found if found is not None and (found.id is None or desired.id is None) else None

    def has_elsewhere(self, desired: DesiredModel) -> bool:
        """Whether a definition of its name was pinned to another model."""
        return any(model.id not in {None, desired.id} for model in self._named.get(desired.name, ()))

    def all_of(self, desired: DesiredModel, live: LiveModel) -> tuple[DesiredModel, ...]:
        """Every definition of the base that meant this one's file or its live model, whatever it's called now."""
        found = [self.of(desired), *self._with_id.get(live.id, ())]
        found += [model for model in self._named.get(live.name, ()) if model.id is None]
        return tuple({model.address: model for model in found if model is not None}.values())
