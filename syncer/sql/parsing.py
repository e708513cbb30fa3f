"""One text to one tree, within bounds: sqlglot has none, and some texts of forty letters would take it for ever.

Measured with sqlglot 30 (10 to 30 µs a step): `ARRAY[ARRAY[…` and `STRUCT(STRUCT(…` treble with every level; a query
in a query is copied at every level, and `ARRAY<ARRAY<…` is read again; brackets of any kind exhaust Python's stack at
30 to 50 levels; everything else is linear. So depth is bounded before parsing, on the whole and at its deepest, and the
parser's steps while it parses: it goes forward and back through one method.
"""

from __future__ import annotations

import types
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot import Token, exp
    from sqlglot.errors import ParseError
    from sqlglot.parser import Parser

MAX_LENGTH: Final = 100_000
MAX_TOKENS: Final = 20_000
MAX_STEPS: Final = 25_000
"""Queries that people write take 1.2 steps a token."""
MAX_DEPTH: Final = 24
MAX_PIPES: Final = 20
"""The tree is copied for each `|>`, in no step of the parser's."""
MAX_BRACKETS: Final = 1_000
MAX_WEIGHT: Final = 40_000
"""The depths of all tokens together: a query of people's has a depth of two on average."""
_TYPE_WEIGHT: Final = 20

_DIALECTS: Final = {
    "amazons3": "duckdb",
    "awsathena": "athena",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "mariadb": "mysql",
    "oracle": "oracle",
    "postgresql": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "watsonxdata": "presto",
}
DIALECTS: Final = tuple(dict.fromkeys(("snowflake", *_DIALECTS.values(), "trino", "spark", "tsql")))
"""All of them, and those of connectors that other servers may have; one that can read nearly everything is first."""
_OPENING: Final = frozenset({"L_PAREN", "L_BRACKET", "L_BRACE", "CASE"})
_CLOSING: Final = frozenset({"R_PAREN", "R_BRACKET", "R_BRACE", "END"})
_GENERIC: Final = frozenset({"ARRAY", "STRUCT", "MAP"})
_FIRST: Final = frozenset({"SELECT", "WITH", "L_PAREN", "FROM", "VALUES"})
"""What a query begins with. Some of anything else isn't parsed at all, but taken for a command."""

_CHANGING: Final = frozenset({"DELETE", "INSERT", "MERGE", "UPDATE"})


class Parsed(NamedTuple):
    """A query that could be read: its text, the tokens of it and the one tree that they make."""

    text: str
    dialect: str
    tokens: Sequence[Token]
    tree: exp.Expression


class Refused(NamedTuple):
    """Where a dialect's parser stops in a text that it certainly can't read."""

    place: int


class _TooMuchError(Exception):
    """The parser took more steps than a query is worth. Not a ParseError, for the parser itself catches those."""


def dialect_of(definition: str) -> str | None:
    """What sqlglot calls the SQL of a connector's type; None for a type without any."""
    return _DIALECTS.get(definition.casefold())


def tokenized(query: str, dialect: str) -> list[Token] | None:
    """The tokens of a text; None if it has none, or a bound or the dialect forbids it."""
    import sqlglot  # noqa: PLC0415 - optional, and it costs more than reading a hundred files

    if len(query) > MAX_LENGTH:
        return None
    # Its warnings would reach stderr through logging, and what is said here of a query is said by the result.
    sqlglot.logger.disabled = True
    try:
        return sqlglot.Dialect.get_or_raise(dialect).tokenize(query) or None
    except Exception:  # noqa: BLE001 - whatever a stranger's text does to it, nobody can tell what it means
        return None


def parsed(query: str, dialect: str) -> Parsed | None:
    """The tree of a text that is one query and nothing else; None for anything else."""
    found = read(query, dialect)
    return found if isinstance(found, Parsed) else None


def read(query: str, dialect: str) -> Parsed | Refused | None:
    """The tree of a text that is one query, or where the dialect's parser stops; None where that says nothing.

    It says nothing beyond a bound, of a text of several statements, and of a statement of some other kind.
    """
    tokens = tokenized(query, dialect)
    if tokens is None:
        # A text or a comment without an end; but what is a comment to sqlglot can be a hint, and be run.
        return Refused(0) if len(query) <= MAX_LENGTH and "/*!" not in query else None
    if len(tokens) > MAX_TOKENS or not _is_flat(tokens):
        return None
    body = list(tokens)
    while body and body[-1].token_type.name == "SEMICOLON":
        body.pop()
    if not body or any(token.token_type.name == "SEMICOLON" for token in body):
        return None
    if body[0].token_type.name not in _FIRST:
        return Refused(body[0].start)
    from sqlglot import exp  # noqa: PLC0415
    from sqlglot.errors import ParseError  # noqa: PLC0415

    try:
        trees = _parser(dialect).parse(body, query)
    except ParseError as error:
        return Refused(_place(query, error))
    except Exception:  # noqa: BLE001 - too many steps, a RecursionError, or one of its own bugs
        return None
    kinds = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
    tree = trees[0] if len(trees) == 1 else None
    if isinstance(tree, exp.DML):
        return Refused(next((token.start for token in body if token.token_type.name in _CHANGING), 0))
    return Parsed(query, dialect, tokens, tree) if isinstance(tree, kinds) else None


def _place(query: str, error: ParseError) -> int:
    """Where a parser stopped: it tells the line, and the column in which the word ends."""
    told = error.errors[0] if error.errors else {}
    line, column = told.get("line") or 1, told.get("col") or 1
    start = 0
    for _ in range(line - 1):
        start = query.find("\n", start) + 1
    return max(0, min(len(query), start + column) - len(told.get("highlight") or " "))


def _is_flat(tokens: Sequence[Token]) -> bool:
    """Whether brackets, CASE and types of types are nested within the bounds, and pipes and subscripts few enough."""
    kinds = Counter(token.token_type.name for token in tokens)
    if kinds["PIPE_GT"] > MAX_PIPES or kinds["L_BRACKET"] > MAX_BRACKETS:
        return False
    depth = deepest = weight = angles = 0
    before = ""
    for token in tokens:
        name = token.token_type.name
        if name in _OPENING:
            depth += 1
        elif name in _CLOSING and depth:
            depth -= 1
        elif name == "LT" and before in _GENERIC:
            angles += 1
            weight += _TYPE_WEIGHT * angles
        elif name == "GT" and angles:
            angles -= 1
        before = name
        weight += depth + angles
        deepest = max(deepest, depth + angles)
    return deepest <= MAX_DEPTH and weight <= MAX_WEIGHT


def _parser(dialect: str) -> Parser:
    """A parser that gives up after `MAX_STEPS`."""
    from sqlglot import Dialect  # noqa: PLC0415
    from sqlglot.errors import ErrorLevel  # noqa: PLC0415

    return _counting(dialect)(dialect=Dialect.get_or_raise(dialect), error_level=ErrorLevel.IMMEDIATE)


@lru_cache
def _counting(dialect: str) -> type[Parser]:
    """The dialect's parser with its steps counted."""
    from sqlglot import Dialect  # noqa: PLC0415

    base: Any = Dialect.get_or_raise(dialect).parser_class
    advance = base._advance  # noqa: SLF001 - the one method through which every step goes

    def counted(self: Any, times: int = 1) -> None:  # noqa: ANN401 - of a class that is made here
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise _TooMuchError
        advance(self, times)

    # Made by its metaclass, which works out the dialect's tables.
    members = {"_advance": counted, "steps": 0}
    return types.new_class("Counting", (base,), {}, lambda namespace: namespace.update(members))
