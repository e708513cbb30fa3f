"""Faults: wrong answers and dropped connections on request, so that people can rehearse what their tool does then.

    KIND:PROBABILITY[:SECONDS][@METHOD[ /path-glob]]    429:0.1    slow:1:2.5    lost:0.05@PUT    500:0.2@GET /models/*
    KIND:xN[:SECONDS][@METHOD[ /path-glob]]             429:x2@PUT /models/12: the next two such requests

    429 500 502 503 504   answered with this status, nothing is done (429: Retry-After is SECONDS, else 20)
    html                  a proxy's 502 in HTML, nothing is done
    reset                 the connection drops before anything is done
    lost                  everything is done, then the connection drops: the client cannot know
    truncated             everything is done, the answer's JSON is cut off
    slow                  waits SECONDS (else 1) first; goes together with any other

A path-glob is compared with the path with and without `/api/v1`. Of several faults the first that is due counts.
"""

from __future__ import annotations

import json
import random
import re
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KINDS: Final = ("429", "500", "502", "503", "504", "html", "reset", "lost", "truncated", "slow")
PREFIX: Final = "/api/v1"
_SPEC: Final = re.compile(
    r"(?P<kind>[^:@]+):(?:x(?P<count>\d+)|(?P<probability>[^:@]+))(?::(?P<seconds>[^:@]+))?"
    r"(?:@(?P<method>[A-Za-z*]+)(?: +(?P<path>/\S*))?)?"
)
_GRAMMAR: Final = "KIND:PROBABILITY[:SECONDS][@METHOD[ /path-glob]] or KIND:xN…, like 429:0.1 or lost:x1@PUT /models/1"


@dataclass(slots=True)
class Fault:
    """One way to misbehave, and when."""

    kind: str
    probability: float = 1.0
    remaining: int | None = None
    """How many more requests it is for; None: no end."""
    seconds: float | None = None
    method: str = "*"
    path: str = "*"

    @classmethod
    def parse(cls, spec: str) -> Self:
        """Read one fault. Raises ValueError, saying what is wrong and what would be right."""
        match = _SPEC.fullmatch(spec.strip())
        if match is None:
            message = f"fault {spec!r} is not understood: write {_GRAMMAR}"
            raise ValueError(message)
        if match["kind"] not in KINDS:
            message = f"fault {spec!r}: there is no kind {match['kind']!r}, only {', '.join(KINDS)}"
            raise ValueError(message)
        probability = _number(spec, "probability", match["probability"] or "1", most=1)
        return cls(
            kind=match["kind"],
            probability=probability,
            remaining=None if match["count"] is None else int(match["count"]),
            seconds=None if match["seconds"] is None else _number(spec, "number of seconds", match["seconds"]),
            method=(match["method"] or "*").upper(),
            path=match["path"] or "*",
        )

    def matches(self, method: str, path: str) -> bool:
        """Whether it is for such a request at all."""
        paths = (path, path.removeprefix(PREFIX))
        return self.method in ("*", method) and any(fnmatchcase(each, self.path) for each in paths)


class Faults:
    """The faults of a sandbox, with random numbers of their own: the same seed gives the same faults."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int | None = None) -> None:
        """Use these faults, in this order."""
        self._faults = list(faults)
        self._random = random.Random(seed)  # noqa: S311 - no secrets
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, specs: Iterable[str], *, seed: int | None = None) -> Self:
        """Read faults as people write them. Raises ValueError for the first that is wrong."""
        return cls([Fault.parse(spec) for spec in specs], seed=seed)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read `["429:0.1", …]` or `{"faults": […], "seed": 1}`; nothing at all means no faults. Raises ValueError."""
        asked = json.loads(data) if data.strip() else []
        seed = None
        if isinstance(asked, dict):
            asked, seed = asked.get("faults", []), asked.get("seed")
        if not isinstance(asked, list) or not all(isinstance(spec, str) for spec in asked):
            message = 'send a list of faults, such as ["429:0.1"], or {"faults": […], "seed": 1}'
            raise ValueError(message)
        return cls.parse(asked, seed=seed)

    def for_request(self, method: str, path: str) -> Sequence[Fault]:
        """Return the faults of this request: `slow`, one other, both or none. A fault with a count is used up by it."""
        found: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path) or not self._is_due(fault):
                    continue
                found.append(fault)
                if fault.kind != "slow":
                    break
        return found

    def _is_due(self, fault: Fault) -> bool:
        if fault.remaining is None:
            return self._random.random() < fault.probability
        if fault.remaining == 0:
            return False
        fault.remaining -= 1
        return True


def _number(spec: str, what: str, text: str, *, most: float | None = None) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= (float("inf") if most is None else most):
        bounds = "0 or more" if most is None else f"between 0 and {most}"
        message = f"fault {spec!r}: {text!r} is no {what} {bounds}; write {_GRAMMAR}"
        raise ValueError(message)
    return value
