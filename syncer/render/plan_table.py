"""The table of a plan's models for reviewers, before it has a form: order, fields, causes, what is alike. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.model import ABSENT, RISKY
from syncer.plan.effect_sentences import HARMLESS, NOTHING_SENT, reaches_syncs
from syncer.plan.planner import Cause
from syncer.render.diff.hunks import Line, change_lines
from syncer.render.diff.values import path_text
from syncer.render.effects import consequences, feeds_count
from syncer.render.provenance import cause_note
from syncer.render.text import counted, visible
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syncer.model import Json
    from syncer.plan.planner import Change, Effect, Planned


class Field(NamedTuple):
    """A field that differs, down to the first list; and `secret`, `risky`, `formatting only` or nothing beside it."""

    path: str
    mark: str


@dataclass(frozen=True)
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
    is_refused: bool = False
    """Whether a refusal of the plan is about its file."""

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """Every cause that a field of it has, each once."""
        found = {cause for some in self.why.values() for cause in some}
        return tuple(cause for cause in Cause if cause in found)

    @property
    def address(self) -> str:
        """The model's address: foreign text."""
        return self.change.address

    @cached_property
    def group(self) -> int:
        """The index in `GROUPS`: models are read in this order."""
        belongs = (
            self.is_refused,
            Cause.CONFLICT in self.causes,
            any(field.mark == "risky" for field in self.fields),
            Cause.DRIFT in self.causes,
            reaches_syncs(self.change, self.effect),
            True,
        )
        return belongs.index(True)

    @cached_property
    def likeness(self) -> object:
        """What is the same of models that are told together: a single change, and all that is to be said of it.

        Two values of one line each are alike whatever they are, and longer ones if they are the same. None for a model
        that is told alone.
        """
        if self.change.is_creation or len(self.change.fields) != 1:
            return None
        (field,) = self.change.fields
        is_short = _is_line(field.before) and _is_line(field.after)
        if not is_short and not (isinstance(field.before, str) and isinstance(field.after, str)):
            return None
        values = () if is_short else (field.before, field.after)
        said = consequences(self.change, self.effect, str, unsaid=HARMLESS)
        return self.group, self.fields, field.path, self.causes, tuple(self.notes.items()), values, said


GROUPS: Final = ("refused", "conflict", "risky", "drift", "feeding syncs", "other changes")
"""What the models of each group have in common."""

_FEWEST_ALIKE: Final = 3
"""So many models with the same change are told together. Two are as quickly read one by one."""

_LONG_TABLE: Final = 25
"""So many rows aren't seen at a glance."""

_NAMES_WIDTH: Final = 48
"""In characters."""

_OPEN_MODELS: Final = 3
_OPEN_LINES: Final = 40
_CHANGED: Final = frozenset("+-!")


def table_rows(planned: Planned) -> list[ModelRow]:
    """The models of the plan, in the order of `GROUPS`; by address in each."""
    refused = {problem.path for problem in planned.refusals} - {""}
    found = [_row(change, planned, refused) for change in planned.plan.changes]
    return sorted(found, key=lambda row: (row.group, row.address))


def alike(rows: Sequence[ModelRow]) -> list[tuple[ModelRow, ...]]:
    """The models, those with the same single change together: in the order of `GROUPS`, and last in their group."""
    together: dict[object, list[ModelRow]] = {}
    for row in rows:
        together.setdefault(row.likeness or row.address, []).append(row)
    found: list[tuple[ModelRow, ...]] = []
    for some in together.values():
        found += [tuple(some)] if len(some) >= _FEWEST_ALIKE else [(row,) for row in some]
    return sorted(found, key=lambda some: (some[0].group, len(some) > 1, some[0].address))


def group_counts(rows: Sequence[ModelRow]) -> str:
    """What a long table has, in its order: `1 drift · 28 feeding syncs · 271 other changes`. Empty for a short one."""
    counts = Counter(row.group for row in rows)
    if len(rows) < _LONG_TABLE or len(counts) == 1:
        return ""
    return " · ".join(f"{counts[group]} {GROUPS[group]}" for group in sorted(counts))


