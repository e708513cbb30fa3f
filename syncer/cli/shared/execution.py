"""Carry out an approved plan: show it, write it, record the run for a rollback, and report."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from syncer import workflow
from syncer.cli.shared import connection, planning
from syncer.cli.shared.id_writer import write_ids
from syncer.cli.shared.interrupt import Interrupt
from syncer.cli.shared.progress import progress
from syncer.cli.shared.run import head
from syncer.cli.shared.run_record import RunRecorder
from syncer.cli.shared.screen import now
from syncer.errors import RefusedError, SettingsError
from syncer.render import json_lines, terminal

if TYPE_CHECKING:
    from syncer.applying.outcome import Report
    from syncer.cli.shared.groups import Pace, View
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.live.api import Api
    from syncer.plan.planner import Planned


def apply_saved(
    saved: Planned, run: Run, screen: Screen, command: str, view: View, pace: Pace, *, writes_ids: bool = False
) -> Report:
    """Apply a saved plan, which somebody vouches for: passing the file is the approval. Raises RefusedError."""
    if run.limits.requires_secrets and saved.plan.not_compared:
        message = (
            f"the saved plan was made without {', '.join(sorted(saved.plan.unset_variables))}; nothing was written"
        )
        raise RefusedError(message, "set every secret where the plan is made, and plan again")
    screen.name_environment(run.environment.name)
    commit = head(run) if saved.commit else ""
    planning.announce(command, run, screen)
    with connection.connected(run, screen) as api:
        planned = workflow.resume(saved, api, run.target, commit, run.lookup, run.limits)
        planning.show(view, screen, planned, is_applied=True)
        workflow.refuse(planned, run.limits)
        return carry_out(planned, api, run, screen, command, pace, writes_ids=writes_ids)


def without_files(planned: Planned) -> Planned:
    """The plan alone, which is all that an apply needs: what was read and compared for it goes."""
    bare = workflow.without_files(planned)
    # What deepdiff made refers to itself: it would stay for as long as a run makes little else.
    gc.collect()
    return bare


def refuse_without_base(on_drift: str, planned: Planned) -> None:
    """Raise SettingsError for a guard that can't work."""
    if on_drift == "fail" and planned.provenance is None:
        message = "--on-drift fail needs a plan that was made with --base: a plan without one can't show drift"
        raise SettingsError(message, "plan again with --base")


def carry_out(
    planned: Planned, api: Api, run: Run, screen: Screen, command: str, pace: Pace, *, writes_ids: bool = False
) -> Report:
    """Write what was shown and approved, and tell what became of it; what it replaces is kept as a run of `command`."""
    if screen.lost():
        message = f"the plan could not be shown (stdout: {screen.lost()}), so nothing was written"
        raise RefusedError(message, "apply again with a terminal or a file as the output")
    with RunRecorder(run, screen, planned, command) as recorder:
        if not screen.json and not planned.plan.is_empty:
            screen.show("")
        with Interrupt(screen) as stop, progress(screen, sendable(planned)) as tell:
            report = workflow.apply(
                planned,
                api,
                tell,
                run.limits,
                parallelism=pace.parallelism or run.environment.numbers.parallelism,
                fail_fast=pace.fail_fast,
                stop=stop,
            )
        recorder.end(report)
    excluded = planned.plan.excluded
    if screen.takes_lines and not (screen.json and screen.lost()):
        screen.lines(json_lines.report_lines(report, now, screen.style.commands))
    if screen.lost():
        # The reader of the results has left, and what was applied must be told all the same.
        screen.note(terminal.render_report(report, screen.error_style, excluded=excluded))
    elif not screen.json:
        screen.show(f"\n{terminal.render_report(report, screen.style, excluded=excluded)}")
    if writes_ids:
        write_ids(run, screen, report)
    return report


def sendable(planned: Planned) -> int:
    """How many changes an apply carries out."""
    return len(planned.plan.changes) - len(planned.plan.withheld)


def refuse_without_terminal(screen: Screen) -> None:
    """Raise RefusedError where nobody can be asked."""
    if screen.json or not sys.stdin.isatty():
        message = "there is no terminal to ask on, so nothing was read or written"
        raise RefusedError(message, "use --auto-approve if the plan needs no approval here")


def ask(screen: Screen, planned: Planned) -> None:
    """Ask whether the plan is to be carried out. Raises RefusedError for anything but `yes`."""
    question = terminal.render_prompt(planned.plan.target, sendable(planned))
    if not screen.is_approved(question, screen.out):
        raise RefusedError("Apply cancelled", "only `yes` approves; nothing was written")
