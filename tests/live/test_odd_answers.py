"""Every field of every answer with every type of JSON: no run ends by it, and one model has one model's problem."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from builders import TARGET, document, resource
from played import Played

from syncer import workflow
from syncer.errors import SyncerError
from syncer.live.api import Api
from syncer.live.session import Options, Session
from syncer.model import Credentials
from syncer.plan.limits import Limits
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.model import Document

Place = tuple[str | int, ...]

VALUES = {
    "null": "null",
    "true": "true",
    "0": "0",
    "-1": "-1",
    "1.5": "1.5",
    "1e400": "1e400",
    "400 digits": "1" * 400,
    "5000 digits": "1" * 5000,
    "empty": '""',
    "text": '"text"',
    "number as text": '"12"',
    "half a character": '"a\\ud800"',
    "no UTF-8": '"a\udcff"',
    "NUL": '"a\\u0000b"',
    "[]": "[]",
    "[null]": "[null]",
    "{}": "{}",
    "nested": '{"a":[{"b":[1,[],{}]}]}',
    "a key twice": '{"a":1,"a":2}',
    "200 deep": "[" * 200 + "]" * 200,
    "5000 deep": '{"a":' * 5000 + "0" + "}" * 5000,
    "gone": "",
}
"""What stands in the place of a value, as JSON text; the empty one takes its key away."""

FIRST: dict[str, Any] = {
    "name": "First",
    "description": "one",
    "configuration": {"a": [1, {"b": "c"}], "api_key": "k-canary-1"},
}
SECOND: dict[str, Any] = {"name": "Second", "query": "SELECT user_id, email\nFROM second"}
THIRD: dict[str, Any] = {
    "name": "Third",
    "query_type": "dynamic_sql",
    "configuration": {"harvesters": [], "json_schema": {}},
}


def _sync(number: int, model_id: int) -> dict[str, Any]:
    destination = {"name": "CRM", "connector_name": "Http"}
    named = {
        "model_id": model_id,
        "source_id": 1,
        "destination_id": 3,
        "destination": destination,
        "source": {"name": "w"},
    }
    mode = {"stream_name": "contacts", "sync_mode": "incremental", "status": "healthy", "cursor_field": "email"}
    schedule = {"schedule_type": "interval", "sync_interval": 3, "sync_interval_unit": "hours", "cron_expression": None}
    mapping = [{"from": "email", "to": "email", "mapping_type": "standard"}]
    return {"id": str(number), "attributes": {**named, **mode, **schedule, "configuration": mapping}}


class Server:
    """A server in memory with three models, whose answers have one value in the place of another."""

    def __init__(self) -> None:
        self.models = {1: resource(1, **FIRST), 2: resource(2, **SECOND), 3: resource(3, **THIRD)}
        self.endpoints: tuple[str, ...] = ()
        self.place: Place = ()
        self.text = ""
        self.odd = 0
        self.written: set[int] = set()

    def answer(self, endpoint: str, sent: Any = None, number: int = 1, size: int = 10) -> Any:
        """What it says when nothing is odd."""
        method, _, path = endpoint.partition(" ")
        kind, _, one = path.strip("/").partition("/")
        if method == "POST":
            return {"data": resource(4, **sent["model"])}
        if method == "PUT":
            attributes = dict(sent["model"])
            connector = {"connector": {"id": attributes.pop("connector_id")}}
            row = self.models[int(one)]
            self.models[int(one)] = {**row, "attributes": {**row["attributes"], **attributes, **connector}}
            self.written.add(int(one))
        if kind == "models" and one:
            return {"data": self.models[int(one)]}
        warehouse = {"name": "warehouse", "connector_type": "source", "connector_name": "Snowflake"}
        lists: dict[str, list[dict[str, Any]]] = {
            "models": list(self.models.values()),
            "connectors": [{"id": "1", "attributes": warehouse}],
            "syncs": [_sync(1, 1), _sync(2, 2)],
        }
        rows = [{"attributes": {"status": "success"}}] if one else lists[kind]
        last = f"https://api.example.com/api/v1/{kind}?page={-(-len(rows) // size)}&per_page={size}"
        return {"data": rows[(number - 1) * size : number * size], "links": {"next": None, "last": last}}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        endpoint = f"{request.method} {request.url.path.removeprefix('/api/v1')}"
        if endpoint.startswith("GET /models/") and int(endpoint[12:]) not in self.models:
            return httpx.Response(404, stream=httpx.ByteStream(b"{}"))
        page = [int(request.url.params.get(key, 1)) for key in ("page", "per_page")]
        answer = self.answer(endpoint, json.loads(request.content or "null"), *page)
        # Of a list it's the first row that is odd, on whichever page that stands.
        if endpoint in self.endpoints and (page[0] == 1 or len(self.place) < 2):
            self.odd += 1
            is_row = self.place[1:2] == (0,) and endpoint.startswith("GET /models/")
            place = ("data", *self.place[2:]) if is_row else self.place
            return httpx.Response(200, stream=httpx.ByteStream(_odd(answer, place, self.text)))
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(answer).encode()))

    def api(self) -> Api:
        """The client's own, of one run."""
        options = Options(requests_per_minute=0, retry_seconds=0)
        session = Session(
            TARGET, Credentials(Secret("tok-canary")), lambda _: None, options, transport=httpx.MockTransport(self)
        )
        return Api(session)


