"""`--write-ids`: the id of each model that an apply made, written into the file that declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer import loader, writing
from syncer.errors import SyncerError
from syncer.render.text import visible

if TYPE_CHECKING:
    from syncer.applier import Outcome, Report
    from syncer.cli.running import Run
    from syncer.cli.screen import Screen
    from syncer.model import Path


def write_ids(run: Run, screen: Screen, report: Report) -> None:
    """Pin every model that was made, and tell of it."""
    for outcome in report.outcomes:
        if outcome.change.is_creation and outcome.id:
            _pin(run, screen, outcome)


def _pin(run: Run, screen: Screen, outcome: Outcome) -> None:
    path = outcome.change.desired.document.path
    try:
        _write(run, path, outcome.id)
    except SyncerError as error:
        # The model is made, and bound by its name: that its id isn't written is no failure of the apply.
        screen.note(visible(f"Warning: id {outcome.id} could not be written into {path}: {error.what}."))
    else:
        if not screen.json:
            screen.show(visible(f"Wrote id {outcome.id} into {path}"))


def _write(run: Run, path: str, model_id: int) -> None:
    from syncer.render import modelfile  # noqa: PLC0415 - ruamel is slow to import, and this is rare

    raw = loader.raw(run.settings.root, path)
    if isinstance(raw, str):
        raise SyncerError(raw)
    revised = modelfile.revise(raw.decode(), [modelfile.Edit(place(run), model_id)])
    if revised.unplaced:
        raise SyncerError(revised.unplaced[0].reason)
    writing.replace(run.settings.root, path, revised.text.encode(), expected=raw)


def place(run: Run) -> Path:
    """Where a file gives the id: an id belongs to one workspace, so with several environments below its own."""
    return ("id",) if len(run.settings.environments) <= 1 else ("environments", run.environment.name, "id")
