"""Make a pull request's comment from the job's plan file, or plan a fork's change here; and post it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import workflow
from syncer.cli.ci import former_settings, job
from syncer.cli.shared import planning
from syncer.cli.shared.base import base_at
from syncer.cli.shared.output_files import folder_in_repository, refuse_secrets
from syncer.cli.shared.run import read_files
from syncer.desired import git
from syncer.errors import HostError, InputError, SettingsError, SyncerError
from syncer.plan.planfile import PlanFileError
from syncer.plan.planner import LOOSENED, Plan, Planned
from syncer.plan.saved_plan import DRIFT_REPORT
from syncer.render import markdown
from syncer.render.escaping import code
from syncer.render.text import runner_safe
from syncer.review import digest_status, posting
from syncer.review.marker import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.cli.shared.groups import View
    from syncer.cli.shared.screen import Screen
    from syncer.review.host import Host

_IS_STEERED: Final = "this was planned with the default branch's settings, so it doesn't say what these would do"


@dataclass(frozen=True, slots=True)
class Request:
    """Which comment is wanted: of the plan in `file`, `when` at all; a dry one is printed."""

    file: str
    environment: str
    comment_when: str
    view: View
    is_dry: bool

    @property
    def file_name(self) -> str:
        """The plan file, as it's called where no word says it."""
        return self.file or "plan.json"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the job's plan file says, and what is to be said of it; `planned` is None if there is no usable file."""

    planned: Planned | None
    environment: str
    render: Callable[[int], str]
    code: int = 0
    """1 if there should be a plan and is none: its file can't be used, or none could be made here."""

    @property
    def is_failed(self) -> bool:
        """Whether there is no whole plan."""
        return self.planned is None or bool(self.planned.problems)

    @property
    def count(self) -> int:
        """How many models would change."""
        return len(self.planned.plan.changes) if self.planned is not None else 0

    @property
    def digest(self) -> str:
        """The digest of a whole plan; what was planned from files alone can't be what was reviewed, and has none."""
        has_one = self.planned is not None and not self.is_failed and not self.planned.is_offline
        return self.planned.plan.digest if self.planned is not None and has_one else ""

    @property
    def is_notable(self) -> bool:
        """Whether settings are altered, a guard loosened or a definition removed: told even if no model changes."""
        planned = self.planned
        rules = {one.rule for one in planned.warnings} if planned is not None else set()
        return planned is not None and (bool(planned.removed) or not rules.isdisjoint({former_settings.RULE, LOOSENED}))

    @property
    def outputs(self) -> dict[str, str]:
        """What later steps may know: enums, numbers and hex alone."""
        return {
            "has_changes": "true" if self.count and not self.is_failed else "false",
            "to_change": str(self.count),
            "digest": self.digest,
            "exit_code": str(1 if self.planned is None else self.planned.code),
        }


def _told(request: Request, screen: Screen, host: Host) -> _Told | None:
    """What there is to tell; None of a follow-up whose pull request has moved on, or is closed."""
    context, folder = host.context, folder_in_repository()
    try:
        planned = _followed(request, screen, host) if context.event == "follow-up" else _read(request.file_name)
    except HostError:
        raise
    except SyncerError as error:
        screen.fail(error)
        environment = job.environment_of(request.environment, context)
        is_lost = context.event == "follow-up" or os.path.lexists(request.file_name)
        return _Told(
            None,
            environment,
            lambda _: markdown.render_missing(environment, run_url=context.run_url, folder=folder),
            int(is_lost),
        )
    if planned is None:
        return None
    # What a host checks out for a pull request is a merge that nobody pushed: people know the branch's own head.
    named = replace(planned, commit=context.head_sha or planned.commit)
    render = cache(
        partial(
            markdown.render_plan,
            named,
            run_url=context.run_url,
            folder=folder,
            lifting=host.lifting,
            links=job.links(context, planned.plan.target.environment, named.commit),
        )
    )

    return _Told(planned, planned.plan.target.environment, lambda budget: render(budget=budget))


def _read(file: str) -> Planned:
    """The job's plan. Raises PlanFileError; also for a plan of another commit, that an earlier run left lying there."""
    planned = planning.load_plan_file(file)
    if planned.is_drift:
        message = f"{file} {DRIFT_REPORT}"
        raise PlanFileError(message, "let `syncer ci plan` make the plan file")
    here = git.checked_out(Path.cwd())
    if here and here != planned.commit.removesuffix("-dirty"):
        message = f"the plan file is of commit {planned.made_of or 'nobody knows'}, but {here[:12]} is checked out"
        raise PlanFileError(message, "let `syncer ci plan --out plan.json` make it in the same job")
    return planned


