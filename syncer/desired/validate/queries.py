"""Queries: what the server refuses, what makes a sync fail, what no database can read, and where that is. Pure."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from syncer import sql
from syncer.desired.validate.finding import Finding, Spot, own_values, quoted
from syncer.desired.validate.secrets import ROTATE
from syncer.desired.validate.values import has_signs
from syncer.model import LFS_POINTER, SQL_TYPES, SYNCED_TYPES, Origin
from syncer.secrets import CREDENTIAL, SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncer.model import Document, Path, Place, TextFile

_BLANKS: Final = r"[ \t\r\f\v]*+"
_LIMIT_AT_LINE_END: Final = re.compile(
    rf"(?:LIMIT|O(?:FF|\ufb00)[S\u017f]ET)(?:[ \t\r\f\v]++[0-9]*+)?+{_BLANKS};?+{_BLANKS}(?=\n|\Z)",
    re.IGNORECASE | re.ASCII,
)
r"""The server's own rule, `/\b(?:LIMIT|OFFSET)\b\s*\d*\s*;?\s*$/i` with Ruby's `$` before every line end, said in
linear time: of three runs of white space that may each be the longest, the first line end settles the match. To Ruby's
`/i` the long s and the ligature ff are letters of OFFSET; its `\b` is `_is_of_word`, its `\s` and `\d` are ASCII."""
_WORDS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"})
_LATIN_1: Final = 0xFF
_CIRCLED: Final = (range(0x24B6, 0x24EA), range(0x1F130, 0x1F14A), range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A))
"""The letters in circles and squares."""

INNER_LIMIT: Final = re.compile(r"LIMIT [0-9]+", re.IGNORECASE | re.ASCII)
"""What the server looks for, anywhere, before it pages through a query's rows."""

_TABLE: Final = re.compile(r"""\s*(?i:SELECT)\s+\*\s+FROM\s+(?:[^\s;"'`(\[]|"[^"]*"|`[^`]*`|\[[^\]]*\])+\s*""")
_MARK: Final = re.compile(r"^([ \t]*+)(?:(<{7}|>{7}|\|{7})(?= |\r?$)|(={7})(?=[ \t\r]*$))", re.MULTILINE)
"""A line that git writes into a file that it can't merge."""
_TEMPLATE: Final = re.compile(r"\{[{%#]")
_BRACE: Final = re.compile(r"[{}]")
_TABLES: Final = re.compile(r"\{\{-?\s*(?:ref|source)\s*\(")
_WIDEST_TEMPLATE: Final = 1_000
_MAX_MARKS: Final = 1_000
_NEXT: Final = re.compile(r"\w+|\S")
_IS_BLANK: Final = re.compile(r"[^\S\x1c-\x1f]*+")
_BEFORE_QUERY: Final = re.compile(r"(?:[\s;\u200b-\u200d\u2060\ufeff]|(?:--|\#|//)[^\n]*+)*+")
"""What no query begins with: blanks, `;`, and what is a comment in one database and no beginning in any other."""

_NUMBERED: Final = "row_number() OVER (ORDER BY …) AS n inside, and WHERE n <= 10 around it"
_ELEMENTS: Final = (
    "leave LIMIT out and take the elements that you mean: ARRAY_AGG(…)[SAFE_OFFSET(0)] is the first, "
    "UNNEST(…) WITH OFFSET AS n and WHERE n < 10 the first ten"
)
_REWORD: Final = "reword it: the server looks for the words anywhere, whatever they mean there"
_SAME_LINE: Final = "write what comes next on the same line: LIMIT 10)"
_INNER: Final[Mapping[sql.Kind, tuple[str, str]]] = {
    "clause": ("as a clause", f"say it without LIMIT and a number: {_NUMBERED}"),
    "comment": ("in a comment", _REWORD),
    "text": ("in a text", _REWORD),
    "name": ("where a name ends so", "put something between the name and the number, or quote the name"),
    "": ("in it", f"if it's a clause, say it without LIMIT and a number: {_NUMBERED}; otherwise reword it"),
}
"""How an inner LIMIT is told, and what helps, by what it is."""
_AT_LINE_END: Final[Mapping[sql.Kind, str]] = {
    "clause": f"remove it: a sync pages through the rows by itself. To mean some alone, number them: {_NUMBERED}",
    "comment": "reword the comment, or end it in a full stop",
    "text": "let the line of the text end in something else, for example by splitting it: 'limit' || '…'",
    "name": "put on the same line what comes next (the comma, an alias, FROM), or quote the name",
    "": "remove it if it limits the rows: a sync pages through them by itself. "
    "Otherwise let the line end in something else",
}
"""What helps against a LIMIT at a line's end, by what it is."""

