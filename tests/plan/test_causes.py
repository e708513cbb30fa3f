"""What the base tells: who made live differ from git, which guards stood there, and what is gone."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from builders import RAW_SQL, TARGET, FakeApi, document, live
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import FIELDS, worlds

from syncer import workflow
from syncer.desired.resolve import resolve, reveal
from syncer.model import Binding, Bound, Connector, DesiredState, Document, LiveModel, LiveState, Severity, Unreadable
from syncer.plan import limits, policy
from syncer.plan.base_definitions import BaseDefinitions
from syncer.plan.guards import loosened_guards, with_guards_of
from syncer.plan.limits import Limits
from syncer.plan.planner import Action, Cause, Plan, Planned, Provenance, make_plan
from syncer.plan.removed_definitions import removed_definitions
from syncer.plan.renames import repurposed_ids
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567"
CONNECTORS = [Connector(number, f"c{number}", "source", "Snowflake") for number in (1, 2, 3)]
CHANGE, DRIFT, CONFLICT = Cause.CHANGE, Cause.DRIFT, Cause.CONFLICT
VARIABLES = {"SYNCER_SECRET_K": "key-k", "SYNCER_SECRET_L": "key-l"}


def _lookup(variable: str) -> Secret | None:
    return Secret(VARIABLES[variable], variable) if variable in VARIABLES else None


def _planned(git: Sequence[Document], models: Sequence[LiveModel], base: Sequence[Document]) -> Planned:
    api = FakeApi(models, CONNECTORS)
    return workflow.plan(git, api, TARGET, _lookup, Limits(100), base=workflow.Base(COMMIT, tuple(base)))


def _provenance(planned: Planned) -> Provenance:
    assert planned.provenance is not None
    assert planned.provenance.commit == COMMIT
    return planned.provenance


def _causes(planned: Planned, address: str = "active_users") -> dict[str, Cause]:
    """The cause of each difference, by its path with dots."""
    (change,) = (one for one in planned.plan.changes if one.address == address)
    causes = _provenance(planned).causes[address]
    assert len(causes) == len(change.fields)
    return {".".join(map(str, field.path)): cause for field, cause in zip(change.fields, causes, strict=True)}


# -- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "git", "is_live", "cause"),
    [
        ("SELECT 1", "SELECT 2", "SELECT 1", CHANGE),
        ("SELECT 1", "SELECT 1", "SELECT 2", DRIFT),
        ("SELECT 1", "SELECT 2", "SELECT 3", CONFLICT),
        (..., "SELECT 2", "SELECT 1", CHANGE),
        ("SELECT 1\n\n", "SELECT 2", "SELECT 1", CHANGE),
        ("SELECT 1\n", "SELECT 1", "SELECT 2", DRIFT),
    ],
)
def test_the_base_tells_whose_a_difference_is(base: Any, git: str, is_live: str, cause: Cause) -> None:
    """Base like live: this change. Base like git: drift. Neither: conflict. A base that says nothing: this change."""
    planned = _planned([document(query=git)], [live(query=is_live)], [document(query=base)])

    assert _causes(planned) == {"query": cause}
    assert _provenance(planned).already_live == {}


def test_without_a_base_nothing_is_said() -> None:
    """Nobody guesses where a difference comes from."""
    planned = workflow.plan([document(query="SELECT 2")], FakeApi([live()]), TARGET, _lookup, Limits())

    assert planned.provenance is None


def test_a_definition_that_is_new_is_this_change() -> None:
    """A base without the file can't have been undone by anybody."""
    planned = _planned([document(query="SELECT 2", description="new")], [live()], [])

    assert _causes(planned) == {"description": CHANGE, "query": CHANGE}


def test_what_this_change_brings_may_be_live_already() -> None:
    """Somebody did in the UI what the file now says: no difference, but told."""
    planned = _planned(
        [document(query="SELECT 2", description="d")], [live(query="SELECT 2", description="c")], [document()]
    )

    assert _provenance(planned).already_live == {"active_users": ("query",)}
    assert _causes(planned) == {"description": CONFLICT}
    deep = _planned(
        [_configured(a={"b": 2})],
        [live(query_type="unstructured", configuration={"a": {"b": 2}})],
        [_configured(a={"b": 1})],
    )
    assert _provenance(deep).already_live == {"active_users": ("configuration",)}


