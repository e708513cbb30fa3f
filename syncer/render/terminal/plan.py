"""A plan and drift for people, in Terraform's words and layout; and where a plan was saved. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from syncer.plan.effect_sentences import meaning
from syncer.plan.renames import REPURPOSED
from syncer.render.command_lines import operand
from syncer.render.diff.values import change_rows
from syncer.render.effects import columns, feeds, feeds_count
from syncer.render.provenance import cautions, removed_line, removed_title
from syncer.render.terminal.problems import box, hint_lines, warning_boxes, wrapped_text
from syncer.render.text import cells, counted, quoted, runner_safe, visible, wrapped
from syncer.render.totals import (
    alone,
    comparison_counts,
    comparison_verdict,
    drift_verdict,
    elsewhere,
    plan_verdict,
    refused_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.model import LiveModel, Problem, Target
    from syncer.plan.planner import Cause, Change, Counterpart, Effect, Plan, Planned, Provenance
    from syncer.render.style import Style

_LEGEND: Final = {"+": "create", "~": "update in-place"}
_VERBS: Final = {"+": "will be created", "~": "will be updated in-place"}
_NO_DIFFERENCE: Final = (
    "syncer compared the live models with their definitions and found no differences, so there is nothing to apply."
)


def render_banner(command: str, target: Target) -> str:
    """The first line: the command, the environment, the API and the workspace."""
    where = visible(target.environment), visible(target.url), f"workspace {target.workspace_id}"
    return runner_safe("   ".join([f"syncer {command}", *where]))


def render_comparison_banner(command: str, one: Target, other: Target) -> str:
    """The first lines of a comparison: both environments, the one whose live models would be merged first."""
    rows = [(visible(each.environment), visible(each.url), f"workspace {each.workspace_id}") for each in (one, other)]
    lead = f"syncer {command}"
    leads = lead, "with".rjust(len(lead))
    return runner_safe("\n".join("   ".join([lead, *row]) for lead, row in zip(leads, rows, strict=True)))


def render_base(line: str, style: Style) -> str:
    """The line that says which base the plan has, and why."""
    return runner_safe("\n".join(wrapped(visible(line), style.width)))


def render_plan(planned: Planned, style: Style, *, verbose: bool = False, summary: bool = False) -> str:
    """Every change and where it comes from, the warnings, the verdict. A plan of drift goes to `render_drift`.

    `summary` gives one line for each model. `verbose` lists the live models that no file declares.
    """
    if planned.is_drift:
        return render_drift(planned, style, summary=summary)
    if planned.counterpart is not None:
        return _comparison(planned, planned.counterpart, style, verbose=verbose, summary=summary)
    plan, provenance = planned.plan, planned.provenance
    sections: list[str] = ["Planned from the files only: the target was not read."] if planned.is_offline else []
    warnings = list(planned.warnings)
    if plan.changes and summary:
        sections.append(_summary(plan.changes, provenance, style, planned.effects))
    elif plan.changes:
        repurposed = {one.origin.path: one for one in warnings if one.rule == REPURPOSED}
        warnings = [one for one in warnings if one.rule != REPURPOSED]
        blocks = (
            _heading(repurposed.get(change.desired.document.path), style)
            + _block(change, provenance.of(change) if provenance else {}, style)
            + _effects(change, planned.effects.get(change.address), style)
            for change in plan.changes
        )
        sections += [_legend(plan.changes, style), *blocks]
    if planned.removed:
        lines = [f"  {removed_line(one, visible)}" for one in planned.removed]
        sections.append(box("warning", removed_title(len(lines)), [lines], style))
    if provenance is not None:
        sections += _provenance(planned, provenance, style)
    if plan.excluded:
        sections.append(_targeting(plan, "This plan is incomplete", style))
    sections += warning_boxes(warnings, style)
    sections.append(_verdict(planned, style))
    if verbose and plan.unmanaged:
        sections.append(_unmanaged(plan.unmanaged))
    return runner_safe("\n\n".join(sections))


def _targeting(plan: Plan, what: str, style: Style) -> str:
    left_out = f"{counted(plan.excluded, 'definition')} left out by --target"
    detail = wrapped_text(f"{what}: it says nothing about the {left_out}.", style)
    return box("warning", "Resource targeting is in effect", [detail], style)


def _legend(changes: Iterable[Change], style: Style) -> str:
    symbols = sorted({change.action.value for change in changes})
    lines = [f"  {style.paint(symbol, symbol)} {_LEGEND[symbol]}" for symbol in symbols]
    return "\n".join(["syncer will perform the actions below, indicated with the following symbols:", *lines])


def _heading(warning: Problem | None, style: Style) -> str:
    """The warning to read before a change: comment lines above its block."""
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
    return "\n".join([header, opening, *(row.render(style) for row in change_rows(change, style)), "    }"])


def _effects(change: Change, effect: Effect | None, style: Style) -> str:
    """What the change does beyond the model: comment lines below its block."""
    if effect is None:
        return ""
    shaped = columns(change, effect, visible)
    synced = [f"Feeds {one}" for one in feeds(effect, visible)]
    lines = [*([shaped] if shaped else []), *synced, *meaning(change, effect, visible)]
    head, room = f"\n  {style.paint('faint', '#')} ", style.width - 4
    return "".join(head + f"{head}  ".join(wrapped(line, room - 2)) for line in lines)


def _provenance(planned: Planned, provenance: Provenance, style: Style) -> list[str]:
    """What the base tells beyond the blocks: edits that would be lost, and what is live already."""
    found = []
    for caution in cautions(planned):
        lines = [f"  {visible(address)}: {', '.join(fields)}" for address, fields in caution.models]
        found.append(box("warning", caution.sentence, [lines, hint_lines(caution.advice, style)], style))
    if provenance.already_live:
        lines = [f"  {visible(name)}: {', '.join(fields)}" for name, fields in sorted(provenance.already_live.items())]
        found.append("\n".join(["Already live:", *lines]))
    return found


def _summary(
    changes: Sequence[Change],
    provenance: Provenance | None,
    style: Style,
    effects: Mapping[str, Effect] = MappingProxyType({}),
) -> str:
    def summary(change: Change) -> str:
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
        f"{summary(change)}"
        for change, address in shown
    )


def render_drift(planned: Planned, style: Style, *, summary: bool = False) -> str:
    """What was changed outside git since `planned.commit`, from git's values to live ones, and what to do about it."""
    plan = planned.plan
    sections = []
    if plan.changes:
        sections.append(
            f"{style.paint('note', 'Note:')} Models have changed outside of git\n\n"
            f"syncer compared the live models with what git said at commit {visible(planned.made_of)}:"
        )
        seen = [change.reversed for change in plan.changes]
        sections += (
            [_summary(seen, None, style)] if summary else [_block(one, {}, style, verb="has changed") for one in seen]
        )
    if plan.excluded:
        sections.append(_targeting(plan, "This is a part", style))
    sections += warning_boxes(planned.warnings, style)
    stressed, said = drift_verdict(plan)
    verdict = f"{style.paint('bold' if plan.changes else 'good', stressed)} {said}"
    sections.append(verdict + (f"\n{elsewhere(plan.elsewhere)}." if plan.elsewhere else ""))
    if plan.changes:
        commands = style.commands.for_environment(plan.target.environment)
        sections.append(
            "A change that was merged and never applied looks the same.\n"
            "To keep the live values, take them into the files, and have that reviewed and merged:\n"
            f"  {commands.line('import', '--drift')}\n"
            "To go back to git:\n"
            f"  {commands.line('apply')}"
        )
    return runner_safe("\n\n".join(sections))


