"""The use cases as straight lines. Edges (Reader, Writer, Desk, secrets) arrive as arguments.

asking     what each asks first           applying    apply, resume, roll back, and what refuses them
planning   plan, and plan offline         comparing   list
consequences  what a plan does beyond     importing   import, and import --drift
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from syncer.workflow.applying import apply, expect, refuse, resume, roll_back
    from syncer.workflow.asking import Base, Reader
    from syncer.workflow.comparing import listing
    from syncer.workflow.importing import Desk, import_drift, import_models
    from syncer.workflow.planning import plan, plan_offline

__all__ = [
    "Base",
    "Desk",
    "Reader",
    "apply",
    "expect",
    "import_drift",
    "import_models",
    "listing",
    "plan",
    "plan_offline",
    "refuse",
    "resume",
    "roll_back",
]

_PARTS: Final = {
    "applying": ("apply", "expect", "refuse", "resume", "roll_back"),
    "asking": ("Base", "Reader"),
    "comparing": ("listing",),
    "importing": ("Desk", "import_drift", "import_models"),
    "planning": ("plan", "plan_offline"),
}


def __getattr__(name: str) -> object:
    """A use case, whose module is imported when it's asked for: a plan does without what only an import needs."""
    for part, names in _PARTS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{part}"), name)
    raise AttributeError(name)
