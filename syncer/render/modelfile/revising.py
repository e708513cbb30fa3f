"""An existing model file with some of its values changed, and everything else as it stood, byte for byte.

Nothing is written anew: what shall differ becomes splices into the text, and they touch only that. What others use by
an anchor changes only where all of them shall change alike. What comes out is read again before it counts: the data
must be what was asked for, and every comment must still be there. Where that fails, the same is tried in another way;
then the parts are tried for themselves, and those that fail are reported.

    how it's tried     blocks     early
    first              `|`        a new key stands where it belongs
    then               quotes
    at last            `|`        or before its neighbour
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from syncer.model import ABSENT
from syncer.render.modelfile import writing
from syncer.render.modelfile.reading import Node, Tree, UnreadableError, at, same
from syncer.render.modelfile.splicing import Changes, Mode, UnplacedError, child_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from syncer.model import Json
    from syncer.model import Path as DataPath
    from syncer.render.modelfile.reading import Reading


@dataclass(frozen=True, slots=True)
class Edit:
    """What shall stand at a path of the document's data: JSON, a reference to a secret, or `ABSENT` for nothing."""

    path: DataPath
    value: Any


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An edit that wasn't made, and why, in words."""

    path: DataPath
    reason: str


@dataclass(frozen=True, slots=True)
class Revised:
    """The text with all edits in it but those that are unplaced."""

    text: str
    unplaced: tuple[Unplaced, ...]


class _Piece(NamedTuple):
    """One place of the data that shall differ; `ABSENT` takes it away."""

    path: DataPath
    value: Any


_MODES: Final = (Mode(), Mode(blocks=False), Mode(early=True))

_MOST_READ: Final = 1 << 18
"""How many characters are read again, at most, to find out which pieces of an edit have no place."""
_GLANCE: Final = 16
"""How many times faster a text is looked at than read."""


def revise(text: str, edits: Sequence[Edit], read: Reading) -> Revised:
    """The text with the edits made, as far as each part of them has a place. `read` parses a text. Raises nothing.

    They are made together, or one after the other where they are about the same place.
    """
    # A mark at the very beginning is the file's, and no part of its text.
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    try:
        reviser = _Reviser(Tree(text, read), read)
    except UnreadableError as error:
        return Revised(mark + text, tuple(Unplaced(edit.path, f"the file can't be revised: {error}") for edit in edits))
    for group in [edits] if _are_apart(edits) else [[edit] for edit in edits]:
        reviser.make(group)
    return Revised(mark + reviser.tree.text, tuple(reviser.unplaced))


def _are_apart(edits: Sequence[Edit]) -> bool:
    """Whether no edit is about a place in another one's, or the same."""
    paths = {edit.path for edit in edits}
    above = {edit.path[:depth] for edit in edits for depth in range(min(len(edit.path), writing.MAX_DEPTH))}
    return len(paths) == len(edits) and not paths & above


class _Reviser:
    """A text on its way: what stands after the edits that were made, and what had no place."""

    def __init__(self, tree: Tree, read: Reading) -> None:
        self.tree = tree
        self._read = read
        self.unplaced: list[Unplaced] = []
        self._room = max(_MOST_READ, 4 * len(tree.text))

    def make(self, edits: Sequence[Edit]) -> None:
        """Make the edits, whole or in part."""
        first = self.tree
        before = first.data(first.root)
        goal: Json = before
        for edit in edits:
            try:
                _check(first, edit.path)
                is_gone = edit.value is ABSENT
                value = ABSENT if is_gone else writing.checked(edit.value, writing.MAX_DEPTH - len(edit.path))
                goal = _built(goal, edit.path, value)
            except UnplacedError as error:
                self.unplaced.append(Unplaced(edit.path, str(error)))
            except ValueError as error:
                self.unplaced.append(Unplaced(edit.path, f"its value can't be written: {error}"))
        failed: list[tuple[_Piece, str]] = []
        left = [*_pieces(before, goal)]
        while left:
            failed = self._placed(left)
            if len(failed) == len(left):
                break
            # What has a place may make room for the others: an alias with a value of its own frees its anchor.
            left = [piece for piece, _ in failed]
        self.unplaced += [Unplaced(piece.path, self._reason(first, piece) or reason) for piece, reason in failed]

    def _reason(self, first: Tree, piece: _Piece) -> str:
        """Why a piece had no place in the text as it was, whose lines people look at; empty if it may have had one."""
        if self.tree is first or self._room < 0:
            return ""
        self._room -= len(first.text) // _GLANCE
        try:
            Changes(first, Mode()).make(_with(first.data(first.root), [piece]))
        except UnplacedError as error:
            return str(error)
        return ""

    def _placed(self, pieces: Sequence[_Piece]) -> list[tuple[_Piece, str]]:
        """Place the pieces, together if that's possible; those that have no place, and why."""
        if self._room < 0:
            return [(piece, "there is too much in this file that has no place") for piece in pieces]
        rest, aside = pieces, []
        while (refused := self._tried(rest)) and refused.anchor and self._room > 0:
            outermost = _outermost(self.tree, refused.anchor)
            shared: list[_Piece] = []
            others: list[_Piece] = []
            for piece in rest:
                (shared if _anchor(self.tree, piece.path) is outermost else others).append(piece)
            if not (shared and others):
                break
            rest = others
            aside.append(shared)
        middle = len(rest) // 2
        if refused and middle:
            failed = [*self._placed(rest[:middle]), *self._placed(rest[middle:])]
        else:
            failed = [(piece, str(refused)) for piece in rest if refused]
        return [*failed, *(one for some in aside for one in self._placed(some))]

    def _tried(self, pieces: Sequence[_Piece]) -> UnplacedError | None:
        """Let the text say these pieces; or why it can't."""
        tree, refused = self.tree, None
        goal = _with(tree.data(tree.root), pieces)
        for mode in _MODES:
            self._room -= len(tree.text) // _GLANCE
            changes = Changes(tree, mode)
            try:
                expected = changes.make(goal)
                text = changes.text()
                self._room -= len(text)
                revised = Tree(text, self._read)
            except UnplacedError as error:
                refused = refused or error
                if error.anchor:
                    break
            except UnreadableError:
                continue
            else:
                if same(revised.data(revised.root), expected) and revised.said() == tree.said():
                    self.tree = revised
                    return None
        return refused or UnplacedError("it's written in a way that can't be changed without changing more")


