"""Several environments: models that live in some only, what the settings and folders give, and what show says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from builders import FakeApi, live
from event_schema import VALIDATOR
from played import CONNECTORS, SETTINGS, STAGING, Played

from syncer import package_files

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.model import LiveModel


@pytest.fixture
def team(tmp_path: Path) -> Played:
    """A repository with two environments; its prod has two models."""
    models: tuple[LiveModel, ...] = (live(1, name="A", primary_key="id"), live(2, name="B", primary_key="id"))
    played = Played(tmp_path, FakeApi(models, CONNECTORS))
    played.write("syncer.toml", SETTINGS + STAGING)
    return played


REST = "query_type: raw_sql\nprimary_key: id\nquery: SELECT id FROM t\n"


def _told(result: object) -> str:
    return " ".join(str(getattr(result, "text", result)).replace("│", " ").split())


def test_a_model_lives_in_the_environments_that_its_file_names(team: Played) -> None:
    """The others pass over it and count it; files of different environments may share a name, and an id at the top."""
    team.write("models/a.yaml", f"name: A\nid: 1\nconnector_id: 1\nonly: [prod]\n{REST}")
    team.write("models/a2.yaml", f"name: A\nid: 1\nconnector_id: 1\nonly: [staging]\n{REST}")
    team.write("models/b.yaml", f"name: B\nconnector_id: 1\nenvironments: {{prod: {{id: 2}}}}\n{REST}")
    team.commit()

    assert team.run("validate").out == "3 definitions checked: no problems. 2 of them in some environments only.\n"
    plan = team.run("plan")
    assert plan.code == 0
    assert "Plan: 0 to add, 2 to change, 0 to destroy.\n1 definition for other environments only." in plan.out
    lines = [json.loads(line) for line in team.run("plan", "--json").out.splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    assert lines[-1]["elsewhere"] == 1
    assert "1 definition for other environments only." in team.run("list").out
    assert "1 definition for other environments only." in team.run("drift").out

    # For prod this is a removed definition.
    team.write("models/b.yaml", f"name: B\nconnector_id: 1\nonly: [staging]\n{REST}")
    said = _told(team.run("plan", "--base", "HEAD"))
    assert "1 model is no longer managed" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("only: prod", 'only must be a list of environment names; found the text "prod"'),
        ("only: []", "only is empty: the model would live in no environment"),
        ("only: [prdo]", 'only names the environment "prdo", which the settings don\'t have'),
        ("only: [1]", "only[0] must be the name of an environment"),
        ("only: null", "only must be a list of environment names; found nothing"),
        ("only: {prod: 1}", "only must be a list of environment names; found a mapping"),
        ("environments: {prod: {only: [prod]}}", "unknown key only"),
    ],
)
def test_where_a_model_lives_is_checked(team: Played, line: str, said: str) -> None:
    """A mistyped environment would pass over the file everywhere, without a word."""
    team.write("models/a.yaml", f"name: A\nconnector_id: 1\n{REST}{line}\n")
    result = team.run("validate")

    assert result.code == 1
    assert said in _told(result)
    assert "models/a.yaml:" in result.text


def test_a_connector_has_another_name_in_an_environment(team: Played) -> None:
    """The map holds for what files say, and for no name under an environment; an import writes the files' name."""
    names = '[environments.prod.connectors]\n"prod_wh" = "warehouse"\n'
    team.write("syncer.toml", SETTINGS + names)
    team.write("models/a.yaml", f"name: A\nid: 1\nconnector: prod_wh\n{REST}")
    assert "connector" not in team.run("plan").out.partition("Plan:")[0].replace("connector_id", "connector_id")
    assert team.run("import", "2").code == 0
    assert b"connector: prod_wh\n" in team.read("models/b.yaml")
    assert "warehouse" in team.run("show", "b").out
    assert 'says "prod_wh", and syncer.toml:6:1 maps it' in team.run("show", "b").out

    team.write("models/a.yaml", f"name: A\nid: 1\nenvironments: {{prod: {{connector: prod_wh}}}}\n{REST}")
    assert "the workspace has no source connector named 'prod_wh'" in _told(team.run("plan"))
    team.write("syncer.toml", SETTINGS + names.replace('"warehouse"', '"warehose"'))
    assert "named 'warehose' (the settings call 'prod_wh' so here)" in (said := _told(team.run("plan")))
    assert "did you mean 'warehouse'?" in said
    team.write("syncer.toml", SETTINGS + names.replace("prod_wh", "prod_w"))
    assert 'no file names the connector "prod_w"' in (said := _told(team.run("validate")))
    assert 'did you mean "prod_wh"?' in said


