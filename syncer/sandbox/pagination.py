"""Pages: `page` and `per_page` as the pager reads them, and the links to the other pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from syncer.sandbox import error_responses, number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_SIZE: Final = 10
_BIGGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are asked for. There is no largest size."""

    limit: int
    offset: int

    @property
    def number(self) -> int:
        """Which page this is, from 1."""
        return self.offset // self.limit + 1


def read(params: Mapping[str, Any]) -> Page:
    """Read the page that a request asks for. Of a number with a tail the number counts: `1e3` is 1, `2.9` is 2."""
    number = _number(params.get("page"))
    size = _size(params.get("per_page"))
    page = Page(size, (max(number, 1) - 1) * size)
    if size > _BIGGEST or page.offset > _BIGGEST:
        too_big = max(size, page.offset)
        raise error_responses.raised(
            detail=f"{too_big} is out of range for ActiveModel::Type::Integer with limit 8 bytes"
        )
    return page


def links(url: str, query: Mapping[str, Any], page: Page, total: int) -> dict[str, str | None]:
    """Build the links of a list; all other parameters of the query string are kept, sorted.

    Past the last page `next` still leads on: only the last page itself has none. An empty list has none either.
    """
    last = -(-total // page.limit)

    def link(number: int) -> str:
        return f"{url}?{to_query({**query, 'page': number, 'per_page': page.limit})}"

    return {
        "self": f"{url}?{to_query(query)}",
        "first": link(1),
        "prev": None if page.number == 1 else link(page.number - 1),
        "next": link(page.number + 1) if page.number != last and last > 1 else None,
        "last": link(max(last, 1)),
    }


def to_query(params: Mapping[str, Any], inside: str = "") -> str:
    """Write parameters as a query string, sorted as text."""
    parts = [
        _pair(f"{inside}[{name}]" if inside else name, value) for name, value in params.items() if value not in ({}, [])
    ]
    return "&".join(parts if "[]" in inside else sorted(parts))


def _pair(name: str, value: object) -> str:
    if isinstance(value, dict):
        return to_query(value, name)
    if isinstance(value, list):
        return "&".join(_pair(f"{name}[]", item) for item in value)
    return f"{quote_plus(name, safe='')}={'' if value is None else quote_plus(str(value), safe='')}"


def _number(value: object) -> int:
    if value is None or value is False:
        return 1
    return _to_i(value)


def _size(value: object) -> int:
    if value is None:
        return _DEFAULT_SIZE
    size = _to_i(value)
    # What does not begin with a digit (on any line) leaves the default: `-1`, `abc`, ` 5`, an empty text.
    text = value if isinstance(value, str) else str(value)
    if size < 0 or not any(line[:1].isascii() and line[:1].isdigit() for line in text.split("\n")):
        return _DEFAULT_SIZE
    if size == 0:
        raise error_responses.raised(detail="Current page was incalculable. Perhaps you called .per(0)?")
    return size


def _to_i(value: object) -> int:
    if isinstance(value, str):
        return number_text.leading_integer(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    raise error_responses.raised(detail=f"undefined method `to_i' for {value}")
