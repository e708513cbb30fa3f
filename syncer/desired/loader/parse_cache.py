"""The parse cache: what the files of an earlier run meant, by their content, so that only new ones are parsed. An edge.

It stands in the user's state folder, and holds the files of the last run alone that had no problem. It counts for one
state of syncer's own code and of PyYAML's, told as Python's cache of bytecode tells it, and for one set of rules that
the caller names: a file that passed them needs no second look.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import safe_files
from syncer.desired.loader.defaults import said
from syncer.desired.loader.disk import read
from syncer.desired.loader.positions import content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncer.model import Document, Json

_FEWEST: Final = 100
"""Of fewer files parsing costs less than it's worth to keep anything."""

_MAX_BYTES: Final = 1 << 28
_PACKAGE: Final = Path(__file__).parents[2]


class ParseCache:
    """What stands in one file. A file that isn't there, or holds anything else, is an empty cache. Raises nothing."""

    def __init__(self, file: Path, rules: str) -> None:
        self._file = file
        self._rules = rules
        self._known: dict[str, Json] = {}
        with suppress(OSError, ValueError, RecursionError):
            raw = safe_files.read(file, _MAX_BYTES)
            head, _, body = raw.partition(b"\n")
            if head == self._head():
                known = json.loads(body)
                self._known = known if isinstance(known, dict) else {}

    def find(self, raw: bytes, inherited: str = "") -> tuple[str, Mapping[str, Json]] | None:
        """By which name a text is kept that inherits this, and what it means; None if it isn't known."""
        name = _name(raw, inherited)
        data = self._known.get(name)
        return (name, data) if isinstance(data, dict) else None

    @staticmethod
    def read_again(real: str, name: str, inherited: str = "") -> bytes:
        """The text of that name, from the file that it was found in; nothing if that holds another one by now."""
        raw = read(real)
        return raw if isinstance(raw, bytes) and _name(raw, inherited) == name else b""

    def renewed(self, documents: Sequence[Document], known: Mapping[str, str]) -> bytes | None:
        """What the file has to hold to know these documents, and no others; None if it does, or isn't worth it.

        `known` has the names of those that were found in it, by their paths.
        """
        new = {known.get(one.path) or _name(content(one), said(one.inherited)): one.data for one in documents}
        if len(new) < _FEWEST or new.keys() == self._known.keys():
            return None
        return b"%s\n%s" % (self._head(), json.dumps(new, ensure_ascii=False, separators=(",", ":")).encode())

    def _head(self) -> bytes:
        """What has to be the same for anything in the file to count."""
        state = "\n".join((sys.version, self._rules, *_sources()))
        return _name(state.encode()).encode()


def _sources() -> Iterator[str]:
    """Size and time of change of all code that a file's meaning depends on."""
    folders = ("*.py", "desired/**/*.py", "secrets/*.py", "sql/*.py")
    files = sorted(file for one in folders for file in _PACKAGE.glob(one))
    parser = find_spec("yaml")
    for file in (*files, *([Path(parser.origin)] if parser and parser.origin else [])):
        with suppress(OSError):
            found = file.stat()
            yield f"{file} {found.st_size} {found.st_mtime_ns}"


def _name(raw: bytes, inherited: str = "") -> str:
    """The name of a text: with what it inherits, because the rules judge both together."""
    # The text comes last: no text can end in what another one inherits.
    return hashlib.sha256(f"{inherited}\0".encode() + raw).hexdigest()
