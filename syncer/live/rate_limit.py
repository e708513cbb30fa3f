"""How fast requests may go: a sliding window, shared by all threads of a run."""

from __future__ import annotations

import heapq
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE: Final = 60.0
_TICK: Final = 0.001
"""The shortest sleep: a rounding error must not make a loop of it."""


class SlidingWindow:
    """Lets at most `per_minute` requests go in any minute; 0 means no limit.

    A place is taken from before a request is sent until a minute after its answer. The request reaches the server in
    between, so the server counts no more than that in any minute of its own, wherever its minutes begin.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.per_minute = per_minute
        # From when each place may be taken again; those of requests that are under way are missing.
        self._places = [float("-inf")] * per_minute
        self._held_until = float("-inf")
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()

    def enter(self, slowed: Callable[[], None]) -> None:
        """Wait until one more request may go, and call `slowed` before each wait for a place. `leave` ends it."""
        while seconds := self._enter():
            if self.held() < seconds:
                slowed()
            self._sleep(max(seconds, _TICK))

    def _enter(self) -> float:
        """Take a place; else the seconds after which to ask again."""
        with self._lock:
            now = self._clock()
            seconds = max(self._after(1, now), self._held_until - now, 0.0)
            if not seconds and self.per_minute:
                heapq.heappop(self._places)
            return seconds

    def leave(self, *, was_sent: bool) -> None:
        """Say that a request was answered or never will be, or that it was not sent after all."""
        if self.per_minute:
            with self._lock:
                heapq.heappush(self._places, self._clock() + (_MINUTE if was_sent else 0.0))

    def hold(self, seconds: float) -> float:
        """Let nothing go for so long from now. Returns by how much that is longer than the hold before."""
        with self._lock:
            now = self._clock()
            before = max(self._held_until, now)
            self._held_until = max(before, now + seconds)
            return self._held_until - before

    def held(self) -> float:
        """For how many seconds nothing may go."""
        with self._lock:
            return max(self._held_until - self._clock(), 0.0)

    def delay(self, requests: int) -> float:
        """The seconds until the last of so many further requests may go."""
        with self._lock:
            now = self._clock()
            return max(self._after(requests, now), self._held_until - now, 0.0)

    def _after(self, requests: int, now: float) -> float:
        if not (self.per_minute and requests):
            return 0.0
        # The places come round once a minute.
        rounds, place = divmod(requests - 1, self.per_minute)
        places = heapq.nsmallest(place + 1, self._places)
        # A request that is under way keeps its place for more than a minute yet.
        free = places[place] if place < len(places) else now + _MINUTE
        return max(free - now, 0.0) + rounds * _MINUTE
