"""Why live differs from git in each field: this change, drift or conflict, as the base tells. Pure.

Git is the last-applied state: what the definitions said at the base is what an apply has brought about.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from syncer.model import ABSENT, leaves
from syncer.plan.base_definitions import BaseDefinitions
from syncer.plan.diff import compare, same
from syncer.plan.planner import Cause, Provenance, wanted
from syncer.plan.unset_secrets import with_live_secrets
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.model import Binding, DesiredModel, DesiredState, Fields, Json, Path
    from syncer.plan.diff import FieldChange
    from syncer.plan.planner import Plan


def provenance_of(plan: Plan, bindings: Iterable[Binding], base: DesiredState, commit: str) -> Provenance:
    """The cause of every difference of the plan, and what of this change is live already.

    `bindings` are all that the plan was made of; `base` is what git said at `commit`, its secrets looked up where
    they're set.
    """
    former = BaseDefinitions(base)
    changes = {change.address: change for change in plan.changes}
    causes: dict[str, tuple[Cause, ...]] = {}
    already_live: dict[str, tuple[str, ...]] = {}
    for binding in bindings:
        desired, live = binding.desired, binding.live
        model = former.of(desired)
        if desired.address not in changes and (model is None or _says_the_same(model, desired)):
            continue
        if model is not None:
            # The same stands on both sides for a secret that isn't set.
            model, _ = with_live_secrets(model, live)
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


def _says_the_same(one: DesiredModel, other: DesiredModel) -> bool:
    """Whether two definitions certainly want the same: what wasn't read twice isn't compared value by value."""
    fields = one.fields
    return (
        fields.keys() == other.fields.keys()
        and one.lifecycle == other.lifecycle
        and all(_is_one(value, other.fields[name]) for name, value in fields.items())
    )


def _is_one(value: Json, other: Json) -> bool:
    # 1 and true are equal to Python, and two things to the server.
    return value is other or (type(value) is str and type(other) is str and value == other)


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
    if any(isinstance(leaf, Secret) and leaf.is_unset for _, leaf in leaves(before)):
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
