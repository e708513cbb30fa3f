"""`syncer rollback`: the way back to what a run replaced, as a plan like any other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.applying.run_records import Record
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Document
    from syncer.plan.planner import Planned


@dataclass(frozen=True, slots=True)
class RollbackOptions:
    """What `syncer rollback` is asked for."""

    run: str = flags.operand(
        "RUN", "the run's name, as `syncer history` lists it, its beginning, or `last`", values=flags.RUNS
    )
    environment: str = flags.environment()
    auto_approve: bool = flags.auto_approve()
    dry_run: bool = flags.dry_run()
    targets: tuple[str, ...] = flags.targets()
    pace: groups.Pace = flags.group(groups.Pace)
    guards: groups.Guards = flags.group(groups.Guards, groups.LETS_PASS)
    view: groups.RunView = flags.group(groups.RunView, groups.SHOWN)


def run(options: RollbackOptions, screen: Screen) -> int:
    """Plan back to what a run replaced, show that, ask, and carry it out. 1 if anything of it couldn't go back."""
    from syncer import package_files, workflow
    from syncer.cli.shared import connection, execution, planning
    from syncer.cli.shared.run import run_of
    from syncer.plan import planfile
    from syncer.render.terminal import history as words

    record = _record(options.run, screen)
    if not (options.auto_approve or options.dry_run):
        execution.refuse_without_terminal(screen)
    name = record.run.name
    kept = planfile.loads(record.plan.encode(), package_files.schema("plan"), f"the plan of run {name}")
    settled = run_of(options.environment, options.guards, named=record.run.target.environment, desk=screen)
    screen.name_environment(settled.environment.name)
    settled = replace(settled, limits=replace(settled.limits, asks_files=False))
    planning.announce("rollback", settled, screen)
    with connection.connected(settled, screen) as api:
        planned, refused = workflow.roll_back(
            kept,
            record.endings,
            api,
            settled.target,
            settled.lookup,
            settled.limits,
            patterns=options.targets,
            documents=_documents(settled),
        )
        _show(options, screen, record, planned)
        screen.problems(refused)
        if options.dry_run:
            return 1 if refused or planned.code == 1 else 0
        workflow.refuse(planned, settled.limits)
        if planned.plan.is_empty:
            return 1 if refused else 0
        if not options.auto_approve:
            execution.ask(screen, planned)
        report = execution.carry_out(planned, api, settled, screen, f"rollback {name}", options.pace)
    if not (screen.json or record.run.is_rollback):
        screen.show(f"\n{words.render_afterwards(record.run, screen.style)}")
    return 0 if report.is_ok and not refused else 1


def _record(name: str, screen: Screen) -> Record:
    from pathlib import Path

    from syncer import config, package_files
    from syncer.applying import run_records
    from syncer.cli.shared.state_folder import RUNS, state_folder

    folder = state_folder(config.load(Path.cwd()).root, screen).looked_at(RUNS)
    schema = package_files.schema("run")
    return run_records.read(folder, run_records.find(folder, name, schema), schema)


def _documents(run: Run) -> Sequence[Document]:
    """The definitions as they are now; none if they aren't valid, for a way back must not wait for that."""
    from syncer.cli.shared.run import read_files
    from syncer.errors import InputError

    try:
        return read_files(run, may_be_empty=True).documents
    except InputError:
        return ()


def _show(options: RollbackOptions, screen: Screen, record: Record, planned: Planned) -> None:
    from syncer.cli.shared import planning
    from syncer.render.terminal import history as words

    if planned.plan.is_empty:
        # "Your models match the configuration" would be said of the files, and nobody has looked at those.
        screen.problems(planned.warnings)
        if not screen.json:
            screen.show(words.render_nothing_back(record.run))
        return
    planning.show(options.view, screen, planned, is_applied=not options.dry_run)


COMMAND = Command(
    "rollback",
    Words(
        "Plan to restore what a run replaced, show the plan, ask, and apply it.",
        "The plan is shown, checked by the guards and approved like any other. A model that changed since the run is "
        "left alone. The files stay as they are: revert them, too, or the next apply brings the change back.",
        "syncer history\nsyncer rollback 20261123-104502-3f9a --dry-run",
    ),
    RollbackOptions,
    run,
)
