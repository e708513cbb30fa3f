"""Queries: what a text tells of its columns, what is formatting alone, and that no text is too much."""

# ruff: noqa: S608 - no database ever sees these

from __future__ import annotations

import re
import subprocess
import sys
from types import FunctionType
from typing import TYPE_CHECKING

import pytest
from honest_queries import QUERIES
from hypothesis import example, given
from hypothesis import strategies as st
from sql_pairs import BIGQUERY, DATABRICKS, PAIRS, POSTGRES, REDSHIFT, SNOWFLAKE, Pair, words
from sqlglot.parser import Parser

from syncer import sql
from syncer.model import Columns
from syncer.sql import parsing
from syncer.sql.lexing import MAX_LENGTH as MAX_LEXED
from syncer.sql.lexing import MAX_SPANS
from syncer.sql.parsing import DIALECTS, MAX_DEPTH, MAX_LENGTH, MAX_TOKENS, parsed
from syncer.sql.plain_queries import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGE = {
    "Snowflake": SNOWFLAKE,
    "Bigquery": BIGQUERY,
    "Redshift": REDSHIFT,
    "Postgresql": POSTGRES,
    "Databricks": DATABRICKS,
}
DEFINITIONS = [*LARGE, "AwsAthena", "Clickhouse", "MariaDB", "Oracle", "WatsonxData", "AmazonS3"]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.definition}: {pair.name}")
def test_what_a_change_does_is_said_in_words(pair: Pair) -> None:
    """Each change of the table is told as what it is: formatting, columns, or something that isn't in the columns."""
    assert words(sql.compare(pair.before, pair.after, pair.definition)) == pair.expected


def test_a_comparison_is_one_value() -> None:
    """Names stand in the query's order; a renamed column is neither added nor removed; two of a name stay two."""
    before = "SELECT z, id, email AS mail, x, id FROM t"
    after = "SELECT id, email AS address, y, id, a FROM t"

    assert sql.compare(before, after, "Postgresql") == Columns(
        before=("z", "id", "mail", "x", "id"),
        after=("id", "address", "y", "id", "a"),
        added=("y", "a"),
        removed=("z", "x"),
        renamed=(("mail", "address"),),
    )


@pytest.mark.parametrize(
    ("definition", "query", "names"),
    [
        ("Postgresql", "SELECT t.email, lower(a) AS low FROM t", ("email", "low")),
        ("Postgresql", "WITH x AS (SELECT 1 AS a) SELECT a, 2 b FROM x", ("a", "b")),
        ("Postgresql", "WITH x (p, q) AS (SELECT 1, 2) SELECT * FROM x", ("p", "q")),
        ("Postgresql", "WITH RECURSIVE x (n) AS (SELECT 1 UNION SELECT n + 1 FROM x) SELECT * FROM x", ("n",)),
        ("Postgresql", "WITH RECURSIVE x AS (SELECT * FROM x) SELECT * FROM x", None),
        ("Postgresql", "SELECT * FROM (VALUES (1, 2)) AS v (a, b)", ("a", "b")),
        ("Postgresql", "SELECT * FROM (VALUES (1, 2)) AS v (a)", None),
        ("Postgresql", "(SELECT a FROM t)", ("a",)),
        ("Postgresql", "SELECT a FROM t UNION ALL (SELECT b FROM u) EXCEPT SELECT c FROM v", ("a",)),
        ("Postgresql", "SELECT a, a, count(*), b::int, CAST(c AS text) FROM t", ("a", "a", "count", "b", "c")),
        ("Postgresql", "SELECT a + 1 FROM t", None),
        ("Postgresql", "SELECT * FROM t", None),
        ("Postgresql", "SELECT t.*, a FROM t", None),
        ("Postgresql", "WITH x AS (SELECT 1 AS a) SELECT * FROM x JOIN y USING (a)", None),
        ("Postgresql", "WITH x AS (SELECT 1 AS a) SELECT * FROM public.x", None),
        ("Snowflake", "SELECT a::int FROM t", None),
        ("Snowflake", "SELECT count(*) FROM t", None),
        ("Snowflake", 'SELECT a AS "x y" FROM t', ("x y",)),
        ("Snowflake", "SELECT a FROM t UNION ALL BY NAME SELECT b FROM u", None),
        ("Snowflake", "WITH x AS (SELECT 1 AS a) SELECT * RENAME a AS b FROM x", None),
        ("Snowflake", "SELECT * FROM (SELECT a, b FROM t) PIVOT (SUM(a) FOR b IN ('q'))", None),
        ("Snowflake", "SELECT 1 AS a; SELECT 2 AS b", None),
        ("Bigquery", "SELECT a.b.c.d.e FROM a", ("e",)),
        ("Bigquery", "SELECT AS STRUCT a, b FROM t", None),
        ("Bigquery", "SELECT * REPLACE (1 AS a) FROM (SELECT a FROM t)", None),
        ("Databricks", "SELECT stack(1, 2, 3) AS (a, b)", None),
        ("Databricks", "SELECT id FROM t LATERAL VIEW explode(a) AS b", ("id",)),
        ("Oracle", "SELECT a FROM t", ("a",)),
        ("MariaDB", "SELECT `a b` FROM t", ("a b",)),
        ("Clickhouse", "SELECT toDate(a) AS d FROM t FINAL", ("d",)),
        ("Http", "SELECT a FROM t", None),
        ("Postgresql", "DELETE FROM t", None),
        ("Postgresql", "SHOW TABLES", None),
        ("Postgresql", "", None),
        ("Postgresql", ";", None),
    ],
)
def test_columns_are_told_or_not_at_all(definition: str, query: str, names: tuple[str, ...] | None) -> None:
    """All the output columns in order, by the names that the database gives; None as soon as one can't be told."""
    assert sql.columns(query, definition) == names


