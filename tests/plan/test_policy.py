"""The guards: what may not be applied, and the way past each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import RAW_SQL, TARGET, desired, live

from syncer.config.servers import may_get_credentials
from syncer.errors import SyncerError
from syncer.model import NOWHERE, Binding, Bound, Columns, Connector, Origin, Problem, Severity, Sync
from syncer.plan.feasibility import connector_problems, needs_connectors, one_way_moves, unsendable
from syncer.plan.limits import Limits, OnDrift, loosened_limits
from syncer.plan.lost_columns import unchecked_columns, unread_columns
from syncer.plan.planner import Cause, Effect, Plan, Planned, Provenance, make_plan
from syncer.plan.policy import SILENT_BASE, judged
from syncer.secrets import Secret

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
    assert guard.hint == "if that is meant, say `--max-change-percent 34`, or apply in parts with --target"
    assert guard.origin == NOWHERE
    assert _refusals(plan, Limits(percent=34)) == ()
    # A share that is just the limit passes; of all there are, no more than all can be asked for.
    assert _refusals(_plan(10, 10), Limits(percent=50)) == ()
    (whole,) = _refusals(_plan(10), Limits(percent=99))
    assert "--max-change-percent 100`" in whole.hint
    (one,) = _refusals(_plan(1, 1), Limits(percent=0, floor=1))
    assert one.message == "1 of 2 bound models would change (50 %, the limit is 0 % from 1 change on)"
    assert _refusals(Plan(TARGET, ()), Limits(percent=0, floor=0)) == ()


def test_limits_are_careful_unless_somebody_says_so() -> None:
    """The defaults, and the words of the settings and flags."""
    assert Limits() == Limits(30, 10, OnDrift.WARN, frozenset(), True, None)
    assert [one.value for one in OnDrift] == ["fail", "warn", "overwrite"]
    assert [Limits(30, said=said).share for said in (None, 0, 50)] == [30, 0, 50]


def test_too_many_is_measured_by_all_that_git_declares() -> None:
    """A targeted plan is a part of the whole, so a large change can be applied in parts."""
    plan = make_plan(Bound(tuple(Binding(c.desired, c.live) for c in _plan(10).changes)), TARGET, excluded=90)

    assert _refusals(plan, Limits()) == ()


def test_a_protected_model_is_not_changed() -> None:
    """`protect: true` refuses any change of the model; unchanged, it's no trouble."""
    (guard,) = _refusals(_plan(query="SELECT 2", lifecycle={"protect": True}), Limits())

    assert (guard.rule, guard.message) == ("protected", "m01 is protected, and would change (query)")
    assert guard.hint == (
        "if the change is meant, say `protect: false` in a change of its own, and merge that first; or let the run say "
        "`--allow protect`"
    )
    assert _refusals(_plan(description=RAW_SQL["description"], lifecycle={"protect": True}), Limits()) == ()


@pytest.mark.parametrize("field", ["primary_key", "connector_id", "query_type"])
def test_a_risky_field_must_be_allowed_by_its_file(field: str) -> None:
    """Without `lifecycle.allow` it's refused, with the line to add; with it the warning alone stays."""
    value: dict[str, Any] = {field: {"primary_key": "id", "connector_id": 2, "query_type": "dbt"}[field]}
    (guard,) = _refusals(_plan(**value), Limits())
    assert guard.rule == "risky-change"
    asked = f"the run says `--allow {field}`."
    assert guard.hint.endswith(f" Apply refuses it until the file says `lifecycle: {{allow: [{field}]}}`, or {asked}")
    (rolled,) = _refusals(_plan(**value), Limits(asks_files=False))
    assert rolled.hint.endswith(f" Apply refuses it until {asked}")
    assert guard.excerpt == f"{field}: …"

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
    assert {(one.rule, one.severity, one.hint) for one in lifted.warnings} == {("protected", Severity.WARNING, "")}


def test_a_verdict_keeps_the_other_warnings_and_their_places() -> None:
    """A saved plan doesn't know its files' lines: what was found there before says where it stands."""
    plan = _plan(query="SELECT 2", lifecycle={"protect": True})
    (found,) = judged(Planned(plan), Limits()).refusals
    placed = replace(found, origin=Origin("models/m01.yaml", 77), hint="of old")
    other = Problem(Origin("models/x.yaml"), "other", "m", severity=Severity.WARNING)
    old = replace(other, rule="drift")

    again = judged(Planned(plan, (other, old), refusals=(placed,)), Limits())
    assert again.refusals == (replace(found, origin=placed.origin),)
    assert again.warnings == (other,)
    assert judged(Planned(plan, (replace(placed, severity=Severity.WARNING),)), Limits()).refusals == again.refusals


