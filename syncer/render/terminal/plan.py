"""Plan, progress, report and problems for people, as Terraform words and lays them out. Values in, text out."""

from __future__ import annotations

import math
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syncer.errors import InputError, RefusedError, SyncerError
from syncer.events import Event, Modified, Modifying, Requested, Slowing, Waiting
from syncer.plan.effect_sentences import meaning
from syncer.plan.renames import REPURPOSED
from syncer.render.command_lines import operand
from syncer.render.diff.values import Row, change_rows, field_rows
from syncer.render.effects import columns, feeds, feeds_count
from syncer.render.plan_table import cautions, gone, removed_title
from syncer.render.style import Style
from syncer.render.terminal.problems import advice, box, problem_boxes, prose, warning_boxes
from syncer.render.text import cells, counted, defused, quoted, visible, wrapped
from syncer.render.totals import drift_verdict, plan_verdict, refused_verdict, report_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.applying.applier import Outcome, Report
    from syncer.model import LiveModel, Problem, Target
    from syncer.plan.planner import Cause, Change, Effect, Plan, Planned, Provenance

__all__ = [
    "Style",
    "render_banner",
    "render_drift",
    "render_error",
    "render_event",
    "render_left",
    "render_plan",
    "render_problems",
    "render_prompt",
    "render_report",
    "render_saved",
    "render_server",
]

_LEGEND: Final = {"+": "create", "~": "update in-place"}
_VERBS: Final = {"+": "will be created", "~": "will be updated in-place"}
_ENDINGS: Final = {
    "failed": "was not {done} as planned (failed)",
    "conflict": "was left alone (conflict)",
    "unknown": "may or may not have been {done} (unknown)",
}
_NO_DIFFERENCE: Final = (
    "syncer compared the live models with their definitions and found no differences, so there is nothing to apply."
)


def render_banner(command: str, target: Target) -> str:
    """The first line: which command, and which environment, API and workspace it is about."""
    where = visible(target.environment), visible(target.url), f"workspace {target.workspace_id}"
    return defused("   ".join([f"syncer {command}", *where]))


# -- plan --------------------------------------------------------------------------------------------------------------


def render_plan(planned: Planned, style: Style, *, verbose: bool = False, summary: bool = False) -> str:
    """What an apply would do: every change and where it comes from, the warnings, the totals. Or what drift is.

    `summary` gives one line a model. `verbose` lists the live models that no file declares.
    """
    if planned.is_drift:
        return render_drift(planned, style, summary=summary)
    plan, provenance = planned.plan, planned.provenance
    sections: list[str] = ["Planned from the files only: the target was not read."] if planned.is_offline else []
    warnings = list(planned.warnings)
    if plan.changes and summary:
        sections.append(_short(plan.changes, provenance, style, planned.effects))
    elif plan.changes:
        headed = {one.origin.path: one for one in warnings if one.rule == REPURPOSED}
        warnings = [one for one in warnings if one.rule != REPURPOSED]
        blocks = (
            _heading(headed.get(change.desired.document.path), style)
            + _block(change, provenance.of(change) if provenance else {}, style)
            + _downstream(change, planned.effects.get(change.address), style)
            for change in plan.changes
        )
        sections += [_legend(plan.changes, style), *blocks]
    if planned.removed:
        lines = [f"  {gone(one, visible)}" for one in planned.removed]
        sections.append(box("warning", removed_title(len(lines)), [lines], style))
    if provenance is not None:
        sections += _outside(planned, provenance, style)
    if plan.excluded:
        sections.append(_left_out(plan, "This plan is incomplete", style))
    sections += warning_boxes(warnings, style)
    sections.append(_verdict(planned, style))
    if verbose and plan.unmanaged:
        sections.append(_unmanaged(plan.unmanaged))
    return defused("\n\n".join(sections))


def _left_out(plan: Plan, what: str, style: Style) -> str:
    left_out = f"{counted(plan.excluded, 'definition')} left out by --target"
    return _targeting(f"{what}: it says nothing about the {left_out}.", style)


def _legend(changes: Iterable[Change], style: Style) -> str:
    symbols = sorted({change.action.value for change in changes})
    lines = [f"  {style.paint(symbol, symbol)} {_LEGEND[symbol]}" for symbol in symbols]
    return "\n".join(["syncer will perform the actions below, indicated with the following symbols:", *lines])


