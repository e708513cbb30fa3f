"""From one environment to two: a table in the settings, ids in files, credentials, and what differs between the two."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from builders import FakeApi, live
from event_schema import VALIDATOR
from played import CONNECTORS, SETTINGS, STAGING, Played

from syncer import config
from syncer.cli.shared import doctor_checks
from syncer.cli.shared.run import Run
from syncer.cli.shared.secrets import secrets
from syncer.config import settings_edits
from syncer.config.settings import Environment
from syncer.errors import SettingsError
from syncer.model import Connector, LiveState, Unreadable
from syncer.plan.limits import Limits
from syncer.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.model import LiveModel

REST = "query_type: raw_sql\nprimary_key: id\nquery: SELECT 1\n"
THERE = (
    Connector(21, "staging warehouse", "source", "Snowflake"),
    Connector(22, "endpoint", "source", "HttpModel"),
    Connector(23, "crm", "destination", "Http"),
)


def _model(model_id: int, name: str, connector: int = 1, **fields: Any) -> LiveModel:
    given = {"name": name, "connector_id": connector, "primary_key": "id", "query": "SELECT 1", **fields}
    return live(model_id, **given)


@pytest.fixture
def team(tmp_path: Path) -> Played:
    """A repository that has a prod, with ids at the top of its files, and a staging that is a table so far."""
    played = Played(tmp_path, FakeApi((_model(1, "A"), _model(2, "B", 2), _model(3, "C")), CONNECTORS))
    there = (_model(51, "A", 21), _model(52, "B", 22), _model(53, "C", 21), _model(99, "Experiment", 21))
    played.others["staging"] = FakeApi(there, THERE)
    played.write("syncer.toml", SETTINGS + STAGING)
    played.write("models/a.yaml", f"# The first.\nid: 1  # of the UI\nname: A\nconnector: warehouse\n{REST}")
    played.write("models/b.yaml", f"id: 2\nname: B\nconnector: endpoint\n{REST}")
    played.write("models/c.yaml", f"id: 3\nname: C\nconnector_id: 1\n{REST}lifecycle: {{protect: true}}\n")
    return played


def _flat(result: object) -> str:
    return " ".join(str(getattr(result, "text", result)).replace("│", " ").split())


MATCH = ("import", "--env", "staging", "--match", "name")


def test_the_second_environment_is_two_commands(team: Played) -> None:
    """Ids go under their environments, connectors get their names there; then both plans are green."""
    before = team.files | {"syncer.toml": team.read("syncer.toml")}
    shown = team.run(*MATCH)
    assert shown.code == 0
    assert (
        '~ models/a.yaml  id 51\n~ models/b.yaml  id 52\n~ models/c.yaml  id 53, connector "staging warehouse"'
        in shown.out
    )
    assert "3 ids at the top of files move under environments.prod." in shown.out
    assert '+[environments.staging.connectors]\n+warehouse = "staging warehouse"' in shown.out
    assert "Nothing was written: say --auto-approve" in shown.out
    assert team.files | {"syncer.toml": team.read("syncer.toml")} == before

    done = team.run(*MATCH, "--auto-approve")
    assert done.code == 0, done.text
    assert "4 files written." in done.out
    assert team.read("models/a.yaml").decode() == (
        f"# The first.\n# of the UI\nname: A\nconnector: warehouse\n{REST}"
        "environments:\n  prod:\n    id: 1\n  staging:\n    id: 51\n"
    )
    assert team.read("syncer.toml").decode() == (
        SETTINGS + STAGING + '\n[environments.staging.connectors]\nwarehouse = "staging warehouse"\n'
    )
    assert team.is_in_step("--env", "staging")
    assert team.is_in_step("--env", "prod")
    again = team.run(*MATCH, "--auto-approve")
    assert again.code == 0
    assert "Match: 0 files to bind, 3 with an id in staging already." in again.out
    assert "written" not in again.out.lower().replace("nothing was written", "")


def test_what_a_name_does_not_tell_is_listed(team: Played) -> None:
    """Nothing, several, two files of one name: none is bound, and each is listed with what to write."""
    there = team.others["staging"]
    there.models = {model.id: model for model in (_model(51, "A", 21), _model(52, "A", 21), _model(54, "c", 21))}
    team.write("models/d.yaml", f"name: D\nconnector: endpoint\nenvironments: {{prod: {{id: 9}}}}\n{REST}")
    team.write("models/d2.yaml", f"name: D\nconnector: endpoint\nonly: [staging]\n{REST}")
    there.models[55] = _model(55, "D", 22)
    result = team.run(*MATCH, "--auto-approve")

    assert result.code == 1
    assert 'models/a.yaml  "A"\n    2 live models: id 51 "A", id 52 "A"\n' in result.out
    assert 'models/d.yaml  "D"\n    the same name is in models/d2.yaml\n' in result.out
    assert 'No live model of staging has the name of these files (2):\n  models/b.yaml  "B"\n' in result.out
    assert '  models/c.yaml  "C" (is it id 54 "c"?)\n' in result.out
    assert "syncer import --match name --set-only --env staging" in result.out
    assert "Match: 0 files to bind, 2 without a live model, 3 unclear, 0 with an id in staging already." in result.out
    # The ids at the top are prod's all the same: no plan of staging may take them for its own.
    assert team.read("models/a.yaml").endswith(b"environments:\n  prod:\n    id: 1\n")
    assert "duplicate-name" in team.run("validate").text
    (team.folder / "models/d2.yaml").unlink()

    limited = team.run(*MATCH, "--set-only", "--auto-approve")
    assert "Files that will live elsewhere only (`only` names prod):\n  models/b.yaml\n" in limited.out
    assert "these files (1):" in limited.out
    assert b"only:\n  - prod\n" in team.read("models/b.yaml")
    assert team.run("validate").out == "4 definitions checked: no problems. 1 of them in some environments only.\n"


def test_what_cannot_be_read_may_bear_the_name(team: Played) -> None:
    """A live model that nobody can read could be a namesake, so no file is bound by a name that it may have."""
    rows = (Unreadable(77, "broken", "A"),)
    there = team.others["staging"]
    models = tuple(there.models.values())
    there.fetch = lambda declared: LiveState(models, rows)  # type: ignore[method-assign]  # noqa: ARG005
    assert "a live model that can't be read may have this name" in team.run(*MATCH).out
    there.fetch = lambda declared: LiveState(models, (), complete=False)  # type: ignore[method-assign]  # noqa: ARG005
    assert "0 files to bind, 3 unclear" in team.run(*MATCH).out


def test_whose_an_id_at_the_top_is_must_be_certain(team: Played) -> None:
    """It's the one other environment's, unless the ids look like this one's own; with several others a person says."""
    team.write("syncer.toml", SETTINGS + STAGING + STAGING.replace("staging", "qa"))
    refused = team.run(*MATCH)
    assert refused.code == 1
    assert "3 files have an id at the top, and it could be one of prod, qa" in _flat(refused)
    assert "there are prod, staging, qa" in _flat(team.run(*MATCH, "--top-ids", "prd"))
    assert team.run(*MATCH, "--top-ids", "prod", "--auto-approve").code == 0
    assert b"environments:\n  prod:\n    id: 1\n  staging:\n    id: 51\n" in team.read("models/a.yaml")
    assert "  staging  \n" not in team.run("plan", "--env", "qa").out


