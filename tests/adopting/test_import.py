"""Import: what is live becomes files that are in step with it, whatever it is, and nothing else is touched."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
import pytest
import yaml
from builders import RAW_SQL, TARGET, FakeApi, desired, document, live
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from played import CONNECTORS, SETTINGS, STAGING, Played
from strategies import JSON, TEXT
from transcripts import rewritten
from world import Team, flat, recorded_world, secrets

from syncer import safe_files
from syncer.adopting import drift, new_files, selection
from syncer.adopting.names import Addresses, Variables, slug
from syncer.adopting.new_files import ImportContext
from syncer.adopting.selection import Selection
from syncer.cli.main import main
from syncer.desired.connectors import bind_connectors
from syncer.errors import SettingsError
from syncer.live import payloads
from syncer.model import (
    FIELDS,
    QUERY_TYPES,
    Binding,
    Bound,
    Connector,
    DesiredState,
    LiveModel,
    LiveState,
    Severity,
    Unreadable,
)
from syncer.plan.planner import Cause, make_plan
from syncer.plan.unset_secrets import with_live_secrets
from syncer.sandbox import Sandbox
from syncer.sandbox.http_server import running
from syncer.secrets import SECRET_VARIABLE, Secret, SecretRef, is_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "canary-7f3a91c2"
RAW = "query_type: raw_sql\nprimary_key: user_id\n"


def api(*models: Any, connectors: Any = CONNECTORS) -> FakeApi:
    return FakeApi(models, connectors)


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """An empty folder, and a workspace with one model."""
    return Played(tmp_path, api(live(1)))


# -- the law -------------------------------------------------------------------------------------------------------

WILD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0*"), max_size=30)
NAMES = WILD.filter(lambda text: bool(re.search(r"\S", text)) and not re.search(r"[\r\n]", text) and len(text) > 0)
QUERIES = st.lists(WILD.filter(lambda text: "limit" not in text.lower() and "offset" not in text.lower()), max_size=5)
PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6, allow_nan=False) | WILD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WILD.filter(lambda key: not is_secret_key(key)), inner, max_size=3)
    ),
    max_leaves=8,
)
_SECRETS = WILD.filter(lambda text: bool(text.strip()))
_EMBEDDING = st.fixed_dictionaries({"model": _SECRETS, "mode": WILD, "api_key": _SECRETS})
_CHUNKS = st.fixed_dictionaries({"chunk_size": st.integers(1, 5000), "chunk_overlap": st.integers(0, 500)})
_HARVESTERS = st.lists(st.dictionaries(WILD, WILD, max_size=3), max_size=3)
_SCHEMAS = st.dictionaries(st.sampled_from(["input", "output"]), st.lists(PLAIN, max_size=2))
NEEDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ai_ml": {"harvesters": _HARVESTERS},
    "dynamic_sql": {"harvesters": _HARVESTERS, "json_schema": _SCHEMAS},
    "unstructured": {"embedding_config": _EMBEDDING, "chunk_config": _CHUNKS},
    "vector_search": {"harvesters": _HARVESTERS, "json_schema": _SCHEMAS, "embedding_config": _EMBEDDING},
}


def _line_ends() -> st.SearchStrategy[str]:
    return st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\u2028", "\x85", "\n  "])


@st.composite
def _models(draw: st.DrawFn, query_type: str, model_id: int = 1) -> dict[str, Any]:
    """A live model that a file can declare, in the wildest words."""
    needs = NEEDS.get(query_type)
    query = draw(_line_ends()).join(["SELECT a", *draw(QUERIES)]) + draw(st.sampled_from(["", "\n", "\r\n", " "]))
    has_query = query_type in {"raw_sql", "dbt", "soql", "table_selector", "dynamic_sql"} or draw(st.booleans())
    configuration = draw(st.fixed_dictionaries(needs)) if needs else draw(st.none() | st.just({"a": draw(PLAIN)}))
    return {
        "name": draw(NAMES),
        "description": draw(st.none() | WILD),
        "query_type": query_type,
        "primary_key": draw(st.sampled_from([None, ""])) if query_type == "unstructured" else draw(_SECRETS),
        "query": query if has_query else None,
        "connector_id": 2 if query_type == "ai_ml" else 1,
        "configuration": configuration,
    }


def _variables(out: str) -> list[str]:
    return re.findall(rf"^  export ({SECRET_VARIABLE.pattern})=", out, re.MULTILINE)


def _live_secrets(played: Played) -> dict[str, str]:
    """What each variable that the files name must be, as somebody would set it by hand."""
    found: dict[str, str] = {}

    def look(given: Any, is_live: Any) -> None:
        if isinstance(is_live, Secret) and isinstance(given, dict):
            found[given["env"]] = str(is_live.reveal())
        elif isinstance(given, dict):
            for key, inner in given.items():
                look(inner, is_live[key])
        elif isinstance(given, list):
            for inner, other in zip(given, is_live, strict=True):
                look(inner, other)

    for path, raw in played.files.items():
        data = yaml.safe_load(raw) if path.endswith(".yaml") else {}
        if "configuration" in data:
            look(data["configuration"], played.api.models[data["id"]].fields["configuration"])
    return found


@pytest.mark.parametrize("query_type", QUERY_TYPES)
def test_after_an_import_a_plan_is_empty(query_type: str) -> None:
    """The law, for every query type, in the wildest words: what was imported is in step, and nothing is left out."""

    @given(st.lists(_models(query_type), min_size=1, max_size=6), st.booleans())
    @settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
    def law(models: list[dict[str, Any]], inline: bool) -> None:  # noqa: FBT001 - drawn
        with tempfile.TemporaryDirectory() as folder:
            played = Played(Path(folder), api(*(live(number, **model) for number, model in enumerate(models, 1))))
            done = played.run("import", "--all", *(["--inline"] if inline else []))
            # A secret that stands elsewhere in clear keeps its model out of git; that is another promise.
            assume("in clear" not in done.out)
            assert f"{len(models)} model{'s' * (len(models) > 1)} imported" in done.out
            assert (done.code, done.err) == (0, "")
            played.variables |= _live_secrets(played)
            planned = played.run("plan", "--detailed-exitcode")
            assert (planned.code, planned.err) == (0, "")
            assert "No changes. Your models match the configuration." in planned.out

    law()


@given(st.lists(st.tuples(TEXT, st.sampled_from(QUERY_TYPES), TEXT, PLAIN | JSON), min_size=1, max_size=6))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_imported_is_in_step_and_the_rest_is_named(drawn: list[tuple[str, str, str, Any]]) -> None:
    """Whatever a workspace holds: each model is either imported and in step, or named with why it can't be."""
    models = [
        live(number, name=name, query_type=kind, query=query, configuration={"a": value, "b": {"api_key": "k" * 9}})
        for number, (name, kind, query, value) in enumerate(drawn, 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        played = Played(Path(folder), api(*models))
        done = played.run("import", "--all")
        imported = [int(one) for one in re.findall(r"\(id (\d+), ", done.out)]
        named = [int(one) for one in re.findall(r"model (\d+) .*can't be a definition", done.out)]
        assert sorted([*imported, *named]) == [model.id for model in models]
        assert done.code == 0
        # Secrets that aren't set are told; nothing else is.
        listed = played.run("list", "--json")
        states = [json.loads(line) for line in listed.out.splitlines()]
        kept = [one["state"] for one in states if one["type"] == "model_state" and one["file"]]
        assert {*kept} <= {"unknown", "in_step"}
        assert len(kept) == len(imported)


# -- the story -----------------------------------------------------------------------------------------------------


def _world() -> dict[str, Any]:
    """The recorded world with its 66 models in one workspace, each of which a file can declare."""
    world = recorded_world()
    for model in world["models"]:
        model["workspace_id"] = 1
        if model["connector_id"] in {4, 5}:
            model["connector_id"] = 1
        if model["id"] in {50, 51}:
            model["primary_key"] = "id"
        if model["id"] == 60:
            model["query"] = "SELECT * FROM public.table_60"
    return world


WORLD = _world()


@pytest.fixture
def team(tmp_path: Path) -> Iterator[tuple[Team, Sandbox]]:
    """A team that has nothing but settings, and a server with 66 models."""
    with Sandbox(WORLD) as box, running(box) as url:
        yield Team(tmp_path, url, variables={"SYNCER_TOKEN": "admin", **secrets(WORLD["models"])}), box


def _edit(team: Team, model_id: int, **fields: Any) -> None:
    """Somebody edits a model in the UI."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1", "Accept": "application/json"}
    answer = httpx.put(f"{team.url}/api/v1/models/{model_id}", json={"model": fields}, headers=headers)
    assert answer.status_code == 200, answer.text


def _mutation(model: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """What somebody makes of a model in the UI: something that a file can say."""
    configuration = model["configuration"]
    ways: list[dict[str, Any]] = [
        {"description": chance.choice(["edited", "two\nlines", "", 'it\'s: "odd" #1', "x" * 300])},
        {"name": f"{model['name']} {chance.choice(['(new)', '# 2', ': yes', 'ö'])}"},
    ]
    if model["query"] and model["query_type"] != "table_selector":
        ways.append(
            {"query": chance.choice(["SELECT 1", "SELECT a,\n  b -- c\nFROM t", "SELECT\n\n'#' AS x\nFROM t\n"])}
        )
    if configuration and "chunk_config" in configuration:
        ways.append({"configuration": {**configuration, "chunk_config": {"chunk_size": 7, "chunk_overlap": 1}}})
    if configuration and configuration.get("harvesters"):
        first = {**configuration["harvesters"][0], "value": "other"}
        ways.append({"configuration": {**configuration, "harvesters": [first, {"value": "new", "method": "dom"}]}})
    return chance.choice(ways)


@pytest.mark.parametrize("seed", [1, 2])
def test_sixty_six_models_there_and_back(seed: int, team: tuple[Team, Sandbox]) -> None:
    """Import everything: the plan is empty. Twenty live edits taken in: empty again, every comment byte for byte."""
    here, box = team
    done = here.run("import", "--all")
    assert (done.code, done.err) == (0, "")
    assert "66 models imported" in done.out
    assert here.run("plan", "--detailed-exitcode").code == 0

    files = sorted((here.folder / "models").glob("*.yaml"))
    assert len(files) == 66
    for file in files:
        raw = re.sub(rb"(?m)^(query_type: .*)$", b"\\1   # kept: \xc3\xa4 " + file.stem.encode(), file.read_bytes())
        file.write_bytes(b"# before " + file.stem.encode() + b"\n\n" + raw + b"# after\n\n\n")
    assert here.run("plan", "--detailed-exitcode").code == 0
    comments = {file: re.findall(rb"#[^\n]*", file.read_bytes()) for file in files}

    chance = random.Random(seed)  # noqa: S311 - no secret
    # The server refuses every PUT of 57: its connector has no catalog.
    for model in chance.sample([one for one in WORLD["models"] if one["id"] != 57], 20):
        _edit(here, model["id"], **_mutation(model, chance))
    writes = len([one for one in box.requests if one[0] != "GET"])
    shown = here.run("import", "--drift")
    assert shown.code == 0
    assert "Nothing was written. Use --auto-approve" in shown.out
    before = {file: file.read_bytes() for file in files}
    assert {file: file.read_bytes() for file in files} == before

    taken = here.run("import", "--drift", "--auto-approve")
    assert (taken.code, taken.err) == (0, "")
    planned = here.run("plan", "--detailed-exitcode")
    assert (planned.code, planned.err) == (0, "")
    for file in files:
        kept = re.findall(rb"#[^\n]*", file.read_bytes())
        assert all(one in kept for one in comments[file])
        assert file.read_bytes().startswith(b"# before ")
        assert file.read_bytes().endswith(b"# after\n\n\n")
    assert len([one for one in box.requests if one[0] != "GET"]) == writes
    for value in secrets(WORLD["models"]).values():
        assert value not in done.text + shown.text + taken.text
        assert not any(value.encode() in file.read_bytes() for file in (here.folder / "models").iterdir())


KINDS = [(model["id"], model["query_type"]) for model in WORLD["models"]]


@st.composite
def _edits(draw: st.DrawFn) -> dict[int, dict[str, Any]]:
    """Twenty models of that world, and for each some fields as somebody left them, in the wildest words."""
    found = {}
    for model_id, kind in draw(st.lists(st.sampled_from(KINDS), min_size=20, max_size=20, unique=True)):
        fields = draw(_models(kind))
        del fields["query_type"], fields["primary_key"]
        if fields["configuration"] is None:
            # One that is gone can't be said in a file.
            del fields["configuration"]
        if "\r" in (fields["query"] or "").rstrip("\r\n"):
            # No SQL file can say it: that is told, and tested elsewhere.
            del fields["query"]
        names = draw(st.sets(st.sampled_from(sorted(fields)), min_size=1))
        found[model_id] = {name: fields[name] for name in names}
    return found


@given(_edits(), st.booleans())
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.generate])
def test_twenty_wild_edits_go_into_the_files(edits: dict[int, dict[str, Any]], inline: bool) -> None:  # noqa: FBT001
    """The same in memory: whatever somebody writes in the UI, afterwards the plan is empty and the comments are there."""
    models = [live(one["id"], **{key: one[key] for key in one if key in {*FIELDS}}) for one in WORLD["models"]]
    with tempfile.TemporaryDirectory() as folder:
        played = Played(Path(folder), api(*models), secrets(WORLD["models"]))
        played.run("import", "--all", *(["--inline"] if inline else []))
        for path, raw in played.files.items():
            if path.endswith(".yaml"):
                lines = raw.splitlines(keepends=True)
                played.write(path, b"".join([b"# \xc3\xa4 above\n", *lines[:2], b"# within\n", *lines[2:], b"# below"]))
        assert played.is_in_step()
        for model_id, fields in edits.items():
            played.api.edit(model_id, **fields)
        done = played.run("import", "--drift", "--auto-approve")
        # A new key of an API is no drift of the rest, and one that stands elsewhere in clear is no text for git.
        assume("would be in it" not in done.out)
        told = _live_secrets(played)
        played.variables |= told
        assert played.run("plan").out.count("No changes.") == 1, done.text
        for path, raw in played.files.items():
            if path.endswith(".yaml"):
                assert raw.startswith(b"# \xc3\xa4 above\n")
                assert raw.endswith(b"# below")
                assert raw.count(b"# within\n") >= 1


def test_what_no_file_can_declare_is_left_out_and_named(tmp_path: Path, box: Sandbox) -> None:
    """No primary key, a query that PUT refuses: a warning each; the others are imported and in step."""
    with running(box) as url:
        here = Team(tmp_path, url, variables={"SYNCER_TOKEN": "admin", **secrets(recorded_world()["models"])})
        done = here.run("import", "--all")
        one = here.run("import", "51")
        planned = here.run("plan", "--detailed-exitcode")

    assert done.code == 0
    assert "57 models imported" in done.out
    assert "model 51 'model 51 soql' can't be a definition: missing primary_key" in done.out
    assert "model 60 'model 60 table_selector' can't be a definition: a line of the query ends" in done.out
    assert one.code == 1
    assert "model 51 'model 51 soql' can't be a definition" in one.err
    assert "Import incomplete!" in one.out
    assert planned.code == 0


# -- what is written -----------------------------------------------------------------------------------------------


def test_a_file_says_what_people_would_write(played: Played) -> None:
    """The keys in their order, the connector by its name, the query beside it, and nothing that the server manages."""
    done = played.run("import", "--all")

    assert done.out.splitlines()[3:5] == ["+ models/active_users.yaml  (id 1, raw_sql)", "+ models/active_users.sql"]
    assert played.read("models/active_users.yaml").decode() == (
        "id: 1\nname: Active users\ndescription: Users seen in the last 30 days\nconnector: warehouse\n"
        f"{RAW}query_file: active_users.sql\n"
    )
    assert played.read("models/active_users.sql") == b"SELECT user_id\nFROM users\n"


def test_a_query_stays_in_the_yaml_if_asked(played: Played) -> None:
    """--inline writes a block, and no SQL file."""
    played.run("import", "1", "--inline")

    assert list(played.files) == ["models/active_users.yaml"]
    assert b"query: |-\n  SELECT user_id\n  FROM users\n" in played.read("models/active_users.yaml")
    assert played.is_in_step()


@pytest.mark.parametrize("query", ["SELECT 1", "SELECT 1\rFROM t\nx", "\ufeffSELECT 1\nFROM t", "a\r\nb\nc"])
def test_what_an_sql_file_would_lose_stays_in_the_yaml(query: str, tmp_path: Path) -> None:
    """One line, a carriage return, a mark at the beginning: the plan is empty all the same."""
    played = Played(tmp_path, api(live(1, query=query)))
    played.run("import", "--all")

    assert list(played.files) == ["models/active_users.yaml"]
    assert played.is_in_step()


def test_the_editor_is_told_of_the_schema_that_is_there(played: Played) -> None:
    """The first line leads to it from the folder of the file."""
    played.write("schemas/model.schema.json", "{}")
    played.run("import", "--all", "--dir", "models/a/b")

    first = played.read("models/a/b/active_users.yaml").decode().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../../schemas/model.schema.json"
    assert played.is_in_step()


def test_several_environments_pin_where_the_id_belongs(tmp_path: Path) -> None:
    """An id belongs to one workspace: with another environment in the settings it stands under its own."""
    played = Played(tmp_path, api(live(1)))
    played.write("syncer.toml", SETTINGS + STAGING)
    played.run("import", "--all")

    text = played.read("models/active_users.yaml").decode()
    assert text.endswith("environments:\n  prod:\n    id: 1\n")
    assert not text.startswith("id:")
    assert played.is_in_step()
    assert played.run("validate", "--strict").code == 0


def test_namesakes_with_several_environments_are_left_out(tmp_path: Path) -> None:
    """Without an id in each environment they would be one model there, so no file could be valid."""
    played = Played(tmp_path, api(live(1), live(2), live(3, name="Other")))
    played.write("syncer.toml", SETTINGS + STAGING)
    done = played.run("import", "--all")

    assert "1 model imported" in done.out
    assert done.out.count("can't be a definition: the name") == 2
    assert played.is_in_step()


def test_a_connector_is_named_where_that_is_unambiguous(tmp_path: Path) -> None:
    """Two of one name, or a name of two lines, give the number."""
    twins = (*CONNECTORS, Connector(8, "warehouse", "source", "Postgres"), Connector(9, "two\nlines", "source", "X"))
    models = (live(1, connector_id=1), live(2, name="b", connector_id=2), live(3, name="c", connector_id=9))
    played = Played(tmp_path, api(*models, connectors=twins))
    played.run("import", "--all")

    said = {path: re.findall(rb"^connector.*$", raw, re.MULTILINE) for path, raw in played.files.items()}
    assert said["models/active_users.yaml"] == [b"connector_id: 1"]
    assert said["models/b.yaml"] == [b"connector: endpoint"]
    assert said["models/c.yaml"] == [b"connector_id: 9"]
    assert played.is_in_step()


# -- which models, and where ---------------------------------------------------------------------------------------


def test_some_are_chosen_by_type_and_connector(tmp_path: Path) -> None:
    """Both must fit; a connector may be told by its number."""
    models = (live(1), live(2, name="b", query_type="dbt"), live(3, name="c", query_type="dbt", connector_id=2))
    played = Played(tmp_path, api(*models))
    played.run("import", "--query-type", "dbt", "--connector", "2")

    assert sorted(played.files) == ["models/c.sql", "models/c.yaml"]
    played.run("import", "--connector", "warehouse")
    assert len(played.files) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "use --all, the ids of some, --query-type TYPE or --connector NAME"),
        (("--all", "1"), "the ids already name the models to import"),
        (("--query-type", "sql"), "there is no query type 'sql'"),
        (("--connector", "nope"), "the workspace has no connector 'nope'"),
        (("--all", "--yes"), "--auto-approve can be said only with --drift"),
        (("--drift", "--force"), "--force can be said only without --drift"),
        (("--drift", "7"), "ids can be said only without --drift"),
        (("--all", "--dir", ".."), "is not a folder that model files are read from"),
        (("--all", "--dir", "other"), "is not a folder that model files are read from"),
        (("--all", "--dir", "models/.hidden"), "is not a folder that model files are read from"),
        (("--all", "--dir", "models/../.."), "is not a folder that model files are read from"),
        (("7",), "the workspace has no live model with id 7"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], message: str, played: Played) -> None:
    """In words, and before anything is written."""
    done = played.run("import", *arguments)

    assert done.code == 1
    assert message in flat(done.err)
    assert not (played.folder / "models").exists()


def test_a_model_that_the_server_cannot_show_is_named(tmp_path: Path) -> None:
    """Selection for by its id it's an error, among all a warning."""
    played = Played(tmp_path, api(live(1)))
    found = LiveState((live(1),), (Unreadable(5, "no catalog"),))
    played.api.fetch = mock.Mock(return_value=found)  # type: ignore[method-assign]

    assert played.run("import", "5").code == 1
    done = played.run("import", "--all")
    assert done.code == 0
    assert "the server can't show live model 5: no catalog" in done.out


def test_what_is_in_git_already_is_left_alone(played: Played) -> None:
    """Bound by its id or by its name, wherever its file is; --force writes that file anew, lifecycle included."""
    file = played.write(
        "models/sub/mine.yaml", f"name: Active users\nconnector_id: 1\n{RAW}query: x\nlifecycle: {{protect: true}}\n"
    )
    before = file.read_bytes()
    assert "1 model is in git already" in played.run("import", "--all").out
    one = played.run("import", "1")
    assert (one.code, "id 1  models/sub/mine.yaml" in one.out) == (0, True)
    assert file.read_bytes() == before

    forced = played.run("import", "1", "--force")
    assert "~ models/sub/mine.yaml  (id 1, raw_sql)" in forced.out
    assert sorted(played.files) == ["models/sub/mine.sql", "models/sub/mine.yaml"]
    assert b"lifecycle:\n  protect: true\n" in file.read_bytes()
    assert played.is_in_step()


def test_a_file_of_several_environments_is_not_written_anew(tmp_path: Path) -> None:
    """The values of the others would be lost."""
    played = Played(tmp_path, api(live(1)))
    played.write("syncer.toml", SETTINGS + STAGING)
    text = (
        f"name: Active users\nconnector_id: 1\n{RAW}query: x\nenvironments: {{staging: {{id: 3}}, prod: {{id: 1}}}}\n"
    )
    file = played.write("models/m.yaml", text)
    done = played.run("import", "1", "--force")

    assert done.code == 1
    assert "has values of staging, too" in done.err
    assert file.read_text() == text


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    """A file of that name, in whatever case, an SQL file, a folder: the id is put behind the name."""
    models = [live(n, name=name) for n, name in enumerate(("Active users", "Loose", "Folder", "Other"), 1)]
    played = Played(tmp_path, api(*models))
    played.write("models/Active_Users.yaml", f"id: 4\nname: Other\nconnector_id: 1\n{RAW}query: x\n")
    played.write("models/LOOSE.sql", "mine")
    played.write("models/folder/x.txt", "mine")
    before = played.files
    done = played.run("import", "--all", "--force")

    assert {path: raw for path, raw in played.files.items() if path in before and "Active_Users" not in path} == {
        path: raw for path, raw in before.items() if "Active_Users" not in path
    }
    assert {"models/active_users_1.yaml", "models/loose_2.yaml", "models/folder_3.yaml"} <= {*played.files}
    assert (done.code, played.is_in_step()) == (0, True)


def test_five_thousand_models_of_one_name() -> None:
    """Each has an address of its own, at once."""
    addresses = Addresses(["total.yaml", "total_7.SQL"])
    found = [addresses.of(live(number, name="Total")) for number in range(1, 5001)]

    assert len({name.casefold() for name in found}) == 5000
    assert "total" not in found
    assert found[6] == "total_7_2"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("CON", "con_1"),
        ("lpt1", "lpt1_1"),
        ("\U0001f600\U0001f600", "model_1"),
        ("", "model_1"),
        ("\u202edesrever", "desrever"),
        ("C:\\temp\\x.yaml", "c_temp_x_yaml"),
        ("Ärger  im   Café!", "arger_im_cafe"),
        ("Straße", "strasse"),
        (".hidden", "hidden"),
        ("a" * 300, "a" * 60),
        ("\x1b[31mred\x07", "31mred"),
        ("::error::no", "error_no"),
        ("\uff26\uff55\uff4c\uff4c", "full"),
    ],
)
def test_an_address_is_small_and_harmless(name: str, address: str) -> None:
    """Letters, digits and `_`; never a way out of the folder, a name that Windows reserves, or none at all."""
    assert Addresses(()).of(live(1, name=name)) == address


