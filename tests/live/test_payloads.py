"""The API's habits, undone in one room."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import RAW_SQL, live, resource
from hypothesis import given
from strategies import CONFIGURATIONS, FIELDS

from syncer.live import payloads
from syncer.model import FIELDS as MANAGED
from syncer.model import Connector, leaves
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


@pytest.mark.parametrize("field", ["description", "primary_key", "query"])
def test_null_is_empty(field: str) -> None:
    """The UI turns null into an empty text, so the two are one."""
    null: dict[str, Any] = {field: None}
    empty: dict[str, Any] = {field: ""}

    assert live(**null).fields == live(**empty).fields


@pytest.mark.parametrize("field", ["description", "query"])
def test_final_line_ends_are_nobody_s(field: str) -> None:
    """A YAML block ends in one, editors add one: at the end of a text they mean nothing, inside it they do."""
    assert payloads.normal_form({field: "a\n"}) == {field: "a"}
    assert payloads.normal_form({field: "a\r\n"}) == {field: "a"}
    assert payloads.normal_form({field: "a\n\nb\r\n\n"}) == {field: "a\n\nb"}


def test_the_catalog_s_json_schema_is_not_the_model_s() -> None:
    """The server adds it to every ai_ml model that it shows, and to no other."""
    configuration = {"harvesters": [], "json_schema": {"input": []}}

    assert live(query_type="ai_ml", configuration=configuration).fields["configuration"] == {"harvesters": []}
    assert live(query_type="dynamic_sql", configuration=configuration).fields["configuration"] == configuration


def test_whole_floats_are_integers() -> None:
    """Jsonb keeps a stored 1 when 1.0 is sent, and gives 1e22 back as an integer."""
    configuration = {"a": 1.0, "b": [1e22], "c": 0.5, "d": True}
    normal = payloads.normal_form({"configuration": configuration})["configuration"]

    assert normal == {"a": 1, "b": [10**22], "c": 0.5, "d": True}
    assert [type(value) for _, value in leaves(normal)] == [int, int, float, bool]


def test_secrets_and_masks_are_marked() -> None:
    """What stands under a secret's key is marked whole; asterisks are marked wherever they stand."""
    configuration = {
        "embedding_config": {"api_key": "k", "model": "m"},
        "credentials": {"user": "u", "pin": 1234, "is_old": True},
        "note": "*****",
    }
    normal = payloads.normal_form({"configuration": configuration})["configuration"]

    assert normal == {
        "embedding_config": {"api_key": Secret("k"), "model": "m"},
        "credentials": {"user": Secret("u"), "pin": Secret(1234), "is_old": True},
        "note": Secret("*****"),
    }


@given(FIELDS)
def test_what_is_sent_comes_back(fields: dict[str, Any]) -> None:
    """What the server sends back for what we send is, parsed, what we meant."""
    after = payloads.normal_form({**RAW_SQL, **fields})
    answered = live(42, **payloads.body(after, after, {})["model"])

    assert all(same(answered.fields[field], value) for field, value in after.items())


@given(FIELDS)
def test_normal_form_is_its_own_normal_form(fields: dict[str, Any]) -> None:
    """Made twice it's the same: nothing is ever taken off one time too many."""
    once = payloads.normal_form(fields)

    assert same(dict(payloads.normal_form(once)), dict(once))


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
    model, after = live(42, **was), dict(payloads.normal_form({**RAW_SQL, **wanted}))
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
    after = payloads.normal_form({**RAW_SQL, "configuration": wanted})
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
    ],
)
def test_what_must_never_be_sent_is_refused(broken: dict[str, Any]) -> None:
    """No null, no empty configuration, no mask, no unresolved secret."""
    with pytest.raises(ValueError, match="can't be sent"):
        payloads.body({**RAW_SQL, **broken}, broken, {})


@given(CONFIGURATIONS)
def test_nothing_prints_a_secret(configuration: dict[str, Any]) -> None:
    """However deep a secret stands, the text of the fields doesn't show it."""
    planted = {**configuration, "credentials": {"deep": ["canary-7f3a", {"x": "canary-7f3a"}]}}

    assert "canary" not in repr(payloads.normal_form({"configuration": planted}))


def test_a_connector_is_parsed_without_its_configuration() -> None:
    """Hosts and users of a warehouse are none of our business."""
    attributes = {"name": "Snowflake prod", "connector_type": "source", "connector_name": "Snowflake"}

    assert payloads.parse_connector(
        {"id": "3", "attributes": {**attributes, "configuration": {"host": "h"}}}
    ) == Connector(3, "Snowflake prod", "source", "Snowflake")
