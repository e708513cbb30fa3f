"""Settings, at the edge: flags beat the environment's variables, which beat the file. One frozen Settings.

Credentials come from the environment's variables alone, and are marked as secrets here.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from syncer.errors import InputError, SettingsError
from syncer.model import (
    SANDBOX,
    SECRET_VARIABLE,
    SENSITIVE,
    Credentials,
    Origin,
    Problem,
    Secret,
    Target,
    is_secret_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FILES: Final = ("syncer.toml", "pyproject.toml")
_KEEP_RUNS: Final = 20
SANDBOX_URL: Final = "embedded"
"""What stands for the sandbox's address: it has none."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of an environment; the same keys stand at the top of the settings for all environments."""

    requests_per_minute: int = field(
        default=100, metadata={"help": "Requests a minute, the first minute's at once; 0: no limit.", "least": 0}
    )
    parallelism: int = field(default=4, metadata={"help": "Models changed at the same time.", "least": 1})
    connect_seconds: int = field(default=10, metadata={"help": "Seconds to wait for a connection.", "least": 1})
    read_seconds: int = field(default=60, metadata={"help": "Seconds to wait for a whole answer.", "least": 1})
    retry_seconds: int = field(
        default=120,
        metadata={"help": "Seconds of waiting between tries, added up over a run, before it gives up.", "least": 0},
    )
    max_change_percent: int = field(
        default=30,
        metadata={"help": "An apply that changes more of the bound models than this is refused.", "least": 0},
    )
    max_change_floor: int = field(
        default=10, metadata={"help": "Fewer changes than this are never too many.", "least": 0}
    )


@dataclass(frozen=True, slots=True)
class Environment:
    """One `[environments.NAME]` table: where it is, and how it's treated."""

    name: str
    api_url: str = ""
    workspace_id: int = 0
    numbers: Numbers = Numbers()
    create: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs to know. `root` is the folder that holds the settings file, else the one it was started in."""

    root: Path
    models: str = "models"
    default_environment: str = ""
    numbers: Numbers = Numbers()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    keep_runs: int = _KEEP_RUNS
    create: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A settings key as the reference documents it."""

    name: str
    kind: str
    default: str
    help: str


Complain: TypeAlias = "Callable[[str, str, str], None]"
"""Takes a key, what is wrong with it, and what to do."""

KEYS: Final = (
    Key("models", "text", "models", "The folder of the model files, below the settings file."),
    Key("default_environment", "text", "", "The environment that is meant when none is named."),
    Key("keep_runs", "number", "20", "How many applies are kept below `.syncer/runs` for `syncer rollback`; 0: none."),
)
ENVIRONMENT_KEYS: Final = (
    Key(
        "api_url",
        "text",
        "",
        "The server's root, such as `https://api.squared.ai`; `/api/v1` is added if it's missing.",
    ),
    Key("workspace_id", "number", "", "The workspace whose models are read and changed."),
    Key(
        "create",
        "true or false",
        "false",
        "Let an apply create the models that no live one answers to. At the top of the file for every environment.",
    ),
)
NUMBER_KEYS: Final = tuple(Key(f.name, "number", str(f.default), f.metadata["help"]) for f in fields(Numbers))

VARIABLES: Final = (
    ("SYNCER_TOKEN", "The API token. It lives 30 minutes in the open-source server. It beats e-mail and password."),
    ("SYNCER_EMAIL", "With `SYNCER_PASSWORD`, and without a token: log in once a run."),
    ("SYNCER_PASSWORD", "The password of that user."),
    ("SYNCER_ENV", "The environment, in place of `--env`."),
    ("SYNCER_API_URL", "Beats the environment's `api_url`."),
    ("SYNCER_WORKSPACE_ID", "Beats the environment's `workspace_id`."),
    ("SYNCER_SECRET_…", "Values that model files name by `{env: SYNCER_SECRET_…}`; no other variable can be named."),
    ("GITHUB_TOKEN", "On GitHub: what comments and issues are written with."),
    ("SYNCER_GITLAB_TOKEN", "On GitLab the same: a token of the project, because a job's own can't write notes."),
    ("NO_COLOR", "Any value: no colour. `TERM=dumb` and a pipe mean the same; `CLICOLOR_FORCE=1` means colour."),
)
"""Every variable that the tool reads, for the reference; but for those by which GitHub and GitLab tell of a run."""

_LARGEST: Final = 256 * 1024
_LONGEST_LINE: Final = 4096
_LONGEST_WORD: Final = 300
_MOST_PROBLEMS: Final = 100

_CREDENTIALS: Final = ("SYNCER_TOKEN", "SYNCER_EMAIL", "SYNCER_PASSWORD")

_LONGEST: Final = 20
"""Digits of an id: a bigint has nineteen."""

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


