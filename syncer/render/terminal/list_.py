"""How every model stands, as a table. Values in, text out; the JSON lines are `machine`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.plan.model_states import State
from syncer.render.terminal.problems import warning_boxes
from syncer.render.text import cells, counted, defused, visible

if TYPE_CHECKING:
    from syncer.plan.model_states import Listing, Row
    from syncer.render.style import Style

_HEADS: Final = ("STATE", "ADDRESS", "ID", "NAME", "TYPE", "CONNECTOR", "SYNCS")
_WIDEST: Final = 40
"""How much of a name a table shows."""

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
    """A line a model below a head, the totals, and what there is to know."""
    rows = [_HEADS, *(_cells(row, style) for row in listing.rows)]
    widths = [max(cells(row[column]) for row in rows) for column in range(len(_HEADS))]
    laid_out = ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines = [style.paint("bold", laid_out[0].rstrip(" "))]
    for row, text in zip(listing.rows, laid_out[1:], strict=True):
        word = row.state.value
        lines.append(style.paint(_PAINT[row.state], word) + text.removeprefix(word).rstrip(" "))
    sections = ["\n".join(lines)] if listing.rows else []
    warnings = warning_boxes((problem for problem in listing.problems if not problem.is_error), style)
    return defused("\n\n".join([*sections, _totals(listing), *warnings]))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


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
    """The beginning of a foreign word, on one line; what is cut is cut after escaping, so no escape is half."""
    shown = visible(text[: 2 * _WIDEST])
    if cells(shown) <= _WIDEST and len(text) <= 2 * _WIDEST:
        return shown
    while cells(shown) >= _WIDEST:
        shown = shown[:-1]
    return shown + style.ellipsis


def _totals(listing: Listing) -> str:
    if not listing.rows:
        return "No models."
    counts = ", ".join(f"{count} {state.value}" for state, count in listing.counts.items())
    return f"{counted(len(listing.rows), 'model')}: {counts}."
