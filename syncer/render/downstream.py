"""What a change does downstream, in words, before they have a form: the syncs that a model feeds, and its columns.

What the server does (read in its source): a sync keeps, for each primary key, a hash of the whole row; what differs
from it is sent. It keeps its own connector. Nothing runs at once: the next run reads the model as it is then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.model import Sync
    from syncer.planner import Change, Effect

_WORDS: Final = re.compile(r"[a-z0-9 ]{1,40}")

_MANY: Final = 10
"""How many syncs, or columns, one place names."""


def feeds(effect: Effect, show: Callable[[str], str]) -> list[str]:
    """The syncs that read the model, one a line; `show` makes foreign text fit. Empty where nobody could read them."""
    if effect.syncs is None:
        return []
    lines = [_sync(sync, show) for sync in effect.syncs[:_MANY]]
    rest = len(effect.syncs) - len(lines)
    return [*lines, *([f"{counted(rest, 'more sync')}"] if rest else [])]


def feeds_count(effect: Effect | None) -> str:
    """How many syncs the model feeds; empty for none, and where nobody knows."""
    return counted(len(effect.syncs), "sync") if effect is not None and effect.syncs else ""


def _sync(sync: Sync, show: Callable[[str], str]) -> str:
    to = f"{show(sync.destination)}, {show(sync.stream)}" if sync.stream else show(sync.destination)
    words = (sync.schedule, sync.mode.replace("_", " "), sync.status)
    # The server's own words need no marks around them; what looks otherwise may be anything.
    how = [word if _WORDS.fullmatch(word) else show(word) for word in words if word]
    how += ["running now"] if sync.is_running else ["nobody knows whether it runs"] if sync.is_running is None else []
    return f"sync {sync.id} to {to}" + (f": {', '.join(how)}" if how else "")


def columns(change: Change, effect: Effect, show: Callable[[str], str]) -> str:
    """What becomes of the query's columns, in one sentence; empty where the text doesn't tell."""
    found = effect.columns
    if found is None or "query" not in change.changed:
        return ""
    if found.is_formatting:
        return "Formatting only: both queries mean the same."
    renamed = [f"{show(old)} becomes {show(new)}" for old, new in found.renamed]
    parts = [
        *([f"adds {_listed(list(map(show, found.added)))}"] if found.added else []),
        *([f"removes {_listed(list(map(show, found.removed)))}"] if found.removed else []),
        *([_listed(renamed)] if renamed else []),
    ]
    if parts:
        return f"Columns: {'; '.join(parts)}."
    if found.before is None or found.after is None:
        return ""
    return "Columns: the same, in another order." if found.is_reshaped else "Columns: the same."


def _listed(names: list[str]) -> str:
    rest = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {rest} more" if rest > 0 else "")


def meaning(change: Change, effect: Effect, show: Callable[[str], str]) -> list[str]:
    """What the change means for those who read the model, a sentence each; nothing is said of nobody."""
    said = []
    if effect.syncs:
        said += [
            sentence for field, tell in _FIELDS.items() if field in change.changed for sentence in tell(effect, show)
        ]
        if not said:
            said = ["Nothing is sent again because of this."]
        elif not any(sync.is_enabled for sync in effect.syncs):
            said.append("No sync of it is enabled: nothing happens before one is.")
        elif any(sync.is_running for sync in effect.syncs):
            said.append("A run that is under way goes on with the model as it was when it began.")
    elif effect.syncs == () and not change.is_creation:
        said.append("No sync reads this model.")
    if "configuration" in change.changed and not change.is_creation:
        said.append("Data apps that use this model use the new configuration at once.")
        if change.after["query_type"] == "ai_ml" and change.live.fields.get("query_type") == "ai_ml":
            # It can't be seen from here whether there is one: the catalog's stands in its place.
            said.append(
                "A json_schema that the model itself stores is dropped; the server reads its connector's alone."
            )
    return said


def _key(_: Effect, __: Callable[[str], str]) -> list[str]:
    return ["Every row looks new under the new primary key: the next run inserts all of them again."]


def _query(effect: Effect, _: Callable[[str], str]) -> list[str]:
    found = effect.columns
    if found is not None and found.is_formatting:
        return []
    if found is not None and found.is_reshaped:
        return ["The rows have other columns than before, so the next run sends every row again."]
    is_known = found is not None and found.before is not None and found.after is not None
    tail = "" if is_known else ", and all of them if the columns differ"
    return [
        f"The next run sends every row again of which a column changed{tail}.",
        "Rows that the query returns no more stay at the destination.",
    ]


def _connector(effect: Effect, show: Callable[[str], str]) -> list[str]:
    own = dict.fromkeys(show(sync.source) for sync in effect.syncs or () if sync.source)
    named = f" ({_listed(list(own))})" if own else ""
    return [f"The syncs stay on the old connector{named}: the next run sends it the model's query as it is then."]


def _type(_: Effect, __: Callable[[str], str]) -> list[str]:
    return ["The server doesn't check whether the syncs can go on with the new query type."]


_FIELDS: Final = {"primary_key": _key, "query": _query, "connector_id": _connector, "query_type": _type}
