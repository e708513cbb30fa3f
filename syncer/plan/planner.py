"""What a change is and what a plan is: bound states in, one Plan out. Pure; what was fetched is handed in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from syncer import normalization
from syncer.live import payloads
from syncer.model import ABSENT, REQUIRED, Fields, LiveModel, leaves
from syncer.plan.diff import FieldChange, compare
from syncer.secrets import Secret, is_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.model import Bound, Columns, DesiredModel, Json, Problem, Sync, Target


LOOSENED: Final = "loosened"
"""The rule of what a change takes from a guard, or lets pass from now on."""


class Action(Enum):
    """What will happen to one model; the value is its symbol in a plan. Deleting is not built, on purpose."""

    CREATE = "+"
    """No live model answers to what git says, and the environment lets syncer make one."""
    UPDATE = "~"
    """The live model differs from what git says."""


_NOTHING = LiveModel(0, {})
"""What is live before a model is created."""


@dataclass(frozen=True, slots=True)
class Change:
    """What will happen to one model. `before` is live, `after` is what git wants of the fields it manages.

    `after` always has the three fields that every PUT requires; `fields` are the differences, never empty. Of a model
    to be created nothing is live: its id is 0, and every field comes from nowhere (`ABSENT`). `restored` is what a way
    back puts back, in the form in which the API once sent it (as `LiveModel.raw`).
    """

    desired: DesiredModel
    live: LiveModel
    after: Fields
    fields: tuple[FieldChange, ...]
    action: Action = Action.UPDATE
    restored: Fields = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The file's address in git."""
        return self.desired.address

    @property
    def id(self) -> int:
        """The live model's id."""
        return self.live.id

    @property
    def before(self) -> Fields:
        """What is live now, of the fields that matter to this change: what git manages, but for what it ignores.

        An ignored field is compared only where it goes with the PUT.
        """
        return {field: self.live.fields[field] for field in self.after if field not in self.ignored}

    @property
    def ignored(self) -> frozenset[str]:
        """The top-level fields that git ignores, and that don't go with the PUT: whatever is live there is fine."""
        return frozenset(self.desired.lifecycle.ignore_changes) - {*REQUIRED, *self.changed}

    @property
    def is_creation(self) -> bool:
        """Whether a model is made."""
        return self.action is Action.CREATE

    @property
    def body(self) -> dict[str, Any]:
        """The request's body, secrets revealed. Raises ValueError if this change can't be sent."""
        if self.is_creation:
            return payloads.creation(self.after)
        return payloads.body(self.after, self.changed, {**self.live.raw, **self.restored})

    @property
    def reversed(self) -> Change:
        """The change seen from git: what somebody did to the live model. For showing only, never for applying."""
        git = {field: _masked(value, self.live.fields.get(field)) for field, value in self.after.items()}
        live = {field: self.live.fields[field] for field in self.after if field in self.live.fields}
        fields = tuple(FieldChange(field.path, field.after, field.before) for field in self.fields)
        return replace(self, live=replace(self.live, fields={**self.live.fields, **git}), after=live, fields=fields)

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the top-level fields that differ, sorted."""
        return tuple(sorted({str(change.path[0]) for change in self.fields}))


def _masked(value: Json, live: Json) -> Json:
    """Git's value, hidden wherever the live one is: what the server masks can't be said to differ."""
    if isinstance(live, Secret) and live.is_mask:
        return live
    if isinstance(value, dict) and isinstance(live, dict):
        return {key: _masked(inner, live.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(live, list) and len(value) == len(live):
        return [_masked(inner, other) for inner, other in zip(value, live, strict=True)]
    return value


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an apply would do: a value, to be shown, checked and carried out.

    `changes` are sorted by address, `unmanaged` by id. `unchanged` counts the bound models without a difference.
    `excluded` counts the definitions that `--target` left out, `elsewhere` those of other environments only.
    `not_compared` has, by address, the variables of secrets that weren't set: whether those differ, nobody knows.
    """

    target: Target
    changes: tuple[Change, ...]
    unchanged: int = 0
    unmanaged: tuple[LiveModel, ...] = ()
    excluded: int = 0
    not_compared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether live state is what git says, as far as it was compared."""
        return not self.changes

    @property
    def withheld(self) -> tuple[Change, ...]:
        """The changes that no apply carries out: their configuration would be sent without one of its secrets."""
        return tuple(
            change
            for change in self.changes
            if change.address in self.not_compared and (change.is_creation or "configuration" in change.changed)
        )

    @property
    def unset_variables(self) -> frozenset[str]:
        """The variables that weren't set."""
        return frozenset(variable for variables in self.not_compared.values() for variable in variables)

    @property
    def created(self) -> tuple[Change, ...]:
        """The models to be made."""
        return tuple(change for change in self.changes if change.is_creation)

    @property
    def updated(self) -> tuple[Change, ...]:
        """The live models to be changed."""
        return tuple(change for change in self.changes if not change.is_creation)

    @property
    def bound(self) -> int:
        """How many models were compared."""
        return len(self.updated) + self.unchanged

    @property
    def digest(self) -> str:
        """A hash over target, addresses, ids, permissions and every difference including *before*.

        So a live edit changes it. Secrets go in by reference and as "differs", so the digest can be published.
        """
        where = [self.target.environment, self.target.url, self.target.workspace_id]
        # One list of where and all changes, put in piece by piece: its whole text would take as much as the plan.
        summed = hashlib.sha256(f"[{_digested(where)}, [".encode())
        for number, change in enumerate(self.changes):
            one = [
                change.address,
                change.id,
                [change.desired.lifecycle.protect, sorted(change.desired.lifecycle.allow)],
                [[list(field.path), _digestible(field.before), _digestible(field.after)] for field in change.fields],
                # So that no other file than this one lets it be sent.
                *([list(unset)] if (unset := self.not_compared.get(change.address)) else []),
            ]
            summed.update(f"{', ' if number else ''}{_digested(one)}".encode())
        summed.update(b"]]")
        return summed.hexdigest()


