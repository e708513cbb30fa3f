"""List: every model, of git or live, and how it stands."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from builders import TARGET, FakeApi, desired, live
from event_schema import VALIDATOR
from hypothesis import given
from hypothesis import strategies as st
from played import CONNECTORS, Played

from syncer.errors import ApiError, RefreshError
from syncer.model import Binding, Bound, Connector, DesiredState, LiveState, Sync, Unreadable
from syncer.plan.model_states import Listing, Row, State, rows_of
from syncer.plan.planner import Cause, Provenance, make_plan
from syncer.render.style import Style
from syncer.render.terminal.list_ import render_listing
from syncer.render.text import cells

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
id: {id}
name: {name}
description: Users seen in the last 30 days
connector: warehouse
query_type: raw_sql
primary_key: user_id
query: |
  SELECT user_id
  FROM users
"""
SECRET = "configuration: {api_key: {env: SYNCER_SECRET_X}}\n"


def _sync(sync_id: int, model_id: int) -> Sync:
    return Sync(sync_id, model_id, 1, "crm", "Http", "contacts", "full_refresh", "manual", "pending")


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """Four models in git and in step, one that no file declares, and two syncs of the first."""
    models = [live(number, name=f"Model {number}") for number in range(1, 6)]
    played = Played(tmp_path, FakeApi(models, CONNECTORS, [_sync(1, 1), _sync(2, 1)]))
    for number in range(1, 5):
        played.write(f"models/m{number}.yaml", FILE.format(id=number, name=f"Model {number}"))
    played.commit()
    return played


def _rows(played: Played, *arguments: str) -> dict[str, dict[str, Any]]:
    """What the JSON lines say of each model, by its address or its id."""
    lines = [json.loads(line) for line in played.run("list", "--json", *arguments).out.splitlines()]
    assert lines[0]["type"] == "version"
    return {one["address"] or str(one["id"]): one for one in lines if one["type"] == "model_state"}


def _states(played: Played, *arguments: str) -> dict[str, str]:
    return {name: row["state"] for name, row in _rows(played, *arguments).items()}


def test_every_state_has_its_word(played: Played) -> None:
    """In step, changed, drifted, both, new, unmanaged; managed ones by address, then the others by id."""
    played.write("models/m2.yaml", FILE.format(id=2, name="Mine"))
    played.api.edit(3, name="Theirs")
    played.write("models/m4.yaml", FILE.format(id=4, name="Mine"))
    played.api.edit(4, name="Theirs")
    played.write("models/a/new.yaml", FILE.format(id=9, name="Not there").replace("id: 9\n", ""))

    assert _states(played) == {
        "a/new": "new",
        "m1": "in_step",
        "m2": "changed",
        "m3": "drifted",
        "m4": "conflict",
        "5": "unmanaged",
    }
    shown = played.run("list")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[-1] == ("6 models: 1 in step, 1 changed, 1 drifted, 1 conflict, 1 new, 1 unmanaged.")


def test_a_row_says_what_is_known_of_a_model(played: Played) -> None:
    """Address, id, name, type, connector, syncs, file."""
    rows = _rows(played)

    kept = {key: value for key, value in rows["m1"].items() if not key.startswith("@") and key != "type"}
    assert kept == {
        "state": "in_step",
        "address": "m1",
        "id": 1,
        "name": "Model 1",
        "query_type": "raw_sql",
        "connector": {"id": 1, "name": "warehouse"},
        "syncs": 2,
        "file": "models/m1.yaml",
    }
    assert (rows["5"]["address"], rows["5"]["file"], rows["5"]["syncs"]) == (None, None, 0)


def test_every_line_is_described(played: Played) -> None:
    """By the published schema, which describes nothing else."""
    played.write("models/new.yaml", FILE.format(id=9, name="Gone"))

    for line in played.run("list", "--json").out.splitlines():
        VALIDATOR.validate(json.loads(line))


def test_the_base_tells_a_change_from_drift(played: Played) -> None:
    """HEAD, unless --base names another; outside git nobody can tell, and it's called a change."""
    played.write("models/m1.yaml", FILE.format(id=1, name="Mine"))
    played.commit()

    assert _states(played)["m1"] == "drifted"
    assert _states(played, "--base", "HEAD~1")["m1"] == "changed"
    assert played.run("list", "--base", "nope").code == 1


def test_only_what_is_unmanaged(played: Played) -> None:
    """--unmanaged leaves the others out, from the totals, too."""
    assert list(_rows(played, "--unmanaged")) == ["5"]
    assert played.run("list", "--unmanaged").out.endswith("1 model: 1 unmanaged.\n")


def test_an_empty_folder_is_fine(tmp_path: Path) -> None:
    """It's where one begins: everything is unmanaged."""
    played = Played(tmp_path, FakeApi([live(1)], CONNECTORS))

    assert _states(played) == {"1": "unmanaged"}
    assert Played(tmp_path, FakeApi([])).run("list").out.endswith("No models.\n")