@pytest.mark.parametrize(
    ("definition", "before", "after"),
    [
        ("Postgresql", "SELECT N'a' AS x", "SELECT N'A' AS x"),
        ("Postgresql", "SELECT 'a  b' AS x", "SELECT 'a b' AS x"),
        ("Postgresql", "SELECT 'a'\n'b' AS x", "SELECT 'a' 'b' AS x"),
        ("Postgresql", "SELECT a || b AS x FROM t", "SELECT concat(a, b) AS x FROM t"),
        ("Postgresql", "SELECT a / b AS x FROM t", "SELECT a // b AS x FROM t"),
        ("Postgresql", "SELECT user AS x", 'SELECT "user" AS x'),
        ("Postgresql", "SELECT a FROM t WHERE a IN (SELECT 1)", "SELECT a FROM t WHERE a IN ((SELECT 1))"),
        ("Postgresql", "SELECT a - (b - c) AS x FROM t", "SELECT a - b - c AS x FROM t"),
        ("Postgresql", "SELECT /*+ SeqScan(t) */ a FROM t", "SELECT a FROM t"),
        ("Postgresql", "/*+ SeqScan(t) */ SELECT a FROM t", "SELECT a FROM t"),
        ("Postgresql", "SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS FIRST"),
        ("Postgresql", "SELECT a FROM t -- x\n", "SELECT a FROM t -- LIMIT 10 x\n"),
        ("Postgresql", "SELECT a FROM t", "SELECT a FROM t;"),
        ("Postgresql", "SELECT a\xa0FROM t", "SELECT a FROM t"),
        ("Postgresql", "SELECT a @- b AS x FROM t", "SELECT a @ -b AS x FROM t"),
        ("Postgresql", "SELECT a FROM t WHERE a <@ b", "SELECT a FROM t WHERE a < @ b"),
        ("Snowflake", "SELECT date_trunc('month', a) AS x", "SELECT trunc(a, 'month') AS x"),
        ("Snowflake", "SELECT a::number AS x", "SELECT a::decimal AS x"),
        ("Snowflake", "SELECT * FROM (SELECT a+b FROM t)", "SELECT * FROM (SELECT a + b FROM t)"),
        ("Snowflake", "SELECT a FROM t", "SELECT a FROM T1"),
        ("Bigquery", "SELECT a FROM `p.D.t`", "SELECT a FROM `p.d.t`"),
        ("Bigquery", "SELECT a FROM p.D.t", "SELECT a FROM p.d.t"),
        ("Bigquery", "SELECT a.Name FROM a", "SELECT a.name FROM a"),
        ("Bigquery", r"SELECT r'\n' AS x", r"SELECT '\n' AS x"),
        ("Redshift", "SELECT getdate() AS x", "SELECT current_timestamp AS x"),
        ("MariaDB", "SELECT 5--1 AS x", "SELECT 5 AS x"),
        ("MariaDB", "SELECT 1 /*!50000 + 1 */ AS x", "SELECT 1 AS x"),
        ("Clickhouse", "SELECT toDate(a) AS x", "SELECT todate(a) AS x"),
        ("Oracle", "SELECT --+ FULL(t)\n a FROM t", "SELECT a FROM t"),
    ],
)
def test_what_could_change_a_row_is_no_formatting(definition: str, before: str, after: str) -> None:
    """What a database may read differently isn't called formatting, though it looks alike or its tree does."""
    compared = sql.compare(before, after, definition)

    assert compared is None or not compared.is_formatting


