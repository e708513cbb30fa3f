"""What the commands that need an environment share: settings, files and checks, git's base, the connection."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from syncer import config
from syncer.cli.validate import EMPTY, check
from syncer.desired import loader, validate
from syncer.errors import InputError, SettingsError, SyncerError
from syncer.model import NOWHERE, SANDBOX, Credentials, Problem, Severity
from syncer.secrets import Secret, is_secret_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from syncer.cli.shared.screen import Screen
    from syncer.live.api import Api
    from syncer.model import Document, Target
    from syncer.plan.limits import Limits
    from syncer.state_folder import StateFolder
    from syncer.workflow.base import Base

# ruff: noqa: PLC0415 - HTTP, SQLite, subprocesses and what plans are slow to import, and not every run needs each

_INSIDE: Final = "http://localhost/api/v1"
"""The address by which the embedded server is asked; nothing listens there."""

_LEFT: Final = ".syncer"

_OWN: Final = ("SYNCER_TOKEN", "SYNCER_PASSWORD", "GITHUB_TOKEN", "SYNCER_GITLAB_TOKEN", "SYNCER_GITLAB_STATUS_TOKEN")
"""The variables whose values are secrets of the tool itself."""

_MOST_MOVED: Final = 20
"""In how many folders settings that were moved are looked for."""

_SHORTEST: Final = 8
"""The value of a variable that isn't ours and is shorter is a switch, rather than a secret."""

_PASSWORD: Final = re.compile(r"://[^/?#\s:@]*:([^/?#\s@]+)@")
"""The password in a URL, such as a proxy's."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where a command works, and how much it may change. `is_named`: `--env` or `SYNCER_ENV` chose the environment."""

    settings: config.Settings
    environment: config.Environment
    variables: Mapping[str, str]
    limits: Limits
    is_named: bool = False
    _checked: list[tuple[loader.Loaded, tuple[Problem, ...]]] = field(default_factory=list, repr=False, compare=False)

    def checked(self) -> tuple[loader.Loaded, tuple[Problem, ...]]:
        """The files below the settings' folder, and every problem of them. They're read once in a run."""
        if not self._checked:
            loaded = loader.load(self.settings.root, self.settings.models)
            self._checked.append((loaded, check(loaded, self.environments)))
        return self._checked[0]

    @property
    def target(self) -> Target:
        """What is read and written."""
        return config.target(self.environment)

    @property
    def is_alone(self) -> bool:
        """Whether no other environment is known: an id at the top of a file would be another model's there."""
        return {*self.settings.environments} <= {self.environment.name}

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments of the settings, and the run's own: the sandbox, or one made of variables, has no table."""
        return tuple(dict.fromkeys((*self.settings.environments, self.environment.name)))

    def lookup(self, variable: str) -> Secret | None:
        """A secret that a file names; in the sandbox a made-up one, because what it's sent stands in its state file."""
        if self.environment.name == SANDBOX:
            return Secret(f"sandbox-{variable}", variable)
        return config.secret(variable, self.variables)


@dataclass(frozen=True, slots=True)
class Files:
    """What git says, and what validation warned of."""

    documents: Sequence[Document]
    warnings: tuple[Problem, ...]


def secrets(variables: Mapping[str, str]) -> list[Secret]:
    """Every secret that this process was given, for keeping it out of what leaves it."""
    own = (Secret(variables[name], name) for name in _OWN if variables.get(name))
    return [*config.secrets(variables), *own]


def hidden(variables: Mapping[str, str]) -> Iterator[Secret]:
    """Every secret that a foreign text could repeat: also what others gave this process, and proxies' passwords."""
    yield from secrets(variables)
    for name, value in variables.items():
        if is_secret_key(name) and len(value) >= _SHORTEST and not _is_path(value):
            yield Secret(value, name)
        yield from (Secret(unquote(password), name) for password in _PASSWORD.findall(value))


