"""YAML text → a tree that knows where each of its nodes stands, its data, and every comment.

Built from the loader's events, without recursion, and with the loader's bounds: a file that the loader would refuse
can't make it hang. A broken text is an `UnreadableError`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from syncer.model import ABSENT
from syncer.render.modelfile.scalars import meaning
from syncer.render.modelfile.writing import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from syncer.model import Json, YamlEvent

    Reading: TypeAlias = Callable[[str], Iterable[YamlEvent]]
    """The events of a text; it raises ValueError for what is no YAML."""

MAX_EXPANSION: Final = 1 << 18
"""How much aliases may add to a file, in characters, as in the loader."""

MAX_VALUES: Final = 50_000
"""How many nodes a file may have: the loader takes 20,000 values, and most have a key."""

_WEIGHT: Final = 16
_SHOWN: Final = 40

_TYPES: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))

BREAK: Final = re.compile(r"\r\n|\n|\r")
# YAML 1.1 breaks lines at these, YAML 1.2 doesn't, and a second byte order mark is nothing to either.
_UNCLEAR: Final = re.compile("[\x85\u2028\u2029\ufeff]")
_BLANKS: Final = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*+")
_PROPERTY: Final = re.compile(r"!<[^>\s]*>|[&!][^\s,\[\]{}]*")
_GAP: Final = re.compile(r"#[^\r\n]*|^%[^\r\n]*|!<[^>\s]*>|[&*!][^\s,\[\]{}]*|[^#&*!%]+|.", re.MULTILINE)
_HEADER: Final = re.compile(r"[|>][-+0-9]*[ \t]*(#[^\r\n]*)?")


class UnreadableError(Exception):
    """The text can't be read, or isn't read the same by everybody; the message says why."""


class Comment(NamedTuple):
    """A comment from its `#` to the end of its line."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


