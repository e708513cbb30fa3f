"""What a change does downstream: the syncs that it feeds, the columns that go, and connectors by their names."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from builders import RAW_SQL, TARGET, FakeApi, document, live
from hypothesis import given
from hypothesis import strategies as st
from inside import Inside
from world import definition, flat, recorded_world

from syncer import sql, workflow
from syncer.errors import ApiError, RefusedError
from syncer.model import Connector, Sync
from syncer.plan import lost_columns, policy
from syncer.plan.effect_sentences import meaning
from syncer.plan.limits import Limits
from syncer.plan.planner import Effect
from syncer.sandbox import Sandbox
from syncer.sandbox.http_server import running
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from syncer.model import Problem
    from syncer.plan.planner import Planned

CONNECTORS = (
    Connector(1, "Snowflake prod", "source", "Snowflake"),
    Connector(2, "warehouse", "source", "Postgresql"),
    Connector(3, "warehouse", "source", "Redshift"),
    Connector(4, "HubSpot", "destination", "Hubspot"),
    Connector(5, "both", "source", "Bigquery"),
    Connector(6, "both", "destination", "Bigquery"),
)
SYNC = Sync(3, 42, 1, "HubSpot", "Hubspot", "contacts", "incremental", "every 2 hours", "healthy", columns=("email",))
QUERY = "SELECT user_id, email FROM users"


def _plan(api: FakeApi, limits: Limits | None = None, base: workflow.Base | None = None, **values: Any) -> Planned:
    documents = [document("m", **{"id": 42, **values})]
    return workflow.plan(documents, api, TARGET, lambda _: None, limits or Limits(), base=base)


def _api(*syncs: Sync, **fields: Any) -> FakeApi:
    return FakeApi([live(42, **{"query": QUERY, **fields})], CONNECTORS, syncs)


def _rules(problems: Sequence[Problem]) -> list[str]:
    return [problem.rule for problem in problems]


# -- effects -----------------------------------------------------------------------------------------------------------


def test_the_syncs_of_a_changed_model_are_part_of_the_plan() -> None:
    """Those of others aren't; nobody asks when nothing changes."""
    other = Sync(4, 7, 1, "Ads", "Ads", "audience", "", "", "healthy")
    planned = _plan(_api(SYNC, other), description="x", query=QUERY)

    assert planned.effects["m"].syncs == (SYNC,)
    assert not _plan(_api(SYNC), query=QUERY).effects


@pytest.mark.parametrize(
    ("values", "status", "is_running"),
    [({"query": QUERY + " WHERE 1 = 1"}, "healthy", True), ({"description": "x"}, "healthy", False),
     ({"query": QUERY + " WHERE 1 = 1"}, "disabled", False)],
)  # fmt: skip
def test_a_running_sync_is_shown_where_it_notices(values: dict[str, Any], status: str, is_running: bool) -> None:  # noqa: FBT001 - a table's column
    """It's a request for each, so only those are asked that the change means something to."""
    api = _api(Sync(3, 42, 1, "HubSpot", "Hubspot", "c", "", "", status, is_running=True))
    planned = _plan(api, **{"query": QUERY, **values})

    assert [sync.is_running for sync in planned.effects["m"].syncs or ()] == [is_running]


class _Silent(FakeApi):
    """An API whose user may not read syncs, or whose server knows no runs."""

    def syncs(self) -> Sequence[Sync]:
        """Refuse."""
        raise ApiError("GET", "/syncs", 403, "not authorized")


def test_syncs_that_can_not_be_read_are_a_warning() -> None:
    """The plan stands; that nobody knows what it feeds is said."""
    planned = _plan(_Silent([live(42)], CONNECTORS), description="x")

    assert planned.effects["m"].syncs is None
    assert "unread-syncs" in _rules(planned.warnings)
    assert not planned.problems


