"""Every layer between here and the models: how it is, and what to do about it.

It only reads, and logs in once at most: five failures lock an account.
"""

from __future__ import annotations

import time
from dataclasses import replace
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncer import config
from syncer.cli.shared import ci_checks, connection
from syncer.cli.shared.env_file import read_env_file
from syncer.cli.shared.file_checks import EMPTY_RULES
from syncer.cli.shared.file_checks import check as problems_of
from syncer.cli.shared.network_checks import MOST_LISTED, impatient, in_turn, is_passed, listed, reach, skipped
from syncer.cli.shared.run import head
from syncer.cli.shared.screen import Screen
from syncer.desired import git, loader, resolve
from syncer.errors import ApiError, InputError, RefreshError, SettingsError, SyncerError
from syncer.events import Requested, Waiting
from syncer.live import connectivity
from syncer.model import SANDBOX, shortlist
from syncer.render.terminal.doctor import Check, State
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.cli.shared.run import Run
    from syncer.events import Event
    from syncer.live.api import Api
    from syncer.secrets import Secret

_NETWORK: Final = ("DNS", "connection", "TLS", "host")
_INSIDE: Final = ("token", "workspace", "role", "models", "connectors", "syncs")
_READER: Final = "Viewer"
_WRITERS: Final = frozenset({"Admin", "Member"})
_MINUTE: Final = 60
_SHORT: Final = 12
"""Characters of a commit's name that people read."""


class _Ear(Screen):
    """The screen of an examination: it remembers what was asked and answered."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen.style, screen.error_style, screen.json, screen.debug, screen.scrubber)
        self.heard: list[Event] = []
        self._screen = screen

    def note(self, text: str) -> None:
        """Nothing: what the connection would warn of is a check."""

    def tell(self, event: Event) -> None:
        """Keep it, and pass it on."""
        self.heard.append(event)
        self._screen.tell(event)


def checks(subject: Run, screen: Screen) -> Iterator[Check]:
    """How every layer is, from the settings to the extras."""
    ear = _Ear(screen)
    yield _settings(subject)
    if subject.environment.name == SANDBOX:
        yield from (Check(layer, State.SKIPPED, config.SANDBOX_URL) for layer in _NETWORK)
        yield Check("credentials", State.SKIPPED, "none are needed")
        is_reached = True
    else:
        network = []
        for check in reach(subject.target, subject.environment.numbers, ear.tell, ear.scrubber):
            network.append(check)
            yield check
        yield (check := _credentials(subject))
        is_reached = all(map(is_passed, (*network, check)))
    yield from _inside(subject, ear) if is_reached else map(skipped, _INSIDE)
    yield _rate(ear.heard, subject.environment.numbers.requests_per_minute)
    yield from _near(subject)


# -- settings and credentials ----------------------------------------------------------------------------------------


def _settings(subject: Run) -> Check:
    found = config.find(Path.cwd())
    named = (name for name in ("SYNCER_ENV", "SYNCER_API_URL", "SYNCER_WORKSPACE_ID") if subject.variables.get(name))
    sources = [found.name if found else "no settings file", *named, *_env_file(subject)]
    where = subject.target
    detail = f"{where.environment}, {where.url}, workspace {where.workspace_id} ({', '.join(sources)})"
    return Check("settings", State.OK, detail)


def _env_file(subject: Run) -> list[str]:
    """What the settings' file of variables gives; nothing without one, and in the sandbox, which asks for none."""
    name = subject.settings.env_file
    if not name or subject.environment.name == SANDBOX:
        return []
    given = read_env_file(subject.settings)
    if not given:
        return [f"{name} gives no variable"]
    used = [one for one, secret in given.items() if subject.variables.get(one) == secret.reveal()]
    return [f"{name} gives {', '.join(sorted(used))}" if used else f"{name} gives nothing that isn't set already"]


def unsettled(error: SyncerError) -> Check:
    """The check of settings that can't be used."""
    if isinstance(error, InputError) and error.problems:
        first, *more = error.problems
        others = f" (and {counted(len(more), 'problem')} more)" if more else ""
        return Check("settings", State.FAILED, f"{first.origin}: {first.message}{others}", first.hint)
    return Check("settings", State.FAILED, error.what, error.hint)


