"""The way back: what a run wrote and only that, where it still stands; all else is left alone, and each reason told."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from builders import TARGET, FakeApi, document, live
from hypothesis import given, settings
from strategies import referenced, worlds

from syncer import workflow
from syncer.applying import rollback
from syncer.applying.outcome import Status
from syncer.applying.past_run import OPEN, Ending
from syncer.errors import ApiError, RefusedError, SettingsError
from syncer.model import Connector, Document, LiveModel, LiveState, Origin, Problem, Target, Unreadable
from syncer.package_files import schema
from syncer.plan import planfile
from syncer.plan.limits import Limits
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.applying.outcome import Report
    from syncer.plan.planner import Planned

SCHEMA = schema("plan")
RISKS = frozenset({"primary_key", "connector_id", "query_type", "lost_column"})
ALL, ALLOWED = Limits(100), Limits(100, allow=RISKS)
CONNECTORS = [Connector(number, f"c{number}", "source", "Snowflake") for number in (1, 2, 3)]
LATER = "2026-02-02T00:00:00.000Z"


def _lookup(variable: str) -> Secret | None:
    return Secret(f"value of {variable}", variable)


def _applied(planned: Planned, api: FakeApi, limits: Limits = ALLOWED) -> Report:
    return workflow.apply(planned, api, lambda _: None, limits, parallelism=1, fail_fast=False, stop=threading.Event())


class Ran:
    """A run that was made, as its record has it."""

    def __init__(self, documents: Sequence[Document], api: FakeApi, *, create: bool = False) -> None:
        self.api = api
        planned = workflow.plan(documents, api, TARGET, _lookup, ALLOWED, create=create)
        assert not planned.problems
        self.report = _applied(planned, api)
        self.kept = planfile.loads(planfile.dumps(planned).encode(), SCHEMA, "run")
        self.endings: Mapping[str, Ending] = {
            one.change.address: Ending(one.status.value, one.id, one.updated_at, one.change.is_creation)
            for one in self.report.outcomes
        }
        api.puts.clear()

    def said(self, status: str, **more: Any) -> Ran:
        """The same, had its changes ended in another way."""
        self.endings = {address: replace(one, status=status, **more) for address, one in self.endings.items()}
        return self

    def back(
        self,
        *patterns: str,
        target: Target = TARGET,
        limits: Limits = ALL,
        lookup: Callable[[str], Secret | None] = _lookup,
    ) -> tuple[Planned, tuple[Problem, ...]]:
        """What takes it back, and what of it can't go back."""
        return workflow.roll_back(self.kept, self.endings, self.api, target, lookup, limits, patterns=patterns)

    def refusal(self, **how: Any) -> Problem:
        """The one reason why nothing goes back."""
        planned, (refused,) = self.back(**how)
        assert planned.plan.is_empty
        assert refused.hint
        return refused


def _one(**wanted: Any) -> Ran:
    """A run that gave a model another query."""
    return Ran([document(id=42, **{"query": "SELECT user_id, 2", **wanted})], FakeApi([live(42)], CONNECTORS))


# -- the law -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(worlds())
def test_what_is_taken_back_is_what_it_was(world: tuple[list[Document], list[LiveModel]]) -> None:
    """Applied and taken back, each model is what it was, secrets too; what can't be is refused, and stays."""
    documents, models = world
    honest = [
        document(one.address, **{**one.data, "configuration": referenced(one.data["configuration"])})
        if "configuration" in one.data
        else one
        for one in documents
    ]
    api = FakeApi(models, CONNECTORS)
    planned = workflow.plan(honest, api, TARGET, _lookup, ALLOWED)
    if planned.problems:
        return
    ran = Ran(honest, api)
    applied = dict(api.models)
    planned, refused = ran.back(limits=ALLOWED)
    assert _applied(planned, api).is_ok

    stays = {problem.origin.path for problem in refused}
    assert {problem.rule for problem in refused} <= {"not-restorable"}
    for change in ran.kept.plan.changes:
        expected = applied[change.id] if change.desired.document.path in stays else models[change.id - 1]
        assert api.models[change.id].fields == expected.fields
        # Null, line ends and 1.0 stand there as they did, not as this tool would write them.
        assert json.dumps(api.models[change.id].raw, sort_keys=True) == json.dumps(expected.raw, sort_keys=True)
    assert {one.id for one in ran.kept.plan.changes} >= {model_id for model_id, _ in api.puts}
    assert ran.back(limits=ALLOWED)[0].plan.is_empty