def test_ids_of_this_very_environment_are_not_given_away(team: Played) -> None:
    """Where most ids at the top are those of models here with these names, they may be this environment's own."""
    team.others["staging"].models = {model.id: model for model in (_model(1, "A", 21), _model(2, "B", 22))}
    before = team.files
    refused = team.run(*MATCH, "--auto-approve")
    assert refused.code == 1
    assert "2 of 3 ids at the top of files are those of models in staging that bear these very names" in _flat(refused)
    assert team.files == before
    team.run(*MATCH, "--top-ids", "staging", "--auto-approve")
    assert team.read("models/b.yaml").endswith(b"environments:\n  staging:\n    id: 2\n")


def test_connectors_are_mapped_only_where_all_models_agree(team: Played) -> None:
    """One model on another connector may have been moved on purpose, so nobody guesses; an existing name stays."""
    team.write("models/d.yaml", f"name: Experiment\nconnector: warehouse\nenvironments: {{prod: {{id: 9}}}}\n{REST}")
    team.others["staging"].edit(99, connector_id=22)
    result = team.run(*MATCH, "--auto-approve")
    assert result.code == 1
    assert '"warehouse": "staging warehouse" (1 model), "endpoint" (1 model)' in result.out
    assert b"connectors" not in team.read("syncer.toml")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--match", "name", "--drift"), "--drift and --match are two ways of importing"),
        (("--match", "name", "--all"), "--all can be said only without --match"),
        (("--match", "name", "--base", "HEAD"), "--base can be said only without --match"),
        (("--all", "--set-only"), "--set-only can be said only with --match"),
        (("--drift", "--top-ids", "prod"), "--top-ids can be said only without --drift"),
        (("--match", "name", "--env", "sandbox"), "the settings have no such environment"),
    ],
)
def test_flags_of_another_way_of_importing_are_refused(team: Played, flags: tuple[str, ...], said: str) -> None:
    """None is taken and not obeyed."""
    result = team.run("import", *flags)
    assert result.code == 1
    assert said in _flat(result)


