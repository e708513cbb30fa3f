"""All that `--json` prints: one JSON object a line for programs, ASCII only, without secrets. Pure.

The shape is that of `terraform plan -json`, with the attributes' values added. `schemas/events.schema.json` describes
every line. `UI_VERSION` is the shape's version: its second number goes up when something is added, its first when
something changes or goes away.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from syncer import __version__
from syncer.errors import InputError, RefusedError, SyncerError
from syncer.events import Event, Modified, Modifying, Requested, Slowing, Waiting
from syncer.model import ABSENT, Problem
from syncer.plan.effect_sentences import meaning
from syncer.plan.planner import Cause
from syncer.render.command_lines import ANYWHERE, Commands
from syncer.render.style import Style
from syncer.render.terminal import render_event
from syncer.render.text import counted, visible
from syncer.render.totals import comparison_verdict, drift_verdict, outcome_counts, plan_verdict, report_verdict
from syncer.secrets import Secret, SecretRef

if TYPE_CHECKING:
    from syncer.applying.outcome import Outcome, Report
    from syncer.applying.past_run import LostRun, PastRun
    from syncer.desired.said import Said
    from syncer.model import Document, Origin, Target
    from syncer.plan.diff import FieldChange
    from syncer.plan.model_states import Listing, Row
    from syncer.plan.planner import Change, Counterpart, Effect, Plan, Planned, Provenance, Removed
    from syncer.render.terminal.doctor import Check

UI_VERSION: Final = "1.4"
"""The version of the lines' shape, not of syncer."""

Clock: TypeAlias = Callable[[], datetime]
"""Tells the time, with its time zone."""

_ACTIONS: Final = {"+": "create", "~": "update"}
_DEEPEST: Final = 100
_CHECK_LEVELS: Final = {"failed": "error", "warning": "warn"}


def version_line(clock: Clock) -> str:
    """The first line of every stream."""
    message = f"syncer {__version__}"
    return _line("version", clock, message, {"syncer": __version__, "ui": UI_VERSION})


def plan_lines(planned: Planned, clock: Clock, commands: Commands = ANYWHERE) -> list[str]:
    """One line a change with every attribute that differs (and why, with a base), the warnings, then the totals.

    A plan that could not be made has no totals, because "no changes" would be wrong. A plan of drift goes to
    `drift_lines`.
    """
    if planned.is_drift:
        return drift_lines(planned, clock, commands)
    if planned.counterpart is not None:
        return _comparison_lines(planned, planned.counterpart, clock, commands)
    plan, provenance = planned.plan, planned.provenance
    if planned.problems and plan.is_empty:
        return problem_lines(planned.warnings, clock, commands)
    lines = [
        _change_line(
            change, clock, provenance.causes[change.address] if provenance else (), planned.effects.get(change.address)
        )
        for change in plan.changes
    ]
    lines += problem_lines(planned.warnings, clock, commands)
    totals = {**_totals(plan, "plan"), "digest": plan.digest, "offline": planned.is_offline}
    totals |= {"base": _base(plan, provenance)} if provenance else {}
    totals |= {"refused": len(planned.refusals), "removed": [_removed(one) for one in planned.removed]}
    return [*lines, _line("change_summary", clock, " ".join(plan_verdict(planned)), totals)]


def drift_lines(planned: Planned, clock: Clock, commands: Commands = ANYWHERE) -> list[str]:
    """One line a model that was changed outside git, from git's value to the live one; then the totals."""
    if planned.problems and planned.plan.is_empty:
        return problem_lines(planned.warnings, clock, commands)
    lines = []
    for change in planned.plan.changes:
        message = f"model.{visible(change.address)}: Drift detected ({counted(len(change.fields), 'difference')})"
        lines.append(_line("resource_drift", clock, message, {"change": _change(change.reversed, ())}))
    lines += problem_lines(planned.warnings, clock, commands)
    totals = {**_totals(planned.plan, "drift"), "commit": planned.commit}
    return [*lines, _line("change_summary", clock, " ".join(drift_verdict(planned.plan)), totals)]


