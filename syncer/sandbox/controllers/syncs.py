"""The endpoints of syncs and their runs. They only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncer.sandbox import error_responses, pagination, serializers
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.serializers import Serializer
from syncer.sandbox.workspace_access import find_workspace

if TYPE_CHECKING:
    from syncer.sandbox.http_request import RoutedRequest


def index(request: RoutedRequest) -> Answer:
    """Answer `GET /syncs`. There is no filter: not by model either."""
    return pagination.list_rows(request, "syncs", find_workspace(request), lambda serializer: serializer.sync)


def show(request: RoutedRequest) -> Answer:
    """Answer `GET /syncs/{id}`."""
    row = request.database.find("syncs", request.row_id(), find_workspace(request))
    if row is None:
        where = '"syncs"."discarded_at" IS NULL AND "syncs"."workspace_id" = $1'
        message = f"""Couldn't find Sync with 'id'="{request.params["id"]}" [WHERE {where}]"""
        raise error_responses.one_sentence(404, message)
    return Answer(200, serializers.one(Serializer(request.database).sync(row)))


def sync_runs(request: RoutedRequest) -> Answer:
    """Answer `GET /syncs/{id}/sync_runs`. Read from the server's documents and source, not recorded."""
    sync = request.database.find("syncs", request.row_id(), find_workspace(request))
    if sync is None:
        raise error_responses.application_error(404, "Sync not found")
    page = pagination.read_page(request.params)
    rows, total = request.database.sync_runs(sync["id"], page.limit, page.offset)
    links = pagination.links(request.url, request.query, page, total)
    return Answer(200, serializers.many(map(serializers.sync_run, rows), links))
