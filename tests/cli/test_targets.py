"""Which definitions a command is about: `--target`, `--connector`, `--query-type`, `--changed`; and what isn't valid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from builders import FakeApi, live
from played import CONNECTORS, Played

from syncer.model import Connector

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
id: {id}
name: Model {id}
connector: {connector}
query_type: raw_sql
primary_key: user_id
query: SELECT user_id FROM users
"""


def _file(number: int, connector: str = "warehouse") -> str:
    return FILE.format(id=number, connector=connector)


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """Four definitions of two connectors; the live models have another description."""
    models = [live(number, name=f"Model {number}", description="Old") for number in range(1, 6)]
    models[3] = live(4, name="Model 4", description="Old", connector_id=2)
    played = Played(tmp_path, FakeApi(models, CONNECTORS))
    for number in (1, 2, 3):
        played.write(f"models/m{number}.yaml", _file(number) + "description: New\n")
    by_id = _file(4).replace("connector: warehouse", f"connector_id: {CONNECTORS[1].id}")
    played.write("models/m4.yaml", by_id + "description: New\n")
    played.commit()
    return played


def _named(played: Played, *words: str) -> list[str]:
    """The definitions that the output of a command names, which must end well."""
    done = played.run(*words)
    assert done.code == 0, done
    return sorted({*re.findall(r"\bm\d\b", done.out)})


def _refused(played: Played, *words: str) -> str:
    done = played.run(*words)
    assert done.code == 1, done
    return done.out + done.err


def test_flags_choose_definitions_alike_in_plan_and_list(played: Played) -> None:
    """By address, connector (its name also where a file has its id) and type; all that is given must fit."""
    for command in (("plan", "--summary", "--max-change-percent", "100"), ("list",)):
        assert _named(played, *command, "--connector", "warehouse") == ["m1", "m2", "m3"]
        assert _named(played, *command, "--connector", "endpoint") == ["m4"]
        assert _named(played, *command, "--connector", "2") == ["m4"]
        assert _named(played, *command, "--query-type", "raw_sql", "--target", "m[12]") == ["m1", "m2"]
        assert "did you mean warehouse?" in _refused(played, *command, "--connector", "warehose")
        assert "have: raw_sql" in _refused(played, *command, "--query-type", "dbt")
        assert "matches all the flags at once" in _refused(played, *command, "--connector", "2", "--target", "m1")
    assert "Model 5" in played.run("list", "--connector", "1").out
    assert "Model 5" in played.run("list", "--unmanaged", "--connector", "warehouse").out
    assert "Model 5" not in played.run("list", "--target", "m1").out
    assert "2 definitions checked" in played.run("validate", "--target", "m[12]").out
    assert "3 definitions checked" in played.run("validate", "--connector", "warehouse").out
    assert "--target" in _refused(played, "validate", "--target", "nothing")


def test_changed_means_what_this_branch_touches(played: Played) -> None:
    """Edited, new, committed since another ref, by its SQL file; and never a word that follows."""
    list_, validate = ("list", "--changed"), ("validate", "--changed")
    assert _named(played, *list_) == []
    assert "0 definitions checked" in played.run(*validate).out
    # Windows line ends are no edit, and a byte order mark is one.
    played.write("models/m3.yaml", played.read("models/m3.yaml").replace(b"\n", b"\r\n"))
    with_file = _file(2).replace("query: SELECT user_id FROM users", "query_file: two.sql")
    played.write("models/m2.yaml", with_file)
    played.write("models/two.sql", "SELECT user_id FROM users\n")
    assert _named(played, *list_) == ["m2"]
    played.commit()
    assert _named(played, *list_) == []
    assert _named(played, "list", "--changed=HEAD^") == ["m2"]
    played.write("models/two.sql", "SELECT user_id FROM people\n")
    assert _named(played, *list_) == ["m2"]
    assert "1 definition checked" in played.run(*validate, "models/m1.yaml", "models/m2.yaml").out
    played.write("models/m1.yaml", b"\xef\xbb\xbf" + played.read("models/m1.yaml"))
    assert _named(played, *list_) == ["m1", "m2"]
    # Settings say what every file means.
    settings = played.read("syncer.toml")
    played.write("syncer.toml", settings + b"max_change_percent = 90\n")
    assert len(_named(played, *list_)) == 4
    played.write("syncer.toml", settings)
    # So do the defaults of a folder, also those that are gone.
    for number in (1, 2, 3):
        played.write(f"models/below/m{number}.yaml", _file(number))
        (played.folder / f"models/m{number}.yaml").unlink()
    defaults = played.write("models/below/_defaults.yaml", "lifecycle: {protect: true}\n")
    played.commit()
    assert _named(played, *list_) == []
    defaults.unlink()
    assert _named(played, *list_) == ["m1", "m2", "m3"]
    wrong = played.run("plan", "--changed", "HEAD^")
    assert (wrong.code, "Did you mean --changed=HEAD^?" in wrong.err) == (64, True)
    assert "nowhere" in _refused(played, "list", "--changed=nowhere")


