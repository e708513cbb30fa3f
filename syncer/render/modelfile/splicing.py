"""The splices that make one text of another: they touch what has to differ between its data and a goal, and no more.

What others use by an anchor changes only where all of them shall change alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.model import ABSENT
from syncer.normalization import without_final_line_ends
from syncer.render.modelfile import scalars, writing
from syncer.render.modelfile.reading import BREAK, Node, Tree, canonical, same
from syncer.render.modelfile.writing import Habit
from syncer.secrets import SecretRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from syncer.model import Json
    from syncer.model import Path as DataPath
    from syncer.render.modelfile.reading import Comment

ORDER: Final = (
    "id",
    "name",
    "description",
    "connector",
    "connector_id",
    "query_type",
    "primary_key",
    "query",
    "query_file",
    "configuration",
    "lifecycle",
    "environments",
    "only",
)
"""The keys of a model file as people order them."""

_MANY: Final = 300
"""Longer lists are compared from both ends alone."""

_SHOWN: Final = 40
_BLOCK_TEXT: Final = ("query", "description")
_BLANK_LINE: Final = re.compile(r"[ \t]*(?:\r\n|\n|\r)|[ \t]+\Z")


class UnplacedError(Exception):
    """This can't be done in this way; the message says why. `anchor` is what others use, if that's the reason."""

    def __init__(self, message: str, anchor: Node | None = None) -> None:
        super().__init__(message)
        self.anchor = anchor


@dataclass(frozen=True, slots=True)
class Mode:
    """How pieces are tried."""

    blocks: bool = True
    early: bool = False


class _Splice(NamedTuple):
    """What comes in the place of a stretch of text. `is_lines` if it is whole lines, each with its end."""

    start: int
    end: int
    text: str
    is_lines: bool = False
    needs_end: bool = False


class Changes:
    """The splices that make one text of another."""

    def __init__(self, tree: Tree, mode: Mode) -> None:
        self._tree = tree
        self._mode = mode
        self._habit = replace(_habit(tree), blocks=mode.blocks)
        self._splices: list[_Splice] = []
        self._known: dict[Node, list[tuple[int, int]]] = {}
        self._meant: dict[Node, Json] = {}
        """What nodes that others use mean with the splices made."""
        self._touched: dict[Node, str] = {}
        """What nodes that others use have to do with the splices, in words."""
        self._met: set[Node] = set()
        """The aliases that mean what they shall with the splices made, or are gone."""

    def make(self, goal: Json) -> Json:
        """Let the document say the goal; the data that it has then. Raises `UnplacedError`."""
        goal = self._in_habit((), self._tree.root, goal)
        self._merge(self._tree.root, goal)
        for anchor, where in self._touched.items():
            for user in self._tree.users[anchor]:
                if user not in self._met:
                    raise self._shared(anchor, user, f"{where} the anchor")
        return writing.bare(goal)

    def _shared(self, anchor: Node, user: Node, where: str, is_in: str = "") -> UnplacedError:
        line = self._tree.line(user.start)
        return UnplacedError(f"{where} &{anchor.anchor[:_SHOWN]}{is_in}, which line {line} uses, too", anchor)

    def text(self) -> str:
        """The text with all splices in it."""
        old, parts, position = self._tree.text, [""], 0
        for splice in sorted(self._splices, key=lambda one: (one.start, one.end)):
            if splice.start < position:
                raise UnplacedError("its parts are written too close to each other")
            parts.append(old[position : splice.start])
            position = splice.end
            text = splice.text
            if splice.is_lines and splice.start == len(old):
                before = next((part for part in reversed(parts) if part), "")
                # The last line has no end: it gets one, and the new last line has none then.
                if before and before[-1] not in "\r\n":
                    text = self._tree.newline + (text if splice.needs_end else text.removesuffix(self._tree.newline))
            parts.append(text)
        return "".join([*parts, old[position:]])

    def _in_habit(self, path: DataPath, node: Node, value: Json) -> Json:
        """The value with its texts ending as their blocks did: of a query and a description it's nobody's end."""
        if isinstance(value, dict) and node.kind == "map" and path[:1] in {(), ("environments",)}:
            own = {name: child_at(node, name) for name in value}
            return {
                name: inner if (child := own[name]) is None else self._in_habit((*path, name), child, inner)
                for name, inner in value.items()
            }
        field = path[2:] if path[:1] == ("environments",) else path
        if len(field) != 1 or field[0] not in _BLOCK_TEXT or not isinstance(value, str) or node.style not in {"|", ">"}:
            return value
        body = without_final_line_ends(value)
        kept = body + node.text[len(node.text.rstrip("\n")) :]
        return kept if self._mode.blocks and scalars.literal(kept, 2) else value

    # -- what differs --------------------------------------------------------------------------------------------

    def _merge(self, node: Node, value: Json) -> None:
        """Change what differs between a node and its new value, and nothing else."""
        given = writing.bare(value)
        if node in self._tree.users:
            self._meant[node] = given
        if same(self._tree.data(node), given):
            return
        if node.target is not None and same(self._meant.get(node.target, ABSENT), given):
            # The value that the alias means changes in the same way.
            self._met.add(node)
            return
        if not node.tag:
            inner = given if isinstance(value, SecretRef) else value
            if node.kind == "map" and isinstance(inner, dict) and self._has_survivors(node, inner):
                self._merge_map(node, inner)
                return
            if node.kind == "list" and isinstance(inner, list) and inner and node.children:
                self._merge_list(node, inner)
                return
        self._replace(node, value)

    def _has_survivors(self, node: Node, given: dict[str, Json]) -> bool:
        return any(key.is_merge or key.name in given for key in node.keys) and self._has_brackets(node)

    def _merge_map(self, node: Node, given: dict[str, Json]) -> None:
        own = {key.name for key in node.keys if not key.is_merge}
        gone = [i for i, key in enumerate(node.keys) if not key.is_merge and key.name not in given]
        for key, child in zip(node.keys, node.children, strict=True):
            if not key.is_merge and key.name in given:
                self._merge(child, given[key.name])
        inherited = self._inherited(node, {name: inner for name, inner in given.items() if name not in own})
        if name := next((name for name in inherited if name not in given and name not in own), None):
            raise UnplacedError(f"{name[:_SHOWN]} comes by `<<`, and can't be taken away here alone")
        if gone:
            self._remove(node, gone)
        new = [
            (name, inner)
            for name, inner in given.items()
            if name not in own and not (name in inherited and same(inherited[name], writing.bare(inner)))
        ]
        if new and node is self._tree.root:
            for pair in sorted(new, key=_usual_order):
                self._insert(node, [pair], is_root=True, gone=gone)
        elif new:
            self._insert(node, new, gone=gone)

    def _inherited(self, node: Node, given: Mapping[str, Json]) -> dict[str, Json]:
        """What `<<` gives a mapping, with the splices made; `given` is what it shall have beside its own keys."""
        found: dict[str, Json] = {}
        for one in _sources(node):
            meant = one.target or one
            found = {**(self._meant.get(meant) or self._tree.data(meant)), **found}
        before = self._tree.data(node)
        kept = (name for name, inner in given.items() if same(before.get(name, ABSENT), writing.bare(inner)))
        if all(same(before[name], found.get(name, ABSENT)) for name in kept):
            merged = (child for key, child in zip(node.keys, node.children, strict=True) if key.is_merge)
            self._met.update(one for child in merged for one in child.nodes())
        return found

    def _merge_list(self, node: Node, given: list[Json]) -> None:
        if not self._has_brackets(node):
            self._replace(node, given)
            return
        before = [canonical(self._tree.data(child)) for child in node.children]
        after = [canonical(writing.bare(one)) for one in given]
        gone: list[int] = []
        kept: list[tuple[int, int]] = []
        added: list[tuple[int, list[Json]]] = []
        for low, high, new_low, new_high in _differences(before, after):
            paired = min(high - low, new_high - new_low)
            kept += [(low + i, new_low + i) for i in range(paired)]
            gone += range(low + paired, high)
            if new_low + paired < new_high:
                added.append((low + paired, given[new_low + paired : new_high]))
        if len(gone) == len(node.children):
            self._replace(node, given)
            return
        for i, j in kept:
            self._merge(node.children[i], given[j])
        if gone:
            self._remove(node, gone)
        for position, items in added:
            self._insert_items(node, position, items, gone)

    # -- who else would change -----------------------------------------------------------------------------------

    def _guard(self, node: Node) -> None:
        """Remember which nodes are touched that an alias elsewhere means, too."""
        one: Node | None = node
        while one is not None:
            if one in self._tree.users:
                self._touched.setdefault(one, "its value is" if one is node else "it stands in")
            one = one.parent

    def _guard_inside(self, nodes: Iterable[Node], entries: Collection[Node] = ()) -> None:
        """Refuse to take away what an alias elsewhere means; `entries` are those of the nodes that go as such."""
        inside = {one for node in nodes for one in node.nodes()}
        self._met |= inside
        for one in inside:
            for user in self._tree.users.get(one, ()):
                if user not in inside:
                    where, is_in = ("its value is the anchor", "") if one in entries else ("the anchor", " is in it")
                    raise self._shared(one, user, where, is_in)

    # -- where the parts of a collection stand -------------------------------------------------------------------

    def _has_brackets(self, node: Node) -> bool:
        """Whether a collection has an extent of its own: all but the pair in `[a: 1]`."""
        return not node.flow or self._tree.text[node.start : node.start + 1] in {"{", "["}

    def _entries(self, node: Node) -> list[tuple[int, int]]:
        """Where each entry of a collection begins and ends: its key or dash, and the end of its value."""
        if node not in self._known:
            self._known[node] = self._found_entries(node)
        return self._known[node]

    def _found_entries(self, node: Node) -> list[tuple[int, int]]:
        text = self._tree.text
        if node.kind == "map":
            entries = []
            for key, child in zip(node.keys, node.children, strict=True):
                line = text[self._tree.line_start(key.outer) : key.outer].rstrip(" ")
                start = self._tree.line_start(key.outer) + len(line) - 1 if line.endswith("?") else key.outer
                entries.append((start, max(key.end, child.end)))
            return entries
        if node.flow:
            return [(child.outer, child.end) for child in node.children]
        entries, position = [], node.start
        for child in node.children:
            dash = self._tree.skip(position)
            if text[dash : dash + 1] != "-":
                raise UnplacedError("its list is written in an unusual way")
            entries.append((dash, max(dash + 1, child.end)))
            position = self._after(entries[-1][1], child)
        return entries

    def _after(self, end: int, node: Node) -> int:
        """Where the line after an entry begins; the blank lines at the end of a `|+` block are the block's."""
        last = node
        while last.children and not last.flow:
            last = last.children[-1]
        position = self._tree.next_line(end)
        if last.style not in {"|", ">"} or not last.text.endswith("\n\n"):
            return position
        for _ in range(len(last.text) - len(last.text.rstrip("\n")) - 1):
            match = _BLANK_LINE.match(self._tree.text, position)
            position = match.end() if match else position
        return position

    def _head(self, node: Node) -> tuple[int, str]:
        """Where a node's colon or dash ends, and the anchor that stands between that and its value."""
        parent = node.parent
        if parent is None:
            raise UnplacedError("the file is one value")
        start = parent.keys[node.index].end if parent.kind == "map" else self._entries(parent)[node.index][0]
        sign = self._tree.skip(start)
        if self._tree.text[sign : sign + 1] != (":" if parent.kind == "map" else "-"):
            raise UnplacedError("it's written in an unusual way")
        return sign + 1, f" &{node.anchor}" if node.anchor else ""

    def _block_column(self, node: Node) -> int:
        """The column of the keys or dashes of a block collection."""
        return self._tree.column(self._entries(node)[0][0])

    # -- replacing -----------------------------------------------------------------------------------------------

    def _replace(self, node: Node, value: Json) -> None:
        """Put a value in the place of a node."""
        self._guard(node)
        self._guard_inside([*node.keys, *node.children])
        self._met.add(node)
        parent = node.parent
        if parent is None:
            raise UnplacedError("the file is one value")
        head, below = (self._within_flow(node, value), None) if parent.flow else self._within_block(node, value)
        is_in_line = node.kind in {"scalar", "alias"} or node.flow
        is_block = node.style in {"|", ">"}
        if below is None and is_in_line and not is_block:
            self._replace_in_line(node, head)
        else:
            self._replace_lines(node, head, below or [], needs_end=_ends_in_break(value))

    def _within_flow(self, node: Node, value: Json) -> str:
        if isinstance(value, str) and node.kind == "scalar":
            return scalars.restyled(value, node.style, flow=True)
        return writing.flow(value)

    def _within_block(self, node: Node, value: Json) -> tuple[str, list[str] | None]:
        """What comes behind the colon or the dash, and the lines below, if there are any."""
        parent = node.parent
        if parent is None:
            raise UnplacedError("the file is one value")
        column = self._block_column(parent)
        if isinstance(value, str) and node.kind == "scalar":
            return self._restyled(node, value, column)
        after = writing.after_key if parent.kind == "map" else writing.after_dash
        head, below = after(value, column, self._habit)
        return head.removeprefix(" "), below or None

    def _restyled(self, node: Node, text: str, column: int) -> tuple[str, list[str] | None]:
        """A text in the style of the one it replaces, as far as that carries it."""
        is_block = node.style in {"|", ">"}
        wants_block = is_block or (node.style != '"' and "\n" in text)
        if not (wants_block and self._mode.blocks):
            return scalars.restyled(text, "" if is_block else node.style), None
        offset = self._offset(node, column)
        block = scalars.folded(text, offset) if node.style == ">" else None
        block = block or scalars.literal(text, offset)
        if block is None:
            return scalars.restyled(text, "" if is_block else node.style), None
        sign, lines = block
        if "+" in sign:
            lines = self._without_following_blanks(node, text, lines)
        return sign, writing.indented(lines, column + offset)

    def _offset(self, node: Node, column: int) -> int:
        """How far the lines of a block are set in: as far as they were, if it was one."""
        default = self._habit.step if node.parent is not None and node.parent.kind == "map" else 2
        if node.style not in {"|", ">"}:
            return default
        text = self._tree.text
        header = re.compile(r"[|>][-+]?([1-9])").match(text, node.start)
        if header:
            return int(header[1])
        for line in BREAK.split(text[self._tree.next_line(node.start) : node.end]):
            if line.strip(" "):
                return len(line) - len(line.lstrip(" ")) - column
        return default

    def _without_following_blanks(self, node: Node, text: str, lines: list[str]) -> list[str]:
        """The lines of a `|+` block without the blank ones that the file has below it already."""
        have, position = 0, self._tree.next_line(self._tree.line_end(node.end))
        while match := _BLANK_LINE.match(self._tree.text, position):
            have, position = have + 1, match.end()
        blank = len(text) - len(text.rstrip("\n")) - 1
        if have > blank:
            raise UnplacedError("the blank lines below it would become part of it")
        return lines[: len(lines) - have]

    def _replace_in_line(self, node: Node, text: str) -> None:
        """Put text on one line where a scalar, an alias, or something in brackets stood."""
        start, anchor = node.start, ""
        if node.tag:
            start, anchor = node.outer, f"&{node.anchor} " if node.anchor else ""
        if node.kind == "scalar" and not node.style and not node.text:
            before = self._tree.text[start - 1 : start] if start == node.start else " "
            anchor = anchor if before in {" ", "\t", "\r", "\n"} else f" {anchor}"
        self._splices.append(_Splice(start, node.end, anchor + text))
        self._float(node, self._tree.within(start, node.end))

    def _replace_lines(self, node: Node, first: str, below: list[str], *, needs_end: bool) -> None:
        """Put text where a value stood that had, or has now, lines of its own.

        Its comments stay: one behind the colon, the others on lines of their own below.
        """
        tree = self._tree
        if node.parent is None or node.parent.flow:
            raise UnplacedError("it stands in brackets, where no lines of its own can be")
        head, anchor = self._head(node)
        end = tree.line_end(node.end)
        comments = tree.within(head, end)
        break_ = tree.line_end(head)
        beside = next((one for one in comments if one.start < break_), None)
        beside = beside or next((one for one in comments if one.start >= node.end), None)
        line = f"{anchor}{f' {first}' if first else ''}"
        if beside is not None:
            line += self._gap(beside) + beside.text
        indent = " " * self._block_column(node.parent)
        lines = [line, *below, *(indent + one.text for one in comments if one is not beside)]
        final = tree.newline if needs_end and below and end == len(tree.text) else ""
        self._splices.append(_Splice(head, end, tree.newline.join(lines) + final))

    def _gap(self, comment: Comment) -> str:
        """The blanks before a comment; one at least."""
        before = self._tree.text[self._tree.line_start(comment.start) : comment.start]
        return before[len(before.rstrip(" \t")) :] or " "

    def _float(self, node: Node, comments: list[Comment]) -> None:
        """Put comments from within brackets on lines of their own, above the line that the brackets are in."""
        if not comments:
            return
        tree = self._tree
        while node.parent is not None and node.parent.flow:
            node = node.parent
        start = node.start
        if node.parent is not None:
            start = self._entries(node.parent)[node.index][0]
        start = tree.line_start(start)
        line = tree.text[start : tree.line_end(start)]
        indent = line[: len(line) - len(line.lstrip(" "))]
        text = "".join(indent + one.text + tree.newline for one in comments)
        self._splices.append(_Splice(start, start, text))

    # -- removing ------------------------------------------------------------------------------------------------

    def _remove(self, node: Node, gone: list[int]) -> None:
        """Take entries out of a collection; others stay in it."""
        values = [node.children[i] for i in gone]
        for value in values:
            self._guard(value)
        self._guard_inside([*values, *(node.keys[i] for i in gone if node.keys)], values)
        entries = self._entries(node)
        for low, high in _runs(gone):
            if node.flow:
                self._remove_in_flow(node, entries, low, high)
            elif self._tree.is_first(entries[low][0]):
                for i in range(low, high):
                    self._remove_lines(node, entries, i)
            else:
                self._remove_behind_dash(entries, low, high)

    def _remove_in_flow(self, node: Node, entries: list[tuple[int, int]], low: int, high: int) -> None:
        if high < len(entries):
            start, end = entries[low][0], entries[high][0]
        else:
            start, end = entries[low - 1][1], entries[high - 1][1]
        self._splices.append(_Splice(start, end, ""))
        self._float(node, self._tree.within(start, end))

    def _remove_lines(self, node: Node, entries: list[tuple[int, int]], index: int) -> None:
        """Take an entry's lines out. Its comments stay, on lines of their own."""
        tree = self._tree
        start, end = entries[index]
        indent = " " * tree.column(entries[0][0])
        comments = tree.within(start, tree.line_end(end))
        after = self._after(end, node.children[index])
        text = "".join(indent + one.text + tree.newline for one in comments)
        if after == len(tree.text) and not tree.text.endswith(("\n", "\r")):
            text = text.removesuffix(tree.newline)
        self._splices.append(_Splice(tree.line_start(start), after, text))

    def _remove_behind_dash(self, entries: list[tuple[int, int]], low: int, high: int) -> None:
        """Take out what stands first behind a dash: the next key moves up, or a comment does."""
        tree = self._tree
        if high == len(entries):
            raise UnplacedError("nothing would be left of it")
        start, following = entries[low][0], entries[high][0]
        indent = " " * tree.column(start)
        comments = tree.within(start, following)
        if comments:
            following = tree.line_start(following)
        text = "".join(f"{indent if i else ''}{one.text}{tree.newline}" for i, one in enumerate(comments))
        self._splices.append(_Splice(start, following, text))

    # -- inserting -----------------------------------------------------------------------------------------------

    def _insert(
        self, node: Node, pairs: list[tuple[str, Json]], *, is_root: bool = False, gone: Sequence[int] = ()
    ) -> None:
        """Put new keys into a mapping: at its end, but at the top of the file where they're looked for."""
        self._guard(node)
        if not node.keys:
            self._replace(node, dict(pairs))
            return
        if not self._has_brackets(node):
            raise UnplacedError("it stands in a pair without brackets")
        entries = self._entries(node)
        if node.flow:
            texts = [writing.pair(name, value) for name, value in pairs]
            self._insert_in_flow(entries, len(entries), texts, gone)
            return
        column = self._block_column(node)
        lines = [line for name, value in pairs for line in writing.entry(name, value, column, self._habit)]
        index = _usual_place(node, pairs[0][0]) if is_root else len(entries)
        if self._mode.early:
            index = max(index - 1, 0)
        self._insert_lines(node, entries, index, lines, needs_end=_ends_in_break(pairs[-1][1]))

    def _insert_items(self, node: Node, index: int, items: list[Json], gone: Sequence[int] = ()) -> None:
        """Put new items into a list, before the one at `index`."""
        self._guard(node)
        if not node.children:
            self._replace(node, items)
            return
        entries = self._entries(node)
        if node.flow:
            self._insert_in_flow(entries, index, [writing.flow(one) for one in items], gone)
            return
        column = self._block_column(node)
        lines = [line for one in items for line in writing.item(one, column, self._habit)]
        self._insert_lines(node, entries, index, lines, needs_end=_ends_in_break(items[-1]))

    def _insert_in_flow(
        self, entries: list[tuple[int, int]], index: int, texts: list[str], gone: Sequence[int]
    ) -> None:
        left = {*gone}
        before = next((i for i in range(index - 1, -1, -1) if i not in left), None)
        if before is not None:
            position = entries[before][1]
            self._splices.append(_Splice(position, position, "".join(f", {text}" for text in texts)))
            return
        position = next(entries[i][0] for i in range(index, len(entries)) if i not in left)
        self._splices.append(_Splice(position, position, "".join(f"{text}, " for text in texts)))

    def _insert_lines(
        self, node: Node, entries: list[tuple[int, int]], index: int, lines: list[str], *, needs_end: bool
    ) -> None:
        """Put lines before the entry at `index`: right below the one before it."""
        tree = self._tree
        text = "".join(line + tree.newline for line in lines)
        if index:
            position = self._after(entries[index - 1][1], node.children[index - 1])
        elif tree.is_first(entries[0][0]):
            position = self._above(tree.line_start(entries[0][0]))
        else:
            # Behind a dash: what stood there moves down.
            position = entries[0][0]
            indent = " " * tree.column(position)
            self._splices.append(_Splice(position, position, text.lstrip(" ") + indent))
            return
        self._splices.append(_Splice(position, position, text, is_lines=True, needs_end=needs_end))

    def _above(self, position: int) -> int:
        """Above the comment that belongs to a line, if it isn't the one that the file begins with."""
        tree, line = self._tree, position
        starts = {tree.line_start(one.start) for one in tree.comments if tree.is_first(one.start)}
        while line and (before := tree.line_start(line - 1 - tree.text[:line].endswith("\r\n"))) in starts:
            line = before
        return line or position


