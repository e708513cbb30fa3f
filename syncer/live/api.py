"""Models, connectors and syncs of one workspace: the Reader and the Writer of a run."""

from __future__ import annotations

import threading
from dataclasses import replace
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from syncer.errors import ApiError, MissingError, RefreshError, UnreadableError
from syncer.live import payloads
from syncer.live.newest_page import Known
from syncer.live.paging import DOCUMENTED, IncompleteError, List, Lists, is_broken, parsed
from syncer.model import QUERY_TYPES, Connector, LiveModel, LiveState, Sync, Unreadable, leaves
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from syncer.events import Pace
    from syncer.live.session import Session
    from syncer.model import Json

_PROBES: Final = 25
"""How many ids are asked for to name broken rows that no file declares."""

_LOOK: Final = 10.0
"""For how many seconds a look holds: after that nothing is written that relies on it."""

_LAST_PAGES: Final = 3
"""How many of the newest pages are read to look at what was written."""

_LAST_ROWS: Final = 1_000
"""How many rows such a page has at most."""

_SOUND: Final = tuple(name for name in QUERY_TYPES if name != "ai_ml")

_MODELS: Final[List[LiveModel | Unreadable]] = List("/models", payloads.read)
_CONNECTORS: Final = List("/connectors", payloads.parse_connector)
_SYNCS: Final = List("/syncs", payloads.parse_sync, tries=100)

_RUNNING: Final = frozenset({"started", "querying", "queued", "in_progress"})
"""The states of a sync's run that reads or writes rows right now."""


