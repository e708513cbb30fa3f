"""The sandbox in-process: it answers like the real server, keeps its state, and misbehaves when told to."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest
from conformance import vectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer.sandbox import Faults, Sandbox, number_text, row_order
from syncer.sandbox.jsonb import encode
from syncer.sandbox.seeds import WorldError, shipped_world

if TYPE_CHECKING:
    from pathlib import Path

CASES = vectors.cases()
WORLDS = {name: vectors.world(name) for name in ("world.json", "world-ties.json")}
HOST = "localhost"
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
NOON = 1_800_000_000.0  # the start of a window of the login limit


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        """Begin at a fixed moment."""
        self.now = NOON

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Api:
    """A client of a sandbox without HTTP: requests go in as they are."""

    def __init__(self, sandbox: Sandbox, token: str = "admin") -> None:  # noqa: S107 - a name
        """Talk to this sandbox as the owner of this token."""
        self.sandbox = sandbox
        self.token = token

    def send(self, sent: Any) -> Any:
        """Put one request through the WSGI application."""
        path, _, query = sent.target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": sent.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "RAW_PATH": path,
            "QUERY_STRING": query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(sent.body or b""),
        }
        if sent.is_chunked:
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        elif sent.body is not None:
            environ["CONTENT_LENGTH"] = str(len(sent.body))
        for name, value in sent.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        head: list[Any] = []
        body = b"".join(self.sandbox.wsgi(environ, lambda status, headers, _=None: head.extend([status, headers])))  # type: ignore[arg-type]
        headers = {name.lower(): value for name, value in head[1]}
        return vectors.Received(int(head[0].split()[0]), headers, body)

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, Any]:
        """Send JSON (or bytes as they are), get the status and the JSON of the answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        given = {
            "Host": HOST,
            "Accept": "application/json",
            "Workspace-Id": "1",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": None if data is None else "application/json",
        } | {name.replace("_", "-").title(): value for name, value in headers.items()}
        wanted = {name: value for name, value in given.items() if value is not None}
        received = self.send(vectors.Sent(method, f"/api/v1{path}", wanted, data, is_chunked=False))
        return received.status, json.loads(received.text) if received.text else None

    def attributes(self, model_id: int) -> Any:
        """Read one model."""
        return self.ask("GET", f"/models/{model_id}")[1]["data"]["attributes"]


@pytest.fixture(scope="module")
def shared() -> Any:
    """One sandbox for all cases; each case resets it."""
    with Sandbox(WORLDS["world.json"], clock=Clock()) as sandbox:
        yield sandbox


@pytest.fixture
def clock() -> Clock:
    """Make a clock that stands still."""
    return Clock()


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """Put the recorded world into the sandbox, as fresh."""
    shared.reset(WORLDS["world.json"])
    shared.faults = Faults()
    return shared


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """Talk to it as an admin."""
    return Api(sandbox)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_answers_as_recorded(shared: Sandbox, case: dict[str, Any]) -> None:
    """Every recorded request gets the recorded answer."""
    world = WORLDS[case["world"]]
    shared.reset(world)
    shared.faults = Faults()

    assert vectors.Replay(case, world, Api(shared).send, HOST).run() == []


def test_comparison_notices_differences(sandbox: Sandbox) -> None:
    """A case with another expectation fails, so a pass means something."""
    case = json.loads(json.dumps(next(case for case in CASES if case["id"] == "show-1")))
    case["steps"][0]["response"]["body"]["data"]["attributes"]["name"] = "other"

    found = vectors.Replay(case, WORLDS["world.json"], Api(sandbox).send, HOST).run()

    assert found == ["step 0: data.attributes.name: expected 'other', got 'model 01 raw_sql'"]


# --- rules, with other values than the recorded ones ---------------------------------------------------------------


def test_contract_reports_all_failures(api: Api) -> None:
    """One answer names everything that is wrong with a body, and nothing is written."""
    model = {
        "connector_id": "two",
        "name": [],
        "query": 5,
        "query_type": "",
        "primary_key": {"a": 1},
        "configuration": "{}",
    }
    before = api.attributes(3)

    assert api.ask("PATCH", "/models/x", {"model": model}) == (
        400,
        {
            "errors": {
                "id": ["must be an integer"],
                "model": {
                    "connector_id": ["must be an integer"],
                    "name": ["must be filled"],
                    "query": ["must be a string"],
                    "query_type": ["must be filled"],
                    "primary_key": ["must be a string"],
                    "configuration": ["must be a hash"],
                },
            }
        },
    )
    assert api.attributes(3) == before


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", False, "must be a string"),
        ("name", {}, "must be filled"),
        ("name", 0, "must be a string"),
        ("query", [], "must be a string"),
        ("query", 1.5, "must be a string"),
        ("primary_key", 7, "must be a string"),
        ("connector_id", [], "must be filled"),
        ("connector_id", {}, "must be filled"),
        ("connector_id", [1], "must be an integer"),
        ("connector_id", False, "must be an integer"),
        ("connector_id", "1.0", "must be an integer"),
        ("connector_id", "1e0", "must be an integer"),
        ("connector_id", "0x1", "must be an integer"),
        ("connector_id", "  ", "must be an integer"),
        ("connector_id", "1__0", "must be an integer"),
        ("query_type", ["raw_sql"], "must be a string"),
        ("query_type", " dbt", "invalid query type"),
        ("configuration", True, "must be a hash"),
        ("configuration", "", "must be filled"),
        ("configuration", [None], "must be filled"),
        ("configuration", [{}], "must be a hash"),
    ],
)
def test_types_are_checked_by_rule(api: Api, field: str, value: object, message: str) -> None:
    """Each attribute has its type; what counts as empty is refused as such."""
    assert api.ask("PUT", "/models/2", {"model": {field: value}}) == (400, {"errors": {"model": {field: [message]}}})


