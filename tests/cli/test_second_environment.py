"""From one environment to two: a table in the settings, ids in files, credentials, and what differs between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import FakeApi, live
from played import CONNECTORS, SETTINGS, STAGING, Played

from syncer.model import Connector

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
