"""`syncer ci` where it could go wrong: what can't begin, what is too late, what may not be believed, what is refused."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_github import EVENTS, Fault
from fake_gitlab import FakeGitLab
from inside import Inside
from pipelines import Done, Pipeline
from places import MODELS, change, placed, push
from spellings import SPELLINGS
from werkzeug.wrappers import Request, Response
from world import Result, definition, flat, recorded_world, writes
from wsgi import serving

from syncer.cli.ci import job
from syncer.plan import planfile
from syncer.review.host import Context
from syncer.review.marker import Kind, Marker
from syncer.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from places import Place

TOKEN, HOST_TOKEN, KEY = "canary/of+the==target", "ghs_canary/of+the==host", "canary-of+a==model"
DRIFT = ["ci", "drift"]


@pytest.fixture(name="place")
def _place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote."""
    with placed(box, tmp_path, Inside) as here:
        yield here


def _event(name: str, **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return data | more


def _file(place: Place, name: str = "plan.json") -> str:
    return str(place.folder / name)


def _planned(place: Place, before: str, after: str) -> Result:
    """The two steps that plan a push, as the workflow runs them: the second one in any case."""
    file, event, run = _file(place), push(before, after), place.runs + 1
    done = place.job(event, ["ci", "plan", "--out", file], name="push", run=run)
    told = place.job(event, ["ci", "comment", file], name="push", run=run)
    assert told.code == 0, told.text
    return done


def _applied(place: Place, before: str, after: str, *flags: str, server: str = "https://github.com") -> Result:
    command = ["ci", "apply", _file(place), *flags]
    return place.job(push(before, after), command, name="push", more={"GITHUB_SERVER_URL": server})


def _markers(bodies: Iterable[str]) -> list[Marker | None]:
    return [Marker.parse(body) for body in bodies]


# -- flags -------------------------------------------------------------------------------------------------------


def test_what_belongs_to_another_part_is_refused(place: Place) -> None:
    """A flag that would not be obeyed is named and refused; a drift issue is never closed by a look at a part."""
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    assert place.job("schedule", DRIFT).code == 0
    (issue,) = place.host.issues.values()
    asked = len(place.host.calls), len(place.box.requests)
    for words, named in (
        ("drift --target m0", "--target"),
        ("drift --on-drift fail", "--on-drift"),
        ("plan --dry-run", "--dry-run"),
        ("plan plan.json", "plan.json"),
        ("comment --target m0", "--target"),
        ("apply plan.json --json x.jsonl", "x.jsonl"),
        ("apply", "PLANFILE"),
        ("comment --out x.json", "--out"),
    ):
        done = place.job("schedule", ["ci", *words.split()])
        assert (done.code, place.outputs, place.summary) == (64, {}, ""), words
        assert re.search(rf"(unrecognized arguments|are required): {named}\b", done.err)
    assert issue.is_open
    assert (len(place.host.calls), len(place.box.requests)) == asked


# -- where a comment leads ---------------------------------------------------------------------------------------


def test_names_and_ids_are_links_that_no_change_chooses(place: Place) -> None:
    """Names lead to the file at the commit that is named, ids to the UI that the base's settings or a variable name.

    A change's own settings lead nobody anywhere, and of a stranger's change nothing leads to the UI.
    """
    settings, ui = place.team.folder / "syncer.toml", "https://ui.example.com"
    told = f'{settings.read_text()}ui_url = "{ui}"\n'
    settings.write_text(told)
    base = place.commit("The UI")
    settings.write_text(told.replace(ui, "https://e.vil"))
    head = place.branch(description="First")
    file = f"[`m0`](https://github.com/acme/models/blob/{head}/models/m0.yaml)"
    live = f"Live model [{MODELS[0]['id']}]({{}}/define/models/{MODELS[0]['id']})"
    page = place.folder / "plan.html"
    for more, root in (({}, ui), ({"SYNCER_UI_URL": "https://own.example.com/"}, "https://own.example.com")):
        plan = ["ci", "plan", "--out", _file(place), "--html", str(page)]
        event = change(head, base)
        done = place.job(event, plan, ["ci", "comment", _file(place)], name="pull_request", more=more)
        assert done.code == 0, done.text
        assert file in place.comments[0]
        assert live.format(root) in place.comments[0]
        assert f'<a href="{root}/define/models/{MODELS[0]["id"]}">' in page.read_text("utf-8")
        assert "e.vil" not in f"{place.comments[0]}{page.read_text('utf-8')}"
    wrong = place.job(event, ["ci", "comment", _file(place)], name="pull_request", more={"SYNCER_UI_URL": "http://x"})
    assert (wrong.code, "SYNCER_UI_URL must begin with https://" in wrong.err) == (1, True)
    none = place.job(
        event, ["ci", "comment", _file(place)], name="pull_request", more={"GITHUB_SERVER_URL": "http://x"}
    )
    assert (none.code, "/blob/" in place.comments[0]) == (0, False)

    fork = place.fork()
    assert place.follow(fork, more={"SYNCER_UI_URL": ui}).code == 0
    assert "/define/models/" not in place.host.comments[8][0].body

    # A timer runs on what was merged.
    place.git("switch", "--quiet", "main")
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    assert place.job("schedule", DRIFT).code == 0
    (issue,) = place.host.issues.values()
    assert f"]({ui}/define/models/{MODELS[1]['id']})" in issue.body


def test_files_are_linked_from_where_the_settings_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a job that works in a folder below them; and only of the commit that the host's link is of."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "team a" / "jobs"
    folder.mkdir(parents=True)
    (folder.parent / "syncer.toml").write_text("")
    root, head = f"https://github.com/acme/models/blob/{'a' * 40}", "a" * 40
    context = Context("manual", None, head, "", False, "", root, 1, "main")
    for here, expected in ((folder, f"{root}/team%20a"), (tmp_path, root)):
        monkeypatch.chdir(here)
        assert job.links(context, "prod", head).files == expected
    assert job.links(context, "prod", "b" * 40).files == ""


# -- what a comment may be made of -------------------------------------------------------------------------------


def test_a_plan_that_could_not_begin_is_told_in_its_own_comment(place: Place) -> None:
    """It's red, no plan of an earlier run is left to be taken for its own, and what mends it replaces its comment."""
    base, settings = place.head, place.team.folder / "syncer.toml"
    good = settings.read_text()
    head = place.branch(description="First")
    assert place.plan_pull_request(head, base).code == 0
    assert "First" in place.comments[0]

    no_address, no_toml = "[environments.prod]\nworkspace_id = 1\n", "[environments.prod"
    cases = (no_address, {"SYNCER_API_URL": ""}), (no_toml, {"SYNCER_ENV": "prod"})
    for number, (text, more) in enumerate(cases):
        settings.write_text(text)
        head, run = place.commit("Broken settings"), place.runs + 1
        event, file = change(head, base), Path(_file(place))
        assert file.exists() is (number == 0)
        failed = place.job(event, ["ci", "plan", "--out", str(file)], name="pull_request", run=run, more=more)
        assert (failed.code, file.exists()) == (1, False), failed.text
        told = place.job(event, ["ci", "comment", str(file)], name="pull_request", run=run, more=more)
        assert told.code == 0, told.text
        assert (place.outputs["has_changes"], place.outputs["exit_code"]) == ("false", "1")
        assert "`prod`: failed" in place.comments[0]
        assert _markers(place.comments) == [Marker(Kind.PLAN, "prod", head, "", (30_000_000 + run) * 1000 + 1)]

    settings.write_text(good)
    head = place.commit("Mended")
    assert place.plan_pull_request(head, base).code == 0
    (comment,) = place.comments
    assert "First" in comment
    assert "`prod`: failed" not in comment


def test_settings_that_no_one_can_read_are_told(place: Place) -> None:
    """Without them not even the environment is known: it's red, in one comment, and nothing old is left to apply."""
    base, file = place.head, Path(_file(place))
    place.git("switch", "--quiet", "--create", "refunds")
    (place.team.folder / "syncer.toml").write_text("[environments.prod")
    head = place.commit("Broken settings")
    file.write_text("a plan of yesterday")
    failed = place.job(change(head, base), ["ci", "plan", "--out", str(file)], name="pull_request")
    assert (failed.code, file.exists()) == (1, False)
    assert "syncer.toml can't be read" in failed.err
    told = place.job(change(head, base), ["ci", "comment", str(file)], name="pull_request")
    assert (told.code, place.outputs["has_changes"], place.outputs["exit_code"]) == (0, "false", "1")
    (comment,) = place.comments
    assert "The plan could not be made; the run's log says why." in comment


def test_a_plan_of_another_commit_is_not_this_ones(place: Place) -> None:
    """What an earlier job left in the work tree is told as a failure, never as what this commit would do."""
    base, head = place.head, place.branch(description="First")
    assert place.plan_pull_request(head, base).code == 0
    place.team.write("m0", definition(MODELS[0], description="Second"))
    later = place.commit("Second")
    done = place.job(change(later, base), ["ci", "comment", _file(place)], name="pull_request")

    assert done.code == 1
    assert f"the plan file is of commit {head[:12]}" in done.err
    assert (place.outputs["has_changes"], place.outputs["digest"], place.outputs["exit_code"]) == ("false", "", "1")
    (comment,) = place.comments
    assert "failed" in comment
    assert "First" not in comment + place.summary


@pytest.mark.parametrize("what", ["no plan", "an altered plan", "a link", "a folder"])
def test_a_plan_that_can_not_be_read_back_is_red(what: str, place: Place) -> None:
    """However the plan ended: what it kept is lost, and the comment says that it failed."""
    base, head = place.head, place.branch(description="First")
    assert place.plan_pull_request(head, base).code == 0
    file = Path(_file(place))
    whole = file.read_text("utf-8")
    file.unlink()
    if what == "a link":
        (place.folder / "elsewhere").write_text(whole)
        file.symlink_to("elsewhere")
    elif what == "a folder":
        file.mkdir()
    else:
        file.write_text(whole.replace("First", "Other") if what == "an altered plan" else "")
    done = place.job(change(head, base), ["ci", "comment", str(file)], name="pull_request")

    assert (done.code, place.outputs["has_changes"], place.outputs["digest"]) == (1, "false", "")
    (comment,) = place.comments
    assert "`prod`: failed" in comment


def test_an_older_run_comes_too_late(place: Place) -> None:
    """Runs are ordered by their id: the number counts one workflow's, and starts anew when that is renamed."""
    base, head = place.head, place.branch(description="First")
    assert place.plan_pull_request(head, base, run=50, more={"GITHUB_RUN_NUMBER": "5"}).code == 0
    (first,) = place.comments
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    late = place.plan_pull_request(head, base, run=49, more={"GITHUB_RUN_NUMBER": "900"})
    assert (late.code, place.outputs["to_change"], place.comments) == (0, "2", [first])
    assert "superseded" in late.out

    place.git("switch", "--quiet", "main")
    assert place.job("schedule", DRIFT, run=60, more={"GITHUB_RUN_NUMBER": "6"}).code == 0
    (issue,) = place.host.issues.values()
    body, count = issue.body, len(place.host.writes)
    place.edit(MODELS[1]["id"], query=MODELS[1]["query"])
    late = place.job("schedule", DRIFT, run=59, more={"GITHUB_RUN_NUMBER": "900"})
    assert (late.code, place.outputs["has_drift"]) == (0, "false")
    assert "superseded" in late.out
    assert (issue.is_open, issue.body, len(place.host.writes)) == (True, body, count)


# -- without secrets ---------------------------------------------------------------------------------------------


def test_what_dependabot_pushes_is_not_planned(place: Place) -> None:
    """A push without secrets could only be compared with itself: it's red, in words, and there's nothing to apply."""
    base = place.head
    place.branch(description="First")
    merged = place.merge()
    file, more = _file(place), {"GITHUB_ACTOR": "dependabot[bot]", "SYNCER_TOKEN": ""}
    done = place.job(push(base, merged), ["ci", "plan", "--out", file], name="push", more=more)
    assert done.code == 1
    assert "this run has no secrets (Dependabot caused it)" in flat(done.err)
    assert place.job(push(base, merged), ["ci", "comment", file], name="push", more=more).code == 0
    assert (place.outputs["has_changes"], place.outputs["digest"], place.outputs["exit_code"]) == ("false", "", "1")
    assert "Dependabot caused it" in place.summary
    assert place.box.requests == []


# -- pushes ------------------------------------------------------------------------------------------------------


def test_a_plan_without_a_base_says_so(place: Place) -> None:
    """By hand, or after a push that replaced history: nobody can tell whose edit it would overwrite."""
    head = place.branch(description="First")
    place.host.branches["main"] = head
    file = _file(place)
    for event, name in ((_event("workflow_dispatch"), "workflow_dispatch"), (push("a" * 40, head), "push")):
        commands = [["ci", "plan", "--out", file], ["ci", "comment", file]]
        done = place.job(event, *commands, name=name, more={"GITHUB_SHA": head})
        assert (done.code, place.outputs["has_changes"]) == (0, "true"), done.text
        assert "planned without a base" in place.summary
        planned = json.loads(Path(file).read_text("utf-8"))
        assert [one["rule"] for one in planned["warnings"]] == ["no-base"]
        assert planned["base"] is None


def test_a_refused_apply_says_why(place: Place) -> None:
    """An edit of the same field that came after the review isn't overwritten unasked; who looks finds out why."""
    base, head = place.head, place.branch(query="SELECT id, email FROM a\n")
    assert place.plan_pull_request(head, base).code == 0
    assert "this change" in place.comments[0]
    place.edit(MODELS[0]["id"], query="SELECT id, email FROM elsewhere")
    merged, before = place.merge(), len(writes(place.box))
    assert _planned(place, base, merged).code == 1
    assert (place.outputs["has_changes"], place.outputs["reviewed"]) == ("true", "false")
    assert "### syncer plan · `prod`: refused: 1 (1 model to change)" in place.summary
    assert "Not what was reviewed in #7" in place.summary

    refused = _applied(place, base, merged)
    assert (refused.code, writes(place.box)[before:]) == (1, [])
    why = "query of m0 was changed outside git, and this apply would overwrite that"
    assert why in flat(refused.err)
    assert "### syncer apply · `prod`: failed" in place.summary
    assert "was changed outside git, and this apply would overwrite that" in place.summary
    assert "--on-drift" in place.summary
    (comment,) = place.comments
    assert comment.splitlines()[-1].startswith("Not applied: [run](https://github.com/acme/models/actions/runs/")

    for flags, told in ((["--expect-digest", "0" * 64], "this is not the reviewed plan"), ([], "is of commit")):
        if not flags:
            altered = {**json.loads(Path(_file(place)).read_text("utf-8")), "commit": head}
            body = {key: value for key, value in altered.items() if key != "checksum"}
            Path(_file(place)).write_text(planfile._canonical({**body, "checksum": planfile._checksum(body)}))
        refused = _applied(place, base, merged, *flags)
        assert (refused.code, writes(place.box)[before:]) == (1, [])
        assert told in place.summary
        assert place.comments[0].splitlines()[-1].startswith("Not applied:")

    assert _planned(place, base, merged).code == 1
    done = _applied(place, base, merged, "--on-drift", "overwrite")
    assert (done.code, writes(place.box)[before:]) == (0, [("PUT", f"/api/v1/models/{MODELS[0]['id']}")])
    (comment,) = place.comments
    assert comment.splitlines()[-1].startswith("Apply complete!")
    assert "Not applied" not in comment


def test_a_merge_that_was_never_applied_is_not_forgotten(place: Place) -> None:
    """The next merge of the same field can't tell it from an edit: it's a conflict. By hand all that is left goes."""
    base = place.head
    place.branch(description="First")
    first = place.merge()
    assert _planned(place, base, first).code == 0
    place.branch("again", description="Second")
    second = place.merge("again", 8)
    assert _planned(place, first, second).code == 1
    assert "conflict" in place.summary
    refused = _applied(place, first, second)
    assert (refused.code, writes(place.box)) == (1, [])
    assert "a merge was never applied" in flat(refused.err)

    file, event = _file(place), _event("workflow_dispatch")
    commands = [["ci", "plan", "--out", file], ["ci", "apply", file]]
    done = place.job(event, *commands, name="workflow_dispatch", more={"GITHUB_SHA": second})
    assert done.code == 0, done.text
    assert writes(place.box) == [("PUT", f"/api/v1/models/{MODELS[0]['id']}")]


def test_what_was_applied_stays_applied(place: Place) -> None:
    """That the host can't be told, or has a very long address, makes no failure of an apply that succeeded."""
    base, head = place.head, place.branch(description="First")
    assert place.plan_pull_request(head, base).code == 0
    merged = place.merge()
    for fault in (
        Fault(400, body='{"message": "No"}', method="GET", path="/pulls"),
        Fault(200, body='{"message": "No list"}', method="GET", path="/pulls"),
        Fault(422, body='{"message": "No"}', method="PATCH", path="/issues/comments/"),
        None,
    ):
        place.edit(MODELS[0]["id"], description=MODELS[0]["description"])
        assert _planned(place, base, merged).code == 0
        before = len(writes(place.box))
        place.host.faults += [fault] if fault else []
        done = _applied(place, base, merged, server=f"https://ghe.example.com/{'x' * 600}")
        assert (done.code, len(writes(place.box)) - before, place.host.faults) == (0, 1, []), done.text
        assert "Apply complete!" in done.out
        assert "Apply complete!" in place.summary
        assert ("Not everybody could be told" in done.err) is (fault is not None)
        assert ("Apply complete!" in place.comments[0]) is (fault is None)
    assert place.comments[0].endswith("Apply complete! Resources: 0 added, 1 changed, 0 destroyed. (this run)")


# -- drift -------------------------------------------------------------------------------------------------------


def test_a_dry_drift_writes_nothing(place: Place) -> None:
    """Neither an output nor a summary nor an issue, and nobody at the host is asked: also when it fails."""
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    for token, code, shown in (("admin", 0, "1 model differs from git"), ("expired", 1, "")):
        done = place.job("schedule", [*DRIFT, "--dry-run"], more={"SYNCER_TOKEN": token})
        assert (done.code, place.outputs, place.summary) == (code, {}, ""), done.text
        assert shown in done.out
    assert (place.host.calls, place.host.issues) == ([], {})


def test_drift_that_could_not_begin_is_unknown(place: Place) -> None:
    """Who reads the outputs must not take silence for peace."""
    (place.team.folder / "syncer.toml").write_text("[environments.prod]\nworkspace_id = 1\n")
    assert place.job("schedule", DRIFT, more={"SYNCER_API_URL": ""}).code == 1
    assert place.outputs == {"has_drift": "unknown", "exit_code": "1"}


# -- secrets -----------------------------------------------------------------------------------------------------


def _spelled(*secrets: str) -> Iterator[str]:
    """The secrets in every spelling, in turn."""
    return cycle([spell(secret) for spell in SPELLINGS.values() for secret in secrets])


class _Echo:
    """The target behind a proxy that, once it refuses, says whom, and what else it heard of: secrets stand in the answer."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self.status = 0
        self._spelled = _spelled(HOST_TOKEN, KEY, TOKEN)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self.status:
            return self._box.wsgi(environ, start_response)
        said = Request(environ).headers["Authorization"]
        body = json.dumps({"error": f"refused: {next(self._spelled)}, {said}"})
        return Response(body, self.status, content_type="application/json")(environ, start_response)


@contextmanager
def _echoing(folder: Path) -> Iterator[tuple[Place, _Echo]]:
    """A place whose tokens are canaries, and its target."""
    world = recorded_world()
    world["tokens"][TOKEN] = world["tokens"]["admin"]
    with ExitStack() as stack:
        box = stack.enter_context(Sandbox(world))
        place = stack.enter_context(placed(box, folder, Inside))
        echo = _Echo(box)
        place.team.variables |= {"SYNCER_TOKEN": TOKEN, "SYNCER_API_URL": stack.enter_context(serving(echo))}
        place.host.tokens[HOST_TOKEN] = "github-actions[bot]"
        yield place, echo


def _left_behind(place: Place, done: Result) -> list[str]:
    """What a job printed, the masks aside, and what it handed on."""
    log = [line for line in done.text.splitlines() if not line.startswith("::add-mask::")]
    return [*log, place.summary, json.dumps(place.outputs)]


def test_no_token_leaves(tmp_path: Path) -> None:
    """Not with --debug, and not when target or host refuse and repeat the token in their answer."""
    spelled = _spelled(TOKEN, KEY, HOST_TOKEN)

    def told() -> str:
        return json.dumps({"message": f"Bad credentials {next(spelled)}, {HOST_TOKEN}"})

    seen: list[str] = []
    with _echoing(tmp_path) as (place, echo):
        base, head = place.head, place.branch(description="First")
        names = ("plan.json", "plan.md", "plan.html", "plan.jsonl")
        file, md, html, lines = (_file(place, name) for name in names)
        plan = ["ci", "plan", "--debug", "--out", file, "--markdown", md, "--html", html, f"--json={lines}"]
        comment, apply = (["ci", part, file, "--debug"] for part in ("comment", "apply"))
        ask, drift = change(head, base), [*DRIFT, "--debug"]

        def job(event: dict[str, Any] | str, command: list[str], name: str, code: int = 0) -> None:
            done = place.job(event, command, name=name, more={"GITHUB_TOKEN": HOST_TOKEN, "SYNCER_SECRET_K": KEY})
            assert done.code == code, done.text
            assert place.host.faults == []
            seen.extend(_left_behind(place, done))

        def kept() -> None:
            found = [place.folder / name for name in names]
            assert [path.name for path in found if not path.exists()] == []
            seen.extend(path.read_text("utf-8") for path in found)

        for status in (401, 500, 0):
            echo.status = status
            job(ask, plan, "pull_request", code=1 if status else 0)
            kept()
        place.host.faults += [Fault(500, body=told(), method="POST", path="/comments") for _ in range(2)]
        job(ask, comment, "pull_request", code=1)
        job(ask, comment, "pull_request")
        place.host.faults += [Fault(401, body=told(), path="/graphql")]
        job(ask, comment, "pull_request")

        merged = place.merge()
        pushed = push(base, merged)
        job(pushed, plan, "push")
        job(pushed, comment, "push")
        for status in (401, 500):
            echo.status = status
            job(pushed, apply, "push", code=1)
            job("schedule", drift, "schedule", code=1)
        echo.status = 0
        place.host.faults += [Fault(401, body=told(), path="/branches/")]
        job(pushed, apply, "push", code=1)
        place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
        place.host.faults += [Fault(500, body=told(), method="POST", path="/issues") for _ in range(2)]
        job("schedule", drift, "schedule", code=1)
        job("schedule", drift, "schedule")
        place.edit(MODELS[1]["id"], query=MODELS[1]["query"])
        job(pushed, apply, "push")

        seen += [call.body for call in place.host.calls]
        assert (len(place.comments), len(place.host.issues)) == (1, 1)
    assert any("(sensitive value)" in text for text in seen)
    forms = {spell(secret) for spell in SPELLINGS.values() for secret in (TOKEN, HOST_TOKEN, KEY)}
    assert [text for text in seen for form in forms if form in text] == []


# -- GitLab ------------------------------------------------------------------------------------------------------


def test_the_same_story_on_gitlab(place: Place) -> None:
    """The jobs of the shipped pipeline, as bash runs them: one note, one plan that is applied, one issue."""
    lab = FakeGitLab()
    (place.team.folder / ".git" / "info").mkdir(exist_ok=True)
    (place.team.folder / ".git" / "info" / "exclude").write_text("plan.json\n")

    with serving(lab) as url:

        def job(name: str, source: str, run: int = 41, **more: str) -> Done:
            variables = {**place.team.environment, **lab.variables(url, source, run=run, **more)}
            return Pipeline(place.team.folder, place.folder, variables).run(name)

        def ask(head: str, run: int) -> Done:
            more = {"CI_COMMIT_SHA": head, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
            return job("syncer:plan", "merge_request_event", run, **more)

        # A merge request has one note: the same plan writes nothing, a failure and what mends it replace it.
        base, head = place.head, place.branch(description="First")
        assert ask(head, 41).code == 0
        (note,) = lab.notes[7]
        assert "First" in note.body
        assert Marker.parse(note.body) == Marker(
            Kind.PLAN, "prod", head, json.loads((place.team.folder / "plan.json").read_text())["digest"], 41_000
        )
        count = len(lab.writes)
        assert (ask(head, 41).code, len(lab.writes)) == (0, count)
        place.team.write("m0", "name: A\nnmae: B\n")
        broken = ask(place.commit("A mistake"), 42)
        assert (broken.code, "failed" in note.body) == (1, True), broken.text
        place.team.write("m0", definition(MODELS[0], description="Second"))
        assert ask(place.commit("Second"), 43).code == 0
        assert ([one.id for one in lab.notes[7]], "Second" in note.body) == ([note.id], True)
        assert [method for method, _ in lab.writes] == ["POST", "PUT", "PUT"]

        # It's merged and applied, and the note says so.
        merged = place.merge()
        lab.branches["main"] = merged
        lab.requests_of[merged] = [{"iid": 7, "state": "merged", "target_project_id": lab.project}]
        pushed = {"CI_COMMIT_SHA": merged, "CI_COMMIT_BEFORE_SHA": base}
        assert job("syncer:plan-merge", "push", 44, **pushed).code == 0
        assert writes(place.box) == []
        applied = job("syncer:apply", "push", 44, **pushed)
        assert applied.code == 0, applied.text
        assert writes(place.box) == [("PUT", f"/api/v1/models/{MODELS[0]['id']}")]
        assert note.body.splitlines()[-1].startswith("Apply complete!")

        # One issue tells of drift; it's closed when there is none.
        place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
        for run in (45, 46):
            assert job("syncer:drift", "schedule", run, CI_COMMIT_SHA=merged).code == 0
            (issue,) = lab.issues.values()
            assert (issue.is_open, "`m1`" in issue.body) == (True, True)
        place.edit(MODELS[1]["id"], query=MODELS[1]["query"])
        assert job("syncer:drift", "schedule", 47, CI_COMMIT_SHA=merged).code == 0
        assert (issue.is_open, len(lab.issues), len(lab.notes[7])) == (False, 1, 1)
