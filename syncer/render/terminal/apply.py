"""An apply for people: the questions before it, its progress, and what became of the plan. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from syncer.events import Event, Modified, Modifying, Requested, Slowing, Waiting
from syncer.render.diff.values import field_rows
from syncer.render.terminal.problems import box, hint_lines, wrapped_text
from syncer.render.text import counted, quoted, runner_safe, visible
from syncer.render.totals import report_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.applying.outcome import Outcome, Report
    from syncer.model import Target
    from syncer.render.style import Style

_ENDINGS: Final = {
    "failed": "was not {done} as planned (failed)",
    "conflict": "was left alone (conflict)",
    "unknown": "may or may not have been {done} (unknown)",
}


def render_prompt(target: Target, count: int) -> str:
    """The question before an apply, up to where the answer is typed."""
    action = "this action" if count == 1 else "these actions"
    return runner_safe(
        f"Do you want to perform {action} in environment {quoted(target.environment)} "
        f"(workspace {target.workspace_id})?\n"
        f"  syncer will perform the {'action' if count == 1 else 'actions'} described above.\n"
        "  Only 'yes' will be accepted to approve.\n\n"
        "  Enter a value: "
    )


def render_server(environment: str, server: str, file: str, known: Mapping[str, str]) -> str:
    """The question before credentials go to another server than the `known` ones, up to where the answer is typed."""
    before = "".join(f"  before  {visible(one)} ({visible(name)})\n" for name, one in known.items())
    return runner_safe(
        f"The credentials of environment {quoted(environment)} would go to another server than before.\n"
        f"{before}"
        f"  now     {visible(server)} ({visible(environment)}, in {visible(file)})\n\n"
        "Do you want to send them there, now and from now on?\n"
        "  Only 'yes' will be accepted.\n\n"
        "  Enter a value: "
    )


def render_event(event: Event, style: Style) -> str:
    """One line of progress, or of the debug log for a `Requested`."""
    if isinstance(event, Requested):
        answer = str(event.status) if event.status else "no answer"
        return runner_safe(f"{visible(event.method)} {visible(event.path)}: {answer} after {event.seconds:.2f} s")
    if isinstance(event, Waiting):
        wait, left = f"{event.seconds:.0f} s", f"{event.left:.0f} s"
        again = f"try {event.attempt} of {event.attempts} in {wait}" if event.attempt else f"looking again in {wait}"
        return runner_safe(
            f"{visible(event.reason.rstrip('.'))}: {again} (this run waits at most {left} more without an answer)"
        )
    if isinstance(event, Slowing):
        left = render_left(event)
        return f"Slowing down to {event.per_minute} requests a minute (requests_per_minute){left and f': {left}'}."
    name = style.paint("bold", f"model.{visible(event.address)}:")
    elapsed = f"{event.elapsed:.0f}s"
    if isinstance(event, Modifying):
        doing = "modifying..." if event.id else "creating..."
        known = [f"id={event.id}"] if event.id else []
        if event.elapsed:
            return runner_safe(f"{name} Still {doing} [{', '.join([*known, f'{elapsed} elapsed'])}]")
        return runner_safe(f"{name} {' '.join([doing.capitalize(), *(f'[{one}]' for one in known)])}")
    assert isinstance(event, Modified)  # noqa: S101 - the last kind of event
    what, ending = "Creation" if event.is_new else "Modifications", "complete" if event.ok else "incomplete"
    ident = f" [id={event.id}]" if event.id else ""
    return runner_safe(f"{name} {what} {ending} after {elapsed}{ident}")


def render_left(event: Slowing) -> str:
    """How much of a slowed run is left, in words; empty if nobody knows."""
    if not event.requests:
        return ""
    done = f"{event.done} of {counted(event.changes, 'model')} done, " if event.changes else ""
    minutes, seconds = divmod(math.ceil(event.seconds), 60)
    time = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{done}about {counted(event.requests, 'request')} left, {time} at this limit"


def render_report(report: Report, style: Style, *, excluded: int = 0) -> str:
    """A box for each change that isn't done or doesn't stand as it was applied, then the verdict.

    `excluded` counts the definitions that `--target` left out of the plan.
    """
    boxes = [_outcome(one, style) for one in report.outcomes if one.since or one.status.value in _ENDINGS]
    idle = [outcome for outcome in report.outcomes if outcome.status.value == "not attempted"]
    if left := [outcome for outcome in idle if outcome.reason]:
        title = f"{counted(len(left), 'change')} left out"
        reasons = [wrapped_text(f"{one.change.address}: {one.reason}", style) for one in left]
        boxes.append(box("error", title, [*reasons, hint_lines(left[0].hint, style)], style))
    waiting = [outcome.change for outcome in idle if not outcome.reason]
    if waiting:
        title = f"{counted(len(waiting), 'change')} not attempted, because the run ended before"
        addresses = [f"  {visible(change.address)}" for change in waiting]
        boxes.append(box("error", title, [addresses], style))
    if report.unseen:
        title = "syncer did not check at the end whether its changes are still there"
        boxes.append(box("warning", title, [hint_lines(f"{report.unseen}; `syncer plan` shows it", style)], style))
    if excluded:
        detail = f"--target left out {counted(excluded, 'definition')}; plan without it to see what remains."
        boxes.append(box("warning", "Applied changes may be incomplete", [wrapped_text(detail, style)], style))
    stressed, said = report_verdict(report)
    return runner_safe("\n\n".join([*boxes, f"{style.paint('good' if report.is_ok else 'error', stressed)} {said}"]))


def _outcome(outcome: Outcome, style: Style) -> str:
    change = outcome.change
    where = f"  {f'model {outcome.model_id}, ' if outcome.model_id else ''}{visible(change.desired.document.path)}"
    unapplied = []
    if outcome.unapplied:
        rows = field_rows(outcome.unapplied, style, 4)
        unapplied = ["What the server has, and what was sent:", *(row.render(style) for row in rows)]
    done = "created" if change.is_creation else "changed"
    if outcome.since:
        title, reason = f"{change.address} was {done}, but is no longer as it was applied", outcome.since
    else:
        title, reason = f"{change.address} {_ENDINGS[outcome.status.value].format(done=done)}", outcome.reason
    return box(
        "error", title, [[where], wrapped_text(reason, style), unapplied, hint_lines(outcome.hint, style)], style
    )
