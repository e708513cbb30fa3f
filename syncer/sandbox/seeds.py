"""Worlds: the state that a sandbox starts with, as JSON, and how it gets into the store.

A world has `workspaces`, `users` (with `password` and `roles` by workspace), `tokens` (a bearer token and whose it is;
the one named `expired` is over), `connectors` (with `category` and `catalog`), `models` (as stored), `syncs` and, if
somebody wants some, `sync_runs`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from syncer.sandbox.database import Store

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
# What SQLite raises for rows that don't fit. For a file that can't be used it raises others.
_UNFIT: Final = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
# Tokens of a world do not run out; the one named `expired` has.
_NEVER: Final = 1e18
# All tokens that a world gives to one user are one credential: a login of that user ends them.
_JTI: Final = "world"


class WorldError(ValueError):
    """The JSON is no world."""


@cache
def seed() -> str:
    """Return the text of the world that is shipped with syncer."""
    return resources.files(__package__).joinpath("seed.json").read_text(encoding="utf-8")


def load(store: Store, world: Mapping[str, Any]) -> None:
    """Replace everything in the store by a world, and remember it for `reload`. Raises WorldError if it is none."""
    check(world)
    try:
        _fill(store, world)
    except (KeyError, TypeError, AttributeError, ValueError, *_UNFIT) as error:
        message = f"this is no world: {error!r}"
        raise WorldError(message) from error


def reload(store: Store) -> None:
    """Go back to the world that the store was filled with."""
    load(store, json.loads(store.get_meta(_META) or seed()))


def is_loaded(store: Store) -> bool:
    """Whether the store has been filled before."""
    return store.get_meta(_META) is not None


def check(world: object) -> None:
    """Raise WorldError unless this looks like a world."""
    if not isinstance(world, Mapping):
        message = "a world is a JSON object with the lists " + ", ".join(_LISTS)
        raise WorldError(message)
    missing = [name for name in _LISTS if not isinstance(world.get(name), list)]
    if missing:
        message = f"this is no world: it has no list {', '.join(missing)}"
        raise WorldError(message)


def _fill(store: Store, world: Mapping[str, Any]) -> None:
    store.clear()
    store.set_meta(_META, json.dumps(world, ensure_ascii=False))
    store.fill("workspaces", world["workspaces"])
    tokens = {name: entry for name, entry in world.get("tokens", {}).items() if "user_id" in entry}
    store.fill("users", [{**user, "jti": _JTI} for user in world["users"]])
    store.fill(
        "roles",
        [
            {"user_id": user["id"], "workspace_id": int(workspace), "role": role}
            for user in world["users"]
            for workspace, role in user.get("roles", {}).items()
        ],
    )
    store.fill(
        "tokens",
        [
            {"token": name, "user_id": entry["user_id"], "jti": _JTI, "expires_at": 0 if name == "expired" else _NEVER}
            for name, entry in tokens.items()
        ],
    )
    store.fill("connectors", [_connector(connector) for connector in world["connectors"]])
    store.fill("models", world["models"])
    store.fill("syncs", world["syncs"])
    store.fill("sync_runs", [{**_RUN, **run} for run in world.get("sync_runs", ())])


def _connector(connector: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten the catalog: a connector without one has no `json_schema` at all, which is not an empty one."""
    catalog = connector.get("catalog")
    return {
        "category": "data",
        "sub_category": "database",
        **connector,
        "json_schema": None if catalog is None else catalog.get("json_schema") or {},
    }
