"""A saved plan applied: it's the plan that was reviewed, or nothing is written and each reason has its words."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from builders import TARGET, FakeApi, desired, document, live
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import referenced, worlds

from syncer import workflow
from syncer.errors import RefusedError
from syncer.model import Binding, Bound, Connector, Document, LiveModel, LiveState, Origin, Problem, Target, Unreadable
from syncer.normalization import normal_form
from syncer.package_files import schema
from syncer.plan import planfile, saved_plan
from syncer.plan.limits import Limits
from syncer.plan.planner import Planned, make_plan
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from syncer.applying.outcome import Report

SCHEMA = schema("plan")
ALL = Limits(100)
COMMIT, OTHER = "a" * 40, "b" * 40
CONNECTORS = [Connector(number, f"c{number}", "source", "Snowflake") for number in (1, 2, 3)]


def _lookup(variable: str) -> Secret | None:
    return Secret(f"value of {variable}", variable)


def _planned(documents: Sequence[Document], api: FakeApi, target: Target = TARGET) -> Planned:
    return replace(workflow.plan(documents, api, target, _lookup, ALL), commit=COMMIT)


def _kept(planned: Planned) -> Planned:
    """The plan as it comes out of its file."""
    return planfile.loads(planfile.dumps(planned).encode(), SCHEMA, "plan.json")


def _resumed(
    kept: Planned,
    api: FakeApi,
    target: Target = TARGET,
    commit: str = COMMIT,
    lookup: Callable[[str], Secret | None] = _lookup,
) -> Planned:
    return workflow.resume(kept, api, target, commit, lookup, Limits())


def _applied(planned: Planned, api: FakeApi) -> Report:
    return workflow.apply(planned, api, lambda _: None, ALL, parallelism=1, fail_fast=False, stop=threading.Event())


def _refused(kept: Planned, api: FakeApi, **how: Any) -> RefusedError:
    """The refusal; nothing was written."""
    with pytest.raises(RefusedError) as caught:
        _resumed(kept, api, **how)
    assert api.puts == []
    assert caught.value.hint
    return caught.value


# -- the same plan -----------------------------------------------------------------------------------------------------


def _honest(one: Document, ignored: list[str]) -> Document:
    """A file that names its secrets, and ignores this."""
    values = {**one.data, "lifecycle": {**one.data["lifecycle"], "ignore_changes": ignored}}
    if "configuration" in values:
        values["configuration"] = referenced(values["configuration"])
    return document(one.address, **values)


@settings(max_examples=40)
@given(worlds(), st.lists(st.sampled_from(["description", "configuration.a", "configuration.api_key"]), unique=True))
def test_an_apply_of_the_file_is_an_apply_of_the_plan(
    world: tuple[list[Document], list[LiveModel]], ignored: list[str]
) -> None:
    """Kept, read back and resumed, it sends exactly the same bodies; and then there is nothing left to do."""
    documents, models = world
    documents = [_honest(one, ignored) for one in documents]
    direct, kept = FakeApi(models, CONNECTORS), FakeApi(models, CONNECTORS)
    planned = _planned(documents, direct)
    if planned.problems:
        assert "not whole" in _refused(_kept(planned), kept).what
        return
    renewed = _resumed(_kept(planned), kept)

    assert _applied(planned, direct).is_ok
    assert _applied(renewed, kept).is_ok
    assert kept.puts == direct.puts
    assert renewed.plan.digest == planned.plan.digest
    assert _planned(documents, kept).plan.is_empty


def test_a_fresh_plan_is_the_same_plan() -> None:
    """Nothing moved: what is applied is what was planned, with the same warnings and the same cause."""
    api = FakeApi([live(42), live(43, name="Theirs")])
    planned = _planned([document(query="SELECT 2", primary_key="id", lifecycle={"allow": ["primary_key"]})], api)
    renewed = _resumed(_kept(planned), api)

    assert renewed.plan.digest == planned.plan.digest
    assert [change.fields for change in renewed.plan.changes] == [change.fields for change in planned.plan.changes]
    assert renewed.warnings == planned.warnings
    assert renewed.plan.bound == planned.plan.bound


def test_only_the_models_that_change_are_asked_for() -> None:
    """Their ids are declared, so that they are read also where a list doesn't tell everything."""
    asked: list[Collection[int]] = []

    class Asked(FakeApi):
        def fetch(self, declared: Collection[int]) -> LiveState:
            asked.append(declared)
            return super().fetch(declared)

    documents = [document("a", id=1, query="SELECT 2"), document("b", id=2)]
    api = Asked([live(1), live(2)])
    _resumed(_kept(_planned(documents, api)), api)

    assert asked == [{1, 2}, {1}]