def _is_path(value: str) -> bool:
    """Whether it leads to something on the disk: the value of PWD is no secret, though its name sounds like one."""
    return Path(value).is_absolute() and os.path.lexists(value)


def settle(flags: argparse.Namespace, name: str | None = None) -> Run:
    """Settings and environment: `--env`, else `name`, else what the settings say. Raises SettingsError, InputError."""
    from syncer.plan.limits import Limits, OnDrift

    settings = config.load(Path.cwd())
    if flags.command == "ci":
        # In CI neither the settings nor a plan file choose the target, and neither chooses the sandbox.
        config.require_target(flags.env, os.environ)
        name = os.environ.get("SYNCER_ENV") or (name if name != SANDBOX else None)
    environment = config.environment(settings, flags.env or name, os.environ)
    numbers = environment.numbers
    limits = Limits(
        numbers.max_change_percent,
        numbers.max_change_floor,
        OnDrift(getattr(flags, "on_drift", "") or "warn"),
        frozenset(getattr(flags, "allow", ())),
        said=getattr(flags, "max_change_percent", None),
    )
    is_named = environment.name in {flags.env, os.environ.get("SYNCER_ENV")}
    return Run(settings, environment, os.environ, limits, is_named)


def read(run: Run, root: Path | None = None, *, may_be_empty: bool = False) -> Files:
    """The files below `root` (else the settings' folder), checked. Raises InputError with every problem.

    Where there is none yet, that is a problem, unless there `may_be_empty`.
    """
    if root is None:
        loaded, found = run.checked()
    else:
        loaded = loader.load(root, run.settings.models)
        found = check(loaded, run.environments)
    if may_be_empty:
        found = tuple(problem for problem in found if problem.rule not in EMPTY)
    if any(problem.is_error for problem in found):
        raise InputError(found)
    return Files(loaded.documents, found)


def refuse_stray(run: Run, flags: argparse.Namespace, files: Files) -> None:
    """Raise SettingsError where a folder of nothing would silently be about the sandbox: it's the wrong one, mostly."""
    is_meant = flags.env or run.variables.get("SYNCER_ENV") or run.settings.default_environment
    if run.environment.name == SANDBOX and not is_meant and not files.documents:
        message = f"there are neither settings nor model files in {run.settings.root} or above"
        raise SettingsError(message, "work in your repository, begin with `syncer init`, or say --env sandbox")


def base_at(run: Run, commit: str, models: str = "", *, is_checked_out: bool = True) -> Base:
    """What git said at a commit; what isn't valid says nothing, and is named. Raises SettingsError.

    Definitions are looked for in the folder `models`, else where the settings of that commit say. What is compared with
    it is read from the work tree, where that `is_checked_out`; what a sparse checkout leaves out is in neither then.
    """
    from syncer.desired import git
    from syncer.workflow.base import Base

    settings, root, folder_there = _definitions_at(run, commit)
    root, models = (run.settings.root, models) if models else (root, folder_there)
    is_here = is_checked_out and root == run.settings.root
    same = _same_files(run, commit) if is_here and models == run.settings.models else {}
    with git.files_at(root, commit, models, without=same) as folder:
        loaded = loader.load(folder, models, [*same.values()])
    # Its files may speak of environments that the settings have no more.
    spoken = {name for one in loaded.documents for name in _keys(one.data.get("environments"))}
    passed = (
        {one.path for one in loaded.documents if one is same.get(one.path)} if spoken <= {*run.environments} else ()
    )
    found = check(loaded, {*run.environments, *spoken}, passed=passed)
    # An id at the top was right while there was one environment.
    allowed = {*EMPTY, validate.SHARED_ID}
    wrong = {problem.origin.path for problem in found if problem.is_error and problem.rule not in allowed}
    wrong.update(f"{path} (a git submodule)" for path in git.submodules(root, commit, models))
    left_out = git.left_out(root, (one.path for one in loaded.documents)) if is_here else set()
    there = [one for one in loaded.documents if one.path not in left_out]
    documents = tuple(one for one in there if not wrong & {one.path, *(file.path for file in one.files.values())})
    usable = {one.path for one in documents}
    hurt = tuple(guard for one in there if one.path not in usable and (guard := validate.guard_of(one)))
    names = [*settings.environments] if settings is not None else []
    before = config.declared_environment(settings, _former_name(run, settings)) if settings is not None else None
    has_shared_ids = any(problem.rule == validate.SHARED_ID for problem in found)
    if has_shared_ids and (before is None or names != [before.name]):
        # Nobody knows whose ids they were then.
        documents = tuple(replace(one, data={**one.data, "id": None}) for one in documents)
    base = Base(commit, documents, tuple(sorted(wrong)), hurt=hurt)
    if before is None:
        return replace(base, max_change=_strictest(run.limits), told=(_unread_settings(commit),))
    max_change = before.numbers.max_change_percent, before.numbers.max_change_floor
    return replace(base, environment=before.name, max_change=max_change, create=before.create)