def test_what_is_live_already_is_told_of_an_unchanged_model_too() -> None:
    """Also where nothing else differs; and of a model that the base agrees with, nothing."""
    both = [document("a", id=1, query="SELECT 2"), document("b", id=2)]
    planned = _planned(both, [live(1, query="SELECT 2"), live(2)], [document("a", id=1), document("b", id=2)])

    assert planned.plan.is_empty
    assert _provenance(planned).already_live == {"a": ("query",)}
    assert _provenance(planned).causes == {}


# -- inside a configuration ------------------------------------------------------------------------------------------


def _configured(**configuration: Any) -> Document:
    return document(query_type="unstructured", configuration=configuration)


def test_each_key_of_a_configuration_has_its_own_cause() -> None:
    """One model can hold all three, and the field says each once."""
    planned = _planned(
        [_configured(chunk={"size": 2, "overlap": 1, "same": 0}, mode="new")],
        [live(query_type="unstructured", configuration={"chunk": {"size": 1, "overlap": 9, "same": 0}, "mode": "odd"})],
        [_configured(chunk={"size": 1, "overlap": 1, "same": 0}, mode="old")],
    )

    assert _causes(planned) == {
        "configuration.chunk.overlap": DRIFT,
        "configuration.chunk.size": CHANGE,
        "configuration.mode": CONFLICT,
    }
    provenance = _provenance(planned)
    assert provenance.of(planned.plan.changes[0]) == {"configuration": (CHANGE, DRIFT, CONFLICT)}
    assert provenance.with_cause(planned.plan.changes, DRIFT) == planned.plan.changes


@pytest.mark.parametrize(
    ("base", "git", "is_live", "cause"),
    [
        ({}, {"k": 1}, {}, CHANGE),
        ({}, {}, {"k": 1}, DRIFT),
        ({}, {"k": 1}, {"k": 2}, CONFLICT),
        ({"k": 1}, {}, {"k": 1}, CHANGE),
        ({"k": 1}, {"k": 1}, {}, DRIFT),
        ({"k": 1}, {}, {"k": 2}, CONFLICT),
        ({"k": 1}, {"k": None}, {"k": 1}, CHANGE),
    ],
)
def test_an_absent_key_is_a_value_like_any(
    base: dict[str, Any], git: dict[str, Any], is_live: dict[str, Any], cause: Cause
) -> None:
    """A key that comes, goes, or is put back is judged by the same table."""
    model = live(query_type="unstructured", configuration={"x": 0, **is_live})
    planned = _planned([_configured(x=0, **git)], [model], [_configured(x=0, **base)])

    assert _causes(planned) == {"configuration.k": cause}


@pytest.mark.parametrize(
    ("base", "git", "is_live", "cause"),
    [
        (["a", "b"], ["a", "b", "c"], ["a", "b"], CHANGE),
        (["a", "b"], ["a", "b"], ["a", "x", "b"], DRIFT),
        (["a", "b"], ["a", "b", "c"], ["a", "x", "y"], CONFLICT),
        ([{"s": 1}], [{"s": 2}], [{"s": 1}], CHANGE),
        ([{"s": 1}, {"s": 5}], [{"s": 2}, {"s": 5}], [{"s": 1}, {"s": 6}], CONFLICT),
    ],
)
def test_a_list_is_judged_as_a_whole(base: list[Any], git: list[Any], is_live: list[Any], cause: Cause) -> None:
    """Indices mean nothing across three versions: every difference in a list has the list's cause."""
    model = live(query_type="unstructured", configuration={"steps": is_live})
    causes = _causes(_planned([_configured(steps=git)], [model], [_configured(steps=base)]))

    assert causes
    assert set(causes.values()) == {cause}
    assert all(path.startswith("configuration.steps.") for path in causes)


# -- renamed files ---------------------------------------------------------------------------------------------------


