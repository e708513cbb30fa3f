"""Applying: exactly the plan, one model at a time looked at, and a true word about each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from builders import RAW_SQL, TARGET, FakeApi, desired, live
from hypothesis import given
from hypothesis import strategies as st

from syncer.applying.applier import apply
from syncer.applying.outcome import Outcome, Report, Status
from syncer.errors import ApiError, LateError, RefreshError
from syncer.events import Modified, Modifying, Pace, Slowing
from syncer.model import Binding, Bound, LiveModel
from syncer.plan.planner import Plan, make_plan
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from syncer.events import Event


def _world(count: int = 1) -> tuple[Plan, FakeApi]:
    """A plan that changes the query of `count` models, and the API that holds them."""
    models = [live(number, name=f"m{number}") for number in range(1, count + 1)]
    bindings = [Binding(desired(f"m{model.id:02}", name=model.name, query="SELECT 2"), model) for model in models]
    return make_plan(Bound(tuple(bindings)), TARGET), FakeApi(models)


def _apply(plan: Plan, api: FakeApi, *, parallelism: int = 1, fail_fast: bool = False) -> Report:
    return apply(plan, api, lambda _: None, parallelism=parallelism, fail_fast=fail_fast, stop=threading.Event())


def _raiser(status: int, *, is_open: bool = False, is_transient: bool = False) -> Callable[[FakeApi], None]:
    def hook(_: FakeApi) -> None:
        raise ApiError("PUT", "/models/1", status, "because", is_open=is_open, is_transient=is_transient)

    return hook


def test_the_changed_fields_are_sent() -> None:
    """One PUT for a changed model: the required fields and what changed."""
    plan, api = _world()
    report = _apply(plan, api)

    assert report.is_ok
    assert api.puts == [(1, {"model": {"name": "m1", "connector_id": 1, "query_type": "raw_sql", "query": "SELECT 2"}})]


@pytest.mark.parametrize("parallelism", [1, 4])
def test_events_come_in_pairs(parallelism: int) -> None:
    """Every change begins and ends once, and at most so many are under way."""
    plan, api = _world(9)
    events: list[Event] = []
    apply(plan, api, events.append, parallelism=parallelism, fail_fast=False, stop=threading.Event())
    open_now, most = 0, 0
    for event in events:
        open_now += 1 if isinstance(event, Modifying) else -1
        most = max(most, open_now)

    assert most <= parallelism
    assert [event.address for event in events if isinstance(event, Modifying)] == [f"m{n:02}" for n in range(1, 10)]
    assert sorted(event.address for event in events if isinstance(event, Modified)) == [
        f"m{n:02}" for n in range(1, 10)
    ]


def test_an_edit_since_the_plan_is_a_conflict() -> None:
    """What somebody else wrote in between is not overwritten."""
    plan, api = _world()
    api.edit(1, description="edited in the UI")
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, api.puts) == (Status.CONFLICT, [])
    assert outcome.reason == "live model 1 changed since the plan was made: description"
    assert outcome == Outcome(
        outcome.change, Status.CONFLICT, outcome.reason, outcome.hint, (), 0, "", "", is_fatal=False
    )
    assert outcome.hint == "plan again, and review what somebody else changed"


def test_a_model_deleted_since_the_plan_is_a_conflict() -> None:
    """It's said in words, and nothing is sent."""
    plan, api = _world()
    del api.models[1]
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, api.puts) == (Status.CONFLICT, [])
    assert "was deleted since" in outcome.reason


def test_a_refusal_is_a_failure_and_the_others_go_on() -> None:
    """One failure doesn't stop the others."""
    plan, api = _world(3)
    api.hooks[2] = _raiser(422)
    report = _apply(plan, api)

    assert [outcome.status for outcome in report.outcomes] == [Status.DONE, Status.FAILED, Status.DONE]
    assert report.outcomes[1].reason == "PUT /models/1 was refused (422): because"
    assert not report.is_ok