# -- what goes back ----------------------------------------------------------------------------------------------------


def test_only_what_the_run_wrote_is_sent() -> None:
    """Its fields, and the three that every PUT needs."""
    ran = _one()
    planned, refused = ran.back()

    assert refused == ()
    assert _applied(planned, ran.api).is_ok
    ((_, body),) = ran.api.puts
    assert set(body["model"]) == {"connector_id", "name", "query_type", "query"}
    assert ran.api.models[42].fields["query"] == "SELECT user_id\nFROM users"


def test_an_edit_of_any_field_since_keeps_a_model_as_it_is() -> None:
    """Also of one that the run didn't write, and that the file doesn't manage: somebody works on that model."""
    ran = _one()
    ran.api.edit(42, description="edited since")
    assert (ran.refusal().rule, "description" in ran.refusal().message) == ("changed-since", True)

    ran = _one()
    ran.api.models[42] = replace(ran.api.models[42], updated_at=LATER)
    assert "a field that the run didn't write" in ran.refusal().message


def test_it_is_an_ordinary_plan() -> None:
    """It can be kept, and its digest is that of what it does; the file is told as the run knew it."""
    planned, _ = _one().back()
    (change,) = planned.plan.changes

    again = planfile.loads(planfile.dumps(planned).encode(), SCHEMA, "plan.json")
    assert again.plan.digest == planned.plan.digest
    assert (change.address, change.desired.document.path) == ("active_users", "models/active_users.yaml")


def test_a_rollback_can_be_taken_back() -> None:
    """It's a run like any other: what it replaced is what the first one wrote."""
    ran = _one()
    planned, _ = ran.back()
    ran.kept = planfile.loads(planfile.dumps(planned).encode(), SCHEMA, "run")
    assert _applied(planned, ran.api).is_ok
    again, refused = ran.back()

    assert refused == ()
    assert _applied(again, ran.api).is_ok
    assert ran.api.models[42].fields["query"] == "SELECT user_id, 2"


def test_an_ending_of_which_nothing_else_is_known() -> None:
    """No id was made, and nobody knows when the server changed it."""
    assert Ending("done") == Ending("done", 0, "", is_new=False)


def test_what_is_back_already_is_left_alone() -> None:
    """Somebody was there first: there is nothing to do, and nothing to complain of."""
    ran = _one()
    ran.api.edit(42, query="SELECT user_id\nFROM users")

    assert ran.back()[0].plan.is_empty
    assert ran.back()[1] == ()


def test_it_counts_beside_all_that_the_run_compared() -> None:
    """A run of ten among forty is taken back under the limit that let it pass."""
    documents = [document(f"m{n}", id=n, query=f"SELECT user_id, {n % 4 or ...}") for n in range(1, 41)]
    models = [live(n, query=f"SELECT user_id, {n % 4 or 'x'}") for n in range(1, 41)]
    ran = Ran(documents, FakeApi(models))
    planned, _ = ran.back(limits=Limits())

    assert len(planned.plan.changes) == 10
    assert planned.plan.bound == 40
    workflow.refuse(planned, Limits())
    assert [one.rule for one in ran.back(limits=Limits(20))[0].refusals] == ["too-many-changes"]


# -- what changed since ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "moved"),
    [
        ({"query": "SELECT 9"}, "query"),
        ({"name": "Renamed", "query_type": "dbt"}, "name, query_type"),
        ({"connector_id": 3, "query": "SELECT 9"}, "connector_id, query"),
    ],
)
def test_a_model_that_changed_since_is_refused(edit: dict[str, Any], moved: str) -> None:
    """In a field that the run wrote, or that every PUT must send: which ones is said."""
    ran = _one()
    ran.api.edit(42, **edit)
    refused = ran.refusal()

    assert (refused.rule, refused.origin.path) == ("changed-since", "models/active_users.yaml")
    assert refused.message == f"live model 42 (active_users) changed since that run: {moved}"


