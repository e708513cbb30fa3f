"""Models that git declares and nobody has made yet: bound, planned, made once, and reported with their id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import RAW_SQL, TARGET, FakeApi, document
from world import Team, recorded_world, writes

from syncer import workflow
from syncer.model import Connector
from syncer.plan.limits import Limits
from syncer.sandbox import Faults, Sandbox
from syncer.sandbox.http_server import running
from syncer.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.plan.planner import Planned

CONNECTORS = [Connector(1, "warehouse", "source", "Postgresql")]
NEW = {**RAW_SQL, "query": "SELECT user_id FROM users"}


def _plan(api: FakeApi, *, create: bool = True, **values: Any) -> Planned:
    lookup = {"SYNCER_SECRET_X": Secret("hunter2", "SYNCER_SECRET_X")}.get
    documents = [document("new", **{**NEW, "name": "Brand new", **values})]
    return workflow.plan(documents, api, TARGET, lookup, Limits(), create=create)


# -- planning --------------------------------------------------------------------------------------------------------


def test_a_connector_of_somewhere_else_is_refused() -> None:
    """The server checks it for a POST but not that it's a source."""
    api = FakeApi([], [Connector(1, "crm", "destination", "Hubspot")])

    assert [problem.rule for problem in _plan(api).problems] == ["wrong-connector"]


def test_an_unstructured_model_needs_its_harvesters_to_be_made() -> None:
    """The server wants the key for a POST, and not for a PUT: it's told before anything is sent."""
    configuration = {
        "embedding_config": {"mode": "open_ai", "model": "m", "api_key": {"env": "SYNCER_SECRET_X"}},
        "chunk_config": {"chunk_size": 10, "chunk_overlap": 0},
    }
    values: dict[str, Any] = {"query_type": "unstructured", "query": ..., "primary_key": ...}

    (problem,) = _plan(FakeApi([], CONNECTORS), **values, configuration=configuration).problems
    assert problem.rule == "unsendable"
    assert "configuration.harvesters" in problem.message
    whole = {**configuration, "harvesters": []}
    assert not _plan(FakeApi([], CONNECTORS), **values, configuration=whole).problems


def test_creations_are_no_mass_change() -> None:
    """The guard is there for what is live: a new workspace may be filled in one go."""
    documents = [document(f"m{n}", **{**NEW, "name": f"Model {n}"}) for n in range(40)]
    planned = workflow.plan(documents, FakeApi([], CONNECTORS), TARGET, lambda _: None, Limits(), create=True)

    workflow.refuse(planned, Limits())
    assert len(planned.plan.created) == 40


# -- the whole story ---------------------------------------------------------------------------------------------------


def _team(folder: Path, url: str, more: str = "create = true\n") -> Team:
    team = Team(folder, url)
    team.settings(more)
    team.write("crm/leads", {**NEW, "name": "Leads"})
    return team


def test_without_create_it_is_a_problem(tmp_path: Path) -> None:
    """The default: what isn't live is a mistake in the file, and the setting is named nowhere else."""
    with Sandbox(recorded_world()) as box, running(box) as url:
        planned = _team(tmp_path, url, "").run("plan")

    assert planned.code == 1
    assert "the workspace has no live model named 'Leads'" in planned.err


def test_plan_apply_plan(tmp_path: Path) -> None:
    """Shown whole, made once, reported with its id, bound by its name from then on."""
    with Sandbox(recorded_world()) as box, running(box) as url:
        team = _team(tmp_path, url)
        planned, applied, again = team.run("plan"), team.run("apply", "--auto-approve"), team.run("plan")

    assert "  + create\n" in planned.out
    assert "  # crm/leads will be created\n" in planned.out
    assert '      + name         = "Leads"\n' in planned.out
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in planned.out
    assert "model.crm/leads: Creation complete after 0s [id=67]" in applied.out
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in applied.out
    assert writes(box) == [("POST", "/api/v1/models")]
    assert "No changes. Your models match the configuration." in again.out


