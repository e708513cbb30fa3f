"""Whole use cases against the API's twin, and the laws that make the tool one to trust. Read these first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from builders import RAW_SQL, TARGET, FakeApi, document, live
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import PLANNED
from strategies import worlds
from world import recorded_world

from syncer import workflow
from syncer.desired.targets import Targets
from syncer.errors import RefusedError, SettingsError
from syncer.live import payloads
from syncer.live.api import Api
from syncer.live.session import Options, Session
from syncer.model import Connector, Credentials, Document, LiveModel, LiveState, Target, Unreadable
from syncer.plan import planfile, policy
from syncer.plan.limits import Limits
from syncer.sandbox import Sandbox
from syncer.secrets import Secret

if TYPE_CHECKING:
    import random

    from syncer.applying.outcome import Report
    from syncer.plan.planner import Planned

CONNECTORS = [Connector(number, f"c{number}", "source", "Snowflake") for number in (1, 2, 3)]
ALL = Limits(100)


def _lookup(variable: str) -> Secret:
    return Secret(f"value of {variable}", variable)


def _plan(documents: list[Document], api: FakeApi, patterns: tuple[str, ...] = (), *, create: bool = False) -> Planned:
    return workflow.plan(documents, api, TARGET, _lookup, ALL, Targets(patterns), create=create)


def _apply(planned: Planned, api: FakeApi) -> Report:
    return workflow.apply(planned, api, lambda _: None, ALL, parallelism=2, fail_fast=False, stop=threading.Event())


@given(worlds())
def test_convergence(world: tuple[list[Document], list[LiveModel]]) -> None:
    """After an apply a fresh plan is empty, and there were exactly as many PUTs as changes."""
    documents, models = world
    api = FakeApi(models, CONNECTORS)
    planned = _plan(documents, api)

    assert not planned.problems
    assert _apply(planned, api).is_ok
    assert sorted(model_id for model_id, _ in api.puts) == sorted(change.id for change in planned.plan.changes)
    assert _plan(documents, api).plan.is_empty


@settings(max_examples=25)
@given(worlds())
def test_convergence_on_the_sandbox(world: tuple[list[Document], list[LiveModel]]) -> None:
    """The same with the real client and a server that answers as the recorded one did: nothing here is normal already."""
    documents, models = world
    state = recorded_world()
    template = state["models"][0]
    state["models"] = [{**template, **_plain(model), "workspace_id": 1} for model in models]
    state["syncs"] = []
    connector = state["connectors"][0]
    state["connectors"] = [{**connector, "id": number} for number in (1, 2, 3)]
    target = Target("sandbox", "http://localhost/api/v1", 1)
    with Sandbox(state) as box:
        transport = httpx.WSGITransport(app=box.wsgi)
        options = Options(requests_per_minute=0)
        with Session(target, Credentials(Secret("admin")), lambda _: None, options, transport=transport) as session:
            api = Api(session)
            planned = workflow.plan(documents, api, target, _lookup, ALL)
            report = workflow.apply(
                planned, api, lambda _: None, ALL, parallelism=1, fail_fast=False, stop=threading.Event()
            )

            assert report.is_ok, [outcome.reason for outcome in report.outcomes]
            assert box.by_method["PUT"] == len(planned.plan.changes)
            assert workflow.plan(documents, api, target, _lookup, ALL).plan.is_empty


def _plain(model: LiveModel) -> dict[str, Any]:
    """A live model as a world stores it."""
    fields = payloads.body(
        {**model.fields, "configuration": model.fields["configuration"] or {"x": 1}}, model.fields, {}
    )["model"]
    return {**fields, "id": model.id, "configuration": model.fields["configuration"] and fields["configuration"]}


@given(worlds(), st.randoms(use_true_random=False))
def test_determinism(world: tuple[list[Document], list[LiveModel]], shuffler: random.Random) -> None:
    """The order in which files and live models arrive changes nothing."""
    documents, models = world
    first = _plan(documents, FakeApi(models, CONNECTORS))
    shuffler.shuffle(documents)
    shuffler.shuffle(models)
    second = _plan(documents, FakeApi(models, CONNECTORS))

    assert first == second
    assert first.plan.digest == second.plan.digest


@given(worlds())
def test_restraint(world: tuple[list[Document], list[LiveModel]]) -> None:
    """An unmanaged live model and an undeclared field are untouched by any apply."""
    documents, models = world
    api = FakeApi(models, CONNECTORS)
    planned = _plan(documents, api)
    before = dict(api.models)
    _apply(planned, api)

    changed = {change.id: change for change in planned.plan.changes}
    for model_id, model in before.items():
        if model_id not in changed:
            assert api.models[model_id] == model
        else:
            free = [field for field in model.fields if field not in changed[model_id].after]
            assert [api.models[model_id].fields[f] for f in free] == [model.fields[f] for f in free]


def test_a_plan_against_an_unchanged_api_is_empty() -> None:
    """The plainest promise."""
    planned = _plan([document(id=42)], FakeApi([live(42), live(43, name="Theirs")]))

    assert planned.plan.is_empty
    assert [model.id for model in planned.plan.unmanaged] == [43]
    assert (planned.warnings, planned.problems) == ((), ())


def test_targets_leave_the_rest_out() -> None:
    """Only the named definitions are planned; the others are counted, and their problems don't matter."""
    documents = [document("a/x", id=1, query="SELECT 2"), document("a/y", id=2), document("b/z", id=99)]
    api = FakeApi([live(1), live(2), live(3)])
    planned = _plan(documents, api, ("a/*",))

    assert ([change.address for change in planned.plan.changes], planned.plan.excluded) == (["a/x"], 1)
    assert planned.problems == ()
    assert [model.id for model in planned.plan.unmanaged] == [3]


