"""`syncer show`: a saved plan in any format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What `syncer show` is asked for."""

    file: str = flags.operand("PLANFILE", "what `syncer plan --out` kept", values=flags.FILES)
    format: str = flags.choice(
        "--format", choices=("text", "json", "markdown", "html"), default="text", what="how (default: text)"
    )
    view: groups.RunView = flags.group(groups.RunView, groups.SHOWN)


def run(options: ShowOptions, screen: Screen) -> int:
    """Print a saved plan."""
    from syncer.cli.shared import planning
    from syncer.cli.shared.output_files import folder_in_repository
    from syncer.errors import SettingsError
    from syncer.render import html, markdown, terminal

    if options.view.json and options.format in {"markdown", "html"}:
        message = f"--format {options.format} and --json would be two forms of one plan"
        raise SettingsError(message, "say one of them")
    planned = planning.load_plan_file(options.file)
    screen.name_environment(planned.plan.target.environment)
    if options.format == "markdown":
        screen.show(markdown.render_plan(planned, folder=folder_in_repository()))
    elif options.format == "html":
        screen.show(html.render_plan(planned, folder=folder_in_repository()))
    else:
        if not screen.json:
            banner = terminal.render_banner("drift" if planned.is_drift else "plan", planned.plan.target)
            screen.show(f"{banner}\n")
        planning.show(options.view, screen, planned)
        if not screen.json:
            screen.show(f"\nIts digest: {planned.plan.digest}")
    return 1 if planned.code == 1 else 0


COMMAND = Command(
    "show",
    Words(
        "Print a saved plan.",
        "Nothing is asked of the server: it's what was planned then. Exit code 1 if it has problems or is refused.",
        "syncer show plan.json\nsyncer show plan.json --format markdown",
    ),
    ShowOptions,
    run,
)
