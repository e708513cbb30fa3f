"""The table of a plan's models for reviewers, before it has a form: order, fields, causes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.model import RISKY
from syncer.plan.planner import Cause
from syncer.render.diff.values import path_text
from syncer.render.provenance import cause_note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.plan.planner import Change, Effect, Planned


class Field(NamedTuple):
    """A field that differs, down to the first list; and `secret`, `risky`, `formatting only` or nothing beside it."""

    path: str
    mark: str


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the table."""

    change: Change
    fields: tuple[Field, ...]
    """Empty for a new model."""
    why: Mapping[str, tuple[Cause, ...]]
    """By field; empty without a base."""
    notes: Mapping[str, str]
    """What to say beside a field, for those of other causes than the reviewed change."""
    effect: Effect | None = None
    """None where nobody asked for the effects."""

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
"""What the models of each group have in common."""


def table_rows(planned: Planned) -> list[ModelRow]:
    """The models of the plan: conflicts and risky changes first, then drift, then the others; by address in each."""
    found = [_row(change, planned) for change in planned.plan.changes]
    return sorted(found, key=lambda row: (row.group, row.address))


def _row(change: Change, planned: Planned) -> ModelRow:
    effect = planned.effects.get(change.address)
    causes = planned.provenance.of(change) if planned.provenance else {}
    notes = {field: note for field, some in causes.items() if (note := cause_note(some))}
    return ModelRow(change, _fields(change, effect), causes, notes, effect)


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


def causes_text(row: ModelRow, code: Callable[[str], str]) -> str:
    """The model's cause, or that of each field where they differ. `code` makes a field's name fit for the output."""
    if len(row.causes) == 1:
        return row.causes[0].value
    return ", ".join(f"{code(field)}: {' and '.join(one.value for one in some)}" for field, some in row.why.items())
