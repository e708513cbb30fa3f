"""`syncer history` and `syncer rollback`: what applies replaced, and the way back to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, package_files
from syncer.applying import run_records
from syncer.cli import apply
from syncer.cli.shared import running
from syncer.cli.shared.run_record import FOLDER
from syncer.cli.shared.screen import now
from syncer.errors import InputError
from syncer.render import json_lines
from syncer.render.terminal import history as words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from syncer.applying.run_records import Record
    from syncer.cli.shared.running import Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Document
    from syncer.plan.planner import Planned

# ruff: noqa: PLC0415 - a list of runs needs nothing of what plans and applies

_MOST: Final = 5
"""How many histories of other folders are named."""


def history(_: argparse.Namespace, screen: Screen) -> int:
    """List the runs that are kept of this folder, the newest first, and name what may be its history from before."""
    settings = config.load(Path.cwd())
    kept = running.state_folder(settings.root, screen)
    folder = kept.looked_at(FOLDER)
    found = run_records.listed(folder, package_files.schema("run"))
    if screen.json:
        screen.lines(json_lines.run_lines(found, now))
    elif found:
        screen.show(words.render_history(found, screen.style))
    else:
        screen.show(words.render_no_runs(str(folder), settings.keep_runs))
    lost = [one for one in kept.lost() if (one.is_here or not found) and run_records.names(one.state / FOLDER)]
    if lost:
        there = kept.made(FOLDER)
        for one in sorted(lost, key=lambda one: not one.is_here)[:_MOST]:
            count = len(run_records.names(one.state / FOLDER))
            screen.note(
                words.render_lost(str(one.folder), str(one.state / FOLDER), str(there), count, is_here=one.is_here)
            )
    return 0


def rollback(flags: argparse.Namespace, screen: Screen) -> int:
    """Plan back to what a run replaced, show that, ask, and carry it out. 1 if anything of it couldn't go back."""
    from syncer import workflow
    from syncer.cli.shared import planning
    from syncer.plan import planfile

    record = _record(flags, screen)
    if not (flags.auto_approve or flags.dry_run):
        apply.refuse_without_terminal(screen)
    name = record.run.name
    kept = planfile.loads(record.plan.encode(), package_files.schema("plan"), f"the plan of run {name}")
    run = running.settle(flags, record.run.target.environment)
    screen.name_environment(run.environment.name)
    run = replace(run, limits=replace(run.limits, asks_files=False))
    planning.announce(flags, run, screen)
    with running.connected(run, screen) as api:
        planned, refused = workflow.roll_back(
            kept,
            record.endings,
            api,
            run.target,
            run.lookup,
            run.limits,
            patterns=flags.target,
            documents=_documents(run),
        )
        _show(flags, screen, record, planned)
        screen.problems(refused)
        if flags.dry_run:
            return 1 if refused or planned.code == 1 else 0
        workflow.refuse(planned, run.limits)
        if planned.plan.is_empty:
            return 1 if refused else 0
        if not flags.auto_approve:
            apply.ask(screen, planned)
        report = apply.carried_out(flags, screen, run, api, planned, f"rollback {name}")
    if not (screen.json or record.run.is_rollback):
        screen.show(f"\n{words.render_afterwards(record.run, screen.style)}")
    return 0 if report.is_ok and not refused else 1


def _record(flags: argparse.Namespace, screen: Screen) -> Record:
    folder = running.state_folder(config.load(Path.cwd()).root, screen).looked_at(FOLDER)
    schema = package_files.schema("run")
    return run_records.read(folder, run_records.find(folder, flags.run, schema), schema)


def _documents(run: Run) -> Sequence[Document]:
    """The definitions as they are now; none if they aren't valid, for a way back must not wait for that."""
    try:
        return running.read(run, may_be_empty=True).documents
    except InputError:
        return ()


def _show(flags: argparse.Namespace, screen: Screen, record: Record, planned: Planned) -> None:
    from syncer.cli.shared import planning

    if planned.plan.is_empty:
        # "Your models match the configuration" would be said of the files, and nobody has looked at those.
        screen.problems(planned.warnings)
        if not screen.json:
            screen.show(words.render_nothing_back(record.run))
        return
    planning.show(flags, screen, planned, is_applied=not flags.dry_run)
