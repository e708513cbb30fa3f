"""What an apply asks of the API, as an argument. The client is one; tests have another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from syncer.events import Pace
    from syncer.model import LiveModel

LOOKS: Final = 10
"""How many looks a write gets: where it comes too late after one, it needs another."""


class Writer(Protocol):
    """What an apply needs of the API. All raise ApiError."""

    def read(self, model_id: int) -> LiveModel:
        """The live model now."""

    def glance(self, ids: Collection[int]) -> Mapping[int, LiveModel]:
        """The live models of these ids now, as far as one request can tell; the others are missing."""

    def put(self, model_id: int, body: Mapping[str, Any]) -> LiveModel:
        """Send one PUT and return the model as the server answered it.

        Raises LateError, with nothing sent, if the last look at the model is too long ago.
        """

    def named(self, name: str) -> Sequence[LiveModel]:
        """Every live model of that name now. Raises RefreshError, too, where that can't be told."""

    def create(self, body: Mapping[str, Any]) -> LiveModel:
        """Send one POST and return the model as the server answered it. Raises LateError as `put` does."""

    def newest(self, ids: Collection[int]) -> Sequence[LiveModel] | None:
        """The models that were written last, down to these; None if that's too far down."""

    def pace(self, requests: int) -> Pace:
        """How fast requests may go, and in how many seconds the last of so many further ones may."""
