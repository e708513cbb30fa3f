"""What the workflows do: their own steps, run one by one against a GitHub and an API that remember."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import launcher
import pytest
from fake_git import GitServer
from fake_github import EVENTS, TOKEN, FakeGitHub
from workflows import ACTION, ROOT, ExpressionError, Runner
from world import Team, definition, flat, recorded_world, writes
from wsgi import serving

from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.sandbox import Sandbox

MODEL = next(model for model in recorded_world()["models"] if model["id"] == 1)
READS = "ghs_reads"
NEWER = "c" * 40


@dataclass(slots=True)
class Repository:
    """A team's repository, its GitHub and its server; each event runs a workflow on a fresh machine."""

    team: Team
    fake: FakeGitHub
    github_url: str
    temp: Path
    vars: dict[str, str]
    secrets: dict[str, str] = field(default_factory=lambda: {"SYNCER_TOKEN": "viewer"})
    runs: int = 40

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.team.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, **changes: Any) -> str:
        """Commit the one model, with these changes to it."""
        self.team.write("m", definition(MODEL, **changes))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def event(self, name: str, **changes: Any) -> dict[str, Any]:
        """An event of tests/events, with other commits."""
        data: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
        for path, value in changes.items():
            *parents, last = path.split("__")
            at = data
            for parent in parents:
                at = at[parent]
            at[last] = value
        return data

    def runner(
        self, event: dict[str, Any], name: str, ref: str = "refs/heads/main", *, token: str = TOKEN, sha: str = ""
    ) -> Runner:
        """A fresh machine for one event."""
        self.runs += 1
        folder = self.temp / f"run-{self.runs}"
        folder.mkdir()
        own = self.fake.variables(self.github_url, folder, event, name, run=self.runs, GITHUB_REF=ref)
        own["GITHUB_SHA"] = sha or own["GITHUB_SHA"]
        for given_by_step in ("GITHUB_TOKEN", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            del own[given_by_step]
        github = {
            "event": event,
            "event_name": name,
            "ref": ref,
            "repository": "acme/models",
            "token": token,
        }
        return Runner(
            self.team.folder,
            folder,
            github,
            own,
            self.vars,
            self.secrets,
            environments={"prod": {"SYNCER_TOKEN": "admin"}},
            reading=READS,
        )

    def pull_request(self, number: int = 7) -> Runner:
        """The machine of a pull request, whose branch is checked out."""
        head = self.git("rev-parse", "HEAD")
        self.fake.pull(number, head)
        event = self.event(
            "pull_request", pull_request__head__sha=head, pull_request__base__sha=self.git("rev-parse", "main")
        )
        return self.runner(event, "pull_request", f"refs/pull/{number}/merge")

    def merge(self, number: int = 7) -> Runner:
        """Merge what is checked out, and give the machine of the push to main."""
        before, head = self.git("rev-parse", "main"), self.git("rev-parse", "HEAD")
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #{number}", head)
        after = self.git("rev-parse", "HEAD")
        self.fake.commits[after].append(number)
        for pull in self.fake.pulls:
            pull |= {"state": "closed", "merged_at": "2026-01-01T00:00:00Z"}
        self.fake.branches["main"] = after
        return self.runner(self.event("push", before=before, after=after), "push", sha=after)

    def morning(self) -> Runner:
        """The machine of the schedule."""
        return self.runner(self.event("schedule"), "schedule", sha=self.git("rev-parse", "HEAD"))

    @property
    def comments(self) -> list[str]:
        """What stands at the pull request."""
        return [comment.body for comment in self.fake.comments[7]]

    def edit(self, **fields: Any) -> None:
        """Somebody edits the model in the UI."""
        headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
        httpx.put(f"{self.team.url}/api/v1/models/1", json={"model": fields}, headers=headers).raise_for_status()

    def live(self, key: str) -> Any:
        """What stands there live."""
        headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
        answer = httpx.get(f"{self.team.url}/api/v1/models/1", headers=headers)
        return answer.json()["data"]["attributes"][key]


@pytest.fixture
def repository(box: Sandbox, tmp_path: Path) -> Iterator[Repository]:
    """A repository on whose main branch everything is as it's live; the branch `refunds` is checked out."""
    fake = FakeGitHub()
    fake.tokens[READS] = "github-actions[bot]"
    fake.read_only.add(READS)
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", folder], check=True)
    with running(box) as url, serving(fake) as github_url:
        team = Team(folder, url)
        repository = Repository(
            team, fake, github_url, tmp_path, {"SYNCER_API_URL": url, "SYNCER_WORKSPACE_ID": "1", "SYNCER_ENV": "prod"}
        )
        repository.commit()
        repository.git("switch", "--quiet", "--create", "refunds")
        yield repository


# -- plan --------------------------------------------------------------------------------------------------------


def test_a_pull_request_gets_one_comment(repository: Repository, box: Sandbox) -> None:
    """Its plan, with the outputs for other jobs; a second push replaces it, and nothing is written to the target."""
    repository.commit(description="net of refunds")
    job = repository.pull_request().workflow("plan.yml")["plan"]

    assert (job.result, len(repository.comments)) == ("success", 1)
    assert "net of refunds" in repository.comments[0]
    assert {key: job.outputs[key] for key in ("has_changes", "to_change", "exit_code")} == {
        "has_changes": "true",
        "to_change": "1",
        "exit_code": "2",
    }
    assert "net of refunds" in job["Comment"].summary

    repository.commit(description="net of all refunds")
    repository.pull_request().workflow("plan.yml")
    assert len(repository.comments) == 1
    assert "net of all refunds" in repository.comments[0]
    assert writes(box) == []


def test_a_failed_plan_is_told_and_red(repository: Repository) -> None:
    """The comment names the file and the line, and the job fails."""
    repository.team.write("m", "name: A\nnmae: B\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "A mistake")
    job = repository.pull_request().workflow("plan.yml")["plan"]

    assert (job.result, job["Plan"].outcome, job["Comment"].outcome) == ("failure", "failure", "success")
    assert "models/m.yaml" in repository.comments[0]
    assert (job.outputs["has_changes"], job.outputs["exit_code"]) == ("false", "1")


def test_a_plan_that_could_not_begin_is_told_and_red(repository: Repository) -> None:
    """Without a file there is a comment all the same."""
    repository.commit(description="net of refunds")
    repository.secrets = {"SYNCER_TOKEN": "expired"}
    job = repository.pull_request().workflow("plan.yml")["plan"]

    assert job.result == "failure"
    assert job["Comment"].outcome == "success"
    assert "failed" in repository.comments[0]


def test_without_changes_there_is_no_comment(repository: Repository) -> None:
    """A pull request that changes no model isn't bothered."""
    repository.commit()
    job = repository.pull_request().workflow("plan.yml")["plan"]

    assert (job.result, repository.comments) == ("success", [])
    assert (job.outputs["has_changes"], job.outputs["exit_code"]) == ("false", "0")


def test_a_merge_queue_has_the_same_check(repository: Repository) -> None:
    """A plan, and a summary in place of a comment."""
    head = repository.commit(description="net of refunds")
    event = repository.event(
        "merge_group", merge_group__head_sha=head, merge_group__base_sha=repository.git("rev-parse", "main")
    )
    job = repository.runner(event, "merge_group", sha=head).workflow("plan.yml")["plan"]

    assert (job.result, repository.fake.writes) == ("success", [])
    assert "net of refunds" in job["Comment"].summary


def test_called_by_another_workflow_it_takes_inputs(repository: Repository) -> None:
    """Several environments in one run have an artifact each."""
    repository.commit()
    runner = repository.pull_request()
    runner.inputs = {"environment": "prod", "comment-when": "always"}
    job = runner.workflow("plan.yml")["plan"]

    assert (job.result, len(repository.comments)) == ("success", 1)
    assert [path.name for path in runner.artifacts.iterdir()] == ["plan-prod"]


def test_without_a_target_every_job_is_red(repository: Repository) -> None:
    """A job that was skipped would be green: none is, and each says which variables are missing."""
    repository.commit(description="net of refunds")
    given, repository.vars = repository.vars, {}
    jobs = repository.pull_request().workflow("plan.yml")
    jobs |= {f"merged: {name}": job for name, job in repository.merge().workflow("apply.yml").items()}
    jobs |= repository.morning().workflow("drift.yml")

    assert {name: job.result for name, job in jobs.items()} == {
        "plan": "failure",
        "merged: plan": "failure",
        "merged: apply": "skipped",
        "drift": "failure",
    }
    for name in ("plan", "merged: plan", "drift"):
        said = flat(jobs[name].text)
        assert "SYNCER_API_URL and SYNCER_WORKSPACE_ID are not set" in said, said
    assert "`prod`: failed" in repository.comments[0]
    repository.vars = given
    assert repository.morning().workflow("drift.yml")["drift"].result == "success"


def test_the_sandbox_is_planned_against_by_its_name(repository: Repository) -> None:
    """As in this project's own repository, where the variable SYNCER_ENV says so."""
    (repository.team.folder / "syncer.toml").unlink()
    shutil.rmtree(repository.team.folder / "models")
    shutil.copytree(ROOT / "models", repository.team.folder / "models")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "The examples")
    repository.secrets = {}
    for variables, result in (({}, "failure"), ({"SYNCER_ENV": "sandbox"}, "success")):
        repository.vars = variables
        job = repository.pull_request().workflow("plan.yml")["plan"]
        assert job.result == result, job.text


def test_what_lies_in_the_checkout_is_not_run(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A committed module of the name of one that a step uses is data, in each job of each workflow and in the action."""
    monkeypatch.setattr(launcher, "folder", lambda: Path(sys.executable).parent)
    canary = repository.temp / "canary"
    for name in ("pip", "syncer", "json", "sitecustomize", "usercustomize", "yaml", "build", "encodings"):
        module = f"open({str(canary)!r}, 'a').write({name!r})\n"
        (repository.team.folder / f"{name}.py").write_text(module)
    repository.commit(description="net of refunds")
    action = repository.pull_request()
    action.variables = {**action.variables, **repository.vars, "SYNCER_TOKEN": "viewer"}
    jobs = [action.action(ACTION, command="plan"), repository.pull_request().workflow("plan.yml")["plan"]]
    jobs += repository.merge().workflow("apply.yml").values()
    jobs += repository.morning().workflow("drift.yml").values()

    assert [job.result for job in jobs] == ["success"] * 5, [job.text for job in jobs]
    assert not canary.exists(), canary.read_text()


def test_the_tool_is_locked(repository: Repository) -> None:
    """Nothing else is ever installed: not what lies in the checkout."""
    runner = repository.pull_request()
    runner.workflow("plan.yml")
    assert runner.pip == "-P -m pip install --require-hashes --requirement .github/syncer.txt\n"


# -- apply -------------------------------------------------------------------------------------------------------


def test_what_was_reviewed_is_applied(repository: Repository, box: Sandbox) -> None:
    """The merge's plan is the reviewed one; it's carried out, and the pull request is told."""
    repository.commit(description="net of refunds")
    repository.pull_request().workflow("plan.yml")
    jobs = repository.merge().workflow("apply.yml")

    assert {name: job.result for name, job in jobs.items()} == {"plan": "success", "apply": "success"}, jobs[
        "apply"
    ].text
    assert "As reviewed in #7" in jobs["plan"]["Compare with what was reviewed"].summary
    assert repository.live("description") == "net of refunds"
    assert writes(box) == [("PUT", "/api/v1/models/1")]
    assert len(repository.comments) == 1
    assert "1 changed" in repository.comments[0].splitlines()[-1]


def test_with_nothing_to_do_nothing_is_approved(repository: Repository, box: Sandbox) -> None:
    """The job that would wait for people is skipped."""
    repository.commit()
    jobs = repository.merge().workflow("apply.yml")

    assert {name: job.result for name, job in jobs.items()} == {"plan": "success", "apply": "skipped"}
    assert writes(box) == []


def test_a_failed_plan_is_not_applied(repository: Repository, box: Sandbox) -> None:
    """Nothing follows it."""
    repository.team.write("m", "name: A\nnmae: B\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "A mistake")
    jobs = repository.merge().workflow("apply.yml")

    assert {name: job.result for name, job in jobs.items()} == {"plan": "failure", "apply": "skipped"}
    assert writes(box) == []


def test_another_branch_is_not_applied(repository: Repository) -> None:
    """Started by hand on another branch, it does nothing."""
    repository.commit(description="net of refunds")
    event = repository.event("workflow_dispatch", ref="refs/heads/refunds")
    jobs = repository.runner(event, "workflow_dispatch", "refs/heads/refunds").workflow("apply.yml")

    assert {job.result for job in jobs.values()} == {"skipped"}


def test_started_by_hand_it_applies_what_is_left(repository: Repository) -> None:
    """There is no commit before: it's a plan all the same."""
    repository.commit(description="net of refunds")
    repository.merge()
    head = repository.fake.branches["main"]
    event = repository.event("workflow_dispatch")
    jobs = repository.runner(event, "workflow_dispatch", sha=head).workflow("apply.yml")

    assert {job.result for job in jobs.values()} == {"success"}, jobs["apply"].text
    assert repository.live("description") == "net of refunds"


def _moved(what: str, repository: Repository, runner: Runner) -> None:
    """Something that happens between the plan and its approval."""
    path = runner.artifacts / "merge-plan" / "plan.json"
    if what == "a newer merge":
        repository.fake.branches["main"] = NEWER
    elif what == "an edit":
        repository.edit(description="somebody's own")
    elif what == "an altered file":
        path.write_text(path.read_text("utf-8").replace("net of refunds", "net of nothing"), "utf-8")
    else:
        repository.team.write("m", definition(MODEL, description="another plan"))
        assert repository.team.run("plan", "--out", str(path)).code == 0


@pytest.mark.parametrize(
    ("what", "result", "told"),
    [
        ("a newer merge", "success", "Superseded: main has moved on to cccccccccccc"),
        ("an edit", "failure", "changed since"),
        ("an altered file", "failure", "was altered after it was made"),
        ("another plan", "failure", "digest"),
    ],
)
def test_only_that_plan_is_applied(what: str, result: str, told: str, repository: Repository, box: Sandbox) -> None:
    """What moves while people think is seen, and nothing is written."""
    repository.commit(description="net of refunds")
    runner = repository.merge()
    plan = runner.job("apply.yml", "plan", {})
    _moved(what, repository, runner)
    before = len(writes(box))
    job = runner.job("apply.yml", "apply", {"plan": plan})

    assert (job.result, len(writes(box)) - before) == (result, 0)
    assert told in job.text, job.text


def test_who_only_reads_applies_nothing(repository: Repository) -> None:
    """Without the environment's secrets the apply fails: the repository's user may not write."""
    repository.commit(description="net of refunds")
    runner = repository.merge()
    runner.environments = {}
    jobs = runner.workflow("apply.yml")

    assert (jobs["plan"].result, jobs["apply"].result) == ("success", "failure")
    assert repository.live("description") == MODEL["description"]


# -- drift -------------------------------------------------------------------------------------------------------


def test_drift_has_one_issue(repository: Repository) -> None:
    """It's opened, kept up to date, and closed when nothing differs any more."""
    repository.git("switch", "--quiet", "main")
    repository.edit(description="somebody's own")
    job = repository.morning().workflow("drift.yml")["drift"]
    assert (job.result, job.outputs) == ("success", {"has_drift": "true"})
    [issue] = repository.fake.issues.values()
    assert "somebody's own" in issue.body
    assert "somebody's own" in job["Look for drift"].summary

    repository.edit(description="another one")
    repository.morning().workflow("drift.yml")
    assert len(repository.fake.issues) == 1
    assert "another one" in issue.body

    repository.edit(description=MODEL["description"])
    job = repository.morning().workflow("drift.yml")["drift"]
    assert (job.result, job.outputs) == ("success", {"has_drift": "false"})
    assert not issue.is_open


def test_drift_that_can_not_be_seen_is_red(repository: Repository) -> None:
    """No answer is no clean bill: the issue isn't closed."""
    repository.git("switch", "--quiet", "main")
    repository.edit(description="somebody's own")
    repository.morning().workflow("drift.yml")
    repository.secrets = {"SYNCER_TOKEN": "expired"}
    job = repository.morning().workflow("drift.yml")["drift"]

    assert job.result == "failure"
    assert [issue.is_open for issue in repository.fake.issues.values()] == [True]


# -- forks -------------------------------------------------------------------------------------------------------


def _of_a_fork(repository: Repository, git_url: str) -> tuple[Runner, Runner]:
    """The machines of a fork's pull request, which has no secrets, variables or rights, and of what follows it."""
    head, base = repository.git("rev-parse", "HEAD"), repository.git("rev-parse", "main")
    repository.git("push", "--quiet", str(repository.temp / "remote.git"), "main", "+HEAD:refs/pull/8/head")
    repository.fake.pull(8, head, "stranger:patch-1")
    event = repository.event("pull_request_fork", pull_request__head__sha=head, pull_request__base__sha=base)
    first = repository.runner(event, "pull_request", "refs/pull/8/merge", token=READS)
    first.secrets, first.vars = {}, {}
    event = repository.event("workflow_run", workflow_run__head_sha=head)
    second = repository.runner(event, "workflow_run")
    second.variables = {**second.variables, "GITHUB_SERVER_URL": git_url}
    second.secrets, second.artifacts = {}, first.artifacts
    return first, second


def test_a_fork_is_checked_in_its_own_run_and_planned_in_another(repository: Repository, box: Sandbox) -> None:
    """The first run asks nobody and hands nothing over; the second fetches the commit, plans it and comments."""
    server = GitServer(repository.temp / "remote.git", "acme/models", TOKEN)
    subprocess.run(["git", "init", "--quiet", "--bare", str(server.repository)], check=True)
    repository.commit(description="net of refunds")
    with serving(server) as url:
        first, second = _of_a_fork(repository, url)
        job = first.workflow("plan.yml")["plan"]
        assert (job.result, repository.fake.writes, box.requests) == ("success", [], []), job.text
        assert list(first.artifacts.iterdir()) == []

        # What the stranger's run might hand over all the same is not looked at.
        (first.artifacts / "plan").mkdir()
        (first.artifacts / "plan" / "plan.json").write_text("The platform team has reviewed this.")
        repository.git("switch", "--quiet", "main")
        job = second.workflow("plan-fork-comment.yml")["comment"]
    [comment] = repository.fake.comments[8]
    assert (job.result, box.requests) == ("success", []), job.text
    assert "net of refunds" in comment.body
    assert "the target was not read" in comment.body
    assert "reviewed" not in comment.body + job.text
    assert "digest" not in comment.body.partition("\n")[2]


def test_who_has_rights_comments_alone(repository: Repository) -> None:
    """After a pull request of the repository's own, the follow-up has nothing to do."""
    head = repository.commit(description="net of refunds")
    event = repository.event(
        "workflow_run",
        workflow_run__head_sha=head,
        workflow_run__head_repository__full_name="acme/models",
        workflow_run__head_branch="refunds",
    )

    assert repository.runner(event, "workflow_run").workflow("plan-fork-comment.yml")["comment"].result == "skipped"


# -- the action --------------------------------------------------------------------------------------------------


def test_the_action_plans(repository: Repository) -> None:
    """With the comment and the same outputs as the workflow; and by default it only installs."""
    repository.commit(description="net of refunds")
    runner = repository.pull_request()
    runner.variables = {**runner.variables, **repository.vars, "SYNCER_TOKEN": "viewer"}
    job = runner.action(ACTION)
    assert (job.result, job["Plan"].outcome, repository.comments) == ("success", "skipped", [])
    assert runner.pip == f"-P -m pip install {ROOT}\n"

    job = runner.action(ACTION, command="plan", environment="prod")
    assert (job.result, len(repository.comments)) == ("success", 1), job.text
    assert (job.outputs["has_changes"], Path(job.outputs["plan"]).name) == ("true", "plan.json")
    assert runner.action(ACTION, command="validate").result == "success"
    runner.variables = {**runner.variables, "SYNCER_API_URL": ""}
    job = runner.action(ACTION, command="plan", environment="prod")
    assert (job.result, "SYNCER_API_URL is not set" in job.text) == ("failure", True), job.text
    assert runner.action(ACTION, command="destroy").result == "failure"


# -- the runner itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.a || vars.B || 'c'", "b"),
        ("inputs.a && format('-{0}', inputs.a) || 'none'", "none"),
        ("vars.B == 'B' && !inputs.a", "true"),
        ("contains(fromJSON('[\"x\", \"y\"]'), 'y') && 'it''s'", "it's"),
        ("(vars.B != 'b' || true) && 1", "1"),
        ("github.event.pull_request.number", ""),
        ("startsWith(github.ref, 'refs/heads/')", "true"),
    ],
)
def test_expressions_mean_what_they_mean_on_github(expression: str, value: str, tmp_path: Path) -> None:
    """The small part of the language that the workflows use."""
    github = {"event": {}, "ref": "refs/heads/main"}
    runner = Runner(tmp_path, tmp_path / "temp", github)

    assert (
        runner._fill(f"${{{{ {expression} }}}}", {"github": github, "vars": {"B": "b"}, "inputs": {"a": None}}) == value
    )


@pytest.mark.parametrize(
    "expression", ["github.tokn", "var.B", "hashFiles('x')", "vars.C", "'a' ~ 'b'", "vars.B vars.B"]
)
def test_what_nobody_gave_is_an_error(expression: str, tmp_path: Path) -> None:
    """A misspelt name is empty on GitHub; here it's found."""
    runner = Runner(tmp_path, tmp_path / "temp", {})
    with pytest.raises(ExpressionError):
        runner._fill(f"${{{{ {expression} }}}}", {"github": {}, "vars": {"B": "b"}})
