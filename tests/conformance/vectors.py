"""Recorded exchanges with a real server: reading them, replaying them over any transport, and comparing answers.

Each line of vectors.jsonl is a case: a world to start from, and requests with the answers a real server gave.
In an answer `<time>` is any new time (one label, one value), `<token>` any text, `<base>` and `<host>` the server's own;
`loose`, `subset`, `any_order` and `key_order` list the paths that are compared in another way than exactly.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LABEL = re.compile(r"<time\d*>")
PREFIX = "/api/v1"
NOT_NESTED = ("category", "catalog")  # what a connector does not show inside of a model


@dataclass(frozen=True)
class Sent:
    """One request, ready for the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None
    is_chunked: bool


@dataclass(frozen=True)
class Received:
    """One answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, unpacked if need be."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


Transport = Callable[[Sent], Received]


def cases() -> list[dict[str, Any]]:
    """Read all cases."""
    return [json.loads(line) for line in (HERE / "vectors.jsonl").read_text(encoding="utf-8").splitlines()]


def world(name: str) -> dict[str, Any]:
    """Read a world."""
    loaded: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return loaded


@dataclass
class Replay:
    """One run of one case against a server that holds the case's world."""

    case: Mapping[str, Any]
    world: Mapping[str, Any]
    transport: Transport
    host: str
    names: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """Send all steps; return what differs, in words."""
        # A world's token names are its tokens.
        self.names = {name: name for name in self.world["tokens"]} | {"fresh_ip": "198.51.100.7"}
        for number, step in enumerate(self.case["steps"]):
            received = self.transport(self._request(step["request"]))
            self._compare_step(number, step, received)
            if any(name not in self.names for name in step.get("capture", {})):
                break
        return self.differences

    def _request(self, request: Mapping[str, Any]) -> Sent:
        body = None
        if "body" in request:
            body = json.dumps(self._expand(request["body"]), ensure_ascii=False).encode()
        elif "raw" in request:
            body = str(self._expand(request["raw"])).encode()
        elif "raw_base64" in request:
            body = base64.b64decode(request["raw_base64"])
        headers = {"Host": self.host, "Accept": "application/json", "Workspace-Id": "1"}
        token = request.get("token", "none")
        if token != "none":
            headers["Authorization"] = f"Bearer {self.names[token.removeprefix('$')]}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        for name, value in request.get("headers", {}).items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = re.sub(r"\{\{(\w+)\}\}", lambda match: self.names[match[1]], value)
        if body is None and request["method"] in ("PUT", "POST", "PATCH"):
            body = b""
        path = request["path"]
        target = path.removeprefix("<root>") if path.startswith("<root>") else PREFIX + path
        return Sent(request["method"], target, headers, body, request.get("chunked", False))

    def _compare_step(self, number: int, step: Mapping[str, Any], received: Received) -> None:
        expected, start = step["response"], len(self.differences)
        self._expect("status", expected["status"], received.status)
        if "content_type" in expected:
            lower = [text and text.lower() for text in (expected["content_type"], received.headers.get("content-type"))]
            self._expect("content type", *lower)
        for name, value in expected.get("headers", {}).items():
            self._expect(f"header {name}", value, received.headers.get(name.lower()))
        if "body" in expected:
            try:
                actual = json.loads(received.text)
            except ValueError:
                self._expect("body", expected["body"], received.text)
            else:
                Comparison(self, number).compare(self._expand(expected["body"]), actual, "")
        elif "text" in expected:
            self._expect("text", expected["text"], received.text)
        for name, source in step.get("capture", {}).items():
            where, _, what = source.partition(":")
            found = received.headers.get(what) if where == "header" else _dig(json.loads(received.text), what)
            if found:
                self.names[name] = found
        self.differences[start:] = [f"step {number}: {text}" for text in self.differences[start:]]

    def _expect(self, what: str, expected: object, actual: object) -> None:
        if expected != actual:
            self.differences.append(f"{what}: expected {expected!r}, got {actual!r}"[:400])

    def _expand(self, value: Any) -> Any:
        """Replace the macros: a connector of the world, a repeated text, texts put together."""
        if isinstance(value, list):
            return [self._expand(item) for item in value]
        if not isinstance(value, dict):
            return value
        match value:
            case {"$connector": wanted}:
                row = next(row for row in self.world["connectors"] if row["id"] == wanted)
                return {name: value for name, value in row.items() if name not in NOT_NESTED}
            case {"$repeat": {"text": text, "times": times}}:
                return text * times
            case {"$concat": parts}:
                return "".join(self._expand(part) for part in parts)
        return {key: self._expand(item) for key, item in value.items()}


