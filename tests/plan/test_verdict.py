"""One verdict: what an apply refuses is red in the plan, in the comment and in the file, with what lifts it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from inside import Inside
from places import MODELS, change, placed, push
from world import definition, flat, writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from places import Place

    from syncer.sandbox import Sandbox


@pytest.fixture(name="place")
def _place(box: Sandbox, tmp_path: Path) -> Iterator[Place]:
    """Six models in git and in step, on main of a bare remote."""
    with placed(box, tmp_path, Inside) as here:
        yield here


def _settle(place: Place, more: str = "", **first: Any) -> str:
    """Main as it was applied: settings with `more` on top, the first model with these values; its commit."""
    place.git("switch", "--quiet", "main")
    shutil.rmtree(place.team.folder / "models")
    for number, model in enumerate(MODELS):
        place.team.write(f"m{number}", definition(model, **(first if number == 0 else {})))
    place.team.settings()
    file = place.team.folder / "syncer.toml"
    file.write_text(f"{more}{file.read_text()}")
    place.git("add", "--all")
    if place.git("status", "--porcelain"):
        place.commit("Settled")
    live = {key: MODELS[0][key] for key in ("name", "query", "primary_key", "description", "connector_id")}
    place.edit(MODELS[0]["id"], **live)
    return place.head


def _json(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


QUERY = "SELECT id, email FROM elsewhere"
PROTECT = {"protect": True}
REFUSALS: dict[str, tuple[dict[str, Any], str, dict[str, Any], tuple[str, ...], str]] = {
    # rule: what the first model says at the base, settings at the base, what it says now, what lifts it, what is said
    "risky-change": ({}, "", {"primary_key": "email"}, ("--allow", "primary_key"), "primary_key of m0 changes"),
    "protected": (
        {"lifecycle": PROTECT},
        "",
        {"query": QUERY, "lifecycle": PROTECT},
        ("--allow", "protect"),
        "m0 is protected, and would change (query)",
    ),
    "too-many-changes": (
        {},
        "max_change_percent = 10\nmax_change_floor = 1\n",
        {"query": QUERY},
        ("--max-change-percent", "17"),
        "1 of 6 bound models would change (17 %, the limit is 10 % from 1 change on)",
    ),
    "conflict": (
        {},
        "",
        {"query": QUERY},
        ("--on-drift", "overwrite"),
        "query of m0 was changed outside git, and this apply would overwrite that",
    ),
    "lost-column": ({}, "", {"query": "SELECT id FROM elsewhere"}, ("--allow", "lost_column"), "doesn't return email"),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_plan_comment_file_and_apply_agree(rule: str, place: Place) -> None:
    """Exit code 1, the same words and what lifts it wherever it's read; a refused plan is kept, and applied with that."""
    before, settings, now, lifting, said = REFUSALS[rule]
    base = _settle(place, settings, **before)
    if rule == "conflict":
        place.edit(MODELS[0]["id"], query="SELECT id, email FROM the_ui")
    place.team.write("m0", definition(MODELS[0], **now))
    sent = len(writes(place.box))
    files = ["--out", "plan.json", "--markdown", "plan.md", "--json=plan.jsonl", "--html", "plan.html"]
    read = (place.team.folder / "plan").with_suffix
    for more in ([], ["--detailed-exitcode"]) if rule == "conflict" else ([],):
        planned = place.team.run("plan", "--base", base, *files, *more)
        assert planned.code == 1, planned.text
        assert flat(planned.err).count(said) == 1
        assert "Refused: 1." in planned.out
        assert "syncer apply plan.json" in planned.out

    comment = read(".md").read_text("utf-8")
    assert comment.startswith("### syncer plan · `prod`: refused: 1 (1 model to change)\n")
    assert comment.index("[!CAUTION]") < comment.index("| | model |")
    assert lifting[0] in comment
    assert said in comment.replace("`", "")
    page = read(".html").read_text("utf-8")
    assert "refused: 1 (1 model to change)" in page
    assert said in page.replace("&#x27;", "'")
    told = _json(read(".jsonl").read_text("utf-8"))
    (error,) = [one for one in told if one.get("diagnostic", {}).get("severity") == "error"]
    assert error["diagnostic"]["rule"] == rule
    assert next(one["refused"] for one in told if one["type"] == "change_summary") == 1
    shown = place.team.run("show", "plan.json")
    assert (shown.code, flat(shown.err).count(said)) == (1, 1)

    for command in (["plan.json"], ["--base", base, "--auto-approve"]):
        refused = place.team.run("apply", *command)
        assert (refused.code, len(writes(place.box))) == (1, sent)
        assert flat(refused.err).count(said) == 1
        assert " ".join(lifting) in flat(refused.err)
        assert "this plan may not be applied as it is; nothing was written" in flat(refused.err)

    lifted = place.team.run("plan", "--base", base, "--out", "plan.json", *lifting)
    assert lifted.code == 0, lifted.text
    assert f"syncer apply plan.json {' '.join(lifting)}" in lifted.out
    assert place.team.run("apply", "plan.json").code == 1
    assert place.team.run("apply", "plan.json", *lifting).code == 0
    assert len(writes(place.box)) == sent + 1


