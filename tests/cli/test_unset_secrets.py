"""Secrets that this desk doesn't hold: all else is planned, nothing claims that they are right, nothing is sent without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import FakeApi, live
from event_schema import VALIDATOR
from played import CONNECTORS, Played

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
id: {id}
name: Model {id}
description: {said}
connector: warehouse
query_type: raw_sql
primary_key: user_id
query: SELECT user_id FROM users
configuration: {{limit: {limit}, api_key: {{env: SYNCER_SECRET_{variable}}}}}
"""
CANARY = "hunter2-live"


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """Two models with a secret each, in step as far as anybody can tell: of one the server hides it."""
    models = [
        live(
            number,
            name=f"Model {number}",
            description="first",
            query="SELECT user_id FROM users",
            configuration={"limit": 1, "api_key": key},
        )
        for number, key in ((1, CANARY), (2, "*****"))
    ]
    played = Played(tmp_path, FakeApi(models, CONNECTORS))
    for number, variable in ((1, "A"), (2, "B")):
        _write(played, number, variable)
    return played


def _write(played: Played, number: int, variable: str, said: str = "first", limit: int = 1) -> None:
    played.write(f"models/m{number}.yaml", FILE.format(id=number, said=said, limit=limit, variable=variable))


def _flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_a_plan_without_secrets_says_so_and_claims_no_more(played: Played) -> None:
    """One box names variables and models; no output says plainly that nothing changes; the exit code is 0."""
    files = ("--markdown", "plan.md", "--html", "plan.html", "--out", "plan.json", "--json=lines.json")
    shown = played.run("plan", "--detailed-exitcode", *files)

    assert (shown.code, shown.err) == (0, "")
    assert _flat(shown.out).count("Warning:") == 1
    assert "2 secrets not compared: their variables are not set" in _flat(shown.out)
    assert "SYNCER_SECRET_A (m1); SYNCER_SECRET_B (m2)." in _flat(shown.out)
    assert "\n2 secrets not compared. Nothing else differs.\n" in shown.out
    texts = {name: (played.folder / name).read_text() for name in ("plan.md", "plan.html", "plan.json", "lines.json")}
    for text in (shown.out, *texts.values()):
        assert "no changes" not in text.lower()
        assert "2 secrets not compared" in text
        assert CANARY not in text
    lines = [json.loads(line) for line in texts["lines.json"].splitlines()]
    assert lines[-1]["changes"]["operation"] == "plan"
    assert lines[-1]["not_compared"] == ["SYNCER_SECRET_A", "SYNCER_SECRET_B"]
    for line in lines:
        VALIDATOR.validate(line)
    again = played.run("show", "plan.json").out
    assert "2 secrets not compared. Nothing else differs." in again

    # Other commands that compare say the same, and a demand for all secrets is what it was.
    played.commit()
    drift = played.run("drift")
    assert drift.code == 0
    assert "2 secrets not compared. Nothing else differs from git." in drift.out
    assert "No drift" not in drift.out
    listed = played.run("list")
    assert (listed.code, _flat(listed.out).count("2 unknown")) == (0, 1)
    taken = played.run("import", "--drift")
    assert _flat(taken.out).count("2 secrets not compared") == 1
    assert "No drift" not in taken.out
    for command in ("plan", "drift", "apply"):
        strict = played.run(command, "--require-secrets", *(["--auto-approve"] if command == "apply" else []))
        assert strict.code == 1
        assert strict.err.count("is not set, or is empty") == 2
        assert "SYNCER_SECRET_A" in strict.err
    assert "not compared" not in played.run("plan", "--env", "sandbox").out
    played.variables = {"SYNCER_SECRET_A": CANARY}
    assert "\n1 secret not compared. Nothing else differs.\n" in played.run("plan").out


def test_an_apply_leaves_out_what_would_be_sent_without_its_secret(played: Played) -> None:
    """The others are carried out; 1 says that something is left. No configuration goes out, from no plan."""
    _write(played, 1, "A", said="second")
    _write(played, 2, "B", said="second", limit=2)
    new = FILE.format(id=3, said="new", limit=1, variable="C").replace("id: 3\n", "")
    played.write("models/m3.yaml", new)
    played.write("syncer.toml", played.read("syncer.toml").decode() + "create = true\n")
    planned = played.run("plan", "--out", "plan.json")
    assert planned.code == 0
    assert "Plan: 1 to add, 2 to change, 0 to destroy. 3 secrets not compared." in planned.out
    assert "An apply leaves out m2, m3:" in _flat(planned.out)

    done = played.run("apply", "--auto-approve", "--json=run.json")
    assert done.code == 1
    assert [number for number, _ in played.api.puts] == [1]
    assert all("configuration" not in body["model"] for _, body in played.api.puts)
    assert not played.api.posts
    assert "2 changes left out" in done.out
    assert "m2: its configuration would be sent without a secret: SYNCER_SECRET_B is not set" in _flat(done.out)
    assert "the run ended before" not in done.out
    assert "Apply incomplete! Resources: 1 changed, 2 not attempted." in done.out
    assert played.run("history").out.count("2 not attempted") == 1

    # A way back compares nothing that files say.
    back = played.run("rollback", "last", "--dry-run")
    assert (back.code, "not compared" in back.out) == (0, False)

    # The saved plan: stale now, and made anew it leaves out the same, even with the secrets set.
    assert "stale" in played.run("apply", "plan.json").err
    assert played.run("plan", "--out", "plan.json").code == 0
    played.variables = {
        "SYNCER_SECRET_A": "a-new-value",
        "SYNCER_SECRET_B": "b-new-value",
        "SYNCER_SECRET_C": "c-new-value",
    }
    left = played.run("apply", "plan.json")
    assert (left.code, len(played.api.puts), played.api.posts) == (1, 1, [])
    assert "2 changes left out" in left.out
    strict = played.run("apply", "plan.json", "--require-secrets")
    assert "the saved plan was made without SYNCER_SECRET_A, SYNCER_SECRET_B, SYNCER_SECRET_C" in strict.err

    # Who takes the word out of the file has another plan.
    data = json.loads((played.folder / "plan.json").read_text())
    data["not_compared"] = {}
    played.write("plan.json", json.dumps(data))
    assert "was altered" in played.run("apply", "plan.json").err
    assert len(played.api.puts) == 1
    # Planned with its secrets everything is sent.
    whole = played.run("apply", "--auto-approve")
    assert (whole.code, len(played.api.puts), len(played.api.posts)) == (0, 3, 1)
