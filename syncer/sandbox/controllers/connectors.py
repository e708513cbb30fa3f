"""The endpoints of connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.sandbox import error_responses, pagination, serializers
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.serializers import Serializer
from syncer.sandbox.workspace_access import find_workspace, must_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncer.sandbox.database import Row
    from syncer.sandbox.http_request import RoutedRequest

# What `category=data` and the like stand for. The server calls any other word as a method; here it raises.
_CATEGORIES: Final = {
    "data": (
        "Data Warehouse",
        "Retail",
        "Data Lake",
        "Database",
        "Marketing Automation",
        "CRM",
        "Ad-Tech",
        "Team Collaboration",
        "Productivity Tools",
        "Payments",
        "File Storage",
        "HTTP",
        "Customer Support",
        "data",
    ),
    "ai_ml": ("AI Model",),
}
_SUB_CATEGORIES: Final = {
    "llm": ("LLM",),
    "database": ("Relational Database", "database"),
    "web": ("Web Scraper",),
    "ai_ml_service": ("AI_ML Service",),
    "vector": ("Vector Database",),
}


def index(request: RoutedRequest) -> Answer:
    """Answer `GET /connectors`."""
    workspace_id = find_workspace(request)
    filters: dict[str, Sequence[str]] = {}
    if request.params.get("type"):
        filters["connector_type"] = (request.params["type"].lower(),)
    for name, meanings in (("category", _CATEGORIES), ("sub_category", _SUB_CATEGORIES)):
        word = request.params.get(name)
        if word is not None:
            meaning = meanings.get(word.lower()) if isinstance(word, str) else None
            if meaning is None:
                message = f"undefined method `{word}' for an instance of ActiveRecord::Relation"
                raise error_responses.exception_raised(detail=message)
            filters[name] = meaning
    return pagination.list_rows(request, "connectors", workspace_id, lambda serializer: serializer.connector, **filters)


def show(request: RoutedRequest) -> Answer:
    """Answer `GET /connectors/{id}`."""
    row = _find(request, find_workspace(request))
    return Answer(200, serializers.one(Serializer(request.database).connector(row)))


def destroy(request: RoutedRequest) -> Answer:
    """Answer `DELETE /connectors/{id}`. Its models are deleted as well."""
    workspace_id = find_workspace(request)
    row = _find(request, workspace_id)
    must_write(request, workspace_id)
    request.database.delete_connector(row["id"])
    return Answer(204, content_type=None)


def _find(request: RoutedRequest, workspace_id: int) -> Row:
    row = request.database.find("connectors", request.row_id(), workspace_id)
    if row is None:
        raise error_responses.application_error(404, "Connector not found")
    return row
