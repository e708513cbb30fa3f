"""`syncer apply`: plan or take a saved plan, show, ask, write, report."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.applying.outcome import Report
    from syncer.cli.shared.planning import Request
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What `syncer apply` is asked for."""

    file: str = flags.operand("PLANFILE", "a plan that `syncer plan --out` kept", default="", values=flags.FILES)
    environment: str = flags.environment()
    targets: tuple[str, ...] = flags.targets()
    base: str = flags.base()
    auto_approve: bool = flags.auto_approve()
    dry_run: bool = flags.dry_run()
    write_ids: bool = flags.switch("--write-ids", what="write the id of each model made into its file")
    expect_digest: str = flags.expect_digest()
    require_secrets: bool = flags.require_secrets()
    pace: groups.Pace = flags.group(groups.Pace)
    guards: groups.Guards = flags.group(groups.BaseGuards, groups.LETS_PASS)
    view: groups.RunView = flags.group(groups.RunView, groups.SHOWN)


def run(options: ApplyOptions, screen: Screen) -> int:
    """Carry out a plan: one that is made and shown now, or a saved one."""
    from syncer.cli.shared.planning import Request
    from syncer.desired.targets import Targets

    request = Request("apply", Targets(options.targets), options.view)
    if options.file:
        report = _saved(options, screen)
    elif options.dry_run:
        return _dry(options, request, screen)
    else:
        report = _planned_now(options, request, screen)
    return 0 if report.is_ok else 1


def _dry(options: ApplyOptions, request: Request, screen: Screen) -> int:
    from syncer.cli.shared import planning
    from syncer.cli.shared.run import run_of

    settled = run_of(options.environment, options.guards, requires_secrets=options.require_secrets, desk=screen)
    base = planning.base_of(settled, options.base, options.guards.on_drift, screen)
    return 1 if planning.planned_online(request, screen, settled, base).code == 1 else 0


def _planned_now(options: ApplyOptions, request: Request, screen: Screen) -> Report:
    from syncer import workflow
    from syncer.cli.shared import connection, execution, planning
    from syncer.cli.shared.run import head, read_files, run_of

    # Naming the reviewed plan's digest approves exactly that plan.
    is_approved = options.auto_approve or bool(options.expect_digest)
    if not is_approved:
        execution.refuse_without_terminal(screen)
    settled = run_of(options.environment, options.guards, requires_secrets=options.require_secrets, desk=screen)
    base = planning.base_of(settled, options.base, options.guards.on_drift, screen)
    files = read_files(settled, targets=request.targets, needs_all=True)
    with connection.connected(settled, screen) as api:
        planned = planning.planned_with(api, request, screen, settled, files, base, is_applied=True)
        del files, base
        planned = execution.without_files(planned)
        if options.expect_digest:
            workflow.expect(planned, options.expect_digest)
        workflow.refuse(planned, settled.limits)
        if not planned.plan.is_empty:
            # What was planned for is kept with the run.
            planned = replace(planned, commit=head(settled))
            if not is_approved and execution.sendable(planned):
                execution.ask(screen, planned)
        return execution.carry_out(planned, api, settled, screen, "apply", options.pace, writes_ids=options.write_ids)


def _saved(options: ApplyOptions, screen: Screen) -> Report:
    """Apply a saved plan, if it has the digest that is expected. Raises RefusedError, PlanFileError."""
    from syncer import workflow
    from syncer.cli.shared import execution
    from syncer.cli.shared.planning import load_plan_file
    from syncer.cli.shared.run import run_of

    _refuse_with_file(options)
    saved = load_plan_file(options.file)
    if options.expect_digest:
        workflow.expect(saved, options.expect_digest)
    execution.refuse_without_base(options.guards.on_drift, saved)
    named = saved.plan.target.environment
    settled = run_of(
        options.environment, options.guards, named=named, requires_secrets=options.require_secrets, desk=screen
    )
    return execution.apply_saved(
        saved, settled, screen, "apply", options.view, options.pace, writes_ids=options.write_ids
    )


def _refuse_with_file(options: ApplyOptions) -> None:
    """A saved plan says all: what to change, and why. Raises SettingsError for a flag that would say it again."""
    from syncer.errors import SettingsError
    from syncer.render.command_lines import operand

    for name, value in (("target", options.targets), ("base", options.base), ("dry-run", options.dry_run)):
        if value:
            message = f"--{name} can't be said with a saved plan: it's applied as it is, or not at all"
            raise SettingsError(message, f"`syncer show {shlex.quote(operand(options.file))}` shows it")


COMMAND = Command(
    "apply",
    Words(
        "Plan, show the plan, ask, and change the live models that differ.",
        "Only `yes` is taken for yes. Without a terminal --auto-approve is needed. With a saved plan exactly that "
        "plan is applied, without asking, or none if anything moved since. A model that somebody else changed between "
        "plan and write is left alone and reported. A model is created only where the settings say `create = true`, "
        "and none is ever deleted. What a run replaces is kept for `syncer rollback`.",
        "syncer apply --env prod\nsyncer apply --env prod --auto-approve --parallelism 8\nsyncer apply plan.json",
    ),
    ApplyOptions,
    run,
)
