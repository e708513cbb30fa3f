"""Positions in one file's text: the line and column of a character, the source line, the place of each key and value.

Positions are worked out only when a problem needs them, by parsing again from the bytes that are kept anyway: ten
thousand documents keep neither lines nor YAML nodes alive.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Final

from syncer.secrets import CREDENTIAL, SECRET_VARIABLE, SENSITIVE, resembles_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncer.model import Document, Path

_LINE_END: Final = re.compile(r"(\r\n|\n|\r)")
_SPACES: Final = "\t\xa0\u3000"
_MAX_EXCERPT: Final = 1000
"""An excerpt is for eyes: of a line of a megabyte they get the beginning."""

_KEY: Final = re.compile(r"""(?P<quote>["']?)(?P<key>[\w.-]{1,100})(?P=quote)\s{0,20}:(?=\s|$)""")
_HARMLESS: Final = re.compile(rf"\s*(?:\{{\s*env\s*:\s*{SECRET_VARIABLE.pattern}\s*\}}|(?:[|>][-+0-9]*\s*)?(?:#.*)?$)")
_REFERENCE: Final = re.compile(rf"""\s*["']?env["']?\s*:\s*["']?{SECRET_VARIABLE.pattern}["']?\s*(?:#.*)?""")
_LOOK_BACK: Final = 200


@lru_cache(maxsize=8)
def _lines(raw: bytes) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The lines without their ends, and the index of the character that each begins with."""
    # A file may be a megabyte of line ends: nothing here runs once a line in Python.
    parts = _LINE_END.split(raw.decode("utf-8", "replace"))
    lines, ends = parts[::2], parts[1::2]
    starts = [0, *accumulate(map(add, map(len, lines), map(len, ends)))]
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
        starts.pop()
    return tuple(lines), tuple(starts)


def place(raw: bytes, index: int) -> tuple[int, int]:
    """Line and column (from 1) of the character of that index; of the last line's end if it's beyond."""
    lines, starts = _lines(raw)
    row = bisect_right(starts, index) - 1
    return row + 1, min(index - starts[row], len(lines[row])) + 1


def excerpt(raw: bytes, number: int) -> str:
    """The line of that number, fit to be shown: no control characters, no endless line, no secret."""
    lines, _ = _lines(raw)
    if not 1 <= number <= len(lines):
        return ""
    line = lines[number - 1][:_MAX_EXCERPT]
    if not line.isprintable():
        line = "".join(c if c.isprintable() or c in _SPACES else "\ufffd" for c in line)
    if any(_ends_in_secret_key(above) for above in _above(lines, number - 1)) and not _REFERENCE.fullmatch(line):
        return line[: _indent(line)] + SENSITIVE
    return redacted(line)


def redacted(line: str) -> str:
    """The line without what stands under a secret's key, and without anything that looks like a credential."""
    for match in _KEY.finditer(line):
        if resembles_secret_key(match["key"]) and not _HARMLESS.match(line, match.end()):
            return f"{CREDENTIAL.sub(SENSITIVE, line[: match.end()])} {SENSITIVE}"
    return CREDENTIAL.sub(SENSITIVE, line)


def _above(lines: tuple[str, ...], row: int) -> Iterator[str]:
    """The lines that this one stands under: the one before, and then each that is indented less."""
    indent = _indent(lines[row])
    nearest = True
    for line in reversed(lines[max(0, row - _LOOK_BACK) : row]):
        if line.strip() and (nearest or _indent(line) < indent):
            indent, nearest = min(indent, _indent(line)), False
            yield line[:_MAX_EXCERPT]


def _ends_in_secret_key(line: str) -> bool:
    return any(
        resembles_secret_key(match["key"]) and _HARMLESS.fullmatch(line, match.end()) and "{" not in line[match.end() :]
        for match in _KEY.finditer(line)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class YamlMarks:
    """Where each key and value of a YAML text stands (`model.Marks`).

    Of a text that needn't be parsed only the way to it is kept: `text` reads it then, and gives nothing if it's gone.
    """

    __slots__ = ("_text",)

    def __init__(self, text: bytes | Callable[[], bytes]) -> None:
        self._text = text

    @property
    def raw(self) -> bytes:
        """The text, without a byte order mark."""
        return self._text if isinstance(self._text, bytes) else self._text()

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at `path`, or of its key; of the nearest parent if there is none."""
        # The parser is slow to import, and a run without a problem doesn't need it.
        from syncer.desired.loader.nodes import start_of  # noqa: PLC0415

        raw = self.raw
        return place(raw, start_of(raw, path, key=key)) if raw else (1, 1)

    def line(self, number: int) -> str:
        """The source line of that number as it may be shown, without its line end; empty if there is none."""
        return excerpt(self.raw, number)


def content(document: Document) -> bytes:
    """What a document was read from, without a byte order mark; nothing for one that came from no file."""
    return document.marks.raw if isinstance(document.marks, YamlMarks) else b""
