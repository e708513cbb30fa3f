"""Settings, at the edge: flags beat the environment's variables, which beat the file. One frozen Settings.

Credentials come from the environment's variables alone, and are marked as secrets here.
"""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import os
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from syncer import regular
from syncer.errors import InputError, SettingsError
from syncer.model import LFS_POINTER, SANDBOX, Credentials, Origin, Problem, Target
from syncer.secrets import CREDENTIAL, SECRET_VARIABLE, SENSITIVE, Secret, resembles_secret_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILES: Final = ("syncer.toml", "pyproject.toml")
_KEEP_RUNS: Final = 20
_MOST_RUNS: Final = 10_000
_LARGEST_ID: Final = 2**63 - 1
"""The server keeps ids as bigint."""

SANDBOX_URL: Final = "embedded"
"""What stands for the sandbox's address: it has none."""


def _number(default: int, least: int, most: int, words: str) -> int:
    """A field of `Numbers`, with its bounds and its help."""
    number: int = field(default=default, metadata={"help": words, "least": least, "most": most})
    return number


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of an environment; the same keys stand at the top of the settings for all environments."""

    requests_per_minute: int = _number(100, 0, 100_000, "Requests a minute, the first minute's at once; 0: no limit.")
    parallelism: int = _number(4, 1, 64, "Models changed at the same time.")
    connect_seconds: int = _number(10, 1, 600, "Seconds to wait for a connection.")
    read_seconds: int = _number(60, 1, 3_600, "Seconds to wait for a whole answer.")
    retry_seconds: int = _number(
        120, 0, 86_400, "Seconds of waiting between tries, without an answer, before a run gives up."
    )
    max_change_percent: int = _number(
        30, 0, 100, "An apply that changes more of the bound models than this is refused."
    )
    max_change_floor: int = _number(10, 0, 1_000_000, "Fewer changes than this are never too many.")


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
    Key(
        "keep_runs",
        f"number, 0 to {_MOST_RUNS}",
        "20",
        "How many applies are kept on this machine, to be rolled back; 0: none.",
    ),
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
NUMBER_KEYS: Final = tuple(
    Key(one.name, f"number, {one.metadata['least']} to {one.metadata['most']}", str(one.default), one.metadata["help"])
    for one in fields(Numbers)
)

VARIABLES: Final = (
    ("SYNCER_TOKEN", "The API token. It lives 30 minutes in the open-source server. It beats e-mail and password."),
    ("SYNCER_EMAIL", "With `SYNCER_PASSWORD`, and without a token: log in once a run."),
    ("SYNCER_PASSWORD", "The password of that user."),
    ("SYNCER_ENV", "The environment, in place of `--env`."),
    ("SYNCER_API_URL", "Beats the environment's `api_url`."),
    ("SYNCER_WORKSPACE_ID", "Beats the environment's `workspace_id`."),
    ("SYNCER_SECRET_…", "Values that model files name by `{env: SYNCER_SECRET_…}`; no other variable can be named."),
    ("SYNCER_STATE_DIR", "Where syncer keeps what it remembers on this machine: an absolute path; see below."),
    ("SYNCER_ALLOW", "In CI, for `--allow`: what may pass in this run, separated by commas."),
    ("SYNCER_MAX_CHANGE_PERCENT", "In CI, for `--max-change-percent`."),
    ("SYNCER_ON_DRIFT", "In CI, for `--on-drift`."),
    ("GITHUB_TOKEN", "On GitHub: what comments and issues are written with."),
    ("SYNCER_GITLAB_TOKEN", "On GitLab the same: a token of the project, because a job's own can't write notes."),
    ("SYNCER_GITLAB_STATUS_TOKEN", "On GitLab: what commit statuses are set and read with; branches mustn't see it."),
    ("NO_COLOR", "Any value: no colour. `TERM=dumb` and a pipe mean the same; `CLICOLOR_FORCE=1` means colour."),
)
"""Every variable that the tool reads, for the reference; but for those by which GitHub and GitLab tell of a run."""

_LARGEST: Final = 256 * 1024
_LONGEST_LINE: Final = 4096
_MOST_PROBLEMS: Final = 100

_UNREADABLE: Final = "the certificates to verify with can't be read"
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_CREDENTIALS: Final = ("SYNCER_TOKEN", "SYNCER_EMAIL", "SYNCER_PASSWORD")
_TARGET: Final = ("SYNCER_API_URL", "SYNCER_WORKSPACE_ID")

_PORTS: Final = {"http": 80, "https": 443}
_SHOWN: Final = frozenset({one.name for one in (*KEYS, *ENVIRONMENT_KEYS, *NUMBER_KEYS)} - {"api_url"})
_LONGEST_SHOWN: Final = 4
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
_ID = re.compile(r"[0-9]{1,19}")
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
            "default_environment", f"there is no environment {default!r}", _meant(default, {*environments, SANDBOX})
        )
    if problems:
        raise InputError(problems)
    return Settings(file.parent, models, default, shared, environments, keep_runs, create)


def environment_name(settings: Settings, flag: str | None, variables: Mapping[str, str]) -> str:
    """The name of the environment of this run: flag, `SYNCER_ENV`, default, the only one, or else the sandbox's.

    Raises SettingsError where nothing chooses, and where the settings would choose the sandbox for a run that was given
    a target or credentials: a file must not turn a run against a real server into one about nothing.
    """
    said = flag or variables.get("SYNCER_ENV")
    name = said or settings.default_environment
    overridden = _is_overridden(variables)
    if not name and len(settings.environments) > 1:
        names = ", ".join(settings.environments)
        message = f"which environment? There are {names}, and no default_environment"
        raise SettingsError(message, "say --env NAME, or set SYNCER_ENV")
    if not name and settings.environments:
        name = next(iter(settings.environments))
    has_credentials = any(variables.get(credential) for credential in _CREDENTIALS)
    if not name and not overridden and has_credentials:
        # Whoever brings a token means a real server: a job that lost its settings must not stay green in the sandbox.
        message = f"there are credentials, but no environment: no settings in {settings.root} or above"
        raise SettingsError(message, "work in the folder of the settings, or say --env sandbox for the embedded server")
    if not said and name == SANDBOX and (overridden or has_credentials):
        given = next(one for one in (*_TARGET, *_CREDENTIALS) if variables.get(one))
        message = f"default_environment is the sandbox, but {given} is set, which means a real server"
        raise SettingsError(message, "say --env NAME, or set SYNCER_ENV; --env sandbox chooses the embedded server")
    return name or ("default" if overridden else SANDBOX)


def require_target(flag: str | None, variables: Mapping[str, str]) -> None:
    """Raise SettingsError unless a CI job itself says what it's about: by variables, or the sandbox by its name.

    In CI the settings are those of whoever pushed, and a change must not choose where it's planned.
    """
    missing = [name for name in _TARGET if not variables.get(name)]
    if missing and (flag or variables.get("SYNCER_ENV")) != SANDBOX:
        verb = "are" if len(missing) > 1 else "is"
        message = f"in CI the target comes from variables alone, and {' and '.join(missing)} {verb} not set"
        hint = "set them in the CI settings of the repository; a run without a server says SYNCER_ENV=sandbox"
        raise SettingsError(message, hint)


def _is_overridden(variables: Mapping[str, str]) -> bool:
    return any(variables.get(name) for name in _TARGET)


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
    return aimed(treated(settings, name), variables)


def treated(settings: Settings, name: str) -> Environment:
    """How an environment is treated: as its table says, else as the top of the settings does."""
    return settings.environments.get(name) or Environment(name, numbers=settings.numbers, create=settings.create)


def aimed(own: Environment, variables: Mapping[str, str]) -> Environment:
    """An environment with the URL and the workspace that the variables say, else its own. Raises SettingsError."""
    url = _url(variables.get("SYNCER_API_URL") or own.api_url, own.name)
    workspace = variables.get("SYNCER_WORKSPACE_ID") or own.workspace_id
    if isinstance(workspace, str) and not (_ID.fullmatch(workspace) and int(workspace) <= _LARGEST_ID):
        # Something longer may be a token in the wrong place.
        shown = f", not {workspace!r}" if len(workspace) <= _LONGEST_SHOWN else ": the id of a workspace"
        message = f"SYNCER_WORKSPACE_ID must be a number{shown}"
        raise SettingsError(message, "set it to the number of the workspace: SYNCER_WORKSPACE_ID=2")
    if not int(workspace):
        message = f"the environment {own.name!r} has no workspace_id"
        raise SettingsError(message, "set workspace_id in its table, or SYNCER_WORKSPACE_ID")
    return replace(own, api_url=url, workspace_id=int(workspace))


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


def altered(before: Path, after: Path) -> list[str]:
    """The settings that differ between two folders of a repository, by dotted key. Raises SettingsError.

    Both must be such as `load` takes: then no key is anybody's free text.
    """
    old, new = _written(before), _written(after)
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _written(start: Path) -> dict[str, object]:
    """What the settings of a folder say, by dotted key; `models` from the top of the repository."""
    file = find(start)
    if file is None:
        return {}
    found: dict[str, object] = {}
    waiting: list[tuple[str, dict[str, Any]]] = [("", _table(file) or {})]
    while waiting:
        where, table = waiting.pop()
        for key, value in table.items():
            if isinstance(value, dict):
                waiting.append((f"{where}{key}.", value))
            else:
                found[f"{where}{key}"] = value
    top = repository(file.parent) or file.parent
    return {**found, "models": (file.parent.relative_to(top) / str(found.get("models", "models"))).as_posix()}


# -- reading the file --------------------------------------------------------------------------------------------


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
    raw = regular.content(file, _LARGEST)
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


def _meant(name: str, names: set[str]) -> str:
    near = get_close_matches(name, sorted(names), 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(names))}"


def _unknown(table: Mapping[str, Any], known: set[str], where: str, complain: Complain) -> None:
    for key in (key for key in table if key not in known):
        is_credential = resembles_secret_key(key) or key.lower() in _LOGIN_KEYS
        hint = _NO_CREDENTIALS if is_credential else _meant(key, known)
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
        if wrong := _no_number(value, item.metadata["least"], item.metadata["most"]):
            complain(item.name, f"{where}{item.name} must be {wrong}", f"{item.name} = {item.default}")
            value = item.default
        values[item.name] = value
    return Numbers(**values)


def _no_number(value: object, least: int, most: int) -> str:
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
    value = table.get("keep_runs", _KEEP_RUNS)
    if wrong := _no_number(value, 0, _MOST_RUNS):
        complain("keep_runs", f"keep_runs must be {wrong}", f"keep_runs = {_KEEP_RUNS}")
        return 0
    return int(value)


def _environment(
    name: str, own: Mapping[str, Any], shared: Numbers, complain: Complain, *, create: bool
) -> Environment:
    where = f"environments.{name}."
    _unknown(own, {key.name for key in (*ENVIRONMENT_KEYS, *NUMBER_KEYS)}, where, complain)
    workspace = own.get("workspace_id", 0)
    if _no_number(workspace, 0, _LARGEST_ID):
        what = "a whole number" if not isinstance(workspace, int) or workspace < 0 else "the id of a workspace"
        complain("workspace_id", f"{where}workspace_id must be {what}", "workspace_id = 2")
        workspace = 0
    numbers = _numbers(own, shared, where, complain)
    create = _switch(own, "create", where, complain, default=create)
    url = _text(own, "api_url", "", complain)
    if url and (wrong := _no_url(url)):
        complain("api_url", f"{where}api_url {wrong[0]}", f"{wrong[1]}; change a password that was committed")
    return Environment(name, url, workspace, numbers, create)


def _url(given: str, name: str) -> str:
    """The API's root; raises SettingsError for what can't be one, without saying what it is: it may hold a password."""
    if not given:
        message = f"the environment {name!r} has no api_url"
        raise SettingsError(message, "set api_url in its table, or SYNCER_API_URL")
    if wrong := _no_url(given):
        message = f"the api_url of the environment {name!r} {wrong[0]}"
        raise SettingsError(message, f"{wrong[1]}; SYNCER_API_URL beats the settings")
    root = given.rstrip("/")
    return root if root.endswith("/api/v1") else f"{root}/api/v1"


def _no_url(given: str) -> tuple[str, str] | None:
    """Why a text is no URL of an API, and what to do; None if it's one."""
    if "@" in given or "?" in given or "#" in given:
        return (
            "may hold neither a user, a password nor a query",
            "credentials come from SYNCER_TOKEN, or SYNCER_EMAIL and SYNCER_PASSWORD",
        )
    parts = _parts(given)
    if parts is None or parts.scheme not in {"http", "https"}:
        return "is no usable address", "write it like https://api.squared.ai"
    return None


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL with a host that can be looked up; None if it's none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        # What can't be looked up fails here, where it can be said of whom, and not in the middle of a request.
        host.encode("idna")
        if ":" in host or "[" in parts.netloc:
            ipaddress.ip_address(host)
    except ValueError:
        return None
    return parts if host and port != 0 and url.isprintable() and " " not in url and "\\" not in url else None


