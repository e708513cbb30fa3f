"""The API's habits, undone in one room."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import RAW_SQL, live, resource
from hypothesis import given
from strategies import CONFIGURATIONS, FIELDS
from world import CONFORMANCE

from syncer import normalization
from syncer.live import payloads
from syncer.model import FIELDS as MANAGED
from syncer.model import Connector, LiveModel, Sync, Unreadable, leaves
from syncer.plan.diff import same
from syncer.secrets import Secret, SecretRef


def exact(value: Any) -> str:
    """Comparable so that 1 isn't 1.0."""
    return json.dumps(value, sort_keys=True)


def test_a_model_is_parsed_by_whitelist() -> None:
    """Only what can be managed is kept: nothing of the connector but its id, and the id becomes a number."""
    model = payloads.parse(resource(42))

    assert (model.id, model.name, model.updated_at) == (42, "Active users", "2026-02-01T00:00:00.000Z")
    assert model.fields == {**RAW_SQL, "configuration": None}
    assert set(model.fields) == set(MANAGED)


def test_a_connector_id_at_the_top_is_understood() -> None:
    """The documents promise connector_id where the server sends a nested connector: both work."""
    documented = resource(42)
    del documented["attributes"]["connector"]
    documented["attributes"]["connector_id"] = 7

    assert payloads.parse(documented).fields["connector_id"] == 7


def _deep(levels: int) -> Any:
    value: Any = 0
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return {"a": value}


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"name": None}, "its name is missing, not text"),
        ({"query_type": 5}, "its query_type is a number, not text"),
        ({"query_type": None}, "its query_type is missing, not text"),
        ({"description": 1.5}, "its description is a number, not text"),
        ({"primary_key": True}, "its primary_key is true or false, not text"),
        ({"query": ["SELECT 1"]}, "its query is a list, not text"),
        ({"query": {}}, "its query is an object, not text"),
        ({"configuration": "{}"}, "its configuration is text, not an object"),
        ({"configuration": []}, "its configuration is a list, not an object"),
        ({"configuration": {"a": [{"b": float("inf")}]}}, "its configuration holds a number that is too large"),
        ({"configuration": {"a": float("nan")}}, "its configuration holds a number that is too large"),
        ({"configuration": _deep(98)}, ""),
        ({"configuration": _deep(99)}, "its configuration is nested too deep"),
        ({"description": None, "primary_key": None, "query": None}, ""),
    ],
)
def test_what_no_model_can_be_says_why(attributes: dict[str, Any], why: str) -> None:
    """In words, with its id and its name as far as it has any; null will do where the server keeps it."""
    odd = {**resource(42), "attributes": {**resource(42)["attributes"], **attributes}}
    row = payloads.read(odd)

    if why:
        name = "" if "name" in attributes else "Active users"
        assert row == Unreadable(42, why, name, payloads.MALFORMED_HINT)
    else:
        assert isinstance(row, LiveModel)
        assert row.id == 42


@pytest.mark.parametrize(
    ("number", "is_id"),
    [("1", True), (1, True), ("9" * 19, True), ("1" + "0" * 19, False), ("0", False), (0, False), (-1, False),
     ("01", False), (True, False), (1.0, False), (None, False), ("", False), (" 1", False), ("1\n", False), ([], False)],
)  # fmt: skip
def test_an_id_is_what_the_database_can_have(number: object, is_id: bool) -> None:  # noqa: FBT001 - a case
    """Of a model without one its name is all that is known; what is only told becomes 0."""
    row = payloads.read({**resource(42), "id": number})
    attributes = {"name": "n", "connector_type": "source", "connector_name": "d"}

    assert row.id == (int(str(number)) if is_id else None)
    assert isinstance(row, Unreadable) is not is_id
    assert is_id or row == Unreadable(
        None, "its id is not a number that an id can be", "Active users", payloads.MALFORMED_HINT
    )
    known = int(str(number)) if is_id else 0
    assert payloads.parse_connector({"id": number, "attributes": attributes}) == Connector(known, "n", "source", "d")
    assert payloads.parse_workspace({"id": number, "attributes": {"name": "w"}}) == (known, "w")