def child_at(node: Node, segment: str | int) -> Node | None:
    """The node at a step of a path, if it stands there itself."""
    if node.kind == "map" and isinstance(segment, str):
        index = node.own(segment)
        return None if index is None else node.children[index]
    is_inside = node.kind == "list" and isinstance(segment, int) and 0 <= segment < len(node.children)
    return node.children[int(segment)] if is_inside else None


def _sources(node: Node) -> Iterator[Node]:
    """What `<<` names in a mapping: mappings, or aliases of them."""
    for key, child in zip(node.keys, node.children, strict=True):
        source = child.target or child
        if key.is_merge:
            yield from [child] if source.kind == "map" else source.children


def _usual_order(pair: tuple[str, Json]) -> int:
    """Where among the keys of a model file one usually stands."""
    return ORDER.index(pair[0]) if pair[0] in ORDER else len(ORDER)


def _usual_place(node: Node, name: str) -> int:
    """Before which entry of the file a new key stands: right below the one that usually precedes it."""
    if name not in ORDER:
        return len(node.keys)
    places = {key.name: i for i, key in enumerate(node.keys)}
    before = [places[one] for one in ORDER[: ORDER.index(name)] if one in places]
    if before:
        return before[-1] + 1
    return places.get("name", 0) if name == "id" else 0


