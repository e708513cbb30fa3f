"""A change's whole way: branch, comment, merge, apply, drift; played with real git, the real commands and a fake GitHub."""

from __future__ import annotations

import copy
import json
import subprocess
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from fake_github import EVENTS, FakeGitHub
from world import Result, Team, definition, recorded_world, secrets, writes
from wsgi import serving

from syncer.posting import Kind, Marker
from syncer.sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncer.sandbox import Sandbox

WORLD = recorded_world()
MODELS = [model for model in WORLD["models"] if model["query_type"] == "raw_sql" and model["workspace_id"] == 1][:6]
ME = "github-actions[bot]"
IDENTITY = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": f"{what.lower()}@example.com"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}


@dataclass
class Place:
    """A repository with a bare remote, the server that its prod is, and the host that its CI runs on."""

    team: Team
    box: Sandbox
    host: FakeGitHub
    host_url: str
    folder: Path
    runs: int = 40
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        command = ["git", "-C", str(self.team.folder), *arguments]
        done = subprocess.run(
            command, env={**self.team.environment, **IDENTITY}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything, and push it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def edit(self, model_id: int, **fields: Any) -> None:
        """Somebody edits a model in the UI."""
        headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
        answer = httpx.put(f"{self.team.url}/api/v1/models/{model_id}", json={"model": fields}, headers=headers)
        assert answer.status_code == 200

    def job(self, event: dict[str, Any] | str, *commands: list[str], name: str = "", run: int | None = None) -> Result:
        """The commands of one CI job, one after the other; its outputs and its summary are kept."""
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        folder.mkdir()
        variables = self.host.variables(self.host_url, folder, event, name, run=self.runs if run is None else run)
        before = dict(self.team.variables)
        self.team.variables |= variables
        out, err, code = "", "", 0
        try:
            for command in commands:
                done = self.team.run(*command)
                out, err, code = out + done.out, err + done.err, done.code
                if code:
                    break
        finally:
            self.team.variables = before
        self.outputs = _outputs((folder / "github_output").read_text("utf-8"))
        self.summary = (folder / "github_step_summary").read_text("utf-8")
        return Result(code, out, err)

    def plan_pull_request(self, head: str, base: str, *, run: int | None = None) -> Result:
        """The job of a pull request."""
        event = json.loads((EVENTS / "pull_request.json").read_text("utf-8"))
        event["pull_request"]["head"]["sha"], event["pull_request"]["base"]["sha"] = head, base
        file = str(self.folder / "plan.json")
        return self.job(event, ["ci", "plan", "--out", file], ["ci", "comment", file], name="pull_request", run=run)

    @property
    def comments(self) -> list[str]:
        """What stands on the pull request."""
        return [comment.body for comment in self.host.comments[7]]


def _outputs(text: str) -> dict[str, str]:
    lines, found = text.splitlines(), {}
    while lines:
        name, _, mark = lines.pop(0).partition("<<")
        end = lines.index(mark)
        found[name] = "\n".join(lines[:end])
        lines = lines[end + 1 :]
    return found


@pytest.fixture
def place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote."""
    host = FakeGitHub()
    work = tmp_path / "work"
    work.mkdir()
    with running(box) as url, serving(host) as host_url:
        subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "remote.git")], check=True)
        subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(work)], check=True)
        team = Team(work, url, variables={"SYNCER_TOKEN": "admin", **secrets(WORLD["models"])})
        here = Place(team, box, host, host_url, tmp_path)
        here.git("remote", "add", "origin", str(tmp_path / "remote.git"))
        for number, model in enumerate(MODELS):
            team.write(f"m{number}", definition(model))
        (work / ".gitignore").write_text(".syncer/\n")
        here.commit("Six models")
        yield here


def test_from_branch_to_drift_and_back(place: Place) -> None:
    """Each field is marked rightly, the reviewed digest is applied, drift is told once and goes away when undone."""
    base = place.git("rev-parse", "HEAD")

    # A branch edits three models; somebody edits one of them, and a fourth, in the UI.
    place.git("switch", "--quiet", "--create", "refunds")
    queries = ["SELECT id, email FROM a", "SELECT id, email FROM b", "SELECT id, email FROM c"]
    for number in range(3):
        place.team.write(f"m{number}", definition(MODELS[number], query=f"{queries[number]}\n"))
    head = place.commit("Edit three")
    place.edit(MODELS[0]["id"], description="Edited in the UI")
    place.edit(MODELS[3]["id"], description="Edited there, too")

    assert place.plan_pull_request(head, base).code == 0
    assert place.outputs["to_change"] == "4"
    (comment,) = place.comments
    marker = Marker.parse(comment)
    assert marker == Marker(Kind.PLAN, "prod", head, place.outputs["digest"], marker.run if marker else 0)
    rows = [line for line in comment.splitlines() if line.startswith("| ~")]
    assert rows == [
        "| ~ | `m0` | `description`, `query` | `description`: drift, `query`: this change |",
        "| ~ | `m3` | `description` | drift |",
        "| ~ | `m1` | `query` | this change |",
        "| ~ | `m2` | `query` | this change |",
    ]
    assert "2 of 4 changes would undo edits made in the UI" in comment
    assert "@@ description @@ drift: undoes an edit made in the UI" in comment

    # It's merged. The plan of the merge is the reviewed one, and exactly that is applied.
    place.git("switch", "--quiet", "main")
    place.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #7", "refunds")
    place.git("push", "--quiet", "origin", "main")
    merged = place.git("rev-parse", "HEAD")
    place.host.pull(7, head, "acme:refunds", state="closed", is_merged=True, commits=[merged])
    place.host.branches["main"] = merged
    push = json.loads((EVENTS / "push.json").read_text("utf-8")) | {"before": base, "after": merged}
    file = str(place.folder / "merge.json")
    planned = place.job(push, ["ci", "plan", "--out", file], ["ci", "comment", file], name="push")
    assert (planned.code, place.outputs["reviewed"]) == (0, "true")
    assert "As reviewed in #7" in place.summary
    assert writes(place.box)[2:] == []

    applied = place.job(push, ["ci", "apply", file, "--expect-digest", place.outputs["digest"]], name="push")
    assert applied.code == 0, applied.text
    assert "Apply complete! Resources: 0 added, 4 changed, 0 destroyed." in applied.out
    assert sorted(writes(place.box)[2:]) == sorted(("PUT", f"/api/v1/models/{model['id']}") for model in MODELS[:4])
    assert "Apply complete!" in place.comments[0]
    assert len(place.comments) == 1

    # Drift is clean. An edit in the UI opens one issue, which is kept; applying closes it.
    assert place.job("schedule", ["ci", "drift"]).code == 0
    assert (place.outputs["has_drift"], len(place.host.issues)) == ("false", 0)
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    for _ in range(2):
        assert place.job("schedule", ["ci", "drift"]).code == 0
        assert place.outputs["has_drift"] == "true"
        (issue,) = place.host.issues.values()
        assert (issue.author, issue.is_open) == (ME, True)
        assert "`m1`" in issue.body
    assert place.team.run("apply", "--auto-approve").code == 0
    assert place.job("schedule", ["ci", "drift"]).code == 0
    (issue,) = place.host.issues.values()
    assert not issue.is_open


def test_one_comment_that_only_changes_write(place: Place) -> None:
    """A second push edits the comment, the same plan writes nothing, a stranger's marker stays, an older run loses."""
    base = place.git("rev-parse", "HEAD")
    place.git("switch", "--quiet", "--create", "refunds")
    place.team.write("m0", definition(MODELS[0], description="First"))
    head = place.commit("First")
    forged = Marker(Kind.PLAN, "prod", head, "", 1).line() + "\nNothing to see here."
    stranger = place.host.say(7, "mallory", forged)

    assert place.plan_pull_request(head, base, run=50).code == 0
    ours = place.host.comments[7][1]
    first = copy.copy(ours.body)
    assert "First" in first

    count = len(place.host.writes)
    assert place.plan_pull_request(head, base, run=50).code == 0
    assert len(place.host.writes) == count

    place.team.write("m0", definition(MODELS[0], description="Second"))
    head = place.commit("Second")
    assert place.plan_pull_request(head, base, run=51).code == 0
    assert [comment.id for comment in place.host.comments[7]] == [stranger.id, ours.id]
    second = place.host.comments[7][1].body
    assert "Second" in second

    late = place.plan_pull_request(head, base, run=49)
    assert (late.code, "superseded" in late.out) == (0, True)
    assert place.host.comments[7][1].body == second
    assert stranger.body == forged


def test_no_secret_leaves_with_a_review(place: Place) -> None:
    """Neither a secret of the job nor a live one stands in any comment, issue, summary, output, file or log line."""
    model = next(one for one in WORLD["models"] if "embedding_config" in (one["configuration"] or {}))
    live, wanted, token = "sk-live-canary/7==", 'sk-"wanted" canary', "ghs_job"
    configuration = copy.deepcopy(model["configuration"])
    configuration["embedding_config"]["api_key"] = live
    place.edit(model["id"], configuration=configuration)
    base = place.git("rev-parse", "HEAD")
    place.git("switch", "--quiet", "--create", "refunds")
    place.team.write("vector", definition(model, description="Edited"))
    place.team.variables[f"SYNCER_SECRET_{model['id']}"] = wanted
    head = place.commit("With a secret")
    place.host.branches["main"] = head
    push = json.loads((EVENTS / "push.json").read_text("utf-8")) | {"before": base, "after": head}
    names = ("plan.json", "plan.md", "plan.html", "plan.jsonl")
    file, md, html, lines = (str(place.folder / name) for name in names)

    seen = []
    for event, name, commands in (
        (push, "push", [["ci", "plan", "--debug", "--out", file, "--markdown", md, "--html", html, "--json", lines]]),
        (push, "push", [["ci", "comment", file, "--debug"]]),
        (push, "push", [["show", file], ["show", file, "--format", "json"], ["ci", "comment", file, "--dry-run"]]),
        ("schedule", "schedule", [["ci", "drift", "--debug"]]),
        (push, "push", [["ci", "apply", file, "--debug"]]),
    ):
        done = place.job(event, *commands, name=name)
        assert done.code == 0, done.text
        log = [line for line in done.text.splitlines() if not line.startswith("::add-mask::")]
        seen += [*log, place.summary, json.dumps(place.outputs)]
    assert place.plan_pull_request(head, base).code == 0
    seen += [(place.folder / name).read_text("utf-8") for name in names]
    seen += [call.body for call in place.host.calls] + [comment.body for comment in place.host.comments[7]]
    assert place.host.issues
    assert "(sensitive value)" in "".join(seen)
    for secret in (live, wanted, token, "SYNCER_TOKEN=admin"):
        raw = secret.encode()
        forms = {secret, json.dumps(secret)[1:-1], quote(raw, safe=""), b64encode(raw).decode().rstrip("=")}
        assert [text for text in seen for form in forms if form in text] == []