@pytest.mark.parametrize(
    ("definition", "query"),
    [
        ("Snowflake", "select a from t group by all order by a desc nulls last"),
        ("Snowflake", "select iff(a, b, c) as d from t qualify rank() over (order by a) = 1"),
        ("Bigquery", "select array_agg(A ignore nulls order by B) as Z from unnest([1]) as A with offset as O"),
        ("Bigquery", "select date_trunc(D, month) as M, safe_cast(A as int64) as Y, from T left join U using (A)"),
        ("Redshift", "select sum(a) over (order by b rows between unbounded preceding and current row) as s from t"),
        (
            "Redshift",
            "select dateadd(day, 1, d) as e, extract(year from d) as y, a::int as b, current_date as f from t",
        ),
        (
            "Postgresql",
            "select distinct cast(a as decimal(10,2)) as b, interval '1 day' as c from t full outer join u on true",
        ),
        (
            "Databricks",
            "select case when A then B else C end as D from T cross join U where A not like 'x' union all select null",
        ),
    ],
)
def test_keywords_have_no_case(definition: str, query: str) -> None:
    """Keywords, functions and units in capitals are the same ones."""
    loud = re.sub(r"'[^']*'|\w+", lambda match: match[0] if match[0][0] == "'" else match[0].upper(), query)

    assert words(sql.compare(query, loud, definition)) == "formatting"


_PIECE = re.compile(r"(?i:order|partition|group) (?i:by)|'[^']*'|\"[^\"]*\"|`[^`]*`|\s+|\w+|.", re.DOTALL)


@given(st.sampled_from(sorted(LARGE)), st.data())
def test_another_layout_is_formatting(definition: str, data: st.DataObject) -> None:
    """White space, comments and the case of keywords are nobody's: whatever is done to them, it's formatting."""
    keywords = {
        "select",
        "from",
        "as",
        "where",
        "join",
        "using",
        "on",
        "qualify",
        "and",
        "left",
        "outer",
    }
    spaces = st.sampled_from([" ", "\n", "\t ", "\n\n", " -- é; '\n", ' /* a " b */ '])
    query = LARGE[definition]
    pieces = []
    for piece in _PIECE.findall(query):
        if piece.isspace():
            pieces.append(data.draw(spaces))
        elif piece.lower() in keywords or piece.lower().endswith(" by"):
            pieces.append(data.draw(st.sampled_from([piece.lower(), piece.upper(), piece.title()])))
        else:
            pieces.append(piece)
    compared = sql.compare(query, "".join(pieces), definition)

    columns = sql.columns(query, definition)
    assert compared == Columns(columns, columns, is_formatting=True)


_WORDS = st.sampled_from([
    *"()[]{};,.*'\"`$:?@#/\\-+=<>|\n", "SELECT", "FROM", "WITH", "AS", "x", "1", "UNION", "CASE", "END", "--", "/*", "*/", "/*+", "$$",
    "::", "LIMIT 1", "VALUES", "PIVOT", "SET", "SHOW", "CREATE", "UNNEST", "STRUCT<", "r'", "é", "\0", "\ud800", "JOIN", "BEGIN",
])  # fmt: skip


