"""An apply as it's remembered: when, where, and how each change ended. Values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.model import Target

OPEN: Final = "open"
"""How a change of a run that never came to its end stands: it may have been written or not."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one change of a run: an outcome's word, or `OPEN`.

    `id` is that of a model that was created, 0 for every other; `updated_at` is when the server last changed the model
    by that change, empty where nobody knows.
    """

    status: str
    id: int = 0
    updated_at: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class PastRun:
    """An apply as a list of runs tells it: times in ISO 8601 and UTC.

    `ended` is empty if it was killed before. `commit` is the one whose definitions were applied; empty outside git, and
    for a rollback. `tally` counts the changes by how they ended: a status, and whether a model was to be created.
    """

    name: str
    command: str
    began: str
    ended: str
    target: Target
    commit: str
    tally: Mapping[tuple[str, bool], int]

    @property
    def is_rollback(self) -> bool:
        """Whether it took another run back."""
        return self.command.startswith("rollback ")


def tally(endings: Iterable[Ending]) -> Mapping[tuple[str, bool], int]:
    """How many changes ended in which way, in the order in which the ways come first."""
    return Counter((one.status, one.is_new) for one in endings)


@dataclass(frozen=True, slots=True)
class LostRun:
    """A run whose record can't be read, and why."""

    name: str
    why: str
