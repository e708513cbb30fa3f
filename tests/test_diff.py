"""Comparing: what counts as a difference, and where it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from strategies import CONFIGURATIONS

from syncer.diff import FieldChange, compare, same
from syncer.model import ABSENT, Secret


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (1, "1"), (1, 1.5), (None, ""), ([1, 2], [2, 1]), ({"a": None}, {}), ([], {})]
)
def test_these_differ(before: object, after: object) -> None:
    """Types count, order of lists counts, null is not absence."""
    assert not same(before, after)
    assert not same({"x": [before]}, {"x": [after]})
    assert not same(after, before)


@pytest.mark.parametrize(
    ("before", "after"), [({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 1, "b": 1}), ({"a": 1, "b": 2}, {"a": 1, "b": 3}), ([1], [1, 1]), ([], [1])]
)  # fmt: skip
def test_what_is_partly_the_same_differs(before: Any, after: Any) -> None:
    """Another key, one more, another value under the last of them, another length."""
    assert not same(before, after)
    assert not same(after, before)
    assert same(before, before) is same(after, after) is True


def test_a_mask_is_the_same_as_anything_that_is_there() -> None:
    """On live's side alone: what git wants is never a mask, and what is gone was there."""
    mask = Secret("***")

    values: list[Any] = [1, None, "k", Secret("k"), [], {}]
    assert all(same(mask, value) for value in values)
    assert not same(mask, ABSENT)
    assert not same("k", mask)
    assert not same(Secret("k"), mask)


@pytest.mark.parametrize(
    ("before", "after", "is_hidden"), [(Secret("k"), 1, True), (1, Secret("k"), True), (1, 2, False)]
)
def test_one_secret_side_hides_both(before: object, after: object, is_hidden: bool) -> None:  # noqa: FBT001 - a case
    """What came or went in a secret's place may be one itself."""
    assert FieldChange(("a",), before, after).is_sensitive is is_hidden


def test_changes_are_sorted_by_their_paths() -> None:
    """Indices of a list after its keys, and as numbers."""
    before = {"query": "a", "configuration": {"l": [*range(12)], "k": 0}, "name": "n"}
    after = {"query": "b", "configuration": {"l": [*range(2), 90, *range(3, 10), 91, 11], "k": 1}, "name": "m"}

    assert [change.path for change in compare(before, after)] == [
        ("configuration", "k"),
        ("configuration", "l", 2),
        ("configuration", "l", 10),
        ("name",),
        ("query",),
    ]


def test_another_kind_of_value_is_one_change() -> None:
    """A list for a mapping, or either for a text, has no differences inside."""
    for before, after in (({"a": 1}, [1]), ([1], {"a": 1}), ({"a": 1}, "a"), ("a", [1]), (None, {"a": 1})):
        assert compare({"configuration": before}, {"configuration": after}) == (
            FieldChange(("configuration",), before, after),
        )
    assert compare({}, {"configuration": {"a": 1}}) == (FieldChange(("configuration",), ABSENT, {"a": 1}),)


def test_secrets_of_one_value_stay_apart_from_others() -> None:
    """What was moved or replaced inside a list is told with the very secrets, alone or in mappings."""
    before = {"configuration": {"l": [Secret("a"), {"k": Secret("b")}], "m": {"k": [Secret("a")]}}}
    after = {
        "configuration": {
            "l": [Secret("b"), {"k": Secret("b")}, {"k": Secret("a")}],
            "m": {"k": [Secret("c")], "n": [Secret("a")]},
        }
    }

    assert compare(before, after) == (
        FieldChange(("configuration", "l", 0), Secret("a"), Secret("b")),
        FieldChange(("configuration", "l", 2), ABSENT, {"k": Secret("a")}),
        FieldChange(("configuration", "m", "k", 0), Secret("a"), Secret("c")),
        FieldChange(("configuration", "m", "n"), ABSENT, [Secret("a")]),
    )