@pytest.mark.parametrize("broken", ["id: 2\nname: [\n", "id: 2\nname: Model 2\nquery_typ: raw_sql\n"])
def test_a_file_that_is_not_valid_stops_no_run_about_others(played: Played, broken: str) -> None:
    """It's named, and what it might claim is still its own: by id, by name, or the model that a name finds."""
    played.write("models/m2.yaml", broken)
    for words in (("plan", "--target", "m1"), ("list", "--target", "m1"), ("validate", "--target", "m1")):
        done = played.run(*words)
        assert (done.code, "doesn't look at it: models/m2.yaml" in done.out + done.err) == (0, True), done
    assert played.run("plan").code == 1
    assert "models/m2.yaml" in _refused(played, "plan", "--target", "m*")
    assert played.run("apply", "--auto-approve", "--target", "m1").code == 1

    # The same id, the same name, and a definition that finds by its name the very model of the file's id.
    played.write("models/m2.yaml", broken.replace("id: 2", "id: 1"))
    assert "models/m2.yaml" in _refused(played, "plan", "--target", "m1")
    played.write("models/m2.yaml", broken)
    played.write("models/m1.yaml", _file(1).replace("id: 1\nname: Model 1", "name: Model 2"))
    assert _refused(played, "plan", "--target", "m1")
    assert not played.api.puts


@pytest.mark.parametrize(
    ("field", "claims"),
    [
        ("id: 1\n", ["x: &own 1\nid: *own\n", "id: # the first\n  1\n", '"\\x69d": 1\n']),
        ("", ['name: "M\\u006fdel 1"\n', "name: Model\n  1\n", 'name: "Model\\\n  \\x201"\n']),
    ],
    ids=["id", "name"],
)
def test_a_rival_may_be_written_in_any_way_that_yaml_has(played: Played, field: str, claims: list[str]) -> None:
    """What can't be parsed is read as far as it tells which model it may mean, escapes, aliases and folds included."""
    played.write("models/m1.yaml", _file(1).replace("id: 1\n", field))
    for claim in claims:
        played.write("models/m2.yaml", f"{claim}query: [\n")
        assert "models/m2.yaml can't be read, and may declare" in _refused(played, "plan", "--target", "m1"), claim
    played.write("models/m2.yaml", "id: 2\nname: Model 2\nlimit: 1\nquery: [\n")
    assert _named(played, "plan", "--target", "m1") == ["m1", "m2"]


@pytest.mark.parametrize("connector", ["1", "Prod warehouse"])
def test_a_connector_of_another_spelling_hides_no_rival(played: Played, connector: str) -> None:
    """By the id of a connector that files name, or by its name there, what may claim the model stops it all the same."""
    names = '[environments.prod.connectors]\nwarehouse = "Prod warehouse"\n'
    played.write("syncer.toml", played.read("syncer.toml") + names.encode())
    there = (Connector(1, "Prod warehouse", "source", "Snowflake"), *CONNECTORS[1:])
    played.api = FakeApi([*played.api.models.values()], there)
    plan = ("plan", "--max-change-percent", "100", "--connector", connector)
    assert _named(played, *plan) == ["m1", "m2", "m3"]
    played.write("models/m2.yaml", "id: 1\nname: [\n")
    assert "models/m2.yaml can't be read, and may declare the id 1 too" in _refused(played, *plan)
    # What isn't valid and is meant is no file to be left aside.
    played.write("models/m2.yaml", _file(2).replace("raw_sql", "raw_sq"))
    assert "models/m2.yaml:4:13" in _refused(played, *plan)
