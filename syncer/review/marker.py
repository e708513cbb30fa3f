"""The first line of each comment and issue of ours, which says what it is about and which run wrote it. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from syncer.model import Json

_MARKER = re.compile(r"\A<!-- syncer:(plan|drift) (\{[^\r\n]{1,2000}\}) -->(?=\r?\n|\Z)")
_HEAD = re.compile(r"[0-9a-f]{40}|")
_DIGEST = re.compile(r"[0-9A-Za-z:_-]{0,100}")
_LONGEST_INSTANCE: Final = 100
_LARGEST_RUN: Final = 2**53
_TYPES: Final = {"digest": str, "head": str, "instance": str, "run": int, "folder": str}
_ESCAPES: Final = {"--": r"\u002d\u002d", "<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\x7f": r"\u007f"}


class Kind(Enum):
    """What a text is about."""

    PLAN = "plan"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a text is about, and which run wrote it. `head`, `digest` and `folder` may be empty.

    Raises ValueError for values that `parse` would refuse.
    """

    kind: Kind
    instance: str
    """The environment."""
    head: str
    """The commit: 40 hex digits."""
    digest: str
    run: int
    folder: str = ""
    """The folder with the settings, from the repository's top; empty at the top, and in what older versions wrote."""

    def __post_init__(self) -> None:
        """Refuse what `parse` would refuse."""
        if not (
            0 < len(self.instance) <= _LONGEST_INSTANCE
            and _HEAD.fullmatch(self.head)
            and _DIGEST.fullmatch(self.digest)
            and 0 <= self.run < _LARGEST_RUN
            and _MARKER.match(self.line())
        ):
            raise ValueError(f"no marker can hold {self!r}")

    def line(self) -> str:
        r"""The line. No value can end the HTML comment.

        >>> Marker(Kind.PLAN, "eu--prod", "", "9c41", 412001).line()
        '<!-- syncer:plan {"digest":"9c41","head":"","instance":"eu\\u002d\\u002dprod","run":412001} -->'
        """
        data = {"digest": self.digest, "head": self.head, "instance": self.instance, "run": self.run}
        if self.folder:
            data["folder"] = self.folder
        text = json.dumps(data, separators=(",", ":"), sort_keys=True)
        for char, escape in _ESCAPES.items():
            text = text.replace(char, escape)
        return f"<!-- syncer:{self.kind.value} {text} -->"

    @staticmethod
    def parse(body: str) -> Marker | None:
        """The marker at the beginning of the text; None unless `line` could have written it."""
        if (match := _MARKER.match(body)) is None:
            return None
        try:
            data = json.loads(match[2])
            marker = _marker(Kind(match[1]), data)
        except (ValueError, TypeError, RecursionError):
            return None
        return marker if marker.line() == match[0] else None


def _marker(kind: Kind, data: Json) -> Marker:
    if not isinstance(data, dict):
        raise TypeError
    types = {key: type(value) for key, value in data.items()}
    if {"folder": str, **types} != _TYPES:
        raise TypeError
    return Marker(kind, **data)
