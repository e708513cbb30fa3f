"""The exchange: HTTP in and out. Werkzeug's requests become plain facts, answers become Werkzeug's responses."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from syncer.sandbox import jsonb
from syncer.sandbox.error_responses import Answer, framework
from syncer.sandbox.params import Body

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import WSGIEnvironment

    from syncer.sandbox.faults import Fault

_RETRY_AFTER: Final = 20
_CACHED: Final = (200, 201)
_BAD_GATEWAY: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What dispatching needs to know about a request."""

    method: str
    path: str
    """As it was sent, percent signs and all."""
    query: bytes
    body: Body
    scheme: str
    host: str
    forwarded_host: str | None
    remote: str
    forwarded_for: str | None
    authorization: str | None
    workspace: str | None
    wants_json: bool

    @property
    def url(self) -> str:
        """The URL without its query string, as the client sees it; links are built on it."""
        host = (self.forwarded_host or self.host).removesuffix(":443" if self.scheme == "https" else ":80")
        return f"{self.scheme}://{host}{self.path}"


def request(environ: WSGIEnvironment) -> Request:
    """Wrap a WSGI environment."""
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


def facts(request: Request, target: str) -> Facts:
    """Collect the facts of a request."""
    headers = request.headers
    data = body(request)

    def multipart() -> Iterable[tuple[str, str]]:
        return list(request.form.items(multi=True))

    # A proxy in front says what the client spoke; of a list the last word counts.
    proxied = headers.get("X-Forwarded-Proto", "").split(",")[-1] == "https" or headers.get("X-Forwarded-Ssl") == "on"
    return Facts(
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


def response(answer: Answer, request: Request, *, is_truncated: bool = False) -> Response:
    """Dress an answer in HTTP: entity tag, 304, gzip, and no body for HEAD."""
    text = answer.text[: len(answer.text) // 2] if is_truncated else answer.text
    data = text.encode()
    response = _response(answer.status, answer.content_type, data)
    response.headers.update(answer.headers)
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    if answer.status in _CACHED and data:
        # The tag is made from the body, so it changes when the connector inside a model does.
        tag = f'W/"{hashlib.sha256(data).hexdigest()[:32]}"'
        response.headers["ETag"] = tag
        response.headers["Cache-Control"] = "max-age=0, private, must-revalidate"
        # Only the very same text counts: no lists, no `*`.
        is_read = request.method in ("GET", "HEAD")
        if answer.status == 200 and is_read and request.headers.get("If-None-Match") == tag:  # noqa: PLR2004
            response.status_code = 304
            response.set_data(b"")
            del response.headers["Content-Type"], response.headers["Content-Length"]
            return response
    if data:
        response.headers["Vary"] = "Accept-Encoding"
        if request.accept_encodings.quality("gzip") > 0:
            response.headers["Content-Encoding"] = "gzip"
            response.set_data(gzip.compress(data, compresslevel=1, mtime=0))
    return response


def fault(fault: Fault, request: Request) -> Response:
    """Answer as a fault wants it."""
    if fault.kind == "html":
        return _response(502, "text/html", _BAD_GATEWAY.encode())
    status = int(fault.kind)
    headers = {} if fault.seconds is None else {"Retry-After": f"{fault.seconds:g}"}
    if status == 429:  # noqa: PLR2004
        text = jsonb.dumps({"error": "Too many requests. Please try again later."})
        answer = Answer(status, text, "application/json", {"Retry-After": str(_RETRY_AFTER)} | headers)
    else:
        shape = framework(status, wants_json=True)
        answer = Answer(status, shape.text, shape.content_type, headers)
    return response(answer, request)


def control(status: int, value: object) -> Response:
    """Answer a request that steers the sandbox."""
    return _response(status, "application/json; charset=utf-8", jsonb.dumps(value).encode())


def _response(status: int, content_type: str | None, data: bytes) -> Response:
    response = Response(data, status=status)
    if content_type is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = content_type
    return response


def _wants_json(accept: str | None) -> bool:
    """Whether the framework's own errors come as JSON: only if that is what the client names first."""
    first = (accept or "").split(",")[0].split(";")[0].strip().lower()
    return first in ("application/json", "text/x-json", "application/jsonrequest")