@pytest.mark.parametrize("pattern", ["a/x", "model.a/x", "models/a/x.yaml", "a/?", "model.*/x"])
def test_a_target_may_be_written_as_it_is_printed(pattern: str) -> None:
    """The address, what the progress lines say, or the file's path."""
    documents = [document("a/x", id=1), document("b/yy", id=2)]

    assert _plan(documents, FakeApi([live(1), live(2)]), (pattern,)).plan.bound == 1


def test_a_target_that_names_nothing_is_an_error() -> None:
    """A mistyped address must not look like "no changes"."""
    with pytest.raises(SettingsError, match="--target activ_users matches no definition") as caught:
        _plan([document()], FakeApi([live()]), ("activ_users",))

    assert caught.value.hint == "did you mean active_users?"


def test_a_rival_outside_the_targets_is_noticed() -> None:
    """Two files for one live model are a problem also when only one of them is targeted."""
    planned = _plan([document("a", id=42), document("b", id=42)], FakeApi([live(42)]), ("a",))

    assert [problem.rule for problem in planned.problems] == ["claimed-twice"]


def test_a_plan_with_problems_is_never_applied() -> None:
    """What could be planned is shown, and nothing of it is written."""
    api = FakeApi([live(42)])
    planned = _plan([document("a", query="SELECT 2"), document("b", name="Nobody")], api)
    assert [change.address for change in planned.plan.changes] == ["a"]

    with pytest.raises(RefusedError, match="the plan is incomplete"):
        _apply(planned, api)
    assert api.puts == []


def test_a_missing_secret_keeps_its_model_out() -> None:
    """A model whose secret isn't known can't be compared: a problem, not a change."""
    one = document("a", configuration={"embedding_config": {"api_key": {"env": "SYNCER_SECRET_K"}}})
    planned = workflow.plan([one], FakeApi([live()]), TARGET, lambda _: None, ALL)

    assert planned.plan.changes == ()
    assert [problem.rule for problem in planned.problems] == ["missing-secret"]


def test_guards_refuse_before_anything_is_written() -> None:
    """All of them in one run."""
    api = FakeApi([live(1), live(2)], CONNECTORS)
    documents = [
        document("a", id=1, description="x", lifecycle={"protect": True}),
        document("b", id=2, primary_key="other", lifecycle={"allow": ["lost_column"]}),
    ]

    with pytest.raises(RefusedError) as caught:
        _apply(_plan(documents, api), api)
    assert [problem.rule for problem in caught.value.problems] == ["protected", "risky-change"]
    assert api.puts == []


def test_what_cannot_be_sent_is_known_before_anything_is() -> None:
    """A configuration of which ignore_changes leaves nothing has no body: a problem of the plan, not of the apply."""
    one = document(configuration={"a": 1}, lifecycle={"ignore_changes": ["configuration.a"]})
    planned = _plan([one], FakeApi([live(configuration={"b": 1})]))

    assert [problem.rule for problem in planned.problems] == ["unsendable"]


def test_a_foreign_connector_is_a_problem() -> None:
    """The server would move the model to it without a word."""
    one = document(connector_id=9, lifecycle={"allow": ["connector_id"]})

    assert [problem.rule for problem in _plan([one], FakeApi([live()], CONNECTORS)).problems] == ["wrong-connector"]


