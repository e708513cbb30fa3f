"""What a use case asks of the API, as arguments: a Reader, and the workspace's connectors asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from syncer.desired.connectors import bind_connectors

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from syncer.desired.targets import Targets
    from syncer.model import (
        Connector,
        DesiredState,
        LiveState,
        Problem,
        Sync,
    )


class Reader(Protocol):
    """What a plan needs of the API. All raise ApiError, and the lists RefreshError."""

    def fetch(self, declared: Collection[int]) -> LiveState:
        """Live state of the workspace; `declared` are the ids that files name."""

    def connectors(self) -> Sequence[Connector]:
        """The connectors of the workspace."""

    def syncs(self) -> Sequence[Sync]:
        """The syncs of the workspace."""

    def is_running(self, sync_id: int) -> bool:
        """Whether a run of the sync is under way."""


class Connectors:
    """The workspace's connectors: asked for once, and only if something needs them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: Sequence[Connector] | None = None

    def __call__(self) -> Sequence[Connector]:
        """All of them."""
        if self._known is None:
            self._known = self._reader.connectors()
        return self._known

    def told(self, targets: Targets) -> Targets:
        """The targets, with the ids of the connectors that they name."""
        return targets.with_connectors(self()) if targets.connectors else targets

    def bound(self, desired: DesiredState) -> tuple[DesiredState, tuple[Problem, ...]]:
        """The state with the ids of the connectors that it names."""
        if not any(model.connector for model in desired.models):
            return desired, ()
        return bind_connectors(desired, self())
