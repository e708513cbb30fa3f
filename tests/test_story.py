"""The stories that the tool exists for, played with the real commands against the sandbox on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pexpect
import pytest
from world import Team, declarable, definition, recorded_world, secrets, writes
from wsgi import serving

from syncer.model import QUERY_TYPES
from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORLD = recorded_world()
FIRST = {kind: next(m for m in WORLD["models"] if m["query_type"] == kind) for kind in QUERY_TYPES}
EDITS: dict[str, dict[str, Any]] = {
    "raw_sql": {"query": "SELECT id, email FROM customers_1\n"},
    "dbt": {"description": "edited"},
    "soql": {"name": "renamed"},
    "table_selector": {"query": "SELECT * FROM public.other"},
    "ai_ml": {"configuration": {"harvesters": [{"value": "x", "method": "dom", "selector": "#x", "preprocess": ""}]}},
    "dynamic_sql": {
        "configuration": {"harvesters": [], "json_schema": {"input": [], "output": [{"name": "a", "type": "string"}]}}
    },
    "unstructured": {
        "configuration": {
            "harvesters": [],
            "embedding_config": {"mode": "openai", "model": "m2", "api_key": {"env": "SYNCER_SECRET_7"}},
            "chunk_config": {"chunk_size": 500, "chunk_overlap": 0},
        }
    },
    "vector_search": {"description": "edited", "query": "SELECT * FROM docs"},
}


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team whose prod is that world."""
    with running(box) as url:
        yield Team(tmp_path, url, variables={"SYNCER_TOKEN": "admin", **secrets(WORLD["models"])})


def _edit(team: Team, model_id: int, **fields: Any) -> None:
    """Somebody edits a model in the UI."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    answer = httpx.put(f"{team.url}/api/v1/models/{model_id}", json={"model": fields}, headers=headers)
    assert answer.status_code == 200


def _edited(team: Team) -> int:
    """How many live models have the description of the edit."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    answer = httpx.get(f"{team.url}/api/v1/models?page=1&per_page=100", headers=headers)
    return sum(row["attributes"]["description"] == "edited" for row in answer.json()["data"])


@pytest.mark.parametrize("kind", QUERY_TYPES)
def test_edit_plan_apply_plan(kind: str, team: Team, box: Sandbox) -> None:
    """For each query type: an edit is planned, applied with one PUT, and then there are no changes."""
    model = FIRST[kind]
    team.write("m", definition(model))
    assert team.run("plan", "--detailed-exitcode").code == 0

    team.write("m", definition(model, **EDITS[kind]))
    planned = team.run("plan", "--detailed-exitcode")
    assert planned.code == 2
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in planned.out

    applied = team.run("apply", "--auto-approve")
    assert (applied.code, applied.err) == (0, "")
    assert "Apply complete! Resources: 0 added, 1 changed, 0 destroyed." in applied.out
    assert writes(box) == [("PUT", f"/api/v1/models/{model['id']}")]

    again = team.run("plan", "--detailed-exitcode")
    assert again.code == 0
    assert "No changes. Your models match the configuration." in again.out


def test_a_whole_workspace_is_in_step_and_read_once(team: Team, box: Sandbox) -> None:
    """Definitions made from live plan to nothing, in one request."""
    for model in declarable(WORLD):
        team.write(f"m{model['id']}", definition(model))
    planned = team.run("plan", "--detailed-exitcode")

    assert (planned.code, planned.err) == (0, "")
    assert "57 models unchanged; 3 live models are not in git." in planned.out
    assert len(box.requests) == 1


@pytest.mark.parametrize("size", [None, 10, 7])
def test_ties_hide_no_model(size: int | None, tmp_path: Path) -> None:
    """Fifty models share two times of update, so pages lose some: every model is seen all the same."""
    world = recorded_world("world-ties")
    with Sandbox(world) as box, running(box) as url, serving(_Capped(url, size)) as address:
        team = Team(tmp_path, address, variables={"SYNCER_TOKEN": "admin", **secrets(world["models"])})
        for model in declarable(world):
            named = {key: value for key, value in definition(model).items() if key != "id"}
            team.write(f"m{model['id']}", named)
        planned = team.run("plan", "--detailed-exitcode")

    assert (planned.code, planned.err) == (0, "")
    assert "57 models unchanged; 3 live models are not in git." in planned.out


def test_a_poisoned_row_is_named_and_the_rest_is_planned(team: Team) -> None:
    """One model that the server can't show turns its lists into 400: it's named, the others are planned."""
    for kind in ("raw_sql", "dbt", "soql", "ai_ml"):
        team.write(kind, definition(FIRST[kind], description="edited"))
    _poison(team, FIRST["ai_ml"]["id"])
    planned = team.run("plan")

    assert planned.code == 1
    assert "Plan: 0 to add, 3 to change, 0 to destroy." in planned.out
    assert "the server can't show live model 5: undefined method `json_schema' for nil" in planned.err
    assert "models/ai_ml.yaml" in planned.err