def test_an_edit_of_what_the_plan_does_not_touch_is_nobodys_business() -> None:
    """Another model, and a field that the file doesn't manage, may move."""
    api = FakeApi([live(1, description="theirs"), live(2, name="Other")])
    kept = _kept(_planned([document(id=1, description=..., query="SELECT 2")], api))
    api.edit(1, description="moved")
    api.edit(2, query="SELECT 9")

    assert _applied(_resumed(kept, api), api).is_ok
    assert api.models[1].fields["description"] == "moved"


def _secretive(**more: Any) -> Document:
    return document(id=42, configuration={"api_key": {"env": "SYNCER_SECRET_K"}, "n": 1, **more})


def test_secrets_are_looked_up_again() -> None:
    """The file has none: what is sent is what the variable says now, and the server's own where git has none."""
    lifecycle = {"ignore_changes": ["configuration.token"]}
    one = document(id=42, configuration={"api_key": {"env": "SYNCER_SECRET_K"}}, lifecycle=lifecycle)
    api = FakeApi([live(42, configuration={"api_key": "old", "token": "the server's"})])
    kept = _kept(_planned([one], api))
    assert _applied(_resumed(kept, api), api).is_ok

    (_, body), *others = api.puts
    assert others == []
    assert body["model"]["configuration"] == {"api_key": "value of SYNCER_SECRET_K", "token": "the server's"}


def test_a_blank_under_a_secrets_key_can_be_applied() -> None:
    """An empty text is no secret: a file may say it, and a saved plan then does it."""
    api = FakeApi([live(42, configuration={"api_key": "old", "n": 1})])
    kept = _kept(_planned([document(id=42, configuration={"api_key": "", "n": 1})], api))

    assert _applied(_resumed(kept, api), api).is_ok
    assert api.puts[0][1]["model"]["configuration"] == {"api_key": "", "n": 1}


# -- stale -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "moved"),
    [
        ({"query": "SELECT 9"}, "query"),
        ({"query": "SELECT 2"}, "query"),
        ({"description": "edited"}, "description"),
        ({"name": "Renamed", "query_type": "dbt"}, "name, query_type"),
        ({"configuration": {"n": 1}}, ""),
    ],
)
def test_a_live_model_that_moved_makes_it_stale(edit: dict[str, Any], moved: str) -> None:
    """Also in a field that wouldn't change, also towards what git wants; a field that isn't managed may move."""
    api = FakeApi([live(42)])
    kept = _kept(_planned([document(id=42, query="SELECT 2")], api))
    api.edit(42, **edit)
    if not moved:
        assert _resumed(kept, api).plan.digest == kept.plan.digest
        return
    error = _refused(kept, api)

    assert error.what == "Saved plan is stale: live models changed since it was made; nothing was written"
    (problem,) = error.problems
    assert problem.message == f"live model 42 (active_users) moved: {moved}"
    assert (problem.rule, problem.origin.path) == ("stale-plan", "models/active_users.yaml")


def test_a_deleted_model_makes_it_stale() -> None:
    """There is nothing to change any more, and nothing is created."""
    api = FakeApi([live(42)])
    kept = _kept(_planned([document(id=42, query="SELECT 2")], api))
    del api.models[42]

    (problem,) = _refused(kept, api).problems
    assert problem.message == "live model 42 (active_users) was deleted"


def test_a_model_that_holds_secrets_may_not_have_been_saved_since() -> None:
    """The file can't tell whether a secret is the same: the time of the last change can."""
    api = FakeApi([live(42, configuration={"api_key": "old", "n": 1})])
    kept = _kept(_planned([_secretive(n=2)], api))
    api.models[42] = replace(api.models[42], updated_at="2026-02-02T00:00:00.000Z")

    (problem,) = _refused(kept, api).problems
    assert problem.message.endswith("moved: updated_at; it holds secrets, so it must not have moved at all")


