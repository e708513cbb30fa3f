"""Requests to a code host: the token goes to its API alone, answers are bounded, and only what is safe is retried.

    answer                        GET, PUT, PATCH, queries     POST
    429, 403 for the rate         again, as told               again, as told: it wasn't carried out
    no connection made            again                        again
    5xx                           again                        HostError: it may have been carried out
    reset or timeout after that   again                        HostError, status 0: likewise
    3xx, other 4xx                HostError                    HostError

A request is sent five times at most; all pauses of a session take at most five minutes.
"""

from __future__ import annotations

import json
import time
import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx

from syncer import __version__
from syncer.errors import HostError
from syncer.review.hosts.values import LOOPBACK
from syncer.secrets import Secret
from syncer.secrets.scrubber import Scrubber
from syncer.transport import ExcessError, Route, Transport, body, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.model import Json
    from syncer.secrets import Secret

T = TypeVar("T")

_TRIES: Final = 5
_BUSY: Final = 429
_PATIENCE: Final = 300.0
_LARGEST_ERROR: Final = 1024 * 1024
_LARGEST_ANSWER: Final = 16 * 1024 * 1024
"""What a page of a hundred comments may need, of 64 KiB each."""

_LONGEST_ANSWER: Final = 120.0
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Habits:
    """How the API of one host differs from that of another."""

    name: str
    token_variable: str
    authorization: Callable[[str], tuple[str, str]]
    """The header that carries the token: its name and its value."""
    headers: Mapping[str, str]
    limited: Callable[[Answer, int, float], float | None]
    """How many seconds a refusal asks to wait, at that try and time (epoch); None if it isn't about the rate."""
    hint: Callable[[int, str], str]
    """What to do about a status and its reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `data` is the JSON, None if there is none; `reason` is the text of an error, made safe."""

    status: int
    headers: httpx.Headers
    data: Json
    reason: str = ""