def test_fields_come_from_the_nearest_default(team: Played) -> None:
    """A file, its environment, the folders from the nearest, the environment's defaults, the settings' defaults."""
    settings = (
        f'[defaults]\nquery_type = "raw_sql"\ndescription = "all"\nlifecycle = {{protect = true}}\n{STAGING}'
        '[environments.prod]\napi_url = "https://api.example.com"\nworkspace_id = 2\n'
        '[environments.prod.defaults]\ndescription = "prod"\n'
    )
    team.write("syncer.toml", f'default_environment = "prod"\n{settings}')
    team.write("models/_defaults.yaml", "connector: warehouse\nprimary_key: id\n")
    team.write("models/x/_defaults.yaml", "connector_id: 7\nlifecycle: {allow: [primary_key]}\n")
    team.write("models/x/y/a.yaml", "name: A\nquery: SELECT id FROM t\nenvironments:\n  prod: {id: 1}\n")

    assert team.run("validate").code == 0
    assert (
        team.run("show", "x/y/a").out
        == """\
# x/y/a as prod sees it

# models/x/y/a.yaml:4:10
id: 1

# models/x/y/a.yaml:1:1
name: A

# syncer.toml:13:1
description: prod

# models/x/_defaults.yaml:1:1
connector_id: 7

# syncer.toml:3:1
query_type: raw_sql

# models/_defaults.yaml:2:1
primary_key: id

# models/x/y/a.yaml:2:1
query: SELECT id FROM t

# protect: syncer.toml:5:1
# allow: models/x/_defaults.yaml:2:13
lifecycle:
  protect: true
  allow:
    - primary_key
"""
    )
    line = json.loads(team.run("show", "x/y/a", "--json", "--env", "staging").out.splitlines()[1])
    VALIDATOR.validate(line)
    assert {"path": ["description"], "value": "all", "file": "syncer.toml", "line": 4, "column": 1} in line["values"]
    team.write(
        "models/x/y/a.yaml",
        "name: A\nquery: SELECT id FROM t\nenvironments: {prod: {connector: endpoint, lifecycle: {protect: false}}}\n",
    )
    shown = team.run("show", "x/y/a").out
    assert "# models/x/y/a.yaml:3:23\nconnector: endpoint" in shown
    assert "protect: false" in shown
    assert "allow:\n    - primary_key" in shown


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1 or str()}'] * 9)}]\n" for n in range(1, 8)
)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("- connector\n", "1:1", "the file holds a list, not keys and values"),
        ("", "", "the file has no content"),
        (BOMB, "", "the aliases up to here expand"),
        ("name: A\nconnector: warehouse\n", "1:1", "name can't be a default: each model file says its own"),
        ("conector: warehouse\n", "1:1", "unknown key conector"),
        ("connector: 5\n", "1:12", "connector must be the name of a connector"),
        ("connector: a\nconnector_id: 1\n", "2:1", "connector and connector_id are both given here"),
        ("lifecycle: true\n", "1:12", "lifecycle must be a mapping"),
        (
            "configuration:\n  api_key: hunter2222\n",
            "2:12",
            "configuration.api_key is a secret, and is in clear",
        ),
        ("primary_key: [\n", "", ""),
    ],
)
def test_defaults_are_checked_like_any_file(team: Played, text: str, place: str, said: str) -> None:
    """One problem, at its place in the defaults; files below aren't told to say what it would have given."""
    team.write("models/_defaults.yaml", text)
    for name in ("a", "b/c"):
        team.write(f"models/{name}.yaml", f"name: {name}\n{REST}")
    for arguments in (("validate",), ("validate", "models/b/c.yaml"), ("validate", "models/_defaults.yaml")):
        result = team.run(*arguments)
        assert result.code == 1
        assert result.text.count("Error: ") == 1, result.text
        assert f"models/_defaults.yaml{f':{place}' if place else ''}" in result.text
        assert said in _told(result)
        assert "hunter" not in result.text


def test_a_missing_field_may_be_given_in_several_places(team: Played) -> None:
    """What is missing says so, with where it could be given; a link out of the repository gives nothing."""
    (team.folder.parent / "outside.yaml").write_text("connector: warehouse\n")
    team.write("models/a.yaml", f"name: A\n{REST}")
    said = _told(team.run("validate"))
    assert "_defaults.yaml there, for all files in [defaults] of the settings" in said

    (team.folder / "models" / "_defaults.yaml").symlink_to(team.folder.parent / "outside.yaml")
    result = team.run("validate")
    assert "this symlink leads out of the repository" in result.text
    assert result.text.count("Error: ") == 1
    (team.folder / "models" / "_defaults.yaml").unlink()
    team.write(
        "syncer.toml",
        SETTINGS + "[defaults]\nconnector = 5\nprimary_key = 2026-01-01\n[environments.prod.connectors]\na = 1\n",
    )
    said = _told(team.run("validate"))
    assert "defaults.'primary_key' holds a date or a time" in said
    assert "environments.prod.connectors.'a' must be the connector's name there" in said