def test_a_renamed_file_is_found_by_its_id() -> None:
    """The file moved and the model got another name: the id says that it's the same."""
    git, base = document("new", id=42, name="New"), document("old", id=42, name="Old")

    assert _causes(_planned([git], [live(42, name="Old", query="SELECT 9")], [base]), "new") == {
        "name": CHANGE,
        "query": DRIFT,
    }


def test_a_renamed_file_is_found_by_a_name_that_is_unique() -> None:
    """Without an id the name must do, and does only if one file of the base has it."""
    git, model = document("new"), live(query="SELECT 9")

    assert _causes(_planned([git], [model], [document("old")]), "new") == {"query": DRIFT}
    assert _causes(_planned([git], [model], [document("old"), document("older")]), "new") == {"query": CHANGE}


def test_an_id_is_never_looked_for_by_name() -> None:
    """A file that pins a model isn't the one that had its name, and was another model's."""
    git, base = document("new", id=42), document("old", id=7)

    assert _causes(_planned([git], [live(42, query="SELECT 9")], [base]), "new") == {"query": CHANGE}


# -- what is ignored, and what is secret -----------------------------------------------------------------------------


def test_ignored_parts_have_no_say() -> None:
    """Git, base and live may differ in what is ignored: the rest is judged without it."""
    ignore = {"lifecycle": {"ignore_changes": ["configuration.tuned", "description"]}}
    shape: dict[str, Any] = {"query_type": "unstructured", **ignore}
    planned = _planned(
        [document(configuration={"size": 1, "tuned": "git"}, description="git", **shape)],
        [live(query_type="unstructured", configuration={"size": 2, "tuned": "live"}, description="live")],
        [document(configuration={"size": 1, "tuned": "base"}, description="base", **shape)],
    )

    assert _causes(planned) == {"configuration.size": DRIFT}


def _keyed(variable: str, **more: Any) -> Document:
    return _configured(api_key={"env": variable}, **more)


def test_a_rotated_secret_is_drift() -> None:
    """Git names the same variable before and after, so it isn't git that changed: live lags behind, or was edited."""
    model = live(query_type="unstructured", configuration={"api_key": "key-old"})
    planned = _planned([_keyed("SYNCER_SECRET_K")], [model], [_keyed("SYNCER_SECRET_K")])

    assert _causes(planned) == {"configuration.api_key": DRIFT}


def test_another_variable_is_this_change() -> None:
    """Live has what the base's variable says."""
    model = live(query_type="unstructured", configuration={"api_key": "key-k"})
    planned = _planned([_keyed("SYNCER_SECRET_L")], [model], [_keyed("SYNCER_SECRET_K")])

    assert _causes(planned) == {"configuration.api_key": CHANGE}


def test_a_variable_that_only_the_base_names_needs_no_value() -> None:
    """Once nothing names it, it may be gone: that is no problem of this plan."""
    model = live(query_type="unstructured", configuration={"api_key": "key-old", "n": 1})
    planned = _planned([_keyed("SYNCER_SECRET_L", n=2)], [model], [_keyed("SYNCER_SECRET_GONE", n=1)])

    assert planned.problems == ()
    assert _causes(planned)["configuration.n"] is CHANGE


def test_what_the_server_masks_is_no_conflict() -> None:
    """A masked value may be the base's own: it alone doesn't make a difference somebody else's."""
    steps = [{"api_key": {"env": "SYNCER_SECRET_K"}, "n": 1}]
    masked = live(query_type="unstructured", configuration={"steps": [{"api_key": "*****", "n": 1}]})
    planned = _planned([_configured(steps=[{**steps[0], "n": 2}])], [masked], [_configured(steps=steps)])

    assert set(_causes(planned).values()) == {CHANGE}


# -- laws ------------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(worlds())
def test_a_base_like_the_files_makes_everything_drift(world: tuple[list[Document], list[LiveModel]]) -> None:
    """Nothing changed in git, so whatever differs was done outside of it."""
    documents, models = world
    planned = _planned(documents, models, documents)
    provenance = _provenance(planned)

    assert {cause for causes in provenance.causes.values() for cause in causes} <= {DRIFT}
    assert provenance.already_live == {}
    # Documents that were read twice say what those say that were taken over.
    assert _provenance(_planned(documents, models, deepcopy(documents))) == provenance


