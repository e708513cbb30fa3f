"""Where a change goes its way: a repository with a bare remote, the server that its prod is, a GitHub that remembers.

The commands are the real ones, in processes of their own unless somebody asks for another kind of team, and so is git;
one `job` is one CI job.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from fake_git import GitServer
from fake_github import EVENTS, TOKEN, FakeGitHub
from repositories import Repository
from world import Result, Team, definition, recorded_world, secrets
from wsgi import serving

from syncer.sandbox.http_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from syncer.sandbox import Sandbox

WORLD = recorded_world()
MODELS = [model for model in WORLD["models"] if model["query_type"] == "raw_sql" and model["workspace_id"] == 1][:6]
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
    git_server: GitServer
    git_url: str
    folder: Path
    runs: int = 40
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    # -- what people do --------------------------------------------------------------------------------------------

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        command = ["git", "-C", str(self.team.folder), *arguments]
        done = subprocess.run(
            command, env={**self.team.environment, **IDENTITY}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def commit(self, message: str) -> str:
        """Commit everything, and push it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")
        return self.head

    def branch(self, name: str = "refunds", **changes: Any) -> str:
        """Switch to a new branch, on which the first model is changed; its commit."""
        self.git("switch", "--quiet", "--create", name)
        self.team.write("m0", definition(MODELS[0], **changes))
        return self.commit(f"On {name}")

    def merge(self, branch: str = "refunds", number: int = 7) -> str:
        """Merge a branch, as the host's button does; the commit of the merge."""
        head = self.git("rev-parse", branch)
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #{number}", branch)
        self.git("push", "--quiet", "origin", "main")
        self.host.pull(number, head, f"acme:{branch}", state="closed", is_merged=True, commits=[self.head])
        self.host.branches["main"] = self.head
        return self.head

    def edit(self, model_id: int, **fields: Any) -> None:
        """Somebody edits a model in the UI."""
        headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
        answer = httpx.put(f"{self.team.url}/api/v1/models/{model_id}", json={"model": fields}, headers=headers)
        assert answer.status_code == 200

    def fork(self, files: Mapping[str, str] | None = None, *, number: int = 8, branch: str = "patch-1") -> str:
        """A stranger's pull request, with these files in it or with the first model changed; its commit.

        The commit is on the host alone, below `refs/pull`.
        """
        clone = Repository(self.folder / "remote.git").cloned(self.folder / f"fork-{len(self.host.pulls)}")
        fork = clone.commit(files or {"models/m0.yaml": yaml.safe_dump(definition(MODELS[0], description="First"))})
        return self.propose(clone, fork, number, branch)

    def propose(self, clone: Repository, commit: str, number: int = 8, branch: str = "patch-1") -> str:
        """A stranger's pull request with this commit of a clone, in place of what it had."""
        clone.git("push", "--quiet", "--force", "origin", f"{commit}:refs/pull/{number}/head")
        self.host.pulls = [pull for pull in self.host.pulls if pull["number"] != number]
        self.host.pull(number, commit, f"stranger:{branch}")
        return commit

    def follow(self, head: str, *flags: str, more: Mapping[str, str] | None = None) -> Result:
        """The job that follows the stranger's run of a commit: it has the default branch, and no credentials."""
        event: dict[str, Any] = json.loads((EVENTS / "workflow_run.json").read_text("utf-8"))
        event["workflow_run"]["head_sha"] = head
        event["workflow_run"]["id"] = 30_000_000 + self.runs
        own = {"GITHUB_SERVER_URL": self.git_url, "SYNCER_TOKEN": "", **(more or {})}
        return self.job(event, ["ci", "comment", *flags], name="workflow_run", more=own)

    # -- what the host does ----------------------------------------------------------------------------------------

    def job(
        self,
        event: dict[str, Any] | str,
        *commands: list[str],
        name: str = "",
        run: int | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Result:
        """The commands of one CI job, one after the other; its outputs and its summary are kept.

        `more` adds variables or replaces them.
        """
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        folder.mkdir()
        number = self.runs if run is None else run
        variables = self.host.variables(self.host_url, folder, event, name, run=number)
        done = self.run({**variables, **(more or {})}, *commands)
        self.outputs = _outputs((folder / "github_output").read_text("utf-8"))
        self.summary = (folder / "github_step_summary").read_text("utf-8")
        return done

    def run(self, variables: Mapping[str, str], *commands: list[str]) -> Result:
        """Commands one after the other until one fails, with more variables than the team's."""
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
        return Result(code, out, err)

    def plan_pull_request(
        self, head: str, base: str, *, run: int | None = None, more: Mapping[str, str] | None = None
    ) -> Result:
        """The job of a pull request."""
        file = str(self.folder / "plan.json")
        commands = ["ci", "plan", "--out", file], ["ci", "comment", file]
        return self.job(change(head, base), *commands, name="pull_request", run=run, more=more)

    @property
    def comments(self) -> list[str]:
        """What stands on the pull request."""
        return [comment.body for comment in self.host.comments[7]]


def change(head: str, base: str) -> dict[str, Any]:
    """The event of a pull request."""
    event: dict[str, Any] = json.loads((EVENTS / "pull_request.json").read_text("utf-8"))
    event["pull_request"]["head"]["sha"], event["pull_request"]["base"]["sha"] = head, base
    return event


def push(before: str, after: str) -> dict[str, Any]:
    """The event of a push to main."""
    event: dict[str, Any] = json.loads((EVENTS / "push.json").read_text("utf-8"))
    return event | {"before": before, "after": after}


def _outputs(text: str) -> dict[str, str]:
    lines, found = text.splitlines(), {}
    while lines:
        name, _, mark = lines.pop(0).partition("<<")
        end = lines.index(mark)
        found[name] = "\n".join(lines[:end])
        lines = lines[end + 1 :]
    return found


@contextmanager
def placed(box: Sandbox, folder: Path, kind: type[Team] = Team) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote; the commands are run by a team of this kind."""
    host = FakeGitHub()
    work = folder / "work"
    work.mkdir()
    remote = folder / "remote.git"
    server = GitServer(remote, host.repository, TOKEN)
    with running(box) as url, serving(host) as host_url, serving(server) as git_url:
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(remote)], check=True)
        subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(work)], check=True)
        target = {"SYNCER_API_URL": url, "SYNCER_WORKSPACE_ID": "1"}
        team = kind(work, url, variables={"SYNCER_TOKEN": "admin", **target, **secrets(WORLD["models"])})
        here = Place(team, box, host, host_url, server, git_url, folder)
        here.git("remote", "add", "origin", str(remote))
        for number, model in enumerate(MODELS):
            team.write(f"m{number}", definition(model))
        here.commit("Six models")
        yield here
