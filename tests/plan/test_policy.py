"""The guards: what may not be applied, and the way past each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import RAW_SQL, TARGET, desired, live

from syncer.model import Binding, Bound, Connector, Problem, Severity
from syncer.plan.feasibility import connector_problems, needs_connectors, one_way_moves
from syncer.plan.limits import Limits, OnDrift
from syncer.plan.planner import Cause, Plan, Planned, Provenance, make_plan
from syncer.plan.policy import judged

CONNECTORS = [
    Connector(1, "Snowflake prod", "source", "Snowflake"),
    Connector(2, "Churn endpoint", "source", "HttpModel"),
    Connector(3, "HubSpot", "destination", "Hubspot"),
]


def _refusals(plan: Plan | Planned, limits: Limits) -> tuple[Problem, ...]:
    return judged(plan if isinstance(plan, Planned) else Planned(plan), limits).refusals


def _plan(changed: int = 1, same: int = 0, **values: Any) -> Plan:
    bindings = []
    for number in range(1, changed + same + 1):
        own = (
            {"name": f"m{number}", **(values or {"query": "SELECT 2"})} if number <= changed else {"name": f"m{number}"}
        )
        bindings.append(Binding(desired(f"m{number:02}", **own), live(number, name=f"m{number}")))
    return make_plan(Bound(tuple(bindings)), TARGET)


@pytest.mark.parametrize(
    ("changed", "same", "refused"), [(9, 0, False), (10, 23, True), (10, 24, False), (3, 7, False), (30, 70, False)]
)
def test_too_many_changes(changed: int, same: int, refused: bool) -> None:  # noqa: FBT001 - a case's expectation
    """More than 30 % of the bound models is refused, but never fewer than ten."""
    assert [guard.rule for guard in _refusals(_plan(changed, same), Limits())] == ["too-many-changes"] * refused


def test_too_many_changes_names_the_way_past_it() -> None:
    """The number in the hint is one that lets this plan pass."""
    plan = _plan(10, 20)
    (guard,) = _refusals(plan, Limits())

    assert guard.message == "10 of 30 bound models would change (33 %, the limit is 30 % from 10 changes on)"
    assert "--max-change-percent 34" in guard.hint
    assert _refusals(plan, Limits(percent=34)) == ()


def test_too_many_is_measured_by_all_that_git_declares() -> None:
    """A targeted plan is a part of the whole, so a large change can be applied in parts."""
    plan = make_plan(Bound(tuple(Binding(c.desired, c.live) for c in _plan(10).changes)), TARGET, excluded=90)

    assert _refusals(plan, Limits()) == ()


def test_a_protected_model_is_not_changed() -> None:
    """`protect: true` refuses any change of the model; unchanged, it's no trouble."""
    (guard,) = _refusals(_plan(query="SELECT 2", lifecycle={"protect": True}), Limits())

    assert (guard.rule, guard.message) == ("protected", "m01 is protected, and would change (query)")
    assert _refusals(_plan(description=RAW_SQL["description"], lifecycle={"protect": True}), Limits()) == ()


@pytest.mark.parametrize("field", ["primary_key", "connector_id", "query_type"])
def test_a_risky_field_must_be_allowed_by_its_file(field: str) -> None:
    """Without `lifecycle.allow` it's refused, with the line to add; with it the warning alone stays."""
    value: dict[str, Any] = {field: {"primary_key": "id", "connector_id": 2, "query_type": "dbt"}[field]}
    (guard,) = _refusals(_plan(**value), Limits())
    assert guard.rule == "risky-change"
    assert f"lifecycle: {{allow: [{field}]}}" in guard.hint

    allowed = _plan(**value, lifecycle={"allow": [field]})
    assert _refusals(allowed, Limits()) == ()
    (warning,) = judged(Planned(allowed), Limits()).warnings
    assert (warning.severity, warning.message) == (Severity.WARNING, f"{field} of m01 changes")
    assert "Apply refuses" not in warning.hint


def test_what_one_run_lets_pass_is_told_as_a_warning() -> None:
    """`--allow protect` and `--max-change-percent` lift what no file and no setting does; the verdict is made anew."""
    planned = judged(Planned(_plan(10, 20, query="SELECT 2", lifecycle={"protect": True, "allow": []})), Limits())
    assert {one.rule for one in planned.refusals} == {"too-many-changes", "protected"}
    assert not planned.warnings
    assert planned.code == 1
    assert judged(planned, Limits()) == planned
    assert "--allow protect" in planned.refusals[-1].hint

    lifted = judged(planned, Limits(said=34, allow=frozenset({"protect"})))
    assert (lifted.refusals, lifted.code) == ((), 2)
    assert {(one.rule, one.severity) for one in lifted.warnings} == {("protected", Severity.WARNING)}


