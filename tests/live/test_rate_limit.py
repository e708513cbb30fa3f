"""The documented limit: a hundred requests a minute, and what an apply does with them. On a clock of its own."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest
from builders import RAW_SQL, TARGET, document
from limited import Limited

from syncer import workflow
from syncer.applying.outcome import Report, Status
from syncer.events import Slowing, Waiting
from syncer.plan.limits import Limits

if TYPE_CHECKING:
    from syncer.live.api import Api
    from syncer.plan.planner import Planned

ALL = Limits(100)
NEW = {**RAW_SQL, "query": "SELECT user_id FROM people"}


def _plan(api: Api, changed: int, created: int = 0) -> Planned:
    documents = [document(f"m{number:04}", **{**NEW, "name": f"m{number}"}) for number in range(1, changed + 1)]
    documents += [document(f"new{number:04}", **{**NEW, "name": f"new {number}"}) for number in range(1, created + 1)]
    return workflow.plan(documents, api, TARGET, lambda _: None, ALL, create=True)


def _apply(server: Limited, planned: Planned, api: Api, parallelism: int = 4) -> Report:
    stop = threading.Event()
    return workflow.apply(
        planned, api, server.events.append, ALL, parallelism=parallelism, fail_fast=False, stop=stop,
        clock=server.clock, sleep=server.clock.sleep,
    )  # fmt: skip


@pytest.mark.parametrize(("window", "parallelism"), [("sliding", 1), ("fixed", 4)])
@pytest.mark.parametrize(
    ("models", "changed", "created", "most"),
    [(1_000, 50, 0, 80), (1_000, 200, 0, 245), (1_000, 0, 50, 180), (300, 40, 10, 90), (5_000, 1, 0, 60)],
)
def test_all_is_done_in_the_time_that_the_limit_takes(
    models: int, changed: int, created: int, most: int, window: str, parallelism: int
) -> None:
    """No request is one too many, few are more than the writes, and no time is lost beside that of the limit."""
    server = Limited(models, window=window)
    began = server.clock.now
    api = server.api()
    planned = _plan(api, changed, created)
    report = _apply(server, planned, api, parallelism)
    requests, seconds = len(server.asked), server.clock.now - began

    assert (report.is_ok, report.unseen, len(report.outcomes)) == (True, "", changed + created)
    assert server.refused == 0
    assert requests <= most
    assert seconds <= 1.15 * ((requests - 1) // 100) * 60 + 10
    assert (server.count("PUT"), server.count("POST")) == (changed, created)


def test_a_window_that_somebody_else_filled_is_waited_for() -> None:
    """The limit is the token's, not the run's: what another program asked is waited out, and all is done."""
    server = Limited(400)
    server.arrived = [server.clock.now - 50 + number / 2 for number in range(100)]
    api = server.api()
    report = _apply(server, _plan(api, 100), api)

    assert report.is_ok
    assert server.refused > 0
    assert any(isinstance(event, Waiting) for event in server.events)


def test_it_says_what_is_left_while_it_waits() -> None:
    """How many models are done, how many requests are left, and how long they take."""
    server = Limited(1_000)
    api = server.api()
    _apply(server, _plan(api, 200), api)
    told = [event for event in server.events if isinstance(event, Slowing) and event.changes]

    assert told[0].per_minute == 100
    assert told[0].changes == 200
    assert 60 <= told[0].done <= 80
    assert told[0].requests == pytest.approx((200 - told[0].done) * 1.1 + 1, abs=1)
    assert 100 <= told[0].seconds <= 121
    assert [event.done for event in told] == sorted(event.done for event in told)
    # It counts down, second by second, and ends about when it said.
    assert all(1 <= a.seconds - b.seconds <= 2 for a, b in pairwise(told[:40]))


@pytest.mark.parametrize("at", [0, 1, 7, 28, 59])
def test_an_edit_of_somebody_else_is_seen_by_the_look_of_several(at: int) -> None:
    """Wherever it comes among two hundred PUTs: it's a conflict, or came after its PUT and is told at the end."""
    server = Limited(1_000)
    api = server.api()
    planned = _plan(api, 200)
    puts = 0

    def meddle(method: str, _path: str) -> None:
        nonlocal puts
        puts += method == "PUT"
        if method == "PUT" and puts == at + 1:
            for number in (1, 60, 120, 200):
                server.edit(number, description="edited in the UI")

    server.on = meddle
    report = _apply(server, planned, api)
    ends = {outcome.change.id: outcome for outcome in report.outcomes}

    for number in (1, 60, 120, 200):
        overtaken = ends[number].status is Status.DONE and "changed again since: description" in ends[number].since
        put = ends[number].status is Status.CONFLICT and "description" in ends[number].reason
        # A look of several holds for the PUTs of ten seconds: of those few only it's the end that tells.
        assert overtaken or put
        assert server.rows[number]["attributes"]["description"] == "edited in the UI"
    assert ends[200].status is Status.CONFLICT