def test_a_model_s_connector_has_an_id() -> None:
    """Without one nobody knows what the model reads."""
    attributes = {**resource(42)["attributes"], "connector": {"id": "0"}}
    row = payloads.read({**resource(42), "attributes": attributes})

    assert row == Unreadable(
        42, "its connector's id is not a number that an id can be", "Active users", payloads.MALFORMED_HINT
    )


@pytest.mark.parametrize(("name", "said"), [("é", "é"), ("a\ud800", ""), (5, ""), (None, "")])
def test_a_text_that_is_only_told_has_whole_characters(name: object, said: str) -> None:
    """What can't be printed is empty, and so is what is no text."""
    assert payloads.parse_workspace({"id": "1", "attributes": {"name": name}}) == (1, said)
    assert payloads.parse_workspace({"id": "1", "attributes": [name]}) == (1, "")


@pytest.mark.parametrize("field", ["description", "primary_key", "query"])
def test_null_is_empty(field: str) -> None:
    """The UI turns null into an empty text, so the two are one."""
    null: dict[str, Any] = {field: None}
    empty: dict[str, Any] = {field: ""}

    assert live(**null).fields == live(**empty).fields


@pytest.mark.parametrize("field", ["description", "query"])
def test_final_line_ends_are_nobody_s(field: str) -> None:
    """A YAML block ends in one, editors add one: at the end of a text they mean nothing, inside it they do."""
    assert normalization.normal_form({field: "a\n"}) == {field: "a"}
    assert normalization.normal_form({field: "a\r\n"}) == {field: "a"}
    assert normalization.normal_form({field: "a\n\nb\r\n\n"}) == {field: "a\n\nb"}
    assert normalization.normal_form({field: "a\n\r\r\n"}) == {field: "a\n\r"}


def test_the_catalog_s_json_schema_is_not_the_model_s() -> None:
    """The server adds it to every ai_ml model that it shows, and to no other."""
    configuration = {"harvesters": [], "json_schema": {"input": []}}

    assert live(query_type="ai_ml", configuration=configuration).fields["configuration"] == {"harvesters": []}
    assert live(query_type="dynamic_sql", configuration=configuration).fields["configuration"] == configuration


def test_whole_floats_are_integers() -> None:
    """Jsonb keeps a stored 1 when 1.0 is sent, and gives 1e22 back as an integer."""
    configuration = {"a": 1.0, "b": [1e22], "c": 0.5, "d": True}
    normal = normalization.normal_form({"configuration": configuration})["configuration"]

    assert normal == {"a": 1, "b": [10**22], "c": 0.5, "d": True}
    assert [type(value) for _, value in leaves(normal)] == [int, int, float, bool]


def test_what_is_in_normal_form_already_isn_t_kept_twice() -> None:
    """`raw` has what came in another form, and the configuration only where a whole number came as 1.0."""
    assert live(configuration={"n": 1, "x": [0.5]}).raw == {}
    raw = live(description=None, primary_key=None, query="SELECT 1\n", configuration={"n": [1.0], "pin": "p"}).raw
    assert exact(raw) == exact(
        {"description": None, "primary_key": None, "query": "SELECT 1\n", "configuration": {"n": [1.0], "pin": "p"}}
    )
    hidden = live(configuration={"n": 1.0, "api_key": ["k", 5], "note": "***", "token": 1.0}).raw["configuration"]
    assert exact(hidden) == exact({"n": 1.0, "api_key": ["", ""], "note": "", "token": ""})


def test_secrets_and_masks_are_marked() -> None:
    """What stands under a secret's key is marked whole; asterisks are marked wherever they stand."""
    configuration = {
        "embedding_config": {"api_key": "k", "model": "m"},
        "credentials": {"user": "u", "pin": 1234, "is_old": True},
        "note": "*****",
    }
    normal = normalization.normal_form({"configuration": configuration})["configuration"]

    assert normal == {
        "embedding_config": {"api_key": Secret("k"), "model": "m"},
        "credentials": {"user": Secret("u"), "pin": Secret(1234), "is_old": True},
        "note": Secret("*****"),
    }


