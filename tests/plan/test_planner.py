"""Planning: what a plan holds, and that it depends on nothing but its arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import RAW_SQL, TARGET, desired, live

from syncer.model import ABSENT, Binding, Bound
from syncer.plan.diff import FieldChange
from syncer.plan.planner import Plan, make_plan, wanted
from syncer.secrets import Secret


def _plan(values: dict[str, Any], attributes: dict[str, Any]) -> Plan:
    return make_plan(Bound((Binding(desired(**values), live(**attributes)),)), TARGET)


def test_an_equal_model_is_no_change() -> None:
    """Only what differs is in the plan; what was compared is counted."""
    plan = _plan({}, {})

    assert (plan.is_empty, plan.changes, plan.unchanged, plan.bound) == (True, (), 1, 1)


def test_a_change_knows_before_and_after() -> None:
    """It carries live and wanted values of the fields it manages, always with the three that a PUT requires."""
    (change,) = _plan({"query": "SELECT 2", "name": ..., "id": 42, "query_type": ...}, {}).changes

    assert change.address == "active_users"
    assert change.id == 42
    assert change.changed == ("query",)
    assert change.before == RAW_SQL
    assert change.after == {**RAW_SQL, "query": "SELECT 2"}


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        ({"description": "mine"}, {"description": "theirs"}),
        ({"configuration": {"a": {"b": 1}, "c": 1}}, {"configuration": {"a": {"b": 2}, "c": 1}}),
        ({"configuration": {"a": {}, "c": 1}}, {"configuration": {"a": {"b": 2}, "c": 1}}),
        ({"configuration": {"a": {"b": 1}, "c": 1}}, {"configuration": {"a": {}, "c": 1}}),
    ],
)
def test_ignored_changes_are_live_s_own(values: dict[str, Any], attributes: dict[str, Any]) -> None:
    """A path under ignore_changes takes live's value, there or absent, so that it never differs."""
    assert _plan(values, attributes).changes
    assert not _plan(
        {**values, "lifecycle": {"ignore_changes": ["description", "configuration.a.b"]}}, attributes
    ).changes


def test_an_ignored_mask_leaves_git_s_secret() -> None:
    """What can't be read can't be put back: the file's own secret goes with the configuration."""
    configuration = {"embedding_config": {"api_key": Secret("k"), "model": "new"}}
    model = desired(
        configuration=configuration, lifecycle={"ignore_changes": ["configuration.embedding_config.api_key"]}
    )
    masked = live(configuration={"embedding_config": {"api_key": "*****", "model": "old"}})

    assert wanted(model, masked)["configuration"] == configuration


@pytest.mark.parametrize(
    ("own", "live_value", "expected"),
    [
        (
            {"api_key": Secret("k"), "model": "new"},
            {"api_key": "***", "model": "old"},
            {"api_key": Secret("k"), "model": "old"},
        ),
        (
            {"api_key": Secret("k")},
            {"api_key": "***", "token": "***"},
            {"api_key": Secret("k"), "token": Secret("***")},
        ),
        ({"list": [1]}, {"list": ["*****"]}, {"list": [1]}),
        ("text", {"deep": {"x": "****"}, "y": 1}, {"deep": {"x": Secret("****")}, "y": 1}),
    ],
)
def test_an_ignored_mapping_loses_nothing_hidden(own: Any, live_value: Any, expected: Any) -> None:
    """Live's values come in, but where the server hides one git's own; without one the mask, which no PUT can carry."""
    model = desired(configuration={"part": own, "size": 1}, lifecycle={"ignore_changes": ["configuration.part"]})

    assert wanted(model, live(configuration={"part": live_value, "size": 2}))["configuration"] == {
        "part": expected,
        "size": 1,
    }


def test_the_digest_tells_plans_apart() -> None:
    """It changes with before, after, id and target, and with nothing else."""
    one = _plan({"query": "SELECT 2"}, {})

    assert one.digest == _plan({"query": "SELECT 2"}, {"updated_at": "2026-03-01T00:00:00.000Z"}).digest
    assert one.digest != _plan({"query": "SELECT 3"}, {}).digest
    assert one.digest != _plan({"query": "SELECT 2"}, {"query": "SELECT 0"}).digest
    assert one.digest != _plan({"query": "SELECT 2"}, {"model_id": 43}).digest


def test_the_digest_holds_no_secret() -> None:
    """Two values of one secret have one digest: it can't be used to try guesses."""

    def plan(value: str) -> Plan:
        configuration = {"api_key": Secret(value, "SYNCER_SECRET_K"), "n": [None, 1.5]}
        return _plan({"configuration": configuration}, {"configuration": {"api_key": "old"}})

    assert plan("one").digest == plan("two").digest


def test_what_is_ignored_and_not_declared_comes_from_live() -> None:
    """Also inside mappings that git doesn't have; where live has nothing, nothing comes."""
    lifecycle = {"ignore_changes": ["configuration.a.b", "configuration.x.y"]}
    model = desired(configuration={"size": 1}, lifecycle=lifecycle)

    assert wanted(model, live(configuration={"a": {"b": 5, "c": 6}, "size": 2}))["configuration"] == {
        "size": 1,
        "a": {"b": 5},
    }


def test_a_hidden_value_that_git_has_not_makes_its_change_impossible() -> None:
    """The configuration goes whole, and the asterisks can't: nothing is planned that would lose the secret."""
    plan = _plan(
        {"configuration": {"e": {"m": 1}, "k": 2}, "lifecycle": {"ignore_changes": ["configuration.e.api_key"]}},
        {"configuration": {"e": {"api_key": "****", "m": 1}, "k": 1}},
    )

    with pytest.raises(ValueError, match="masked secret can't be sent"):
        _ = plan.changes[0].body


def test_no_value_looks_like_another_in_the_digest() -> None:
    """A secret, and nothing at all, have no twin among the values that a configuration can hold."""
    values = [
        Secret("x", "SYNCER_SECRET_X"),
        {"secret": "SYNCER_SECRET_X"},
        ["secret", "SYNCER_SECRET_X"],
        {},
        [],
        ["map", {}],
    ]
    digests = {
        replace(
            plan, changes=(replace(plan.changes[0], fields=(FieldChange(("configuration", "k"), before, value),)),)
        ).digest
        for plan in [make_plan(Bound((Binding(desired(query="SELECT 2"), live(42)),)), TARGET)]
        for before in (ABSENT, ["absent"], {"absent": True})
        for value in values
    }

    assert len(digests) == 3 * len(values)
