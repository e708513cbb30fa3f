"""What an import asks of the files, as an argument: their texts, and a trial of new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from syncer.adopting.new_files import Draft
    from syncer.model import (
        Common,
        Document,
        Json,
        Path,
        Problem,
    )
    from syncer.secrets import Secret


class Desk(Protocol):
    """What an import needs of the files: their texts, and a trial of new ones. Nothing is written by it."""

    @property
    def common(self) -> Common:
        """What the settings say for every model file."""

    def variable(self, secret: Secret) -> str:
        """The variable that has this very value; empty if none has."""

    def variables(self) -> Collection[str]:
        """The variables that are set: a name that a foreign model suggests must not be one of another value."""

    def names(self) -> Collection[str]:
        """What is in the folder that new files go to."""

    def path(self, name: str) -> str:
        """The path, from the root, of a new file in that folder."""

    def inherited(self, path: str) -> Collection[str]:
        """The fields that defaults give to a file at a path which leaves them out."""

    def is_free(self, path: str) -> bool:
        """Whether nothing is at a path."""

    def written(self, draft: Draft) -> Mapping[str, str]:
        """The texts of a draft's files, by path. Raises ValueError for what no file can say."""

    def raw(self, path: str) -> bytes | str:
        """What a file holds, every byte of it; or, as text, why it can't be rewritten."""

    def revised(self, raw: bytes, edits: Sequence[tuple[Path, Json]]) -> tuple[bytes, Sequence[tuple[Path, str]]]:
        """The file with the edits in it, and the paths of those that it has no room for, with the reason."""

    def tried(self, texts: Mapping[str, bytes]) -> tuple[Sequence[Document], Sequence[Problem]]:
        """What git would say with these files in it: their definitions, and every error in them."""