def _odd(answer: Any, place: Place, text: str) -> bytes:
    """The answer with other text at that place."""
    whole = json.loads(json.dumps({"": answer}))
    *way, last = ("", *place)
    at = whole
    for key in way:
        at = at[key]
    if text:
        at[last] = "@odd@"
    else:
        del at[last]
    content = json.dumps(whole[""]) if "" in whole else ""
    return content.replace('"@odd@"', text).encode("utf-8", "surrogateescape")


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Each value in a value, and that itself; of a list the first alone."""
    yield place
    for key in list(value) if isinstance(value, dict) else [0] if isinstance(value, list) and value else []:
        yield from _places(value[key], (*place, key))


def _documents(**second: Any) -> list[Document]:
    """The first by its id, in step; the second by its name, changed by git; the third by its name, in step."""
    key = {"a": [1, {"b": "c"}], "api_key": {"env": "SYNCER_SECRET_KEY"}}
    return [
        document("first", **{**FIRST, "configuration": key}, id=1),
        document("second", **{**SECOND, **(second or {"description": "edited"})}),
        document("third", **THIRD),
    ]


def _lookup(variable: str) -> Secret:
    return Secret("k-canary-1", variable)


MANAGED = {"name", "description", "query_type", "primary_key", "query", "configuration", "connector"}


def test_a_row_of_any_type_is_its_own_model_s_problem() -> None:
    """Whatever is odd in the first row: the second's change is planned, and the first is never taken for unchanged."""
    server = Server()
    server.endpoints = ("GET /models", "GET /models/1")
    tried = 0
    for inner in _places(server.models[1]):
        for name, text in VALUES.items():
            server.place, server.text = ("data", 0, *inner), text
            planned = workflow.plan(_documents(), server.api(), TARGET, _lookup, Limits(100), with_effects=False)
            changed = {change.address for change in planned.plan.changes}
            concerned = changed | {
                problem.origin.path.split("/")[-1].removesuffix(".yaml") for problem in planned.problems
            }
            tried += 1

            assert "second" in changed, (inner, name)
            assert {problem.origin.path for problem in planned.problems} <= {"models/first.yaml"}, (inner, name)
            if len(inner) > 1 and inner[1] in MANAGED and inner[1:] not in _UNSEEN:
                assert "first" in concerned, (inner, name)

    assert (tried, server.odd >= tried) == (440, True)


_UNSEEN = {("connector", key) for key in ("name", "configuration")} | {("connector", "configuration", "password")}
"""What of a row is nobody's."""


_EDITED: dict[str, dict[str, Any]] = {
    "GET /models": {},
    "GET /connectors": {"connector": "warehouse", "connector_id": ..., "description": "edited"},
    "GET /syncs": {},
    # Whether a sync runs is asked where it would notice the change.
    "GET /syncs/2/sync_runs": {"query": "SELECT email\nFROM second"},
}