@pytest.mark.parametrize("value", ["7", 7, 7.0, 7.9, " 7", "7 ", "+7", "07", "0_7", "\n7", "0d7"])
def test_integers_are_read_generously(api: Api, value: object) -> None:
    """A connector's id may be written in any way that reads as an integer."""
    status, answer = api.ask("PUT", "/models/2", {"model": {"connector_id": value}})

    assert (status, answer["data"]["attributes"]["connector"]["id"]) == (200, 7)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (0, "0"),
        (-3, "-3"),
        (2.5, "2.5"),
        (100.0, "100.0"),
        (1e22, "1.0e+22"),
        (0.00001, "1.0e-05"),
        (False, "f"),
        ("", ""),
    ],
)
def test_description_becomes_text(api: Api, sent: object, kept: str) -> None:
    """The description is never refused: numbers and booleans turn into text."""
    assert api.ask("PUT", "/models/14", {"model": {"description": sent}})[0] == 200
    assert api.attributes(14)["description"] == kept


@pytest.mark.parametrize(
    "query",
    [
        "select 1 Limit",
        "select 1\tOFFSET\t7 ;",
        "a\nb offset 3\nc",
        "select 1 limit\n\n5",
        "x.offset",
        "limit 1\r\nselect 2",
        "select '\nlimit\n'",
    ],
)
@pytest.mark.parametrize("model_id", [1, 2, 5, 7, 8])
def test_limit_is_refused_at_any_line_end(api: Api, query: str, model_id: int) -> None:
    """LIMIT or OFFSET at the end of any line is refused on update, for every query type."""
    status, answer = api.ask("PUT", f"/models/{model_id}", {"model": {"query": query}})

    assert status == 400
    assert answer["errors"]["model"]["query"] == ["Query validation failed: Query cannot contain LIMIT or OFFSET"]


@pytest.mark.parametrize(
    "query",
    [
        "limit 5 rows",
        "limit_5",
        "offsets",
        "limit 1.5",
        "limit 5,10",
        "limit 5;;",
        "Élimit 5",
        "limit 5\x85",
        "limit \u0665",
    ],
)
def test_limit_elsewhere_is_accepted(api: Api, query: str) -> None:
    """The rule is by word and by line end; white space and digits are the ASCII ones."""
    assert api.ask("PUT", "/models/1", {"model": {"query": query}})[0] == 200


@pytest.mark.parametrize(
    ("path", "model_id"),
    [
        ("02", "2"),
        ("+2", "2"),
        ("%202", "2"),
        ("2%20", "2"),
        ("2.0", "2"),
        ("1_2", "12"),
        ("2.csv", "2"),
        ("//2//", "2"),
    ],
)
def test_ids_are_read_generously(api: Api, path: str, model_id: str) -> None:
    """An id in a path may be written in any way that reads as an integer, and have a format behind it."""
    status, answer = api.ask("GET", f"/models/{path}")

    assert (status, answer["data"]["id"]) == (200, model_id)


@pytest.mark.parametrize("path", ["two", "2abc", "2e1", "_2", "2_", "0x2", "2%2E0", "%20", "new"])
def test_other_ids_are_contract_errors(api: Api, path: str) -> None:
    """What does not read as an integer breaks the contract."""
    assert api.ask("GET", f"/models/{path}") == (400, {"errors": {"id": ["must be an integer"]}})


def test_negative_id_is_not_found(api: Api) -> None:
    """A negative number is an integer; it is just nobody's id."""
    assert api.ask("GET", "/models/-1")[0] == 404


@pytest.mark.parametrize(
    ("query", "size", "links"),
    [
        (
            "per_page=7.9&page=2",
            7,
            {"prev": "page=1&per_page=7", "next": "page=3&per_page=7", "last": "page=9&per_page=7"},
        ),
        ("per_page=%205", 10, {"prev": None, "next": "page=2&per_page=10", "last": "page=6&per_page=10"}),
        ("per_page=0x9", None, None),
        ("per_page=60", 60, {"prev": None, "next": None, "last": "page=1&per_page=60"}),
        ("per_page=59", 59, {"prev": None, "next": "page=2&per_page=59", "last": "page=2&per_page=59"}),
        ("per_page=30&page=%2B2", 30, {"prev": "page=1&per_page=30", "next": None, "last": "page=2&per_page=30"}),
        ("per_page=60&page=2", 0, {"prev": "page=1&per_page=60", "next": None, "last": "page=1&per_page=60"}),
    ],
)
def test_pages_are_counted_by_rule(api: Api, query: str, size: int | None, links: dict[str, str | None] | None) -> None:
    """Page and size are read as the pager reads numbers; `next` is missing on the last page only."""
    status, answer = api.ask("GET", f"/models?{query}")

    if links is None:
        assert status == 400
        return
    assert len(answer["data"]) == size
    shown = {name: link and link.partition("?")[2] for name, link in answer["links"].items()}
    assert {name: shown[name] for name in links} == links


