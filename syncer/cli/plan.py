"""`syncer plan`: what an apply would change, shown and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What `syncer plan` is asked for."""

    environment: str = flags.environment()
    chosen: groups.Chosen = flags.group(groups.Chosen)
    base: str = flags.base()
    detailed_exitcode: bool = flags.detailed_exitcode()
    require_secrets: bool = flags.require_secrets()
    guards: groups.Guards = flags.group(groups.BaseGuards, groups.LETS_PASS)
    view: groups.View = flags.group(groups.View, groups.SHOWN)
    files: groups.Files = flags.group(groups.PageFiles, groups.KEPT)


def run(options: PlanOptions, screen: Screen) -> int:
    """Show what an apply would change, and keep it where the flags say."""
    from syncer.cli.shared import planning
    from syncer.cli.shared.output_files import Outputs, finish
    from syncer.cli.shared.run import head, run_of
    from syncer.cli.shared.touched_files import targets_of

    outputs = Outputs.of(options.files)
    settled = run_of(options.environment, options.guards, requires_secrets=options.require_secrets, desk=screen)
    with outputs.kept_on_failure(settled):
        commit = head(settled) if outputs.wanted else ""
        base = planning.base_of(settled, options.base, options.guards.on_drift, screen)
        targets = targets_of(options.chosen, settled.settings, settled.checked()[0])
        request = planning.Request("plan", targets, options.view)
        planned = replace(planning.planned_online(request, screen, settled, base), commit=commit)
    return finish(screen, outputs, planned, options.guards, detailed_exitcode=options.detailed_exitcode)


COMMAND = Command(
    "plan",
    Words(
        "Show what an apply would change, and change nothing.",
        "Exit code 0, also with changes; with --detailed-exitcode 2 if there are any. An error is 1, and so is a plan "
        "that an apply with the same flags refuses: it's shown and kept all the same. A wrong flag is 64.",
        "syncer plan --env prod\nsyncer plan --target 'finance/*' --summary\nsyncer plan --changed\n"
        "syncer plan --base origin/main --out plan.json",
    ),
    PlanOptions,
    run,
)
