"""What a reviewer is told of a plan, before it has a form: which models, in which order, why, and what to beware of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.model import RISKY
from syncer.plan.planner import Cause
from syncer.render.diff.values import path_text
from syncer.render.problem_groups import by_cause
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncer.model import Problem
    from syncer.plan.planner import Change, Effect, Planned, Removed

FIELDS: Final = 6
"""How many fields of one model a table names."""

_NOTES: Final = {
    Cause.CHANGE: "this change",
    Cause.DRIFT: "drift: undoes an edit made in the UI",
    Cause.CONFLICT: "conflict: overwrites an edit made in the UI",
}


class Field(NamedTuple):
    """A field that differs, down to the first list; and what to say beside it (`secret`, `risky`), or nothing."""

    path: str
    mark: str


@dataclass(frozen=True, slots=True)
class Item:
    """One model of the table. `why` and `notes` (both by field) are empty where nobody knows the causes.

    `effect` is what it does downstream, where that was asked.
    """

    change: Change
    fields: tuple[Field, ...]
    why: Mapping[str, tuple[Cause, ...]]
    notes: Mapping[str, str]
    effect: Effect | None = None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Every cause that a field of it has, each once."""
        found = {cause for some in self.why.values() for cause in some}
        return tuple(cause for cause in Cause if cause in found)

    @property
    def address(self) -> str:
        """The model's address: foreign text."""
        return self.change.address

    @property
    def group(self) -> int:
        """The index in `GROUPS`: models are read in this order."""
        if Cause.CONFLICT in self.causes:
            return 0
        if any(field.mark == "risky" for field in self.fields):
            return 1
        return 2 if Cause.DRIFT in self.causes else 3


GROUPS: Final = ("conflict", "risky", "drift", "other changes")
"""In words, what the models of each group have in common."""


def items(planned: Planned) -> list[Item]:
    """The models of the plan: conflicts and risky changes first, then drift, then the others; by address in each."""
    found = [_item(change, planned) for change in planned.plan.changes]
    return sorted(found, key=lambda item: (item.group, item.address))


def _item(change: Change, planned: Planned) -> Item:
    effect = planned.effects.get(change.address)
    fields = _fields(change, effect)
    if planned.provenance is None:
        return Item(change, fields, {}, {}, effect)
    causes = planned.provenance.of(change)
    notes = {
        field: "; ".join(_NOTES[cause] for cause in some) for field, some in causes.items() if some != (Cause.CHANGE,)
    }
    return Item(change, fields, causes, notes, effect)


def _fields(change: Change, effect: Effect | None) -> tuple[Field, ...]:
    if change.is_creation:
        return ()
    is_formatting = effect is not None and effect.columns is not None and effect.columns.is_formatting
    found: dict[str, str] = {}
    for field in change.fields:
        path = path_text(tuple(takewhile(lambda key: isinstance(key, str), field.path)))
        mark = "secret" if field.is_sensitive else "risky" if field.path[0] in RISKY else ""
        mark = mark or "formatting only" * (is_formatting and path == "query")
        found[path] = found.get(path) or mark
    return tuple(Field(path, mark) for path, mark in found.items())


def why(item: Item, code: Callable[[str], str]) -> str:
    """The cause, or, where they aren't all the same, that of each field; `code` makes a field's name inert."""
    if len(item.causes) == 1:
        return item.causes[0].value
    return ", ".join(f"{code(field)}: {' and '.join(one.value for one in some)}" for field, some in item.why.items())


class Caution(NamedTuple):
    """Edits made outside of git that an apply would undo or overwrite: what, in which models and fields, and advice."""

    sentence: str
    models: Sequence[tuple[str, Sequence[str]]]
    advice: str = ""


_CAUTIONS: Final = {
    Cause.CONFLICT: (
        "would overwrite edits made in the UI to the same fields",
        (
            "Git says something new there, too, so `syncer import --drift` leaves it to a person. If live is right, "
            "write its value into the file by hand. If git is right, apply with `--on-drift overwrite`."
        ),
    ),
    Cause.DRIFT: (
        "would undo edits made in the UI",
        (
            "If such an edit is meant, `syncer import --drift` takes it into the file. It may also be a change that "
            "was merged and never applied."
        ),
    ),
}


def cautions(planned: Planned) -> list[Caution]:
    """One for conflicts and one for drift, as far as there is any, and an apply doesn't refuse it."""
    provenance = planned.provenance
    if provenance is None:
        return []
    changes, found = planned.plan.changes, []
    refused = {one.rule for one in planned.refusals}
    for cause, (verb, advice) in _CAUTIONS.items():
        if cause.value in refused:
            continue
        models = [
            (change.address, [field for field, causes in provenance.of(change).items() if cause in causes])
            for change in provenance.with_cause(changes, cause)
        ]
        if models:
            found.append(Caution(f"{len(models)} of {counted(len(changes), 'change')} {verb}", models, advice))
    return found


def already_live(planned: Planned) -> Caution | None:
    """What this change brings and live has already, if anything."""
    found = sorted(planned.provenance.already_live.items()) if planned.provenance else []
    if not found:
        return None
    return Caution(f"What this change brings is live already in {counted(len(found), 'model')}", found)


def removed_title(count: int) -> str:
    """What is said of definitions that are gone."""
    if count == 1:
        return "1 model is no longer managed: git removes the definition, and the live model stays as before"
    return f"{count} models are no longer managed: git removes the definitions, and the live models stay as before"


def gone(one: Removed, code: Callable[[str], str]) -> str:
    """A definition that is gone: what is live of it, and which syncs go on reading that."""
    if not one.id:
        return f"{code(one.address)}: no live model is known of it"
    live = f"{code(one.address)}: live model {one.id}, {code(one.name)}"
    if one.syncs is None:
        return f"{live}; what it feeds is not known"
    fed = [f"sync {sync.id} to {code(sync.destination)}" for sync in one.syncs]
    return f"{live}; feeds {', '.join(fed)}" if fed else f"{live}; feeds no sync"


class Warned(NamedTuple):
    """Warnings that say the same of several things: what they are about, and what it means."""

    problems: Sequence[Problem]
    hint: str


def warned(warnings: Iterable[Problem], most: int) -> tuple[list[Warned], int]:
    """The warnings, those of one cause together, `most` of them; and how many are left out."""
    shown, left = [], 0
    for group in by_cause(warnings):
        if some := group[:most]:
            shown.append(Warned(some, some[0].hint))
        left += len(group) - len(some)
        most -= len(some)
    return shown, left


def severities(problems: Iterable[Problem], more: str = "") -> list[str]:
    """How many errors and how many warnings there are: `3 errors`, `1 warning`, and nothing of none."""
    counts = Counter(problem.severity.value for problem in problems)
    return [counted(counts[severity], f"{more}{severity}") for severity in ("error", "warning") if counts[severity]]


def aside(planned: Planned) -> list[str]:
    """What the plan leaves alone, in words; nothing is said of nothing."""
    plan = planned.plan
    left = len(plan.unmanaged)
    return [
        *([f"{counted(plan.unchanged, 'model')} unchanged"] if plan.unchanged else []),
        *([f"{counted(left, 'live model')} not in git"] if left else []),
        *([f"{counted(plan.excluded, 'definition')} left out by --target"] if plan.excluded else []),
    ]