def _check(tree: Tree, path: DataPath) -> None:
    """Raise `UnplacedError` where a path leads through what has nothing below it, ValueError if no file can say it."""
    if len(path) > writing.MAX_DEPTH:
        raise UnplacedError("its path is too long")
    for segment in path:
        writing.checked(segment)
    node = tree.root
    for segment in path:
        child = None if node.target else child_at(node, segment)
        if child is None:
            data = tree.data(node)
            is_new_key = isinstance(segment, str) and (data is None or isinstance(data, dict))
            is_item = isinstance(segment, int) and isinstance(data, list) and 0 <= segment <= len(data)
            if not (is_new_key or is_item):
                raise UnplacedError(f"what stands above it in line {tree.line(node.start)} has no room for it")
            return
        node = child


def _pieces(before: Json, goal: Json, path: DataPath = ()) -> Iterator[_Piece]:
    """The places in which the data differs from what it shall be; a list that becomes longer or shorter is one."""
    if isinstance(before, dict) and isinstance(goal, dict):
        for key in before:
            if key not in goal:
                yield _Piece((*path, key), ABSENT)
        for key, inner in goal.items():
            yield from _pieces(before.get(key, ABSENT), inner, (*path, key))
    elif isinstance(before, list) and isinstance(goal, list) and len(before) == len(goal):
        for index, (old, new) in enumerate(zip(before, goal, strict=True)):
            yield from _pieces(old, new, (*path, index))
    elif not same(before, writing.bare(goal)):
        yield _Piece(path, goal)


def _anchor(tree: Tree, path: DataPath) -> Node | None:
    """The outermost value with an anchor, used elsewhere, that a place stands in or gets its value from."""
    node = tree.root
    for segment in path:
        child = None if node.target else child_at(node, segment)
        if child is None:
            merged = (one for i, key in enumerate(node.keys) if key.is_merge for one in node.children[i].nodes())
            node = next((one for one in merged if one.target), node)
            break
        node = child
    return _outermost(tree, node.target or node)


def _outermost(tree: Tree, node: Node) -> Node | None:
    """The outermost value, used elsewhere, that a node is or stands in."""
    found: Node | None = None
    one: Node | None = node
    while one is not None:
        found, one = (one if one in tree.users else found), one.parent
    return found


def _with(data: Json, pieces: Iterable[_Piece]) -> Json:
    """The data with the pieces in it."""
    whole = [_copied(data)]
    for piece in pieces:
        inside: Any = whole
        *above, last = 0, *piece.path
        for key in above:
            inside = inside[key]
        if piece.value is ABSENT:
            del inside[last]
        else:
            inside[last] = piece.value
    return whole[0]


def _copied(data: Json) -> Json:
    """A copy in which nothing is shared, as what aliases mean is."""
    if isinstance(data, dict):
        return {key: _copied(inner) for key, inner in data.items()}
    return [_copied(inner) for inner in data] if isinstance(data, list) else data


def _built(data: Json, path: DataPath, value: Json) -> Any:  # noqa: ANN401 - JSON
    """The data with a value at a path; what is missing on the way there is made."""
    if not path:
        return value
    inner = _built(at(data, path[0]), path[1:], value)
    if inner is ABSENT and isinstance(data, dict):
        return {key: other for key, other in data.items() if key != path[0]}
    if isinstance(data, list) and isinstance(path[0], int):
        return [*data[: path[0]], inner, *data[path[0] + 1 :]]
    if isinstance(path[0], int) or not (isinstance(data, dict) or data in (None, ABSENT)):
        raise UnplacedError("what stands above it has no room for it")
    return {**(data if isinstance(data, dict) else {}), path[0]: inner}