def test_links_sort_and_escape(api: Api) -> None:
    """Links keep all parameters, sorted as text, nested ones in brackets, spaces as plus signs."""
    _, answer = api.ask("GET", "/models?z=1&b[y]=a%20b&b[x][]=~1&b[x][]=%C3%A9&flag&page=1")

    assert answer["links"]["self"] == (
        "http://localhost/api/v1/models?b%5Bx%5D%5B%5D=~1&b%5Bx%5D%5B%5D=%C3%A9&b%5By%5D=a+b&flag=&page=1&z=1"
    )


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("query_type=ai_ml,,dbt,", {"ai_ml", "dbt"}),
        ("query_type=2,7", {"soql", "vector_search"}),
        ("query_type[]=dbt&query_type[]=soql", {"dbt", "soql"}),
        ("query_type=8", set()),
        ("query_type=data", set()),
        ("query_type=%20dbt", set()),
    ],
)
def test_filter_by_rule(api: Api, query: str, types: set[str]) -> None:
    """The filter is a union of names or numbers of the enum; what is unknown matches nothing."""
    _, answer = api.ask("GET", f"/models?per_page=100&{query}")

    assert {row["attributes"]["query_type"] for row in answer["data"]} == types


@pytest.mark.parametrize("query", ["query_type", "query_type[a]=dbt"])
def test_filter_of_another_form_is_none(api: Api, query: str) -> None:
    """A filter without a value, or as a hash, does not filter."""
    assert len(api.ask("GET", f"/models?per_page=100&{query}")[1]["data"]) == 60


def test_query_string_beats_the_body_whole(api: Api) -> None:
    """A `model` in the URL replaces the one in the body, it is not merged with it."""
    status, _ = api.ask("PATCH", "/models/12?model[primary_key]=k", {"model": {"name": "n", "description": "d"}})

    shown = api.attributes(12)
    assert (status, shown["primary_key"], shown["name"]) == (200, "k", "model 12 table_selector")


@pytest.mark.parametrize("body", [5, "x", True, [1], {"foo": 1}, {"connector": {"id": 2}}])
def test_a_body_without_attributes_is_an_empty_model(api: Api, body: object) -> None:
    """Whatever JSON is sent without a model is wrapped, and what is left of it is empty."""
    assert api.ask("PUT", "/models/4", body) == (422, {"error": "param is missing or the value is empty: model"})


@pytest.mark.parametrize("model", [[], [1], 5, True, "x"])
def test_a_model_must_be_a_hash(api: Api, model: object) -> None:
    """A model that is no hash breaks the contract."""
    assert api.ask("PUT", "/models/4", {"model": model}) == (400, {"errors": {"model": ["must be a hash"]}})


def test_form_bodies_nest(api: Api) -> None:
    """A form-encoded body may hold hashes and lists; its values are all text."""
    body = b"model[name]=a%20b+c&model[configuration][k][]=1&model[configuration][k][]=x&model[configuration][n]"

    status, answer = api.ask("PUT", "/models/4", body, content_type="application/x-www-form-urlencoded")

    attributes = answer["data"]["attributes"]
    assert (status, attributes["name"]) == (200, "a b c")
    assert attributes["configuration"] == {"k": ["1", "x"], "n": None}


def test_a_content_type_that_is_none(api: Api) -> None:
    """A content type that has not the form of one is refused by the framework."""
    assert api.ask("PUT", "/models/4", {"name": "x"}, content_type="json") == (
        406,
        {"status": 406, "error": "Not Acceptable"},
    )


@pytest.mark.parametrize(("body", "status"), [(b"{", 401), (b'{"model":{"name":"\xff"}}', 400), (b'["\\udc00"]', 400)])
def test_malformed_json_comes_after_the_token(sandbox: Sandbox, body: bytes, status: int) -> None:
    """Without a token malformed JSON is a 401, but text that is no UTF-8 is a 400 all the same."""
    assert Api(sandbox, "nobody").ask("PUT", "/models/4", body)[0] == status


