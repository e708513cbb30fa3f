"""Find out what `syncer init` has to know: from flags, variables and settings, else by asking on the terminal.

Each answer is checked before the next question. Nothing is written here, and a password is kept nowhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import warnings
from dataclasses import dataclass, replace
from getpass import GetPassWarning, getpass
from typing import TYPE_CHECKING, Final, NoReturn

from syncer import config
from syncer.errors import ApiError, SettingsError
from syncer.model import SANDBOX, Credentials, Target
from syncer.render.terminal.doctor import Check, State
from syncer.render.text import visible
from syncer.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from syncer.cli.shared.screen import Screen

HOSTS: Final = ("github", "gitlab")

_API: Final = "https://api.squared.ai"
_PROD: Final = "prod"
_TRIES: Final = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_REFUSALS: Final = frozenset({400, 401, 422})
"""How a server says no to an e-mail and a password."""

_ID = re.compile(r"[1-9][0-9]{0,18}")
_USER: Final = "E-mail of a user, to look up the workspaces (it ends that user's other logins; empty: don't look)"
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
    inquiry = _Inquiry(given, screen, settings.environments, is_asked=is_asked)
    try:
        if is_new and not is_sandbox and not is_ci_alone:
            environment = inquiry.environment()
            is_sandbox = environment is None
            _refuse_twin(environment, settings)
        return Start(environment, is_sandbox, given.ci or (_host(ci) if is_asked else ""))
    except SettingsError as error:
        if is_asked and inquiry.answered:
            raise SettingsError(error.what, f"{error.hint}; go on with your answers: `{inquiry.answered}`") from None
        raise
    except KeyboardInterrupt:
        if inquiry.answered:
            screen.note(f"\nYour answers so far: {inquiry.answered}")
        raise


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

    def __init__(self, given: Given, screen: Screen, known: Iterable[str], *, is_asked: bool) -> None:
        self._given, self._screen, self._known_names, self._is_asked = given, screen, tuple(known), is_asked
        self._variables: Mapping[str, str] = os.environ
        self._said_name = given.environment or self._variables.get("SYNCER_ENV", "")
        self._answered: list[str] = []

    def environment(self) -> config.Environment | None:
        """What the settings are to say; None if it's the sandbox that is meant."""
        name = self._said_name
        url = self._given.api_url or self._variables.get("SYNCER_API_URL", "")
        number = self._variables.get("SYNCER_WORKSPACE_ID", "")
        if number and why_no_id(number):
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
        self._keep("--api-url", url)
        workspace = self._workspace(url, workspace)
        self._keep("--workspace-id", str(workspace))
        name = name or self._name()
        self._keep("--env", name)
        return config.Environment(name, url, workspace)

    def _keep(self, flag: str, value: str) -> None:
        self._answered += [flag, shlex.quote(value)]

    @property
    def answered(self) -> str:
        """The command that goes on where the questions ended; empty before the first answer that counts."""
        return " ".join(["syncer", "init", *self._answered]) if self._answered else ""

    # -- the address -------------------------------------------------------------------------------------------

    def _url(self, given: str) -> str:
        """The API's root, asked for a few times until something answers there; or the sandbox's name."""
        for _ in range(1 if given else _TRIES):
            text = given or asked(f"Address of the API (`{SANDBOX}`: try it without a server)", _API)
            if text == SANDBOX:
                return text
            if page_root := config.root_of_page(text):
                self._screen.show(f"That is the address of a page, so its root is tried: {visible(page_root)}")
                text = page_root
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

        for check in reach(Target("", address, 0), config.Numbers(), self._screen.tell, self._screen.scrubber):
            self._tell(check)
            if check.state not in {State.OK, State.WARNING}:
                return False
        return True

    # -- the workspace -----------------------------------------------------------------------------------------

    def _workspace(self, url: str, wanted: int) -> int:
        """The workspace: checked, chosen or typed."""
        known = self._known(url, wanted) if self._given.is_checked else None
        if known is None:
            return wanted or int(until("Id of the workspace, a number", why_no_id))
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
        return _chosen(until("Workspace, its number or its name", lambda answer: why_no_choice(answer, known)), known)

    def _known(self, url: str, wanted: int) -> Mapping[int, str] | None:
        """The user's workspaces; None if nobody says who the user is. Typed credentials get a few tries."""
        variables, is_asked = self._variables, self._is_asked and not wanted
        names = config.credential_variables(variables, self._said_name, self._known_names)
        token, address, password = (variables.get(name, "") for name in names)
        if token or (address.strip() and password) or ((address or password) and not is_asked):
            try:
                return self._looked_up(url, config.credentials(variables, self._said_name, self._known_names))
            except ApiError as error:
                self._stop(Check("token", State.FAILED, error.what, error.hint))
        if not is_asked:
            return None
        before = ""
        for _ in range(_TRIES):
            user = address.strip() or until(_USER, why_no_address, before)
            if not user:
                return None
            typed = Secret(password, names[2]) if password else Secret(typed_password(visible(user)))
            try:
                return self._looked_up(url, Credentials(email=user, password=typed))
            except ApiError as error:
                self._tell(Check("token", State.FAILED, error.what, error.hint))
                if error.status not in _REFUSALS:
                    break
                before = user
        raise SettingsError("the login fails, so nothing was written", _UNCHECKED)

    def _looked_up(self, url: str, credentials: Credentials) -> Mapping[int, str]:
        from syncer.cli.shared.network_checks import workspaces

        target = Target("", _address(url), 0)
        return workspaces(target, credentials, config.Numbers(), self._screen.tell, self._screen.scrubber)

    # -- the name ----------------------------------------------------------------------------------------------

    def _name(self) -> str:
        return until("Name of this environment", why_no_name, _PROD) if self._is_asked else _PROD

    # -- telling -----------------------------------------------------------------------------------------------

    def _tell(self, check: Check) -> None:
        # The settings are still to be written, so no hint may send anybody to a key of theirs.
        self._screen.check(replace(check, hint=check.hint.replace("api_url", "the address")))

    def _stop(self, check: Check) -> NoReturn:
        self._tell(check)
        raise SettingsError(f"{check.layer} fails, so nothing was written", _UNCHECKED)


