"""The use cases as straight lines: which step follows which. What asks the API or the files is handed in.

planning         `syncer plan`, and a plan without the server
applying         `syncer apply`: a new plan or a saved one, and what refuses either
rolling_back     `syncer rollback`
listing          `syncer list`
importing        `syncer import`
importing_drift  `syncer import --drift`
importing_matches  `syncer import --match`
comparing_environments  `syncer compare`

reader           what a use case asks of the API
desk             what an import asks of the files
base             what git said before
targets          which definitions `--target` means
live_state       definitions bound to live models, and live models that can't be read
comparison       definitions beside live state, whether or not they could be applied
effects          what changes do to syncs and columns, and what can't be sent
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from syncer.workflow.applying import apply, expect, refuse, resume, without_files
    from syncer.workflow.base import Base
    from syncer.workflow.comparing_environments import compare_environments
    from syncer.workflow.desk import Desk
    from syncer.workflow.importing import import_models
    from syncer.workflow.importing_drift import import_drift
    from syncer.workflow.importing_matches import import_matches
    from syncer.workflow.listing import list_models
    from syncer.workflow.planning import plan, plan_offline
    from syncer.workflow.reader import Reader
    from syncer.workflow.rolling_back import roll_back

__all__ = [
    "Base",
    "Desk",
    "Reader",
    "apply",
    "compare_environments",
    "expect",
    "import_drift",
    "import_matches",
    "import_models",
    "list_models",
    "plan",
    "plan_offline",
    "refuse",
    "resume",
    "roll_back",
    "without_files",
]

_PARTS: Final = {
    "applying": ("apply", "expect", "refuse", "resume", "without_files"),
    "base": ("Base",),
    "comparing_environments": ("compare_environments",),
    "desk": ("Desk",),
    "importing": ("import_models",),
    "importing_drift": ("import_drift",),
    "importing_matches": ("import_matches",),
    "listing": ("list_models",),
    "planning": ("plan", "plan_offline"),
    "reader": ("Reader",),
    "rolling_back": ("roll_back",),
}


def __getattr__(name: str) -> object:
    """Import a use case when it is first used: a plan must not pay for an import."""
    for part, names in _PARTS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{part}"), name)
    raise AttributeError(name)
