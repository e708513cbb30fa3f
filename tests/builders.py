"""Small builders of the nouns, and a stand-in for the API: what the tests of the core rooms are made of."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncer import normalization
from syncer.desired.resolve import resolve
from syncer.errors import ApiError, MissingError
from syncer.events import Pace
from syncer.live import payloads
from syncer.model import Connector, DesiredModel, Document, Lifecycle, LiveModel, LiveState, Sync, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from syncer.model import Path

TARGET = Target("prod", "https://api.example.com/api/v1", 2)


class FlatMarks:
    """Marks of a made-up file: every top-level key on a line of its own, in the order given."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._keys = list(data)

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """The key's line; values stand behind `key: `."""
        if not path or path[0] not in self._keys:
            return 1, 1
        return self._keys.index(str(path[0])) + 1, 1 if key else len(str(path[0])) + 3

    def line(self, number: int) -> str:
        """The line of that number, without its value."""
        return f"{self._keys[number - 1]}: …" if 0 < number <= len(self._keys) else ""


RAW_SQL: dict[str, Any] = {
    "name": "Active users",
    "description": "Users seen in the last 30 days",
    "connector_id": 1,
    "query_type": "raw_sql",
    "primary_key": "user_id",
    "query": "SELECT user_id\nFROM users",
}


def document(address: str = "active_users", **values: Any) -> Document:
    """A document as the loader makes it, with `RAW_SQL` filled in; a value of `...` takes a key away."""
    data = {key: value for key, value in {**RAW_SQL, **values}.items() if value is not ...}
    return Document(address, f"models/{address}.yaml", data, FlatMarks(data))


def desired(address: str = "active_users", environment: str = "prod", **values: Any) -> DesiredModel:
    """The same, resolved for one environment."""
    return resolve([document(address, **values)], environment).models[0]


def resource(model_id: int, **attributes: Any) -> dict[str, Any]:
    """A model as the API sends it."""
    values = {**RAW_SQL, "configuration": None, **attributes}
    connector = {"id": values.pop("connector_id"), "name": "warehouse", "configuration": {"password": "hunter2"}}
    stamps = {"created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-02-01T00:00:00.000Z"}
    return {"id": str(model_id), "type": "models", "attributes": {**values, **stamps, "connector": connector}}


def live(model_id: int = 42, **attributes: Any) -> LiveModel:
    """A live model as refresh makes it."""
    return payloads.parse(resource(model_id, **attributes))


def _nothing(_: FakeApi) -> None:
    """No meddling."""


class FakeApi:
    """The API's twin in memory: a Reader and a Writer. `hooks` may raise, or meddle, before a PUT of an id."""

    def __init__(
        self, models: Collection[LiveModel], connectors: Sequence[Connector] = (), syncs: Sequence[Sync] = ()
    ) -> None:
        self.models = {model.id: model for model in models}
        self._connectors = connectors
        self._syncs = syncs
        self.posts: list[dict[str, Any]] = []
        self.creating: Callable[[FakeApi], None] = _nothing
        self.created: Callable[[FakeApi], None] = _nothing
        self.hooks: dict[int, Callable[[FakeApi], None]] = {}
        self.after: dict[int, Callable[[FakeApi], None]] = {}
        self.puts: list[tuple[int, dict[str, Any]]] = []
        self.reads: list[int] = []
        self.is_dark = False
        """Whether no model can be read any more."""
        self._lock = threading.Lock()

    def fetch(self, declared: Collection[int]) -> LiveState:
        """Everything, in the order in which it was given."""
        assert all(isinstance(model_id, int) for model_id in declared)
        return LiveState(tuple(self.models.values()))

    def connectors(self) -> Sequence[Connector]:
        """What it was given."""
        return self._connectors

    def syncs(self) -> Sequence[Sync]:
        """What it was given."""
        return self._syncs

    def is_running(self, sync_id: int) -> bool:
        """Whether it was given as running."""
        return any(sync.id == sync_id and sync.is_running for sync in self._syncs)

    def named(self, name: str) -> Sequence[LiveModel]:
        """The models of that name."""
        with self._lock:
            return [model for model in self.models.values() if model.name == name]

    def glance(self, ids: Collection[int]) -> Mapping[int, LiveModel]:
        """No page proves anything here."""
        assert all(isinstance(model_id, int) for model_id in ids)
        return {}

    def newest(self, ids: Collection[int]) -> Sequence[LiveModel] | None:
        """All of them, the last one that was made first."""
        assert all(isinstance(model_id, int) for model_id in ids)
        with self._lock:
            return list(reversed(self.models.values()))

    def pace(self, requests: int) -> Pace:
        """As fast as anybody likes."""
        assert requests >= 0
        return Pace()

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """Make a model, as the server does: names may repeat. `creating` may raise before, `created` after."""
        with self._lock:
            self.posts.append(dict(body))
            self.creating(self)
            made = live(max(self.models, default=0) + 1, **{"configuration": None, **body["model"]})
            self.models[made.id] = made
            self.created(self)
            return made

    def read(self, model_id: int) -> LiveModel:
        """One model, or the API's 404."""
        with self._lock:
            self.reads.append(model_id)
            if self.is_dark:
                raise ApiError("GET", f"/models/{model_id}", 503, "dark")
            if model_id not in self.models:
                raise MissingError("GET", f"/models/{model_id}", 404, "Couldn't find Model")
            return self.models[model_id]

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """Merge the body at the top, as the server does."""
        with self._lock:
            self.puts.append((model_id, dict(body)))
            self.hooks.pop(model_id, _nothing)(self)
            self.edit(model_id, **body["model"])
            self.after.pop(model_id, _nothing)(self)
            return self.models[model_id]

    def edit(self, model_id: int, **fields: Any) -> None:
        """An edit, as somebody in the UI would make it."""
        model = self.models[model_id]
        normal = normalization.normal_form(fields)
        raw = {field: value for field, value in model.raw.items() if field not in fields}
        raw.update(normalization.raw_form(fields, normal))
        self.models[model_id] = replace(model, fields={**model.fields, **normal}, raw=raw)


__all__ = ["RAW_SQL", "TARGET", "FakeApi", "FlatMarks", "Lifecycle", "desired", "document", "live", "resource"]