@given(st.text(max_size=30) | st.lists(_WORDS, max_size=25).map(" ".join), st.sampled_from(DEFINITIONS))
def test_no_text_makes_it_raise(text: str, definition: str) -> None:
    """Any text whatever gets an answer from each function; compared with itself it has no other columns."""
    compared = sql.compare(text, text, definition)
    found = sql.separators(text)

    assert compared is None or (
        compared.is_formatting and compared.before == compared.after == sql.columns(text, definition)
    )
    assert all(text[index] == ";" for index in found)
    assert all(len(reading) == len(text) for reading in sql.readings(text))
    assert not text or sql.kind_at(text, len(text) // 2) in {"clause", "comment", "text", "name", ""}


HOSTILE: dict[str, str] = {
    "too long": "SELECT '" + "a" * MAX_LENGTH + "' AS x",
    "too many words": "SELECT " + "a," * MAX_TOKENS + "a",
    "brackets": "SELECT " + "(" * 40_000 + "1" + ")" * 40_000,
    "open brackets": "SELECT " + "(" * 90_000,
    "a level too deep": "SELECT " + "f(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
    "queries in queries": "SELECT 1 FROM " + "(SELECT 1 FROM " * 3_000 + "t" + ")" * 3_000,
    "CASE in CASE": "SELECT " + "CASE WHEN 1 THEN " * 3_000 + "1" + " END" * 3_000,
    "what trebles with each level": "SELECT " + "ARRAY[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1),
    "what trebles, in brackets": "SELECT " + "STRUCT(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1),
    "a little of it, often": "SELECT " + "ARRAY[ARRAY[ARRAY[ARRAY[1]]]]," * 1_000 + "1",
    "a little of what is copied, often": f"SELECT {', '.join(['(SELECT 1 FROM ' * 8 + 't' + ')' * 8] * 300)}",
    "types of types": "SELECT " + "CAST(a AS ARRAY<ARRAY<ARRAY<ARRAY<INT>>>>), " * 500 + "1",
    "FROM FROM": "FROM " * 19_000,
    "IF IF": "SELECT " + "IF " * 19_000,
    "PRIOR PRIOR": "SELECT " + "PRIOR " * 19_000,
    "joins without a condition": "SELECT a FROM t " + "JOIN x " * 400,
    "queries without brackets": "SELECT a FROM t, " * 400 + "SELECT 1",
    "types in quotes": "SELECT " + '"INT"(' * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1),
    "minus minus": "SELECT 1 " + "- " * 10_000,
    "NOT NOT": "SELECT " + "NOT " * 15_000 + "a",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_too_much_is_not_understood(name: str) -> None:
    """A text beyond a bound gets no answer, after work that doesn't grow with what it would cost."""
    assert sql.compare("SELECT 1 AS x", HOSTILE[name], "Snowflake") is None
    assert sql.columns(HOSTILE[name], "Databricks") is None


_CHAINED = st.sampled_from([
    "SELECT", "FROM", "JOIN", "LEFT JOIN x", "ON", "x", "1", ",", "(", "[", "f(", "INT(", "ARRAY[", "STRUCT(", "MAP(", "DECIMAL(", "CAST(",
    '"int"(', "NOT", "CASE WHEN", "END", "(SELECT", "FROM (", "IN (", "INTERVAL", "LATERAL", "UNION", "->", "::INT", "|> WHERE", "WITH x AS (",
])  # fmt: skip


@given(st.lists(_CHAINED, min_size=1, max_size=4), st.sampled_from([6, 12, 24]), st.sampled_from(DEFINITIONS))
@example(["(SELECT", *["IF"] * 24], 1, "Oracle")
def test_what_is_parsed_is_parsed_in_bounded_steps(unit: list[str], times: int, definition: str) -> None:
    """What a text is estimated to cost is no less than what it costs, whatever is chained or nested."""
    if not isinstance(Parser._advance, FunctionType):
        pytest.skip("a compiled parser can't be watched; it's of the same source")
    steps, advance = 0, Parser._advance

    def counted(self: Parser, times: int = 1) -> None:
        nonlocal steps
        steps += 1
        assert steps <= 8 * 2_000
        advance(self, times)

    closing = "".join(
        {"(": ")", "[": "]"}.get(piece[-1], " END" if "CASE" in piece else "") for piece in reversed(unit)
    )
    text = f"SELECT {' '.join(unit * times)} 1 {closing * times}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parsing, "MAX_READINGS", 2_000)
        patched.setattr(Parser, "_advance", counted)
        try:
            parsed(text, str(parsing.dialect_of(definition)))
        except (AttributeError, TypeError):
            # sqlglot's own mistakes about what is no SQL.
            return


def test_a_chain_of_stars_has_an_end() -> None:
    """Each link doubles the columns: beyond a bound nobody counts, and what one expression became isn't compared anew."""

    def chain(links: int) -> str:
        doubled = "".join(f", a{n} AS (SELECT *, * FROM a{n - 1})" for n in range(1, links))
        return f"WITH a0 AS (SELECT {'b + ' * 3_000}1 AS x){doubled} SELECT * FROM a{links - 1}"

    assert len(sql.columns(chain(10), "Postgresql") or ()) == 512
    assert words(sql.compare(chain(10), chain(10).replace("AS x", "AS y"), "Postgresql")).startswith("added y, y")
    assert sql.columns(chain(60), "Postgresql") is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t WHERE " + " AND ".join(f"a <> {n}" for n in range(3_000)),
        "SELECT a FROM t WHERE a IN (" + ", ".join(map(str, range(9_000))) + ")",
        " UNION ALL ".join(["SELECT a FROM t"] * 1_500),
        "WITH " + ", ".join(f"a{n} AS (SELECT 1 AS a)" for n in range(1_500)) + " SELECT a FROM a7",
    ],
    ids=["AND", "IN", "UNION", "WITH"],
)
def test_long_is_not_hostile(query: str) -> None:
    """A long query that is only long is understood: its columns, and what is formatting in it."""
    expected = Columns(("a",), ("a",), is_formatting=True)

    assert sql.compare(query, query.replace(" a ", "  a "), "Snowflake") == expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT 1", []),
        ("SELECT 1;", [8]),
        ("SELECT ';'; SELECT 2", [10]),
        ("SELECT $$a;b$$", []),
        ("SELECT $t$a;b$t$", [11]),
        (r"SELECT 'a\';b'", []),
        (r"SELECT 'a\';b", [11]),
        ("SELECT `a;b`", []),
        ('SELECT "a;b"', []),
        ("SELECT 1 -- a; b", []),
        ("SELECT /* ; */ 1;", [16]),
        ("SELECT /* a /* ; */ b; */ 1", [21]),
        ("SELECT q'[a;b]' FROM dual; x", [25]),
        ("SELECT r'a\\', ';' FROM t", []),
        ("SELECT 1 # a; b", [12]),
        ("SELECT `1` # a; b", [14]),
        ('SELECT """a " ; b""" FROM `t`', []),
        ("SELECT /*! 1; */ `x`", [12]),
        ("SELECT '", []),
        ("SELECT 1; '", [8]),
        ("", []),
    ],
)
def test_a_separator_is_what_any_database_takes_for_one(query: str, found: list[int]) -> None:
    """Not within texts, names and comments; where databases differ, it's told rather than missed."""
    assert sql.separators(query) == found


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT (SELECT 1 LIMIT 10) x", "clause"),
        ("SELECT 1 -- limit 5 is too few\nx", "comment"),
        ("SELECT /* limit 5 */ x", "comment"),
        ("/* limit 5 */ SELECT x", "comment"),
        ("SELECT /*+ limit 5 */ x", "comment"),
        ("SELECT 'limit 5' x", "text"),
        ("SELECT $$limit 5$$ x", "text"),
        ("SELECT credit_limit 5 x", "name"),
        ("SELECT `a limit 5` x", "name"),
        ("SELECT t.limit 5 x", "name"),
        ('SELECT "limit 5" x', ""),
        ("SELECT 'limit 5", ""),
    ],
)
def test_what_stands_somewhere_is_told(query: str, kind: str) -> None:
    """A clause, a comment, a text or a name; nothing where databases differ or none can read it."""
    match = re.search(r"limit \d", query, re.IGNORECASE)

    assert match is not None
    assert sql.kind_at(query, match.start()) == kind


