"""Ruby's habits with plain values, where the real server lets them show: numbers in text, blank text, words, floats."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

_SPACE: Final = " \\t\\n\\v\\f\\r"
_DIGITS: Final = r"(?:0[dD](?=[0-9]))?([0-9]+(?:_[0-9]+)*)"
_INTEGER: Final = re.compile(rf"[{_SPACE}]*([+-]?){_DIGITS}[{_SPACE}]*")
_LEADING_INTEGER: Final = re.compile(rf"[{_SPACE}]*([+-]?){_DIGITS}")
# What counts as blank: all Unicode white space (a no-break space too), but not zero-width characters.
_BLANK: Final = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*")
# Python refuses to convert longer numbers; no limit of the server is beyond this.
_LONGEST_NUMBER: Final = 4000
# What a regular expression's word is made of: letters, marks, decimal digits, numbers made of letters, connectors.
_WORDY: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"})
# Letters in circles and squares count as letters. Numbers in Latin-1 (a superscript two, say) count, elsewhere not.
_WORDY_SYMBOLS: Final = re.compile(
    "[\xb2\xb3\xb9\xbc-\xbe\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]"
)


def integer(text: str) -> int | None:
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


def is_blank(value: object) -> bool:
    """Whether a value counts as not given: null, false, an empty list or hash, text of white space only."""
    if isinstance(value, str):
        return _BLANK.fullmatch(value) is not None
    return value is None or value is False or value in ([], {})


def is_word(character: str) -> bool:
    """Whether a character is part of a word to a regular expression over Unicode text.

    The tables are those of this Python: a letter that Unicode got after 2020 is none to the server yet.
    """
    return unicodedata.category(character) in _WORDY or _WORDY_SYMBOLS.match(character) is not None


def float_text(value: float) -> str:
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


def is_equal(left: object, right: object) -> bool:
    """Whether two JSON values are equal: `1` and `1.0` are, `1` and `true` are not, the order of keys is nothing."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_equal, left, right))
    return left == right