def load(start: Path) -> Settings:
    """The settings that hold in a folder. Raises SettingsError, or InputError with every problem of the file."""
    file = find(start)
    if file is None:
        return Settings(start)
    table = _table(file) or {}
    problems: list[Problem] = []
    text = _text_of(file)

    def complain(key: str, message: str, hint: str) -> None:
        if len(problems) < _MOST_PROBLEMS:
            problems.append(_located(file, text, key, message, hint))

    known = {key.name for key in (*KEYS, *NUMBER_KEYS)} | {"environments", "create"}
    _unknown(table, known, "", complain)
    models = _text(table, "models", "models", complain)
    default = _text(table, "default_environment", "", complain)
    keep_runs = _keep_runs(table, complain)
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
            environments[name] = _environment(name, own, shared, complain, create=create)
    if not isinstance(tables, dict):
        complain("environments", "environments must be a table of tables", f"write [{_prefix(file)}environments.NAME]")
    if default and default not in {*environments, SANDBOX}:
        complain(
            "default_environment", f"there is no environment {default!r}", _meant(default, {*environments, SANDBOX})
        )
    if problems:
        raise InputError(problems)
    return Settings(file.parent, models, default, shared, environments, keep_runs, create)


def environment_name(settings: Settings, flag: str | None, variables: Mapping[str, str]) -> str:
    """The name of the environment of this run: flag, `SYNCER_ENV`, default, the only one, or else the sandbox's."""
    name = flag or variables.get("SYNCER_ENV") or settings.default_environment
    overridden = _is_overridden(variables)
    if not name and len(settings.environments) > 1:
        names = ", ".join(settings.environments)
        message = f"which environment? There are {names}, and no default_environment"
        raise SettingsError(message, "say --env NAME, or set SYNCER_ENV")
    if not name and settings.environments:
        name = next(iter(settings.environments))
    if not name and not overridden and any(variables.get(credential) for credential in _CREDENTIALS):
        # Whoever brings a token means a real server: a job that lost its settings must not stay green in the sandbox.
        message = f"there are credentials, but no environment: no settings in {settings.root} or above"
        raise SettingsError(message, "work in the folder of the settings, or say --env sandbox for the embedded server")
    return name or ("default" if overridden else SANDBOX)


def _is_overridden(variables: Mapping[str, str]) -> bool:
    return bool(variables.get("SYNCER_API_URL") or variables.get("SYNCER_WORKSPACE_ID"))


def environment(settings: Settings, flag: str | None, variables: Mapping[str, str]) -> Environment:
    """The environment of this run, its URL and workspace as the variables say, or else its table."""
    name = environment_name(settings, flag, variables)
    overridden = _is_overridden(variables)
    if name == SANDBOX:
        numbers = replace(settings.numbers, requests_per_minute=0)
        return Environment(SANDBOX, SANDBOX_URL, 1, numbers, settings.create)
    own = settings.environments.get(name)
    if own is None and not (name == "default" and overridden):
        raise SettingsError(f"there is no environment {name!r}", _meant(name, {*settings.environments, SANDBOX}))
    own = own or Environment(name, numbers=settings.numbers, create=settings.create)
    url = _url(variables.get("SYNCER_API_URL") or own.api_url, name)
    workspace = variables.get("SYNCER_WORKSPACE_ID") or own.workspace_id
    if isinstance(workspace, str) and not (workspace.isascii() and workspace.isdecimal() and len(workspace) < _LONGEST):
        message = f"SYNCER_WORKSPACE_ID must be a number, not {workspace[:_LONGEST]!r}"
        raise SettingsError(message)
    if not int(workspace):
        message = f"the environment {name!r} has no workspace_id"
        raise SettingsError(message, "set workspace_id in its table, or SYNCER_WORKSPACE_ID")
    return Environment(name, url, int(workspace), own.numbers, own.create)


def target(chosen: Environment) -> Target:
    """Where the run reads and writes."""
    return Target(chosen.name, chosen.api_url, chosen.workspace_id)


def credentials(variables: Mapping[str, str]) -> Credentials:
    """Who asks, from the environment's variables alone. Raises SettingsError if nobody does."""
    token, address, password = (variables.get(f"SYNCER_{name}", "").strip() for name in ("TOKEN", "EMAIL", "PASSWORD"))
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            message = "SYNCER_TOKEN holds characters that no token has"
            raise SettingsError(message, "copy it again, without quotes or line breaks")
        return Credentials(Secret(token, "SYNCER_TOKEN"))
    if address and password:
        return Credentials(email=address, password=Secret(variables["SYNCER_PASSWORD"], "SYNCER_PASSWORD"))
    missing = "SYNCER_PASSWORD" if address else "SYNCER_EMAIL" if password else ""
    what = f"{missing} is not set" if missing else "no credentials: SYNCER_TOKEN is not set"
    raise SettingsError(what, "set SYNCER_TOKEN, or SYNCER_EMAIL and SYNCER_PASSWORD")