def test_one_that_changed_stops_no_other() -> None:
    """The others go back."""
    documents = [document(f"m{n}", id=n, query=f"SELECT user_id, {n}") for n in (1, 2, 3)]
    ran = Ran(documents, FakeApi([live(1), live(2), live(3)]))
    ran.api.edit(2, query="SELECT 9")
    planned, refused = ran.back()

    assert [change.id for change in planned.plan.changes] == [1, 3]
    assert [problem.origin.path for problem in refused] == ["models/m2.yaml"]
    assert planned.problems == ()


def test_a_deleted_model_is_refused() -> None:
    """Nothing is created for it."""
    ran = _one()
    del ran.api.models[42]

    assert ran.refusal().message == "live model 42 (active_users) was deleted since that run"


def test_a_model_that_the_server_cannot_show_is_not_called_deleted() -> None:
    """It's there, and nobody knows what it is now."""
    ran = _one()
    plan, live_now = ran.kept.plan, LiveState((), (Unreadable(42, "undefined method"),))
    (refused,) = rollback.way_back(plan, ran.endings, live_now, _lookup).refused

    assert refused.message == "live model 42 (active_users) can't be shown by the server: undefined method"


# -- how the run ended -------------------------------------------------------------------------------------------------


def test_the_words_are_those_of_outcomes() -> None:
    """A new ending must be thought of here, too."""
    sent = {Status.DONE, Status.FAILED, Status.UNKNOWN}

    assert {*(status.value for status in sent), OPEN} == rollback._SENT
    assert {*Status} - sent == {Status.CONFLICT, Status.NOT_ATTEMPTED}


def test_one_that_does_not_go_back_stops_no_other() -> None:
    """Neither one that was never sent nor one that was created: what came before and after it goes back."""
    made = Ran(
        [document("a", name="New"), document("b", id=42, query="SELECT user_id, 2")],
        FakeApi([live(42)], CONNECTORS),
        create=True,
    )
    assert [change.id for change in made.back()[0].plan.changes] == [42]
    documents = [document(f"m{n}", id=n, query=f"SELECT user_id, {n}") for n in (1, 2, 3)]
    ran = Ran(documents, FakeApi([live(1), live(2), live(3)]))
    ran.endings = {**ran.endings, "m2": replace(ran.endings["m2"], status="conflict")}

    assert [change.id for change in ran.back()[0].plan.changes] == [1, 3]


@pytest.mark.parametrize("status", ["conflict", "not attempted"])
def test_where_nothing_was_sent_nothing_is_undone(status: str) -> None:
    """Even where live is what the run wanted: then somebody else made it so."""
    planned, refused = _one().said(status).back()

    assert planned.plan.is_empty
    assert refused == ()


@pytest.mark.parametrize("status", ["failed", "unknown", OPEN])
def test_what_may_have_been_written_is_undone_where_it_was(status: str) -> None:
    """Live tells: what the run wanted goes back, what was before stays, anything else is nobody knows whose."""
    ran = _one().said(status, updated_at="")
    assert [change.changed for change in ran.back()[0].plan.changes] == [("query",)]

    ran.api.edit(42, query="SELECT 9")
    said = "the run never ended" if status == OPEN else f"the run reported `{status}` for it"
    assert ran.refusal().message == (
        f"live model 42 (active_users) is neither what that run found nor what it wanted: query; {said}"
    )

    ran.api.edit(42, query="SELECT user_id\nFROM users")
    planned, refused = ran.back()
    assert (planned.plan.is_empty, refused) == (True, ())


def test_a_created_model_stays() -> None:
    """Nothing is deleted: it's told, with its id, as long as it's there."""
    ran = Ran([document(name="New")], FakeApi([live(42)], CONNECTORS), create=True)
    planned, refused = ran.back()

    assert planned.plan.is_empty
    assert refused == ()
    assert [warning.message for warning in planned.warnings] == [
        "live model 43 (active_users) was created by that run, and stays: syncer deletes nothing"
    ]
    ran.said(OPEN, id=0)
    assert "live model 43 (active_users) may have been created" in ran.back()[0].warnings[0].message
    del ran.api.models[43]
    assert ran.back()[0].warnings == ()


