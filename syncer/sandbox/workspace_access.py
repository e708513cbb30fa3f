"""Which workspace a request is about (none of the user's own: 400), and whether its role may write there (403).

The endpoints call these checks: the workspace first of all, the role only after they have found their row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.sandbox import error_responses, number_text

if TYPE_CHECKING:
    from syncer.sandbox.http_request import RoutedRequest

_MAY_WRITE: Final = ("Admin", "Member")


def find_workspace(request: RoutedRequest) -> int:
    """Return the id of the workspace that the Workspace-Id header names, if the user is a member of it."""
    workspace_id = number_text.leading_integer(request.workspace or "")  # `1abc` and `1,2` are taken as 1
    if _role(request, workspace_id) is None:
        raise error_responses.exception_raised(detail="Workspace not found")
    return workspace_id


def must_write(request: RoutedRequest, workspace_id: int) -> None:
    """Refuse a user who may only read in this workspace."""
    if _role(request, workspace_id) not in _MAY_WRITE:
        raise error_responses.application_error(403, "You are not authorized to do this action")


def _role(request: RoutedRequest, workspace_id: int) -> str | None:
    return None if request.user is None else request.database.find_role(request.user["id"], workspace_id)
