"""The effects of a change in words, before they have a form: its query's columns, the syncs that it feeds.

What those syncs do after the change is worded in `plan.effect_sentences`. `show` makes foreign text fit for the output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from syncer.model import shortlist
from syncer.plan.effect_sentences import MANY, meaning
from syncer.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from syncer.model import Sync
    from syncer.plan.planner import Change, Effect

_WORDS: Final = re.compile(r"[a-z0-9 ]{1,40}")


def consequences(
    change: Change, effect: Effect | None, show: Callable[[str], str], *, unsaid: Collection[str] = ()
) -> str:
    """What becomes of the columns, and what that means for syncs and data apps, as one paragraph; may be empty.

    Sentences that are `unsaid` are left out.
    """
    said = [columns(change, effect, show), *meaning(change, effect, show)] if effect is not None else []
    return " ".join(one for one in said if one and one not in unsaid)


def feeds(effect: Effect, show: Callable[[str], str]) -> list[str]:
    """The syncs that read the model, one a line: ten, and how many more. Empty where nobody could read them."""
    if effect.syncs is None:
        return []
    lines = [_sync(sync, show) for sync in effect.syncs[:MANY]]
    rest = len(effect.syncs) - len(lines)
    return [*lines, *([f"{counted(rest, 'more sync')}"] if rest else [])]


def feeds_line(effect: Effect | None, show: Callable[[str], str]) -> str:
    """The same in one line: `feeds sync 3 to HubSpot: manual`; empty where nobody knows."""
    if effect is None or effect.syncs is None:
        return ""
    return f"feeds {'; '.join(feeds(effect, show)) or 'no sync'}"


def feeds_count(*effects: Effect | None) -> str:
    """`3 syncs`: those that read any of the models; empty for none, and where nobody knows."""
    syncs = {sync.id for effect in effects if effect is not None for sync in effect.syncs or ()}
    return counted(len(syncs), "sync") if syncs else ""


def _sync(sync: Sync, show: Callable[[str], str]) -> str:
    to = f"{show(sync.destination)}, {show(sync.stream)}" if sync.stream else show(sync.destination)
    words = (sync.schedule, sync.mode.replace("_", " "), sync.status)
    # The server's own words are plain. A word that isn't may be anything, so it's shown as foreign text.
    how = [word if _WORDS.fullmatch(word) else show(word) for word in words if word]
    how += ["running now"] if sync.is_running else ["nobody knows whether it runs"] if sync.is_running is None else []
    return f"sync {sync.id} to {to}" + (f": {', '.join(how)}" if how else "")


def columns(change: Change, effect: Effect, show: Callable[[str], str]) -> str:
    """What becomes of the query's columns, in one sentence; empty where its text doesn't tell."""
    found = effect.columns
    if found is None or "query" not in change.changed:
        return ""
    if found.is_formatting:
        return "Formatting only: both queries mean the same."
    renamed = [f"{show(old)} becomes {show(new)}" for old, new in found.renamed]
    parts = [
        *([f"adds {shortlist(map(show, found.added), MANY)}"] if found.added else []),
        *([f"removes {shortlist(map(show, found.removed), MANY)}"] if found.removed else []),
        *([shortlist(renamed, MANY)] if renamed else []),
    ]
    if parts:
        return f"Columns: {'; '.join(parts)}."
    if found.before is None or found.after is None:
        return ""
    return "Columns: the same, in another order." if found.is_reshaped else "Columns: the same."