def test_a_model_without_secrets_may_have_been_saved_since() -> None:
    """Saved without a difference is no difference."""
    api = FakeApi([live(42)])
    kept = _kept(_planned([document(id=42, query="SELECT 2")], api))
    api.models[42] = replace(api.models[42], updated_at="2026-02-02T00:00:00.000Z")

    assert _resumed(kept, api).plan.digest == kept.plan.digest


def test_one_stale_change_of_several_refuses_all() -> None:
    """All reasons in one run, and no half of a plan is applied."""
    documents = [document(f"m{number}", id=number, query="SELECT 2") for number in (1, 2, 3)]
    api = FakeApi([live(1), live(2), live(3)])
    kept = _kept(_planned(documents, api))
    api.edit(1, query="SELECT 9")
    del api.models[3]

    assert [problem.origin.path for problem in _refused(kept, api).problems] == ["models/m1.yaml", "models/m3.yaml"]


def test_a_variable_that_became_what_is_live_makes_it_stale() -> None:
    """The change that was reviewed isn't one any more."""
    api = FakeApi([live(42, configuration={"api_key": "old", "n": 1})])
    kept = _kept(_planned([_secretive()], api))
    error = _refused(kept, api, lookup=lambda name: Secret("old", name))

    assert error.what == "Saved plan is stale: a new plan would do something else; nothing was written"


# -- foreign, offline, failed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        replace(TARGET, environment="staging"),
        replace(TARGET, url="https://api.example.org/api/v1"),
        replace(TARGET, workspace_id=3),
    ],
)
def test_a_plan_for_another_target_is_refused(target: Target) -> None:
    """Both are named; the live models aren't even read."""

    class Unread(FakeApi):
        def fetch(self, declared: Collection[int]) -> LiveState:
            raise AssertionError(declared)

    kept = _kept(_planned([document(id=42, query="SELECT 2")], FakeApi([live(42)])))
    error = _refused(kept, Unread([live(42)]), target=target)

    assert "made for prod (https://api.example.com/api/v1, workspace 2), not for " in error.what
    assert f"not for {target.environment} ({target.url}, workspace {target.workspace_id})" in error.what


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"is_offline": True, "effects": {}},
            "made from the files only, without reading the target; nothing was written",
        ),
        ({"problems": (Problem(Origin("models/a.yaml"), "r", "m"),)}, "the saved plan is incomplete"),
        ({"commit": OTHER}, "made for commit bbbbbbbbbbbb, but aaaaaaaaaaaa is checked out; nothing was written"),
        ({"commit": f"{COMMIT}-dirty"}, "is checked out"),
    ],
)
def test_a_plan_that_may_not_be_applied_is_refused(changes: Mapping[str, Any], said: str) -> None:
    """Without live state, with a problem, or for another commit: each has its words."""
    api = FakeApi([live(42)])
    kept = _kept(replace(_planned([document(id=42, query="SELECT 2")], api), **changes))

    assert said in _refused(kept, api).what


@pytest.mark.parametrize(("planned", "now"), [("", COMMIT), ("", ""), (COMMIT, COMMIT)])
def test_a_plan_made_outside_git_may_be_applied_anywhere(planned: str, now: str) -> None:
    """It names no commit, so there is none to compare."""
    api = FakeApi([live(42)])
    kept = _kept(replace(_planned([document(id=42, query="SELECT 2")], api), commit=planned))

    assert _resumed(kept, api, commit=now).plan.digest == kept.plan.digest


def test_where_git_tells_nothing_a_plan_of_a_commit_is_refused() -> None:
    """Nobody knows what is checked out there."""
    api = FakeApi([live(42)])
    kept = _kept(_planned([document(id=42, query="SELECT 2")], api))

    assert "but git can't tell what is checked out; nothing was written" in _refused(kept, api, commit="").what