def test_true_and_one_are_two_values_though_python_takes_them_for_one() -> None:
    """What a definition brought that is live already is told, also where the base is equal to Python."""
    planned = _planned(
        [document(configuration={"a": True})], [live(configuration={"a": True})], [document(configuration={"a": 1})]
    )

    assert _provenance(planned).already_live == {"active_users": ("configuration",)}


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _revealed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_revealed(inner) for inner in value]
    return value.reveal() if isinstance(value, Secret) else value


def _masked(value: Any) -> Any:
    """The value with every secret hidden, as some servers do."""
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return Secret("*****") if isinstance(value, Secret) else value


@settings(max_examples=30)
@given(worlds(), st.booleans())
def test_a_base_like_live_makes_everything_this_change(
    world: tuple[list[Document], list[LiveModel]],
    masks: bool,  # noqa: FBT001 - a case
) -> None:
    """Nobody touched live, so whatever differs comes with the files; also where the server hides what it has."""
    documents, models = world
    by_name = {model.name: model for model in models}
    base = []
    for one in documents:
        fields = _revealed(by_name[one.data["name"]].fields)
        # A file can't say null: where live has none, the base said nothing.
        own = {key: ... if fields[key] is None else fields[key] for key in one.data if key in fields}
        base.append(document(one.address, **{**one.data, **own}))
    if masks:
        models = [LiveModel(model.id, _masked(model.fields), model.updated_at) for model in models]
    planned = _planned(documents, models, base)

    assert {cause for causes in _provenance(planned).causes.values() for cause in causes} <= {CHANGE}


@settings(max_examples=30)
@given(worlds(), st.data())
def test_causes_are_parallel_to_the_differences(
    world: tuple[list[Document], list[LiveModel]], data: st.DataObject
) -> None:
    """Whatever the base said: each difference of each change has one cause, and nothing else has any."""
    documents, models = world
    base = [
        document(one.address, **{**data.draw(FIELDS), "name": one.data["name"]})
        for one in documents
        if data.draw(st.booleans())
    ]
    planned = _planned(documents, models, base)
    provenance = _provenance(planned)

    assert {address: len(causes) for address, causes in provenance.causes.items()} == {
        change.address: len(change.fields) for change in planned.plan.changes
    }
    assert provenance.already_live.keys() <= {one.address for one in documents}
    for change in planned.plan.changes:
        assert tuple(provenance.of(change)) == tuple(dict.fromkeys(str(field.path[0]) for field in change.fields))
        assert not set(provenance.already_live.get(change.address, ())) & set(change.changed)


# -- without a server ------------------------------------------------------------------------------------------------


def _offline(git: Sequence[Document], base: Sequence[Document]) -> Planned:
    return workflow.plan_offline(git, workflow.Base(COMMIT, tuple(base)), TARGET, Limits())


def test_an_offline_plan_compares_with_the_base() -> None:
    """It says what git changes, needs neither server nor secrets, and names what it can't compare."""
    git = [_keyed("SYNCER_SECRET_NOWHERE", n=2), document("new", name="New")]
    planned = _offline(git, [_keyed("SYNCER_SECRET_NOWHERE", n=1)])

    assert planned.is_offline
    assert planned.problems == ()
    (change,) = planned.plan.changes
    assert [field.path for field in change.fields] == [("configuration", "n")]
    assert [(one.rule, one.origin.path) for one in planned.warnings] == [("new-definition", "models/new.yaml")]


def test_another_variable_is_a_change_offline_too() -> None:
    """Secrets are compared by what names them."""
    planned = _offline([_keyed("SYNCER_SECRET_L")], [_keyed("SYNCER_SECRET_K")])

    assert [field.path for field in planned.plan.changes[0].fields] == [("configuration", "api_key")]


@settings(max_examples=30)
@given(worlds())
def test_offline_a_base_like_the_files_is_no_change(world: tuple[list[Document], list[LiveModel]]) -> None:
    """Nothing changed in git is nothing to say."""
    documents, _ = world

    assert _offline(documents, documents).plan.is_empty


