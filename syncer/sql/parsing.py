"""One query to one tree of sqlglot, within bounds: sqlglot has none, and some texts of forty letters take it for ever.

What a text costs is told from its tokens, before it's parsed: a parser that is compiled can't be watched, and would end
the process where the other one raises. Measured with sqlglot 26 to 30, compiled and not: what stands in the brackets of
a type (`ARRAY[…`, `STRUCT(…`, `DECIMAL(…`) is read two to three times, and so again at every level; what follows a JOIN
without a condition is read twice, and so behind IF without brackets; a query in a query is copied at every level;
`ARRAY<ARRAY<…` is read again; everything else is linear. Chains (`NOT NOT …`, `FROM FROM …`) go as deep as they are
long: so parsing has a stack of its own.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlglot import Token, exp
    from sqlglot.errors import ParseError

_T = TypeVar("_T")

MAX_LENGTH: Final = 100_000
MAX_TOKENS: Final = 20_000
MAX_READINGS: Final = 40_000
"""How many tokens are read at most, each as often as the types around it and the joins before it have it read."""
_TYPE_TIMES: Final = 3
_JOIN_TIMES: Final = 2
MAX_DEPTH: Final = 24
MAX_PIPES: Final = 20
"""The tree is copied for each `|>`, in no step of the parser's."""
MAX_BRACKETS: Final = 1_000
MAX_WEIGHT: Final = 40_000
"""The depths of all tokens together: a query of people's has a depth of two on average."""
_TYPE_WEIGHT: Final = 20
MAX_PIECES: Final = 2_000_000
"""How many words and signs one run reads: five thousand changes of queries as people write them.

Of the worst texts that the other bounds let pass it's fifty changes, which take about a minute.
"""
_PIECE: Final = re.compile(r"\w+|[^\w\s]")

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
_CLOSING: Final = {"L_PAREN": "R_PAREN", "L_BRACKET": "R_BRACKET", "L_BRACE": "R_BRACE", "CASE": "END"}
_GENERIC: Final = frozenset({"ARRAY", "STRUCT", "MAP"})
_JOINS: Final = frozenset({"JOIN", "STRAIGHT_JOIN", "IF"})
"""After these words the parser reads all that follows twice, up to the condition."""
_CONDITIONS: Final = frozenset({"ON", "USING"})
_UNCONDITIONAL: Final = frozenset({"CROSS", "NATURAL"})
_STACK: Final = 512 << 20
"""26 KB for each of 20,000 tokens, of which a chain of CASE takes 4 KB; only what is used of it takes memory."""
_SHORT: Final = 400
"""What the stack of any thread holds, so that most queries do without a thread of their own."""
_FIRST: Final = frozenset({"SELECT", "WITH", "L_PAREN", "FROM", "VALUES"})
"""What a query begins with. Some of anything else isn't parsed at all, but taken for a command."""

_GOING_ON: Final = frozenset({"SELECT", "DISTINCT", "ALIAS", "GROUP_BY", "ORDER_BY", "ON", "USING", "IN"})
"""What no query ends with, unless it's the name of a column."""
_EMPTY: Final = frozenset({("COMMA", "COMMA"), ("L_PAREN", "COMMA"), ("SELECT", "COMMA")})
"""What stands side by side in no dialect."""

_CHANGING: Final = frozenset({"DELETE", "INSERT", "MERGE", "UPDATE"})


class Parsed(NamedTuple):
    """A query that could be read: its text, its tokens with the name of each one's kind, and the tree they make."""

    text: str
    dialect: str
    tokens: Sequence[Token]
    kinds: Sequence[str]
    tree: exp.Expression


class Refused(NamedTuple):
    """Where a dialect's parser stops in a text that it certainly can't read."""

    place: int


def dialect_of(definition: str) -> str | None:
    """What sqlglot calls the SQL of a connector's type; None for a type without any."""
    return _DIALECTS.get(definition.casefold())


def pieces(query: str) -> int:
    """How many words and signs a parser would read of a text, at most; none of one that is too long for any."""
    return len(_PIECE.findall(query)) if len(query) <= MAX_LENGTH else 0