def test_fail_fast_begins_nothing_new() -> None:
    """What comes after the failure is not attempted, and said so."""
    plan, api = _world(3)
    api.hooks[1] = _raiser(422)
    report = _apply(plan, api, fail_fast=True)

    assert [outcome.status for outcome in report.outcomes] == [
        Status.FAILED,
        Status.NOT_ATTEMPTED,
        Status.NOT_ATTEMPTED,
    ]
    assert len(api.puts) == 1


def test_an_answer_lost_after_the_write_is_done() -> None:
    """After an open end it looks: the model is as planned, so it's done, with one PUT."""
    plan, api = _world()
    api.after[1] = _raiser(0, is_open=True, is_transient=True)
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, len(api.puts)) == (Status.DONE, 1)


def test_an_answer_lost_before_the_write_is_sent_again() -> None:
    """The look shows that nothing was written and nobody else wrote: the same PUT goes again."""
    plan, api = _world()
    api.hooks[1] = _raiser(503, is_open=True, is_transient=True)
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, len(api.puts)) == (Status.DONE, 2)


@pytest.mark.parametrize("status", [503, 0])
def test_after_three_attempts_nobody_knows(status: int) -> None:
    """The model stands as before, and the server may be at work yet, whatever it or a proxy said."""
    plan, api = _world()

    def again(fake: FakeApi) -> None:
        fake.hooks[1] = again
        _raiser(status, is_open=True, is_transient=True)(fake)

    api.hooks[1] = again
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, len(api.puts), len(api.reads)) == (Status.UNKNOWN, 3, 4)


def test_a_mistake_of_ours_loses_no_word_about_the_others() -> None:
    """One model ends unknown; the exception's text, which may hold anything, isn't shown."""
    plan, api = _world(3)

    def broken(_: FakeApi) -> None:
        message = "canary"
        raise RuntimeError(message)

    api.hooks[2] = broken
    report = _apply(plan, api)

    assert [outcome.status for outcome in report.outcomes] == [Status.DONE, Status.UNKNOWN, Status.DONE]
    assert "canary" not in repr(report.outcomes[1].reason)
    assert "RuntimeError" in report.outcomes[1].reason


def test_an_edit_of_an_ignored_field_is_no_conflict() -> None:
    """It isn't ours, and it isn't sent."""
    before = live(1)
    model = desired(query="SELECT 2", lifecycle={"ignore_changes": ["description"]})
    plan, api = make_plan(Bound((Binding(model, before),)), TARGET), FakeApi([before])
    api.edit(1, description="edited in the UI")

    assert _apply(plan, api).is_ok
    assert api.models[1].fields["description"] == "edited in the UI"


@pytest.mark.parametrize(
    ("after", "line"),
    [
        ({"a": {"b": 1}}, "configuration.a.b"),
        ({"a": {"b": [1, 2]}}, "configuration.a.b"),
        ({"x.y": 1}, "configuration"),
    ],
)
def test_the_line_that_silences_is_one_that_works(after: dict[str, Any], line: str) -> None:
    """`ignore_changes` has no words for elements of lists and keys with dots: it's given the way down to them."""
    before = live(1, configuration={"a": {"b": [1]}, "x.y": 0})
    api = FakeApi([before])
    plan = make_plan(
        Bound((Binding(desired(configuration={**before.fields["configuration"], **after}), before),)), TARGET
    )
    api.after[1] = lambda fake: fake.edit(1, configuration=before.fields["configuration"])
    (outcome,) = _apply(plan, api).outcomes

    assert f"ignore_changes: [{line}]" in outcome.hint


def test_a_server_exception_without_a_write_is_unknown() -> None:
    """A 500 is not tried again; that the model stands as before says nothing of what comes."""
    plan, api = _world()
    api.hooks[1] = _raiser(500, is_open=True)
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, len(api.puts)) == (Status.UNKNOWN, 1)