def test_runs_that_can_not_be_read_are_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older servers have none: the sync is shown all the same."""
    api = _api(SYNC)

    def refuse(sync_id: int) -> bool:
        raise ApiError("GET", f"/syncs/{sync_id}/sync_runs", 404, "no such route")

    monkeypatch.setattr(api, "is_running", refuse)

    (sync,) = _plan(api, query=QUERY + " WHERE 1 = 1").effects["m"].syncs or ()
    assert sync == replace(SYNC, is_running=None)


def test_only_so_many_are_asked() -> None:
    """Each is a request: of the others nobody knows, and that is said."""
    syncs = [replace(SYNC, id=number, is_running=True) for number in range(1, 31)]
    found = _plan(_api(*syncs), query=QUERY + " WHERE 1 = 1").effects["m"].syncs or ()

    assert [sync.is_running for sync in found] == [True] * 20 + [None] * 10


def test_several_harmless_fields_are_harmless() -> None:
    """Formatting and a description: nothing is sent again, and that is said."""
    planned = _plan(_api(SYNC), query=QUERY.replace(", ", ",\n  "), description="x")
    (change,) = planned.plan.changes

    assert change.changed == ("description", "query")
    assert meaning(change, planned.effects["m"], str) == ["Nothing is sent again because of this."]


def test_syncs_stay_on_their_own_connector() -> None:
    """Which needn't be the model's: it's theirs that is named, and who reads from the new one already isn't moved."""
    old, new = replace(SYNC, source="Old one"), replace(SYNC, id=4, source_id=2, source="New one")
    there, stay = "Already on the new connector: sync 4.", "The syncs stay on the old connector (Old one): "
    run = "the next run sends it the model's query as it is then."
    for syncs, expected in (
        ([old], [stay + run]),
        ([new], [there]),
        ([old, new], ["The other syncs" + (stay + run).removeprefix("The syncs"), there]),
    ):
        planned = _plan(_api(*syncs), connector_id=2, query=QUERY)
        (change,) = planned.plan.changes
        assert meaning(change, planned.effects["m"], str) == expected


FULL = replace(SYNC, id=4, mode="full_refresh")
CURSOR = replace(SYNC, id=5, cursor="updated_at")
ODD = replace(SYNC, id=6, mode="mirror")

OTHER_ROWS = {"query": QUERY + " WHERE 1 = 1"}
OTHER_COLUMNS = {"query": "SELECT user_id, email, age FROM users"}
STAR = {"query": "SELECT * FROM users"}
KEY = {"primary_key": "email"}

SENT = "The next run sends every row again of which a column changed."
SENT_OR_ALL = "The next run sends every row again of which a column changed, and all of them if the columns differ."
STAY = "Rows that the query returns no more stay at the destination."
ALL = "The rows have other columns than before, so the next run sends every row again."
FEWER = "A sync with a cursor may send fewer rows: it reads on from its last value."
ALL_OR_NONE = "The next run may send every row again, or none at all: servers differ."
CLEARED = "It may clear the destination first: rows that it doesn't send are missing there then."
KEYED = "After a new primary key the next run may send nothing, or may insert every row again: servers differ."
TWICE = "Rows that are inserted again become duplicates where the destination only adds rows."
BLANK = "Rows whose new key is blank may be skipped without an error."
ANEW = "Each row has a new key and other columns than before, so the next run inserts every row again."
UNKNOWN = "What the next run sends in this mode is not known."


@pytest.mark.parametrize(
    ("syncs", "values", "expected"),
    [
        ([SYNC], OTHER_ROWS, [SENT, STAY]),
        ([SYNC], STAR, [SENT_OR_ALL, STAY]),
        ([SYNC], OTHER_COLUMNS, [ALL]),
        ([SYNC, CURSOR], OTHER_COLUMNS, [ALL, FEWER]),
        ([FULL], OTHER_ROWS, [ALL_OR_NONE, CLEARED]),
        ([FULL], OTHER_COLUMNS, [ALL_OR_NONE, CLEARED]),
        ([FULL], STAR, [ALL_OR_NONE, CLEARED]),
        ([ODD], OTHER_ROWS, [UNKNOWN]),
        ([SYNC], KEY, [KEYED, TWICE, BLANK]),
        ([FULL], KEY, [KEYED, TWICE, BLANK, CLEARED]),
        ([ODD], KEY, [KEYED, TWICE, BLANK]),
        ([SYNC], KEY | OTHER_ROWS, [KEYED, TWICE, BLANK]),
        ([SYNC], KEY | OTHER_COLUMNS, [ANEW, TWICE, BLANK]),
        ([FULL], KEY | OTHER_COLUMNS, [KEYED, TWICE, BLANK, CLEARED]),
        (
            [SYNC, FULL, ODD],
            OTHER_ROWS,
            [f"Incremental: {SENT} {STAY}", f"Full refresh: {ALL_OR_NONE} {CLEARED}", f"Other modes: {UNKNOWN}"],
        ),
        ([SYNC, FULL], KEY, [KEYED, TWICE, BLANK, f"Full refresh: {CLEARED}"]),
        ([SYNC, FULL], {"description": "x"}, ["Nothing is sent again because of this."]),
    ],
)
def test_each_mode_is_told_what_is_known_of_it(syncs: list[Sync], values: dict[str, Any], expected: list[str]) -> None:
    """What the server's own extractors did is said as it was seen, and `may` where servers differ; no mode is left out."""
    planned = _plan(_api(*syncs), **{"query": QUERY, **values})
    (change,) = planned.plan.changes

    assert meaning(change, planned.effects["m"], str) == expected


