"""The REST API at the edge: what is sent, what is tried again, and what every kind of trouble is called."""

from __future__ import annotations

import cProfile
import gc
import gzip
import json
import pstats
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from builders import RAW_SQL, TARGET, resource
from hypothesis import given
from hypothesis import strategies as st
from limited import Limited

from syncer.errors import ApiError, LateError, LoginError, MissingError, RefreshError, UnreadableError
from syncer.events import Pace, Requested, Slowing, Waiting
from syncer.live import paging, session
from syncer.live.api import Api
from syncer.live.error_bodies import explain
from syncer.live.rate_limit import SlidingWindow
from syncer.live.session import Options, Session
from syncer.model import Credentials
from syncer.secrets import Secret
from syncer.secrets.scrubber import Scrubber

if TYPE_CHECKING:
    from syncer.events import Event

Answer = Callable[[httpx.Request], httpx.Response]
BODY = {"model": {"name": "x"}}


class Clock:
    """A clock that sleeping moves, and nothing else."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Wire:
    """A session on a function that plays the server, and what passed over it."""

    def __init__(self, server: Answer, credentials: Credentials | None = None, **options: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.events: list[Event] = []
        self.clock = Clock()

        self.server = server
        self.clock_sleep = self.clock.sleep

        def record(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return _unread(self.server(request))

        self.session = Session(
            TARGET,
            credentials or Credentials(Secret("tok-canary")),
            self.events.append,
            Options(**options),
            transport=httpx.MockTransport(record),
            clock=self.clock,
            sleep=self._sleep,
        )
        self.api = Api(self.session)

    def _sleep(self, seconds: float) -> None:
        self.clock_sleep(seconds)


def _unread(response: httpx.Response) -> httpx.Response:
    """The same answer as it comes from a network: not read yet."""
    if not response.is_stream_consumed:
        return response
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))


def answers(*responses: httpx.Response | Exception) -> Answer:
    """A server that gives these answers in turn, the last one for ever."""
    queue = list(responses)

    def serve(_: httpx.Request) -> httpx.Response:
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return serve


def ok(data: Any = None) -> httpx.Response:
    return httpx.Response(200, content=json.dumps({"data": data}).replace("Infinity", "1e400").encode())


def test_a_request_carries_token_workspace_and_name() -> None:
    """The token goes in the header alone."""
    wire = Wire(answers(ok(resource(42))))
    wire.api.read(42)
    (request,) = wire.requests

    assert str(request.url) == "https://api.example.com/api/v1/models/42"
    assert request.headers["authorization"] == "Bearer tok-canary"
    assert request.headers["workspace-id"] == "2"
    assert request.headers["user-agent"].startswith("syncer/")


def test_a_redirect_is_an_error() -> None:
    """The token goes to the configured origin alone, so nothing is followed."""
    wire = Wire(answers(httpx.Response(302, headers={"location": "https://evil.example/models/42"})))

    with pytest.raises(ApiError, match="redirects to https://evil.example/models/42"):
        wire.api.read(42)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "trouble", [429, 502, 503, 504, httpx.ReadTimeout("t"), httpx.ReadError("r"), ConnectionResetError()]
)
def test_a_get_is_tried_again(trouble: int | Exception) -> None:
    """Whatever may pass by itself is waited for, and the waiting is told."""
    first = httpx.Response(trouble) if isinstance(trouble, int) else trouble
    wire = Wire(answers(first, first, ok(resource(42))))

    assert wire.api.read(42).id == 42
    assert len(wire.requests) == 3
    waits = [event for event in wire.events if isinstance(event, Waiting)]
    assert [wait.seconds for wait in waits] == wire.clock.slept
    assert waits[1].left == pytest.approx(120 - sum(wire.clock.slept))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 501])
def test_other_answers_are_final(status: int) -> None:
    """A refusal is not asked for twice."""
    wire = Wire(answers(httpx.Response(status, json={"error": "no"})))

    with pytest.raises(ApiError) as caught:
        wire.api.read(42)
    assert (caught.value.status, len(wire.requests)) == (status, 1)


def test_retry_after_is_obeyed() -> None:
    """As seconds, and as a date; each wait is told, with what is left of the bound."""
    wire = Wire(answers(_busy(20), _busy(100), ok(resource(42))))
    wire.api.read(42)

    assert wire.clock.slept == [20.0, 100.0]
    assert [event for event in wire.events if isinstance(event, Waiting)] == [
        Waiting("GET /models/42 was refused (429): the answer is empty", seconds, left, attempt, 5)
        for seconds, left, attempt in ((20.0, 100.0, 2), (100.0, 0.0, 3))
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("", None), ("soon", None), ("-1", None), ("1.5", None), ("20", 20.0), (" 0 ", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)  # fmt: skip
def test_what_retry_after_says(value: str | None, seconds: float | None) -> None:
    """Nothing usable is nothing; what is past is now."""
    assert session._retry_after(value) == seconds
    ahead = session._retry_after("Fri, 31 Dec 2100 23:59:59 GMT")
    assert ahead is not None
    assert ahead > 10**8


@pytest.mark.parametrize(
    ("rows", "mebibytes"), [(0, 8), (1, 8 + 1 / 16), (16, 9), (100, 14.25), (896, 64), (897, 64), (10_000, 64)]
)
def test_an_answer_may_be_as_large_as_what_is_asked_for(rows: int, mebibytes: float) -> None:
    """One model has its bound, a page one that grows with its rows, and there is an end to it."""
    assert session._largest(rows) == mebibytes * 1024 * 1024


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason", "hint", "is_final"),
    [
        (_caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "x")), "the host h.example is not known", "check api_url, and the network", True),
        (_caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_AGAIN, "x")), "the host h.example is not known", "check api_url, and the network", False),
        (_caused(httpx.ConnectError("x"), ssl.SSLError("x")), "h.example doesn't speak TLS as expected", "check api_url: https or http, and the port", True),
        (_caused(httpx.ConnectError("x"), OSError("x")), "no connection to https://h.example/x", "check api_url, the network and proxies (HTTPS_PROXY, NO_PROXY)", False),
        (httpx.ConnectTimeout("x"), "no connection to https://h.example/x", "check api_url, the network and proxies (HTTPS_PROXY, NO_PROXY)", False),
        (httpx.ReadTimeout("x"), "no answer in time", "the server may still be working on it", False),
        (TimeoutError(), "no answer in time", "the server may still be working on it", False),
        (httpx.UnsupportedProtocol("x"), "https://h.example/x is not a usable address", "check api_url: https://api.squared.ai", True),
        (httpx.InvalidURL("x"), "https://h.example/x is not a usable address", "check api_url: https://api.squared.ai", True),
        (httpx.ReadError("x"), "the connection was lost", "", False),
    ],
)  # fmt: skip
def test_trouble_on_the_way_has_its_words(error: Exception, reason: str, hint: str, is_final: bool) -> None:  # noqa: FBT001 - a case
    """What happened, what to do, and whether trying again is pointless; a cause that is its own is no endless search."""
    assert session._network_trouble(error, "https://h.example/x") == (reason, hint, is_final)
    error.__context__ = error
    assert session._network_trouble(error, "https://h.example/x")[0] == reason


@pytest.mark.parametrize(("url", "is_tls"), [("https://h.example", True), ("http://h.example", False)])
def test_a_session_s_own_transport_knows_its_bounds(url: str, is_tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a case
    """How long one answer may take in all, and whether it has to be TLS."""
    made: list[tuple[float, bool]] = []

    def transport(longest: float, *, is_tls: bool) -> httpx.MockTransport:
        made.append((longest, is_tls))
        return httpx.MockTransport(lambda _: ok(resource(42)))

    monkeypatch.setattr(session, "Transport", transport)
    scrubber = Scrubber()
    one = Session(replace(TARGET, url=url), Credentials(Secret("tok-canary")), lambda _: None, scrubber=scrubber)

    assert made == [(70.0, is_tls)]
    assert one.scrubber is scrubber


def test_a_pace_is_told_before_anything_is_asked() -> None:
    """How many requests a minute, and how long the last of so many would wait."""
    wire = Wire(answers(ok(resource(42))), requests_per_minute=3)
    wire.api.read(42)
    wire.api.read(42)

    assert [wire.api.pace(count) for count in (0, 1, 2, 4, 5)] == [
        Pace(3, seconds) for seconds in (0.0, 0.0, 60.0, 60.0, 120.0)
    ]
    assert Wire(answers(ok()), requests_per_minute=0).api.pace(1000) == Pace(0, 0.0)


def test_requests_that_have_to_wait_say_so_once() -> None:
    """With how many are to come, as far as anybody said."""
    wire = Wire(answers(ok(resource(42))), requests_per_minute=2)
    wire.session.expect(5)
    for _ in range(5):
        wire.api.read(42)

    assert [event for event in wire.events if isinstance(event, Slowing)] == [Slowing(2, 3, 120.0)]
    assert wire.clock.now == 1120.0
    assert (wire.session.now(), wire.session.moment().steady) == (1120.0, 1120.0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the answer is empty"),
        (b" \n", "the answer is empty"),
        (b" <html>", "the answer is a web page, not JSON"),
        (b'{"data": ', "the answer is not whole JSON"),
    ],
)
def test_a_good_answer_that_is_no_json_is_told(content: bytes, reason: str) -> None:
    """What was sent may have been written."""
    for is_write in (False, True):
        wire = Wire(lambda _: httpx.Response(200, content=content))
        with pytest.raises(ApiError) as caught:
            _ = wire.api.put(42, BODY) if is_write else wire.api.read(42)
        assert (caught.value.status, caught.value.reason, caught.value.is_open) == (200, reason, is_write)
        assert caught.value.hint == "check api_url, and proxies on the way"


def test_it_gives_up_where_waiting_would_pass_the_bound() -> None:
    """The bound is named, and nothing is waited for in vain."""
    wire = Wire(answers(httpx.Response(429, headers={"retry-after": "121"})))

    with pytest.raises(ApiError) as caught:
        wire.api.read(42)
    assert wire.clock.slept == []
    assert "syncer waits at most 120 s in a run without an answer" in caught.value.hint


def _busy(seconds: int) -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": str(seconds)})


def test_an_honest_wait_ends_no_run() -> None:
    """The bound counts waiting without an answer: ten minutes in all are fine as long as it gets on."""
    wire = Wire(answers(*[_busy(60), ok(resource(42))] * 10))

    assert [wire.api.read(42).id for _ in range(10)] == [42] * 10
    assert wire.clock.slept == [60.0] * 10


def test_answers_to_reading_are_no_answers_to_writing() -> None:
    """Where every PUT is one too many, the looks between them don't make it wait for ever."""
    wire = Wire(lambda request: ok(resource(42)) if request.method == "GET" else _busy(50))
    for _ in range(4):
        wire.api.read(42)
        with pytest.raises((ApiError, LateError)):
            wire.api.put(42, BODY)

    assert sum(wire.clock.slept) <= 120


