"""`syncer apply`: plan or take a saved plan, show, ask, write, report."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from syncer import workflow
from syncer.cli.shared import planning, running
from syncer.cli.shared.id_writer import write_ids
from syncer.cli.shared.progress import Interrupt, progress
from syncer.cli.shared.run_record import Keeper
from syncer.cli.shared.screen import now
from syncer.errors import RefusedError, SettingsError
from syncer.plan import saved_plan
from syncer.render import json_lines, terminal

if TYPE_CHECKING:
    import argparse

    from syncer.applying.outcome import Report
    from syncer.cli.shared.running import Run
    from syncer.cli.shared.screen import Screen
    from syncer.live.api import Api
    from syncer.plan.planner import Planned


def apply(flags: argparse.Namespace, screen: Screen) -> int:
    """Carry out a plan: one that is made and shown now, or a saved one."""
    if flags.file:
        report = resumed(flags, screen, flags.expect_digest)
    elif flags.dry_run:
        return _dry(flags, screen)
    else:
        report = _planned_now(flags, screen)
    return 0 if report.is_ok else 1


def _dry(flags: argparse.Namespace, screen: Screen) -> int:
    run = running.settle(flags)
    return 1 if planning.online(flags, screen, run, planning.base(flags, run)).code == 1 else 0


def _planned_now(flags: argparse.Namespace, screen: Screen) -> Report:
    # Naming the reviewed plan's digest approves exactly that plan.
    approved = flags.auto_approve or bool(flags.expect_digest)
    if not approved:
        refuse_without_terminal(screen)
    run = running.settle(flags)
    base = planning.base(flags, run)
    files = running.read(run)
    with running.connected(run, screen) as api:
        planned = planning.planned_with(api, flags, screen, run, files, base, is_applied=True)
        if flags.expect_digest:
            workflow.expect(planned, flags.expect_digest)
        workflow.refuse(planned, run.limits)
        if not planned.plan.is_empty:
            # What was planned for is kept with the run.
            planned = replace(planned, commit=running.head(run))
            if not approved:
                ask(screen, planned)
        del files, base
        planned = _without_files(planned)
        return carried_out(flags, screen, run, api, planned, "apply")


def planned_again(
    flags: argparse.Namespace, screen: Screen, run: Run, base: workflow.Base | None, kept: Planned
) -> Report:
    """Plan anew and apply that, if it's what a saved plan would do, for which nobody vouches. Raises RefusedError."""
    saved_plan.check_applicable(kept, run.target, running.head(run))
    files = running.read(run)
    with running.connected(run, screen) as api:
        planned = replace(
            planning.planned_with(api, flags, screen, run, files, base, is_applied=True), commit=kept.commit
        )
        if planned.plan.digest != kept.plan.digest:
            digests = f"its digest is {planned.plan.digest}, not {kept.plan.digest}"
            message = f"planned again, this is not what the saved plan would do: {digests}; nothing was written"
            hint = "live models moved since, or the file is not what the plan job made: run that job again, and read it"
            raise RefusedError(message, hint)
        _refuse_unbased(flags, planned)
        workflow.refuse(planned, run.limits)
        del files
        planned = _without_files(planned)
        return carried_out(flags, screen, run, api, planned, "ci apply")


def _without_files(planned: Planned) -> Planned:
    """The plan alone, which is all that an apply needs: what was read and compared for it goes."""
    bare = workflow.without_files(planned)
    # What deepdiff made refers to itself: it would stay for as long as a run makes little else.
    gc.collect()
    return bare


def resumed(flags: argparse.Namespace, screen: Screen, digest: str) -> Report:
    """Apply a saved plan, if it has this digest (empty: any): passing the file is the approval.

    Raises RefusedError, PlanFileError.
    """
    planning.refuse_with_file(flags)
    kept = planning.saved(flags.file)
    if digest:
        workflow.expect(kept, digest)
    _refuse_unbased(flags, kept)
    run = running.settle(flags, kept.plan.target.environment)
    screen.name_environment(run.environment.name)
    commit = running.head(run) if kept.commit else ""
    planning.announce(flags, run, screen)
    with running.connected(run, screen) as api:
        planned = workflow.resume(kept, api, run.target, commit, run.lookup, run.limits)
        planning.show(flags, screen, planned, is_applied=True)
        workflow.refuse(planned, run.limits)
        return carried_out(flags, screen, run, api, planned, "ci apply" if flags.command == "ci" else "apply")


def _refuse_unbased(flags: argparse.Namespace, planned: Planned) -> None:
    """Raise SettingsError for a guard that can't work."""
    if flags.on_drift == "fail" and planned.provenance is None:
        message = "--on-drift fail needs a plan that was made with --base: this one knows of no drift"
        raise SettingsError(message, "plan again with --base")


def carried_out(
    flags: argparse.Namespace, screen: Screen, run: Run, api: Api, planned: Planned, command: str
) -> Report:
    """Write what was shown and approved, and tell what became of it; what it replaces is kept as a run of `command`."""
    if screen.lost():
        message = f"the plan could not be shown (stdout: {screen.lost()}), so nothing was written"
        raise RefusedError(message, "apply again with an output that takes it all: a terminal, or a file")
    with Keeper(run, screen, planned, command) as keeper:
        if not screen.json and not planned.plan.is_empty:
            screen.show("")
        with Interrupt(screen) as stop, progress(screen, len(planned.plan.changes)) as tell:
            report = workflow.apply(
                planned,
                api,
                tell,
                run.limits,
                parallelism=flags.parallelism or run.environment.numbers.parallelism,
                fail_fast=flags.fail_fast,
                stop=stop,
            )
        keeper.end(report)
    if screen.lost():
        # The reader of the results has left, and what was applied must be told all the same.
        screen.note(terminal.render_report(report, screen.error_style, excluded=planned.plan.excluded))
    elif screen.json:
        screen.lines(json_lines.report_lines(report, now, screen.style.commands))
    else:
        screen.show(f"\n{terminal.render_report(report, screen.style, excluded=planned.plan.excluded)}")
    if getattr(flags, "write_ids", False):
        write_ids(run, screen, report)
    return report


def refuse_without_terminal(screen: Screen) -> None:
    """Raise RefusedError where nobody can be asked."""
    if screen.json or not sys.stdin.isatty():
        message = "there is no terminal to ask on, so nothing was read or written"
        raise RefusedError(message, "say --auto-approve if the plan needs no approval here")


def ask(screen: Screen, planned: Planned) -> None:
    """Ask whether the plan is to be carried out. Raises RefusedError for anything but `yes`."""
    question = terminal.render_prompt(planned.plan.target, len(planned.plan.changes))
    if not screen.is_approved(question, screen.out):
        raise RefusedError("Apply cancelled", "only `yes` approves; nothing was written")
