"""The text of a settings file with a table more in it. Everything that stands there stays as it is. Pure.

What comes out is read again: it must say what was said before, and the new table, and nothing else.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from syncer.config.settings import FILES
from syncer.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.config.settings import Environment

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def environment_table(file: str, environment: Environment) -> str:
    """The table of an environment, as a settings file of that name says it."""
    values = {"api_url": environment.api_url, "workspace_id": environment.workspace_id}
    return _table(_header(file, "environments", environment.name), values)


def connectors_table(file: str, environment: str, names: Mapping[str, str]) -> str:
    """The table of what an environment calls connectors, as a settings file of that name says it."""
    return _table(_header(file, "environments", environment, "connectors"), names)


def with_environment(raw: bytes, file: str, environment: Environment) -> bytes:
    """The settings with a table for an environment that they don't have. Raises SettingsError if they can't get one."""
    table = environment_table(file, environment)
    values = {"api_url": environment.api_url, "workspace_id": environment.workspace_id}
    return _proved(_appended(raw, table), raw, (*_top(file), "environments", environment.name), values, file, table)


def with_connectors(raw: bytes, file: str, environment: str, names: Mapping[str, str]) -> bytes:
    """The settings with these names of connectors added for an environment. Raises SettingsError if they can't be."""
    table = connectors_table(file, environment, names)
    where = (*_top(file), "environments", environment, "connectors")
    text, mark = _decoded(raw, file)
    header = re.compile(rf"(?m)^[ \t]*\[[ \t]*{_spelled(where)}[ \t]*\][^\n]*(?:\n|\Z)")
    found = header.search(text)
    if found is None:
        return _proved(_appended(raw, table), raw, where, names, file, table)
    lines = table.partition("\n")[2].replace("\n", _line_end(text))
    gap = "" if found[0].endswith("\n") else _line_end(text)
    added = f"{text[: found.end()]}{gap}{lines}{text[found.end() :]}"
    return _proved(mark + added.encode(), raw, where, names, file, table)


def _top(file: str) -> tuple[str, ...]:
    return () if file == FILES[0] else ("tool", "syncer")


def _header(file: str, *names: str) -> str:
    return ".".join(map(_key, (*_top(file), *names)))


def _spelled(names: tuple[str, ...]) -> str:
    """A pattern for a header of these names, in any spelling that people use."""
    one = (rf"""(?:{re.escape(name)}|"{re.escape(name)}"|'{re.escape(name)}')""" for name in names)
    return r"[ \t]*\.[ \t]*".join(one)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    # What JSON makes of a text is TOML's basic string, too, but for the one character that it leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table(header: str, values: Mapping[str, object]) -> str:
    lines = [f"{_key(key)} = {_text(value) if isinstance(value, str) else value}" for key, value in values.items()]
    return "".join(f"{line}\n" for line in (f"[{header}]", *lines))


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _decoded(raw: bytes, file: str) -> tuple[str, bytes]:
    """The text, and the mark that Windows editors put before it."""
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    try:
        return raw[len(mark) :].decode(), mark
    except UnicodeDecodeError:
        raise SettingsError(f"{file} can't be read: it is not UTF-8", "save it as UTF-8") from None


def _appended(raw: bytes, table: str) -> bytes:
    """The table behind everything else: there it takes nothing away from another one."""
    end = "\r\n" if b"\r\n" in raw else "\n"
    gap = "" if not raw.strip() else end if raw.endswith(b"\n") else end * 2
    return raw + (gap + table.replace("\n", end)).encode()


def _proved(
    text: bytes, before: bytes, where: tuple[str, ...], values: Mapping[str, object], file: str, table: str
) -> bytes:
    """The new text, if it says what the old one said and these values. Raises SettingsError."""
    expected = _read(before)
    inside: Any = expected
    for name in where:
        inside = inside.setdefault(name, {}) if isinstance(inside, dict) else None
    if isinstance(inside, dict) and not inside.keys() & values.keys():
        inside.update(values)
        if _read(text) == expected:
            return text
    message = f"{file} is written in a way that leaves no room for another table"
    raise SettingsError(message, f"write it there by hand, and run this again:\n{table}")


def _read(raw: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {"": None}