_QUERIED: Final = SYNCED_TYPES | SQL_TYPES
"""Query types whose query is run as it's stored."""

_PARAMETER: Final = re.compile(r"(?<!:):[^\W\d]")
"""Where the value of a dynamic_sql model's parameter is put in: it may be any piece of a query."""
MAX_PARSED: Final = 500_000
"""How many characters one run gives to parsers, which read a hundred thousand in a second."""

_MAX_FINDINGS: Final = 20
_LOOK_AHEAD: Final = 50


class Query:
    """One query as it's sent, and where it stands: in a YAML file at `path`, or in an SQL file that is named there."""

    def __init__(
        self, document: Document, path: Path, text: str, file: TextFile | None = None, query_type: object = None
    ) -> None:
        self.text = text
        self.query_type = query_type if isinstance(query_type, str) else ""
        # What is looked for costs ten times as much as this look, and nearly no query has any of it.
        folded = text.casefold()
        self.has_limits = "limit" in folded or "offset" in folded
        self._document = document
        self._path = path
        self._file = file

    @property
    def is_paged(self) -> bool:
        """Whether a sync pages through its rows, as far as that is known here."""
        return not self.query_type or self.query_type in SYNCED_TYPES

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


def query_in(document: Document, given: Mapping[str, Any], sources: Mapping[str, Place]) -> Query | None:
    """The query of the environment whose `Document.effective` is given, if it has one that can be read."""
    name, text, query_type = (given.get(key) for key in ("query_file", "query", "query_type"))
    if isinstance(name, str):
        file = document.files.get(name)
        if file is None:
            return None
        return Query(document, sources["query_file"].path, file.text, file, query_type)
    return Query(document, sources["query"].path, text, None, query_type) if isinstance(text, str) else None


def queries_in(document: Document) -> Iterator[Query]:
    """Every query of the document, at the top and in its environments."""
    for environment, path, given in (
        ("", (), document.data),
        *((name, ("environments", name), own) for name, own in own_values(document.data).items()),
    ):
        query_type = given.get("query_type", document.data.get("query_type"))
        if query_type is None:
            query_type = document.inherited.values(environment)[0].get("query_type")
        if isinstance(given.get("query"), str):
            yield Query(document, (*path, "query"), given["query"], None, query_type)
        file = document.files.get(given["query_file"]) if isinstance(given.get("query_file"), str) else None
        if file is not None:
            yield Query(document, (*path, "query_file"), file.text, file, query_type)


def limits_at_line_end(text: str) -> Iterator[re.Match[str]]:
    """Each LIMIT or OFFSET that the server refuses, with what stands between it and the end of its line."""
    for match in _LIMIT_AT_LINE_END.finditer(text):
        start = match.start()
        if not start or not _is_of_word(text[start - 1]):
            yield match


def _is_of_word(character: str) -> bool:
    """Whether it's part of a word to Ruby: of the superscripts and fractions those of Latin-1 are, and no others."""
    code = ord(character)
    return (
        unicodedata.category(character) in _WORDS
        or (code <= _LATIN_1 and character.isnumeric())
        or any(code in circled for circled in _CIRCLED)
    )


def check_text(query: Query) -> Iterator[Finding]:
    """What is wrong with a query whatever its type: the server applies its rule on every PUT."""
    if query.is_file and has_signs(query.text):
        yield from _check_file(query)
    if (broken := _broken(query)) is not None:
        yield broken
        return
    if not query.has_limits:
        return
    for match in islice(limits_at_line_end(query.text), _MAX_FINDINGS):
        word = quoted(" ".join(match[0].split()))
        yield query.finding(
            "limit-at-line-end",
            f"a line of the query ends in {word}: the server refuses LIMIT and OFFSET at the end of any line, "
            "in comments and as column names too",
            _remedy(query, match),
            match.start(),
            match[0],
        )


def _remedy(query: Query, match: re.Match[str]) -> str:
    """What helps against a LIMIT or OFFSET at a line's end: it depends on what it is, and on who runs the query."""
    index = match.start()
    kind = sql.kind_at(query.text, index)
    if query.query_type == "soql":
        return "remove it: a sync pages through the rows by itself" if kind != "name" else _AT_LINE_END["name"]
    if kind not in {"clause", "name"}:
        return _AT_LINE_END[kind]
    if sql.is_after(query.text, index, "WITH"):
        return "name it on the same line: WITH OFFSET AS position"
    if kind == "clause" and (around := sql.around(query.text, index)):
        if not query.is_paged:
            return _SAME_LINE
        return _ELEMENTS if around == "aggregate" else f"say it without LIMIT: {_NUMBERED}"
    return _AT_LINE_END[kind]


