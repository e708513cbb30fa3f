"""`syncer plan` and `syncer drift`: edges are opened, handed to the workflow, and what comes back is shown and kept."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncer import workflow
from syncer.cli.shared import running
from syncer.cli.shared.outputs import Outputs, below_top
from syncer.cli.shared.screen import now
from syncer.errors import InputError, RefusedError, SettingsError, SyncerError
from syncer.model import NOWHERE, Problem
from syncer.plan.planner import Plan, Planned
from syncer.render import json_lines, terminal
from syncer.render.command_lines import operand

if TYPE_CHECKING:
    import argparse

    from syncer.cli.shared.running import Run
    from syncer.cli.shared.screen import Screen
    from syncer.live.api import Api
    from syncer.workflow.base import Base


def plan(flags: argparse.Namespace, screen: Screen) -> int:
    """Show what an apply would change, and keep it where the flags say."""
    outputs = Outputs.of(flags)
    run = running.settle(flags)
    with outputs.kept_on_failure(run):
        commit = running.head(run) if outputs.wanted else ""
        planned = online(flags, screen, run, base(flags, run))
        planned = replace(planned, commit=commit)
    return finish(flags, screen, outputs, planned)


def base(flags: argparse.Namespace, run: Run) -> Base | None:
    """What git said at `--base`. Raises SettingsError, also for a flag that means nothing without it."""
    if flags.base:
        return running.base_of(run, flags.base)
    if flags.on_drift:
        message = "--on-drift needs --base: without it nobody can tell an edit made outside git"
        raise SettingsError(message, "name the commit that was applied last, such as --base HEAD^")
    return None


def finish(flags: argparse.Namespace, screen: Screen, outputs: Outputs, planned: Planned) -> int:
    """Keep a plan that was shown, and say how it ended."""
    outputs.keep(planned)
    is_saved = flags.out and not planned.problems and not planned.is_offline and not planned.plan.is_empty
    if is_saved and not screen.json:
        digest, is_refused = planned.plan.digest, bool(planned.refusals)
        screen.show(terminal.render_saved(flags.out, digest, screen.style, _lifting(flags), is_refused=is_refused))
    return planned.code if planned.code == 1 or flags.detailed_exitcode else 0


def _lifting(flags: argparse.Namespace) -> list[str]:
    """The flags that this plan was judged with: an apply of it needs them, too, for a saved plan doesn't hold them."""
    said = [word for what in flags.allow for word in ("--allow", what)]
    said += ["--on-drift", flags.on_drift] if flags.on_drift else []
    percent = flags.max_change_percent
    return said + (["--max-change-percent", str(percent)] if percent is not None else [])


def online(flags: argparse.Namespace, screen: Screen, run: Run, base: Base | None) -> Planned:
    """Read the files, refresh, plan, and show the plan."""
    files = running.read(run)
    with running.connected(run, screen) as api:
        return planned_with(api, flags, screen, run, files, base, is_applied=False)


def planned_with(
    api: Api,
    flags: argparse.Namespace,
    screen: Screen,
    run: Run,
    files: running.Files,
    base: Base | None,
    *,
    is_applied: bool,
) -> Planned:
    """The same with an open connection, which an apply goes on using."""
    announce(flags, run, screen)
    create = run.environment.create
    planned = workflow.plan(
        files.documents, api, run.target, run.lookup, run.limits, flags.target, base=base, create=create
    )
    planned = with_warnings(planned, files)
    show(flags, screen, planned, is_applied=is_applied)
    return planned


def announce(flags: argparse.Namespace, run: Run, screen: Screen) -> None:
    """Say what is read."""
    if not screen.json:
        command = f"{flags.command} {flags.action}" if flags.command == "ci" else flags.command
        screen.show(terminal.render_banner(command, run.target))
        screen.show("Refreshing live state...\n")


def with_warnings(planned: Planned, files: running.Files) -> Planned:
    """The plan with what validation warned of in the files that it changes."""
    changed = {change.desired.document.path for change in planned.plan.changes}
    more = tuple(problem for problem in files.warnings if problem.origin.path in changed)
    return replace(planned, warnings=(*planned.warnings, *more))


