"""Models, connectors and syncs, rightly read: completely, in few requests, or not at all.

The server sorts its lists by `updated_at` alone: where that ties, pages show some rows twice and others never, for
good. One page that holds everything is a proof in itself. Several pages prove to be everything when their rows are
as many as the server counts, all different, and when the newest page stands unchanged at the end: a change or a
creation would have moved it, a deletion would have shown in the count.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from syncer import wire
from syncer.client.newest import Known
from syncer.client.reasons import is_wrong_workspace
from syncer.errors import ApiError, MissingError, RefreshError, UnreadableError
from syncer.model import QUERY_TYPES, Connector, LiveModel, LiveState, Secret, Sync, Unreadable, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from syncer.client.session import Session
    from syncer.model import Json, Pace

Parsed = TypeVar("Parsed")
Row = TypeVar("Row", LiveModel, Connector, Sync)

_LARGE: Final = 10_000
"""Rows asked for at once. The open-source server has no maximum; the hosted one is said to give 100."""

_DOCUMENTED: Final = 100
"""The largest page that the hosted service's documents promise."""

_ROUNDS: Final = 4
"""How often a list is read, each time in pages of another size, before it counts as unprovable."""

_PROBES: Final = 25
"""How many ids are asked for to name broken rows that no file declares."""

_MOST_PAGES: Final = 2_000
"""How many pages a list may have."""

_TRIES: Final = 500
"""How many pages are asked for at most to read a list around its broken rows."""

_LOOK: Final = 10.0
"""For how many seconds a look holds: after that nothing is written that relies on it."""

_LAST_PAGES: Final = 3
"""How many of the newest pages are read to look at what was written."""

_LAST_ROWS: Final = 1_000
"""How many rows such a page has at most."""

_FAR: Final = 100_000_000
"""A page number past every end."""

_SOUND: Final = tuple(name for name in QUERY_TYPES if name != "ai_ml")

_PAGE = re.compile(r"[?&]page=(\d{1,9})(?:&|$)")


class _IncompleteError(Exception):
    """A list could not be proved complete; `rows` are those that were seen."""

    def __init__(self, rows: Collection[Any]) -> None:
        super().__init__()
        self.rows = tuple(rows)


@dataclass(frozen=True, slots=True)
class _Page(Generic[Row]):
    rows: tuple[Row, ...]
    last: int
    """The number of the last page, as the server counts."""


@dataclass(frozen=True, slots=True)
class _List(Generic[Row]):
    """One of the API's lists: where it is, how its rows are read, what filters it."""

    path: str
    parse: Callable[[Mapping[str, Any]], Row]
    query: tuple[tuple[str, str], ...] = ()


_MODELS = _List("/models", wire.parse)
_CONNECTORS = _List("/connectors", wire.parse_connector)
_SYNCS = _List("/syncs", wire.parse_sync)

_RUNNING: Final = frozenset({"started", "querying", "queued", "in_progress"})
"""The states of a sync's run that reads or writes rows right now."""


def _is_broken_row(error: ApiError) -> bool:
    """Whether the server's own code broke while it showed something; a wrong workspace comes in the same clothes."""
    is_400 = error.status == HTTPStatus.BAD_REQUEST
    return is_400 and error.is_exception and not is_wrong_workspace(error.status, error.reason)