def test_the_order_of_keys_is_nothing() -> None:
    """The server gives jsonb's order on GET and the order as sent on PUT."""
    assert same({"a": 1, "bb": {"c": 2, "d": 3}}, {"bb": {"d": 3, "c": 2}, "a": 1})


def test_only_managed_fields_count() -> None:
    """A live field that git doesn't declare is not compared."""
    assert compare({"name": "x", "description": "live"}, {"name": "x"}) == ()


def test_nested_differences_have_paths() -> None:
    """A change inside the configuration is told by its path, not as a whole, also where keys hold dots."""
    before = {"configuration": {"a": {"x.y": 1, "same": 0}, "gone": 1, "list": ["p", "q"]}}
    after = {"configuration": {"a": {"x.y": 2, "same": 0}, "new": None, "list": ["z", "p", "q"]}}

    assert compare(before, after) == (
        FieldChange(("configuration", "a", "x.y"), 1, 2),
        FieldChange(("configuration", "gone"), 1, ABSENT),
        FieldChange(("configuration", "list", 0), ABSENT, "z"),
        FieldChange(("configuration", "new"), ABSENT, None),
    )


def test_a_mask_is_never_a_difference() -> None:
    """Nobody can tell what the asterisks hide, so they differ from nothing, and their loss alone is no reason to write."""
    masked = {"configuration": {"embedding_config": {"api_key": Secret("*****"), "model": "m"}}}

    assert compare(masked, {"configuration": {"embedding_config": {"api_key": Secret("k"), "model": "m"}}}) == ()
    assert compare(masked, {"configuration": {"embedding_config": {"model": "m"}}}) == ()


def test_a_lost_mask_is_shown_beside_a_real_difference() -> None:
    """The configuration goes as a whole: if it's sent at all, what it drops is told."""
    masked = {"configuration": {"token": Secret("*****"), "size": 1}}

    assert [change.path for change in compare(masked, {"configuration": {"size": 2}})] == [
        ("configuration", "size"),
        ("configuration", "token"),
    ]


def test_secrets_stay_sealed() -> None:
    """Deepdiff never sees a secret's value, and the change tells that it's sensitive."""
    before = {"configuration": {"list": [{"api_key": Secret("old-canary")}]}}
    after = {"configuration": {"list": [{"api_key": Secret("new-canary")}]}}
    changes = compare(before, after)

    assert changes == (
        FieldChange(("configuration", "list", 0, "api_key"), Secret("old-canary"), Secret("new-canary")),
    )
    assert changes[0].is_sensitive
    assert "canary" not in repr(changes)


def test_a_value_too_large_to_align_differs_as_a_whole() -> None:
    """Aligning lists is quadratic: beyond two thousand values the field is one change."""
    before, after = ({"configuration": {"list": list(range(start, start + 5_000))}} for start in (0, 1))

    assert [change.path for change in compare(before, after)] == [("configuration",)]
    for size, paths in ((2_000, [("configuration", "list", 0)]), (2_001, [("configuration",)])):
        small, large = ({"configuration": {"list": [first, *range(1, size)]}} for first in (0, 9))
        assert [change.path for change in compare(small, large)] == paths
    one, many = {"configuration": {"list": [0]}}, {"configuration": {"list": [*range(2_001)]}}
    assert [change.path for change in (*compare(one, many), *compare(many, one))] == [("configuration",)] * 2


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_compare_agrees_with_json(before: dict[str, Any], after: dict[str, Any]) -> None:
    """There are changes exactly where the two are different JSON: none invented, none lost."""
    changes = compare({"configuration": before}, {"configuration": after})
    is_same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)

    assert bool(changes) is not is_same
    assert all(not same(change.before, change.after) for change in changes)
    assert compare({"configuration": after}, {"configuration": after}) == ()


def test_no_key_is_private() -> None:
    """Keys are data, also those that begin as Python's private names do."""
    before = {"configuration": {"__x": 1, "k": {"__y": 1}}}
    after = {"configuration": {"__x": 2, "k": {"__y": 2}}}

    assert [change.path for change in compare(before, after)] == [
        ("configuration", "__x"),
        ("configuration", "k", "__y"),
    ]