def _differences(before: Sequence[object], after: Sequence[object]) -> list[tuple[int, int, int, int]]:
    """Which stretches of two lists differ."""
    if len(before) <= _MANY and len(after) <= _MANY:
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        return [(a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    low, most = 0, min(len(before), len(after))
    while low < most and before[low] == after[low]:
        low += 1
    tail = 0
    while tail < most - low and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return [(low, len(before) - tail, low, len(after) - tail)]


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in order, as stretches."""
    runs: list[tuple[int, int]] = []
    for index in sorted(indices):
        if runs and runs[-1][1] == index:
            runs[-1] = runs[-1][0], index + 1
        else:
            runs.append((index, index + 1))
    return runs


def _ends_in_break(value: Json) -> bool:
    """Whether the last text of a value ends in a line end, which a block needs one in the file for."""
    while isinstance(value, dict | list) and value:
        value = [*(value.values() if isinstance(value, dict) else value)][-1]
    return isinstance(value, str) and value.endswith("\n")


def _habit(tree: Tree) -> Habit:
    """How far this file sets in; two columns where it doesn't show."""
    step = dash = None
    for node in tree.root.nodes():
        if node.kind != "map" or node.flow or (step and dash is not None):
            continue
        column = tree.column(node.keys[0].outer)
        for child in node.children:
            if child.kind in {"map", "list"} and not child.flow and child.children:
                offset = tree.column(child.start) - column
                if child.kind == "map" and step is None and 1 <= offset <= 8:  # noqa: PLR2004
                    step = offset
                elif child.kind == "list" and dash is None and 0 <= offset <= 8:  # noqa: PLR2004
                    dash = offset
    return Habit(step or 2, 2 if dash is None else dash)