def _comparison_lines(planned: Planned, counterpart: Counterpart, clock: Clock, commands: Commands) -> list[str]:
    """One line a model that differs between two live environments; then the totals."""
    plan = planned.plan
    if planned.problems and plan.is_empty:
        return problem_lines(planned.warnings, clock, commands)
    lines = []
    for change in plan.changes:
        message = f"model.{visible(change.address)}: Differs ({counted(len(change.fields), 'difference')})"
        lines.append(_line("resource_difference", clock, message, {"change": _change(change, ())}))
    lines += problem_lines(planned.warnings, clock, commands)
    told = {
        "target": _target(counterpart.target),
        "alone_here": list(counterpart.alone_here),
        "alone_there": list(counterpart.alone_there),
        "nowhere": list(counterpart.nowhere),
        "unmanaged": len(counterpart.unmanaged),
    }
    totals = {**_totals(plan, "compare"), "compared": told}
    return [*lines, _line("change_summary", clock, visible(" ".join(comparison_verdict(plan, counterpart))), totals)]


def _target(target: Target) -> dict[str, Any]:
    return {"environment": target.environment, "url": target.url, "workspace_id": target.workspace_id}


def _totals(plan: Plan, operation: str) -> dict[str, Any]:
    return {
        **_changes(len(plan.created), len(plan.updated), operation),
        "unchanged": plan.unchanged,
        "unmanaged": len(plan.unmanaged),
        "excluded": plan.excluded,
        "elsewhere": plan.elsewhere,
        "target": _target(plan.target),
        **({"not_compared": sorted(plan.unset_variables)} if plan.not_compared else {}),
    }


def _removed(one: Removed) -> dict[str, Any]:
    """A removed definition; what isn't known is null."""
    syncs = None if one.syncs is None else [asdict(sync) for sync in one.syncs]
    return {"address": one.address, "file": one.path, "id": one.id or None, "name": one.name, "syncs": syncs}


def _base(plan: Plan, provenance: Provenance) -> dict[str, Any]:
    counts = {cause.name.lower(): len(provenance.with_cause(plan.changes, cause)) for cause in Cause}
    already = {address: list(fields) for address, fields in sorted(provenance.already_live.items())}
    return {"commit": provenance.commit, **counts, "already_live": already}


def event_line(event: Event, clock: Clock) -> str:
    """One line of progress; waiting and requests are of the type `log`."""
    message = render_event(event, Style())
    if isinstance(event, Requested):
        request = {"method": event.method, "path": event.path, "status": event.status, "seconds": event.seconds}
        return _line("log", clock, message, {"request": request}, level="debug")
    if isinstance(event, Waiting):
        tries = {"attempt": event.attempt, "attempts": event.attempts}
        waiting = {"reason": event.reason, "seconds": event.seconds, "left": event.left, **tries}
        return _line("log", clock, message, {"waiting": waiting}, level="warn")
    if isinstance(event, Slowing):
        return _line("log", clock, message, {"slowing": asdict(event)}, level="warn")
    if isinstance(event, Modifying):
        kind = "apply_progress" if event.elapsed else "apply_start"
    else:
        kind = "apply_complete" if event.ok else "apply_errored"
    is_error = isinstance(event, Modified) and not event.ok
    hook: dict[str, Any] = {
        "resource": _resource(event.address, event.id),
        "action": "create" if getattr(event, "is_new", not event.id) else "update",
        "id_key": "id",
        "id_value": str(event.id),
    }
    if kind != "apply_start":
        hook["elapsed_seconds"] = round(event.elapsed)
    return _line(kind, clock, message, {"hook": hook}, level="error" if is_error else "info")


def report_lines(report: Report, clock: Clock, commands: Commands = ANYWHERE) -> list[str]:
    """A diagnostic for each change that isn't done, or doesn't stand as it was applied, then the totals."""
    lines = [_outcome_line(one, clock, commands) for one in report.outcomes if one.since or one.status.value != "done"]
    if report.unseen:
        unseen = f"syncer did not check at the end whether its changes are still there: {report.unseen}"
        lines.append(_diagnostic("warning", unseen, clock, hint=commands.completed("`syncer plan` shows it")))
    counts = outcome_counts(report)
    message = " ".join(report_verdict(report))
    level = "info" if report.is_ok else "error"
    outcomes = {_snake_case(status): count for status, count in counts.items()}
    if since := sum(bool(one.since) for one in report.outcomes):
        outcomes["not_as_applied"] = since
    added = sum(one.change.is_creation and one.status.value == "done" for one in report.outcomes)
    totals = {**_changes(added, counts["done"] - added, "apply"), "outcomes": outcomes}
    return [*lines, _line("change_summary", clock, message, totals, level=level)]


def run_lines(runs: Sequence[PastRun | LostRun], clock: Clock) -> list[str]:
    """One line a run that is remembered; what isn't known of it is left out."""
    from syncer.applying.past_run import LostRun  # noqa: PLC0415 - a plan does without

    return [_lost_run_line(run, clock) if isinstance(run, LostRun) else _run_line(run, clock) for run in runs]


