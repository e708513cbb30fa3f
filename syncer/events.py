"""What the rooms below tell the command line while they work: requests, waits, and each change of an apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Requested:
    """One request was answered (`status`) or not (`status` 0). Neither headers nor bodies are told."""

    method: str
    path: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """The client waits `seconds` before try `attempt` of `attempts`; `left` more without an answer are its bound.

    With `attempt` 0 nothing is sent again: a write may have happened, and whoever asked for it looks first.
    """

    reason: str
    seconds: float
    left: float
    attempt: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Slowing:
    """Requests wait, so as not to ask faster than `per_minute`; about `requests` more are to come, in `seconds`.

    Of an apply `done` changes of `changes` have ended. What isn't known is 0.
    """

    per_minute: int
    requests: int = 0
    seconds: float = 0.0
    done: int = 0
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Modifying:
    """A model's change began, or is still under way after `elapsed` seconds. A model to be created has no id."""

    address: str
    id: int
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Modified:
    """A model's change ended; `ok` tells whether it's done as planned, `is_new` whether it was to be created."""

    address: str
    id: int
    elapsed: float
    ok: bool
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an API may be asked: `per_minute` (0: no limit), and the `seconds` until so many requests have gone."""

    per_minute: int = 0
    seconds: float = 0.0


Event: TypeAlias = Requested | Waiting | Slowing | Modifying | Modified
Tell: TypeAlias = Callable[[Event], None]