def _followed(request: Request, screen: Screen, host: Host) -> Planned | None:
    """The plan of the pull request that a stranger's run was about, made here; None if its head is another by now.

    Settings are those that are checked out, the default branch's; nothing of the change is checked out or run. What is
    wrong with its files is part of the plan. Raises SyncerError for what is wrong with this run.
    """
    source = host.source_of_run()
    if source is None:
        return None
    if request.file:
        message = "a run that follows another one takes no plan file: it plans the change itself"
        raise SettingsError(message, "say `syncer ci comment`")
    settled = job.run_of_job(request.environment)
    head = host.context.head_sha
    base = git.fetch_change(Path.cwd(), source, head)
    if not base:
        return None
    try:
        known = former_settings.compared(base, head)
        with git.files_at(settled.settings.root, head, settled.settings.models, keeps_large=True) as folder:
            files = read_files(settled, folder)
        before = base_at(settled, base, settled.settings.models, is_checked_out=False)
        planned = workflow.plan_offline(files.documents, before, settled.target, settled.limits)
        planned = planning.with_warnings(planned, files)
        planned = replace(planned, warnings=(*former_settings.warnings(known, _IS_STEERED), *planned.warnings))
    except InputError as error:
        screen.problems(error.problems)
        return Planned(Plan(settled.target, ()), problems=error.problems, is_offline=True)
    planning.show(request.view, screen, planned)
    return planned


def comment(request: Request, screen: Screen) -> int:
    """Keep the comment, and what the job shows beside it; the exit code."""
    host = job.host_of(screen)
    context = host.context
    if context.is_untrusted and context.event == "change":
        screen.show("No comment from here: a stranger's run may not write one. On GitHub the follow-up run does.")
        return 0
    told = _told(request, screen, host)
    if told is None:
        screen.show("No comment: the pull request is closed, or has moved on to a commit whose own run tells of it.")
        return 0
    is_stranger = context.event == "follow-up"
    marker = job.marker(Kind.PLAN, told.environment, context, told.digest)
    summary = told.render(job.SUMMARY)
    refuse_secrets(summary, "the comment")
    if request.is_dry:
        screen.show(runner_safe(f"{marker.line()}\n{told.render(host.max_bytes)}"))
        return told.code
    host.set_outputs(told.outputs)
    if told.digest:
        _vouch(screen, host, told)
    if told.planned is not None and not is_stranger:
        job.annotate(screen, (*told.planned.problems, *told.planned.refusals, *told.planned.warnings))
    review = _review(host, told) if context.event == "push" else ""
    host.add_summary("\n\n".join(filter(None, [summary, review])))
    number = host.pull_request_of_run() if is_stranger else context.number
    if number is None or request.comment_when == "never":
        if context.event != "push":
            screen.show(_nowhere(request.comment_when))
        return told.code
    create = request.comment_when == "always" or told.is_failed or told.count > 0 or told.is_notable
    inherits = job.place().inherits
    posted = posting.keep_comment(host, number, marker, told.render, create=create, inherits=inherits)
    job.say(screen, f"comment on #{number}", posted)
    return told.code


def _vouch(screen: Screen, host: Host, told: _Told) -> None:
    """Tell the apply the digest, by another way than the plan file. Without that it plans again, so this may fail."""
    try:
        if digest_status.publish_digest(host, told.environment, told.digest, folder_in_repository()):
            screen.show("A status of the commit has the plan's digest.")
    except HostError as error:
        why = "; ".join(filter(None, (error.what, error.hint)))
        screen.note(runner_safe(f"No status of the commit has the plan's digest, so the apply will plan again: {why}."))


def _nowhere(when: str) -> str:
    if when == "never":
        return "No comment: that is what --comment-when never says."
    return "No pull request to comment on."


def _review(host: Host, told: _Told) -> str:
    """Whether this is the plan that its pull request showed."""
    try:
        for number in host.pull_requests_of(host.context.head_sha):
            found = posting.find_comment(host, number, Kind.PLAN, told.environment, job.place())
            if found is not None:
                same = bool(told.digest) and found[1].digest == told.digest
                host.set_outputs({"reviewed": "true" if same else "false"})
                if same:
                    return f"As reviewed in #{number}: the same digest."
                moved = "live models or files changed since. Read it again."
                return f"> [!WARNING]\n> **Not what was reviewed in #{number}**: {moved}"
    except HostError as error:
        # A comparison that tells more, and decides nothing: the plan stands without it.
        host.set_outputs({"reviewed": "false"})
        return f"Whether this was reviewed could not be found out: {code(error.what)}"
    host.set_outputs({"reviewed": "false"})
    return "No reviewed plan was found for this commit."
