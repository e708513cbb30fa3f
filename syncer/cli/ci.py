"""`syncer ci`: a CI job's part. What the host's event says becomes a plan's base, a comment, a refusal, an issue.

plan      the base is the event's: what a pull request goes onto, what a push replaced; from files alone without secrets
comment   one comment a pull request and environment; summary, outputs and annotations of every run
apply     a saved plan, while its commit is still its branch's head; its digest comes another way, or it's planned again
drift     one issue an environment, closed when nothing differs
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import baseline, config, hosts, planfile, posting, shipped, workflow
from syncer.cli import applying, planning, running
from syncer.cli.outputs import Outputs, refuse_secrets
from syncer.errors import HostError, RefusedError, SettingsError, SyncerError
from syncer.model import NOWHERE, Problem, Severity
from syncer.planfile import PlanFileError
from syncer.planner import Plan, Planned
from syncer.posting import Kind, Marker, Posted
from syncer.render import markdown
from syncer.render.annotations import render_problems as render_annotations
from syncer.render.inert import code
from syncer.render.text import defused
from syncer.render.totals import report_verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from syncer.cli.running import Run
    from syncer.cli.screen import Screen
    from syncer.posting import Context, Host

_ARTIFACT: Final = 5 * 1024 * 1024
"""How large a plan file may be that another run hands over: that run may be a stranger's."""

_LONGEST_LINK: Final = 250
"""A link that is longer is left out of the line below a comment."""

_SUMMARY: Final = 1_000_000
"""A job's summary may have 1 MiB a step; what is larger isn't shown at all."""