# Greater floats come back as integers of other digits, on the real server too: those do change every time.
FLOATS = st.floats(min_value=-1e15, max_value=1e15)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(CHARACTERS, max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(configuration=st.dictionaries(st.text(CHARACTERS, max_size=4), JSON_VALUES, min_size=1, max_size=4))
def test_any_configuration_twice_is_one_change(api: Api, configuration: dict[str, Any]) -> None:
    """Whatever is sent, sending it again is no change, and what is shown can be sent back without one."""
    first = api.ask("PUT", "/models/1", {"model": {"configuration": configuration}})
    second = api.ask("PUT", "/models/1", {"model": {"configuration": configuration}})
    shown = api.attributes(1)
    third = api.ask("PUT", "/models/1", {"model": {"configuration": shown["configuration"]}})

    assert first == second
    assert first[0] == third[0] == 200
    assert api.attributes(1) == shown
    keys = list(shown["configuration"])
    assert keys == sorted(keys, key=lambda key: (len(key.encode()), key.encode()))


def test_authenticated_requests_forgive_wrong_passwords(api: Api) -> None:
    """Wrong passwords are counted until a request with a live token; a right password alone forgives none."""
    right = {"email": "viewer@example.com", "password": "Passw0rd!"}
    wrong = {**right, "password": "x"}
    for _ in range(4):
        api.ask("POST", "/login", wrong)
    token = api.ask("POST", "/login", right)[1]["data"]["attributes"]["token"]
    assert Api(api.sandbox, token).ask("GET", "/models/1")[0] == 200
    for _ in range(4):
        api.ask("POST", "/login", wrong)
    assert api.ask("POST", "/login", right)[0] == 200
    assert "locked" in api.ask("POST", "/login", wrong)[1]["errors"][0]["detail"]


def test_multipart_bodies_are_read(api: Api) -> None:
    """A multipart body is read like a form."""
    body = b'--b\r\nContent-Disposition: form-data; name="model[name]"\r\n\r\nparts\r\n--b--\r\n'

    assert api.ask("PUT", "/models/4", body, content_type="multipart/form-data; boundary=b")[0] == 200
    assert api.attributes(4)["name"] == "parts"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("a[][b]=1&a[][c]=2&a[][b]=3", "a[][b]=1&a[][c]=2&a[][b]=3"),
        ("a[][b][c]=1&a[][b][c]=2", "a[][b][c]=1&a[][b][c]=2"),
        ("a[][]=1", "a[][]=1"),
        ("a[b=1&c[=2&d[e]f=3", "a[[b]=1&c[=2&d[e][f]=3"),
        ("a[]&b&&=1&a&[]=4", "[]=4&a=&b="),
        ("a[][b][]=1&a[][b][]=2", "a[][b][]=1&a[][b][]=2"),
    ],
)
def test_names_nest(api: Api, query: str, shown: str) -> None:
    """Brackets in names build hashes and lists; links write them down again."""
    _, answer = api.ask("GET", f"/models?{query}")

    assert unquote(answer["links"]["self"].partition("?")[2]) == shown


@pytest.mark.parametrize("query", ["per_page[]=5", "per_page[a]=5"])
def test_sizes_that_are_no_text(api: Api, query: str) -> None:
    """A size that is a list or a hash is an exception; so is such a page where no contract looks at it."""
    assert api.ask("GET", f"/models?{query}")[1]["errors"][0]["title"] == "Bad Request"
    assert api.ask("GET", f"/connectors?{query.replace('per_', '')}")[1]["errors"][0]["title"] == "Bad Request"


def test_pages_in_a_body(api: Api) -> None:
    """A page may be asked for in a JSON body, too: parameters are parameters."""
    ids = [row["id"] for row in api.ask("GET", "/models", {"page": 2, "per_page": 3.9})[1]["data"]]

    assert ids == [row["id"] for row in api.ask("GET", "/models?page=2&per_page=3")[1]["data"]]
    assert api.ask("GET", "/models", {"page": "x"})[1] == {"errors": {"page": ["must be an integer"]}}


def test_a_number_beyond_all_floats_as_an_id(api: Api) -> None:
    """A connector's id beyond all floats is a crash; as a description it is text."""
    assert api.ask("PUT", "/models/1", b'{"connector_id":1e400}') == (
        500,
        {"status": 500, "error": "Internal Server Error"},
    )
    assert api.ask("PUT", "/models/1", b'{"description":-1e400}')[1]["data"]["attributes"]["description"] == "-Infinity"


def test_too_deep_is_malformed(api: Api) -> None:
    """JSON of any depth gets an answer."""
    assert api.ask("PUT", "/models/1", b"[" * 100_000 + b"]" * 100_000)[0] == 400
    assert api.ask("GET", f"/models?a{'[b]' * 40}=1")[0] == 400


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("category=data", [3, 1]),
        ("category=AI_ML&type=source", [7, 6, 2]),
        ("category=data&type=Destination", [3]),
        ("sub_category=llm", []),
        ("type=destination&page=&per_page=", [3]),
    ],
)
def test_connectors_by_category(api: Api, query: str, ids: list[int]) -> None:
    """Connectors are filtered by type and category, in any letter case."""
    assert [int(row["id"]) for row in api.ask("GET", f"/connectors?{query}")[1]["data"]] == ids


@pytest.mark.parametrize(
    ("query", "status"), [("category=x", 400), ("category[]=data", 400), ("type[]=source", 400), ("type=", 400)]
)
def test_bad_categories(api: Api, query: str, status: int) -> None:
    """Other words are errors."""
    assert api.ask("GET", f"/connectors?{query}")[0] == status


def test_deleting_a_connector(api: Api, sandbox: Sandbox) -> None:
    """A connector takes its models and their syncs with it."""
    assert Api(sandbox, "viewer").ask("DELETE", "/connectors/1")[0] == 403
    assert api.ask("DELETE", "/connectors/4")[0] == 404
    assert api.ask("DELETE", "/connectors/1") == (204, None)
    assert api.ask("GET", "/models/1")[0] == 404
    assert api.ask("GET", "/models/5")[0] == 200
    assert api.ask("GET", "/syncs")[1]["data"] == []


