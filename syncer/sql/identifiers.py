"""How each database folds the case of a name that isn't quoted."""

from __future__ import annotations

from typing import Final

_UPPER: Final = frozenset({"snowflake", "oracle"})
_LOWER: Final = frozenset({"postgres", "redshift"})


def folded(name: str, dialect: str) -> str:
    """The name as the database keeps it; as it's written where databases keep that, or nobody can be sure.

    >>> folded("Email", "snowflake"), folded("Email", "postgres"), folded("Email", "bigquery")
    ('EMAIL', 'email', 'Email')
    """
    if not name.isascii():
        return name
    return name.upper() if dialect in _UPPER else name.lower() if dialect in _LOWER else name