@given(st.lists(st.sampled_from([FULL, ODD]), min_size=1), st.sampled_from([OTHER_ROWS, OTHER_COLUMNS, STAR, KEY]))
def test_nothing_is_certain_of_what_was_not_seen(syncs: list[Sync], values: dict[str, Any]) -> None:
    """Outside incremental syncs, and of a new key, no sentence about a run or its rows is without `may` or `not known`."""
    planned = _plan(_api(*syncs), **{"query": QUERY, **values})
    (change,) = planned.plan.changes
    said = " ".join(meaning(change, planned.effects["m"], str))

    for sentence in re.split(r"(?<=\.) ", said):
        assert re.search(r"\bmay\b|not known|^Rows that are inserted again", sentence)


def test_a_configuration_that_decides_the_rows_is_not_called_harmless() -> None:
    """Nobody has seen what syncs of such a model send; of a type that reads no configuration it's nothing."""
    unknown = "It isn't known whether the next run sends rows again after a change of the configuration."
    harmless = "Nothing is sent again because of this."
    for kind, expected in (("dynamic_sql", unknown), ("unstructured", unknown), ("raw_sql", harmless)):
        api = _api(SYNC, query_type=kind, configuration={"n": 1})
        planned = _plan(api, query=QUERY, query_type=kind, configuration={"n": 2})
        (change,) = planned.plan.changes
        said = "Data apps that use this model use the new configuration at once."
        assert meaning(change, planned.effects["m"], str) == [expected, said]


def test_a_risk_is_told_in_the_same_words() -> None:
    """The warning and the block below the change say one thing: neither claims more than the other."""
    planned = _plan(_api(SYNC), query=QUERY, primary_key="email", query_type="dbt")
    hints = " ".join(problem.hint for problem in planned.refusals if problem.rule == "risky-change")
    (change,) = planned.plan.changes
    said = meaning(change, planned.effects["m"], str)

    assert said == [
        KEYED,
        TWICE,
        BLANK,
        "The server doesn't check whether the syncs can go on with the new query type.",
    ]
    assert all(sentence in hints for sentence in said)


@pytest.mark.parametrize(
    ("after", "rules"),
    [
        ("SELECT user_id FRM users", ["unreadable-query", "columns-not-checked"]),
        ("SELECT user_id FROM users u QUALIFY NTH(", ["unreadable-query", "columns-not-checked"]),
        ("DELETE FROM users", ["unreadable-query", "columns-not-checked"]),
        ("SELECT user_id, email FROM `users`", ["columns-not-checked"]),
        ("SELECT * FROM users", []),
        ("SELECT user_id, email FROM users WHERE true", []),
    ],
)
def test_columns_that_nobody_can_check_any_more_are_told(after: str, rules: list[str]) -> None:
    """Where the old query could be read and the new one can't, the syncs that need its columns are named."""
    other = replace(SYNC, id=4, columns=(), cursor="updated_at")
    planned = _plan(_api(SYNC, other, replace(SYNC, id=5, columns=())), query=after)
    told = [problem for problem in planned.warnings if problem.rule == "columns-not-checked"]

    assert _rules(planned.warnings) == rules
    assert planned.problems == ()
    for problem in told:
        assert problem.message == (
            "the columns of m are not checked, for its new query can't be read: "
            "sync 3 to HubSpot needs email; sync 4 to HubSpot needs updated_at"
        )
    assert _rules(_plan(_api(SYNC, query="SELEC 1"), query="SELEC 2").warnings) == ["unreadable-query"]


