"""The sandbox itself: one state, one WSGI application in front of it, and a log of what was asked."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox.faults import Faults

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from werkzeug.wrappers import Request, Response

    from syncer.sandbox.faults import Fault

_CONTROL: Final = "/__sandbox__/"


class Sandbox:
    """An embedded models API.

    A database file that exists keeps its state; a new one, and `:memory:`, starts with `world` or else with the world
    that is shipped. Bearer tokens are the names in the world's `tokens`, and what `POST /login` issues. May be used by
    several threads at once. In-process the faults `reset` and `lost` raise ConnectionResetError out of the application.
    The Host of a request must be this machine's or the hosted service's, as on the real server.
    """

    def __init__(
        self,
        world: Mapping[str, Any] | None = None,
        *,
        path: str | os.PathLike[str] = ":memory:",
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the state; `clock` and `sleep` are for tests that must not wait.

        Raises WorldError (a ValueError) for what is no world, UnusableError for a file that is no state of a sandbox.
        """
        # Imported late: `import syncer.sandbox` costs next to nothing for those who never make one.
        from syncer.sandbox import seeds as worlds  # noqa: PLC0415
        from syncer.sandbox.database import Store, usable  # noqa: PLC0415
        from syncer.sandbox.login import Throttle  # noqa: PLC0415

        self.faults = faults or Faults()
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._requests: list[tuple[str, str]] = []
        self._last_time = ""
        self._is_closed = False
        self._throttle = Throttle(clock)
        self._usable = partial(usable, path)
        with self._usable():
            self._store = Store(path)
        try:
            with self._usable() if world is None else nullcontext():
                if not worlds.is_loaded(self._store):
                    self._begin(json.loads(worlds.seed()) if world is None else world)
                self._last_time = self._store.newest_time()
        except BaseException:
            self._store.close()
            raise

    def _begin(self, world: Mapping[str, Any]) -> None:
        """Fill a new state, unless another process was quicker."""
        from syncer.sandbox import seeds as worlds  # noqa: PLC0415 - late, as above

        with self._store.transaction(is_alone=True):
            if not worlds.is_loaded(self._store):
                worlds.load(self._store, world)

    def __enter__(self) -> Self:
        """Use it for the length of a `with` block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()

    @property
    def wsgi(self) -> WSGIApplication:
        """The application for any WSGI server, or `httpx.WSGITransport(app=…)`: no port, no thread."""
        return self._application

    @property
    def requests(self) -> list[tuple[str, str]]:
        """All requests received since the start or the last reset: method, and path with query string."""
        with self._lock:
            return list(self._requests)

    @property
    def by_method(self) -> Counter[str]:
        """How many requests were received, by method."""
        return Counter(method for method, _ in self.requests)

    def reset(self, world: Mapping[str, Any] | None = None) -> None:
        """Go back to the world of the start, or to another one from now on. Empties the log of requests.

        Raises WorldError for what is no world, UnusableError for a file that is none of ours any more; nothing has
        changed then.
        """
        from syncer.sandbox import seeds as worlds  # noqa: PLC0415 - late, as above

        with self._lock:
            with self._usable() if world is None else nullcontext(), self._store.transaction():
                if world is None:
                    worlds.reload(self._store)
                else:
                    worlds.load(self._store, world)
                self._last_time = self._store.newest_time()
            self._throttle.clear()
            self._requests.clear()

    def close(self) -> None:
        """Close the database. Requests that come late find the connection gone."""
        with self._lock:
            self._is_closed = True
            self._store.close()

    def _application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        from syncer.sandbox import http_response  # noqa: PLC0415 - late, as above

        request = http_response.request(environ)
        target = http_response.target(request)
        answer = self._control if target.startswith(_CONTROL) else self._misbehave
        return answer(request, target)(environ, start_response)

    def _misbehave(self, request: Request, target: str) -> Response:
        """Answer a request of the API, unless a fault has it otherwise."""
        from syncer.sandbox import http_response  # noqa: PLC0415 - late, as above

        with self._lock:
            self._requests.append((request.method, target))
        fault: Fault | None = None
        for struck in self.faults.strike(request.method, target.partition("?")[0]):
            if struck.kind == "slow":
                self._sleep(1.0 if struck.seconds is None else struck.seconds)
            else:
                fault = struck
        if fault is not None and fault.kind == "reset":
            raise ConnectionResetError
        if fault is not None and fault.kind not in ("lost", "truncated"):
            return http_response.fault(fault, request)
        response = self._answer(request, target, is_truncated=fault is not None and fault.kind == "truncated")
        if fault is not None and fault.kind == "lost":
            raise ConnectionResetError
        return response

    def _answer(self, request: Request, target: str, *, is_truncated: bool) -> Response:
        from syncer.sandbox import dispatch, http_response  # noqa: PLC0415 - late, as above

        facts = http_response.facts(request, target)
        with self._lock:
            if self._is_closed:
                raise ConnectionResetError
            with self._usable(), self._store.transaction():
                answer = dispatch.answer(facts, self._store, self._throttle, self._clock(), self._timestamp)
        return http_response.response(answer, request, is_truncated=is_truncated)

    def _timestamp(self) -> str:
        """Make a time that no other row has: two writes never tie, even within one millisecond."""
        text = _iso(dt.datetime.fromtimestamp(self._clock(), dt.UTC))
        if text <= self._last_time:
            text = _iso(dt.datetime.fromisoformat(self._last_time) + dt.timedelta(milliseconds=1))
        self._last_time = text
        return text

    def _control(self, request: Request, target: str) -> Response:
        """Answer a request that steers the sandbox; none of them is logged, and no fault strikes them."""
        from syncer.sandbox import http_response  # noqa: PLC0415 - late, as above

        command = (request.method, target.partition("?")[0].removeprefix(_CONTROL))
        data = http_response.body(request)
        try:
            if command == ("GET", "requests"):
                requests = self.requests
                by_method = dict(sorted(self.by_method.items()))
                return http_response.control(
                    200, {"total": len(requests), "by_method": by_method, "requests": requests}
                )
            if command == ("POST", "reset"):
                self.reset(_world(data))
                return http_response.control(200, {"reset": True})
            if command == ("POST", "faults"):
                self.faults = _faults(data)
                return http_response.control(200, {"faults": True})
        except ValueError as error:
            return http_response.control(400, {"error": str(error)})
        return http_response.control(404, {"error": "there are GET requests, POST reset and POST faults"})


def _iso(time: dt.datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _world(data: bytes) -> Mapping[str, Any] | None:
    if not data.strip():
        return None
    world: Mapping[str, Any] = json.loads(data)
    return world


def _faults(data: bytes) -> Faults:
    """Read `["429:0.1", …]` or `{"faults": […], "seed": 1}`; nothing at all means no faults."""
    asked = json.loads(data) if data.strip() else []
    seed = None
    if isinstance(asked, dict):
        asked, seed = asked.get("faults", []), asked.get("seed")
    if not isinstance(asked, list) or not all(isinstance(spec, str) for spec in asked):
        message = 'send a list of faults, such as ["429:0.1"], or {"faults": […], "seed": 1}'
        raise ValueError(message)
    return Faults.parse(asked, seed=seed)
