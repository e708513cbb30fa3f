"""The endpoint of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.sandbox import login, serializers
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.workspace_access import find_workspace

if TYPE_CHECKING:
    from syncer.sandbox.http_request import RoutedRequest


def me(request: RoutedRequest) -> Answer:
    """Answer `GET /users/me`."""
    workspace_id = find_workspace(request)
    user = login.user_of(request)
    role = request.database.find_role(user["id"], workspace_id)
    return Answer(200, serializers.one(serializers.user(user, role or "")))