def check_line(check: Check, clock: Clock, commands: Commands = ANYWHERE) -> str:
    """How one layer between here and the models is, as `doctor` found it."""
    state = check.state.name.lower()
    told = {"layer": check.layer, "state": state, "detail": check.detail, "hint": commands.completed(check.hint)}
    level = _CHECK_LEVELS.get(state, "info")
    return _line("check", clock, f"{check.layer}: {state}: {visible(check.detail)}", {"check": told}, level=level)


def verdict_line(checks: Sequence[Check], environment: str, clock: Clock) -> str:
    """The last line of `doctor`: which layers fail."""
    from syncer.render.terminal.doctor import State, render_verdict  # noqa: PLC0415 - a plan does without

    failed, warned = (
        [check.layer for check in checks if check.state is state] for state in (State.FAILED, State.WARNING)
    )
    told = {"environment": environment, "failed": failed, "warnings": warned}
    level = "error" if failed else "warn" if warned else "info"
    message = render_verdict(checks, environment, Style())
    return _line("check_summary", clock, message, {"checks": told}, level=level)


def _lost_run_line(run: LostRun, clock: Clock) -> str:
    data = {"run": {"name": run.name, "unreadable": run.why}}
    return _line("run", clock, f"{visible(run.name)}: {visible(run.why)}", data, level="warn")


def _run_line(run: PastRun, clock: Clock) -> str:
    from syncer.render.terminal.history import ending  # noqa: PLC0415 - a plan does without

    counts: Counter[str] = Counter()
    for (status, _), count in run.tally.items():
        counts[_snake_case(status)] += count
    where = run.target
    data = {
        "name": run.name,
        "command": run.command,
        "began": run.began,
        "ended": run.ended,
        "commit": run.commit,
        "created": run.tally.get(("done", True), 0),
        "outcomes": dict(counts),
        "target": {"environment": where.environment, "url": where.url, "workspace_id": where.workspace_id},
    }
    known = {key: value for key, value in data.items() if value != ""}
    return _line("run", clock, f"{visible(run.name)}: {ending(run)}", {"run": known})


def state_lines(listing: Listing, clock: Clock, commands: Commands = ANYWHERE) -> list[str]:
    """One line a model, with how it stands; then the warnings."""
    warnings = [problem for problem in listing.problems if not problem.is_error]
    return [*(_state_line(row, clock) for row in listing.rows), *problem_lines(warnings, clock, commands)]


def _state_line(row: Row, clock: Clock) -> str:
    """A model's state; what isn't known or doesn't exist is null."""
    who = f"model.{visible(row.address)}" if row.address else f"model {row.id}"
    data = {
        "state": _snake_case(row.state.value),
        "address": row.address or None,
        "id": row.id,
        "name": row.name,
        "query_type": row.query_type,
        "connector": {"id": row.connector_id, "name": row.connector},
        "syncs": row.syncs,
        "file": row.file or None,
    }
    return _line("model_state", clock, f"{who}: {row.state.value}", data)


def definition_line(document: Document, environment: str, said: Sequence[Said], clock: Clock) -> str:
    """A definition as one environment sees it, with the place of each value."""
    values = [
        {
            "path": list(one.path),
            "value": one.value,
            **_origin(one.origin),
            **({"in_files": one.in_files, "mapped_at": _origin(one.mapping)} if one.mapping else {}),
        }
        for one in said
    ]
    data = {"address": document.address, "file": document.path, "environment": environment, "values": values}
    message = f"model.{visible(document.address)} as {visible(environment)} sees it"
    return _line("definition", clock, message, data)


def _origin(origin: Origin) -> dict[str, Any]:
    """A place; line and column are null for a whole file."""
    return {"file": origin.path, "line": origin.line or None, "column": origin.column or None}


def problem_lines(problems: Sequence[Problem], clock: Clock, commands: Commands = ANYWHERE) -> list[str]:
    """One line a problem."""
    return [
        _diagnostic(
            problem.severity.value,
            problem.message,
            clock,
            hint=commands.completed(problem.hint),
            rule=problem.rule,
            file=problem.origin.path or None,
            line=problem.origin.line or None,
            column=problem.origin.column or None,
        )
        for problem in problems
    ]


def error_lines(error: SyncerError, clock: Clock, commands: Commands = ANYWHERE) -> list[str]:
    """What stopped the run: its problems, if it has some, then itself."""
    problems = error.problems if isinstance(error, (InputError, RefusedError)) else ()
    hint = commands.completed(error.hint)
    return [*problem_lines(problems, clock, commands), _diagnostic("error", error.what, clock, hint=hint)]