@pytest.mark.parametrize("endpoint", _EDITED)
def test_no_answer_of_any_type_ends_a_plan(endpoint: str) -> None:
    """Lists without rows, links that link nowhere, connectors, syncs and runs: a plan, or an error in words."""
    places = list(_places(Server().answer(endpoint)))
    tried = 0
    for number, place in enumerate(places[: 7 if endpoint == "GET /models" else None]):
        # Of syncs every second value will do: they have many fields of one kind.
        texts = list(VALUES.values())
        for text in texts[number % 2 :: 2] if endpoint == "GET /syncs" else texts:
            server = Server()
            server.endpoints, server.place, server.text = (endpoint,), place, text
            tried += 1
            planned = None
            with suppress(SyncerError):
                planned = workflow.plan(_documents(**_EDITED[endpoint]), server.api(), TARGET, _lookup, Limits(100))

            assert server.odd, (place, text[:20])
            if planned is None:
                # It's about the whole list of what can't be done without.
                assert endpoint in {"GET /models", "GET /connectors"}, (place, text[:20])
                assert len(place) < 3, (place, text[:20])
            else:
                assert planned.plan.changes or planned.problems, (place, text[:20])

    assert (
        tried
        == {"GET /models": 154, "GET /connectors": 242, "GET /syncs": 319, "GET /syncs/2/sync_runs": 176}[endpoint]
    )


@pytest.mark.parametrize(
    ("place", "text", "says"),
    [
        (("model_id",), "[]", "its model_id is not a number that an id can be"),
        (("configuration",), "5", "its mapping has an entry that is not a column"),
        (("configuration", 0, "from"), "5", "its mapping has an entry that is not a column"),
        (("cursor_field",), "true", "its cursor_field is not text"),
    ],
)
def test_a_sync_that_can_t_be_read_is_told(place: Place, text: str, says: str) -> None:
    """Nobody knows which model it reads, or which columns: the others are told, and it is, too."""
    server = Server()
    server.endpoints, server.place, server.text = ("GET /syncs",), ("data", 0, "attributes", *place), text
    planned = workflow.plan(_documents(), server.api(), TARGET, _lookup, Limits(100))

    assert [warning.rule for warning in planned.warnings] == ["unread-syncs"]
    assert says in planned.warnings[0].message
    assert [sync.id for sync in planned.effects["second"].syncs or ()] == [2]


COMMANDS = (
    ("plan",),
    ("list",),
    ("apply", "--auto-approve"),
    ("rollback", "last", "--auto-approve"),
    ("drift",),
    ("import", "--all", "--dir", "models/new"),
    ("import", "--drift"),
    ("plan", "--json"),
    ("plan", "--out", "plan.json"),
)


def test_no_command_ends_by_an_odd_answer(tmp_path: Path) -> None:
    """The commands themselves, on the way from the answer to the terminal, to files and back to the server."""
    played = Played(tmp_path, Server().api(), {"SYNCER_SECRET_KEY": "k-canary-1"})  # type: ignore[arg-type]
    for one in _documents():
        played.write(one.path, yaml.safe_dump(one.data))
    played.commit()
    played.write("models/second.yaml", yaml.safe_dump({**_documents()[1].data, "description": "edited again"}))
    odd = [("GET /models", ("data", 0, *place)) for place in _places(Server().models[1])]
    odd += [
        (endpoint, ("data", *place))
        for endpoint in ("GET /models/1", "PUT /models/1")
        for place in _places(Server().models[1])
    ]
    cases = [(endpoint, place, text) for endpoint, place in odd for text in VALUES.values()]
    for command, (endpoint, place, text) in zip(cycle(COMMANDS), cases[::11]):
        server = Server()
        server.endpoints, server.place, server.text = (endpoint,), place, text
        played.api = server.api()  # type: ignore[assignment]
        result = played.run(*command)
        shutil.rmtree(tmp_path / "models/new", ignore_errors=True)
        seen = (command, endpoint, place, text[:20], result.text)

        assert result.code in {0, 1, 2}, seen
        assert "Traceback" not in result.text, seen
        assert "syncer itself failed" not in result.text, seen
        # A plan with a problem in it isn't applied.
        assert command[0] != "apply" or endpoint == "GET /models" or 2 in server.written, seen
