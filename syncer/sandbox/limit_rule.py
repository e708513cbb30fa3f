r"""The LIMIT rule of the contracts: a query may not end in LIMIT or OFFSET, and neither may a line of it.

The server's pattern is /\b(?:LIMIT|OFFSET)\b\s*\d*\s*;?\s*$/i. `$` is the end of any line, so LIMIT at the end of a
comment or of a sub-select's line is refused too. White space and digits are the ASCII ones (LIMIT and a no-break space
pass). A word's boundary is Unicode's. To /i the long s and the ligature ff are letters of OFFSET as well.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BLANKS: Final = " \t\v\f\r"
_DIGITS: Final = "0123456789"
_LIMIT: Final = re.compile(r"(?:LIMIT|O(?:FF|\ufb00)[S\u017f]ET)\Z", re.IGNORECASE | re.ASCII)
# What a regular expression's word is made of: letters, marks, decimal digits, numbers made of letters, connectors.
_WORD_CATEGORIES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"})
# Letters in circles and squares count as letters. Numbers in Latin-1 (a superscript two, say) count, elsewhere not.
_WORD_SYMBOLS: Final = re.compile(
    "[\xb2\xb3\xb9\xbc-\xbe\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]"
)


def has_limit(query: object) -> bool:
    """Whether the rule refuses a query. What is no text passes: it's up to other rules."""
    return isinstance(query, str) and any(map(_ends_in_limit, query.split("\n")))


def _ends_in_limit(line: str) -> bool:
    trimmed = line.rstrip(_BLANKS).removesuffix(";").rstrip(_BLANKS)
    words = trimmed.rstrip(_DIGITS)
    if words != trimmed:
        # Digits right behind it are part of the word: LIMIT10.
        words, trimmed = words.rstrip(_BLANKS), words
        if words == trimmed:
            return False
    match = _LIMIT.search(words)
    return match is not None and not _is_word(words[match.start() - 1 : match.start()] or " ")


def _is_word(character: str) -> bool:
    """Whether a character is part of a word to a regular expression over Unicode text.

    The tables are those of this Python: a letter that Unicode got after 2020 is none to the server yet.
    """
    return unicodedata.category(character) in _WORD_CATEGORIES or _WORD_SYMBOLS.match(character) is not None
