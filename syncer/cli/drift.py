"""`syncer drift`: what was changed outside git since the last applied commit. Nothing here can write to the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class DriftOptions:
    """What `syncer drift` is asked for."""

    environment: str = flags.environment()
    targets: tuple[str, ...] = flags.targets()
    base: str = flags.applied_commit()
    require_secrets: bool = flags.require_secrets()
    view: groups.View = flags.group(groups.View, groups.SHOWN)
    files: groups.Files = flags.group(groups.Files, groups.KEPT)


def run(options: DriftOptions, screen: Screen) -> int:
    """Show the drift, and keep it where the flags say; its exit code tells whether there is any."""
    from syncer.cli.shared import planning
    from syncer.cli.shared.output_files import Outputs
    from syncer.cli.shared.run import run_of
    from syncer.desired.targets import Targets

    outputs = Outputs.of(options.files, drift=True)
    settled = run_of(options.environment, requires_secrets=options.require_secrets, desk=screen)
    with outputs.kept_on_failure(settled):
        request = planning.Request("drift", Targets(options.targets), options.view)
        planned = planning.drifted(request, screen, settled, options.base)
    outputs.keep(planned)
    return planned.code


COMMAND = Command(
    "drift",
    Words(
        "Tell what was changed outside git since the last applied commit. It can't write.",
        "Exit code 0 without drift, 2 with, 1 after an error. The work tree doesn't count: the commit's files do.",
        "syncer drift --env prod\nsyncer drift --base origin/main --summary",
    ),
    DriftOptions,
    run,
)