@pytest.mark.parametrize(
    ("limits", "base", "create", "created", "told"),
    [
        (Limits(40, 20), (30, 10), False, False, ["max_change_percent rises from 30 to 40", "max_change_floor rises from 10 to 20"]),
        (Limits(30, 10), (30, 10), True, True, []),
        (Limits(20, 5), (30, 10), False, True, []),
        (Limits(40, 20), None, True, False, ["create is switched on"]),
    ],
)  # fmt: skip
def test_settings_that_let_more_pass_are_told(
    limits: Limits,
    base: tuple[int, int] | None,
    create: bool,  # noqa: FBT001 - a case
    created: bool,  # noqa: FBT001 - a case
    told: list[str],
) -> None:
    """Each as a warning, with what it means; what is stricter than before, or was never set, is nothing to say."""
    found = loosened_limits(limits, base, create=create, created=created)

    assert [one.message for one in found] == told
    assert {(one.rule, one.severity, one.origin) for one in found} <= {("loosened", Severity.WARNING, NOWHERE)}
    for one in found:
        is_create = one.message.startswith("create")
        counts = "until this is merged, the limit of the base counts"
        assert one.hint == ("an apply makes new models from now on" if is_create else counts)


def test_a_secret_that_is_not_live_is_told() -> None:
    """Where a variable's value replaces a live one: a new one, one that git has in no variable, or a mask says nothing."""
    values: dict[str, Any] = {
        "configuration": {"api_key": Secret("new", "SYNCER_SECRET_K"), "token": Secret("x", "SYNCER_SECRET_T"), "l": [{"password": Secret("y")}]}
    }  # fmt: skip
    plan = _plan(**values)
    (change,) = plan.changes
    there = live(1, configuration={"api_key": "old", "l": [{"password": "other"}], "n": 1})
    plan = make_plan(Bound((Binding(change.desired, there),)), TARGET)
    (warning,) = judged(Planned(plan), Limits()).warnings

    assert (warning.rule, warning.severity) == ("secret-change", Severity.WARNING)
    assert warning.message == (
        "configuration.api_key of m01 is not what SYNCER_SECRET_K holds: an apply puts that there"
    )
    assert warning.hint == "if the live one is right, correct the variable"
    assert warning.excerpt == "configuration: …"


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
    problems = connector_problems(plan, CONNECTORS)
    assert [problem.rule for problem in problems] == rules
    for problem in problems:
        kind = {9: "no connector", 3: "a destination, not a source"}.get(values.get("connector_id", 0))
        if kind:
            assert problem.message == f"connector_id {values['connector_id']} of m01 is {kind} of this workspace"
            assert problem.hint == "its source connectors are 1 (Snowflake prod), 2 (Churn endpoint)"
        else:
            assert problem.message == (
                "m01 would be an ai_ml model on connector 1 (Snowflake prod), which is no model endpoint"
            )
        assert problem.excerpt == "connector_id: …"
    (none,) = connector_problems(_plan(connector_id=9), CONNECTORS[2:])
    assert none.hint == "its source connectors are none"


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
        name = {2: "Churn endpoint", 4: "New one"}[values["connector_id"]]
        assert one.message == (
            f"m01 moves to connector {values['connector_id']} ({name}), which can't be taken back "
            "if that is an AI connector without a catalog"
        )
        assert one.hint.endswith("See in the UI that the connector has a catalog before you apply")
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


@pytest.mark.parametrize("where", ["warnings", "refusals"])
@pytest.mark.parametrize(
    ("on_drift", "has_base", "changes", "is_refused"),
    [
        (OnDrift.FAIL, True, 1, True),
        (OnDrift.FAIL, True, 0, False),
        (OnDrift.FAIL, False, 1, False),
        (OnDrift.WARN, True, 1, False),
        (OnDrift.OVERWRITE, True, 1, False),
    ],
)
def test_a_base_that_can_not_tell_all_is_refused_where_no_edit_may_be_undone(
    where: str,
    on_drift: OnDrift,
    has_base: bool,  # noqa: FBT001 - a case
    changes: int,
    is_refused: bool,  # noqa: FBT001 - a case
) -> None:
    """Only there; a plan without a change undoes nothing."""
    plan = _plan(changes, 3)
    base = Provenance("0" * 40, {one.address: (Cause.CHANGE,) for one in plan.changes}, {}) if has_base else None
    silent = Problem(NOWHERE, SILENT_BASE, "it can't tell", severity=Severity.WARNING)
    planned = Planned(plan, provenance=base)
    planned = replace(planned, warnings=(silent,)) if where == "warnings" else replace(planned, refusals=(silent,))
    verdict = judged(planned, Limits(on_drift=on_drift))

    assert (verdict.refusals, verdict.warnings) == (
        ((replace(silent, severity=Severity.ERROR),), ()) if is_refused else ((), (silent,))
    )