def check_way(variables: Mapping[str, str], url: str = "https:") -> None:
    """Raise SettingsError unless a server at that URL can be asked with the proxies and certificates of variables."""
    check_proxies(variables)
    if url.startswith("https:"):
        check_certificates(variables)


def check_certificates(variables: Mapping[str, str]) -> None:
    """Raise SettingsError unless what SSL_CERT_FILE or SSL_CERT_DIR names can be verified with."""
    import ssl  # noqa: PLC0415 - it's slow to import, and only a connection needs it

    file, folder = variables.get("SSL_CERT_FILE"), variables.get("SSL_CERT_DIR")
    try:
        if file:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (ssl.SSLError, ValueError):
        what = "a file without a certificate"
    except OSError as error:
        what = {errno.ENOENT: "a file that isn't there", errno.EISDIR: "a folder"}.get(
            error.errno or 0, "no readable file"
        )
    else:
        if not file and folder and not Path(folder).is_dir():
            message = f"{_UNREADABLE}: SSL_CERT_DIR names no folder"
            raise SettingsError(
                message, "SSL_CERT_DIR must name the folder with the authorities' certificates, or nothing"
            )
        return
    message = f"{_UNREADABLE}: SSL_CERT_FILE names {what}"
    raise SettingsError(message, "SSL_CERT_FILE must name a PEM file with the authority's certificate, or nothing")