def test_a_poisoned_row_that_no_file_declares_is_a_warning(team: Team) -> None:
    """It's named, too, and doesn't fail the plan."""
    team.write("m", definition(FIRST["dbt"], description="edited"))
    _poison(team, FIRST["ai_ml"]["id"])
    planned = team.run("plan")

    assert planned.code == 0
    assert "the server can't show live model 5" in planned.out
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in planned.out


def _poison(team: Team, model_id: int) -> None:
    """Move an ai_ml model to a warehouse: answered 400, and written."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    body = {"model": {"connector_id": 1}}
    answer = httpx.put(f"{team.url}/api/v1/models/{model_id}", json=body, headers=headers)
    assert answer.status_code == 400


def test_ten_changes_with_trouble(team: Team, box: Sandbox) -> None:
    """Refused, timed out after the write, edited meanwhile, throttled: each is told rightly, and it converges."""
    ids = [1, 2, 3, 4, 6, 9, 10, 11, 12, 57]
    for model in declarable(WORLD):
        edited = {"description": "edited in git"} if model["id"] in ids else {}
        team.write(f"m{model['id']:02}", definition(model, **edited))
    box.faults = Faults.parse(["429:x2:0@PUT /models/4"])
    team.settings("read_seconds = 1\n")

    with serving(_SlowPuts(team.url, "/models/2")) as address:
        child = team.spawn("apply", NO_COLOR="1", SYNCER_API_URL=address)
        child.expect("Enter a value: ")
        _edit(team, 3, description="edited in the UI")
        child.sendline("yes")
        child.expect(pexpect.EOF)
        child.close()
    text = str(child.before).replace("\r\n", "\n")

    assert child.exitstatus == 1
    assert "Apply incomplete! Resources: 8 changed, 1 conflict, 1 failed." in text
    assert "live model 3 changed since the plan was made: description" in text
    assert "PUT /models/57 was refused (422): Catalog is not present for the connector" in text
    assert text.count("(429)") == 2
    assert "PUT /models/2 failed: no answer in time" in text
    puts = [path for method, path in box.requests if method == "PUT"]
    assert puts.count("/api/v1/models/2") == 1
    assert puts.count("/api/v1/models/4") == 3

    # The conflict was the UI's edit; git says otherwise, so the next plan shows it, with the one that can't be changed.
    planned = team.run("plan", "--summary")
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in planned.out
    again = team.run("apply", "--auto-approve")
    assert again.code == 1
    assert "Apply incomplete! Resources: 1 changed, 1 failed." in again.out
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in team.run("plan").out


def test_kill_in_the_middle(team: Team, box: Sandbox) -> None:
    """A run of fifty is killed; the next one does the rest, and nothing twice."""
    base = FIRST["raw_sql"]
    world = recorded_world()
    world["models"] = [
        {**base, "id": n, "name": f"m{n}", "updated_at": f"2026-02-01T00:00:00.{n:03}Z"} for n in range(1, 51)
    ]
    world["syncs"] = []
    box.reset(world)
    for model in world["models"]:
        team.write(f"m{model['id']:02}", definition(model, description="edited"))
    box.faults = Faults.parse(["slow:1:0.05@PUT"])
    arguments = ("apply", "--auto-approve", "--max-change-percent", "100")

    process = subprocess.Popen(
        team.command(*arguments), cwd=team.folder, env=team.environment, stdout=subprocess.DEVNULL
    )
    while len(writes(box)) < 15:
        time.sleep(0.01)
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.3)
    end = time.monotonic() + 30
    # What was on its way arrives, however slow the machine is: a request is counted before it's carried out.
    while (first := writes(box)) != writes(box) or len(first) != _edited(team):
        assert time.monotonic() < end
        time.sleep(0.05)
    box.faults = Faults()
    assert 15 <= len(first) < 50

    again = team.run(*arguments)
    assert again.code == 0
    assert len(writes(box)) == len(set(writes(box))) == 50
    assert "No changes." in team.run("plan").out


def test_no_canary_comes_out(team: Team, box: Sandbox) -> None:
    """Secrets in variables, in live models and in error bodies are in no stream, not even with --debug."""
    canary = "canary-5e1f0c77"
    old = f"{canary}-live"
    team.variables |= {
        "SYNCER_TOKEN": "admin",
        "SYNCER_SECRET_7": f"{canary}-desired",
        "SYNCER_PASSWORD": f"{canary}-pw",
    }
    kept = FIRST["unstructured"]["configuration"]
    _edit(team, 7, configuration={**kept, "embedding_config": {**kept["embedding_config"], "api_key": old}})
    team.write("m", definition(FIRST["unstructured"]))
    results = [
        team.run("plan", "--debug"),
        team.run("plan", "--json", "--debug", "--verbose"),
        team.run("plan", "--summary"),
        team.run("validate", "--format", "json"),
    ]
    assert "(sensitive value)" in results[0].out
    box.faults = Faults.parse(["500:x1@PUT /models/7"])
    results += [
        team.run("apply", "--auto-approve", "--debug"),
        team.run("apply", "--auto-approve", "--json", "--debug"),
    ]
    literal = {"embedding_config": {"api_key": f"{canary}-literal"}}
    team.write("m", definition(FIRST["unstructured"], configuration=literal))
    results += [
        team.run("plan"),
        team.run("validate"),
        team.run("validate", "--format", "github"),
        team.run("validate", "--format", "json"),
    ]
    team.variables["SYNCER_TOKEN"] = f"{canary}-token"
    team.write("m", definition(FIRST["unstructured"]))
    results += [team.run("plan", "--debug"), team.run("plan", "--json", "--debug")]

    assert [result.text for result in results if canary in result.text] == []
    assert results[4].code == 1
    assert results[5].code == 0


class _Echo:
    """A server that answers every request with an error that quotes its headers and its body."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        said = {name: str(value) for name, value in environ.items() if name.startswith("HTTP_")}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        start_response("422 Unprocessable", [("Content-Type", "application/json")])
        return [json.dumps({"errors": [{"detail": f"bad: {said} {body}", "source": {"token": str(said)}}]}).encode()]


