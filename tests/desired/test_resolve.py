"""What git says for one environment, and which live model each file means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import RAW_SQL, FlatMarks, desired, document, live
from hypothesis import given
from strategies import worlds

from syncer.desired.binding import bind
from syncer.desired.connectors import bind_connectors, stand_in_connectors
from syncer.desired.resolve import resolve, reveal
from syncer.model import (
    Bound,
    Connector,
    DesiredState,
    Document,
    Lifecycle,
    LiveModel,
    LiveState,
    Place,
    TextFile,
    Unreadable,
)
from syncer.secrets import Secret, SecretRef


def test_an_environment_s_values_replace_the_base_s() -> None:
    """Any field and the id may differ per environment; the others' values stay out."""
    environments = {"prod": {"id": 42, "connector_id": 7}, "staging": {"id": 12, "description": "staging"}}
    model = desired(environments=environments)

    assert (model.id, model.fields) == (42, {**RAW_SQL, "connector_id": 7})
    assert model.sources["connector_id"] == Place(("environments", "prod", "connector_id"))
    assert desired(environment="sandbox", environments=environments).id is None


def test_a_query_of_the_environment_replaces_a_query_file() -> None:
    """`query` and `query_file` are two ways to say one thing."""
    data = {**RAW_SQL, "query_file": "a.sql", "environments": {"prod": {"query": "SELECT 2"}}}
    del data["query"]
    one = Document("m", "models/m.yaml", data, FlatMarks(data), {"a.sql": TextFile("models/a.sql", "SELECT 1\n")})

    assert resolve([one], "prod").models[0].fields["query"] == "SELECT 2"
    other = resolve([one], "staging").models[0]
    assert other.fields["query"] == "SELECT 1\n"
    assert (other.sources["query"], other.problem("rule", "m", "query").excerpt) == (
        Place(("query_file",)),
        "query_file: …",
    )


def test_desired_state_is_sorted_by_address() -> None:
    """Whatever order the files came in."""
    state = resolve([document("b"), document("c"), document("a")], "prod")

    assert [model.address for model in state.models] == ["a", "b", "c"]


def test_lifecycle_is_read() -> None:
    """Lists in YAML become tuples in the noun."""
    model = desired(lifecycle={"protect": True, "ignore_changes": ["description"], "allow": ["primary_key"]})

    assert model.lifecycle == Lifecycle(protect=True, ignore_changes=("description",), allow=("primary_key",))
    assert desired().lifecycle == Lifecycle(protect=False, ignore_changes=(), allow=())


def test_secrets_are_references_until_revealed() -> None:
    """A file names a variable; its value comes in late, and a variable that isn't set is a located problem."""
    configuration = {"embedding_config": {"api_key": {"env": "SYNCER_SECRET_K"}}, "note": {"env": "SYNCER_SECRET_K"}}
    state = resolve([document(configuration=configuration)], "prod")
    assert state.models[0].fields["configuration"] == {
        "embedding_config": {"api_key": SecretRef("SYNCER_SECRET_K")},
        "note": {"env": "SYNCER_SECRET_K"},
    }

    revealed, problems = reveal(state, {"SYNCER_SECRET_K": Secret("v")}.get)
    assert revealed.models[0].fields["configuration"]["embedding_config"] == {"api_key": Secret("v")}
    assert problems == ()

    same, problems = reveal(state, lambda _: None)
    assert same == state
    assert [(str(problem.origin), problem.rule) for problem in problems] == [
        ("models/active_users.yaml:7:1", "missing-secret")
    ]
    assert problems[0].message == "the environment variable SYNCER_SECRET_K is not set, or is empty"
    assert problems[0].hint == "set it where syncer runs (in CI: as a masked secret)"


K, L = {"env": "SYNCER_SECRET_K"}, {"env": "SYNCER_SECRET_L"}


