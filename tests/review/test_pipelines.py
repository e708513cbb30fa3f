"""What GitLab's pipeline does: the jobs of the shipped file, played against a GitLab and an API that remember."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from fake_github import Fault
from fake_gitlab import TOKEN, FakeGitLab
from inside import Inside
from pipelines import Done, Pipeline, jobs, load
from places import MODELS, placed
from world import flat, writes
from wsgi import serving

from syncer.plan import planfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from places import Place

    from syncer.sandbox import Sandbox

STATUS, BOT = "glpat-status", "project_42_bot_status"
NAME = "syncer plan of prod"
PUT = ("PUT", f"/api/v1/models/{MODELS[0]['id']}")
NEWER = "c" * 40


@dataclass
class Project:
    """A project: its repository and server, its GitLab, and the variables of its settings.

    The token that branches see sets no status here.
    """

    place: Place
    lab: FakeGitLab
    url: str
    temp: Path
    has_status_token: bool = True
    runs: int = 40

    def pipeline(self, source: str, **more: str) -> Pipeline:
        """A new one."""
        self.runs += 1
        reads = {"SYNCER_TOKEN": "viewer", "SYNCER_API_URL": self.place.team.url, "SYNCER_WORKSPACE_ID": "1"}
        variables = {**self.place.team.environment, **reads, "SYNCER_ENV": "prod"}
        variables |= self.lab.variables(self.url, source, run=self.runs, **more)
        protected = {"SYNCER_GITLAB_STATUS_TOKEN": STATUS} if self.has_status_token else {}
        environments = {"prod": {"SYNCER_TOKEN": "admin"}}
        return Pipeline(self.place.team.folder, self.temp, variables, protected, environments)

    def request(self) -> Pipeline:
        """The pipeline of a merge request, whose branch is checked out."""
        base = self.place.git("rev-parse", "main")
        more = {"CI_COMMIT_SHA": self.place.head, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
        return self.pipeline("merge_request_event", **more)

    def merge(self) -> Pipeline:
        """Merge what is checked out; the pipeline of the push to main."""
        before, branch = self.place.git("rev-parse", "main"), self.place.git("branch", "--show-current")
        merged = self.lab.branches["main"] = self.place.merge(branch)
        self.lab.requests_of[merged] = [{"iid": 7, "state": "merged", "target_project_id": self.lab.project}]
        return self.pipeline("push", CI_COMMIT_SHA=merged, CI_COMMIT_BEFORE_SHA=before)

    def play(self, pipeline: Pipeline, name: str) -> Done:
        """One job in this process: its commands, as its script has them."""
        variables = pipeline.prepare(name)
        plan = [["ci", "plan", "--out", "plan.json"], ["ci", "comment", "plan.json"]]
        commands = [["ci", "apply", "plan.json"]] if name == "syncer:apply" else plan
        done = [self.place.run(variables, command) for command in commands]
        return pipeline.done(name, max(one.code for one in done), "".join(one.text for one in done))

    def planned(self, pipeline: Pipeline, code: int = 0) -> Path:
        """The artifact of a merge's plan; of a refused one somebody else puts it there, for GitLab keeps none."""
        done = self.play(pipeline, "syncer:plan-merge")
        assert done.code == code, done.text
        pipeline.done("syncer:plan-merge", 0, "")
        return pipeline.artifacts / "syncer:plan-merge" / "plan.json"

    @property
    def notes(self) -> list[str]:
        """What stands at the merge request."""
        return [note.body for note in self.lab.notes[7]]


@pytest.fixture
def project(box: Sandbox, tmp_path: Path) -> Iterator[Project]:
    """Six models in git and in step; the branch `refunds` changes the first."""
    lab = FakeGitLab()
    lab.tokens[STATUS] = BOT
    lab.reporters.add(TOKEN)
    with placed(box, tmp_path, Inside) as place, serving(lab) as url:
        place.branch(description="net of refunds")
        yield Project(place, lab, url, tmp_path)


def _forged(file: Path, value: str = "net of nothing") -> str:
    """Alter what a plan file would write, so that everything in it fits; its new digest."""
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    data["changes"][0]["after"]["description"] = data["changes"][0]["fields"][0]["after"] = value
    return _sealed(file, data)


def _sealed(file: Path, data: dict[str, Any]) -> str:
    body = {key: value for key, value in data.items() if key != "checksum"}
    body["digest"] = planfile._planned(body).plan.digest
    file.write_text(planfile._canonical({**body, "checksum": planfile._checksum(body)}) + "\n", "utf-8")
    return str(body["digest"])


def _text(done: Done) -> str:
    return flat(done.text)


# -- the file ----------------------------------------------------------------------------------------------------


def test_each_pipeline_has_its_own_jobs(project: Project) -> None:
    """A merge request is planned; what is merged, planned and, by hand, applied; a schedule looks for drift."""
    sources = ("merge_request_event", "push", "schedule", "web")
    assert [project.pipeline(source).names() for source in sources] == [
        {"syncer:plan": "on_success"},
        {"syncer:plan-merge": "on_success", "syncer:apply": "manual"},
        {"syncer:drift": "on_success"},
        {},
    ]
    assert project.pipeline("push", CI_COMMIT_BRANCH="refunds").names() == {}
    by_hand = project.pipeline("web", SYNCER_BY_HAND="true", SYNCER_ALLOW="protect")
    assert by_hand.names() == {"syncer:plan-merge": "on_success", "syncer:apply": "manual"}


