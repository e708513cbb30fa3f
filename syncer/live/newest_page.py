"""What the newest page of models proves: which models moved since all were read, and that the others didn't. Pure.

Lists come newest first, and every write moves its row to the top: what isn't on the newest page didn't move, if that
page reaches back to when somebody last looked. Three things have to be seen for that:

- its rows stand in order, so everything newer than its last row is on it;
- its last row is no newer than what the look before saw on top: there is no gap between the two;
- its last row is older, by a margin, than the server's clock was at the look before. A write that this look didn't see
  yet bears a later time than that, but for a transaction that took its time, or another machine's clock. So rows that
  share one time, of which a page shows any, lie further back than whatever could have moved.

The server's clock is known from what it says of our own writes alone: the time of any other row may be anybody's
invention. It's at least as far ahead of ours as such a time is ahead of when we heard of it. Before the first write
nothing is proved; after it, the list that all began with is a look like any other. Where the server's clock stood at
that list is reckoned backwards, so a time in which this machine slept has to be counted there.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncer.model import LiveModel

MARGIN: Final = 10.0
"""How many seconds a transaction may take, and clocks of one server's machines may differ."""

_NEVER: Final = float("-inf")


class Moment(NamedTuple):
    """A time of this machine, in seconds."""

    steady: float
    """By the clock that is never set, and may stop while the machine sleeps."""
    wall: float
    """By the clock that goes on then, and may be set."""

    def since(self, earlier: Moment) -> float:
        """The seconds that passed at most, unless the wall's clock was set back while the machine slept."""
        return max(self.steady - earlier.steady, self.wall - earlier.wall)


class Known:
    """Every model of a workspace, as a complete list and the newest pages since then tell.

    `asked` is when a list or page was asked for, `heard` when an answer came.
    """

    def __init__(self, models: Iterable[LiveModel], asked: Moment) -> None:
        self.models = {model.id: model for model in models}
        self._asked = asked
        self._top = max((_seconds(model.updated_at) for model in self.models.values()), default=_NEVER)
        # By how much the server's clock is ahead of ours, at least; and where it stood at the look before.
        self._ahead = self._then = _NEVER

    @property
    def can_prove(self) -> bool:
        """Whether a page could prove anything: the server's clock is known."""
        return self._ahead > _NEVER

    def wrote(self, model: LiveModel, heard: Moment) -> None:
        """Take what the server answered to a write of ours."""
        before, self.models[model.id] = self.models.get(model.id), model
        if before is not None and before.updated_at == model.updated_at:
            # Nothing was written after all, and that time is somebody else's.
            return
        written = _seconds(model.updated_at)
        if not self.can_prove:
            self._then = written - heard.since(self._asked)
        self._ahead = max(self._ahead, written - heard.steady)

    def looked(self, rows: Sequence[LiveModel], asked: Moment, *, is_all: bool) -> bool:
        """Take the newest page; False if it doesn't prove what moved, so that nothing can be proved from here on.

        `is_all` says that there is no other page.
        """
        times = [_seconds(row.updated_at) for row in rows]
        if is_all and len({row.id for row in rows}) == len(rows):
            self.models = {row.id: row for row in rows}
        elif rows and self._reaches_back(times):
            self.models |= {row.id: row for row in rows}
        else:
            return False
        self._top, self._then = max(times, default=_NEVER), asked.steady + self._ahead
        return True

    def _reaches_back(self, times: Sequence[float]) -> bool:
        last = times[-1]
        return times == sorted(times, reverse=True) and last <= self._top and last < self._then - MARGIN


def _seconds(stamp: str) -> float:
    """A time of the API in seconds; before every other if it's none, which proves nothing."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError, OSError):
        return _NEVER