def _same_files(run: Run, commit: str) -> dict[str, Document]:
    """The valid definitions of the work tree whose files a commit has just so, by path: they needn't be read again."""
    from syncer.desired import git

    loaded, found = run.checked()
    wrong = {problem.origin.path for problem in found if problem.is_error}
    valid = {
        one.path: one for one in loaded.documents if not wrong & {one.path, *(file.path for file in one.files.values())}
    }
    contents = {path: loader.content(one) for path, one in valid.items()}
    same = git.unchanged(run.settings.root, commit, run.settings.models, contents)
    return {path: one for path, one in valid.items() if path in same}


class Said(NamedTuple):
    """The settings that hold in a folder: their file's path from there, None without one, and what it says by key."""

    settings: config.Settings
    file: Path | None
    written: Mapping[str, object]


def settings_in(folder: Path) -> Said | None:
    """The settings that hold in a folder; None if they can't be read."""
    try:
        settings, found = config.load(folder), config.find(folder)
        return Said(settings, found and Path(os.path.relpath(found, folder)), config.written(folder))
    except SyncerError:
        return None


@lru_cache(maxsize=4)
def settings_at(folder: Path, commit: str) -> Said | None:
    """The same at a commit, which says the same whenever it's asked. Raises SettingsError for one that isn't here."""
    from syncer.desired import git

    with git.folder_at(folder, commit, config.FILES) as then:
        return settings_in(then)


def _definitions_at(run: Run, commit: str) -> tuple[config.Settings | None, Path, str]:
    """The settings of a commit, None if they can't be read; and a folder with the models folder then, below it."""
    from syncer.desired import git

    root, models = run.settings.root, run.settings.models
    said = settings_at(root, commit)
    if said is None:
        return None, root, models
    settings, file = said.settings, said.file
    if file is None:
        return _moved_from(run, commit) or (settings, root, models)
    # Settings that led outside name a folder that isn't below them.
    is_below = not os.path.normpath(settings.models).startswith(("..", os.sep))
    former = Path(os.path.normpath(root / file.parent))
    # Settings that stood above may have had their definitions here all the same, or go on holding there.
    is_moved = not (former / file.name).exists() and not git.has(root, commit, models)
    if is_below and (former == root or is_moved):
        return settings, former, settings.models
    return settings, root, models


def _moved_from(run: Run, commit: str) -> tuple[config.Settings, Path, str] | None:
    """The settings of a commit that stood in another folder, are gone from there and had this run's environment."""
    from syncer.desired import git

    top = config.repository(run.settings.root)
    if top is None:
        return None
    folders = git.folders_with(top, commit, config.FILES)
    gone = [one for one in folders if not any((top / one / name).exists() for name in config.FILES)]
    for one in gone[:_MOST_MOVED]:
        names = [f"{one}/{name}" for name in config.FILES]
        with git.folder_at(top, commit, names) as folder, suppress(SyncerError):
            settings = config.load(folder / one)
            models = os.path.normpath(f"{one}/{settings.models}")
            if not models.startswith("..") and _former_name(run, settings) in settings.environments:
                return settings, top, models
    return None


