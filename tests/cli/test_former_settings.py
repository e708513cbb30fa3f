"""What a change may not steer: settings and files of a checkout turn no CI run into one about nothing, or another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from inside import Inside
from places import MODELS, change, placed, push
from world import definition, flat, writes

from syncer.plan import planfile
from syncer.review.marker import Kind, Marker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from places import Place

    from syncer.sandbox import Sandbox

BOT = "github-actions[bot]"
SANDBOX = "default_environment is the sandbox, but SYNCER_API_URL is set"
OTHER = "at the base of this change"
STAGING = '\n[environments.staging]\napi_url = "https://staging.example.com"\nworkspace_id = 3\n'


@pytest.fixture(name="place")
def _place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote; the target comes from variables."""
    with placed(box, tmp_path, Inside) as here:
        yield here


def _settings(place: Place) -> Path:
    return place.team.folder / "syncer.toml"


def _signed(file: Path, **changes: Any) -> None:
    """Alter a plan file, as somebody does who knows how its digest and its checksum are made."""
    data = {**json.loads(file.read_text("utf-8")), **changes}
    body = {key: value for key, value in data.items() if key != "checksum"}
    body["digest"] = planfile._planned(body).plan.digest
    file.write_text(planfile._canonical({**body, "checksum": planfile._checksum(body)}))


def _steered(place: Place, name: str) -> None:
    """The settings of a pull request that means something else by them."""
    file = _settings(place)
    text = file.read_text()
    (place.team.folder / "empty").mkdir()
    (place.team.folder / "empty" / "keep").touch()
    altered = {
        "sandbox": f'default_environment = "sandbox"\n{text}',
        "another table": f'default_environment = "staging"\n{text}{STAGING}',
        "renamed": text.replace("environments.prod", "environments.staging"),
        "removed": text.partition("[")[0],
        "empty folder": f'models = "empty"\n{text}',
        "no folder": f'models = "nowhere"\n{text}',
        "outside": f'models = "../remote.git"\n{text}',
        "unreadable": "[environments.prod",
        "unknown key": f"modells = 1\n{text}",
    }
    file.write_text(altered[name])


@pytest.mark.parametrize(
    ("name", "said", "commented"),
    [
        ("sandbox", SANDBOX, SANDBOX),
        ("another table", OTHER, OTHER),
        ("renamed", OTHER, OTHER),
        ("removed", OTHER, OTHER),
        ("empty folder", "there is no model file (.yaml) in empty", "there is no model file (.yaml) in empty"),
        ("no folder", "there is no folder nowhere", "there is no folder nowhere"),
        ("outside", "leads out of the repository", "leads out of the repository"),
        ("unreadable", "syncer.toml can't be read", "the run's log says why"),
        ("unknown key", "unknown setting modells", "the run's log says why"),
    ],
)
def test_a_change_of_settings_is_no_change_of_subject(name: str, said: str, commented: str, place: Place) -> None:
    """It's red, in the comment of the environment that it was about; another one's comment and the server are left alone."""
    base, head = place.head, place.branch(description="First")
    assert place.plan_pull_request(head, base).code == 0
    (ours,) = place.host.comments[7]
    other = place.host.say(7, BOT, f"{Marker(Kind.PLAN, 'staging', head, '', 1).line()}\nStaging's own.")
    asked = len(place.box.requests)
    _steered(place, name)
    head = place.commit("Other settings")
    file, run, event = str(place.folder / "plan.json"), place.runs + 1, change(head, base)

    planned = place.job(event, ["ci", "plan", "--out", file], name="pull_request", run=run)
    assert (planned.code, said in flat(planned.text)) == (1, True), planned.text
    told = place.job(event, ["ci", "comment", file], name="pull_request", run=run)
    assert (told.code, place.outputs["has_changes"], place.outputs["digest"]) == (0, "false", "")
    marker = Marker.parse(ours.body)
    assert marker == Marker(Kind.PLAN, "prod", head, "", (30_000_000 + run) * 1000 + 1)
    assert "### syncer plan · `prod`: failed" in ours.body
    assert commented in ours.body.replace("`", "").replace("<br>", " ")
    assert "First" not in ours.body
    assert [one.body.endswith("Staging's own.") for one in place.host.comments[7]] == [False, True]
    assert (len(place.box.requests), other.body.count("Staging's own.")) == (asked, 1)

    # Said by the job itself, the name is the job's; the sandbox then is what was asked for.
    named = place.job(event, ["ci", "plan", "--out", file], name="pull_request", more={"SYNCER_ENV": "prod"})
    # With another table the ids at the top are nobody's any more.
    is_found = name == "sandbox"
    assert (named.code == 0) is is_found, named.text


