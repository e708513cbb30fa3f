"""Undo as people meet it: the real commands, against the sandbox on loopback."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pexpect
import pytest
from inside import Inside
from places import IDENTITY
from world import Result, Team, declarable, definition, recorded_world, secrets, writes

from syncer.cli.shared import run_record
from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.http_server import running
from syncer.state_folder import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORLD = recorded_world()
MODELS = {model["id"]: model for model in declarable(WORLD)}
TEN = [model["id"] for model in MODELS.values() if model["query_type"] in {"raw_sql", "dbt"}][:10]
NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@pytest.fixture
def team(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """A team whose prod is that world, with all of it in git; a run's name tells the second, and no two share one."""
    seconds = count()
    monkeypatch.setattr(run_record, "now", lambda: datetime.now(UTC) + timedelta(seconds=next(seconds)))
    with running(box) as url:
        team = Inside(tmp_path, url, variables={"SYNCER_TOKEN": "admin", **secrets(WORLD["models"])})
        for model in MODELS.values():
            team.write(f"m{model['id']:02}", definition(model))
        yield team


def _change(team: Team, *ids: int, **fields: Any) -> None:
    """What git says of these models from now on."""
    for model_id in ids:
        team.write(f"m{model_id:02}", definition(MODELS[model_id], **fields))


def _apply(team: Team) -> Result:
    done = team.run("apply", "--auto-approve", "--summary")
    assert (done.code, done.err) == (0, "")
    return done


def _edit(team: Team, model_id: int, **fields: Any) -> None:
    """Somebody edits a model in the UI."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    answer = httpx.put(f"{team.url}/api/v1/models/{model_id}", json={"model": fields}, headers=headers)
    assert answer.status_code == 200


def _live(team: Team, model_id: int) -> dict[str, Any]:
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    attributes: dict[str, Any] = httpx.get(f"{team.url}/api/v1/models/{model_id}", headers=headers).json()["data"][
        "attributes"
    ]
    return attributes


def _records(team: Team) -> list[Path]:
    return sorted((folder_of(team.folder, os.environ).path / "runs").glob("*.json"))


# -- back and forth ---------------------------------------------------------------------------------------------------


def test_ten_changed_one_edited_since_nine_go_back(team: Team, box: Sandbox) -> None:
    """Nine models are what they were, the tenth keeps what somebody made of it, and both is said."""
    for model_id in TEN:
        _change(team, model_id, description="edited in git", query=f"{MODELS[model_id]['query']}\n-- reviewed")
    assert "10 changed" in _apply(team).out
    since = f"{MODELS[TEN[3]]['query']}\n-- edited since"
    _edit(team, TEN[3], query=since)
    done = len(writes(box))
    back = team.run("rollback", "last", "--auto-approve", "--summary")

    assert back.code == 1
    assert "Plan: 0 to add, 9 to change, 0 to destroy." in back.out
    assert "Apply complete! Resources: 0 added, 9 changed, 0 destroyed." in back.out
    assert f"live model {TEN[3]} (m{TEN[3]:02}) changed since that run: query" in back.err
    assert "[changed-since]" in back.err
    assert "The files still have what that run applied" in back.out
    assert len(writes(box)) == done + 9
    for model_id in TEN:
        now, was = _live(team, model_id), MODELS[model_id]
        if model_id == TEN[3]:
            assert (now["description"], now["query"]) == ("edited in git", since)
        else:
            assert (now["description"], now["query"]) == (was["description"], was["query"])

    # The way back is a run of its own, and git still wants what was taken back.
    assert [line.split()[-2:] for line in team.run("history").out.splitlines()[1:]] == [
        ["9", "changed"],
        ["10", "changed"],
    ]
    assert "Plan: 0 to add, 10 to change, 0 to destroy." in team.run("plan", "--summary").out


def test_all_is_back_and_can_be_taken_back(team: Team) -> None:
    """Without an edit nothing is left: a plan says what the apply's plan said; and the rollback has a way back."""
    _change(team, *TEN[:2], description="edited in git")
    planned = team.run("plan").out
    _apply(team)
    back = team.run("rollback", "last", "--auto-approve")

    assert (back.code, back.err) == (0, "")
    assert team.run("plan").out == planned
    first, second = (path.stem for path in _records(team))
    again = team.run("rollback", second, "--auto-approve")
    assert again.code == 0
    assert "The files still have" not in again.out
    assert "No changes." in team.run("plan").out
    nothing = team.run("rollback", second, "--auto-approve")
    assert (nothing.code, nothing.err) == (0, "")
    assert (
        f"There is nothing to restore: what run {second} changed is as it was before, or was changed again since."
        in nothing.out
    )
    assert first < second