def _broken(query: Query) -> Finding | None:
    """What makes the text no query at all, whatever database reads it."""
    text = query.text
    if LFS_POINTER.match(text):
        return query.finding(
            "lfs-pointer",
            "this is what Git LFS keeps in place of the query, not the query",
            "fetch the file: git lfs pull (in CI, lfs: true at the checkout); or take .sql files out of Git LFS",
        )
    if any(mark in text for mark in ("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
        index = _conflict(text)
        if index is not None:
            return query.finding(
                "merge-conflict",
                "a merge conflict is left in the query: this line is one of its marks",
                "finish the merge: keep the lines that are meant, and remove the marks <<<<<<<, ======= and >>>>>>>",
                index,
                text[index : index + 7],
            )
    return None


def _conflict(text: str) -> int | None:
    """Where the first mark of a conflict is.

    All three of them are one wherever they stand: a comment or a text is merged as any other lines are. A single mark
    may be a line that is drawn there, so it counts outside of them alone.
    """
    begun = middle = None
    for match in _MARK.finditer(text):
        mark = match[2] or match[3]
        if not match[1]:
            if mark[0] == "<":
                begun, middle = match.start(), None
            elif mark[0] == "=" and begun is not None:
                middle = match.start()
            elif mark[0] == ">" and middle is not None:
                return begun
    for match in islice(_MARK.finditer(text), _MAX_MARKS):
        index = match.end(1)
        if all(sql.is_code(reading, index) for reading in sql.readings(text)):
            return index
    return None


def _check_file(query: Query) -> Iterator[Finding]:
    """What `values` says of the texts in a YAML file, for an SQL file."""
    if "\0" in query.text:
        message = "the query has a NUL character in it, which the server's database can't store"
        yield query.finding("nul-character", message, "remove it", query.text.index("\0"))
    for match in islice(CREDENTIAL.finditer(query.text), _MAX_FINDINGS):
        message = "the query has something in it that looks like a credential"
        yield query.finding("secret-in-git", message, f"take it out, {ROTATE}", match.start())


def check_run(query: Query, readers: Readers | None = None) -> Iterator[Finding]:
    """What can be saved, and makes every run fail: of a sync, or of a data app that calls the model."""
    if query.query_type not in _QUERIED or _broken(query) is not None:
        return
    if (unrun := _nothing(query) or _template(query)) is not None:
        yield unrun
        return
    if query.is_paged:
        yield from _check_paging(query)
    if readers is not None:
        yield from readers.check(query)


class Readers:
    """The parsers of one run. There are none without the extra `sql`, and none any more after enough was read."""

    def __init__(self) -> None:
        self._left = MAX_PARSED if sql.is_available() else 0

    def check(self, query: Query) -> Iterator[Finding]:
        """A warning for a query that no dialect can read, at the place where the best of them stops."""
        text = query.text
        if self._left < len(text) or query.query_type not in SQL_TYPES or _IS_BLANK.fullmatch(text):
            return
        if sql.is_plain(text) or (query.query_type == "dynamic_sql" and _PARAMETER.search(text)):
            return
        unread = sql.unread(text)
        # Most queries are read by the first parser; what can't be read was given to all.
        self._left -= len(text) * (1 if unread is None else sql.READERS)
        if unread is None:
            return
        word = _NEXT.match(text, unread.place)
        if unread.statement:
            message = f"this is a statement of its own ({unread.statement}), and no query: no rows come of it"
            hint = "write a query that only reads: SELECT …"
        else:
            at = f"at {quoted(word[0])}" if word else "at its end"
            message = f"no dialect of SQL that syncer knows can read the query: it stops {at}"
            hint = "look there, and just before it, for a word that is mistyped or missing, a comma or a bracket"
        yield query.finding("unreadable-query", message, hint, unread.place, word[0] if word else "")


def _nothing(query: Query) -> Finding | None:
    """Whether no database finds anything to run in it. What is blank altogether is missing, and said to be."""
    text = query.text
    # Nearly every query begins with a word, and then nobody needs to read it.
    rest = _BEFORE_QUERY.sub("", text, count=1)
    if _IS_BLANK.fullmatch(text) or (rest and not rest.startswith("/*")):
        return None
    if any(_BEFORE_QUERY.fullmatch(reading) is None for reading in sql.readings(text)):
        return None
    return query.finding(
        "empty-query",
        "the query is comments, blanks or semicolons alone: there is nothing to run",
        "write the query, or remove the model's file",
    )


def _template(query: Query) -> Finding | None:
    """The first place where a template stands in the code of the query, whatever database reads it."""
    text = query.text
    for match in islice(_TEMPLATE.finditer(text), _MAX_MARKS):
        index = match.start()
        if not all(_is_template(reading, index) for reading in sql.readings(text)):
            continue
        end = text.find({"{": "}}", "%": "%}", "#": "#}"}[match[0][1]], index)
        shown = text[index : end + 2 if end >= 0 else index + _WIDEST_TEMPLATE]
        return query.finding(
            "template",
            f"the query has {quoted(' '.join(shown.split()))} in it: the server renders no templates, "
            "and sends this to the database as it is",
            _rendered(query, shown),
            index,
            shown.partition("\n")[0],
        )
    return None


def _rendered(query: Query, template: str) -> str:
    """What to write in the place of a template."""
    if template.startswith("{#"):
        return "remove it, or write it as a comment of SQL: -- …"
    if _TABLES.match(template):
        return "write the table's own name, or take the query that `dbt compile` makes of it"
    if query.query_type == "dynamic_sql":
        return "write what it stands for; a parameter is written :name"
    return "write what it stands for"


def _is_template(reading: str, index: int) -> bool:
    """Whether what begins in two braces is code, and ends in two: the key of a map can be a struct, `{{'a': 1}: 2}`."""
    if not sql.is_code(reading, index):
        return False
    if reading[index + 1] != "{":
        return True
    depth = 0
    for match in _BRACE.finditer(reading, index, index + _WIDEST_TEMPLATE):
        depth += 1 if match[0] == "{" else -1
        if match[0] == "}" and depth == 1:
            return reading[match.end() : match.end() + 1] == "}"
    return True


def _check_paging(query: Query) -> Iterator[Finding]:
    """What fails in a sync, which puts the query inside another one and pages through its rows."""
    text = query.text
    refused = [match.span() for match in limits_at_line_end(text)] if query.has_limits else []
    limits = {match.start(): match for match in INNER_LIMIT.finditer(text)} if query.has_limits else {}
    for index in islice(_outside(limits, refused), _MAX_FINDINGS):
        yield _inner_limit(query, limits[index])
    for index in islice(_outside(sql.separators(text), refused), _MAX_FINDINGS) if ";" in text else ():
        yield query.finding(
            "semicolon",
            "the query has a `;` in it: a sync puts the query inside another one, which then fails",
            "remove it",
            index,
        )
    if query.query_type == "table_selector" and not _TABLE.fullmatch(text):
        yield query.finding(
            "table-selector-query",
            "a table_selector query is not SELECT * FROM and a table: the UI can't show which table it means",
            "write SELECT * FROM schema.table, or use query_type: raw_sql",
        )


def _inner_limit(query: Query, match: re.Match[str]) -> Finding:
    """What to say of the words: the server looks for them anywhere, so what they are decides what helps."""
    kind = sql.kind_at(query.text, match.start())
    where, hint = _INNER[kind]
    if kind == "clause" and sql.around(query.text, match.start()) == "aggregate":
        hint = _ELEMENTS
    return query.finding(
        "inner-limit",
        f"the query has {quoted(match[0])} {where}: it can be saved, and every run of a sync then fails",
        hint,
        match.start(),
        match[0],
    )


def _outside(indexes: Iterable[int], spans: list[tuple[int, int]]) -> Iterator[int]:
    """The indexes that are in none of the spans; both are in order."""
    at = 0
    for index in indexes:
        while at < len(spans) and spans[at][1] <= index:
            at += 1
        if at == len(spans) or not spans[at][0] <= index:
            yield index


def dynamic_without_query(given: Mapping[str, Any]) -> Iterator[Finding]:
    """A dynamic_sql model that has nothing to run."""
    query = given.get("query")
    if given.get("query_type") == "dynamic_sql" and (query is None or (isinstance(query, str) and not query.strip())):
        yield Finding(
            "dynamic-sql-query",
            "a dynamic_sql model without a query can be saved, and has nothing to run",
            ("query_type",),
            "add query: | and the query below it, or query_file: …",
        )
