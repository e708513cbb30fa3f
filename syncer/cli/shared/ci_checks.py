"""Whether a repository's CI files, and its host's settings, are as they should be. It only reads."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from syncer import config
from syncer.cli.shared import host_checks, pipeline_files, pipeline_updates
from syncer.cli.shared.file_checks import EMPTY_RULES, named_secrets
from syncer.cli.shared.file_checks import check as problems_of
from syncer.desired import git, loader
from syncer.errors import SettingsError
from syncer.model import SANDBOX, shortlist
from syncer.render.terminal.doctor import Check, State
from syncer.render.text import counted
from syncer.review.hosts import github_settings, gitlab_settings
from syncer.review.hosts.http import Unread
from syncer.review.hosts.values import token_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from syncer.model import Document
    from syncer.secrets import Secret
    from syncer.secrets.scrubber import Scrubber

_HOSTS: Final = {"github": "GitHub", "gitlab": "GitLab"}
_ADDS_LINES: Final = {
    "github": "`syncer init --ci github --update` adds the lines",
    "gitlab": "`syncer init --ci gitlab --update` adds the lines",
}
_TOKENS: Final = {"github": ("GH_TOKEN", "GITHUB_TOKEN"), "gitlab": ("GITLAB_TOKEN", "SYNCER_GITLAB_TOKEN")}
_MOST_LISTED: Final = 10

T = TypeVar("T")


def pipelines(settings: config.Settings, documents: Iterable[Document]) -> Iterator[Check]:
    """Whether the CI files that are there give every secret that the definitions name; nothing without such files."""
    top, facts = _facts(settings, documents)
    for host in _HOSTS:
        wanted, there = _files(host, top, facts)
        lines = {name: pipeline_updates.missing_secrets(wanted[name], text) for name, text in there.items()}
        if told := "; ".join(
            f"{name} has no line for {shortlist(missing, _MOST_LISTED)}" for name, missing in lines.items() if missing
        ):
            yield Check("CI files", State.WARNING, told, _ADDS_LINES[host])
        elif there:
            yield Check("CI files", State.OK, f"{counted(len(there), 'file')} for {host}, with every secret's line")


def checks(settings: config.Settings, variables: Mapping[str, str], scrubber: Scrubber) -> Iterator[Check]:
    """The CI files, and the settings of each host that there are files for."""
    loaded = loader.load(settings.root, settings.models, common=settings.common)
    rules = {problem.rule for problem in problems_of(loaded, settings.environments) if problem.is_error}
    if rules - EMPTY_RULES:
        # What a broken file names isn't certain.
        hint = "`syncer validate` shows each with its place"
        yield Check("files", State.FAILED, "there are errors, so it isn't known which secrets they name", hint)
        return
    top, facts = _facts(settings, loaded.documents)
    try:
        needs = pipeline_files.needs(facts)
    except SettingsError as error:
        yield Check("CI files", State.FAILED, error.what, error.hint)
        return
    hosts = [host for host in _HOSTS if _files(host, top, facts)[1]]
    yield from pipelines(settings, loaded.documents)
    if not hosts:
        hint = "`syncer init --ci github` or `syncer init --ci gitlab` writes them"
        yield Check("CI files", State.FAILED, "there are none", hint)
    origin = git.origin(top)

    def github(token: Secret) -> tuple[str, github_settings.GitHubSettings | Unread]:
        place = github_settings.place_of(variables, origin)
        names = [one.environment for one in needs]
        found = github_settings.settings_of(place, token, names, scrubber=scrubber, sleep=time.sleep)
        return f"{place.repository} at {place.api}", found

    def gitlab(token: Secret) -> tuple[str, gitlab_settings.GitLabSettings | Unread]:
        place = gitlab_settings.place_of(variables, origin)
        found = gitlab_settings.settings_of(place, token, scrubber=scrubber, sleep=time.sleep)
        return f"{place.project} at {place.api}", found

    if "github" in hosts:
        check, on_github = _read("github", variables, github)
        yield check
        yield from host_checks.github_checks(needs, on_github)
    if "gitlab" in hosts:
        check, on_gitlab = _read("gitlab", variables, gitlab)
        yield check
        yield from host_checks.gitlab_checks(needs, on_gitlab)


def _facts(settings: config.Settings, documents: Iterable[Document]) -> tuple[Path, pipeline_files.Facts]:
    """The repository's top, and what its CI files are made of."""
    top = config.repository(settings.root) or settings.root
    names = [name for name in settings.environments if name != SANDBOX]
    every = tuple(documents)
    secrets = {name: named_secrets(every, name) for name in names or ("",)}
    folder = settings.root.relative_to(top).as_posix()
    return top, pipeline_files.Facts("" if folder == "." else folder, "", names, secrets)


def _files(host: str, top: Path, facts: pipeline_files.Facts) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """The files as `init` would write them, and those of them that are there."""
    try:
        wanted = pipeline_files.files(host, facts)
    except SettingsError:
        return {}, {}
    return wanted, {name: text for name in wanted if (text := pipeline_updates.text_of(top / name))}


def _read(
    host: str, variables: Mapping[str, str], ask: Callable[[Secret], tuple[str, T | Unread]]
) -> tuple[Check, T | None]:
    """Whether a host could be asked, and what it gave. `ask` gives the place's name, too."""
    try:
        token = next((one for name in _TOKENS[host] if (one := token_in(variables, name))), None)
        if token is None:
            detail = f"{_HOSTS[host]}: there is no token, so its settings were not looked at"
            hint = f"set {' or '.join(_TOKENS[host])} to a token that may read them"
            return Check("CI host", State.WARNING, detail, hint), None
        where, answer = ask(token)
    except SettingsError as error:
        return Check("CI host", State.FAILED, error.what, error.hint), None
    if not isinstance(answer, Unread):
        return Check("CI host", State.OK, f"{where}, with {token.reference}"), answer
    if answer.status == HTTPStatus.UNAUTHORIZED:
        detail = f"{where}: {token.reference} is not accepted (401)"
        return Check("CI host", State.FAILED, detail, "set a token that is valid"), None
    hint = f"see whether {token.reference} may read it"
    return Check("CI host", State.FAILED, f"{where} could not be read ({answer.why})", hint), None
