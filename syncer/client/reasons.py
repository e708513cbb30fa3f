"""An answer's error in words: the five shapes of error bodies, HTML and emptiness become one reason and a hint."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from syncer.model import SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.model import Json, Secret

_LONGEST: Final = 500
_SHORTEST_LINE: Final = 8
_SHORTEST_HELD: Final = 8
_EXCEPTION = "There was a problem with the request format: "
_MOST: Final = 8_192
"""How much of an error text is looked at: what is shown of it is far less."""

_CREDENTIAL = re.compile(
    r"""bearer\s+[^\s"',;]+ | (?<![\w-])eyJ[\w-]{4,4096}\.[\w-]{1,4096}(?:\.[\w-]{0,4096})? |
        ((?:api[_-]?key|token|password|passwd|secret|authorization)["']?\s*(?:=>|[:=])\s*["']?)[^\s"',;&]+""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is an error. `is_exception` marks the server's own exceptions: a 400 that may have written."""

    text: str
    hint: str = ""
    is_exception: bool = False


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """The text in one line, without the secrets that are known, in any form, and without what looks like a credential.

    Of a very long text only the beginning is kept.
    """
    forms = {form for secret in secrets for form in _forms(str(secret.reveal()))}
    # As it came, and as it's shown: a secret of several lines is one line then.
    for shown, known in ((text[:_MOST], forms), (None, {" ".join(form.split()) for form in forms})):
        text = " ".join(text.split()) if shown is None else shown
        for form in sorted(known - {""}, key=len, reverse=True):
            text = text.replace(form, SENSITIVE)
    return _CREDENTIAL.sub(lambda match: (match[1] or "") + SENSITIVE, text)


def _forms(secret: str) -> Iterator[str]:
    """How a server may write a secret: as it is, or inside JSON, a literal, a URL or base64."""
    if not secret:
        return
    raw = secret.encode("utf-8", "replace")
    yield secret
    yield from (line for line in secret.split("\n") if len(line) >= _SHORTEST_LINE)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    # The end of base64 depends on what follows, and its beginning on what stands before: the middle is the secret's.
    for before in range(3):
        for encoded in (b64encode(b"\0" * before + raw), urlsafe_b64encode(b"\0" * before + raw)):
            middle = encoded.decode().rstrip("=")[(0, 2, 3)[before] : -1]
            if len(middle) >= _SHORTEST_LINE:
                yield middle


def explain(status: int, content_type: str, body: bytes, secrets: Iterable[Secret], *, is_write: bool = True) -> Reason:
    """What the server said, in one line without secrets, and what to do about it."""
    data = _json(body)
    if data is None:
        text, is_exception = _no_json(content_type, body), False
    else:
        text, is_exception = "; ".join(_sentences(data)) or "no reason given", _is_exception(data)
    text = scrub(text, secrets)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return Reason(text, _hint(status, text, data, is_write=is_write), is_exception)


def _json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _no_json(content_type: str, body: bytes) -> str:
    """HTML is a proxy's or the framework's page, not the application's word: it's named, never quoted."""
    if not body.strip():
        return "the answer is empty"
    return "the answer is a web page, not JSON" if "html" in content_type else "the answer is not JSON"


def _sentences(data: Json) -> Iterator[str]:
    """The reasons in an error body, of whichever shape."""
    if not isinstance(data, dict):
        return
    errors = data.get("errors")
    if isinstance(errors, dict):  # {"errors": {"model": {"name": ["must be filled"]}}}: the contract
        yield from _contract(errors, ())
    elif isinstance(errors, list):  # {"errors": [{"status", "title", "detail", "source"}]}: refusals and exceptions
        for error in errors:
            if isinstance(error, dict):
                yield from _refusal(error)
    elif isinstance(data.get("error"), str):  # {"error": "…"}, {"status": 500, "error": "…"}: framework and routes
        yield data["error"]


def _contract(errors: Json, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(errors, dict):
        for key, inner in errors.items():
            yield from _contract(inner, path if key == "model" else (*path, str(key)))
    elif isinstance(errors, list):
        where = f"{'.'.join(path) or 'model'}: "
        yield from (where + error for error in errors if isinstance(error, str))


def _refusal(error: dict[str, Any]) -> Iterator[str]:
    detail = str(error.get("detail") or error.get("title") or "")
    source = error.get("source")
    told = dict(source) if isinstance(source, dict) else {}
    told.pop("pointer", None)
    # A configuration that fails its JSON schema has no text on the server: only the key of a missing translation.
    fields = [f"{key}: {'does not fit its schema' if 'ranslation' in str(why) else why}" for key, why in told.items()]
    yield ": ".join(filter(None, [detail.removeprefix(_EXCEPTION), ", ".join(fields)]))


def _is_exception(data: Json) -> bool:
    errors = data.get("errors") if isinstance(data, dict) else None
    return isinstance(errors, list) and any(
        isinstance(error, dict) and str(error.get("detail", "")).startswith(_EXCEPTION) for error in errors
    )


def is_wrong_workspace(status: int, text: str) -> bool:
    """Whether this is the server's 400 for a workspace that doesn't exist or isn't the user's."""
    return status == 400 and text.startswith("Workspace not found")  # noqa: PLR2004 - HTTP's "bad request"


def _hint(status: int, text: str, data: Json, *, is_write: bool) -> str:  # noqa: PLR0911 - one line per cause
    if is_wrong_workspace(status, text):
        return "check workspace_id, and that this user is a member of that workspace"
    if "does not fit its schema" in text:
        return "the server doesn't say which key is wrong; `syncer validate` does"
    if "Catalog is not present" in text:
        return "the model's AI connector has no catalog: refresh it in the UI first"
    if status == 401:  # noqa: PLR2004 - HTTP's status codes, here and below
        return "the token is wrong, expired (it lives 30 minutes) or replaced by a newer login of the same user"
    if status == 403:  # noqa: PLR2004
        if data is None:
            return "the server, or a proxy before it, refuses this host name: check api_url"
        may = "changing models takes the role Member or Admin" if is_write else "check its role in this workspace"
        return f"this user's role may not do that: {may}"
    if status == 404 and (data is None or "status" in data):  # noqa: PLR2004
        return "there is no such API at this address: check api_url"
    if status == 429:  # noqa: PLR2004
        return "lower requests_per_minute, or wait a minute"
    if status == 500:  # noqa: PLR2004
        return "the server failed; if it does so for every request, the user's account may be locked (for an hour)"
    return ""


def held(text: str, secrets: Iterable[Secret]) -> list[str]:
    """The variables whose values stand in the text in any form; short values are words, not secrets."""
    return sorted(
        secret.reference
        for secret in secrets
        if len(value := str(secret.reveal())) >= _SHORTEST_HELD and any(form in text for form in _forms(value))
    )