# -- the settings ------------------------------------------------------------------------------------------------------

QA = Environment("qa", "https://qa.example.com", 4)


def test_a_table_is_added_and_nothing_else_moves() -> None:
    """Comments, order, line ends and a mark stay; what can't take a table is said, with what to write."""
    toml = b'# Ours.\ndefault_environment = "prod"  # mostly\n\n[environments.prod]\r\napi_url = "https://x.example"'
    added = settings_edits.with_environment(toml, "syncer.toml", QA)
    assert added == toml + (b'\r\n\r\n[environments.qa]\r\napi_url = "https://qa.example.com"\r\nworkspace_id = 4\r\n')
    names = {"ware house": 'the "new" one', "b": "c"}
    mapped = settings_edits.with_connectors(added, "syncer.toml", "qa", names)
    more = settings_edits.with_connectors(mapped, "syncer.toml", "qa", {"d": "e"})
    assert tomllib.loads(more.decode())["environments"]["qa"]["connectors"] == names | {"d": "e"}
    assert more.replace(b'd = "e"\r\n', b"") == mapped

    project = b"\xef\xbb\xbf[tool.syncer.environments.prod]\nworkspace_id = 1\n[tool.other]\n"
    assert settings_edits.with_environment(project, "pyproject.toml", QA).endswith(
        b'[tool.other]\n\n[tool.syncer.environments.qa]\napi_url = "https://qa.example.com"\nworkspace_id = 4\n'
    )
    for closed in (b"environments = {prod = {workspace_id = 1}}\n", b"[environments]\nqa.workspace_id = 1\n"):
        with pytest.raises(SettingsError, match="no room") as refused:
            settings_edits.with_environment(closed, "syncer.toml", QA)
        assert "[environments.qa]\n" in refused.value.hint


def test_init_adds_an_environment(team: Played) -> None:
    """Behind all that stands there; a workspace that has a name already gets no second one."""
    new = ("init", "--env", "qa", "--api-url", "https://qa.example.com", "--no-check")
    assert "to add it: `syncer init --env qa --api-url URL --workspace-id N`" in _flat(team.run(*new[:3]))
    twin = team.run(
        "init", "--env", "qa", "--api-url", "https://staging.example.com/", "--workspace-id", "3", "--no-check"
    )
    assert (twin.code, "'qa' would be the workspace that 'staging' is" in _flat(twin)) == (1, True)
    assert team.read("syncer.toml").decode() == SETTINGS + STAGING

    done = team.run(*new, "--workspace-id", "4")
    assert done.code == 0, done.text
    assert "Added [environments.qa] to syncer.toml" in done.out
    assert "`syncer import --match name --env qa` writes into the files the ids" in done.out
    assert "SYNCER_TOKEN_QA" in done.out
    assert team.read("syncer.toml").decode() == (
        SETTINGS + STAGING + '\n[environments.qa]\napi_url = "https://qa.example.com"\nworkspace_id = 4\n'
    )
    other = team.run(
        "init", "--env", "qa", "--api-url", "https://other.example.com", "--workspace-id", "4", "--no-check"
    )
    assert (other.code, "says otherwise of 'qa'" in _flat(other)) == (1, True)


