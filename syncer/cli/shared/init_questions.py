"""Find out what `syncer init` has to know: from flags, variables and settings, else by asking on the terminal.

Each answer is checked before the next question. Nothing is written here, and a password is kept nowhere.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from syncer import config
from syncer.errors import ApiError, SettingsError
from syncer.model import SANDBOX, Credentials, Target
from syncer.render.terminal.doctor import Check, State
from syncer.render.text import visible
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncer.cli.shared.screen import Screen

HOSTS: Final = ("github", "gitlab")

_API: Final = "https://api.squared.ai"
_PROD: Final = "prod"
_TRIES: Final = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_ID = re.compile(r"[1-9][0-9]{0,18}")
_UNCHECKED: Final = "correct it and begin again, or write the files without asking the server: --no-check"


@dataclass(frozen=True, slots=True)
class Given:
    """What the flags say, empty or None for nothing; `is_checked`: whether a server is asked."""

    environment: str = ""
    api_url: str = ""
    workspace_id: int | None = None
    ci: str = ""
    is_checked: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """What was decided: the environment that the settings get (None: they stay as they are), and the CI's host."""

    environment: config.Environment | None
    is_sandbox: bool = False
    ci: str = ""


def decide(given: Given, screen: Screen, settings: config.Settings, found: Path | None, ci: str) -> Start:
    """What is to be written; `found` are the settings that are there, `ci` the host that the folder looks like.

    Raises SettingsError for what is missing where nobody can be asked, and for the layer that fails.
    """
    is_asked = sys.stdin.isatty()
    if given.environment == SANDBOX and (given.api_url or given.workspace_id):
        raise SettingsError("the sandbox has neither an address nor a workspace of yours", "leave out the other flags")
    is_new = found is None or _is_another(given, settings, is_asked=is_asked)
    if found is not None and not is_new:
        _agree(given, settings, found)
    is_ci_alone = given.ci and not (is_asked or given.environment or given.api_url or given.workspace_id)
    environment, is_sandbox = None, given.environment == SANDBOX
    if is_new and not is_sandbox and not is_ci_alone:
        environment = _Inquiry(given, screen, is_asked=is_asked).environment()
        is_sandbox = environment is None
        _refuse_twin(environment, settings)
    return Start(environment, is_sandbox, given.ci or (_host(ci) if is_asked else ""))


def _is_another(given: Given, settings: config.Settings, *, is_asked: bool) -> bool:
    """Whether an environment is named that settings don't have yet, and all that it needs can be known."""
    is_known = given.environment in {"", SANDBOX, *settings.environments}
    return not is_known and (is_asked or bool(given.api_url and given.workspace_id))


def _refuse_twin(environment: config.Environment | None, settings: config.Settings) -> None:
    """Raise SettingsError where another environment is the same workspace: two names for one lead to mistakes."""
    if environment is None:
        return
    for own in settings.environments.values():
        if own.api_url and _is_said(Given("", environment.api_url, environment.workspace_id), own):
            message = f"{environment.name!r} would be the workspace that {own.name!r} is"
            raise SettingsError(message, "name the workspace of its own, with --api-url and --workspace-id")


def _agree(given: Given, settings: config.Settings, found: Path) -> None:
    """Refuse flags that say otherwise than the settings that are there: those stay as they are."""
    if not (given.api_url or given.workspace_id) and given.environment in {"", SANDBOX, *settings.environments}:
        return
    name = given.environment or config.environment_name(settings, None, {})
    own = settings.environments.get(name)
    if own is None:
        message = f"{found.name} is there already, and has no environment {name!r}"
        raise SettingsError(message, f"to add it: `syncer init --env {name} --api-url URL --workspace-id N`")
    if not _is_said(given, own):
        message = f"{found.name} is there already, and says otherwise of {name!r} than the flags"
        raise SettingsError(message, "change it there, or leave out --api-url and --workspace-id")


def _is_said(given: Given, own: config.Environment) -> bool:
    """Whether an environment is what the flags say."""
    same = not given.api_url or _address(given.api_url) == (_address(own.api_url) if own.api_url else "")
    return same and given.workspace_id in {None, own.workspace_id}


def is_of_its_own(given: Given, above: config.Settings) -> bool:
    """Whether the flags say a whole workspace, and the settings above this folder say it of no environment."""
    is_whole = given.api_url and given.workspace_id
    return bool(is_whole) and not any(_is_said(given, own) for own in above.environments.values())


