"""Applying: exactly the plan, one model at a time looked at, and a true word about each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from builders import RAW_SQL, TARGET, FakeApi, desired, live
from hypothesis import given
from hypothesis import strategies as st

from syncer.applying.applier import Report, Status, apply
from syncer.errors import ApiError, LateError
from syncer.events import Modified, Modifying
from syncer.model import Binding, Bound
from syncer.plan.planner import Plan, make_plan
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

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
