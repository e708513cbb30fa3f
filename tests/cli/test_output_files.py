"""The plan travels: the real commands keep it, show it and apply it; and refuse, without a write, whatever isn't it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from event_schema import VALIDATOR
from inside import Inside
from repositories import GIT, Repository
from world import Team, definition, flat, recorded_world, writes

from syncer.cli.shared.output_files import without_secrets
from syncer.errors import SyncerError
from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from world import Result

    from syncer.sandbox import Sandbox

WORLD = recorded_world()
PLAIN = next(model for model in WORLD["models"] if model["query_type"] == "raw_sql")
KEYED = next(model for model in WORLD["models"] if model["query_type"] == "unstructured")
PUT = ("PUT", f"/api/v1/models/{PLAIN['id']}")
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""
CANARY = "canary-5e1f0c77"
KEEP = ("--out", "plan.json", "--markdown", "plan.md", "--json=plan.jsonl", "--html", "plan.html")
KEPT = ("plan.json", "plan.md", "plan.jsonl", "plan.html")


@pytest.fixture
def team(box: Sandbox, tmp_path: Path) -> Iterator[Team]:
    """A team whose prod is that world, in a repository that holds one model as it is live."""
    repository = Repository.made(tmp_path / "work")
    with running(box) as url:
        team = Inside(repository.folder, url, variables={"SYNCER_TOKEN": "admin", **GIT})
        team.write("m", definition(PLAIN))
        repository.commit()
        yield team


def test_a_text_in_pieces_is_looked_through_before_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is lost, and nothing is handed on that holds a secret; what went before may have been written."""
    pieces = ["a" * 700_000, "b" * 700_000, f"with {CANARY} in it", "c"]
    monkeypatch.setenv("SYNCER_SECRET_X", "another-secret")
    assert "".join(without_secrets(pieces, "a file")) == "".join(pieces)

    monkeypatch.setenv("SYNCER_SECRET_X", CANARY)
    passed = without_secrets(pieces, "a file")
    assert next(passed) == pieces[0]
    with pytest.raises(SyncerError, match="the value of SYNCER_SECRET_X would be in a file"):
        next(passed)


def _commit(team: Team, **changes: Any) -> str:
    """Commit the model with these changes."""
    team.write("m", definition(PLAIN, **changes))
    return Repository(team.folder).commit()


