"""The database: the sandbox's tables in SQLite, in memory or in a file. No rules of the API stand here."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from syncer.sandbox import jsonb, row_order

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    Row = Mapping[str, Any]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS workspaces (
  id INTEGER PRIMARY KEY, name TEXT, slug TEXT, status TEXT, api_key TEXT, description TEXT, region TEXT,
  organization_id INTEGER, organization_name TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY, email TEXT, name TEXT, password TEXT, status TEXT, created_at TEXT,
  jti TEXT, failed_attempts INTEGER NOT NULL DEFAULT 0, locked_at REAL);
CREATE TABLE IF NOT EXISTS roles (
  user_id INTEGER, workspace_id INTEGER, role TEXT, PRIMARY KEY (user_id, workspace_id));
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, user_id INTEGER, jti TEXT, expires_at REAL);
CREATE TABLE IF NOT EXISTS connectors (
  id INTEGER PRIMARY KEY, workspace_id INTEGER, name TEXT, description TEXT, connector_type TEXT, connector_name TEXT,
  icon TEXT, category TEXT, sub_category TEXT, configuration TEXT, json_schema TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE IF NOT EXISTS models (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspace_id INTEGER, connector_id INTEGER, name TEXT, description TEXT,
  query TEXT, query_type TEXT, primary_key TEXT, configuration TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE IF NOT EXISTS syncs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspace_id INTEGER, source_id INTEGER, destination_id INTEGER,
  model_id INTEGER, configuration TEXT, schedule_type TEXT, sync_mode TEXT, sync_interval INTEGER,
  sync_interval_unit TEXT, cron_expression TEXT, stream_name TEXT, status TEXT, cursor_field TEXT,
  current_cursor_field TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE IF NOT EXISTS sync_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sync_id INTEGER, status TEXT, sync_run_type TEXT, started_at TEXT,
  finished_at TEXT, total_rows INTEGER, successful_rows INTEGER, failed_rows INTEGER, error TEXT);
CREATE INDEX IF NOT EXISTS models_by_age ON models (workspace_id, updated_at);
CREATE INDEX IF NOT EXISTS syncs_by_model ON syncs (model_id);
"""
MEMORY: Final = ":memory:"
"""The path of a database that stands in no file."""

_TABLES: Final = (
    *("meta", "workspaces", "users", "roles", "tokens", "connectors", "models", "syncs", "sync_runs"),
    "sqlite_sequence",
)
# Columns that hold JSON text, in the database's own order of keys.
_JSON: Final = {
    "connectors": ("configuration", "json_schema"),
    "models": ("configuration",),
    "syncs": ("configuration",),
}


class UnusableError(Exception):
    """A database file is damaged, or not a sandbox's, or another process holds it (`is_busy`)."""

    def __init__(self, why: str, *, is_busy: bool = False) -> None:
        super().__init__(why)
        self.is_busy = is_busy