def test_a_plan_asks_nothing_of_queries_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is claimed of the query: that nobody looked is all that the plan says."""
    monkeypatch.setitem(sys.modules, "sqlglot", None)

    assert _rules(_plan(_api(SYNC), query="SELEC 2").warnings) == ["columns-not-checked"]


def test_a_stored_json_schema_that_goes_is_told() -> None:
    """An ai_ml model's own is dropped by any change of its configuration: said there, and nowhere else."""
    endpoint: dict[str, Any] = {"query_type": "ai_ml", "query": None, "configuration": {"harvesters": []}}
    api = FakeApi([live(42, **endpoint)], CONNECTORS)
    said = "A json_schema that the model itself stores is dropped; the server reads its connector's alone."
    changes: list[tuple[dict[str, Any], bool]] = [
        ({"configuration": {"harvesters": [1]}}, True),
        ({"name": "Other"}, False),
        ({"query_type": "raw_sql", "query": "SELECT 1 AS id"}, False),
    ]
    for values, is_said in changes:
        planned = _plan(api, **{**endpoint, **values})
        [change] = planned.plan.changes
        assert (said in meaning(change, planned.effects["m"], str)) == is_said


def test_the_primary_key_is_judged_without_syncs() -> None:
    """Whoever can't read syncs still learns that rows would be skipped."""
    planned = _plan(_Silent([live(42, query=QUERY)], CONNECTORS), query="SELECT email FROM users")

    assert _rules(planned.refusals) == ["lost-column"]
    assert "unread-syncs" in _rules(planned.warnings)


def test_connectors_that_can_not_be_read_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the dialect nobody knows whether a column gets lost: silence would look like a yes."""
    api = _api(SYNC)

    def refuse() -> Sequence[Connector]:
        raise ApiError("GET", "/connectors", 403, "not authorized")

    monkeypatch.setattr(api, "connectors", refuse)
    planned = _plan(api, query="SELECT user_id FROM users")

    assert not planned.problems
    assert "unread-connectors" in _rules(planned.warnings)


def test_a_rotated_secret_is_said() -> None:
    """In a diff nobody sees whether a changed secret is meant, or the variable is wrong."""
    configuration = {"api_key": {"env": "SYNCER_SECRET_X"}, "n": 1}
    api = _api(configuration={"api_key": "of old", "n": 1})
    documents = [document("m", id=42, query=QUERY, configuration=configuration)]
    lookup = {"SYNCER_SECRET_X": Secret("new", "SYNCER_SECRET_X")}.get
    planned = workflow.plan(documents, api, TARGET, lookup, Limits())

    (warning,) = [one for one in planned.warnings if one.rule == "secret-change"]
    assert warning.message == ("configuration.api_key of m is not what SYNCER_SECRET_X holds: an apply puts that there")


# -- columns -----------------------------------------------------------------------------------------------------------


def test_a_lost_mapped_column_is_an_error() -> None:
    """The sync would fail, or send nothing, from its next run on: the plan says which, and can't be applied."""
    planned = _plan(_api(SYNC), query="SELECT user_id, mail FROM users")
    (problem,) = planned.refusals

    assert not planned.problems
    assert problem.rule == "lost-column"
    assert problem.message == "the query of m doesn't return email, which sync 3 to HubSpot maps"
    assert (planned.code, planned.plan.is_empty) == (1, False)
    with pytest.raises(RefusedError):
        workflow.refuse(planned, Limits())


@pytest.mark.parametrize("limits", [Limits(), Limits(allow=frozenset({"lost_column"}))])
def test_what_is_allowed_passes_with_a_warning(limits: Limits) -> None:
    """By the file, or by the run."""
    values: dict[str, Any] = {} if limits.allow else {"lifecycle": {"allow": ["lost_column"]}}
    planned = _plan(_api(SYNC), limits, query="SELECT user_id FROM users", **values)

    assert not planned.refusals
    assert "lost-column" in _rules(planned.warnings)
    workflow.refuse(planned, limits)