def test_one_pause_holds_all_threads_and_is_charged_once() -> None:
    """Four requests are one too many at the same time: they wait for one moment, and for one line."""
    together = threading.Barrier(4)
    sent: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        if len(sent) <= 4:
            together.wait(20)
            return _busy(50)
        return ok(resource(int(request.url.path.rpartition("/")[2])))

    wire = Wire(serve)

    def sleep(seconds: float) -> None:
        # Time passes when all four of them wait.
        if together.wait(20) == 0:
            wire.clock.sleep(seconds)
        together.wait(20)

    wire.clock_sleep = sleep
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(wire.api.read(number).id), daemon=True)
        for number in range(1, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(found) == [1, 2, 3, 4]
    assert wire.clock.slept == [50.0]
    assert [event.left for event in wire.events if isinstance(event, Waiting)] == [70.0]


def test_who_waits_while_others_are_answered_loses_no_try() -> None:
    """A thread that is unlucky eight times in a row is no server that stays away."""
    tries = 0

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        if request.url.path.endswith("/42"):
            tries += 1
            if tries <= 8:
                other = threading.Thread(target=wire.api.put, args=(7, BODY), daemon=True)
                other.start()
                other.join(20)
                return _busy(1)
            return ok(resource(42))
        return ok(resource(7))

    wire = Wire(serve)

    assert wire.api.put(42, BODY).id == 42
    assert tries == 9


def test_nothing_is_written_on_a_look_of_long_ago() -> None:
    """Ten seconds after a look its PUT is held back, wherever they were lost: here or in a pause."""
    wire = Wire(answers(ok(resource(42)), _busy(20), ok(resource(42))))
    wire.api.read(42)
    with pytest.raises(LateError):
        wire.api.put(42, BODY)
    assert [request.method for request in wire.requests] == ["GET", "PUT"]
    wire.api.read(42)
    wire.clock.now += 10.5
    with pytest.raises(LateError):
        wire.api.put(42, BODY)
    wire.api.read(42)
    wire.clock.now += 9.5

    assert wire.api.put(42, BODY).id == 42
    assert [request.method for request in wire.requests] == ["GET", "PUT", "GET", "GET", "PUT"]


def test_nothing_is_repeated_so_no_try_is_counted() -> None:
    """After an open end it waits, and whoever asked looks first."""
    wire = Wire(answers(httpx.Response(504)))
    for write, path in ((wire.session.put, "/models/1"), (wire.session.post, "/models")):
        with pytest.raises(ApiError):
            write(path, BODY)

    assert [event.attempt for event in wire.events if isinstance(event, Waiting)] == [0, 0]


WRONG_WORKSPACE = {"errors": [{"detail": "There was a problem with the request format: Workspace not found"}]}


@pytest.mark.parametrize(
    ("answer", "is_fatal"),
    [
        (httpx.Response(401, json={"errors": [{"detail": "Unauthorized"}]}), True),
        (httpx.Response(403, json={"errors": [{"detail": "no"}]}), True),
        (httpx.Response(400, json=WRONG_WORKSPACE), True),
        (httpx.Response(429, headers={"retry-after": "500"}), True),
        (httpx.ConnectError("c"), True),
        (httpx.UnsupportedProtocol("u"), True),
        (httpx.Response(400, json={"errors": {"model": {"name": ["must be filled"]}}}), False),
        (httpx.Response(404, json={"error": "Couldn't find Model"}), False),
        (httpx.Response(422, json={"errors": [{"detail": "Model update failed"}]}), False),
        (httpx.Response(500), False),
        (httpx.Response(504), False),
        (httpx.ReadTimeout("t"), False),
        (httpx.Response(200, headers={"content-encoding": "br"}), False),
    ],
)
def test_what_is_said_of_the_session_and_what_of_a_model(answer: httpx.Response | Exception, is_fatal: bool) -> None:  # noqa: FBT001 - a case
    """Whoever has forty models left need not try them all to know."""
    for reads in (True, False):
        api = Wire(answers(answer), retry_seconds=0).api
        with pytest.raises(ApiError) as caught:
            _ = api.read(42) if reads else api.put(42, BODY)
        assert caught.value.is_fatal is is_fatal


def test_reading_that_is_forbidden_speaks_of_reading() -> None:
    """The hint is about what was asked for."""
    forbidden = httpx.Response(403, json={"errors": [{"detail": "no"}]})
    with pytest.raises(ApiError) as read:
        Wire(answers(forbidden)).api.read(42)
    with pytest.raises(ApiError) as written:
        Wire(answers(forbidden)).api.put(42, BODY)

    assert "chang" not in read.value.hint
    assert "Member or Admin" in written.value.hint


def test_a_refusal_costs_the_same_however_many_models_were_seen() -> None:
    """Two thousand refused PUTs after two thousand models must not look at four million."""

    def calls(count: int) -> int:
        wire = Wire(Listing(count), requests_per_minute=0)
        wire.api.fetch(())
        wire.server = answers(httpx.Response(422, json={"error": "no"}))
        # The first one looks at the secrets of all models, once.
        with pytest.raises(ApiError):
            wire.api.put(42, BODY)
        profile = cProfile.Profile()
        profile.enable()
        for _ in range(10):
            with pytest.raises(ApiError):
                wire.api.put(42, BODY)
        profile.disable()
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    assert calls(2_000) < 2 * calls(20)


def test_an_answer_is_not_kept_for_its_secrets() -> None:
    """A run of ten thousand changes gets twenty thousand answers; what it must know of each are the secrets alone."""
    secretive = resource(2, configuration={"api_key": "canary-9f3k"}, query_type="unstructured")
    wire = Wire(
        lambda request: httpx.Response(200, json={"data": secretive if "2" in request.url.path else resource(1)})
    )
    for model_id in (1, 2):
        model = wire.api.read(model_id)
        assert [one for one in gc.get_referrers(model) if not isinstance(one, FrameType)] == []
    assert "canary" not in wire.session.scrubber.quote("it says canary-9f3k")


def test_it_tries_five_times() -> None:
    """A server that stays away is given up on; the waits grow."""
    wire = Wire(answers(httpx.Response(503)))

    with pytest.raises(ApiError, match=r"GET /models/42 failed \(503\)"):
        wire.api.read(42)
    assert len(wire.requests) == 5
    assert wire.clock.slept == sorted(wire.clock.slept)


@pytest.mark.parametrize("trouble", [502, 503, 504, httpx.ReadTimeout("t"), httpx.ReadError("r")])
def test_a_put_with_an_open_end_is_not_repeated(trouble: int | Exception) -> None:
    """It may have been written: the error says so, and whoever sent it must look."""
    wire = Wire(answers(httpx.Response(trouble) if isinstance(trouble, int) else trouble))

    with pytest.raises(ApiError) as caught:
        wire.api.put(42, BODY)
    assert (caught.value.is_open, caught.value.is_transient, len(wire.requests)) == (True, True, 1)
    assert len(wire.clock.slept) == 1


def test_an_open_put_waits_as_it_is_told_before_it_is_looked_at() -> None:
    """Whoever looks and sends again comes no sooner than the server asked; past the bound it isn't transient."""
    busy = httpx.Response(503, headers={"retry-after": "70"})
    wire = Wire(answers(busy))
    seen = []
    for _ in range(2):
        with pytest.raises(ApiError) as caught:
            wire.api.put(42, BODY)
        seen.append(caught.value.is_transient)

    assert (wire.clock.slept, seen) == ([70.0], [True, False])


@pytest.mark.parametrize("trouble", [429, httpx.ConnectError("c"), httpx.ConnectTimeout("t")])
def test_a_put_that_was_not_taken_is_repeated(trouble: int | Exception) -> None:
    """Too many requests, or no connection: nothing can have been written."""
    first = httpx.Response(trouble) if isinstance(trouble, int) else trouble
    wire = Wire(answers(first, first, ok(resource(42))))

    assert wire.api.put(42, BODY).id == 42
    assert len(wire.requests) == 3


EXCEPTION = {"errors": [{"status": 400, "detail": "There was a problem with the request format: undefined method"}]}


@pytest.mark.parametrize(
    ("answer", "is_open"),
    [
        (httpx.Response(500, json={"status": 500, "error": "Internal Server Error"}), True),
        (httpx.Response(400, json=EXCEPTION), True),
        (httpx.Response(200, text='{"data": {"id": "4'), True),
        (httpx.Response(200, json={"data": {"id": "42"}}), True),
        (httpx.Response(400, json={"errors": {"model": {"name": ["must be filled"]}}}), False),
        (httpx.Response(422, json={"errors": [{"detail": "Model update failed"}]}), False),
        (httpx.Response(302, headers={"location": "/x"}), False),
    ],
)
def test_which_answers_leave_a_put_open(answer: httpx.Response, is_open: bool) -> None:  # noqa: FBT001 - a case
    """A refusal is certain; an exception, a failure and an unreadable answer are not."""
    with pytest.raises(ApiError) as caught:
        Wire(answers(answer)).api.put(42, BODY)
    assert caught.value.is_open is is_open


_DEEPER = json.loads('{"e":' * 400 + "[]" + "}" * 400)


@pytest.mark.parametrize(
    ("status", "body", "reason", "hint"),
    [
        (400, {"errors": {"model": {"name": ["must be filled"], "query": ["a", "b"]}}}, "name: must be filled; query: a; query: b", ""),
        (400, {"errors": {"id": ["must be an integer"]}}, "id: must be an integer", ""),
        (400, {"errors": {"model": ["is missing"]}}, "model: is missing", ""),
        (422, {"errors": [{"status": 422, "title": "Error", "detail": "Model update failed", "source": {"query": "can't be blank"}}]}, "Model update failed: query: can't be blank", ""),
        (422, {"errors": [{"detail": "Model update failed", "source": {"configuration": "Translation missing. Options considered were: x"}}]}, "Model update failed: configuration: does not fit its schema", "syncer validate"),
        (422, {"errors": [{"detail": "Catalog is not present for the connector"}]}, "Catalog is not present for the connector", "give the connector a catalog in the UI, or delete the model"),
        (400, {"errors": [{"status": 400, "title": "Bad Request", "detail": "There was a problem with the request format: Workspace not found", "source": {"pointer": "/request/payload"}}]}, "Workspace not found", "check workspace_id"),
        (401, {"errors": [{"status": 401, "title": "Error", "detail": "Unauthorized"}]}, "Unauthorized", "30 minutes"),
        (403, {"errors": [{"detail": "You are not authorized to do this action"}]}, "You are not authorized to do this action", "Member or Admin"),
        (404, {"error": "Couldn't find Model with 'id'=9"}, "Couldn't find Model with 'id'=9", ""),
        (404, {"status": 404, "error": "Not Found"}, "Not Found", "check api_url"),
        (500, {"status": 500, "error": "Internal Server Error"}, "Internal Server Error", "locked"),
        (429, {"error": "Too many"}, "Too many", "requests_per_minute"),
        (400, [1], "no reason given", ""),
        (404, 5, "no reason given", "check api_url"),
        (403, "status", "no reason given", "refuses this host name"),
        (400, {"errors": [3, {}], "x": 1}, "no reason given", ""),
        (422, {"errors": [{"detail": [_DEEPER], "title": 5, "source": {"query": ["a", 5, "b"], "x": _DEEPER}}]}, "query: a, b, x:", ""),
        (400, {"errors": {"model": {"a": {"b": _DEEPER}, "c": ["d"]}}}, "c: d", ""),
    ],
)  # fmt: skip
def test_error_bodies_in_words(status: int, body: Any, reason: str, hint: str) -> None:
    """All five shapes come down to one reason, and where there is something to do, it's said."""
    told = explain(status, "application/json", json.dumps(body).encode(), Scrubber())

    assert told.text == reason
    assert hint in told.hint
    assert bool(hint) == bool(told.hint)


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("text/html", b"<html><script>alert(1)</script>", "the answer is a web page, not JSON"),
        ("text/html", b"", "the answer is empty"),
        ("application/json", b"{", "the answer is not JSON"),
        ("application/json", b"[" * 100_000, "the answer is not JSON"),
    ],
)
def test_what_is_not_json_is_named_not_quoted(kind: str, body: bytes, reason: str) -> None:
    """A proxy's page is no word of the application."""
    assert explain(502, kind, body, Scrubber()).text == reason


