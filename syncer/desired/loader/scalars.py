"""What a plain (unquoted) YAML scalar means: YAML 1.2's core schema, and a refusal where YAML 1.1 reads it differently.

text                    YAML 1.1            YAML 1.2 core   here
null ~ true False       null, true, false   the same        the same
12 -3 0x1F 1.5 .5 6.0e+2  a number          the same        the same
yes no on off y n       true, false         text            ambiguous
012 1_000 0b1 -0x1F     a number            text or other   ambiguous
0o12 1e3 1.0e3 +.5      text (as read)      a number        ambiguous
= <<                    a special value     text            ambiguous
2026-01-01 1:30         a date, 90          text            text: nobody means 90, and JSON has no dates
.inf .nan               a number            a number        refused: JSON has no such number
"""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Any, Final


class Refused(Enum):
    """Why a plain scalar has no value here."""

    AMBIGUOUS = "ambiguous-scalar"
    NOT_JSON = "not-a-json-number"


_FIRST: Final = frozenset("-+.0123456789~nNtTfFyYoO=<")
"""What a plain scalar that isn't simply text begins with."""

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{
        form: Refused.AMBIGUOUS
        for word in ("yes", "no", "on", "off")
        for form in (word, word.capitalize(), word.upper())
    },
    "=": Refused.AMBIGUOUS,
    "<<": Refused.AMBIGUOUS,
}

_NUMBER: Final = re.compile(
    r"""
      (?P<int> [-+]? (?: 0 | [1-9][0-9]* ) )
    | (?P<hex> 0x [0-9a-fA-F]+ )
    | (?P<float> (?: [-+]? [0-9]+ \. [0-9]* | \. [0-9]+ ) (?: [eE] [-+] [0-9]+ )? )
    | (?P<not_json> [-+]? \. (?: inf | Inf | INF ) | \. (?: nan | NaN | NAN ) )
    | (?P<ambiguous>
          [-+]? (?: [0-9][0-9_]* | 0b [01_]+ | 0x [0-9a-fA-F_]+ ) | 0o [0-7]+
        | [-+]? (?: [0-9][0-9_]* (?: \. [0-9_]* )? | \. [0-9][0-9_]* ) (?: [eE] [-+]? [0-9]+ )?
      )
    """,
    re.VERBOSE | re.ASCII,
)

_MAX_DIGITS: Final = 400
"""Longer numbers are no numbers that anybody means; Python refuses to write integers of more than 4,300 digits."""


def resolve(text: str) -> Any:  # noqa: ANN401 - any JSON scalar
    """The JSON value of a plain scalar, or why it has none (`Refused`). Never raises."""
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    kind = match.lastgroup
    if kind == "ambiguous":
        return Refused.AMBIGUOUS
    if kind == "not_json" or len(text) > _MAX_DIGITS:
        return Refused.NOT_JSON
    if kind == "float":
        number = float(text)
        return number if math.isfinite(number) else Refused.NOT_JSON
    return int(text, 16 if kind == "hex" else 10)
