"""One request: to one origin, with the token, no faster than the limit, and sent again only where that is safe.

    answer                        GET                 PUT, POST                             login
    429                           again, as told      again, as told                        once more, as told
    no connection made            again               again                                 again
    502, 503, 504                 again               ApiError after a pause, open          LoginError
    reset or timeout after that   again               ApiError after a pause, open          LoginError
    too large, or without end     ApiError            ApiError, open                        LoginError
    401                           log in once more, then again; with a given token ApiError LoginError
    3xx, other 4xx, 500           ApiError            ApiError; open after an exception     LoginError

A request is sent five times at most, with longer pauses each time. A 429 holds all threads up to one common time, and
counts as a try only if nothing was answered since the one before. The pauses without an answer between them are at most
`Options.retry_seconds` for each method: an answer to a GET says nothing of PUTs. An open PUT that may be sent again
after a look is marked transient; a POST is never sent again after an open end, because what it made would be made
twice. A write that says until when it may be sent is held back after that (LateError). A page of a list that takes too
long isn't asked for again: a smaller one may do (`excess`).
"""

from __future__ import annotations

import email.utils
import random
import socket
import ssl
import threading
import time
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

import httpx

from syncer import __version__
from syncer.errors import ApiError, Excess, LateError, LoginError
from syncer.events import Pace, Requested, Slowing, Waiting
from syncer.live.error_bodies import Reason, explain, is_wrong_workspace
from syncer.live.newest_page import Moment
from syncer.live.rate_limit import SlidingWindow
from syncer.secrets import Secret
from syncer.secrets.scrubber import Scrubber
from syncer.transport import ExcessError, Transport, body, decoded, paged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.events import Tell
    from syncer.model import Credentials, Json, Target

_TRIES: Final = 5
_LOGIN_TRIES: Final = 2
"""How often a login is sent that came too soon. It's no failed password, and the server says when to come back."""

_BUSY: Final = 429
_GAVE_UP: Final = 408
"""The server, or a proxy, says that it waited too long: for the rest of a request that may have arrived."""

_TRANSIENT: Final = frozenset({502, 503, 504})
_WRITES: Final = frozenset({"PUT", "POST"})
_LOGIN: Final = "/login"
_REFUSALS: Final = frozenset({400, 401, 422})
_FOR_ALL: Final = frozenset({401, 403, _BUSY})
"""Answers about who asks, not about what is asked for."""

_LONGEST_PAUSE: Final = 30.0

_MIB: Final = 1024 * 1024
_LARGEST_ERROR: Final = _MIB
_LARGEST_ANSWER: Final = 8 * _MIB
"""What one model may need, and whatever else is no list: its query alone seldom has 64 KiB."""

_LARGEST_ROW: Final = 64 * 1024
"""What each row of a list may need on the average."""

_LARGEST_PAGE: Final = 64 * _MIB
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Options:
    """How a session behaves: seconds, but for `requests_per_minute` (0: no limit)."""

    requests_per_minute: int = 100
    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    retry_seconds: float = 120.0


class _Request(NamedTuple):
    """What is to be sent; `until` is when it's too late for it."""

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: Mapping[str, Any] | None = None
    until: float | None = None

    @property
    def is_write(self) -> bool:
        """Whether the server may have done something though nobody heard of it."""
        return self.method in _WRITES

    @property
    def rows(self) -> int:
        """How many rows it asks for; 0 where it's no page of a list."""
        return int((self.params or {}).get("per_page", 0))