def _heading(warning: Problem | None, style: Style) -> str:
    """What is to be known before a change is read: above its block."""
    if warning is None:
        return ""
    label = style.paint("warning", "Warning:")
    first, *more = wrapped(visible(warning.message), style.width - len("  # Warning: "))
    lines = [f"  # {label} {first}", *(f"  #   {line}" for line in more)]
    lines += [f"  #   {line}" for line in wrapped(visible(warning.hint), style.width - len("  #   "))]
    return "".join(f"{line}\n" for line in lines)


def _block(change: Change, causes: Mapping[str, Sequence[Cause]], style: Style, *, verb: str = "") -> str:
    symbol = change.action.value
    header = f"  # {style.paint('bold', visible(change.address))} {verb or _VERBS[symbol]}"
    if causes:
        said = "; ".join(f"{field}: {', '.join(cause.value for cause in why)}" for field, why in causes.items())
        header += f"\n  # ({said})"
    opening = f"  {style.paint(symbol, symbol)} model {quoted(change.address)} {{"
    return "\n".join([header, opening, *(_line(row, style) for row in change_rows(change, style)), "    }"])


def _downstream(change: Change, effect: Effect | None, style: Style) -> str:
    """What the change does beyond the model: comments below its block."""
    if effect is None:
        return ""
    shaped = columns(change, effect, visible)
    synced = [f"Feeds {one}" for one in feeds(effect, visible)]
    lines = [*([shaped] if shaped else []), *synced, *meaning(change, effect, visible)]
    head, room = f"\n  {style.paint('faint', '#')} ", style.width - 4
    return "".join(head + f"{head}  ".join(wrapped(line, room - 2)) for line in lines)


def _line(row: Row, style: Style) -> str:
    symbol = style.paint(row.symbol, row.symbol) or " "
    return f"{' ' * (row.indent - 2)}{symbol} {row.text}".rstrip(" ")


def _outside(planned: Planned, provenance: Provenance, style: Style) -> list[str]:
    """What the base tells beyond the blocks: edits that would be lost, and what is live already."""
    found = []
    for caution in cautions(planned):
        lines = [f"  {visible(address)}: {', '.join(fields)}" for address, fields in caution.models]
        found.append(box("warning", caution.sentence, [lines, advice(caution.advice, style)], style))
    if provenance.already_live:
        lines = [f"  {visible(name)}: {', '.join(fields)}" for name, fields in sorted(provenance.already_live.items())]
        found.append("\n".join(["Already live:", *lines]))
    return found


def _short(
    changes: Sequence[Change],
    provenance: Provenance | None,
    style: Style,
    effects: Mapping[str, Effect] = MappingProxyType({}),
) -> str:
    def named(change: Change) -> str:
        causes = provenance.of(change) if provenance else {}
        if change.is_creation:
            return "new"
        why = {field: ", ".join(cause.value for cause in causes.get(field, ())) for field in change.changed}
        fields = ", ".join(f"{field} ({said})" if said else field for field, said in why.items())
        count = feeds_count(effects.get(change.address))
        return f"{fields}; feeds {count}" if count else fields

    shown = [(change, visible(change.address)) for change in changes]
    widest = max(cells(address) for _, address in shown)
    return "\n".join(
        f"{style.paint(change.action.value, change.action.value)} {address}{' ' * (widest - cells(address))}  "
        f"{named(change)}"
        for change, address in shown
    )


def _targeting(detail: str, style: Style) -> str:
    return box("warning", "Resource targeting is in effect", [prose(detail, style)], style)


