"""An answer's error in words: the five shapes of error bodies, HTML and emptiness become one reason and a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syncer.transport import ExcessError, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncer.model import Json
    from syncer.secrets.scrubber import Scrubber

_EXCEPTION = "There was a problem with the request format: "

_MOST: Final = 8_192
"""How much of an error text is looked at: what is shown of it is far less."""

_LONGEST_PATH: Final = 300
_DEEPEST: Final = 10
"""How many keys of a field's path are told."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is an error. `is_exception` marks the server's own exceptions: a 400 that may have written."""

    text: str
    hint: str = ""
    is_exception: bool = False


def explain(
    status: int, content_type: str, body: bytes | bytearray, scrubber: Scrubber, *, is_write: bool = True
) -> Reason:
    """What the server said, in one line without secrets, and what to do about it."""
    data = _json(body)
    if data is None:
        text, is_exception = _no_json(content_type, body), False
    else:
        text, is_exception = _beginning(_sentences(data)) or "no reason given", _is_exception(data)
    return Reason(scrubber.quote(text), _hint(status, text, data, is_write=is_write), is_exception)


def _json(body: bytes | bytearray) -> Json:
    try:
        return decoded(body)
    except (ValueError, ExcessError):
        return None


def _no_json(content_type: str, body: bytes | bytearray) -> str:
    """HTML is a proxy's or the framework's page, not the application's word: it's named, never quoted."""
    if not body.strip():
        return "the answer is empty"
    return "the answer is a web page, not JSON" if "html" in content_type else "the answer is not JSON"


def _beginning(sentences: Iterable[str]) -> str:
    """The first sentences, as many as are looked at. A small body can make very many: keys times texts."""
    found, length = [], 0
    for sentence in sentences:
        found.append(sentence[:_MOST])
        length += len(found[-1])
        if length > _MOST:
            break
    return "; ".join(found)


def _sentences(data: Json) -> Iterator[str]:
    """The reasons in an error body, of whichever shape."""
    if not isinstance(data, dict):
        return
    errors = data.get("errors")
    if isinstance(errors, dict):  # {"errors": {"model": {"name": ["must be filled"]}}}: the contract
        yield from _contract(errors)
    elif isinstance(errors, list):  # {"errors": [{"status", "title", "detail", "source"}]}: refusals and exceptions
        for error in errors:
            if isinstance(error, dict):
                yield from _refusal(error)
    elif isinstance(data.get("error"), str):  # {"error": "…"}, {"status": 500, "error": "…"}: framework and routes
        yield data["error"]


def _contract(errors: dict[str, Json]) -> Iterator[str]:
    """The texts under each field, in their order, however deep it is nested."""
    waiting: list[tuple[tuple[str, ...], Json]] = [((), errors)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, dict):
            inner = [(path if key == "model" else (*path, key)[:_DEEPEST], value) for key, value in one.items()]
            waiting += reversed(inner)
        elif isinstance(one, list):
            where = ".".join(path)[:_LONGEST_PATH] or "model"
            yield from (f"{where}: {error}" for error in one if isinstance(error, str))


def _refusal(error: dict[str, Any]) -> Iterator[str]:
    detail = _word(error.get("detail") or error.get("title"))
    source = error.get("source")
    told = {key: _word(why) for key, why in source.items() if key != "pointer"} if isinstance(source, dict) else {}
    # A configuration that fails its JSON schema has no text on the server: only the key of a missing translation.
    fields = [f"{key}: {'does not fit its schema' if 'ranslation' in why else why}" for key, why in told.items()]
    yield ": ".join(filter(None, [detail.removeprefix(_EXCEPTION), ", ".join(fields)]))


def _word(value: Json) -> str:
    """A text, or the texts of a list; empty for whatever else."""
    texts = value if isinstance(value, list) else [value]
    return ", ".join(text for text in texts if isinstance(text, str))


def _is_exception(data: Json) -> bool:
    errors = data.get("errors") if isinstance(data, dict) else None
    return isinstance(errors, list) and any(
        isinstance(error, dict) and _word(error.get("detail")).startswith(_EXCEPTION) for error in errors
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
        return (
            "on an AI connector without a catalog the server creates no model and changes none, not even to move it "
            "away: give the connector a catalog in the UI, or delete the model"
        )
    if status == 401:  # noqa: PLR2004 - HTTP's status codes, here and below
        return "the token is wrong, expired (it lives 30 minutes) or replaced by a newer login of the same user"
    if status == 403:  # noqa: PLR2004
        if not isinstance(data, dict):
            return "the server, or a proxy before it, refuses this host name: check api_url"
        may = "changing models needs the role Member or Admin" if is_write else "check its role in this workspace"
        return f"this user's role may not do that: {may}"
    if status == 404 and (not isinstance(data, dict) or "status" in data):  # noqa: PLR2004
        return "there is no such API at this address: check api_url"
    if status == 429:  # noqa: PLR2004
        return "lower requests_per_minute, or wait a minute"
    if status == 500:  # noqa: PLR2004
        return "the server failed; if it does so for every request, the user's account may be locked (for an hour)"
    return ""