class _Inquiry:
    """The questions about one environment."""

    def __init__(self, given: Given, screen: Screen, *, is_asked: bool) -> None:
        self._given, self._screen, self._is_asked = given, screen, is_asked
        self._variables: Mapping[str, str] = os.environ

    def environment(self) -> config.Environment | None:
        """What the settings are to say; None if it's the sandbox that is meant."""
        name = self._given.environment or self._variables.get("SYNCER_ENV", "")
        url = self._given.api_url or self._variables.get("SYNCER_API_URL", "")
        number = self._variables.get("SYNCER_WORKSPACE_ID", "")
        if number and not _ID.fullmatch(number):
            raise SettingsError("SYNCER_WORKSPACE_ID must be a number")
        workspace = self._given.workspace_id or int(number or 0)
        if name == SANDBOX:
            return None
        if name and not _NAME.fullmatch(name):
            raise SettingsError(f"an environment can't be named {name!r}", "use letters, digits, - and _ only")
        if not self._is_asked and not (url and workspace):
            hint = "say --api-url URL and --workspace-id N, or --env sandbox to try it without a server"
            raise SettingsError("there are no settings here, and no terminal to ask on: nothing was written", hint)
        url = self._url(url)
        if url == SANDBOX:
            return None
        workspace = self._workspace(url, workspace)
        return config.Environment(name or self._name(), url, workspace)

    # -- the address -------------------------------------------------------------------------------------------

    def _url(self, given: str) -> str:
        """The API's root, asked for a few times until something answers there; or the sandbox's name."""
        for _ in range(1 if given else _TRIES):
            text = given or _asked(f"Address of the API (`{SANDBOX}`: try it without a server)", _API)
            if text == SANDBOX:
                return text
            try:
                address = _address(text)
            except SettingsError as error:
                if given:
                    raise
                self._tell(Check("settings", State.FAILED, error.what, error.hint))
                continue
            if not self._given.is_checked or self._is_reached(address):
                return text.rstrip("/").removesuffix("/api/v1")
        raise SettingsError("no API answers there, so nothing was written", _UNCHECKED)

    def _is_reached(self, address: str) -> bool:
        """Whether the models API is there; each layer is told, down to the one that fails."""
        from syncer.cli.shared.network_checks import reach

        checks = []
        for check in reach(Target("", address, 0), config.Numbers(), self._screen.tell, self._screen.scrubber):
            checks.append(check)
            self._tell(check)
            if check.state not in {State.OK, State.WARNING}:
                return False
        return True

    # -- the workspace -----------------------------------------------------------------------------------------

    def _workspace(self, url: str, wanted: int) -> int:
        """The workspace: checked, chosen or typed."""
        credentials = None if not self._given.is_checked else self._credentials(is_asked=self._is_asked and not wanted)
        if credentials is None:
            return wanted or int(_until("Id of the workspace, a number", _ID))
        known = self._known(url, credentials)
        self._tell(Check("token", State.OK, "it is accepted"))
        if wanted and wanted not in known:
            self._stop(Check("workspace", State.FAILED, f"this user has no workspace {wanted}", _choice(known)))
        if not known:
            self._stop(Check("workspace", State.FAILED, "this user has no workspace", "add the user to one"))
        if wanted or len(known) == 1:
            number = wanted or next(iter(known))
            only = "" if wanted else ", the only one of this user"
            self._tell(Check("workspace", State.OK, f"{number} ({known[number]}){only}"))
            return number
        for number, name in known.items():
            self._screen.show(f"  {number}  {visible(name)}")
        return int(_until("Workspace, its number", re.compile("|".join(map(str, known)))))

    def _credentials(self, *, is_asked: bool) -> Credentials | None:
        """Those of the variables, else those of a person, who may keep them."""
        variables = self._variables
        names = config.credential_variables(variables, self._given.environment)
        token, address, password = (variables.get(name, "").strip() for name in names)
        if token or (address and password) or ((address or password) and not is_asked):
            return config.credentials(variables, self._given.environment)
        if not is_asked:
            return None
        address = address or _asked(
            "E-mail of a user, to look up the workspaces (it ends that user's other logins; empty: don't look)"
        )
        if not address:
            return None
        password = password or _typed(f"Password of {visible(address)} (neither shown nor kept): ")
        return Credentials(email=address, password=Secret(password, "SYNCER_PASSWORD")) if password else None

    def _known(self, url: str, credentials: Credentials) -> Mapping[int, str]:
        from syncer.cli.shared.network_checks import workspaces

        try:
            return workspaces(
                Target("", _address(url), 0), credentials, config.Numbers(), self._screen.tell, self._screen.scrubber
            )
        except ApiError as error:
            self._stop(Check("token", State.FAILED, error.what, error.hint))

    # -- the name ----------------------------------------------------------------------------------------------

    def _name(self) -> str:
        return _until("Name of this environment", _NAME, _PROD) if self._is_asked else _PROD

    # -- telling -----------------------------------------------------------------------------------------------

    def _tell(self, check: Check) -> None:
        self._screen.check(check)

    def _stop(self, check: Check) -> NoReturn:
        self._tell(check)
        raise SettingsError(f"{check.layer} fails, so nothing was written", _UNCHECKED)


def _choice(known: Mapping[int, str]) -> str:
    from syncer.cli.shared.network_checks import listed

    return f"there is {listed(known)}" if known else "add the user to a workspace"


def _address(url: str) -> str:
    """The URL that is asked. Raises SettingsError for what can't be one."""
    settings = config.Settings(Path(), environments={_PROD: config.Environment(_PROD, url, 1)})
    return config.environment(settings, _PROD, {}).api_url


def _host(guess: str) -> str:
    """The host whose CI files are wanted; empty for none."""
    found = _until("CI files for github, gitlab or none", re.compile("|".join((*HOSTS, "none"))), guess or "none")
    return "" if found == "none" else found


# -- asking ----------------------------------------------------------------------------------------------------------


def _asked(question: str, default: str = "") -> str:
    """One answer; Enter means the default."""
    try:
        return input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
    except EOFError:
        raise _ended() from None


def _until(question: str, fits: re.Pattern[str], default: str = "") -> str:
    """An answer that fits, asked for a few times."""
    for _ in range(_TRIES):
        answer = _asked(question, default)
        if fits.fullmatch(answer) and answer != SANDBOX:
            return answer
    raise SettingsError("that was no usable answer, so nothing was written", "begin again")


def _typed(question: str) -> str:
    """A password, which the terminal doesn't show."""
    try:
        return getpass(question)
    except EOFError:
        raise _ended() from None


def _ended() -> SettingsError:
    return SettingsError("the input ended before the last answer, so nothing was written", "begin again")