def _edit(team: Team, model: dict[str, Any] = PLAIN, **fields: Any) -> None:
    """Somebody edits a model in the UI."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    answer = httpx.put(f"{team.url}/api/v1/models/{model['id']}", json={"model": fields}, headers=headers)
    assert answer.status_code == 200


def _live(team: Team, field: str) -> Any:
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    answer = httpx.get(f"{team.url}/api/v1/models/{PLAIN['id']}", headers=headers)
    return answer.json()["data"]["attributes"][field]


def _writes_since(box: Sandbox, before: int) -> list[tuple[str, str]]:
    return [(method, path) for method, path in box.requests[before:] if method != "GET"]


def _read(team: Team, name: str) -> str:
    return (team.folder / name).read_text("utf-8")


def _refused(team: Team, box: Sandbox, *arguments: str) -> Result:
    """A run that ends with 1, in words, and wrote nothing."""
    before = writes(box)
    result = team.run(*arguments)

    assert (result.code, "Traceback" in result.text, "syncer itself failed" in result.text) == (1, False, False)
    assert writes(box) == before
    return result


# -- what a run leaves behind ------------------------------------------------------------------------------------------


def test_one_run_keeps_the_plan_in_every_format(team: Team, box: Sandbox) -> None:
    """All from one reading of the server, private, complete, without secrets; and shown as well."""
    team.variables["SYNCER_SECRET_7"] = f"{CANARY}-git"
    configuration = json.loads(json.dumps(KEYED["configuration"]))
    configuration["embedding_config"]["api_key"] = f"{CANARY}-live"
    _edit(team, KEYED, configuration=configuration)
    team.write("keyed", definition(KEYED))
    _commit(team, description="edited in git")
    before = len(box.requests)
    result = team.run("plan", "--base", "HEAD^", *KEEP)

    assert (result.code, result.err) == (0, "")
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in result.out
    assert "syncer apply plan.json" in result.out
    assert len(box.requests) == before + 2  # the models, and the syncs that they feed
    for name in KEPT:
        assert stat.S_IMODE((team.folder / name).stat().st_mode) == 0o600
    assert [name for name in KEPT if CANARY in _read(team, name) or CANARY in result.text] == []

    lines = [json.loads(line) for line in _read(team, "plan.jsonl").splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    changes = ["planned_change", "planned_change"]
    assert [line["type"] for line in lines] == ["version", *changes, "diagnostic", "change_summary"]
    assert [line["diagnostic"]["rule"] for line in lines if "diagnostic" in line] == ["secret-change"]
    assert lines[-1]["base"]["commit"] == Repository(team.folder).git("rev-parse", "HEAD^")
    assert json.loads(_read(team, "plan.json"))["commit"] == Repository(team.folder).head

    shown = team.run("show", "plan.json")
    plan = result.out.partition("Refreshing live state...\n\n")[2].partition("\nSaved the plan to")[0]
    assert plan
    assert plan.strip() in shown.out
    assert shown.code == 0
    assert team.run("show", "plan.json", "--format", "markdown").out == _read(team, "plan.md")
    assert team.run("show", "plan.json", "--format", "html").out == _read(team, "plan.html")
    assert [
        kind["type"] for kind in map(json.loads, team.run("show", "plan.json", "--format", "json").out.splitlines())
    ] == [line["type"] for line in lines]
    assert len(box.requests) == before + 2  # the models, and the syncs that they feed


@pytest.mark.parametrize(
    ("cause", "said"), [("a broken file", "connector_id"), ("a server that is down", "GET /models")]
)
def test_a_plan_that_cannot_be_made_is_kept_as_such(cause: str, said: str, team: Team, box: Sandbox) -> None:
    """The files say why, and no apply takes them for a plan."""
    _commit(team, description="edited")
    if cause == "a broken file":
        team.write("bad", "name: x\nquery_type: raw_sql\nprimary_key: id\nquery: SELECT 1\n")
    else:
        team.settings("retry_seconds = 0\n")
        team.variables["SYNCER_API_URL"] = NOBODY
    _refused(team, box, "plan", "--env", "prod", *KEEP)
    team.variables.pop("SYNCER_API_URL", None)

    kept = json.loads(_read(team, "plan.json"))
    assert kept["changes"] == []
    assert said in kept["problems"][0]["message"]
    assert said in _read(team, "plan.jsonl")
    assert "No changes" not in "".join(_read(team, name) for name in KEPT)
    assert "the saved plan is incomplete, so nothing is applied" in _refused(team, box, "apply", "plan.json").err
    assert said in _refused(team, box, "show", "plan.json").err


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--env", "nowhere", *KEEP),
        ("plan", "--base", "nowhere", *KEEP),
        ("drift", "--commit", "nowhere", *KEEP[:-2]),
    ],
)
def test_an_earlier_plan_does_not_survive_a_failure(arguments: tuple[str, ...], team: Team, box: Sandbox) -> None:
    """Whoever goes on after a failed run must not find yesterday's plan."""
    for name in KEPT:
        (team.folder / name).write_text("of an earlier run")
    _refused(team, box, *arguments)

    asked = {word.removeprefix("--json=") for word in arguments}
    left = [name for name in KEPT if name in asked and (team.folder / name).exists()]
    assert [name for name in left if _read(team, name) == "of an earlier run"] == []