# -- what can't be put back --------------------------------------------------------------------------------------------


def test_a_configuration_cannot_be_taken_away() -> None:
    """The server refuses an empty one, so the model stays, in words; the others go back."""
    documents = [document("m1", id=1, configuration={"a": 1}), document("m2", id=2, query="SELECT user_id, 2")]
    planned, (refused,) = Ran(documents, FakeApi([live(1), live(2)])).back()

    assert [change.id for change in planned.plan.changes] == [2]
    assert refused.rule == "not-restorable"
    assert refused.message == (
        "live model 1 (m1) can't be what it was before that run: "
        "configuration: a null or an empty configuration can't be sent"
    )


def test_a_connector_that_is_gone_is_refused() -> None:
    """The server would take it."""
    ran = Ran([document(id=42, connector_id=2, lifecycle={"allow": ["connector_id"]})], FakeApi([live(42)], CONNECTORS))
    ran.api._connectors = CONNECTORS[1:]

    assert ran.refusal().rule == "wrong-connector"


# -- secrets -----------------------------------------------------------------------------------------------------------


def _secretive(before: dict[str, Any], after: dict[str, Any], **more: Any) -> Ran:
    return Ran([document(id=42, configuration=after, **more)], FakeApi([live(42, configuration=before)]))


KEY = {"env": "SYNCER_SECRET_K"}


def test_a_secret_that_stayed_is_taken_from_live() -> None:
    """The record has none, and the PUT needs it: where both sides had the same one, live has it."""
    held = _lookup("SYNCER_SECRET_K")
    assert held is not None
    ran = _secretive({"api_key": held.reveal(), "n": 1}, {"api_key": KEY, "n": 2})
    planned, refused = ran.back(lookup=lambda _: None)

    assert refused == ()
    assert _applied(planned, ran.api).is_ok
    assert ran.api.puts[0][1]["model"]["configuration"] == {"api_key": "value of SYNCER_SECRET_K", "n": 1}


def test_a_secret_that_moved_to_another_key_is_found() -> None:
    """Where it stands now doesn't matter."""
    ran = _secretive({"api_key": "value of SYNCER_SECRET_K"}, {"token": KEY})
    planned, _ = ran.back()

    assert _applied(planned, ran.api).is_ok
    assert ran.api.puts[0][1]["model"]["configuration"] == {"api_key": "value of SYNCER_SECRET_K"}


def test_a_secret_that_was_replaced_is_gone() -> None:
    """Nobody kept it: that's said with its place, and not its value."""
    refused = _secretive({"deep": {"api_key": "canary"}, "n": 1}, {"deep": {"api_key": KEY}, "n": 2}).refusal()

    assert refused.rule == "not-restorable"
    assert refused.message.endswith("api_key: a secret was replaced, or hidden by the server, and no record holds one")
    assert "canary" not in refused.message


def test_a_secret_that_came_goes() -> None:
    """Where none was none is needed."""
    ran = _secretive({"n": 1}, {"n": 1, "api_key": KEY})
    planned, _ = ran.back()

    assert _applied(planned, ran.api).is_ok
    assert ran.api.puts[0][1]["model"]["configuration"] == {"n": 1}


def test_a_hidden_secret_does_not_go_back() -> None:
    """A server that masks compares as equal: what git put there since may be another host's key, and is never sent."""

    class Masking(FakeApi):
        def edit(self, model_id: int, **fields: Any) -> None:
            super().edit(model_id, **fields)
            configuration = self.models[model_id].fields["configuration"]
            hidden = {key: Secret("*****") if isinstance(one, Secret) else one for key, one in configuration.items()}
            fields = {**self.models[model_id].fields, "configuration": hidden}
            self.models[model_id] = replace(self.models[model_id], fields=fields)

    api = Masking([live(42, configuration={"api_key": "*****", "n": 1})])
    ran = Ran([document(id=42, configuration={"api_key": KEY, "n": 2})], api)
    for lookup in (lambda _: None, lambda variable: Secret(f"value of {variable}", variable)):
        assert ran.refusal(lookup=lookup).rule == "not-restorable"
    assert api.puts == []


