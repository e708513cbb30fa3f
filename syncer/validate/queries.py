"""What the server says against a query, and where in the query it is."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from syncer import sql
from syncer.model import CREDENTIAL, SENSITIVE, Origin
from syncer.validate.finding import Finding, Spot, quoted
from syncer.validate.values import ROTATE, has_signs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.model import Document, Path, TextFile

LIMIT_AT_LINE_END: Final = re.compile(
    r"\b(?:LIMIT|OFFSET)\b[ \t\r\f\v]*+(?:[0-9]++[ \t\r\f\v]*+)?(?:;[ \t\r\f\v]*+)?(?=\n|\Z)", re.IGNORECASE | re.ASCII
)
r"""The server's own rule, `/\b(?:LIMIT|OFFSET)\b\s*\d*\s*;?\s*$/i` with Ruby's `$` before every line end, said in
linear time: of three runs of white space that may each be the longest, the first line end settles the match."""

INNER_LIMIT: Final = re.compile(r"LIMIT [0-9]+", re.IGNORECASE | re.ASCII)
"""What the server looks for, anywhere, before it pages through a query's rows."""

_TABLE: Final = re.compile(r"""\s*(?i:SELECT)\s+\*\s+FROM\s+(?:[^\s;"'`(\[]|"[^"]*"|`[^`]*`|\[[^\]]*\])+\s*""")
_SEMICOLON: Final = re.compile(
    r"""'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|`[^`]*(?:`|\Z)|--[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|(?P<it>;)"""
)

_FETCH: Final = "say it without LIMIT and a number: with row_number(), or FETCH FIRST 10 ROWS ONLY"
_REWORD: Final = "reword it: the server looks for the words anywhere, whatever they mean there"
_KINDS: Final[Mapping[sql.Kind, tuple[str, str]]] = {
    "clause": ("as a clause", _FETCH),
    "comment": ("in a comment", _REWORD),
    "text": ("in a text", _REWORD),
    "name": ("where a name ends so", "put something between the name and the number, or quote the name"),
    "": ("in it", _FETCH),
}
"""How an inner LIMIT is told, and what helps, by what it is."""

SYNCED: Final = frozenset({"raw_sql", "dbt", "soql", "table_selector"})
"""Query types whose rows a sync pages through."""

_MAX_FINDINGS: Final = 20
_LOOK_AHEAD: Final = 50


class Query:
    """One query as it's sent, and where it stands: in a YAML file at `path`, or in an SQL file that is named there."""

    def __init__(self, document: Document, path: Path, text: str, file: TextFile | None = None) -> None:
        self.text = text
        # Both patterns cost ten times as much as this look, and nearly no query has either word.
        folded = text.lower()
        self.has_limits = "limit" in folded or "offset" in folded
        self._document = document
        self._path = path
        self._file = file

    @property
    def is_file(self) -> bool:
        """Whether it stands in an SQL file."""
        return self._file is not None

    def finding(self, rule: str, message: str, hint: str, index: int = 0, found: str = "") -> Finding:
        """A finding at the character of that index, where that text was found."""
        return Finding(rule, message, self._path, hint, spot=self._spot(index, found.strip()))

    def _spot(self, index: int, text: str) -> Spot | None:
        row = self.text.count("\n", 0, index)
        start = self.text.rfind("\n", 0, index) + 1
        end = self.text.find("\n", index)
        line = self.text[start : end if end >= 0 else len(self.text)]
        if self._file is not None:
            excerpt = CREDENTIAL.sub(
                SENSITIVE, "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line[:1000])
            )
            return Spot(Origin(self._file.path, row + 1, index - start + 1), excerpt)
        return self._in_yaml(row, line, index - start, text)

    def _in_yaml(self, row: int, line: str, column: int, text: str) -> Spot | None:
        """Where in the YAML file that line of the query is: a block shows it as it is, other styles nearly so."""
        marks, path = self._document.marks, self._document.path
        first, _ = marks.position(self._path)
        content = line.strip()
        # A block's first line stands below its `|`; a quoted or plain value begins where the value does.
        near = (first + 1 + row, first + row, *range(first, first + min(row, _LOOK_AHEAD) + 2))
        for number in near if content else ():
            source = marks.line(number)
            at = source.find(content)
            if at >= 0:
                return Spot(Origin(path, number, at + column - (len(line) - len(line.lstrip())) + 1), source)
        # A folded block joins its lines: one of them ends in what was found, or at least has it.
        for fits in (str.endswith, str.__contains__):
            for number in range(first, first + _LOOK_AHEAD) if text else ():
                source = marks.line(number).rstrip()
                if fits(source, text):
                    return Spot(Origin(path, number, source.rindex(text) + 1), source)
        return None


