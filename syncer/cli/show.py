"""`syncer show`: a saved plan in any format, or a definition as an environment sees it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What `syncer show` is asked for."""

    what: str = flags.operand(
        "PLANFILE|ADDRESS",
        "what `syncer plan --out` kept, or a definition: its address, or its file's path",
        values=flags.FILES,
    )
    environment: str = flags.environment("of a definition: the environment that sees it so")
    format: str = flags.choice(
        "--format", choices=("text", "json", "markdown", "html"), default="text", what="how (default: text)"
    )
    view: groups.RunView = flags.group(groups.RunView, groups.SHOWN)


def run(options: ShowOptions, screen: Screen) -> int:
    """Print a saved plan, or a definition: what is there is a plan, unless it's a model file."""
    path = Path(options.what)
    is_there = os.path.lexists(path) and not path.is_dir() and path.suffix != ".yaml"
    is_plan = not options.environment and (is_there or path.suffix == ".json")
    return _show_plan(options, screen) if is_plan else _show_definition(options, screen)


def _show_plan(options: ShowOptions, screen: Screen) -> int:
    from syncer.cli.shared import planning
    from syncer.cli.shared.output_files import folder_in_repository
    from syncer.errors import SettingsError
    from syncer.render import html, markdown, terminal

    if options.view.json and options.format in {"markdown", "html"}:
        message = f"--format {options.format} and --json would be two forms of one plan"
        raise SettingsError(message, "say one of them")
    planned = planning.load_plan_file(options.what)
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


def _show_definition(options: ShowOptions, screen: Screen) -> int:
    from syncer.cli.shared.run import run_of
    from syncer.cli.shared.screen import now
    from syncer.desired.said import said_in
    from syncer.errors import SettingsError
    from syncer.render import definition, json_lines

    view = options.view
    settled = run_of(options.environment)
    name = settled.environment.name
    loaded, problems = settled.checked()
    known = {key: one for one in loaded.documents for key in (one.path, f"model.{one.address}", one.address)}
    document = known.get(options.what)
    if document is None:
        near = get_close_matches(options.what, [one.address for one in loaded.documents], 1)
        hint = f"did you mean {near[0]}?" if near else "`syncer list` names every address"
        raise SettingsError(f"{options.what} is neither a plan file nor the address of a definition", hint)
    screen.name_environment(name)
    about = document.paths
    wrong = [one for one in problems if one.is_error and (one.path == document.path or one.origin.path in about)]
    if wrong:
        screen.problems(wrong)
        return 1
    if not document.is_in(name):
        homes = ", ".join(document.data["only"])
        raise SettingsError(
            f"{document.address} lives in {homes} only, not in {name}", f"say --env {homes.split(', ')[0]}"
        )
    if options.format in {"markdown", "html"} or view.verbose or view.summary:
        message = f"a definition is shown as text or as JSON, and {document.address} is one"
        raise SettingsError(message, "leave out --verbose, --summary and --format")
    said = said_in(document, name)
    screen.result(
        lambda: [json_lines.definition_line(document, name, said, now)],
        lambda: definition.render_definition(document.address, name, said, screen.style),
    )
    return 0


COMMAND = Command(
    "show",
    Words(
        "Print a saved plan, or a definition as an environment sees it.",
        "Nothing is asked of the server: a plan is what was planned then. Exit code 1 if it has problems or is "
        "refused. A definition is shown with the place of each value; --env always means a definition.",
        "syncer show plan.json\nsyncer show plan.json --format markdown\nsyncer show finance/revenue --env staging",
    ),
    ShowOptions,
    run,
)
