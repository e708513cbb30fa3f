"""The events of a YAML text as values, for whoever rewrites the text and has to know where everything stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from syncer.desired.loader.nodes import YamlLoader
from syncer.model import YamlEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def events(text: str, parser: Callable[[str], Any] = YamlLoader) -> Iterator[YamlEvent]:
    """What the text is made of, in its order. Raises ValueError where it can't be read on."""
    try:
        next_event = parser(text).get_event
        while (event := next_event()) is not None:
            kind, start, end = event.__class__, event.start_mark.index, event.end_mark.index
            if kind is ScalarEvent:
                yield YamlEvent(
                    "scalar", start, end, event.value, event.style or "", False, event.anchor or "", event.tag or ""
                )
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                name = "map" if kind is MappingStartEvent else "list"
                yield YamlEvent(name, start, end, "", "", bool(event.flow_style), event.anchor or "", event.tag or "")
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                yield YamlEvent("end", start, end)
            elif kind is AliasEvent:
                yield YamlEvent("alias", start, end, event.anchor)
            elif kind is DocumentStartEvent:
                yield YamlEvent("document", start, end)
    except yaml.YAMLError as error:
        raise ValueError("this is not YAML") from error
