"""The share of answers that a program has nothing to say about, and what changed between two models."""

from __future__ import annotations

import pytest

from sayso.evaluate.passes import UNIT, compared, scores


def test_the_share_with_an_interval_that_contains_it_and_each_item() -> None:
    whole, *each = scores("generate", {f"i{k}": k < 30 for k in range(40)}, 500, 0)
    assert (whole.unit, whole.value, whole.n, whole.item) == (UNIT, 0.75, 40, "")
    assert whole.interval is not None
    assert whole.interval[0] < 0.75 < whole.interval[1]
    assert [one.value for one in each] == [1.0] * 30 + [0.0] * 10


def test_nothing_judged_is_no_score() -> None:
    assert scores("generate", {}, 500, 0) == []
    assert compared({"a": True}, {"b": True}, stages=("base", "learn"), split="test") == []


def test_a_rule_that_is_now_heeded_is_better_and_the_other_way_round_worse() -> None:
    never, always = {f"i{k}": False for k in range(30)}, {f"i{k}": True for k in range(30)}
    better = compared(never, always, stages=("train", "learn"), split="test")[0]
    worse = compared(always, never, stages=("train", "learn"), split="test")[0]
    assert (better.verdict, better.difference, better.n) == ("better", 1.0, 30)
    assert (worse.verdict, worse.difference) == ("worse", -1.0)


def test_only_items_judged_for_both_are_compared() -> None:
    found = compared({"a": True, "b": False}, {"b": True, "c": False}, stages=("base", "train"), split="test")[0]
    assert (found.n, found.before, found.after) == (1, 0.0, 1.0)
    assert found.verdict == "cannot tell"


def test_it_is_shown_in_per_cent() -> None:
    found = compared({"a": False}, {"a": True}, stages=("base", "train"), split="test")[0]
    assert "0.0 %" in found.words
    assert "100.0 %" in found.words
    assert found.after == pytest.approx(1.0)
