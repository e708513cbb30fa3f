"""`syncer init`: a folder made ready: settings, schema, what an editor and git need, a host's pipeline files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.cli.shared.screen import Screen


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What `syncer init` is asked for."""

    environment: str = flags.environment("the environment's name (prod); sandbox: try it without a server")
    api_url: str = flags.text("--api-url", metavar="URL", what="the server's root (else SYNCER_API_URL)")
    workspace_id: int | None = flags.number(
        "--workspace-id", kind=flags.id_, metavar="N", what="the workspace (else SYNCER_WORKSPACE_ID)"
    )
    ci: str = flags.choice("--ci", choices=("github", "gitlab"), what="write CI files for this host, too")
    update: bool = flags.switch("--update", what="bring the CI files up to date, and keep edits of yours")
    no_check: bool = flags.switch("--no-check", what="ask no server")
    force: bool = flags.switch("--force", what="overwrite the schema and CI files that differ")


def run(options: InitOptions, screen: Screen) -> int:
    """Write the files, but none that differs unless `--force` says so, and say what is left to do by hand.

    Raises SettingsError: before anything is written for what fails, can't be read, or is a link.
    """
    import os

    from syncer import config
    from syncer.cli.shared import init_files, server_trust
    from syncer.cli.shared.init_questions import Given, decide, is_of_its_own
    from syncer.errors import SettingsError

    here = Path.cwd()
    given = Given(
        options.environment, options.api_url, options.workspace_id, options.ci, is_checked=not options.no_check
    )
    found = config.find(here)
    settings = config.load(here)
    if found is not None and found.parent != here and is_of_its_own(given, settings):
        found, settings = None, config.Settings(here)
    # Hosts look for their files at the top of the repository.
    top = config.repository(settings.root) or settings.root
    host = init_files.guess_host(top)
    if options.update and not options.ci:
        given = replace(given, ci=host)
        if not host:
            raise SettingsError("it isn't clear which host's CI files to update", "say --ci github or --ci gitlab")
    start = decide(given, screen, settings, found, host)
    is_empty = init_files.is_empty_of_models(settings)
    facts = init_files.facts_of(settings, top, start)
    files = list(init_files.files_of(settings, top, start, facts, is_empty=is_empty))
    if found is not None:
        screen.show(f"Settings: {found.relative_to(top) if found.is_relative_to(top) else found}")
    for file in files:
        screen.show(init_files.settled(file, force=options.force, update=options.update))
    if start.environment is not None:
        server_trust.remember(settings.root, start.environment, os.environ, screen)
    first = map(screen.style.commands.completed, init_files.first_steps(settings, start, found, is_empty=is_empty))
    steps = [*first, *init_files.ci_steps(top, start, facts)]
    screen.show(f"\nWhat is left to do:\n\n{init_files.numbered(steps)}" if steps else "\nNothing is left to do.")
    return 0


COMMAND = Command(
    "init",
    Words(
        "Make a folder ready: settings, schema, editor, what git ignores, and CI if you want it.",
        "On a terminal it asks for what no flag, variable or settings file says, and checks the API's address, the "
        "credentials and the workspace as it goes. A file that stands there already with another content is left "
        "alone, unless --force says otherwise; settings are never overwritten, nor is anything before the last answer. "
        "With --env and a name that the settings don't have, their file gets a table for it.",
        "syncer init\nsyncer init --api-url https://api.squared.ai --workspace-id 2 --ci github\n"
        "syncer init --env staging --api-url https://staging.example.com --workspace-id 5\n"
        "syncer init --ci github --update\n"
        "syncer init --env sandbox",
    ),
    InitOptions,
    run,
)