# -- a guard is not lifted by the change that it guards --------------------------------------------------------------


def _write(address: str, **values: Any) -> Callable[[Place], None]:
    """The first model's file is `address` now, and says this."""

    def write(place: Place) -> None:
        (place.team.folder / "models" / "m0.yaml").unlink()
        _write_file(place, address, MODELS[0], **values)

    return write


def _write_file(place: Place, address: str, model: dict[str, Any], **values: Any) -> None:
    """A file says this of a model, and nothing of a key whose value is `...`."""
    place.team.write(address, {key: value for key, value in definition(model, **values).items() if value != ...})


def _settings(text: Callable[[str], str]) -> Callable[[Place], None]:
    def write(place: Place) -> None:
        file = place.team.folder / "syncer.toml"
        file.write_text(text(file.read_text()))
        place.team.write("m0", definition(MODELS[0], query=QUERY))

    return write


def _moved_folder(place: Place) -> None:
    _settings(lambda text: f'models = "other"\n{text}')(place)
    (place.team.folder / "models").rename(place.team.folder / "other")


def _twin(place: Place) -> None:
    """A second environment of the same target, with no limits, that has the same models."""

    def twin(text: str) -> str:
        table = text.partition("[environments.prod]")[2]
        return f"{text}\n[environments.twin]{table}max_change_percent = 100\n"

    _settings(twin)(place)
    for number, model in enumerate(MODELS):
        ids = {name: {"id": model["id"]} for name in ("prod", "twin")}
        edited = {"query": QUERY} if number == 0 else {}
        _write_file(place, f"m{number}", model, environments=ids, id=..., **edited)


def _several(place: Place) -> None:
    _settings(lambda text: text.replace("'all'", "100"))(place)
    for number in (1, 2):
        place.team.write(f"m{number}", definition(MODELS[number], description="New"))


LIFTED: dict[str, tuple[dict[str, Any], Callable[[Place], None], str]] = {
    "the file says so": (PROTECT, _write("m0", query=QUERY), "m0 is protected"),
    "a moved file": (PROTECT, _write("other/m", query=QUERY), "other/m is protected"),
    "a file without the id": (PROTECT, _write("other/m", id=..., query=QUERY), "other/m is protected"),
    "another name": (PROTECT, _write("m0", name="Another", query=QUERY), "m0 is protected"),
    "another models folder": (PROTECT, _moved_folder, "m0 is protected"),
    "an environment of the file": (
        {"environments": {"prod": {"lifecycle": PROTECT}}},
        _write("m0", query=QUERY, environments={"prod": {"lifecycle": {"protect": False}}}),
        "m0 is protected",
    ),
    "a renamed environment": (
        {"environments": {"prod": {"lifecycle": PROTECT}}},
        _settings(lambda text: text.replace("environments.prod", "environments.production")),
        "m0 is protected",
    ),
    "an environment that only variables name": (
        {"environments": {"prod": {"lifecycle": PROTECT}}},
        _settings(lambda _: "requests_per_minute = 0\n"),
        "m0 is protected",
    ),
    "a renamed environment whose address is written otherwise": (
        {"environments": {"prod": {"lifecycle": PROTECT}}},
        _settings(
            lambda text: text.replace("environments.prod", "environments.main").replace("127.0.0.1", "localhost")
        ),
        "m0 is protected",
    ),
    "a higher share": ({}, _settings(lambda text: text.replace("percent = 10", "percent = 100")), "the limit is 10 %"),
    "a higher floor": ({}, _settings(lambda text: text.replace("floor = 1", "floor = 1000")), "the limit is 10 %"),
    "a share of the environment": (
        {},
        _settings(lambda text: f"{text}max_change_percent = 100\n"),
        "the limit is 10 %",
    ),
    "another environment": ({}, _twin, "the limit is 10 %"),
    "settings at the base that nobody can read": ({}, _several, "the limit is 30 %"),
}


