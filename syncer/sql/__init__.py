"""Queries: the one door to sqlglot, and what a text tells of what it means. Pure; sqlglot is optional.

It is imported inside functions alone, when there is a query to look at: a run without one doesn't pay for it, and one
without the extra `sql` gets None, which means that nobody knows, never that nothing changed. Queries come from
strangers' pull requests, so work on them is bounded (`parsing`). Where sqlglot itself fails, because it's broken, of
another version, or has no answer to some text, that is UncheckedError and never None.

parsing             a text into sqlglot's tree, within bounds
formatting          whether two texts mean the same
output_columns      the columns that a query returns
identifiers         when two spellings are one name
lexing              what is code, text, name or comment in a query, without sqlglot
plain_queries       which texts are SQL for certain, without sqlglot
unreadable_queries  which texts no dialect can read
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from syncer.errors import SyncerError
from syncer.model import Columns
from syncer.sql import unreadable_queries
from syncer.sql.formatting import form, is_same
from syncer.sql.lexing import Around, Kind, around, is_after, is_code, kind_at, readings, separators
from syncer.sql.output_columns import Output, outputs, spellings
from syncer.sql.parsing import MAX_PIECES, dialect_of, parsed, pieces
from syncer.sql.unreadable_queries import READERS, Unread

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

__all__ = [
    "MAX_PIECES",
    "READERS",
    "Around",
    "Kind",
    "UncheckedError",
    "around",
    "check",
    "columns",
    "compare",
    "effort",
    "is_after",
    "is_available",
    "is_code",
    "is_lost",
    "is_plain",
    "kind_at",
    "readings",
    "separators",
    "unread",
]


class UncheckedError(SyncerError):
    """Why nobody can tell what queries return, where that isn't the query's fault; the hint says what helps."""


@contextmanager
def _working() -> Iterator[None]:
    """Turn whatever sqlglot raises, or can't be imported for, into UncheckedError."""
    try:
        yield
    except Exception as error:
        what = f"sqlglot, which reads queries, failed ({type(error).__name__})"
        raise UncheckedError(
            what, "another version of it may do: pip install --upgrade 'ai-squared-syncer[sql]'"
        ) from error


def check() -> None:
    """See that sqlglot is there and can be imported. Raises UncheckedError."""
    if not is_available():
        raise UncheckedError("the extra sql is not installed", "pip install 'ai-squared-syncer[sql]'")
    with _working():
        import sqlglot  # noqa: F401, PLC0415 - to see whether that works


def is_available() -> bool:
    """Whether the extra `sql` is installed; it isn't imported for that."""
    try:
        return find_spec("sqlglot") is not None
    except ValueError:  # what is hidden from imports has no spec
        return False


@_working()
def compare(before: str, after: str, definition: str) -> Columns | None:
    """What a change of a query does to its columns; None where either text can't be understood. Raises UncheckedError.

    `definition` is the connector's type, under the API's own name. Names are spelt as `after` spells them, where the
    database takes both spellings for one.
    """
    dialect = dialect_of(definition) if is_available() else None
    if dialect is None:
        return None
    old = parsed(before, dialect)
    new = parsed(after, dialect) if old is not None else None
    if old is None or new is None:
        return None
    olds, news = outputs(old.tree, dialect), outputs(new.tree, dialect)
    names = spellings(news or (), olds or ())

    def called(some: Iterable[Output]) -> tuple[str, ...]:
        return tuple(names[output.key] for output in some)

    before_names = None if olds is None else called(olds)
    after_names = None if news is None else called(news)
    if is_same(old, new):
        return Columns(before_names, after_names, is_formatting=True)
    if olds is None or news is None:
        return Columns(before_names, after_names)
    removed, added = _beyond(olds, news), _beyond(news, olds)
    renamed = _renamed(olds, news, dialect)
    came = set(renamed.values())
    return Columns(
        before_names,
        after_names,
        called(output for output in added if output not in came),
        called(output for output in removed if output not in renamed),
        tuple((names[old.key], names[new.key]) for old, new in renamed.items()),
    )


def effort(queries: Iterable[str], definition: str) -> int:
    """How many words and signs are read to look at these queries; none where no dialect of the connector is known."""
    with suppress(UncheckedError), _working():
        return sum(map(pieces, queries)) if dialect_of(definition) is not None else 0
    return 0


@_working()
def is_lost(before: str, after: str, definition: str) -> bool:
    """Whether the old text could be read and the new one can't, so that nobody knows its columns any more.

    Raises UncheckedError.
    """
    dialect = dialect_of(definition) if is_available() else None
    return dialect is not None and parsed(before, dialect) is not None and parsed(after, dialect) is None


def is_plain(query: str) -> bool:
    """Whether it certainly is a query that every database can read; False where that isn't known."""
    from syncer.sql import plain_queries  # noqa: PLC0415 - its patterns take longer to compile than ten files to read

    return plain_queries.is_plain(query)


def unread(query: str) -> Unread | None:
    """Why no dialect that the text may be of can read it; None where one can, or nobody knows."""
    with suppress(UncheckedError), _working():
        return unreadable_queries.unread(query)
    return None


@_working()
def columns(query: str, definition: str) -> tuple[str, ...] | None:
    """The names of a query's output columns as they are written; None where its text doesn't tell.

    Raises UncheckedError.
    """
    dialect = dialect_of(definition) if is_available() else None
    query_parsed = parsed(query, dialect) if dialect is not None else None
    found = outputs(query_parsed.tree, query_parsed.dialect) if query_parsed is not None else None
    return None if found is None else tuple(output.name for output in found)


def _beyond(some: Sequence[Output], others: Sequence[Output]) -> list[Output]:
    """Those whose name the others don't have, or have less often."""
    left = Counter(output.key for output in others)
    found = []
    for output in some:
        left[output.key] -= 1
        if left[output.key] < 0:
            found.append(output)
    return found


def _renamed(olds: Sequence[Output], news: Sequence[Output], dialect: str) -> dict[Output, Output]:
    """The old and the new output of what is the same expression, where it stands once on either side."""
    before, after = {output.key for output in olds}, {output.key for output in news}
    gone, came = ([one for one in olds if one.key not in after], [one for one in news if one.key not in before])
    if not _single(gone, dialect).keys() & _single(came, dialect).keys():
        # Then the forms of all others, which take as long as parsing does, tell nothing.
        return {}
    old_forms, new_forms = _single(olds, dialect), _single(news, dialect)
    pairs = [(old, new_forms[key]) for key, old in old_forms.items() if key in new_forms]
    return {old: new for old, new in pairs if old.key not in after and new.key not in before}


def _single(some: Sequence[Output], dialect: str) -> dict[Hashable, Output]:
    """The outputs by their expressions' form, those that have theirs for themselves."""
    times = Counter(id(output.expression) for output in some)
    by_form: dict[Hashable, list[Output]] = {}
    for output in some:
        # A star over a star can stand for one expression a thousand times: it's looked at once, or not at all.
        if times[id(output.expression)] == 1:
            by_form.setdefault(form(output.expression, dialect), []).append(output)
    return {key: alike[0] for key, alike in by_form.items() if len(alike) == 1}