def test_a_base_is_resolved_for_the_same_environment() -> None:
    """What counts is what the base said for the environment that is planned."""
    git = document(environments={"prod": {"query": "SELECT 2"}})
    base = document(environments={"prod": {"query": "SELECT 1"}})

    assert _causes(_planned([git], [live(query="SELECT 1")], [base])) == {"query": CHANGE}
    assert reveal(resolve([base], "prod"), _lookup)[0].models[0].fields["query"] == "SELECT 1"


# -- which definition of the base is meant ---------------------------------------------------------------------------


def test_files_that_change_places_keep_their_own_base() -> None:
    """An id says which model a file is about; its address at the base may have been another's."""
    git = [document("a", id=2, name="B", query="SELECT 2"), document("b", id=1, name="A", query="SELECT 11")]
    base = [document("a", id=1, name="A", query="SELECT 1"), document("b", id=2, name="B", query="SELECT 2")]
    planned = _planned(git, [live(1, name="A", query="SELECT 1"), live(2, name="B", query="SELECT 2")], base)

    assert _causes(planned, "b") == {"query": CHANGE}
    assert _provenance(planned).already_live == {}


def test_a_file_that_is_moved_and_pinned_at_once_is_found_by_name() -> None:
    """Then an edit outside git is still drift."""
    git, base = [document("new/place", id=42)], [document("old")]
    planned = _planned(git, [live(42, query="SELECT 9")], base)

    assert _causes(planned, "new/place") == {"query": DRIFT}


def test_a_variable_that_was_renamed_is_this_change() -> None:
    """The old one is not set any more, so nobody can compare its value: that it's another is what was changed."""
    model = live(query_type="unstructured", configuration={"api_key": "key-old"})
    planned = _planned([_keyed("SYNCER_SECRET_L")], [model], [_keyed("SYNCER_SECRET_GONE")])

    assert _causes(planned) == {"configuration.api_key": CHANGE}


@pytest.mark.parametrize("base", [workflow.Base(COMMIT, (), ("models/m.yaml",)), workflow.Base(COMMIT, ())])
def test_a_base_that_cannot_tell_all_says_so(base: workflow.Base) -> None:
    """There an edit outside git looks like this change; whoever wants none undone is refused."""
    api = FakeApi([live(query="SELECT 9")])
    planned = workflow.plan([document(query="SELECT 2")], api, TARGET, _lookup, Limits(100), base=base)

    assert [one.rule for one in planned.warnings] == ["silent-base"]
    assert planned.refusals == ()
    (refusal,) = policy.judged(planned, Limits(100, on_drift=limits.OnDrift.FAIL)).refusals
    assert refusal.rule == "silent-base"
    assert refusal.is_error


# -- what the base guards, and what is gone ----------------------------------------------------------------------------

MEANT = st.sampled_from([None, "id", "name"])


def _one(number: int, meant: str, address: str, *, protect: bool, query: str) -> Document:
    """A definition of live model `number`, by its id (and then by any name) or by its name."""
    how: dict[str, Any] = {"id": number, "name": f"called {address}"} if meant == "id" else {"name": f"m{number}"}
    return document(address, **how, query=query, lifecycle={"protect": protect})


