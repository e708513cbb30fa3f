"""`--write-ids`: the id of each model that an apply made, written into the file that declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer import safe_files
from syncer.applying.outcome import Status
from syncer.desired import loader
from syncer.errors import SyncerError
from syncer.render.text import visible

if TYPE_CHECKING:
    from syncer.applying.outcome import Outcome, Report
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Path


def write_ids(run: Run, screen: Screen, report: Report) -> None:
    """Pin every model that was made, and tell of it."""
    for outcome in report.outcomes:
        if outcome.change.is_creation and outcome.id and outcome.status is Status.DONE:
            _pin(run, screen, outcome)


def _pin(run: Run, screen: Screen, outcome: Outcome) -> None:
    path = outcome.change.desired.document.path
    try:
        _write(run, outcome)
    except SyncerError as error:
        # The model is made, and bound by its name: that its id isn't written is no failure of the apply.
        screen.note(visible(f"Warning: id {outcome.id} could not be written into {path}: {error.what}."))
    else:
        if not screen.json:
            screen.show(visible(f"Wrote id {outcome.id} into {path}"))


def _write(run: Run, outcome: Outcome) -> None:
    from syncer.desired.loader.events import events
    from syncer.render import modelfile

    path, root = outcome.change.desired.document.path, run.settings.root
    raw = loader.raw(root, path)
    if isinstance(raw, str):
        raise SyncerError(raw)
    found = loader.load_files(root, run.settings.models, [root / path], common=run.settings.common)
    values = found.documents[0].effective(run.environment.name)[0] if found.documents and not found.problems else {}
    if "id" in values or values.get("name") != outcome.change.after["name"]:
        # A saved plan says which file it was: what stands there now may mean another model.
        raise SyncerError("it isn't the definition that was created")
    revised = modelfile.revise(raw.decode(), [modelfile.Edit(place(run), outcome.id)], events)
    if revised.unplaced:
        raise SyncerError(revised.unplaced[0].reason)
    safe_files.replace(run.settings.root, path, revised.text.encode(), expected=raw)


def place(run: Run) -> Path:
    """Where a file gives the id: an id belongs to one workspace, so where there are others below its own."""
    return ("id",) if run.is_alone else ("environments", run.environment.name, "id")