def test_a_missing_secret_is_named() -> None:
    """The variable that was set for the plan must be set for the apply; its name is said, once."""
    api = FakeApi([live(42, configuration={"api_key": "old", "n": 1})])
    one = _secretive(more={"token": {"env": "SYNCER_SECRET_K"}, "password": {"env": "SYNCER_SECRET_P"}})
    error = _refused(_kept(_planned([one], api)), api, lookup=lambda _: None)

    assert error.what == "the plan can't be applied; nothing was written"
    (problem,) = error.problems
    assert (problem.rule, problem.message) == (
        "missing-secret",
        "active_users needs SYNCER_SECRET_K, SYNCER_SECRET_P, which is not set",
    )


# -- the reviewed digest -----------------------------------------------------------------------------------------------


def test_the_reviewed_digest_is_expected() -> None:
    """Another digest is refused with the one that it is; the right one says nothing."""
    planned = _planned([document(id=42, query="SELECT 2")], FakeApi([live(42)]))
    workflow.expect(planned, planned.plan.digest)

    with pytest.raises(RefusedError, match=planned.plan.digest):
        workflow.expect(planned, "0" * 64)


# -- what a plan would find, too ---------------------------------------------------------------------------------------


def test_what_git_ignores_may_move() -> None:
    """An ignored field is neither compared nor sent: an edit of it between plan and apply refuses nothing."""
    api = FakeApi([live(42)])
    ignoring = document(id=42, query="SELECT 2", lifecycle={"ignore_changes": ["description"]})
    kept = _kept(_planned([ignoring], api))
    api.edit(42, description="Edited in the UI")

    assert _applied(_resumed(kept, api), api).is_ok
    assert "description" not in api.puts[0][1]["model"]


def test_a_model_that_the_server_cannot_show_is_not_called_deleted() -> None:
    """Whoever looks for it must not make a new one."""
    kept = _kept(_planned([document(id=42, query="SELECT 2")], FakeApi([live(42)])))
    with pytest.raises(RefusedError) as caught:
        saved_plan.with_live_state(kept, LiveState((), (Unreadable(42, "undefined method"),)), _lookup)

    assert "can't be shown by the server: undefined method" in caught.value.problems[0].message


def test_a_secret_of_unknown_age_is_stale() -> None:
    """Without a time of the last change nobody can tell that a hidden value is the same."""
    api = FakeApi([replace(live(42, configuration={"api_key": "old"}), updated_at="")])
    kept = _kept(_planned([_secretive(id=42)], api))

    assert "Saved plan is stale" in _refused(kept, api).what


def test_a_connector_of_nobody_is_refused_in_a_saved_plan() -> None:
    """It may have been deleted, or moved away, while the plan waited for approval."""
    allowed = document(id=42, connector_id=3, lifecycle={"allow": ["connector_id"]})
    kept = _kept(_planned([allowed], FakeApi([live(42)], CONNECTORS)))
    refused = _refused(kept, FakeApi([live(42)], CONNECTORS[:2]))

    assert [problem.rule for problem in refused.problems] == ["wrong-connector"]


# -- creations ---------------------------------------------------------------------------------------------------------


def _creation(**values: Any) -> tuple[Planned, Planned]:
    """A plan that makes one model, and what its file holds of it."""
    documents = [document("new", name="Brand new", query="SELECT user_id FROM users", **values)]
    planned = workflow.plan(documents, FakeApi([], CONNECTORS), TARGET, _lookup, ALL, create=True)
    return planned, _kept(planned)