@given(st.text(max_size=80))
def test_every_name_gives_an_address(name: str) -> None:
    """Whatever it is."""
    assert re.fullmatch(r"[a-z0-9_]{1,80}", Addresses(()).of(live(1, name=name)))
    assert slug(name) == slug(slug(name))


def test_a_link_is_not_written_through(played: Played, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither as the folder nor below it."""
    outside = tmp_path_factory.mktemp("outside")
    (played.folder / "models").mkdir()
    (played.folder / "models" / "link").symlink_to(outside)
    done = played.run("import", "--all", "--dir", "models/link")

    assert done.code == 1
    assert list(outside.iterdir()) == []
    with pytest.raises(safe_files.UnwrittenError, match="through a link"):
        safe_files.create(played.folder, "models/link/x.yaml", b"")


def test_dir_is_meant_from_where_somebody_stands(played: Played) -> None:
    """As every path on a command line."""
    (played.folder / "models").mkdir()
    played.run("import", "--all", "--dir", "finance", inside="models")

    assert sorted(played.files) == ["models/finance/active_users.sql", "models/finance/active_users.yaml"]


def test_broken_files_stop_an_import(played: Played) -> None:
    """What can't be read may declare any model."""
    played.write("models/x.yaml", "name: [")

    assert played.run("import", "--all").code == 1
    assert list(played.files) == ["models/x.yaml"]


# -- secrets -------------------------------------------------------------------------------------------------------

_KEYED = {"embedding_config": {"mode": "m", "model": "x", "api_key": CANARY}, "chunk_config": {"chunk_size": 1}}


def _keyed(model_id: int, key: Any = CANARY, **more: Any) -> Any:
    config = {
        "embedding_config": {"mode": "m", "model": "x", "api_key": key},
        "chunk_config": {"chunk_size": 1, "chunk_overlap": 0},
        **more,
    }
    values = {"query_type": "unstructured", "query": None, "primary_key": None, "configuration": config}
    return live(model_id, name=f"Docs {model_id}", **values)


def test_a_secret_becomes_the_name_of_a_variable(tmp_path: Path) -> None:
    """One name for one value; the variables to set are listed with their files, and the value is nowhere."""
    played = Played(tmp_path, api(_keyed(1), _keyed(2), _keyed(3, f"{CANARY}-other")))
    done = played.run("import", "--all")

    assert "export SYNCER_SECRET_DOCS_1_API_KEY=…  # models/docs_1.yaml, models/docs_2.yaml" in done.out
    assert "export SYNCER_SECRET_DOCS_3_API_KEY=…  # models/docs_3.yaml" in done.out
    assert CANARY not in done.text
    assert not any(CANARY.encode() in raw for raw in played.files.values())
    played.variables |= {"SYNCER_SECRET_DOCS_1_API_KEY": CANARY, "SYNCER_SECRET_DOCS_3_API_KEY": f"{CANARY}-other"}
    assert played.is_in_step()


def test_a_variable_that_has_the_value_is_named(tmp_path: Path) -> None:
    """Then there is nothing to set."""
    played = Played(tmp_path, api(_keyed(1)), {"SYNCER_SECRET_OPENAI": CANARY, "SYNCER_SECRET_OTHER": "x"})
    done = played.run("import", "--all")

    assert b"api_key: {env: SYNCER_SECRET_OPENAI}" in played.read("models/docs_1.yaml")
    assert "Set these variables" not in done.out
    assert played.is_in_step()


def test_a_hidden_secret_gets_a_variable_of_its_own(tmp_path: Path) -> None:
    """Nobody can tell whether two are the same; once they're set, the plan is empty."""
    played = Played(tmp_path, api(_keyed(1, "*********"), _keyed(2, "*********")))
    done = played.run("import", "--all")

    assert len(_variables(done.out)) == 2
    assert "hidden by the server" in done.out
    played.variables |= dict.fromkeys(_variables(done.out), "anything")
    assert played.is_in_step()


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (_keyed(1, 5), "is a number under a secret's key"),
        (_keyed(1, hidden="*****"), "the server hides configuration.hidden"),
        (_keyed(1, note=f"use {CANARY} here"), "would hold, in clear, what is a secret"),
        (_keyed(1, credentials={"env": CANARY}), "names a variable that a file may not ask for"),
    ],
)
def test_a_secret_that_no_file_can_name_leaves_the_model_out(model: Any, why: str, tmp_path: Path) -> None:
    """With the reason, and without the value."""
    played = Played(tmp_path, api(model))
    done = played.run("import", "--all")

    assert why in flat(done.out)
    assert CANARY not in done.text
    assert played.files == {}


