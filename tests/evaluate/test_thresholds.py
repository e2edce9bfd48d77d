"""Thresholds: never worse where they were tuned, as good as a plain search, modest where nothing can be learnt."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import DataError
from sayso.evaluate.metrics import evaluate
from sayso.evaluate.thresholds import best_threshold, decide, tune
from sayso.records import Answer, Example, join_labels, user
from sayso.tasks.classify import Classify

TASK = Classify(("乐", "怒"), several=True, metric="f1_macro")
rows = st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)


def items(drawn):
    examples = [
        Example(str(i), user("x"), join_labels(label for label, on in zip(TASK.options, row[:2], strict=True) if on))
        for i, row in enumerate(drawn)
    ]
    answers = [Answer(str(i), "", dict(zip(TASK.options, row[2:], strict=True))) for i, row in enumerate(drawn)]
    return examples, answers


@settings(deadline=None, max_examples=50)
@given(rows)
def test_macro_f1_where_it_was_tuned_never_falls(drawn):
    examples, answers = items(drawn)
    half = evaluate(TASK, examples, decide(TASK, answers, {}), resamples=0).value("f1_macro")
    tuned = evaluate(TASK, examples, decide(TASK, answers, tune(TASK, examples, answers)), resamples=0).value(
        "f1_macro"
    )
    assert tuned >= half - 1e-12


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.8, 0.9])), min_size=1, max_size=25))
def test_no_threshold_does_better(drawn):
    gold, p = np.array([g for g, _ in drawn]), np.array([p for _, p in drawn])
    chosen = best_threshold(p, gold)
    assert f1(gold, p >= chosen) == pytest.approx(max(f1(gold, p >= t) for t in np.linspace(0, 1, 101)))


def f1(gold, given) -> float:
    return 2 * float((gold & given).sum()) / max(1, int(gold.sum() + given.sum()))


def test_a_label_that_is_said_too_rarely_gets_a_lower_threshold():
    examples, answers = items([(True, False, 0.3, 0.1), (True, False, 0.4, 0.1), (False, False, 0.1, 0.2)])
    found = tune(TASK, examples, answers)
    assert found["乐"] == pytest.approx(0.2)
    assert [answer.text for answer in decide(TASK, answers, found)] == ["乐", "乐", ""]


def test_a_label_that_nothing_has_keeps_one_half():
    examples, answers = items([(True, False, 0.9, 0.1), (False, False, 0.2, 0.3)])
    found = tune(TASK, examples, answers)
    assert found == {"乐": 0.5, "怒": 0.5}
    assert json.loads(json.dumps(found, ensure_ascii=False)) == found


def test_without_items_there_are_no_thresholds_and_with_half_of_the_probabilities_an_error():
    assert tune(TASK, [], []) == {}
    examples, answers = items([(True, False, 0.9, 0.1), (False, False, 0.2, 0.3)])
    with pytest.raises(DataError, match="no probability for '乐'"):
        tune(TASK, examples, [answers[0], Answer("1", "乐")])


def test_labels_said_in_words_have_no_thresholds_and_stay_as_they_are():
    examples, spoken = [Example("0", user("x"), "乐")], [Answer("0", "乐 | 怒")]
    assert tune(TASK, examples, spoken) == {}
    assert decide(TASK, spoken, {"乐": 0.9}) == spoken