def test_a_400_that_wrote_is_done() -> None:
    """The server's own exceptions come as 400 after the row was written: the look tells."""
    plan, api = _world()
    api.after[1] = _raiser(400, is_open=True)

    assert _apply(plan, api).is_ok


def test_neither_before_nor_after_is_unknown() -> None:
    """If the look finds something else, part of it was written or somebody wrote too: nobody knows."""
    plan, api = _world()

    def meddle(fake: FakeApi) -> None:
        fake.edit(1, query="SELECT 3")
        _raiser(0, is_open=True, is_transient=True)(fake)

    api.after[1] = meddle
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, len(api.puts)) == (Status.UNKNOWN, 1)
    assert outcome.hint == "plan again: it shows whether the change was written"


def test_silence_after_a_put_is_unknown() -> None:
    """If the API can't be asked any more, it's unknown, not failed."""
    plan, api = _world()

    def vanish(fake: FakeApi) -> None:
        fake.models.clear()
        _raiser(0, is_open=True, is_transient=True)(fake)

    api.after[1] = vanish

    assert [outcome.status for outcome in _apply(plan, api).outcomes] == [Status.UNKNOWN]


def test_a_field_that_the_server_did_not_take_is_named() -> None:
    """The answer is compared with what was sent; the line that would silence it is given."""
    plan, api = _world()
    api.after[1] = lambda fake: fake.edit(1, query=RAW_SQL["query"])
    (outcome,) = _apply(plan, api).outcomes

    assert outcome.status is Status.FAILED
    assert outcome.reason == "the server answered 200, but did not take query"
    assert "lifecycle: {ignore_changes: [query]}" in outcome.hint
    assert [(change.before, change.after) for change in outcome.unapplied] == [(RAW_SQL["query"], "SELECT 2")]


def test_a_masked_answer_is_taken_for_what_was_sent() -> None:
    """A server that hides the key in its answer has taken it, as far as anybody can tell."""
    before = live(1, configuration={"api_key": "*****", "n": 1})
    model = desired(configuration={"api_key": Secret("k", "SYNCER_SECRET_K"), "n": 2})
    api = FakeApi([before])
    api.after[1] = lambda fake: fake.edit(1, configuration={"api_key": "*****", "n": 2})
    report = _apply(make_plan(Bound((Binding(model, before),)), TARGET), api)

    assert report.is_ok
    assert api.puts[0][1]["model"]["configuration"] == {"api_key": "k", "n": 2}


def test_stop_finishes_what_is_under_way() -> None:
    """After the switch nothing new begins; what began is reported."""
    plan, api = _world(5)
    stop = threading.Event()
    api.after[2] = lambda _: stop.set()
    report = apply(plan, api, lambda _: None, parallelism=1, fail_fast=False, stop=stop)

    assert [outcome.status for outcome in report.outcomes] == [Status.DONE] * 2 + [Status.NOT_ATTEMPTED] * 3