def test_what_refresh_could_not_read_is_told() -> None:
    """A broken row that no file declares is a warning; so is a list that doesn't tell everything."""

    class Broken(FakeApi):
        def fetch(self, declared: object) -> LiveState:
            state = super().fetch([])
            return LiveState(
                state.models, (Unreadable(7, "undefined method"), Unreadable(None, "so too")), complete=False
            )

    planned = _plan([document(id=42)], Broken([live(42)]))

    assert [warning.rule for warning in planned.warnings] == [
        "unreadable-model",
        "unreadable-model",
        "incomplete-live-state",
    ]
    assert "live model 7" in planned.warnings[0].message
    assert planned.problems == ()


def _partly(*unreadable: Unreadable) -> FakeApi:
    """An API that shows one model, and not these."""

    class Partly(FakeApi):
        def fetch(self, declared: object) -> LiveState:
            return LiveState(super().fetch([]).models, unreadable)

    return Partly([live(42)], CONNECTORS)


def test_what_is_wrong_alike_is_told_once() -> None:
    """Many broken rows are one warning with the list of them; where their ids are unknown, they're counted."""
    rows = [Unreadable(number, "undefined method") for number in range(65, 0, -1)]
    many = _plan([document(id=42)], _partly(*rows, Unreadable(None, "undefined method"), Unreadable(70, "odd")))
    nameless = _plan([document(id=42)], _partly(*[Unreadable(None, "undefined method")] * 2))

    first, second = (warning.message for warning in many.warnings)
    assert first.startswith("the server can't show 66 live models (1, 2, 3, ")
    assert first.endswith("64, 65 and 1 more): undefined method")
    assert second == "the server can't show live model 70: odd"
    assert [one.message for one in nameless.warnings] == [
        "the server can't show 2 live models (their ids are not known): undefined method"
    ]


@pytest.mark.parametrize(
    ("definition", "rules"),
    [
        ({"id": 7, "name": "x"}, ["unreadable-model"]),
        ({"name": "Broken"}, ["unreadable-model"]),
        ({"name": "Active users"}, []),
        ({"name": "Nobody's"}, ["no-live-model"]),
    ],
)
def test_a_model_that_can_t_be_read_is_its_own_file_s_problem(definition: dict[str, Any], rules: list[str]) -> None:
    """By its id or its name; every other definition is planned, and what nobody bears may be created."""
    api = _partly(Unreadable(7, "its query is a number, not text", "Broken"))
    planned = _plan([document(**definition)], api)
    created = _plan([document(**definition)], api, create=True)

    assert [problem.rule for problem in planned.problems] == rules
    assert [problem.rule for problem in created.problems] == [rule for rule in rules if rule != "no-live-model"]


def test_where_any_name_may_be_hidden_none_is_missing() -> None:
    """A row without a name may bear each: nothing is said to be missing, and nothing is created."""
    api = _partly(Unreadable(None, "undefined method"))

    assert [one.rule for one in _plan([document(name="x")], api).problems] == ["incomplete-live-state"]
    assert [one.rule for one in _plan([document(name="x")], api, create=True).problems] == ["unreadable-model"]


def test_an_undeclared_description_is_not_ours() -> None:
    """An omitted key means "not ours", which is what a merging PUT means, too."""
    api = FakeApi([live(42, description="theirs")])
    planned = _plan([document(description=..., query="SELECT 2")], api)
    _apply(planned, api)

    assert api.models[42].fields["description"] == "theirs"
    assert api.models[42].fields["query"] == "SELECT 2"
    assert RAW_SQL["query"] != "SELECT 2"


def test_a_plan_without_its_files_is_the_same_plan() -> None:
    """It's saved in the same bytes and refused for the same; what is said of a file names it, and no line."""
    for planned in PLANNED.values():
        bare = workflow.without_files(planned)
        said, told = (
            [(one.rule, one.message, one.hint, one.origin.path) for one in policy.judged(each, Limits()).refusals]
            for each in (planned, bare)
        )

        assert planfile.dumps(bare) == planfile.dumps(planned)
        assert told == said
        assert not any(change.desired.document.data for change in bare.plan.changes)


def test_no_module_hides_a_use_case() -> None:
    """Once a module is imported its name is the module: a use case of that name could be called once."""
    assert not {*workflow.__all__} & {*workflow._PARTS}
