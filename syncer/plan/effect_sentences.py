"""What a change does to syncs and data apps, as sentences: the one place that words it. Pure.

A sentence about the rows that a run sends has no `may` only if a server's own extractors were seen doing so
(Multiwoven 0.124.0, incremental syncs). Nothing runs at once: a sync keeps its own connector, and its next run reads
the model as it is then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncer.model import CONFIGURED_TYPES, shortlist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syncer.model import Sync
    from syncer.plan.planner import Change, Effect

MANY: Final = 10
"""How many names one sentence lists."""

_KEY: Final = (
    "After a new primary key the next run may send nothing, or may insert every row again: servers differ.",
    "Rows that are inserted again become duplicates where the destination only adds rows.",
    "Rows whose new key is blank may be skipped without an error.",
)
_KEY_AND_COLUMNS: Final = (
    "Each row has a new key and other columns than before, so the next run inserts every row again.",
    *_KEY[1:],
)
_CLEARED: Final = "It may clear the destination first: rows that it doesn't send are missing there then."
_CURSOR: Final = "A sync with a cursor may send fewer rows: it reads on from its last value."
_RUN: Final = "the next run sends it the model's query as it is then."
_TYPE: Final = "The server doesn't check whether the syncs can go on with the new query type."

NOTHING_SENT: Final = "Nothing is sent again because of this."
NO_SYNC: Final = "No sync reads this model."
HARMLESS: Final = frozenset({NOTHING_SENT, NO_SYNC})
"""What is said of a change that no sync notices."""

RISKS: Final[Mapping[str, str]] = {
    "primary_key": " ".join(_KEY),
    "connector_id": f"Syncs that read the model stay on the connector that they have: {_RUN}",
    "query_type": _TYPE,
}
"""What a change of a risky field does, where the syncs that read the model aren't known."""


def reaches_syncs(change: Change, effect: Effect | None) -> bool:
    """Whether the next runs of known syncs do something else because of the change."""
    return effect is not None and bool(effect.syncs) and bool(_of_syncs(change, effect, effect.syncs or (), str))


def meaning(change: Change, effect: Effect, show: Callable[[str], str]) -> list[str]:
    """What the change means for syncs and data apps, a sentence each. `show` makes foreign text fit."""
    said = []
    if effect.syncs:
        said = _of_syncs(change, effect, effect.syncs, show)
        if not said:
            said = [NOTHING_SENT]
        elif not any(sync.is_enabled for sync in effect.syncs):
            said.append("No sync of it is enabled: nothing happens before one is.")
        elif any(sync.is_running for sync in effect.syncs):
            said.append("A run that is under way goes on with the model as it was when it began.")
    elif effect.syncs == () and not change.is_creation:
        said.append(NO_SYNC)
    if "configuration" in change.changed and not change.is_creation:
        said.append("Data apps that use this model use the new configuration at once.")
        if change.after["query_type"] == "ai_ml" and change.live.fields.get("query_type") == "ai_ml":
            # Nobody can see from here whether there is one: the server shows the catalog's in its place.
            said.append(
                "A json_schema that the model itself stores is dropped; the server reads its connector's alone."
            )
    return said


def _of_syncs(change: Change, effect: Effect, syncs: Sequence[Sync], show: Callable[[str], str]) -> list[str]:
    is_meant = effect.columns is None or not effect.columns.is_formatting
    said = []
    if "primary_key" in change.changed or ("query" in change.changed and is_meant):
        said += _sent(change, effect, syncs)
    if "connector_id" in change.changed:
        said += _moved(change, syncs, show)
    if "query_type" in change.changed:
        said.append(_TYPE)
    if "configuration" in change.changed and change.after["query_type"] in CONFIGURED_TYPES:
        said.append("It isn't known whether the next run sends rows again after a change of the configuration.")
    return said


def _sent(change: Change, effect: Effect, syncs: Sequence[Sync]) -> list[str]:
    """What the next run sends: what holds for all modes once, and the rest for each mode that there is."""
    told = {
        mode: tell(change, effect, alike)
        for mode, tell in _MODES.items()
        if (alike := [sync for sync in syncs if _mode(sync) == mode])
    }
    first, *others = told.values()
    if not others:
        return first
    common = [sentence for sentence in first if all(sentence in other for other in others)]
    own = {mode: " ".join(one for one in sentences if one not in common) for mode, sentences in told.items()}
    return [*common, *(f"{mode}: {sentences}" for mode, sentences in own.items() if sentences)]


def _mode(sync: Sync) -> str:
    return {"incremental": "Incremental", "full_refresh": "Full refresh"}.get(sync.mode, "Other modes")


def _incremental(change: Change, effect: Effect, syncs: Sequence[Sync]) -> list[str]:
    found = effect.columns
    is_reshaped = "query" in change.changed and found is not None and found.is_reshaped
    is_known = found is not None and found.before is not None and found.after is not None
    if "primary_key" in change.changed:
        said = [*(_KEY_AND_COLUMNS if is_reshaped else _KEY)]
    elif is_reshaped:
        said = ["The rows have other columns than before, so the next run sends every row again."]
    else:
        tail = "" if is_known else ", and all of them if the columns differ"
        said = [
            f"The next run sends every row again of which a column changed{tail}.",
            "Rows that the query returns no more stay at the destination.",
        ]
    return [*said, _CURSOR] if any(sync.cursor for sync in syncs) else said


def _full_refresh(change: Change, _: Effect, __: Sequence[Sync]) -> list[str]:
    if "primary_key" in change.changed:
        return [*_KEY, _CLEARED]
    return ["The next run may send every row again, or none at all: servers differ.", _CLEARED]


def _unknown(change: Change, _: Effect, __: Sequence[Sync]) -> list[str]:
    return [*_KEY] if "primary_key" in change.changed else ["What the next run sends in this mode is not known."]


_MODES: Final = {"Incremental": _incremental, "Full refresh": _full_refresh, "Other modes": _unknown}


def _moved(change: Change, syncs: Sequence[Sync], show: Callable[[str], str]) -> list[str]:
    there = [sync for sync in syncs if sync.source_id == change.after["connector_id"]]
    stay = [sync for sync in syncs if sync not in there]
    own = dict.fromkeys(show(sync.source) for sync in stay if sync.source)
    named = f" ({shortlist(own, MANY)})" if own else ""
    who = "The other syncs" if there else "The syncs"
    said = [f"{who} stay on the old connector{named}: {_RUN}"] if stay else []
    if there:
        said.append(f"Already on the new connector: {shortlist((f'sync {sync.id}' for sync in there), MANY)}.")
    return said
