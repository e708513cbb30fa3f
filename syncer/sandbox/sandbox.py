"""The sandbox: its state, the WSGI application in front of it, the log of requests, and the control requests.

Control requests (`/__sandbox__/requests`, `reset`, `faults`) are for tests. They are no part of the API.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import http_request, http_response, routes, seeds
from syncer.sandbox.database import Database, file_errors
from syncer.sandbox.faults import Faults
from syncer.sandbox.login import LoginLimit

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
        self.faults = faults or Faults()
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._requests: list[tuple[str, str]] = []
        self._last_time = ""
        self._is_closed = False
        self._login_limit = LoginLimit(clock)
        self._file_errors = partial(file_errors, path)
        with self._file_errors():
            self._database = Database(path)
        try:
            with self._file_errors() if world is None else nullcontext():
                if not seeds.is_loaded(self._database):
                    self._load(json.loads(seeds.shipped_world()) if world is None else world)
                self._last_time = self._database.latest_update()
        except BaseException:
            self._database.close()
            raise

    def _load(self, world: Mapping[str, Any]) -> None:
        """Fill a new state, unless another process has done so meanwhile."""
        with self._database.transaction(is_alone=True):
            if not seeds.is_loaded(self._database):
                seeds.load(self._database, world)

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

        Raises WorldError for what is no world, UnusableError for a file that is no state of a sandbox any more. Then
        nothing has changed.
        """
        with self._lock:
            with self._file_errors() if world is None else nullcontext(), self._database.transaction():
                if world is None:
                    seeds.reload(self._database)
                else:
                    seeds.load(self._database, world)
                self._last_time = self._database.latest_update()
            self._login_limit.clear()
            self._requests.clear()

    def close(self) -> None:
        """Close the database. To later requests the connection is dropped."""
        with self._lock:
            self._is_closed = True
            self._database.close()

    def _application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = http_request.from_environ(environ)
        target = http_request.target(request)
        respond = self._control if target.startswith(_CONTROL) else self._respond_or_fail
        return respond(request, target)(environ, start_response)

    def _respond_or_fail(self, request: Request, target: str) -> Response:
        """Answer a request of the API, or do what the faults that are due say."""
        with self._lock:
            self._requests.append((request.method, target))
        fault: Fault | None = None
        for due in self.faults.for_request(request.method, target.partition("?")[0]):
            if due.kind == "slow":
                self._sleep(1.0 if due.seconds is None else due.seconds)
            else:
                fault = due
        if fault is not None and fault.kind == "reset":
            raise ConnectionResetError
        if fault is not None and fault.kind not in ("lost", "truncated"):
            return http_response.from_fault(fault, request)
        response = self._respond(request, target, is_truncated=fault is not None and fault.kind == "truncated")
        if fault is not None and fault.kind == "lost":
            raise ConnectionResetError
        return response

    def _respond(self, request: Request, target: str, *, is_truncated: bool) -> Response:
        received = http_request.read(request, target)
        with self._lock:
            if self._is_closed:
                raise ConnectionResetError
            with self._file_errors(), self._database.transaction():
                answer = routes.respond(received, self._database, self._login_limit, self._clock(), self._timestamp)
        return http_response.from_answer(answer, request, is_truncated=is_truncated)

    def _timestamp(self) -> str:
        """Make a time that no other row has: two writes never tie, even within one millisecond."""
        text = _iso(dt.datetime.fromtimestamp(self._clock(), dt.UTC))
        if text <= self._last_time:
            text = _iso(dt.datetime.fromisoformat(self._last_time) + dt.timedelta(milliseconds=1))
        self._last_time = text
        return text

    def _control(self, request: Request, target: str) -> Response:
        """Answer a control request. None of them is logged, and no fault concerns them."""
        command = (request.method, target.partition("?")[0].removeprefix(_CONTROL))
        data = http_request.body(request)
        try:
            if command == ("GET", "requests"):
                requests = self.requests
                by_method = dict(sorted(self.by_method.items()))
                log = {"total": len(requests), "by_method": by_method, "requests": requests}
                return http_response.control_response(200, log)
            if command == ("POST", "reset"):
                self.reset(json.loads(data) if data.strip() else None)
                return http_response.control_response(200, {"reset": True})
            if command == ("POST", "faults"):
                self.faults = Faults.from_json(data)
                return http_response.control_response(200, {"faults": True})
        except ValueError as error:
            return http_response.control_response(400, {"error": str(error)})
        return http_response.control_response(404, {"error": "there are GET requests, POST reset and POST faults"})


def _iso(time: dt.datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
