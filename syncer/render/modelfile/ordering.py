"""An existing text with its keys in the documented order. Comments and values stay what they are, byte for byte.

The lines of each key move as one, with the comments that stand directly above it and all that follows up to the next
key. A comment that is set in further than the key below it belongs to the key above. What stands at the top of the
file, set off by a blank line, and what follows the last key stay where they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from syncer.render.modelfile.reading import BREAK, Tree, UnreadableError, same
from syncer.render.modelfile.splicing import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from syncer.render.modelfile.reading import Comment, Node, Reading

SCHEMA_HEADER: Final = re.compile(r"(#\s*yaml-language-server\s*:\s*\$schema\s*=\s*)(\S+)")
"""The comment by which a file names its schema for an editor."""


class Formatted(NamedTuple):
    """The text as it should be; where that isn't certain the same text, and why."""

    text: str
    reason: str = ""


def ordered(text: str, read: Reading, schema_of: Callable[[str], str] = str) -> Formatted:
    """The text with its keys in order; `schema_of` gives the right path for the one that a schema's header has.

    It must mean the same afterwards, and have the same comments. Where that isn't certain, nothing is changed.
    """
    try:
        tree = Tree(text, read)
        if any(node.anchor or node.kind == "alias" or node.tag or node.is_merge for node in tree.root.nodes()):
            return Formatted(text, "it has anchors, aliases, merge keys or tags, whose order may mean something")
        if len({match[0] for match in BREAK.finditer(text)}) > 1:
            return Formatted(text, "its line ends are of several kinds")
        mended = _with_header(tree, schema_of)
        result = _in_order(Tree(mended, read))
        after = Tree(result, read)
    except UnreadableError as error:
        return Formatted(text, str(error))
    if not same(after.data(after.root), tree.data(tree.root)) or after.said() != Tree(mended, read).said():
        return Formatted(text, "it would not read back as the same")
    return Formatted(result)


def _with_header(tree: Tree, schema_of: Callable[[str], str]) -> str:
    """The text with the right path of its schema."""
    first = tree.root.keys[0].outer if tree.root.keys else len(tree.text)
    for comment in tree.within(0, first):
        header = SCHEMA_HEADER.match(comment.text)
        if header is not None:
            start, end = (comment.start + place for place in header.span(2))
            return tree.text[:start] + schema_of(header[2]) + tree.text[end:]
    return tree.text


def _in_order(tree: Tree) -> str:
    """The text with the keys of the model, and of each of its environments, in order."""
    text = tree.text
    # Inner mappings first: they move within the lines of one key of the outer one, and every other place stays.
    for node in [*_environments(tree.root), tree.root]:
        if node.flow or not node.keys or _is_ordered(node):
            continue
        if not all(tree.is_first(key.outer) for key in node.keys):
            raise UnreadableError("several keys stand on one line")
        text = _moved(tree, node, text)
    return text


def _environments(root: Node) -> Iterator[Node]:
    place = root.own("environments")
    if place is not None and root.children[place].kind == "map":
        yield from (child for child in root.children[place].children if child.kind == "map")


def _is_ordered(node: Node) -> bool:
    ranks = [_rank(key.name) for key in node.keys]
    return ranks == sorted(ranks)


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _moved(tree: Tree, node: Node, text: str) -> str:
    """The text with the entries of one mapping in order; `text` is the tree's, with inner mappings moved."""
    comments = {tree.line_start(one.start): one for one in tree.comments if tree.is_first(one.start)}
    starts = [_beginning(tree, key, comments) for key in node.keys]
    end = _end(tree, node, comments)
    entries = [text[start:stop] for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    ranks = [_rank(key.name) for key in node.keys]
    if end == len(text) and not text.endswith(("\n", "\r")):
        entries[-1] += tree.newline
    moved = "".join(entries[i] for i in sorted(range(len(entries)), key=ranks.__getitem__))
    return text[: starts[0]] + moved + text[end:]


def _beginning(tree: Tree, key: Node, comments: Mapping[int, Comment]) -> int:
    """Where the lines of a key begin: with the comments directly above it, but for the schema's header."""
    line = top = tree.line_start(key.outer)
    while line and (above := tree.line_start(line - 1)) in comments and not SCHEMA_HEADER.match(comments[above].text):
        line = above
        top = top if _is_further(tree, comments[line], key) else line
    return top


def _end(tree: Tree, node: Node, comments: Mapping[int, Comment]) -> int:
    """Where the lines of the last key end: its value, with a comment behind it, and those that are set in further."""
    key = node.keys[-1]
    end = tree.next_line(max(key.end, *(one.end for one in node.children[-1].nodes())))
    while end in comments and _is_further(tree, comments[end], key):
        end = tree.next_line(end)
    return end


def _is_further(tree: Tree, comment: Comment, key: Node) -> bool:
    """Whether a comment is set in further than a key."""
    return tree.column(comment.start) > tree.column(key.outer)
