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
from typing import TYPE_CHECKING, Any, Final

import yaml

from syncer.secrets import CREDENTIAL, SECRET_VARIABLE, SENSITIVE, resembles_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.model import Path

YamlLoader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where the wheel has it, twenty times the speed of the pure parser; both produce the same events."""

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


# -- where keys and values stand ---------------------------------------------------------------------------------


class _Tree:
    """The YAML nodes of one text, and what each mapping has under which key."""

    def __init__(self, raw: bytes) -> None:
        # Composing is recursive, in C too; it's safe here because only texts of bounded depth become documents.
        self.root: Any = YamlLoader(raw).get_single_node()
        self._children: dict[int, dict[str, tuple[Any, Any]]] = {}

    def children(self, node: yaml.MappingNode) -> dict[str, tuple[Any, Any]]:
        """Key and value node of each key; the first of a duplicate, as in the document's data."""
        known = self._children.get(id(node))
        if known is None:
            known = self._children[id(node)] = {}
            for key, value in node.value:
                if key.tag != "tag:yaml.org,2002:merge":
                    known.setdefault(key.value if isinstance(key.value, str) else "", (key, value))
            for key, value in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                        if isinstance(source, yaml.MappingNode):
                            for name, pair in self.children(source).items():
                                known.setdefault(name, pair)
        return known


_tree: Final = lru_cache(maxsize=4)(_Tree)


class YamlMarks:
    """Where each key and value of a YAML text stands (`model.Marks`)."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at `path`, or of its key; of the nearest parent if there is none."""
        tree = _tree(self.raw)
        name, node = None, tree.root
        for segment in path:
            if isinstance(node, yaml.MappingNode) and segment in tree.children(node):
                name, node = tree.children(node)[str(segment)]
            elif isinstance(node, yaml.SequenceNode) and isinstance(segment, int) and segment < len(node.value):
                name, node = None, node.value[segment]
            else:
                break
        mark = (name if key and name is not None else node).start_mark
        return place(self.raw, mark.index)

    def line(self, number: int) -> str:
        """The source line of that number as it may be shown, without its line end; empty if there is none."""
        return excerpt(self.raw, number)
