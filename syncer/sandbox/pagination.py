"""Pagination: `page` and `per_page` as the server reads them, the rows of that page, and the links to other pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from syncer.sandbox import error_responses, number_text, serializers
from syncer.sandbox.error_responses import Answer
from syncer.sandbox.serializers import Serializer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.sandbox.database import Row
    from syncer.sandbox.http_request import RoutedRequest

_DEFAULT_PER_PAGE: Final = 10
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are asked for. `per_page` has no cap."""

    limit: int
    offset: int

    @property
    def number(self) -> int:
        """Which page this is, from 1."""
        return self.offset // self.limit + 1


def list_rows(
    request: RoutedRequest,
    table: str,
    workspace_id: int,
    serialize: Callable[[Serializer], Callable[[Row], str]],
    **filters: Sequence[str],
) -> Answer:
    """Answer with one page of a workspace's rows; a filter is a column and the values that pass."""
    page = read_page(request.params)
    rows = request.database.newest_rows(table, workspace_id, page.limit, page.offset, **filters)
    total = request.database.count(table, workspace_id, **filters)
    resources = map(serialize(Serializer(request.database)), rows)
    return Answer(200, serializers.many(resources, links(request.url, request.query, page, total)))


def read_page(params: Mapping[str, Any]) -> Page:
    """Read the page that a request asks for. Text behind a number does not count: `1e3` is 1, `2.9` is 2."""
    number = _page(params.get("page"))
    size = _per_page(params.get("per_page"))
    page = Page(size, (max(number, 1) - 1) * size)
    if size > _LARGEST or page.offset > _LARGEST:
        too_big = max(size, page.offset)
        raise error_responses.exception_raised(
            detail=f"{too_big} is out of range for ActiveModel::Type::Integer with limit 8 bytes"
        )
    return page


def links(url: str, query: Mapping[str, Any], page: Page, total: int) -> dict[str, str | None]:
    """Build the links of a list; all other parameters of the query string are kept, sorted.

    The last page has no `next`, and a list of one page or none has none at all. Past the last page `next` leads on.
    """
    last = -(-total // page.limit)

    def link(number: int) -> str:
        return f"{url}?{_query_string({**query, 'page': number, 'per_page': page.limit})}"

    return {
        "self": f"{url}?{_query_string(query)}",
        "first": link(1),
        "prev": None if page.number == 1 else link(page.number - 1),
        "next": link(page.number + 1) if page.number != last and last > 1 else None,
        "last": link(max(last, 1)),
    }


def _query_string(params: Mapping[str, Any], inside: str = "") -> str:
    """Write parameters as a query string, sorted as text."""
    parts = [
        _pair(f"{inside}[{name}]" if inside else name, value) for name, value in params.items() if value not in ({}, [])
    ]
    return "&".join(parts if "[]" in inside else sorted(parts))


def _pair(name: str, value: object) -> str:
    if isinstance(value, dict):
        return _query_string(value, name)
    if isinstance(value, list):
        return "&".join(_pair(f"{name}[]", item) for item in value)
    return f"{quote_plus(name, safe='')}={'' if value is None else quote_plus(str(value), safe='')}"


def _page(value: object) -> int:
    if value is None or value is False:
        return 1
    return _to_integer(value)


def _per_page(value: object) -> int:
    if value is None:
        return _DEFAULT_PER_PAGE
    size = _to_integer(value)
    # Text with no line that begins with a digit leaves the default: `-1`, `abc`, ` 5`, an empty text.
    text = value if isinstance(value, str) else str(value)
    if size < 0 or not any(line[:1].isascii() and line[:1].isdigit() for line in text.split("\n")):
        return _DEFAULT_PER_PAGE
    if size == 0:
        raise error_responses.exception_raised(detail="Current page was incalculable. Perhaps you called .per(0)?")
    return size


def _to_integer(value: object) -> int:
    if isinstance(value, str):
        return number_text.leading_integer(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    raise error_responses.exception_raised(detail=f"undefined method `to_i' for {value}")