def tokenized(query: str, dialect: str) -> list[Token] | None:
    """The tokens of a text; None if it has none, or a bound or the dialect forbids it."""
    import sqlglot  # noqa: PLC0415 - optional, and it costs more than reading a hundred files
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    if len(query) > MAX_LENGTH:
        return None
    # Its warnings would reach stderr through logging, and what is said here of a query is said by the result.
    sqlglot.logger.disabled = True
    try:
        return sqlglot.Dialect.get_or_raise(dialect).tokenize(query) or None
    except (SqlglotError, RecursionError):
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
    # An enum gives its name through Python code: asked once, and not at each look.
    kinds = [token.token_type.name for token in tokens]
    if len(tokens) > MAX_TOKENS or not _is_flat(_steps(tokens, kinds), _types(dialect)):
        return None
    end = len(kinds)
    while end and kinds[end - 1] == "SEMICOLON":
        end -= 1
    body, bare = tokens[:end], kinds[:end]
    if not body or "SEMICOLON" in bare:
        return None
    stop = _gap(bare) if bare[0] in _FIRST else 0
    if stop is not None:
        return Refused(body[stop].start)
    from sqlglot import Dialect, exp  # noqa: PLC0415
    from sqlglot.errors import ErrorLevel, ParseError, SqlglotError  # noqa: PLC0415

    parser = Dialect.get_or_raise(dialect).parser(error_level=ErrorLevel.IMMEDIATE)
    try:
        trees = _with_room(lambda: parser.parse(body, query)) if len(body) > _SHORT else parser.parse(body, query)
    except ParseError as error:
        return Refused(_place(query, error))
    except (SqlglotError, RecursionError):
        return None
    queries = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
    tree = trees[0] if len(trees) == 1 else None
    if isinstance(tree, exp.DML):
        return Refused(next((token.start for token, kind in zip(body, bare, strict=True) if kind in _CHANGING), 0))
    return Parsed(query, dialect, tokens, kinds, tree) if isinstance(tree, queries) else None


def _gap(kinds: Sequence[str]) -> int | None:
    """The index of the token where something is missing in every dialect, though the parser goes on without it."""
    for index, pair in enumerate(pairwise(kinds), 1):
        if pair in _EMPTY:
            return index
    is_name = len(kinds) > 1 and kinds[-2] in {"DOT", "ALIAS"}
    return len(kinds) - 1 if kinds[-1] in _GOING_ON and not is_name else None


def _place(query: str, error: ParseError) -> int:
    """Where a parser stopped: it tells the line, and the column in which the word ends."""
    told = error.errors[0] if error.errors else {}
    line, column = told.get("line") or 1, told.get("col") or 1
    start = 0
    for _ in range(line - 1):
        start = query.find("\n", start) + 1
    return max(0, min(len(query), start + column) - len(told.get("highlight") or " "))


def _with_room(parse: Callable[[], _T]) -> _T:
    """Parse in a thread with a large stack: a compiled parser ends the process where its stack ends."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for long queries alone

    before = threading.stack_size(_STACK)
    try:
        with ThreadPoolExecutor(1) as pool:
            parsing = pool.submit(parse)
    finally:
        threading.stack_size(before)
    return parsing.result()


def _is_flat(names: Sequence[str], types: frozenset[str]) -> bool:
    """Whether brackets, CASE and types of types are nested within the bounds, and pipes and subscripts few enough."""
    counts = Counter(names)
    # `, SELECT` is read by one dialect alone: as a query within a query, without any bracket.
    if counts["PIPE_GT"] > MAX_PIPES or counts["L_BRACKET"] > MAX_BRACKETS or ("COMMA", "SELECT") in pairwise(names):
        return False
    weight = angles = readings = 0
    # Of each open bracket: what closes it, how often what stands here is read, how many joins wait for their condition.
    closing, times, joins = [""], [1], [0]
    before = ""
    for name in names:
        readings += times[-1]
        if name in _CLOSING:
            closing.append(_CLOSING[name])
            times.append(times[-1] * (_TYPE_TIMES if before in types else 1))
            joins.append(0)
        elif name == closing[-1]:
            # A closing sign of another kind closes nothing: `END` can be a name.
            closing.pop()
            times.pop()
            joins.pop()
        elif name in _JOINS and before not in _UNCONDITIONAL:
            times[-1] *= _JOIN_TIMES
            joins[-1] += 1
        elif name in _CONDITIONS and joins[-1]:
            times[-1] //= _JOIN_TIMES
            joins[-1] -= 1
        elif name == "LT" and before in _GENERIC:
            angles += 1
            weight += _TYPE_WEIGHT * angles
        elif name == "GT" and angles:
            angles -= 1
        before = name
        depth = len(times) - 1 + angles
        weight += depth
        if depth > MAX_DEPTH or readings > MAX_READINGS:
            return False
    return weight <= MAX_WEIGHT


def _steps(tokens: Sequence[Token], kinds: Sequence[str]) -> list[str]:
    """The kinds of the tokens; IF, which is known by its text alone, where it's no function."""
    names = list(kinds)
    for index, (kind, after) in enumerate(pairwise(kinds)):
        if kind == "VAR" and after != "L_PAREN" and tokens[index].text.upper() == "IF":
            names[index] = "IF"
    return names


@lru_cache
def _types(dialect: str) -> frozenset[str]:
    """The kinds of tokens that name a type to the dialect's parser; a name in quotes can, too."""
    from sqlglot import Dialect  # noqa: PLC0415

    return frozenset({"IDENTIFIER", *(kind.name for kind in Dialect.get_or_raise(dialect).parser_class.TYPE_TOKENS)})