@dataclass(slots=True, eq=False)
class Node:
    """A value of the text, or a key: `kind` is `scalar`, `map`, `list` or `alias`.

    `outer` is where its anchor or tag begins, `start` where it begins itself, `end` where its last line with anything
    on it ends. `children` are a list's items or a mapping's values, `keys` the mapping's keys; `index` is a
    node's place among those of its parent.
    """

    kind: str
    outer: int
    start: int
    end: int
    text: str = ""
    style: str = ""
    flow: bool = False
    anchor: str = ""
    tag: str = ""
    keys: list[Node] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    parent: Node | None = None
    index: int = 0
    target: Node | None = None

    def nodes(self) -> Iterator[Node]:
        """The node, and every one below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.keys
            waiting += node.children

    @property
    def is_merge(self) -> bool:
        """Whether this key is `<<`, which takes in another mapping."""
        return self.kind == "scalar" and not self.style and not self.tag and self.text == "<<"

    @property
    def name(self) -> str:
        """The text of this key."""
        return (self.target or self).text

    def own(self, name: str) -> int | None:
        """At which place the mapping itself has a key."""
        found = (i for i, key in enumerate(self.keys) if not key.is_merge and key.name == name)
        return next(found, None)


class Tree:
    """One text, read. Raises `UnreadableError`."""

    def __init__(self, text: str, read: Reading) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in BREAK.finditer(text))]
        self._data: dict[Node, Json] = {}
        if _UNCLEAR.search(text):
            raise UnreadableError("it holds a character that some readers take for a line end, and others don't")
        composer = self._composed(read)
        self.root = composer.top[0]
        self.users = composer.users
        self.comments = list(_comments(text, composer.leaves))
        self.newline = match[0] if (match := BREAK.search(text)) else "\n"
        self._construct(composer.inside_out)

    # -- where things stand --------------------------------------------------------------------------------------

    def line_start(self, index: int) -> int:
        """Where the line of this character begins."""
        return self._starts[bisect_right(self._starts, index) - 1]

    def line_end(self, index: int) -> int:
        """Where the line of this character ends, before its line end."""
        match = BREAK.search(self.text, index)
        return match.start() if match else len(self.text)

    def next_line(self, index: int) -> int:
        """Where the line after this character's begins."""
        match = BREAK.search(self.text, index)
        return match.end() if match else len(self.text)

    def column(self, index: int) -> int:
        """How far the character is from the beginning of its line."""
        return index - self.line_start(index)

    def line(self, index: int) -> int:
        """The number of the character's line, from 1."""
        return bisect_right(self._starts, index)

    def is_first(self, index: int) -> bool:
        """Whether nothing but blanks stands before the character on its line."""
        return not self.text[self.line_start(index) : index].strip(" ")

    def skip(self, index: int) -> int:
        """The next character that is neither blank nor in a comment."""
        match = _BLANKS.match(self.text, index)
        return match.end() if match else index

    def within(self, start: int, end: int) -> list[Comment]:
        """The comments that begin in this stretch."""
        low, high = (bisect_left(self.comments, (place,)) for place in (start, end))
        return self.comments[low:high]

    def data(self, node: Node) -> Json:
        """What a node means, with aliases and merges filled in. Not to be changed."""
        return self._data[node]

    def said(self) -> Counter[str]:
        """Every comment, and how often."""
        return Counter(comment.text for comment in self.comments)

    # -- events → nodes ------------------------------------------------------------------------------------------

    def _composed(self, read: Reading) -> _Composer:
        composer = _Composer(self)
        try:
            for event in read(self.text):
                composer.take(event)
        except ValueError as error:
            raise UnreadableError("it is no YAML that can be rewritten") from error
        if len(composer.top) != 1 or composer.top[0].kind != "map":
            raise UnreadableError("it doesn't hold keys and values")
        return composer

    def _construct(self, inside_out: Iterable[Node]) -> None:
        """Work out what the nodes mean. Refuse what aliases would blow up before anything is made of them."""
        data = self._data
        sizes: dict[Node, tuple[int, int]] = {}
        """The weight of each node, and how deep it is nested."""
        added = 0
        for node in inside_out:
            if node.kind == "scalar":
                sizes[node] = len(node.text) + _WEIGHT, 0
                data[node] = meaning(node.text) if _is_resolved(node) else node.text
                continue
            if node.target is not None:
                # What stands around an alias has no size yet: the alias means something that has no end.
                if node.target not in sizes:
                    raise UnreadableError("an alias is used within its own value")
                weight, depth = sizes[node.target]
                added += weight
            else:
                inner = [sizes[one] for one in (*node.keys, *node.children)]
                weight = _WEIGHT + sum(one for one, _ in inner)
                depth = max((one for _, one in inner), default=0) + 1
            if added > MAX_EXPANSION or depth > MAX_DEPTH:
                raise UnreadableError("its aliases expand to too much")
            sizes[node] = weight, depth
            if node.target is not None:
                data[node] = data[node.target]
            elif node.kind == "list":
                data[node] = [data[child] for child in node.children]
            else:
                data[node] = self._mapping(node)

    def _mapping(self, node: Node) -> dict[str, Json]:
        own: dict[str, Json] = {}
        merged: list[Json] = []
        for key, child in zip(node.keys, node.children, strict=True):
            value = self._data[child]
            if key.is_merge:
                merged.append(value)
            elif key.name in own or (key.target or key).kind != "scalar":
                raise UnreadableError("a key stands in one mapping twice, or is no text")
            else:
                own[key.name] = value
        if len(merged) > 1:
            raise UnreadableError("`<<` stands in one mapping twice")
        for value in merged:
            for source in value if isinstance(value, list) else [value]:
                if not isinstance(source, dict):
                    raise UnreadableError("`<<` takes something that is no mapping")
                own = {**source, **own}
        return own