def test_one_sync_and_one_workspace(api: Api) -> None:
    """Syncs and workspaces can be read one by one, as they stand in their lists."""
    syncs = api.ask("GET", "/syncs")[1]["data"]
    workspaces = api.ask("GET", "/workspaces")[1]["data"]

    assert [api.ask("GET", f"/syncs/{sync['id']}")[1]["data"] for sync in syncs] == syncs
    assert [api.ask("GET", f"/workspaces/{one['id']}")[1]["data"] for one in workspaces] == workspaces
    assert api.ask("GET", "/syncs/99")[0] == 404
    assert api.ask("GET", "/workspaces/3")[0] == 404


@pytest.mark.parametrize("query", ["a=1&a[b]=2", "a=%zz", "a=%80", "a[]=1&a[b]=2"])
def test_bad_query_strings_come_before_the_token(sandbox: Sandbox, query: str) -> None:
    """A query string that cannot be read is the framework's 400, whoever asks."""
    assert Api(sandbox, "nobody").ask("GET", f"/models?{query}") == (400, {"status": 400, "error": "Bad Request"})


def test_framework_errors_are_json_only_on_request(sandbox: Sandbox) -> None:
    """Who does not name JSON first in Accept gets the framework's errors as an empty page."""
    headers = {"Host": HOST, "Accept": "*/*"}

    received = Api(sandbox).send(vectors.Sent("GET", "/api/v1/nope", headers, None, is_chunked=False))

    assert (received.status, received.headers["content-type"], received.body) == (404, "text/html; charset=UTF-8", b"")


@pytest.mark.parametrize(
    ("query_type", "configuration", "status"),
    [
        ("ai_ml", {"harvesters": {}}, 422),
        ("ai_ml", {"harvesters": [1, None]}, 200),
        ("dynamic_sql", {"harvesters": [], "json_schema": []}, 422),
        ("vector_search", {"harvesters": [], "json_schema": {}, "embedding_config": {"api_key": 1, "model": "m"}}, 422),
        ("unstructured", {"embedding_config": {"api_key": "k", "model": "m"}, "chunk_config": {"chunk_size": 1}}, 422),
        (
            "unstructured",
            {
                "embedding_config": {"api_key": "k", "model": "m"},
                "chunk_config": {"chunk_size": True, "chunk_overlap": 0},
            },
            422,
        ),
        (
            "unstructured",
            {
                "embedding_config": {"api_key": "k", "model": "m"},
                "chunk_config": {"chunk_size": 1, "chunk_overlap": -1},
            },
            422,
        ),
    ],
)
def test_configurations_fit_their_type(api: Api, query_type: str, configuration: object, status: int) -> None:
    """A configuration is checked against the form that the query type asks for."""
    model = {"query_type": query_type, "configuration": configuration, "connector_id": 7}

    assert api.ask("PUT", "/models/3", {"model": model})[0] == status


def test_create_checks_in_its_own_order(api: Api, sandbox: Sandbox) -> None:
    """Contract, workspace, connector, catalog, role, model: the first that fails is the answer."""
    model: dict[str, Any] = {"connector_id": 6, "name": " ", "query_type": "dbt", "query": "q", "primary_key": "k"}
    viewer = Api(sandbox, "viewer")

    assert viewer.ask("POST", "/models", {"model": {**model, "primary_key": " "}}, workspace_id="9")[1] == {
        "errors": {"model": {"primary_key": ["Primary key is required"]}}
    }
    assert viewer.ask("POST", "/models", {"model": model}, workspace_id="9")[0] == 400
    assert viewer.ask("POST", "/models", {"model": {**model, "connector_id": 4}})[0] == 404
    assert viewer.ask("POST", "/models", {"model": model})[0] == 422
    assert viewer.ask("POST", "/models", {"model": {**model, "connector_id": 1}})[0] == 403
    assert api.ask("POST", "/models", {"model": {**model, "connector_id": 1}}) == (
        422,
        {
            "errors": [
                {
                    "status": 422,
                    "title": "Error",
                    "detail": "Model creation failed",
                    "source": {"name": "can't be blank"},
                }
            ]
        },
    )


def test_all_model_errors_are_named(api: Api) -> None:
    """One 422 names every attribute that is invalid, with its first problem."""
    model = {"name": "\u2003", "query": None, "connector_id": 2**40}

    assert api.ask("PUT", "/models/20", {"model": model})[1]["errors"][0]["source"] == {
        "name": "can't be blank",
        "query": "can't be blank",
        "connector": "must exist",
    }


def test_key_twice_when_ai_model_has_its_own_schema(sandbox: Sandbox) -> None:
    """An ai_ml model that stores a json_schema shows the key twice, the catalog's last."""
    headers = {"Host": HOST, "Authorization": "Bearer admin", "Workspace-Id": "1"}

    text = Api(sandbox).send(vectors.Sent("GET", "/api/v1/models/45", headers, None, is_chunked=False)).text

    assert text.count('"json_schema"') == 2
    assert text.index('"json_schema":{"mine":true}') < text.index('"json_schema":{"input"')


def test_token_of_the_world_ends_at_login(api: Api) -> None:
    """One live token per user: a login ends the token that the world gave to that user."""
    body = {"email": "ci@example.com", "password": "Passw0rd!"}

    _, answer = api.ask("POST", "/login", body)

    assert api.ask("GET", "/models/1")[0] == 401
    assert Api(api.sandbox, answer["data"]["attributes"]["token"]).ask("GET", "/models/1")[0] == 200


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("Bearer  admin", 200), ("Bearer admin extra", 200), ("Bearer", 401), ("Bearer none", 401), ("Basic admin", 401)],
)
def test_authorization_is_split_at_spaces(api: Api, authorization: str, status: int) -> None:
    """The scheme is Bearer, letter for letter; the next word is the token."""
    assert api.ask("GET", "/models/1", authorization=authorization)[0] == status