class Cause(Enum):
    """Why live differs from git in one field, judged by what git said before (the base)."""

    CHANGE = "this change"
    """The base agrees with live, or said nothing: the difference comes with this change."""
    DRIFT = "drift"
    """The base agrees with git: live was edited outside of it, and applying undoes that."""
    CONFLICT = "conflict"
    """Base, git and live all differ: applying overwrites what somebody else did."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a plan's differences come from, as the definitions at `commit` tell.

    `causes` has, by address, a cause for each of the change's `fields`, in their order. `already_live` has, by
    address, the fields that this change brings and live has already. `max_change` is what the settings said at
    `commit`: which share of the models may change, in percent, and from how many changes on; None where nobody looked.
    """

    commit: str
    causes: Mapping[str, tuple[Cause, ...]]
    already_live: Mapping[str, tuple[str, ...]]
    max_change: tuple[int, int] | None = None

    def of(self, change: Change) -> dict[str, tuple[Cause, ...]]:
        """The causes of each top-level field that differs, each once, in the order of `Cause`."""
        found: dict[str, set[Cause]] = {}
        for one, cause in zip(change.fields, self.causes[change.address], strict=True):
            found.setdefault(str(one.path[0]), set()).add(cause)
        return {name: tuple(cause for cause in Cause if cause in causes) for name, causes in found.items()}

    def with_cause(self, changes: tuple[Change, ...], *causes: Cause) -> tuple[Change, ...]:
        """The changes of which a field has one of these causes."""
        return tuple(change for change in changes if set(causes) & set(self.causes[change.address]))


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does beyond the model: the syncs that read it, by id, and the columns of its query.

    `syncs` is None where they could not be read, `columns` where the query stays, or its text doesn't tell.
    """

    syncs: tuple[Sync, ...] | None = ()
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A definition that the base has and git has no more: nobody manages its live model, which stays as it is.

    `id` is 0 where no live model is known to be meant. `syncs` are those that read it, None where nobody knows.
    """

    address: str
    path: str
    id: int
    name: str
    syncs: tuple[Sync, ...] | None = ()
    query_type: str = ""


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The environment whose live models stand in the place of git's definitions, where two environments are compared.

    `alone_here` are the definitions, by address, that have a live model here and none there, `alone_there` the others
    way round, `nowhere` those with none in either. `unmanaged` are the live models here that no file declares.
    """

    target: Target
    alone_here: tuple[str, ...] = ()
    alone_there: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    unmanaged: tuple[LiveModel, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, what to know before it's applied, what refuses it, and what kept parts of git out of it.

    With a problem the plan is not the whole of what git says: it may be shown, never applied. With a refusal it's
    whole, and an apply under the same limits refuses it. `commit` is the one whose definitions were planned, empty
    outside git. An offline plan compares with the base's files, not with live state. `is_drift` marks what was changed
    outside git since `commit`: it's for showing only. So is one with a `counterpart`: `before` is live in the plan's
    target, `after` in the counterpart's.
    """

    plan: Plan
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    provenance: Provenance | None = None
    commit: str = ""
    is_offline: bool = False
    effects: Mapping[str, Effect] = field(default_factory=dict)
    """By address; without an entry nobody asked."""
    refusals: tuple[Problem, ...] = ()
    """The verdict: every guard that an apply refuses this plan for, each with what lifts it (`policy.judged`)."""
    removed: tuple[Removed, ...] = ()
    """By address; empty without a base."""
    is_drift: bool = False
    counterpart: Counterpart | None = None

    @property
    def code(self) -> int:
        """The exit code that tells most: 0 nothing differs, 1 it can't be applied, 2 something differs."""
        return 1 if self.problems or self.refusals else 0 if self.plan.is_empty else 2

    @property
    def made_of(self) -> str:
        """The commit in short, as people name it; empty outside git."""
        return self.commit[:12] + " with uncommitted edits" * self.commit.endswith("-dirty")