def test_a_changed_default_is_this_change_for_every_file(team: Played) -> None:
    """With a base, the base's defaults say what its files meant; a guard that stood there still guards."""
    team.write("models/_defaults.yaml", "connector: warehouse\ndescription: old\nlifecycle: {protect: true}\n")
    for number, name in ((1, "A"), (2, "B")):
        team.write(f"models/{name}.yaml", f"name: {name}\nid: {number}\n{REST}")
    team.write("syncer.toml", SETTINGS)
    for model in (1, 2):
        team.api.models[model] = live(
            model, name="AB"[model - 1], description="old", primary_key="id", query="SELECT id FROM t"
        )
    team.commit()
    assert "No changes." in team.run("plan", "--base", "HEAD").out

    team.write("models/_defaults.yaml", "connector: warehouse\ndescription: new\n")
    plan = team.run("plan", "--base", "HEAD")
    assert plan.out.count("(description: this change)") == 2
    assert "`protect` of A is lifted" in _told(plan)
    assert "refused: 2" in plan.out.casefold()
    # Under another name it is a model file, and not a valid one.
    (team.folder / "models" / "_defaults.yaml").rename(team.folder / "models" / "defaults.yaml")
    assert team.run("plan", "--base", "HEAD").code == 1

    # The same from the settings.
    (team.folder / "models" / "defaults.yaml").unlink()
    team.write("syncer.toml", SETTINGS + '[defaults]\nconnector = "warehouse"\ndescription = "newer"\n')
    assert team.run("plan", "--base", "HEAD").out.count("(description: this change)") == 2


def test_drift_is_what_the_settings_of_its_commit_say(team: Played) -> None:
    """A default that was edited since in the work tree is no drift, and hides none."""
    default = SETTINGS + '[defaults]\ndescription = "{}"\n'
    team.api.edit(1, description="all")
    team.write("models/a.yaml", f"name: A\nid: 1\nconnector: warehouse\n{REST}")
    team.write("syncer.toml", default.format("all"))
    team.commit()
    same = team.run("drift")
    team.write("syncer.toml", default.format("mine"))
    assert team.run("drift") == same
    team.api.edit(1, description="mine")
    assert "description" in team.run("drift").out


def test_drift_in_a_default_is_left_to_a_person(team: Played) -> None:
    """A default holds for many files, so a live value of one model goes into neither; new files say all by themselves."""
    team.write("syncer.toml", SETTINGS)
    team.write("models/_defaults.yaml", "connector: warehouse\ndescription: old\n")
    team.write("models/a.yaml", f"name: A\nid: 1\n{REST}")
    team.api.models[1] = live(1, name="A", description="edited", primary_key="id", query="SELECT id FROM t")
    before = team.files
    result = team.run("import", "--drift", "--auto-approve")
    assert "its value is a default of models/_defaults.yaml" in _told(result)
    assert team.files == before

    team.api.models[2] = live(2, name="B", description="", primary_key="id", query="SELECT id FROM t")
    result = team.run("import", "2")
    assert result.code == 0, result.text
    assert "B" not in team.run("plan", "--target", "b").out.partition("will be updated")[2]


def test_a_wrong_default_of_the_base_is_no_definition(team: Played) -> None:
    """The base's defaults are anybody's text: where they're wrong, its files say nothing, and are named."""
    team.write("syncer.toml", SETTINGS + '[defaults]\nlifecycle = "x"\nconnector = 5\n')
    team.write("models/a.yaml", f"name: A\nid: 1\n{REST}")
    team.commit()
    team.write("syncer.toml", SETTINGS + '[defaults]\nconnector = "warehouse"\n')
    plan = team.run("plan", "--base", "HEAD")
    assert plan.code == 0
    assert "is incomplete" in plan.out


def test_what_passed_under_other_defaults_is_checked_again(team: Played) -> None:
    """A hundred files are remembered with what they inherit; without their default each lacks its connector."""
    team.write("syncer.toml", SETTINGS)
    team.write("models/_defaults.yaml", "connector: warehouse\n")
    for number in range(120):
        team.write(f"models/m{number}.yaml", f"name: M{number}\nid: {number + 10}\n{REST}")
    team.run("plan")
    team.write("models/_defaults.yaml", "description: none\n")
    assert "120 errors" in team.run("plan").text


def test_a_plan_file_and_a_definition_are_told_apart(team: Played) -> None:
    """What is there is a plan, unless it's a model file; --env always means a definition."""
    team.write("models/plan.yaml", f"name: A\nconnector_id: 1\nenvironments: {{prod: {{id: 1}}}}\n{REST}")
    team.run("plan", "--out", "plan")
    assert "Its digest: " in team.run("show", "plan").out
    assert "# plan as prod sees it" in team.run("show", "plan", "--env", "prod").out
    assert "# plan as prod sees it" in team.run("show", "models/plan.yaml").out
    assert "did you mean plan?" in team.run("show", "plann").err
    assert team.run("show", "plan", "--env", "prod", "--format", "html").code == 1


def test_editors_know_what_can_be_a_default() -> None:
    """The schema of a `_defaults.yaml` stands by itself."""
    schema = package_files.defaults_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"connector": "warehouse", "lifecycle": {"protect": True}}, schema)
    wrongs: list[dict[str, Any]] = [
        {"name": "A"},
        {"query": "SELECT 1"},
        {"id": 1},
        {"only": ["prod"]},
        {"environments": {}},
    ]
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
