"""`syncer ci plan`: the base is the event's: what a pull request goes onto, what a push replaced.

A stranger's run only checks the files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen
    from syncer.model import Problem
    from syncer.review.host import Context
    from syncer.workflow.base import Base

_STEERS: Final = "they say where models lie, what belongs to which environment and how much may change: read them, too"


@dataclass(frozen=True, slots=True)
class CiPlanOptions:
    """What `syncer ci plan` is asked for."""

    environment: str = flags.environment()
    targets: tuple[str, ...] = flags.targets()
    detailed_exitcode: bool = flags.detailed_exitcode()
    guards: groups.Guards = flags.group(groups.BaseGuards, groups.LETS_PASS)
    view: groups.View = flags.group(groups.View, groups.SHOWN)
    files: groups.Files = flags.group(groups.PageFiles, groups.KEPT)


def run(options: CiPlanOptions, screen: Screen) -> int:
    """Plan what the event is about, and keep the plan where the flags say."""
    from syncer.cli.ci import former_settings, job
    from syncer.cli.shared import planning
    from syncer.cli.shared.base import FoundBase, base_at
    from syncer.cli.shared.output_files import Outputs, finish
    from syncer.cli.shared.run import head
    from syncer.desired.targets import Targets
    from syncer.errors import SettingsError

    host = job.host_of(screen)
    context = host.context
    if context.event == "follow-up":
        message = "a run that follows another one has nothing checked out that could be planned"
        raise SettingsError(message, "say `syncer ci comment`: it plans the pull request's change, and comments")
    job.mask(screen, host)
    outputs = Outputs.of(options.files)
    if context.is_untrusted and context.event == "change":
        return _validated(screen)
    name = job.environment_of(options.environment, context)
    guards = options.guards
    with outputs.kept_on_failure(former_settings.unsettled_run(options.environment, name)):
        if context.is_untrusted:
            message = "this run has no secrets (Dependabot caused it), so nothing can be planned or applied from it"
            raise SettingsError(message, "let somebody of the team run it again")
        guards = job.with_variables(guards)
        settled = job.run_of_job(options.environment, guards)
        former_settings.refuse_other(settled, name)
        commit = job.base_commit(context)
        known = former_settings.compared(commit) if commit else former_settings.Former()
        base = base_at(settled, commit) if commit else None
        warnings = (*former_settings.warnings(known, _STEERS), *_without(base, context))
        screen.problems(warnings)
        request = planning.Request("ci plan", Targets(options.targets), options.view)
        planned = planning.planned_online(request, screen, settled, FoundBase(base))
        planned = replace(planned, commit=head(settled), warnings=(*warnings, *planned.warnings))
        outputs = replace(outputs, links=job.links(context, name, context.head_sha))
    return finish(screen, outputs, planned, guards, detailed_exitcode=options.detailed_exitcode)


def _validated(screen: Screen) -> int:
    """A stranger's run only checks the files: nothing that it says is shown under another name than its own."""
    from syncer import config
    from syncer.cli.ci import job
    from syncer.cli.shared.file_checks import check
    from syncer.desired import loader
    from syncer.errors import InputError

    try:
        settings = config.load(Path.cwd())
        found = check(loader.load(settings.root, settings.models, common=settings.common), settings.environments)
    except InputError as error:
        found = error.problems
    job.annotate(screen, found)
    screen.problems(found)
    is_wrong = any(problem.is_error for problem in found)
    if not screen.json:
        verdict = "There are errors." if is_wrong else "There are no errors."
        screen.show(f"The files were checked, and nothing was planned: this run has no secrets. {verdict}")
    return 1 if is_wrong else 0


def _without(base: Base | None, context: Context) -> tuple[Problem, ...]:
    """What a plan can't know that has no base, though its apply comes next."""
    from syncer.model import NOWHERE, Problem, Severity

    if base is not None or context.event not in {"push", "manual"}:
        return ()
    message = "planned without a base: an edit made outside git can't be told from a change, and would be overwritten"
    hint = (
        "run by hand, or after a forced push, there is no commit before; read the diffs as if nobody had reviewed them"
    )
    return (Problem(NOWHERE, "no-base", message, hint, Severity.WARNING),)


COMMAND = Command(
    "plan",
    Words(
        "Plan what the event is about: a pull request's change, or what was merged.",
        "The base comes from the event. Where there are no secrets (forks) the files are only checked. The target "
        "comes from SYNCER_API_URL and SYNCER_WORKSPACE_ID alone.",
        "syncer ci plan --out plan.json",
    ),
    CiPlanOptions,
    run,
)