def render_drift(planned: Planned, style: Style, *, summary: bool = False) -> str:
    """What was changed outside git since `planned.commit`, from git's values to live ones, and who should do what."""
    plan = planned.plan
    sections = []
    if plan.changes:
        sections.append(
            f"{style.paint('note', 'Note:')} Models have changed outside of git\n\n"
            f"syncer compared the live models with what git said at commit {visible(planned.made_of)}:"
        )
        seen = [change.reversed for change in plan.changes]
        sections += (
            [_short(seen, None, style)] if summary else [_block(one, {}, style, verb="has changed") for one in seen]
        )
    if plan.excluded:
        sections.append(_left_out(plan, "This is a part", style))
    sections += warning_boxes(planned.warnings, style)
    stressed, said = drift_verdict(plan)
    sections.append(f"{style.paint('bold' if plan.changes else 'good', stressed)} {said}")
    if plan.changes:
        commands = style.commands.meaning(plan.target.environment)
        sections.append(
            "What was merged and never applied looks the same.\n"
            "To keep what is live, take it into the files, and let that be reviewed and merged:\n"
            f"  {commands.line('import', '--drift')}\n"
            "To go back to git:\n"
            f"  {commands.line('apply')}"
        )
    return defused("\n\n".join(sections))


def render_saved(file: str, digest: str, style: Style, flags: Sequence[str] = (), *, is_refused: bool = False) -> str:
    """Where the plan was kept, the command that applies exactly it, and what others can compare it by.

    `flags` are what lifted guards of it; where it `is_refused` some more are needed.
    """
    lifting = ", with what lifts each refusal" if is_refused else ""
    command = style.commands.line("apply", operand(file), *flags)
    return defused(
        f"\nSaved the plan to: {visible(file)}\n\nTo apply exactly this plan{lifting}:\n  {command}\n\n"
        f"Its digest: {digest}"
    )


def _verdict(planned: Planned, style: Style) -> str:
    """The lines that other tools match, then what was not touched."""
    plan = planned.plan
    stressed, said = plan_verdict(planned)
    verdict = f"{style.paint('bold' if plan.changes else 'good', stressed)} {said}"
    if said := refused_verdict(planned):
        verdict += f"\n{style.paint('error', said.capitalize())}. What lifts each is said with it."
    if plan.bound and not plan.changes and not planned.is_offline:
        verdict += "\n\n" + "\n".join(wrapped(_NO_DIFFERENCE, style.width))
    rest = []
    if plan.unchanged:
        rest.append(f"{counted(plan.unchanged, 'model')} unchanged")
    if plan.unmanaged:
        count = len(plan.unmanaged)
        rest.append(f"{counted(count, 'live model')} {'is' if count == 1 else 'are'} not in git")
    return verdict + (f"\n{'; '.join(rest)}." if rest else "")


def _unmanaged(models: Sequence[LiveModel]) -> str:
    widest = max(len(str(model.id)) for model in models)
    return "\n".join(
        ["Live models that are not in git:", *(f"  id {model.id:<{widest}}  {quoted(model.name)}" for model in models)]
    )


# -- problems and errors -----------------------------------------------------------------------------------------------


def render_problems(problems: Sequence[Problem], style: Style) -> str:
    """Every problem with its place, then how many there are. Empty if none."""
    if not problems:
        return ""
    return defused("\n\n".join([*problem_boxes(problems, style), _totals(problems)]))


def _totals(problems: Sequence[Problem]) -> str:
    counts = Counter(problem.severity.value for problem in problems)
    parts = [counted(counts[severity], severity) for severity in ("error", "warning") if counts[severity]]
    files = {problem.origin.path for problem in problems} - {""}
    return f"{', '.join(parts)} in {counted(len(files), 'file')}." if files else f"{', '.join(parts)}."


def render_error(error: SyncerError, style: Style) -> str:
    """What stopped the run, boxed. Problems of model files stand for themselves; a refusal comes after its own."""
    if isinstance(error, InputError):
        return render_problems(error.problems, style)
    problems = error.problems if isinstance(error, RefusedError) else ()
    boxes = problem_boxes(problems, style)
    return defused("\n\n".join([*boxes, box("error", error.what, [advice(error.hint, style)], style)]))


# -- apply -------------------------------------------------------------------------------------------------------------


def render_prompt(target: Target, count: int) -> str:
    """The question before an apply, up to where the answer is typed."""
    action = "this action" if count == 1 else "these actions"
    return defused(
        f"Do you want to perform {action} in environment {quoted(target.environment)} "
        f"(workspace {target.workspace_id})?\n"
        f"  syncer will perform the {'action' if count == 1 else 'actions'} described above.\n"
        "  Only 'yes' will be accepted to approve.\n\n"
        "  Enter a value: "
    )