def test_settings_that_only_say_how_are_told(place: Place) -> None:
    """A limit that is raised and models that move are planned as what they are; the comment names the settings first."""
    base = place.head
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    place.git("switch", "--quiet", "--create", "moved")
    place.git("mv", "models", "definitions")
    file = _settings(place)
    file.write_text(f'models = "definitions"\nmax_change_percent = 100\n{file.read_text()}')
    head = place.commit("Moved")
    done = place.plan_pull_request(head, base)

    assert done.code == 0, done.text
    (comment,) = place.comments
    alert = next(line for line in comment.splitlines() if "alters the settings" in line)
    assert alert.startswith("> this change alters the settings: `max_change_percent`, models<br>")
    # What the UI said is drift, and not this change's: the base is read where its models lay.
    m1 = f"[`m1`](https://github.com/acme/models/blob/{head}/definitions/m1.yaml)"
    assert f"| ~ | {m1} | `query` | drift |" in comment
    place.edit(MODELS[1]["id"], query=MODELS[1]["query"])
    assert place.plan_pull_request(head, base).code == 0
    assert "no changes" in place.comments[0]
    assert "alters the settings" in place.comments[0]


def test_a_nearer_file_of_settings_is_seen(place: Place) -> None:
    """Settings that a change puts closer to where the run starts are its settings, and compared with the base's."""
    inner = place.team.folder / "analytics"
    inner.mkdir()
    (inner / "README").touch()
    base = place.commit("A folder")
    place.git("switch", "--quiet", "--create", "nearer")
    (inner / "pyproject.toml").write_text(
        '[tool.syncer]\ndefault_environment = "staging"\n[tool.syncer.environments.staging]\n'
    )
    head = place.commit("Nearer")
    file = str(place.folder / "plan.json")
    done = place.job(change(head, base), ["--chdir", "analytics", "ci", "plan", "--out", file], name="pull_request")
    assert (done.code, OTHER in flat(done.text)) == (1, True), done.text
    assert json.loads(Path(file).read_text())["target"]["environment"] == "prod"


@pytest.mark.parametrize("missing", ["SYNCER_API_URL", "SYNCER_WORKSPACE_ID"])
def test_the_target_is_the_job_s_word(missing: str, place: Place) -> None:
    """Without a variable each part is red and says which, though the settings have a target; nobody is asked."""
    base, head = place.head, place.branch(description="First")
    file = str(place.folder / "plan.json")
    assert place.job(change(head, base), ["ci", "plan", "--out", file], name="pull_request").code == 0
    place.host.branches["main"] = head
    asked = len(place.box.requests)
    for event, name, words in (
        (change(head, base), "pull_request", ["plan", "--out", f"{file}.new"]),
        (push(base, head), "push", ["plan", "--out", f"{file}.new"]),
        (push(base, head), "push", ["apply", file]),
        ("schedule", "schedule", ["drift"]),
        ("workflow_dispatch", "workflow_dispatch", ["plan"]),
    ):
        done = place.job(event, ["ci", *words], name=name, more={missing: ""})
        assert done.code == 1, words
        assert f"in CI the target comes from variables alone, and {missing} is not set" in flat(done.err), done.err
    assert (len(place.box.requests), Path(f"{file}.new").exists()) == (asked, False)
    told = place.job(change(head, base), ["ci", "comment", f"{file}.new"], name="pull_request", more={missing: ""})
    assert (told.code, "`prod`: failed" in place.comments[0]) == (0, True)


