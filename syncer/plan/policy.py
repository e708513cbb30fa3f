"""The verdict: whether a plan may be applied under its limits. Plan and limits in, problems out.

An error refuses the apply and names what lifts it; a warning is to be read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer.model import RISKY, Problem, Severity
from syncer.plan.effect_sentences import RISKS
from syncer.plan.limits import PROTECT, OnDrift, too_many_changes
from syncer.plan.lost_columns import lost_columns
from syncer.plan.planner import Cause
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncer.plan.limits import Limits
    from syncer.plan.planner import Change, Plan, Planned


SILENT_BASE: Final = "silent-base"
"""The rule of a base that can't tell all: who wants no drift undone can't rely on it."""

_UNPROTECT: Final = (
    "if you mean this change, first merge a separate one that sets `protect: false`; or let this run pass with "
    f"`--allow {PROTECT}`"
)

_JUDGED: Final = frozenset(
    {"too-many-changes", "protected", "risky-change", "lost-column", "conflict", "drift", "secret-change", SILENT_BASE}
)
"""The rules of `judged`."""


def judged(planned: Planned, limits: Limits) -> Planned:
    """The plan with the one verdict on it: what an apply under these limits refuses, and what it lets pass with a word.

    Everything is judged anew, so a plan that was judged under other limits gets the verdict of these.
    """
    limits = limits.with_base(planned.provenance)
    plan = planned.plan
    found = (
        *too_many_changes(plan, limits),
        *_protected(plan, limits),
        *(_risky_change(change, field, limits) for change in plan.updated for field in _risky_fields(change)),
        *lost_columns(planned, limits),
        *_drift(planned, limits),
        *_secret_changes(plan),
    )
    # A saved plan doesn't hold its files. Its former verdict knows where something stands.
    known = {(one.rule, one.message): one for one in (*planned.warnings, *planned.refusals)}
    placed = [replace(known.get((one.rule, one.message), one), hint=one.hint, severity=one.severity) for one in found]
    others = [one for one in planned.warnings if one.rule not in _JUDGED]
    return replace(
        planned,
        warnings=(*others, *(one for one in placed if not one.is_error)),
        refusals=tuple(one for one in placed if one.is_error),
    )


def _severity(*, is_allowed: bool) -> Severity:
    return Severity.WARNING if is_allowed else Severity.ERROR


def _secret_changes(plan: Plan) -> Iterator[Problem]:
    """The variables whose values differ from what is live: nobody sees in a diff whether that is meant."""
    for change in plan.updated:
        for one in change.fields:
            if isinstance(one.after, Secret) and one.after.reference and isinstance(one.before, Secret):
                path = ".".join(map(str, one.path))
                yield change.desired.problem(
                    "secret-change",
                    f"{path} of {change.address} differs from {one.after.reference}: an apply writes that "
                    f"variable's value",
                    "configuration",
                    hint="if the live value is right, correct the variable",
                    severity=Severity.WARNING,
                )


_REFUSED: Final[Mapping[OnDrift, tuple[Cause, ...]]] = {
    OnDrift.FAIL: (Cause.DRIFT, Cause.CONFLICT),
    OnDrift.WARN: (Cause.CONFLICT,),
    OnDrift.OVERWRITE: (),
}


def _drift(planned: Planned, limits: Limits) -> Iterator[Problem]:
    """The edits made outside git that an apply may not touch, and a base that can't tell of all."""
    refused = _REFUSED[limits.on_drift]
    provenance = planned.provenance
    silent = next((one for one in (*planned.warnings, *planned.refusals) if one.rule == SILENT_BASE), None)
    if silent is not None:
        is_trusted = limits.on_drift is not OnDrift.FAIL or provenance is None or planned.plan.is_empty
        yield replace(silent, severity=_severity(is_allowed=is_trusted))
    if provenance is None:
        return
    for change in provenance.with_cause(planned.plan.changes, *refused):
        for field, causes in provenance.of(change).items():
            yield from (_drifted(change, field, cause) for cause in causes if cause in refused)


_ON_DRIFT: Final = {
    Cause.DRIFT: (
        "undo",
        (
            "if the edit is right, take it into the file with `syncer import --drift`; if git is right (or a "
            "merge was never applied), use `--on-drift overwrite`"
        ),
    ),
    # An import leaves these to a person.
    Cause.CONFLICT: (
        "overwrite",
        (
            "if live is right, write its value into the file by hand (`syncer import --drift` only shows it, because "
            "git has a new value there, too); if git is right (or a merge was never applied), use "
            "`--on-drift overwrite`"
        ),
    ),
}
"""What an apply does to an edit made outside git, in a word, and what helps."""


def _drifted(change: Change, field: str, cause: Cause) -> Problem:
    does, hint = _ON_DRIFT[cause]
    return change.desired.problem(
        cause.value,
        f"{field} of {change.address} was changed outside git, and this apply would {does} that",
        field,
        hint=hint,
    )


def _risky_fields(change: Change) -> list[str]:
    return [field for field in RISKY if field in change.changed]


def _risky_change(change: Change, field: str, limits: Limits) -> Problem:
    hint = RISKS[field]
    is_allowed = limits.allows(change, field)
    if not is_allowed:
        in_file = f"the file has `lifecycle: {{allow: [{field}]}}`, or " if limits.asks_files else ""
        hint += f" Apply refuses it until {in_file}the run has `--allow {field}`."
    what = f"{field} of {change.address} changes"
    return change.desired.problem("risky-change", what, field, hint=hint, severity=_severity(is_allowed=is_allowed))


def _protected(plan: Plan, limits: Limits) -> list[Problem]:
    is_allowed = PROTECT in limits.allow
    return [
        change.desired.problem(
            "protected",
            f"{change.address} is protected, and would change ({', '.join(change.changed)})",
            "lifecycle",
            hint="" if is_allowed else _UNPROTECT,
            severity=_severity(is_allowed=is_allowed),
        )
        for change in plan.updated
        if change.desired.lifecycle.protect
    ]