def _credentials(subject: Run) -> Check:
    """Which there are; never what they are."""
    variables = subject.variables
    try:
        given = subject.credentials()
        names = config.credential_variables(variables, subject.environment.name)
    except SettingsError as error:
        return Check("credentials", State.FAILED, error.what, error.hint)
    used = names[1:] if given.token is None else names[:1]
    others = [one for one in dict.fromkeys((*names, *config.CREDENTIAL_VARIABLES)) if one not in used]
    unused = [one for one in others if variables.get(one)]
    named = ", ".join(unused[:-1]) + " and " * (len(unused) > 1) + "".join(unused[-1:])
    besides = f"; {named} {'is' if len(unused) == 1 else 'are'} not used beside it" if unused else ""
    if given.token is None:
        return Check("credentials", State.OK, f"{names[1]} and {names[2]}: one login in each run{besides}")
    return Check("credentials", State.OK, f"{names[0]}{_lasting(given.token)}{besides}")


def _lasting(token: Secret) -> str:
    left = connectivity.seconds_left(token, time.time())
    return "" if left is None or left <= 0 else f", for {counted(max(1, round(left / _MINUTE)), 'minute')} more"


# -- what needs both -------------------------------------------------------------------------------------------------


def _inside(subject: Run, ear: _Ear) -> Iterator[Check]:
    environment = replace(subject.environment, numbers=impatient(subject.environment.numbers))
    with connection.connected(replace(subject, environment=environment), ear) as api:
        asked = _Asked(subject, api)
        looks = (asked.token, asked.workspace, asked.role, asked.models, asked.connectors, asked.syncs)
        yield from in_turn(zip(_INSIDE, looks, strict=True))


class _Asked:
    """What the API says of the user and the workspace, one question a layer."""

    def __init__(self, subject: Run, api: Api) -> None:
        self._api = api
        self._wanted = subject.target.workspace_id
        self._subject = subject
        self._workspaces: Mapping[int, str] = {}

    def token(self) -> Check:
        """Whether it's taken, which shows in the first answer."""
        try:
            self._workspaces = self._api.workspaces()
        except ApiError as error:
            token = self._subject.credentials().token
            if error.status != HTTPStatus.UNAUTHORIZED or token is None:
                raise
            left = connectivity.seconds_left(token, time.time())
            if left is None or left > 0:
                raise
            past = counted(max(1, round(-left / _MINUTE)), "minute")
            names = config.credential_variables(self._subject.variables, self._subject.environment.name)
            hint = f"set a new one, or {names[1]} and {names[2]}: then each run logs in"
            return Check("token", State.FAILED, f"{names[0]} expired {past} ago", hint)
        return Check("token", State.OK, "it is accepted")

    def workspace(self) -> Check:
        """Whether the configured one is among those of the user."""
        if name := self._workspaces.get(self._wanted):
            return Check("workspace", State.OK, f"{self._wanted} ({name})")
        return Check(
            "workspace",
            State.FAILED,
            f"this user has no workspace {self._wanted}",
            f"correct workspace_id: there is {listed(self._workspaces)}"
            if self._workspaces
            else "add the user to a workspace, as a Member",
        )

    def role(self) -> Check:
        """What the user may do; of a role that isn't built in only a write shows."""
        role = self._api.me()
        if role in _WRITERS:
            return Check("role", State.OK, f"{role}: may plan and apply")
        if role == _READER:
            return Check(
                "role", State.WARNING, f"{role}: may plan, not apply", "applying takes the role Member or Admin"
            )
        hint = "only a write shows whether it may apply: Member and Admin may"
        return Check("role", State.WARNING, f"{role}: a role of your own, or none", hint)

    def models(self) -> Check:
        """How many are live, and which of them the server can't show."""
        state = self._api.fetch(())
        count = len(state.models)
        if broken := state.unreadable:
            ids = [str(one.id) for one in broken if one.id is not None]
            named = f": {', '.join(ids[:MOST_LISTED])}" if ids else ""
            why = f"{count} live; {len(broken)} can't be shown by the server{named}"
            return Check(
                "models", State.WARNING, why, f"repair in the UI what it says of them: {broken[0].reason}", count
            )
        if not state.complete:
            hint = "give each definition its id, and try again when nobody changes models"
            return Check("models", State.WARNING, f"{count} live, and perhaps more: the list shows no end", hint, count)
        return Check("models", State.OK, f"{count} live", count=count)

    def connectors(self) -> Check:
        """How many there are."""
        count = len(self._api.connectors())
        return Check("connectors", State.OK, f"{count} readable", count=count)

    def syncs(self) -> Check:
        """How many there are."""
        try:
            count = len(self._api.syncs())
        except (ApiError, RefreshError) as error:
            if isinstance(error, ApiError) and error.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            # A plan does without them.
            return Check("syncs", State.WARNING, error.what, "without them no plan can tell what a change does to them")
        return Check("syncs", State.OK, f"{count} readable", count=count)


