"""Thresholds: never worse where they were tuned, as good as a plain search, modest where nothing can be learnt."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import DataError
from sayso.evaluate.metrics import evaluate
from sayso.evaluate.thresholds import best_thresholds, decide, tune
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
    (chosen,) = best_thresholds(p[:, None], gold[:, None], together=False, pooled=0)
    assert f1(gold, p >= chosen) == pytest.approx(max(f1(gold, p >= t) for t in np.linspace(0, 1, 101)))


@settings(deadline=None, max_examples=30)
@given(rows)
def test_no_two_thresholds_do_better_together(drawn):
    gold = np.array([row[:2] for row in drawn])
    p = np.round(0.9 * np.array([row[2:] for row in drawn]), 1)  # with ties; below 1, so that one can always be silent
    chosen = best_thresholds(p, gold, together=True, pooled=0)
    steps = np.linspace(0, 1, 41)
    grid = max(f1(gold, p >= np.array([one, other])) for one in steps for other in steps)
    assert f1(gold, p >= np.array(chosen)) == pytest.approx(grid)


def test_a_rare_label_that_the_model_does_not_know_is_not_said_of_everything():
    known = np.concatenate([np.full(20, 0.9), np.full(80, 0.1)])
    unknown = np.full(100, 0.05)
    unknown[3] = 0.04  # the only item that has it
    gold = np.stack([known > 0.5, np.arange(100) == 3], axis=1)
    p = np.stack([known, unknown], axis=1)
    alone, pooled = (best_thresholds(p, gold, together=False, pooled=n)[1] for n in (0, 5))
    assert (unknown >= alone).mean() == 1
    assert (unknown >= pooled).mean() == 0


def test_the_headline_decides_what_is_tuned():
    """A frequent label that is known, a rare one that is hardly known: macro F1 wants it said, micro F1 does not."""
    frequent = [(i % 2 == 0, False, 0.9 if i % 2 == 0 else 0.1, 0.2) for i in range(60)]
    examples, answers = items([*frequent, *[(False, i < 5, 0.1, 0.4) for i in range(12)]])
    said = {}
    for metric in ("f1_macro", "f1_micro"):
        task = Classify(TASK.options, several=True, metric=metric)
        said[metric] = sum("怒" in answer.text for answer in decide(task, answers, tune(task, examples, answers)))
        tuned = evaluate(task, examples, decide(task, answers, tune(task, examples, answers)), resamples=0)
        assert tuned.value(metric) >= evaluate(task, examples, decide(task, answers, {}), resamples=0).value(metric)
    assert said == {"f1_macro": 12, "f1_micro": 0}


def test_where_all_labels_must_be_right_one_threshold_serves_all():
    task = Classify(TASK.options, several=True, metric="exact_match")
    examples, answers = items([(True, False, 0.4, 0.1), (True, True, 0.45, 0.38), (False, False, 0.2, 0.3)])
    found = tune(task, examples, answers)
    assert len(set(found.values())) == 1
    assert [answer.text for answer in decide(task, answers, found)] == ["乐", "乐 | 怒", ""]


def f1(gold, given) -> float:
    return 2 * float((gold & given).sum()) / max(1, int(gold.sum() + given.sum()))


def test_a_label_that_is_said_too_rarely_gets_a_lower_threshold():
    examples, answers = items([(True, False, 0.3, 0.1), (True, False, 0.4, 0.1), (False, False, 0.1, 0.1)])
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
