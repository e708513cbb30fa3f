"""Routes: which endpoint answers a path, and the contract that is checked before it.

Paths are matched as they were sent, before percent signs are decoded; doubled and trailing slashes do not count, and a
suffix such as `.json` (or the `.0` of `1.0`) is a format, which nothing looks at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from syncer.sandbox import contracts
from syncer.sandbox.controllers import connectors, models
from syncer.sandbox.error_responses import FrameworkError
from syncer.sandbox.params import check_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.sandbox.contracts import Contract
    from syncer.sandbox.error_responses import Answer
    from syncer.sandbox.http_request import Call

LOGIN: Final = "/api/v1/login"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table below."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    endpoint: Callable[[Call], Answer]
    contract: Contract
    needs_token: bool = True
    wrapper: str | None = None
    """The key that a bare JSON body is wrapped in."""


def _path(template: str) -> re.Pattern[str]:
    pattern = template.replace("{id}", "(?P<id>[^./?]+)")
    return re.compile(rf"/api/v1{pattern}(?:\.(?P<format>[^./?]+))?")


_READ: Final = ("GET", "HEAD")
_TABLE: Final = (
    Route(_READ, _path("/models"), models.index, contracts.page, wrapper="model"),
    Route(("POST",), _path("/models"), models.create, contracts.model_create, wrapper="model"),
    Route(_READ, _path("/models/{id}"), models.show, contracts.identified, wrapper="model"),
    Route(("PUT", "PATCH"), _path("/models/{id}"), models.update, contracts.model_update, wrapper="model"),
    Route(("DELETE",), _path("/models/{id}"), models.destroy, contracts.identified, wrapper="model"),
    Route(_READ, _path("/connectors"), connectors.connectors, contracts.connector_list),
    Route(_READ, _path("/connectors/{id}"), connectors.connector, contracts.identified),
    Route(("DELETE",), _path("/connectors/{id}"), connectors.delete_connector, contracts.identified),
    Route(_READ, _path("/syncs"), connectors.syncs, contracts.page),
    Route(_READ, _path("/syncs/{id}"), connectors.sync, contracts.identified),
    Route(_READ, _path("/syncs/{id}/sync_runs"), connectors.sync_runs, contracts.nothing),
    Route(_READ, _path("/workspaces"), connectors.workspaces, contracts.nothing),
    Route(_READ, _path("/workspaces/{id}"), connectors.workspace, contracts.identified),
    Route(_READ, _path("/users/me"), connectors.me, contracts.nothing),
    Route(("POST",), _path("/login"), connectors.log_in, contracts.login, needs_token=False),
    Route(("DELETE",), _path("/logout"), connectors.log_out, contracts.logout),
)


def normalized(path: str) -> str:
    """Return a path without doubled and trailing slashes."""
    return "/" + re.sub("/+", "/", path).strip("/")


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """Return the route of a request, and the parameters in its path. No route is a 404, with or without a token."""
    for route in _TABLE:
        if method in route.methods and (match := route.path.fullmatch(normalized(path))):
            found = {name: unquote(text, errors="surrogateescape") for name, text in match.groupdict().items() if text}
            for text in found.values():
                check_utf8(text)
            return route, found
    raise FrameworkError(404)