def test_a_secret_in_clear_is_never_kept(team: Team, box: Sandbox) -> None:
    """A query that holds a variable's value keeps every file from being written, and the variable is named alone."""
    team.variables["SYNCER_SECRET_K"] = CANARY
    for name in KEPT:
        (team.folder / name).write_text("of an earlier run")
    _commit(team, query=f"SELECT id, email, '{CANARY}' AS k FROM customers")  # noqa: S608 - sent nowhere
    result = _refused(team, box, "plan", "--summary", *KEEP)

    assert "the value of SYNCER_SECRET_K would be in plan.json, so it was not written" in result.err
    assert CANARY not in result.text
    assert [name for name in KEPT if (team.folder / name).exists()] == []


def test_a_file_that_cannot_be_written_is_an_error(team: Team, box: Sandbox) -> None:
    """A job that keeps nothing must not look as if it had."""
    assert "no/such/folder/x can't be written" in _refused(team, box, "plan", "--html", "no/such/folder/x").err


def test_what_is_kept_is_not_written_through_a_link(team: Team) -> None:
    """A link in the repository doesn't choose which file is overwritten, or read."""
    (team.folder / "precious").write_text("precious")
    (team.folder / "plan.json").symlink_to("precious")

    assert team.run("plan", "--out", "plan.json").code == 0
    assert _read(team, "precious") == "precious"
    (team.folder / "link.json").symlink_to("plan.json")
    assert team.run("show", "link.json").code == 1


# -- apply a saved plan ------------------------------------------------------------------------------------------------


def test_a_saved_plan_is_applied_without_asking(team: Team, box: Sandbox) -> None:
    """Passing the file is the approval: exactly that is written, once; a second time it's stale."""
    _commit(team, description="edited in git")
    team.write("other", definition(KEYED, description="not in the plan"))
    planned = team.run("plan", "--target", "m", "--out", "plan.json", "--detailed-exitcode")
    assert planned.code == 2
    applied = team.run("apply", "plan.json")

    assert (applied.code, applied.err) == (0, "")
    assert "Enter a value" not in applied.out
    assert "Apply complete! Resources: 0 added, 1 changed, 0 destroyed." in applied.out
    assert writes(box) == [PUT]
    assert _live(team, "description") == "edited in git"
    assert "Saved plan is stale" in _refused(team, box, "apply", "plan.json").err


def test_what_is_not_that_plan_is_refused(team: Team, box: Sandbox) -> None:
    """Altered, for another target or commit, said twice, or stale: each in its words, and never a write."""
    _commit(team, description="edited")
    assert team.run("plan", "--env", "prod", "--out", "plan.json").code == 0
    team.settings(f'[environments.staging]\napi_url = "{team.url}"\nworkspace_id = 2\n')
    text = _read(team, "plan.json")
    (team.folder / "altered.json").write_text(text.replace('"edited"', '"evil"'))
    cases: dict[tuple[str, ...], str] = {
        ("altered.json",): "was altered after it was made",
        ("plan.json", "--env", "staging"): "was made for prod",
        ("plan.json", "--target", "m"): "--target doesn't go with a saved plan",
        ("plan.json", "--dry-run"): "--dry-run doesn't go with a saved plan",
    }
    for arguments, said in cases.items():
        assert said in flat(_refused(team, box, "apply", *arguments).err)
    assert len(box.requests) == 2

    _edit(team, description="edited in the UI")
    stale = _refused(team, box, "apply", "plan.json")
    assert "Saved plan is stale" in stale.err
    assert "moved: description" in stale.err

    team.settings()
    assert team.run("plan", "--env", "prod", "--out", "plan.json").code == 0
    _commit(team, description="edited again")
    assert "was made for commit" in _refused(team, box, "apply", "plan.json").err