class Session:
    """A conversation with one workspace of one API. Threads may share it. Close it, or use it in a `with`."""

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        tell: Tell,
        options: Options | None = None,
        *,
        scrubber: Scrubber | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        options = options or Options()
        self._target, self._credentials, self._tell = target, credentials, tell
        self._clock, self._wall, self._sleep = clock, wall, sleep
        self._window = SlidingWindow(options.requests_per_minute, clock, sleep)
        self._is_slow = False
        self._longest = options.connect_seconds + options.read_seconds
        self._read_seconds = options.read_seconds
        self._expected = 0
        self._bound = options.retry_seconds
        # By method: the seconds waited since the last answer, and how many answers there were.
        self._waited: defaultdict[str, float] = defaultdict(float)
        self._answers: Counter[str] = Counter()
        self._login_lock = threading.Lock()
        self._patience_lock = threading.Lock()
        self._token = credentials.token
        self._logins = 0
        self._refusal: LoginError | None = None
        self.scrubber = scrubber or Scrubber()
        """What keeps secrets out of error texts; whoever sees one tells it."""
        self.scrubber.learn(one for one in (credentials.token, credentials.password) if one is not None)
        self._http = httpx.Client(
            timeout=httpx.Timeout(options.read_seconds, connect=options.connect_seconds),
            # The token goes to the configured origin alone: a redirect is an error, and `links` are only counted.
            follow_redirects=False,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": f"syncer/{__version__}",
            },
            transport=transport or Transport(self._longest, is_tls=target.url.startswith("https:")),
        )

    def __enter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Json:
        """The JSON that a GET answers. Raises ApiError."""
        return self._read(_Request("GET", path, params), decoded)

    def page(self, path: str, params: Mapping[str, str | int], row: Callable[[Json], Any]) -> Json:
        """The JSON of one page of a list, with what `row` makes of each element of `data`, one after the other.

        Raises ApiError; one with an `excess` may go better with fewer rows (`per_page`), and wasn't tried again.
        """
        return self._read(_Request("GET", path, params), lambda content: paged(content, row))

    def put(self, path: str, body: Mapping[str, Any], until: float | None = None) -> Json:
        """The JSON that a PUT answers. Raises ApiError: one that `is_open` may have been written all the same.

        Raises LateError where it could not be sent `until` then.
        """
        return self._read(_Request("PUT", path, body=body, until=until), decoded)

    def post(self, path: str, body: Mapping[str, Any], until: float | None = None) -> Json:
        """The JSON that a POST answers. Raises as `put` does."""
        return self._read(_Request("POST", path, body=body, until=until), decoded)

    def now(self) -> float:
        """The time, on the clock that `until` is read from."""
        return self._clock()

    def moment(self) -> Moment:
        """The time, on that clock and on one that goes on while this machine sleeps."""
        return Moment(self._clock(), self._wall())

    def pace(self, requests: int) -> Pace:
        """How fast requests may go, and in how many seconds the last of so many further ones may."""
        return Pace(self._window.per_minute, self._window.delay(requests))

    def expect(self, requests: int) -> None:
        """Say how many requests are to come: it's told when they have to wait."""
        self._expected = requests

    # -- the token ---------------------------------------------------------------------------------------------

    def _read(self, request: _Request, read: Callable[[bytearray], Json]) -> Json:
        """The JSON that a request with the token answers. Raises ApiError."""
        return _decoded(request, self._authorised(request), read)

    def _authorised(self, request: _Request) -> bytearray:
        token = self._token or self._log_in(None)
        try:
            return self._persistent(request, token)
        except ApiError as error:
            # A token lives 30 minutes, and a login elsewhere revokes it.
            if error.status != 401 or self._credentials.password is None:  # noqa: PLR2004 - HTTP's "unauthorised"
                raise
            fresh = self._log_in(token)
            if fresh is None:
                raise
        return self._persistent(request, fresh)

    def _log_in(self, refused: Secret | None) -> Secret | None:
        """A token that isn't `refused`; None if the one login that may follow the first was had already."""
        with self._login_lock:
            if self._token is not refused:
                return self._token
            if self._refusal is not None:
                # Threads that waited for the login must not try it again, one after the other.
                raise self._refusal
            if self._logins > 1 or self._credentials.password is None:
                return None
            self._logins += 1
            try:
                self._token = self._login(self._credentials.email, self._credentials.password)
            except LoginError as refusal:
                self._refusal = refusal
                raise
            return self._token

    def _login(self, address: str, password: Secret) -> Secret:
        request = _Request("POST", _LOGIN, body={"email": address, "password": password.reveal()})
        try:
            answer = _decoded(request, self._persistent(request, None), decoded)
            token = Secret(_usable(answer["data"]["attributes"]["token"]))
        except ApiError as error:
            hint = error.hint
            if error.status in _REFUSALS:
                variable = password.reference or "SYNCER_PASSWORD"
                hint = f"check {variable.replace('PASSWORD', 'EMAIL', 1)} and {variable}"
                hint += "; a failed login is not tried again: five lock the account"
                if not password.reference:
                    # It was typed, so it comes from no variable, and may be typed again.
                    hint = "check e-mail and password; five failed logins lock the account"
            raise LoginError("POST", _LOGIN, error.status, error.reason, hint, is_fatal=True) from None
        except (KeyError, TypeError):
            message = "the answer holds no token"
            raise LoginError("POST", _LOGIN, 200, message, "check api_url", is_fatal=True) from None
        self.scrubber.learn([token])
        return token

    # -- again and again ---------------------------------------------------------------------------------------

    def _persistent(self, request: _Request, token: Secret | None) -> bytearray:
        """Send, and send again where the table above says so."""
        method = request.method
        attempt, answers = 0, -1
        while True:
            try:
                answer = self._in_turn(request, token)
            except _AgainError as again:
                # A 429 counts as no try while other requests are answered.
                is_new = again.error.status != _BUSY or self._answers[method] == answers
                attempt, answers = attempt + 1 if is_new else 1, self._answers[method]
                tries = _LOGIN_TRIES if request.path == _LOGIN and again.error.status == _BUSY else _TRIES
                if attempt == tries or not self._pause(attempt, tries, again):
                    again.error.is_transient = False
                    raise again.error from None
                if not again.is_safe:
                    raise again.error from None
            except ApiError as refused:
                if refused.status:
                    self._heard(method)
                raise
            else:
                self._heard(method)
                return answer

    def _in_turn(self, request: _Request, token: Secret | None) -> bytearray:
        """Send once, as soon as the limit lets it; raises LateError if that is too late."""
        self._window.enter(self._slowed)
        is_late = request.until is not None and self._clock() > request.until
        try:
            if is_late:
                hint = (
                    "try again when the API is less busy; with a requests_per_minute of 1 no write can follow its look"
                )
                what = f"{request.method} {request.path} was not sent: the look before it is too long ago"
                raise LateError(what, hint)
            self._expected -= 1
            return self._once(request, token)
        finally:
            self._window.leave(was_sent=not is_late)

    def _heard(self, method: str) -> None:
        """An answer: whatever was waited for such a one has been worth it."""
        with self._patience_lock:
            self._answers[method] += 1
            self._waited[method] = 0

    def _slowed(self) -> None:
        if not self._is_slow:
            self._is_slow = True
            left = max(self._expected, 0)
            self._tell(Slowing(self._window.per_minute, left, self._window.delay(max(left, 1))))

    def _pause(self, attempt: int, tries: int, again: _AgainError) -> bool:
        """Wait before the next try; False if that would take longer than the bound allows."""
        method, is_busy = again.error.method, again.error.status == _BUSY
        if again.after is not None:
            seconds = again.after
        else:
            seconds = min(_LONGEST_PAUSE, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        with self._patience_lock:
            # What all threads wait for together is charged once.
            charged = max(seconds - self._window.held(), 0.0) if is_busy else seconds
            if charged > self._bound - self._waited[method]:
                bound = f"syncer waits at most {self._bound:.0f} s in a run without an answer (retry_seconds)"
                again.error.hint = "; ".join(filter(None, [again.error.hint, bound]))
                return False
            self._waited[method] += charged
            left = self._bound - self._waited[method]
            if is_busy:
                self._window.hold(seconds)
        if charged or not seconds:
            # What all threads wait for is told once. After an open end nothing is sent again before a look.
            self._tell(Waiting(again.error.what, seconds, left, attempt + 1 if again.is_safe else 0, tries))
        self._sleep(seconds)
        return True

    # -- once --------------------------------------------------------------------------------------------------

    def _once(self, request: _Request, token: Secret | None) -> bytearray:
        headers = {"Workspace-Id": str(self._target.workspace_id)}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        began = self._clock()
        status = 0
        content: bytearray | None
        try:
            url = self._target.url + request.path
            sent = self._http.build_request(
                request.method, url, params=request.params, json=request.body, headers=headers
            )
            response = self._http.send(sent, stream=True)
            try:
                status = response.status_code
                most = _largest(request.rows) if response.is_success else _LARGEST_ERROR
                content = body(response, most, lambda: self._clock() - began > self._longest)
            except ExcessError:
                if response.is_success:
                    raise
                content = None
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, zlib.error) as error:
            raise self._unanswered(request, error) from error
        finally:
            self._tell(Requested(request.method, request.path, status, self._clock() - began))
        if response.is_success and content is not None:
            return content
        raise self._refused(request, response, content)

    def _refused(self, request: _Request, response: httpx.Response, content: bytearray | None) -> Exception:
        """An answer that is no good one: what it says (None: too much), and whether sending it again is safe."""
        status = response.status_code
        if response.is_redirect:
            where = self.scrubber.quote(response.headers.get("location", "nowhere"))
            reason = Reason(f"the server redirects to {where}", "check api_url: redirects are not followed")
        elif content is None:
            # Nobody knows whether it tells of an exception, so it counts as one.
            is_exception = status != _BUSY
            reason = Reason("the answer is too large, or takes too long", "check api_url", is_exception=is_exception)
        else:
            kind = response.headers.get("content-type", "")
            reason = explain(status, kind, content, self.scrubber, is_write=request.is_write)
        error = ApiError(
            request.method,
            request.path,
            status,
            reason.text,
            reason.hint,
            is_fatal=status in _FOR_ALL or is_wrong_workspace(status, reason.text),
            # An exception, or a proxy's word for a server's silence, can come after the row was written.
            is_open=request.is_write and (reason.is_exception or response.is_server_error or status == _GAVE_UP),
            is_transient=status in _TRANSIENT,
            is_exception=reason.is_exception,
        )
        if status == _BUSY or (error.is_transient and request.path != _LOGIN):
            after = _retry_after(response.headers.get("retry-after"))
            return _AgainError(error, after, is_safe=status == _BUSY or not request.is_write)
        return error

    def _unanswered(self, request: _Request, error: Exception) -> Exception:
        """A request without an answer: what happened in words, and whether sending it again is safe."""
        is_unsent = isinstance(error, _UNSENT)
        reason, hint, is_final = _network_trouble(error, self._target.url)
        excess = error.kind if isinstance(error, ExcessError) else None
        if isinstance(error, httpx.TimeoutException) and not is_unsent:
            excess = Excess.TIME
        if excess is Excess.TIME:
            hint = f"{hint}; syncer waits {self._read_seconds:g} s for an answer (read_seconds)"
        told = ApiError(
            request.method,
            request.path,
            0,
            self.scrubber.quote(reason),
            hint,
            is_open=request.is_write and not is_unsent,
            is_transient=not is_final,
            excess=excess,
            # One answer without end says nothing of others.
            is_fatal=is_unsent or (is_final and excess is None),
        )
        # The same page would take as long once more, but a smaller one may not.
        if is_final or (request.path == _LOGIN and not is_unsent) or (excess and request.rows > 1):
            return told
        return _AgainError(told, None, is_safe=is_unsent or not request.is_write)