def test_a_slow_change_gives_signs_of_life() -> None:
    """Every ten seconds of its clock a change that is under way says so."""
    plan, api = _world()
    release = threading.Event()
    times = iter([0.0, 9.0, 11.0, 12.0, 21.0, 22.0])
    events: list[Event] = []

    def clock() -> float:
        now = next(times, 30.0)
        if now > 21:
            release.set()
        return now

    def dawdle(_: FakeApi) -> None:
        release.wait(20)

    api.hooks[1] = dawdle
    apply(plan, api, events.append, parallelism=1, fail_fast=False, stop=threading.Event(), clock=clock)

    beats = [event.elapsed for event in events if isinstance(event, Modifying) and event.elapsed]
    assert [int(beat // 10) for beat in beats][:2] == [1, 2]


_ENDS = st.sampled_from(["taken", "lost", "part", "refused", "gone", "late", "other"])


@given(st.lists(st.tuples(_ENDS, st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=4))
def test_an_open_end_is_done_or_unknown(ends: list[tuple[str, bool, bool, bool]]) -> None:
    """A law: once a write's end is open, nothing that is seen or said later makes it a failure or a conflict.

    Each end of a PUT: what the server does, whether it answers, whether trying again may help, whether it can be read.
    """
    plan, api = _world()
    is_open, script = [False], iter(ends)

    def put(model_id: int, body: Any) -> Any:
        api.puts.append((model_id, dict(body)))
        end, is_answered, is_transient, api.is_dark = next(script, ("taken", True, False, False))
        if end == "late":
            message = "too late"
            raise LateError(message)
        if end == "refused":
            raise ApiError("PUT", "/models/1", 422, "because")
        if end == "gone":
            api.models.clear()
        elif end == "other":
            api.edit(1, query="SELECT 3")
        elif end != "lost":
            api.edit(1, **({} if end == "part" else body["model"]))
        if is_answered and end in ("taken", "part"):
            return api.models[1]
        is_open[0] = True
        raise ApiError("PUT", "/models/1", 504, "because", is_open=True, is_transient=is_transient)

    api.put = put  # type: ignore[method-assign]
    (outcome,) = _apply(plan, api).outcomes

    if is_open[0]:
        assert outcome.status in (Status.DONE, Status.UNKNOWN)
    assert (outcome.status is Status.DONE) <= (1 in api.models and api.models[1].fields["query"] == "SELECT 2")
    assert len(api.puts) <= 3 + sum(end == "late" for end, *_ in ends)


@pytest.mark.parametrize("status", [504, 500, 0])
@pytest.mark.parametrize("is_later", [False, True])
@pytest.mark.parametrize("is_new", [False, True])
def test_what_the_server_finishes_later_was_not_called_a_failure(status: int, is_later: bool, is_new: bool) -> None:  # noqa: FBT001 - cases
    """The pause budget is spent and the look shows nothing: unknown. What stands when the run ends is done."""
    if is_new:
        plan, api = make_plan(Bound((), new=(desired("m01", name="new"),)), TARGET), FakeApi([])
    else:
        plan, api = _world()
    newest = api.newest

    def lose(_: FakeApi) -> None:
        raise ApiError("PUT", "/models/1", status, "because", is_open=True)

    def finish(ids: Any) -> Any:
        if is_new:
            api.models[9] = live(9, **api.posts[-1]["model"])
        else:
            api.edit(1, **api.puts[-1][1]["model"])
        return newest(ids)

    api.hooks[1] = api.creating = lose
    if is_later:
        api.newest = finish  # type: ignore[method-assign]
    (outcome,) = _apply(plan, api).outcomes

    assert outcome.status is (Status.DONE if is_later else Status.UNKNOWN)
    assert outcome.id == (9 if is_new and is_later else 0)


def test_what_is_about_the_session_ends_the_run_and_is_told_once() -> None:
    """Forty models are left and the token is another login's now: one is told, the rest is not attempted."""
    for parallelism in (1, 4):
        plan, api = _world(40)
        asked: list[int] = []

        def read(model_id: int, asked: list[int] = asked, found: Any = api.read) -> Any:
            asked.append(model_id)
            if len(asked) > 5:
                raise ApiError("GET", f"/models/{model_id}", 401, "Unauthorized", is_fatal=True)
            return found(model_id)

        api.read = read  # type: ignore[method-assign]
        counts = _apply(plan, api, parallelism=parallelism).counts()

        assert counts == {Status.DONE: 5, Status.FAILED: 1, Status.NOT_ATTEMPTED: 34}
        assert len(asked) <= 5 + parallelism


def test_what_somebody_changed_again_is_told() -> None:
    """Two applies at once: the later one wins, and the earlier one says so, as far as it can see it."""
    plan, api = _world(3)

    def meddle(fake: FakeApi) -> None:
        fake.edit(1, query="SELECT 4")
        del fake.models[2]

    api.after[3] = meddle
    report = _apply(plan, api)

    assert [outcome.status for outcome in report.outcomes] == [Status.DONE] * 3
    assert [outcome.since for outcome in report.outcomes] == [
        "live model 1 changed again since: query",
        "live model 2 was deleted since",
        "",
    ]
    assert not report.is_ok


def test_what_git_ignores_may_change_again() -> None:
    """It isn't ours at the end either."""
    before = live(1)
    model = desired(query="SELECT 2", lifecycle={"ignore_changes": ["description"]})
    plan, api = make_plan(Bound((Binding(model, before),)), TARGET), FakeApi([before])
    api.after[1] = lambda fake: fake.edit(1, description="edited in the UI")

    assert _apply(plan, api).is_ok


def test_a_look_that_can_not_be_had_is_told() -> None:
    """What was written is done; whether it still stands nobody saw."""
    plan, api = _world()

    def gone(_: Any) -> None:
        raise ApiError("GET", "/models", 503, "busy")

    api.newest = gone  # type: ignore[method-assign,assignment]
    report = _apply(plan, api)

    assert (report.is_ok, report.unseen) == (True, "GET /models failed (503): busy")


def test_a_write_that_always_comes_too_late_is_given_up() -> None:
    """It's looked for again each time, and nothing was sent: failed, for certain."""
    plan, api = _world()

    def late(_model_id: int, _body: Any) -> None:
        message = "PUT /models/1 was not sent: the look before it is too long ago"
        raise LateError(message)

    api.put = late  # type: ignore[method-assign,assignment]
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, len(api.reads)) == (Status.FAILED, 10)
    assert "was not sent" in outcome.reason


# -- making ------------------------------------------------------------------------------------------------------------


def _creation(name: str = "Brand new") -> Plan:
    return make_plan(Bound((), new=(desired("new", name=name),)), TARGET)


def _made(api: FakeApi) -> Outcome:
    (outcome,) = _apply(_creation(), api).outcomes
    return outcome


def _lost(
    status: int, *, is_open: bool = True, is_transient: bool = False, is_fatal: bool = False
) -> Callable[[FakeApi], None]:
    def lose(_: FakeApi) -> None:
        raise ApiError(
            "POST", "/models", status, "told so", is_open=is_open, is_transient=is_transient, is_fatal=is_fatal
        )

    return lose


def test_a_model_is_made_with_one_post_and_reported_with_its_id() -> None:
    """And then there is nothing left to do."""
    api = FakeApi([live(3)])
    outcome = _made(api)

    assert (outcome.status, outcome.id, len(api.posts)) == (Status.DONE, 4, 1)
    assert (outcome.model_id, outcome.updated_at, outcome.since) == (4, api.models[4].updated_at, "")
    assert api.posts == [{"model": {**RAW_SQL, "name": "Brand new"}}]


@pytest.mark.parametrize("status", [0, 400, 500, 502, 504])
def test_a_lost_answer_makes_one_model(status: int) -> None:
    """It was made, and nobody heard so: it's found by its name, never made twice."""
    api = FakeApi([])
    api.created = _lost(status, is_transient=status != 400)
    outcome = _made(api)

    assert (outcome.status, outcome.id, len(api.posts), len(api.models)) == (Status.DONE, 1, 1, 1)


@pytest.mark.parametrize(
    ("status", "is_transient", "end"),
    [
        (0, True, Status.UNKNOWN),
        (504, True, Status.UNKNOWN),
        (504, False, Status.UNKNOWN),
        (500, False, Status.UNKNOWN),
        (422, False, Status.FAILED),
    ],
)
def test_without_a_trace_it_is_not_sent_again(status: int, is_transient: bool, end: Status) -> None:  # noqa: FBT001 - a table's column
    """A POST that was only slow would make a second one: whoever runs it looks first."""
    api = FakeApi([])
    api.creating = _lost(status, is_open=status != 422, is_transient=is_transient)
    outcome = _made(api)

    assert (outcome.status, outcome.id, len(api.posts)) == (end, 0, 1)


def test_somebody_was_first() -> None:
    """A model of the name that came since the plan is left alone: the file means that one now."""
    api = FakeApi([])
    plan = _creation()
    api.models[9] = live(9, name="Brand new")
    (outcome,) = _apply(plan, api).outcomes

    assert (outcome.status, api.posts) == (Status.CONFLICT, [])
    assert outcome.reason == "live model 9 has the name 'Brand new' since the plan was made"
    assert outcome.hint == "plan again: the file means that one now"


def test_several_of_the_name_are_nobody_s_guess() -> None:
    """A second one came in the very moment: which is ours, a person decides."""
    api = FakeApi([])

    def crowd(fake: FakeApi) -> None:
        fake.models[9] = live(9, name="Brand new")
        _lost(0)(fake)

    api.created = crowd
    outcome = _made(api)

    assert outcome.status is Status.UNKNOWN
    assert outcome.reason.endswith("; now the live models 1, 9 have the name 'Brand new'")
    assert outcome.hint == "keep the one that was meant, and pin it with `id:`"


def test_an_answer_about_another_model_pins_nothing() -> None:
    """A proxy, or a server, that answers with whatever it likes: that id goes nowhere."""
    api = FakeApi([live(3, name="Precious")])
    api.create = lambda _: api.models[3]  # type: ignore[method-assign,assignment]
    outcome = _made(api)

    assert (outcome.status, outcome.id) == (Status.UNKNOWN, 0)
    assert outcome.reason == "the server answered with model 3, 'Precious'"


def test_what_was_not_taken_is_named() -> None:
    """The answer is compared with what was sent; the model is there all the same, and its id is told."""
    api = FakeApi([])
    api.created = lambda fake: fake.edit(1, description="")
    api_answer = api.create

    def create(body: Any) -> LiveModel:
        api_answer(body)
        return api.models[1]

    api.create = create  # type: ignore[method-assign]
    outcome = _made(api)

    assert (outcome.status, outcome.id) == (Status.FAILED, 1)
    assert outcome.reason == "the server created model 1, but did not take description"


def test_what_came_beside_a_creation_is_told() -> None:
    """Right after it, or at the end; a look that can't be had leaves it created all the same."""
    beside = "live model 1 was created, and 9 has the name 'Brand new', too"
    for at in ("at once", "later", "dark", "never"):
        api = FakeApi([])
        named, newest, looks = api.named, api.newest, [0]

        def look(
            name: str, at: str = at, named: Any = named, looks: list[int] = looks, api: FakeApi = api
        ) -> Sequence[LiveModel]:
            looks[0] += 1
            if looks[0] == 2 and at == "at once":
                api.models[9] = live(9, name=name)
            if looks[0] == 2 and at == "dark":
                message = "it can't be told"
                raise RefreshError(message)
            found: Sequence[LiveModel] = named(name)
            return found

        def end(ids: Collection[int], at: str = at, newest: Any = newest, api: FakeApi = api) -> Any:
            if at == "later":
                api.models[9] = live(9, name="Brand new")
            return newest(ids)

        api.named, api.newest = look, end  # type: ignore[method-assign]
        outcome = _made(api)
        assert (outcome.status, outcome.id, outcome.since) == (
            Status.DONE,
            1,
            beside if at in ("at once", "later") else "",
        )
        assert ("pin the one that is meant with `id:`" in outcome.hint) == bool(outcome.since)


def test_what_stands_after_a_lost_creation_may_be_another_s() -> None:
    """One of its name with another content isn't ours, as far as anybody can tell."""
    api = FakeApi([])
    api.creating = lambda fake: (fake.models.update({7: live(7, name="Brand new", query="SELECT 9")}), _lost(0)(fake))[
        0
    ]
    outcome = _made(api)

    assert (outcome.status, outcome.id) == (Status.UNKNOWN, 0)
    assert outcome.reason.endswith("; live model 7 has the name 'Brand new' now, with another query")


@pytest.mark.parametrize("is_fatal", [True, False])
def test_a_look_after_a_lost_creation_may_fail(is_fatal: bool) -> None:  # noqa: FBT001 - a case
    """Then nobody knows, and it's told why; trouble of the session ends the run."""
    api = FakeApi([])
    named = api.named

    def look(name: str) -> Sequence[LiveModel]:
        if api.posts:
            raise ApiError("GET", "/models", 401, "dark", is_fatal=is_fatal)
        return named(name)

    api.named = look  # type: ignore[method-assign]
    api.creating = _lost(0)
    outcome = _made(api)

    assert (outcome.status, outcome.is_fatal) == (Status.UNKNOWN, is_fatal)
    assert outcome.reason.endswith("; then GET /models was refused (401): dark")
    assert outcome.hint.startswith("look again in a minute")


def test_a_creation_that_always_comes_too_late_is_given_up() -> None:
    """It's looked for again each time, and nothing was sent: failed, for certain."""
    api, looks = FakeApi([]), [0]

    def late(_: FakeApi) -> None:
        looks[0] += 1
        message = "POST /models was not sent"
        raise LateError(message)

    api.creating = late
    outcome = _made(api)

    assert (outcome.status, outcome.reason, looks) == (Status.FAILED, "POST /models was not sent", [10])


# -- at the limit's pace -----------------------------------------------------------------------------------------------


class Paced(FakeApi):
    """An API that takes so many requests a minute, on a clock that sleeping moves."""

    def __init__(self, models: Collection[LiveModel], limit: int) -> None:
        super().__init__(models)
        self.limit = limit
        self.now = 1000.0
        self.asked: list[float] = []
        self.glances: list[list[int]] = []

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        assert 0 < seconds <= 1
        self.now += seconds

    def pace(self, requests: int) -> Pace:
        """The seconds until the last of so many may go."""
        if not self.limit:
            return Pace()
        rounds, place = divmod(requests - 1, self.limit)
        free = [at + 60 for at in self.asked[-self.limit :] if at + 60 > self.now]
        place -= self.limit - len(free)
        seconds = free[place] - self.now if requests and place >= 0 else 0.0
        return Pace(self.limit, seconds + 60 * rounds if requests else 0.0)

    def ask(self) -> None:
        """One request, which must not be one too many."""
        assert not self.limit or sum(at > self.now - 60 for at in self.asked) < self.limit
        self.asked.append(self.now)

    def read(self, model_id: int) -> LiveModel:
        """As asked."""
        self.ask()
        return super().read(model_id)

    def glance(self, ids: Collection[int]) -> Mapping[int, LiveModel]:
        """All but those that were deleted, and the first of the second look."""
        self.ask()
        self.glances.append(list(ids))
        return {one: self.models[one] for one in ids if one in self.models and one != 11}

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """As asked."""
        self.ask()
        return super().put(model_id, body)

    def named(self, name: str) -> Sequence[LiveModel]:
        """As asked."""
        self.ask()
        return super().named(name)

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """As asked."""
        self.ask()
        return super().create(body)

    def newest(self, ids: Collection[int]) -> Sequence[LiveModel] | None:
        """As asked."""
        self.ask()
        return super().newest(ids)


def _paced(updates: int, creations: int, limit: int) -> tuple[Report, Paced, list[Slowing]]:
    models = [live(number, name=f"m{number}") for number in range(1, updates + 1)]
    bindings = (Binding(desired(f"m{model.id:02}", name=model.name, query="SELECT 2"), model) for model in models)
    new = (desired(f"new{number}", name=f"new {number}") for number in range(creations))
    plan, api = make_plan(Bound(tuple(bindings), new=tuple(new)), TARGET), Paced(models, limit)
    events: list[Event] = []
    report = apply(
        plan, api, events.append, parallelism=1, fail_fast=False, stop=threading.Event(),
        clock=lambda: api.now, sleep=api.sleep,
    )  # fmt: skip
    return report, api, [event for event in events if isinstance(event, Slowing)]


@pytest.mark.parametrize(
    ("updates", "creations", "limit", "requests", "minutes", "glances"),
    [
        (20, 0, 0, 41, 0, []),
        (20, 0, 100, 41, 0, []),
        (50, 0, 100, 101, 1, []),
        (3, 2, 12, 13, 1, []),
        (25, 0, 100, 51, 0, []),
        (30, 1, 61, 38, 0, [[*range(1, 11)], [11, *range(12, 21)], [*range(21, 31)]]),
        (13, 0, 7, 18, 2, [[*range(1, 7)], [*range(7, 13)], [11, 12, 13]]),
        (3, 0, 2, 7, 3, [[1], [2]]),
        (0, 3, 3, 10, 3, []),
    ],
)
def test_the_limit_is_kept_and_no_request_is_spent_in_vain(
    updates: int, creations: int, limit: int, requests: int, minutes: int, glances: list[list[int]]
) -> None:
    """Where a look for each would have to wait, one looks for ten; a last one, and what it doesn't show, by itself."""
    report, api, told = _paced(updates, creations, limit)

    assert report.is_ok
    assert (len(api.puts), len(api.posts), len(api.asked)) == (updates, creations, requests)
    assert (round((api.now - 1000) / 60), api.glances) == (minutes, glances)
    assert all(event.per_minute == limit and event.changes == updates + creations for event in told)
    assert bool(told) == bool(minutes)


def test_a_wait_says_what_is_left() -> None:
    """Requests, seconds and models: of updates a look for ten is reckoned, of creations three requests for each."""
    for case, told in (
        ((13, 0, 7), [(9, 120, 6), (5, 60, 10)]),
        ((3, 0, 2), [(4, 120, 1), (3, 120, 2), (1, 60, 3)]),
        ((0, 3, 3), [(9, 180, 1), (8, 180, 2)]),
        ((3, 2, 12), [(5, 60, 5)]),
    ):
        _, _, events = _paced(*case)
        firsts = {event.done: event for event in reversed(events)}
        seen = [(one.requests, round(one.seconds), one.done) for one in firsts.values()]
        assert sorted(seen, key=lambda one: one[2])[: len(told)] == told


def test_a_run_that_is_stopped_while_it_waits_looks_at_nothing_any_more() -> None:
    """Neither does one that a failure ended; what was written is told, and that nobody looked."""
    plan, models = _world(6)[0], [live(number, name=f"m{number}") for number in range(1, 7)]
    api, stop = Paced(models, 5), threading.Event()

    def sleep(seconds: float) -> None:
        api.now += seconds
        stop.set()

    report = apply(
        plan, api, lambda _: None, parallelism=1, fail_fast=False, stop=stop, clock=lambda: api.now, sleep=sleep
    )
    assert report.unseen == "the run was ended before"
    assert report.counts() == {Status.DONE: 4, Status.NOT_ATTEMPTED: 2}

    plan, api_now = _world(2)
    api_now.hooks[2] = _raiser(422)
    assert _apply(plan, api_now, fail_fast=True).unseen == "the run was ended before"


def test_newest_models_that_take_too_long_to_read_are_told() -> None:
    """What stands at the end nobody saw; where nothing was written nobody looks."""
    plan, api = _world()
    api.newest = lambda _: None  # type: ignore[method-assign,assignment]
    assert _apply(plan, api).unseen == "the newest models fill more than three pages"

    plan, api = _world()
    api.edit(1, description="edited in the UI")
    api.newest = lambda _: pytest.fail("asked")  # type: ignore[method-assign,assignment]
    assert _apply(plan, api).unseen == ""