# -- credentials -------------------------------------------------------------------------------------------------------


def test_an_environment_may_have_credentials_of_its_own() -> None:
    """One of its own means that no plain one counts: half of each would be neither's login."""
    plain = {"SYNCER_TOKEN": "plain", "SYNCER_EMAIL": "a@example.com", "SYNCER_PASSWORD": "plain-password"}
    both = plain | {"SYNCER_TOKEN_EU_STAGING": "own"}
    assert str(config.credentials(both, "eu-staging").token.reveal()) == "own"  # type: ignore[union-attr]
    assert str(config.credentials(both, "prod").token.reveal()) == "plain"  # type: ignore[union-attr]
    login = plain | {"SYNCER_EMAIL_PROD": "b@example.com", "SYNCER_PASSWORD_PROD": "own-password"}
    given = config.credentials(login, "prod")
    assert (given.token, given.email, given.password) == (None, "b@example.com", Secret("own-password"))
    with pytest.raises(SettingsError, match="SYNCER_PASSWORD_PROD is not set"):
        config.credentials(plain | {"SYNCER_EMAIL_PROD": "b@example.com"}, "prod")
    with pytest.raises(SettingsError, match="SYNCER_TOKEN_EU_STAGING would be for eu-staging and for eu_staging"):
        config.credentials(both, "eu-staging", ["eu-staging", "eu_staging"])
    assert config.credentials(plain, "eu-staging", ["eu-staging", "eu_staging"]).token == Secret("plain")
    hidden = {secret.reference for secret in secrets(both | login)}
    assert hidden == {"SYNCER_TOKEN", "SYNCER_TOKEN_EU_STAGING", "SYNCER_PASSWORD", "SYNCER_PASSWORD_PROD"}


def test_the_examination_names_the_variables_that_count(tmp_path: Path) -> None:
    """Doctor says whose login is used, and which variables are set for nothing."""
    variables = {"SYNCER_TOKEN": "plain", "SYNCER_EMAIL_QA": "a@example.com", "SYNCER_PASSWORD_QA": "secret-word"}
    check = doctor_checks._credentials(Run(config.Settings(tmp_path), QA, variables, Limits()))
    assert (
        check.detail
        == "SYNCER_EMAIL_QA and SYNCER_PASSWORD_QA: one login in each run; SYNCER_TOKEN is not used beside it"
    )
    check = doctor_checks._credentials(Run(config.Settings(tmp_path), QA, {"SYNCER_EMAIL_QA": "a"}, Limits()))
    assert check.detail == "SYNCER_PASSWORD_QA is not set"


def test_credentials_of_an_environment_mean_a_real_server(tmp_path: Path) -> None:
    """A job that lost its settings must not stay green in the sandbox, whichever variable brings its token."""
    with pytest.raises(SettingsError, match="there are credentials but no environment"):
        config.environment_name(config.Settings(tmp_path), None, {"SYNCER_TOKEN_PROD": "x"})


# -- two live environments ---------------------------------------------------------------------------------------------

COMPARE = ("compare", "--env", "staging", "--with", "prod")


