"""Make a plan or a drift report and show it: read the files, open the API, run the workflow, print."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncer import workflow
from syncer.cli.shared import connection
from syncer.cli.shared.groups import View
from syncer.cli.shared.run import head, read_files
from syncer.cli.shared.screen import now
from syncer.desired.targets import ALL, Targets
from syncer.errors import InputError, RefusedError, SettingsError, SyncerError
from syncer.model import NOWHERE, Problem
from syncer.plan.planner import Plan, Planned
from syncer.render import json_lines, terminal

if TYPE_CHECKING:
    from syncer.cli.shared.base import FoundBase
    from syncer.cli.shared.groups import Guards
    from syncer.cli.shared.run import Files, Run
    from syncer.cli.shared.screen import Screen
    from syncer.live.api import Api


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan is asked for: by which command, of which models (none: all), and how it's shown."""

    command: str
    targets: Targets = ALL
    view: View = View()


def base_of(run: Run, ref: str, on_drift: str, screen: Screen) -> FoundBase:
    """What git said at the base. Raises SettingsError, also for a flag that means nothing without one."""
    from syncer.cli.shared.default_base import base_for_plan

    found = base_for_plan(run, ref, screen)
    if on_drift and found.base is None:
        message = "--on-drift needs a base: without one an edit made outside git looks like a change"
        raise SettingsError(message, "name the commit that was applied last, such as --base HEAD^")
    return found


def guard_flags(guards: Guards) -> list[str]:
    """The flags that this plan was judged with: an apply of it needs them, too, for a saved plan doesn't hold them."""
    said = [word for what in guards.allow for word in ("--allow", what)]
    said += ["--on-drift", guards.on_drift] if guards.on_drift else []
    percent = guards.max_change_percent
    return said + (["--max-change-percent", str(percent)] if percent is not None else [])


def planned_online(request: Request, screen: Screen, run: Run, found: FoundBase) -> Planned:
    """Read the files, refresh, plan, and show the plan."""
    # What an apply writes is decided with every file.
    files = read_files(run, targets=request.targets, needs_all=request.command == "apply")
    with connection.connected(run, screen) as api:
        return planned_with(api, request, screen, run, files, found, is_applied=False)


def planned_with(
    api: Api, request: Request, screen: Screen, run: Run, files: Files, found: FoundBase, *, is_applied: bool
) -> Planned:
    """The same with an open connection, which an apply goes on using."""
    announce(request.command, run, screen, found.line)
    planned = workflow.plan(
        files.documents,
        api,
        run.target,
        run.lookup,
        run.limits,
        files.targets,
        base=found.base,
        create=run.environment.create,
    )
    planned = with_warnings(planned, files)
    show(request.view, screen, planned, is_applied=is_applied)
    return planned


def announce(command: str, run: Run, screen: Screen, line: str = "") -> None:
    """Say what is read, and in a line what it's compared with."""
    if not screen.json:
        screen.show(terminal.render_banner(command, run.target))
        if line:
            screen.show(terminal.render_base(line, screen.style))
        screen.show("Refreshing live state...\n")


def with_warnings(planned: Planned, files: Files) -> Planned:
    """The plan with what validation warned of in the files that it changes."""
    changed = {change.desired.document.path for change in planned.plan.changes}
    more = tuple(problem for problem in files.warnings if problem.path in changed or problem.origin == NOWHERE)
    return replace(planned, warnings=(*planned.warnings, *more))


def show(view: View, screen: Screen, planned: Planned, *, is_applied: bool = False) -> None:
    """Print a plan or drift, its problems, and what refuses it; an apply says that itself, a moment later."""
    if screen.takes_lines:
        screen.lines(json_lines.plan_lines(planned, now, screen.style.commands))
    if screen.json:
        pass
    elif planned.problems and planned.plan.is_empty:
        # "No changes" would be a lie: nothing, or not all, could be compared.
        screen.problems(planned.warnings)
    else:
        screen.show(terminal.render_plan(planned, screen.style, verbose=view.verbose, summary=view.summary))
    refusals = () if is_applied and not planned.problems else planned.refusals
    if planned.problems or refusals:
        screen.problems((*planned.problems, *refusals))


def drifted(request: Request, screen: Screen, run: Run, ref: str) -> Planned:
    """Compare the definitions of a commit with live state, and show what differs."""
    from syncer.cli.shared.committed_settings import settings_at
    from syncer.desired import git

    commit = git.commit_of(run.settings.root, ref)
    said = settings_at(run.settings.root, commit)
    with git.files_at(run.settings.root, commit, run.settings.models, keeps_large=True) as folder:
        files = read_files(run, folder, common=said and said.settings.common, targets=request.targets)
    announce(request.command, run, screen)
    with connection.connected(run, screen) as api:
        planned = workflow.plan(
            files.documents,
            api,
            run.target,
            run.lookup,
            run.limits,
            files.targets,
            with_effects=False,
        )
    # What is said of single definitions is about applying them; here it's about what is.
    warnings = tuple(one for one in planned.warnings if one.origin == NOWHERE)
    planned = replace(planned, warnings=warnings, commit=commit, is_drift=True)
    show(request.view, screen, planned)
    return planned


def failed_plan(run: Run, error: SyncerError) -> Planned:
    """A plan that could not be made, as a value that can travel: no change, and why."""
    return Planned(Plan(run.target, ()), problems=problems_of(error), commit=head(run))


def problems_of(error: SyncerError) -> tuple[Problem, ...]:
    """What stopped a run, as problems."""
    problems = error.problems if isinstance(error, InputError | RefusedError) else ()
    return (
        problems if isinstance(error, InputError) else (Problem(NOWHERE, "failed", error.what, error.hint), *problems)
    )


def load_plan_file(file: str) -> Planned:
    """The plan in a file that this team made. Raises PlanFileError."""
    from syncer import package_files
    from syncer.plan import planfile

    return planfile.read(Path(file), package_files.schema("plan"))
