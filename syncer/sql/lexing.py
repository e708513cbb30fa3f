"""What stands where in a query of an unknown database: code, comment, text or name. Every large dialect is asked.

This works without sqlglot, so it says the same with and without the extra `sql`. Of a dialect it knows what decides
where a text, a name in quotes or a comment ends, and nothing else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

_T = TypeVar("_T", bound=str)

Kind: TypeAlias = Literal["clause", "comment", "text", "name", ""]
Around: TypeAlias = Literal["subquery", "aggregate", ""]

MAX_LENGTH: Final = 100_000
MAX_SPANS: Final = 10_000
"""How many characters of a query are read, and how many texts, names and comments: what stands behind isn't known."""
_MAX_SEPARATORS: Final = 1_000
_LOOK_BACK: Final = 20_000
"""How many characters before a word are searched for the bracket that it stands in."""

TEXT, NAME, COMMENT, UNKNOWN = "'", '"', "\x1f", "\0"
r"""What a reading has in the place of each character of a text, of a name in quotes, of a comment, and of what it can't
tell. Outside of them none of these stands in a query. `\x1f` is white space to a pattern, as a comment is."""
_FILLERS: Final = {"text": TEXT, "name": NAME, "comment": COMMENT}


class _Dialect(NamedTuple):
    """What of a dialect tells code from the rest."""

    spans: re.Pattern[str]
    """Code, and behind it a text, a name or a comment by the group that matched; `open` begins one that has no end."""
    nests: bool
    """Whether a comment can stand in a comment."""
    foreign: tuple[str, ...]
    """What no query of the dialect has in its code, so that a name in backticks, say, is another's."""


_CODE: Final = r"[^'\"`$/\#-]*+"
_DOUBLED: Final = r"'(?:[^']++|'')*+'"
_ESCAPED: Final = r"'(?:[^'\\]++|\\.|'')*+'"
_ESCAPED_DOUBLE: Final = r'"(?:[^"\\]++|\\.|"")*+"'
_MARKED: Final = rf"(?:(?<=\A[eE])|(?<=[^\w$][eE])){_ESCAPED}"
_TRIPLE: Final = r"'''(?:[^'\\]++|\\.|'(?!''))*+'''" + r'|"""(?:[^"\\]++|\\.|"(?!""))*+"""'
_RAW: Final = r"""(?:(?<=\A[rR])|(?<=\W[rR]))(?:'[^']*+'|"[^"]*+")"""
_ANY_QUOTE: Final = (
    r"(?:(?<=\A[qQ])|(?<=\W[qQ])|(?<=[nN][qQ]))'"
    r"(?:\[.{,300}?\]|\{.{,300}?\}|\(.{,300}?\)|<.{,300}?>|(?P<quote>[^\s\[{(<]).{,300}?(?P=quote))'"
)
_TAG: Final = r"(?<![\w$])\$(?:[^\W\d]\w*)?\$"
_DOLLARS: Final = r"(?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)"
_DOUBLE: Final = r'"(?:[^"]++|"")*+"'
_BACKTICKS: Final = r"`(?:[^`]++|``)*+`"
_ESCAPED_BACKTICKS: Final = r"`(?:[^`\\]++|\\.|``)*+`"


def _dialect(
    *texts: str,
    names: str,
    comment: str = "",
    dollars: str = "",
    nests: bool = False,
    block: str = r"/\*",
    foreign: str,
) -> _Dialect:
    # MySQL wants a blank behind the dashes. What has none is taken for a comment there, too: nothing is claimed of it.
    comments = [r"--[^\n]*+", *filter(None, [comment]), *([] if nests else [rf"{block}.*?\*/"])]
    openings = [r"['\"]" if "`" in foreign else r"['\"`]", block, *filter(None, [dollars])]
    groups = {"comment": comments, "text": texts, "name": [names], "open": openings}
    spans = "|".join(f"(?P<{group}>{'|'.join(parts)})" for group, parts in groups.items())
    return _Dialect(re.compile(f"{_CODE}(?:{spans}|.)?", re.DOTALL), nests, tuple(foreign.split()))


_DIALECTS: Final = (
    # PostgreSQL, DuckDB
    _dialect(_MARKED, _DOUBLED, _DOLLARS, names=_DOUBLE, dollars=_TAG, nests=True, foreign="`"),
    # Redshift
    _dialect(_ESCAPED, _DOLLARS, names=_DOUBLE, dollars=_TAG, nests=True, foreign="`"),
    # Snowflake
    _dialect(_ESCAPED, r"\$\$.*?\$\$", names=_DOUBLE, comment=r"//[^\n]*+", dollars=r"\$\$", foreign="`"),
    # Oracle, Athena, Presto
    _dialect(_ANY_QUOTE, _DOUBLED, names=_DOUBLE, foreign="` $$"),
    # BigQuery
    _dialect(_TRIPLE, _ESCAPED, _ESCAPED_DOUBLE, names=_ESCAPED_BACKTICKS, comment=r"\#[^\n]*+", foreign="$"),
    # Databricks
    _dialect(_RAW, _ESCAPED, _ESCAPED_DOUBLE, names=_BACKTICKS, nests=True, foreign="$"),
    # MySQL, MariaDB: what stands in /*! … */ is run
    _dialect(_ESCAPED, _ESCAPED_DOUBLE, names=_BACKTICKS, comment=r"\#[^\n]*+", block=r"/\*(?!M?!)", foreign="$$"),
    # ClickHouse
    _dialect(
        _ESCAPED,
        _DOLLARS,
        names=f"{_ESCAPED_DOUBLE}|{_ESCAPED_BACKTICKS}",
        comment=r"\#[ !][^\n]*+",
        dollars=_TAG,
        foreign="",
    ),
)
_COMMENT_END: Final = re.compile(r"/\*|\*/")
_BRACKET: Final = re.compile("[()]")
_CALL: Final = re.compile(r"\w\s*\(\Z")
_INNER_QUERY: Final = re.compile(r"[\s(]*(?:SELECT|WITH|FROM|VALUES)\b", re.IGNORECASE)
_IN_WORD: Final = re.compile(r"\w")
_BEFORE_NAME: Final = re.compile(
    r"""(?:[.,(=<>+/%|&!~^-] | \b(?:AS|SELECT|DISTINCT|BY|AND|OR|NOT|ON|WHERE|HAVING|WHEN|THEN|ELSE|CASE|IN|LIKE|ILIKE
    |IS|BETWEEN|USING))\s*+\Z""",
    re.IGNORECASE | re.VERBOSE,
)
"""After this no clause can stand, so the next word is a name."""
_WIDEST_GAP: Final = 200