@given(FIELDS)
def test_what_is_sent_comes_back(fields: dict[str, Any]) -> None:
    """What the server sends back for what we send is, parsed, what we meant."""
    after = normalization.normal_form({**RAW_SQL, **fields})
    answered = live(42, **payloads.body(after, after, {})["model"])

    assert all(same(answered.fields[field], value) for field, value in after.items())


@given(FIELDS)
def test_normal_form_is_its_own_normal_form(fields: dict[str, Any]) -> None:
    """Made twice it's the same: nothing is ever taken off one time too many."""
    once = normalization.normal_form(fields)

    assert same(dict(normalization.normal_form(once)), dict(once))


def test_a_body_has_the_required_fields_and_the_changed_ones() -> None:
    """The documented three, whatever changed, and nothing else."""
    after = {**RAW_SQL, "configuration": {"a": 1}}

    assert payloads.body(after, ["query"], {}) == {
        "model": {"name": "Active users", "connector_id": 1, "query_type": "raw_sql", "query": RAW_SQL["query"]}
    }
    assert payloads.body(after, ["configuration"], {})["model"]["configuration"] == {"a": 1}


def test_a_body_reveals_secrets() -> None:
    """In the body a secret is plain text."""
    after = {**RAW_SQL, "configuration": {"api_key": Secret("k", "SYNCER_SECRET_K")}}

    assert payloads.body(after, ["configuration"], {})["model"]["configuration"] == {"api_key": "k"}


