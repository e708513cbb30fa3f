"""Two workspaces of one team, served on loopback: what the guide's reader has."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from world import recorded_world
from wsgi import serving

from syncer.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("Active users", "Newsletter", "Orders by region", "Refunds")


def worlds() -> tuple[dict[str, Any], dict[str, Any]]:
    """Production, and a staging with other ids, another connector's name, an older query, a gap and two namesakes."""
    prod = recorded_world()
    rows = [one for one in prod["models"] if one["workspace_id"] == 1 and one["query_type"] == "raw_sql"][: len(NAMES)]
    prod |= {"models": rows, "syncs": []}
    for number, (row, name) in enumerate(zip(rows, NAMES, strict=True), 1):
        query = f"SELECT id, email\nFROM app.table_{number}\nWHERE active = true"
        row |= {"id": number, "name": name, "description": f"{name}.", "connector_id": 1, "query": query}
    staging = deepcopy(prod)
    next(one for one in staging["connectors"] if one["id"] == 1)["name"] = "staging warehouse"
    first, second, third, _ = staging["models"]
    for number, row in enumerate((first, second, third), 101):
        row["id"] = number
    third["query"] = third["query"].replace("active = true", "active")
    staging["models"] = [first, second, third, {**second, "id": 104}]
    return prod, staging


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """The addresses that the guide writes, and where each is served."""
    with ExitStack() as stack:
        boxes = [stack.enter_context(Sandbox(world)) for world in worlds()]
        urls = [stack.enter_context(serving(box.wsgi)) for box in boxes]
        yield dict(zip(("https://prod.example.com", "https://staging.example.com"), urls, strict=True))
