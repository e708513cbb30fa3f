"""Taking a run back: its plan, how each change ended and what is live go in; the plan of the way back comes out. Pure.

Only what the run itself wrote is undone, and only where it still stands: an edit that came since isn't that run's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syncer.applying.past_run import OPEN
from syncer.errors import RefusedError
from syncer.model import REQUIRED, Fields, Lifecycle, Problem, Severity, leaves
from syncer.plan.diff import compare
from syncer.plan.planner import Change, Plan
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.applying.past_run import Ending
    from syncer.model import Json, LiveModel, LiveState, Path, Target
    from syncer.plan.planner import Planned


_SENT: Final = frozenset({"done", "failed", "unknown", OPEN})
"""The endings after which something of a change may be live; in every other nothing was sent."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """The plan of what goes back, what doesn't, and the models that the run created: they stay."""

    plan: Plan
    refused: tuple[Problem, ...] = ()
    left: tuple[Problem, ...] = ()


def check_applicable(kept: Planned, target: Target) -> None:
    """Raise RefusedError if the run wrote to another target, or its record isn't that of an apply."""
    if kept.plan.target != target:
        wrote = kept.plan.target
        here, there = (f"{one.environment} ({one.url}, workspace {one.workspace_id})" for one in (target, wrote))
        message = f"that run wrote to {there}, not to {here}; nothing was written"
        raise RefusedError(message, "name its environment with --env; a run is taken back where it was made")
    if kept.problems or kept.is_offline:
        message = "that record holds a plan that can't be applied; nothing was written"
        raise RefusedError(message, "see `syncer history` for another run")


def way_back(
    kept: Plan, endings: Mapping[str, Ending], live: LiveState, lookup: Callable[[str], Secret | None]
) -> WayBack:
    """What takes a run back, as far as live models still are what it wrote.

    What goes back is counted beside all the models that the run compared, as the run's own plan was.
    """
    models = {model.id: model for model in live.models}
    broken = {row.id: row.reason for row in live.unreadable}
    changes: list[Change] = []
    refused: list[Problem] = []
    left: list[Problem] = []
    for change in kept.changes:
        ending = endings[change.address]
        if ending.status not in _SENT:
            continue
        if change.is_creation:
            left += _created_models(change, ending, live)
            continue
        back = _reversed(change, ending, models.get(change.id) or broken.get(change.id), lookup)
        if isinstance(back, Problem):
            refused.append(back)
        elif back is not None:
            changes.append(back)
    # Nothing of git is compared, so no secret is missing.
    plan = replace(kept, changes=tuple(changes), unchanged=kept.bound - len(changes), unmanaged=(), not_compared={})
    return WayBack(plan, tuple(refused), tuple(left))


def _created_models(change: Change, ending: Ending, live: LiveState) -> list[Problem]:
    """What is there still of a creation, in words; by its name where nobody heard its id."""
    name = str(change.after["name"])
    there = [model.id for model in live.models if (model.id == ending.id if ending.id else model.name == name)]
    was = "was" if ending.status == "done" else "may have been"
    return [
        change.desired.problem(
            "created-model",
            f"live model {model_id} ({change.address}) {was} created by that run, and stays: syncer deletes nothing",
            hint="if you don't want it, remove its file from git and delete the model by hand; that destroys "
            "its syncs, too",
            severity=Severity.WARNING,
        )
        for model_id in there
    ]


def _reversed(
    change: Change, ending: Ending, live: LiveModel | str | None, lookup: Callable[[str], Secret | None]
) -> Change | Problem | None:
    """The change that undoes one of the run's; why there is none; or None where there is nothing to undo."""
    if live is None or isinstance(live, str):
        what = f"can't be shown by the server: {live}" if live else "was deleted since that run"
        return _nothing_there(change, what)
    sent = tuple(dict.fromkeys((*REQUIRED, *change.changed)))
    before, wrote = ({field: side[field] for field in sent} for side in (change.live.fields, change.after))
    moved = _moved_fields(live, wrote, ending.updated_at)
    if moved:
        return _changed_since(change, ending, moved) if _moved_fields(live, before, change.live.updated_at) else None
    if others := _moved_beside(live, change, ending):
        return _changed_since(change, ending, others)
    lost: list[str] = []
    after = _with_known_secrets(before, _known_secrets(wrote, live, lookup), lost)
    fields = compare(live.fields, after)
    if lost:
        why = "a secret was replaced, or hidden by the server, and no record holds one"
        return _not_restorable(change, f"{', '.join(lost)}: {why}")
    if not fields:
        return None
    # What allowed the way there was said of the way there: the way back may re-send again, and is allowed by itself.
    lifecycle = Lifecycle(protect=change.desired.lifecycle.protect)
    desired = replace(change.desired, fields=after, lifecycle=lifecycle)
    back = Change(desired, live, after, fields, restored=change.live.raw)
    try:
        _ = back.body
    except ValueError as error:
        return _not_restorable(change, f"{', '.join(back.changed)}: {error}")
    return back


