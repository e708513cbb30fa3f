"""Changes of queries as people make them, and what is to be said of each: a table that tests run and reports print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from syncer.model import Columns


class Pair(NamedTuple):
    """One change: the connector's type, what was done, both texts, and what `words` says of it."""

    definition: str
    name: str
    before: str
    after: str
    expected: str


def words(columns: Columns | None) -> str:
    """What is known of a change, in a few words."""
    if columns is None:
        return "unreadable"
    if columns.is_formatting:
        return "formatting"
    if columns.before is None or columns.after is None:
        return "columns unknown"
    told = [
        f"{verb} {', '.join(names)}"
        for verb, names in (("added", columns.added), ("removed", columns.removed))
        if names
    ]
    told += [f"renamed {old} to {new}" for old, new in columns.renamed]
    return "; ".join(told) or ("reordered" if columns.is_reshaped else "same columns")


SNOWFLAKE: Final = """\
SELECT u.id, u.email, p.value:plan::string AS plan
FROM crm.users u, LATERAL FLATTEN(input => u.plans) p
QUALIFY ROW_NUMBER() OVER (PARTITION BY u.id ORDER BY u.updated_at DESC) = 1
"""
BIGQUERY: Final = """\
SELECT u.id, STRUCT(u.city AS city, u.zip AS zip) AS address, tag
FROM `shop-prod.crm.users` AS u, UNNEST(u.tags) AS tag
WHERE DATE(u.created_at) >= DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY)
"""
REDSHIFT: Final = """\
SELECT id, email, DATEADD(day, -7, created_at) AS since, NVL(score, 0)::int AS score
FROM crm.users WHERE email ILIKE '%@example.com' AND GETDATE() > created_at
"""
POSTGRES: Final = """\
WITH paid AS (SELECT user_id, sum(total) AS total FROM orders WHERE state <> 'void' GROUP BY user_id)
SELECT DISTINCT ON (u.id) u.id, u.email::text, p.total, u.meta ->> 'Plan' AS plan
FROM users u INNER JOIN paid p ON p.user_id = u.id
ORDER BY u.id, p.total DESC NULLS LAST
"""
DATABRICKS: Final = """\
SELECT id, `first name`, explode_outer(tags) AS tag, date_trunc('MONTH', seen) AS month, meta:plan AS plan
FROM main.crm.users LEFT OUTER JOIN main.crm.seen USING (id)
WHERE seen > current_timestamp() - INTERVAL 7 DAYS
"""