def show(flags: argparse.Namespace, screen: Screen, planned: Planned, *, is_applied: bool = False) -> None:
    """Print a plan or drift, its problems, and what refuses it; an apply says that itself, a moment later."""
    if screen.json:
        screen.lines(json_lines.plan_lines(planned, now, screen.style.commands))
    elif planned.problems and planned.plan.is_empty:
        # "No changes" would be a lie: nothing, or not all, could be compared.
        screen.problems(planned.warnings)
    else:
        screen.show(terminal.render_plan(planned, screen.style, verbose=flags.verbose, summary=flags.summary))
    refusals = () if is_applied and not planned.problems else planned.refusals
    if planned.problems or refusals:
        screen.problems((*planned.problems, *refusals))


def drift(flags: argparse.Namespace, screen: Screen) -> int:
    """Tell what was changed outside git since the last applied commit. Nothing here can write to the API."""
    outputs = Outputs.of(flags, drift=True)
    run = running.settle(flags)
    with outputs.kept_on_failure(run):
        planned = drifted(flags, screen, run)
    outputs.keep(planned)
    return planned.code


def drifted(flags: argparse.Namespace, screen: Screen, run: Run) -> Planned:
    """Compare the definitions of a commit with live state, and show what differs."""
    from syncer.desired import git  # noqa: PLC0415 - only where git is asked

    commit = git.commit_of(run.settings.root, flags.commit)
    with git.files_at(run.settings.root, commit, run.settings.models, keeps_large=True) as folder:
        files = running.read(run, folder)
    announce(flags, run, screen)
    with running.connected(run, screen) as api:
        planned = workflow.plan(
            files.documents, api, run.target, run.lookup, run.limits, flags.target, with_effects=False
        )
    # What is said of single definitions is about applying them; here it's about what is.
    warnings = tuple(one for one in planned.warnings if one.origin == NOWHERE)
    planned = replace(planned, warnings=warnings, commit=commit, is_drift=True)
    show(flags, screen, planned)
    return planned


def failed(run: Run, error: SyncerError) -> Planned:
    """A plan that could not be made, as a value that can travel: no change, and why."""
    return Planned(Plan(run.target, ()), problems=problems_of(error), commit=running.head(run))


def problems_of(error: SyncerError) -> tuple[Problem, ...]:
    """What stopped a run, as problems."""
    problems = error.problems if isinstance(error, InputError | RefusedError) else ()
    return (
        problems if isinstance(error, InputError) else (Problem(NOWHERE, "failed", error.what, error.hint), *problems)
    )


def saved(file: str) -> Planned:
    """The plan in a file that this team made. Raises PlanFileError."""
    from syncer import package_files  # noqa: PLC0415 - only for a saved plan
    from syncer.plan import planfile  # noqa: PLC0415 - only for a saved plan

    return planfile.read(Path(file), package_files.schema("plan"))


def show_saved(flags: argparse.Namespace, screen: Screen) -> int:
    """Print a saved plan in any format."""
    from syncer.render import html, markdown  # noqa: PLC0415 - only where they're asked for

    planned = saved(flags.file)
    screen.name_environment(planned.plan.target.environment)
    if flags.format == "markdown":
        screen.show(markdown.render_plan(planned, folder=below_top()))
    elif flags.format == "html":
        screen.show(html.render_plan(planned, folder=below_top()))
    else:
        if not screen.json:
            banner = terminal.render_banner("drift" if planned.is_drift else "plan", planned.plan.target)
            screen.show(f"{banner}\n")
        show(flags, screen, planned)
        if not screen.json:
            screen.show(f"\nIts digest: {planned.plan.digest}")
    return 1 if planned.code == 1 else 0


def refuse_with_file(flags: argparse.Namespace) -> None:
    """A saved plan says all: what to change, and why. Raises SettingsError for a flag that would say it again."""
    for name in ("target", "base", "dry_run"):
        if getattr(flags, name):
            message = (
                f"--{name.replace('_', '-')} can't be said with a saved plan: it's applied as it is, or not at all"
            )
            raise SettingsError(message, f"`syncer show {shlex.quote(operand(flags.file))}` shows it")
