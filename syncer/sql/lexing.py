"""What stands where in a text whose connector isn't known: every large dialect that can read it has its say."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from syncer.sql.parsing import tokenized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot import Token

Kind: TypeAlias = Literal["clause", "comment", "text", "name", ""]

MAX_LENGTH: Final = 40_000
"""Less than what is parsed: it's read five times."""

_FOREIGN: Final = {"snowflake": "`", "bigquery": "$", "redshift": "`", "postgres": "`", "databricks": "$"}
"""What each dialect has outside of texts and names in no query, so that `$$a;b$$` or a name in backticks is another's:
sqlglot would take it for some word."""
_BEFORE_NAME: Final = frozenset({"DOT", "ALIAS"})


def separators_of(query: str) -> list[int] | None:
    """The indexes of every `;` that is one to some dialect; None if none can read the text."""
    found: set[int] | None = None
    for tokens in _readings(query):
        found = (found or set()) | {token.start for token in tokens if token.token_type.name == "SEMICOLON"}
    return None if found is None else sorted(found)


def kind_of(query: str, index: int) -> Kind:
    """What all dialects that can read the text say of the character at `index`; empty if they differ."""
    kinds = {_kind(tokens, index) for tokens in _readings(query)}
    return kinds.pop() if len(kinds) == 1 else ""


@lru_cache(1)
def _readings(query: str) -> tuple[Sequence[Token], ...]:
    """The tokens of each dialect that can read the text; kept, for a query is asked about more than once."""
    if len(query) > MAX_LENGTH:
        return ()
    readings = []
    for dialect, foreign in _FOREIGN.items():
        tokens = tokenized(query, dialect)
        if tokens is not None and not any(foreign in token.text and _is_bare(token) for token in tokens):
            readings.append(tokens)
    return tuple(readings)


def _is_bare(token: Token) -> bool:
    """Whether it's no text and no name in quotes."""
    name = token.token_type.name
    return name not in {"IDENTIFIER", "HINT"} and "STRING" not in name


def _kind(tokens: Sequence[Token], index: int) -> Kind:
    at = bisect_right(tokens, index, key=lambda token: token.start) - 1
    if at < 0 or tokens[at].end < index:
        return "comment"
    name = tokens[at].token_type.name
    if name == "HINT":
        return "comment"
    if "STRING" in name:
        return "text"
    return "clause" if name == "LIMIT" and (at == 0 or tokens[at - 1].token_type.name not in _BEFORE_NAME) else "name"