class Session:
    """Sends requests to one host's API. The token is sent to addresses below `bases` alone."""

    def __init__(
        self,
        habits: Habits,
        bases: tuple[str, ...],
        token: Secret | None,
        *,
        scrubber: Scrubber | None,
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None,
        patience: float = _PATIENCE,
    ) -> None:
        self._habits, self._bases, self._token = habits, bases, token
        scrubber = scrubber or Scrubber()
        scrubber.learn([token] if token else [])
        self._safe = scrubber.quote
        self._sleep = sleep
        self._most_patience = self._patience = patience
        is_near = all(urlsplit(base).hostname in LOOPBACK for base in bases)
        self._http = httpx.Client(
            timeout=httpx.Timeout(30.0, connect=10.0),
            # The token goes to the configured bases alone.
            follow_redirects=False,
            headers={**habits.headers, "Accept-Encoding": "identity", "User-Agent": f"syncer/{__version__}"},
            transport=transport
            or Transport(
                _LONGEST_ANSWER,
                is_tls=any(base.startswith("https:") for base in bases),
                # A proxy has no business between this process and its own machine.
                route=Route.direct if is_near else Route.of,
            ),
        )
        # A host lives as long as its run, so nobody closes it.
        weakref.finalize(self, self._http.close)

    def ask(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
        *,
        is_query: bool = False,
    ) -> Answer:
        """The answer to a request that went well. `is_query` marks a POST that is safe to repeat. Raises HostError."""
        if self._token is None:
            name = self._habits.token_variable
            raise HostError(f"{self._habits.name}: there is no token", f"set {name} in the job's env", status=401)
        if not any(url == base or url.startswith(f"{base}/") for base in self._bases):
            raise HostError(
                f"{self._habits.name} names an address outside its API: {self._safe(url)}",
                "the token is sent to the API alone: check the variables that name it, and proxies on the way",
            )
        try:
            request = self._http.build_request(method, url, json=body, params=params or None)
        except (httpx.InvalidURL, ValueError):
            raise HostError(
                f"{self._habits.name}: {method} can't be sent: its address or its text is malformed"
            ) from None
        # A header of this one request, so that nothing that shows the client shows it.
        name, value = self._habits.authorization(self._token.reveal())
        request.headers[name] = value
        return self._persistent(request, is_safe=is_query or method != "POST")

    def _persistent(self, request: httpx.Request, *, is_safe: bool) -> Answer:
        """Send, and retry where the table above says so."""
        for attempt in range(1, _TRIES + 1):
            pause, error = 2.0 ** (attempt - 1), None
            try:
                answer = self._once(request)
            except _UnansweredError as unanswered:
                error, is_again = self._error(request, 0, unanswered.reason), is_safe or unanswered.is_unsent
            else:
                if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's classes
                    return answer
                error = self._error(request, answer.status, answer.reason)
                limit = self._habits.limited(answer, attempt, time.time())
                if limit is not None:
                    # Whatever the host calls it: it isn't about permission.
                    error.status = _BUSY
                is_again = limit is not None or (is_safe and answer.status >= 500)  # noqa: PLR2004
                pause = limit if limit is not None else pause
            if not is_again or attempt == _TRIES or not self._wait(pause, error):
                raise error
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _wait(self, seconds: float, error: HostError) -> bool:
        """Wait before the next try; False if that would take longer than the session may."""
        if seconds > self._patience:
            error.hint = (
                f"{self._habits.name} asks to wait longer than syncer does ({self._most_patience / 60:g} minutes): "
                "run it again later"
            )
            return False
        self._patience -= seconds
        self._sleep(seconds)
        return True

    def _once(self, request: httpx.Request) -> Answer:
        began = time.monotonic()
        try:
            response = self._http.send(request, stream=True)
            most = _LARGEST_ANSWER if response.is_success else _LARGEST_ERROR
            try:
                # It's asked for without compression, so that its size is what came.
                content = body(response, most, lambda: time.monotonic() - began > _LONGEST_ANSWER)
            except ExcessError:
                if response.is_success:
                    raise
                return Answer(response.status_code, response.headers, None, "the answer is too large")
            finally:
                response.close()
            return self._answer(response, content)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, zlib.error) as error:
            # Not chained: what httpx says of a header it doesn't like is the header.
            raise _UnansweredError(_trouble(error), is_unsent=isinstance(error, _UNSENT)) from None

    def _answer(self, response: httpx.Response, content: bytearray) -> Answer:
        status = response.status_code
        if response.is_redirect:
            where = self._safe(response.headers.get("location", "nowhere"))
            return Answer(status, response.headers, None, f"it redirects to {where}, which is not followed")
        try:
            data = decoded(content) if content.strip() else None
        except (ValueError, MemoryError, ExcessError):
            if response.is_success:
                raise _UnansweredError("the answer is not JSON", is_unsent=False) from None
            data = None
        return Answer(status, response.headers, data, "" if response.is_success else self._reason(data))

    def _reason(self, data: Json) -> str:
        """What the host says of its refusal: of GitHub's errors and GitLab's, the texts."""
        told = data if isinstance(data, dict) else {}
        texts = [told.get(key) for key in ("message", "error", "error_description", "errors")]
        words = [text if isinstance(text, str) else json.dumps(text) for text in texts if text]
        return self._safe(": ".join(words)) if words else "no reason given"

    def _error(self, request: httpx.Request, status: int, reason: str) -> HostError:
        # No query: it says nothing, and a page's number is none of the reader's business.
        what = f"{self._habits.name}: {request.method} {self._safe(request.url.path)}"
        is_refusal = 400 <= status < 500  # noqa: PLR2004 - HTTP's classes
        how = f"was refused ({status})" if is_refusal else f"failed ({status})" if status else "failed"
        return HostError(f"{what} {how}: {reason}", self._habits.hint(status, reason), status=status)


@dataclass(frozen=True, slots=True)
class Unread:
    """What stands in place of a part of the settings that couldn't be read. It says nothing of what is set there."""

    why: str
    """The status of the answer, or what became of the request."""
    status: int = 0


def read(ask: Callable[[], T]) -> T | Unread:
    """What a question brings, or why it brings nothing."""
    try:
        return ask()
    except HostError as error:
        return Unread(str(error.status) if error.status else error.what, error.status)


class _UnansweredError(Exception):
    """No answer, or none that can be read. If it `is_unsent`, the request can't have arrived."""

    def __init__(self, reason: str, *, is_unsent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_unsent = is_unsent


def _trouble(error: Exception) -> str:
    if isinstance(error, ExcessError):
        return "the answer is too large, or takes too long"
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return "no connection"
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return "no answer in time"
    return "the connection was lost"