def test_the_limits_count_as_the_base_has_them() -> None:
    """Neither a higher share nor a higher floor of the change itself lets it pass; what the run says does."""
    plan = _plan(10, 20)
    planned = Planned(plan, provenance=Provenance("0" * 40, {one.address: () for one in plan.changes}, {}, (30, 10)))
    loose = Limits(percent=100, floor=1000)

    assert [one.rule for one in _refusals(planned, loose)] == ["too-many-changes"]
    assert not _refusals(planned, replace(loose, said=34))
    assert not _refusals(replace(planned, provenance=None), loose)


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({"connector_id": 2}, []),
        ({"connector_id": 9}, ["wrong-connector"]),
        ({"connector_id": 3}, ["wrong-connector"]),
        ({"query_type": "ai_ml"}, ["not-an-ai-connector"]),
        ({"query_type": "ai_ml", "connector_id": 2}, []),
    ],
)
def test_connectors_that_the_server_would_take(values: dict[str, Any], rules: list[str]) -> None:
    """A foreign connector, a destination and ai_ml on a warehouse are refused before any request."""
    plan = _plan(**values)

    assert all(map(needs_connectors, plan.changes))
    assert [problem.rule for problem in connector_problems(plan, CONNECTORS)] == rules


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ({"connector_id": 2}, True),
        ({"connector_id": 2, "query_type": "ai_ml"}, True),
        ({"connector_id": 4}, True),
        ({"connector_id": 5}, False),
        ({"connector_id": 3}, False),
        ({"connector_id": 9}, False),
        ({"query_type": "ai_ml"}, False),
        ({"query": "SELECT 2"}, False),
    ],
)
def test_a_move_that_may_be_for_good_is_told(values: dict[str, Any], is_told: bool) -> None:  # noqa: FBT001 - a case
    """No list says whether an AI connector has a catalog: without one nothing moves the model away again."""
    others = [Connector(4, "New one", "source", "NotHeardOf"), Connector(5, "Lake", "source", "Databricks")]
    told = one_way_moves(_plan(**values), [*CONNECTORS, *others])

    assert [(one.rule, one.severity, one.origin.line) for one in told] == (
        [("no-way-back", Severity.WARNING, 3)] if is_told else []
    )
    for one in told:
        assert "can't be taken back if that is an AI connector without a catalog" in one.message
        assert "neither the reverted file nor a rollback can undo it" in one.hint
        assert ("the lists that hold it" in one.hint) == ("query_type" in values)


def test_other_changes_need_no_connectors() -> None:
    """A changed query is no reason to ask for the connectors, nor to judge the one it has."""
    plan = _plan(query="SELECT 2")

    assert not any(map(needs_connectors, plan.changes))
    assert connector_problems(plan, []) == ()


# -- edits made outside git --------------------------------------------------------------------------------------------


def _caused(*causes: Cause) -> Planned:
    """Three models of which each has a change of its name and its query, with these causes in turn."""
    bindings = tuple(
        Binding(desired(f"m{number}", name=f"new {number}", query="SELECT 2"), live(number, name=f"m{number}"))
        for number in range(1, len(causes) // 2 + 1)
    )
    plan = make_plan(Bound(bindings), TARGET)
    pairs = {change.address: causes[2 * at : 2 * at + 2] for at, change in enumerate(plan.changes)}
    return Planned(plan, provenance=Provenance("0" * 40, pairs, {"m1": ("description",)}))


EACH = (Cause.CHANGE, Cause.DRIFT, Cause.CONFLICT, Cause.CHANGE, Cause.CHANGE, Cause.CHANGE)


@pytest.mark.parametrize(
    ("on_drift", "refused"),
    [
        (OnDrift.FAIL, [("drift", "models/m1.yaml"), ("conflict", "models/m2.yaml")]),
        (OnDrift.WARN, [("conflict", "models/m2.yaml")]),
        (OnDrift.OVERWRITE, []),
    ],
)
def test_edits_made_outside_git_are_refused_as_is_said(on_drift: OnDrift, refused: list[tuple[str, str]]) -> None:
    """`fail` spares all, `warn` those that this change competes with, `overwrite` none; this change is never one."""
    guards = _refusals(_caused(*EACH), Limits(on_drift=on_drift))

    assert [(guard.rule, guard.origin.path) for guard in guards] == refused
    assert all(guard.severity is Severity.ERROR for guard in guards)


def test_a_refused_edit_has_its_words() -> None:
    """Which field, what the apply would do, and both ways on."""
    undone, overwritten = _refusals(_caused(*EACH), Limits(on_drift=OnDrift.FAIL))

    assert undone.message == "query of m1 was changed outside git, and this apply would undo that"
    assert overwritten.message == "name of m2 was changed outside git, and this apply would overwrite that"
    assert "take it into the file: `syncer import --drift`" in undone.hint
    assert "--on-drift overwrite" in undone.hint
    assert (undone.origin.line, overwritten.origin.line) == (6, 1)


def test_one_field_with_two_causes_is_refused_for_each() -> None:
    """A configuration can hold drift and conflict at once."""
    before = {"a": 1, "b": 1, "c": 1}
    one = desired("m", query_type="dbt", configuration={"a": 2, "b": 2, "c": 2})
    plan = make_plan(Bound((Binding(one, live(query_type="dbt", configuration=before)),)), TARGET)
    causes = (Cause.CONFLICT, Cause.DRIFT, Cause.DRIFT)
    planned = Planned(plan, provenance=Provenance("0" * 40, {"m": causes}, {}))

    assert [guard.rule for guard in _refusals(planned, Limits(on_drift=OnDrift.FAIL))] == ["drift", "conflict"]


@pytest.mark.parametrize("on_drift", OnDrift)
def test_without_a_base_nothing_is_drift(on_drift: OnDrift) -> None:
    """Nobody can tell, so nothing is refused; the command refuses the flag instead."""
    assert _refusals(Planned(_plan(3)), Limits(on_drift=on_drift)) == ()


def test_by_default_a_conflict_is_refused_and_drift_undone() -> None:
    """Somebody else's competing edit is never lost silently."""
    assert Limits().on_drift is OnDrift.WARN