def test_tokens_last_half_an_hour(clock: Clock) -> None:
    """A token that was issued ends after thirty minutes."""
    with Sandbox(clock=clock) as sandbox:
        _, answer = Api(sandbox).ask("POST", "/login", {"email": "sandbox@example.com", "password": "Sandbox1!"})
        api = Api(sandbox, answer["data"]["attributes"]["token"])
        clock.now += 1799
        assert api.ask("GET", "/models/1")[0] == 200
        clock.now += 1
        assert api.ask("GET", "/models/1")[0] == 401


def test_lock_ends_after_an_hour(clock: Clock) -> None:
    """Five wrong passwords lock an account for an hour, for the right password too."""
    right = {"email": "viewer@example.com", "password": "Sandbox1!"}
    with Sandbox(clock=clock) as sandbox:
        api = Api(sandbox, "viewer")
        for _ in range(5):
            assert api.ask("POST", "/login", {**right, "password": "wrong"})[0] == 401
        assert api.ask("POST", "/login", right)[0] == 401
        assert api.ask("GET", "/models/1") == (500, {"status": 500, "error": "Internal Server Error"})
        clock.now += 3600
        assert api.ask("POST", "/login", right)[0] == 200


def test_logins_are_limited_by_address_and_window(clock: Clock) -> None:
    """Five logins per address in twenty seconds of the wall clock; this machine is never limited."""
    body = {"email": "nobody@example.com", "password": "x"}
    with Sandbox(clock=clock) as sandbox:
        api = Api(sandbox)

        def logins(count: int, address: str | None) -> list[int]:
            return [api.ask("POST", "/login", body, x_forwarded_for=address)[0] for _ in range(count)]

        assert logins(6, "203.0.113.9") == [401] * 5 + [429]
        assert logins(1, "198.51.100.1, 203.0.113.9, 10.0.0.1") == [429]
        assert logins(6, "203.0.113.10") == [401] * 5 + [429]
        assert logins(9, None) == [401] * 9
        clock.now += 20
        assert logins(1, "203.0.113.9") == [401]


def test_lost_rows_of_equal_times() -> None:
    """Paging through 220 rows of one time, ten a page, never shows 9 of them, as on the real database."""
    times = ["2026-01-01T00:00:00.000Z"] * 220
    shown = {
        row for page in range(22) for row in row_order.newest_first(times, 10 * page + 10)[10 * page : 10 * page + 10]
    }

    assert len(times) - len(shown) == 9
    assert sorted(row_order.newest_first(times, 220)) == list(range(220))


@given(times=st.lists(st.integers(0, 9).map(str), max_size=60), bound=st.integers(1, 12))
def test_pages_are_in_order_of_time(times: list[str], bound: int) -> None:
    """Ties or not, the newest rows come first, each once."""
    rows = row_order.newest_first(times, bound)

    assert [times[row] for row in rows[:bound]] == sorted(times, reverse=True)[:bound]
    assert len(set(rows)) == len(rows)


def test_database_order_of_keys_and_numbers() -> None:
    """JSON is kept with short keys first and with decimal numbers."""
    value = {"bb": 1e16, "a": -0.0, "é": 1e400, "B": [1.50, 1e15, None], "": {"z": 1, "y": True}}

    assert (
        encode(value)
        == '{"":{"y":true,"z":1},"B":[1.5,1000000000000000.0,null],"a":0.0,"bb":10000000000000000,"é":null}'
    )


@pytest.mark.parametrize(("text", "number"), [("12abc", 12), (" -3x", -3), ("1_0", 10), ("_1", 0), ("0d9", 9), ("", 0)])
def test_leading_integers(text: str, number: int) -> None:
    """The integer at the start of a text counts, or else zero."""
    assert number_text.leading_integer(text) == number


# --- the sandbox as a tool -----------------------------------------------------------------------------------------


def client(sandbox: Sandbox, token: str = "sandbox") -> httpx.Client:  # noqa: S107 - a name
    """Make a client that talks to a sandbox in-process, as syncer's own does."""
    headers = {"Authorization": f"Bearer {token}", "Workspace-Id": "1", "Accept": "application/json"}
    transport = httpx.WSGITransport(app=sandbox.wsgi)
    return httpx.Client(transport=transport, base_url="http://localhost/api/v1", headers=headers)


def test_seed_shows_every_query_type() -> None:
    """The shipped world has a model of every query type, no two of one age, and all can be read."""
    with Sandbox() as sandbox, client(sandbox) as http:
        models = http.get("/models?per_page=1000").raise_for_status().json()["data"]
        syncs = http.get("/syncs").raise_for_status().json()["data"]

        assert sorted(int(model["id"]) for model in models) == list(range(1, 12))
        assert len({model["attributes"]["query_type"] for model in models}) == 8
        assert len({model["attributes"]["updated_at"] for model in models}) == 11
        assert len(syncs) == 3


