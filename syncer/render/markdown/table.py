"""The table of a plan's models as markdown, or their names alone. Pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from syncer.render.escaping import code_cell
from syncer.render.markdown.blocks import LONGEST_PATH, joined, linked, titled_names
from syncer.render.plan_table import GROUPS, alike, causes_text, feeds_text, group_counts, names_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.render.links import Links
    from syncer.render.plan_table import ModelRow

_FIELDS: Final = 6
"""How many fields of one model are named; the others are counted."""


def model_table(rows: Sequence[ModelRow], links: Links, *, has_causes: bool) -> str:
    """A row for each model, or for models with the same change: action, address, fields, causes and syncs if known.

    Above a long table stands what is in it.
    """
    has_feeds = bool(feeds_text(rows))
    heads = ["", "model", "fields", *(["why"] if has_causes else []), *(["feeds"] if has_feeds else [])]
    lines = [f"|{'|'.join(f' {head} ' if head else ' ' for head in heads)}|", f"|{'---|' * len(heads)}"]
    for some in alike(rows):
        first = some[0]
        cells = [first.change.action.value, names_text(some, lambda row: _name(row, links)), _fields(first)]
        cells += [causes_text(first, partial(code_cell, most=LONGEST_PATH))] if has_causes else []
        cells += [feeds_text(some)] if has_feeds else []
        lines.append(f"| {' | '.join(cells)} |")
    return joined(group_counts(rows), "\n".join(lines))


def _name(row: ModelRow, links: Links) -> str:
    return linked(code_cell(row.address), links.file(row.change.desired.document.path))


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