@contextmanager
def file_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise UnusableError for all that goes wrong with a file, because its values may be anything.

    In memory it would be a bug, so there all but SQLite's errors go through.
    """
    try:
        yield
    except UnusableError:
        raise
    except sqlite3.Error as error:
        is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
        raise UnusableError(str(error), is_busy=is_busy) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        if path == MEMORY:
            raise
        raise UnusableError(f"a value in it is not as it was stored ({type(error).__name__})") from error


class Database:
    """One SQLite database. Not for several threads at once: the caller holds a lock from `transaction` to its end."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the database, and make its tables if it is new. Raises UnusableError, sqlite3.Error."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA trusted_schema = OFF")
        # A crash of the machine may lose the last requests; one of the process may not, and that is enough here.
        self._db.execute("PRAGMA synchronous = OFF")
        if not _schema(self._db):
            # All at once: another process that opens the file meanwhile finds no tables, or all of them.
            self._db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
        if _schema(self._db) != _expected():
            # A view or a trigger of somebody else's would be carried out with the next statement.
            raise UnusableError("its tables are not those that this version of syncer makes")
        # Answers hold this text as it is, so it must be JSON.
        for table, columns in _JSON.items():
            for row in self._db.execute(f"SELECT {', '.join(columns)} FROM {table}"):  # noqa: S608 - names of our own
                for text in row:
                    jsonb.decode(text)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def transaction(self, *, is_alone: bool = False) -> Iterator[None]:
        """Write all or nothing. An exception undoes everything. `is_alone`: no other process writes meanwhile."""
        self._db.execute("BEGIN IMMEDIATE" if is_alone else "BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some errors of SQLite have ended it already
                self._db.execute("ROLLBACK")
            raise

    def clear(self) -> None:
        """Empty all tables; ids begin anew."""
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own

    def fill(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows that are given whole, ids included. Keys that are no columns are left out."""
        if not rows:
            return
        given = {name for row in rows for name in row}
        columns = [info["name"] for info in self._db.execute(f"PRAGMA table_info({table})") if info["name"] in given]
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        encoded = _JSON.get(table, ())
        values = [[_encode(row.get(name)) if name in encoded else row.get(name) for name in columns] for row in rows]
        self._db.executemany(statement, values)

    def get_meta(self, name: str) -> str | None:
        """Return a text that `set_meta` has kept."""
        row = self._one("SELECT value FROM meta WHERE name = ?", name)
        return None if row is None else str(row["value"])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a text beside the rows."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def find(self, table: str, row_id: int, workspace_id: int | None = None) -> Row | None:
        """Return a row by its id, in one workspace or anywhere."""
        try:
            row = self._one(f"SELECT * FROM {table} WHERE id = ?", row_id)  # noqa: S608 - names of our own
        except OverflowError:  # beyond 64 bits: there is no such id
            return None
        if row is None or workspace_id is None or row["workspace_id"] == workspace_id:
            return row
        return None

    def count(self, table: str, workspace_id: int, **filters: Sequence[str]) -> int:
        """Count the rows of a workspace that pass the filters (a column and the values allowed)."""
        where, values = _where(workspace_id, filters)
        row = self._one(f"SELECT COUNT(*) AS total FROM {table} WHERE {where}", *values)  # noqa: S608
        return 0 if row is None else int(row["total"])

    def newest_rows(
        self, table: str, workspace_id: int, limit: int, offset: int, **filters: Sequence[str]
    ) -> Sequence[Row]:
        """Return one page of a workspace's rows, newest `updated_at` first."""
        where, values = _where(workspace_id, filters)
        of_these = f"FROM {table} WHERE {where}"
        tie = self._one(f"SELECT 1 {of_these} GROUP BY updated_at HAVING COUNT(*) > 1 LIMIT 1", *values)
        if tie is None:
            statement = f"SELECT * {of_these} ORDER BY updated_at DESC LIMIT ? OFFSET ?"
            return self._db.execute(statement, [*values, limit, offset]).fetchall()
        rows = self._db.execute(f"SELECT * {of_these} ORDER BY id", values).fetchall()
        order = row_order.newest_first([row["updated_at"] for row in rows], limit + offset)
        return [rows[position] for position in order[offset : offset + limit]]

    def sync_runs(self, sync_id: int, limit: int, offset: int) -> tuple[Sequence[Row], int]:
        """Return one page of a sync's runs, the one that began last first, and how many there are."""
        total = self._one("SELECT COUNT(*) AS total FROM sync_runs WHERE sync_id = ?", sync_id)
        statement = "SELECT * FROM sync_runs WHERE sync_id = ? ORDER BY started_at DESC LIMIT ? OFFSET ?"
        return self._db.execute(statement, [sync_id, limit, offset]).fetchall(), int(total["total"]) if total else 0

    def latest_update(self) -> str:
        """Return the newest `updated_at` of all models, or an empty text."""
        row = self._one("SELECT MAX(updated_at) AS newest FROM models")
        return "" if row is None or row["newest"] is None else str(row["newest"])

    def insert_model(self, columns: Row) -> int:
        """Insert a model and return its new id; ids are never used twice."""
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        cursor = self._db.execute(f"INSERT INTO models ({names}) VALUES ({marks})", list(columns.values()))  # noqa: S608
        return cursor.lastrowid or 0

    def update(self, table: str, row_id: int, columns: Row) -> None:
        """Set columns of a row; the others keep their values."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self._db.execute(f"UPDATE {table} SET {names} WHERE id = ?", [*columns.values(), row_id])  # noqa: S608

    def delete_model(self, model_id: int) -> None:
        """Delete a model, and the syncs that use it."""
        self._db.execute("DELETE FROM syncs WHERE model_id = ?", (model_id,))
        self._db.execute("DELETE FROM models WHERE id = ?", (model_id,))

    def delete_connector(self, connector_id: int) -> None:
        """Delete a connector, its models, and all syncs that use either."""
        for row in self._db.execute("SELECT id FROM models WHERE connector_id = ?", (connector_id,)).fetchall():
            self.delete_model(row["id"])
        self._db.execute("DELETE FROM syncs WHERE ? IN (source_id, destination_id)", (connector_id,))
        self._db.execute("DELETE FROM connectors WHERE id = ?", (connector_id,))

    def workspaces_of(self, user_id: int) -> Sequence[Row]:
        """Return the workspaces of a user, oldest first, with the number of their members."""
        return self._db.execute(
            "SELECT w.*, (SELECT COUNT(*) FROM roles WHERE workspace_id = w.id) AS members_count "
            "FROM workspaces w JOIN roles r ON r.workspace_id = w.id WHERE r.user_id = ? ORDER BY w.created_at, w.id",
            (user_id,),
        ).fetchall()

    def find_role(self, user_id: int, workspace_id: int) -> str | None:
        """Return the name of a user's role in a workspace, or None for no member."""
        try:
            row = self._one("SELECT role FROM roles WHERE user_id = ? AND workspace_id = ?", user_id, workspace_id)
        except OverflowError:
            return None
        return None if row is None else str(row["role"])

    def find_token(self, token: str) -> Row | None:
        """Return what a bearer token stands for."""
        return self._one("SELECT * FROM tokens WHERE token = ?", token)

    def add_token(self, token: str, user_id: int, jti: str, expires_at: float) -> None:
        """Keep a token that was issued."""
        self._db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?)", (token, user_id, jti, expires_at))

    def find_user(self, email: str) -> Row | None:
        """Return the user with this e-mail address, letter case included."""
        return self._one("SELECT * FROM users WHERE email = ?", email)

    def _one(self, statement: str, *values: object) -> Row | None:
        row: Row | None = self._db.execute(statement, values).fetchone()
        return row


def _schema(db: sqlite3.Connection) -> list[tuple[str, ...]]:
    """List what the database consists of, as SQLite recorded it."""
    return sorted(tuple(map(str, row)) for row in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


@cache
def _expected() -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(MEMORY)) as db:
        db.executescript(_SCHEMA)
        return _schema(db)


def _encode(value: object) -> str | None:
    return None if value is None else jsonb.encode(value)


def _where(workspace_id: int, filters: Mapping[str, Sequence[str]]) -> tuple[str, list[Any]]:
    where, values = "workspace_id = ?", list[Any]([workspace_id])
    for column, allowed in filters.items():
        where += f" AND {column} IN ({', '.join('?' * len(allowed))})"
        values.extend(allowed)
    return where, values