def test_secrets_in_lists_and_blank_ones(tmp_path: Path) -> None:
    """Each element has its reference; what is blank is no secret, and is written as it is."""
    configuration = {"tokens": {"token": [f"{CANARY}-1", "", f"{CANARY}-2"], "a": ["x"]}}
    played = Played(tmp_path, api(live(1, configuration=configuration)))
    done = played.run("import", "--all")

    text = played.read("models/active_users.yaml").decode()
    assert re.findall(r"- (.*)", text) == [
        "{env: SYNCER_SECRET_ACTIVE_USERS_TOKEN}",
        '""',
        "{env: SYNCER_SECRET_ACTIVE_USERS_TOKEN_2}",
        "x",
    ]
    played.variables |= dict(zip(_variables(done.out), [f"{CANARY}-1", f"{CANARY}-2"], strict=True))
    assert played.is_in_step()


def test_half_a_character_leaves_a_model_out(tmp_path: Path) -> None:
    """No file can hold it."""
    played = Played(tmp_path, api(live(1, query="SELECT '\ud800'\nFROM t"), live(2, name="b")))
    done = played.run("import", "--all")

    assert "model 1 'Active users' can't be a definition: half a character" in done.out
    assert "1 model imported" in done.out


def test_what_this_process_was_given_is_not_written(tmp_path: Path) -> None:
    """A query that holds a token of ours is no text for git."""
    played = Played(tmp_path, api(live(1, query=f"SELECT '{CANARY}'")), {"SYNCER_SECRET_X": CANARY})
    done = played.run("import", "--all")

    assert "the value of SYNCER_SECRET_X would be in it" in done.out
    assert played.files == {}


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "***"]), TEXT, st.sampled_from(["api_key", "", "é"])), max_size=9))
def test_variables_are_unique_and_may_be_named(drawn: list[tuple[str, str, str]]) -> None:
    """One name a value, none that means something else already, each such that a file may ask for it."""
    variables = Variables(lambda _: "", {"SYNCER_SECRET_A_API_KEY"})
    named = [(value, variables.of(Secret(value), address, (key,)).variable) for value, address, key in drawn]

    assert all(SECRET_VARIABLE.fullmatch(name) for _, name in named)
    assert "SYNCER_SECRET_A_API_KEY" not in {name for _, name in named}
    hidden = [name for value, name in named if value == "***"]
    assert len(hidden) == len({*hidden})
    assert len({pair for pair in named if pair[0] != "***"}) == len({value for value, _ in named if value != "***"})