def test_nothing_of_a_users_own_pipeline_is_replaced() -> None:
    """No `stages`, no defaults; every name is ours, and the stages are GitLab's own ones or those that are named."""
    assert {name for name in load() if not name.startswith(("syncer:", ".syncer"))} == set()
    assert {job["stage"] for job in jobs(load()).values()} == {"test", "deploy"}
    named = jobs(load(inputs={"plan-stage": "check", "apply-stage": "release"}))
    assert {name: job["stage"] for name, job in named.items()} == {
        "syncer:plan": "check",
        "syncer:plan-merge": "check",
        "syncer:apply": "release",
        "syncer:drift": "check",
    }


def test_nothing_is_planned_while_it_is_applied() -> None:
    """The merge's plan and the apply are in one group; merge requests don't queue in it."""
    groups = {name: job.get("resource_group") for name, job in jobs(load()).items()}
    assert groups == {
        "syncer:plan": None,
        "syncer:plan-merge": "syncer-apply-prod",
        "syncer:apply": "syncer-apply-prod",
        "syncer:drift": None,
    }


# -- apply -------------------------------------------------------------------------------------------------------


def test_a_status_vouches_for_the_plan_that_is_applied(project: Project) -> None:
    """The plan's job sets one in its own pipeline, with a token that branches don't see, and the apply believes it."""
    assert project.request().run("syncer:plan").code == 0
    assert project.lab.statuses == []
    pipeline = project.merge()
    assert pipeline.run("syncer:plan-merge").code == 0
    (status,) = project.lab.statuses
    assert (status.author, status.name, status.state) == (BOT, NAME, "success")
    assert status.pipeline == int(pipeline.variables["CI_PIPELINE_ID"])
    plan = pipeline.artifacts / "syncer:plan-merge" / "plan.json"
    assert status.description == json.loads(plan.read_text("utf-8"))["digest"]
    assert status.target_url == pipeline.variables["CI_JOB_URL"]
    done = pipeline.run("syncer:apply")

    assert done.code == 0, done.text
    assert "plans again" not in done.text
    assert writes(project.place.box) == [PUT]
    assert "Apply complete!" in project.notes[0].splitlines()[-1]


def test_without_a_status_it_is_planned_again(project: Project) -> None:
    """The same plan is applied. The plan's job isn't red because nobody may set a status; the log says why."""
    project.has_status_token = False
    pipeline = project.merge()
    planned = project.play(pipeline, "syncer:plan-merge")
    assert (planned.code, project.lab.statuses) == (0, [])
    assert "the apply will plan again: GitLab: there is no token; set SYNCER_GITLAB_STATUS_TOKEN" in _text(planned)
    done = project.play(pipeline, "syncer:apply")

    assert done.code == 0, done.text
    assert "So syncer plans again, and compares" in done.text
    assert writes(project.place.box) == [PUT]
    assert "Apply complete!" in done.text


FORGERIES = {
    # Who sets a status of which pipeline (how many further) and name, with the digest of the forged file.
    "nobody": None,
    "another account, later": ("mallory", 0, NAME),
    "the account whose token branches see": ("project_42_bot", 0, NAME),
    "the same account in another pipeline": (BOT, 1, NAME),
    "the same account for another environment": (BOT, 0, "syncer plan of staging"),
}


@pytest.mark.parametrize("has_status_token", [True, False])
def test_a_forged_artifact_is_not_applied(has_status_token: bool, project: Project) -> None:  # noqa: FBT001 - a case
    """Whatever else is forged: with the token against its own status of this pipeline, without against a new plan."""
    project.has_status_token = has_status_token
    why = "this is not the reviewed plan" if has_status_token else "a new plan does something else than the saved plan"
    pipeline = project.merge()
    digest, honest = _forged(project.planned(pipeline)), list(project.lab.statuses)
    for forgery, status in FORGERIES.items():
        project.lab.statuses = list(honest)
        if status is not None:
            author, offset, name = status
            number = int(pipeline.variables["CI_PIPELINE_ID"])
            project.lab.pipelines[number + offset] = project.lab.pipelines[number]
            project.lab.set_status(author, number + offset, name, digest)
        done = project.play(pipeline, "syncer:apply")
        assert (done.code, writes(project.place.box)) == (1, []), f"{forgery}: {done.text}"
        assert why in _text(done)
        assert "nothing was written" in _text(done)