class _Capped:
    """In front of a server: a cap on `per_page`, as the hosted service is said to have; none if `size` is None."""

    def __init__(self, url: str, size: int | None) -> None:
        self._url, self._size = url, size

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        query = dict(httpx.QueryParams(environ["QUERY_STRING"]))
        if self._size is not None and "per_page" in query:
            query["per_page"] = str(min(int(query["per_page"]), self._size))
        headers = {
            "Authorization": environ["HTTP_AUTHORIZATION"],
            "Workspace-Id": environ["HTTP_WORKSPACE_ID"],
            "Accept": "application/json",
        }
        answer = httpx.get(f"{self._url}{environ['PATH_INFO']}", params=query, headers=headers)
        start_response(f"{answer.status_code} x", [("Content-Type", "application/json")])
        return [answer.content]


class _SlowPuts:
    """In front of a server: a PUT is passed on at once, its answer (of one path alone, if given) comes too late."""

    def __init__(self, url: str, path: str = "") -> None:
        self._url, self._gets, self._path = url, _Capped(url, None), path

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return self._gets(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {"Authorization": environ["HTTP_AUTHORIZATION"], "Workspace-Id": environ["HTTP_WORKSPACE_ID"]}
        json_headers = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
        answer = httpx.put(f"{self._url}{environ['PATH_INFO']}", content=body, headers=json_headers)
        if environ["PATH_INFO"].endswith(self._path):
            time.sleep(3)
        kept = [(name, answer.headers[name]) for name in ("Content-Type", "Retry-After") if name in answer.headers]
        start_response(f"{answer.status_code} x", kept)
        return [answer.content]


def test_a_put_that_times_out_after_the_write_is_done(team: Team, box: Sandbox) -> None:
    """No answer in time: it looks, finds its change written, says done, and sends nothing again."""
    team.settings("read_seconds = 1\n")
    team.write("m", definition(FIRST["raw_sql"], description="edited"))
    with serving(_SlowPuts(team.url)) as address:
        team.variables["SYNCER_API_URL"] = address
        result = team.run("apply", "--auto-approve")

    assert result.code == 0
    assert "no answer in time" in result.err
    assert "Apply complete! Resources: 0 added, 1 changed, 0 destroyed." in result.out
    assert writes(box) == [("PUT", "/api/v1/models/1")]


class _EchoingPuts:
    """In front of a server: a PUT is refused with an error that quotes its headers and body."""

    def __init__(self, url: str) -> None:
        self._behind, self._echo = _Capped(url, None), _Echo()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return (self._echo if environ["REQUEST_METHOD"] == "PUT" else self._behind)(environ, start_response)


def test_a_refused_put_quotes_no_secret(team: Team) -> None:
    """What a file's secret says goes out with the PUT, and doesn't come back in the report."""
    team.variables["SYNCER_SECRET_7"] = "canary-desired"
    team.write("m", definition(FIRST["unstructured"]))
    with serving(_EchoingPuts(team.url)) as address:
        team.variables["SYNCER_API_URL"] = address
        for flags in ((), ("--json",), ("--debug",)):
            result = team.run("apply", "--auto-approve", *flags)
            assert (result.code, "422" in result.text) == (1, True)
            assert "canary" not in result.text


def test_an_echoing_server_learns_us_nothing(tmp_path: Path) -> None:
    """A server that quotes our own token and password back doesn't make us print them."""
    with serving(_Echo()) as url:
        for variables in (
            {"SYNCER_TOKEN": "canary-tok"},
            {"SYNCER_EMAIL": "me@example.com", "SYNCER_PASSWORD": "canary-pw"},
        ):
            team = Team(tmp_path, url, variables=dict(variables))
            team.write("m", definition(FIRST["raw_sql"]))
            for arguments in (("plan",), ("plan", "--debug"), ("plan", "--json")):
                result = team.run(*arguments)
                assert result.code == 1
                assert "canary" not in result.text
                assert "422" in result.text
