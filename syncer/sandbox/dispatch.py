"""Dispatching: from the facts of a request to its answer, in the order of checks that clients can see.

* foreign Host 403, too many logins 429, no route 404, bytes that are no UTF-8 400, token 401, malformed JSON 400
* contract 400
* the endpoint's own: workspace 400, not found 404, catalog 422, role 403, empty 422, invalid 422
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syncer.sandbox import error_responses, login, params, routes
from syncer.sandbox.error_responses import Answer, FrameworkError, RefusedError
from syncer.sandbox.http_request import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.sandbox.database import Store
    from syncer.sandbox.http_response import Facts
    from syncer.sandbox.login import Throttle

# The hosted service's names, and this machine's.
_HOSTS: Final = re.compile(
    r"(?:(?:[a-z0-9-]+\.)?(?:staging\.)?squared\.ai|localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", re.IGNORECASE
)
_HEALTHY: Final = '<!DOCTYPE html><html><body style="background-color: green"></body></html>'


def answer(facts: Facts, store: Store, throttle: Throttle, now: float, timestamp: Callable[[], str]) -> Answer:
    """Answer a request. What was written before a refusal stays written, as on the real server."""
    try:
        return _answer(facts, store, throttle, now, timestamp)
    except RefusedError as error:
        return error.answer
    except FrameworkError as error:
        return error_responses.framework(error.status, wants_json=facts.wants_json)


def _answer(facts: Facts, store: Store, throttle: Throttle, now: float, timestamp: Callable[[], str]) -> Answer:
    path = routes.normalized(facts.path)
    if path != "/" and not _is_own_host(facts):
        return Answer(403, content_type="text/html; charset=UTF-8")
    if facts.method == "POST" and path == routes.LOGIN:
        too_many = throttle.count(login.client_address(facts.remote, facts.forwarded_for))
        if too_many is not None:
            return too_many
    if facts.method in ("GET", "HEAD") and path in ("/", "/up"):
        return Answer(200, _HEALTHY, "text/html; charset=utf-8")
    route, in_path = routes.find(facts.method, facts.path)
    given = params.read(facts.query, facts.body, in_path, wrapper=route.wrapper)
    user = login.current_user(store, facts.authorization, now) if route.needs_token else None
    errors = route.contract(given.merged)
    if errors:
        raise error_responses.contract(errors)
    call = Call(
        store=store,
        user=user,
        params=given.merged,
        query=given.query,
        url=facts.url,
        workspace=facts.workspace,
        now=now,
        timestamp=timestamp,
    )
    return route.endpoint(call)


def _is_own_host(facts: Facts) -> bool:
    return all(_HOSTS.fullmatch(host) for host in (facts.host, facts.forwarded_host) if host)