def _former_name(run: Run, settings: config.Settings) -> str:
    """What former settings called this run's environment. Another name for the same target is the same environment.

    Of its target is one with the same address and workspace, in the files or in this run; else one that is gone, and
    may have been of this workspace: its address can be written in several ways.
    """
    own = run.environment
    if own.name in settings.environments or own.name == SANDBOX:
        return own.name
    here = [one for one in (own, run.settings.environments.get(own.name)) if one is not None]
    targets = {(one.api_url, one.workspace_id) for one in here}
    same = [one for one, table in settings.environments.items() if (table.api_url, table.workspace_id) in targets]
    gone = [one for one in settings.environments if one not in run.settings.environments]
    fitting = [one for one in gone if settings.environments[one].workspace_id in {0, own.workspace_id}]
    return (*(one for one in same if one in gone), *same, *fitting, own.name)[0]


def _strictest(limits: Limits) -> tuple[int, int]:
    from syncer.plan.limits import Limits

    return min(limits.percent, Limits().percent), min(limits.floor, Limits().floor)


def _unread_settings(commit: str) -> Problem:
    message = f"the settings at the base {commit[:12]} can't be read, so nobody knows which limits they set"
    hint = "of this change's limits and the defaults the stricter ones count"
    return Problem(NOWHERE, "unread-settings", message, hint, Severity.WARNING)


def base_of(run: Run, ref: str) -> Base:
    """What git said at the commit that a ref names. Raises SettingsError."""
    from syncer.desired import git

    return base_at(run, git.commit_of(run.settings.root, ref))


def base_or_parted(run: Run, ref: str | None) -> Base | None:
    """What git said at a ref, else where this branch left its remote's default; None outside git.

    Raises SettingsError.
    """
    from syncer.desired import git

    commit = git.commit_of(run.settings.root, ref) if ref else git.parted(run.settings.root)
    return base_at(run, commit) if commit else None


def _keys(value: object) -> list[str]:
    return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []


def state_folder(root: Path, screen: Screen) -> StateFolder:
    """Where syncer keeps what it remembers of the settings' folder `root`. Raises StateError.

    What an older version left in the repository is told of once, and never looked into: a commit may have brought it.
    """
    from syncer.state_folder import folder_of

    if os.path.lexists(root / _LEFT):
        what = f"{_LEFT} beside the settings is no longer used, and nothing in it is read"
        screen.note_once(f"Note: {what}. An older version kept its runs and its sandbox there; delete it.")
    return folder_of(root, os.environ)


def head(run: Run) -> str:
    """The commit that is checked out; empty outside git."""
    from syncer.desired import git

    return git.head(run.settings.root, run.settings.models)


@contextmanager
def connected(run: Run, screen: Screen) -> Iterator[Api]:
    """The API of the run's environment: over the network, or the embedded sandbox."""
    import httpx

    from syncer.live.api import Api
    from syncer.live.session import Options, Session

    if config.is_in_clear(run.environment.api_url):
        screen.note(f"Warning: {run.environment.api_url} is plain http: the token can be read on the way.")
    numbers = run.environment.numbers
    options = Options(numbers.requests_per_minute, numbers.connect_seconds, numbers.read_seconds, numbers.retry_seconds)
    target = run.target
    with ExitStack() as stack:
        if run.environment.name == SANDBOX:
            from syncer.cli.sandbox import sandbox_at

            box = stack.enter_context(sandbox_at(run.settings.root, screen))
            target, credentials = replace(target, url=_INSIDE), Credentials(Secret("sandbox"))
            transport = httpx.WSGITransport(app=box.wsgi)
        else:
            config.check_way(run.variables, target.url)
            from syncer.cli.shared import trust

            credentials, transport = trust.credentials(run, screen), None
        session = stack.enter_context(
            Session(target, credentials, screen.tell, options, scrubber=screen.scrubber, transport=transport)
        )
        yield Api(session)