# -- drift ---------------------------------------------------------------------------------------------------------

FILE = f"""\
# about this model
id: 1
name: 'Active users'   # quoted
description: >-
  Users seen in
  the last 30 days
connector_id: 1
{RAW}query_file: sql/users.sql
"""


@pytest.fixture
def drifted(tmp_path: Path) -> Played:
    """A model in git, in step, with an SQL file as a checkout on Windows has it."""
    played = Played(tmp_path, api(live(1, query="SELECT user_id\nFROM users")))
    played.write("models/m.yaml", FILE)
    played.write("models/sql/users.sql", b"\xef\xbb\xbfSELECT user_id\r\nFROM users")
    played.commit()
    assert played.is_in_step()
    return played


def test_drift_goes_where_the_value_stands(drifted: Played) -> None:
    """Into the SQL file with its line ends, into the YAML with its comments; shown first, written when that is approved."""
    drifted.api.edit(1, query="SELECT user_id, email\nFROM users\n", name="People")
    before = drifted.files
    shown = drifted.run("import", "--drift")
    assert (shown.code, shown.err) == (0, "")
    assert "-name: 'Active users'   # quoted" in shown.out
    assert "+name: 'People'   # quoted" in shown.out
    assert "+SELECT user_id, email" in shown.out
    assert shown.out.endswith("Nothing was written. Use --auto-approve to write it.\n")
    assert drifted.files == before

    taken = drifted.run("import", "--drift", "--auto-approve")
    assert taken.code == 0
    assert "Wrote models/m.yaml\nWrote models/sql/users.sql\n" in taken.out
    assert drifted.read("models/m.yaml").decode() == FILE.replace("'Active users'", "'People'")
    assert drifted.read("models/sql/users.sql") == b"\xef\xbb\xbfSELECT user_id, email\r\nFROM users"
    assert drifted.is_in_step()
    assert "No drift." in drifted.run("import", "--drift", "--auto-approve").out


def test_your_own_changes_stay(drifted: Played) -> None:
    """What git says since the base is told and left; what both changed is a conflict, and for a person."""
    drifted.write("models/m.yaml", FILE.replace("the last 30 days", "a month").replace("Active users", "Mine"))
    drifted.api.edit(1, name="Theirs", query="SELECT 2")
    before = drifted.read("models/m.yaml")
    done = drifted.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "  m: description" in done.out
    assert "name of m was changed outside git, and in git, too" in done.out
    assert 'live is "Theirs"' in done.out
    assert "if live is right, write it into the file by hand" in done.out
    assert drifted.read("models/m.yaml") == before
    assert drifted.read("models/sql/users.sql").endswith(b"SELECT 2")


def test_without_git_all_that_differs_is_taken(tmp_path: Path) -> None:
    """And it's said."""
    played = Played(tmp_path, api(live(1, query="SELECT 3")))
    played.write("models/m.yaml", FILE.replace("query_file: sql/users.sql", "query: SELECT 2  # one"))
    done = played.run("import", "--drift", "--auto-approve")

    assert "There is no commit to compare with" in done.out
    assert b"query: SELECT 3  # one\n" in played.read("models/m.yaml")
    assert played.is_in_step()


def test_a_value_of_an_environment_is_reported_with_its_place(tmp_path: Path) -> None:
    """It isn't placed; the rest of the file is."""
    played = Played(tmp_path, api(live(1)))
    played.write("syncer.toml", SETTINGS + STAGING)
    text = FILE.replace("id: 1\n", "", 1).replace(
        "query_file: sql/users.sql", "query: |\n  SELECT user_id\n  FROM users"
    )
    text += "environments:\n  prod:\n    id: 1\n    description: Only here\n"
    played.write("models/m.yaml", text)
    played.api.edit(1, description="Only here")
    played.commit()
    assert played.is_in_step()
    played.api.edit(1, description="Edited", name="People")
    done = played.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "description of m was changed outside git, and its value comes from environments.prod" in done.out
    line = text.splitlines().index("    description: Only here") + 1
    assert f"on models/m.yaml line {line}:" in done.out
    assert 'live is "Edited"' in done.out
    assert "These values hold for staging, too" in done.out
    assert played.read("models/m.yaml").decode() == text.replace("Active users", "People")


def test_an_sql_file_of_two_definitions_is_left_alone(drifted: Played) -> None:
    """A live edit of one model would change the other."""
    drifted.api.models[2] = live(2, name="Other", query="SELECT user_id\nFROM users")
    drifted.write("models/o.yaml", FILE.replace("id: 1\n", "id: 2\n", 1).replace("Active users", "Other"))
    drifted.commit()
    drifted.api.edit(1, query="SELECT 1")
    before = drifted.files
    done = drifted.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "models/sql/users.sql is also that of models/o.yaml" in done.out
    assert drifted.files == before