def secret(variable: str, variables: Mapping[str, str] | None = None) -> Secret | None:
    """The secret that a file names; None if the variable isn't set, is empty, or may not be named by a file."""
    value = (os.environ if variables is None else variables).get(variable, "")
    return Secret(value, variable) if value and SECRET_VARIABLE.fullmatch(variable) else None


def secrets(variables: Mapping[str, str]) -> list[Secret]:
    """Every value that a file could name, for keeping them out of what is printed."""
    return [Secret(value, name) for name, value in variables.items() if value and SECRET_VARIABLE.fullmatch(name)]


# -- reading the file --------------------------------------------------------------------------------------------


def _table(file: Path) -> dict[str, Any] | None:
    """The settings in a TOML file; None if a pyproject.toml has none."""
    try:
        data = tomllib.loads(_text_of(file))
    except (ValueError, RecursionError) as error:
        # A TOMLDecodeError and a UnicodeDecodeError are ValueErrors, too; so is a number of five thousand digits.
        raise SettingsError(f"{file.name} can't be read: {str(error)[:_LONGEST_WORD]}", "mend the TOML") from None
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
    with file.open("rb") as stream:
        raw = stream.read(_LARGEST + 1)
    lines = raw.split(b"\n")
    if len(raw) > _LARGEST or max(map(len, lines)) > _LONGEST_LINE:
        raise SettingsError(f"{file.name} is too large for settings", "give the settings a syncer.toml of their own")
    return raw.decode()


def _prefix(file: Path) -> str:
    return "" if file.name == FILES[0] else "tool.syncer."


def _located(file: Path, text: str, key: str, message: str, hint: str) -> Problem:
    """A problem at the line that gives the key: the TOML reader doesn't tell, so it's looked for."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])")
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("=")[0].partition("#")[0]
        if match := pattern.search(name):
            # A credential that somebody put here by mistake needn't be in every log as well.
            shown = line if not is_secret_key(key) else f"{name}= {SENSITIVE}"
            return Problem(Origin(file.name, number, match.start() + 1), "settings", message, hint, excerpt=shown)
    return Problem(Origin(file.name), "settings", message, hint)


def _meant(name: str, names: set[str]) -> str:
    near = get_close_matches(name, sorted(names), 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(names))}"


def _unknown(table: Mapping[str, Any], known: set[str], where: str, complain: Complain) -> None:
    for key in (key for key in table if key not in known):
        complain(key, f"unknown setting {where}{key}", _meant(key, known))


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
        least = item.metadata["least"]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            complain(
                item.name,
                f"{where}{item.name} must be a whole number, {least} or more",
                f"{item.name} = {item.default}",
            )
            value = item.default
        values[item.name] = value
    return Numbers(**values)


def _switch(table: Mapping[str, Any], key: str, where: str, complain: Complain, *, default: bool = False) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        complain(key, f"{where}{key} must be true or false", f"{key} = true")
        return default
    return value


def _keep_runs(table: Mapping[str, Any], complain: Complain) -> int:
    value = table.get("keep_runs", _KEEP_RUNS)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        complain("keep_runs", "keep_runs must be a whole number, 0 or more", "keep_runs = 20")
        return 0
    return value


def _environment(
    name: str, own: Mapping[str, Any], shared: Numbers, complain: Complain, *, create: bool
) -> Environment:
    where = f"environments.{name}."
    _unknown(own, {key.name for key in (*ENVIRONMENT_KEYS, *NUMBER_KEYS)}, where, complain)
    workspace = own.get("workspace_id", 0)
    if not isinstance(workspace, int) or isinstance(workspace, bool) or workspace < 0:
        complain("workspace_id", f"{where}workspace_id must be a whole number", "workspace_id = 2")
        workspace = 0
    numbers = _numbers(own, shared, where, complain)
    create = _switch(own, "create", where, complain, default=create)
    return Environment(name, _text(own, "api_url", "", complain), workspace, numbers, create)


def _url(given: str, name: str) -> str:
    """The API's root; raises SettingsError for what can't be one."""
    if not given:
        message = f"the environment {name!r} has no api_url"
        raise SettingsError(message, "set api_url in its table, or SYNCER_API_URL")
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
        # What can't be looked up fails here, where it can be said of whom, and not in the middle of a request.
        (host or "").encode("idna")
        if ":" in (host or "") or "[" in parts.netloc:
            ipaddress.ip_address(host or "")
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host or not given.isprintable() or " " in given:
        message = f"api_url {given!r} is no usable address"
        raise SettingsError(message, "write it like https://api.squared.ai")
    if parts.username or parts.password or parts.query or parts.fragment:
        message = "api_url may hold neither a user, a password nor a query"
        raise SettingsError(message, "credentials come from SYNCER_TOKEN, or SYNCER_EMAIL and SYNCER_PASSWORD")
    root = given.rstrip("/")
    return root if root.endswith("/api/v1") else f"{root}/api/v1"


def is_in_clear(url: str) -> bool:
    """Whether a token sent there could be read on the way: plain http, and not on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
