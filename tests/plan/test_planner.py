"""Planning: what a plan holds, and that it depends on nothing but its arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import RAW_SQL, TARGET, desired, live
from hypothesis import given
from hypothesis import strategies as st
from strategies import CONFIGURATIONS, KEYS

from syncer.model import ABSENT, NOWHERE, Absent, Binding, Bound, Problem
from syncer.plan.diff import FieldChange, same
from syncer.plan.planner import Action, Cause, Plan, Planned, Provenance, make_plan, wanted
from syncer.secrets import Secret


def _plan(values: dict[str, Any], attributes: dict[str, Any]) -> Plan:
    return make_plan(Bound((Binding(desired(**values), live(**attributes)),)), TARGET)


def test_an_equal_model_is_no_change() -> None:
    """Only what differs is in the plan; what was compared is counted."""
    plan = _plan({}, {})

    assert (plan.is_empty, plan.changes, plan.unchanged, plan.bound) == (True, (), 1, 1)
    assert (plan.excluded, plan.unmanaged, plan.target) == (0, (), TARGET)


def test_a_plan_is_sorted_and_counts_what_it_holds() -> None:
    """Creations and updates stand together by address; what isn't planned is counted or listed."""
    bindings = tuple(Binding(desired(name, query=query), live(at)) for at, name, query in [(1, "c", "SELECT 2"), (2, "a", RAW_SQL["query"]), (3, "d", "SELECT 3")])  # fmt: skip
    plan = make_plan(Bound(bindings, (live(9),), (), (desired("b", name="New"),)), TARGET, excluded=4)

    assert [change.address for change in plan.changes] == ["b", "c", "d"]
    assert [change.address for change in plan.created] == ["b"]
    assert [change.address for change in plan.updated] == ["c", "d"]
    assert (plan.is_empty, plan.unchanged, plan.bound, plan.excluded) == (False, 1, 3, 4)
    assert plan.unmanaged == (live(9),)


def test_a_creation_comes_from_nothing() -> None:
    """It has no id, every declared field differs, and its body is a POST's."""
    (change,) = make_plan(Bound((), new=(desired(query="SELECT 2\n"),)), TARGET).changes

    assert (change.action, change.is_creation, change.id) == (Action.CREATE, True, 0)
    assert {field.path: (field.before, field.after) for field in change.fields} == {
        (name,): (ABSENT, value) for name, value in {**RAW_SQL, "query": "SELECT 2"}.items()
    }
    assert change.body == {"model": {**RAW_SQL, "query": "SELECT 2"}}


def test_a_change_knows_before_and_after() -> None:
    """It carries live and wanted values of the fields it manages, always with the three that a PUT requires."""
    (change,) = _plan({"query": "SELECT 2", "name": ..., "id": 42, "query_type": ...}, {}).changes

    assert change.address == "active_users"
    assert change.id == 42
    assert change.changed == ("query",)
    assert change.before == RAW_SQL
    assert change.after == {**RAW_SQL, "query": "SELECT 2"}
    assert not change.is_creation


def test_what_is_ignored_is_no_part_of_a_change() -> None:
    """But for what goes with the PUT all the same: the required fields, and those that differ."""
    lifecycle = {"ignore_changes": ["name", "description", "query", "configuration.a"]}
    values = {"query": "SELECT 2", "configuration": {"a": 1, "b": 1}, "lifecycle": lifecycle}
    (change,) = _plan(values, {"configuration": {"a": 2, "b": 2}, "description": "live"}).changes

    assert change.changed == ("configuration",)
    assert change.ignored == {"description", "query", "configuration.a"}
    assert change.before.keys() == change.after.keys() - {"description", "query"}


def test_a_way_back_sends_what_the_api_once_sent() -> None:
    """`restored` beats what is live as the form in which a value goes back."""
    (change,) = _plan({"description": ""}, {"query": "SELECT 1\n"}).changes

    assert change.body["model"]["description"] == ""
    assert replace(change, restored={"description": None}).body["model"]["description"] is None
    (other,) = _plan({"configuration": {"n": 1, "m": 2}}, {"configuration": {"n": 1.0, "m": 1}}).changes
    assert repr(other.body["model"]["configuration"]) == "{'n': 1.0, 'm': 2}"


