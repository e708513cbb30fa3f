"""A request: as it comes in over HTTP (`HttpRequest`), and as an endpoint gets it (`RoutedRequest`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.wrappers import Request

from syncer.sandbox.number_text import leading_integer
from syncer.sandbox.params import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import WSGIEnvironment

    from syncer.sandbox.database import Database, Row


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request of the API as plain values."""

    method: str
    path: str
    """As it was sent, percent signs and all."""
    query: bytes
    body: Body
    scheme: str
    host: str
    forwarded_host: str | None
    remote: str
    """The address of the other end of the connection."""
    forwarded_for: str | None
    authorization: str | None
    workspace: str | None
    """The Workspace-Id header."""
    wants_json: bool
    """Whether the framework's own errors come as JSON."""

    @property
    def url(self) -> str:
        """The URL without its query string, as the client sees it; links are built on it."""
        host = (self.forwarded_host or self.host).removesuffix(":443" if self.scheme == "https" else ":80")
        return f"{self.scheme}://{host}{self.path}"


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """A request whose token and contract have been checked, with all that an endpoint may ask for."""

    database: Database
    user: Row | None
    """Whose token it is; None for the login, which needs none."""
    params: Mapping[str, Any]
    """Query string, body and path together."""
    query: Mapping[str, Any]
    """The query string alone."""
    url: str
    """The URL as the client wrote it, without query string."""
    workspace: str | None
    """The Workspace-Id header."""
    now: float
    """Seconds since the epoch."""
    timestamp: Callable[[], str]
    """Makes a new time for `created_at` and `updated_at`."""

    def row_id(self) -> int:
        """Return the id in the path as a number."""
        return leading_integer(self.params["id"])


def from_environ(environ: WSGIEnvironment) -> Request:
    """Wrap a WSGI environment as Werkzeug's request."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input_terminated"] = True  # both our server and httpx hand over a stream that ends by itself
    return Request(environ)


def target(request: Request) -> str:
    """Return path and query string as they were sent; a caller without the raw path gets it encoded anew."""
    path = request.environ.get("RAW_PATH") or quote(request.path, safe="/:@!$&'()*+,;=-._~")
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else str(path)


def body(request: Request) -> bytes:
    """Return the body as it was sent. A compressed one stays so: the server does not decode it either."""
    return request.get_data(cache=True, parse_form_data=False)


def read(request: Request, target: str) -> HttpRequest:
    """Collect the plain values of a request."""
    headers = request.headers
    data = body(request)

    def multipart() -> Iterable[tuple[str, str]]:
        return list(request.form.items(multi=True))

    # A proxy in front says what the client spoke; of a list the last word counts.
    proxied = headers.get("X-Forwarded-Proto", "").split(",")[-1] == "https" or headers.get("X-Forwarded-Ssl") == "on"
    return HttpRequest(
        method=request.method,
        path=target.partition("?")[0],
        query=request.query_string,
        body=Body(data, headers.get("Content-Type"), request.method, multipart),
        scheme="https" if proxied or request.scheme == "https" else "http",
        host=headers.get("Host") or f"{request.environ['SERVER_NAME']}:{request.environ['SERVER_PORT']}",
        forwarded_host=(headers.get("X-Forwarded-Host") or "").split(",")[-1].strip() or None,
        remote=request.remote_addr or "127.0.0.1",
        forwarded_for=headers.get("X-Forwarded-For"),
        authorization=headers.get("Authorization"),
        workspace=headers.get("Workspace-Id"),
        wants_json=_wants_json(headers.get("Accept")),
    )


def _wants_json(accept: str | None) -> bool:
    """Whether JSON is what the client names first."""
    first = (accept or "").split(",")[0].split(";")[0].strip().lower()
    return first in ("application/json", "text/x-json", "application/jsonrequest")
