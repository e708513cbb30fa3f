"""A models API on loopback that costs next to nothing: answers are made before they're asked for, and counted.

python -m benchmarks.server N [--changed 0.01] [--missing 0] [--page 100] [--latency 0] [--limit 0] [--window sliding]
prints "READY http://127.0.0.1:PORT" when it listens.

    GET /api/v1/models?page=K&per_page=P   the newest first; at most --page rows; past the end no rows, right `last`
    GET /api/v1/syncs, /connectors         one page each: no sync, the connectors of the corpus
    GET, PUT /api/v1/models/ID; POST /api/v1/models
    GET /counts, POST /reset               what was asked since the start or the reset; neither is counted
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections import Counter, deque
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from benchmarks.corpus import SOURCES, is_changed, live

if TYPE_CHECKING:
    from collections.abc import Sequence

_WAREHOUSE: Final = {"connector_type": "source", "connector_name": "Postgresql"}
_LISTS: Final[dict[str, list[dict[str, Any]]]] = {
    "/api/v1/syncs": [],
    "/api/v1/connectors": [
        {"id": str(number), "type": "connectors", "attributes": {"name": f"Warehouse {number}", **_WAREHOUSE}}
        for number in range(1, SOURCES + 1)
    ],
}
_FIRST: Final = datetime(2026, 2, 1, tzinfo=UTC).timestamp()
"""When every model was written last, at the start."""

_MINUTE: Final = 60.0
_MODEL: Final = re.compile(r"/api/v1/models/([0-9]+)")


class Limit:
    """So many requests a minute, in any minute (`sliding`) or in each of the clock's (`fixed`); 0: any number."""

    def __init__(self, per_minute: int, window: str) -> None:
        self._per_minute, self._is_fixed = per_minute, window == "fixed"
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()

    def wait(self) -> int:
        """Count one more request: 0, or the whole seconds after which there's room for it."""
        with self._lock:
            now = time.monotonic()
            start = now - now % _MINUTE if self._is_fixed else now - _MINUTE
            while self._recent and self._recent[0] < start:
                self._recent.popleft()
            if self._per_minute and len(self._recent) >= self._per_minute:
                free = start + _MINUTE if self._is_fixed else self._recent[0] + _MINUTE
                return int(free - now) + 1
            self._recent.append(now)
            return 0