def test_an_apply_of_a_file_is_kept_too(team: Team) -> None:
    """A saved plan's run has a way back."""
    _change(team, TEN[0], description="edited in git")
    assert team.run("plan", "--out", "plan.json").code == 0
    assert team.run("apply", "plan.json").code == 0

    assert team.run("rollback", "last", "--auto-approve").code == 0
    assert _live(team, TEN[0])["description"] == MODELS[TEN[0]]["description"]


# -- killed ------------------------------------------------------------------------------------------------------------


def test_a_killed_run_can_be_taken_back(team: Team, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill -9 in the middle: it's listed as unfinished, and what it wrote goes back; the rest was never touched."""
    _change(team, *TEN, description="edited in git")
    is_under_way, is_killed, numbers = threading.Event(), threading.Event(), count(1)

    def hold(_: float) -> None:
        """The fifth of ten has been sent, and isn't done before its sender is dead."""
        if next(numbers) == 5:
            is_under_way.set()
            is_killed.wait(60)

    monkeypatch.setattr(box, "_sleep", hold)
    box.faults = Faults.parse(["slow:1@PUT"])
    process = subprocess.Popen(
        team.command("apply", "--auto-approve", "--parallelism", "1"),
        cwd=team.folder,
        env=team.environment,
        stdout=subprocess.DEVNULL,
    )
    assert is_under_way.wait(60)
    process.kill()
    process.wait()
    is_killed.set()
    box.faults = Faults()
    fifth = int(writes(box)[4][1].rpartition("/")[2])
    end = time.monotonic() + 60
    while _live(team, fifth)["description"] != "edited in git":
        assert time.monotonic() < end
    assert len(writes(box)) == 5

    assert "unfinished" in team.run("history").out
    back = team.run("rollback", "last", "--auto-approve", "--summary")
    assert (back.code, back.err) == (0, "")
    assert "Plan: 0 to add, 5 to change, 0 to destroy." in back.out
    assert all(_live(team, one)["description"] == MODELS[one]["description"] for one in TEN)


def test_the_record_is_there_before_the_first_write(team: Team, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens then."""
    seen: list[int] = []

    def look(_: float) -> None:
        """Before the server does anything of what it's told."""
        seen.extend(len(json.loads(path.read_text())["outcomes"]) for path in _records(team))

    _change(team, TEN[0], description="edited in git")
    monkeypatch.setattr(box, "_sleep", look)
    box.faults = Faults.parse(["slow:1@PUT"])
    _apply(team)

    assert seen == [1]


# -- approved, guarded, chosen -----------------------------------------------------------------------------------------


def test_it_is_shown_and_asked_for(team: Team, box: Sandbox) -> None:
    """Only `yes` is taken for yes; without a terminal it needs a flag; a dry run writes nothing."""
    _change(team, TEN[0], description="edited in git")
    _apply(team)
    done = len(writes(box))
    refused = team.run("rollback", "last")
    assert refused.code == 1
    assert "there is no terminal to ask on" in refused.err
    dry = team.run("rollback", "last", "--dry-run")
    assert (dry.code, dry.err) == (0, "")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in dry.out

    child = team.spawn("rollback", "last", NO_COLOR="1")
    child.expect("Enter a value: ")
    child.sendline("no")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert len(writes(box)) == done
    assert len(_records(team)) == 1


def test_a_risky_way_back_is_allowed_by_itself(team: Team) -> None:
    """The file allowed the way there; every row is sent again on the way back."""
    _change(team, TEN[0], primary_key="email", lifecycle={"allow": ["primary_key"]})
    _apply(team)
    refused = team.run("rollback", "last", "--auto-approve")

    assert refused.code == 1
    assert "--allow primary_key" in refused.err
    assert team.run("rollback", "last", "--auto-approve", "--allow", "primary_key").code == 0
    assert _live(team, TEN[0])["primary_key"] == MODELS[TEN[0]]["primary_key"]


def test_another_environment_is_refused(team: Team, box: Sandbox) -> None:
    """A run is taken back where it was made."""
    _change(team, TEN[0], description="edited in git")
    _apply(team)
    done = len(writes(box))
    team.settings(f'[environments.staging]\napi_url = "{team.url}"\nworkspace_id = 2\n')
    refused = team.run("rollback", "last", "--auto-approve", "--env", "staging")

    assert refused.code == 1
    assert "that run wrote to prod" in refused.err
    assert len(writes(box)) == done
    team.settings("\n[environments.other]\napi_url = 'https://other.example'\nworkspace_id = 1\n")
    assert team.run("rollback", "last", "--dry-run").code == 0


def test_target_takes_a_part_back(team: Team, box: Sandbox) -> None:
    """The others wait."""
    _change(team, *TEN[:3], description="edited in git")
    _apply(team)
    done = len(writes(box))
    assert team.run("rollback", "last", "--auto-approve", "--target", f"m{TEN[1]:02}").code == 0

    assert writes(box)[done:] == [("PUT", f"/api/v1/models/{TEN[1]}")]


@pytest.mark.parametrize("said", ["../x", "20991231", "x"])
def test_a_run_that_is_not_there_is_told(said: str, team: Team, box: Sandbox) -> None:
    """Nothing is asked of the server."""
    refused = team.run("rollback", said, "--auto-approve")

    assert refused.code == 1
    assert f"no run '{said}' is kept in" in refused.err
    assert box.requests == []


def test_programs_read_it(team: Team) -> None:
    """One object a line; what can't go back is a diagnostic."""
    _change(team, *TEN[:2], description="edited in git")
    _apply(team)
    _edit(team, TEN[0], description="edited since")
    back = team.run("rollback", "last", "--auto-approve", "--json")
    lines = [json.loads(line) for line in back.out.splitlines()]
    rules = [line["diagnostic"]["rule"] for line in lines if line["type"] == "diagnostic"]

    assert (back.code, back.err) == (1, "")
    assert rules == ["changed-since"]
    assert [line["changes"]["change"] for line in lines if line["type"] == "change_summary"] == [1, 1]
    history = [json.loads(line) for line in team.run("history", "--json").out.splitlines()]
    assert [line["type"] for line in history] == ["version", "run", "run"]
    assert history[1]["run"]["command"] == f"rollback {history[2]['run']['name']}"


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_private_and_not_in_git(team: Team) -> None:
    """Mode 0600 in a folder of its owner's; git sees nothing of it, and the commit is named."""

    def git(*arguments: str) -> str:
        environment = {**team.environment, **IDENTITY}
        done = subprocess.run(["git", *arguments], cwd=team.folder, env=environment, capture_output=True, check=True)
        return done.stdout.decode().strip()

    git("init", "--quiet")
    _change(team, TEN[0], description="edited in git")
    git("add", "models", "syncer.toml")
    git("commit", "--quiet", "--message", "All")
    _apply(team)

    (record,) = _records(team)
    assert NAME.fullmatch(record.stem)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    assert git("status", "--short") == ""
    assert git("rev-parse", "HEAD")[:12] in team.run("history").out
    back = team.run("rollback", "last", "--auto-approve")
    assert f"(commit {git('rev-parse', 'HEAD')[:12]}): change them back" in " ".join(back.out.split())


def test_no_secret_is_kept(team: Team) -> None:
    """Neither live ones nor those of variables, raw or in any usual encoding."""
    canary, old = 'canary-5e1f"0c77', "canary-live-90ab"
    kept = MODELS[7]["configuration"]
    _edit(team, 7, configuration={**kept, "embedding_config": {**kept["embedding_config"], "api_key": old}})
    team.variables["SYNCER_SECRET_7"] = canary
    _apply(team)
    (record,) = _records(team)
    text = record.read_text()

    for secret in (canary, old):
        raw = secret.encode()
        forms = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), raw.hex(), base64.b64encode(raw).decode()}
        assert [form for form in forms if form in text] == []
    assert '"variable":"SYNCER_SECRET_7"' in text
    refused = team.run("rollback", "last", "--auto-approve")
    assert refused.code == 1
    assert "configuration.embedding_config.api_key: a secret was replaced" in refused.err
    assert "canary" not in refused.text