@pytest.mark.parametrize(
    ("own", "is_live", "shown"),
    [
        ({"k": Secret("git"), "n": 1}, {"k": "***", "n": 2}, {"k": Secret("***"), "n": 1}),
        ({"api_key": Secret("git"), "n": 1}, {"api_key": "live", "n": 2}, {"api_key": Secret("git"), "n": 1}),
        ({"n": 1, "l": ["a", {"k": "git"}]}, {"n": 2, "l": ["a", {"k": "***"}]}, {"n": 1, "l": ["a", {"k": Secret("***")}]}),
        ({"n": 1, "l": ["a", "b"]}, {"n": 2, "l": ["***"]}, {"n": 1, "l": ["a", "b"]}),
        ({"n": 1, "m": {"k": "git", "own": 1}}, {"n": 2, "m": {"k": "***"}}, {"n": 1, "m": {"k": Secret("***"), "own": 1}}),
        ({"n": 1, "m": {"k": "git"}}, {"n": 2, "m": ["***"]}, {"n": 1, "m": {"k": "git"}}),
        ({"n": 1, "m": ["git"]}, {"n": 2, "m": {"k": "***"}}, {"n": 1, "m": ["git"]}),
        ({"n": 1, "m": ["git"]}, {"n": 2, "m": "***"}, {"n": 1, "m": Secret("***")}),
    ],
)  # fmt: skip
def test_a_change_can_be_shown_from_git_s_side(own: Any, is_live: Any, shown: Any) -> None:
    """Sides change places; what live hides is hidden on git's side too, at the same place and nowhere else."""
    (change,) = _plan(
        {"configuration": own, "query": "SELECT 2"}, {"configuration": is_live, "description": "kept"}
    ).changes
    seen = change.reversed

    assert seen.live.fields["configuration"] == shown
    assert seen.live.fields["query"] == "SELECT 2"
    assert seen.after == {name: change.live.fields[name] for name in change.after}
    assert [(one.path, one.before, one.after) for one in seen.fields] == [
        (one.path, one.after, one.before) for one in change.fields
    ]
    assert (seen.id, seen.address, seen.action) == (change.id, change.address, change.action)


def test_what_live_lacks_has_no_side_of_its_own() -> None:
    """A field that only git has is in none of live's values; one that only live has stays."""
    (change,) = _plan({"query": "SELECT 2"}, {}).changes
    fields = {name: value for name, value in change.live.fields.items() if name != "description"}
    seen = replace(change, live=replace(change.live, fields={**fields, "configuration": {"theirs": 1}})).reversed

    assert "description" not in seen.after
    assert seen.live.fields["description"] == RAW_SQL["description"]
    assert seen.live.fields["configuration"] == {"theirs": 1}


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
        ({"list": [1]}, {"list": [2, {"a": 3}]}, {"list": [2, {"a": 3}]}),
        (..., {"list": ["*****"], "n": 1}, {"list": [Secret("*****")], "n": 1}),
        (1, "***", 1),
        (..., "***", Secret("***")),
        ("text", {"deep": {"x": "****"}, "y": 1}, {"deep": {"x": Secret("****")}, "y": 1}),
    ],
)
def test_an_ignored_mapping_loses_nothing_hidden(own: Any, live_value: Any, expected: Any) -> None:
    """Live's values come in, but where the server hides one git's own; without one the mask, which no PUT can carry."""
    configuration = {"size": 1} if own is ... else {"part": own, "size": 1}
    model = desired(configuration=configuration, lifecycle={"ignore_changes": ["configuration.part"]})

    assert wanted(model, live(configuration={"part": live_value, "size": 2}))["configuration"] == {
        "part": expected,
        "size": 1,
    }


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _without(value: Any, path: tuple[str, ...]) -> Any:
    """The value without what stands at a path, and without what holds nothing else."""
    if not isinstance(value, dict) or path[0] not in value:
        return value
    rest = {key: inner for key, inner in value.items() if key != path[0]}
    inner = _without(value[path[0]], path[1:]) if path[1:] else {}
    return rest if inner == {} else {**rest, path[0]: inner}