_ONLY: Final = {
    "file": ("comment", "apply"),
    "expect_digest": ("apply",),
    "on_drift": ("apply",),
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
    host = hosts.detect(os.environ)
    if host is None:
        message = "this is no CI job: neither GITHUB_ACTIONS nor GITLAB_CI is `true`"
        raise SettingsError(message, "at the desk say `syncer plan`, `apply`, `drift`, or `plan --markdown FILE`")
    for name, parts in _ONLY.items():
        if getattr(flags, name) not in (None, "", "HEAD", False, "-", []) and flags.action not in parts:
            shown = "PLANFILE" if name == "file" else f"--{name.replace('_', '-')}"
            message = f"ci {flags.action} takes no {shown}: that is for ci {' and ci '.join(parts)}"
            raise SettingsError(message, "see `syncer ci --help`")
    part = {"plan": _plan, "comment": _comment, "apply": _apply, "drift": _drift}[flags.action]
    return part(flags, screen, host)


# -- plan ----------------------------------------------------------------------------------------------------------


def _plan(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    _mask(screen, host)
    outputs = Outputs.of(flags)
    settled = running.settle(flags)
    context = host.context
    with outputs.kept_on_failure(settled):
        if context.is_untrusted and context.event != "change":
            message = "this run has no secrets (Dependabot caused it), so nothing can be planned or applied from it"
            raise SettingsError(message, "let somebody of the team run it again")
        base = _base(settled, context)
        if context.is_untrusted and base is not None:
            planned = _offline(flags, screen, settled, base)
        else:
            planned = planning.online(flags, screen, settled, base)
        planned = replace(planned, commit=running.head(settled), warnings=(*_without(base, context), *planned.warnings))
    return planning.finish(flags, screen, outputs, planned)


def _mask(screen: Screen, host: Host) -> None:
    """Have the log hide every secret, before anything else is printed."""
    for line in host.mask([str(secret.reveal()) for secret in running.secrets(os.environ)]) if not screen.json else ():
        screen.show(line)


def _base(settled: Run, context: Context) -> workflow.Base | None:
    """What git said before this event; None where there is no before."""
    root = settled.settings.root
    if context.event in {"change", "queue"}:
        commit = baseline.base_of_change(root, context.head_sha, context.base_sha)
    elif context.event == "push" and baseline.holds(root, context.base_sha):
        commit = baseline.commit_of(root, context.base_sha)
    else:
        # A first push, or a forced one: what was applied before is no ancestor of what is there now.
        return None
    return running.base_at(settled, commit)


def _without(base: workflow.Base | None, context: Context) -> tuple[Problem, ...]:
    """What a plan can't know that has no base, though its apply comes next."""
    if base is not None or context.event not in {"push", "manual"}:
        return ()
    message = "planned without a base: an edit made outside git can't be told from a change, and would be overwritten"
    hint = (
        "run by hand, or after a forced push, there is no commit before; read the diffs as if nobody had reviewed them"
    )
    return (Problem(NOWHERE, "no-base", message, hint, Severity.WARNING),)


def _offline(flags: argparse.Namespace, screen: Screen, settled: Run, base: workflow.Base) -> Planned:
    files = running.read(settled)
    planned = workflow.plan_offline(files.documents, base, settled.target, settled.limits, flags.target)
    planned = planning.with_warnings(planned, files)
    planning.show(flags, screen, planned)
    return planned


# -- comment -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """What the job's plan file says, and what is to be said of it; `planned` is None if there is no usable file."""

    planned: Planned | None
    environment: str
    render: Callable[[int], str]
    code: int = 0
    """1 if what stands in the file's place is no plan: what `syncer ci plan` has made is lost, however that ended."""

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
        """The digest of a whole plan."""
        return self.planned.plan.digest if self.planned is not None and not self.is_failed else ""

    @property
    def outputs(self) -> dict[str, str]:
        """What later steps may know: enums, numbers and hex alone."""
        return {
            "has_changes": "true" if self.count and not self.is_failed else "false",
            "to_change": str(self.count),
            "digest": self.digest,
            "exit_code": str(1 if self.planned is None else self.planned.code),
        }


def _told(flags: argparse.Namespace, screen: Screen, host: Host) -> _Told:
    context = host.context
    file = flags.file or "plan.json"
    is_strange = context.event == "follow-up"
    planned = None
    try:
        planned = planfile.read(
            Path(file), shipped.schema("plan"), most=_ARTIFACT if is_strange else planfile.MAX_BYTES
        )
        if not is_strange:
            _admit(planned)
    except PlanFileError as error:
        screen.fail(error)
        environment = _environment(flags)
        code = int(planned is None and not is_strange and os.path.lexists(file))
        return _Told(None, environment, lambda _: markdown.render_missing(environment, run_url=context.run_url), code)
    # What a host checks out for a pull request is a merge that nobody pushed: people know the branch's own head.
    # What a stranger's run handed over was made without access, whatever it says.
    commit = context.head_sha or planned.commit
    named = replace(planned, commit=commit, is_offline=planned.is_offline or is_strange)
    if is_strange:
        # What its changes feed can only be made up.
        named = replace(named, effects={})

    @cache
    def render(budget: int) -> str:
        return markdown.render_plan(named, run_url=context.run_url, budget=budget)

    return _Told(planned, planned.plan.target.environment, render)


def _admit(planned: Planned) -> None:
    """Raise PlanFileError for a plan of another commit: an earlier run's, which this run's failure left lying there."""
    here = baseline.checked_out(Path.cwd())
    made = planned.commit.removesuffix("-dirty")
    if here and made and here != made:
        message = f"the plan file is of commit {made[:12]}, but {here[:12]} is checked out"
        raise PlanFileError(message, "let `syncer ci plan` make it in the same job")


def _environment(flags: argparse.Namespace) -> str:
    """The environment's name as the plan would have found it, so that the failure stands in the same comment."""
    try:
        return config.environment_name(config.load(Path.cwd()), flags.env, os.environ)
    except SyncerError:
        return flags.env or os.environ.get("SYNCER_ENV") or "default"


def _comment(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    told = _told(flags, screen, host)
    context = host.context
    # A digest that a stranger's run gives proves nothing: only what was planned with access can be what was reviewed.
    is_strange = context.event == "follow-up"
    environment = _environment(flags) if is_strange else told.environment
    marker = _marker(Kind.PLAN, environment, context, "" if is_strange else told.digest)
    summary = told.render(_SUMMARY)
    refuse_secrets(summary, "the comment")
    if flags.dry_run:
        screen.show(defused(f"{marker.line()}\n{told.render(host.max_bytes)}"))
        return told.code
    host.outputs(told.outputs)
    if told.digest:
        _vouch(screen, host, told)
    if os.environ.get("GITHUB_ACTIONS") == "true" and told.planned is not None and not is_strange:
        annotations = render_annotations((*told.planned.problems, *told.planned.warnings))
        if annotations:
            screen.show(annotations)
    review = _review(host, told) if context.event == "push" else ""
    host.summary("\n\n".join(filter(None, [summary, review])))
    number = host.change_of_run() if context.event == "follow-up" else context.number
    if number is None or context.is_untrusted or flags.comment_when == "never":
        if context.event != "push":
            screen.show(_nowhere(context, flags.comment_when))
        return told.code
    create = flags.comment_when == "always" or told.is_failed or told.count > 0
    _say(screen, f"comment on #{number}", posting.keep_comment(host, number, marker, told.render, create=create))
    return told.code


def _vouch(screen: Screen, host: Host, told: _Told) -> None:
    """Have the apply know the digest past the plan file. Without that it plans again, so it's no failure."""
    try:
        if posting.vouch(host, told.environment, told.digest):
            screen.show("A status of the commit has the plan's digest.")
    except HostError as error:
        why = "; ".join(filter(None, (error.what, error.hint)))
        screen.note(defused(f"No status of the commit has the plan's digest, so the apply will plan again: {why}."))


def _marker(kind: Kind, environment: str, context: Context, digest: str) -> Marker:
    try:
        return Marker(kind, environment, context.head_sha, digest, context.run)
    except ValueError:
        message = f"no comment can be kept for the environment {environment[:100]!r}"
        raise SettingsError(message, "give it a shorter name") from None


def _nowhere(context: Context, when: str) -> str:
    if when == "never":
        return "No comment: that is what --comment-when never says."
    if context.is_untrusted:
        return "No comment from here: a stranger's run may not write one. On GitHub the follow-up run does."
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
            found = posting.find_comment(host, number, Kind.PLAN, told.environment)
            if found is not None:
                same = bool(told.digest) and found[1].digest == told.digest
                host.outputs({"reviewed": "true" if same else "false"})
                if same:
                    return f"As reviewed in #{number}: the same digest."
                return f"**Not what was reviewed in #{number}**: live models or files changed since. Read it again."
    except HostError as error:
        # A comparison that tells more, and decides nothing: the plan stands without it.
        host.outputs({"reviewed": "false"})
        return f"Whether this was reviewed could not be found out: {code(error.what)}"
    host.outputs({"reviewed": "false"})
    return "No reviewed plan was found for this commit."


# -- apply ---------------------------------------------------------------------------------------------------------


def _apply(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    if not flags.file:
        message = "which plan? `syncer ci apply` applies a saved one alone"
        raise SettingsError(message, "syncer ci apply plan.json --expect-digest HEX")
    _mask(screen, host)
    context = host.context
    now = host.head_of(context.branch)
    if now != context.head_sha:
        note = f"Superseded: {context.branch} has moved on to {now[:12]}; its own run applies what is left."
        screen.show(defused(note))
        host.summary(f"Superseded by `{now[:12]}`: nothing was applied.")
        return 0
    planned = planning.saved(flags.file)
    target = planned.plan.target
    link = f"[run]({context.run_url})" if 0 < len(context.run_url) < _LONGEST_LINK else "this run"
    try:
        # A plan file is never believed on its own: who can alter it can make its digest fit, too.
        digest = flags.expect_digest or posting.vouched(host, target.environment)
        if digest:
            workflow.expect(planned, digest)
        _expect_commit(planned, now)
        if digest:
            report = applying.resumed(flags, screen, digest)
        else:
            screen.show("Nothing but the file itself says what was planned, so this plans again, and compares.\n")
            settled = running.settle(flags, target.environment)
            report = applying.planned_again(flags, screen, settled, _base(settled, context), planned)
    except SyncerError as error:
        problems = planning.problems_of(error)
        told = Planned(Plan(target, ()), problems=problems, commit=context.head_sha)
        text = markdown.render_refusal(told, run_url=context.run_url, budget=_SUMMARY)
        _tell(screen, host, target.environment, f"Not applied: {link} says why.", text)
        raise
    text = markdown.render_report(report, target, run_url=context.run_url, budget=_SUMMARY)
    _tell(screen, host, target.environment, f"{' '.join(report_verdict(report))} ({link})", text)
    return 0 if report.is_ok else 1


def _expect_commit(planned: Planned, head: str) -> None:
    """Raise RefusedError for a plan of another commit: it's an earlier run's, or of a work tree with edits."""
    if planned.commit != head:
        message = (
            f"the saved plan is of commit {planned.made_of or 'nobody knows'}, not of {head[:12]}; nothing was written"
        )
        raise RefusedError(message, "let `syncer ci plan` make it from a clean checkout of this commit")


def _tell(screen: Screen, host: Host, environment: str, line: str, text: str = "") -> None:
    """Tell summary and pull request what became of the plan; that they can't be told is no failure of the apply."""
    try:
        if text:
            refuse_secrets(text, "the summary")
            host.summary(text)
        for number in host.pull_requests_of(host.context.head_sha):
            _say(screen, f"comment on #{number}", posting.append_line(host, number, environment, line))
    except SyncerError as error:
        screen.note(defused(f"Not everybody could be told: {error.what}"))


# -- drift ---------------------------------------------------------------------------------------------------------


def _drift(flags: argparse.Namespace, screen: Screen, host: Host) -> int:
    _mask(screen, host)
    outputs = Outputs.of(flags, drift=True)
    context = host.context
    try:
        settled = running.settle(flags)
    except SyncerError:
        if not flags.dry_run:
            with suppress(SyncerError):
                host.outputs({"has_drift": "unknown", "exit_code": "1"})
        raise
    try:
        with outputs.kept_on_failure(settled):
            planned = planning.drifted(flags, screen, settled)
        outputs.keep(planned)
    except SyncerError as error:
        if not flags.dry_run:
            text = markdown.render_drift(planning.failed(settled, error), run_url=context.run_url, budget=_SUMMARY)
            with suppress(SyncerError):
                refuse_secrets(text, "the summary")
                host.outputs({"has_drift": "unknown", "exit_code": "1"})
                host.summary(text)
        raise

    def render(budget: int) -> str:
        return markdown.render_drift(planned, run_url=context.run_url, budget=budget)

    summary = render(_SUMMARY)
    refuse_secrets(summary, "the issue")
    code = planned.code
    word = ("false", "unknown", "true")[code]
    if not flags.dry_run:
        host.outputs({"has_drift": word, "to_change": str(len(planned.plan.changes)), "exit_code": str(code)})
        host.summary(summary)
        environment = settled.environment.name
        marker = _marker(Kind.DRIFT, environment, replace(context, head_sha=planned.commit), planned.plan.digest)
        title = f"syncer: {environment} differs from git"
        if not planned.problems:
            posted = posting.keep_issue(host, marker, title, None if planned.plan.is_empty else render)
            _say(screen, "issue", posted)
    elif not planned.plan.is_empty:
        screen.show(defused(render(host.max_bytes)))
    return code if code == 1 or flags.detailed_exitcode else 0
