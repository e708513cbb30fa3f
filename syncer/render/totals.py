"""The verdicts that close a plan and an apply, and the counts in them.

Other tools match these words, so they change with a major version alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.render.text import counted

if TYPE_CHECKING:
    from syncer.applying.outcome import Report
    from syncer.plan.planner import Counterpart, Plan, Planned


def plan_verdict(planned: Planned) -> tuple[str, str]:
    """The verdict on a plan: the words to stress, and the rest of the line."""
    plan, unset = planned.plan, not_compared(planned.plan)
    if plan.changes:
        counts = f"{len(plan.created)} to add, {len(plan.updated)} to change, 0 to destroy."
        return "Plan:", f"{counts} {unset}." if unset else counts
    if unset:
        return f"{unset}.", "Nothing else differs."
    if planned.is_offline and plan.bound:
        return "No changes.", "The files say what they said at the base; live models were not read."
    # Equality is claimed only where something was compared.
    return "No changes.", "Your models match the configuration." if plan.bound else "No model was compared."


def not_compared(plan: Plan) -> str:
    """`14 secrets not compared`; empty where every secret was set."""
    return f"{counted(len(plan.unset_variables), 'secret')} not compared" if plan.not_compared else ""


def refused_verdict(planned: Planned) -> str:
    """`refused: 2`; empty where nothing refuses the plan."""
    return f"refused: {len(planned.refusals)}" if planned.refusals else ""


def plan_counts(planned: Planned) -> str:
    """`3 models to change`, `refused: 2 (3 models to change)`."""
    refused, changes = refused_verdict(planned), change_counts(planned.plan)
    if unset := not_compared(planned.plan):
        changes = f"{changes}, {unset}"
    return f"{refused} ({changes})" if refused else changes


def change_counts(plan: Plan) -> str:
    """`3 models to change`, `1 model to create, 3 to change`."""
    created, updated = len(plan.created), len(plan.updated)
    if not created:
        return f"{counted(updated, 'model')} to change"
    return f"{counted(created, 'model')} to create" + (f", {updated} to change" if updated else "")


def drift_verdict(plan: Plan) -> tuple[str, str]:
    """The verdict on drift: the words to stress, and the rest of the line."""
    unset = not_compared(plan)
    if plan.changes:
        count = len(plan.changes)
        counts = f"{counted(count, 'model')} {'differs' if count == 1 else 'differ'} from git."
        return "Drift:", f"{counts} {unset}." if unset else counts
    if unset:
        return f"{unset}.", "Nothing else differs from git."
    if plan.excluded and plan.bound:
        return "No drift.", "The live models that were compared are what git says."
    return "No drift.", "Your live models are what git says." if plan.bound else "No model was compared."


def comparison_verdict(plan: Plan, counterpart: Counterpart) -> tuple[str, str]:
    """The verdict on two environments: the words to stress, and the rest of the line."""
    names = f"{counterpart.target.environment} and {plan.target.environment}"
    if plan.changes:
        count = len(plan.changes)
        alike = f", {plan.unchanged} {'is' if plan.unchanged == 1 else 'are'} alike" if plan.unchanged else ""
        return (
            "Comparison:",
            f"{counted(count, 'model')} {'differs' if count == 1 else 'differ'} between {names}{alike}.",
        )
    return "No differences.", (
        f"{counted(plan.bound, 'model')} compared: {'it is' if plan.bound == 1 else 'all are'} alike in {names}."
        if plan.bound
        else "No model was compared."
    )


def alone(plan: Plan, counterpart: Counterpart) -> list[tuple[str, tuple[str, ...]]]:
    """The definitions that have no live model in one of two environments, or in both, each list with its title."""
    here, there = counterpart.target.environment, plan.target.environment
    lists = (
        (f"In {here} alone", counterpart.alone_here),
        (f"In {there} alone", counterpart.alone_there),
        (f"Neither in {here} nor in {there}", counterpart.nowhere),
    )
    return [(f"{title} ({len(addresses)})", addresses) for title, addresses in lists if addresses]


def comparison_counts(plan: Plan, counterpart: Counterpart) -> list[str]:
    """What was not compared: `3 live models of staging are not in git`, `6 definitions for one of the two only`."""
    sides = ((counterpart.target, counterpart.unmanaged), (plan.target, plan.unmanaged))
    counts = []
    for target, models in sides:
        if models:
            verb = "is" if len(models) == 1 else "are"
            counts.append(f"{counted(len(models), 'live model')} of {target.environment} {verb} not in git")
    return [*counts, *([f"{counted(plan.elsewhere, 'definition')} for one of the two only"] if plan.elsewhere else [])]


def report_verdict(report: Report) -> tuple[str, str]:
    """The verdict on an apply: the words to stress, and the rest of the line."""
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


def untouched_counts(planned: Planned) -> list[str]:
    """What the plan leaves alone: `3 models unchanged`, `1 live model not in git`. A count of zero is left out."""
    plan = planned.plan
    unmanaged = len(plan.unmanaged)
    return [
        *([f"{counted(plan.unchanged, 'model')} unchanged"] if plan.unchanged else []),
        *([f"{counted(unmanaged, 'live model')} not in git"] if unmanaged else []),
        *([f"{counted(plan.excluded, 'definition')} left out by --target"] if plan.excluded else []),
        *([elsewhere(plan.elsewhere)] if plan.elsewhere else []),
    ]


def elsewhere(count: int) -> str:
    """`2 definitions for other environments only`."""
    return f"{counted(count, 'definition')} for other environments only"


def outcome_counts(report: Report) -> dict[str, int]:
    """How many changes ended with each status, by its word; zeros are included."""
    counts = {status.value: count for status, count in report.counts().items()}
    return {status: counts.get(status, 0) for status in ("done", "conflict", "failed", "unknown", "not attempted")}
