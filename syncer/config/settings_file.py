"""The settings file: found, read within bounds, and checked. Every problem is told at its place, without a credential.

An edge: it reads `syncer.toml`, or a table of `pyproject.toml`. Either comes with the repository, so from anybody.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from syncer import safe_files
from syncer.config.common import common_of
from syncer.config.servers import why_no_ui, why_no_url
from syncer.config.settings import (
    ENVIRONMENT_KEYS,
    FILES,
    KEEP_RUNS,
    KEYS,
    LARGEST_ID,
    MOST_RUNS,
    NUMBER_KEYS,
    Environment,
    Numbers,
    Settings,
    did_you_mean,
)
from syncer.errors import InputError, SettingsError
from syncer.model import LFS_POINTER, SANDBOX, Origin, Problem
from syncer.secrets import CREDENTIAL, SENSITIVE, resembles_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Complain: TypeAlias = "Callable[[str, str, str], None]"
"""Takes a key, what is wrong with it, and what to do."""

_LARGEST: Final = 256 * 1024
_LONGEST_LINE: Final = 4096
_MOST_PROBLEMS: Final = 100
_SHOWN: Final = frozenset({one.name for one in (*KEYS, *ENVIRONMENT_KEYS, *NUMBER_KEYS)} - {"api_url", "ui_url"})
_NO_CREDENTIALS: Final = (
    "credentials come from variables alone: set SYNCER_TOKEN, or SYNCER_EMAIL and SYNCER_PASSWORD, take this out, and "
    "change what was committed"
)

_PLAIN = re.compile(r"""\s*[\w.-]+\s*=\s*(?:[\w.+-]+|"[^"]*"|'[^']*')\s*""")
"""A line with one key and one value, and nothing else."""

_DOTTED = re.compile(r"""\s*(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*\s*""")
_HEADER = re.compile(r"\s*\[[\w.\s\"-]+\]\s*")
_LOGIN_KEYS: Final = frozenset({"email", "user", "username", "login"})
_AT = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def find(start: Path) -> Path | None:
    """The nearest settings file at `start` or above, not above a git repository; None if there is none."""
    for folder in (start, *start.parents):
        for name in FILES:
            if (file := folder / name).is_file() and (name == FILES[0] or _table(file) is not None):
                return file
        if (folder / ".git").exists():
            return None
    return None