class Comparison:
    """Compares one body with the expected one."""

    def __init__(self, replay: Replay, step: int) -> None:
        """Take the rules from the case, and put differences down in the replay."""
        self._replay = replay
        self._known = set(TIME.findall(json.dumps(replay.world)))
        self._rules = {
            rule: [_pattern(path) for path in _for_step(replay.case.get(rule, []), step)]
            for rule in ("loose", "subset", "any_order", "key_order")
        }

    def compare(self, expected: Any, actual: Any, path: str) -> None:
        """Note every difference below a path."""
        if isinstance(expected, str) and isinstance(actual, str) and not self._is("loose", path):
            self._compare_texts(expected, actual, path)
        elif type(expected) is not type(actual):
            self._differs(path, expected, actual)
        elif self._is("loose", path):
            if isinstance(expected, list) and len(expected) != len(actual):
                self._differs(path, expected, actual)
        elif isinstance(expected, dict):
            self._compare_objects(expected, actual, path)
        elif isinstance(expected, list):
            self._compare_lists(expected, actual, path)
        elif expected != actual:
            self._differs(path, expected, actual)

    def _compare_texts(self, expected: str, actual: str, path: str) -> None:
        if LABEL.fullmatch(expected):
            is_new = TIME.fullmatch(actual) and actual not in self._known
            if not is_new or self._replay.names.setdefault(expected, actual) != actual:
                self._differs(path, expected, actual)
        elif expected == "<token>":
            if not actual:
                self._differs(path, expected, actual)
        elif self._plain(expected) != actual:
            self._differs(path, self._plain(expected), actual)

    def _plain(self, text: str) -> str:
        """Put in the address of the server."""
        base = f"http://{self._replay.host}{PREFIX}"
        return text.replace("<base>", base).replace("<host>", self._replay.host)

    def _compare_objects(self, expected: dict[str, Any], actual: dict[str, Any], path: str) -> None:
        for key, value in expected.items():
            if key in actual:
                self.compare(value, actual[key], f"{path}.{key}".lstrip("."))
            else:
                self._differs(f"{path}.{key}", value, "nothing")
        for key in actual.keys() - expected.keys():
            if not self._is("subset", path):
                self._differs(f"{path}.{key}", "nothing", actual[key])
        if self._is("key_order", path) and list(expected) != list(actual):
            self._differs(path, list(expected), list(actual))

    def _compare_lists(self, expected: list[Any], actual: list[Any], path: str) -> None:
        if len(expected) != len(actual):
            self._differs(f"length of {path}", len(expected), len(actual))
            return
        if self._is("any_order", path):
            actual = self._in_order_of(expected, actual, path)
        for index, (wanted, found) in enumerate(zip(expected, actual, strict=True)):
            self.compare(wanted, found, f"{path}[{index}]")

    def _in_order_of(self, expected: list[Any], actual: list[Any], path: str) -> list[Any]:
        """Put the items found into the order of the items expected, as far as they match."""
        rest, ordered = list(actual), []
        for index, wanted in enumerate(expected):
            ordered.append(next((item for item in rest if self._matches(wanted, item, f"{path}[{index}]")), rest[0]))
            rest.remove(ordered[-1])
        return ordered

    def _matches(self, expected: Any, actual: Any, path: str) -> bool:
        before, names = len(self._replay.differences), dict(self._replay.names)
        self.compare(expected, actual, path)
        found = len(self._replay.differences) > before
        del self._replay.differences[before:]
        self._replay.names = names
        return not found

    def _is(self, rule: str, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self._rules[rule])

    def _differs(self, path: str, expected: object, actual: object) -> None:
        self._replay.differences.append(f"{path}: expected {expected!r}, got {actual!r}"[:400])


def _for_step(paths: list[str], step: int) -> Iterator[str]:
    for path in paths:
        only, colon, rest = path.partition(":")
        if not colon:
            yield path
        elif int(only) == step:
            yield rest


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\[\*\]", r"\[\d+\]"))


def _dig(value: Any, path: str) -> Any:
    for key in re.findall(r"[^.\[\]]+", path):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value