class Api:
    """The models and connectors of one workspace: the Reader and the Writer of a run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lists = Lists(session)
        self._known: Known | None = None
        self._looks: dict[int | str, float] = {}
        self._lock = threading.Lock()

    def fetch(self, declared: Collection[int]) -> LiveState:
        """Live state of the whole workspace; `declared` are the ids that files name.

        Complete but for rows that the server itself can't show, which are named. If it can't be proved complete, what
        the declared ids say is all there is (`complete` is False). Raises ApiError and RefreshError.
        """
        asked = self._session.moment()
        try:
            state = _state(self._lists.complete(_MODELS))
        except IncompleteError as incomplete:
            state = self._by_id(_state(incomplete.rows, is_complete=False), declared)
        except ApiError as error:
            if not is_broken(error):
                raise
            state = self._around_broken_rows(error, declared)
        models = tuple(sorted(state.models, key=lambda model: model.id))
        self._hide(models)
        self._known = Known(models, asked) if state.complete and not state.unreadable else None
        return replace(state, models=models)

    def read(self, model_id: int) -> LiveModel:
        """The live model of that id now.

        Raises MissingError if there is none, UnreadableError if the server can't show it, or shows what no model can
        be, else ApiError.
        """
        path = f"/models/{model_id}"
        try:
            model = self._shown("GET", path, self._session.get(path))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise MissingError.of(error) from error
            if is_broken(error):
                raise UnreadableError.of(error) from error
            raise
        if isinstance(model, Unreadable):
            raise UnreadableError("GET", path, HTTPStatus.OK, model.reason, payloads.MALFORMED_HINT)
        self._looks[model_id] = self._session.now()
        return model

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """Change one model and return it as the server answered. Raises ApiError; MissingError if there is none.

        Raises LateError, and sends nothing, once the last look at the model is more than ten seconds ago.
        """
        path = f"/models/{model_id}"
        try:
            answer = self._session.put(path, body, self._until(model_id))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise MissingError.of(error) from error
            raise
        return self._written("PUT", path, self._shown("PUT", path, answer), body["model"])

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """Make one model and return it as the server answered. Raises ApiError; after an open one never ask again.

        Raises LateError, and sends nothing, once the last look for its name is more than ten seconds ago.
        """
        path = _MODELS.path
        answer = self._session.post(path, body, self._until(body["model"]["name"]))
        return self._written("POST", path, self._shown("POST", path, answer), body["model"])

    def named(self, name: str) -> tuple[LiveModel, ...]:
        """Every live model of that name now, by id, by the newest page where that proves it; there is no filter.

        Else all are read: raises as `fetch` does, and RefreshError, too, if not every model can be seen: one of the
        others could have the name.
        """
        known = self._brought_up_to_date()
        if known is None:
            state = self.fetch(())
            if not state.complete or any(row.may_be(name) for row in state.unreadable):
                message = f"syncer can't tell whether a model named {name!r} exists: not every live model can be read"
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
        size = min(max(len(ids), DOCUMENTED), _LAST_ROWS)
        rows: dict[int, LiveModel] = {}
        for number in range(1, _LAST_PAGES + 1):
            page, last = self._lists.page(_MODELS, number, size)
            rows |= {row.id: row for row in page if isinstance(row, LiveModel)}
            # A server with a maximum of its own gave less than it was asked for.
            size = len(page)
            if len(ids) <= number * size or number >= (last or 0):
                break
            if len(ids) > size * _LAST_PAGES:
                return None
        missing = sorted(set(ids) - rows.keys())
        if len(missing) > _PROBES:
            return None
        # Somebody else's edits push rows down, times that tie hide some, and some were deleted.
        found = (self._try(model_id) for model_id in missing)
        rows |= {model.id: model for model in found if isinstance(model, LiveModel)}
        self._hide(rows.values())
        return tuple(rows.values())

    def pace(self, requests: int) -> Pace:
        """How fast requests may go, and in how many seconds the last of so many further ones may."""
        return self._session.pace(requests)

    def syncs(self) -> tuple[Sync, ...]:
        """Every sync of the workspace, by id. Raises ApiError and RefreshError."""
        try:
            # A sync is shown with its model: one that the server can't show takes the lists of its syncs along. Those
            # syncs read a model that nothing can be planned for, so nobody misses them.
            rows, _ = self._lists.around(_SYNCS)
        except IncompleteError:
            message = "the workspace's syncs could not be read completely"
            hint = "try again when nobody changes them, and repair the models that the server can't show"
            raise RefreshError(message, hint) from None
        return tuple(sorted(rows, key=lambda sync: sync.id))

    def is_running(self, sync_id: int) -> bool:
        """Whether a run of the sync is under way. Raises ApiError."""
        path = f"/syncs/{sync_id}/sync_runs"
        answer = self._session.get(path, {"page": 1, "per_page": 10})
        # The newest come first; what began last is what may still be at work.
        states = parsed("GET", path, answer, lambda data: [_text(run["attributes"]["status"]) for run in _rows(data)])
        return not _RUNNING.isdisjoint(states)

    def connectors(self) -> tuple[Connector, ...]:
        """Every connector of the workspace, by id. Raises ApiError and RefreshError."""
        try:
            rows, _ = self._lists.around(_CONNECTORS)
        except IncompleteError:
            message = "the workspace's connectors could not be read completely"
            raise RefreshError(message, "try again when nobody changes them") from None
        # No file can mean a connector that can't be read.
        return tuple(sorted((one for one in rows if one.id), key=lambda connector: connector.id))

    def workspaces(self) -> Mapping[int, str]:
        """The workspaces of this user: id → name, by id. Nothing else of them is kept. Raises ApiError."""

        def named(data: Json) -> dict[int, str]:
            rows = _rows(data)
            found = {number: name for number, name in map(payloads.parse_workspace, rows) if number}
            if rows and not found:
                raise ValueError
            return dict(sorted(found.items()))

        path = "/workspaces"
        return parsed("GET", path, self._session.get(path), named)

    def me(self) -> str:
        """The name of this user's role in the workspace. Raises ApiError."""
        path = "/users/me"
        answer = self._session.get(path)
        return parsed("GET", path, answer, lambda data: _text(data["data"]["attributes"]["role"]))

    # -- one model -----------------------------------------------------------------------------------------------

    def _shown(self, method: str, path: str, answer: Json) -> LiveModel | Unreadable:
        """The model that an answer shows. Raises ApiError if it's another one than was asked for."""
        model: LiveModel | Unreadable = parsed(method, path, answer, lambda data: payloads.read(data["data"]))
        if method != "POST" and model.id is not None and path != f"/models/{model.id}":
            reason = f"the server answered with model {model.id}"
            raise ApiError(method, path, 200, reason, "check proxies and caches on the way", is_open=method == "PUT")
        if isinstance(model, LiveModel) and (secrets := list(_secrets([model]))):
            # Found at once: to look for them later, every answer of a long run would have to be kept.
            self._session.scrubber.learn(secrets)
        return model

    def _written(self, method: str, path: str, model: LiveModel | Unreadable, sent: Mapping[str, Any]) -> LiveModel:
        """The model that an answer to a write shows. Raises ApiError if it can't be one: it may be written."""
        if isinstance(model, Unreadable):
            raise ApiError(method, path, 200, model.reason, payloads.MALFORMED_HINT, is_open=True)
        # The plan holds the texts that were sent: those of the answer needn't stay in memory beside them.
        same = {name: text for name, text in sent.items() if isinstance(text, str) and model.fields.get(name) == text}
        model = replace(model, fields={**model.fields, **same})
        with self._lock:
            if self._known is not None:
                self._known.wrote(model, self._session.moment())
        return model

    # -- what the newest page proves -------------------------------------------------------------------------------

    def _until(self, look: int | str) -> float | None:
        """Until when what was looked at may be written; None where nobody looked."""
        return self._looks[look] + _LOOK if look in self._looks else None

    def _brought_up_to_date(self) -> Mapping[int, LiveModel] | None:
        """Every model now, by id, as the newest page proves it; None if it can't."""
        known = self._known
        if known is None or not known.can_prove:
            return None
        asked = self._session.moment()
        page: Sequence[LiveModel | Unreadable] = ()
        last: int | None = None
        try:
            page, last = self._lists.page(_MODELS, 1, DOCUMENTED)
        except ApiError as error:
            if error.is_fatal:
                raise
        models = [row for row in page if isinstance(row, LiveModel)]
        self._hide(models)
        with self._lock:
            # A row that can't be read may be any of the models.
            if len(models) == len(page) and known.looked(models, asked, is_all=last == 1):
                return known.models
        # From here on there is a gap that no newest page can close.
        self._known = None
        return None

    # -- when a list doesn't tell everything ---------------------------------------------------------------------

    def _by_id(self, state: LiveState, declared: Collection[int]) -> LiveState:
        """What the pages showed and what the declared ids say."""
        models, unreadable = list(state.models), list(state.unreadable)
        known = {model.id for model in models} | {row.id for row in unreadable}
        for model_id in sorted(set(declared) - known):
            model = self._try(model_id)
            if isinstance(model, Unreadable):
                unreadable.append(model)
            elif model is not None:
                models.append(model)
        return LiveState(tuple(models), tuple(unreadable), state.complete)

    def _try(self, model_id: int) -> LiveModel | Unreadable | None:
        """The model of that id, or that it's there but can't be shown, or None."""
        try:
            return self.read(model_id)
        except UnreadableError as broken:
            return Unreadable(model_id, broken.reason, hint=broken.hint)
        except MissingError:
            return None

    def _around_broken_rows(self, error: ApiError, declared: Collection[int]) -> LiveState:
        """One row that the server can't show turns every list with it into 400: read the lists around it.

        The rows that break are ai_ml models on a connector without catalog, so the other types come in one list.
        """
        rows: list[LiveModel | Unreadable] = []
        broken: list[ApiError] = []
        is_complete = True
        for types in (_SOUND, ("ai_ml",)):
            source = replace(_MODELS, query=(("query_type", ",".join(types)),))
            try:
                found, errors = self._lists.around(source)
            except IncompleteError as incomplete:
                found, errors, is_complete = incomplete.rows, (), False
            rows += found
            broken += errors
        if is_complete and not broken and error.excess is None:
            message = f"the list of models can't be read, and no broken row explains it: {error.what}"
            raise RefreshError(message, "try again; if it stays so, ask whoever runs the server") from error
        shown = _state(rows, is_complete=is_complete)
        state = self._by_id(shown, declared)
        # A model that only its own request shows is one of those that break the list.
        found_out = len(state.models) + len(state.unreadable) - len(shown.models) - len(shown.unreadable)
        probed = self._probed(len(broken) - found_out, state, declared)
        unnamed = (Unreadable(None, one.reason, hint=one.hint) for one in broken[found_out + len(probed) :])
        return replace(state, unreadable=(*state.unreadable, *probed, *unnamed))

    def _probed(self, missing: int, state: LiveState, declared: Collection[int]) -> tuple[Unreadable, ...]:
        """The broken rows that no file declares, as far as a few questions in the gaps between the ids find them.

        Where there are more than that, their ids are left unknown.
        """
        if missing > _PROBES:
            return ()
        known = {model.id for model in state.models} | {row.id or 0 for row in state.unreadable} | set(declared)
        newest = max(known, default=0) + 1
        gaps = (model_id for model_id in range(newest, 0, -1) if model_id not in known)
        found: list[Unreadable] = []
        for model_id in islice(gaps, _PROBES):
            if len(found) < missing and isinstance(row := self._try(model_id), Unreadable):
                found.append(row)
        return tuple(found)

    def _hide(self, models: Iterable[LiveModel]) -> None:
        """Keep the secrets of models out of error texts, which may quote them."""
        self._session.scrubber.learn(_secrets(models))


