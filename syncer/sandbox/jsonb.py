"""JSON as the database keeps it: its own order of keys, decimal numbers, no NUL. Values in, text out."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any, Final, TypeAlias

# Any JSON value; which one it is shows at run time.
Json: TypeAlias = Any

# From here on a float has no digits after the point, and the database gives it back as an integer (1e22 does so).
_WHOLE: Final = 1e16


class NulError(ValueError):
    """A string holds a NUL, which the database cannot store."""

    def __init__(self) -> None:
        """Say it with the words of the server's database driver."""
        super().__init__("string contains null byte")


def dumps(value: object) -> str:
    """Write JSON as the server does in an answer: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def stored(value: object) -> str:
    """Write JSON as the database keeps it. Raises NulError for a NUL anywhere, in keys too."""
    return dumps(_normal(value))


def without_infinity(value: Json) -> Json:
    """Replace numbers beyond all floats by null."""
    if isinstance(value, dict):
        return {key: without_infinity(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_infinity(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return None
    return value


def without_nul(text: str) -> str:
    """Return the text itself, or raise NulError."""
    if "\0" in text:
        raise NulError
    return text


def _normal(value: Json) -> Json:
    if isinstance(value, dict):
        # Shorter keys come first, keys of one length by their bytes; length counts bytes too.
        order = sorted((len(raw := without_nul(key).encode()), raw, key) for key in value)
        return {key: _normal(value[key]) for _, _, key in order}
    if isinstance(value, list):
        return [_normal(item) for item in value]
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