def _digested(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _digestible(value: object) -> object:
    """The value as JSON in which no value looks like another: what isn't itself is tagged, and so is every mapping."""
    if isinstance(value, Secret):
        return ["secret", value.reference]
    if value is ABSENT:
        return ["absent"]
    if isinstance(value, dict):
        return ["map", {str(key): _digestible(inner) for key, inner in value.items()}]
    return ["list", *map(_digestible, value)] if isinstance(value, list) else value


def make_plan(
    bound: Bound,
    target: Target,
    *,
    excluded: int = 0,
    not_compared: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    elsewhere: int = 0,
) -> Plan:
    """The plan that makes live what git says. Determined by its arguments' values alone."""
    changes = []
    for binding in bound.bindings:
        after = wanted(binding.desired, binding.live)
        fields = compare(binding.live.fields, after)
        if fields:
            changes.append(Change(binding.desired, binding.live, after, fields))
    unchanged = len(bound.bindings) - len(changes)
    for model in bound.new:
        after = normalization.normal_form(model.fields)
        changes.append(Change(model, _NOTHING, after, compare({}, after), Action.CREATE))
    changes.sort(key=lambda change: change.address)
    return Plan(target, tuple(changes), unchanged, bound.unmanaged, excluded, not_compared, elsewhere)


def wanted(desired: DesiredModel, live: LiveModel) -> Fields:
    """What git wants of the fields it manages, in normal form; live's own values where it ignores changes."""
    after = dict(normalization.normal_form(desired.fields))
    for name in REQUIRED:
        after.setdefault(name, live.fields[name])
    for dotted in desired.lifecycle.ignore_changes:
        top, *rest = dotted.split(".")
        if top in after:
            after[top] = _with_live(after[top], live.fields.get(top), rest)
    return after


def _with_live(value: Json, live: Json, path: list[str]) -> Json:
    """`value` with the part at `path` as it is live, there or absent.

    Where live is masked git's own stays; without one the mask itself goes in, which no PUT can carry: so the change is
    a problem, and the hidden value isn't lost.
    """
    if not path:
        return _unmasked(value, live)
    key, *rest = path
    if not isinstance(value, dict) or not isinstance(live, dict):
        return value
    if key not in live:
        return value if rest else {name: inner for name, inner in value.items() if name != key}
    if key in value:
        return {**value, key: _with_live(value[key], live[key], rest)}
    part = _part(live[key], rest)
    return value if part is ABSENT else {**value, key: part}


def _part(live: Json, path: list[str]) -> Json:
    """What is live at `path`, inside the mappings that lead there; ABSENT if nothing is."""
    if not path:
        return live
    key, *rest = path
    inner = _part(live[key], rest) if isinstance(live, dict) and key in live else ABSENT
    return ABSENT if inner is ABSENT else {key: inner}


def _unmasked(value: Json, live: Json) -> Json:
    """`live`, with git's own value, if it has one, where the server hides one."""
    if is_mask(live):
        return live if value is ABSENT else value
    if isinstance(live, dict):
        own = value if isinstance(value, dict) else {}
        return {key: _unmasked(own.get(key, ABSENT), inner) for key, inner in live.items()}
    has_mask = any(is_mask(inner) for _, inner in leaves(live))
    return value if has_mask and value is not ABSENT else live
