"""The table of a plan's models as markdown, or their names alone. Pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from syncer.render.effects import feeds_count
from syncer.render.escaping import code_cell
from syncer.render.markdown.blocks import LONGEST_PATH, folded_table, joined, titled_names
from syncer.render.plan_table import GROUPS, causes_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.render.plan_table import ModelRow

_FIELDS: Final = 6
"""How many fields of one model are named; the others are counted."""


def model_table(rows: Sequence[ModelRow], *, has_causes: bool) -> str:
    """A row a model: action, address, fields, and the causes and syncs where they are known."""
    has_feeds = any(feeds_count(row.effect) for row in rows)
    heads = ["", "model", "fields", *(["why"] if has_causes else []), *(["feeds"] if has_feeds else [])]
    lines = [f"|{'|'.join(f' {head} ' if head else ' ' for head in heads)}|", f"|{'---|' * len(heads)}"]
    for row in rows:
        cells = [row.change.action.value, code_cell(row.address), _fields(row)]
        cells += [causes_text(row, partial(code_cell, most=LONGEST_PATH))] if has_causes else []
        cells += [feeds_count(row.effect)] if has_feeds else []
        lines.append(f"| {' | '.join(cells)} |")
    return folded_table(lines, len(rows))


def _fields(row: ModelRow) -> str:
    if row.change.is_creation:
        return "new"
    named = [f"{code_cell(path, LONGEST_PATH)}{f' ({mark})' if mark else ''}" for path, mark in row.fields[:_FIELDS]]
    rest = len(row.fields) - len(named)
    return ", ".join([*named, *([f"{rest} more"] if rest else [])])


def model_names(rows: Sequence[ModelRow]) -> str:
    """Every model's name, a paragraph for each group that there is."""
    return joined(
        *(
            titled_names(title.capitalize(), [row.address for row in rows if row.group == group])
            for group, title in enumerate(GROUPS)
        )
    )