def test_what_can_not_be_sent_is_known_before() -> None:
    """One problem for each change without a body, with why."""
    lifecycle = {"ignore_changes": ["configuration.e.api_key"]}
    one = desired("m", configuration={"e": {"m": 1}, "k": 2}, lifecycle=lifecycle)
    hidden = live(configuration={"e": {"api_key": "****", "m": 1}, "k": 1})
    plan = make_plan(Bound((Binding(one, hidden), Binding(desired("n", query="SELECT 2"), live(43)))), TARGET)
    (problem,) = unsendable(plan)

    assert (problem.rule, problem.is_error, problem.excerpt) == ("unsendable", True, "configuration: …")
    assert problem.message == "m can't be changed as planned: an unresolved or masked secret can't be sent"
    assert problem.hint == "see what `lifecycle.ignore_changes` leaves of it"


# -- columns -----------------------------------------------------------------------------------------------------------

SYNC = Sync(3, 1, 1, "HubSpot", "Hubspot", "contacts", "incremental", "manual", "healthy", columns=("email",))
CURSOR = replace(SYNC, id=4, destination="Ads", columns=(), cursor="at")


def _columns(before: str | None, after: str | None) -> Columns:
    sides = [None if side is None else tuple(side.split()) for side in (before, after)]
    return Columns(sides[0], sides[1])


@pytest.mark.parametrize(
    ("values", "syncs", "columns", "said"),
    [
        ({"query": "q"}, (SYNC,), ("user_id email", "user_id"), ["email, which sync 3 to HubSpot maps"]),
        ({"query": "q"}, (SYNC,), (None, "user_id"), ["email, which sync 3 to HubSpot maps"]),
        ({"query": "q"}, (SYNC,), ("user_id", "user_id"), []),
        ({"query": "q"}, (SYNC,), ("user_id email", None), []),
        ({"query": "q"}, (SYNC,), ("user_id EMAIL", "user_id"), ["email, which sync 3 to HubSpot maps"]),
        ({"query": "q"}, (SYNC,), ("user_id email", "user_id Email"), []),
        ({"query": "q"}, None, ("user_id email", "email"), ["user_id, which is the primary key"]),
        ({"query": "q"}, (), ("user_id email", "user_id"), []),
        ({"query": "q"}, (CURSOR,), ("user_id at", "user_id"), ["at, which sync 4 to Ads reads new rows by"]),
        (
            {"query": "q"},
            (replace(SYNC, columns=("email", "at"), cursor="at"), CURSOR),
            ("user_id at email", "user_id email"),
            ["at, which sync 3 to HubSpot maps, and sync 4 to Ads reads new rows by"],
        ),
        (
            {"query": "q"},
            (replace(SYNC, columns=("user_id",)),) * 4,
            ("user_id", "x"),
            [
                "user_id, which is the primary key, and sync 3 to HubSpot, sync 3 to HubSpot, sync 3 to HubSpot and 1 more map"
            ],
        ),
        ({"primary_key": "email"}, (), ("user_id", "user_id"), ["email, which is the primary key"]),
        ({"primary_key": "email", "query": "q"}, (), ("email", "user_id"), ["email, which is the primary key"]),
        ({"primary_key": ..., "query": "q"}, (), ("user_id", "x"), ["user_id, which is the primary key"]),
        ({"description": "d"}, (), ("x", "x"), []),
    ],
)
def test_a_column_that_is_needed_and_gone_is_named(
    values: dict[str, Any], syncs: tuple[Sync, ...] | None, columns: tuple[str | None, str | None], said: list[str]
) -> None:
    """By whom it's needed, each once; what the query never had isn't lost now, but for a key that is new itself."""
    plan = _plan(**values)
    planned = Planned(plan, effects={"m01": Effect(syncs, _columns(*columns))})
    found = [one for one in judged(planned, Limits()).refusals if one.rule == "lost-column"]

    assert [one.message for one in found] == [f"the query of m01 doesn't return {one}" for one in said]
    assert [one.rule for one in judged(Planned(plan, effects={"m01": Effect(syncs)}), Limits()).refusals if one.rule == "lost-column"] == []  # fmt: skip


