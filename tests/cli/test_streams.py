"""Streams that are closed, full, or left by their reader; and trouble that concerns all models: told once."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from world import Team, declarable, definition, recorded_world, secrets, writes

from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORLD = recorded_world()
EIGHT = [model for model in declarable(WORLD) if model["query_type"] in {"raw_sql", "dbt"} and model["id"] != 57][:8]


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team that edited eight models."""
    with running(box) as url:
        yield _edited(Team(tmp_path, url, variables={"SYNCER_TOKEN": "admin", **secrets(WORLD["models"])}))


def _edited(team: Team) -> Team:
    for model in EIGHT:
        team.write(f"m{model['id']:02}", definition(model, description="edited"))
    return team


def _shell(team: Team, arguments: str, redirection: str) -> subprocess.CompletedProcess[str]:
    command = f"{' '.join(team.command())} {arguments} {redirection}"
    return subprocess.run(
        ["bash", "-c", command], cwd=team.folder, env=team.environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", ["plan", "validate", "schema", "history --json", "--help", "list"])
@pytest.mark.parametrize(("where", "why"), [(">&-", "it is closed"), (">/dev/full", "no space left")])
def test_results_that_nobody_gets_are_said(arguments: str, where: str, why: str, team: Team) -> None:
    """No crash, and no success in silence."""
    done = _shell(team, arguments, where)

    assert (done.returncode, done.stderr) == (1, f"syncer: the output can't be written: {why}\n")


@pytest.mark.parametrize("where", [">&-", ">/dev/full", "| true"])
@pytest.mark.parametrize("json_flag", ["", "--json"])
def test_nothing_is_written_that_could_not_be_shown(where: str, json_flag: str, team: Team, box: Sandbox) -> None:
    """An apply whose plan went nowhere ends before its first write, and says so."""
    done = _shell(team, f"apply --auto-approve {json_flag}", f"{where}; exit ${{PIPESTATUS[0]}}")

    assert done.returncode == 1
    assert "the plan could not be shown" in done.stderr
    assert "nothing was written" in done.stderr
    assert writes(box) == []


def test_without_stderr_it_goes_on(team: Team, box: Sandbox) -> None:
    """What would have been noted is lost; the apply isn't."""
    done = _shell(team, "apply --auto-approve", "2>&- <&-")

    assert (done.returncode, len(writes(box))) == (0, 8)
    assert "Apply complete! Resources: 0 added, 8 changed, 0 destroyed." in done.stdout


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_a_reader_that_leaves_ends_an_apply_as_ctrl_c_does(json_flag: list[str], team: Team, box: Sandbox) -> None:
    """What is under way is finished, the outcomes are kept, and stderr says what became of it."""
    box.faults = Faults.parse(["slow:1:0.3@PUT"])
    command = team.command("apply", "--auto-approve", "--parallelism", "2", *json_flag)
    process = subprocess.Popen(
        command, cwd=team.folder, env=team.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if "Modifying..." in line:
            break
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()

    assert process.wait(30) == 1
    done = len(writes(box))
    assert 2 <= done <= 6
    assert "its reader has left: finishing the changes under way, starting no new ones" in err
    assert f"Apply incomplete! Resources: {done} changed, {8 - done} not attempted." in err
    kept = json.loads(team.run("history", "--json").out.splitlines()[1])["run"]
    assert kept["outcomes"] == {"done": done, "not_attempted": 8 - done}
    assert kept["ended"]


def test_a_role_that_may_not_write_is_told_once(team: Team, box: Sandbox) -> None:
    """Eight models, one cause: one box, and the rest is not attempted."""
    team.variables["SYNCER_TOKEN"] = "viewer"
    done = team.run("apply", "--auto-approve", "--parallelism", "1")

    assert done.code == 1
    assert (done.text.count("(403)"), len(writes(box))) == (1, 1)
    assert "7 changes not attempted" in done.out
    assert "Apply incomplete! Resources: 0 changed, 1 failed, 7 not attempted." in done.out


def test_a_login_that_is_replaced_ends_the_run(tmp_path: Path) -> None:
    """Somebody logs in as the same user in mid-apply: the token is worth nothing more, for any model."""

    def log_in() -> str:
        body = {"email": "admin@example.com", "password": "Passw0rd!"}
        return str(httpx.post(f"{url}/api/v1/login", json=body).json()["data"]["attributes"]["token"])

    def somebody_logs_in(_: float) -> None:
        log_in()

    with Sandbox(recorded_world(), sleep=somebody_logs_in) as box, running(box) as url:
        team = _edited(Team(tmp_path, url, variables=secrets(WORLD["models"])))
        team.variables["SYNCER_TOKEN"] = log_in()
        # The third change waits before it's answered: the other login comes then.
        box.faults = Faults.parse([f"slow:1@PUT /models/{EIGHT[2]['id']}"])
        done = team.run("apply", "--auto-approve", "--parallelism", "1")

    assert done.code == 1
    assert done.out.count("(401)") == 1
    assert "Apply incomplete! Resources: 2 changed, 1 failed, 5 not attempted." in done.out


@pytest.mark.parametrize("workspace", [2, 4])
def test_a_wrong_workspace_is_one_error(workspace: int, team: Team) -> None:
    """Not one or two for each file; what else is wrong is said beside it."""
    for model in (model for model in declarable(WORLD) if model not in EIGHT):
        named = {key: value for key, value in definition(model).items() if key not in {"id", "connector_id"}}
        team.write(f"n{model['id']}", {**named, "connector": "Nobody's"} if model["id"] % 2 else definition(model))
    team.workspace = workspace
    team.settings()
    done = team.run("plan")

    assert done.code == 1
    assert done.err.count("Error:") == 1
    assert f"definitions is in workspace {workspace}: neither by id nor by name" in done.err
    assert "check workspace_id" in done.err