@pytest.mark.parametrize("way", LIFTED)
def test_a_guard_counts_as_the_base_has_it(way: str, place: Place) -> None:
    """However a change lifts `protect` or a limit, plan and apply refuse it, and the comment says what it lifts."""
    first, edit, said = LIFTED[way]
    is_limit = "limit" in said
    values = first if "environments" in first else {"lifecycle": first} if first else {}
    base = _settle(place, "max_change_percent = 10\nmax_change_floor = 1\n" if is_limit else "", **values)
    if edit is _several:
        _settings(lambda text: text.replace("percent = 10", "percent = 'all'"))(place)
        place.git("restore", "models")
        base = place.commit("Broken")
    edit(place)
    flags = ["--env", "twin"] if way == "another environment" else []

    planned = place.team.run("plan", "--base", base, "--out", "plan.json", "--markdown", "plan.md", *flags)
    assert planned.code == 1, planned.text
    assert said in flat(planned.err)
    comment = (place.team.folder / "plan.md").read_text("utf-8").replace("`", "")
    assert "refused: 1 (" in comment
    loosened = "rises" if is_limit else "lifted"
    loosened = "can't be read, so their limits are not known" if edit is _several else loosened
    assert loosened in comment[: comment.index("| | model |")]

    sent = len(writes(place.box))
    again = ["plan.json"] if is_limit else ["--base", base, "--auto-approve"]
    refused = place.team.run("apply", *again, *flags)
    assert (refused.code, len(writes(place.box))) == (1, sent)
    assert said in flat(refused.err)


MOVES = {
    "down": (".", "team", "models"),
    "up": ("team", ".", "models"),
    "aside": ("team", "crew/deep", "models"),
    "the settings alone": ("team", ".", "team/models"),
}


@pytest.mark.parametrize("way", MOVES)
def test_a_guard_counts_where_the_settings_stood(way: str, place: Place) -> None:
    """A folder with settings that moves, with its models or without, keeps its limits, its guards and its causes."""
    before, after, models = MOVES[way]
    _settle(place, lifecycle=PROTECT)
    top = place.team.folder
    settings = (top / "syncer.toml").read_text()

    def move(source: str, goal: str, folder: str, limits: str) -> None:
        (top / goal).mkdir(parents=True, exist_ok=True)
        (top / source / "syncer.toml").unlink()
        (top / goal / "syncer.toml").write_text(f"models = '{folder}'\n{limits}{settings}")
        if source != goal and not (top / goal / folder).exists():
            (top / source / "models").rename(top / goal / folder)

    move(".", before, "models", "max_change_percent = 10\nmax_change_floor = 1\n")
    base = place.commit("Before")
    move(before, after, models, "max_change_percent = 100\n")
    file = top / after / models / "m0.yaml"
    file.write_text(json.dumps(definition(MODELS[0], query=QUERY)))
    place.edit(MODELS[1]["id"], query="SELECT id FROM the_ui")
    sent = len(writes(place.box))
    for command in (["plan"], ["apply", "--auto-approve"]):
        refused = place.team.run(command[0], "--chdir", after, *command[1:], "--base", base)
        assert (refused.code, len(writes(place.box))) == (1, sent), refused.text
        for said in ("m0 is protected, and would change (query)", "the limit is 10 % from 1 change on"):
            assert said in flat(refused.err)
        for said in ("max_change_percent rises from 10 to 100", "`protect` of m0 is lifted", "(query: drift)"):
            assert said in flat(refused.out)
        assert "is incomplete" not in refused.text