def test_a_reason_is_never_larger_than_what_was_sent() -> None:
    """A long key beside many texts has a product that fills the memory: only its beginning is looked at."""
    body = json.dumps({"errors": {"k" * 400_000: ["a"] * 100_000}}).encode()
    tracemalloc.start()
    told = explain(422, "", body, Scrubber())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(told.text) == 300
    assert peak < 20 * 1024 * 1024


@pytest.mark.parametrize("status", [400, 403, 404, 422, 429, 500, 503])
def test_an_error_text_without_end_is_an_error_all_the_same(status: int) -> None:
    """What it says is left unread; a write counts as open, because nobody knows whether it was an exception."""
    wire = Wire(lambda _: httpx.Response(status, content=b"x" * 1024 * 1024 * 2), retry_seconds=0)

    with pytest.raises(ApiError, match=rf"\({status}\): the answer is too large") as caught:
        wire.api.put(42, BODY)
    assert (caught.value.status, caught.value.is_open) == (status, status != 429)


def test_a_long_reason_is_cut() -> None:
    """An error is one line, not a page."""
    told = explain(404, "", json.dumps({"error": "word \n" * 1000}).encode(), Scrubber())

    assert len(told.text) == 300
    assert "\n" not in told.text


# -- the token ---------------------------------------------------------------------------------------------------

