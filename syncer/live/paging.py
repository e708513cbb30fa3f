"""Lists read completely, page by page, in few requests; or not at all.

The server sorts its lists by `updated_at` alone: where that ties, pages show some rows twice and others never, for
good. One page that holds everything is a proof in itself. Several pages prove to be everything when their rows are
as many as the server counts, all different, and when the newest page stands unchanged at the end: a change or a
creation would have moved it, a deletion would have shown in the count.

A page that is too large, or takes too long, is asked for in smaller ones. A row that the server can't show, or shows
as nothing that can be read, takes its whole page along: it's narrowed down until the rows around it are read.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field, fields, is_dataclass
from http import HTTPStatus
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from syncer.errors import ApiError, Excess, RefreshError
from syncer.live.error_bodies import is_wrong_workspace
from syncer.secrets import Secret
from syncer.transport import ExcessError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from syncer.live.session import Session
    from syncer.model import Json

_LARGE: Final = 10_000
"""Rows asked for at once. The open-source server has no maximum; the hosted one is said to give 100."""

DOCUMENTED: Final = 100
"""The largest page that the hosted service's documents promise. If it's still too large, single rows are."""

_SHRINKING: Final = 4
"""The next page has a quarter of the rows."""

_ROUNDS: Final = 4
"""How often a list is read, each time in pages of another size, before it counts as unprovable."""

_MOST_PAGES: Final = 2_000
"""How many pages a list may have."""

_LEAVES: Final = frozenset({str, int, float, bool, NoneType})
"""The types of values that hold no others."""
_MOST_KEPT: Final = 80 * 1024 * 1024
"""The memory that the rows of one page may take, and those of a list where `_LARGEST_ROW` doesn't make more."""

_LARGEST_ROW: Final = 10 * 1024
"""The memory that a row may take on the average."""

_FAR: Final = 100_000_000
"""A page number past every end."""

_PAGE = re.compile(r"[?&]page=(\d{1,9})(?:&|$)")


class _Row(Protocol):
    @property
    def id(self) -> int | None: ...


Row = TypeVar("Row", bound=_Row)
Parsed = TypeVar("Parsed")


class IncompleteError(Exception):
    """A list could not be proved complete; `rows` are those that were seen."""

    def __init__(self, rows: Collection[Any]) -> None:
        super().__init__()
        self.rows = tuple(rows)


class _SmallerError(Exception):
    """A page of that size is too much, as `error` tells; a smaller one may not be."""

    def __init__(self, error: ApiError, size: int) -> None:
        super().__init__()
        self.error = error
        self.size = size


@dataclass(frozen=True, slots=True)
class List(Generic[Row]):
    """One of the API's lists: where it is, how its rows are read, what filters it."""

    path: str
    read: Callable[[Json], Row]
    query: tuple[tuple[str, str], ...] = ()
    tries: int = 400
    """How many pages are asked for at most to read around broken rows. If every fifth is broken, each row takes one."""


@dataclass(slots=True)
class _Rows(Generic[Row]):
    """Rows by their id. A row without one is known by all that the server said."""

    rows: dict[Hashable, Row] = field(default_factory=dict)
    count: int = 0
    """How many there were, those counted that came twice."""
    kept: int = 0
    """The memory that they take, about."""

    def add(self, page: _Page[Row]) -> None:
        """Take a page in. Raises RefreshError where it's more than a run may hold."""
        self.rows.update(page.rows)
        self.count += len(page.rows)
        self.kept += page.kept
        if self.kept > max(_MOST_KEPT, self.count * _LARGEST_ROW):
            what = f"the list takes more than {self.kept >> 20} MiB of memory, for {self.count} rows"
            raise RefreshError(what, "check api_url; syncer can't plan a workspace with so much text")


@dataclass(frozen=True, slots=True)
class _Page(Generic[Row]):
    rows: tuple[tuple[Hashable, Row], ...]
    last: int | None
    """The number of the last page, as the server counts; None if it doesn't say."""
    kept: int


def is_broken(error: ApiError) -> bool:
    """Whether a row is to blame: the server's own code broke while it showed it, or nobody can read what it showed."""
    # The server answers in the same way for a wrong workspace.
    is_400 = error.status == HTTPStatus.BAD_REQUEST and not is_wrong_workspace(error.status, error.reason)
    return (is_400 and error.is_exception) or error.excess in {Excess.ROW, Excess.SIZE}


