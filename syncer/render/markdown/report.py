"""What an apply did, as markdown. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.render.command_lines import Commands
from syncer.render.escaping import code, code_cell, link_url, prose, table_safe
from syncer.render.markdown.blocks import (
    BUDGET,
    LONGEST_HINT,
    LONGEST_MESSAGE,
    first_fitting,
    joined,
    run_link,
    subject,
    titled_names,
)
from syncer.render.text import counted
from syncer.render.totals import outcome_counts, report_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncer.applying.outcome import Outcome, Report
    from syncer.model import Target


def render_report(report: Report, target: Target, *, run_url: str = "", budget: int = BUDGET, folder: str = "") -> str:
    """The verdict, each change that isn't done and why, the names of the others. Within the budget."""
    commands = Commands(folder, target.environment)
    outcomes = tuple(replace(one, hint=commands.completed(one.hint)) for one in report.outcomes)
    return first_fitting(_forms(replace(report, outcomes=outcomes), target, run_url), budget)


def _forms(report: Report, target: Target, run_url: str) -> Iterator[str]:
    """The whole report; then without hints; then names alone; then the counts."""
    others = [one for one in report.outcomes if one.since or one.status.value != "done"]
    done = [one.change.address for one in report.outcomes if not one.since and one.status.value == "done"]
    created = [
        f"{code(one.change.address)} (id {one.id})" for one in report.outcomes if one.change.is_creation and one.id
    ]
    heading = f"### syncer apply · {subject('', target.environment)}: {'complete' if report.is_ok else 'incomplete'}"
    stressed, said = report_verdict(report)
    where = f"Workspace {target.workspace_id}" + (f" · {run_link(run_url)}" if link_url(run_url) else "")
    unseen = report.unseen and f"Nobody looked at the end whether what was written still stands: {report.unseen}."
    head = joined(heading, f"**{stressed}** {said}", where, unseen and prose(unseen, LONGEST_MESSAGE))

    listed = joined(
        f"**Created** ({len(created)}): {', '.join(created)}" if created else "", titled_names("Done", done)
    )
    for has_hints in (True, False):
        yield joined(head, _outcomes(others, has_hints=has_hints), listed)
    named = [
        titled_names(status.capitalize(), [one.change.address for one in others if one.status.value == status])
        for status in outcome_counts(report)
    ]
    yield joined(head, *named, listed)
    yield joined(head, *named)
    yield joined(head, f"> [!NOTE]\n> The list of {counted(len(report.outcomes), 'model')} is in the run's log.")


def _outcomes(outcomes: Sequence[Outcome], *, has_hints: bool) -> str:
    if not outcomes:
        return ""
    rows = ["| outcome | model | reason |", "|---|---|---|"]
    for outcome in outcomes:
        said = outcome.since or outcome.reason
        reason = prose(said, LONGEST_MESSAGE) if said else ""
        hint = f"<br>{prose(outcome.hint, LONGEST_HINT)}" if has_hints and outcome.hint else ""
        rows.append(f"| {outcome.status.value} | {code_cell(outcome.change.address)} | {table_safe(reason + hint)} |")
    return "\n".join(rows)