def test_a_file_that_changed_meanwhile_is_left_alone(drifted: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what was shown is replaced."""
    drifted.api.edit(1, name="People")
    replace = safe_files.replace

    def meddled(root: Path, path: str, content: bytes, *, expected: bytes) -> None:
        drifted.write(path, "somebody else was here\n")
        replace(root, path, content, expected=expected)

    monkeypatch.setattr(safe_files, "replace", meddled)
    done = drifted.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "models/m.yaml was changed meanwhile, and was left as it is" in done.err
    assert drifted.read("models/m.yaml") == b"somebody else was here\n"


def test_the_mode_of_a_file_stays(drifted: Played) -> None:
    """As everything about it that isn't drift."""
    (drifted.folder / "models" / "m.yaml").chmod(0o640)
    drifted.api.edit(1, name="People")
    drifted.run("import", "--drift", "--auto-approve")

    assert os.stat(drifted.folder / "models" / "m.yaml").st_mode & 0o777 == 0o640  # noqa: PTH116


DOCS = """\
id: 1
name: Docs 1
connector: warehouse
description: Users seen in the last 30 days
query_type: unstructured
configuration:
  embedding_config:   # the embedding
    mode: m
    model: x
    api_key: {env: SYNCER_SECRET_KEY}   # ask finance
  chunk_config: {chunk_size: 1, chunk_overlap: 0}
"""


@pytest.fixture
def docs(tmp_path: Path) -> Played:
    """A model with a secret, in git and in step."""
    played = Played(tmp_path, api(_keyed(1)), {"SYNCER_SECRET_KEY": CANARY})
    played.write("models/m.yaml", DOCS)
    played.commit()
    assert played.is_in_step()
    return played


def _configuration(**changes: Any) -> dict[str, Any]:
    return {
        "embedding_config": {"mode": "m", "model": "x", "api_key": CANARY},
        "chunk_config": {"chunk_size": 1, "chunk_overlap": 0},
        **changes,
    }


def test_a_reference_stays_and_a_rotated_secret_is_told(docs: Played) -> None:
    """The rest of the configuration is taken; the new value is in no output and in no file."""
    rotated = {"mode": "m", "model": "z", "api_key": f"{CANARY}-new"}
    docs.api.edit(1, configuration=_configuration(embedding_config=rotated))
    done = docs.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert docs.read("models/m.yaml").decode() == DOCS.replace("model: x", "model: z")
    assert "differs from SYNCER_SECRET_KEY" in done.out
    assert CANARY not in done.text
    docs.variables["SYNCER_SECRET_KEY"] = f"{CANARY}-new"
    assert docs.is_in_step()


def test_a_new_secret_gets_a_variable(docs: Played) -> None:
    """Named in the file, listed to be set."""
    docs.api.edit(1, configuration=_configuration(other={"token": f"{CANARY}-2"}))
    done = docs.run("import", "--drift", "--auto-approve")

    assert "export SYNCER_SECRET_M_TOKEN=…  # models/m.yaml" in done.out
    assert b"token: {env: SYNCER_SECRET_M_TOKEN}" in docs.read("models/m.yaml")
    assert CANARY not in done.text
    docs.variables["SYNCER_SECRET_M_TOKEN"] = f"{CANARY}-2"
    assert docs.is_in_step()


def test_a_hidden_secret_keeps_its_reference(docs: Played) -> None:
    """Asterisks are never taken for a value."""
    masked = {"mode": "m", "model": "z", "api_key": "******"}
    docs.api.edit(1, configuration=_configuration(embedding_config=masked))
    assert docs.run("import", "--drift", "--auto-approve").code == 0

    assert docs.read("models/m.yaml").decode() == DOCS.replace("model: x", "model: z")


def test_a_secret_that_is_not_set_does_not_keep_the_rest_back(docs: Played) -> None:
    """It's told that nobody can say whether it differs; the other fields are taken."""
    docs.variables.clear()
    docs.api.edit(1, description="Edited")
    done = docs.run("import", "--drift", "--auto-approve")

    assert done.code == 0
    assert "1 secret not compared: its variable is not set" in done.out
    assert "SYNCER_SECRET_KEY (m" in done.out
    assert b"description: Edited\n" in docs.read("models/m.yaml")


def test_what_is_ignored_is_not_taken(docs: Played) -> None:
    """A path under ignore_changes keeps what the file says, also inside a configuration that is taken."""
    text = DOCS + "lifecycle: {ignore_changes: [description, configuration.chunk_config.chunk_size]}\n"
    docs.write("models/m.yaml", text)
    docs.commit()
    chunks = {"chunk_size": 99, "chunk_overlap": 5}
    docs.api.edit(1, description="Edited", configuration=_configuration(chunk_config=chunks))
    assert docs.run("import", "--drift", "--auto-approve").code == 0

    assert docs.read("models/m.yaml").decode() == text.replace("chunk_overlap: 0", "chunk_overlap: 5")
    assert docs.is_in_step()


@pytest.mark.parametrize(
    ("configuration", "why"),
    [
        (None, "it's gone, and a file can't express that"),
        (_configuration(other={"token": 5}), "configuration.other.token is a number under a secret's key"),
        (_configuration(hidden="*****", other=1), "the server hides configuration.hidden"),
        (_configuration(note="\ud800"), "half a character"),
    ],
)
def test_a_configuration_that_no_file_can_say_is_left(configuration: Any, why: str, docs: Played) -> None:
    """Told with the reason; the file stays."""
    docs.api.edit(1, configuration=configuration)
    done = docs.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert why in flat(done.out)
    assert docs.read("models/m.yaml").decode() == DOCS
    assert CANARY not in done.text


def test_secrets_in_a_list_keep_their_references(tmp_path: Path) -> None:
    """Where the list is as long as it was; else only a value that a variable has tells which is which."""
    text = FILE.replace("query_file: sql/users.sql", "query: SELECT 1") + (
        "configuration:\n  tokens: {token: [{env: SYNCER_SECRET_A}, {env: SYNCER_SECRET_B}]}\n  size: 1\n"
    )
    keys = [f"{CANARY}-a", f"{CANARY}-b"]
    played = Played(tmp_path, api(live(1, query="SELECT 1")), {"SYNCER_SECRET_A": keys[0], "SYNCER_SECRET_B": keys[1]})
    played.write("models/m.yaml", text)
    played.api.edit(1, configuration={"tokens": {"token": keys}, "size": 1})
    played.commit()
    assert played.is_in_step()
    played.api.edit(1, configuration={"tokens": {"token": keys}, "size": 2})
    assert played.run("import", "--drift", "--auto-approve").code == 0
    assert played.read("models/m.yaml").decode() == text.replace("size: 1", "size: 2")
    played.commit()

    played.api.edit(1, configuration={"tokens": {"token": [keys[1]]}, "size": 2})
    assert played.run("import", "--drift", "--auto-approve").code == 0
    assert played.is_in_step()
    played.variables.clear()
    assert "is not set" in played.run("import", "--drift").out


def test_hidden_secrets_that_moved_are_left_to_a_person(tmp_path: Path) -> None:
    """Two elements change places, and nobody sees whose key is whose: a wrong reference would send it elsewhere."""
    text = FILE.replace("query_file: sql/users.sql", "query: SELECT 1") + (
        "configuration:\n  hosts:\n"
        "    - {host: a, api_key: {env: SYNCER_SECRET_A}}\n    - {host: b, api_key: {env: SYNCER_SECRET_B}}\n"
    )
    played = Played(tmp_path, api(live(1, query="SELECT 1")), {"SYNCER_SECRET_A": "ka", "SYNCER_SECRET_B": "kb"})
    played.write("models/m.yaml", text)
    played.commit()
    played.api.edit(1, configuration={"hosts": [{"host": "b", "api_key": "***"}, {"host": "a", "api_key": "***"}]})
    done = played.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "with secrets that the server hides" in flat(done.out)
    assert played.read("models/m.yaml").decode() == text
    played.api.edit(1, configuration={"hosts": [{"host": "b", "api_key": "kb"}, {"host": "a", "api_key": "ka"}]})
    assert played.run("import", "--drift", "--auto-approve").code == 0
    assert played.is_in_step()
    played.variables["SYNCER_SECRET_B"] = "another"
    assert not played.is_in_step()


def test_a_model_that_was_renamed_is_not_called_in_step(tmp_path: Path) -> None:
    """Bound by its name, it's lost: whoever takes drift in is told, and how it's found again."""
    played = Played(tmp_path, api(live(1, name="New name", query="SELECT 1")))
    played.write(
        "models/m.yaml", FILE.replace("query_file: sql/users.sql", "query: SELECT 1").replace("\nid: 1\n", "\n")
    )
    done = played.run("import", "--drift")

    assert "No drift" not in done.out
    assert "was renamed or deleted outside git" in flat(done.out)


def test_a_credential_in_clear_leaves_the_model_out(tmp_path: Path) -> None:
    """Under a key that isn't called secret, or inside an address."""
    models = [
        live(1, name="a", configuration={"headers": {"authorization": 5}}),
        live(2, name="b", configuration={"url": "https://user:pa55w0rd@host/x"}),
        live(3, name="c", configuration={"headers": {"Authorization": "Bearer abc"}}),
    ]
    played = Played(tmp_path, api(*models))
    done = played.run("import", "--all")

    assert [path for path in sorted(played.files) if path.endswith(".yaml")] == ["models/c.yaml"]
    assert b"Authorization: {env: SYNCER_SECRET_C_AUTHORIZATION}" in played.files["models/c.yaml"]
    assert "pa55w0rd" not in done.text


def test_a_variable_of_another_value_is_not_taken_by_a_name(tmp_path: Path) -> None:
    """A foreign model's name makes its variable's: one that is set already means something else."""
    variables = {"SYNCER_SECRET_DOCS_1_API_KEY": "another"}
    played = Played(tmp_path, api(_keyed(1, "*********")), variables)
    played.run("import", "--all")

    assert b"{env: SYNCER_SECRET_DOCS_1_API_KEY_2}" in played.read("models/docs_1.yaml")


def test_a_folder_of_nothing_is_not_the_sandbox_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a wrong folder, an import would write eleven models that nobody has."""
    monkeypatch.chdir(tmp_path)

    for command in (["import", "--all"], ["list"]):
        assert main(command) == 1
    assert list(tmp_path.iterdir()) == []


def test_force_leaves_the_sql_of_another_definition_alone(tmp_path: Path) -> None:
    """A model that is written anew takes its query along rather than write into a file that two name."""
    played = Played(tmp_path, api(live(1, query="SELECT 1\nFROM a"), live(2, name="Other", query="SELECT 1\nFROM b")))
    assert played.run("import", "--all").code == 0
    other = played.read("models/other.yaml").decode().replace("other.sql", "active_users.sql")
    played.write("models/other.yaml", other)
    before = played.read("models/active_users.sql")
    played.api.edit(1, query="SELECT 2\nFROM a")
    assert played.run("import", "1", "--force").code == 0

    assert played.read("models/active_users.sql") == before
    assert b"query: |" in played.read("models/active_users.yaml")


def test_a_connector_is_taken_as_the_file_gives_it(docs: Played) -> None:
    """By its name where that says which; else it's for a person."""
    docs.api.edit(1, connector_id=2)
    assert docs.run("import", "--drift", "--auto-approve").code == 0
    assert b"connector: endpoint\n" in docs.read("models/m.yaml")
    docs.commit()

    docs.api.edit(1, connector_id=77)
    done = docs.run("import", "--drift", "--auto-approve")
    assert done.code == 1
    assert "no name means connector 77 alone" in done.out


def test_what_an_anchor_shares_is_not_changed(drifted: Played) -> None:
    """Changed here it would change elsewhere, too: a person decides."""
    text = FILE.replace("query_file: sql/users.sql", "query: &q SELECT 1\nconfiguration: {also: *q}")
    drifted.write("models/m.yaml", text)
    drifted.api.edit(1, query="SELECT 1", configuration={"also": "SELECT 1"})
    drifted.commit()
    assert drifted.is_in_step()
    drifted.api.edit(1, query="SELECT 2")
    done = drifted.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "the anchor &q" in done.out
    assert drifted.read("models/m.yaml").decode() == text


def test_drift_that_would_break_a_file_is_left_out(drifted: Played) -> None:
    """A live query that the rules refuse is told, and the file stays valid."""
    drifted.api.edit(1, query="SELECT 1\nLIMIT 5")
    before = drifted.files
    done = drifted.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "the file would not be valid with it: a line of the query ends in" in flat(done.out)
    assert drifted.files == before


ANCHORED = """\
# about this model
name: &n 'Active users'   # quoted
description: >-   # why
  Users seen in
  the last 30 days
connector_id: 1
query_type: raw_sql
primary_key: user_id
query: SELECT user_id FROM users   # the query
configuration: # settings
  # for all steps
  defaults: &d # shared
    size: 1 # rows
    note: 'all'\t# said so
  first: *d # the first
  # the second is larger
  second:
    <<: *d # but
    size: 20 # its own
  third: {<<: *d , retries: 0x3 } # flow
  title: *n   # shown

# elsewhere
environments:
  prod: {id: 1}
  staging:
    configuration: {first: *d , theirs: true} # not ours
"""


def test_what_has_no_place_keeps_nothing_else_back(tmp_path: Path) -> None:
    """Each value for itself: byte for byte what can be placed, and the rest is named with its place and what is live."""
    configuration = {
        "defaults": {"size": 1, "note": "all"},
        "first": {"size": 1, "note": "all"},
        "second": {"size": 20, "note": "all"},
        "third": {"size": 1, "note": "all", "retries": 3},
        "title": "Active users",
    }
    played = Played(tmp_path, api(live(1, query="SELECT user_id FROM users", configuration=configuration)))
    played.write("syncer.toml", SETTINGS + STAGING)
    played.write("models/m.yaml", "\ufeff" + ANCHORED.replace("\n", "\r\n"))
    played.commit()
    assert played.is_in_step()
    edited = {
        **configuration,
        "defaults": {"size": 2, "note": "all"},
        "second": {"size": 30, "note": "all"},
        "third": {"size": 5, "note": "all", "retries": 4},
        "new": [1],
    }
    played.api.edit(1, name="People", query="SELECT 1\nLIMIT 5", description="Seen", configuration=edited)
    done = played.run("import", "--drift", "--auto-approve")

    said = " ".join(re.sub("[│|]", " ", done.out).split())
    assert (done.code, done.err) == (1, "")
    assert "configuration.defaults.size of m was changed outside git: it stands in the anchor &d" in said
    assert "edit the file by hand; live is 2" in said
    assert "on models/m.yaml line 13: 13: size: 1 # rows" in said
    assert (
        "query of m was changed outside git: the file would not be valid with it: a line of the query ends in" in said
    )
    assert "name of m was changed outside git: its value is the anchor &n, which line 21 uses, too" in said
    assert "Wrote models/m.yaml" in done.out
    changed = [
        ("  Users seen in\n  the last 30 days", "  Seen"),
        ("size: 20 #", "size: 30 #"),
        ("retries: 0x3 }", "retries: 4, size: 5 }"),
        ("  title: *n   # shown\n", "  title: *n   # shown\n  new:\n    - 1\n"),
    ]
    after = ANCHORED
    for old, new in changed:
        after = after.replace(old, new)
    assert played.read("models/m.yaml").decode() == "\ufeff" + after.replace("\n", "\r\n")
    played.api.edit(1, name="Active users", query="SELECT user_id FROM users")
    assert "configuration.defaults.size" in played.run("import", "--drift").out
    played.api.edit(1, configuration={**edited, "defaults": {"size": 1, "note": "all"}})
    assert played.is_in_step()


def test_no_drift_is_said_only_where_everything_was_compared(drifted: Played) -> None:
    """Not of a model that the server can't show, and not where a secret isn't known."""
    found = LiveState((), (Unreadable(1, "no catalog"),))
    drifted.api.fetch = mock.Mock(return_value=found)  # type: ignore[method-assign]
    done = drifted.run("import", "--drift")

    assert done.code == 1
    assert "the server can't show live model 1: no catalog" in done.err
    assert "No drift" not in done.out
    assert "Drift: none in what could be compared." in done.out
    drifted.api.fetch = mock.Mock(return_value=LiveState((_keyed(2),)))  # type: ignore[method-assign]
    drifted.write("models/m.yaml", DOCS.replace("id: 1", "id: 2").replace("Docs 1", "Docs 2"))
    assert "No drift" not in drifted.run("import", "--drift").out
    drifted.variables["SYNCER_SECRET_KEY"] = CANARY
    assert "No drift." in drifted.run("import", "--drift").out


def test_a_link_among_the_files_is_not_written(drifted: Played) -> None:
    """What it leads to may be shared."""
    file = drifted.folder / "models" / "m.yaml"
    shutil.rmtree(drifted.folder / ".git")
    file.rename(drifted.folder / "n.yaml")
    file.symlink_to(drifted.folder / "n.yaml")
    drifted.api.edit(1, name="People")
    done = drifted.run("import", "--drift", "--auto-approve")

    assert done.code == 1
    assert "it's a link, or is reached through one" in done.out
    assert (drifted.folder / "n.yaml").read_text() == FILE


def test_some_are_chosen_by_address(drifted: Played) -> None:
    """--target, as in a plan."""
    drifted.api.edit(1, name="People")

    assert drifted.run("import", "--drift", "--target", "nope").code == 1
    assert "1 file to change" in drifted.run("import", "--drift", "--target", "m").out


@pytest.mark.parametrize(
    "text",
    ["\x1b[31mred\x1b[0m", "::error::x\n::error file=x::y", "##[error]x", "\u202eabc", "a\n::set-output name=x::y"],
)
def test_hostile_words_are_shown_harmless(text: str, drifted: Played) -> None:
    """No control character and no runner's command gets to the terminal, by no way."""
    drifted.api.edit(1, description=text, query=f"SELECT 1\n{text}")
    shown = drifted.run("import", "--drift")
    drifted.api.models[2] = live(2, name=text.replace("\n", " "), query=text, description=text)
    texts = [shown.text, drifted.run("import", "--all").text, drifted.run("list").text]

    for one in texts:
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", one)
        assert not re.search(r"^\s*::|##\[", one, re.MULTILINE)


def test_a_query_of_megabytes_is_no_trouble(tmp_path: Path) -> None:
    """It's more than a file may hold: told, and the others are imported."""
    played = Played(tmp_path, api(live(1, query="SELECT 1,\n" * 300_000), live(2, name="b")))
    done = played.run("import", "--all")

    assert "1 model imported" in done.out
    assert "model 1 'Active users' can't be a definition: " in done.out


# -- documents -----------------------------------------------------------------------------------------------------

CHAPTER = Path(__file__).parents[2] / "docs" / "importing.md"


def test_the_chapter_is_true(tmp_path: Path, accept: bool) -> None:  # noqa: FBT001 - a fixture
    """Its commands, in an empty folder, print what it says."""
    text = rewritten(CHAPTER.read_text("utf-8"), tmp_path)
    if accept:
        CHAPTER.write_text(text, "utf-8")

    assert CHAPTER.read_text("utf-8") == text


def test_the_chapter_has_every_rule() -> None:
    """What an import or a --drift tells stands in a table."""
    source = "".join(path.read_text("utf-8") for path in Path(drift.__file__).parent.glob("*.py"))
    used = {*re.findall(r"(?:Problem\(\s*NOWHERE,|leave\(\s*field,|\.problem\()\s*\"([a-z-]+)\"", source)}
    table = {*re.findall(r"^\| `([a-z-]+)` \|", CHAPTER.read_text("utf-8"), re.MULTILINE)}

    assert len(used) >= 7
    assert used <= table


# -- files ---------------------------------------------------------------------------------------------------------


def test_a_new_file_is_whole_and_never_another_one(tmp_path: Path) -> None:
    """It isn't there, or it's there whole; what is there already stays."""
    safe_files.create(tmp_path, "a/b/x.yaml", b"one")
    with pytest.raises(safe_files.UnwrittenError, match="is there already"):
        safe_files.create(tmp_path, "a/b/x.yaml", b"two")
    with pytest.raises(safe_files.UnwrittenError, match="can't be written"):
        safe_files.create(tmp_path, "a/b/x.yaml/c.yaml", b"two")
    with pytest.raises(safe_files.UnwrittenError, match="leads out"):
        safe_files.create(tmp_path, "../x.yaml", b"two")

    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x.yaml"]
    assert (tmp_path / "a" / "b" / "x.yaml").read_bytes() == b"one"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither half a file nor an empty one, and the old one as it was."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "old.yaml").write_bytes(b"old")
    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(safe_files.UnwrittenError, match="No space left"):
        safe_files.create(tmp_path, "new.yaml", b"new")
    with pytest.raises(safe_files.UnwrittenError, match="No space left"):
        safe_files.replace(tmp_path, "old.yaml", b"new", expected=b"old")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"old.yaml": b"old"}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=40))
