"""The state of every model as a table, for people. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from syncer.plan.model_states import State
from syncer.render.terminal.problems import warning_boxes
from syncer.render.text import aligned, cells, counted, runner_safe, visible
from syncer.render.totals import elsewhere

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.plan.model_states import Listing, Row
    from syncer.render.style import Style

USUAL: Final = ("state", "address", "id", "name", "type", "connector", "syncs")
_LEFT_OUT: Final = ("type", "connector", "syncs", "name", "id")
"""Which columns go first where the terminal is too narrow for all."""

_WIDEST: Final = 40
"""How many cells of a name the table shows."""

_STATE_ROOM: Final = 11
"""The cells of the first column, and the gap behind it."""

_MANY: Final = 20
"""From so many models on they stand by folder."""

_FEWEST: Final = 2
"""From so many models on a folder has a line of its own."""

_PAINT: Final = {
    State.IN_STEP: "good",
    State.CHANGED: "~",
    State.DRIFTED: "warning",
    State.CONFLICT: "error",
    State.NEW: "+",
    State.UNMANAGED: "faint",
    State.UNKNOWN: "error",
}


def render_listing(listing: Listing, style: Style, columns: Sequence[str] = ()) -> str:
    """A table with a line a model, by folder, the totals, and the warnings.

    Without `columns` those that the terminal has room for are shown: addresses are told apart by their ends, so where
    not even they have room they are cut at the front.
    """
    names = columns or USUAL
    cells_of = [_cells(row, style) for row in listing.rows]
    lines = _lines(listing, cells_of, names, style)
    for left_out in () if columns else _LEFT_OUT:
        if max((cells(line) for line, _ in lines), default=0) <= style.width:
            break
        names = [name for name in names if name != left_out]
        lines = _lines(listing, cells_of, names, style)
    table = "\n".join(_painted(line, row, names, style) for line, row in lines)
    hidden = "" if columns or len(names) == len(USUAL) else f" Not shown: {', '.join(_left_out(USUAL, names))}."
    warnings = warning_boxes((problem for problem in listing.problems if not problem.is_error), style)
    sections = [table] if listing.rows else []
    return runner_safe("\n\n".join([*sections, _totals(listing) + hidden, *warnings]))


def _left_out(every: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Those that are not shown."""
    return [name for name in every if name not in shown]


def _lines(
    listing: Listing, cells_of: Sequence[Mapping[str, str]], names: Sequence[str], style: Style
) -> list[tuple[str, Row | None]]:
    """The head and the rows, laid out; below a line with its folder where a folder has several."""
    folders = [row.address.rpartition("/")[0] for row in listing.rows]
    many = {folder for folder, count in Counter(folders).items() if folder and count >= _FEWEST}
    is_grouped = "address" in names and len(listing.rows) >= _MANY and bool(many)
    rows = []
    for row, shown, folder in zip(listing.rows, cells_of, folders, strict=True):
        inner = f"  {visible(row.address.rpartition('/')[2])}" if is_grouped and folder in many else shown["address"]
        rows.append(tuple(_cut(inner, style) if name == "address" else shown[name] for name in names))
    head, *texts = aligned([tuple(name.upper() for name in names), *rows])
    lines: list[tuple[str, Row | None]] = [(head, None)]
    before = ""
    for row, text, folder in zip(listing.rows, texts, folders, strict=True):
        if is_grouped and folder in many and folder != before:
            lines.append((f"{visible(folder)}/", None))
        before = folder
        lines.append((text, row))
    return lines


def _cut(address: str, style: Style) -> str:
    """The end of an address that is too long for a row."""
    room = max(style.width - _STATE_ROOM, _WIDEST // 2)
    if cells(address) <= room:
        return address
    while cells(address) >= room:
        address = address[1:]
    return style.ellipsis + address


def _painted(line: str, row: Row | None, names: Sequence[str], style: Style) -> str:
    if row is None:
        return style.paint("bold", line)
    word = row.state.value
    return style.paint(_PAINT[row.state], word) + line.removeprefix(word) if names[0] == "state" else line


def _cells(row: Row, style: Style) -> dict[str, str]:
    connector = row.connector or ("-" if row.connector_id is None else f"id {row.connector_id}")
    return {
        "state": row.state.value,
        "address": visible(row.address) or "-",
        "id": "-" if row.id is None else str(row.id),
        "name": _short(row.name, style) or "-",
        "type": _short(row.query_type, style) or "-",
        "connector": _short(connector, style),
        "syncs": "?" if row.syncs is None else str(row.syncs),
        "file": visible(row.file) or "-",
    }


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
