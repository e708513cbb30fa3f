"""`syncer plan` and `syncer apply`: edges are opened, handed to the workflow, and what comes back is printed."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, loader, policy, workflow
from syncer.cli.progress import Interrupt, progress
from syncer.cli.screen import Screen, now
from syncer.cli.validating import check
from syncer.errors import InputError, RefusedError
from syncer.model import SANDBOX, Credentials, Secret
from syncer.policy import Limits
from syncer.render import machine, terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from syncer.client import Api
    from syncer.model import Document, Problem
    from syncer.workflow import Planned

_INSIDE: Final = "http://localhost/api/v1"
"""The address by which the embedded server is asked; nothing listens there."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What plan and apply share: where, what git says, and what validation warned of."""

    settings: config.Settings
    environment: config.Environment
    documents: Sequence[Document]
    warnings: tuple[Problem, ...]
    variables: Mapping[str, str]
    limits: Limits

    def lookup(self, variable: str) -> Secret | None:
        """A secret that a file names; in the sandbox a made-up one, because what it's sent stands in its state file."""
        if self.environment.name == SANDBOX:
            return Secret(f"sandbox-{variable}", variable)
        return config.secret(variable, self.variables)


def _prepare(flags: argparse.Namespace, screen: Screen) -> _Run:
    """Settings, files and checks. Raises InputError with every problem, SettingsError."""
    settings = config.load(Path.cwd())
    environment = config.environment(settings, flags.env, os.environ)
    loaded = loader.load(settings.root, settings.models)
    # The sandbox and an environment made of variables have no table: they are checked because they are meant.
    found = check(loaded, {*settings.environments, environment.name})
    if any(problem.is_error for problem in found):
        raise InputError(found)
    if config.is_in_clear(environment.api_url):
        screen.note(f"Warning: {environment.api_url} is plain http: the token can be read on the way.")
    percent = getattr(flags, "max_change_percent", None)
    numbers = environment.numbers
    limits = Limits(numbers.max_change_percent if percent is None else percent, numbers.max_change_floor)
    return _Run(settings, environment, loaded.documents, found, os.environ, limits)


@contextmanager
def _connected(run: _Run, screen: Screen) -> Iterator[Api]:
    """The API of the run's environment: over the network, or the embedded sandbox."""
    import httpx  # noqa: PLC0415 - slow, and only here

    from syncer import client  # noqa: PLC0415

    numbers = run.environment.numbers
    options = client.Options(
        numbers.requests_per_minute, numbers.connect_seconds, numbers.read_seconds, numbers.retry_seconds
    )
    target = config.target(run.environment)
    with ExitStack() as stack:
        if run.environment.name == SANDBOX:
            from syncer.cli.boxed import sandbox_at  # noqa: PLC0415 - SQLite, for this environment alone

            box = stack.enter_context(sandbox_at(run.settings.root))
            target, credentials = replace(target, url=_INSIDE), Credentials(Secret("sandbox"))
            transport = httpx.WSGITransport(app=box.wsgi)
        else:
            credentials, transport = config.credentials(run.variables), None
        session = stack.enter_context(client.Session(target, credentials, screen.tell, options, transport=transport))
        session.hide(lambda: config.secrets(run.variables))
        yield client.Api(session)


def _planned(flags: argparse.Namespace, screen: Screen, run: _Run, api: Api) -> Planned:
    """Refresh, plan, and show the plan."""
    target = config.target(run.environment)
    if not screen.json:
        screen.show(terminal.render_banner(flags.command, target))
        screen.show("Refreshing live state...\n")
    planned = workflow.plan(run.documents, api, target, run.lookup, run.limits, flags.target)
    changed = {change.desired.document.path for change in planned.plan.changes}
    warnings = (*planned.warnings, *(problem for problem in run.warnings if problem.origin.path in changed))
    if flags.command == "apply" and not flags.dry_run and not planned.problems:
        # What is refused a moment later is told there, once.
        refused = {(guard.rule, guard.message) for guard in policy.refusals(planned.plan, run.limits)}
        warnings = tuple(one for one in warnings if (one.rule, one.message) not in refused)
    if screen.json:
        screen.lines(machine.plan_lines(planned.plan, warnings, now))
    elif planned.problems and planned.plan.is_empty:
        # "No changes" would be a lie: nothing, or not all, could be compared.
        screen.problems(warnings)
    else:
        shown = terminal.render_plan(planned.plan, warnings, screen.style, verbose=flags.verbose, summary=flags.summary)
        screen.show(shown)
    if planned.problems:
        screen.problems(planned.problems)
    return planned


def plan(flags: argparse.Namespace, screen: Screen) -> int:
    """Show what an apply would change."""
    run = _prepare(flags, screen)
    with _connected(run, screen) as api:
        planned = _planned(flags, screen, run, api)
    if planned.problems:
        return 1
    return 2 if getattr(flags, "detailed_exitcode", False) and not planned.plan.is_empty else 0


def apply(flags: argparse.Namespace, screen: Screen) -> int:
    """Plan, show, ask, write, report."""
    if flags.dry_run:
        return plan(flags, screen)
    if not flags.auto_approve and (screen.json or not sys.stdin.isatty()):
        message = "there is no terminal to ask on, so nothing was read or written"
        raise RefusedError(message, "say --auto-approve if the plan needs no approval here")
    run = _prepare(flags, screen)
    with _connected(run, screen) as api:
        planned = _planned(flags, screen, run, api)
        workflow.refuse(planned, run.limits)
        if not planned.plan.is_empty and not flags.auto_approve and not _approved(screen, planned):
            raise RefusedError("Apply cancelled", "only `yes` approves; nothing was written")
        if not screen.json and not planned.plan.is_empty:
            screen.show("")
        with Interrupt(screen.note) as stop, progress(screen, len(planned.plan.changes)) as tell:
            report = workflow.apply(
                planned,
                api,
                tell,
                run.limits,
                parallelism=flags.parallelism or run.environment.numbers.parallelism,
                fail_fast=flags.fail_fast,
                stop=stop,
            )
    if screen.json:
        screen.lines(machine.report_lines(report, now))
    else:
        screen.show(f"\n{terminal.render_report(report, screen.style, excluded=planned.plan.excluded)}")
    return 0 if report.is_ok else 1


def _approved(screen: Screen, planned: Planned) -> bool:
    screen.out.write(f"\n{terminal.render_prompt(planned.plan.target, len(planned.plan.changes))}")
    screen.out.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        screen.show("")
    return answer.strip() == "yes"