def _nothing_there(change: Change, what: str) -> Problem:
    message = f"live model {change.id} ({change.address}) {what}"
    return change.desired.problem("changed-since", message, hint="so there is nothing to restore")


def _changed_since(change: Change, ending: Ending, moved: str) -> Problem:
    who = f"live model {change.id} ({change.address})"
    if ending.status == "done":
        what = f"{who} changed since that run: {moved}"
    else:
        how = "never ended" if ending.status == OPEN else f"reported `{ending.status}` for it"
        what = f"{who} is neither what that run found nor what it wanted: {moved}; the run {how}"
    return change.desired.problem("changed-since", what, hint="it's left alone: change it in git, where it's reviewed")


def _not_restorable(change: Change, why: str) -> Problem:
    what = f"live model {change.id} ({change.address}) can't be what it was before that run: {why}"
    return change.desired.problem("not-restorable", what, hint="it's left alone: change it in git, or by hand")


def _moved_fields(live: LiveModel, fields: Fields, updated_at: str) -> str:
    """In which of these recorded fields the model is otherwise now; empty if in none.

    Of a secret nobody recorded more than that there was one: whether it's the same, the time of the last change tells.
    """
    now = dict(leaves(dict(live.fields)))

    def as_live(path: Path, secret: Secret) -> Json:
        found = now.get(path)
        return found if isinstance(found, Secret) else secret

    moved = sorted({str(one.path[0]) for one in compare(live.fields, _with_secrets_replaced(fields, as_live))})
    hides = any(isinstance(leaf, Secret) and leaf != _BLANK for _, leaf in leaves(dict(fields)))
    if not moved and hides and not (updated_at and updated_at == live.updated_at):
        return "updated_at; it holds secrets, so it must not have moved at all"
    return ", ".join(moved)


def _moved_beside(live: LiveModel, change: Change, ending: Ending) -> str:
    """What else of the model somebody changed since the run; empty if nothing, as far as the record tells."""
    kept = {field: value for field, value in change.live.fields.items() if field not in change.changed}
    return _moved_fields(live, kept, live.updated_at) or (
        "a field that the run didn't write" if ending.updated_at not in {"", live.updated_at} else ""
    )


_BLANK: Final = Secret("")


def _known_secrets(wrote: Fields, live: LiveModel, lookup: Callable[[str], Secret | None]) -> dict[Secret, Secret]:
    """What each secret that the run wrote is, by what stands for it in the record: live has it, or a variable."""
    now = dict(leaves(dict(live.fields)))
    known = {}
    for path, leaf in leaves(dict(wrote)):
        if isinstance(leaf, Secret) and not leaf.is_mask:
            found = now.get(path)
            if not isinstance(found, Secret) or found.is_mask:
                found = lookup(leaf.reference) if leaf.reference else None
            if found is not None:
                known[leaf] = found
    return known


def _with_known_secrets(before: Fields, known: Mapping[Secret, Secret], lost: list[str]) -> Fields:
    """The former fields with their secrets: those that the run wrote, too. What nobody knows any more is `lost`."""

    def former(path: Path, secret: Secret) -> Json:
        # What the server hid is the same as anything: nobody knows whose key it was, and what git put there since may
        # be another one's.
        found = None if secret.is_mask else known.get(secret)
        if found is None:
            lost.append(".".join(map(str, path)))
        return secret if found is None else found

    return _with_secrets_replaced(before, former)


def _with_secrets_replaced(fields: Fields, by: Callable[[Path, Secret], Json]) -> dict[str, Json]:
    """The fields with something else in the place of every secret; nothing is none."""

    def inner(value: Json, path: Path) -> Json:
        if isinstance(value, Secret):
            return value if value == _BLANK else by(path, value)
        if isinstance(value, Mapping):
            return {key: inner(one, (*path, key)) for key, one in value.items()}
        return [inner(one, (*path, index)) for index, one in enumerate(value)] if isinstance(value, list) else value

    return {field: inner(value, (field,)) for field, value in fields.items()}
