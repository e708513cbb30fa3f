"""The endpoints of workspaces. They need no Workspace-Id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.sandbox import error_responses, login, serializers
from syncer.sandbox.error_responses import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.sandbox.database import Row
    from syncer.sandbox.http_request import RoutedRequest


def index(request: RoutedRequest) -> Answer:
    """Answer `GET /workspaces`. The list has no pages."""
    return Answer(200, serializers.many(map(serializers.workspace, _workspaces(request))))


def show(request: RoutedRequest) -> Answer:
    """Answer `GET /workspaces/{id}`."""
    for row in _workspaces(request):
        if row["id"] == request.row_id():
            return Answer(200, serializers.one(serializers.workspace(row)))
    raise error_responses.application_error(404, "Workspace not found")


def _workspaces(request: RoutedRequest) -> Sequence[Row]:
    return request.database.workspaces_of(login.user_of(request)["id"])