def test_an_sql_file_keeps_its_habits(query: str) -> None:
    """Line ends, the mark, the end: what is read back is the query."""
    for raw in (b"a\nb\n", b"a\r\nb\r\n", b"a", b"\xef\xbb\xbfa\r\nb", b"", b"a\n\n\n"):
        written = drift.sql_file_bytes(query, raw)
        text = written.removeprefix(b"\xef\xbb\xbf").decode().replace("\r\n", "\n")
        assert text.rstrip("\n") == query.rstrip("\n")
        assert written.startswith(b"\xef\xbb\xbf") == raw.startswith(b"\xef\xbb\xbf")


# -- the values themselves -----------------------------------------------------------------------------------------

MANNER = ImportContext("prod", CONNECTORS)


def _drafted(path: str = "models/m.yaml", manner: ImportContext = MANNER, **attributes: Any) -> new_files.Draft:
    return new_files.draft(
        live(7, **attributes), path, manner, Variables(lambda _: "", ()), address="m", query_file="m.sql"
    )


def test_a_draft_says_what_is_live_in_the_order_of_writing() -> None:
    """Nothing that is blank, the id where it belongs, the connector by its name where that means it alone."""
    whole = _drafted(configuration={"n": 1, "token": "k-canary"})
    name = next(one.name for one in CONNECTORS if one.id == 1)
    values = {**RAW_SQL, "connector": name, "configuration": {"n": 1, "token": SecretRef("SYNCER_SECRET_M_TOKEN")}}

    assert list(whole.values) == [
        "id", "name", "description", "connector", "query_type", "primary_key", "query", "configuration",
    ]  # fmt: skip
    assert whole.values == {"id": 7, **{key: value for key, value in values.items() if key != "connector_id"}}
    assert (whole.query_file, whole.sql_path, whole.secrets) == (
        "m.sql",
        "models/m.sql",
        {"SYNCER_SECRET_M_TOKEN": Secret("k-canary")},
    )
    assert not whole.is_rewritten

    bare = _drafted(
        "m.yaml", replace(MANNER, pins_at_top=False), description=None, primary_key=" ", query=None, connector_id=99
    )
    assert bare.values == {
        "name": RAW_SQL["name"], "connector_id": 99, "query_type": "raw_sql", "environments": {"prod": {"id": 7}},
    }  # fmt: skip
    assert (bare.query_file, bare.sql_path, bare.secrets) == ("", "", {})
    assert _drafted("m.yaml").sql_path == "m.sql"
    assert new_files.Draft(live(7), "m.yaml", {}).sql_path == ""
    kept = new_files.draft(
        live(7), "m.yaml", MANNER, Variables(lambda _: "", ()), address="m", kept={"lifecycle": {"protect": True}}
    )
    assert (kept.is_rewritten, kept.values["lifecycle"], kept.query_file) == (True, {"protect": True}, "")


