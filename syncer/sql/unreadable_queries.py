"""Queries that no dialect can read, and where the best of them stops."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.sql.lexing import a_reading
from syncer.sql.parsing import DIALECTS, Refused, read

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS: Final = len(DIALECTS)
"""How many parsers look at most at a text."""
_CHANGING: Final = re.compile(
    r"""[\s;(]*+(ALTER|COPY|CREATE|DELETE|DROP|GRANT|INSERT|MERGE|RENAME|REVOKE|TRUNCATE|UNLOAD|UPDATE|UPSERT|VACUUM)\b""",
    re.IGNORECASE,
)
"""What begins a statement that isn't a query in any database."""
_ANSWERING: Final = re.compile(
    r"""[\s;(]*+(?:ANALYZE|BEGIN|CALL|CHECK|DECLARE|DESC|DESCRIBE|EXEC|EXECUTE|EXISTS|EXPLAIN|FROM|LIST|LS|MAP|PIVOT
    |PRAGMA|REDUCE|REPLACE|SET|SHOW|SUMMARIZE|TABLE|UNPIVOT|USE)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""What may begin a statement that has rows in some database. Nothing is said of these."""

_BACKTICKS: Final = frozenset({"bigquery", "databricks", "mysql", "clickhouse"})
_SIGNS: Final = re.compile(r"[~!@#%^&|?<>=/+-]{2,}")
_ANY_END: Final = re.compile(r"[~!@#%^&|?]")
"""PostgreSQL lets an operator end in a plus or a minus if it has one of these."""
_OPERATORS: Final = frozenset({"<>", "!=", "<=", ">=", "||", "->", "->>", "=>", "==", "|>"})
_MARKUP: Final = re.compile(r"\s*+<")
"""What a page begins with that somebody's download gave in place of a query, and no statement of any database."""
_RARE_PREFIX: Final = re.compile(r"(?<![\w.])(?:br|rb|u&|n?q|_\w+)['\"]", re.IGNORECASE)
"""PostgreSQL lets people make operators, and databases have more marks before a text, than any parser knows: a query
with others than these is left alone."""


class Unread(NamedTuple):
    """A text that is certainly no query: where it stops to be one, and the statement that it is, if it's another."""

    place: int
    statement: str = ""


def unread(query: str) -> Unread | None:
    """Why no dialect that the text may be of can read it; None where one can, or nobody knows."""
    from syncer.sql.plain_queries import is_plain  # noqa: PLC0415 - its patterns take long to compile

    if is_plain(query):
        return None
    code = a_reading(query) or query
    if markup := _MARKUP.match(code):
        return Unread(markup.end() - 1)
    if _ANSWERING.match(code) or _RARE_PREFIX.search(code) or not _OPERATORS.issuperset(_signs(code)):
        return None
    furthest = 0
    # Most of what the first few can't read has backticks.
    for dialect in sorted(DIALECTS, key=lambda name: (name not in _BACKTICKS) == ("`" in code)):
        outcome = read(query, dialect)
        if not isinstance(outcome, Refused):
            return None
        furthest = max(furthest, outcome.place)
    changing = _CHANGING.match(code, furthest)
    return Unread(furthest, changing[1].upper() if changing else "")


def _signs(code: str) -> Iterator[str]:
    """The operators of two signs and more, without a number's own sign behind them."""
    for match in _SIGNS.finditer(code):
        sign = match[0] if _ANY_END.search(match[0]) else match[0].rstrip("+-")
        if len(sign) > 1:
            yield sign
