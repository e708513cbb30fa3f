"""The guards of definitions (`lifecycle`) as the base has them, and what a change takes from them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncer.model import Severity
from syncer.plan.base_definitions import BaseDefinitions
from syncer.plan.planner import LOOSENED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.model import Binding, DesiredModel, DesiredState, Problem
    from syncer.plan.planner import Change, Plan


def with_guards_of(plan: Plan, base: DesiredState) -> Plan:
    """The plan with `protect` as the base has it: a change doesn't lift the guard that it would trip."""
    former = BaseDefinitions(base)
    return replace(plan, changes=tuple(_guarded(change, former) for change in plan.changes))


def _guarded(change: Change, former: BaseDefinitions) -> Change:
    before = () if change.is_creation else former.all_of(change.desired, change.live)
    if not before:
        return change
    protect = any(model.lifecycle.protect for model in before)
    lifecycle = replace(change.desired.lifecycle, protect=protect)
    return replace(change, desired=replace(change.desired, lifecycle=lifecycle))


def loosened_guards(bindings: Iterable[Binding], base: DesiredState) -> tuple[Problem, ...]:
    """What the definitions take from their guards, or let pass, and the base didn't: a warning each."""
    former = BaseDefinitions(base)
    return tuple(
        binding.desired.problem(LOOSENED, message, "lifecycle", hint=hint, severity=Severity.WARNING)
        for binding in bindings
        if (before := former.all_of(binding.desired, binding.live))
        for message, hint in _loosened(binding.desired, before)
    )


def _loosened(now: DesiredModel, before: Iterable[DesiredModel]) -> Iterator[tuple[str, str]]:
    """Each in words, with what it means."""
    lifecycles = [model.lifecycle for model in before]
    if any(one.protect for one in lifecycles) and not now.lifecycle.protect:
        yield f"`protect` of {now.address} is lifted", "it protects the model until this change is merged"
    ignored = {path for one in lifecycles for path in one.ignore_changes}
    for path in now.lifecycle.ignore_changes:
        if not any(path == one or path.startswith(f"{one}.") for one in ignored):
            yield (
                f"{now.address} ignores changes of {path} from now on",
                "syncer will neither show nor undo edits of that live value",
            )
    for what in sorted({*now.lifecycle.allow} - {what for one in lifecycles for what in one.allow}):
        yield f"{now.address} allows {what} from now on", "no apply refuses that any more"
