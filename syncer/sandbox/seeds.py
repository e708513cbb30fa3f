"""Seeds: the rows that a sandbox starts with, and how they get into the database.

They are JSON, called a world (`sandbox serve --world FILE`): `workspaces`, `users` (with `password` and `roles` by
workspace), `tokens` (a bearer token and its user; the one named `expired` has expired), `connectors` (with `category`
and `catalog`), `models` (as stored), `syncs` and, optionally, `sync_runs`. `seed.json` is the world that is shipped.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from syncer.sandbox.database import Database

_LISTS: Final = ("workspaces", "users", "connectors", "models", "syncs")
_META: Final = "world"
_RUN: Final = {
    "sync_run_type": "general",
    "started_at": None,
    "finished_at": None,
    "error": None,
    "total_rows": 0,
    "successful_rows": 0,
    "failed_rows": 0,
}
# What SQLite raises for rows that don't fit its tables. It raises other errors for a file that can't be used.
_UNFIT: Final = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
# Tokens of a world do not expire; the one named `expired` has.
_NEVER: Final = 1e18
# All tokens of a user in a world share one id: a login of that user ends them all.
_JTI: Final = "world"


class WorldError(ValueError):
    """The JSON is no world."""


@cache
def shipped_world() -> str:
    """Return the text of the world that is shipped with syncer."""
    return resources.files(__package__).joinpath("seed.json").read_text(encoding="utf-8")


def load(database: Database, world: Mapping[str, Any]) -> None:
    """Replace everything in the database by a world, and remember it for `reload`. Raises WorldError if it is none."""
    _check(world)
    try:
        _fill(database, world)
    except (KeyError, TypeError, AttributeError, ValueError, *_UNFIT) as error:
        message = f"this is no world: {error!r}"
        raise WorldError(message) from error


def reload(database: Database) -> None:
    """Go back to the world that the database was filled with."""
    load(database, json.loads(database.get_meta(_META) or shipped_world()))


def is_loaded(database: Database) -> bool:
    """Whether the database has been filled before."""
    return database.get_meta(_META) is not None


def _check(world: object) -> None:
    """Raise WorldError unless this looks like a world."""
    if not isinstance(world, Mapping):
        message = "a world is a JSON object with the lists " + ", ".join(_LISTS)
        raise WorldError(message)
    missing = [name for name in _LISTS if not isinstance(world.get(name), list)]
    if missing:
        message = f"this is no world: it has no list {', '.join(missing)}"
        raise WorldError(message)


def _fill(database: Database, world: Mapping[str, Any]) -> None:
    database.clear()
    database.set_meta(_META, json.dumps(world, ensure_ascii=False))
    database.fill("workspaces", world["workspaces"])
    tokens = {name: entry for name, entry in world.get("tokens", {}).items() if "user_id" in entry}
    database.fill("users", [{**user, "jti": _JTI} for user in world["users"]])
    database.fill(
        "roles",
        [
            {"user_id": user["id"], "workspace_id": int(workspace), "role": role}
            for user in world["users"]
            for workspace, role in user.get("roles", {}).items()
        ],
    )
    database.fill(
        "tokens",
        [
            {"token": name, "user_id": entry["user_id"], "jti": _JTI, "expires_at": 0 if name == "expired" else _NEVER}
            for name, entry in tokens.items()
        ],
    )
    database.fill("connectors", [_connector(connector) for connector in world["connectors"]])
    database.fill("models", world["models"])
    database.fill("syncs", world["syncs"])
    database.fill("sync_runs", [{**_RUN, **run} for run in world.get("sync_runs", ())])


def _connector(connector: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten the catalog: a connector without one has no `json_schema` at all, which is not an empty one."""
    catalog = connector.get("catalog")
    return {
        "category": "data",
        "sub_category": "database",
        **connector,
        "json_schema": None if catalog is None else catalog.get("json_schema") or {},
    }
