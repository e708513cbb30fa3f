"""Parameters: what the framework makes of the query string, the body and the path before the application sees them.

The query string beats the body, key by top-level key; the path beats both. A JSON body without `model` is wrapped in
one. Nulls inside lists are dropped. Bytes that are no UTF-8 are refused before the token is checked, malformed JSON
after it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

from syncer.sandbox.error_responses import FrameworkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from syncer.sandbox.jsonb import Json

_JSON_TYPES: Final = frozenset({"application/json", "text/x-json", "application/jsonrequest"})
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_BAD_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]*)|\*/\*")
_DEEPEST_JSON: Final = 100
_DEEPEST_NAME: Final = 32

# The columns of a model: only these are wrapped when a JSON body has no `model`.
_WRAPPED: Final = (
    "id",
    "name",
    "workspace_id",
    "connector_id",
    "query",
    "query_type",
    "primary_key",
    "created_at",
    "updated_at",
    "description",
    "configuration",
)


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body as bytes, and what the headers say about it."""

    data: bytes
    content_type: str | None
    method: str
    multipart: Callable[[], Iterable[tuple[str, str]]]
    """Reads the fields of a multipart body; called only for one."""

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; a `charset` in it is not looked at."""
        media_type = re.split("[,;]", self.content_type or "", maxsplit=1)[0].strip().lower()
        if media_type and not _MEDIA_TYPE.fullmatch(media_type):
            raise FrameworkError(406)
        return media_type

    @property
    def is_json(self) -> bool:
        """Whether the body is read as JSON."""
        return self.media_type in _JSON_TYPES


@dataclass(frozen=True, slots=True)
class Params:
    """All parameters of a request."""

    query: Mapping[str, Any]
    """Those of the query string alone: links and filters are made from them."""
    _merged: Mapping[str, Any] | None

    @property
    def merged(self) -> Mapping[str, Any]:
        """Query string, body and path together. Raises FrameworkError for a malformed body."""
        if self._merged is None:
            raise FrameworkError(400)
        return self._merged


def read(query: bytes, body: Body, path: Mapping[str, str], *, wrapper: str | None) -> Params:
    """Read a request's parameters; `wrapper` is the key that a bare JSON body is wrapped in."""
    from_query = _without_nulls(_nested(_pairs(query)))
    _check_text(from_query)
    try:
        from_body = _without_nulls(_body(body))
    except json.JSONDecodeError:
        return Params(from_query, None)
    _check_text(from_body)
    merged = {**from_body, **from_query, **path}
    if wrapper and body.is_json and wrapper not in merged:
        merged[wrapper] = {key: from_body[key] for key in _WRAPPED if key in from_body}
    return Params(from_query, merged)


def _body(body: Body) -> dict[str, Any]:
    if body.is_json:
        return _json(body.data) if body.data else {}
    if body.media_type == _MULTIPART:
        return _nested(body.multipart())
    if body.media_type == _FORM or (body.method == "POST" and body.content_type is None):
        return _nested(_pairs(body.data))
    return {}  # any other type of content is not read at all


def _json(data: bytes) -> dict[str, Any]:
    # Bytes that are no UTF-8 inside a string become lone surrogates here. _check_text finds them, and lone surrogates
    # that were written as escapes as well.
    text = data.decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text, parse_constant=_refuse_json)
    except RecursionError:
        _refuse_json()
    if _depth(value) > _DEEPEST_JSON:
        _refuse_json()
    return value if isinstance(value, dict) else {"_json": value}


def _refuse_json(_name: str = "") -> NoReturn:
    """Refuse NaN and Infinity, which Python would read, and too deep a nest."""
    message = "unexpected token"
    raise json.JSONDecodeError(message, "", 0)


def _depth(value: object) -> int:
    deepest, open_values = 0, [(value, 1)]
    while open_values:
        item, depth = open_values.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, depth)
            children = item.values() if isinstance(item, dict) else item
            open_values.extend((child, depth + 1) for child in children)
    return deepest


def _pairs(data: bytes) -> Iterable[tuple[str, str | None]]:
    """Split form-encoded text; a key without `=` has the value null."""
    if _BAD_PERCENT.search(data):
        raise FrameworkError(400)
    for part in re.split(b"& *", data):
        name, equals, value = part.partition(b"=")
        if part:
            yield _unescape(name), _unescape(value) if equals else None


def _unescape(data: bytes) -> str:
    return unquote_to_bytes(data.replace(b"+", b" ")).decode("utf-8", "surrogateescape")


def _nested(pairs: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    """Build hashes and lists from names such as `model[name]` and `query_type[]`; of equal names the last counts."""
    params: dict[str, Any] = {}
    for name, value in pairs:
        keys = _keys(name)
        if len(keys) > _DEEPEST_NAME:
            raise FrameworkError(400)
        if keys[0]:
            _put(params, keys, value)
    return params


def _keys(name: str) -> list[str]:
    """Split `a[b][]` into `a`, `b`, and the empty key that means: append. Brackets that do not close are text."""
    start = name.find("[", 1)
    if start < 0 or name[start:] == "[":
        return [name]
    keys, rest = [name[:start]], name[start:]
    while rest:
        end = rest.find("]", 1)
        if rest.startswith("[") and end > 0:
            keys.append(rest[1:end])
            rest = rest[end + 1 :]
        else:
            keys.append(rest)
            rest = ""
    return keys


def _put(params: dict[str, Any], keys: list[str], value: str | None) -> None:
    key, rest = keys[0], keys[1:]
    if not rest:
        params[key] = value
        return
    inner = params.get(key)
    if inner is None:
        inner = params[key] = {} if rest[0] else []
    if not isinstance(inner, dict if rest[0] else list):
        raise FrameworkError(400)  # `a=1&a[b]=2`: one name, two types
    if isinstance(inner, dict):
        _put(inner, rest, value)
    else:
        _append(inner, rest[1:], value)


def _append(items: list[Any], keys: list[str], value: str | None) -> None:
    if not keys:
        items.append(value)
    elif not keys[0]:
        inner: list[Any] = []
        _append(inner, keys[1:], value)
        items.append(inner)
    elif items and isinstance(items[-1], dict) and not _has(items[-1], keys):
        _put(items[-1], keys, value)
    else:
        fresh: dict[str, Any] = {}
        _put(fresh, keys, value)
        items.append(fresh)


def _has(item: dict[str, Any], keys: list[str]) -> bool:
    """Whether a hash in a list already holds this name, so that the next value begins a new hash."""
    if "" in keys:
        return False
    inner: object = item
    for key in keys:
        if not isinstance(inner, dict) or key not in inner:
            return False
        inner = inner[key]
    return True


def _without_nulls(value: Json) -> Json:
    """Drop nulls from lists, at every depth; null as the value of a key stays."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _check_text(value: object) -> None:
    """Refuse text that is no UTF-8."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_utf8(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, str):
        check_utf8(value)


def check_utf8(text: str) -> None:
    """Refuse text with a lone surrogate, which is how bytes that are no UTF-8 arrive here."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FrameworkError(400) from None
