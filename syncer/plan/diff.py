"""What differs between two models, by path. The one door to deepdiff. Pure. See `normalization` for what doesn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syncer.model import ABSENT, leaves
from syncer.secrets import Secret, is_mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syncer.model import Fields, Path


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that differs: `before` is live, `after` is desired; `ABSENT` on a side means no such key or element.

    In a list, `path` ends in the index on the side where the element is (before for a removed one).
    """

    path: Path
    before: Any
    after: Any

    @property
    def is_sensitive(self) -> bool:
        """Whether the values may not be shown."""
        return isinstance(self.before, Secret) or isinstance(self.after, Secret)


def same(before: object, after: object) -> bool:
    """Whether two values are the same JSON: `1`, `1.0` and `True` are not; the order of keys is nothing.

    A masked value is the same as anything: nobody can tell.
    """
    kind = type(before)
    if isinstance(before, Secret) and before.is_mask:
        return after is not ABSENT
    if kind is not type(after):
        return False
    # Written out, because it is asked of every value of every model.
    if isinstance(before, dict) and isinstance(after, dict):
        if len(before) != len(after):
            return False
        for key, value in before.items():
            other = after.get(key, ABSENT)
            # Most values are texts: a call for each would cost more than comparing it.
            is_text = type(value) is str is type(other)
            if value != other if is_text else value is not other and not same(value, other):
                return False
        return True
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(same, before, after))
    return before == after


def compare(before: Fields, after: Fields) -> tuple[FieldChange, ...]:
    """What differs between two models' fields, by path. Only the fields of `after` count: the others aren't managed."""
    changes: list[FieldChange] = []
    for field, desired in after.items():
        live = before.get(field, ABSENT)
        if same(live, desired):
            continue
        nested = isinstance(live, (dict, list)) and type(live) is type(desired)
        changes += _nested(field, live, desired) if nested else [FieldChange((field,), live, desired)]
    return tuple(sorted(changes, key=_by_path))


def _nested(field: str, before: object, after: object) -> Iterable[FieldChange]:
    """What differs inside one value. deepdiff is imported here alone: it costs more than reading a hundred files."""
    if _is_large(before) or _is_large(after):
        return [FieldChange((field,), before, after)]
    from deepdiff import DeepDiff  # noqa: PLC0415 - see above
    from deepdiff.helper import notpresent  # noqa: PLC0415

    # Live secrets come first: an equal one of git gets the same text, so a reference is told only where it differs.
    sealed: dict[Secret, str] = {}
    for _, leaf in leaves(before):
        if isinstance(leaf, Secret):
            _seal(leaf, sealed)
    # A threshold of 0, or two dicts that share few keys would be one change at the top. No ignore_order: a list's
    # order is data. zip_ordered_iterables stays off, so an element put in front doesn't make every later one differ.
    # Keys are data: none is private, however it begins.
    tree = DeepDiff(
        *_narrowed(before, after, sealed),
        view="tree",
        threshold_to_diff_deeper=0,
        verbose_level=2,
        ignore_private_variables=False,
    )
    opened = {seal: secret for secret, seal in sealed.items()}
    found = []
    for kind in tree.values():
        for item in kind:
            t1, t2 = (ABSENT if side is notpresent else _unseal(side, opened) for side in (item.t1, item.t2))
            found.append(FieldChange((field, *item.path(output_format="list")), t1, t2))
    visible = [change for change in found if not same(change.before, change.after)]
    if not found:
        # `same` has the last word: should deepdiff ever see nothing where it saw something, the field differs whole.
        return [FieldChange((field,), before, after)]
    # The whole value goes with a PUT: what is only masked is no reason for one, but it is part of one.
    return visible if any(not is_mask(change.before) for change in visible) else []


_LARGE: Final = 2_000


def _is_large(value: object) -> bool:
    """Whether deepdiff would take seconds: its alignment of lists is quadratic. Such a value differs as a whole."""
    # What `model.leaves` gives is only counted here: that takes a tenth of the time.
    waiting, count = [value], 0
    for one in waiting:
        if isinstance(one, dict) and one:
            waiting += one.values()
        elif isinstance(one, list) and one:
            waiting += one
        else:
            count += 1
    return count > _LARGE


_ALIKE: Final[dict[str, object]] = {}
"""What stands for two elements that are the same. It's one object, and no scalar: see `_narrowed`."""