@lru_cache(2)
def readings(query: str) -> tuple[str, ...]:
    """The text as each dialect reads it that can: of the same length, with a filler for what isn't code.

    A text that no dialect can read has the readings of all: up to where each of them ends.
    """
    able = dict.fromkeys(_able(query))
    return tuple(able or dict.fromkeys(_reading(query, dialect)[0] for dialect in _DIALECTS))


def a_reading(query: str) -> str | None:
    """One of them, where any dialect can read the text."""
    return next(_able(query), None)


def _able(query: str) -> Iterator[str]:
    for dialect in _DIALECTS:
        reading, is_whole = _reading(query, dialect)
        if is_whole and not any(sign in reading for sign in dialect.foreign):
            yield reading


def _reading(query: str, dialect: _Dialect) -> tuple[str, bool]:
    """The text as a dialect reads it, and whether all that begins in it ends in it."""
    parts: list[str] = []
    at = begin = 0
    last, is_whole = min(len(query), MAX_LENGTH), True
    while at < last and len(parts) < 2 * MAX_SPANS:
        match = dialect.spans.match(query, at, last)
        group = match and match.lastgroup
        at = match.end() if match else last
        if match is None or group is None:
            continue
        start = match.start(group)
        if group == "open":
            at = _comment_end(query, start) if dialect.nests and match[group] == "/*" else -1
            if at < 0:
                at, is_whole = start, len(query) > MAX_LENGTH
                break
        parts += (query[begin:start], _FILLERS.get(group, COMMENT) * (at - start))
        begin = at
    return "".join((*parts, query[begin:at], UNKNOWN * (len(query) - at))), is_whole


def _comment_end(query: str, start: int) -> int:
    """Where a comment ends, if comments can stand in it; -1 if it doesn't end."""
    depth = 0
    for match in _COMMENT_END.finditer(query, start, MAX_LENGTH):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return -1


def is_code(reading: str, index: int) -> bool:
    """Whether the character is no part of a text, a name in quotes or a comment."""
    return reading[index] not in (TEXT, NAME, COMMENT, UNKNOWN)


def separators(query: str) -> list[int]:
    """Where the `;` are that any database takes for the end of a statement.

    Databases differ in what they take for a text or a comment: a `;` is told rather once too often than missed.
    """
    found = (islice(re.finditer(";", reading), _MAX_SEPARATORS) for reading in readings(query))
    return sorted({match.start() for matches in found for match in matches})


def kind_at(query: str, index: int) -> Kind:
    """What stands at that character: a clause's word, a comment, a text or a name; empty where databases differ."""
    return _one({_kind(reading, index) for reading in readings(query)})


def around(query: str, index: int) -> Around:
    """What the brackets hold that a clause stands in: another query, or the arguments of a function; empty for none."""
    return _one({_around(reading, index) for reading in readings(query)})


def is_after(query: str, index: int, word: str) -> bool:
    """Whether that word stands before the character, and nothing between but blanks and comments."""
    pattern = re.compile(rf"\b{word}\s+\Z", re.IGNORECASE)
    return all(pattern.search(reading[max(0, index - _WIDEST_GAP) : index]) for reading in readings(query))


def _one(found: set[_T]) -> _T | Literal[""]:
    return found.pop() if len(found) == 1 else ""


def _kind(reading: str, index: int) -> Kind:
    if reading[index] == UNKNOWN:
        return ""
    if reading[index] == COMMENT:
        return "comment"
    if not is_code(reading, index):
        return "text" if reading[index] == TEXT else "name"
    before = reading[max(0, index - _WIDEST_GAP) : index]
    return "name" if _BEFORE_NAME.search(before) or _IN_WORD.match(before[-1:]) else "clause"


def _around(reading: str, index: int) -> Around:
    start = max(0, index - _LOOK_BACK)
    opened: list[int] = []
    for match in _BRACKET.finditer(reading, start, index):
        if match[0] == "(":
            opened.append(match.end())
        elif opened:
            opened.pop()
    if not opened:
        return ""
    is_call = _CALL.search(reading[max(0, opened[-1] - _WIDEST_GAP) : opened[-1]]) is not None
    return "aggregate" if is_call and not _INNER_QUERY.match(reading, opened[-1]) else "subquery"
