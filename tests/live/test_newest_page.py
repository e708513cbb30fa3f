"""What one newest page proves, against a workspace in which anything moves at any time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from builders import live
from hypothesis import example, given, settings
from hypothesis import strategies as st
from limited import stamp

from syncer.live.newest_page import MARGIN, Known, Moment

if TYPE_CHECKING:
    from syncer.model import LiveModel

SIZE = 4
"""The rows of a page."""

MOVES = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 3, 9, 11, 60])),
    # Our machine sleeps, and its clock with it.
    st.tuples(st.just("sleep"), st.sampled_from([20, 3_600])),
    # Somebody else writes: on which of the server's machines, and how long until others see it.
    st.tuples(st.just("theirs"), st.integers(1, 9), st.sampled_from([-3, 0, 3]), st.sampled_from([0, 1, 5])),
    st.tuples(st.just("ours"), st.integers(1, 9)),
    st.tuples(st.just("made"), st.integers(10, 12)),
    st.tuples(st.just("look")),
)


class Workspace:
    """A server's rows, its clock, and what is written and not yet seen."""

    def __init__(self, ahead: float, first: list[float]) -> None:
        self.now, self.ours, self.ahead = 1_000.0, 7.0, ahead
        self.rows = {number: self._row(number, at + ahead) for number, at in enumerate(first, 1)}
        self._pending: list[tuple[float, LiveModel]] = []
        self._version = 0

    @property
    def moment(self) -> Moment:
        return Moment(self.ours, self.now)

    @staticmethod
    def _row(number: int, seconds: float) -> LiveModel:
        return replace(live(number), updated_at=stamp(seconds))

    def pass_by(self, seconds: float, *, asleep: bool = False) -> None:
        self.now += seconds
        self.ours += 0 if asleep else seconds
        for due in [one for one in self._pending if one[0] <= self.now]:
            self._pending.remove(due)
            self.rows[due[1].id] = due[1]

    def write(self, number: int, skew: float = 0, delay: float = 0) -> LiveModel:
        self._version += 1
        row = self._row(number, self.now + self.ahead + skew)
        row = replace(row, fields={**row.fields, "description": f"version {self._version}"})
        if delay:
            self._pending.append((self.now + delay, row))
        else:
            self.rows[number] = row
        return row

    def page(self) -> list[LiveModel]:
        # Where times tie the database may give the rows in any order: here in the one that hides most.
        return sorted(self.rows.values(), key=lambda row: (row.updated_at, -row.id), reverse=True)[:SIZE]


@settings(max_examples=400)
@given(
    st.sampled_from([-5_000, 0, 123_456]),
    st.lists(st.sampled_from([0, 0, 0, 500, 990, 999, 1_000, 9_999_999]), min_size=9, max_size=9),
    st.lists(MOVES, max_size=40),
)
@example(-5_000, [0, 0, 0, 0, 0, 0, 999, 999, 999], [("theirs", 1, -3, 0), ("sleep", 20), ("ours", 2), ("look",)])
def test_what_is_proved_is_true(ahead: float, first: list[float], moves: list[tuple[str, int, int, int]]) -> None:
    """Whatever ties, lies in the future, comes late or bears another machine's time: no proof is ever wrong."""
    there = Workspace(ahead, first)
    known = Known(there.rows.values(), there.moment)
    there.pass_by(0.5)
    for kind, *values in moves:
        there.pass_by(0.05)
        if kind in ("wait", "sleep"):
            there.pass_by(values[0], asleep=kind == "sleep")
        elif kind == "theirs":
            there.write(*values)
        elif kind in ("ours", "made"):
            known.wrote(there.write(values[0]), there.moment)
        elif known.can_prove:
            if not known.looked(there.page(), there.moment, is_all=False):
                return
            assert known.models == there.rows


def test_two_hundred_writes_of_ours_are_proved() -> None:
    """What makes it worth having: of a list of ties, ten writes for a look, with pauses of a minute between."""
    there = Workspace(77, [0.0] * 9)
    known = Known(there.rows.values(), there.moment)
    known.wrote(there.write(1), there.moment)
    for number in range(60):
        there.pass_by(60 if number % 9 == 0 else 12)
        assert known.looked(there.page(), there.moment, is_all=False)
        known.wrote(there.write(1 + number % 9), there.moment)
        known.wrote(there.write(1 + (number + 4) % 9), there.moment)


@pytest.mark.parametrize("moved", [0, 1])
def test_the_margin_is_what_a_late_commit_may_take(moved: int) -> None:
    """A page that reaches back to the look before, and no further, proves nothing: what was under way then is hidden."""
    there = Workspace(0, [0.0] * 9)
    known = Known(there.rows.values(), there.moment)
    known.wrote(there.write(1), there.moment)
    there.pass_by(MARGIN * 3)
    assert known.looked(there.page(), there.moment, is_all=False)
    for number in range(2, 5 + moved):
        known.wrote(there.write(number), there.moment)
        there.pass_by(1)

    assert known.looked(there.page(), there.moment, is_all=False) is not bool(moved)


def test_a_page_that_is_everything_proves_itself() -> None:
    """A small workspace needs no times; a row that stands twice is none."""
    rows = [live(1), live(2)]
    known = Known(rows, Moment(0, 0))

    assert known.looked([live(2), live(3)], Moment(1, 1), is_all=True)
    assert set(known.models) == {2, 3}
    assert not known.looked([live(2), live(2)], Moment(2, 2), is_all=True)


def test_times_that_are_none_prove_nothing() -> None:
    """Nor does a list in another order."""
    known = Known([replace(live(1), updated_at="yesterday")], Moment(0, 0))
    known.wrote(replace(live(2), updated_at="soon"), Moment(1, 1))
    assert not known.can_prove
    known.wrote(replace(live(2), updated_at=stamp(1_000)), Moment(1, 1))
    newest = [replace(live(1), updated_at=stamp(1)), replace(live(2), updated_at=stamp(2))]
    assert not known.looked(newest, Moment(2, 2), is_all=False)