def repository(folder: Path) -> Path | None:
    """The top of the git repository that a folder is in; None outside of any."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def load(start: Path) -> Settings:
    """The settings that hold in a folder. Raises SettingsError, or InputError with every problem of the file."""
    file = find(start)
    if file is None:
        return Settings(start)
    table = _table(file) or {}
    problems: list[Problem] = []
    text = _text_of(file)

    def complain(key: str, message: str, hint: str, table: str = "") -> None:
        if len(problems) < _MOST_PROBLEMS:
            problems.append(_located(file, text, key, message, hint, table))

    known = {key.name for key in (*KEYS, *NUMBER_KEYS)} | {"environments", "create"}
    _unknown(table, known, "", complain)
    models = _text(table, "models", "models", complain)
    default = _text(table, "default_environment", "", complain)
    keep_runs = _keep_runs(table, complain)
    env_file = _text(table, "env_file", "", complain)
    create = _switch(table, "create", "", complain)
    shared = _numbers(table, Numbers(), "", complain)
    environments: dict[str, Environment] = {}
    tables = table.get("environments", {})
    for name, own in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(own, dict):
            complain(name, f"environments.{name} must be a table", f"write [{_prefix(file)}environments.{name}]")
        elif not _NAME.fullmatch(name) or name == SANDBOX:
            why = "is taken by the embedded sandbox" if name == SANDBOX else "may hold letters, digits, - and _ only"
            complain(name, f"the environment name {name!r} {why}", "choose another name")
        else:
            environments[name] = _environment(name, own, shared, partial(complain, table=name), create=create)
    if not isinstance(tables, dict):
        complain("environments", "environments must be a table of tables", f"write [{_prefix(file)}environments.NAME]")
    if default and default not in {*environments, SANDBOX}:
        complain(
            "default_environment",
            f"there is no environment {default!r}",
            did_you_mean(default, {*environments, SANDBOX}),
        )
    top = () if file.name == FILES[0] else ("tool", "syncer")
    common = common_of(table, file.name, text, top, complain)
    if problems:
        raise InputError(problems)
    return Settings(file.parent, models, default, shared, environments, keep_runs, create, common, env_file)


def changed_keys(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """The settings that differ between what is `written` in two folders, by dotted key."""
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def written(start: Path) -> dict[str, object]:
    """What the settings of a folder say, by dotted key; `models` from the top of the repository. Raises SettingsError.

    They must be such as `load` takes: then no key is anybody's free text.
    """
    file = find(start)
    if file is None:
        return {}
    found: dict[str, object] = {}
    waiting: list[tuple[str, dict[str, Any]]] = [("", _table(file) or {})]
    while waiting:
        where, table = waiting.pop()
        for key, value in table.items():
            # What stands in these is anybody's free text.
            if isinstance(value, dict) and key not in {"defaults", "connectors"}:
                waiting.append((f"{where}{key}.", value))
            else:
                found[f"{where}{key}"] = value
    top = repository(file.parent) or file.parent
    return {**found, "models": (file.parent.relative_to(top) / str(found.get("models", "models"))).as_posix()}


def _table(file: Path) -> dict[str, Any] | None:
    """The settings in a TOML file; None if a pyproject.toml has none."""
    try:
        data = tomllib.loads(_text_of(file))
    except (ValueError, RecursionError) as error:
        # A TOMLDecodeError and a UnicodeDecodeError are ValueErrors, too; so is a number of five thousand digits.
        place = file.name
        if isinstance(error, tomllib.TOMLDecodeError):
            at = _AT.search(str(error))
            lines = (text := _text_of(file)).split("\n")
            if LFS_POINTER.match(text):
                message = f"{file.name} can't be read: it is what Git LFS keeps in place of the file"
                raise SettingsError(message, "take it out of Git LFS") from None
            place += f":{at[1]}:{at[2]}" if at else f":{len(lines)}:{len(lines[-1]) + 1}"
        # Neither the line nor what the reader says of it: a credential may stand there.
        message = f"{file.name} can't be read: {place} is no TOML"
        raise SettingsError(message, 'write key = value, and text in quotes: models = "models"') from None
    except OSError as error:
        raise SettingsError(f"{file.name} can't be read: {error.strerror}", "check its permissions") from None
    if file.name == FILES[0]:
        return data
    tool = data.get("tool")
    own = tool.get("syncer") if isinstance(tool, dict) else None
    return own if isinstance(own, dict) else None


def _text_of(file: Path) -> str:
    """The text of a settings file, bounded: it comes with the repository, and so from anybody."""
    if file.is_symlink():
        raise SettingsError(f"{file.name} is a symbolic link", "put the file itself there")
    raw = safe_files.read(file, _LARGEST)
    lines = raw.split(b"\n")
    if len(raw) > _LARGEST or max(map(len, lines)) > _LONGEST_LINE:
        raise SettingsError(f"{file.name} is too large for settings", "give the settings a syncer.toml of their own")
    # Windows editors put a mark before UTF-8, which TOML doesn't know.
    return raw.decode("utf-8-sig")


def _prefix(file: Path) -> str:
    return "" if file.name == FILES[0] else "tool.syncer."


def _located(file: Path, text: str, key: str, message: str, hint: str, table: str = "") -> Problem:
    """A problem where the key stands, in that environment's table: the TOML reader doesn't tell, so it's looked for."""
    message = CREDENTIAL.sub(SENSITIVE, message)
    pattern = re.compile(rf"""(?<![\w-])(["']?){re.escape(key)}\1\s*(?:=|\.|\])""")
    header = re.compile(rf"""\s*\[[^\]=]*(?<![\w-])(["']?){re.escape(table)}\1\s*\]""")
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if table and header.match(line)), 0)
    for number, line in enumerate(lines[start:], start + 1):
        if match := pattern.search(line.partition("#")[0]):
            origin = Origin(file.name, number, match.start() + 1)
            return Problem(origin, "settings", message, hint, excerpt=_excerpt(line, key))
    return Problem(Origin(file.name), "settings", message, hint)


