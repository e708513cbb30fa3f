"""`syncer doctor`: every layer between here and the models, and the name of the one that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.cli.shared import flags
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncer.cli.shared.screen import Screen
    from syncer.render.terminal.doctor import Check


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What `syncer doctor` is asked for."""

    environment: str = flags.environment()
    ci: bool = flags.switch("--ci", what="look at the CI files and the settings of their host instead")
    json: str = flags.json_lines()


def run(options: DoctorOptions, screen: Screen) -> int:
    """Look at every layer, say how each is, and which one fails."""
    from syncer.cli.shared.screen import now
    from syncer.render import json_lines
    from syncer.render.terminal.doctor import State, render_verdict

    name, looked_at = _ci_checks(options, screen) if options.ci else _checks(options.environment, screen)
    checks: list[Check] = []
    for check in looked_at:
        checks.append(check)
        screen.check(check)
    screen.result(
        lambda: [json_lines.verdict_line(checks, name, now)], lambda: f"\n{render_verdict(checks, name, screen.style)}"
    )
    return int(any(check.state is State.FAILED for check in checks))


def _checks(environment: str, screen: Screen) -> tuple[str, Iterable[Check]]:
    """The environment, and its checks in their order."""
    from syncer.cli.shared import doctor_checks, server_trust
    from syncer.cli.shared.network_checks import skipped
    from syncer.cli.shared.run import run_of
    from syncer.errors import SyncerError
    from syncer.render.terminal.doctor import LAYERS

    try:
        subject = run_of(environment, desk=screen)
        server_trust.admit(subject, screen)
    except SyncerError as error:
        return "", (doctor_checks.unsettled(error), *map(skipped, LAYERS[1:]))
    return subject.environment.name, doctor_checks.checks(subject, screen)


def _ci_checks(options: DoctorOptions, screen: Screen) -> tuple[str, Iterable[Check]]:
    """The checks of the host that runs the CI files, which are about every environment."""
    import os
    from pathlib import Path

    from syncer import config
    from syncer.cli.shared import ci_checks, doctor_checks
    from syncer.errors import SettingsError, SyncerError

    try:
        if options.environment:
            raise SettingsError("--ci looks at every environment", "leave --env out")
        settings = config.load(Path.cwd())
    except SyncerError as error:
        return "", (doctor_checks.unsettled(error),)
    return "", ci_checks.checks(settings, os.environ, screen.scrubber)


COMMAND = Command(
    "doctor",
    Words(
        "Check every layer between here and the models, and name the one that fails.",
        "Settings, DNS, connection, TLS, host, credentials, token, workspace, role, what can be read, rate limit, "
        "files, secrets, git. It only reads, and logs in once at most. Exit code 1 if a layer fails. "
        "With --ci it looks at the CI files instead, and at what GitHub (GH_TOKEN or GITHUB_TOKEN) or GitLab "
        "(GITLAB_TOKEN or SYNCER_GITLAB_TOKEN) has set for them: names of variables and secrets, environments, "
        "branches. It lists what is left to look at by hand, and asks no server for models.",
        "syncer doctor\nsyncer doctor --env prod --debug\nsyncer doctor --ci",
    ),
    DoctorOptions,
    run,
)