class _AgainError(Exception):
    """The request may go through later, `after` so many seconds if the server said; `error` is what happened.

    If it isn't `is_safe` to send it again without a look, `error` is raised after the pause.
    """

    def __init__(self, error: ApiError, after: float | None, *, is_safe: bool) -> None:
        super().__init__()
        self.error = error
        self.after = after
        self.is_safe = is_safe


def _decoded(request: _Request, content: bytearray, read: Callable[[bytearray], Json]) -> Json:
    """The JSON of a good answer. Raises ApiError where it can't be read: what was sent may have been written."""
    excess = None
    try:
        return read(content)
    except ExcessError as error:
        reason, excess = "the answer is too large, or nested too deep", error.kind
    except (ValueError, MemoryError):
        start = content.lstrip()[:1]
        what = "empty" if not start else "a web page, not JSON" if start == b"<" else "not whole JSON"
        reason = f"the answer is {what}"
    hint = "check api_url, and proxies on the way"
    raise ApiError(request.method, request.path, 200, reason, hint, is_open=request.is_write, excess=excess)


def _usable(token: object) -> str:
    """A token that can stand in a header. Raises TypeError for anything else."""
    if not (isinstance(token, str) and token.isascii() and token.isprintable() and token and " " not in token):
        raise TypeError
    return token


