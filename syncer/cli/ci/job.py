"""What the sub-commands of `ci` share: the job's host, its run, the event's base commit, and its folder."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config
from syncer.cli.ci import former_settings
from syncer.cli.shared.committed_settings import settings_at, settings_in
from syncer.cli.shared.file_checks import placed
from syncer.cli.shared.flags import percent
from syncer.cli.shared.groups import ALLOWED, ON_DRIFT
from syncer.cli.shared.output_files import folder_in_repository
from syncer.cli.shared.run import run_of
from syncer.cli.shared.secrets import secrets
from syncer.desired import git
from syncer.errors import SettingsError, SyncerError
from syncer.model import SANDBOX
from syncer.render.annotations import render_problems as render_annotations
from syncer.render.links import Links, path_url
from syncer.review import hosts
from syncer.review.marker import Kind, Marker
from syncer.review.posting import Place, Posted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.cli.shared.groups import Guards
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.model import Problem
    from syncer.review.host import Context, Host

SUMMARY: Final = 1_000_000
"""A job's summary may have 1 MiB a step; what is larger isn't shown at all."""


def host_of(screen: Screen) -> Host:
    """The host that this job runs on. Raises SettingsError where this is no job."""
    config.check_way(os.environ)
    host = hosts.detect(os.environ, scrubber=screen.scrubber)
    if host is None:
        message = "this is not a CI job: neither GITHUB_ACTIONS nor GITLAB_CI is `true`"
        raise SettingsError(message, "on your own machine run `syncer plan`, or `syncer plan --markdown plan.md`")
    return host


def run_of_job(environment: str, guards: Guards | None = None, *, named: str = "") -> Run:
    """The run of a job: neither the settings nor a plan file choose the target, and neither chooses the sandbox.

    Raises SettingsError, InputError.
    """
    config.require_target(environment, os.environ)
    named = os.environ.get("SYNCER_ENV") or (named if named != SANDBOX else "")
    return run_of(environment, guards, named=named, requires_secrets=True)


def with_variables(guards: Guards) -> Guards:
    """The guards with what variables lift where no flag says it: they come from a run that is started by hand.

    Raises SettingsError.
    """
    allow = [word for word in re.split(r"[,\s]+", os.environ.get("SYNCER_ALLOW", "")) if word]
    on_drift, most = (os.environ.get(f"SYNCER_{name}", "").strip() for name in ("ON_DRIFT", "MAX_CHANGE_PERCENT"))
    for name, words, known in (("ALLOW", allow, ALLOWED), ("ON_DRIFT", [on_drift] if on_drift else [], ON_DRIFT)):
        if not {*words} <= {*known}:
            raise SettingsError(f"SYNCER_{name} has an unknown value", f"it knows {', '.join(known)}")
    share = guards.max_change_percent
    if most and share is None:
        try:
            share = percent(most)
        except argparse.ArgumentTypeError as error:
            raise SettingsError(f"SYNCER_MAX_CHANGE_PERCENT {error}", "such as 50") from None
    return replace(
        guards, allow=guards.allow or tuple(allow), on_drift=guards.on_drift or on_drift, max_change_percent=share
    )


def annotate(screen: Screen, problems: Sequence[Problem]) -> None:
    """Show problems beside the lines that they're about, where the host can."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and problems and not screen.json:
        found = config.find(Path.cwd())
        named = placed(problems, found.parent if found else Path.cwd())
        screen.show(render_annotations(named, screen.style.commands))


def mask(screen: Screen, host: Host) -> None:
    """Have the log hide every secret, before anything else is printed."""
    hidden = [] if screen.json else [str(secret.reveal()) for secret in secrets(os.environ)]
    for line in host.mask_lines(hidden):
        screen.show(line)


def place() -> Place:
    """Where this job works. The job's folder decides, also where a change adds settings or removes them."""
    folder, here = folder_in_repository(), Path.cwd()
    try:
        return Place(folder, inherits=bool(folder) and config.find(config.repository(here) or here) is None)
    except SettingsError:
        return Place(folder)


def base_commit(context: Context) -> str:
    """The commit before this event; empty where there is no before. Raises SettingsError."""
    here = Path.cwd()
    if context.event in {"change", "queue"}:
        return git.base_of_change(here, context.head_sha, context.base_sha)
    if context.event == "push" and git.holds(here, context.base_sha):
        return git.commit_of(here, context.base_sha)
    # A first push, or a forced one: what was applied before is no ancestor of what is there now.
    return ""


def links(context: Context, environment: str, commit: str) -> Links:
    """Where the names and ids of a text about a commit lead. Raises SettingsError.

    A change must not choose where its reviewers are sent, so the UI's address is a variable's, else the one of the
    settings at the base. Nothing that a stranger caused leads to the UI.
    """
    files = path_url(context.files_url, _settings_folder()) if context.files_url and commit == context.head_sha else ""
    return Links(files, "" if context.is_untrusted or context.event == "follow-up" else _ui_url(context, environment))


def _settings_folder() -> str:
    """Where the settings stand, from the repository's top: the paths of files begin there, wherever a job works."""
    here = Path.cwd()
    found = config.find(here)
    root = found.parent if found else here
    folder = root.relative_to(config.repository(root) or root).as_posix()
    return "" if folder == "." else folder


def _ui_url(context: Context, environment: str) -> str:
    said = os.environ.get("SYNCER_UI_URL", "").strip()
    if said and (wrong := config.why_no_ui(said)):
        raise SettingsError(f"SYNCER_UI_URL {wrong[0]}", wrong[1])
    if said:
        return said
    reviewed = None
    with suppress(SyncerError):
        commit = base_commit(context)
        # A timer runs on what was merged.
        is_merged = context.event == "schedule"
        reviewed = settings_at(Path.cwd(), commit) if commit else settings_in(Path.cwd()) if is_merged else None
    own = reviewed and reviewed.settings.environments.get(environment)
    return own.ui_url if own else ""


def environment_of(flag: str, context: Context) -> str:
    """The environment's name as the plan would have found it, so that the failure stands in the same comment."""
    base = ""
    with suppress(SyncerError):
        base = base_commit(context)
    return former_settings.environment(flag, base)


def marker(kind: Kind, environment: str, context: Context, digest: str) -> Marker:
    """The first line of a comment or an issue of this folder. Raises SettingsError for a name that is too long."""
    try:
        return Marker(kind, environment, context.head_sha, digest, context.run, folder_in_repository())
    except ValueError:
        message = f"no comment can be kept for the environment {environment[:100]!r} of this folder"
        raise SettingsError(message, "give it, or the folder, a shorter name") from None


def say(screen: Screen, what: str, posted: Posted) -> None:
    """Say what became of a comment or an issue."""
    if posted is Posted.DENIED:
        screen.show(f"The token may not write the {what}: give the job that permission.")
    else:
        screen.show(f"The {what}: {posted.value}.")
