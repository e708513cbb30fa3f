"""How fast requests may go: a token bucket, shared by all threads of a run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket:
    """Lets `per_minute` requests go at once and then that many a minute; 0 means no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.per_minute = per_minute
        self._size = float(per_minute)
        self._per_second = per_minute / 60
        self._tokens = self._size
        self._clock, self._sleep = clock, sleep
        self._at = clock()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Wait until one more request may go; return the seconds waited."""
        if not self._size:
            return 0.0
        with self._lock:
            now = self._clock()
            self._tokens = min(self._size, self._tokens + (now - self._at) * self._per_second)
            self._at = now
            # Taken before waiting, so that the threads queue up behind each other instead of waking together.
            self._tokens -= 1
            seconds = max(0.0, -self._tokens / self._per_second)
        if seconds:
            self._sleep(seconds)
        return seconds
