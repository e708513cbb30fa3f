"""What `syncer init` has to know before it writes anything: from flags, variables and settings, else from a person.

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
    import argparse
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
class Start:
    """What was decided: the environment that new settings get (None: no settings are written), and the CI's host."""

    environment: config.Environment | None
    is_sandbox: bool = False
    ci: str = ""


def decide(flags: argparse.Namespace, screen: Screen, settings: config.Settings, found: Path | None, ci: str) -> Start:
    """What is to be written; `found` are the settings that are there, `ci` the host that the folder looks like.

    Raises SettingsError for what is missing where nobody can be asked, and for the layer that fails.
    """
    is_asked = sys.stdin.isatty()
    if flags.env == SANDBOX and (flags.api_url or flags.workspace_id):
        raise SettingsError("the sandbox has neither an address nor a workspace of yours", "leave out the other flags")
    if found is not None:
        _agree(flags, settings, found)
    is_ci_alone = flags.ci and not (is_asked or flags.env or flags.api_url or flags.workspace_id)
    environment, is_sandbox = None, flags.env == SANDBOX
    if found is None and not is_sandbox and not is_ci_alone:
        environment = _Inquiry(flags, screen, is_asked=is_asked).environment()
        is_sandbox = environment is None
    return Start(environment, is_sandbox, flags.ci or (_host(ci) if is_asked else ""))


def _agree(flags: argparse.Namespace, settings: config.Settings, found: Path) -> None:
    """Refuse flags that say otherwise than the settings that are there: those stay as they are."""
    if not (flags.api_url or flags.workspace_id) and flags.env in {"", SANDBOX, *settings.environments}:
        return
    name = flags.env or config.environment_name(settings, None, {})
    own = settings.environments.get(name)
    if own is None:
        message = f"{found.name} is there already, and has no environment {name!r}"
        raise SettingsError(message, f"add it there: a table [environments.{name}] with api_url and workspace_id")
    if not _is_said(flags, own):
        message = f"{found.name} is there already, and says otherwise of {name!r} than the flags"
        raise SettingsError(message, "change it there, or leave out --api-url and --workspace-id")


def _is_said(flags: argparse.Namespace, own: config.Environment) -> bool:
    """Whether an environment is what the flags say."""
    same = not flags.api_url or _address(flags.api_url) == (_address(own.api_url) if own.api_url else "")
    return same and flags.workspace_id in {None, own.workspace_id}


def is_of_its_own(flags: argparse.Namespace, above: config.Settings) -> bool:
    """Whether the flags say a whole workspace, and the settings above this folder say it of no environment."""
    is_whole = flags.api_url and flags.workspace_id
    return bool(is_whole) and not any(_is_said(flags, own) for own in above.environments.values())


class _Inquiry:
    """The questions about one environment."""

    def __init__(self, flags: argparse.Namespace, screen: Screen, *, is_asked: bool) -> None:
        self._flags, self._screen, self._is_asked = flags, screen, is_asked
        self._variables: Mapping[str, str] = os.environ

    def environment(self) -> config.Environment | None:
        """What the settings are to say; None if it's the sandbox that is meant."""
        name = self._flags.env or self._variables.get("SYNCER_ENV", "")
        url = self._flags.api_url or self._variables.get("SYNCER_API_URL", "")
        given = self._variables.get("SYNCER_WORKSPACE_ID", "")
        if given and not _ID.fullmatch(given):
            raise SettingsError("SYNCER_WORKSPACE_ID must be a number")
        workspace = self._flags.workspace_id or int(given or 0)
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
            if self._flags.no_check or self._is_reached(address):
                return text.rstrip("/").removesuffix("/api/v1")
        raise SettingsError("no API answers there, so nothing was written", _UNCHECKED)

    def _is_reached(self, address: str) -> bool:
        """Whether the models API is there; each layer is told, down to the one that fails."""
        from syncer.cli.doctor import reach  # noqa: PLC0415 - HTTP is slow to import, and --no-check does without

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
        credentials = None if self._flags.no_check else self._credentials(is_asked=self._is_asked and not wanted)
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
        address, password = variables.get("SYNCER_EMAIL", "").strip(), variables.get("SYNCER_PASSWORD", "")
        if variables.get("SYNCER_TOKEN") or (address and password) or ((address or password) and not is_asked):
            return config.credentials(variables)
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
        from syncer.cli.doctor import workspaces  # noqa: PLC0415 - see above

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
    from syncer.cli.doctor import listed  # noqa: PLC0415 - see above

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
