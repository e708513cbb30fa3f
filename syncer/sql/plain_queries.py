"""Queries that every database can read for certain: they are recognised by signs, and no parser is asked.

Most queries that people write are plain. Each word becomes a sign of one letter, and patterns over the signs replace
what is complete by an operand, from the innermost bracket on, until one query is left, or something that isn't plain.
It's no judgement: of what isn't recognised nothing is known.
"""

from __future__ import annotations

import re
from typing import Final

from syncer.sql.lexing import a_reading

MAX_LENGTH: Final = 20_000
_MAX_DEPTH: Final = 30

_LEGEND: Final = """
    u NOT EXISTS
    D DISTINCT
    b AND OR IN LIKE ILIKE IS BETWEEN
    d ASC DESC
    w WITH
    S SELECT
    A AS
    F FROM
    N ON
    V USING
    W WHERE
    H HAVING
    Q QUALIFY
    C CASE
    T WHEN
    t THEN
    e ELSE
    E END
    v OVER
    ? ALL BY FETCH INTO LATERAL LIMIT OFFSET OUTER PIVOT SET
    ? GROUP ORDER PARTITION NULLS UNION INTERSECT EXCEPT JOIN CROSS LEFT RIGHT FULL INNER
    ? TABLE UNPIVOT VALUES WINDOW INSERT UPDATE DELETE CREATE INTERVAL
"""
"""The signs of single words; `?` is what means something of its own in some place that isn't plain.

Of what is no such word a name of one part is `n`, any other operand `i`, a cast `c`, `.*` is `s`, a further operator
`b`; brackets, commas, `*`, `+` and `-` are their own signs. Phrases have signs in `_PHRASE`.
"""
_SIGNS: Final = {word: sign for sign, *words in map(str.split, _LEGEND.strip().splitlines()) for word in words}
_TOKEN: Final = re.compile(
    r"""\s*+ (?: (?P<i>(?:[^\W\d]\w*|"+) (?:\.(?:[^\W\d]\w*|"+))*+ | '+ | \d+(?:\.\d+)?(?![\w.]))
    | (?P<same>[(),*+-]) | (?P<s>\.\*) | (?P<c>::\s*[A-Za-z]\w*) | (?P<b><>|!=|<=|>=|\|\||[=<>/%]) | \Z )""",
    re.VERBOSE,
)
_NAME: Final = re.compile(r'[^\W\d]|"')
_PHRASE: Final = re.compile(
    r"""\b(?: (?P<g>GROUP\s+BY) | (?P<o>ORDER\s+BY) | (?P<p>PARTITION\s+BY) | (?P<d>NULLS\s+(?:FIRST|LAST))
    | (?P<U>UNION(?:\s+(?:ALL|DISTINCT))? | INTERSECT | EXCEPT)
    | (?P<J>(?:(?:(?:LEFT|RIGHT|FULL)(?:\s+OUTER)?|INNER)\s+)?JOIN) | (?P<X>CROSS\s+JOIN)
    | (?P<b>NOT\s+(?:IN|LIKE|ILIKE|BETWEEN)) | (?P<i>(?:DATE|TIMESTAMP|INTERVAL)\s+'+) )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
"""What is one sign, though it's more words than one."""
_FIRST: Final = frozenset({"NOT", "DATE", "TIMESTAMP", *(word for word, sign in _SIGNS.items() if sign == "?")})
"""What a phrase begins with, and what is plain in no other place."""

_EXPRESSION: Final = r"[u+-]*+[in]c*+(?:[b+*-][u+-]*+[in]c*+)*+"
_LIST: Final = f"{_EXPRESSION}(?:,{_EXPRESSION})*+"
_ORDER: Final = f"{_EXPRESSION}d*+(?:,{_EXPRESSION}d*+)*+"
_ITEM: Final = rf"(?:\*|[in]s|{_EXPRESSION}(?:A?n)?+)"
_SOURCE: Final = "[in](?:A?n)?+"
_FROM: Final = f"F{_SOURCE}(?:[,X]{_SOURCE}|J{_SOURCE}(?:N{_EXPRESSION}|V[in])?+)*+"
_SELECT: Final = f"SD?+{_ITEM}(?:,{_ITEM})*+(?:{_FROM})?+(?:W{_EXPRESSION})?+(?:g{_LIST})?+(?:[HQ]{_EXPRESSION})*+"
_QUERY: Final = re.compile(f"(?:w[in]Ai(?:,[in]Ai)*+)?+{_SELECT}(?:U{_SELECT})*+(?:o{_ORDER})?+")
_CASE: Final = re.compile(f"C(?:{_EXPRESSION})?+(?:T{_EXPRESSION}t{_EXPRESSION})++(?:e{_EXPRESSION})?+E")
_WINDOW: Final = re.compile(rf"v\((?:p{_LIST})?+(?:o{_ORDER})?+\)")
_CALL: Final = re.compile(rf"(?:n|([ic]))\((?:\*|D?+{_LIST}(?:o{_ORDER})?+)?+\)")
_BRACKETS: Final = re.compile(rf"(?<![incv])\((?:{_LIST}|{_QUERY.pattern})\)")


def is_plain(query: str) -> bool:
    """Whether it certainly is a query; False where that isn't known."""
    reading = a_reading(query) if len(query) <= MAX_LENGTH else None
    if reading is None:
        return False
    signs = _signs(reading)
    for _ in range(_MAX_DEPTH):
        before = signs
        for pattern, sign in ((_CASE, "i"), (_WINDOW, ""), (_CALL, _called), (_BRACKETS, "i")):
            signs = pattern.sub(sign, signs)
        if signs == before:
            break
    return _QUERY.fullmatch(signs) is not None


def _called(call: re.Match[str]) -> str:
    """The sign of a call: what a function returns is no name."""
    return call[1] or "i"


def _signs(reading: str) -> str:
    """A letter for each word, as far as the words are plain."""
    signs: list[str] = []
    at = 0
    while at < len(reading):
        match = _TOKEN.match(reading, at)
        kind = match and match.lastgroup
        if match is None or kind is None:
            return "".join(signs) if match else "?"
        at = match.end()
        if kind == "i":
            word = match[kind].upper()
            kind = _SIGNS.get(word, "i" if "." in word or not _NAME.match(word) else "n")
            if word in _FIRST:
                phrase = _PHRASE.match(reading, match.start("i"))
                if phrase is not None:
                    kind, at = str(phrase.lastgroup), phrase.end()
        elif kind == "same":
            kind = match[kind]
        signs.append(kind)
    return "".join(signs)