def _choice(known: Mapping[int, str]) -> str:
    from syncer.cli.shared.network_checks import listed

    return f"there is {listed(known)}" if known else "add the user to a workspace"


def _address(url: str) -> str:
    """The URL that is asked. Raises SettingsError for what can't be one."""
    if wrong := config.why_no_url(url):
        raise SettingsError(f"the address {wrong[0]}", wrong[1])
    return config.api_root(url, _PROD)


def _chosen(answer: str, known: Mapping[int, str]) -> int:
    """The workspace that an answer means: its number, else its name."""
    return int(answer) if answer in map(str, known) else next(iter(_named(answer, known)))


def _named(answer: str, known: Mapping[int, str]) -> list[int]:
    """The workspaces of a name; if none is written so, those whose name differs in case alone."""
    return [number for number, name in known.items() if name.strip() == answer] or [
        number for number, name in known.items() if name.strip().casefold() == answer.casefold()
    ]


# -- why an answer is refused: empty for one that is taken -----------------------------------------------------------


def why_no_choice(answer: str, known: Mapping[int, str]) -> str:
    """Why an answer means no workspace of the list."""
    if answer in map(str, known):
        return ""
    named = _named(answer, known)
    if len(named) > 1:
        return f"{len(named)} workspaces have that name: answer with the number"
    return "" if named else "the list has no such number and no such name"


def why_no_id(answer: str) -> str:
    """Why an answer is no id of a workspace."""
    if not _ID.fullmatch(answer):
        return "an id is a whole number from 1 on, such as 2"
    return "" if int(answer) <= config.LARGEST_ID else "that number is larger than any id"


def why_no_name(answer: str) -> str:
    """Why an answer can't name an environment."""
    if answer == SANDBOX:
        return f"`{SANDBOX}` is the embedded server's name: choose another one"
    return "" if _NAME.fullmatch(answer) else "a name has letters, digits, - and _, and begins with neither of those"


def why_no_address(answer: str) -> str:
    """Why an answer is no e-mail address; no answer is one."""
    return "" if not answer or re.fullmatch(r"[^@\s]+@[^@\s]+", answer) else "an e-mail address has one @, and no blank"


def _host(guess: str) -> str:
    """The host whose CI files are wanted; empty for none."""
    choices = (*HOSTS, "none")

    def why(answer: str) -> str:
        return "" if answer.lower() in choices else f"the choices are {', '.join(choices)}"

    found = until("CI files for github, gitlab or none", why, guess or "none").lower()
    return "" if found == "none" else found


# -- asking ----------------------------------------------------------------------------------------------------------


def asked(question: str, default: str = "") -> str:
    """One answer; Enter means the default."""
    try:
        return input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
    except EOFError:
        raise _ended() from None


def until(question: str, why_not: Callable[[str], str], default: str = "") -> str:
    """An answer that is taken, asked for a few times; each one that isn't is told why."""
    for _ in range(_TRIES):
        answer = asked(question, default)
        if not (why := why_not(answer)):
            return answer
        said = f"{visible(answer)!r}" if answer else "An empty answer"
        sys.stdout.write(f"  {said} isn't taken: {why}.\n")
    raise SettingsError(f"{_TRIES} answers were not usable, so nothing was written", "begin again")


def typed_password(user: str) -> str:
    """A password, which the terminal doesn't show; an empty one is asked for again.

    No way leads on to another question without one: whoever types it a moment late would type it where it's shown.
    """
    for _ in range(_TRIES):
        try:
            with warnings.catch_warnings():
                # Where the terminal can't hide what is typed getpass warns, and would read it all the same.
                warnings.simplefilter("error", GetPassWarning)
                password = getpass(f"Password of {user} (neither shown nor kept): ")
        except EOFError:
            raise _ended() from None
        except GetPassWarning:
            message = "this terminal can't hide a password, so none was asked for, and nothing was written"
            raise SettingsError(message, "set SYNCER_EMAIL and SYNCER_PASSWORD, or use --no-check") from None
        _forget_typed_ahead()
        if password:
            return password
        sys.stdout.write("  An empty password isn't taken: a login needs one.\n")
    raise SettingsError("no password was typed, so nothing was written", _UNCHECKED)


def _forget_typed_ahead() -> None:
    """Drop what was typed behind the password before a question: it may be the password once more."""
    import termios

    with contextlib.suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _ended() -> SettingsError:
    return SettingsError("the input ended before the last answer, so nothing was written", "begin again")
