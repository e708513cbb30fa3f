"""How much one apply may change, and what it does about drift: the limits that the verdict is made under. Values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from syncer.model import NOWHERE, Problem, Severity
from syncer.plan.planner import LOOSENED

if TYPE_CHECKING:
    from syncer.plan.planner import Change, Plan, Provenance

PROTECT: Final = "protect"
"""What lets protected models change, in one run; no file can."""


class OnDrift(Enum):
    """What an apply does about edits made outside git, where the base tells of them."""

    FAIL = "fail"
    """Neither undoes nor overwrites any."""
    WARN = "warn"
    """Undoes those that only it would undo, overwrites none that this change competes with."""
    OVERWRITE = "overwrite"
    """Git wins."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one apply may change: at most `percent` of the bound models, once it's `floor` of them or more."""

    percent: int = 30
    floor: int = 10
    on_drift: OnDrift = OnDrift.WARN
    allow: frozenset[str] = frozenset()
    """What may pass in every model, as `lifecycle.allow` lets it in one; and `PROTECT`."""
    asks_files: bool = True
    """Whether a file can allow it; on the way back of a run none is asked."""
    said: int | None = None
    """The share that this run itself lets pass, in percent: it beats `percent`, wherever that comes from."""

    requires_secrets: bool = True
    """Whether a secret that isn't set keeps its model out of the plan; else all but its value is compared."""

    @property
    def share(self) -> int:
        """The share that counts, in percent."""
        return self.percent if self.said is None else self.said

    def allows(self, change: Change, what: str) -> bool:
        """Whether this may pass in the model that changes."""
        return what in self.allow or what in change.desired.lifecycle.allow

    def with_base(self, provenance: Provenance | None) -> Limits:
        """The limits as the base's settings have them, where there is a base: a change doesn't lift its own guard."""
        if provenance is None or provenance.max_change is None:
            return self
        percent, floor = provenance.max_change
        return replace(self, percent=percent, floor=floor)


def loosened_limits(
    limits: Limits, base: tuple[int, int] | None, *, create: bool, created: bool
) -> tuple[Problem, ...]:
    """What the settings let pass that the base's didn't: its share and floor are `base`, its `create` is `created`."""
    percent, floor = base or (limits.percent, limits.floor)
    counts = "until this is merged, the limit of the base counts"
    found = []
    if limits.percent > percent:
        found.append((f"max_change_percent rises from {percent} to {limits.percent}", counts))
    if limits.floor > floor:
        found.append((f"max_change_floor rises from {floor} to {limits.floor}", counts))
    if create and not created:
        found.append(("create is switched on", "an apply creates new models from now on"))
    return tuple(Problem(NOWHERE, LOOSENED, message, hint, Severity.WARNING) for message, hint in found)


def too_many_changes(plan: Plan, limits: Limits) -> list[Problem]:
    """The refusal of a plan that changes more than the share of the bound models that may change at once."""
    # Of all that git declares: a small --target is how a large change is applied in parts.
    everything = plan.bound + plan.excluded
    count = len(plan.updated)
    share = 100 * count / everything if everything else 0
    if count < limits.floor or share <= limits.share:
        return []
    least = "1 change" if limits.floor == 1 else f"{limits.floor} changes"
    return [
        Problem(
            NOWHERE,
            "too-many-changes",
            f"{count} of {everything} bound models would change ({share:.0f} %, the limit is "
            f"{limits.share} % from {least} on)",
            f"if you mean to change so many, use `--max-change-percent {_rounded_up(share)}`, or apply in parts "
            f"with --target",
        )
    ]


def _rounded_up(share: float) -> int:
    return min(100, int(share) + 1)
