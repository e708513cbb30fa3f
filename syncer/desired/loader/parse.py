"""YAML text → data and what is wrong with it, in one pass over the parser's events.

Built from events rather than from nodes, and without recursion: a file can't be too deep for it, duplicates and merges
are seen where they happen, and nothing of the parser stays alive afterwards.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from syncer.desired.loader.nodes import YamlLoader
from syncer.desired.loader.positions import place
from syncer.desired.loader.scalars import Refused, resolve
from syncer.desired.loader.syntax_errors import Trouble, explained, template_at
from syncer.model import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH: Final = 98
"""How deep a file may be nested: the server refuses JSON of more than 100, and the PUT's body adds one level."""

MAX_EXPANSION: Final = 1 << 18
"""How much aliases may add to a file, in characters."""

MAX_VALUES: Final = 20_000
"""How many values a file may hold: what is checked of each costs a hundred times what reading it does."""

MAX_PROBLEMS: Final = 100
"""How many problems of one file are worth reading in one run."""

_NODE_WEIGHT: Final = 16
_MAX_KNOWN: Final = 20_000
_MAX_KNOWN_LENGTH: Final = 40

_NO_KEY: Final = object()
"""The mapping waits for its next key."""
_MERGE: Final = object()
"""The key is `<<`: what its mappings have is filled in at the end."""
_DROPPED: Final = object()
"""The key is wrong: its value is read and thrown away."""
_OPEN: Final = object()
"""The anchor's collection isn't complete yet."""

_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TYPES: Final[dict[str, Any]] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}


class _Stop(Exception):  # noqa: N818 - it ends the pass, it's no error of the program
    """The file can't be read on, or it makes no sense to."""


def parse(
    raw: bytes, known: dict[str, Any], parser: Callable[[bytes], Any] = YamlLoader
) -> tuple[Mapping[str, Any] | None, list[Trouble]]:
    """The mapping that the text holds (None if there is no using it), and every trouble in it, in order.

    `known` is a memory of scalars that a run shares among its files: most keys and many values repeat.
    """
    pass_ = _Pass(raw, known)
    try:
        data = pass_.run(parser(raw).get_event)
    except _Stop:
        return None, pass_.troubles
    except yaml.YAMLError as error:
        text = raw.decode()
        pass_.troubles.append(_too_deep(error, text, parser) or explained(error, text))
        return None, pass_.troubles
    return data, pass_.troubles


def _too_deep(error: yaml.YAMLError, text: str, parser: Callable[[bytes], Any]) -> Trouble | None:
    """Where it's nested too deep, if that is what stopped the parser.

    Some have a bound of their own, and read brackets ahead of their events: so what stands before them is read again.
    """
    mark: Any = getattr(error, "problem_mark", None)
    if mark is None or mark.index <= MAX_DEPTH:
        return None
    before = text[: mark.index].encode()
    pass_ = _Pass(before, {})
    with suppress(_Stop, yaml.YAMLError):
        pass_.run(parser(before).get_event)
    return next((trouble for trouble in pass_.troubles if trouble.rule == "too-deep"), None)