def test_what_stands_beside_may_be_missing(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that may not read syncs gets a list all the same, with `?` and a warning."""

    def refused() -> Any:
        raise ApiError("GET", "/syncs", 403, "not authorised")

    monkeypatch.setattr(played.api, "syncs", refused)
    done = played.run("list")

    assert done.code == 0
    assert re.search(r"^in step +m1 .* \?$", done.out, re.MULTILINE)
    assert "the syncs could not be read" in done.out
    assert _rows(played)["m1"]["syncs"] is None


def test_connectors_may_be_missing_where_no_file_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then ids stand there; a file that names one can't be compared without them, and that stops the list."""
    played = Played(tmp_path, FakeApi([live(1)], CONNECTORS))

    def lost() -> Any:
        raise RefreshError("the workspace's connectors could not be read completely")

    monkeypatch.setattr(played.api, "connectors", lost)
    assert "id 1" in played.run("list").out
    played.write("models/m.yaml", FILE.format(id=1, name="Active users"))
    assert played.run("list").code == 1


def test_a_secret_that_is_not_set_leaves_it_unknown(played: Played) -> None:
    """Nobody can say that such a model is in step; what else differs is told, and the list doesn't fail."""
    played.api.edit(1, configuration={"api_key": "live-key"})
    played.api.edit(2, configuration={"api_key": "live-key"}, name="Theirs")
    for number in (1, 2):
        played.write(f"models/m{number}.yaml", FILE.format(id=number, name=f"Model {number}") + SECRET)
    played.commit()
    done = played.run("list")

    assert done.code == 0
    assert "1 secret not compared: its variable is not set" in done.out
    assert "SYNCER_SECRET_X (m1, m2)" in done.out
    assert "live-key" not in done.text
    assert {name: _states(played)[name] for name in ("m1", "m2")} == {"m1": "unknown", "m2": "drifted"}
    played.variables["SYNCER_SECRET_X"] = "live-key"
    assert _states(played)["m1"] == "in_step"


def test_what_cannot_be_told_is_a_problem(played: Played) -> None:
    """An id that isn't there, a connector that isn't one: the row says unknown, the problem why, the code 1."""
    played.write("models/m1.yaml", FILE.format(id=77, name="Gone"))
    played.write("models/m2.yaml", FILE.format(id=2, name="Model 2").replace("warehouse", "nope"))
    done = played.run("list")

    assert done.code == 1
    assert "the workspace has no live model with id 77" in done.err
    assert "no source connector of the workspace is named 'nope'" in done.err
    assert {name: _states(played)[name] for name in ("m1", "m2", "m3")} == {
        "m1": "unknown",
        "m2": "unknown",
        "m3": "in_step",
    }


def test_what_the_server_cannot_show_is_told(played: Played) -> None:
    """As everywhere."""
    found = LiveState(tuple(played.api.models.values()), (Unreadable(8, "no catalog"),))
    played.api.fetch = mock.Mock(return_value=found)  # type: ignore[method-assign]

    assert "the server can't show live model 8: no catalog" in played.run("list").out


def test_broken_files_stop_a_list(played: Played) -> None:
    """Half of git would call the other half unmanaged."""
    played.write("models/x.yaml", "name: [")

    assert (played.run("list").code, played.run("list").out) == (1, "")


@given(st.lists(st.tuples(st.sampled_from(State), st.text(max_size=120), st.text(max_size=50)), max_size=6))
def test_a_table_stays_a_table(drawn: list[tuple[State, str, str]]) -> None:
    """Whatever names hold: one line a model, columns below their heads, nothing invisible, no runner's command."""
    rows = tuple(
        Row(state, f"m{i}", i, name, "raw_sql", 1, connector, 7777, "f")
        for i, (state, name, connector) in enumerate(drawn)
    )
    text = render_listing(Listing(rows), Style())

    lines = text.split("\n")
    assert len(lines) == (len(rows) + 3 if rows else 1)
    assert all(line.isprintable() for line in lines)
    if rows and "##[" not in "".join(name for _, *names in drawn for name in names):
        assert len({cells(line[: line.rindex("7777")]) for line in lines[1:-2]}) <= 1
    assert not re.search(r"##\[|^\s*::", text, re.MULTILINE)


def test_colour_is_of_the_state_alone() -> None:
    """And the columns stand where they stand without."""
    row = Row(State.DRIFTED, "a", 1, "A", "dbt", None, None, None, "models/a.yaml")
    plain, coloured = (render_listing(Listing((row,)), Style(colour=colour)) for colour in (False, True))

    assert "\x1b[1;33mdrifted\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


# -- the rows themselves -----------------------------------------------------------------------------------------------


def _stood(causes: tuple[Cause, ...] | None, **around: Any) -> tuple[Listing, dict[str, Row]]:
    """Files a to f, of which c changes its query, and two models that no file declares."""
    files = {name: desired(name, id=number, name=name.upper()) for number, name in enumerate("abcdef", 1)}
    files["c"] = desired("c", id=3, name="C", query="SELECT 2")
    files["e"] = desired("e", name="E", connector_id=..., connector="gone")
    lives = {name: live(number, name=name.upper()) for number, name in enumerate("abcdef", 1)}
    bindings = tuple(Binding(files[name], lives[name]) for name in "abc")
    bound = Bound(bindings, (live(9, name="Nine", connector_id=2), live(8, name="Eight")), (), (files["f"],))
    plan = make_plan(Bound(bindings), TARGET)
    provenance = None if causes is None else Provenance("0" * 40, {"c": causes}, {})
    connectors = [Connector(1, "warehouse", "source", "Snowflake")]
    beside: dict[str, Any] = {"connectors": connectors, "syncs": [_sync(1, 1), _sync(2, 1), _sync(3, 9)], **around}
    state = DesiredState(tuple(files[name] for name in "fedcba"))
    rows = rows_of(state, bound, plan, provenance, {"b"}, **beside)
    return Listing(rows), {row.address or str(row.id): row for row in rows}


def test_each_definition_and_each_live_model_has_a_row() -> None:
    """By address, then by id; what isn't known is none, and what can't be read beside them is unknown."""
    listing, rows = _stood(None)

    assert list(rows) == ["a", "b", "c", "d", "e", "f", "8", "9"]
    assert rows["a"] == Row(State.IN_STEP, "a", 1, "A", "raw_sql", 1, "warehouse", 2, "models/a.yaml")
    assert rows["e"] == Row(State.UNKNOWN, "e", None, "E", "raw_sql", None, "gone", 0, "models/e.yaml")
    assert rows["9"] == Row(State.UNMANAGED, "", 9, "Nine", "raw_sql", 2, None, 1, "")
    assert [rows[name].state for name in "abcdef"] == [
        State.IN_STEP, State.UNKNOWN, State.CHANGED, State.UNKNOWN, State.UNKNOWN, State.NEW,
    ]  # fmt: skip
    assert [row.id for row in listing.unmanaged.rows] == [8, 9]
    assert list(listing.counts.items()) == [
        (State.IN_STEP, 1), (State.CHANGED, 1), (State.NEW, 1), (State.UNMANAGED, 2), (State.UNKNOWN, 3),
    ]  # fmt: skip
    _, unread = _stood(None, connectors=None, syncs=None)
    assert (unread["a"].connector, unread["a"].syncs, unread["e"].syncs) == (None, None, None)


@pytest.mark.parametrize(
    ("causes", "state"),
    [
        ((Cause.CHANGE,), State.CHANGED),
        ((Cause.DRIFT,), State.DRIFTED),
        ((Cause.CONFLICT,), State.CONFLICT),
        ((Cause.DRIFT, Cause.CHANGE), State.CONFLICT),
        ((Cause.DRIFT, Cause.CONFLICT), State.CONFLICT),
        ((Cause.CHANGE, Cause.CONFLICT), State.CONFLICT),
    ],
)
def test_causes_decide_how_a_changed_model_stands(causes: tuple[Cause, ...], state: State) -> None:
    """What both did in one model is a conflict of it, whichever fields they did it in."""
    assert _stood(causes)[1]["c"].state is state


def test_a_list_of_hundreds_is_pleasant(played: Played) -> None:
    """By folder; in a narrow terminal with fewer columns, which are named; with the columns that were asked for."""
    rows = [
        Row(State.IN_STEP, f"finance/team_{n // 50}/model_{n:03}", n, f"Model {n}", "raw_sql", 1, "wh", 0, f"m{n}.yaml")
        for n in range(1, 301)
    ]
    text = render_listing(Listing(tuple(rows)), Style(width=60))
    lines = text.splitlines()
    assert max(map(cells, lines)) <= 60
    assert sum(line.startswith("finance/team_") for line in lines) == 6
    assert len(lines) == 1 + 6 + 300 + 2
    assert lines[-1] == "300 models: 300 in step. Not shown: type, connector."
    wide = render_listing(Listing(tuple(rows)), Style(width=120))
    assert "Not shown" not in wide
    assert wide.splitlines()[2].split() == ["in", "step", "model_001", "1", "Model", "1", "raw_sql", "wh", "0"]
    shown = played.run("list", "--columns", "file,ID").out.splitlines()
    assert shown[3].split() == ["FILE", "ID"]
    assert shown[4].split() == ["models/m1.yaml", "1"]
    wrong = played.run("list", "--columns", "file,size")
    assert (wrong.code, "there is no column 'size'" in wrong.err) == (64, True)