def _comparison(planned: Planned, counterpart: Counterpart, style: Style, *, verbose: bool, summary: bool) -> str:
    """How two live environments differ: from the plan's target to what is live in the counterpart's."""
    plan = planned.plan
    here, there = visible(counterpart.target.environment), visible(plan.target.environment)
    sections = []
    if plan.changes:
        sections.append(f"This would change in {there} if it had what is live in {here}:")
        if summary:
            sections.append(_summary(plan.changes, None, style))
        else:
            sections += [_block(change, {}, style, verb="differs") for change in plan.changes]
    for title, addresses in alone(plan, counterpart):
        sections.append("\n".join([f"{visible(title)}:", *(f"  {visible(address)}" for address in addresses)]))
    if plan.excluded:
        sections.append(_targeting(plan, "This is a part", style))
    sections += warning_boxes(planned.warnings, style)
    stressed, said = comparison_verdict(plan, counterpart)
    rest = comparison_counts(plan, counterpart)
    verdict = f"{style.paint('bold' if plan.changes else 'good', stressed)} {visible(said)}"
    sections.append(verdict + (f"\n{visible('; '.join(rest))}." if rest else ""))
    if verbose:
        for name, models in ((here, counterpart.unmanaged), (there, plan.unmanaged)):
            sections += [_unmanaged(models, f"Live models of {name} that are not in git:")] if models else []
    return runner_safe("\n\n".join(sections))


def render_saved(file: str, digest: str, style: Style, flags: Sequence[str] = (), *, is_refused: bool = False) -> str:
    """Where the plan was saved, the command that applies exactly it, and its digest.

    The command takes `flags`, those that lifted a refusal. Where the plan still `is_refused`, more are needed.
    """
    lifting = ", with what lifts each refusal" if is_refused else ""
    command = style.commands.line("apply", operand(file), *flags)
    return runner_safe(
        f"\nSaved the plan to: {visible(file)}\n\nTo apply exactly this plan{lifting}:\n  {command}\n\n"
        f"Its digest: {digest}"
    )


def _verdict(planned: Planned, style: Style) -> str:
    """The lines that other tools match, then the counts of what stays as it is."""
    plan = planned.plan
    stressed, said = plan_verdict(planned)
    verdict = f"{style.paint('bold' if plan.changes else 'good', stressed)} {said}"
    if said := refused_verdict(planned):
        verdict += f"\n{style.paint('error', said.capitalize())}. Each refusal says what lifts it."
    if plan.bound and not plan.changes and not planned.is_offline and not plan.not_compared:
        verdict += "\n\n" + "\n".join(wrapped(_NO_DIFFERENCE, style.width))
    rest = []
    if plan.unchanged:
        rest.append(f"{counted(plan.unchanged, 'model')} unchanged")
    if plan.unmanaged:
        count = len(plan.unmanaged)
        rest.append(f"{counted(count, 'live model')} {'is' if count == 1 else 'are'} not in git")
    if plan.elsewhere:
        rest.append(elsewhere(plan.elsewhere))
    return verdict + (f"\n{'; '.join(rest)}." if rest else "")


def _unmanaged(models: Sequence[LiveModel], title: str = "Live models that are not in git:") -> str:
    widest = max(len(str(model.id)) for model in models)
    return "\n".join([title, *(f"  id {model.id:<{widest}}  {quoted(model.name)}" for model in models)])