@given(
    st.lists(st.tuples(MEANT, st.booleans(), MEANT, st.booleans()), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_no_change_lifts_its_own_guard_or_drops_a_model_unsaid(
    models: list[tuple[str | None, bool, str | None, bool]], random: Random
) -> None:
    """However files are moved, renamed, pinned or unpinned: protected stays protected, managed stays managed or told."""
    numbers = range(1, len(models) + 1)
    places = random.sample([f"p{number}" for number in numbers], len(models))
    base, git = [], []
    for number, (was, protected, now, protects) in zip(numbers, models, strict=True):
        if was:
            base.append(_one(number, was, f"p{number}", protect=protected, query="SELECT 1"))
        if now:
            git.append(_one(number, now, places[number - 1], protect=protects, query="SELECT 2"))
    api = FakeApi([live(number, name=f"m{number}", query="SELECT 1") for number in numbers])
    planned = workflow.plan(git, api, TARGET, _lookup, Limits(100), base=workflow.Base(COMMIT, tuple(base)))

    bound = {change.id: change for change in planned.plan.changes}
    refused = {problem.origin.path for problem in planned.refusals if problem.rule == "protected"}
    for number, (was, protected, _, protects) in zip(numbers, models, strict=True):
        change = bound.get(number)
        if change is not None and was:
            guards = change.desired.document.path in refused
            assert guards or not protected
            lifted = f"`protect` of {change.address} is lifted" in {one.message for one in planned.warnings}
            assert lifted or not (protected and not protects)
    managed = {number for number, (was, _, _, _) in zip(numbers, models, strict=True) if was}
    assert {one.id for one in planned.removed} == managed - bound.keys()


# -- creations ---------------------------------------------------------------------------------------------------------

NEW = {**RAW_SQL, "query": "SELECT user_id FROM users"}


def test_what_was_deleted_outside_git_comes_back_as_drift() -> None:
    """The base declared it, live has nothing: creating it undoes what somebody did."""
    api = FakeApi([], CONNECTORS)
    documents = [document("new", **NEW), document("other", **{**NEW, "name": "Other"})]
    base = workflow.Base("0" * 40, (documents[0],))
    planned = workflow.plan(documents, api, TARGET, _lookup, Limits(100), base=base, create=True)

    assert planned.provenance is not None
    assert {address: set(causes) for address, causes in planned.provenance.causes.items()} == {
        "new": {Cause.DRIFT},
        "other": {Cause.CHANGE},
    }


def _based(name: str, models: list[LiveModel], **values: Any) -> Planned:
    base = workflow.Base("0" * 40, (document("new", **{**NEW, "name": "Old name"}),))
    documents = [document("new", **{**NEW, "name": name, **values})]
    api = FakeApi(models, CONNECTORS)
    return workflow.plan(documents, api, TARGET, _lookup, Limits(100), base=base, create=True)


def test_a_rename_without_an_id_makes_no_second_model() -> None:
    """The base tells which model the file meant: it's live and in no file now. With its id it's a rename."""
    planned = _based("Quite another", [live(5, name="Old name")])

    assert [problem.rule for problem in planned.problems] == ["renamed-without-id"]
    assert planned.problems[0].message == (
        "'Quite another' would be created, but its file used to mean live model 5 ('Old name')"
    )
    assert planned.problems[0].hint == "to rename that one, pin it with `id: 5`; for a new model use a new file"
    pinned = _based("Quite another", [live(5, name="Old name")], id=5)
    assert not pinned.problems
    assert [change.action for change in pinned.plan.changes] == [Action.UPDATE]
    assert not _based("Quite another", []).problems


# -- the same definition at the base, whatever it's called now ---------------------------------------------------------


def _former(desired: dict[str, Any], *base: tuple[str, dict[str, Any]]) -> str | None:
    """The address of what the base said of `new`."""
    now = resolve([document("new", **desired)], "prod").models[0]
    found = BaseDefinitions(resolve([document(address, **values) for address, values in base], "prod")).of(now)
    return found.address if found is not None else None


@pytest.mark.parametrize(
    ("now", "base", "found"),
    [
        ({"id": 1}, [("new", {"id": 2}), ("old", {"id": 1, "name": "B"})], "old"),
        ({"id": 1}, [("new", {"id": 2, "name": "B"}), ("old", {})], "old"),
        ({"id": 1}, [("new", {"id": 2}), ("old", {})], None),
        ({"id": 1}, [("new", {}), ("old", {"name": "B"})], "new"),
        ({"id": 1}, [("new", {"name": "B"})], "new"),
        ({"id": 1}, [("new", {"id": 2})], None),
        ({"id": 1}, [("old", {"id": 2})], None),
        ({"id": 1}, [("old", {})], "old"),
        ({"id": 1}, [("old", {}), ("older", {})], None),
        ({}, [("new", {"id": 2, "name": "B"}), ("old", {})], "new"),
        ({}, [("new", {"name": "B"}), ("old", {})], "new"),
        ({}, [("old", {"id": 2})], "old"),
        ({}, [("old", {}), ("older", {"id": 2})], None),
        ({}, [("old", {"name": "B"})], None),
        ({}, [], None),
    ],
)
def test_a_definition_is_found_by_id_then_by_address_then_by_a_unique_name(
    now: dict[str, Any], base: list[tuple[str, dict[str, Any]]], found: str | None
) -> None:
    """Never one that is pinned to another model than it is now."""
    assert _former(now, *base) == found


def _bindings(*pairs: tuple[Document, LiveModel]) -> list[Binding]:
    return [Binding(resolve([one], "prod").models[0], model) for one, model in pairs]


def _made(*pairs: tuple[Document, LiveModel]) -> Plan:
    return make_plan(Bound(tuple(_bindings(*pairs))), TARGET)


def _base(*documents: Document) -> DesiredState:
    return resolve(documents, "prod")


@pytest.mark.parametrize(
    ("base", "is_told"),
    [
        ((), True),
        ((document("a", id=1, name="Old"),), False),
        ((document("x", id=1, name="Old"),), False),
        ((document("x", name="Old"),), False),
        ((document("a", id=1, name="Yet another"),), True),
        ((document("a", id=1, name="Old"), document("b", id=2, name="New")), True),
        ((document("a", id=1, name="Old"), document("b", name="New")), False),
        ((document("a", id=1, name="Old"), document("b", id=1, name="New")), False),
    ],
)
def test_a_pinned_model_of_a_name_that_nobody_expected_is_told(base: tuple[Document, ...], is_told: bool) -> None:  # noqa: FBT001 - a case
    """It may be another model's id; so may one whose new name the base pinned elsewhere."""
    plan = _made((document("a", id=1, name="New"), live(1, name="Old")))
    found = repurposed_ids(plan, _base(*base))

    assert [(one.rule, one.severity, one.excerpt) for one in found] == [
        ("repurposed-id", Severity.WARNING, "id: …")
    ] * is_told
    for one in found:
        assert one.message == 'live name "Old" becomes "New"'
        assert one.hint == "see whether id 1 is the model that you mean"
    # Without a base nobody expected it; where no name changes, or none is pinned, there is nothing to tell.
    assert len(repurposed_ids(plan, None)) == 1
    other = _made(
        (document("a", id=1, name="Old", query="SELECT 2"), live(1, name="Old")),
        (document("b", name="B"), live(2, name="C")),
    )
    assert repurposed_ids(other, _base()) == ()


@pytest.mark.parametrize(
    ("base", "now", "protects"),
    [
        ([("a", {"lifecycle": {"protect": True}})], {}, True),
        ([("a", {})], {"lifecycle": {"protect": True}}, False),
        ([("a", {"id": 9, "lifecycle": {"protect": True}})], {}, True),
        ([("z", {"id": 1, "name": "Z", "lifecycle": {"protect": True}})], {}, True),
        ([("z", {"lifecycle": {"protect": True}}), ("a", {"id": 1})], {"id": 1}, True),
        ([("z", {"id": 5, "lifecycle": {"protect": True}}), ("a", {"id": 1})], {"id": 1}, False),
        ([], {"lifecycle": {"protect": True}}, True),
        ([], {}, False),
    ],
)
def test_a_guard_of_the_base_holds(base: list[tuple[str, dict[str, Any]]], now: dict[str, Any], protects: bool) -> None:  # noqa: FBT001 - a case
    """Of every definition that meant this file or its live model; one that nothing meant keeps its own."""
    plan = _made((document("a", **{"query": "SELECT 2", **now}), live(1)))
    (change,) = with_guards_of(plan, _base(*(document(address, **values) for address, values in base))).changes

    assert change.desired.lifecycle.protect is protects
    assert replace(change.desired, lifecycle=plan.changes[0].desired.lifecycle) == plan.changes[0].desired


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ({"protect": True}, {}, ["`protect` of a is lifted"]),
        ({"protect": True}, {"protect": True}, []),
        ({}, {"protect": True}, []),
        ({}, {"ignore_changes": ["query", "configuration.a"]}, ["a ignores changes of query from now on", "a ignores changes of configuration.a from now on"]),
        ({"ignore_changes": ["query", "configuration.a"]}, {"ignore_changes": ["configuration.a.b", "query"]}, []),
        ({"ignore_changes": ["configuration.a"]}, {"ignore_changes": ["configuration.ab"]}, ["a ignores changes of configuration.ab from now on"]),
        ({"ignore_changes": ["configuration.a.b"]}, {"ignore_changes": ["configuration.a"]}, ["a ignores changes of configuration.a from now on"]),
        ({"allow": ["query_type"]}, {"allow": ["query_type", "primary_key", "connector_id"]}, ["a allows connector_id from now on", "a allows primary_key from now on"]),
        ({"allow": ["query_type"], "ignore_changes": ["query"]}, {}, []),
    ],
)  # fmt: skip
def test_what_a_file_takes_from_its_guards_is_told(was: dict[str, Any], now: dict[str, Any], told: list[str]) -> None:
    """Each as a warning with what it means; a file that the base hasn't has taken nothing."""
    bindings = _bindings((document("a", lifecycle=now), live(1)))
    found = loosened_guards(bindings, _base(document("a", lifecycle=was)))

    assert [one.message for one in found] == told
    assert {(one.rule, one.severity, one.excerpt) for one in found} <= {("loosened", Severity.WARNING, "lifecycle: …")}
    hints = {
        "lifted": "it protects the model until this change is merged",
        "ignores": "syncer will neither show nor undo edits of that live value",
    }
    for one in found:
        assert one.hint == next(
            (hint for word, hint in hints.items() if word in one.message), "no apply refuses that any more"
        )
    assert loosened_guards(bindings, _base(document("z", name="Z"))) == ()