def test_two_environments_are_compared_under_the_names_in_files(team: Played) -> None:
    """Connectors by their names in files, ids and secrets aside, fields of one environment left out; it only reads."""
    team.run(*MATCH, "--auto-approve")
    team.write("models/e.yaml", f"name: E\nconnector: warehouse\nonly: [prod]\n{REST}")
    team.write("models/f.yaml", f"name: F\nconnector: warehouse\n{REST}environments: {{prod: {{description: x}}}}\n")
    team.write("models/g.yaml", f"name: G\nconnector: warehouse\n{REST}")
    team.api.models[6] = _model(6, "F", description="x", configuration={"api_key": Secret("one"), "deep": [1]})
    there = team.others["staging"]
    there.models[56] = _model(56, "F", 21, description="y", configuration={"api_key": Secret("two"), "deep": [2]})
    there.models[57] = _model(57, "G", 21)
    alike = team.run(*COMPARE, "--target", "[abc]", "--detailed-exitcode")
    assert alike.code == 0, alike.text
    assert alike.out.startswith(
        "syncer compare   staging   https://staging.example.com/api/v1   workspace 3\n"
        "          with   prod   https://api.example.com/api/v1   workspace 2\n"
    )
    assert "No differences. 3 models compared: all are alike in staging and prod." in alike.out

    # What files ignore differs all the same.
    file = team.read("models/a.yaml")
    team.write("models/a.yaml", file + b"lifecycle: {ignore_changes: [query]}\n")
    there.edit(51, query="SELECT 2")
    ignored = team.run(*COMPARE, "--target", "a", "--detailed-exitcode")
    assert (ignored.code, '~ query = "SELECT 1" -> "SELECT 2"' in ignored.out) == (2, True), ignored
    team.write("models/a.yaml", file)
    there.edit(52, connector_id=21)
    result = team.run(*COMPARE, "--verbose", "--markdown", "compare.md")
    assert result.code == 0, result.text
    assert '~ query = "SELECT 1" -> "SELECT 2"' in result.out
    assert re.search(r"~ connector_id += 2 -> 1", result.out)
    assert "(sensitive value)" not in result.out
    assert "In staging alone (1):\n  g\n" in result.out
    assert "fields were not compared" in _flat(result)
    assert "description" not in result.out
    assert "Comparison: 3 models differ between staging and prod, 1 is alike." in result.out
    assert "1 live model of staging is not in git; 1 definition for one of the two only." in result.out
    assert 'Live models of staging that are not in git:\n  id 99  "Experiment"' in result.out
    page = team.read("compare.md").decode()
    assert page.startswith("### syncer compare · `staging` with `prod`: 3 models differ\n")
    assert team.run(*COMPARE, "--detailed-exitcode").code == 2
    assert [*team.api.puts, *there.puts] == []

    lines = [json.loads(line) for line in team.run(*COMPARE, "--json").out.splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    assert [line["change"]["resource"]["resource_name"] for line in lines if line["type"] == "resource_difference"] == [
        "a",
        "b",
        "f",
    ]
    assert lines[-1]["compared"]["alone_here"] == ["g"]


def test_a_comparison_that_makes_no_sense_is_refused(team: Played) -> None:
    """One variable can't stand for two targets; one workspace isn't two."""
    team.variables = {"SYNCER_API_URL": "https://x.example.com"}
    assert "SYNCER_API_URL would stand for both environments" in _flat(team.run(*COMPARE))
    team.variables = {"SYNCER_WORKSPACE_ID": "9"}
    assert "SYNCER_WORKSPACE_ID would stand for both environments" in _flat(team.run(*COMPARE))
    team.variables = {}
    assert "say --with NAME" in _flat(team.run("compare", "--env", "prod"))
    assert "prod is one workspace" in _flat(team.run("compare", "--env", "prod", "--with", "prod"))
    assert team.run("compare", "--env", "prod", "--with", "nowhere").code == 1


def test_a_file_must_be_valid_in_both_environments(team: Played) -> None:
    """Also where one of them is the sandbox, which files need not know: what means nothing there is told."""
    for path in team.files:
        (team.folder / path).unlink()
    team.write(
        "models/own.yaml",
        "connector: warehouse\nquery_type: raw_sql\nprimary_key: id\nquery: SELECT id FROM t\n"
        "environments: {staging: {name: Own}, prod: {name: Own}}\n",
    )
    refused = team.run("compare", "--env", "prod", "--with", "sandbox")
    assert (refused.code, "missing name (environment sandbox)" in _flat(refused)) == (1, True), refused


def test_what_is_not_certain_is_never_no_difference(team: Played) -> None:
    """Where a definition means no single live model, that is an error with its environment, and the page says it failed."""
    team.run(*MATCH, "--auto-approve")
    team.others["staging"].models.pop(51)
    team.others["staging"].edit(53, connector_id=23)
    result = team.run(*COMPARE, "--markdown", "compare.md")
    assert result.code == 1
    assert "in staging: the workspace has no live model with id 51" in _flat(result)
    assert "failed" in team.read("compare.md").decode()