PASSWORD = Credentials(email="me@example.com", password=Secret("pass-canary"))


def _login_server(valid: str) -> Answer:
    """A server whose logins give t1, t2 and so on; only `valid` opens the models."""
    tokens = iter(["t1", "t2", "t3", "t4"])

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/login"):
            return ok({"attributes": {"token": next(tokens)}})
        if request.headers["authorization"] != f"Bearer {valid}":
            return httpx.Response(401, json={"errors": [{"detail": "Unauthorized"}]})
        return ok(resource(42))

    return serve


def _paths(wire: Wire) -> list[str]:
    return [request.url.path.removeprefix("/api/v1") for request in wire.requests]


def test_it_logs_in_once_a_run() -> None:
    """The first request asks for a token, and all use it."""
    wire = Wire(_login_server("t1"), PASSWORD)
    wire.api.read(42)
    wire.api.read(42)

    assert _paths(wire) == ["/login", "/models/42", "/models/42"]
    assert json.loads(wire.requests[0].content) == {"email": "me@example.com", "password": "pass-canary"}
    assert "authorization" not in wire.requests[0].headers


def test_it_logs_in_once_more_on_a_401() -> None:
    """A token lives half an hour: a run that outlives it goes on."""
    wire = Wire(_login_server("t2"), PASSWORD)

    assert wire.api.read(42).id == 42
    assert _paths(wire) == ["/login", "/models/42", "/login", "/models/42"]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_another_refusal_is_no_reason_to_log_in_again(status: int) -> None:
    """A new token would be refused in the same way."""
    login = _login_server("t1")
    wire = Wire(
        lambda request: login(request) if request.url.path.endswith("/login") else httpx.Response(status, json={}),
        PASSWORD,
    )
    with pytest.raises(ApiError):
        wire.api.read(42)

    assert _paths(wire) == ["/login", "/models/42"]


def test_it_never_logs_in_a_third_time() -> None:
    """Two runs with one user would revoke each other's tokens for ever."""
    wire = Wire(_login_server("never"), PASSWORD)

    for _ in range(3):
        with pytest.raises(ApiError, match="401"):
            wire.api.read(42)
    assert _paths(wire).count("/login") == 2


def test_a_given_token_is_not_renewed() -> None:
    """There is nothing to renew it with."""
    wire = Wire(answers(httpx.Response(401, json={"errors": [{"detail": "Unauthorized"}]})))

    with pytest.raises(ApiError, match="401"):
        wire.api.read(42)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"errors": [{"detail": "Invalid login credentials, please try again"}]}),
        httpx.Response(503),
        httpx.ReadTimeout("t"),
        httpx.Response(200, json={"data": {}}),
    ],
)
def test_a_failed_login_is_never_tried_again(answer: httpx.Response | Exception) -> None:
    """Five failures lock the account for an hour."""
    wire = Wire(answers(answer), PASSWORD)

    with pytest.raises(LoginError) as caught:
        wire.api.read(42)
    assert len(wire.requests) == 1
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_a_login_that_is_one_too_many_waits_once() -> None:
    """It's no failed password, and the server says when to come back; a second time it's told."""
    busy = httpx.Response(429, headers={"retry-after": "20"}, json={"error": "Too many login attempts."})
    wire = Wire(answers(busy, ok({"attributes": {"token": "t1"}}), ok(resource(42))), PASSWORD)

    assert wire.api.read(42).id == 42
    assert (_paths(wire), wire.clock.slept) == (["/login", "/login", "/models/42"], [20.0])
    assert [event.attempts for event in wire.events if isinstance(event, Waiting)] == [2]
    wire = Wire(answers(busy), PASSWORD)
    with pytest.raises(LoginError, match=r"\(429\): Too many login attempts"):
        wire.api.read(42)
    assert _paths(wire) == ["/login", "/login"]


@pytest.mark.parametrize("trouble", [httpx.ConnectError("c"), httpx.ConnectTimeout("t")])
def test_a_login_that_never_arrived_is_tried_again(trouble: Exception) -> None:
    """Nobody counted it as a failure; and nobody waits for a lock that the waiting itself holds."""
    wire = Wire(answers(trouble, ok({"attributes": {"token": "t1"}}), ok(resource(42))), PASSWORD)
    thread = threading.Thread(target=wire.api.read, args=(42,), daemon=True)
    thread.start()
    thread.join(20)

    assert not thread.is_alive()
    assert _paths(wire) == ["/login", "/login", "/models/42"]


def test_a_login_without_a_network_says_what_to_check() -> None:
    """Not the password: the address."""
    with pytest.raises(LoginError) as caught:
        Wire(answers(httpx.ConnectError("c")), PASSWORD, retry_seconds=0).api.read(42)
    assert "check api_url" in caught.value.hint