def test_settings_that_go_on_holding_were_not_moved(place: Place) -> None:
    """A second folder with settings begins anew: what the first one has isn't missing in its plan."""
    base = _settle(place)
    top = place.team.folder
    (top / "team/models").mkdir(parents=True)
    (top / "team/syncer.toml").write_text((top / "syncer.toml").read_text())
    (top / "team/models/other.yaml").write_text(json.dumps(definition(MODELS[0])))
    planned = place.team.run("plan", "--chdir", "team", "--base", base)
    assert (planned.code, "no longer managed" in planned.out) == (0, False), planned.text


HURT: dict[str, Callable[[Place], None]] = {
    "a template in the query": _write("m0", query="SELECT id FROM {{ ref('users') }}", lifecycle=PROTECT),
    "a conflict that was merged": _write("m0", query="<<<<<<< HEAD\nSELECT 1\n>>>>>>> main", lifecycle=PROTECT),
    "no primary key": _write("m0", primary_key=..., lifecycle=PROTECT),
    "an unknown key": _write("m0", protected=True, lifecycle={**PROTECT, "allow": 7}),
    "a second file of the id": lambda place: place.team.write("z", definition(MODELS[0], name="Twin")),
}


@pytest.mark.parametrize("way", HURT)
def test_a_guard_counts_where_its_file_was_not_valid_at_the_base(way: str, place: Place) -> None:
    """What else the file says there is of no matter, and its definition can be missed, too, when it's removed."""
    _settle(place, lifecycle=PROTECT)
    HURT[way](place)
    base = place.commit("Hurt")
    (place.team.folder / "models" / "z.yaml").unlink(missing_ok=True)
    _write("m0", query=QUERY)(place)
    sent = len(writes(place.box))
    for command in (["plan"], ["apply", "--auto-approve"]):
        refused = place.team.run(*command, "--base", base)
        assert (refused.code, len(writes(place.box))) == (1, sent), refused.text
        assert "m0 is protected, and would change (query)" in flat(refused.err)
        assert "`protect` of m0 is lifted" in flat(refused.out)

    (place.team.folder / "models" / "m0.yaml").unlink()
    assert "m0: live model 1, model 01 raw_sql" in flat(place.team.run("plan", "--base", base).out)


def test_what_a_change_loosens_is_said_where_nothing_else_changes(place: Place) -> None:
    """`protect`, `ignore_changes`, `allow`, `create` and the limits; a comment is begun, and nothing is refused.

    Merged, it counts: the next change passes.
    """
    base = _settle(place, lifecycle={"protect": True, "ignore_changes": ["configuration"], "allow": ["query_type"]})
    lifecycle = {"ignore_changes": ["configuration", "configuration.x", "description"], "allow": ["primary_key"]}
    place.git("switch", "--quiet", "--create", "loose")
    place.team.write("m0", definition(MODELS[0], lifecycle=lifecycle))
    _settings_alone(place, "create = true\nmax_change_percent = 100\nmax_change_floor = 20\n")
    head = place.commit("Loose")
    done = place.plan_pull_request(head, base)
    assert (done.code, place.outputs["has_changes"], place.outputs["exit_code"]) == (0, "false", "0"), done.text
    (comment,) = place.comments
    said = comment.replace("`", "")
    for one in (
        "max_change_percent rises from 30 to 100",
        "max_change_floor rises from 10 to 20",
        "create is switched on",
        "protect of m0 is lifted",
        "m0 ignores changes of description from now on",
        "m0 allows primary_key from now on",
    ):
        assert said.count(one) == 1, one
    assert "configuration.x" not in said
    assert "No changes. Merging this alters nothing in prod." in said

    place.team.write("m0", definition(MODELS[0], lifecycle=lifecycle, query=QUERY))
    assert place.team.run("plan", "--base", head).code == 0
    assert place.team.run("plan", "--base", base).code == 1


