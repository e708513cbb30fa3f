"""The use cases as straight lines. Edges (Reader, Writer, Desk, secrets) arrive as arguments.

asking     what each asks first           applying    apply, resume, roll back, and what refuses them
planning   plan, and plan offline         comparison  list
effects    what a plan does beyond        importing   import, and import --drift
"""

from syncer.workflow.applying import apply, expect, refuse, resume, roll_back
from syncer.workflow.asking import Base, Reader
from syncer.workflow.comparison import listing
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