@given(FIELDS, FIELDS)
def test_what_does_not_change_is_sent_as_it_came(was: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Whatever is the same in normal form goes back as the API sent it: null, line ends, 1.0; and no secret is kept."""
    model, after = live(42, **was), dict(normalization.normal_form({**RAW_SQL, **wanted}))
    sent = payloads.body(after, after, model.raw)["model"]

    assert "canary" not in json.dumps(live(42, configuration={"n": 1.0, "api_key": "canary", "x": "***"}).raw)
    assert all(same(live(42, **sent).fields[field], value) for field, value in after.items())
    for field in ("description", "primary_key", "query"):
        if same(after[field], model.fields[field]):
            assert sent[field] == {**RAW_SQL, **was}[field]
    if "configuration" in was and same(after.get("configuration"), model.fields["configuration"]):
        assert exact(sent["configuration"]) == exact(was["configuration"])


@pytest.mark.parametrize(
    ("was", "wanted", "sent"),
    [
        ({"a": 1.0, "b": 2}, {"a": 1, "b": 3}, {"a": 1.0, "b": 3}),
        ({"a": 1.0}, {"a": 2}, {"a": 2}),
        ({"a": 1.0, "b": True}, {"a": True, "b": 1}, {"a": True, "b": 1}),
        (
            {"a": [{"n": 1.0}, {"m": 2.0}]},
            {"a": [{"x": 0}, {"n": 1}, {"m": 2}]},
            {"a": [{"x": 0}, {"n": 1.0}, {"m": 2.0}]},
        ),
        ({"a": [1.0, 2.0, 3.0, 4.0]}, {"a": [1, 9, 3, 8, 2, 4]}, {"a": [1.0, 9, 3.0, 8, 2.0, 4.0]}),
        ({"a": [{"n": 1.0, "t": 1}]}, {"a": [{"n": 1, "t": 2}]}, {"a": [{"n": 1.0, "t": 2}]}),
        ({"a": [1.0, 1.0]}, {"a": [1]}, {"a": [1.0]}),
        (
            {"a": {"api_key": "k", "n": 1000.0}},
            {"a": {"api_key": "l", "n": 1000}},
            {"a": {"api_key": "l", "n": 1000.0}},
        ),
        ({"a": {"token": 5.0}, "n": 1.0}, {"a": {"token": 5.0}, "n": 2}, {"a": {"token": 5.0}, "n": 2}),
    ],
)
def test_an_unchanged_number_stays_what_it_is(was: Any, wanted: Any, sent: Any) -> None:
    """1.0 doesn't become 1 because its neighbour changes, wherever in a list it stands then."""
    after = normalization.normal_form({**RAW_SQL, "configuration": wanted})
    body = payloads.body(after, ["configuration"], live(42, configuration=was).raw)["model"]["configuration"]

    assert exact(body) == exact(sent)


@pytest.mark.parametrize(
    "broken",
    [
        {"description": None},
        {"configuration": {}},
        {"configuration": {"api_key": Secret("*************")}},
        {"configuration": {"a": ["***"]}},
        {"configuration": {"api_key": SecretRef("SYNCER_SECRET_K")}},
        {"configuration": {"a": float("inf")}},
        {"name": "a\ud800"},
    ],
)
def test_what_must_never_be_sent_is_refused(broken: dict[str, Any]) -> None:
    """No null, no empty configuration, no mask, no unresolved secret."""
    with pytest.raises(ValueError, match="can't be sent"):
        payloads.body({**RAW_SQL, **broken}, broken, {})
    with pytest.raises(ValueError, match="can't be sent"):
        payloads.creation({**RAW_SQL, **broken})


@pytest.mark.parametrize(
    ("query_type", "configuration", "is_made"),
    [
        ("unstructured", {"a": 1}, False),
        ("unstructured", None, False),
        ("unstructured", {"harvesters": []}, True),
        ("vector_search", {"a": 1}, True),
        ("raw_sql", None, True),
    ],
)
def test_an_unstructured_model_is_made_with_its_harvesters_alone(
    query_type: str,
    configuration: Any,
    is_made: bool,  # noqa: FBT001 - a case
) -> None:
    """The server refuses the POST otherwise, and takes the PUT; no other type needs the key."""
    after = {**RAW_SQL, "query_type": query_type, **({"configuration": configuration} if configuration else {})}

    assert payloads.body(after, ["configuration"] if configuration else [], {})
    if is_made:
        assert payloads.creation({**after, "id": 5, "other": 1}) == {"model": after}
    else:
        with pytest.raises(ValueError, match=r"only with configuration.harvesters \(`\[\]` will do\)"):
            payloads.creation(after)


@given(CONFIGURATIONS)
def test_nothing_prints_a_secret(configuration: dict[str, Any]) -> None:
    """However deep a secret stands, the text of the fields doesn't show it."""
    planted = {**configuration, "credentials": {"deep": ["canary-7f3a", {"x": "canary-7f3a"}]}}

    assert "canary" not in repr(normalization.normal_form({"configuration": planted}))


def test_a_connector_is_parsed_without_its_configuration() -> None:
    """Hosts and users of a warehouse are none of our business."""
    attributes = {"name": "Snowflake prod", "connector_type": "source", "connector_name": "Snowflake"}

    assert payloads.parse_connector(
        {"id": "3", "attributes": {**attributes, "configuration": {"host": "h"}}}
    ) == Connector(3, "Snowflake prod", "source", "Snowflake")


# -- syncs -------------------------------------------------------------------------------------------------------------


def _sync(**attributes: Any) -> Sync:
    return payloads.parse_sync({"id": "1", "attributes": {"model_id": 1, "source_id": 1, **attributes}})


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"schedule_type": "manual"}, "manual"),
        ({"schedule_type": "manual", "sync_interval": 3, "sync_interval_unit": "hours"}, "manual"),
        ({"schedule_type": "interval", "sync_interval": 3, "sync_interval_unit": "hours"}, "every 3 hours"),
        ({"schedule_type": "interval", "sync_interval": 2, "sync_interval_unit": "days"}, "every 2 days"),
        ({"schedule_type": "interval", "sync_interval": 1, "sync_interval_unit": "days"}, "every day"),
        ({"schedule_type": "interval", "sync_interval": 0, "sync_interval_unit": "days"}, "interval"),
        ({"schedule_type": "interval", "sync_interval": 3}, "interval"),
        ({"schedule_type": "interval", "sync_interval_unit": "days"}, "interval"),
        ({"schedule_type": "interval"}, "interval"),
        ({"schedule_type": "cron_expression", "cron_expression": "0 3 * * *"}, "cron 0 3 * * *"),
        ({"schedule_type": "manual", "cron_expression": "0 3 * * *"}, "manual"),
        ({"schedule_type": 5}, ""),
        ({}, ""),
    ],
)
def test_a_schedule_is_said_in_words(attributes: dict[str, Any], said: str) -> None:
    """As people say it; what isn't whole is only named."""
    assert _sync(**attributes).schedule == said