def test_seed_models_can_be_put_back() -> None:
    """What a seed model shows, without nulls, is accepted as it is and changes nothing."""
    with Sandbox() as sandbox, client(sandbox) as http:
        for model in http.get("/models?per_page=100").json()["data"]:
            sent = {name: value for name, value in model["attributes"].items() if value is not None}
            if model["attributes"]["query_type"] == "ai_ml":
                del sent["configuration"]  # its json_schema is the catalog's, not the model's
            answer = http.put(f"/models/{model['id']}", json={"model": sent})
            assert answer.status_code == 200
            assert answer.json()["data"]["attributes"]["updated_at"] == model["attributes"]["updated_at"]


def test_requests_are_logged_until_reset() -> None:
    """The log tells method, path and query string, in order; a reset empties it and restores the world."""
    with Sandbox() as sandbox, client(sandbox) as http:
        http.get("/models", params={"page": 1})
        http.put("/models/1", json={"model": {"name": "x"}})

        assert sandbox.requests == [("GET", "/api/v1/models?page=1"), ("PUT", "/api/v1/models/1")]
        assert sandbox.by_method == Counter(GET=1, PUT=1)
        sandbox.reset()
        assert sandbox.requests == []
        assert http.get("/models/1").json()["data"]["attributes"]["name"] == "Active users"


def test_control_requests() -> None:
    """A sandbox is steered over HTTP too, and its own requests are neither logged nor struck by faults."""
    with Sandbox(faults=Faults.parse(["500:1"])) as sandbox, client(sandbox) as http:
        root = "http://localhost/__sandbox__"
        assert http.get("/models").status_code == 500
        assert http.get(f"{root}/requests").json() == {
            "total": 1,
            "by_method": {"GET": 1},
            "requests": [["GET", "/api/v1/models"]],
        }
        assert http.post(f"{root}/faults", json=["429:x1:3"]).status_code == 200
        limited = http.get("/models")
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
        assert http.post(f"{root}/faults").status_code == 200
        assert http.post(f"{root}/reset", json=WORLDS["world.json"]).status_code == 200
        assert http.get("/models/60", headers={"Authorization": "Bearer admin"}).status_code == 200
        assert http.post(f"{root}/reset", content=b"").status_code == 200
        assert http.get("/models/60", headers={"Authorization": "Bearer admin"}).status_code == 200
        assert http.post(f"{root}/reset", json={"models": []}).status_code == 400
        assert http.post(f"{root}/faults", json=["nope:1"]).status_code == 400
        assert http.post(f"{root}/faults", json="nope").status_code == 400
        assert http.get(f"{root}/nope").status_code == 404


def test_a_bad_world_changes_nothing() -> None:
    """A world that breaks half-way leaves the old one in place."""
    with Sandbox() as sandbox, client(sandbox) as http:
        with pytest.raises(WorldError, match="this is no world"):
            sandbox.reset({**json.loads(shipped_world()), "users": [{"id": "x"}, {"id": "x"}]})

        assert http.get("/models/1").status_code == 200


def test_a_closed_sandbox_is_gone() -> None:
    """Who comes after the end finds no connection."""
    with Sandbox() as sandbox:
        http = client(sandbox)
    with pytest.raises(ConnectionResetError):
        http.get("/models")


def test_no_world_is_refused() -> None:
    """What is no world is refused, with what is missing."""
    with pytest.raises(WorldError, match="it has no list users, connectors, syncs"):
        Sandbox({"workspaces": [], "models": []})