@pytest.mark.parametrize(
    ("configuration", "named", "found"),
    [
        ({"n": {"a": 1, "l": [1]}}, False, {"n": {"a": 1, "l": [1]}}),
        ({"l": [[{"token": K}]]}, True, {"l": [[{"token": SecretRef("SYNCER_SECRET_K")}]]}),
        ({"credentials": {"user": K, "l": [L]}}, True, {"credentials": {"user": SecretRef("SYNCER_SECRET_K"), "l": [SecretRef("SYNCER_SECRET_L")]}}),
        ({"token": {**K, "more": 1}}, True, {"token": {**K, "more": 1}}),
        ({"token": {"env": "OTHER"}}, True, {"token": {"env": "OTHER"}}),
        ({"token": {"env": ["SYNCER_SECRET_K"]}}, True, {"token": {"env": ["SYNCER_SECRET_K"]}}),
        ({"token": {"env": "SYNCER_SECRET_K "}}, True, {"token": {"env": "SYNCER_SECRET_K "}}),
        ({"env": "SYNCER_SECRET_K"}, True, {"env": "SYNCER_SECRET_K"}),
    ],
)  # fmt: skip
def test_a_reference_stands_under_a_secret_s_key_alone(configuration: Any, named: bool, found: Any) -> None:  # noqa: FBT001 - a case
    """However deep, also in lists; anything else is a value like any, and what names no variable isn't looked through."""
    model = desired(configuration=configuration)

    assert (model.fields["configuration"], model.names_secrets) == (found, named)


def test_every_variable_that_is_not_set_is_told() -> None:
    """Of each model; what is set is in its place all the same, and a model that names none is left as it is."""
    one = desired("a", configuration={"token": K, "l": [{"token": L}, {"token": {"env": "SYNCER_SECRET_M"}}]})
    plain = desired("b", configuration={"n": 1})
    state, problems = reveal(DesiredState((one, plain)), {"SYNCER_SECRET_L": Secret("l")}.get)

    assert [problem.message.split()[3] for problem in problems] == ["SYNCER_SECRET_K", "SYNCER_SECRET_M"]
    assert state.models[0].fields["configuration"] == {
        "token": SecretRef("SYNCER_SECRET_K"),
        "l": [{"token": Secret("l")}, {"token": SecretRef("SYNCER_SECRET_M")}],
    }
    assert state.models[1] is plain


def _bound(*models: LiveModel, **values: Any) -> tuple[list[int], list[str]]:
    bound = bind(DesiredState((desired(**values),)), LiveState(models))
    return [binding.live.id for binding in bound.bindings], [problem.rule for problem in bound.problems]


def test_an_id_binds_whatever_the_name() -> None:
    """A renamed model stays the same model when it's pinned."""
    assert _bound(live(42, name="Old name"), live(43), id=42) == ([42], [])


def test_a_unique_name_binds() -> None:
    """Without an id the only live model of the name is meant."""
    assert _bound(live(42), live(43, name="Other")) == ([42], [])


@pytest.mark.parametrize(
    ("models", "values", "rule", "message", "hint"),
    [
        ([live(1, name="Active user")], {}, "no-live-model", "no live model of the workspace is named", "id 1"),
        ([live(1), live(2)], {}, "ambiguous-name", "2 live models are named 'Active users': id 1", "pin the one"),
        (
            [live(1)],
            {"id": 9},
            "unknown-id",
            "no live model with id 9",
            "another workspace? Of its name there is id 1 ('Active users')",
        ),
    ],
)
def test_nothing_is_guessed(
    models: list[LiveModel], values: dict[str, Any], rule: str, message: str, hint: str
) -> None:
    """None or several is a problem that lists the candidates."""
    bound = bind(DesiredState((desired(**values),)), LiveState(tuple(models)))
    (problem,) = bound.problems

    assert bound.bindings == ()
    assert problem.rule == rule
    assert message in problem.message
    assert hint in problem.hint
    assert problem.excerpt == ("id: …" if values else "name: …")


def test_many_candidates_are_counted() -> None:
    """A message lists five candidates and counts the rest."""
    bound = bind(DesiredState((desired(),)), LiveState(tuple(live(number) for number in range(1, 10))))

    assert bound.problems[0].message.endswith("id 4 ('Active users'), id 5 ('Active users') and 4 more")


