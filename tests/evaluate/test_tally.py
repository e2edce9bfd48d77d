"""Resampling: against closed forms, scipy's exact test, and a loop that scores every resample anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from sayso.evaluate.tally import differences, divided, intervals, mean_of, ratio_of

marks = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def test_the_interval_of_a_mean_is_near_the_normal_one():
    right = np.array([1.0] * 320 + [0.0] * 80)
    ((low, high),) = intervals([mean_of("accuracy", right)], 4000, 0)  # type: ignore[misc]
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert (low, high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.006)


def test_a_resample_is_what_scoring_the_drawn_items_gives():
    rng = np.random.default_rng(3)
    over, under = rng.integers(0, 9, 30), rng.integers(1, 9, 30)
    tally = ratio_of("length_ratio", over, under)
    ((low, high),) = intervals([tally], 500, 7)  # type: ignore[misc]
    places = np.random.default_rng(7).integers(0, 30, size=(500, 30))
    slow = [over[row].sum() / under[row].sum() for row in places]
    assert (low, high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_the_p_value_is_mcnemars():
    before = [1.0] * 50 + [1.0] * 4 + [0.0] * 14 + [0.0] * 32
    after = [1.0] * 50 + [0.0] * 4 + [1.0] * 14 + [0.0] * 32
    (found,) = differences([mean_of("accuracy", before)], [mean_of("accuracy", after)], 20000, 0)
    assert found.p == pytest.approx(binomtest(4, 18).pvalue, abs=0.008)


def test_no_resamples_and_no_items_have_no_interval():
    assert intervals([mean_of("accuracy", [1.0, 0.0])], 0, 0) == [None]
    assert intervals([mean_of("accuracy", [])], 100, 0) == [None]
    assert intervals([], 100, 0) == []
    assert mean_of("accuracy", []).value == 0


def test_many_items_are_drawn_in_parts_with_the_same_result(monkeypatch):
    tally = mean_of("accuracy", np.random.default_rng(0).random(50))
    other = mean_of("accuracy", np.random.default_rng(1).random(50))
    whole = intervals([tally], 300, 5), differences([tally], [other], 300, 5)
    monkeypatch.setattr("sayso.evaluate.tally._CHUNK_CELLS", 700)
    assert intervals([tally], 300, 5) == whole[0]
    assert differences([tally], [other], 300, 5)[0].interval == whole[1][0].interval


@settings(deadline=None, max_examples=40)
@given(marks, st.integers(0, 5))
def test_an_interval_contains_the_measured_value(pairs, seed):
    before, after = (mean_of("accuracy", [float(pair[i]) for pair in pairs]) for i in (0, 1))
    (found,) = differences([before], [after], 200, seed)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert 0 < found.p <= 1
    ((low, high),) = intervals([before], 200, seed)  # type: ignore[misc]
    assert 0 <= low <= before.value <= high <= 1


@settings(deadline=None, max_examples=40)
@given(marks, st.integers(0, 5))
def test_swapping_the_two_turns_the_difference_round(pairs, seed):
    before, after = (mean_of("accuracy", [float(pair[i]) for pair in pairs]) for i in (0, 1))
    (there,) = differences([before], [after], 200, seed)
    (back,) = differences([after], [before], 200, seed)
    assert back.value == pytest.approx(-there.value)
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]))
    assert back.p == pytest.approx(there.p)


def test_nothing_divided_by_nothing_is_zero():
    assert divided(np.array([1.0, 0.0, 4.0]), np.array([0.0, 0.0, 2.0])).tolist() == [0, 0, 2]
