"""`syncer compare`: how two live environments differ. Nothing here can write to the API."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.plan.planner import Planned


@dataclass(frozen=True, slots=True)
class ReportFiles(groups.Files):
    """The files that a comparison is kept in: it's no plan that could be applied."""

    out: str = ""


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What `syncer compare` is asked for."""

    environment: str = flags.environment("the environment whose live models would be merged (as everywhere)")
    other: str = flags.text(
        "--with", metavar="NAME", what="the environment that they are compared with", values=flags.ENVIRONMENTS
    )
    targets: tuple[str, ...] = flags.targets()
    detailed_exitcode: bool = flags.detailed_exitcode("0: no differences, 1: error, 2: differences")
    view: groups.View = flags.group(groups.View, groups.SHOWN)
    files: ReportFiles = flags.group(ReportFiles, groups.KEPT)


def run(options: CompareOptions, screen: Screen) -> int:
    """Show what would change in one environment if it had what is live in the other."""
    from syncer.cli.shared import planning
    from syncer.cli.shared.output_files import Outputs
    from syncer.cli.shared.run import run_of
    from syncer.plan.planner import Counterpart

    outputs = Outputs.of(options.files)
    _refuse_one_target(options)
    one = run_of(options.environment, desk=screen)
    other = run_of(options.other, desk=screen)
    _refuse_one_environment(one, other)
    with outputs.kept_on_failure(other, Counterpart(one.target)):
        planned = _compared(one, other, options, screen)
    planning.show(options.view, screen, planned)
    outputs.keep(planned)
    return planned.code if planned.code == 1 or options.detailed_exitcode else 0


def _refuse_one_target(options: CompareOptions) -> None:
    """Raise SettingsError where the other environment isn't named, or a variable would stand for both."""
    from syncer import config
    from syncer.errors import SettingsError

    if not options.other:
        raise SettingsError("compare with which environment? Nothing names it", "say --with NAME")
    if said := [name for name in config.TARGET_VARIABLES if os.environ.get(name)]:
        message = f"{' and '.join(said)} would stand for both environments"
        raise SettingsError(message, "take it out of this run's variables: the settings say where each one is")


def _refuse_one_environment(one: Run, other: Run) -> None:
    """Raise SettingsError where there are no two workspaces to compare."""
    from syncer.errors import SettingsError

    if (one.target.url, one.target.workspace_id) == (other.target.url, other.target.workspace_id):
        names = dict.fromkeys((one.environment.name, other.environment.name))
        message = (
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} one workspace, so there is nothing to compare"
        )
        raise SettingsError(message, "name two environments that are different workspaces, with --env and --with")


def _compared(one: Run, other: Run, options: CompareOptions, screen: Screen) -> Planned:
    from syncer import workflow
    from syncer.cli.shared import connection
    from syncer.cli.shared.run import head, read_files
    from syncer.desired.targets import Targets
    from syncer.render import terminal

    files = read_files(one)
    if other.environment.name not in one.environments:
        # No file is checked for the sandbox unless a run is about it.
        read_files(other)
    if not screen.json:
        screen.show(terminal.render_comparison_banner("compare", one.target, other.target))
        screen.show("Refreshing live state...\n")
    with ExitStack() as stack:
        apis = [stack.enter_context(connection.connected(run, screen)) for run in (one, other)]
        planned = workflow.compare_environments(
            files.documents,
            (one.target, apis[0]),
            (other.target, apis[1]),
            one.settings.common,
            Targets(options.targets),
        )
    return replace(planned, commit=head(one))


COMMAND = Command(
    "compare",
    Words(
        "Show how two live environments differ, model by model. It can't write.",
        "It shows what would change in the environment of --with if it had what is live in the one of --env. Models "
        "are those that files declare in both. Ids, secrets and values that a file gives to one environment are left "
        "out, and connectors are compared by their names in files. Exit code 0, also with differences; with "
        "--detailed-exitcode 2 if there are any. An error is 1.",
        "syncer compare --env staging --with prod\nsyncer compare --env staging --with prod --markdown compare.md",
    ),
    CompareOptions,
    run,
)
