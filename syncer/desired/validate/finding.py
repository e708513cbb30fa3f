"""What a check found, before it has a severity and a place; and how messages name things."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from syncer.secrets import CREDENTIAL, SENSITIVE, resembles_secret_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.model import Origin, Path, Section

_MAX_SHOWN: Final = 60
_MAX_GUESSED: Final = 80
"""Likeness is worked out for words that a person types; for longer ones it costs too much."""
_SHORTEST: Final = 3


class Spot(NamedTuple):
    """A place that a path can't name: within a query, or in an SQL file."""

    origin: Origin
    excerpt: str


class Finding(NamedTuple):
    """Something wrong at `path` of a document, or of a `section` (at its key, with `key`), or at `spot`."""

    rule: str
    message: str
    path: Path = ()
    hint: str = ""
    key: bool = False
    spot: Spot | None = None
    section: Section | None = None


def quoted(text: str) -> str:
    """Text from a file as a message may show it: in quotes, in one line, short, without anything secret."""
    shown = CREDENTIAL.sub(SENSITIVE, text)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown[:_MAX_SHOWN])
    return f'"{shown}…"' if len(text) > _MAX_SHOWN else f'"{shown}"'


def described(value: object, path: Path = ()) -> str:
    """What was found, in words; never what stands under a secret's key."""
    if any(map(resembles_secret_key, path)):
        return SENSITIVE
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value.strip() else "blank text"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {str(value)[:_MAX_SHOWN]}"
    if value is None:
        return "nothing (null)"
    return "a list" if isinstance(value, list) else "a mapping"


def label(path: Path) -> str:
    """The path as a message names it, without the environment: `configuration.harvesters[0]`; `this` for the whole."""
    inner = path[2:] if path[:1] == ("environments",) and len(path) > 1 else path
    text = ""
    for segment in inner:
        shown = quoted(segment)[1:-1] if isinstance(segment, str) else ""
        text += f"[{segment}]" if isinstance(segment, int) else f".{shown}" if text else shown
    return text or "this"


def nearest(word: object, known: Iterable[str]) -> str:
    """The known word that was meant, most likely; empty if none is like it."""
    if not isinstance(word, str) or len(word) > _MAX_GUESSED:
        return ""
    names = list(known)
    by_folded = {name.casefold().replace("-", "_"): name for name in names}
    folded = word.strip().casefold().replace("-", "_").replace(" ", "_")
    # A whole part of a known word tells more than letters alike: `sql` is more of raw_sql than of soql.
    close = [name for name in by_folded if name == folded]
    close += [name for name in by_folded if len(folded) >= _SHORTEST and folded in name.split("_")]
    close += get_close_matches(folded, by_folded, 1)
    # An abbreviation is far away for the usual measure: prod and production.
    close += [name for name in by_folded if len(folded) >= _SHORTEST and name.startswith(folded)]
    close += [name for name in by_folded if len(name) >= _SHORTEST and folded.startswith(name)]
    return by_folded[close[0]] if close else ""


def did_you_mean(word: object, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest known word, or else says something else."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near else otherwise


def own_values(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The document's environments by name: those that are mappings, as they stand."""
    environments = data.get("environments")
    if not isinstance(environments, dict):
        return {}
    return {name: own for name, own in environments.items() if isinstance(own, dict)}