def test_the_primary_key_and_the_cursor_are_needed_too() -> None:
    """Without its key every row is skipped; without its cursor the query fails."""
    sync = Sync(3, 42, 1, "HubSpot", "Hubspot", "c", "", "", "healthy", cursor="updated_at")
    planned = _plan(_api(sync, query="SELECT user_id, updated_at FROM users"), query="SELECT email FROM users")

    assert [problem.message for problem in planned.refusals] == [
        "the query of m doesn't return updated_at, which sync 3 to HubSpot reads new rows by",
        "the query of m doesn't return user_id, which is the primary key",
    ]


def test_a_new_primary_key_must_be_a_column() -> None:
    """Of a query that stays as it is, too."""
    planned = _plan(_api(), query=QUERY, primary_key="uid", lifecycle={"allow": ["primary_key"]})

    assert [problem.message for problem in planned.refusals] == [
        "the query of m doesn't return uid, which is the primary key"
    ]


def test_a_lost_column_points_at_what_has_to_change() -> None:
    """At the key, where that alone is new or names what never was there; at the query that lost it."""
    other, without = "SELECT user_id FROM users", "SELECT email FROM users"
    for query, key, place in (
        (QUERY, "uid", "primary_key"),
        (other, "uid", "primary_key"),
        (without, "user_id", "query"),
        (other, "email", "query"),
    ):
        (problem,) = _plan(_api(), query=query, primary_key=key, lifecycle={"allow": ["primary_key"]}).refusals
        assert (problem.rule, problem.excerpt) == ("lost-column", f"{place}: …")
        assert problem.hint.startswith("keep" if place == "query" else f"let the query return {key}")


@pytest.mark.parametrize("query", ["SELECT * FROM users", "SELECT user_id, EMAIL FROM users", "SELECT user_id,, FROM"])
def test_where_the_text_does_not_tell_nothing_is_claimed(query: str) -> None:
    """A star, another case, text that is no SQL: no error."""
    assert not _plan(_api(SYNC), query=query).refusals


def test_what_was_not_there_before_is_not_lost_now() -> None:
    """A mapping that was broken already is no reason to refuse this change."""
    sync = Sync(3, 42, 1, "HubSpot", "Hubspot", "c", "", "", "healthy", columns=("gone",))

    assert not _plan(_api(sync), query=QUERY + " WHERE 1 = 1").refusals


def test_without_the_extra_nothing_is_said_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the connectors aren't asked for."""
    monkeypatch.setattr(sql, "is_available", lambda: False)
    api = _api(SYNC)
    monkeypatch.setattr(api, "connectors", lambda: pytest.fail("asked"))
    planned = _plan(api, query="SELECT 1")

    assert planned.effects["m"].columns is None
    assert not planned.refusals


BROKEN = "sqlglot, which reads queries, failed (RuntimeError)"


def _fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError


@pytest.mark.parametrize(
    ("attribute", "replacement", "because", "helps"),
    [
        (
            "syncer.sql.is_available",
            lambda: False,
            "the extra sql is not installed",
            "pip install 'ai-squared-syncer[sql]'",
        ),
        ("syncer.sql.dialect_of", _fails, BROKEN, "pip install --upgrade 'ai-squared-syncer[sql]'"),
        ("syncer.sql.outputs", _fails, BROKEN, "pip install --upgrade 'ai-squared-syncer[sql]'"),
        ("syncer.sql.is_same", _fails, BROKEN, "pip install --upgrade 'ai-squared-syncer[sql]'"),
        ("sqlglot.Dialect.tokenize", _fails, BROKEN, "pip install --upgrade 'ai-squared-syncer[sql]'"),
        ("sqlglot.Dialect.parser", _fails, BROKEN, "pip install --upgrade 'ai-squared-syncer[sql]'"),
    ],
)
def test_a_guard_that_is_off_is_told(
    attribute: str, replacement: Any, because: str, helps: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps the columns from being looked at: why, for which models and syncs, and what helps. No error."""
    monkeypatch.setattr(attribute, replacement)
    planned = _plan(_api(SYNC), query="SELECT 1 AS x")
    (warning,) = (one for one in planned.warnings if one.rule == "columns-not-checked")

    assert warning.message == f"columns not checked, because {because}: m (feeds sync 3 to HubSpot)"
    assert warning.hint.endswith(helps)
    assert not planned.problems
    # Where nothing reads the model nothing can go missing, and a query that stays isn't looked at.
    assert "columns-not-checked" not in _rules(_plan(_api(), query="SELECT 1 AS x").warnings)
    assert "columns-not-checked" not in _rules(_plan(_api(SYNC), query=QUERY, name="new").warnings)


def test_an_import_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that is installed and can't be imported is no reason for silence, nor for asking the server more."""
    monkeypatch.setattr(sql, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    api = _api(SYNC)
    monkeypatch.setattr(api, "connectors", lambda: pytest.fail("asked"))

    (warning,) = (one for one in _plan(api, query="SELECT 1").warnings if one.rule == "columns-not-checked")
    assert "failed (ModuleNotFoundError)" in warning.message


def test_one_warning_names_them_all() -> None:
    """A reason is told once, with so many models and syncs as anybody reads."""
    error = sql.UncheckedError("it is Sunday", "wait")
    effects = {f"m{number:02}": Effect((SYNC,) * 5) for number in range(12)} | {"n": Effect(None)}
    told = lost_columns.unchecked_columns(effects, dict.fromkeys(["n", *effects], error))

    named = "(feeds sync 3 to HubSpot, sync 3 to HubSpot, sync 3 to HubSpot and 2 more)"
    models = ", ".join(f"m{number:02} {named}" for number in range(9))
    assert [problem.message for problem in told] == [
        f"columns not checked, because it is Sunday: n (its syncs could not be read), {models} and 3 more"
    ]


def test_a_run_reads_so_many_queries_and_names_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may feed a sync is read first, then by address; of the rest nobody knows the columns, and each is named."""
    names = "abcdef"
    models = [live(number, name=name, query=QUERY) for number, name in enumerate(names, 1)]
    documents = [
        document(name, id=number, name=name, query="SELECT user_id FROM users", connector_id=1)
        for number, name in enumerate(names, 1)
    ]
    # d feeds a sync, and so does e, of which it isn't known.
    syncs = [replace(SYNC, id=4, model_id=4), replace(SYNC, id=5, model_id=5)]

    def plan(most: int) -> Planned:
        monkeypatch.setattr(sql, "MAX_PIECES", most)
        api = FakeApi(models, CONNECTORS, syncs)
        return workflow.plan(documents, api, TARGET, lambda _: None, Limits(100))

    each = sql.effort([QUERY, "SELECT user_id FROM users"], "Snowflake")
    assert each == 10
    whole = plan(6 * each)
    assert not [one for one in whole.warnings if one.rule == lost_columns.UNCHECKED]
    assert [one.origin.path for one in whole.refusals if one.rule == "lost-column"] == [
        "models/d.yaml",
        "models/e.yaml",
    ]

    for most, read in ((6 * each - 1, "abcde"), (3 * each, "ade"), (2 * each, "de"), (each, "d"), (1, "")):
        planned = plan(most)
        told = [one for one in planned.warnings if one.rule == lost_columns.UNCHECKED]
        assert {address for address, one in planned.effects.items() if one.columns} == set(read)
        assert [one.origin.path for one in told] == [f"models/{name}.yaml" for name in names if name not in read]
    assert [one.message for one in told if "sync" in one.message] == [
        f"the columns of {name} are not checked, for this plan changes more SQL than one run reads: "
        f"sync {number} to HubSpot needs email"
        for number, name in ((4, "d"), (5, "e"))
    ]
    assert "lost-column" not in _rules(planned.refusals)


def test_allowing_a_risky_field_for_a_run() -> None:
    """--allow does for every model what `lifecycle.allow` does for one."""
    api = _api()
    planned = _plan(api, query=QUERY, connector_id=2)

    assert _rules(planned.refusals) == ["risky-change"]
    assert not policy.judged(planned, Limits(allow=frozenset({"connector_id"}))).refusals


def test_a_saved_plan_looks_at_the_syncs_again() -> None:
    """A sync that came since and maps what goes refuses it."""
    api = _api()
    planned = _plan(api, query="SELECT user_id FROM users")
    workflow.resume(planned, api, TARGET, "", lambda _: None, Limits())
    api._syncs = (SYNC,)

    renewed = workflow.resume(planned, api, TARGET, "", lambda _: None, Limits())
    assert _rules(renewed.refusals) == ["lost-column"]
    with pytest.raises(RefusedError):
        workflow.refuse(renewed, Limits())


# -- connectors by name ------------------------------------------------------------------------------------------------


def test_a_name_plans_as_its_number() -> None:
    """No difference if it's the same connector; a change of `connector_id` at the name's place if it isn't."""
    values: dict[str, Any] = {"connector_id": ..., "query": QUERY}

    assert _plan(_api(), connector="Snowflake prod", **values).plan.is_empty
    planned = _plan(_api(), connector="both", **values)
    assert [(field.path, field.before, field.after) for field in planned.plan.changes[0].fields] == [
        (("connector_id",), 1, 5)
    ]
    assert [(problem.rule, problem.origin.line) for problem in planned.refusals] == [("risky-change", 7)]


def test_a_name_that_fits_nothing_plans_nothing() -> None:
    """The problem stands at the name, and the others are planned."""
    api = FakeApi([live(42, query=QUERY), live(43, name="b", query=QUERY)], CONNECTORS)
    documents = [
        document("m", id=42, connector_id=..., connector="gone"),
        document("n", id=43, name="b", query=QUERY, description="x"),
    ]
    planned = workflow.plan(documents, api, TARGET, lambda _: None, Limits())

    assert _rules(planned.problems) == ["unknown-connector"]
    assert [change.address for change in planned.plan.changes] == ["n"]


def test_the_base_may_name_its_connector_otherwise() -> None:
    """By number before, by name now: the same connector is no change, whoever made it."""
    base = workflow.Base("0" * 40, (document("m", id=42, connector_id=1, query=QUERY),))
    api = _api(connector_id=2)
    values: dict[str, Any] = {"connector_id": ..., "connector": "Snowflake prod", "query": QUERY}
    planned = _plan(api, base=base, **values)

    assert planned.provenance is not None
    assert [cause.value for cause in planned.provenance.causes["m"]] == ["drift"]


def test_offline_a_name_stands_for_itself() -> None:
    """Nobody may ask the workspace: the files' names are compared."""
    named: dict[str, Any] = {"connector_id": ..., "id": 42}
    base = workflow.Base("0" * 40, (document("m", connector="old", **named),))
    planned = workflow.plan_offline([document("m", connector="new", **named)], base, TARGET, Limits())

    assert [(field.before, field.after) for field in planned.plan.changes[0].fields] == [("old", "new")]


# -- the whole story ---------------------------------------------------------------------------------------------------


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Inside]:
    """A team whose first model feeds three syncs, one of them at work."""
    world = recorded_world()
    world["sync_runs"] = [
        {"id": 1, "sync_id": 2, "status": "success", "started_at": "2026-01-01T00:00:00.000Z"},
        {"id": 2, "sync_id": 2, "status": "in_progress", "started_at": "2026-01-02T00:00:00.000Z"},
    ]
    with Sandbox(world) as box, running(box) as url:
        team = Inside(tmp_path, url)
        team.write("m", definition(world["models"][0]))
        yield team


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"query": "SELECT id, email, name, score_1\nFROM customers_1\nWHERE active = true"},
            ["Columns: adds name.", "Full refresh: The next run may", "so the next run sends every row again."],
        ),
        (
            {"query": "SELECT id, email, score_1\nFROM customers_1"},
            [
                "Columns: the same.",
                "Incremental: The next run sends every row again of which a column changed.",
                "Full refresh: The next run may send every row again, or none at all: servers differ.",
            ],
        ),
        (
            {"query": "select id, email, score_1 from customers_1 where active = true"},
            ["Formatting only: both queries mean the same.", "Nothing is sent again because of this."],
        ),
        ({"primary_key": "email"}, ["After a new primary key the next run may send nothing, or may insert"]),
        ({"connector_id": 7}, ["The syncs stay on the old connector (warehouse)"]),
        ({"description": "x"}, ["Nothing is sent again because of this."]),
    ],
)
def test_the_plan_says_what_each_change_means(changes: dict[str, Any], said: list[str], team: Inside) -> None:
    """On a terminal and in the comment: the syncs, which of them runs, and the consequence in words."""
    team.write("m", definition(recorded_world()["models"][0], **changes))
    planned = team.run("plan", "--markdown", "plan.md")
    page = (team.folder / "plan.md").read_text("utf-8")

    assert "  # Feeds sync 1 to crm-webhook, contacts: manual, full refresh, pending\n" in planned.out
    running_now = "" if "description" in changes else ", running now"
    assert (
        f"  # Feeds sync 2 to crm-webhook, contacts: every 3 hours, full refresh, healthy{running_now}\n" in planned.out
    )
    assert "| 3 syncs |" in page
    for words in said:
        assert words in planned.out
        assert words.replace("(warehouse)", "(`warehouse`)").replace("adds name", "adds `name`") in page


