"""A call: one routed request with everything that an endpoint may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncer.sandbox import error_responses, number_text, pagination, serializers
from syncer.sandbox.error_responses import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.sandbox.database import Row, Store

_MAY_WRITE = ("Admin", "Member")


@dataclass(frozen=True, slots=True)
class Call:
    """A request after its token and its contract have been checked."""

    store: Store
    user: Row | None
    params: Mapping[str, Any]
    """Query string, body and path together."""
    query: Mapping[str, Any]
    """The query string alone."""
    url: str
    """The URL as the client wrote it, without query string."""
    workspace: str | None
    """The Workspace-Id header."""
    now: float
    timestamp: Callable[[], str]
    """Makes a new time for `created_at` and `updated_at`."""

    def workspace_id(self) -> int:
        """Return the workspace of the request. Any that is not the user's own is a 400, as is none at all."""
        workspace_id = number_text.leading_integer(self.workspace or "")  # `1abc` and `1,2` are taken as 1
        if self.user is None or self.store.role(self.user["id"], workspace_id) is None:
            raise error_responses.raised(detail="Workspace not found")
        return workspace_id

    def row_id(self) -> int:
        """Return the id in the path as a number."""
        return number_text.leading_integer(self.params["id"])

    def must_write(self, workspace_id: int) -> None:
        """Refuse a user who may only read in this workspace."""
        role = None if self.user is None else self.store.role(self.user["id"], workspace_id)
        if role not in _MAY_WRITE:
            raise error_responses.refused(403, "You are not authorized to do this action")

    def listing(
        self,
        table: str,
        workspace_id: int,
        write: Callable[[serializers.Serializer], Callable[[Row], str]],
        **filters: Sequence[str],
    ) -> Answer:
        """Answer with one page of a workspace's rows."""
        page = pagination.read(self.params)
        rows = self.store.newest(table, workspace_id, page.limit, page.offset, **filters)
        total = self.store.count(table, workspace_id, **filters)
        links = pagination.links(self.url, self.query, page, total)
        return Answer(200, serializers.many(map(write(serializers.Serializer(self.store)), rows), links))