PAIRS: Final = (
    # -- Snowflake: folds to upper case ----------------------------------------------------------------------------
    Pair(
        "Snowflake",
        "line breaks, comments and the case of names",
        SNOWFLAKE,
        "-- one row a user\nselect U.ID, u.Email, p.value:plan::string as PLAN from CRM.users as u,\n"
        "  lateral flatten(input => u.plans) p\nqualify row_number() over (partition by u.id order by u.updated_at desc) = 1",
        "formatting",
    ),
    Pair("Snowflake", "a column more", SNOWFLAKE, SNOWFLAKE.replace("u.email,", "u.email, u.phone,"), "added phone"),
    Pair("Snowflake", "a column less", SNOWFLAKE, SNOWFLAKE.replace(" u.email,", ""), "removed email"),
    Pair("Snowflake", "another alias", SNOWFLAKE, SNOWFLAKE.replace("AS plan", "AS tier"), "renamed plan to tier"),
    Pair("Snowflake", "another QUALIFY", SNOWFLAKE, SNOWFLAKE.replace("DESC", "ASC"), "same columns"),
    Pair("Snowflake", "the case of a JSON key", SNOWFLAKE, SNOWFLAKE.replace(":plan", ":Plan"), "same columns"),
    Pair("Snowflake", "a name in quotes", "SELECT email FROM t", 'SELECT "email" FROM t', "added email; removed EMAIL"),
    Pair("Snowflake", "a word too many", SNOWFLAKE, SNOWFLAKE.replace("FROM", ", FROM WHERE"), "unreadable"),
    Pair(
        "Snowflake",
        "EXCLUDE of a CTE's columns",
        "WITH x AS (SELECT id, a, b FROM t) SELECT * EXCLUDE b FROM x",
        "WITH x AS (SELECT id, a, b, c FROM t) SELECT * EXCLUDE (b) FROM x",
        "added c",
    ),
    Pair("Snowflake", "white space in a made name", "SELECT a+b FROM t", "SELECT a + b FROM t", "columns unknown"),
    # -- BigQuery: keeps the case of names ---------------------------------------------------------------------------
    Pair("Bigquery", "indentation", BIGQUERY, BIGQUERY.replace("\nFROM", "\n  from").replace(", tag", ",\n  tag"), "formatting"),
    Pair("Bigquery", "a field of a STRUCT", BIGQUERY, BIGQUERY.replace("u.zip AS zip", "u.zip AS code"), "same columns"),
    Pair("Bigquery", "the case of an alias", "SELECT a AS Email FROM t", "SELECT a AS email FROM t", "renamed Email to email"),
    Pair("Bigquery", "another date", BIGQUERY, BIGQUERY.replace("30 DAY", "90 DAY"), "same columns"),
    Pair("Bigquery", "a column instead of an unnested one", BIGQUERY, BIGQUERY.replace(", tag", ", u.tag_count"), "added tag_count; removed tag"),
    Pair(
        "Bigquery",
        "EXCEPT of a query's columns",
        "SELECT * EXCEPT (b) FROM (SELECT a, b, c FROM t)",
        "SELECT * EXCEPT (b, c) FROM (SELECT a, b, c FROM t)",
        "removed c",
    ),
    Pair("Bigquery", "SAFE_CAST", "SELECT CAST(a AS INT64) AS a FROM t", "SELECT SAFE_CAST(a AS INT64) AS a FROM t", "same columns"),
    Pair("Bigquery", "a star", "SELECT * FROM `p.d.t`", "SELECT * FROM `p.d.t` WHERE a", "columns unknown"),
    # -- Redshift: folds to lower case -------------------------------------------------------------------------------
    Pair("Redshift", "CAST in other words", REDSHIFT, REDSHIFT.replace("NVL(score, 0)::int", "CAST(nvl(score, 0) AS INT)"), "formatting"),
    Pair("Redshift", "another function", REDSHIFT, REDSHIFT.replace("NVL(", "COALESCE("), "same columns"),
    Pair("Redshift", "LIKE for ILIKE", REDSHIFT, REDSHIFT.replace("ILIKE", "LIKE"), "same columns"),
    Pair("Redshift", "another alias", REDSHIFT, REDSHIFT.replace("AS since", "AS week_before"), "renamed since to week_before"),
    Pair("Redshift", "columns in another order", "SELECT id, email FROM t", "SELECT email, id FROM t", "reordered"),
    Pair("Redshift", "a bracket too many", REDSHIFT, REDSHIFT.replace("0)::int", "0))::int"), "unreadable"),
    # -- PostgreSQL: folds to lower case -----------------------------------------------------------------------------
    Pair("Postgresql", "JOIN and <> in other words", POSTGRES, POSTGRES.replace("INNER JOIN", "join").replace("<>", "!="), "formatting"),
    Pair("Postgresql", "a condition in a CTE", POSTGRES, POSTGRES.replace("'void'", "'Void'"), "same columns"),
    Pair("Postgresql", "NULLS FIRST", POSTGRES, POSTGRES.replace("NULLS LAST", "NULLS FIRST"), "same columns"),
    Pair("Postgresql", "the case of a JSON key", POSTGRES, POSTGRES.replace("'Plan'", "'plan'"), "same columns"),
    Pair("Postgresql", "a cast that keeps its name", "SELECT a::text FROM t", "SELECT a::text, count(*) FROM t", "added count"),
    Pair("Postgresql", "UNION ALL", "SELECT a FROM t UNION SELECT a FROM u", "SELECT a FROM t UNION ALL SELECT a FROM u", "same columns"),
    Pair("Postgresql", "a placeholder", "SELECT a FROM t WHERE b = ':b'", "SELECT a, c FROM t WHERE b = :b", "added c"),
    # -- Databricks: keeps the case of names -------------------------------------------------------------------------
    Pair("Databricks", "LEFT JOIN in other words", DATABRICKS, DATABRICKS.replace("LEFT OUTER", "left"), "formatting"),
    Pair("Databricks", "another name in backticks", DATABRICKS, DATABRICKS.replace("first name`", "first name` AS given"), "renamed first name to given"),
    Pair("Databricks", "an interval", DATABRICKS, DATABRICKS.replace("7 DAYS", "8 DAYS"), "same columns"),
    Pair("Databricks", "a column less", DATABRICKS, DATABRICKS.replace("explode_outer(tags) AS tag, ", ""), "removed tag"),
    Pair("Databricks", "a hint", "SELECT /*+ BROADCAST(u) */ a FROM t JOIN u", "SELECT a FROM t JOIN u", "same columns"),
    Pair("Databricks", "TRY_CAST", "SELECT CAST(a AS INT) AS a", "SELECT TRY_CAST(a AS INT) AS a", "same columns"),
    Pair("Databricks", "two statements", "SELECT 1 AS a", "SELECT 1 AS a; SELECT 2 AS b", "unreadable"),
)  # fmt: skip
