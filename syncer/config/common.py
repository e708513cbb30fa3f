"""What the settings say for every model file: defaults of fields, and what connectors are called per environment.

What no model file could hold is refused here. `validate` checks the rest, as it checks model files.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from syncer.model import DEFAULTABLE, Common, Section
from syncer.secrets import CREDENTIAL, SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from syncer.model import Path

_DEEPEST: Final = 90
"""How deep a value may be nested: less than in a model file, which has a few levels of its own."""

_PART: Final = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = re.compile(rf"""\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=""")
_HEADER = re.compile(rf"""\s*\[\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]""")
_PLAIN = re.compile(r"""[^=]*=\s*(?:[\w.+-]+|"[^"\\]*"|'[^']*')\s*(?:#.*)?""")


class TomlMarks:
    """Where the keys of a table stand in a TOML file (`model.Marks`): the TOML reader doesn't tell."""

    __slots__ = ("_lines", "_table")

    def __init__(self, text: str, table: Path) -> None:
        self._lines = text.splitlines()
        self._table = table

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:  # noqa: ARG002 - a key stands for its value
        """Line and column of the key at `path`, or of the nearest one above it; 0 where there is none."""
        wanted = (*self._table, *path)
        best, place = 0, (0, 0)
        header: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, 1):
            if found := _HEADER.match(line):
                names = header = _parts(found[1])
            elif found := _KEY.match(line):
                names = (*header, *_parts(found[1]))
            else:
                continue
            if len(names) > best and names == wanted[: len(names)]:
                best, place = len(names), (number, found.start(1) + 1)
        return place if best >= min(len(wanted), len(self._table)) else (0, 0)

    def line(self, number: int) -> str:
        """The line as it may be shown: with its value only where a known key has a plain one."""
        if not 1 <= number <= len(self._lines):
            return ""
        line = self._lines[number - 1]
        if not line.isprintable():
            return ""
        found = _KEY.match(line)
        if found is None:
            return CREDENTIAL.sub(SENSITIVE, line) if _HEADER.match(line) else ""
        is_field = _parts(found[1])[-1] in {*DEFAULTABLE} - {"configuration", "lifecycle"}
        is_known = is_field or self._table[-1] == "connectors"
        shown = line if is_known and _PLAIN.fullmatch(line) else f"{line[: found.end()]} {SENSITIVE}"
        return CREDENTIAL.sub(SENSITIVE, shown)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(one.strip("\"'") for one in re.findall(_PART, name))


def common_of(
    table: Mapping[str, Any], file: str, text: str, top: Path, complain: Callable[[str, str, str, str], None]
) -> Common:
    """What a settings table says for all model files; `top` is where it stands in its file."""
    defaults = None
    if "defaults" in table:
        defaults = _defaults(table["defaults"], file, TomlMarks(text, (*top, "defaults")), "", complain)
    environments, connectors = {}, {}
    tables = table.get("environments")
    for name, own in tables.items() if isinstance(tables, dict) else ():
        where = (*top, "environments", name)
        if not isinstance(own, dict):
            continue
        if "defaults" in own:
            marks = TomlMarks(text, (*where, "defaults"))
            environments[name] = _defaults(own["defaults"], file, marks, name, complain)
        if "connectors" in own:
            marks = TomlMarks(text, (*where, "connectors"))
            connectors[name] = Section(file, _names(own["connectors"], name, complain), marks, name)
    return Common(defaults, environments, connectors)


def _defaults(
    given: object, file: str, marks: TomlMarks, environment: str, complain: Callable[[str, str, str, str], None]
) -> Section:
    where = f"environments.{environment}.defaults" if environment else "defaults"
    if not isinstance(given, dict):
        complain(
            "defaults",
            f"{where} must be a table of fields",
            f'write [{where}], and below it connector = "…"',
            environment,
        )
        return Section(file, {}, marks, environment)
    for key, value in given.items():
        if wrong := next(_unfit(value), ""):
            complain(
                key,
                f"{where}.{key!r} holds {wrong}",
                "write text, a number, true or false, a list or a table",
                environment,
            )
    return Section(file, given, marks, environment)


def _unfit(value: object, depth: int = 0) -> Iterator[str]:
    """What no JSON can hold, in words."""
    if depth > _DEEPEST:
        yield f"a value that is nested more than {_DEEPEST} deep"
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _unfit(inner, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        yield "a number that JSON doesn't have"
    elif not isinstance(value, str | bool | int | float):
        yield "a date or a time"


def _names(given: object, environment: str, complain: Callable[[str, str, str, str], None]) -> dict[str, str]:
    where = f"environments.{environment}.connectors"
    hint = f'write [{where}], and below it "name in files" = "name there"'
    if not isinstance(given, dict):
        complain("connectors", f"{where} must be a table of names", hint, environment)
        return {}
    found = {}
    for name, there in given.items():
        if isinstance(there, str) and there.strip() and there.isprintable() and name.strip() and name.isprintable():
            found[name] = there
        else:
            complain(name, f"{where}.{name!r} must be the connector's name there, in one line", hint, environment)
    return found