def test_what_is_bound_and_what_is_left_is_sorted() -> None:
    """Bindings, creations and problems by their files, live models by their ids: a plan is the same each time."""
    files = [
        desired(address, name=name)
        for address, name in [("d", "D"), ("b", "B"), ("e", "E"), ("a", "A"), ("g", "G"), ("f", "F")]
    ]
    models = (
        live(4, name="A"),
        live(3, name="D"),
        live(9, name="z"),
        live(2, name="y"),
        *(live(n, name="FG"[n % 2]) for n in (5, 6, 7, 8)),
    )
    bound = bind(DesiredState(tuple(files)), LiveState(models), create=True)

    assert [(one.desired.address, one.live.id) for one in bound.bindings] == [("a", 4), ("d", 3)]
    assert [one.id for one in bound.unmanaged] == [2, 5, 6, 7, 8, 9]
    assert [one.address for one in bound.new] == ["b", "e"]
    assert [one.origin.path for one in bound.problems] == ["models/f.yaml", "models/g.yaml"]


def test_a_wrong_workspace_is_no_long_wait() -> None:
    """Guessing what was meant is given up after a while: thousands of names that fit nothing are told at once."""
    state = DesiredState(tuple(desired(f"m{n}", name=f"model of ours {n}") for n in range(300)))
    bound = bind(state, LiveState(tuple(live(n, name=f"model of theirs {n}") for n in range(1, 1001))))

    assert len(bound.problems) == 300
    assert sum("did you mean" in problem.hint for problem in bound.problems) == 20
    assert all(problem.hint for problem in bound.problems)


def test_two_files_for_one_model_are_a_problem_at_both() -> None:
    """However each of them came to it: by id or by name."""
    state = DesiredState((desired("a"), desired("b", id=42, name="B")))
    bound = bind(state, LiveState((live(42),)))

    assert bound.bindings == ()
    assert bound.unmanaged == ()
    assert [(problem.origin.path, problem.rule) for problem in bound.problems] == [
        ("models/a.yaml", "claimed-twice"),
        ("models/b.yaml", "claimed-twice"),
    ]
    first, second = bound.problems
    assert first.message == "live model 42 ('Active users') is also declared by models/b.yaml"
    assert second.message == "live model 42 ('Active users') is also declared by models/a.yaml"
    assert (first.excerpt, second.excerpt) == ("name: …", "id: …")
    assert first.hint == "one live model has one file: remove one, or pin another `id:`"


def test_each_of_several_files_is_told_of_all_others() -> None:
    """Whoever resolves it needs them all."""
    bound = bind(DesiredState(tuple(desired(name) for name in "abc")), LiveState((live(42),)))

    assert [one.message.partition(" by ")[2] for one in bound.problems] == [
        "models/b.yaml, models/c.yaml",
        "models/a.yaml, models/c.yaml",
        "models/a.yaml, models/b.yaml",
    ]


def test_unread_models_are_problems_not_absences() -> None:
    """A broken row is named at its file; where not all could be read, nothing is bound by name."""
    state = DesiredState((desired("a", id=7), desired("b")))
    bound = bind(state, LiveState((live(42),), (Unreadable(7, "undefined method"),), complete=False))

    assert [problem.rule for problem in bound.problems] == ["unreadable-model", "incomplete-live-state"]
    broken, unread = bound.problems
    assert broken.message == "the server can't show live model 7: undefined method"
    assert broken.hint.startswith("give its connector a catalog in the UI, or delete the model; ")
    assert broken.hint.endswith(". Then plan again")
    assert unread.message == "'Active users' can't be bound by name: not every live model could be read"
    assert (broken.excerpt, unread.excerpt) == ("id: …", "name: …")


