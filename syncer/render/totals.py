"""The verdicts that close a plan and an apply. Other tools match these words: they change with the major version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.render.text import counted

if TYPE_CHECKING:
    from syncer.applying.applier import Report
    from syncer.plan.planner import Plan, Planned


def plan_verdict(planned: Planned) -> tuple[str, str]:
    """The verdict on a plan: what to stress, and the rest of the line."""
    plan = planned.plan
    if plan.changes:
        return "Plan:", f"{len(plan.created)} to add, {len(plan.updated)} to change, 0 to destroy."
    if planned.is_offline and plan.bound:
        return "No changes.", "The files say what they said at the base; live models were not read."
    # Equality is claimed only where something was compared.
    return "No changes.", "Your models match the configuration." if plan.bound else "No model was compared."


def refused_verdict(planned: Planned) -> str:
    """`refused: 2`, where a guard refuses the plan; else empty."""
    return f"refused: {len(planned.refusals)}" if planned.refusals else ""


def count_in_words(planned: Planned) -> str:
    """`3 models to change`, `refused: 2 (3 models to change)`."""
    refused, changes = refused_verdict(planned), changes_in_words(planned.plan)
    return f"{refused} ({changes})" if refused else changes


def changes_in_words(plan: Plan) -> str:
    """`3 models to change`, `1 model to create, 3 to change`."""
    created, updated = len(plan.created), len(plan.updated)
    if not created:
        return f"{counted(updated, 'model')} to change"
    return f"{counted(created, 'model')} to create" + (f", {updated} to change" if updated else "")


def drift_verdict(plan: Plan) -> tuple[str, str]:
    """The verdict on live state beside what was applied last."""
    if plan.changes:
        count = len(plan.changes)
        return "Drift:", f"{counted(count, 'model')} {'differs' if count == 1 else 'differ'} from git."
    if plan.excluded and plan.bound:
        return "No drift.", "The live models that were compared are what git says."
    return "No drift.", "Your live models are what git says." if plan.bound else "No model was compared."


def report_verdict(report: Report) -> tuple[str, str]:
    """The verdict on an apply: what to stress, and the rest of the line."""
    counts = outcome_counts(report)
    added = sum(outcome.change.is_creation and outcome.status.value == "done" for outcome in report.outcomes)
    changed = counts["done"] - added
    if report.is_ok:
        return "Apply complete!", f"Resources: {added} added, {changed} changed, 0 destroyed."
    parts = [*([f"{added} added"] if added else []), f"{changed} changed"]
    if since := sum(bool(outcome.since) for outcome in report.outcomes):
        parts.append(f"{since} of these not as applied")
    if counts["conflict"]:
        parts.append(counted(counts["conflict"], "conflict"))
    parts += [f"{counts[status]} {status}" for status in ("failed", "unknown", "not attempted") if counts[status]]
    return "Apply incomplete!", f"Resources: {', '.join(parts)}."


def outcome_counts(report: Report) -> dict[str, int]:
    """How many changes ended in which way, zeros included, by the status's word."""
    counts = {status.value: count for status, count in report.counts().items()}
    return {status: counts.get(status, 0) for status in ("done", "conflict", "failed", "unknown", "not attempted")}