def test_a_long_text_is_read_in_part() -> None:
    """Beyond the bounds nobody says what is code, and what isn't."""
    far, many = "SELECT 1 " + " " * MAX_LEXED + ";", "'' " * MAX_SPANS + ";"

    assert sql.separators(far) == sql.separators(many) == []
    assert sql.kind_at(far, len(far) - 1) == sql.kind_at(many, len(many) - 1) == ""
    assert sql.separators(far[:9] + ";" + far[10:]) == [9]


def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)


def test_without_the_extra_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sqlglot isn't installed every function says so, in its own way."""
    assert sql.is_available()
    hidden(monkeypatch)

    assert not sql.is_available()
    assert sql.compare("SELECT 1 AS a", "SELECT 1 AS a", "Snowflake") is None
    assert sql.columns("SELECT 1 AS a", "Snowflake") is None


def test_nothing_reaches_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """What sqlglot logs of what it can't read is seen by nobody."""
    for query in ("WITH a AS (CREATE FOO BAR) SELECT 1", "SELECT a -> '$[' AS b FROM t", "WITH a AS (SHOW x) SELECT 1"):
        for definition in DEFINITIONS:
            sql.compare(query, query, definition)

    assert capfd.readouterr() == ("", "")


def _imports(statement: str) -> bool:
    code = f"import sys; {statement}; print('sqlglot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = run.stdout.splitlines()[-1]
    assert told in {"True", "False"}
    return told == "True"