@pytest.mark.parametrize(
    ("values", "before", "place", "hint"),
    [
        ({"query": "q"}, "user_id", "query", "keep the column, or name another primary key"),
        ({"primary_key": "key"}, "x", "primary_key", "let the query return key, or name another primary key"),
        ({"primary_key": "key", "query": "q"}, "key", "query", "keep the column, or name another primary key"),
        ({"primary_key": "key", "query": "q"}, "x", "primary_key", "let the query return key, or name another primary key"),
    ],
)  # fmt: skip
def test_a_lost_key_says_what_helps(values: dict[str, Any], before: str, place: str, hint: str) -> None:
    """At the query that lost it, or at the key that names what never was there; allowed, it's a warning without a hint."""
    planned = Planned(_plan(**values), effects={"m01": Effect((), _columns(before, "x"))})
    (lost,) = (one for one in judged(planned, Limits()).refusals if one.rule == "lost-column")
    by_file = "`lifecycle: {allow: [lost_column]}`, or "

    assert (lost.excerpt, lost.hint) == (
        f"{place}: …",
        f"{hint}; if it's meant, say {by_file}`--allow lost_column`",
    )
    (rolled,) = (one for one in judged(planned, Limits(asks_files=False)).refusals if one.rule == "lost-column")
    assert rolled.hint == f"{hint}; if it's meant, say `--allow lost_column`"
    (lifted,) = (one for one in judged(planned, Limits(allow=frozenset({"lost_column"}))).warnings if one.rule == "lost-column")  # fmt: skip
    assert (lifted.severity, lifted.hint) == (Severity.WARNING, "")


def test_a_lost_column_of_a_sync_says_what_helps() -> None:
    """There is no other key to name; a new model has lost nothing at its key."""
    planned = Planned(_plan(), effects={"m01": Effect((SYNC,), _columns("user_id email", "user_id"))})
    (lost,) = judged(planned, Limits()).refusals
    assert lost.hint.startswith("keep the column, or change the sync first; if it's meant, ")

    plan = make_plan(Bound((), new=(desired("new"),)), TARGET)
    (lost,) = judged(Planned(plan, effects={"new": Effect((), _columns(None, "x"))}), Limits()).refusals
    assert (lost.excerpt, lost.hint.partition(",")[0]) == ("query: …", "keep the column")


def test_columns_that_nobody_can_check_are_told() -> None:
    """Which syncs need which: three by name, the others counted; one that needs none isn't named."""
    (change,) = _plan().changes
    (told,) = unread_columns(
        change, [replace(SYNC, columns=()), replace(SYNC, columns=("a", "at"), cursor="at"), CURSOR]
    )
    assert (told.rule, told.severity, told.excerpt) == ("columns-not-checked", Severity.WARNING, "query: …")
    assert told.message == (
        "the columns of m01 are not checked, for its new query can't be read: "
        "sync 3 to HubSpot needs a, at; sync 4 to Ads needs at"
    )
    assert told.hint == "correct the query, or see for yourself that it returns these columns"
    for count, more in ((3, ""), (4, "; and 1 more"), (5, "; and 2 more")):
        (many,) = unread_columns(change, [SYNC] * count)
        assert many.message.endswith("sync 3 to HubSpot needs email" + more)
        assert many.message.count("needs email") == 3
    assert list(unread_columns(change, [replace(SYNC, columns=())])) == []


def test_one_warning_for_each_reason_names_all_models() -> None:
    """Those that feed nothing aren't named; those whose syncs nobody knows are."""
    day, night = SyncerError("it is Sunday", "wait"), SyncerError("it is dark", "light a candle")
    effects = {"a": Effect((SYNC, CURSOR)), "b": Effect(None), "c": Effect(()), "d": Effect((SYNC,) * 5)}
    told = unchecked_columns(effects, {"a": day, "b": night, "c": day, "d": day})

    named = (
        "a (feeds sync 3 to HubSpot, sync 4 to Ads), "
        "d (feeds sync 3 to HubSpot, sync 3 to HubSpot, sync 3 to HubSpot and 2 more)"
    )
    assert [one.message for one in told] == [
        f"columns not checked, because it is Sunday: {named}",
        "columns not checked, because it is dark: b (its syncs could not be read)",
    ]
    assert {(one.rule, one.severity, one.origin) for one in told} == {
        ("columns-not-checked", Severity.WARNING, NOWHERE)
    }
    assert (
        told[1].hint == "see for yourself that each query returns what its syncs map, or let syncer see: light a candle"
    )
    many = {f"m{number:02}": Effect(None) for number in range(12)}
    (one,) = unchecked_columns(many, dict.fromkeys(many, day))
    assert one.message.endswith("m09 (its syncs could not be read) and 2 more")


# -- credentials -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "server", "is_named", "may"),
    [
        ({}, "a", False, True),
        ({"prod": "a"}, "a", False, True),
        ({"prod": "b"}, "a", False, False),
        ({"prod": "b"}, "a", True, False),
        ({"prod": "b", "other": "a"}, "a", True, False),
        ({"other": "b"}, "a", False, False),
        ({"other": "b"}, "a", True, True),
        ({"other": "a"}, "a", False, True),
    ],
)
def test_a_server_gets_credentials_that_it_had_or_that_the_user_named(
    known: dict[str, str],
    server: str,
    is_named: bool,  # noqa: FBT001 - a case
    may: bool,  # noqa: FBT001 - a case
) -> None:
    """What is known of the environment counts first; a new one may be a commit's, and no commit chooses a server."""
    assert may_get_credentials(known, "prod", server, is_named=is_named) is may