def check_text(query: Query) -> Iterator[Finding]:
    """What is wrong with a query whatever its type: the server applies its rule on every PUT."""
    if query.is_file and has_signs(query.text):
        yield from _check_file(query)
    if not query.has_limits:
        return
    for match in islice(LIMIT_AT_LINE_END.finditer(query.text), _MAX_FINDINGS):
        word = quoted(" ".join(match[0].split()))
        yield query.finding(
            "limit-at-line-end",
            f"a line of the query ends in {word}: the server refuses LIMIT and OFFSET at the end of any line, "
            "in comments and as column names too",
            "remove it: a sync pages through the rows by itself; to mean some alone, write FETCH FIRST 10 ROWS ONLY",
            match.start(),
            match[0],
        )


def _check_file(query: Query) -> Iterator[Finding]:
    """What `values` says of the texts in a YAML file, for an SQL file."""
    if "\0" in query.text:
        message = "the query has a NUL character in it, which the server's database can't store"
        yield query.finding("nul-character", message, "remove it", query.text.index("\0"))
    for match in islice(CREDENTIAL.finditer(query.text), _MAX_FINDINGS):
        message = "the query has something in it that looks like a credential"
        yield query.finding("secret-in-git", message, f"take it out, {ROTATE}", match.start())


def check_paging(query: Query, query_type: object) -> Iterator[Finding]:
    """What can be saved, and makes every run of a sync fail."""
    if not isinstance(query_type, str) or query_type not in SYNCED:
        return
    text = query.text
    refused = [match.span() for match in LIMIT_AT_LINE_END.finditer(text)] if query.has_limits else []
    limits = {match.start(): match for match in INNER_LIMIT.finditer(text)} if query.has_limits else {}
    for index in islice(_outside(limits, refused), _MAX_FINDINGS):
        yield _inner_limit(query, limits[index])
    for index in islice(_outside(_separators(text), refused), _MAX_FINDINGS) if ";" in text else ():
        yield query.finding(
            "semicolon",
            "the query has a `;` in it: a sync puts the query inside another one, which then fails",
            "remove it",
            index,
        )
    if query_type == "table_selector" and not _TABLE.fullmatch(text):
        yield query.finding(
            "table-selector-query",
            "a table_selector query is not SELECT * FROM and a table: the UI can't show which table it means",
            "write SELECT * FROM schema.table, or use query_type: raw_sql",
        )


def _inner_limit(query: Query, match: re.Match[str]) -> Finding:
    """What to say of the words: the server looks for them anywhere, so what they are decides what helps."""
    where, hint = _KINDS[sql.kind_at(query.text, match.start())]
    return query.finding(
        "inner-limit",
        f"the query has {quoted(match[0])} {where}: it can be saved, and every run of a sync then fails",
        hint,
        match.start(),
        match[0],
    )


def _separators(text: str) -> Iterable[int]:
    """Where the `;` are that end a statement; without the extra `sql`, those outside of quotes and comments."""
    exact = sql.separators(text)
    return (match.start() for match in _SEMICOLON.finditer(text) if match["it"]) if exact is None else exact


def _outside(indexes: Iterable[int], spans: list[tuple[int, int]]) -> Iterator[int]:
    """The indexes that are in none of the spans; both are in order."""
    at = 0
    for index in indexes:
        while at < len(spans) and spans[at][1] <= index:
            at += 1
        if at == len(spans) or not spans[at][0] <= index:
            yield index