@pytest.mark.parametrize(
    ("rows", "values", "rule", "message"),
    [
        ([Unreadable(7, "r", "Active users")], {}, "unreadable-model", "the server can't show live model 7: r"),
        (
            [Unreadable(None, "r", "Active users")],
            {},
            "unreadable-model",
            "the server can't show the live model 'Active users': r",
        ),
        (
            [Unreadable(7, "r")],
            {},
            "incomplete-live-state",
            "'Active users' can't be bound by name: not every live model could be read",
        ),
        ([Unreadable(7, "r", "Other")], {}, "no-live-model", "no live model of the workspace is named 'Active users'"),
        ([Unreadable(7, "r", "Other")], {"id": 7}, "unreadable-model", "the server can't show live model 7: r"),
        ([Unreadable(7, "r", "Active users")], {"id": 8}, "unknown-id", "the workspace has no live model with id 8"),
    ],
)
def test_a_row_that_nobody_can_read_may_be_the_one(
    rows: list[Unreadable], values: dict[str, Any], rule: str, message: str
) -> None:
    """By its id if the file has one, else by its name; one without a name could be any."""
    (problem,) = bind(DesiredState((desired(**values),)), LiveState((live(1, name="Another"),), tuple(rows))).problems

    assert (problem.rule, problem.message) == (rule, message)
    assert problem.excerpt == ("id: …" if values else "name: …")
    (other,) = bind(DesiredState((desired(id=7),)), LiveState((), (Unreadable(7, "r", hint="see there"),))).problems
    assert other.hint == "see there"


@given(worlds())
def test_every_model_is_bound_once_or_has_a_problem(world: tuple[list[Document], list[LiveModel]]) -> None:
    """No guessing: bindings and problems together cover the files, and the rest of live is unmanaged."""
    documents, models = world
    state = resolve(documents, "prod")
    bound = bind(state, LiveState(tuple(models)))

    assert len(bound.bindings) + len(bound.problems) == len(documents)
    assert {b.live.id for b in bound.bindings} | {m.id for m in bound.unmanaged} == {m.id for m in models}
    assert len(bound.bindings) + len(bound.unmanaged) == len(models)


# -- models that nobody has made yet -----------------------------------------------------------------------------------


def _new(*models: LiveModel, create: bool = True, **state: Any) -> Bound:
    return bind(DesiredState((desired("new", name="Brand new"),)), LiveState(models, **state), create=create)


def test_what_nobody_answers_to_is_new_where_that_is_allowed() -> None:
    """Without leave it's the problem that it always was."""
    assert [model.address for model in _new().new] == ["new"]
    assert [problem.rule for problem in _new(create=False).problems] == ["no-live-model"]


def test_an_id_that_does_not_exist_is_never_created() -> None:
    """Whoever pins a model means that one."""
    state = DesiredState((desired("new", id=7),))

    assert [problem.rule for problem in bind(state, LiveState(()), create=True).problems] == ["unknown-id"]


@pytest.mark.parametrize("state", [{"complete": False}, {"unreadable": (Unreadable(9, "broken"),)}])
def test_what_can_not_be_seen_could_bear_the_name(state: dict[str, Any]) -> None:
    """Nothing is created while a live model is hidden."""
    bound = _new(**state)

    assert not bound.new
    assert len(bound.problems) == 1
    assert bound.problems[0].rule == ("unreadable-model" if "unreadable" in state else "incomplete-live-state")
    assert bound.problems[0].excerpt == "name: …"
    assert _new(unreadable=(Unreadable(9, "broken", "Another"),)).new


def test_a_name_that_is_nearly_there_is_told() -> None:
    """A slip of the keyboard would make a second model; it's shown, and a person decides."""
    bound = _new(live(4, name="brand New"))

    assert [(problem.rule, problem.is_error) for problem in bound.problems] == [("similar-name", False)]
    assert bound.problems[0].message == "'Brand new' would be created, and there is id 4 ('brand New')"
    assert bound.problems[0].hint == "if that is the one you mean, pin it with `id:`, in one file alone"


def test_guesses_have_an_end() -> None:
    """Of a name without end nothing is guessed but its own; nor of the hundredth new one in a large workspace."""
    long, state = "word " * 41, LiveState((live(1, name="word " * 40), live(2, name="Other name")))
    told = [
        bind(DesiredState((desired(name=name),)), state, create=create).problems
        for create in (False, True)
        for name in (long, "Othr name")
    ]
    assert ["id 1" in str(one) or "id 2" in str(one) for one in told] == [False, True, True, True]
    for length, is_guessed in ((200, True), (201, False)):
        near = LiveState((live(1, name="a" * length),))
        (problem,) = bind(DesiredState((desired(name="a" * (length - 1) + "b"),)), near).problems
        assert ("id 1" in problem.hint) is is_guessed
    many = LiveState(tuple(live(number, name=f"model of theirs {number}") for number in range(1, 1001)))
    files = tuple(desired(f"m{n:03}", name=f"model of thiers {n}") for n in range(1, 101))
    assert len(bind(DesiredState(files), many, create=True).problems) == 20


