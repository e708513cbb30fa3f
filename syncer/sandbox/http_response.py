"""A response over HTTP: an answer gets its entity tag, 304 and gzip here. What a fault answers stands here, too."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Response

from syncer.sandbox import jsonb
from syncer.sandbox.error_responses import Answer, framework_error

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from syncer.sandbox.faults import Fault

_RETRY_AFTER: Final = 20
_WITH_TAG: Final = (200, 201)
_BAD_GATEWAY: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def from_answer(answer: Answer, request: Request, *, is_truncated: bool = False) -> Response:
    """Build the response to `request`. `is_truncated`: half of the text is cut off first."""
    text = answer.text[: len(answer.text) // 2] if is_truncated else answer.text
    data = text.encode()
    response = _response(answer.status, answer.content_type, data)
    response.headers.update(answer.headers)
    response.headers["X-Request-Id"] = str(uuid.uuid4())
    if answer.status in _WITH_TAG and data:
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


def from_fault(fault: Fault, request: Request) -> Response:
    """Build the response that a fault puts in place of the answer."""
    if fault.kind == "html":
        return _response(502, "text/html", _BAD_GATEWAY.encode())
    status = int(fault.kind)
    headers = {} if fault.seconds is None else {"Retry-After": f"{fault.seconds:g}"}
    if status == 429:  # noqa: PLR2004
        text = jsonb.dumps({"error": "Too many requests. Please try again later."})
        answer = Answer(status, text, "application/json", {"Retry-After": str(_RETRY_AFTER)} | headers)
    else:
        shape = framework_error(status, wants_json=True)
        answer = Answer(status, shape.text, shape.content_type, headers)
    return from_answer(answer, request)


def control_response(status: int, value: object) -> Response:
    """Build the response to a control request."""
    return _response(status, "application/json; charset=utf-8", jsonb.dumps(value).encode())


def _response(status: int, content_type: str | None, data: bytes) -> Response:
    response = Response(data, status=status)
    if content_type is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = content_type
    return response
