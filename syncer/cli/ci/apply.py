"""`syncer ci apply`: a saved plan, while its commit is still its branch's head.

Its digest comes another way than the file; where none does, it's planned again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syncer.cli.shared import flags, groups
from syncer.cli.shared.command import Command, Words

if TYPE_CHECKING:
    from syncer.applying.outcome import Report
    from syncer.cli.shared.run import Run
    from syncer.cli.shared.screen import Screen
    from syncer.plan.planner import Planned
    from syncer.review.host import Host
    from syncer.workflow.base import Base

_LONGEST_LINK: Final = 250
"""A link that is longer is left out of the line below a comment."""

_NAME: Final = "ci apply"


@dataclass(frozen=True, slots=True)
class CiApplyOptions:
    """What `syncer ci apply` is asked for."""

    file: str = flags.operand("PLANFILE", "the saved plan", values=flags.FILES)
    environment: str = flags.environment()
    expect_digest: str = flags.expect_digest()
    pace: groups.Pace = flags.group(groups.Pace)
    guards: groups.Guards = flags.group(groups.BaseGuards, groups.LETS_PASS)
    view: groups.RunView = flags.group(groups.RunView, groups.SHOWN)


def run(options: CiApplyOptions, screen: Screen) -> int:
    """Apply the plan, and tell what became of it where its change is told of."""
    from syncer.cli.ci import job
    from syncer.cli.shared.output_files import folder_in_repository
    from syncer.cli.shared.planning import load_plan_file, problems_of
    from syncer.errors import SyncerError
    from syncer.plan.planner import Plan, Planned
    from syncer.render import markdown
    from syncer.render.text import runner_safe
    from syncer.render.totals import report_verdict

    host = job.host_of(screen)
    options = replace(options, guards=job.with_variables(options.guards))
    job.mask(screen, host)
    context = host.context
    now = host.head_of(context.branch)
    if now != context.head_sha:
        note = f"Superseded: {context.branch} is now at {now[:12]}. The run of that commit applies what is left."
        screen.show(runner_safe(note))
        host.add_summary(f"Superseded by `{now[:12]}`: nothing was applied.")
        return 0
    saved = load_plan_file(options.file)
    target = saved.plan.target
    link = f"[run]({context.run_url})" if 0 < len(context.run_url) < _LONGEST_LINK else "this run"
    try:
        report = _applied(options, screen, host, saved)
    except SyncerError as error:
        told = Planned(Plan(target, ()), problems=problems_of(error), commit=context.head_sha)
        text = markdown.render_refusal(told, run_url=context.run_url, budget=job.SUMMARY, folder=folder_in_repository())
        _tell(screen, host, target.environment, f"Not applied: {link} says why.", text)
        raise
    text = markdown.render_report(
        report, target, run_url=context.run_url, budget=job.SUMMARY, folder=folder_in_repository()
    )
    _tell(screen, host, target.environment, f"{' '.join(report_verdict(report))} ({link})", text)
    return 0 if report.is_ok else 1


def _applied(options: CiApplyOptions, screen: Screen, host: Host, saved: Planned) -> Report:
    """Apply the plan if somebody vouches for its digest; else plan again, and compare. Raises SyncerError."""
    from syncer import workflow
    from syncer.cli.ci import job
    from syncer.cli.shared import execution
    from syncer.cli.shared.base import base_at
    from syncer.cli.shared.output_files import folder_in_repository
    from syncer.review import digest_status

    environment = saved.plan.target.environment
    # A plan file is never believed on its own: who can alter it can make its digest fit, too.
    digest = options.expect_digest or digest_status.published_digest(host, environment, folder_in_repository())
    if digest:
        workflow.expect(saved, digest)
    _expect_commit(saved, host.context.head_sha)
    if digest:
        execution.refuse_without_base(options.guards.on_drift, saved)
        settled = job.run_of_job(options.environment, options.guards, named=environment)
        return execution.apply_saved(saved, settled, screen, _NAME, options.view, options.pace)
    screen.show("Only the file itself says what was planned. So syncer plans again, and compares both.\n")
    settled = job.run_of_job(options.environment, options.guards, named=environment)
    commit = job.base_commit(host.context)
    base = base_at(settled, commit) if commit else None
    return _planned_again(options, screen, settled, base, saved)


def _planned_again(options: CiApplyOptions, screen: Screen, run: Run, base: Base | None, kept: Planned) -> Report:
    """Plan anew and apply that, if it's what a saved plan would do, for which nobody vouches. Raises RefusedError."""
    from syncer import workflow
    from syncer.cli.shared import connection, execution, planning
    from syncer.cli.shared.base import FoundBase
    from syncer.cli.shared.run import head, read_files
    from syncer.errors import RefusedError
    from syncer.plan import saved_plan

    saved_plan.check_applicable(kept, run.target, head(run))
    files = read_files(run)
    request = planning.Request(_NAME, view=options.view)
    with connection.connected(run, screen) as api:
        planned = planning.planned_with(api, request, screen, run, files, FoundBase(base), is_applied=True)
        del files
        planned = execution.without_files(replace(planned, commit=kept.commit))
        if planned.plan.digest != kept.plan.digest:
            digests = f"its digest is {planned.plan.digest}, not {kept.plan.digest}"
            message = f"a new plan does something else than the saved plan: {digests}; nothing was written"
            hint = (
                "live models changed since, or the plan job didn't make this file: run that job again, and "
                "read its plan"
            )
            raise RefusedError(message, hint)
        execution.refuse_without_base(options.guards.on_drift, planned)
        workflow.refuse(planned, run.limits)
        return execution.carry_out(planned, api, run, screen, _NAME, options.pace)


def _expect_commit(planned: Planned, head: str) -> None:
    """Raise RefusedError for a plan of another commit: it's an earlier run's, or of a work tree with edits."""
    from syncer.errors import RefusedError

    if planned.commit != head:
        message = (
            f"the saved plan is of commit {planned.made_of or '(unknown)'}, not of {head[:12]}; nothing was written"
        )
        raise RefusedError(message, "make it with `syncer ci plan --out plan.json` in a clean checkout of this commit")


def _tell(screen: Screen, host: Host, environment: str, line: str, text: str) -> None:
    """Tell summary and pull request what became of the plan; that they can't be told is no failure of the apply."""
    from syncer.cli.ci import job
    from syncer.cli.shared.output_files import refuse_secrets
    from syncer.errors import SyncerError
    from syncer.render.text import runner_safe
    from syncer.review import posting

    try:
        refuse_secrets(text, "the summary")
        host.add_summary(text)
        for number in host.pull_requests_of(host.context.head_sha):
            posted = posting.append_line(host, number, environment, line, job.place())
            job.say(screen, f"comment on #{number}", posted)
    except SyncerError as error:
        screen.note(runner_safe(f"The result could not be posted everywhere: {error.what}"))


COMMAND = Command(
    "apply",
    Words(
        "Apply a saved plan while its commit is still the branch's head.",
        "Without a digest from another source it plans again, and applies the new plan only if both are the same. The "
        "target comes from SYNCER_API_URL and SYNCER_WORKSPACE_ID alone.",
        "syncer ci apply plan.json --expect-digest HEX",
    ),
    CiApplyOptions,
    run,
)