WORKSPACE = (
    "Active users", "Revenue daily", "Sales contacts", "Accounts", "Churn score", "Orders by region", "Orders Q1 2026",
    "Help centre articles", "Users EU", "Inbound leads", "weekly_report_v1", "Активные клиенты", "売上月次レポート",
)  # fmt: skip
NEW_NAMES = (
    "Inactive users", "Active accounts", "Revenue weekly", "Revenue monthly", "Sales by contact", "Support contacts",
    "Orders by country", "Orders Q2 2026", "Orders Q1 2025", "Churn score v2", "Users US", "Users", "Outbound leads", "Hemp centre articles",
    "Unbound leads", "weekly_report_v2", "Account owners", "Help centre authors", "Неактивные клиенты", "売上週次レポート",
    "Brand new", "Active users (staging)", "Health score", "!!!", "",
)  # fmt: skip
SLIPS = {
    "active users": "Active users", "Active_Users": "Active users", "ActiveUsers": "Active users",
    "Users, active": "Active users", "Actve users": "Active users", "Activee users": "Active users",
    "Acitve uesrs": "Active users", "ctive users": "Active users", "Active user": "Active users",
    "Revenue  daily": "Revenue daily", "Revenue: dayly": "Revenue daily", "Acounts": "Accounts",
    "Help center articles": "Help centre articles", "Help centre artikles": "Help centre articles", "Orders by regoin": "Orders by region",
    "Orders (Q1, 2026)": "Orders Q1 2026", "Weekly Report V1": "weekly_report_v1", "Активные клиентт": "Активные клиенты",
}  # fmt: skip


def test_a_new_name_is_no_slip_and_a_slip_is_one() -> None:
    """The rule fires where it's all but certain: on none of the new names, and on every slip, with the one it means."""
    state = LiveState(tuple(live(number, name=name) for number, name in enumerate(WORKSPACE, 1)))

    def told(name: str) -> list[str]:
        bound = bind(DesiredState((desired("new", name=name),)), state, create=True)
        assert [one.address for one in bound.new] == ["new"]
        assert {problem.rule for problem in bound.problems} <= {"similar-name"}
        return [problem.message for problem in bound.problems]

    assert [name for name in NEW_NAMES if told(name)] == []
    for slip, meant in SLIPS.items():
        assert [f"({meant!r})" in one for one in told(slip)] == [True], slip


def test_a_name_that_two_files_give_is_not_created() -> None:
    """Neither where both would make a model, nor where the other renames one: they would race for it."""
    for other, live_models in ((desired("b", name="X"), ()), (desired("b", name="X", id=1), (live(1, name="Y"),))):
        bound = bind(DesiredState((desired("a", name="X"), other)), LiveState(live_models), create=True)

        assert bound.new == ()
        assert {(one.rule, one.message, one.is_error) for one in bound.problems} == {
            ("claimed-twice", "'X' would be created, and another file gives its model that very name", True)
        }
        assert len(bound.problems) == 2 - len(bound.bindings)
    assert [
        one.address
        for one in bind(DesiredState((desired("a", name="X"), desired("b", name="Z"))), LiveState(()), create=True).new
    ] == ["a", "b"]


@pytest.mark.parametrize(
    ("rule", "state", "create"),
    [
        ("no-live-model", LiveState(()), False),
        ("ambiguous-name", LiveState((live(1), live(2))), False),
        ("incomplete-live-state", LiveState((), complete=False), False),
        ("unreadable-model", LiveState((), (Unreadable(7, "r", "Active users"),)), False),
        ("unreadable-model", LiveState((), (Unreadable(7, "r"),)), True),
        ("similar-name", LiveState((live(1, name="Actve users"),)), True),
    ],
)
def test_a_problem_with_a_name_stands_where_the_name_is_given(rule: str, state: LiveState, create: bool) -> None:  # noqa: FBT001 - a case
    """Also below an environment."""
    one = desired("m", name="Other", environments={"prod": {"name": "Active users"}})
    (problem,) = bind(DesiredState((one,)), state, create=create).problems

    assert (problem.rule, problem.excerpt) == (rule, "environments: …")
    twice = bind(DesiredState((one, replace(one, address="n"))), LiveState((live(1),) if create else ()), create=True)
    assert [(other.rule, other.excerpt) for other in twice.problems] == [("claimed-twice", "environments: …")] * 2