def test_a_move_without_a_way_back_is_told_before_and_after(team: Inside) -> None:
    """To an AI connector without a catalog: the plan says so, saved or not, and no hint names what the server refuses."""
    raw, endpoint = recorded_world()["models"][0], recorded_world()["models"][4]
    for address, model in (("m", raw), ("ai", endpoint)):
        team.write(address, definition(model, connector_id=6))
    planned = team.run("plan", "--out", "plan.json")
    assert "m moves to connector 6 (ai-without-catalog), which can't be taken back if that is an AI" in planned.text
    assert team.run("plan").text.count("can't be taken back") == team.run("show", "plan.json").text.count(
        "can't be taken back"
    )
    applied = team.run("apply", "plan.json", "--allow", "connector_id")
    assert applied.text.count("can't be taken back") == 2
    assert "Resources: 1 changed, 1 unknown." in applied.out

    team.write("m", definition(raw))
    broken = team.run("apply", "--auto-approve", "--allow", "connector_id", "--target", "m")
    assert "PUT /models/1 was refused (422): Catalog is not present for the connector" in broken.text
    assert "give the connector a catalog in the UI, or delete the model" in re.sub(r"\n│ ", " ", broken.text)
    helps = "give its connector a catalog in the UI, or delete the model"
    assert re.sub(r"\n│ ", " ", team.run("plan").text).count(helps) == 2