def test_more_than_a_page_of_edits_is_no_proof() -> None:
    """Where others move more rows than a page shows, every model is looked at by itself again."""
    server = Limited(1_000)
    api = server.api()
    planned = _plan(api, 150)
    puts = 0

    def meddle(method: str, _path: str) -> None:
        nonlocal puts
        puts += method == "PUT"
        if method == "PUT" and puts == 30:
            server.edit(149, description="edited in the UI")
            for number in range(500, 620):
                server.edit(number, description="a script")

    server.on = meddle
    report = _apply(server, planned, api)

    assert [outcome.change.id for outcome in report.outcomes if outcome.status is Status.CONFLICT] == [149]
    assert report.counts()[Status.DONE] == 149
    assert sum(method == "GET" and path.startswith("/models/") for method, path in server.asked) >= 100


def test_creations_read_one_list() -> None:
    """And then the newest page before and after each POST, however many models there are."""
    server = Limited(1_500, page=10_000)
    api = server.api()
    report = _apply(server, _plan(api, 0, 5), api)

    assert report.is_ok
    # The plan's list, the list before the first POST; syncs; the page before each other POST, after each, and at the end.
    assert (server.count("POST"), server.count("GET")) == (5, 2 + 1 + 4 + 5 + 1)


def test_a_second_model_of_the_name_is_named() -> None:
    """Somebody else makes it in the same moment: one of the two is too many, and a person has to say which."""
    server = Limited(300)
    api = server.api()
    planned = _plan(api, 0, 3)

    def meddle(method: str, _path: str) -> None:
        if method == "POST" and server.count("POST") == 2:
            server.edit(900, name="new 2")

    server.on = meddle
    report = _apply(server, planned, api)

    assert [outcome.status for outcome in report.outcomes] == [Status.DONE] * 3
    assert [bool(outcome.since) for outcome in report.outcomes] == [False, True, False]
    assert "900 has the name 'new 2', too" in report.outcomes[1].since
    assert not report.is_ok


@pytest.mark.parametrize(("changed", "unseen"), [(300, ""), (301, "the newest models fill more than three pages")])
def test_the_look_at_the_end_has_three_pages(changed: int, unseen: str) -> None:
    """What is more it says it didn't look at."""
    server = Limited(400, limit=0)
    api = server.api(requests_per_minute=0)
    report = _apply(server, _plan(api, changed), api)

    assert (report.is_ok, report.unseen) == (True, unseen)


def test_a_busy_server_without_a_limit_of_ours_is_looked_at_model_by_model() -> None:
    """A pause that the server asked for is no reason to look for several at once."""
    server = Limited(400, limit=0)
    api = server.api(requests_per_minute=0)
    planned = _plan(api, 30)
    answered = 0

    def busy(method: str, _path: str) -> httpx.Response | None:
        nonlocal answered
        answered += method == "PUT"
        return httpx.Response(429, headers={"retry-after": "3"}) if method == "PUT" and answered == 5 else None

    server.on = busy
    report = _apply(server, planned, api, 1)

    assert report.is_ok
    assert sum(method == "GET" and path.startswith("/models/") for method, path in server.asked) == 30