def _largest(rows: int) -> int:
    """The bytes that an answer may have: of a page so many rows, or of something else (0)."""
    return min(_LARGEST_ANSWER + rows * _LARGEST_ROW, _LARGEST_PAGE)


def _retry_after(value: str | None) -> float | None:
    """The seconds that `Retry-After` asks for, given as a number or as a date; None if it says nothing usable."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _network_trouble(error: Exception, url: str) -> tuple[str, str, bool]:
    """What happened, what to do, and whether trying again is pointless."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)  # type: ignore[arg-type]
    if isinstance(error, ExcessError):
        return "the answer is too large, or takes too long", "check api_url", True
    host = urlsplit(url).hostname
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"the certificate of {host} can't be trusted: {getattr(cause, 'verify_message', cause)}"
            return why, "check api_url; for a private authority set SSL_CERT_FILE to its certificate", True
        if isinstance(cause, ssl.SSLError):
            return f"{host} doesn't speak TLS as expected", "check api_url: https or http, and the port", True
        if isinstance(cause, socket.gaierror):
            is_final = cause.errno != socket.EAI_AGAIN
            return f"the host {host} is not known", "check api_url, and the network", is_final
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return f"no connection to {url}", "check api_url, the network and proxies (HTTPS_PROXY, NO_PROXY)", False
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return "no answer in time", "the server may still be working on it", False
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return f"{url} is not a usable address", "check api_url: https://api.squared.ai", True
    return "the connection was lost", "", False