class World:
    """The live models, by id, and the pages that show them. The last `missing` definitions have none."""

    def __init__(self, count: int, share: float, largest_page: int, missing: int = 0) -> None:
        self._count, self._share, self._largest = count - missing, share, largest_page
        self._lock = threading.Lock()
        self.url = ""
        self.counts: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Back to the start."""
        self._models = {
            str(number + 1): live(number, changed=is_changed(number, self._share)) for number in range(self._count)
        }
        self._updated = dict.fromkeys(self._models, _FIRST)
        self._pages: dict[tuple[int, int], bytes] = {}
        self.counts.clear()

    def prepare(self) -> None:
        """Make the pages that will be asked for."""
        for number in range(1, -(-self._count // self._largest) + 1):
            self.page(number, self._largest)

    def page(self, number: int, size: int) -> bytes:
        """One page of the list, as the bytes of its JSON."""
        size = min(size, self._largest)
        with self._lock:
            if (number, size) not in self._pages:
                self._pages[number, size] = self._page(number, size)
            return self._pages[number, size]

    def _page(self, number: int, size: int) -> bytes:
        # A change moves a model to the front, as on the real server.
        newest_first = sorted(self._models, key=lambda key: (-self._updated[key], int(key)))
        last = max(1, -(-len(newest_first) // size))

        def link(at: int) -> str:
            return f"{self.url}/api/v1/models?page={at}&per_page={size}"

        links = {
            "self": link(number),
            "first": link(1),
            "prev": link(number - 1) if number > 1 else None,
            "next": link(number + 1) if number != last else None,
            "last": link(last),
        }
        rows = [self._resource(key) for key in newest_first[(number - 1) * size : number * size]]
        return _json({"data": rows, "links": links})

    def model(self, key: str) -> bytes | None:
        """One model; None if there is none of that id."""
        with self._lock:
            return _json({"data": self._resource(key)}) if key in self._models else None

    def put(self, key: str, sent: dict[str, Any]) -> bytes | None:
        """The model after the change."""
        with self._lock:
            if key in self._models:
                self._write(key, {**self._models[key], **sent})
        return self.model(key)

    def post(self, sent: dict[str, Any]) -> bytes | None:
        """The model that was made."""
        with self._lock:
            key = str(max(map(int, self._models), default=0) + 1)
            self._write(key, {"configuration": None, **sent})
        return self.model(key)

    def _write(self, key: str, fields: dict[str, Any]) -> None:
        self._models[key] = fields
        self._updated[key] = time.time()
        self._pages.clear()

    def _resource(self, key: str) -> dict[str, Any]:
        fields = dict(self._models[key])
        connector = fields.pop("connector_id")
        updated = datetime.fromtimestamp(self._updated[key], UTC).isoformat(timespec="milliseconds")
        times = {"created_at": "2026-01-05T08:00:00.000Z", "updated_at": updated.replace("+00:00", "Z")}
        nested = {
            "id": connector,
            "name": f"Warehouse {connector}",
            "description": None,
            "connector_type": "source",
            "workspace_id": 1,
            **times,
            "configuration": {"host": "warehouse.example.com", "password": "*************"},
            "connector_name": "Postgresql",
            "icon": "postgresql.svg",
        }
        return {"id": key, "type": "models", "attributes": {**fields, **times, "connector": nested}}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    world: World
    limit: Limit
    latency: float

    def do_GET(self) -> None:
        """A page, a model, or the counts."""
        url = urlsplit(self.path)
        if url.path == "/counts":
            self._answer(_json(self.world.counts))
        elif self._is_one_too_many():
            return
        elif url.path == "/api/v1/models":
            self.world.counts["list"] += 1
            query = parse_qs(url.query)
            number, size = (int(query.get(name, ["1"])[0]) for name in ("page", "per_page"))
            self._answer(self.world.page(number, size))
        elif url.path in _LISTS:
            self.world.counts["list"] += 1
            self._answer(_json({"data": _LISTS[url.path], "links": {"next": None, "last": f"{url.path}?page=1"}}))
        elif match := _MODEL.fullmatch(url.path):
            self.world.counts["get"] += 1
            self._answer(self.world.model(match[1]))
        else:
            self._answer(None)

    def do_PUT(self) -> None:
        """Change a model."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_one_too_many():
            return
        self.world.counts["put"] += 1
        match = _MODEL.fullmatch(self.path)
        self._answer(self.world.put(match[1], sent["model"]) if match else None)

    def do_POST(self) -> None:
        """Make a model, or reset."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/reset":
            self.world.reset()
            self.world.prepare()
            self._answer(b"{}")
        elif not self._is_one_too_many():
            self.world.counts["post"] += 1
            is_known = self.path == "/api/v1/models"
            self._answer(self.world.post(json.loads(sent)["model"]) if is_known else None, 201)

    def _is_one_too_many(self) -> bool:
        time.sleep(self.latency)
        seconds = self.limit.wait()
        if seconds:
            self.world.counts["refused"] += 1
            self._answer(b'{"error": "Too many requests"}', 429, seconds)
        return bool(seconds)

    def _answer(self, body: bytes | None, status: int = 200, after: int = 0) -> None:
        if body is None:
            self.world.counts["unknown"] += 1
        self.send_response(404 if body is None else status)
        body = body or b'{"error": "Not Found"}'
        if after:
            self.send_header("Retry-After", str(after))
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, metavar="N", help="how many models there are")
    parser.add_argument("--changed", type=float, default=0.01, help="the share that differs from the definitions")
    parser.add_argument("--page", type=int, default=100, help="rows that a page has at most")
    parser.add_argument("--missing", type=int, default=0, help="how many definitions have no live model")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds that each answer takes longer")
    parser.add_argument("--limit", type=int, default=0, help="requests a minute; 0: any number")
    parser.add_argument("--window", choices=["sliding", "fixed"], default="sliding", help="how they're counted")
    flags = parser.parse_args(arguments)
    world = World(flags.count, flags.changed, flags.page, flags.missing)
    limit = Limit(flags.limit, flags.window)
    handler = type("Handler", (_Handler,), {"world": world, "limit": limit, "latency": flags.latency / 1_000})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        world.url = f"http://127.0.0.1:{server.server_port}"
        world.prepare()
        print(f"READY {world.url}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