def test_a_saved_creation_is_that_creation() -> None:
    """It comes back from its file, with its secrets looked up."""
    planned, kept = _creation(
        configuration={"api_key": {"env": "SYNCER_SECRET_X"}, "l": [{"token": {"env": "SYNCER_SECRET_Y"}}]}
    )
    renewed = saved_plan.with_live_state(
        kept, LiveState((live(5, name="Other"),), (Unreadable(6, "broken", "Other"),)), _lookup
    )

    assert kept.plan.digest == planned.plan.digest
    assert renewed.plan.changes[0].body == planned.plan.changes[0].body
    assert renewed.plan.changes[0].fields == planned.plan.changes[0].fields
    with pytest.raises(RefusedError) as caught:
        saved_plan.with_live_state(kept, LiveState(()), lambda _: None)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.message) == (
        "missing-secret", "new needs SYNCER_SECRET_X, SYNCER_SECRET_Y, which is not set"
    )  # fmt: skip
    assert caught.value.what == "the plan can't be applied; nothing was written"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (LiveState((live(4), live(5, name="Brand new"))), "is no longer new: live model 5 has its name"),
        (LiveState((), complete=False), "can't be created: not every live model can be read, and one may have its name"),
        (LiveState((), (Unreadable(5, "r", "Brand new"),)), "can't be created: not every live model can be read, and one may have its name"),
        (LiveState((), (Unreadable(None, "r"),)), "can't be created: not every live model can be read, and one may have its name"),
    ],
)  # fmt: skip
def test_a_creation_that_is_none_any_more_is_stale(state: LiveState, why: str) -> None:
    """Somebody made it meanwhile, or may have."""
    with pytest.raises(RefusedError) as caught:
        saved_plan.with_live_state(_creation()[1], state, _lookup)

    assert [(one.rule, one.message) for one in caught.value.problems] == [("stale-plan", f"new {why}")]
    assert caught.value.what == "Saved plan is stale: live models changed since it was made; nothing was written"


# -- secrets at their places -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "is_live", "sent"),
    [
        ({"n": 1, "l": [{"token": "k1"}, {"token": "k2"}]}, {"n": 2, "l": [{"token": "k1"}, {"token": "k2"}]}, True),
        ({"n": 1, "l": [{"token": "k1"}]}, {"n": 2, "l": [{"token": "k1"}, {"token": "k2"}]}, False),
        ({"n": 1, "m": {"token": "k1"}}, {"n": 2, "m": {"token": "k1", "more": 1}}, True),
        ({"n": 1, "m": {"token": "k1"}}, {"n": 2, "m": "text"}, False),
        ({"n": 1, "token": "k1"}, {"n": 2}, False),
    ],
)
def test_a_secret_without_a_variable_is_the_server_s_own_at_its_place(own: Any, is_live: Any, sent: bool) -> None:  # noqa: FBT001 - a case
    """As far as there is one just there: of a list only if it's as long."""
    there = live(42, configuration=is_live)
    plan = make_plan(
        Bound((Binding(desired(id=42, configuration=normal_form({"configuration": own})["configuration"]), there),)),
        TARGET,
    )
    kept = _kept(Planned(plan, commit=COMMIT))
    if sent:
        renewed = saved_plan.with_live_state(kept, LiveState((there,)), _lookup)
        assert renewed.plan.changes[0].body["model"]["configuration"] == own
        return
    with pytest.raises(RefusedError) as caught:
        saved_plan.with_live_state(kept, LiveState((there,)), _lookup)
    assert [one.message for one in caught.value.problems] == [
        "active_users needs a secret that only the server has, which is not set"
    ]


def test_what_stands_beside_a_secret_may_not_have_moved() -> None:
    """Secrets are alike to the file, wherever they stand; all else is compared."""
    api = FakeApi([live(42, configuration={"l": [{"token": "k", "n": 1}], "m": 1})])
    kept = _kept(
        _planned([document(id=42, configuration={"l": [{"token": {"env": "SYNCER_SECRET_K"}, "n": 1}], "m": 2})], api)
    )
    assert _resumed(kept, api).plan.digest == kept.plan.digest

    api.edit(42, configuration={"l": [{"token": "k", "n": 9}], "m": 1})
    assert [one.message for one in _refused(kept, api).problems] == [
        "live model 42 (active_users) moved: configuration"
    ]


def test_a_report_of_drift_is_no_plan() -> None:
    """It says what somebody did, and asks for nothing."""
    kept = _kept(replace(_planned([document(id=42, query="SELECT 2")], FakeApi([live(42)])), is_drift=True))
    with pytest.raises(RefusedError) as caught:
        saved_plan.check_applicable(kept, TARGET, COMMIT)

    assert caught.value.what == (
        "this file is a drift report (`syncer drift` made it), and not a plan; nothing was written"
    )
    assert caught.value.hint == "to undo those edits, plan: `syncer plan --out plan.json`"
    saved_plan.check_applicable(replace(kept, is_drift=False), TARGET, COMMIT)