@given(CONFIGURATIONS, CONFIGURATIONS, st.lists(KEYS.filter(lambda key: "." not in key), min_size=1, max_size=3))
def test_an_ignored_path_is_live_s_and_all_else_is_git_s(own: Any, is_live: Any, keys: list[str]) -> None:
    """Whatever stands on either side; where the way down leads through something else than mappings it's left alone."""
    path = tuple(keys)
    ignoring = desired(configuration=own, lifecycle={"ignore_changes": [".".join(("configuration", *path))]})
    there = live(configuration=is_live)
    before, after = (wanted(one, there)["configuration"] for one in (desired(configuration=own), ignoring))

    theirs = there.fields["configuration"]
    ways = (_at(before, path[:depth]) for depth in range(1, len(path)))
    is_reached = isinstance(_at(theirs, path[:-1]), dict) and all(isinstance(way, dict | Absent) for way in ways)
    assert same(_at(after, path), _at(theirs if is_reached else before, path))
    assert same(_without(after, path), _without(before, path))


def test_the_digest_tells_plans_apart() -> None:
    """It changes with before, after, id and target, and with nothing else."""
    one = _plan({"query": "SELECT 2"}, {})

    assert one.digest == _plan({"query": "SELECT 2"}, {"updated_at": "2026-03-01T00:00:00.000Z"}).digest
    assert one.digest != _plan({"query": "SELECT 3"}, {}).digest
    assert one.digest != _plan({"query": "SELECT 2"}, {"query": "SELECT 0"}).digest
    assert one.digest != _plan({"query": "SELECT 2"}, {"model_id": 43}).digest
    (change,) = one.changes
    targets = ({"environment": "staging"}, {"url": "https://api.example.org"}, {"workspace_id": 3})
    lifecycles = ({"protect": True}, {"allow": ["primary_key"]}, {"allow": ["query_type"]})
    others = [
        *(replace(one, target=replace(TARGET, **target)) for target in targets),
        *(_plan({"query": "SELECT 2", "lifecycle": lifecycle}, {}) for lifecycle in lifecycles),
        replace(one, changes=(replace(change, desired=replace(change.desired, address="other")),)),
        replace(one, changes=(change, change)),
    ]
    assert len({other.digest for other in (one, *others)}) == 1 + len(others)
    assert len(one.digest) == 64
    allowed = [
        _plan({"query": "SELECT 2", "lifecycle": {"allow": allow}}, {})
        for allow in (["name", "query"], ["query", "name"])
    ]
    assert allowed[0].digest == allowed[1].digest


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


def test_a_cause_is_told_of_each_field_once() -> None:
    """In the order of `Cause`, and only where a difference of it has that cause."""
    (change,) = _plan(
        {"query": "SELECT 2", "configuration": {"a": 1, "b": 1, "c": 1}}, {"configuration": {"a": 2, "b": 2, "c": 2}}
    ).changes
    other = replace(change, desired=replace(change.desired, address="other"))
    causes = (Cause.CONFLICT, Cause.CHANGE, Cause.CONFLICT, Cause.DRIFT)
    provenance = Provenance("0" * 40, {change.address: causes, "other": (Cause.CHANGE,) * 4}, {})

    assert provenance.of(change) == {"configuration": (Cause.CHANGE, Cause.CONFLICT), "query": (Cause.DRIFT,)}
    assert provenance.with_cause((change, other), Cause.DRIFT, Cause.CONFLICT) == (change,)
    assert provenance.with_cause((change, other), Cause.CHANGE) == (change, other)
    assert provenance.with_cause((change, other)) == ()


def test_the_code_tells_what_a_plan_is_good_for() -> None:
    """1 beats 2: what can't be applied isn't called a difference; a warning is neither."""
    some, none = _plan({"query": "SELECT 2"}, {}), _plan({}, {})
    problem = Problem(NOWHERE, "rule", "message")

    assert [Planned(none).code, Planned(some).code] == [0, 2]
    assert Planned(some, warnings=(problem,)).code == 2
    assert [Planned(none, problems=(problem,)).code, Planned(some, refusals=(problem,)).code] == [1, 1]


def test_a_commit_is_named_in_short() -> None:
    """With a word about edits that no commit has."""
    plan, commit = _plan({}, {}), "0123456789abcdef" + "0" * 24

    assert [Planned(plan, commit=one).made_of for one in ("", commit, f"{commit}-dirty")] == [
        "",
        "0123456789ab",
        "0123456789ab with uncommitted edits",
    ]