def test_only_the_reviewed_digest_is_applied(team: Team, box: Sandbox) -> None:
    """Another one is refused, whether the plan is saved or made now; the right one approves without a terminal."""
    _commit(team, description="edited")
    assert team.run("plan", "--out", "plan.json").code == 0
    digest = json.loads(_read(team, "plan.json"))["digest"]
    wrong = "0" * 64
    for arguments in (("apply", "plan.json"), ("apply", "--auto-approve")):
        refused = flat(_refused(team, box, *arguments, "--expect-digest", wrong).err)
        assert f"this is not the reviewed plan: its digest is {digest}; nothing was written" in refused

    assert team.run("apply", "--expect-digest", digest).code == 0
    assert writes(box) == [PUT]


# -- edits made outside git --------------------------------------------------------------------------------------------


def test_drift_is_undone_unless_that_is_refused(team: Team, box: Sandbox) -> None:
    """`fail` writes nothing and names the field; `warn`, which is the default, brings git's value back."""
    _edit(team, description="edited in the UI")
    before = len(box.requests)
    refused = _refused(team, box, "apply", "--auto-approve", "--base", "HEAD", "--on-drift", "fail")
    assert "description of m was changed outside git, and this apply would undo that" in refused.err
    assert "models/m.yaml" in refused.err

    assert team.run("plan", "--base", "HEAD", "--out", "plan.json").code == 0
    assert "(description: drift)" in team.run("show", "plan.json").out
    assert "would undo" in _refused(team, box, "apply", "plan.json", "--on-drift", "fail").err
    applied = team.run("apply", "plan.json")
    assert applied.code == 0
    assert "1 of 1 change would undo edits made in the UI" in applied.out
    assert _writes_since(box, before) == [PUT]
    assert _live(team, "description") == (PLAIN["description"] or "")


def test_a_conflict_is_overwritten_only_when_that_is_said(team: Team, box: Sandbox) -> None:
    """`warn` refuses it as `fail` does; `overwrite` lets git win."""
    _commit(team, description="edited in git")
    _edit(team, description="edited in the UI")
    before = len(box.requests)
    assert team.run("plan", "--base", "HEAD^", "--out", "plan.json").code == 1
    for arguments in (
        ("apply", "plan.json"),
        ("apply", "--auto-approve", "--base", "HEAD^"),
    ):
        refused = _refused(team, box, *arguments)
        assert "description of m was changed outside git, and this apply would overwrite that" in refused.err
        assert "--on-drift overwrite" in refused.err

    assert team.run("apply", "plan.json", "--on-drift", "overwrite").code == 0
    assert _writes_since(box, before) == [PUT]
    assert _live(team, "description") == "edited in git"


def test_on_drift_needs_a_base(team: Team, box: Sandbox) -> None:
    """A guard that can't work must not look as if it did."""
    assert "--on-drift needs a base" in _refused(team, box, "apply", "--auto-approve", "--on-drift", "fail").err
    assert "--on-drift needs a base" in _refused(team, box, "apply", "--dry-run", "--on-drift", "fail").err
    assert team.run("plan", "--out", "plan.json").code == 0
    refused = _refused(team, box, "apply", "plan.json", "--on-drift", "fail").err
    assert "--on-drift fail needs a plan that was made with --base" in refused