@pytest.mark.parametrize(
    ("query", "inline", "has_file"),
    [("a\nb", False, True), ("a\nb", True, False), ("ab", False, False), ("a\r\nb", False, False), ("a\n\0b", False, False),
     ("\ufeffa\nb", False, False), ("a\n\ud800", False, False)],
)  # fmt: skip
def test_a_query_goes_into_a_file_that_gives_it_back(query: str, inline: bool, has_file: bool) -> None:  # noqa: FBT001 - a case
    """Of several lines, and of nothing that reading would change."""
    model = LiveModel(7, {**RAW_SQL, "query": query})
    made = new_files.draft(
        model, "m.yaml", replace(MANNER, inline=inline), Variables(lambda _: "", ()), address="m", query_file="q.sql"
    )

    assert made.query_file == ("q.sql" if has_file else "")


def test_models_are_chosen_by_what_is_asked() -> None:
    """By ids, each once and those that aren't there named; or by types and connectors, all of both."""
    state = LiveState((live(3), live(1, connector_id=2), live(2, query_type="dbt")), (Unreadable(5, "broken"),))
    first, second = (next(one.name for one in CONNECTORS if one.id == number) for number in (1, 2))

    for asked, ids in (
        (Selection(everything=True), [1, 2, 3]),
        (Selection(query_types=("dbt",)), [2]),
        (Selection(connectors=(first,)), [2, 3]),
        (Selection(connectors=(first, "2")), [1, 2, 3]),
        (Selection(query_types=("raw_sql",), connectors=(second,)), [1]),
        (Selection(ids=(3, 1, 3)), [1, 3]),
    ):
        selection.check_selection(asked)
        models, problems = selection.selected(asked, state, CONNECTORS)
        assert ([model.id for model in models], problems) == (ids, [])
    models, problems = selection.selected(Selection(ids=(9, 5, 1, 9)), state, CONNECTORS)
    assert [model.id for model in models] == [1]
    assert [(one.rule, one.message, one.is_error) for one in problems] == [
        ("unknown-id", "the workspace has no live model with id 9", True),
        ("unreadable-model", "the server can't show live model 5: broken", True),
    ]
    for wrong in (
        Selection(),
        Selection(True, (1,)),
        Selection(ids=(1,), connectors=(first,)),
        Selection(query_types=("raw_sql", "x")),
    ):
        with pytest.raises(SettingsError):
            selection.check_selection(wrong)
    with pytest.raises(SettingsError, match="the workspace has no connector 'x'"):
        selection.selected(Selection(connectors=("x",)), state, CONNECTORS)


def test_a_name_that_is_there_with_any_ending_is_taken() -> None:
    """Whatever its case; a dot at the beginning is no ending."""
    free = Addresses(["Active_Users.SQL", "model_9.tar.gz", ".hidden", "plain"])

    assert [free.of(live(number, name=name)) for number, name in [(1, "Active users"), (2, "plain"), (3, "hidden"), (4, "model 9.tar"), (5, "CON"), (6, "!")]] == [
        "active_users_1", "plain_2", "hidden", "model_9_tar", "con_5", "model_6",
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "is_told"), [("k" * 8, True), ("k" * 7, False), ("*" * 8, False)])
def test_a_secret_that_stands_elsewhere_in_clear_is_noticed(value: str, is_told: bool) -> None:  # noqa: FBT001 - a case
    """From eight characters on; asterisks hide something else."""
    one = replace(_drafted(), secrets={"V": Secret("other-one"), "W": Secret(value)})

    assert new_files.shows_a_secret(one, ["nothing", f"x {value} y"]) is is_told
    assert not new_files.shows_a_secret(one, ["nothing"])
    assert not new_files.shows_a_secret(replace(one, secrets=None), [value])


def test_variables_that_are_not_what_is_live_have_to_be_set() -> None:
    """Each once, by name, with all files that name it; what the server hides only has to be set to something."""
    drafts = [
        replace(_drafted(f"models/{name}.yaml"), secrets=found)
        for name, found in (
            ("a", {"V": Secret("v"), "SET": Secret("set")}),
            ("b", None),
            ("c", {"V": Secret("v"), "H": Secret("***"), "K": Secret("****"), "A": Secret("new")}),
        )
    ]
    known = {"SET": Secret("set"), "A": Secret("old"), "K": Secret("anything")}

    assert new_files.unset_variables(drafts, known.get) == (
        new_files.UnsetVariable("A", ("models/c.yaml",), is_hidden=False),
        new_files.UnsetVariable("H", ("models/c.yaml",), is_hidden=True),
        new_files.UnsetVariable("V", ("models/a.yaml", "models/c.yaml"), is_hidden=False),
    )


def _intake(own: dict[str, Any], there: dict[str, Any], causes: Any = None, owners: Any = None) -> drift.DriftEdits:
    wanted = desired("m", **own)
    (change,) = make_plan(Bound((Binding(wanted, live(7, **there)),)), TARGET).changes
    return drift.drift_edits(change, causes, MANNER, Variables(lambda _: "", ()), owners or {})


def test_drift_goes_to_the_place_where_the_value_stands() -> None:
    """At the top; not below an environment, nor where the file has no content; what git changes waits, a conflict is left."""
    taken = _intake(
        {"query": "SELECT 2", "description": "d"}, {}, {"query": (Cause.DRIFT,), "description": (Cause.CHANGE,)}
    )
    assert (taken.edits, taken.fields, taken.waiting, taken.left) == (
        ((("query",), RAW_SQL["query"]),), ("query",), ("description",), (),
    )  # fmt: skip
    assert (taken.path, taken.sql, taken.secrets) == ("models/m.yaml", None, {})
    assert taken.only(["query"]) == taken
    assert (taken.only(["name"]).edits, taken.only(["name"]).fields) == ((), ())

    both = _intake({"query": "SELECT 2"}, {}, {"query": (Cause.CHANGE, Cause.DRIFT)})
    assert [(one.rule, one.severity, one.excerpt) for one in both.left] == [
        ("conflicting-edit", Severity.WARNING, "query: …")
    ]
    assert both.left[0].message == "query of m was changed outside git, and in git, too"
    assert both.left[0].hint.endswith('apply with `--on-drift overwrite`; live is "SELECT user_id\\nFROM users"')

    below = _intake({"query": ..., "environments": {"prod": {"query": "SELECT 2"}}}, {})
    assert (below.edits, [one.rule for one in below.left]) == ((), ["environment-value"])
    assert below.left[0].message == "query of m was changed outside git, and its value comes from environments.prod"
    assert below.left[0].hint.startswith("edit the file by hand; live is ")


def test_a_connector_is_taken_by_name_where_the_file_names_one() -> None:
    """By number if no name means it alone."""
    second = next(one.name for one in CONNECTORS if one.id == 2)
    wanted, _ = bind_connectors(
        DesiredState((desired("m", connector_id=..., connector=CONNECTORS[0].name),)), CONNECTORS
    )
    for number, edits, rules in ((2, ((("connector",), second),), []), (99, (), ["not-placed"])):
        (change,) = make_plan(Bound((Binding(wanted.models[0], live(7, connector_id=number)),)), TARGET).changes
        taken = drift.drift_edits(change, None, MANNER, Variables(lambda _: "", ()), {})
        assert (taken.edits, [one.rule for one in taken.left]) == (edits, rules)
        assert [drift.field_of(path) for path, _ in taken.edits] == ["connector_id"] * len(edits)
    assert taken.left[0].message == "connector_id of m was changed outside git: no name means connector 99 alone"
    assert taken.left[0].hint == "use connector_id; live is 99"
    assert [drift.field_of(path) for path in [("query_file",), ("query",), ("configuration", "a")]] == [
        "query",
        "query",
        "configuration",
    ]


