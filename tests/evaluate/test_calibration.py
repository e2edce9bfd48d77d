"""Calibration: models whose error is known in closed form, and a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from sayso.evaluate import calibration, labels
from sayso.records import Answer, Example, user
from sayso.tasks.classify import Classify

MOOD = Classify(("差评", "好评"))


def measured(rows, task=MOOD):
    """Rows of (gold, probability of 好评)."""
    examples = [Example(str(i), user("x"), gold) for i, (gold, _) in enumerate(rows)]
    answers = [
        Answer(str(i), "好评" if p >= 0.5 else ("" if task.several else "差评"), {"差评": 1 - p, "好评": p})
        for i, (_, p) in enumerate(rows)
    ]
    data = labels.labelled(task, examples, answers)
    ece, brier = calibration.tallies(data, answers)
    return calibration.calibration(ece, brier)


def test_eight_in_ten_at_eighty_per_cent_is_calibrated():
    found = measured([("好评", 0.8)] * 8 + [("差评", 0.8)] * 2)
    assert found.ece == pytest.approx(0)
    assert found.brier == pytest.approx((8 * 2 * 0.04 + 2 * 2 * 0.64) / 10)
    assert (found.bins[8].n, found.bins[8].confidence, found.bins[8].right) == (10, pytest.approx(0.8), 0.8)


def test_sure_and_always_wrong_is_as_bad_as_can_be():
    found = measured([("差评", 1.0)] * 5)
    assert (found.ece, found.brier) == (1.0, 2.0)


def test_several_labels_are_events_of_their_own():
    both = Classify(("差评", "好评"), several=True)
    rows = [("好评", 0.9), ("", 0.3), ("差评 | 好评", 0.6)]
    found = measured(rows, both)
    truth = [0, 1, 0, 0, 1, 1]
    odds = [0.1, 0.9, 0.7, 0.3, 0.4, 0.6]
    assert found.brier == pytest.approx(brier_score_loss(truth, odds))
    assert sum(b.n for b in found.bins) == 6


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(MOOD.options), st.floats(0, 1)), min_size=1, max_size=40))
def test_the_error_is_that_of_a_plain_loop(rows):
    slow = 0.0
    sure = [max(1 - p, p) for _, p in rows]
    right = [gold == ("好评" if p > 1 - p else "差评") for gold, p in rows]
    for low in range(10):
        here = [i for i, c in enumerate(sure) if min(int(c * 10), 9) == low]
        if here:
            gap = np.mean([right[i] for i in here]) - np.mean([sure[i] for i in here])
            slow += len(here) / len(rows) * abs(gap)
    assert measured(rows).ece == pytest.approx(slow)


def test_answers_without_probabilities_have_no_calibration():
    answers = [Answer("0", "好评")]
    data = labels.labelled(MOOD, [Example("0", user("x"), "好评")], answers)
    assert calibration.tallies(data, answers) == []