def render_server(environment: str, server: str, file: str, known: Mapping[str, str]) -> str:
    """The question before credentials go to another server than the `known` ones, up to where the answer is typed."""
    before = "".join(f"  before  {visible(one)} ({visible(name)})\n" for name, one in known.items())
    return defused(
        f"The credentials of environment {quoted(environment)} would go to another server than before.\n"
        f"{before}"
        f"  now     {visible(server)} ({visible(environment)}, in {visible(file)})\n\n"
        "Do you want to send them there, now and from now on?\n"
        "  Only 'yes' will be accepted.\n\n"
        "  Enter a value: "
    )


def render_event(event: Event, style: Style) -> str:
    """One line of progress; a `Requested` is for the debug log."""
    if isinstance(event, Requested):
        answer = str(event.status) if event.status else "no answer"
        return defused(f"{visible(event.method)} {visible(event.path)}: {answer} after {event.seconds:.2f} s")
    if isinstance(event, Waiting):
        wait, left = f"{event.seconds:.0f} s", f"{event.left:.0f} s"
        again = f"try {event.attempt} of {event.attempts} in {wait}" if event.attempt else f"looking again in {wait}"
        return defused(
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
            return defused(f"{name} Still {doing} [{', '.join([*known, f'{elapsed} elapsed'])}]")
        return defused(f"{name} {' '.join([doing.capitalize(), *(f'[{one}]' for one in known)])}")
    assert isinstance(event, Modified)  # noqa: S101 - the last kind of event
    what, ending = "Creation" if event.is_new else "Modifications", "complete" if event.ok else "incomplete"
    ident = f" [id={event.id}]" if event.id else ""
    return defused(f"{name} {what} {ending} after {elapsed}{ident}")


def render_left(event: Slowing) -> str:
    """What is left of a run that waits; empty if nobody knows."""
    if not event.requests:
        return ""
    done = f"{event.done} of {counted(event.changes, 'model')} done, " if event.changes else ""
    minutes, seconds = divmod(math.ceil(event.seconds), 60)
    time = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{done}about {counted(event.requests, 'request')} left, {time} at this limit"


def render_report(report: Report, style: Style, *, excluded: int = 0) -> str:
    """What became of the plan: a box for each change that isn't done, then the totals.

    `excluded` counts the definitions that `--target` left out of the plan.
    """
    boxes = [_outcome(one, style) for one in report.outcomes if one.since or one.status.value in _ENDINGS]
    waiting = [outcome.change for outcome in report.outcomes if outcome.status.value == "not attempted"]
    if waiting:
        title = f"{counted(len(waiting), 'change')} not attempted, because the run ended before"
        addresses = [f"  {visible(change.address)}" for change in waiting]
        boxes.append(box("error", title, [addresses], style))
    if report.unseen:
        title = "Nobody looked at the end whether what was written still stands"
        boxes.append(box("warning", title, [advice(f"{report.unseen}; `syncer plan` tells", style)], style))
    if excluded:
        detail = f"--target left out {counted(excluded, 'definition')}; plan without it to see what remains."
        boxes.append(box("warning", "Applied changes may be incomplete", [prose(detail, style)], style))
    stressed, said = report_verdict(report)
    return defused("\n\n".join([*boxes, f"{style.paint('good' if report.is_ok else 'error', stressed)} {said}"]))


def _outcome(outcome: Outcome, style: Style) -> str:
    change = outcome.change
    where = f"  {f'model {outcome.model_id}, ' if outcome.model_id else ''}{visible(change.desired.document.path)}"
    unapplied = []
    if outcome.unapplied:
        rows = field_rows(outcome.unapplied, style, 4)
        unapplied = ["What the server has, and what was sent:", *(_line(row, style) for row in rows)]
    done = "created" if change.is_creation else "changed"
    if outcome.since:
        title, reason = f"{change.address} was {done}, and doesn't stand as it was applied", outcome.since
    else:
        title, reason = f"{change.address} {_ENDINGS[outcome.status.value].format(done=done)}", outcome.reason
    return box("error", title, [[where], prose(reason, style), unapplied, advice(outcome.hint, style)], style)