K, OTHER = {"env": "SYNCER_SECRET_K"}, {"env": "SYNCER_SECRET_O"}
REF, NEW = SecretRef("SYNCER_SECRET_K"), SecretRef("SYNCER_SECRET_M_TOKEN")


@pytest.mark.parametrize(
    ("own", "there", "ignored", "taken"),
    [
        ({"token": K, "n": 1}, {"token": "k", "n": 2}, [], {"token": REF, "n": 2}),
        ({"n": 1}, {"token": "k", "n": 2}, [], {"token": NEW, "n": 2}),
        ({"token": {"env": "x", "more": 1}, "n": 1}, {"token": "k", "n": 2}, [], {"token": NEW, "n": 2}),
        ({"d": {"token": K}, "n": 1}, {"d": {"token": "k", "x": 1}, "n": 2}, [], {"d": {"token": REF, "x": 1}, "n": 2}),
        ({"d": "text", "n": 1}, {"d": {"token": "k"}, "n": 2}, [], {"d": {"token": NEW}, "n": 2}),
        ({"l": [{"token": K}], "n": 1}, {"l": [{"token": "***"}], "n": 2}, [], {"l": [{"token": REF}], "n": 2}),
        ({"l": [{"token": K}], "n": 1}, {"l": [{"token": "k", "x": 1}], "n": 1}, [], {"l": [{"token": NEW, "x": 1}], "n": 1}),
        ({"l": [{"token": K}], "n": 1}, {"l": [{"token": "***"}, {"x": 1}], "n": 1}, [], None),
        ({"l": [{"token": [K]}], "n": 1}, {"l": [{"token": ["k"]}], "n": 2}, [], {"l": [{"token": [REF]}], "n": 2}),
        ({"l": [{"token": K, "m": [1]}], "n": 1}, {"l": [{"token": "***", "m": [1]}], "n": 2}, [], {"l": [{"token": REF, "m": [1]}], "n": 2}),
        ({"l": [{"token": K, "m": [K]}], "n": 1}, {"l": [{"token": "***", "m": ["***"]}], "n": 2}, [], {"l": [{"token": REF, "m": [REF]}], "n": 2}),
        ({"l": [{"token": K, "m": [1]}], "n": 1}, {"l": [{"token": "***", "m": [1, 2]}], "n": 2}, [], None),
        ({"l": [1, {"a": 1}]}, {"l": [2, {"a": 3}]}, [], {"l": [2, {"a": 3}]}),
        ({"a": 1, "n": 1}, {"a": 2, "n": 2}, ["configuration.a"], {"a": 1, "n": 2}),
        ({"n": 1}, {"a": 2, "n": 2}, ["configuration.a"], {"n": 2}),
        ({"n": 1}, {"a": {"b": 2}, "n": 2}, ["configuration.a.b"], {"a": {"b": 2}, "n": 2}),
        ({"a": {"b": 1}, "n": 1}, {"a": {"b": 2, "c": 3}, "n": 2}, ["configuration.a.b"], {"a": {"b": 1, "c": 3}, "n": 2}),
        ({"a": {"b": 1}, "n": 1}, {"n": 2}, ["configuration.a.b"], {"n": 2}),
        ({"a": {"b": 1}, "n": 1}, {"a": "text", "n": 2}, ["configuration.a.b"], {"a": "text", "n": 2}),
        ({"a": {"env": "x"}, "l": [K], "n": 1}, {"a": 2, "l": 3, "n": 2}, ["configuration.a", "configuration.l"], {"a": SecretRef("x"), "l": [REF], "n": 2}),
        ({"a": {"env": 5}, "n": 1}, {"a": 2, "n": 2}, ["configuration.a", "description"], {"a": {"env": 5}, "n": 2}),
    ],
)  # fmt: skip
def test_a_configuration_is_taken_with_the_file_s_own_references(
    own: Any, there: Any, ignored: list[str], taken: Any
) -> None:
    """And with what the file ignores as it says it; a new secret gets a variable, a hidden one that moved is a person's."""
    found = _intake({"configuration": own, "lifecycle": {"ignore_changes": ignored}}, {"configuration": there})

    assert found.edits == (() if taken is None else ((("configuration",), taken),))
    assert [one.rule for one in found.left if one.rule != "rotated-secret"] == ([] if taken else ["not-placed"])
    assert set(found.secrets or ()) == ({"SYNCER_SECRET_M_TOKEN"} if taken and "M_TOKEN" in repr(taken) else set())


def test_a_configuration_that_no_file_can_say_is_named() -> None:
    """One that is gone, or that holds what a variable can't."""
    for there, why in (
        (None, "it's gone, and a file can't express that"),
        ({"token": 5, "n": 2}, "configuration.token is a number under a secret's key, and a variable gives text"),
        (
            {"a": "***", "n": 2},
            "the server hides configuration.a, and a reference may stand under a secret's key alone",
        ),
        ({"token": "a\0", "n": 2}, "configuration.token holds a NUL character, which no variable can"),
    ):
        (left,) = (one for one in _intake({"configuration": {"n": 1}}, {"configuration": there}).left)
        assert (left.rule, left.message) == ("not-placed", f"configuration of m was changed outside git: {why}")
        assert left.hint.startswith("remove it from the file; " if there is None else "edit the file by hand; ")


def test_secrets_that_nobody_could_look_up_do_not_hide_the_rest() -> None:
    """Live's own stands in for each at its place; where live has none there, one that nothing can send."""
    own = {"token": K, "d": {"token": OTHER}, "l": [{"token": K}], "m": [{"token": K}], "n": 1}
    model = replace(desired("m", configuration=own), names_secrets=True)
    other = live(7, configuration={"token": "k", "l": [{"token": "l"}], "m": [], "n": 2})
    seen, unset = with_live_secrets(model, other)

    assert seen.fields["configuration"] == {
        "token": Secret("k"), "d": {"token": Secret.unset("SYNCER_SECRET_O")}, "l": [{"token": Secret("l")}],
        "m": [{"token": Secret.unset("SYNCER_SECRET_K")}], "n": 1,
    }  # fmt: skip
    assert unset == ("SYNCER_SECRET_K", "SYNCER_SECRET_O")
    with pytest.raises(ValueError, match="an unresolved or masked secret can't be sent"):
        payloads.body({**other.fields, **seen.fields}, ["configuration"], {})
    plain = desired("m", configuration={"n": 1})
    assert with_live_secrets(plain, other) == (plain, ())
    documents = [
        document(configuration=own),
        document("b", environments={"prod": {"configuration": {"x": {"env": "E"}, "y": {"env": 5}}}}),
    ]
    assert new_files.named_variables(documents) == {"SYNCER_SECRET_K", "SYNCER_SECRET_O", "E"}


def test_a_place_that_a_file_has_no_room_for_is_told_with_what_is_live() -> None:
    """Down to it, as far as live has it."""
    taken = _intake({"configuration": {"n": 1}}, {"configuration": {"a": {"b": [1, "x"]}, "n": 2}})
    for path, where, hint in (
        (("configuration", "a", "b", 1), "configuration.a.b[1]", 'live is "x"'),
        (("configuration", "a", "b", 2), "configuration.a.b[2]", "live has none"),
        (("configuration", "a", "c"), "configuration.a.c", "live has none"),
        (("configuration", "n", "x"), "configuration.n.x", "live has none"),
        (("connector",), "connector_id", "live is 1"),
    ):
        told = drift.unplaced_problem(taken, path, "why")
        assert (told.rule, told.severity) == ("not-placed", Severity.WARNING)
        assert told.message == f"{where} of m was changed outside git: why"
        assert told.hint == f"edit the file by hand; {hint}"
    assert drift.shortened("x" * 198) == f'"{"x" * 198}"'
    assert drift.shortened("é" * 199) == f'"{"é" * 199}...'
    assert drift.shortened({"k": Secret("s")}) == '{"k": "(sensitive value)"}'


@pytest.mark.parametrize(
    ("raw", "text", "expected"),
    [
        (b"a\nb\n", "c\nd", b"c\nd\n"),
        (b"a\r\nb\r\n\r\n", "c\nd", b"c\r\nd\r\n\r\n"),
        (b"\xef\xbb\xbfa", "c\nd", b"\xef\xbb\xbfc\nd"),
        (b"a\r\nb\nc\n", "c\nd", b"c\nd\n"),
        (b"a\r\nb\nc", "c\nd", b"c\r\nd"),
        (b"", "c\nd", b"c\nd"),
    ],
)
def test_an_sql_file_is_written_as_it_was(raw: bytes, text: str, expected: bytes) -> None:
    """Its mark, how most of its lines end, and how it ended."""
    assert drift.sql_file_bytes(text, raw) == expected


def test_what_can_not_be_a_definition_is_told() -> None:
    """An error if it was asked for by name; its name in short."""
    asked, other = (
        new_files.not_imported(live(7, name="n" * 300), "why", is_asked=is_asked) for is_asked in (True, False)
    )

    assert (asked.severity, other.severity) == (Severity.ERROR, Severity.WARNING)
    assert asked.message == f"model 7 {'n' * 200!r} can't be a definition: why"
    assert (
        asked.hint
        == "fix it in AI Squared and import it then, or write its file by hand; until then it stays out of git"
    )
    assert new_files.not_imported(live(7), "why", is_asked=True, path="a.yaml").hint == "edit a.yaml by hand"
    assert not new_files.Imported(problems=(other, asked)).is_whole
    assert new_files.Imported(problems=(other,)).is_whole