def test_it_is_imported_for_a_query_alone() -> None:
    """Knowing that it's there, or importing the rooms that could ask it, imports no sqlglot; a query does."""
    told = "sql.is_available(); sql.compare('SELECT 1', 'SELECT 2', 'Http')"
    assert not _imports(f"from syncer import sql; from syncer.desired import validate; {told}")
    assert _imports("from syncer import sql; sql.compare('SELECT 1', 'SELECT 2', 'Snowflake')")


def test_plain_queries_cost_no_import(tmp_path: Path) -> None:
    """Validating queries that are plain SQL imports no sqlglot, whatever else is said of them; one that isn't does."""
    model = "name: A\nconnector_id: 1\nquery_type: raw_sql\nprimary_key: id\nquery: SELECT id FROM t"
    (tmp_path / "models").mkdir()
    check = f"from syncer.cli.main import main; main(['validate', '--chdir', {str(tmp_path)!r}])"

    (tmp_path / "models" / "a.yaml").write_text(f"{model} -- LIMIT 1; x\n")
    assert not _imports(check)
    (tmp_path / "models" / "a.yaml").write_text(f"{model} WHERE a[1] > 1\n")
    assert _imports(check)


_CORE = st.sampled_from([
    *"()*,.=<+-'", "SELECT", "FROM", "WHERE", "AS", "a", "b.c", "1", "'x'", "JOIN", "ON", "GROUP BY", "ORDER BY", "AND",
    "NOT", "IN", "CASE", "WHEN", "THEN", "END", "f(", "count(*)", "OVER (", "PARTITION BY", "DESC", "UNION ALL", "WITH",
    "DISTINCT", "IS", "NULL", "SELECT a FROM t", "(SELECT 1)", "::int",
])  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a b.c",
        "SELECT a 1",
        "SELECT a FROM t b.c",
        "SELECT a FROM t AS",
        "SELECT f(x) g(x)",
        "SELECT DISTINCT DISTINCT a",
    ],
)
def test_what_only_looks_plain_is_not(query: str) -> None:
    """What stands behind an operand is its alias, and that has one part; DISTINCT stands once."""
    assert not is_plain(query)
    assert is_plain('SELECT DISTINCT a b, count(DISTINCT t.c) AS "d", f(x) g FROM s.t AS u JOIN v USING (id)')


@given(st.lists(_CORE, max_size=9).map(" ".join).map("SELECT {}".format))
def test_what_is_plain_can_be_read(query: str) -> None:
    """What is recognised without a parser is a query to a parser as well."""
    if is_plain(query):
        assert any(parsed(query, dialect) is not None for dialect in DIALECTS)