def test_drift_tells_and_never_writes(team: Team, box: Sandbox) -> None:
    """0 without drift, 2 with, 1 after an error. The commit's files count, and the work tree doesn't."""
    team.write("m", definition(PLAIN, description="in the work tree only"))
    quiet = team.run("drift")
    assert (quiet.code, quiet.err) == (0, "")
    assert "No drift. Your live models are what git says." in quiet.out

    _edit(team, description="edited in the UI")
    before = len(box.requests)
    found = team.run("drift", *KEEP[:-2])
    assert (found.code, found.err) == (2, "")
    assert "Drift: 1 model differs from git." in found.out
    assert '-> "edited in the UI"' in found.out
    assert "in the work tree only" not in found.out + "".join(_read(team, name) for name in KEPT[:-1])
    lines = [json.loads(line) for line in _read(team, "plan.jsonl").splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    assert [line["type"] for line in lines] == ["version", "resource_drift", "change_summary"]
    assert lines[1]["change"]["attributes"][0]["after"] == "edited in the UI"
    assert lines[2]["commit"] == Repository(team.folder).head

    assert "git knows no commit nowhere" in _refused(team, box, "drift", "--commit", "nowhere").err
    team.settings("retry_seconds = 0\n")
    team.variables["SYNCER_API_URL"] = NOBODY
    assert team.run("drift", "--env", "prod").code == 1
    assert _writes_since(box, before) == []


@pytest.mark.parametrize("name", ["models/m.yaml", "syncer.toml", ".git/plan.json"])
def test_an_output_replaces_nothing_that_people_keep(name: str, team: Team, box: Sandbox) -> None:
    """A slip of the keyboard doesn't cost a definition, the settings or the repository."""
    path = team.folder / name
    before = path.read_bytes() if path.exists() else None

    assert "can't be an output" in _refused(team, box, "plan", "--markdown", name).err
    assert (path.read_bytes() if path.exists() else None) == before


def test_two_outputs_have_two_names(team: Team, box: Sandbox) -> None:
    """One would replace the other without a word."""
    assert "to one file" in _refused(team, box, "plan", "--out", "p", "--json=./p").err


def test_a_pipe_is_written_to(team: Team) -> None:
    """What is there and is no file stays what it is: `/dev/stdout`, a pipe."""
    pipe = team.folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert team.run("plan", "--markdown", "pipe").code == 0
        assert reader.stdout is not None
        assert reader.stdout.read().startswith("### syncer plan")
    assert pipe.is_fifo()


def test_a_pipe_that_nobody_reads_is_not_waited_for(team: Team, box: Sandbox) -> None:
    """A job would hang until it's killed."""
    os.mkfifo(team.folder / "pipe")

    assert "pipe can't be written" in _refused(team, box, "plan", "--out", "pipe").err
    assert (team.folder / "pipe").is_fifo()


def test_a_stream_of_the_systems_is_never_replaced(team: Team, tmp_path: Path) -> None:
    """Also where the shell has made a file of it; what was printed before stays."""
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            Team.command(team, "plan", "--markdown", "/dev/fd/1"),
            cwd=team.folder,
            env=team.environment,
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "log").read_text("utf-8")
    assert text.startswith("syncer plan")
    assert "### syncer plan" in text


@pytest.mark.parametrize("flag", ["--out", "--markdown", "--json", "--html"])
@pytest.mark.parametrize(
    "where",
    [
        ("out", "../elsewhere", "out/plan.md"),
        ("out", "models", "out/plan.md"),
        ("out", "models", "out/../plan.md"),
        ("a/out", "../models", "a/out/b/../plan.md"),
        ("plan.md", "/dev/null", "plan.md"),
        ("plan.md", "models", "plan.md"),
    ],
)
def test_no_link_of_the_checkout_carries_an_output_off(
    flag: str, where: tuple[str, str, str], team: Team, box: Sandbox, tmp_path: Path
) -> None:
    """Neither the file's own name nor a folder on the way: it's refused before anything is asked or taken away."""
    link, target, name = where
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "plan.md").write_text("somebody's")
    (team.folder / link).parent.mkdir(exist_ok=True)
    (team.folder / link).symlink_to(target)
    refused = flat(_refused(team, box, "plan", f"{flag}={name}").err)

    assert f"{name} can't be an output: {link.rpartition('/')[2]} is a link in the checkout" in refused
    assert box.requests == []
    assert (tmp_path / "elsewhere" / "plan.md").read_text() == "somebody's"
    assert not (team.folder / "models" / "plan.md").exists()


def test_an_output_is_no_folder(team: Team, box: Sandbox) -> None:
    """A commit can bring one of any name."""
    (team.folder / "plan.json").mkdir()

    assert "there is a folder of that name" in _refused(team, box, "plan", "--out", "plan.json").err
    assert box.requests == []