def test_the_sandbox_is_the_job_s_word(place: Place) -> None:
    """In CI it's chosen by --env or SYNCER_ENV: not by settings, by there being none, or by a plan file."""
    base, head = place.head, place.branch(description="First")
    plan = ["ci", "plan", "--out", str(place.folder / "plan.json")]
    none = dict.fromkeys(("SYNCER_TOKEN", "SYNCER_API_URL", "SYNCER_WORKSPACE_ID"), "")
    text = _settings(place).read_text()
    for settings in (f'default_environment = "sandbox"\n{text}', None):
        _settings(place).unlink()
        if settings:
            _settings(place).write_text(settings)
        done = place.job(change(head, base), plan, name="pull_request", more=none)
        assert (done.code, "are not set" in flat(done.err)) == (1, True), done.text
        _settings(place).write_text(text)
    asked = len(place.box.requests)
    for words, more in ((["--env", "sandbox"], none), ([], {**none, "SYNCER_ENV": "sandbox"})):
        place.job(change(head, base), [*plan, *words], name="pull_request", more=more)
        made: dict[str, Any] = json.loads((place.folder / "plan.json").read_text("utf-8"))
        assert made["target"]["environment"] == "sandbox"
    assert len(place.box.requests) == asked
    assert place.job(change(head, base), plan, name="pull_request").code == 0
    _signed(place.folder / "plan.json", target={"environment": "sandbox", "url": "embedded", "workspace_id": 1})
    place.host.branches["main"] = head
    for more, said in (({}, "was made for"), (none, "are not set")):
        done = place.job(push(base, head), ["ci", "apply", str(place.folder / "plan.json")], name="push", more=more)
        assert (done.code, writes(place.box), said in flat(done.err)) == (1, [], True), done.text


def test_drift_of_another_name_leaves_the_issue_alone(place: Place) -> None:
    """Settings on the default branch that mean the sandbox, or call this target by another's name, close no issue."""
    text = _settings(place).read_text() + STAGING
    _settings(place).write_text(text)
    for number, model in enumerate(MODELS):
        values = definition(model)
        ids = {"id": values.pop("id")}
        place.team.write(f"m{number}", {**values, "environments": {"prod": ids, "staging": ids}})
    place.commit("Two environments")
    place.edit(MODELS[1]["id"], query="SELECT id, email FROM elsewhere")
    near = place.team.url.replace("127.0.0.1", "localhost")
    for more in ({"SYNCER_ENV": "prod"}, {"SYNCER_ENV": "staging", "SYNCER_API_URL": near}):
        assert place.job("schedule", ["ci", "drift"], more=more).code == 0
    prod, staging = place.host.issues.values()
    place.edit(MODELS[1]["id"], query=MODELS[1]["query"])

    for name, code, is_open in (("sandbox", 1, True), ("staging", 0, True), ("prod", 0, False)):
        _settings(place).write_text(f'default_environment = "{name}"\n{text}')
        place.commit(name)
        done = place.job("schedule", ["ci", "drift"])
        assert (done.code, prod.is_open, staging.is_open) == (code, is_open, True), done.text
        assert (SANDBOX in flat(done.err), place.outputs["has_drift"] == "unknown") == (code == 1, code == 1)


def test_a_plan_that_was_committed_is_nobody_s(place: Place) -> None:
    """A file in the checkout that calls itself the plan of no commit is not told as this one's."""
    base, head = place.head, place.branch(description="First")
    file = place.folder / "plan.json"
    assert place.team.run("plan").code == 0
    assert place.plan_pull_request(head, base).code == 0
    _signed(file, commit="")
    done = place.job(change(head, base), ["ci", "comment", str(file)], name="pull_request")
    assert (done.code, "is of commit nobody knows" in flat(done.err)) == (1, True), done.err
    assert "failed" in place.comments[0]


@pytest.mark.parametrize(
    "variables",
    [
        {"SYNCER_API_URL": "https://x.example"},
        {"SYNCER_WORKSPACE_ID": "2"},
        {"SYNCER_TOKEN": "t"},
        {"SYNCER_EMAIL": "e"},
    ],
)
def test_no_command_takes_the_sandbox_for_a_server(variables: dict[str, str], place: Place) -> None:
    """Also at the desk: with a target or credentials only --env or SYNCER_ENV choose the sandbox."""
    text = _settings(place).read_text()
    _settings(place).write_text(f'default_environment = "sandbox"\n{text}')
    place.team.variables = dict(variables)
    done = place.team.run("plan")
    assert (done.code, "default_environment is the sandbox, but" in flat(done.err)) == (1, True), done.text
    assert next(iter(variables)) in done.err
    assert "the sandbox" not in place.team.run("plan", "--env", "sandbox").err
    place.team.variables = {}
    assert "default_environment is the sandbox" not in place.team.run("plan").err