def _narrowed(before: object, after: object, sealed: dict[Secret, str]) -> tuple[object, object]:
    """Two values that differ, sealed, without what is the same in both: deepdiff takes long for each value in them.

    Lists keep their length and their scalars. Where both hold scalars alone deepdiff aligns them; else it pairs their
    elements by index, so that the containers in a pair can be narrowed, too. It passes over one object on both sides.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        differing = [key for key in before if key in after and not same(before[key], after[key])]
        pairs = {key: _narrowed(before[key], after[key], sealed) for key in differing}
        live = {key: _seal(value, sealed) for key, value in before.items() if key not in after}
        desired = {key: _seal(value, sealed) for key, value in after.items() if key not in before}
        return (
            live | {key: pair[0] for key, pair in pairs.items()},
            desired | {key: pair[1] for key, pair in pairs.items()},
        )
    if isinstance(before, list) and isinstance(after, list):
        most = min(len(before), len(after))
        beside = [_beside(*pair, sealed) for pair in zip(before, after, strict=False)]
        return (
            [pair[0] for pair in beside] + [_seal(one, sealed) for one in before[most:]],
            [pair[1] for pair in beside] + [_seal(one, sealed) for one in after[most:]],
        )
    return _seal(before, sealed), _seal(after, sealed)


def _beside(before: object, after: object, sealed: dict[Secret, str]) -> tuple[object, object]:
    """Two elements of the same index."""
    if isinstance(before, (dict, list)) and same(before, after):
        return _ALIKE, _ALIKE
    return _narrowed(before, after, sealed)


def _seal(value: object, sealed: dict[Secret, str]) -> object:
    """The value with a numbered text for each secret: deepdiff would look inside the object and tell."""
    if isinstance(value, Secret):
        return sealed.setdefault(value, f"\0secret {len(sealed)}")
    if isinstance(value, dict):
        return {key: _seal(inner, sealed) for key, inner in value.items()}
    return [_seal(inner, sealed) for inner in value] if isinstance(value, list) else value


def _unseal(value: object, opened: Mapping[str, Secret]) -> object:
    if isinstance(value, str):
        return opened.get(value, value)
    if isinstance(value, dict):
        return {key: _unseal(inner, opened) for key, inner in value.items()}
    return [_unseal(inner, opened) for inner in value] if isinstance(value, list) else value


def _by_path(change: FieldChange) -> tuple[tuple[bool, str | int], ...]:
    return tuple((isinstance(key, int), key) for key in change.path)


# -- whether changes that somebody else made out are right -----------------------------------------------------------


def accounts_for(changes: Sequence[FieldChange], before: Fields, after: Fields) -> bool:
    """Whether the changes certainly are all that differs between two models' fields, and nothing else.

    It's quick, and never wrong when it says yes: every value is where its path leads, differs, and is told as deep as
    it goes; whatever no change names is the same. Of a list's elements that may be paired in several ways any one
    passes. After a no, which masks and long lists get, `compare` has to tell.
    """
    tree: dict[str | int, Any] = {}
    for change in changes:
        node = tree
        for key in change.path[:-1]:
            node = node.setdefault(key, {})
            if isinstance(node, FieldChange):
                return False
        if change.path[-1] in node:
            return False
        node[change.path[-1]] = change
    keys = [_by_path(change) for change in changes]
    return keys == sorted(keys) and _accounted_keys(tree, {key: before.get(key, ABSENT) for key in after}, after)


def _accounted(node: Any, before: object, after: object) -> bool:  # noqa: ANN401 - None, a change, or those below
    """The same for one value, and what is told of it."""
    if node is None:
        return before is not ABSENT and same(before, after)
    if isinstance(node, FieldChange):
        is_nested = isinstance(before, (dict, list)) and type(before) is type(after)
        if is_nested or is_mask(before) or same(before, after):
            return False
        # A mask inside is the same as anything, 1 equals True: what is told has to be both.
        told = ((node.before, before), (node.after, after))
        return all(one == other and same(one, other) for one, other in told)
    if isinstance(before, dict) and isinstance(after, dict):
        return _accounted_keys(node, before, after)
    return isinstance(before, list) and isinstance(after, list) and _accounted_elements(node, before, after)


def _accounted_keys(node: Mapping[str | int, Any], before: Fields, after: Fields) -> bool:
    keys = before.keys() | after.keys()
    return node.keys() <= keys and all(
        _accounted(node.get(key), before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys
    )


def _accounted_elements(node: Mapping[str | int, Any], before: list[Any], after: list[Any]) -> bool:
    changes = {index: one for index, one in node.items() if isinstance(one, FieldChange)}
    removed = {index for index, one in changes.items() if one.after is ABSENT}
    added = {index for index, one in changes.items() if one.before is ABSENT}
    if removed and added:
        return False
    old: dict[str | int, Any] = dict(enumerate(before))
    new: dict[str | int, Any] = dict(enumerate(after))
    if not (
        all(_accounted(node[index], old.pop(index, ABSENT), ABSENT) for index in removed)
        and all(_accounted(node[index], ABSENT, new.pop(index, ABSENT)) for index in added)
    ):
        return False
    # What is left is paired in its order, and told by its place before.
    pairs = {index: node[index] for index in node.keys() - removed - added}
    return (
        len(old) == len(new)
        and pairs.keys() <= old.keys()
        and all(_accounted(pairs.get(index), old[index], one) for index, one in zip(old, new.values(), strict=True))
    )
