"""A run: settings, environment and limits; the files that git has for it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config, package_files, safe_files
from syncer.cli.shared.env_file import read_env_file
from syncer.cli.shared.file_checks import EMPTY_RULES, check, unparsed
from syncer.cli.shared.groups import Guards
from syncer.config.env_file import env_file_additions
from syncer.desired import loader
from syncer.desired.loader.defaults import said
from syncer.desired.loader.parse_cache import ParseCache
from syncer.desired.targets import ALL, Targets, concern
from syncer.errors import InputError, SettingsError, SyncerError
from syncer.model import NO_COMMON, SANDBOX, Inheritance, Problem
from syncer.plan.limits import Limits, OnDrift
from syncer.secrets import Secret
from syncer.state_folder import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncer.cli.shared.screen import Screen
    from syncer.model import Common, Credentials, Document, Target

_PARSE_CACHE: Final = "parse_cache.json"
"""Its name in the state folder."""


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
            self._checked.append(_checked_files(self))
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

    def credentials(self) -> Credentials:
        """Who asks the server of this run. Raises SettingsError if no variable says."""
        return config.credentials(self.variables, self.environment.name, self.settings.environments)

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
    targets: Targets = ALL
    """What the run is about, with the files that it leaves aside."""


def _checked_files(run: Run) -> tuple[loader.Loaded, tuple[Problem, ...]]:
    """The run's files and their problems; what the run before knew of them is neither parsed nor checked again."""
    root, models, common = run.settings.root, run.settings.models, run.settings.common
    file = None
    # In CI nothing is remembered. Where the state folder can't be used, its reader says why: to be quicker is no need.
    with suppress(SyncerError):
        file = None if run.variables.get("CI") else folder_of(root, run.variables).looked_at() / _PARSE_CACHE
    if file is None:
        loaded = loader.load(root, models, common=common)
        return loaded, check(loaded, run.environments)
    cache = ParseCache(file, rules="\n".join((package_files.schema_text(), *run.environments)))
    loaded = loader.load(root, models, cache=cache, common=common)
    found = check(loaded, run.environments, passed=loaded.known)
    told = {path for problem in found for path in (problem.path, problem.origin.path)}
    flawless = [one for one in loaded.documents if told.isdisjoint(one.paths) and not one.files]
    content = cache.renewed(flawless, loaded.known)
    if content is not None:
        with suppress(OSError, SyncerError):
            safe_files.write_whole(folder_of(root, run.variables).file(_PARSE_CACHE), content)
    return loaded, found


def run_of(
    environment: str,
    guards: Guards | None = None,
    *,
    named: str = "",
    requires_secrets: bool = False,
    desk: Screen | None = None,
) -> Run:
    """The run of an environment: the one that a flag says, else the `named` one, else what the settings say.

    At a `desk` its variables are also those of the settings' `env_file`. Raises SettingsError, InputError.
    """
    settings = config.load(Path.cwd())
    chosen = config.environment(settings, environment or named, os.environ)
    guards, numbers = guards or Guards(), chosen.numbers
    limits = Limits(
        numbers.max_change_percent,
        numbers.max_change_floor,
        OnDrift(guards.on_drift or "warn"),
        frozenset(guards.allow),
        said=guards.max_change_percent,
        requires_secrets=requires_secrets,
    )
    if desk is not None and chosen.name != SANDBOX:
        _take_env_file(settings, desk)
    is_named = chosen.name in {environment, os.environ.get("SYNCER_ENV")}
    return Run(settings, chosen, os.environ, limits, is_named)


def _take_env_file(settings: config.Settings, screen: Screen) -> None:
    """Make what the `env_file` gives variables of this process, as if they'd been set before.

    So whatever keeps the variables' secrets out of an output knows them, too. No git gets them.
    """
    found = env_file_additions(os.environ, read_env_file(settings))
    screen.scrubber.learn([*found.values()])
    for name, secret in found.items():
        os.environ[name] = str(secret.reveal())


def read_files(
    run: Run,
    root: Path | None = None,
    *,
    common: Common | None = None,
    targets: Targets = ALL,
    needs_all: bool = False,
    may_be_empty: bool = False,
) -> Files:
    """The files below `root` (else the settings' folder), checked. Raises InputError with every problem.

    There the settings may have said something else for all files, in `common`.

    With `targets` a file that isn't valid and doesn't concern them is left aside, with a warning, unless the run
    `needs_all`. Where there is no file yet, that is a problem, unless there `may_be_empty`.
    """
    if root is None:
        loaded, found = run.checked()
    else:
        loaded = loader.load(root, run.settings.models, common=run.settings.common if common is None else common)
        found = check(loaded, run.environments)
    if may_be_empty:
        found = tuple(problem for problem in found if problem.rule not in EMPTY_RULES)
    documents = loaded.documents
    if not (targets.are_all or needs_all) and any(problem.is_error for problem in found):
        settings = run.settings
        texts = unparsed(loaded, root or settings.root)
        about = concern(loaded, found, targets, [run.environment.name], texts, settings.models)
        documents, found, targets = about.documents, about.problems, about.targets
    if any(problem.is_error for problem in found):
        raise InputError(found)
    return Files(documents, found, targets)


def refuse_empty_folder(run: Run, environment: str, files: Files) -> None:
    """Raise SettingsError where a folder of nothing would silently be about the sandbox: it's the wrong one, mostly."""
    is_meant = environment or run.variables.get("SYNCER_ENV") or run.settings.default_environment
    if run.environment.name == SANDBOX and not is_meant and not files.documents:
        message = f"there are neither settings nor model files in {run.settings.root} or above"
        raise SettingsError(message, "change to your repository, start with `syncer init`, or use --env sandbox")


def head(run: Run) -> str:
    """The commit that is checked out, with `-dirty` if the files, or what they read of the settings, differ from it.

    It's empty outside git.
    """
    from syncer.desired import git

    commit = git.head(run.settings.root, run.settings.models)
    if not commit or commit.endswith("-dirty") or _has_common_of(run, commit):
        return commit
    return f"{commit}-dirty"


def _has_common_of(run: Run, commit: str) -> bool:
    """Whether the settings say for all files what they say at a commit."""
    from syncer.cli.shared.committed_settings import settings_at

    with suppress(SettingsError):
        there = settings_at(run.settings.root, commit)
        common = there.settings.common if there is not None else NO_COMMON
        return said(Inheritance((), common)) == said(Inheritance((), run.settings.common))
    return False