def check_proxies(variables: Mapping[str, str]) -> None:
    """Raise SettingsError for a variable that names no usable proxy, without its value, which may hold a password."""
    for name in filter(variables.get, _PROXIES):
        parts = _parts(variables[name] if "://" in variables[name] else f"http://{variables[name]}")
        if parts is None:
            raise SettingsError(f"{name} names no usable proxy", f"write it like {name}=http://proxy.example.com:3128")
        is_socks = parts.scheme in {"socks5", "socks5h"} and importlib.util.find_spec("socksio") is not None
        if parts.scheme not in {"http", "https"} and not is_socks:
            message = f"{name} names a proxy of a kind that can't be used"
            raise SettingsError(message, "name a proxy that speaks HTTP (http://…), or unset the variable")
    for name in filter(variables.get, ("no_proxy", "NO_PROXY")):
        if not all(_is_host(entry.strip()) for entry in variables[name].split(",")):
            message = f"{name} holds something that is no host"
            raise SettingsError(message, f"separate the hosts with commas: {name}=localhost,.example.com")


def _is_host(entry: str) -> bool:
    """Whether an entry of NO_PROXY is a host, the end of one, an address or a network; or nothing."""
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry in {"", "*"} or _parts(entry if "://" in entry else f"all://{entry.lstrip('*.')}") is not None
    return True


def server(url: str) -> str:
    """Scheme, host and port of an address: whom credentials would go to. Look-alikes of ASCII stand as escapes."""
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("ascii", "backslashreplace").decode()
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


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