class Lists:
    """The lists of one workspace. Threads may share it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sizes: dict[str, int] = {}
        """How many rows to ask for at once, where all were too many."""

    def complete(self, source: List[Row]) -> tuple[Row, ...]:
        """Every row of a list, proved. Raises IncompleteError and ApiError: look around what `is_broken`."""
        while True:
            try:
                return self._proved(source)
            except _SmallerError as smaller:
                self._shrink(source, smaller)

    def around(self, source: List[Row]) -> tuple[tuple[Row, ...], tuple[ApiError, ...]]:
        """Every row of a list but those that can't be shown, and an error for each of these.

        Raises IncompleteError and ApiError.
        """
        try:
            return self.complete(source), ()
        except ApiError as error:
            if not is_broken(error):
                raise
        return self._narrowed(source)

    def page(self, source: List[Row], number: int, size: int) -> tuple[tuple[Row, ...], int | None]:
        """One page, the newest rows first, and how many pages there are, None if unknown. Raises ApiError.

        The server may give less than what is asked for.
        """
        try:
            page = self._first(source, size) if number == 1 else self._page(source, number, size)
        except _SmallerError as smaller:
            raise smaller.error from None
        return tuple(row for _, row in page.rows), page.last

    def _shrink(self, source: List[Row], smaller: _SmallerError) -> None:
        """Ask for smaller pages from now on. Raises ApiError where they can't be smaller."""
        size, error = smaller.size, smaller.error
        least = 1 if error.excess is Excess.TIME else DOCUMENTED
        if size <= least:
            raise error
        if size == _LARGE:
            # What there is may be far less than what was asked for.
            size = min(size, self._count(source))
        self._sizes[source.path] = max(least, size // _SHRINKING)

    # -- with proof ----------------------------------------------------------------------------------------------

    def _proved(self, source: List[Row]) -> tuple[Row, ...]:
        first = self._first(source, self._sizes.get(source.path, _LARGE))
        if first.last is None:
            raise IncompleteError([row for _, row in first.rows])
        if first.last <= 1:
            return tuple(row for _, row in first.rows)
        seen = _Rows[Row]()
        size = len(first.rows)
        for _ in range(_ROUNDS):
            if not size:
                break
            found, count = self._round(source, first, size)
            if count is None:
                seen = _Rows()
            else:
                seen.rows |= found.rows
                if len(seen.rows) == count:
                    return tuple(seen.rows.values())
                # Another page size cuts the ties elsewhere, so rows show that no page showed before.
                size -= 1 + size // 7
            if size:
                first = self._page(source, 1, size)
        raise IncompleteError(seen.rows.values())

    def _first(self, source: List[Row], size: int) -> _Page[Row]:
        """The newest rows, as many of so many as the server gives at once."""
        try:
            return self._page(source, 1, size)
        except ApiError as error:
            # The hosted service is documented with a maximum; should it refuse more instead of giving less, ask for it.
            if "per_page" not in error.reason or size <= DOCUMENTED:
                raise
            return self._page(source, 1, DOCUMENTED)

    def _round(self, source: List[Row], first: _Page[Row], size: int) -> tuple[_Rows[Row], int | None]:
        """The rows of all pages of one size, and the server's count; None for that if something moved meanwhile."""
        count = self._count(source)
        if count > _MOST_PAGES * size:
            raise RefreshError(f"the server counts {count} rows, and gives {size} at once", "check api_url")
        found = _Rows[Row]()
        found.add(first)
        # The number of pages is worked out here: past the last one the server's `next` never ends.
        pages = -(-count // size)
        self._session.expect(pages)
        for number in range(2, pages + 1):
            page = self._repeated(source, number, size)
            found.add(page)
            if not page.rows:
                break
        is_static = found.count == count and self._repeated(source, 1, size).rows == first.rows
        return found, count if is_static else None

    def _repeated(self, source: List[Row], number: int, size: int) -> _Page[Row]:
        """A page like one that came in time: if it takes too long, that may pass."""
        try:
            return self._page(source, number, size)
        except _SmallerError as smaller:
            if smaller.error.excess is not Excess.TIME:
                raise
            return self._page(source, number, size)

    def _count(self, source: List[Row]) -> int:
        """How many rows the server counts."""
        last = self._last(source, 1)
        if last is None:
            raise IncompleteError(())
        return last

    def _last(self, source: List[Row], size: int) -> int | None:
        """How many pages the server counts: far past the end it shows no row, so no broken one spoils the answer."""
        try:
            return self._page(source, _FAR, size).last
        except _SmallerError as smaller:
            raise smaller.error from None

    def _page(self, source: List[Row], number: int, size: int) -> _Page[Row]:
        """One page. Raises ApiError, or _SmallerError where it's too much at once."""
        kept = 0

        def read(resource: Json) -> tuple[Hashable, Row]:
            nonlocal kept
            row = source.read(resource)
            kept += _memory(row)
            if kept > _MOST_KEPT:
                raise ExcessError(Excess.SIZE)
            return row.id or json.dumps(resource, sort_keys=True), row

        asked: dict[str, str | int] = {**dict(source.query), "page": number, "per_page": size}
        try:
            answer = self._session.page(source.path, asked, read)
        except ApiError as error:
            if error.excess in {Excess.SIZE, Excess.TIME}:
                raise _SmallerError(error, size) from error
            raise
        return parsed("GET", source.path, answer, lambda data: _paged(data, kept))

    # -- around what can't be shown ------------------------------------------------------------------------------

    def _narrowed(self, source: List[Row]) -> tuple[tuple[Row, ...], tuple[ApiError, ...]]:
        """The rows around those that break their page, and why each of these does.

        A page that breaks is halved; if its first half is sound, its second one needn't be asked for as a whole. Pages
        are no larger than makes them likely to be sound, as far from each other as the last broken rows stood.
        """
        count = self._count(source)
        largest = self._power(source, count)
        found, broken = _Rows[Row](), list[ApiError]()
        offset, size, gap, last = 0, largest, count, 0
        bad, why = 0, None  # up to where a row is known to be broken, and the error that told it
        for _ in range(source.tries):
            if why is not None and bad - offset == 1:
                broken.append(why)
                gap, last = (gap + offset - last) // 2, offset
                offset, size = bad, largest
            if offset >= count:
                break
            likely = max(1, 2 * max(gap, offset - last) // 3)
            size = min(size, offset & -offset or largest, largest, 1 << (likely.bit_length() - 1))
            while size >= bad - offset > 0:
                size //= 2
            try:
                error = self._taken(source, offset // size + 1, size, found)
            except _SmallerError as slow:
                if size == 1:
                    raise slow.error from None
                largest = size = size // 2
                continue
            if error is not None:
                bad, why, size = min(offset + size, count), error, size // 2
            else:
                offset, size = offset + size, largest
        if len(found.rows) + len(broken) != count:
            raise IncompleteError(found.rows.values())
        return tuple(found.rows.values()), tuple(broken)

    def _taken(self, source: List[Row], number: int, size: int, found: _Rows[Row]) -> ApiError | None:
        """Take a page in; the error if a row of it is broken. Raises ApiError, and _SmallerError if it's too slow."""
        try:
            found.add(self._page(source, number, size))
        except _SmallerError as smaller:
            if smaller.error.excess is Excess.TIME:
                raise
            return smaller.error
        except ApiError as error:
            if not is_broken(error):
                raise
            return error
        return None

    def _power(self, source: List[Row], count: int) -> int:
        """The power of two that covers the list, or one that the server's largest page does."""
        size = 1 << max(0, count - 1).bit_length()
        if size > DOCUMENTED and self._last(source, size) != 1:
            size = 1 << (DOCUMENTED.bit_length() - 1)
        return size


def parsed(method: str, path: str, answer: Json, parse: Callable[[Json], Parsed]) -> Parsed:
    """What the answer says. Raises ApiError for JSON of another kind: what was sent may have been written."""
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        reason, hint = "the answer is JSON, but not what the models API sends", "check api_url, and proxies on the way"
        raise ApiError(method, path, 200, reason, hint, is_open=method in ("PUT", "POST")) from error


def _paged(data: Json, kept: int) -> _Page[Any]:
    rows, links = data["data"], data.get("links")
    link = links.get("last") if isinstance(links, dict) else None
    last = _PAGE.search(link) if isinstance(link, str) else None
    # Without its count a list can't be proved complete; without any row it's no list of this API at all.
    if not isinstance(rows, list) or not (last or any(row.id for _, row in rows)):
        raise ValueError
    return _Page(tuple(rows), int(last[1]) if last else None, kept)


def _memory(row: object) -> int:
    """The memory that a row takes, about. It is asked of every value, so what holds no others isn't looked into."""
    held, waiting = [row], [row]
    for one in waiting:
        if isinstance(one, dict):
            held += one
        parts = _parts(one)
        held += parts
        waiting += [part for part in parts if type(part) not in _LEAVES]
    return sum(map(sys.getsizeof, held))


def _parts(one: object) -> Collection[object]:
    """What a value holds, but for the keys of a mapping."""
    if isinstance(one, dict):
        return one.values()
    if isinstance(one, list | tuple):
        return one
    if isinstance(one, Secret):
        return [one.reveal()]
    return [getattr(one, part.name) for part in fields(one)] if is_dataclass(one) else ()
