"""What git says for one environment, and which live model each file means."""

from __future__ import annotations

from typing import Any

import pytest
from builders import RAW_SQL, FlatMarks, desired, document, live
from hypothesis import given
from strategies import worlds

from syncer.desired.binding import bind
from syncer.desired.resolve import resolve, reveal
from syncer.model import DesiredState, Document, Lifecycle, LiveModel, LiveState, TextFile, Unreadable
from syncer.secrets import Secret, SecretRef


def test_an_environment_s_values_replace_the_base_s() -> None:
    """Any field and the id may differ per environment; the others' values stay out."""
    environments = {"prod": {"id": 42, "connector_id": 7}, "staging": {"id": 12, "description": "staging"}}
    model = desired(environments=environments)

    assert (model.id, model.fields) == (42, {**RAW_SQL, "connector_id": 7})
    assert model.sources["connector_id"] == ("environments", "prod", "connector_id")
    assert desired(environment="sandbox", environments=environments).id is None


def test_a_query_of_the_environment_replaces_a_query_file() -> None:
    """`query` and `query_file` are two ways to say one thing."""
    data = {**RAW_SQL, "query_file": "a.sql", "environments": {"prod": {"query": "SELECT 2"}}}
    del data["query"]
    one = Document("m", "models/m.yaml", data, FlatMarks(data), {"a.sql": TextFile("models/a.sql", "SELECT 1\n")})

    assert resolve([one], "prod").models[0].fields["query"] == "SELECT 2"
    assert resolve([one], "staging").models[0].fields["query"] == "SELECT 1\n"


def test_lifecycle_is_read() -> None:
    """Lists in YAML become tuples in the noun."""
    model = desired(lifecycle={"protect": True, "ignore_changes": ["description"], "allow": ["primary_key"]})

    assert model.lifecycle == Lifecycle(protect=True, ignore_changes=("description",), allow=("primary_key",))


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

    _, problems = reveal(state, lambda _: None)
    assert [(str(problem.origin), problem.rule) for problem in problems] == [
        ("models/active_users.yaml:7:1", "missing-secret")
    ]
    assert "SYNCER_SECRET_K is not set" in problems[0].message


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


def test_many_candidates_are_counted() -> None:
    """A message lists five candidates and counts the rest."""
    bound = bind(DesiredState((desired(),)), LiveState(tuple(live(number) for number in range(1, 10))))

    assert bound.problems[0].message.endswith("id 5 ('Active users') and 4 more")


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
    assert "models/b.yaml" in bound.problems[0].message


def test_unread_models_are_problems_not_absences() -> None:
    """A broken row is named at its file; where not all could be read, nothing is bound by name."""
    state = DesiredState((desired("a", id=7), desired("b")))
    bound = bind(state, LiveState((live(42),), (Unreadable(7, "undefined method"),), complete=False))

    assert [problem.rule for problem in bound.problems] == ["unreadable-model", "incomplete-live-state"]
    assert "undefined method" in bound.problems[0].message


@given(worlds())
def test_every_model_is_bound_once_or_has_a_problem(world: tuple[list[Document], list[LiveModel]]) -> None:
    """No guessing: bindings and problems together cover the files, and the rest of live is unmanaged."""
    documents, models = world
    state = resolve(documents, "prod")
    bound = bind(state, LiveState(tuple(models)))

    assert len(bound.bindings) + len(bound.problems) == len(documents)
    assert {b.live.id for b in bound.bindings} | {m.id for m in bound.unmanaged} == {m.id for m in models}
    assert len(bound.bindings) + len(bound.unmanaged) == len(models)