class Api:
    """The models and connectors of one workspace: the Reader and the Writer of a run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # The secrets in the models seen so far: an error text may quote them.
        self._secrets: set[Secret] = set()
        self._known: Known | None = None
        self._looks: dict[int | str, float] = {}
        self._lock = threading.Lock()
        session.hide(lambda: tuple(self._secrets))

    def fetch(self, declared: Collection[int]) -> LiveState:
        """Live state of the whole workspace; `declared` are the ids that files name.

        Complete but for rows that the server itself can't show, which are named. If it can't be proved complete, what
        the declared ids say is all there is (`complete` is False). Raises ApiError and RefreshError.
        """
        asked = self._session.now()
        try:
            state = LiveState(self._complete(_MODELS))
        except _IncompleteError as incomplete:
            state = self._by_id(incomplete.rows, declared)
        except ApiError as error:
            if not _is_broken_row(error):
                raise
            state = self._around_broken_rows(error, declared)
        models = tuple(sorted(state.models, key=lambda model: model.id))
        self._saw(models)
        self._known = Known(models, asked) if state.complete and not state.unreadable else None
        return LiveState(models, state.unreadable, state.complete)

    def read(self, model_id: int) -> LiveModel:
        """The live model of that id now.

        Raises MissingError if there is none, UnreadableError if the server can't show it, else ApiError.
        """
        path = f"/models/{model_id}"
        try:
            model = self._parsed("GET", path, self._session.get(path))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise MissingError("GET", path, error.status, error.reason, error.hint) from error
            if _is_broken_row(error):
                raise UnreadableError("GET", path, error.status, error.reason, error.hint) from error
            raise
        self._looks[model_id] = self._session.now()
        return model

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """Change one model and return it as the server answered. Raises ApiError; MissingError if there is none.

        Raises LateError, and sends nothing, once the last look at the model is more than ten seconds ago.
        """
        path = f"/models/{model_id}"
        try:
            model = self._parsed("PUT", path, self._session.put(path, body, self._until(model_id)))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise MissingError("PUT", path, error.status, error.reason, error.hint) from error
            raise
        self._wrote(model)
        return model

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """Make one model and return it as the server answered. Raises ApiError; after an open one never ask again.

        Raises LateError, and sends nothing, once the last look for its name is more than ten seconds ago.
        """
        answer = self._session.post(_MODELS.path, body, self._until(body["model"]["name"]))
        model = self._as("POST", _MODELS.path, answer, lambda data: wire.parse(data["data"]))
        self._saw([model])
        self._wrote(model)
        return model

    def named(self, name: str) -> tuple[LiveModel, ...]:
        """Every live model of that name now, by id, by the newest page where that proves it; there is no filter.

        Else all are read: raises as `fetch` does, and RefreshError, too, if not every model can be seen: one of the
        others could bear the name.
        """
        known = self._brought_up_to_date()
        if known is None:
            state = self.fetch(())
            if state.unreadable or not state.complete:
                message = f"it can't be told whether there is a model named {name!r}: not every live model can be read"
                raise RefreshError(message, "repair what the server can't show")
            known = {model.id: model for model in state.models}
        self._looks[name] = self._session.now()
        return tuple(sorted((one for one in known.values() if one.name == name), key=lambda one: one.id))

    def glance(self, ids: Collection[int]) -> Mapping[int, LiveModel]:
        """The live models of these ids now, as far as the newest page alone proves it; the others are missing.

        The page is asked for only if it could prove anything. Raises ApiError.
        """
        known = self._brought_up_to_date() or {}
        shown = {model_id: known[model_id] for model_id in ids if model_id in known}
        self._looks |= dict.fromkeys(shown, self._session.now())
        return shown

    def newest(self, ids: Collection[int]) -> Sequence[LiveModel] | None:
        """The newest models, down to the last of these ids; None if that takes more than three pages.

        One that is on none of them is gone. Raises ApiError.
        """
        size = min(max(len(ids), _DOCUMENTED), _LAST_ROWS)
        rows: dict[int, LiveModel] = {}
        for number in range(1, _LAST_PAGES + 1):
            page = self._first(_MODELS, size) if number == 1 else self._page(_MODELS, number, size)
            rows |= {row.id: row for row in page.rows}
            # A server with a maximum of its own gave less than it was asked for.
            size = len(page.rows)
            if len(ids) <= number * size or number >= page.last:
                break
            if len(ids) > size * _LAST_PAGES:
                return None
        missing = sorted(set(ids) - rows.keys())
        if len(missing) > _PROBES:
            return None
        # Somebody else's edits push rows down, times that tie hide some, and some were deleted.
        found = (self._try(model_id) for model_id in missing)
        rows |= {model.id: model for model in found if isinstance(model, LiveModel)}
        self._saw(rows.values())
        return tuple(rows.values())

    def pace(self, requests: int) -> Pace:
        """How fast requests may go, and in how many seconds the last of so many further ones may."""
        return self._session.pace(requests)

    def syncs(self) -> tuple[Sync, ...]:
        """Every sync of the workspace, by id. Raises ApiError and RefreshError."""
        try:
            # A sync is shown with its model: one that the server can't show takes the lists of its syncs along. Those
            # syncs read a model that nothing can be planned for, so nobody misses them.
            rows, _ = self._around(_SYNCS)
        except _IncompleteError:
            message = "the workspace's syncs could not be read completely"
            raise RefreshError(message, "try again when nobody changes them") from None
        return tuple(sorted(rows, key=lambda sync: sync.id))

    def is_running(self, sync_id: int) -> bool:
        """Whether a run of the sync is under way. Raises ApiError."""
        path = f"/syncs/{sync_id}/sync_runs"
        answer = self._session.get(path, {"page": 1, "per_page": 10})
        # The newest come first; what began last is what may still be at work.
        return self._as(
            "GET", path, answer, lambda data: any(run["attributes"]["status"] in _RUNNING for run in data["data"])
        )

    def connectors(self) -> tuple[Connector, ...]:
        """Every connector of the workspace, by id. Raises ApiError and RefreshError."""
        try:
            return tuple(sorted(self._complete(_CONNECTORS), key=lambda connector: connector.id))
        except _IncompleteError:
            message = "the workspace's connectors could not be read completely"
            raise RefreshError(message, "try again when nobody changes them") from None

    def workspaces(self) -> Mapping[int, str]:
        """The workspaces of this user: id → name, by id. Nothing else of them is kept. Raises ApiError."""

        def named(data: Mapping[str, Any]) -> dict[int, str]:
            return {int(row["id"]): str(row["attributes"]["name"]) for row in data["data"]}

        path = "/workspaces"
        return dict(sorted(self._as("GET", path, self._session.get(path), named).items()))

    def me(self) -> str:
        """The name of this user's role in the workspace. Raises ApiError."""
        path = "/users/me"
        return self._as("GET", path, self._session.get(path), lambda data: str(data["data"]["attributes"]["role"]))

    # -- lists -------------------------------------------------------------------------------------------------

    def _complete(self, source: _List[Row]) -> tuple[Row, ...]:
        """Every row of a list, proved; raises _IncompleteError."""
        first = self._first(source, _LARGE)
        if first.last <= 1 and len({row.id for row in first.rows}) == len(first.rows):
            return first.rows
        seen: dict[int, Row] = {}
        size = len(first.rows)
        for _ in range(_ROUNDS):
            if not size:
                break
            rows, count = self._round(source, first, size)
            if count is None:
                seen.clear()
            else:
                seen |= {row.id: row for row in rows}
                if len(seen) == count:
                    return tuple(seen.values())
                # Another page size cuts the ties elsewhere, so rows show that no page showed before.
                size -= 1 + size // 7
            if size:
                first = self._page(source, 1, size)
        raise _IncompleteError(seen.values())

    def _first(self, source: _List[Row], size: int) -> _Page[Row]:
        """The newest rows, as many of so many as the server gives at once."""
        try:
            return self._page(source, 1, size)
        except ApiError as error:
            # The hosted service is documented with a maximum; should it refuse more instead of giving less, ask for it.
            if "per_page" not in error.reason or size <= _DOCUMENTED:
                raise
            return self._page(source, 1, _DOCUMENTED)

    def _round(self, source: _List[Row], first: _Page[Row], size: int) -> tuple[list[Row], int | None]:
        """The rows of all pages of one size, and the server's count; None for that if something moved meanwhile."""
        count = self._count(source)
        if count > _MOST_PAGES * size:
            raise RefreshError(f"the server counts {count} rows, and gives {size} at once", "check api_url")
        rows = list(first.rows)
        # The number of pages is worked out here: past the last one the server's `next` never ends.
        pages = -(-count // size)
        self._session.expect(pages)
        for number in range(2, pages + 1):
            page = self._page(source, number, size)
            rows += page.rows
            if not page.rows:
                break
        is_static = len(rows) == count and self._page(source, 1, size).rows == first.rows
        return rows, count if is_static else None

    def _count(self, source: _List[Row]) -> int:
        """How many rows the server counts: far past the end it shows none, so a broken one can't spoil the answer."""
        return self._page(source, _FAR, 1).last

    def _page(self, source: _List[Row], number: int, size: int) -> _Page[Row]:
        answer = self._session.get(source.path, {**dict(source.query), "page": number, "per_page": size})

        def page(data: Mapping[str, Any]) -> _Page[Row]:
            rows = tuple(map(source.parse, data["data"]))
            last = _PAGE.search(data["links"]["last"])
            if last is None:
                raise ValueError
            return _Page(rows, int(last[1]))

        return self._as("GET", source.path, answer, page)

    def _parsed(self, method: str, path: str, answer: Json) -> LiveModel:
        model = self._as(method, path, answer, lambda data: wire.parse(data["data"]))
        if path != f"/models/{model.id}":
            reason = f"the server answered with model {model.id}"
            raise ApiError(method, path, 200, reason, "check proxies and caches on the way", is_open=method == "PUT")
        self._saw([model])
        return model

    @staticmethod
    def _as(method: str, path: str, answer: Json, parse: Callable[[Any], Parsed]) -> Parsed:
        try:
            return parse(answer)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ApiError(
                method,
                path,
                200,
                "the answer is JSON, but not what the models API sends",
                "check api_url, and proxies on the way",
                is_open=method in ("PUT", "POST"),
            ) from error

    # -- when a list doesn't tell everything ---------------------------------------------------------------------

    def _by_id(self, rows: Collection[LiveModel], declared: Collection[int]) -> LiveState:
        """What the pages showed and what the declared ids say."""
        known = {row.id: row for row in rows}
        unreadable = []
        for model_id in sorted(set(declared) - known.keys()):
            model = self._try(model_id)
            if isinstance(model, Unreadable):
                unreadable.append(model)
            elif model is not None:
                known[model_id] = model
        return LiveState(tuple(known.values()), tuple(unreadable), complete=False)

    def _try(self, model_id: int) -> LiveModel | Unreadable | None:
        """The model of that id, or that it's there but can't be shown, or None."""
        try:
            return self.read(model_id)
        except UnreadableError as broken:
            return Unreadable(model_id, broken.reason)
        except MissingError:
            return None

    def _around_broken_rows(self, error: ApiError, declared: Collection[int]) -> LiveState:
        """One row that the server can't show turns every list with it into 400: read the lists around it.

        The rows that break are ai_ml models on a connector without catalog, so the other types come in one list.
        """
        known: dict[int, LiveModel] = {}
        broken = 0
        is_complete = True
        for types in (_SOUND, ("ai_ml",)):
            source = replace(_MODELS, query=(("query_type", ",".join(types)),))
            try:
                rows, failed = self._around(source)
            except _IncompleteError as incomplete:
                rows, failed, is_complete = incomplete.rows, 0, False
            known |= {row.id: row for row in rows}
            broken += failed
        if is_complete and not broken:
            message = f"the list of models can't be read, and no broken row explains it: {error.what}"
            raise RefreshError(message, "try again; if it stays so, ask whoever runs the server") from error
        state = self._by_id(known.values(), declared)
        named = (*state.unreadable, *self._probed(broken - len(state.unreadable), state, declared))
        unnamed = (Unreadable(None, error.reason),) * (broken - len(named))
        return LiveState(state.models, (*named, *unnamed), is_complete)

    def _around(self, source: _List[Row]) -> tuple[tuple[Row, ...], int]:
        """Every row of a list but those that can't be shown, and how many these are; raises _IncompleteError."""
        try:
            return self._complete(source), 0
        except ApiError as error:
            if not _is_broken_row(error):
                raise
        count = self._count(source)
        rows: dict[int, Row] = {}
        broken = 0
        pages = [(1, 1 << (count - 1).bit_length())]
        tries = 0
        while pages:
            number, size = pages.pop()
            if (number - 1) * size >= count:
                continue
            tries += 1
            if tries > _TRIES:
                raise _IncompleteError(rows.values())
            try:
                rows |= {row.id: row for row in self._page(source, number, size).rows}
            except ApiError as error:
                if not _is_broken_row(error):
                    raise
                if size == 1:
                    broken += 1
                else:
                    pages += [(2 * number, size // 2), (2 * number - 1, size // 2)]
        if len(rows) + broken != count:
            raise _IncompleteError(rows.values())
        return tuple(rows.values()), broken

    def _probed(self, missing: int, state: LiveState, declared: Collection[int]) -> tuple[Unreadable, ...]:
        """The broken rows that no file declares, as far as a few questions in the gaps between the ids find them."""
        known = {model.id for model in state.models} | set(declared)
        newest = max(known, default=0) + 1
        gaps = (model_id for model_id in range(newest, 0, -1) if model_id not in known)
        found: list[Unreadable] = []
        for model_id in islice(gaps, _PROBES):
            if len(found) < missing and isinstance(row := self._try(model_id), Unreadable):
                found.append(row)
        return tuple(found)

    # -- what is known of the models that were seen ----------------------------------------------------------------

    def _saw(self, models: Iterable[LiveModel]) -> None:
        """Keep the models' secrets out of what is told."""
        self._secrets |= {
            value
            for model in models
            for _, value in leaves(model.fields.get("configuration"))
            if isinstance(value, Secret)
        }

    def _wrote(self, model: LiveModel) -> None:
        with self._lock:
            if self._known is not None:
                self._known.wrote(model, self._session.now())

    def _until(self, look: int | str) -> float | None:
        """Until when what was looked at may be written; None where nobody looked."""
        return self._looks[look] + _LOOK if look in self._looks else None

    def _brought_up_to_date(self) -> Mapping[int, LiveModel] | None:
        """Every model now, by id, as the newest page proves it; None if it can't."""
        known = self._known
        if known is None or not known.can_prove:
            return None
        asked = self._session.now()
        try:
            page = self._page(_MODELS, 1, _DOCUMENTED)
        except ApiError as error:
            if error.is_fatal:
                raise
            page = _Page((), 0)
        self._saw(page.rows)
        with self._lock:
            if known.looked(page.rows, asked, is_all=page.last == 1):
                return known.models
        # From here on there is a gap that no newest page can close.
        self._known = None
        return None