@pytest.mark.parametrize("query", QUERIES)
def test_a_reading_keeps_what_is_code(query: str) -> None:
    """Every reading has the query's own characters where it's code, and something else everywhere else."""
    for reading in sql.readings(query):
        assert len(reading) == len(query)
        assert all(
            one == other or not sql.is_code(reading, at)
            for at, (one, other) in enumerate(zip(reading, query, strict=True))
        )


@pytest.mark.parametrize("definition", sorted(LARGE))
def test_a_parsed_query_keeps_its_own_words(definition: str) -> None:
    """The place of each token is exact: what is compared are the query's own characters."""
    query = parsed(LARGE[definition], definition.lower().removesuffix("ql"))

    assert query is not None
    for token in query.tokens:
        assert token.text in query.text[token.start : token.end + 1]


FORMS: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("definition", ["Snowflake", "Postgresql", "Redshift", "Oracle"])
def test_case_is_folded_where_databases_fold_it(definition: str, form: str) -> None:
    """Names without quotes have no case in these; in the others, the column's name would change."""
    before, after = "SELECT u.Email AS Mail FROM Crm.Users u", FORMS[form]("SELECT u.Email AS Mail FROM Crm.Users u")

    assert words(sql.compare(before, after, definition)) == "formatting"
    assert words(sql.compare(before, after, "Bigquery")) != "formatting"
    assert words(sql.compare(before, after, "Databricks")) != "formatting"


@pytest.mark.parametrize(
    ("definition", "before", "after"),
    [
        ("Postgresql", "SELECT a FROM t WHERE x != -1", "SELECT a FROM t WHERE x!=-1"),
        ("Postgresql", "SELECT a FROM t WHERE x <> -1", "SELECT a FROM t WHERE x !=-1"),
        ("Bigquery", "#standardSQL\nSELECT a FROM t", "#legacySQL\nSELECT a FROM t"),
        ("Bigquery", "SELECT a FROM t", "#legacySQL\nSELECT a FROM t"),
        ("Bigquery", "SELECT d.myFunc(x) AS y FROM t", "SELECT d.MYFUNC(x) AS y FROM t"),
        ("Oracle", "SELECT p.doc.PONumber AS n FROM p", "SELECT p.doc.ponumber AS n FROM p"),
        ("Snowflake", "SELECT src['a'].Name AS n FROM t", "SELECT src['a'].name AS n FROM t"),
        ("Snowflake", "SELECT t.$1 AS a FROM @st/Data/x.csv t", "SELECT t.$1 AS a FROM @st/data/x.csv t"),
        ("Snowflake", "SELECT a FROM t", "SELECT a {# x #} FROM t"),
        ("Postgresql", "SELECT straße() AS a", "SELECT strasse() AS a"),
    ],
)
def test_what_may_mean_something_else_is_not_called_formatting(definition: str, before: str, after: str) -> None:
    """Signs that grow together, another dialect, keys of documents, paths, templates: silence or a change, never idle."""
    found = sql.compare(before, after, definition)

    assert found is None or not found.is_formatting


@pytest.mark.parametrize(
    ("definition", "query"),
    [
        (
            "Snowflake",
            "WITH t AS (SELECT a FROM u) SELECT * FROM t MATCH_RECOGNIZE(ORDER BY a MEASURES a AS s PATTERN (x+) DEFINE x AS a)",
        ),
        (
            "Postgresql",
            "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a FROM t) SEARCH DEPTH FIRST BY a SET o SELECT * FROM t",
        ),
        ("Clickhouse", "SELECT attrs.key FROM t"),
        ("Clickhouse", "SELECT untuple(t) AS x FROM t"),
        ("AmazonS3", "SELECT COLUMNS(*) AS y FROM t"),
        ("Redshift", "SELECT a, b EXCLUDE a FROM t"),
    ],
)
def test_what_adds_columns_of_its_own_tells_none(definition: str, query: str) -> None:
    """A column that is called lost and isn't would stop an apply."""
    found = sql.columns(query, definition)

    assert found is None or found == ("a",)


def test_a_chain_of_pipes_has_an_end() -> None:
    """The parser copies its tree for each: beyond twenty nobody looks."""
    query = "FROM t |> SELECT a" + " |> SELECT a" * 2_500

    assert sql.columns(query, "Bigquery") is None
    assert sql.compare(query, query + " ", "Bigquery") is None