def _settings_alone(place: Place, more: str) -> None:
    file = place.team.folder / "syncer.toml"
    file.write_text(f"{more}{file.read_text()}")


# -- what is no longer managed ---------------------------------------------------------------------------------------


def test_a_definition_that_is_removed_is_said(place: Place) -> None:
    """Plan, comment, JSON, page, file and apply name it with its live model and its syncs; a moved file is none."""
    base = _settle(place)
    place.git("switch", "--quiet", "--create", "less")
    (place.team.folder / "models" / "m0.yaml").unlink()
    (place.team.folder / "models" / "m1.yaml").rename(place.team.folder / "models" / "moved.yaml")
    head = place.commit("Less")
    said = "1 model is no longer managed: git removes the definition, and the live model stays as before"
    live = "m0: live model 1, model 01 raw_sql; feeds sync 1 to crm-webhook, sync 2 to crm-webhook, sync 3 to"

    done = place.plan_pull_request(head, base)
    assert (done.code, place.outputs["has_changes"], place.outputs["exit_code"]) == (0, "false", "0"), done.text
    (comment,) = place.comments
    assert "No changes. Merging this alters no live model in `prod`." in comment
    for text in (done.out, comment.replace("`", "")):
        assert said in flat(text)
        assert live in flat(text.replace("> -", ""))
        assert "m1" not in text.replace("plan digest", "").partition("m0: live")[2].partition("\n")[0]

    files = ["--out", "plan.json", "--json=plan.jsonl", "--html", "plan.html"]
    assert place.team.run("plan", "--base", base, "--detailed-exitcode", *files).code == 0
    summary = _json((place.team.folder / "plan.jsonl").read_text("utf-8"))[-1]
    (removed,) = summary["removed"]
    assert (removed["address"], removed["id"], len(removed["syncs"])) == ("m0", 1, 3)
    assert said in (place.team.folder / "plan.html").read_text("utf-8")
    for command in (["show", "plan.json"], ["apply", "plan.json"], ["apply", "--base", base, "--auto-approve"]):
        told = place.team.run(*command)
        assert (told.code, live in flat(told.out)) == (0, True), told.text
    assert writes(place.box)[1:] == []

    # Whose live model is gone, too, leaves nothing behind; and of one that a file declares anew nothing is gone.
    place.team.write("other", definition(MODELS[0]))
    assert "no longer managed" not in place.team.run("plan", "--base", base).out
    place.team.write("other", {**definition(MODELS[0]), "id": MODELS[2]["id"]})
    (place.team.folder / "models" / "m2.yaml").unlink()
    assert "m0: live model 1" in place.team.run("plan", "--base", base, "--summary").out


def test_what_is_not_checked_out_is_not_removed(place: Place) -> None:
    """A sparse checkout leaves definitions out of the work tree that git still has."""
    base = _settle(place)
    place.git("sparse-checkout", "set", "--no-cone", "/*", "!/models/m0.yaml")
    assert not (place.team.folder / "models" / "m0.yaml").exists()
    assert "no longer managed" not in place.team.run("plan", "--base", base).out

    place.git("rm", "--quiet", "--sparse", "models/m0.yaml")
    assert "no longer managed" in place.team.run("plan", "--base", base).out


def test_ids_that_changed_places_are_said(place: Place) -> None:
    """Each live model would get the other's name, and feed the other's rows to its syncs; a rename of one's own isn't said."""
    base = _settle(place)
    for number, other in ((0, 1), (1, 0)):
        place.team.write(f"m{number}", definition(MODELS[number], id=MODELS[other]["id"]))
    place.team.write("m2", definition(MODELS[2], name="Renamed"))
    names = [MODELS[number]["name"] for number in (0, 1)]
    planned = flat(place.team.run("plan", "--base", base).out)
    for before, after in (names, names[::-1]):
        assert f'Warning: live name "{before}" becomes "{after}"' in planned
    assert planned.count("Warning: live name") == 2


