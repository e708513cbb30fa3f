"""Record what a run replaces, for `syncer rollback`. A failure to record is a warning, and stops nothing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Self

from syncer.applying import run_records
from syncer.applying.past_run import OPEN, Ending, PastRun, tally
from syncer.cli.shared.output_files import without_secrets
from syncer.cli.shared.screen import now
from syncer.cli.shared.state_folder import RUNS, state_folder
from syncer.errors import SyncerError
from syncer.plan import planfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from syncer.applying.outcome import Report
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.plan.planner import Planned
    from syncer.state_folder import StateFolder


@dataclass(slots=True)
class RunRecorder:
    """Keeps one run: before anything is written, so that a killed one is known, too, and when it ended.

    A `with` around the run begins it.
    """

    run: Run
    screen: Screen
    planned: Planned
    command: str
    _past: PastRun | None = field(default=None, init=False)
    _plan: IO[bytes] | None = field(default=None, init=False)
    """The plan's text, in a file without a name: of a large plan it would take more memory than all else."""

    def __enter__(self) -> Self:
        """Keep what the run is about to replace; nothing of an empty plan, or where the settings say so."""
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the plan's text."""
        if self._plan is not None:
            self._plan.close()

    def _begin(self) -> None:
        if self.planned.plan.is_empty or not self.run.settings.keep_runs:
            return
        began, plan = now(), self.planned.plan
        endings = {change.address: Ending(OPEN, is_new=change.is_creation) for change in plan.changes}
        try:
            folder = self._state.made(RUNS)
            self._plan = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it's closed where the run ends
            for text in without_secrets(planfile.pieces(self.planned), "the record of this run"):
                self._plan.write(text.encode())
            name = run_records.claim(folder, began, plan.digest)
            self._past = PastRun(name, self.command, _iso(began), "", plan.target, self.planned.commit, {})
            self._write(folder, endings)
        except (OSError, SyncerError) as error:
            self._past = None
            self._warn(error, "syncer can't save what this run replaces, so the run can't be rolled back")

    def end(self, report: Report) -> None:
        """Keep what became of it, and let go of the oldest runs."""
        settings = self.run.settings
        try:
            if self._past is not None:
                endings = {
                    one.change.address: Ending(one.status.value, one.id, one.updated_at, one.change.is_creation)
                    for one in report.outcomes
                }
                self._past = replace(self._past, ended=_iso(now()))
                self._write(self._state.made(RUNS), endings)
            if not self.planned.plan.is_empty and (folder := self._state.looked_at(RUNS)).is_dir():
                run_records.prune(folder, settings.keep_runs, self._past.name if self._past else "")
        except (OSError, SyncerError) as error:
            self._warn(error, "syncer can't save the results of this run")

    @property
    def _state(self) -> StateFolder:
        return state_folder(self.run.settings.root, self.screen)

    def _write(self, folder: Path, endings: Mapping[str, Ending]) -> None:
        assert self._past is not None  # noqa: S101 - both callers have just made one
        assert self._plan is not None  # noqa: S101 - it comes before
        self._past = replace(self._past, tally=tally(endings.values()))
        try:
            run_records.write(folder, self._past, endings, self._plan)
        except BaseException:
            if not self._past.ended:
                # The name was claimed by an empty file.
                run_records.path(folder, self._past.name).unlink(missing_ok=True)
            raise

    def _warn(self, error: OSError | SyncerError, what: str) -> None:
        why = error.what if isinstance(error, SyncerError) else f"{error.filename or RUNS}: {error.strerror}"
        self.screen.warn(what, why)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