def test_where_secrets_are_written_the_model_may_not_have_moved_at_all() -> None:
    """Nobody can tell whether a secret is the same but by the time of the last change."""
    ran = _secretive({"api_key": "value of SYNCER_SECRET_K", "n": 1}, {"api_key": KEY, "n": 2})
    ran.api.models[42] = replace(ran.api.models[42], updated_at=LATER)
    assert ran.refusal().message.endswith(
        "since that run: updated_at; it holds secrets, so it must not have moved at all"
    )

    ran.said(OPEN, updated_at="")
    assert ran.refusal().rule == "changed-since"


def test_an_emptied_secret_comes_back_empty() -> None:
    """Nothing is no secret: it needs no looking up."""
    ran = _secretive({"api_key": "", "n": 1}, {"api_key": KEY, "n": 1})
    planned, _ = ran.back()

    assert _applied(planned, ran.api).is_ok
    assert ran.api.puts[0][1]["model"]["configuration"] == {"api_key": "", "n": 1}


# -- guards ------------------------------------------------------------------------------------------------------------


def test_what_allowed_the_way_there_does_not_allow_the_way_back() -> None:
    """Every row is sent once more: that's said again."""
    ran = Ran([document(id=42, primary_key="id", lifecycle={"allow": ["primary_key"]})], FakeApi([live(42)]))
    planned, _ = ran.back()
    with pytest.raises(RefusedError) as caught:
        workflow.refuse(planned, ALL)

    assert [problem.rule for problem in caught.value.problems] == ["risky-change"]
    workflow.refuse(ran.back(limits=ALLOWED)[0], ALLOWED)


@pytest.mark.parametrize(
    "target",
    [replace(TARGET, environment="staging"), replace(TARGET, url="https://x.example"), replace(TARGET, workspace_id=3)],
)
def test_another_target_is_refused(target: Target) -> None:
    """Both are named, and nothing is read."""
    ran = _one()
    ran.api.fetch = None  # type: ignore[assignment,method-assign]
    with pytest.raises(RefusedError, match=r"that run wrote to prod \(https://api.example.com/api/v1, workspace 2\)"):
        ran.back(target=target)


@pytest.mark.parametrize("changes", [{"is_offline": True}, {"problems": (Problem(Origin("a"), "r", "m"),)}])
def test_a_record_of_no_apply_is_refused(changes: dict[str, Any]) -> None:
    """No apply carries out a plan with problems, or one made from files alone."""
    ran = _one()
    ran.kept = replace(ran.kept, **changes)

    with pytest.raises(RefusedError, match="holds a plan that can.t be applied"):
        ran.back()


def test_target_chooses() -> None:
    """By address or glob, as everywhere; the others are told as left out."""
    documents = [document(f"m{n}", id=n, query=f"SELECT user_id, {n}") for n in (1, 2, 3)]
    ran = Ran(documents, FakeApi([live(1), live(2), live(3)]))
    planned, _ = ran.back("m[12]")

    assert [change.id for change in planned.plan.changes] == [1, 2]
    assert planned.plan.excluded == 1
    with pytest.raises(SettingsError, match="--target m9 matches no change of that run"):
        ran.back("m9")


def test_an_outcome_knows_when_the_server_changed_the_model() -> None:
    """By the answer to the PUT, or by the look after an open end; nobody knows of what failed."""

    def lost(_: FakeApi) -> None:
        raise ApiError("PUT", "/models/42", 0, "no answer in time", is_open=True, is_transient=True)

    stamp = "2026-02-01T00:00:00.000Z"
    assert [one.updated_at for one in _one().report.outcomes] == [stamp]
    api = FakeApi([live(42)])
    api.after[42] = lost
    assert [one.updated_at for one in Ran([document(id=42, query="SELECT user_id, 2")], api).report.outcomes] == [stamp]
