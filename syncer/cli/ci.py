"""`syncer ci`: a CI job's part. What the host's event says becomes a plan's base, a comment, a refusal, an issue.

plan      the base is the event's: what a pull request goes onto, what a push replaced; a stranger's run only validates
comment   one comment a pull request and environment; summary, outputs and annotations of every run; what follows a
          stranger's run plans the change itself, from git's objects
apply     a saved plan, while its commit is still its branch's head; its digest comes another way, or it's planned again
drift     one issue an environment, closed when nothing differs
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, workflow
from syncer.cli import apply, steering, validate
from syncer.cli.arguments import ALLOWED, ON_DRIFT, percent
from syncer.cli.shared import planning, running
from syncer.cli.shared.outputs import Outputs, below_top, refuse_secrets
from syncer.desired import git, loader
from syncer.errors import HostError, InputError, RefusedError, SettingsError, SyncerError
from syncer.model import NOWHERE, Problem, Severity
from syncer.plan.planfile import PlanFileError
from syncer.plan.planner import LOOSENED, Plan, Planned
from syncer.render import markdown
from syncer.render.annotations import render_problems as render_annotations
from syncer.render.escaping import code
from syncer.render.text import runner_safe
from syncer.render.totals import report_verdict
from syncer.review import digest_status, hosts, posting
from syncer.review.marker import Kind, Marker
from syncer.review.posting import Place, Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncer.cli.shared.screen import Screen
    from syncer.model import Target
    from syncer.review.host import Context, Host

_STEERS: Final = "they say where models lie, what belongs to which environment and how much may change: read them, too"
_IS_STEERED: Final = "this was planned with the default branch's settings, so it doesn't say what these would do"

_LONGEST_LINK: Final = 250
"""A link that is longer is left out of the line below a comment."""

_SUMMARY: Final = 1_000_000
"""A job's summary may have 1 MiB a step; what is larger isn't shown at all."""

_ONLY: Final = {
    "file": ("comment", "apply"),
    "expect_digest": ("apply",),
    "on_drift": ("plan", "apply"),
    "allow": ("plan", "apply"),
    "parallelism": ("apply",),
    "fail_fast": ("apply",),
    "commit": ("drift",),
    "dry_run": ("comment", "drift"),
    "target": ("plan",),
    "max_change_percent": ("plan", "apply"),
    "json": ("plan", "drift"),
    "out": ("plan", "drift"),
    "markdown": ("plan", "drift"),
    "html": ("plan",),
    "detailed_exitcode": ("plan", "drift"),
}
"""Which flag is whose; what isn't obeyed is refused."""


def run(flags: argparse.Namespace, screen: Screen) -> int:
    """Do one part."""
    config.check_way(os.environ)
    host = hosts.detect(os.environ, scrubber=screen.scrubber)
    if host is None:
        message = "this is no CI job: neither GITHUB_ACTIONS nor GITLAB_CI is `true`"
        raise SettingsError(message, "at the desk say `syncer plan`, or `syncer plan --markdown plan.md`")
    for name, parts in _ONLY.items():
        if getattr(flags, name) not in (None, "", "HEAD", False, "-", []) and flags.action not in parts:
            shown = "PLANFILE" if name == "file" else f"--{name.replace('_', '-')}"
            message = f"ci {flags.action} takes no {shown}: that is for ci {' and ci '.join(parts)}"
            raise SettingsError(message, "see `syncer ci --help`")
    part = {"plan": _plan, "comment": _comment, "apply": _apply, "drift": _drift}[flags.action]
    return part(flags, screen, host)


def _lift(flags: argparse.Namespace) -> None:
    """Take what lifts a guard from variables, where no flag says it: they come from a run that is started by hand."""
    allow = [word for word in re.split(r"[,\s]+", os.environ.get("SYNCER_ALLOW", "")) if word]
    on_drift, most = (os.environ.get(f"SYNCER_{name}", "").strip() for name in ("ON_DRIFT", "MAX_CHANGE_PERCENT"))
    for name, words, known in (("ALLOW", allow, ALLOWED), ("ON_DRIFT", [on_drift] if on_drift else [], ON_DRIFT)):
        if not {*words} <= {*known}:
            raise SettingsError(f"SYNCER_{name} holds a word that it doesn't know", f"it knows {', '.join(known)}")
    flags.allow = flags.allow or allow
    flags.on_drift = flags.on_drift or on_drift
    if most and flags.max_change_percent is None:
        try:
            flags.max_change_percent = percent(most)
        except argparse.ArgumentTypeError as error:
            raise SettingsError(f"SYNCER_MAX_CHANGE_PERCENT {error}", "such as 50") from None