def _secrets(models: Iterable[LiveModel]) -> Iterator[Secret]:
    found = (leaf for model in models for _, leaf in leaves(model.fields.get("configuration")))
    return (leaf for leaf in found if isinstance(leaf, Secret))


def _state(rows: Iterable[LiveModel | Unreadable], *, is_complete: bool = True) -> LiveState:
    """The rows of a list as live state. An id that stands for two different models can be read as neither."""
    by_id: dict[int, LiveModel | Unreadable] = {}
    nameless: list[Unreadable] = []
    for row in rows:
        if row.id is None:
            nameless.append(row)
        elif row.id in by_id and by_id[row.id] != row:
            name = row.name if row.name == by_id[row.id].name else ""
            reason = "the list shows two different models of that id"
            by_id[row.id] = Unreadable(row.id, reason, name, payloads.MALFORMED_HINT)
        else:
            by_id[row.id] = row
    models = tuple(row for row in by_id.values() if isinstance(row, LiveModel))
    unreadable = tuple(row for row in by_id.values() if isinstance(row, Unreadable))
    return LiveState(models, (*unreadable, *nameless), is_complete)


def _rows(data: Json) -> list[Json]:
    """The rows of a list that has no pages. Raises ValueError or TypeError where it is none."""
    rows = data["data"]
    if not isinstance(rows, list):
        raise TypeError
    return rows


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