def test_the_newest_status_counts(project: Project) -> None:
    """A plan that was made again has its own; what says no digest vouches for nothing."""
    pipeline = project.merge()
    project.planned(pipeline)
    number = int(pipeline.variables["CI_PIPELINE_ID"])
    project.lab.set_status(BOT, number, NAME, "0" * 64)
    assert "this is not the reviewed plan" in _text(project.play(pipeline, "syncer:apply"))
    project.lab.set_status(BOT, number, NAME, "all is well")
    done = project.play(pipeline, "syncer:apply")
    assert (done.code, "plans again" in done.text) == (0, True), done.text
    project.place.edit(MODELS[0]["id"], description="as nobody had it")
    project.planned(pipeline, code=1)
    done = project.play(pipeline, "syncer:apply")

    assert (done.code, "plans again" in done.text) == (1, False), done.text
    assert "would overwrite that" in _text(done)


def test_planned_again_nothing_of_the_artifact_is_believed(project: Project) -> None:
    """A conflict that the file calls a change is refused: only the digest is taken from it."""
    project.has_status_token = False
    project.place.edit(MODELS[0]["id"], description="somebody's own")
    pipeline = project.merge()
    before = writes(project.place.box)
    file = project.planned(pipeline, code=1)
    data = json.loads(file.read_text("utf-8"))
    digest, fields = data["digest"], data["changes"][0]["fields"]
    assert [field["cause"] for field in fields] == ["conflict"]
    fields[0]["cause"] = "this change"
    assert _sealed(file, data) == digest
    done = project.play(pipeline, "syncer:apply")

    assert (done.code, writes(project.place.box)) == (1, before), done.text
    assert "was changed outside git, and this apply would overwrite that" in _text(done)


@pytest.mark.parametrize("has_status_token", [True, False])
def test_what_moved_is_not_overwritten(has_status_token: bool, project: Project) -> None:  # noqa: FBT001 - a case
    """An edit between plan and apply refuses it, whichever way it's checked; a newer commit supersedes it."""
    project.has_status_token = has_status_token
    pipeline = project.merge()
    project.planned(pipeline)
    project.place.edit(MODELS[0]["id"], description="somebody's own")
    before = writes(project.place.box)
    done = project.play(pipeline, "syncer:apply")
    assert (done.code, writes(project.place.box)) == (1, before), done.text
    assert ("Saved plan is stale" if has_status_token else "a new plan does something else than") in _text(done)

    project.lab.branches["main"] = NEWER
    done = project.play(pipeline, "syncer:apply")
    assert (done.code, writes(project.place.box)) == (0, before), done.text
    assert f"Superseded: main is now at {NEWER[:12]}" in done.text


def test_a_status_that_can_not_be_read_refuses(project: Project) -> None:
    """A GitLab that answers nonsense is no reason to go another way."""
    pipeline = project.merge()
    project.planned(pipeline)
    project.lab.faults += [Fault(200, {"content-type": "application/json"}, "{}", path="/statuses")]
    done = project.play(pipeline, "syncer:apply")

    assert (done.code, writes(project.place.box)) == (1, []), done.text
    assert "GitLab's answer is no list" in _text(done)


# -- what a commit puts in the way -------------------------------------------------------------------------------


def _link(target: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(target)


def _folder(place: Path) -> None:
    place.mkdir()
    (place / "kept").touch()


IN_THE_WAY: dict[str, tuple[Callable[[Path], object], bool]] = {
    # What stands at plan.json, and whether the job can still do its work.
    "a link to nowhere that keeps": (_link("/dev/null"), False),
    "a link to a device": (_link("/dev/full"), False),
    "a link to a folder": (_link("models"), False),
    "a link to a pipe": (_link("../pipe"), False),
    "a link to itself": (_link("plan.json"), True),
    "a link to another file": (_link("models/m1.yaml"), True),
    "a link to a file that isn't there": (_link("../nothing"), True),
    "a plan of yesterday": (lambda place: place.write_text("{}"), True),
    "a folder": (_folder, False),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_a_commit_puts_in_the_way_of_the_plan(what: str, project: Project) -> None:
    """It's green with the plan in artifact and note, or red with a note that says so; no other file is written."""
    put, is_green = IN_THE_WAY[what]
    os.mkfifo(project.temp / "pipe")
    put(project.place.team.folder / "plan.json")
    project.place.commit("Something in the way")
    pipeline = project.request()
    # The first is played as the runner does.
    done = pipeline.run("syncer:plan") if what == next(iter(IN_THE_WAY)) else project.play(pipeline, "syncer:plan")

    assert (done.code == 0) is is_green, done.text
    assert "Traceback" not in done.text
    (note,) = project.notes
    assert ("net of refunds" in note, "`prod`: failed" in note) == (is_green, not is_green)
    assert (pipeline.artifacts / "syncer:plan" / "plan.json").exists() is is_green
    assert not (project.temp / "nothing").exists()
    assert project.place.git("status", "--porcelain", "--", "models") == ""
    if not is_green:
        assert "plan.json can't be an output" in _text(done)


def test_both_commands_count(project: Project) -> None:
    """A note that could not be written makes the job red, too."""
    project.lab.faults += [Fault(422, body='{"message": "no"}', method="POST", path="/notes")] * 2
    done = project.request().run("syncer:plan")

    assert (done.code, project.notes) == (1, []), done.text
    assert "1 to change" in done.text