def test_threads_share_one_login() -> None:
    """Eight requests at once, one token."""
    wire = Wire(_login_server("t1"), PASSWORD)
    threads = [threading.Thread(target=wire.api.read, args=(42,), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert _paths(wire).count("/login") == 1
    assert _paths(wire).count("/models/42") == 8


def test_threads_share_one_failure() -> None:
    """Eight requests that wait for one login don't become eight wrong passwords."""
    wire = Wire(answers(httpx.Response(401, json={"errors": [{"detail": "Invalid login credentials"}]})), PASSWORD)
    failed: list[LoginError] = []

    def read() -> None:
        try:
            wire.api.read(42)
        except LoginError as error:
            failed.append(error)

    threads = [threading.Thread(target=read, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(failed) == 8
    assert _paths(wire) == ["/login"]


# -- trouble on the way ------------------------------------------------------------------------------------------


def test_a_certificate_that_can_t_be_trusted_is_final() -> None:
    """It's said in words, with what to do, and not tried again."""
    error = httpx.ConnectError("tls")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    wire = Wire(answers(error))

    with pytest.raises(ApiError, match="the certificate of api.example.com can't be trusted") as caught:
        wire.api.read(42)
    assert "SSL_CERT_FILE" in caught.value.hint
    assert len(wire.requests) == 1


def test_an_answer_without_end_is_bounded() -> None:
    """A server that never stops talking is cut off."""

    def endless() -> Any:
        while True:
            wire.clock.now += 100
            yield b"x"

    wire = Wire(lambda _: httpx.Response(200, content=endless()))

    with pytest.raises(ApiError, match="the answer is too large, or takes too long"):
        wire.api.read(42)
    assert len(wire.requests) == 1


def test_requests_are_told_without_what_they_carry() -> None:
    """The debug log has method, path and status: neither headers nor bodies."""
    wire = Wire(answers(ok(resource(42))))
    wire.api.put(42, {"model": {"configuration": {"api_key": "body-canary"}}})

    assert [event for event in wire.events if isinstance(event, Requested)] == [
        Requested("PUT", "/models/42", 200, 0.0)
    ]
    assert "canary" not in repr(wire.events)


def test_live_secrets_don_t_come_out_in_errors() -> None:
    """A server that quotes a model's key back in an error doesn't make us print it."""
    keyed = resource(42, configuration={"embedding_config": {"api_key": "live-canary"}})
    wire = Wire(answers(ok(keyed), httpx.Response(404, json={"error": "no live-canary here"})))
    wire.api.read(42)

    with pytest.raises(ApiError, match=r"no \(sensitive value\) here"):
        wire.api.read(42)
    links = {"last": "https://api.example.com/api/v1/models?page=1&per_page=10000"}
    looks: list[Callable[[Api], object]] = [lambda api: api.fetch(()), lambda api: api.newest([42])]
    for look in looks:
        page = httpx.Response(200, json={"data": [keyed], "links": links})
        wire = Wire(answers(page, httpx.Response(404, json={"error": "no live-canary here"})))
        look(wire.api)
        with pytest.raises(ApiError, match=r"no \(sensitive value\) here"):
            wire.api.read(42)


def test_every_source_of_secrets_is_hidden() -> None:
    """What the environment holds and what live models hold are both kept out of errors."""
    keyed = resource(42, configuration={"embedding_config": {"api_key": "live-canary"}})
    wire = Wire(answers(ok(keyed), httpx.Response(422, json={"error": "neither live-canary nor env-canary"})))
    wire.session.scrubber.learn([Secret("env-canary")])
    wire.api.read(42)

    with pytest.raises(ApiError, match=r"neither \(sensitive value\) nor \(sensitive value\)"):
        wire.api.put(42, BODY)


# -- refresh -----------------------------------------------------------------------------------------------------


class Listing:
    """A server's list: rows in an order of its own for each page size, as ties of `updated_at` make it."""

    def __init__(self, count: int, *, most: int = 10**9, ties: Callable[[int, int], int] | None = None) -> None:
        self.rows = [resource(number, name=f"m{number}") for number in range(1, count + 1)]
        self.most, self.ties = most, ties
        self.broken: set[int] = set()
        self.sizes: list[tuple[int, int]] = []
        self.on_page: Callable[[int, int], None] = lambda _number, _size: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/api/v1/models":
            return self._show(int(request.url.path.rpartition("/")[2]))
        number, size = (int(request.url.params[key]) for key in ("page", "per_page"))
        types = request.url.params.get("query_type", "").split(",")
        size = min(size, self.most)
        self.sizes.append((number, size))
        rows = [row for row in self.rows if types == [""] or row["attributes"]["query_type"] in types]
        last = max(1, -(-len(rows) // size))
        if self.ties is not None:
            rows = [rows[self.ties(index, size) % len(rows)] for index in range(len(rows))]
        page = rows[(number - 1) * size : number * size]
        self.on_page(number, size)
        if any(int(row["id"]) in self.broken for row in page):
            return httpx.Response(400, json=EXCEPTION)
        links = {"last": f"http://internal:3000/api/v1/models?page={last}&per_page={size}", "next": "http://evil/"}
        content = json.dumps({"data": page, "links": links}).replace("Infinity", "1e400")
        return httpx.Response(200, content=content.encode())

    def _show(self, model_id: int) -> httpx.Response:
        if model_id in self.broken:
            return httpx.Response(400, json=EXCEPTION)
        found = [row for row in self.rows if row["id"] == str(model_id)]
        return ok(found[0]) if found else httpx.Response(404, json={"error": "Couldn't find Model"})


def _ids(server: Listing, declared: set[int] | None = None) -> list[int]:
    return [model.id for model in Wire(server, requests_per_minute=0).api.fetch(declared or set()).models]


@pytest.mark.parametrize("count", [0, 1, 220])
def test_one_large_page_is_enough(count: int) -> None:
    """Where the server has no maximum, one request reads all, and proves it."""
    server = Listing(count)

    assert _ids(server) == list(range(1, count + 1))
    assert len(server.sizes) == 1


@pytest.mark.parametrize(("count", "pages"), [(101, 2), (200, 2), (201, 3), (1000, 10)])
def test_capped_pages_cost_two_more(count: int, pages: int) -> None:
    """Where the server gives a hundred at most: its pages, the count, and the newest page once more."""
    server = Listing(count, most=100)

    assert _ids(server) == list(range(1, count + 1))
    assert len(server.sizes) == pages + 2


def test_a_server_that_refuses_large_pages_is_asked_for_smaller_ones() -> None:
    """A maximum may be a refusal, too."""
    server = Listing(150)

    def strict(request: httpx.Request) -> httpx.Response:
        if int(request.url.params["per_page"]) > 100:
            return httpx.Response(400, json={"errors": {"per_page": ["must be less than or equal to 100"]}})
        return server(request)

    assert len(Wire(strict, requests_per_minute=0).api.fetch(set()).models) == 150


def test_rows_that_ties_hide_are_found() -> None:
    """A page size that never shows some rows is followed by another one, until all that the server counts are there."""

    def hide_one_of_ten(index: int, size: int) -> int:
        return index - 1 if size == 10 and index % 10 == 9 else index

    server = Listing(95, most=10, ties=hide_one_of_ten)

    assert _ids(server) == list(range(1, 96))


def _hide_the_last_always(index: int, size: int) -> int:
    return max(0, index - 1) if size > 1 else 0


def test_what_can_t_be_proved_is_read_by_id_or_not_at_all() -> None:
    """If no page size shows all, the declared ids are read one by one, and the state says that it isn't all."""
    server = Listing(30, most=10, ties=_hide_the_last_always)
    state = Wire(server, requests_per_minute=0).api.fetch({30, 99})

    assert not state.complete
    assert [model.id for model in state.models] == list(range(1, 31))
    # Four rounds, each with its count, its pages and the newest one again, in pages of other sizes.
    count = (100_000_000, 1)
    assert server.sizes[:-1] == [
        *((1, 10), count, (2, 10), (3, 10), (1, 10)),
        *((1, 8), count, (2, 8), (3, 8), (4, 8), (1, 8)),
        *((1, 6), count, (2, 6), (3, 6), (4, 6), (5, 6), (1, 6)),
        *((1, 5), count, (2, 5), (3, 5), (4, 5), (5, 5), (6, 5), (1, 5)),
    ]


@pytest.mark.parametrize("move", ["delete", "touch", "create"])
def test_a_change_between_two_pages_is_noticed(move: str) -> None:
    """A row deleted, touched or made while the pages are read would hide another one: it's all read again."""
    server = Listing(30, most=10)
    pages = 0

    def once(number: int, size: int) -> None:
        nonlocal pages
        pages += size > 1
        if pages == 2 and size > 1:
            pages += 100
            if move == "delete":
                del server.rows[3]
            elif move == "touch":
                row = server.rows.pop(25)
                server.rows.insert(0, resource(int(row["id"]), name="touched"))
            else:
                server.rows.insert(0, resource(31, name="new"))

    server.on_page = once

    assert _ids(server) == sorted(int(row["id"]) for row in server.rows)


def test_a_broken_row_is_named_and_the_rest_is_read() -> None:
    """One row that turns lists into 400 doesn't hide the others; a declared one is found by its id."""
    server = Listing(66)
    for number in (5, 45, 50):
        server.rows[number - 1]["attributes"]["query_type"] = "ai_ml"
    server.broken = {45}
    state = Wire(server, requests_per_minute=0).api.fetch({45})

    assert [row.id for row in state.unreadable] == [45]
    assert "undefined method" in state.unreadable[0].reason
    assert [model.id for model in state.models] == [number for number in range(1, 67) if number != 45]
    assert state.complete


@pytest.mark.parametrize("broken", [{1}, {66}, {1, 2, 3, 64}, {30, 31}])
def test_broken_rows_that_no_file_declares_are_found(broken: set[int]) -> None:
    """The gaps between the ids tell where they must be."""
    server = Listing(66)
    server.broken = broken
    for number in broken:
        server.rows[number - 1]["attributes"]["query_type"] = "ai_ml"
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert {row.id for row in state.unreadable} == broken
    assert len(state.models) == 66 - len(broken)


def test_looking_for_broken_rows_is_bounded() -> None:
    """Ids of a hosted service are in the millions: a few gaps are tried, the others aren't even listed."""
    server = Listing(5)
    server.rows.append(resource(900_000_000, name="far"))
    server.broken = {2}
    server.rows[1]["attributes"]["query_type"] = "ai_ml"
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert [row.id for row in state.unreadable] == [None]
    assert len(state.models) == 5


@pytest.mark.parametrize(("spread", "most"), [("together", 100), ("scattered", 290)])
def test_many_broken_rows_cost_no_more_than_a_page_for_each_row(spread: str, most: int) -> None:
    """Of 300: where they stand together, little more than one request for each; scattered, about one for each row."""
    server = Listing(300)
    for row in server.rows:
        row["attributes"]["query_type"] = "ai_ml"
    server.broken = set(range(100, 165)) if spread == "together" else {37 * number % 300 + 1 for number in range(65)}
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert (len(state.models), len(state.unreadable), state.complete) == (235, 65, True)
    assert len(server.sizes) <= most


def test_a_list_of_broken_rows_without_end_is_left() -> None:
    """What was read counts, what files pin is asked for by its id, and the state says that it isn't all."""
    server = Listing(900)
    server.broken = set(range(1, 900, 3))
    state = Wire(server, requests_per_minute=0).api.fetch({1, 2, 899})

    assert not state.complete
    assert [row.id for row in state.unreadable] == [1]
    assert {2, 899} <= {model.id for model in state.models}
    assert len(server.sizes) < 450


def test_a_capped_list_is_read_around_its_broken_rows() -> None:
    """Pages of a power of two that the server gives: none is cut short, so no row is missed."""
    server = Listing(300, most=100)
    server.broken = {7, 133, 299}
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert ([row.id for row in state.unreadable], len(state.models), state.complete) == ([299, 133, 7], 297, True)


# -- pages that are too much -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "quick"), [(1_000, 300), (300, 80), (300, 30), (50, 1)])
def test_a_list_that_is_too_slow_is_asked_for_in_smaller_pages(count: int, quick: int) -> None:
    """Not five times for the same page; and it stays at pages that came in time."""
    server = Listing(count)

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/models" and len(_page_of(server, request)) > quick:
            server.sizes.append((0, int(request.url.params["per_page"])))
            raise httpx.ReadTimeout("t")
        return server(request)

    wire = Wire(serve, requests_per_minute=0)

    assert [model.id for model in wire.api.fetch(set()).models] == list(range(1, count + 1))
    late = [size for number, size in server.sizes if not number]
    assert late == sorted(set(late), reverse=True)
    assert len(late) <= 4
    assert wire.clock.slept == []
    server.sizes.clear()
    wire.api.fetch(set())
    assert not [size for number, size in server.sizes if not number]


def _page_of(server: Listing, request: httpx.Request) -> list[Any]:
    number, size = (int(request.url.params[key]) for key in ("page", "per_page"))
    return server.rows[(number - 1) * size : number * size]


def test_a_server_that_says_nothing_is_given_up_on() -> None:
    """The smallest question is asked five times; what to change is named."""
    wire = Wire(answers(httpx.ReadTimeout("t")), read_seconds=7)

    with pytest.raises(ApiError, match="GET /models failed: no answer in time") as caught:
        wire.api.fetch(set())
    assert "syncer waits 7 s for an answer (read_seconds)" in caught.value.hint
    assert len(wire.requests) == 6


def test_a_page_that_was_late_once_is_asked_for_again() -> None:
    """One stall in a hundred pages doesn't begin them anew."""
    server = Listing(1000, most=100)
    stalled: list[int] = []

    def stall(number: int, _: int) -> None:
        if number == 5 and not stalled:
            stalled.append(number)
            raise httpx.ReadTimeout("t")

    server.on_page = stall

    assert _ids(server) == list(range(1, 1001))
    assert len(server.sizes) == 13


def test_a_list_that_is_too_large_is_asked_for_in_smaller_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """More text than one answer may have: each row is read all the same."""
    monkeypatch.setattr(session, "_LARGEST_PAGE", 200_000)
    server = Listing(1000)
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert (len(state.models), state.complete) == (1000, True)
    assert [size for _, size in server.sizes][:3] == [10_000, 1, 250]


def test_a_list_that_would_fill_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pages that are small enough each: there is an end to what a run holds."""
    monkeypatch.setattr(paging, "_MOST_KEPT", 300_000)
    monkeypatch.setattr(paging, "_LARGEST_ROW", 1000)

    with pytest.raises(RefreshError, match="the list takes more than 0 MiB of memory, for 300 rows"):
        Wire(Listing(1000, most=100), requests_per_minute=0).api.fetch(set())


_DEEP = json.loads("[" * 300 + "]" * 300)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"query": "x" * 9_000_000}, "too large"),
        ({"configuration": {"a": [[]] * 300_000}}, "too large, or nested too deep"),
        ({"configuration": {"a": float("inf")}}, "a number that is too large"),
        ({"configuration": {"a": _DEEP}}, "nested too deep"),
    ],
)
def test_one_row_that_is_too_much_is_one_model_s_problem(fields: dict[str, Any], reason: str) -> None:
    """It's found, named and left out; the others are read."""
    server = Listing(40)
    server.rows[6]["attributes"] |= fields
    state = Wire(server, requests_per_minute=0).api.fetch({7})

    assert ([row.id for row in state.unreadable], len(state.models), state.complete) == ([7], 39, True)
    assert reason in state.unreadable[0].reason
    with pytest.raises(UnreadableError):
        Wire(server, requests_per_minute=0).api.read(7)


def test_a_row_that_is_nested_without_end_is_one_model_s_problem() -> None:
    """Python can't decode it at all, so its page is halved like that of a row that the server can't show."""
    server = Listing(40)
    deep = b"[" * 100_000 + b"]" * 100_000

    def serve(request: httpx.Request) -> httpx.Response:
        content = server(request).content
        own = b'"id": "7", "type": "models", '
        return httpx.Response(200, content=content.replace(own, own + b'"x":' + deep + b","))

    state = Wire(serve, requests_per_minute=0).api.fetch({7})

    assert ([row.id for row in state.unreadable], len(state.models), state.complete) == ([7], 39, True)


# -- rows that are no models -----------------------------------------------------------------------------------------


def test_an_id_that_stands_for_two_models_is_neither() -> None:
    """Shown twice alike it's one."""
    server = Listing(5)
    server.rows += [resource(3, name="another"), resource(4, name="m4")]
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert [(row.id, row.name) for row in state.unreadable] == [(3, "")]
    assert [model.id for model in state.models] == [1, 2, 4, 5]
    assert state.complete


@pytest.mark.parametrize("links", [None, {}, {"last": None}, {"last": 5}, {"last": "x"}, []])
def test_a_list_that_doesn_t_say_how_long_it_is_is_not_believed(links: Any) -> None:
    """What it shows is there; whether that is all, nobody knows."""
    rows = [resource(1), resource(2)]
    wire = Wire(answers(httpx.Response(200, json={"data": rows, "links": links})))
    state = wire.api.fetch({2})

    assert ([model.id for model in state.models], state.complete) == ([1, 2], False)


@pytest.mark.parametrize("data", [{}, {"a": []}, None, "rows", 0, [[]], [{"id": "x"}]])
def test_what_is_no_list_of_rows_is_no_empty_workspace(data: Any) -> None:
    """Nothing that can be read, and nothing that was counted: an answer of somebody else."""
    with pytest.raises(ApiError, match="not what the models API sends"):
        Wire(answers(httpx.Response(200, json={"data": data}))).api.fetch(set())


@pytest.mark.parametrize("runs", [{}, None, [{"attributes": {}}], [{"attributes": {"status": []}}], [5], "x"])
def test_runs_that_can_t_be_read_are_not_taken_for_none(runs: Any) -> None:
    """Nobody knows whether the sync runs."""
    with pytest.raises(ApiError, match="not what the models API sends"):
        Wire(answers(ok(runs))).api.is_running(1)


@pytest.mark.parametrize("read", [True, False])
def test_an_answer_about_another_model_is_no_answer(read: bool) -> None:  # noqa: FBT001 - a case
    """A cache that gives another row must not pass for the look before a PUT, nor for its answer."""
    wire = Wire(answers(ok(resource(77))))

    with pytest.raises(ApiError, match="the server answered with model 77") as caught:
        _ = wire.api.read(42) if read else wire.api.put(42, BODY)
    assert caught.value.is_open is not read


def test_an_absurd_count_ends_the_reading() -> None:
    """One row a page and a thousand million pages are no workspace."""
    links = {"last": "http://x/models?page=999999999&per_page=1"}
    wire = Wire(lambda _: httpx.Response(200, json={"data": [resource(1)], "links": links}))

    with pytest.raises(RefreshError, match="the server counts 999999999 rows, and gives 1 at once"):
        wire.api.fetch(set())
    assert len(wire.requests) == 2
    links["last"] = "http://x/models?page=2001&per_page=1"
    with pytest.raises(RefreshError, match="the server counts 2001 rows, and gives 1 at once"):
        wire.api.fetch(set())


@pytest.mark.parametrize("token", [None, {}, "", "töken", "a b", "a\r\nb", 5])
def test_a_login_that_gives_no_usable_token_fails(token: Any) -> None:
    """What can't stand in a header is no token."""
    with pytest.raises(LoginError, match="the answer holds no token"):
        Wire(answers(ok({"attributes": {"token": token}})), PASSWORD).api.read(42)


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "gzip"])
def test_a_packed_answer_is_bounded(coding: str) -> None:
    """A little gzip can hold a lot: it's unpacked up to the bound, once."""
    packed = gzip.compress(b" " * (150 * 1024 * 1024), 1)
    wire = Wire(lambda _: httpx.Response(200, headers={"content-encoding": coding}, stream=httpx.ByteStream(packed)))

    with pytest.raises(ApiError, match="too large, or takes too long"):
        wire.api.read(42)


def test_a_packed_answer_is_read() -> None:
    """Gzip is what the client asks for."""
    packed = gzip.compress(json.dumps({"data": resource(42)}).encode())
    wire = Wire(lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(packed)))

    assert wire.api.read(42).id == 42


def test_a_broken_row_of_another_type_is_read_around() -> None:
    """Should some other type break, its list is halved until the broken rows stand alone."""
    server = Listing(40)
    server.broken = {7}
    state = Wire(server, requests_per_minute=0).api.fetch(set())

    assert ([row.id for row in state.unreadable], len(state.models), state.complete) == ([7], 39, True)


def test_a_list_that_breaks_for_no_row_is_an_error() -> None:
    """No plan on half a truth."""
    answered = 0

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal answered
        answered += 1
        return httpx.Response(400, json=EXCEPTION) if answered == 1 else Listing(3)(request)

    with pytest.raises(RefreshError, match="no broken row explains it"):
        Wire(serve).api.fetch(set())


def test_a_wrong_workspace_is_not_a_broken_row() -> None:
    """The server's 400 for it says what to check, in one request."""
    detail = "There was a problem with the request format: Workspace not found"
    wire = Wire(answers(httpx.Response(400, json={"errors": [{"status": 400, "detail": detail}]})))

    with pytest.raises(ApiError, match="Workspace not found") as caught:
        wire.api.fetch({1})
    assert "check workspace_id" in caught.value.hint
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "data", [[], {}, {"data": []}, {"data": [], "links": {"last": "x"}}, {"data": [{"id": "a"}], "links": {}}, 7]
)
def test_json_that_is_no_list_is_an_error(data: Any) -> None:
    """An answer of another kind is not an empty workspace."""
    with pytest.raises(ApiError, match="not what the models API sends"):
        Wire(answers(httpx.Response(200, json=data))).api.fetch(set())


def test_a_model_that_can_t_be_shown_has_its_own_error() -> None:
    """So that whoever asked knows that it's there."""
    with pytest.raises(UnreadableError):
        Wire(answers(httpx.Response(400, json=EXCEPTION))).api.read(45)


def test_connectors_are_read_whole() -> None:
    """Through pages, like models."""
    rows = [
        {"id": str(n), "attributes": {"name": f"c{n}", "connector_type": "source", "connector_name": "Snowflake"}}
        for n in (2, 1)
    ]
    links = {"last": "https://api.example.com/api/v1/connectors?page=1&per_page=10000"}
    wire = Wire(answers(httpx.Response(200, json={"data": rows, "links": links})))

    assert [connector.id for connector in wire.api.connectors()] == [1, 2]


def test_syncs_are_read_whole() -> None:
    """By id, and nothing of them twice."""
    rows = [{"id": str(number), "attributes": {"model_id": 1, "source_id": 1}} for number in (3, 1, 2)]
    links = {"last": "https://api.example.com/api/v1/syncs?page=1&per_page=10000"}
    wire = Wire(lambda _: httpx.Response(200, json={"data": rows, "links": links}))

    assert [sync.id for sync in wire.api.syncs()] == [1, 2, 3]
    assert [request.url.path for request in wire.requests] == ["/api/v1/syncs"]


def test_a_connector_without_an_id_is_none() -> None:
    """No file can mean it."""
    rows = [{"id": one, "attributes": {"name": "c", "connector_type": "source"}} for one in ("x", "7")]
    links = {"last": "https://api.example.com/api/v1/connectors?page=1&per_page=10000"}
    wire = Wire(lambda _: httpx.Response(200, json={"data": rows, "links": links}))

    assert [connector.id for connector in wire.api.connectors()] == [7]
    assert wire.requests[0].url.path == "/api/v1/connectors"


@pytest.mark.parametrize(
    ("states", "is_running"),
    [(["success", "started"], True), (["queued"], True), (["querying"], True), (["in_progress"], True),
     (["success", "failed", "pending"], False), ([], False)],
)  # fmt: skip
def test_a_sync_is_at_work_if_a_late_run_of_it_is(states: list[str], is_running: bool) -> None:  # noqa: FBT001 - a case
    """Of the ten that began last."""
    wire = Wire(answers(ok([{"attributes": {"status": state}} for state in states])))

    assert wire.api.is_running(5) is is_running
    assert str(wire.requests[0].url) == "https://api.example.com/api/v1/syncs/5/sync_runs?page=1&per_page=10"


def test_workspaces_and_the_user_s_role_are_read() -> None:
    """By id; rows of which none has one are no workspaces."""
    rows = [{"id": one, "attributes": {"name": f"w{one}"}} for one in ("9", "x", "2")]
    assert list(Wire(answers(ok(rows))).api.workspaces().items()) == [(2, "w2"), (9, "w9")]
    assert Wire(answers(ok([]))).api.workspaces() == {}
    answered: list[Any] = [rows[1:2], {}, None]
    for odd in answered:
        with pytest.raises(ApiError, match="not what the models API sends"):
            Wire(answers(ok(odd))).api.workspaces()

    wire = Wire(answers(ok({"attributes": {"role": "Admin"}})))
    assert (wire.api.me(), wire.requests[0].url.path) == ("Admin", "/api/v1/users/me")
    with pytest.raises(ApiError, match="not what the models API sends"):
        Wire(answers(ok({"attributes": {"role": 5}}))).api.me()


def test_trouble_with_one_model_is_told_apart() -> None:
    """There is none, it can't be shown, it's shown as what no model can be, or the request itself is refused."""
    for answer, kind, is_open in (
        (httpx.Response(404, json={"error": "Couldn't find Model"}), MissingError, False),
        (httpx.Response(400, json=EXCEPTION), ApiError, True),
        (httpx.Response(403, json={"error": "no"}), ApiError, False),
        (ok({**resource(42), "attributes": {}}), ApiError, True),
    ):
        with pytest.raises(kind) as caught:
            Wire(answers(answer)).api.put(42, BODY)
        assert (type(caught.value), caught.value.is_open) == (kind, is_open)
        if kind is MissingError or answer.status_code == 200:
            with pytest.raises(MissingError if kind is MissingError else UnreadableError):
                Wire(answers(answer)).api.read(42)
    with pytest.raises(ApiError, match="its name is missing, not text") as caught:
        Wire(answers(ok({**resource(42), "attributes": {**resource(42)["attributes"], "name": None}}))).api.create(BODY)
    assert caught.value.is_open


# -- what the newest page proves -----------------------------------------------------------------------------------


def test_a_name_is_looked_for_on_the_newest_page_where_that_proves_it() -> None:
    """After the first write of ours; before it, and where too much moved, every model is read."""
    server = Limited(250, limit=0)
    api = server.api(requests_per_minute=0)
    api.fetch(())
    pages = server.count("GET")
    assert [model.id for model in api.named("m7")] == [7]
    assert server.count("GET") == 2 * pages
    api.create({"model": {**RAW_SQL, "name": "new"}})
    server.clock.sleep(30)
    before = server.count("GET")
    server.edit(9, name="new")
    server.edit(8, name="gone")
    for name, ids in (("new", [9, 251]), ("m8", []), ("m9", []), ("gone", [8]), ("m7", [7])):
        assert [model.id for model in api.named(name)] == ids
    assert server.count("GET") == before + 5
    for number in range(1, 130):
        server.edit(number, description="a script")
    assert [model.id for model in api.named("m249")] == [249]
    assert server.count("GET") == before + 6 + pages


def test_a_name_can_not_be_told_where_a_model_can_not_be_read() -> None:
    """It might be that one's."""
    server = Listing(3)
    server.rows[1]["attributes"]["name"] = None
    with pytest.raises(RefreshError, match="syncer can't tell whether a model named 'm1' exists"):
        Wire(server).api.named("m1")
    server.rows[1]["attributes"].update(name="other", query=5)
    assert [model.id for model in Wire(server).api.named("m1")] == [1]


def test_a_look_holds_for_ten_seconds() -> None:
    """One of several, of one model, or for a name: after that nothing is written that relies on it."""
    server = Limited(30, limit=0)
    api = server.api(requests_per_minute=0)
    api.fetch(())
    assert api.glance([1, 2]) == {}
    first = api.read(1)
    api.put(1, {"model": {"query": "SELECT 2"}})
    shown = api.glance([1, 2, 99])
    assert (set(shown), shown[1].fields["query"], first.id) == ({1, 2}, "SELECT 2", 1)
    server.clock.sleep(9)
    api.put(2, {"model": {"query": "SELECT 2"}})
    server.clock.sleep(1.1)
    with pytest.raises(LateError, match="PUT /models/1 was not sent"):
        api.put(1, {"model": {"query": "SELECT 3"}})
    api.named("new")
    server.clock.sleep(10.1)
    with pytest.raises(LateError, match="POST /models was not sent"):
        api.create({"model": {**RAW_SQL, "name": "new"}})
    assert (server.count("PUT"), server.count("POST")) == (2, 0)


@pytest.mark.parametrize(
    ("ids", "found", "pages", "others"),
    [
        ([], [*range(1, 101)], 1, 0),
        ([*range(1, 101)], [*range(1, 101)], 1, 0),
        ([101], [*range(1, 102)], 1, 1),
        ([*range(101, 126)], [*range(1, 126)], 1, 25),
        ([*range(101, 127)], None, 1, 0),
        ([*range(1, 301)], [*range(1, 301)], 3, 0),
        ([*range(1, 302)], None, 1, 0),
        ([*range(1, 100), 999], [*range(1, 101)], 1, 1),
    ],
)
def test_the_newest_models_are_read_down_to_those_that_were_written(
    ids: list[int], found: list[int] | None, pages: int, others: int
) -> None:
    """On three pages at most; up to twenty-five that aren't there are looked at by themselves, and one may be gone."""
    server = Limited(400, limit=0)
    rows = server.api(requests_per_minute=0).newest(ids)

    assert (None if rows is None else sorted(row.id for row in rows)) == found
    assert server.asked.count(("GET", "/models")) == pages
    assert len(server.asked) == pages + others


# -- how fast ----------------------------------------------------------------------------------------------------


@given(st.integers(1, 7), st.lists(st.tuples(st.floats(0, 40), st.floats(0, 90)), max_size=40))
def test_no_minute_of_the_server_has_more_than_the_limit(limit: int, requests: list[tuple[float, float]]) -> None:
    """Whenever requests come, and however long each takes: in no minute do more than so many arrive."""
    clock = Clock()
    window = SlidingWindow(limit, clock, clock.sleep)
    arrived: list[float] = []
    for idle, seconds in requests:
        clock.now += idle
        expected = window.delay(1)
        before = clock.now
        window.enter(lambda: None)
        assert clock.now - before == pytest.approx(expected, abs=0.01)
        # It arrives at the latest when it's answered.
        clock.now += seconds
        arrived.append(clock.now)
        window.leave(was_sent=True)

    for first, later in zip(arrived, arrived[limit:], strict=False):
        assert later - first >= 60


def test_the_limit_is_a_hundred_at_once_and_a_hundred_a_minute_later() -> None:
    """A burst, then nothing until the first of it is a minute old; and what is to come can be told before."""
    clock = Clock()
    window = SlidingWindow(100, clock, clock.sleep)
    assert [window.delay(count) for count in (0, 1, 100, 101, 200, 201)] == [0, 0, 0, 60, 60, 120]
    slowed: list[float] = []
    went = []
    for _ in range(250):
        window.enter(lambda: slowed.append(clock.now))
        went.append(clock.now - 1000)
        window.leave(was_sent=True)

    assert went == [0] * 100 + [60] * 100 + [120] * 50
    assert len(slowed) == 2


def test_what_was_not_sent_after_all_takes_no_place() -> None:
    """A request that came too late leaves its place to the next."""
    clock = Clock()
    window = SlidingWindow(1, clock, clock.sleep)
    window.enter(lambda: None)
    window.leave(was_sent=False)

    assert window.delay(1) == 0


def test_no_limit_is_no_limit() -> None:
    """0 switches it off, but what the server said holds."""
    clock = Clock()
    window = SlidingWindow(0, clock, clock.sleep)
    for _ in range(500):
        window.enter(lambda: None)
        window.leave(was_sent=True)
    assert clock.slept == []
    assert (window.hold(20), window.hold(5), window.delay(7)) == (20, 0, 20)
    window.enter(lambda: None)

    assert clock.slept == [20]
