"""A saved plan, before it's applied: whether it may be applied here, and its changes on live state as it is now. Pure.

It's the same plan or none: whatever moved since it was made refuses it, before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from syncer.errors import RefusedError
from syncer.model import ABSENT, Problem, leaves
from syncer.plan.diff import compare
from syncer.plan.planner import Change
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.model import Json, LiveModel, LiveState, Target
    from syncer.plan.planner import Planned


DRIFT_REPORT: Final = "is a drift report (`syncer drift` made it), and not a plan"
"""What a file is that holds drift."""


def check_applicable(saved: Planned, target: Target, commit: str) -> None:
    """Raise RefusedError for what no apply carries out here.

    That is a drift report, a plan that isn't whole or was made without live state, and one of another target or commit.
    """
    if saved.is_drift:
        message = f"this file {DRIFT_REPORT}"
        hint = "to undo those edits, plan: `syncer plan --out plan.json`"
        raise RefusedError(f"{message}; nothing was written", hint)
    if saved.problems:
        message = "the saved plan is incomplete, so nothing is applied"
        raise RefusedError(message, "fix its problems, and plan again", saved.problems)
    if saved.is_offline:
        message = "the saved plan was made from the files only, without reading the target; nothing was written"
        raise RefusedError(message, "plan again where the target can be read")
    planned = saved.plan.target
    if planned != target:
        here, there = (f"{one.environment} ({one.url}, workspace {one.workspace_id})" for one in (target, planned))
        message = f"the saved plan was made for {there}, not for {here}; nothing was written"
        raise RefusedError(message, "name its environment with --env, or plan again")
    if saved.commit and not commit:
        message = f"the saved plan was made for commit {saved.made_of}, but git can't tell what is checked out"
        raise RefusedError(f"{message}; nothing was written", "apply it in a clone that git trusts, or plan again")
    if saved.commit and saved.commit != commit:
        made, here = (one.made_of for one in (saved, replace(saved, commit=commit)))
        message = f"the saved plan was made for commit {made}, but {here} is checked out"
        raise RefusedError(f"{message}; nothing was written", "check out that commit, or plan again")


def with_live_state(saved: Planned, live: LiveState, lookup: Callable[[str], Secret | None]) -> Planned:
    """The plan with live models as they are now and with its secrets: the same plan, or RefusedError."""
    models = {model.id: model for model in live.models}
    names = {model.name: model for model in live.models}
    broken = {row.id: row.reason for row in live.unreadable}
    changes, problems = [], []
    withheld = {change.address for change in saved.plan.withheld}
    for change in saved.plan.changes:
        renewed: Change | Problem
        if change.address in withheld:
            # It's not sent, even if its secret is set by now: nobody has seen what that would change.
            renewed = change
        elif change.is_creation:
            is_seen = live.complete and not any(row.may_be(str(change.after["name"])) for row in live.unreadable)
            renewed = _renewed_creation(change, names, lookup, is_seen=is_seen)
        else:
            renewed = _renewed_update(change, models.get(change.id) or broken.get(change.id), lookup)
        if isinstance(renewed, Problem):
            problems.append(renewed)
        else:
            changes.append(renewed)
    if problems:
        is_stale = any(problem.rule == "stale-plan" for problem in problems)
        what = "Saved plan is stale: live models changed since it was made" if is_stale else "the plan can't be applied"
        raise RefusedError(f"{what}; nothing was written", "plan again, and review what it says now", problems)
    plan = replace(saved.plan, changes=tuple(changes))
    if plan.digest != saved.plan.digest:
        message = "Saved plan is stale: a new plan would do something else; nothing was written"
        raise RefusedError(message, "plan again, and review what it says now")
    return replace(saved, plan=plan)


def _renewed_creation(
    change: Change, names: Mapping[str, LiveModel], lookup: Callable[[str], Secret | None], *, is_seen: bool
) -> Change | Problem:
    """The creation with its secrets; or why it is none any more."""
    if not is_seen:
        message = f"{change.address} can't be created: not every live model can be read, and one may have its name"
        return change.desired.problem("stale-plan", message)
    if (other := names.get(str(change.after["name"]))) is not None:
        message = f"{change.address} is no longer new: live model {other.id} has its name"
        return change.desired.problem("stale-plan", message)
    missing: list[str] = []
    after = {field: _with_secrets(value, ABSENT, lookup, missing) for field, value in change.after.items()}
    if missing:
        return _missing(change, missing)
    return replace(change, desired=replace(change.desired, fields=after), after=after, fields=compare({}, after))


def _missing(change: Change, missing: list[str]) -> Problem:
    named = ", ".join(dict.fromkeys(missing))
    return change.desired.problem("missing-secret", f"{change.address} needs {named}, which is not set")


def _renewed_update(
    change: Change, live: LiveModel | str | None, lookup: Callable[[str], Secret | None]
) -> Change | Problem:
    """The change with the live model as it is now (a text is why it can't be read); or why there is none."""
    if live is None or isinstance(live, str):
        what = f"can't be shown by the server: {live}" if live else "was deleted"
        return change.desired.problem("stale-plan", f"live model {change.id} ({change.address}) {what}")
    # Of a secret the file knows only that there was one: whether it's the same, the time of the last change tells.
    hides = any(isinstance(leaf, Secret) for value in change.before.values() for _, leaf in leaves(value))
    moved = sorted(
        {str(field.path[0]) for field in compare(_with_secrets_alike(live.fields), _with_secrets_alike(change.before))}
    )
    if moved or (hides and not (live.updated_at and live.updated_at == change.live.updated_at)):
        what = ", ".join(moved) or "updated_at; it holds secrets, so it must not have moved at all"
        return change.desired.problem("stale-plan", f"live model {change.id} ({change.address}) moved: {what}")
    missing: list[str] = []
    after = {
        # What git ignores may have moved: it's compared and sent as it is live now.
        field: live.fields[field]
        if field in change.ignored
        else _with_secrets(value, live.fields.get(field, ABSENT), lookup, missing)
        for field, value in change.after.items()
    }
    if missing:
        return _missing(change, missing)
    desired = replace(change.desired, fields=after)
    return Change(desired, live, after, compare(live.fields, after), restored=change.restored)


_SEAL: Final = Secret("")


def _with_secrets_alike(value: Json) -> Json:
    """The value with every secret alike."""
    if isinstance(value, Secret):
        return _SEAL
    if isinstance(value, Mapping):
        return {key: _with_secrets_alike(inner) for key, inner in value.items()}
    return [_with_secrets_alike(inner) for inner in value] if isinstance(value, list) else value


def _with_secrets(value: Json, live: Json, lookup: Callable[[str], Secret | None], missing: list[str]) -> Json:
    """A saved value with its secrets: looked up where git names a variable, else live's own at the same place."""
    if isinstance(value, Secret) and value.reveal() == "":
        return value
    if isinstance(value, Secret):
        found = lookup(value.reference) if value.reference else live
        if not isinstance(found, Secret):
            missing.append(value.reference or "a secret that only the server has")
        return found
    if isinstance(value, dict):
        inner = live if isinstance(live, dict) else {}
        return {key: _with_secrets(one, inner.get(key, ABSENT), lookup, missing) for key, one in value.items()}
    if isinstance(value, list):
        others = live if isinstance(live, list) and len(live) == len(value) else [ABSENT] * len(value)
        return [_with_secrets(one, other, lookup, missing) for one, other in zip(value, others, strict=True)]
    return value