@pytest.mark.parametrize("fault", ["lost:x1@POST /models", "truncated:x1@POST /models"])
def test_a_create_with_a_lost_answer_makes_one_model(fault: str, tmp_path: Path) -> None:
    """The server made it, the connection broke: it's found by name. One model, not two."""
    with Sandbox(recorded_world(), faults=Faults.parse([fault])) as box, running(box) as url:
        team = _team(tmp_path, url)
        applied, again = team.run("apply", "--auto-approve"), team.run("plan", "--detailed-exitcode")

    assert (applied.code, again.code) == (0, 0), applied.text
    assert "Creation complete" in applied.out
    assert writes(box) == [("POST", "/api/v1/models")]
    assert "No changes." in again.out


def test_a_create_that_never_arrived_is_not_sent_again(tmp_path: Path) -> None:
    """It's unknown, and says to look first; the next plan shows it again, and then it's made."""
    faults = Faults.parse(["reset:x1@POST /models"])
    with Sandbox(recorded_world(), faults=faults) as box, running(box) as url:
        team = _team(tmp_path, url)
        applied, planned, again = (
            team.run("apply", "--auto-approve"),
            team.run("plan"),
            team.run("apply", "--auto-approve"),
        )

    assert applied.code == 1
    assert "crm/leads may or may not have been created (unknown)" in applied.out
    assert "look again in a minute" in applied.out
    assert "Plan: 1 to add" in planned.out
    assert again.code == 0
    assert len(writes(box)) == 2


def test_json_tells_of_it(tmp_path: Path) -> None:
    """The action is `create`, the id is 0 until there is one."""
    with Sandbox(recorded_world()) as box, running(box) as url:
        out = _team(tmp_path, url).run("apply", "--auto-approve", "--json").out

    lines = [json.loads(line) for line in out.splitlines()]
    planned = next(line for line in lines if line["type"] == "planned_change")
    done = next(line for line in lines if line["type"] == "apply_complete")
    totals = [line["changes"] for line in lines if line["type"] == "change_summary"]
    assert (planned["change"]["action"], planned["change"]["resource"]["id"]) == ("create", 0)
    assert (done["hook"]["action"], done["hook"]["id_value"]) == ("create", "67")
    assert [(one["add"], one["change"]) for one in totals] == [(1, 0), (1, 0)]


@pytest.mark.parametrize("several", [False, True])
def test_the_new_id_is_written_into_the_file(several: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    """First of the keys, or below its environment where there are several; all else stays; the plan is empty after."""
    with Sandbox(recorded_world()) as box, running(box) as url:
        more = '[environments.dev]\napi_url = "https://dev.example.com"\nworkspace_id = 1\n' * several
        team = _team(tmp_path, url, f"create = true\n{more}")
        text = "# ours\nname: Leads  # of the form\nconnector: warehouse\nquery_type: raw_sql\nprimary_key: id\nquery: SELECT id\n"
        team.write("crm/leads", text)
        applied = team.run("apply", "--env", "prod", "--auto-approve", "--write-ids")
        written = (team.folder / "models/crm/leads.yaml").read_text("utf-8")
        planned = team.run("plan", "--env", "prod", "--detailed-exitcode")

    assert (applied.code, planned.code) == (0, 0), applied.text + planned.text
    assert "Wrote id 67 into models/crm/leads.yaml" in applied.out
    own = "environments:\n  prod:\n    id: 67\n"
    assert written == (f"{text}{own}" if several else text.replace("name:", "id: 67\nname:"))


def test_an_id_of_the_sandbox_is_no_id_of_another_environment(tmp_path: Path) -> None:
    """Even one other environment would take an id at the top for its own model's."""
    team = Team(tmp_path, "https://api.example.com")
    team.settings("create = true\n")
    (tmp_path / "syncer.toml").write_text(f"create = true\n{(tmp_path / 'syncer.toml').read_text()}")
    team.write("leads", {**NEW, "name": "Leads", "connector_id": 1})
    applied = team.run("apply", "--env", "sandbox", "--auto-approve", "--write-ids")

    assert applied.code == 0, applied.text
    assert "environments:\n  sandbox:\n    id: 12\n" in (tmp_path / "models/leads.yaml").read_text("utf-8")
