"""Measures of the same comments before and after: values by hand, verdicts in the right direction, n in the words."""

from __future__ import annotations

import pytest

from sayso.evaluate.measured import Draw, Measure, divergence, paired

DRAW = Draw(resamples=500)
DONE = Measure("internalised", "comments done as asked", ("before", "after"))
NEAR = Measure("overreach", "answers elsewhere", ("before", "after"), better=-1, of="prompt")
BELIEF = Measure("belief", "log p of the better answers", ("before", "after"), "nats")


def sides(n: int, before: float, after: float) -> tuple[dict[str, float], dict[str, float]]:
    return {str(i): before for i in range(n)}, {str(i): after for i in range(n)}


def test_a_gain_on_enough_comments_is_better_and_says_on_how_many() -> None:
    found = paired(DONE, *sides(20, 0.0, 1.0), DRAW)
    assert found is not None
    assert (found.before, found.after, found.difference, found.n, found.verdict) == (0.0, 1.0, 1.0, 20, "better")
    assert found.words.startswith(
        "Comments done as asked, on 20 comments: 0.0 % before, 100.0 % after; difference +100.0"
    )
    assert found.words.endswith(": better.")


def test_more_of_what_should_not_be_is_worse() -> None:
    found = paired(NEAR, *sides(20, 0.0, 1.0), DRAW)
    assert found is not None
    assert (found.verdict, found.gain) == ("worse", -1.0)
    assert "on 20 prompts" in found.words


def test_three_comments_that_all_moved_prove_nothing() -> None:
    found = paired(DONE, *sides(3, 0.0, 1.0), DRAW)
    assert found is not None
    assert found.verdict == "cannot tell"


def test_only_what_both_sides_have_is_compared() -> None:
    found = paired(DONE, {"a": 0.0, "b": 1.0, "c": 1.0}, {"b": 0.0, "a": 1.0, "z": 1.0}, DRAW)
    assert found is not None
    assert (found.n, found.difference) == (2, 0.0)
    assert paired(DONE, {"a": 0.0}, {"b": 1.0}, DRAW) is None


def test_beliefs_are_told_in_nats() -> None:
    found = paired(BELIEF, *sides(20, -3.0, -0.5), DRAW)
    assert found is not None
    assert "-3.000 before, -0.500 after; difference +2.500 nats per token" in found.words


def test_a_divergence_is_a_mean_over_tokens_with_no_verdict() -> None:
    drift = Measure("drift", "KL(before || after)", ("before", "after"), "nats", -1, "answer")
    found = divergence(drift, [(1.0, 10), (0.0, 30), (0.0, 0)], DRAW)
    assert found is not None
    assert found.after == pytest.approx(1.0 / 40)
    assert (found.n, found.verdict) == (2, "")
    assert found.interval[0] <= found.after <= found.interval[1]
    assert "0.025 nats per token" in found.words
    assert divergence(drift, [(0.0, 0)], DRAW) is None
