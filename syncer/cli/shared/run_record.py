"""What a run replaces is kept, for `syncer rollback`. Where that fails it's told, and stops nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from syncer.applying import run_records
from syncer.applying.past_run import OPEN, Ending, PastRun
from syncer.cli.shared.outputs import refuse_secrets
from syncer.cli.shared.running import state_folder
from syncer.cli.shared.screen import now
from syncer.errors import SyncerError
from syncer.plan import planfile

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from syncer.applying.outcome import Report
    from syncer.cli.shared.running import Run
    from syncer.cli.shared.screen import Screen
    from syncer.plan.planner import Planned
    from syncer.state_folder import StateFolder

FOLDER: Final = "runs"
"""Where the records stand, in the state folder."""


@dataclass(slots=True)
class Keeper:
    """Keeps one run: before anything is written, so that a killed one is known, too, and when it ended."""

    run: Run
    screen: Screen
    planned: Planned
    command: str
    _record: run_records.Record | None = field(default=None, init=False)

    def begin(self) -> None:
        """Keep what the run is about to replace; nothing of an empty plan, or where the settings say so."""
        if self.planned.plan.is_empty or not self.run.settings.keep_runs:
            return
        began, plan = now(), self.planned.plan
        endings = {change.address: Ending(OPEN, is_new=change.is_creation) for change in plan.changes}
        try:
            folder = self._state.made(FOLDER)
            text = planfile.dumps(self.planned)
            refuse_secrets(text, "the record of this run")
            name = run_records.claim(folder, began, plan.digest)
            past = PastRun(name, self.command, _iso(began), "", plan.target, self.planned.commit, endings)
            self._record = run_records.Record(past, text)
            self._write(folder)
        except (OSError, SyncerError) as error:
            self._record = None
            self._warn(error, "what this run replaces can't be kept, so it can't be rolled back")

    def end(self, report: Report) -> None:
        """Keep what became of it, and let go of the oldest runs."""
        settings = self.run.settings
        try:
            if self._record is not None:
                endings = {
                    one.change.address: Ending(one.status.value, one.id, one.updated_at, one.change.is_creation)
                    for one in report.outcomes
                }
                self._record = replace(self._record, run=replace(self._record.run, ended=_iso(now()), endings=endings))
                self._write(self._state.made(FOLDER))
            if not self.planned.plan.is_empty and (folder := self._state.looked_at(FOLDER)).is_dir():
                run_records.prune(folder, settings.keep_runs, self._record.run.name if self._record else "")
        except (OSError, SyncerError) as error:
            self._warn(error, "what became of this run can't be kept")

    @property
    def _state(self) -> StateFolder:
        return state_folder(self.run.settings.root, self.screen)

    def _write(self, folder: Path) -> None:
        assert self._record is not None  # noqa: S101 - both callers have just made one
        file = run_records.path(folder, self._record.run.name)
        try:
            planfile.write(file, run_records.dumps(self._record))
        except BaseException:
            if not self._record.run.ended:
                # The name was claimed by an empty file.
                file.unlink(missing_ok=True)
            raise

    def _warn(self, error: OSError | SyncerError, what: str) -> None:
        why = error.what if isinstance(error, SyncerError) else f"{error.filename or FOLDER}: {error.strerror}"
        self.screen.note(f"Warning: {what}: {why}.")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