def test_a_model_with_a_secret_goes_back(team: Team) -> None:
    """The secret that stayed is sent as it is live; what was edited since is refused by its time alone."""
    kept = MODELS[7]["configuration"]
    more = {**definition(MODELS[7])["configuration"], "chunk_config": {"chunk_size": 9, "chunk_overlap": 0}}
    _change(team, 7, configuration=more)
    _apply(team)
    assert team.run("rollback", "last", "--auto-approve").code == 0
    assert _live(team, 7)["configuration"] == kept

    _apply(team)
    _edit(team, 7, description="only this")
    refused = team.run("rollback", "last", "--auto-approve")
    assert refused.code == 1
    assert "it holds secrets, so it must not have moved at all" in refused.err


def test_a_secret_in_clear_keeps_the_record_away(team: Team) -> None:
    """A text that holds a variable's value isn't kept: the apply says so, and goes on."""
    _change(team, TEN[0], description="with hunter2-hunter2 in it")
    team.variables["SYNCER_SECRET_OTHER"] = "hunter2-hunter2"
    done = team.run("apply", "--auto-approve")

    assert done.code == 0
    assert "Warning: syncer can't save what this run replaces, so the run can't be rolled back" in done.err
    assert _records(team) == []


def test_what_cannot_be_kept_stops_nothing(team: Team, tmp_path: Path) -> None:
    """A link in place of the folder isn't followed, a file in its place isn't replaced: the apply goes on."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = folder_of(team.folder, os.environ).made() / "runs"
    place.symlink_to(elsewhere)
    _change(team, TEN[0], description="one")
    done = team.run("apply", "--auto-approve")
    assert done.code == 0
    assert "│ Warning: syncer can't save what this run replaces" in done.err
    assert "behind a symbolic link" in done.err
    assert list(elsewhere.iterdir()) == []
    assert "behind a symbolic link" in team.run("history").err

    place.unlink()
    place.write_text("mine")
    _change(team, TEN[0], description="two")
    done = team.run("apply", "--auto-approve")
    assert done.code == 0
    assert "│ Warning: syncer can't save what this run replaces" in done.err
    assert place.read_text() == "mine"


def test_only_so_many_are_kept(team: Team) -> None:
    """`keep_runs` says how many; 0 keeps none; an apply that changes nothing isn't one."""

    def settle(keep: int) -> None:
        team.settings()
        settings = team.folder / "syncer.toml"
        settings.write_text(f"keep_runs = {keep}\n{settings.read_text()}")

    settle(2)
    for number in range(3):
        _change(team, TEN[0], description=f"edit {number}")
        _apply(team)
    _apply(team)
    records = _records(team)
    assert len(records) == 2
    assert "edit 2" in records[-1].read_text()

    settle(0)
    _change(team, TEN[0], description="the last")
    _apply(team)
    assert _records(team) == []
    assert "The settings say `keep_runs = 0`" in team.run("history").out


def test_an_altered_record_is_listed_and_refused(team: Team, box: Sandbox) -> None:
    """It stands in the list with its reason, and nothing is made of it."""
    _change(team, TEN[0], description="edited in git")
    _apply(team)
    (record,) = _records(team)
    record.write_text(record.read_text().replace("edited in git", "edited by x"))
    done = len(box.requests)

    listed = team.run("history")
    assert (listed.code, listed.err) == (0, "")
    assert "unreadable: the record of run" in listed.out
    refused = team.run("rollback", "last", "--auto-approve")
    assert refused.code == 1
    assert "was altered after it was made" in refused.err
    assert len(box.requests) == done