def test_state_outlives_the_process(tmp_path: Path) -> None:
    """A file keeps its state, its tokens and its world; a world given later does not replace it."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path=path) as first, client(first) as http:
        http.put("/models/1", json={"model": {"name": "kept"}})
        login = http.post("/login", json={"email": "viewer@example.com", "password": "Sandbox1!"}).json()
        token = login["data"]["attributes"]["token"]
        http.delete("/models/11")

    with Sandbox(WORLDS["world.json"], path=path) as second, client(second, token) as http:
        assert http.get("/models/1").json()["data"]["attributes"]["name"] == "kept"
        assert http.get("/models/11").status_code == 404
        second.reset()
        with client(second) as admin:
            assert admin.get("/models/11").status_code == 200


def test_ids_are_not_used_again_after_reopening(tmp_path: Path) -> None:
    """The id of a deleted model stays used, in another process too."""
    path = tmp_path / "sandbox.db"
    model = {"connector_id": 1, "name": "n", "query_type": "raw_sql", "query": "select 1", "primary_key": "id"}
    with Sandbox(path=path) as sandbox, client(sandbox) as http:
        assert http.post("/models", json={"model": model}).json()["data"]["id"] == "12"
        http.delete("/models/12")
    with Sandbox(path=path) as sandbox, client(sandbox) as http:
        assert http.post("/models", json={"model": model}).json()["data"]["id"] == "13"


def test_concurrent_puts_all_land() -> None:
    """PUTs from several threads all land, each with a time of its own."""
    with Sandbox(WORLDS["world.json"]) as sandbox:

        def put(first: int) -> None:
            with client(sandbox, "admin") as http:
                for model_id in range(first, 49, 4):
                    http.put(
                        f"/models/{model_id}", json={"model": {"description": f"thread {first}"}}
                    ).raise_for_status()

        threads = [threading.Thread(target=put, args=(first,)) for first in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with client(sandbox, "admin") as http:
            models = {int(row["id"]): row["attributes"] for row in http.get("/models?per_page=100").json()["data"]}
        changed = {number: models[number]["description"] for number in range(1, 49)}
        assert changed == {number: f"thread {(number - 1) % 4 + 1}" for number in range(1, 49)}
        assert len({models[number]["updated_at"] for number in range(1, 49)}) == 48
        assert sandbox.by_method["PUT"] == 48


def test_ten_thousand_models_on_one_page() -> None:
    """A workspace of ten thousand models is served on one page."""
    world = json.loads(shipped_world())
    template = world["models"][0]
    world["models"] = [
        {
            **template,
            "id": number,
            "updated_at": f"2026-08-01T00:{number // 600:02}:{number // 10 % 60:02}.{number % 10}00Z",
        }
        for number in range(10_000)
    ]
    with Sandbox(world) as sandbox, client(sandbox) as http:
        models = http.get("/models?per_page=1000000").json()["data"]

        assert [int(model["id"]) for model in models] == list(range(9_999, -1, -1))


def test_import_is_cheap() -> None:
    """Importing the sandbox loads neither Werkzeug nor an HTTP server."""
    names = ("werkzeug", "http.server", "syncer.sandbox.database", "syncer.cli")
    code = f"import sys, syncer.sandbox; print([name for name in {names!r} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


# --- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("429", "is not understood: write KIND:PROBABILITY"),
        ("418:1", "there is no kind '418', only 429, 500"),
        ("429:2", "'2' is no probability between 0 and 1"),
        ("429:often", "'often' is no probability"),
        ("slow:1:long", "'long' is no number of seconds 0 or more"),
        ("429:x2@PUT models", "is not understood"),
        ("429:x", "'x' is no probability"),
    ],
)
def test_wrong_faults_are_explained(spec: str, message: str) -> None:
    """A fault that is not understood is refused with what would be right."""
    with pytest.raises(ValueError, match=message):
        Faults.parse([spec])


@pytest.mark.parametrize("kind", ["500", "502", "503", "504", "429", "html"])
def test_refusing_faults_do_nothing(kind: str) -> None:
    """A status that a fault answers with means that nothing was done."""
    with Sandbox(faults=Faults.parse([f"{kind}:x1@PUT"])) as sandbox, client(sandbox) as http:
        answer = http.put("/models/1", json={"model": {"name": "x"}})

        assert answer.status_code == (502 if kind == "html" else int(kind))
        assert answer.headers["Content-Type"].startswith("text/html" if kind == "html" else "application/json")
        assert answer.headers.get("Retry-After") == ("20" if kind == "429" else None)
        assert http.get("/models/1").json()["data"]["attributes"]["name"] == "Active users"


@pytest.mark.parametrize(("kind", "name"), [("reset", "Active users"), ("lost", "x")])
def test_dropped_connections(kind: str, name: str) -> None:
    """A reset drops the connection before anything is done, a lost answer after."""
    with Sandbox(faults=Faults.parse([f"{kind}:x1@PUT"])) as sandbox, client(sandbox) as http:
        with pytest.raises(ConnectionResetError):
            http.put("/models/1", json={"model": {"name": "x"}})

        assert http.get("/models/1").json()["data"]["attributes"]["name"] == name


def test_truncated_answers() -> None:
    """A truncated answer is no JSON, but what was asked for is done."""
    with Sandbox(faults=Faults.parse(["truncated:x1@PUT"])) as sandbox, client(sandbox) as http:
        answer = http.put("/models/1", json={"model": {"name": "x"}})

        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert http.get("/models/1").json()["data"]["attributes"]["name"] == "x"


def test_slow_goes_with_another_fault() -> None:
    """A slow request may end badly too; nobody really waits here."""
    waited: list[float] = []
    faults = Faults.parse(["slow:1:2.5", "slow:x1", "503:x1:7"])
    with Sandbox(faults=faults, sleep=waited.append) as sandbox, client(sandbox) as http:
        answer = http.get("/models")

    assert (answer.status_code, answer.headers["Retry-After"], waited) == (503, "7", [2.5, 1.0])


def test_faults_strike_where_they_should() -> None:
    """A fault is limited to a method and a path, and to a number of requests."""
    faults = Faults.parse(["500:x2@PUT /models/12", "503:1@get /syncs*", "504:1@* /api/v1/connectors"])
    with Sandbox(WORLDS["world.json"], faults=faults) as sandbox, client(sandbox, "admin") as http:

        def put(model_id: int) -> int:
            return http.put(f"/models/{model_id}", json={"model": {"name": "x"}}).status_code

        assert [put(12), put(1), put(12), put(12), put(12)] == [500, 200, 500, 200, 200]
        assert http.get("/syncs?page=1").status_code == 503
        assert http.get("/connectors").status_code == 504


def test_seeded_faults_repeat() -> None:
    """The same seed gives the same misbehaviour."""

    def run(dice: int) -> list[int]:
        with Sandbox(faults=Faults.parse(["429:0.5"], seed=dice)) as sandbox, client(sandbox) as http:
            return [http.get("/workspaces").status_code for _ in range(30)]

    assert run(1) == run(1)
    assert set(run(1)) == {200, 429}
    assert run(1) != run(2)
