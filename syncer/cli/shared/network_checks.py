"""Check the network down to the API, layer by layer, and look up a user's workspaces. It only reads."""

from __future__ import annotations

import os
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from syncer import config
from syncer.errors import ApiError, SyncerError
from syncer.live import connectivity
from syncer.live.api import Api
from syncer.live.session import Options, Session
from syncer.model import Credentials, Target, shortlist
from syncer.render.terminal.doctor import Check, State
from syncer.transport import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from syncer.events import Tell
    from syncer.secrets.scrubber import Scrubber

MOST_LISTED: Final = 10
"""How many workspaces, ids or variables are listed."""

_PATIENCE: Final = 30
"""Seconds of waiting between tries: who asks what is wrong wants to know it soon."""


def in_turn(steps: Iterable[tuple[str, Callable[[], Check]]]) -> Iterator[Check]:
    """One step after the other; behind the first that fails there is no use in looking."""
    is_open = True
    for layer, look in steps:
        check = _looked(layer, look) if is_open else skipped(layer)
        is_open = is_passed(check)
        yield check


def _looked(layer: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except SyncerError as error:
        if isinstance(error, ApiError) and error.status == HTTPStatus.TOO_MANY_REQUESTS:
            # That says nothing of this layer.
            return Check(layer, State.SKIPPED, "not known: asked too often (429)")
        return Check(layer, State.FAILED, error.what, error.hint)


def skipped(layer: str) -> Check:
    """The check of a layer that there is no use in looking at."""
    return Check(layer, State.SKIPPED, "not checked")


def is_passed(check: Check) -> bool:
    """Whether what lies behind a layer can be reached."""
    return check.state in {State.OK, State.WARNING}


# -- what needs neither credentials nor a workspace ------------------------------------------------------------------


def reach(target: Target, numbers: config.Numbers, tell: Tell, scrubber: Scrubber) -> Iterator[Check]:
    """The layers down to the API itself, and whether it's the models API: without credentials."""

    def asked(layer: str, ask: Callable[[Route], str]) -> tuple[str, Callable[[], Check]]:
        def look() -> Check:
            config.check_proxies(os.environ)
            return Check(layer, State.OK, ask(Route.of(target.url)))

        return layer, look

    def tls() -> Check:
        route = Route.of(target.url)
        if route.is_tls:
            config.check_certificates(os.environ)
            return Check("TLS", State.OK, connectivity.shake_hands(route, numbers.connect_seconds))
        if config.is_in_clear(target.url):
            return Check(
                "TLS", State.WARNING, "plain http: others on the network can read the token", "write https in api_url"
            )
        return Check("TLS", State.OK, "plain http, on this machine alone")

    def greeted(_: Route) -> str:
        with _session(target, Credentials(), numbers, tell, scrubber) as session:
            return connectivity.greet(session)

    return in_turn(
        (
            asked("DNS", connectivity.resolve),
            asked("connection", lambda route: connectivity.connect(route, numbers.connect_seconds)),
            ("TLS", tls),
            asked("host", greeted),
        )
    )


def workspaces(
    target: Target, credentials: Credentials, numbers: config.Numbers, tell: Tell, scrubber: Scrubber
) -> Mapping[int, str]:
    """The workspaces of a user: id → name. Logs in once if it has to. Raises ApiError."""
    with _session(target, credentials, numbers, tell, scrubber) as session:
        return Api(session).workspaces()


def _session(
    target: Target, credentials: Credentials, numbers: config.Numbers, tell: Tell, scrubber: Scrubber
) -> Session:
    short = impatient(numbers)
    options = Options(short.requests_per_minute, short.connect_seconds, short.read_seconds, short.retry_seconds)
    return Session(target, credentials, tell, options, scrubber=scrubber)


def impatient(numbers: config.Numbers) -> config.Numbers:
    """The numbers of a run that doesn't try for long."""
    return replace(numbers, retry_seconds=min(numbers.retry_seconds, _PATIENCE))


def listed(workspaces: Mapping[int, str]) -> str:
    """Workspaces in a sentence."""
    return shortlist((f"{number} ({name})" for number, name in workspaces.items()), MOST_LISTED)