# -- pieces ------------------------------------------------------------------------------------------------------------


def _line(kind: str, clock: Clock, message: str, more: Mapping[str, Any], *, level: str = "info") -> str:
    data = {
        "type": kind,
        **more,
        "@level": level,
        "@message": message,
        "@module": "syncer.ui",
        "@timestamp": clock().astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # A CI runner looks for `##[command]` in every line. JSON has # in texts alone, where it may be escaped.
    return text.replace("##", "#\\u0023")


def _resource(address: str, ident: int, file: str = "") -> dict[str, Any]:
    resource = {"addr": f"model.{address}", "resource_type": "model", "resource_name": address, "id": ident}
    return {**resource, "file": file} if file else resource


def _changes(add: int, update: int, operation: str) -> dict[str, Any]:
    return {"changes": {"add": add, "change": update, "import": 0, "remove": 0, "operation": operation}}


def _change_line(change: Change, clock: Clock, causes: Sequence[Cause], effect: Effect | None) -> str:
    doing = "create" if change.is_creation else f"update ({counted(len(change.fields), 'difference')})"
    message = f"model.{visible(change.address)}: Plan to {doing}"
    told = {"effect": _effect(change, effect)} if effect is not None else {}
    return _line("planned_change", clock, message, {"change": _change(change, causes) | told})


def _effect(change: Change, effect: Effect) -> dict[str, Any]:
    """The syncs that a changed model feeds (null: not known), its columns (null: the same), and what it means."""
    syncs, found = effect.syncs, effect.columns
    return {
        "syncs": None if syncs is None else [asdict(sync) for sync in syncs],
        "columns": None if found is None else asdict(found),
        "meaning": meaning(change, effect, visible),
    }


def _change(change: Change, causes: Sequence[Cause]) -> dict[str, Any]:
    why = [{"cause": cause.value} for cause in causes] or [{}] * len(change.fields)
    return {
        "resource": _resource(change.address, change.id, change.desired.document.path),
        "action": _ACTIONS[change.action.value],
        "attributes": [_attribute(field) | cause for field, cause in zip(change.fields, why, strict=True)],
    }


def _attribute(field: FieldChange) -> dict[str, Any]:
    """A field's difference; a side that has no such key is null, and `kind` says so."""
    kind = "added" if field.before is ABSENT else "removed" if field.after is ABSENT else "changed"
    sides = _JsonValue(), _JsonValue()
    before, after = (plain.of(value) for plain, value in zip(sides, (field.before, field.after), strict=True))
    return {
        "path": list(field.path),
        "kind": kind,
        "before": before,
        "after": after,
        "sensitive": any(plain.is_sensitive for plain in sides),
    }


class _JsonValue:
    """Makes values safe for JSON, and remembers whether a secret was left out."""

    def __init__(self) -> None:
        self.is_sensitive = False

    def of(self, value: object, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
        """The value with null for every secret, for what JSON can't hold, and for what is nested too deep."""
        if value is None or value is ABSENT or isinstance(value, (bool, int, str)):
            return None if value is ABSENT else value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, Mapping) and depth < _DEEPEST:
            return {str(key): self.of(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list) and depth < _DEEPEST:
            return [self.of(inner, depth + 1) for inner in value]
        self.is_sensitive = self.is_sensitive or isinstance(value, (Secret, SecretRef))
        return None


def _snake_case(status: str) -> str:
    return status.replace(" ", "_")


def _diagnostic(severity: str, summary: str, clock: Clock, **more: object) -> str:
    """A diagnostic; what isn't known is left out."""
    known = {key: value for key, value in more.items() if value not in (None, "")}
    message = f"{severity.capitalize()}: {visible(summary)}"
    data = {"diagnostic": {"severity": severity, "summary": summary, **known}}
    return _line("diagnostic", clock, message, data, level="warn" if severity == "warning" else "error")


def _outcome_line(outcome: Outcome, clock: Clock, commands: Commands) -> str:
    change, reason = outcome.change, outcome.since or outcome.reason
    return _diagnostic(
        "error",
        f"{change.address}: {outcome.status.value}" + (f": {reason}" if reason else ""),
        clock,
        hint=commands.completed(outcome.hint),
        file=change.desired.document.path,
        resource=_resource(change.address, outcome.model_id),
        status=_snake_case(outcome.status.value),
        unapplied=[_attribute(field) for field in outcome.unapplied] or None,
    )