class _Pass:
    """One pass over the events of one text."""

    def __init__(self, raw: bytes, known: dict[str, Any]) -> None:
        self.troubles: list[Trouble] = []
        self._raw = raw
        self._known = known
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._expanded = 0
        self._has_odd_keys = False

    def run(self, next_event: Callable[[], Any]) -> dict[str, Any]:  # noqa: C901, PLR0912, PLR0915 - the one hot loop
        """The data. Everything usual happens here, at 2 µs an event; everything else in a method of its own.

        state               `container`  `places`     `key`
        top of the stream   `root`       None         None: a value becomes the document
        in a list           a list       None         None: a value becomes an element
        before a key        a dict       a dict       `_NO_KEY`: a value becomes the key
        before a value      a dict       a dict       that key, `_MERGE` or `_DROPPED`: a value is put under it

        The start of a collection puts the state on `stack`, its end takes it back and is a value itself.
        """
        known = self._known
        root: list[Any] = []
        container: Any = root
        # `places` tells where the keys of an open mapping stand.
        places: dict[Any, Any] | None = None
        key: Any = None
        stack: list[tuple[Any, Any, Any, str | None, int, Any]] = []
        weight = values = 0
        while True:
            event = next_event()
            kind = event.__class__
            if kind is ScalarEvent:
                mark = event.start_mark
                text = event.value
                before = weight
                weight += len(text) + _NODE_WEIGHT
                if event.tag is None:
                    value = known.get(text, ABSENT) if event.implicit[0] else text
                    if value is ABSENT:
                        value = self._plain(text, mark, is_key=key is _NO_KEY)
                else:
                    value = self._tagged(event)
                if event.anchor is not None:
                    self._define(event.anchor, mark, (value, weight - before))
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                mark = event.start_mark
                if len(stack) >= MAX_DEPTH:
                    self._stop_too_deep(mark)
                if event.tag is not None:
                    self._check_tag(event.tag, mark, "map" if kind is MappingStartEvent else "seq")
                if event.anchor is not None:
                    self._define(event.anchor, mark, (_OPEN, 0))
                stack.append((container, places, key, event.anchor, weight, mark))
                weight += _NODE_WEIGHT
                container, places, key = ({}, {}, _NO_KEY) if kind is MappingStartEvent else ([], None, None)
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = container
                if self._has_odd_keys and places is not None:
                    self._fill_in(value, places)
                values += len(value)
                if values > MAX_VALUES:
                    self._stop_too_large(stack[-1][-1])
                container, places, key, anchor, before, mark = stack.pop()
                if anchor is not None:
                    self._anchors[anchor] = (value, weight - before)
            elif kind is AliasEvent:
                mark = event.start_mark
                value, added = self._alias(event.anchor, mark)
                weight += added
            elif kind is DocumentStartEvent:
                if root:
                    self._stop_several_documents(event.start_mark)
                continue
            elif kind is StreamEndEvent:
                return self._only(root)
            else:
                continue

            if places is None:
                container.append(value)
            elif key is not _NO_KEY:
                container[key] = value
                key = _NO_KEY
            elif value.__class__ is str and value not in places:
                places[value] = mark
                key = value
            else:
                key = self._odd_key(value, mark, places)

    # -- what is unusual -----------------------------------------------------------------------------------------

    def _plain(self, text: str, mark: Any, *, is_key: bool) -> Any:  # noqa: ANN401 - marks have no type, values any
        if is_key and text == "<<":
            return _MERGE
        value = resolve(text)
        if value is Refused.AMBIGUOUS:
            self._add(
                mark,
                value.value,
                "YAML 1.1 and YAML 1.2 disagree on what this means without quotes",
                "put it in quotes if text is meant; else write true, false, or a plain decimal number",
            )
            return text
        if value is Refused.NOT_JSON:
            self._add(
                mark,
                value.value,
                "this number has no place in JSON",
                "put it in quotes if text is meant, or write a smaller one",
            )
            return text
        if len(text) <= _MAX_KNOWN_LENGTH and len(self._known) < _MAX_KNOWN:
            self._known[text] = value
        return value

    def _tagged(self, event: Any) -> Any:  # noqa: ANN401
        name = event.tag.removeprefix(_TAG)
        if event.tag == "!" or (name == "str" and event.tag != name):
            return event.value
        expected = _SCALAR_TYPES.get(name) if event.tag != name else None
        value = resolve(event.value)
        if expected is None:
            self._check_tag(event.tag, event.start_mark, "")
        elif not isinstance(value, expected) or (name in {"int", "float"} and isinstance(value, bool)):
            self._add(event.start_mark, "unknown-tag", f"this is no value for the tag !!{name}", "remove the tag")
        else:
            return value
        return event.value

    def _check_tag(self, tag: str, mark: Any, expected: str) -> None:  # noqa: ANN401
        if tag not in {"!", _TAG + expected}:
            shown = ascii(tag.replace(_TAG, "!!")[:40])[1:-1]
            self._add(
                mark,
                "unknown-tag",
                f"the tag {shown} means nothing here",
                "remove the tag; model files hold plain values",
            )

    def _define(self, anchor: str, mark: Any, entry: tuple[Any, int]) -> None:  # noqa: ANN401
        if anchor in self._anchors:
            self._stop(
                mark, "bad-alias", f"the anchor &{anchor[:40]} is defined twice", "give one of them another name"
            )
        self._anchors[anchor] = entry

    def _alias(self, anchor: str, mark: Any) -> tuple[Any, int]:  # noqa: ANN401
        value, added = self._anchors.get(anchor, (ABSENT, 0))
        if value is ABSENT:
            self._stop(
                mark, "bad-alias", f"no anchor &{anchor[:40]} is defined above", "define it, or put the text in quotes"
            )
        if value is _OPEN:
            self._stop(
                mark, "bad-alias", f"*{anchor[:40]} stands within what it means, so it has no end", "write it out"
            )
        self._expanded += added
        if self._expanded > MAX_EXPANSION:
            self._stop(
                mark,
                "alias-bomb",
                f"the aliases up to here expand to more than {MAX_EXPANSION:,} characters",
                "write out what is meant, or split the file",
            )
        return value, added

    def _odd_key(self, value: Any, mark: Any, places: dict[Any, Any]) -> Any:  # noqa: ANN401 - text or a marker
        """What a key that isn't plain new text stands for."""
        if value is not _MERGE and not isinstance(value, str):
            template = template_at(self._raw.decode(), mark.index)
            if template is not None:
                # What it stands in is no mapping that anybody meant: more about it would only confuse.
                self._stop(mark, *template)
            shown = json.dumps(value) if isinstance(value, int | float | None) else ""
            hint = f'put it in quotes: "{shown}": …' if shown else "write a text in its place, followed by a colon"
            self._add(mark, "key-not-text", "a key must be text", hint)
            # What is below it is checked all the same, under the text that was meant most likely.
            value = "" if isinstance(value, dict | list) else str(value)
            if value and value not in places:
                places[value] = mark
                return value
            self._has_odd_keys = True
            return _DROPPED
        if value in places:
            first = place(self._raw, places[value].index)[0]
            shown = "<<" if value is _MERGE else ascii(str(value)[:40])
            self._has_odd_keys = True
            self._add(
                mark,
                "duplicate-key",
                f"the key {shown} stands in this mapping twice; the first is in line {first}",
                "remove one: readers disagree which of them counts",
            )
            return _DROPPED
        self._has_odd_keys = True
        places[_MERGE] = mark
        return _MERGE

    def _fill_in(self, mapping: dict[Any, Any], places: dict[Any, Any]) -> None:
        """Take the wrong keys out, and put in what `<<` gives: the mapping's own keys count before it."""
        mapping.pop(_DROPPED, None)
        merged = mapping.pop(_MERGE, None)
        if _MERGE not in places:
            return
        for source in merged if isinstance(merged, list) else [merged]:
            if not isinstance(source, dict):
                self._add(
                    places[_MERGE],
                    "bad-merge",
                    "`<<` takes a mapping, or a list of mappings",
                    "name an anchor of one: `<<: *name`",
                )
                return
            for key, value in source.items():
                mapping.setdefault(key, value)

    def _only(self, root: list[Any]) -> dict[str, Any]:
        if root and isinstance(root[0], dict):
            return root[0]
        if not root or root[0] is None:
            self.troubles.append(Trouble(0, "empty-file", "the file says nothing", "write a model, or delete the file"))
        else:
            what = "a list" if isinstance(root[0], list) else "a single value"
            self.troubles.append(
                Trouble(0, "not-a-mapping", f"the file holds {what}, not keys and values", "begin with `name: …`")
            )
        raise _Stop

    def _stop_too_deep(self, mark: Any) -> None:  # noqa: ANN401
        self._stop(mark, "too-deep", f"this is nested more than {MAX_DEPTH} deep", "the server takes no more")

    def _stop_too_large(self, mark: Any) -> None:  # noqa: ANN401
        self._stop(mark, "too-large", f"the file holds more than {MAX_VALUES:,} values", "split it, or shorten it")

    def _stop_several_documents(self, mark: Any) -> None:  # noqa: ANN401
        hint = "one model a file: move it to a file of its own, or remove the `---`"
        self._stop(mark, "several-documents", "a second YAML document begins here", hint)

    def _add(self, mark: Any, rule: str, message: str, hint: str) -> None:  # noqa: ANN401
        self.troubles.append(Trouble(mark.index, rule, message, hint))
        if len(self.troubles) >= MAX_PROBLEMS:
            self._stop(mark, "more-problems", f"the file has {MAX_PROBLEMS} problems or more", "mend these first")

    def _stop(self, mark: Any, rule: str, message: str, hint: str) -> None:  # noqa: ANN401
        self.troubles.append(Trouble(mark.index, rule, message, hint))
        raise _Stop