class _Composer:
    """Nodes out of events."""

    def __init__(self, tree: Tree) -> None:
        self.top: list[Node] = []
        self.inside_out: list[Node] = []
        """Every node behind those below it, in the order of the text."""
        self.leaves: list[tuple[int, int]] = []
        self.users: dict[Node, list[Node]] = {}
        self._tree = tree
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0
        self._documents = 0

    def take(self, event: YamlEvent) -> None:
        """The next event."""
        kind = event.kind
        if kind == "scalar":
            self._add(self._scalar(event), is_whole=True)
        elif kind == "end":
            self._finish(self._open.pop(), event.end)
        elif kind == "alias":
            self._add(self._alias(event), is_whole=True)
        elif kind == "document":
            self._documents += 1
            if self._documents > 1:
                raise UnreadableError("it holds several YAML documents")
        else:
            self._begin(event)

    def _scalar(self, event: YamlEvent) -> Node:
        begin, end, text, style = event.start, event.end, event.text, event.style
        start = self._content(event, end)
        if not style and not text:
            # A value that isn't there stands at what comes next, to one parser or another.
            start = end = end if event.anchor or event.tag else self._nothing(end)
            begin = min(begin, start)
        self.leaves.append((start, end))
        if style in {"|", ">"}:
            end = self._block_end(start, end, style, text)
        return Node("scalar", begin, start, end, text, style, anchor=event.anchor, tag=event.tag)

    def _alias(self, event: YamlEvent) -> Node:
        target = self._anchors.get(event.text)
        if target is None:
            raise UnreadableError(f"no anchor &{event.text[:_SHOWN]} is defined above its alias")
        node = Node("alias", event.start, event.start, event.end, target=target)
        self.leaves.append((event.start, event.end))
        self.users.setdefault(target, []).append(node)
        return node

    def _begin(self, event: YamlEvent) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise UnreadableError(f"it is nested more than {MAX_DEPTH} deep")
        start = self._content(event, len(self._tree.text))
        node = Node(event.kind, event.start, start, start, flow=event.is_flow, anchor=event.anchor, tag=event.tag)
        self._add(node)
        self._open.append(node)

    def _finish(self, node: Node, end: int) -> None:
        inner = [*node.keys, *node.children]
        has_brackets = node.flow and self._tree.text[node.start : node.start + 1] in {"{", "["}
        node.end = end if has_brackets else max((one.end for one in inner), default=node.end)
        if len(node.keys) != len(node.children) and node.kind == "map":
            raise UnreadableError("it is no YAML that can be rewritten")
        self.inside_out.append(node)

    def _add(self, node: Node, *, is_whole: bool = False) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise UnreadableError("it holds too many values")
        if node.anchor:
            if node.anchor in self._anchors:
                raise UnreadableError(f"the anchor &{node.anchor[:_SHOWN]} is defined twice")
            self._anchors[node.anchor] = node
        if is_whole:
            self.inside_out.append(node)
        if not self._open:
            self.top.append(node)
            return
        parent = node.parent = self._open[-1]
        is_key = parent.kind == "map" and len(parent.keys) == len(parent.children)
        node.index = len(parent.children)
        (parent.keys if is_key else parent.children).append(node)

    def _content(self, event: YamlEvent, end: int) -> int:
        """Where a node begins behind its anchor and its tag."""
        start = event.start
        if not (event.anchor or event.tag):
            return start
        while start < end and (match := _PROPERTY.match(self._tree.text, start)):
            start = min(self._tree.skip(match.end()), end)
        return start

    def _nothing(self, position: int) -> int:
        """Where a value that isn't there would stand: right behind its key's colon."""
        parent = self._open[-1] if self._open else None
        if parent is None or parent.kind != "map" or len(parent.keys) == len(parent.children):
            return position
        end = parent.keys[-1].end
        sign = self._tree.skip(end)
        return sign + 1 if self._tree.text[sign : sign + 1] == ":" else end

    def _block_end(self, start: int, end: int, style: str, text: str) -> int:
        """Where the last line of a block scalar's text ends; its blank lines at the end stand below it."""
        tree = self._tree
        last = tree.line_end(start)
        body = text.rstrip("\n")
        if not body:
            return last
        if style == ">":
            # Lines are folded, so they can't be counted: the last one that isn't blank is the last.
            return tree.line_end(max(last, start + len(tree.text[start:end].rstrip()) - 1))
        for _ in range(body.count("\n") + 1):
            last = tree.line_end(tree.next_line(last))
        return min(last, end)


def _is_resolved(node: Node) -> bool:
    """Whether a scalar may be something else than text."""
    return node.tag in _TYPES if node.tag else not node.style


def _comments(text: str, leaves: list[tuple[int, int]]) -> Iterator[Comment]:
    """The comments: what begins with `#` outside of every scalar, and behind the header of a block."""
    position = 0
    for start, end in [*leaves, (len(text), len(text))]:
        for match in _GAP.finditer(text, position, start):
            if match[0].startswith("#"):
                yield Comment(match.start(), match[0])
        header = _HEADER.match(text, start, end)
        if header and header[1]:
            yield Comment(header.start(1), header[1])
        position = max(position, end)


# -- data --------------------------------------------------------------------------------------------------------


def same(one: Json, other: Json) -> bool:
    """Whether two values are one to the server: 1 and 1.0 are, true and 1 aren't."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def canonical(value: Json) -> Any:  # noqa: ANN401 - something that can be hashed
    """Equal for values that are `same`, and hashable."""
    if isinstance(value, dict):
        return frozenset((key, canonical(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return tuple(canonical(inner) for inner in value)
    # A type is nothing that JSON has.
    return (bool, value) if isinstance(value, bool) else value


def at(value: Json, key: str | int) -> Json:
    """What a mapping or a list has there, or `ABSENT`."""
    if isinstance(value, dict):
        return value.get(key, ABSENT)
    return value[key] if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value) else ABSENT
