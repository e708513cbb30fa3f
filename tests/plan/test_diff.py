"""Comparing: what counts as a difference, and where it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import CONFIGURATIONS, JSON, KEYS

from syncer.model import ABSENT
from syncer.plan import diff
from syncer.plan.diff import FieldChange, accounts_for, compare, same
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


_MASKED = st.recursive(
    st.sampled_from([0, 1, True, "x", Secret("***"), Secret("k")]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _edited(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A configuration, and the same with a few edits, so that most of it is alike."""

    def edit(value: Any) -> Any:
        if draw(st.integers(0, 9)) == 0:
            return draw(_MASKED | JSON)
        if isinstance(value, dict):
            return {key: edit(inner) for key, inner in value.items() if draw(st.integers(0, 9))}
        if isinstance(value, list):
            return [edit(inner) for inner in value][draw(st.sampled_from([0, 0, 0, 1])) :]
        return value

    before = draw(st.dictionaries(KEYS, _MASKED | JSON, min_size=1, max_size=4))
    return before, edit(before) if draw(st.booleans()) else draw(CONFIGURATIONS)


@given(_edited())
@example(({"a": [{"b": 1}, {"b": 2}], "x.y": 0}, {"a": [{"b": 1}, {"b": 3}, 4], "x.y": 0}))
@example(({"a": [1, {"b": Secret("***")}]}, {"a": [2, {"b": Secret("k")}]}))
def test_what_is_the_same_may_be_left_out(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Deepdiff finds the same in two values that were narrowed to what differs as in the whole of both."""
    before, after = ({"configuration": side} for side in pair)
    narrowed = compare(before, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            diff, "_narrowed", lambda one, other, sealed: (diff._seal(one, sealed), diff._seal(other, sealed))
        )
        whole = compare(before, after)

    # In the whole deepdiff may see a mask alone, and miss what it takes for equal: 1 and true in a list.
    assert repr(narrowed) == repr(whole) or (whole == () and [one.path for one in narrowed] == [("configuration",)])


def test_a_mask_hides_no_difference_beside_it() -> None:
    """Deepdiff takes 1 and true in a list for equal, and a mask for a difference: the field differs all the same."""
    before = {"configuration": {"list": [1], "token": Secret("***")}}
    after = {"configuration": {"list": [True], "token": Secret("k")}}

    assert [change.path for change in compare(before, after)] == [("configuration",)]


def test_no_key_is_private() -> None:
    """Keys are data, also those that begin as Python's private names do."""
    before = {"configuration": {"__x": 1, "k": {"__y": 1}}}
    after = {"configuration": {"__x": 2, "k": {"__y": 2}}}

    assert [change.path for change in compare(before, after)] == [
        ("configuration", "__x"),
        ("configuration", "k", "__y"),
    ]


# -- changes that somebody else made out -------------------------------------------------------------------------------

SMALL = st.recursive(
    st.sampled_from([0, 1, True, None, "a", Secret("x")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=5,
)
SIDES = st.fixed_dictionaries({"name": st.sampled_from([1, "a"]), "configuration": SMALL})
STRAY = st.builds(FieldChange, st.sampled_from([("name",), ("configuration", "a"), ("configuration", 0)]), SMALL, SMALL)


@settings(max_examples=200)
@given(SIDES, SIDES, SIDES, STRAY, st.integers(0, 9))
def test_what_accounts_for_a_difference_accounts_for_no_other(
    before: dict[str, Any], after: dict[str, Any], other: dict[str, Any], stray: FieldChange, left_out: int
) -> None:
    """The changes and one side settle the other: none is missing, too many, out of order, or otherwise than it is."""
    changes = compare(before, after)
    for told in (changes, tuple(replace(one, after=stray.after) for one in changes), (stray,), (*changes, stray)):
        if not accounts_for(told, before, after):
            continue
        assert same(after, other) or not accounts_for(told, before, other)
        assert same(before, other) or not accounts_for(told, other, after)
        less = [one for index, one in enumerate(told) if index != left_out % len(told)] if told else [stray]
        assert not accounts_for(less, before, after)
        assert len(told) < 2 or not accounts_for(told[::-1], before, after)
        nested = [one for one in told if type(one.before) is type(one.after) and isinstance(one.after, dict | list)]
        assert not nested


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_what_compare_tells_accounts_for_the_difference(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Where no list is aligned it always does; where one is, an element may come or go anywhere."""
    flat = [{key: one for key, one in side.items() if "[" not in json.dumps(one)} for side in (before, after)]
    for old, new in (flat, ({"l": ["a", "b", "c"]}, {"l": ["z", "a", "b", "c"]}), ({"l": [{"a": 1}, 2]}, {"l": [{}]})):
        sides: tuple[dict[str, Any], dict[str, Any]] = {"configuration": old}, {"configuration": new}

        assert accounts_for(compare(*sides), *sides)


def test_of_masks_and_long_lists_only_compare_tells() -> None:
    """What is masked may be the same or not, and a field of thousands of values differs whole."""
    masked = {"configuration": {"token": Secret("*****"), "size": 1}}
    long = {"configuration": {"list": list(range(3000))}}
    for before, after in ((masked, {"configuration": {"size": 2}}), (long, {"configuration": {"list": [0]}})):
        assert not accounts_for(compare(before, after), before, after)
    hidden = FieldChange(("configuration", "size"), 1, {"token": Secret("*****")})
    assert not accounts_for([hidden], masked, {"configuration": {**masked["configuration"], "size": {"token": "x"}}})
