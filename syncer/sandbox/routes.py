"""Routes: the checks that come before an endpoint, in order, and which endpoint and contract belong to a path.

Paths are matched as they were sent, before percent signs are decoded. Doubled and trailing slashes do not count, and a
suffix such as `.json` (or the `.0` of `1.0`) is a format, which is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from syncer.sandbox import contracts, error_responses, login, params
from syncer.sandbox.controllers import connectors, models, syncs, users, workspaces
from syncer.sandbox.error_responses import Answer, FrameworkError, RefusedError
from syncer.sandbox.http_request import RoutedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.sandbox.contracts import Contract
    from syncer.sandbox.database import Database
    from syncer.sandbox.http_request import HttpRequest
    from syncer.sandbox.login import LoginLimit

# The hosted service's names, and this machine's.
_HOSTS: Final = re.compile(
    r"(?:(?:[a-z0-9-]+\.)?(?:staging\.)?squared\.ai|localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", re.IGNORECASE
)
_LOGIN: Final = "/api/v1/login"
_HEALTHY: Final = '<!DOCTYPE html><html><body style="background-color: green"></body></html>'


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table below."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    endpoint: Callable[[RoutedRequest], Answer]
    contract: Contract
    needs_token: bool = True
    wrapper: str | None = None
    """The key that a bare JSON body is wrapped in."""


def _path(template: str) -> re.Pattern[str]:
    pattern = template.replace("{id}", "(?P<id>[^./?]+)")
    return re.compile(rf"/api/v1{pattern}(?:\.(?P<format>[^./?]+))?")


_READ: Final = ("GET", "HEAD")
_TABLE: Final = (
    Route(_READ, _path("/models"), models.index, contracts.page_number, wrapper="model"),
    Route(("POST",), _path("/models"), models.create, contracts.model_create, wrapper="model"),
    Route(_READ, _path("/models/{id}"), models.show, contracts.row_id, wrapper="model"),
    Route(("PUT", "PATCH"), _path("/models/{id}"), models.update, contracts.model_update, wrapper="model"),
    Route(("DELETE",), _path("/models/{id}"), models.destroy, contracts.row_id, wrapper="model"),
    Route(_READ, _path("/connectors"), connectors.index, contracts.connector_list),
    Route(_READ, _path("/connectors/{id}"), connectors.show, contracts.row_id),
    Route(("DELETE",), _path("/connectors/{id}"), connectors.destroy, contracts.row_id),
    Route(_READ, _path("/syncs"), syncs.index, contracts.page_number),
    Route(_READ, _path("/syncs/{id}"), syncs.show, contracts.row_id),
    Route(_READ, _path("/syncs/{id}/sync_runs"), syncs.sync_runs, contracts.anything),
    Route(_READ, _path("/workspaces"), workspaces.index, contracts.anything),
    Route(_READ, _path("/workspaces/{id}"), workspaces.show, contracts.row_id),
    Route(_READ, _path("/users/me"), users.me, contracts.anything),
    Route(("POST",), _path("/login"), login.log_in, contracts.login, needs_token=False),
    Route(("DELETE",), _path("/logout"), login.log_out, contracts.row_id),
)


def respond(
    request: HttpRequest, database: Database, login_limit: LoginLimit, now: float, timestamp: Callable[[], str]
) -> Answer:
    """Answer a request. What was written before a refusal stays written, as on the real server."""
    try:
        return _respond(request, database, login_limit, now, timestamp)
    except RefusedError as error:
        return error.answer
    except FrameworkError as error:
        return error_responses.framework_error(error.status, wants_json=request.wants_json)


def _respond(
    request: HttpRequest, database: Database, login_limit: LoginLimit, now: float, timestamp: Callable[[], str]
) -> Answer:
    path = _normalized(request.path)
    if path != "/" and not _is_own_host(request):
        return Answer(403, content_type="text/html; charset=UTF-8")
    if request.method == "POST" and path == _LOGIN:
        too_many = login_limit.count(login.client_address(request.remote, request.forwarded_for))
        if too_many is not None:
            return too_many
    if request.method in ("GET", "HEAD") and path in ("/", "/up"):
        return Answer(200, _HEALTHY, "text/html; charset=utf-8")
    route, in_path = _find(request.method, path)
    given = params.read(request.query, request.body, in_path, wrapper=route.wrapper)
    user = login.current_user(database, request.authorization, now) if route.needs_token else None
    errors = route.contract(given.merged)
    if errors:
        raise error_responses.contract_broken(errors)
    routed = RoutedRequest(
        database=database,
        user=user,
        params=given.merged,
        query=given.query,
        url=request.url,
        workspace=request.workspace,
        now=now,
        timestamp=timestamp,
    )
    return route.endpoint(routed)


def _normalized(path: str) -> str:
    """Return a path without doubled and trailing slashes."""
    return "/" + re.sub("/+", "/", path).strip("/")


def _is_own_host(request: HttpRequest) -> bool:
    return all(_HOSTS.fullmatch(host) for host in (request.host, request.forwarded_host) if host)


def _find(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """Return the route of a request, and the parameters in its path. No route is a 404, with or without a token."""
    for route in _TABLE:
        if method in route.methods and (match := route.path.fullmatch(path)):
            found = {name: unquote(text, errors="surrogateescape") for name, text in match.groupdict().items() if text}
            for text in found.values():
                params.check_utf8(text)
            return route, found
    raise FrameworkError(404)
