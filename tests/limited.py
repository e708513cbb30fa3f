"""A server that counts requests, on a clock that nobody waits for: newest first, a page of a hundred rows at most.

Every request takes a little of its time. Writes move their row to the top, with the time of the server's clock.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from builders import TARGET, resource

from syncer.live.api import Api
from syncer.live.session import Options, Session
from syncer.model import Credentials
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.events import Event

CONNECTOR = {"id": "1", "attributes": {"name": "c", "connector_type": "source", "connector_name": "Postgresql"}}
EPOCH = datetime(2026, 2, 1, tzinfo=UTC)


def stamp(seconds: float) -> str:
    """A time of the server as the API writes it."""
    return (EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """A clock that sleeping moves, and requests."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        with self._lock:
            self.now += seconds


class Limited:
    """So many models that were all written at the same moment, and how many requests a minute may ask for them."""

    def __init__(self, count: int, *, limit: int = 100, window: str = "sliding", page: int = 100) -> None:
        self.clock = Clock()
        self.rows = {number: resource(number, name=f"m{number}") for number in range(1, count + 1)}
        for row in self.rows.values():
            row["attributes"]["updated_at"] = stamp(0)
        self.order = list(self.rows)
        self.limit, self.window, self.page = limit, window, page
        self.arrived: list[float] = []
        self.refused = 0
        self.asked: list[tuple[str, str]] = []
        self.latency = 0.05
        self.on: Callable[[str, str], httpx.Response | None] = lambda _method, _path: None
        self.events: list[Event] = []
        self._lock = threading.Lock()

    def api(self, **options: Any) -> Api:
        """A client of it, with the defaults."""
        transport, sleep = httpx.MockTransport(self._answer), self.clock.sleep
        session = Session(
            TARGET,
            Credentials(Secret("t")),
            self.events.append,
            Options(**options),
            transport=transport,
            clock=self.clock,
            sleep=sleep,
        )
        return Api(session)

    def edit(self, number: int, **fields: Any) -> dict[str, Any]:
        """Somebody writes a model, now; one that isn't there is made."""
        row = self.rows.setdefault(number, resource(number))
        attributes = row["attributes"]
        connector = fields.pop("connector_id", None)
        # The row that an answer holds stays as it was answered.
        row = {**row, "attributes": {**attributes, **fields, "updated_at": stamp(self.clock.now)}}
        if connector is not None:
            row["attributes"]["connector"] = {**attributes["connector"], "id": connector}
        self.rows[number] = row
        self.order = [number, *(one for one in self.order if one != number)]
        return row

    def count(self, method: str) -> int:
        """How many requests of a method were asked."""
        return sum(asked == method for asked, _ in self.asked)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.clock.sleep(self.latency)
            response = self._limited() or self._served(request)
            return httpx.Response(
                response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content)
            )

    def _limited(self) -> httpx.Response | None:
        now = self.clock.now
        since = now - now % 60 if self.window == "fixed" else now - 60
        recent = (
            [at for at in self.arrived if at > since]
            if self.window == "sliding"
            else [a for a in self.arrived if a >= since]
        )
        if self.limit and len(recent) >= self.limit:
            self.refused += 1
            after = recent[0] + 61 - now if self.window == "sliding" else since + 61 - now
            return httpx.Response(429, headers={"retry-after": str(max(1, int(after)))})
        self.arrived.append(now)
        return None

    def _served(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        self.asked.append((request.method, path))
        if (given := self.on(request.method, path)) is not None:
            return given
        if path == "/models" and request.method == "GET":
            number, size = (int(request.url.params[key]) for key in ("page", "per_page"))
            size = min(size, self.page)
            last = max(1, -(-len(self.order) // size))
            rows = [self.rows[one] for one in self.order[(number - 1) * size : number * size]]
            return httpx.Response(200, json={"data": rows, "links": {"last": f"http://x/models?page={last}"}})
        if path == "/models":
            made = self.edit(max(self.rows, default=0) + 1, **json.loads(request.content)["model"])
            return httpx.Response(201, json={"data": made})
        if path in ("/connectors", "/syncs"):
            data = [CONNECTOR] if path == "/connectors" else []
            return httpx.Response(200, json={"data": data, "links": {"last": f"http://x{path}?page=1"}})
        number = int(path.rpartition("/")[2])
        if number not in self.rows:
            return httpx.Response(404, json={"error": "Couldn't find Model"})
        if request.method == "PUT":
            self.edit(number, **json.loads(request.content)["model"])
        return httpx.Response(200, json={"data": self.rows[number]})