def _excerpt(line: str, key: str) -> str:
    """The line without its value, but for the value of a key that is known, and holds nothing secret.

    A credential that somebody put here by mistake, under whatever key, needn't be in every log as well.
    """
    if (key in _SHOWN and _PLAIN.fullmatch(line)) or _HEADER.fullmatch(line):
        return CREDENTIAL.sub(SENSITIVE, line)
    name = line.partition("=")[0]
    # In the middle of a text or of an inline table nothing tells what is a key.
    return f"{CREDENTIAL.sub(SENSITIVE, name)}= {SENSITIVE}" if _DOTTED.fullmatch(name) and key in name else ""


def _unknown(table: Mapping[str, Any], known: set[str], where: str, complain: Complain) -> None:
    for key in (key for key in table if key not in known):
        is_credential = resembles_secret_key(key) or key.lower() in _LOGIN_KEYS
        hint = _NO_CREDENTIALS if is_credential else did_you_mean(key, known)
        complain(key, f"unknown setting {where}{key}", hint)


def _text(table: Mapping[str, Any], key: str, default: str, complain: Complain) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or (key in table and not value):
        complain(key, f"{key} must be text in quotes", f'{key} = "{default or "…"}"')
        return default
    return value


def _numbers(table: Mapping[str, Any], base: Numbers, where: str, complain: Complain) -> Numbers:
    values = {}
    for item in fields(Numbers):
        value = table.get(item.name, getattr(base, item.name))
        if wrong := _why_no_number(value, item.metadata["least"], item.metadata["most"]):
            complain(item.name, f"{where}{item.name} must be {wrong}", f"{item.name} = {item.default}")
            value = item.default
        values[item.name] = value
    return Numbers(**values)


def _why_no_number(value: object, least: int, most: int) -> str:
    """What the value must be and isn't; empty for a number within the bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        return f"a whole number, {least} or more"
    return f"{most} or less" if value > most else ""


def _switch(table: Mapping[str, Any], key: str, where: str, complain: Complain, *, default: bool = False) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        complain(key, f"{where}{key} must be true or false", f"{key} = true")
        return default
    return value


def _keep_runs(table: Mapping[str, Any], complain: Complain) -> int:
    value = table.get("keep_runs", KEEP_RUNS)
    if wrong := _why_no_number(value, 0, MOST_RUNS):
        complain("keep_runs", f"keep_runs must be {wrong}", f"keep_runs = {KEEP_RUNS}")
        return 0
    return int(value)


def _environment(
    name: str, own: Mapping[str, Any], shared: Numbers, complain: Complain, *, create: bool
) -> Environment:
    where = f"environments.{name}."
    _unknown(own, {key.name for key in (*ENVIRONMENT_KEYS, *NUMBER_KEYS)}, where, complain)
    workspace = own.get("workspace_id", 0)
    if _why_no_number(workspace, 0, LARGEST_ID):
        what = "a whole number" if not isinstance(workspace, int) or workspace < 0 else "the id of a workspace"
        complain("workspace_id", f"{where}workspace_id must be {what}", "workspace_id = 2")
        workspace = 0
    numbers = _numbers(own, shared, where, complain)
    create = _switch(own, "create", where, complain, default=create)
    url = _text(own, "api_url", "", complain)
    if url and (wrong := why_no_url(url)):
        complain("api_url", f"{where}api_url {wrong[0]}", f"{wrong[1]}; change a password that was committed")
    ui_url = _text(own, "ui_url", "", complain)
    if ui_url and (wrong := why_no_ui(ui_url)):
        complain("ui_url", f"{where}ui_url {wrong[0]}", wrong[1])
        ui_url = ""
    return Environment(name, url, workspace, numbers, create, ui_url)
