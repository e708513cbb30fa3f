"""Comparing: what counts as a difference, and where it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from strategies import CONFIGURATIONS

from syncer.model import ABSENT
from syncer.plan.diff import FieldChange, compare, same
from syncer.secrets import Secret


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (1, "1"), (1, 1.5), (None, ""), ([1, 2], [2, 1]), ({"a": None}, {}), ([], {})]
)
def test_these_differ(before: object, after: object) -> None:
    """Types count, order of lists counts, null is not absence."""
    assert not same(before, after)
    assert not same({"x": [before]}, {"x": [after]})


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