# -- plan ----------------------------------------------------------------------------------------------------------


def _plan(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    context = host.context
    if context.event == "follow-up":
        message = "a run that follows another one has nothing checked out that could be planned"
        raise SettingsError(message, "say `syncer ci comment`: it plans the pull request's change, and comments")
    _mask(screen, host)
    outputs = Outputs.of(flags)
    if context.is_untrusted and context.event == "change":
        return _validated(screen)
    name = _environment(flags, context)
    with outputs.kept_on_failure(steering.aimed(flags, name)):
        if context.is_untrusted:
            message = "this run has no secrets (Dependabot caused it), so nothing can be planned or applied from it"
            raise SettingsError(message, "let somebody of the team run it again")
        _lift(flags)
        settled = running.settle(flags)
        steering.refuse_other(settled, name)
        commit = _base_commit(context)
        known = steering.former(commit) if commit else steering.Former()
        base = running.base_at(settled, commit) if commit else None
        warnings = (*steering.told(known, _STEERS), *_without(base, context))
        screen.problems(warnings)
        planned = planning.online(flags, screen, settled, base)
        planned = replace(planned, commit=running.head(settled), warnings=(*warnings, *planned.warnings))
    return planning.finish(flags, screen, outputs, planned)


def _validated(screen: Screen) -> int:
    """A stranger's run only checks the files: nothing that it says is shown under another name than its own."""
    try:
        settings = config.load(Path.cwd())
        found = validate.check(loader.load(settings.root, settings.models), settings.environments)
    except InputError as error:
        found = error.problems
    _annotate(screen, found)
    screen.problems(found)
    is_wrong = any(problem.is_error for problem in found)
    if not screen.json:
        verdict = "There are errors." if is_wrong else "There are no errors."
        screen.show(f"The files were checked, and nothing was planned: this run has no secrets. {verdict}")
    return 1 if is_wrong else 0


def _annotate(screen: Screen, problems: Sequence[Problem]) -> None:
    """Show problems beside the lines that they're about, where the host can."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and problems and not screen.json:
        found = config.find(Path.cwd())
        named = validate.placed(problems, found.parent if found else Path.cwd())
        screen.show(render_annotations(named, screen.style.commands))


def _mask(screen: Screen, host: Host) -> None:
    """Have the log hide every secret, before anything else is printed."""
    hidden = [] if screen.json else [str(secret.reveal()) for secret in running.secrets(os.environ)]
    for line in host.mask_lines(hidden):
        screen.show(line)


def _place() -> Place:
    """Where this job works. The job's folder decides, also where a change adds settings or removes them."""
    folder, here = below_top(), Path.cwd()
    try:
        return Place(folder, inherits=bool(folder) and config.find(config.repository(here) or here) is None)
    except SettingsError:
        return Place(folder)


def _base_commit(context: Context) -> str:
    """The commit before this event; empty where there is no before. Raises SettingsError."""
    here = Path.cwd()
    if context.event in {"change", "queue"}:
        return git.base_of_change(here, context.head_sha, context.base_sha)
    if context.event == "push" and git.holds(here, context.base_sha):
        return git.commit_of(here, context.base_sha)
    # A first push, or a forced one: what was applied before is no ancestor of what is there now.
    return ""


def _without(base: workflow.Base | None, context: Context) -> tuple[Problem, ...]:
    """What a plan can't know that has no base, though its apply comes next."""
    if base is not None or context.event not in {"push", "manual"}:
        return ()
    message = "planned without a base: an edit made outside git can't be told from a change, and would be overwritten"
    hint = (
        "run by hand, or after a forced push, there is no commit before; read the diffs as if nobody had reviewed them"
    )
    return (Problem(NOWHERE, "no-base", message, hint, Severity.WARNING),)


# -- comment -------------------------------------------------------------------------------------------------------


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
        return planned is not None and (bool(planned.removed) or not rules.isdisjoint({steering.RULE, LOOSENED}))

    @property
    def outputs(self) -> dict[str, str]:
        """What later steps may know: enums, numbers and hex alone."""
        return {
            "has_changes": "true" if self.count and not self.is_failed else "false",
            "to_change": str(self.count),
            "digest": self.digest,
            "exit_code": str(1 if self.planned is None else self.planned.code),
        }


def _told(flags: argparse.Namespace, screen: Screen, host: Host) -> _Told | None:
    """What there is to tell; None of a follow-up whose pull request has moved on, or is closed."""
    context, folder = host.context, below_top()
    try:
        planned = _followed(flags, screen, host) if context.event == "follow-up" else _read(flags)
    except HostError:
        raise
    except SyncerError as error:
        screen.fail(error)
        environment = _environment(flags, context)
        is_lost = context.event == "follow-up" or os.path.lexists(_file(flags))
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

    @cache
    def render(budget: int) -> str:
        return markdown.render_plan(named, run_url=context.run_url, budget=budget, folder=folder, lifting=host.lifting)

    return _Told(planned, planned.plan.target.environment, render)


def _file(flags: argparse.Namespace) -> str:
    return flags.file or "plan.json"


def _read(flags: argparse.Namespace) -> Planned:
    """The job's plan. Raises PlanFileError; also for a plan of another commit, that an earlier run left lying there."""
    planned = planning.saved(_file(flags))
    if planned.is_drift:
        message = f"{_file(flags)} says what was changed outside git (`syncer drift` made it), and is no plan"
        raise PlanFileError(message, "let `syncer ci plan` make the plan file")
    here = git.checked_out(Path.cwd())
    if here and here != planned.commit.removesuffix("-dirty"):
        message = f"the plan file is of commit {planned.made_of or 'nobody knows'}, but {here[:12]} is checked out"
        raise PlanFileError(message, "let `syncer ci plan --out plan.json` make it in the same job")
    return planned


def _followed(flags: argparse.Namespace, screen: Screen, host: Host) -> Planned | None:
    """The plan of the pull request that a stranger's run was about, made here; None if its head is another by now.

    Settings are those that are checked out, the default branch's; nothing of the change is checked out or run. What is
    wrong with its files is part of the plan. Raises SyncerError for what is wrong with this run.
    """
    source = host.source_of_run()
    if source is None:
        return None
    if flags.file:
        message = "a run that follows another one takes no plan file: it plans the change itself"
        raise SettingsError(message, "say `syncer ci comment`")
    settled = running.settle(flags)
    head = host.context.head_sha
    base = git.fetch_change(Path.cwd(), source, head)
    if not base:
        return None
    try:
        known = steering.former(base, head)
        with git.files_at(settled.settings.root, head, settled.settings.models, keeps_large=True) as folder:
            files = running.read(settled, folder)
        before = running.base_at(settled, base, settled.settings.models, is_checked_out=False)
        planned = workflow.plan_offline(files.documents, before, settled.target, settled.limits)
        planned = planning.with_warnings(planned, files)
        planned = replace(planned, warnings=(*steering.told(known, _IS_STEERED), *planned.warnings))
    except InputError as error:
        screen.problems(error.problems)
        return Planned(Plan(settled.target, ()), problems=error.problems, is_offline=True)
    planning.show(flags, screen, planned)
    return planned


def _environment(flags: argparse.Namespace, context: Context) -> str:
    """The environment's name as the plan would have found it, so that the failure stands in the same comment."""
    base = ""
    with suppress(SyncerError):
        base = _base_commit(context)
    return steering.environment(flags, base)


def _comment(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    context = host.context
    if context.is_untrusted and context.event == "change":
        screen.show("No comment from here: a stranger's run may not write one. On GitHub the follow-up run does.")
        return 0
    told = _told(flags, screen, host)
    if told is None:
        screen.show("No comment: the pull request is closed, or has moved on to a commit whose own run tells of it.")
        return 0
    is_stranger = context.event == "follow-up"
    marker = _marker(Kind.PLAN, told.environment, context, told.digest)
    summary = told.render(_SUMMARY)
    refuse_secrets(summary, "the comment")
    if flags.dry_run:
        screen.show(runner_safe(f"{marker.line()}\n{told.render(host.max_bytes)}"))
        return told.code
    host.set_outputs(told.outputs)
    if told.digest:
        _vouch(screen, host, told)
    if told.planned is not None and not is_stranger:
        _annotate(screen, (*told.planned.problems, *told.planned.refusals, *told.planned.warnings))
    review = _review(host, told) if context.event == "push" else ""
    host.add_summary("\n\n".join(filter(None, [summary, review])))
    number = host.pull_request_of_run() if is_stranger else context.number
    if number is None or flags.comment_when == "never":
        if context.event != "push":
            screen.show(_nowhere(flags.comment_when))
        return told.code
    create = flags.comment_when == "always" or told.is_failed or told.count > 0 or told.is_notable
    inherits = _place().inherits
    posted = posting.keep_comment(host, number, marker, told.render, create=create, inherits=inherits)
    _say(screen, f"comment on #{number}", posted)
    return told.code


def _vouch(screen: Screen, host: Host, told: _Told) -> None:
    """Tell the apply the digest, by another way than the plan file. Without that it plans again, so this may fail."""
    try:
        if digest_status.publish_digest(host, told.environment, told.digest, below_top()):
            screen.show("A status of the commit has the plan's digest.")
    except HostError as error:
        why = "; ".join(filter(None, (error.what, error.hint)))
        screen.note(runner_safe(f"No status of the commit has the plan's digest, so the apply will plan again: {why}."))


def _marker(kind: Kind, environment: str, context: Context, digest: str) -> Marker:
    try:
        return Marker(kind, environment, context.head_sha, digest, context.run, below_top())
    except ValueError:
        message = f"no comment can be kept for the environment {environment[:100]!r} of this folder"
        raise SettingsError(message, "give it, or the folder, a shorter name") from None


def _instance(target: Target) -> str:
    """The name of a target's issue. It depends on the address, so another target of the same name has another issue."""
    where = hashlib.sha256(f"{target.url} {target.workspace_id}".encode()).hexdigest()
    return f"{target.environment}@{where[:12]}"


def _nowhere(when: str) -> str:
    if when == "never":
        return "No comment: that is what --comment-when never says."
    return "No pull request to comment on."


def _say(screen: Screen, what: str, posted: Posted) -> None:
    if posted is Posted.DENIED:
        screen.show(f"The token may not write the {what}: give the job that permission.")
    else:
        screen.show(f"The {what}: {posted.value}.")


def _review(host: Host, told: _Told) -> str:
    """Whether this is the plan that its pull request showed."""
    try:
        for number in host.pull_requests_of(host.context.head_sha):
            found = posting.find_comment(host, number, Kind.PLAN, told.environment, _place())
            if found is not None:
                same = bool(told.digest) and found[1].digest == told.digest
                host.set_outputs({"reviewed": "true" if same else "false"})
                if same:
                    return f"As reviewed in #{number}: the same digest."
                return f"**Not what was reviewed in #{number}**: live models or files changed since. Read it again."
    except HostError as error:
        # A comparison that tells more, and decides nothing: the plan stands without it.
        host.set_outputs({"reviewed": "false"})
        return f"Whether this was reviewed could not be found out: {code(error.what)}"
    host.set_outputs({"reviewed": "false"})
    return "No reviewed plan was found for this commit."


# -- apply ---------------------------------------------------------------------------------------------------------


def _apply(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    if not flags.file:
        message = "which plan? ci apply applies a saved one alone"
        raise SettingsError(message, "say `syncer ci apply plan.json`, with --expect-digest where another job told it")
    _lift(flags)
    _mask(screen, host)
    context = host.context
    now = host.head_of(context.branch)
    if now != context.head_sha:
        note = f"Superseded: {context.branch} has moved on to {now[:12]}; its own run applies what is left."
        screen.show(runner_safe(note))
        host.add_summary(f"Superseded by `{now[:12]}`: nothing was applied.")
        return 0
    planned = planning.saved(flags.file)
    target = planned.plan.target
    link = f"[run]({context.run_url})" if 0 < len(context.run_url) < _LONGEST_LINK else "this run"
    try:
        # A plan file is never believed on its own: who can alter it can make its digest fit, too.
        digest = flags.expect_digest or digest_status.published_digest(host, target.environment, below_top())
        if digest:
            workflow.expect(planned, digest)
        _expect_commit(planned, now)
        if digest:
            report = apply.resumed(flags, screen, digest)
        else:
            screen.show("Nothing but the file itself says what was planned, so this plans again, and compares.\n")
            settled = running.settle(flags, target.environment)
            commit = _base_commit(context)
            base = running.base_at(settled, commit) if commit else None
            report = apply.planned_again(flags, screen, settled, base, planned)
    except SyncerError as error:
        problems = planning.problems_of(error)
        told = Planned(Plan(target, ()), problems=problems, commit=context.head_sha)
        text = markdown.render_refusal(told, run_url=context.run_url, budget=_SUMMARY, folder=below_top())
        _tell(screen, host, target.environment, f"Not applied: {link} says why.", text)
        raise
    text = markdown.render_report(report, target, run_url=context.run_url, budget=_SUMMARY, folder=below_top())
    _tell(screen, host, target.environment, f"{' '.join(report_verdict(report))} ({link})", text)
    return 0 if report.is_ok else 1


def _expect_commit(planned: Planned, head: str) -> None:
    """Raise RefusedError for a plan of another commit: it's an earlier run's, or of a work tree with edits."""
    if planned.commit != head:
        message = (
            f"the saved plan is of commit {planned.made_of or 'nobody knows'}, not of {head[:12]}; nothing was written"
        )
        raise RefusedError(message, "let `syncer ci plan --out plan.json` make it from a clean checkout of this commit")


def _tell(screen: Screen, host: Host, environment: str, line: str, text: str) -> None:
    """Tell summary and pull request what became of the plan; that they can't be told is no failure of the apply."""
    try:
        refuse_secrets(text, "the summary")
        host.add_summary(text)
        for number in host.pull_requests_of(host.context.head_sha):
            posted = posting.append_line(host, number, environment, line, _place())
            _say(screen, f"comment on #{number}", posted)
    except SyncerError as error:
        screen.note(runner_safe(f"Not everybody could be told: {error.what}"))


# -- drift ---------------------------------------------------------------------------------------------------------


def _drift(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    _mask(screen, host)
    outputs = Outputs.of(flags, drift=True)
    context = host.context
    settled: running.Run | None = None
    try:
        settled = running.settle(flags)
        with outputs.kept_on_failure(settled):
            planned = planning.drifted(flags, screen, settled)
        outputs.keep(planned)
    except SyncerError as error:
        if not flags.dry_run:
            with suppress(SyncerError):
                host.set_outputs({"has_drift": "unknown", "exit_code": "1"})
                if settled is not None:
                    failed = planning.failed(settled, error)
                    text = markdown.render_drift(failed, run_url=context.run_url, budget=_SUMMARY, folder=below_top())
                    refuse_secrets(text, "the summary")
                    host.add_summary(text)
        raise

    place = _place()

    def render(budget: int) -> str:
        return markdown.render_drift(planned, run_url=context.run_url, budget=budget, folder=place.folder)

    summary = render(_SUMMARY)
    refuse_secrets(summary, "the issue")
    word = ("false", "unknown", "true")[planned.code]
    if not flags.dry_run:
        host.set_outputs(
            {"has_drift": word, "to_change": str(len(planned.plan.changes)), "exit_code": str(planned.code)}
        )
        host.add_summary(summary)
        marker = _marker(
            Kind.DRIFT, _instance(settled.target), replace(context, head_sha=planned.commit), planned.plan.digest
        )
        where = f"{place.folder}, " if place.folder else ""
        title = f"syncer: {where}{settled.environment.name} differs from git"
        if not planned.problems:
            told = None if planned.plan.is_empty else render
            posted = posting.keep_issue(host, marker, title, told, inherits=place.inherits)
            _say(screen, "issue", posted)
    elif not planned.plan.is_empty:
        screen.show(runner_safe(render(host.max_bytes)))
    return planned.code if planned.code == 1 or flags.detailed_exitcode else 0