_ODD_MAPPING = "its mapping has an entry that is not a column"


@pytest.mark.parametrize(
    ("configuration", "columns", "unknown"),
    [
        (
            [{"from": "b", "to": "x", "mapping_type": "standard"}, {"from": "a", "to": "c"}, {"from": "b"}],
            ("b", "a"),
            "",
        ),
        ([{"from": "Hello {{ name }}", "mapping_type": "template"}, {"from": "x", "mapping_type": "static"}], (), ""),
        ({"a": "b", "c": "d"}, ("a", "c"), ""),
        (None, (), ""),
        ([{"from": "", "to": "a"}], (), ""),
        ([{"from": 5}, {"from": "a"}], ("a",), _ODD_MAPPING),
        ([{"to": "a"}], (), _ODD_MAPPING),
        ([None, {"from": "a"}], ("a",), _ODD_MAPPING),
        ({"": "b"}, (), _ODD_MAPPING),
        ("a", (), _ODD_MAPPING),
    ],
)
def test_a_mapping_s_columns_are_those_that_it_reads(
    configuration: Any, columns: tuple[str, ...], unknown: str
) -> None:
    """A list of pairs, or in older syncs a mapping; a static or template value is no column; each is named once."""
    sync = _sync(configuration=configuration)

    assert (sync.columns, sync.unknown) == (columns, unknown)


@pytest.mark.parametrize(
    ("sync", "known"),
    [
        ({"id": "1", "model_id": "7"}, (1, 7, "")),
        ({"id": "1", "model_id": 0}, (1, 0, "its model_id is not a number that an id can be")),
        ({"id": "x", "model_id": 7}, (0, 0, "its id is not a number that an id can be")),
        ({"id": "x", "model_id": None}, (0, 0, "its id is not a number that an id can be")),
        ({"id": "1", "model_id": 7, "cursor_field": 5}, (1, 7, "its cursor_field is not text")),
        ({"id": "1", "model_id": 7, "cursor_field": ""}, (1, 7, "")),
        ({"id": "1", "model_id": 7, "cursor_field": "at"}, (1, 7, "")),
    ],
)
def test_what_nobody_knows_of_a_sync_is_said(sync: dict[str, Any], known: tuple[int, int, str]) -> None:
    """Which model it reads, or which columns: then it counts for none, and the plan tells."""
    read = payloads.parse_sync({"id": sync["id"], "attributes": sync})

    assert (read.id, read.model_id, read.unknown) == known


def test_a_destination_without_a_name_is_told_by_its_number() -> None:
    """Somebody has to find it."""
    told: list[dict[str, Any]] = [
        {"destination": {"name": "CRM"}, "destination_id": 3},
        {"destination_id": 3},
        {"destination": {}},
    ]
    assert [_sync(**one).destination for one in told] == ["CRM", "destination 3", "destination ?"]


def test_a_recorded_sync_is_read() -> None:
    """As the real server showed it; nothing of its model or its connectors' settings is kept."""
    vectors = (CONFORMANCE / "vectors.jsonl").read_text("utf-8").splitlines()
    case = next(one for one in map(json.loads, vectors) if one["id"] == "syncs-index")
    resource = case["steps"][0]["response"]["body"]["data"][0]

    assert payloads.parse_sync(resource) == Sync(
        *(3, 1, 1, "crm-webhook", "Http", "contacts", "incremental", "manual", "failed", "updated", ("email",)),
        source="warehouse",
    )