def names_text(rows: Sequence[ModelRow], name: Callable[[ModelRow], str]) -> str:
    """The names of models that are told together, in lines of such a width that a table's other columns have room.

    `name` makes a model's name fit for the output.
    """
    if len(rows) == 1:
        return name(rows[0])
    lines: list[list[str]] = [[]]
    width = 0
    for row in rows:
        width += len(row.address) + len(", ")
        if lines[-1] and width > _NAMES_WIDTH:
            lines.append([])
            width = len(row.address)
        lines[-1].append(name(row))
    return f"{counted(len(rows), 'model')}:<br>{',<br>'.join(', '.join(line) for line in lines)}"


def titled(rows: Sequence[ModelRow]) -> Iterator[tuple[str, tuple[ModelRow, ...]]]:
    """The same, with the title of each group of `GROUPS` beside its first; without titles if there is one group."""
    has_titles, last = len({row.group for row in rows}) > 1, -1
    for some in alike(rows):
        group = some[0].group
        yield GROUPS[group].capitalize() if has_titles and group != last else "", some
        last = group


def feeds_text(rows: Sequence[ModelRow]) -> str:
    """`3 syncs`: those that read any of the models; empty for none, and where nobody knows."""
    return feeds_count(*(row.effect for row in rows))


def shared_consequences(rows: Sequence[ModelRow], show: Callable[[str], str]) -> str:
    """What the same change does beyond each of the models that are told together, as one paragraph; may be empty."""
    said = consequences(rows[0].change, rows[0].effect, show, unsaid=HARMLESS)
    is_unnoticed = feeds_text(rows) and not any(reaches_syncs(row.change, row.effect) for row in rows)
    return " ".join(filter(None, [NOTHING_SENT if is_unnoticed else "", said]))


def opens_diffs(rows: Sequence[ModelRow]) -> bool:
    """Whether the plan is so small that its diffs are shown open."""
    if len(rows) <= _OPEN_MODELS:
        return True
    # Each model has a line that differs, so the lines of many needn't be computed.
    return len(rows) <= _OPEN_LINES and sum(map(_changed_lines, rows)) <= _OPEN_LINES


def _changed_lines(row: ModelRow) -> int:
    return sum(line.sign in _CHANGED for line in change_lines(row.change, {}))


def shown_lines(rows: Sequence[ModelRow], *, is_reversed: bool = False) -> list[Line]:
    """The lines of the diff of models that are told together: once if they are the same, else each with its model."""
    changes = [row.change.reversed if is_reversed else row.change for row in rows]
    first = change_lines(changes[0], rows[0].notes)
    if all(len(change.fields[0].path) == 1 and change.fields == changes[0].fields for change in changes[1:]):
        return first
    found = [first, *(change_lines(change, row.notes) for change, row in zip(changes[1:], rows[1:], strict=True))]
    if all(lines == first for lines in found):
        return first
    named = zip((row.address for row in rows), found, strict=True)
    return [_of_model(line, address) for address, lines in named for line in lines]


def _of_model(line: Line, address: str) -> Line:
    return Line("@", f"@@ {visible(address)}: {line.text.removeprefix('@@ ')}") if line.sign == "@" else line


def _is_line(value: Json) -> bool:
    """Whether a value is shown in one line."""
    if isinstance(value, str):
        return "\n" not in value
    return value is None or value is ABSENT or isinstance(value, int | float | Secret)


def _row(change: Change, planned: Planned, refused: set[str]) -> ModelRow:
    effect = planned.effects.get(change.address)
    causes = planned.provenance.of(change) if planned.provenance else {}
    notes = {field: note for field, some in causes.items() if (note := cause_note(some))}
    is_refused = change.desired.document.path in refused
    return ModelRow(change, _fields(change, effect), causes, notes, effect, is_refused)


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
