"""Which definitions `--target` means: addresses, paths or globs."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from unicodedata import normalize

from syncer.errors import SettingsError
from syncer.model import (
    DesiredModel,
    DesiredState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def targeted(desired: DesiredState, patterns: Sequence[str]) -> DesiredState:
    """The definitions that the patterns name; all without any. Raises SettingsError for one that names nothing."""
    refuse_unknown(desired.models, patterns, "definition")
    return DesiredState(tuple(model for model in desired.models if is_chosen(model, patterns)))


def refuse_unknown(models: Sequence[DesiredModel], patterns: Sequence[str], what: str) -> None:
    """Raise SettingsError for a pattern that names none of the models."""
    for pattern in patterns:
        if not any(is_chosen(model, (pattern,)) for model in models):
            near = get_close_matches(pattern, [model.address for model in models], 1)
            hint = f"did you mean {near[0]}?" if near else "addresses are paths below the models folder, without .yaml"
            raise SettingsError(f"--target {pattern} names no {what}", hint)


def is_chosen(model: DesiredModel, patterns: Sequence[str]) -> bool:
    """Whether any of the patterns means the model; without any all are meant."""
    return is_named(model.address, model.document.path, patterns)


def is_named(address: str, path: str, patterns: Sequence[str]) -> bool:
    """The same of a definition by its address, as the progress lines write it, or by its file's path.

    A disk may spell an accent in two characters where a keyboard writes one: both mean the same name.
    """
    names = [normalize("NFC", name) for name in (address, f"model.{address}", path)]
    composed = [normalize("NFC", pattern) for pattern in patterns]
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in composed)