def _rate(heard: Iterable[Event], per_minute: int) -> Check:
    """Whether anything was answered "too many requests" meanwhile."""
    asked = [event for event in heard if isinstance(event, (Requested, Waiting))]
    requests = [event for event in asked if isinstance(event, Requested)]
    refused = [event for event in requests if event.status == HTTPStatus.TOO_MANY_REQUESTS]
    bound = f"{per_minute} a minute at the most (requests_per_minute)" if per_minute else "without a limit of ours"
    if not requests:
        return skipped("rate limit")
    if not refused:
        return Check("rate limit", State.OK, f"{counted(len(requests), 'request')}, none was refused (429); {bound}")
    waits = [later.seconds for event, later in pairwise(asked) if event in refused and isinstance(later, Waiting)]
    told = f", with up to {max(waits):.0f} s to wait" if waits else ""
    what = f"{len(refused)} of {counted(len(requests), 'request')} answered 429{told}; {bound}"
    state = State.FAILED if requests[-1].status == HTTPStatus.TOO_MANY_REQUESTS else State.WARNING
    return Check("rate limit", state, what, "lower requests_per_minute, or wait a minute")


# -- what is here ----------------------------------------------------------------------------------------------------


def _near(subject: Run) -> Iterator[Check]:
    loaded = loader.load(subject.settings.root, subject.settings.models, common=subject.settings.common)
    found = problems_of(loaded, {*subject.settings.environments, subject.environment.name})
    count = len(loaded.documents)
    errors = [problem for problem in found if problem.is_error]
    if errors and {problem.rule for problem in errors} <= EMPTY_RULES:
        hint = "`syncer import --all` writes the live models down as files"
        yield Check("files", State.WARNING, f"no definition in {subject.settings.models} yet", hint)
        yield skipped("secrets")
    elif errors:
        where = counted(len({problem.origin.path for problem in errors}), "file")
        detail = f"{counted(count, 'definition')}, {counted(len(errors), 'error')} in {where}"
        yield Check("files", State.FAILED, detail, "`syncer validate` shows each with its place", count)
        yield skipped("secrets")
    else:
        told = f", {counted(len(found), 'warning')}" if found else ""
        state, hint = (State.WARNING, "`syncer validate` shows them") if found else (State.OK, "")
        yield Check("files", state, f"{counted(count, 'definition')}{told}", hint, count)
        yield _secrets(subject, loaded)
        yield from ci_checks.pipelines(subject.settings, loaded.documents)
    yield _git(subject)
    yield _extra()


def _secrets(subject: Run, loaded: loader.Loaded) -> Check:
    """The variables that the files name for this environment."""
    named: dict[str, bool] = {}

    def lookup(variable: str) -> Secret | None:
        secret = subject.lookup(variable)
        named[variable] = secret is not None
        return secret

    resolve.reveal(resolve.resolve(loaded.documents, subject.environment.name), lookup)
    missing = sorted(variable for variable, is_set in named.items() if not is_set)
    if missing:
        what = f"not set: {shortlist(missing, MOST_LISTED)}"
        return Check("secrets", State.FAILED, what, "set them where syncer runs (in CI: as masked secrets)", len(named))
    if not named:
        return Check("secrets", State.OK, "no file names one")
    how = "made up for the sandbox" if subject.environment.name == SANDBOX else "set"
    return Check("secrets", State.OK, f"{counted(len(named), 'variable')} named, {how}", count=len(named))


def _git(subject: Run) -> Check:
    """Whether what was applied last can be told."""
    root = subject.settings.root
    if commit := head(subject):
        oid, _, is_dirty = commit.partition("-")
        how = ", and models with changes that aren't committed" if is_dirty else ""
        return Check("git", State.OK, f"commit {oid[:_SHORT]}{how}")
    if config.repository(root) is None:
        return Check("git", State.WARNING, "not in a repository", "`git init`: git has what was applied last")
    try:
        git.commit_of(root, "HEAD")
    except SettingsError as error:
        hint = "commit the files, if nothing is committed yet: git has what was applied last"
        return Check("git", State.WARNING, error.what, hint)
    return Check("git", State.OK, "a repository")  # pragma: no cover - it has no head, so it knows no HEAD


def _extra() -> Check:
    """Whether SQL is read: without it a plan is as right, and says less."""
    from syncer import sql

    try:
        sql.check()
        return Check("extra sql", State.OK, "installed: plans show what a query does to its columns")
    except sql.UncheckedError as error:
        if sql.is_available():
            return Check("extra sql", State.WARNING, error.what, error.hint)
    return Check("extra sql", State.SKIPPED, "not installed: plans don't show what a query does to its columns")