B = document("b", id=2, name="B")


@pytest.mark.parametrize(
    ("base", "now", "state", "gone"),
    [
        ([("a", {"id": 1})], [], LiveState((live(1, name="Live"),)), [(1, "Live")]),
        ([("a", {"id": 1})], [("z", {"id": 1, "name": "Z"})], LiveState((live(1),)), []),
        ([("a", {"id": 1})], [("z", {"name": "Live"})], LiveState((live(1, name="Live"),)), []),
        ([("a", {"id": 1})], [("z", {"id": 3, "name": "Live"})], LiveState((live(1, name="Live"),)), [(1, "Live")]),
        ([("a", {"id": 1})], [("a", {"id": 3})], LiveState((live(1), live(3))), [(1, "Active users")]),
        ([("a", {})], [], LiveState((live(4), live(5, name="Other"))), [(4, "Active users")]),
        ([("a", {})], [], LiveState((live(4), live(5))), [(0, "Active users")]),
        ([("a", {})], [], LiveState(()), [(0, "Active users")]),
        ([("a", {"id": 1})], [], LiveState(()), [(0, "Active users")]),
        ([("a", {"id": 1})], [], LiveState((), (Unreadable(1, "r"),)), [(1, "Active users")]),
        ([("a", {"id": 1})], [], LiveState((), complete=False), [(1, "Active users")]),
        ([("a", {"id": 1})], [], None, [(1, "Active users")]),
        ([("a", {})], [("a", {"name": "Z"})], LiveState(()), []),
        ([("a", {})], [("z", {})], LiveState(()), []),
        ([("a", {"id": 1})], [("z", {"id": 1, "name": "Z"})], LiveState(()), []),
        ([("z", {"id": 1}), ("a", {"id": 3})], [], LiveState((live(1), live(3))), [(3, "Active users"), (1, "Active users")]),
    ],
)  # fmt: skip
def test_a_definition_that_is_gone_is_told_with_its_live_model(
    base: list[tuple[str, dict[str, Any]]],
    now: list[tuple[str, dict[str, Any]]],
    state: LiveState | None,
    gone: list[tuple[int, str]],
) -> None:
    """Unless another definition means that model; where none is known, one of its address, name or id is the same."""
    before, after = (_base(B, *(document(address, **values) for address, values in side)) for side in (base, now))
    there = state and replace(state, models=(*state.models, live(2, name="B")))
    found = removed_definitions(before, after, there)

    assert [(one.id, one.name) for one in found] == gone
    assert [one.address for one in found] == sorted(one.address for one in found)
    assert all(one.path == f"models/{one.address}.yaml" and one.syncs == () for one in found)