def test_a_lost_column_stops_an_apply(team: Inside) -> None:
    """The plan exits with 1, the apply writes nothing; --allow lets it pass."""
    team.write("m", definition(recorded_world()["models"][0], query="SELECT id, score_1 FROM customers_1"))
    planned, applied = team.run("plan"), team.run("apply", "--auto-approve")
    allowed = team.run("apply", "--auto-approve", "--allow", "lost_column")

    assert (planned.code, applied.code, allowed.code) == (1, 1, 0)
    assert "which sync 1 to crm-webhook, sync 2 to crm-webhook and sync 3 to crm-webhook map" in flat(planned.err)
    assert "Apply complete! Resources: 0 added, 1 changed, 0 destroyed." in allowed.out
    assert RAW_SQL["query"] not in allowed.out


def test_a_row_that_can_not_be_shown_takes_no_other_s_syncs_along(team: Inside) -> None:
    """A broken model makes the whole list of syncs a 400: it's read around, and lost columns are found all the same."""
    headers = {"Authorization": "Bearer admin", "Workspace-Id": "1"}
    body = {"model": {"query_type": "ai_ml", "configuration": {"harvesters": []}}}
    httpx.put(f"{team.url}/api/v1/models/9", json=body, headers=headers)
    assert httpx.get(f"{team.url}/api/v1/syncs", headers=headers).status_code == 400
    team.write("m", definition(recorded_world()["models"][0], query="SELECT id, score_1 FROM customers_1"))
    planned = team.run("plan")

    assert "Feeds sync 2 to crm-webhook" in planned.out
    assert "doesn't return email" in planned.err
