"""The state of every model as a table, for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.plan.model_states import State
from syncer.render.terminal.problems import warning_boxes
from syncer.render.text import aligned, cells, counted, runner_safe, visible
from syncer.render.totals import elsewhere

if TYPE_CHECKING:
    from syncer.plan.model_states import Listing, Row
    from syncer.render.style import Style

_HEADS: Final = ("STATE", "ADDRESS", "ID", "NAME", "TYPE", "CONNECTOR", "SYNCS")
_WIDEST: Final = 40
"""How many cells of a name the table shows."""

_PAINT: Final = {
    State.IN_STEP: "good",
    State.CHANGED: "~",
    State.DRIFTED: "warning",
    State.CONFLICT: "error",
    State.NEW: "+",
    State.UNMANAGED: "faint",
    State.UNKNOWN: "error",
}


def render_listing(listing: Listing, style: Style) -> str:
    """A table with a line a model, the totals, and the warnings."""
    head, *rows = aligned([_HEADS, *(_cells(row, style) for row in listing.rows)])
    lines = [style.paint("bold", head)]
    for row, text in zip(listing.rows, rows, strict=True):
        word = row.state.value
        lines.append(style.paint(_PAINT[row.state], word) + text.removeprefix(word))
    sections = ["\n".join(lines)] if listing.rows else []
    warnings = warning_boxes((problem for problem in listing.problems if not problem.is_error), style)
    return runner_safe("\n\n".join([*sections, _totals(listing), *warnings]))


def _cells(row: Row, style: Style) -> tuple[str, ...]:
    connector = row.connector or ("-" if row.connector_id is None else f"id {row.connector_id}")
    return (
        row.state.value,
        visible(row.address) or "-",
        "-" if row.id is None else str(row.id),
        _short(row.name, style) or "-",
        _short(row.query_type, style) or "-",
        _short(connector, style),
        "?" if row.syncs is None else str(row.syncs),
    )


def _short(text: str, style: Style) -> str:
    """The beginning of a foreign text, on one line. It's cut after escaping, so that no escape is cut."""
    shown = visible(text[: 2 * _WIDEST])
    if cells(shown) <= _WIDEST and len(text) <= 2 * _WIDEST:
        return shown
    while cells(shown) >= _WIDEST:
        shown = shown[:-1]
    return shown + style.ellipsis


def _totals(listing: Listing) -> str:
    others = f" {elsewhere(listing.elsewhere)}." if listing.elsewhere else ""
    if not listing.rows:
        return f"No models.{others}"
    counts = ", ".join(f"{count} {state.value}" for state, count in listing.counts.items())
    return f"{counted(len(listing.rows), 'model')}: {counts}.{others}"