# -- drift is no plan ------------------------------------------------------------------------------------------------


def test_a_drift_file_is_shown_as_drift_and_never_applied(place: Place) -> None:
    """Its diffs are turned round: applying it would do the reverse of what was shown."""
    head = _settle(place)
    place.host.branches["main"] = head
    place.edit(MODELS[0]["id"], description="edited in the UI")
    assert place.team.run("drift", "--out", "drift.json", "--markdown", "drift.md").code == 2
    sent = len(writes(place.box))

    shown = place.team.run("show", "drift.json")
    assert shown.code == 0
    assert "Models have changed outside of git" in shown.out
    assert "syncer drift   prod" in shown.out
    for form, said in (("markdown", "### syncer drift"), ("html", "syncer drift"), ("json", '"resource_drift"')):
        assert said in place.team.run("show", "drift.json", "--format", form).out
    markdown = (place.team.folder / "drift.md").read_text("utf-8")
    assert place.team.run("show", "drift.json", "--format", "markdown").out == markdown

    told = "this file is a drift report (`syncer drift` made it), and not a plan; nothing was written"
    refused = place.team.run("apply", "drift.json")
    assert (refused.code, told in flat(refused.err)) == (1, True), refused.text
    file = str(place.team.folder / "drift.json")
    digest = json.loads(Path(file).read_text("utf-8"))["digest"]
    for flags in ([], ["--expect-digest", digest]):
        refused = place.job(push(head, head), ["ci", "apply", file, *flags], name="push")
        assert (refused.code, "is a drift report" in flat(refused.err)) == (1, True), refused.text
    told_in_ci = place.job(change(head, head), ["ci", "comment", file], name="pull_request")
    assert "is a drift report" in flat(told_in_ci.err)
    assert "failed" in place.comments[0]
    assert len(writes(place.box)) == sent


# -- in CI -----------------------------------------------------------------------------------------------------------


def test_what_lifts_a_refusal_in_ci_comes_by_variables(place: Place) -> None:
    """A refused plan is red, its comment and outputs say so; the run that says what lifts it plans and applies."""
    base = _settle(place, lifecycle=PROTECT)
    place.git("switch", "--quiet", "--create", "risky")
    place.team.write("m0", definition(MODELS[0], primary_key="email", lifecycle=PROTECT))
    head = place.commit("Risky")
    file = str(place.folder / "plan.json")
    assert place.plan_pull_request(head, base).code == 1
    commented = place.job(change(head, base), ["ci", "comment", file], name="pull_request")
    assert commented.code == 0
    assert (place.outputs["has_changes"], place.outputs["exit_code"], len(place.outputs["digest"])) == ("true", "1", 64)
    (comment,) = place.comments
    assert "refused: 2 (1 model to change)" in comment
    assert "started by hand" in comment
    assert "::error file=models/m0.yaml" in commented.out

    merged = place.merge("risky")
    lift = {"SYNCER_ALLOW": "protect, primary_key", "GITHUB_SHA": merged}
    for more, code in (({}, 1), ({"SYNCER_ALLOW": "protect"}, 1), (lift, 0)):
        planned = place.job(push(base, merged), ["ci", "plan", "--out", file], name="push", more=more)
        assert planned.code == code, planned.text
    for more, code in (({}, 1), (lift, 0)):
        applied = place.job(
            push(base, merged), ["ci", "apply", file, "--expect-digest", _digest(file)], name="push", more=more
        )
        assert applied.code == code, applied.text
    for name, value in (("ALLOW", "all"), ("ON_DRIFT", "never"), ("MAX_CHANGE_PERCENT", "many")):
        wrong = place.job(push(base, merged), ["ci", "plan"], name="push", more={f"SYNCER_{name}": value})
        assert (wrong.code, f"SYNCER_{name}" in wrong.err) == (1, True)


def _digest(file: str) -> str:
    """The digest that a plan file holds."""
    digest: str = json.loads(Path(file).read_text("utf-8"))["digest"]
    return digest
