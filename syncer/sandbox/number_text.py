"""Numbers in text, as Ruby reads and writes them where the server lets it show."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SPACE: Final = " \\t\\n\\v\\f\\r"
_DIGITS: Final = r"(?:0[dD](?=[0-9]))?([0-9]+(?:_[0-9]+)*)"
_INTEGER: Final = re.compile(rf"[{_SPACE}]*([+-]?){_DIGITS}[{_SPACE}]*")
_LEADING_INTEGER: Final = re.compile(rf"[{_SPACE}]*([+-]?){_DIGITS}")
# Python refuses to convert longer numbers; no limit of the server is beyond this.
_LONGEST_NUMBER: Final = 4000


def whole_integer(text: str) -> int | None:
    """Read text that must be an integer as a whole: ` 1`, `+1`, `01` and `1_0` are, `1.0`, `1e1` and `1abc` are not."""
    return _number(_INTEGER.fullmatch(text))


def leading_integer(text: str) -> int:
    """Read the integer that text begins with, or 0: `1abc` is 1, `2.9` is 2, `abc` is 0."""
    return _number(_LEADING_INTEGER.match(text)) or 0


def _number(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    digits = match[2].replace("_", "").lstrip("0") or "0"
    value = 10**_LONGEST_NUMBER if len(digits) > _LONGEST_NUMBER else int(digits)
    return -value if match[1] == "-" else value


def write_float(value: float) -> str:
    """Write a float the way the server turns numbers into text: `1.5`, `1.0e+22`, `Infinity`."""
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + int(exponent)  # how many digits stand before the decimal point
    minus = "-" if sign else ""
    if value == 0:
        return minus + "0.0"
    if point > 16 or point < -3:  # noqa: PLR2004 - from here on Ruby writes an exponent
        return f"{minus}{text[0]}.{text[1:] or '0'}e{point - 1:+03d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    return f"{minus}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"
