"""The `_defaults.yaml` of each folder: what the model files of the folder, and below it, leave out."""

from __future__ import annotations

import hashlib
import json
import posixpath
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from syncer.desired.loader.disk import named
from syncer.desired.loader.positions import YamlMarks
from syncer.model import DEFAULTS, NO_MARKS, Inheritance, Problem, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.desired.loader.disk import Found, Root
    from syncer.model import Common

    Read: TypeAlias = Callable[[Found], tuple[bytes, Mapping[str, Any] | None, list[Problem]]]

_HINTS: Final = {
    "empty-file": "write a field, such as `connector: …`, or delete the file",
    "not-a-mapping": "begin with a field, such as `connector: …`",
    "several-documents": "one file holds one set of defaults: remove the `---`",
}
"""What helps against a problem whose hint is about a model."""


def is_defaults(path: str) -> bool:
    """Whether a file of the models folder gives defaults, and is no model."""
    return posixpath.basename(path) == DEFAULTS


class Defaults:
    """The defaults of the folders from the models folder down: each file is read once, when a folder first needs it."""

    def __init__(self, root: Root, folder: str, common: Common, read: Read) -> None:
        self.common = common
        self.problems: list[Problem] = []
        self._root = root
        self._top = folder
        self._read = read
        self._found: dict[str, Inheritance] = {}

    @property
    def sections(self) -> tuple[Section, ...]:
        """Every file that was read."""
        return tuple({id(one): one for found in self._found.values() for one in found.sections}.values())

    def inherited(self, path: str, before: Inheritance | None = None) -> Inheritance:
        """What the model file at a path inherits; what it had `before`, if that says the same."""
        found = self.of_folder_with(path)
        return before if before is not None and said(before) == said(found) else found

    def of_folder_with(self, path: str) -> Inheritance:
        """What the files beside a path inherit."""
        folder = posixpath.dirname(path) or "."
        if folder not in self._found:
            is_top = folder in {self._top, "."}
            above = Inheritance((), self.common) if is_top else self.of_folder_with(folder)
            section = self._section(posixpath.normpath(f"{folder}/{DEFAULTS}"))
            sections = above.sections if section is None else (section, *above.sections)
            self._found[folder] = above if section is None else Inheritance(sections, self.common)
        return self._found[folder]

    def _section(self, path: str) -> Section | None:
        found = named(self._root, path)
        if found is None:
            return None
        if isinstance(found, Problem):
            self.problems.append(found)
            return Section(path, {}, NO_MARKS, is_unread=True)
        raw, data, problems = self._read(found)
        self.problems += [replace(one, hint=_HINTS.get(one.rule, one.hint)) for one in problems]
        return Section(path, data or {}, YamlMarks(raw), is_unread=data is None)


@lru_cache(maxsize=1000)
def said(inherited: Inheritance) -> str:
    """All that is inherited as a digest, which tells 1 from true; empty for nothing."""
    common = inherited.common
    sections = [(one.path, one.data) for one in inherited.sections]
    tables = [{name: one.data for name, one in each.items()} for each in (common.environments, common.connectors)]
    settings = [common.defaults.data if common.defaults else {}, *tables]
    if not sections and not any(settings):
        return ""
    return hashlib.sha256(json.dumps([sections, settings], sort_keys=True).encode()).hexdigest()