# -- connectors by name ------------------------------------------------------------------------------------------------

CONNECTORS = (
    Connector(1, "Snowflake prod", "source", "Snowflake"),
    Connector(2, "warehouse", "source", "Postgresql"),
    Connector(3, "warehouse", "source", "Redshift"),
    Connector(4, "HubSpot", "destination", "Hubspot"),
    Connector(5, "both", "source", "Bigquery"),
    Connector(6, "both", "destination", "Bigquery"),
)


@pytest.mark.parametrize(
    ("name", "connector_id", "rule", "said"),
    [
        ("Snowflake prod", 1, "", ""),
        ("both", 5, "", ""),
        (
            "warehouse",
            None,
            "ambiguous-connector",
            "2 source connectors are named 'warehouse': id 2 ('warehouse', Postgresql), id 3 ('warehouse', Redshift)",
        ),
        ("HubSpot", None, "unknown-connector", "'HubSpot' is a destination, and a model reads from a source"),
        ("snowflake prd", None, "unknown-connector", "no source connector of the workspace is named 'snowflake prd'"),
    ],
)
def test_a_connector_is_bound_by_its_name(name: str, connector_id: int | None, rule: str, said: str) -> None:
    """The only source of that name; none or several is a problem with the candidates."""
    state, problems = bind_connectors(DesiredState((desired(connector_id=..., connector=name),)), CONNECTORS)

    assert state.models[0].fields.get("connector_id") == connector_id
    assert [problem.rule for problem in problems] == ([rule] if rule else [])
    assert [problem.message for problem in problems] == ([said] if rule else [])
    assert all("`connector_id: 2`" in problem.hint for problem in problems if rule == "ambiguous-connector")


def test_what_was_meant_is_guessed() -> None:
    """The nearest source, or all of them."""
    _, (near,) = bind_connectors(DesiredState((desired(connector_id=..., connector="SNOWFLAKE PROD"),)), CONNECTORS)
    _, (far,) = bind_connectors(DesiredState((desired(connector_id=..., connector="Q"),)), CONNECTORS)

    _, (slip,) = bind_connectors(DesiredState((desired(connector_id=..., connector="snowflake prd"),)), CONNECTORS)
    _, (none,) = bind_connectors(DesiredState((desired(connector_id=..., connector="HubSpot"),)), CONNECTORS[3:4])

    assert (near.hint, slip.hint) == ("did you mean 'Snowflake prod'?",) * 2
    assert far.hint == (
        "its source connectors are id 1 ('Snowflake prod', Snowflake), id 2 ('warehouse', Postgresql), "
        "id 3 ('warehouse', Redshift), id 5 ('both', Bigquery)"
    )
    assert none.hint == "its source connectors are none"
    assert near.excerpt == "connector: …"


def test_names_and_ids_of_connectors_stand_beside_each_other() -> None:
    """A file with a number is left as it is; offline the name itself stands for the id."""
    state = DesiredState((desired("a", connector_id=..., connector="both"), desired("b", connector_id=7)))
    bound, problems = bind_connectors(state, CONNECTORS)

    assert ([one.fields["connector_id"] for one in bound.models], problems) == ([5, 7], ())
    assert [one.fields["connector_id"] for one in stand_in_connectors(state).models] == ["both", 7]


def test_an_environment_s_connector_replaces_the_other_kind() -> None:
    """A name under an environment beats the number at the top, and the other way round."""
    values: dict[str, Any] = {"connector_id": 2, "environments": {"prod": {"connector": "Snowflake prod"}}}

    assert desired(**values).connector == "Snowflake prod"
    assert "connector_id" not in desired(**values).fields
    other: dict[str, Any] = {"connector_id": ..., "connector": "x", "environments": {"prod": {"connector_id": 3}}}
    assert (desired(**other).connector, desired(**other).fields["connector_id"]) == ("", 3)
