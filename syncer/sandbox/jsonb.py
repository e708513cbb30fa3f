"""JSON as the database keeps it (PostgreSQL's jsonb): its own order of keys, decimal numbers, no NUL."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any, Final, TypeAlias

# Any JSON value; its type is known at run time only.
Json: TypeAlias = Any

# From here on a float has no digits after the point, and the database gives it back as an integer (1e22, say).
_WHOLE: Final = 1e16


class NulError(ValueError):
    """A string holds a NUL, which the database cannot store."""

    def __init__(self) -> None:
        """Use the words of the server's database driver: clients see them."""
        super().__init__("string contains null byte")


def dumps(value: object) -> str:
    """Write JSON as the server does in an answer: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode(value: object) -> str:
    """Write JSON as the database keeps it. Raises NulError for a NUL anywhere, in keys too."""
    return dumps(_normalized(value))


def decode(text: str | None) -> Json:
    """Read a JSON column."""
    return None if text is None else json.loads(text)


def without_infinity(value: Json) -> Json:
    """Replace numbers beyond all floats by null."""
    if isinstance(value, dict):
        return {key: without_infinity(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_infinity(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return None
    return value


def is_equal(left: object, right: object) -> bool:
    """Whether two values are equal: `1` and `1.0` are, `1` and `true` are not. The order of keys does not count."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_equal, left, right))
    return left == right


def without_nul(text: str) -> str:
    """Return the text itself, or raise NulError."""
    if "\0" in text:
        raise NulError
    return text


def _normalized(value: Json) -> Json:
    if isinstance(value, dict):
        # Shorter keys come first, keys of one length by their bytes; length counts bytes too.
        order = sorted((len(raw := without_nul(key).encode()), raw, key) for key in value)
        return {key: _normalized(value[key]) for _, _, key in order}
    if isinstance(value, list):
        return [_normalized(item) for item in value]
    if isinstance(value, str):
        return without_nul(value)
    if isinstance(value, float):
        return _decimal(value)
    return value


def _decimal(value: float) -> float | int | None:
    if math.isinf(value):
        return None
    if abs(value) >= _WHOLE:
        return int(Decimal(repr(value)))
    return value or 0.0  # no negative zero
