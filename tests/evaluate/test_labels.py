"""Labels: every figure against scikit-learn's own, or counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from sayso.errors import DataError
from sayso.evaluate import labels
from sayso.records import Answer, Example, join_labels, user
from sayso.tasks.classify import Classify

TOPICS = ("体育", "财经", "science")
TOPIC = Classify(TOPICS)
FEELING = Classify(TOPICS, several=True)
pairs = st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(TOPICS)), min_size=1, max_size=30)
sets = st.lists(st.sampled_from(TOPICS), unique=True).map(lambda names: [n for n in TOPICS if n in names])


def data_of(task, rows):
    examples = [Example(str(i), user("x"), gold) for i, (gold, _) in enumerate(rows)]
    return labels.labelled(task, examples, [Answer(str(i), given) for i, (_, given) in enumerate(rows)])


def values(data):
    return {tally.unit: tally.value for tally in labels.tallies(data)}


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_one_label_agrees_with_scikit_learn(rows):
    gold, given_ = [g for g, _ in rows], [a for _, a in rows]
    found = values(data_of(TOPIC, rows))
    present = sorted(set(gold))
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, given_))
    assert found["f1_micro"] == pytest.approx(accuracy_score(gold, given_))
    assert found["f1_macro"] == pytest.approx(f1_score(gold, given_, labels=present, average="macro", zero_division=0))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(sets, sets), min_size=1, max_size=20))
def test_several_labels_agree_with_scikit_learn(rows):
    data = data_of(FEELING, [(join_labels(g), join_labels(a)) for g, a in rows])
    found, present = values(data), np.flatnonzero(data.gold_NL.any(axis=0))
    assert found["exact_match"] == pytest.approx(np.mean([g == a for g, a in rows]))
    assert found["f1_micro"] == pytest.approx(f1_score(data.gold_NL, data.given_NL, average="micro", zero_division=0))
    if len(present):
        slow = f1_score(data.gold_NL, data.given_NL, labels=present, average="macro", zero_division=0)
        assert found["f1_macro"] == pytest.approx(slow)


@settings(deadline=None, max_examples=30)
@given(pairs)
def test_the_confusion_matrix_is_scikit_learns(rows):
    crossed = labels.confusion(data_of(TOPIC, rows))
    slow = confusion_matrix([g for g, _ in rows], [a for _, a in rows], labels=list(TOPICS))
    assert [list(row) for row in crossed.counts] == slow.tolist()
    assert crossed.columns == TOPICS


def test_an_answer_without_a_label_is_wrong_and_gets_a_column():
    data = data_of(TOPIC, [("体育", "体育"), ("体育", "不知道"), ("财经", "体育，财经")])
    crossed = labels.confusion(data)
    assert crossed.columns == (*TOPICS, "")
    assert crossed.counts == ((1, 0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 0))
    assert values(data)["accuracy"] == pytest.approx(1 / 3)
    assert labels.Pair("体育", "", 1) in crossed.pairs


def test_the_table_per_class():
    rows = labels.per_class(data_of(TOPIC, [("体育", "体育"), ("体育", "财经"), ("财经", "财经")]))
    assert rows[0] == labels.ClassRow("体育", 1.0, 0.5, pytest.approx(2 / 3), 2)
    assert rows[1] == labels.ClassRow("财经", 0.5, 1.0, pytest.approx(2 / 3), 1)
    assert rows[2] == labels.ClassRow("science", 0.0, 0.0, 0.0, 0)


def test_with_several_labels_each_has_its_own_four_counts_and_pairs_are_miss_and_extra():
    data = data_of(FEELING, [("体育 | 财经", "体育 | science"), ("财经", "science"), ("", "体育")])
    crossed = labels.confusion(data)
    assert crossed.per_label[0] == labels.LabelCounts("体育", 1, 1, 0, 1)
    assert crossed.per_label[1] == labels.LabelCounts("财经", 1, 0, 2, 0)
    assert crossed.pairs == (labels.Pair("财经", "science", 2),)
    assert crossed.counts == ()


def test_a_label_that_the_task_does_not_have_is_named():
    with pytest.raises(DataError) as caught:
        labels.labelled(TOPIC, [Example("7", user("x"), "sciense", line=9)], [Answer("7", "体育")])
    assert "line 9" in str(caught.value)
    assert "'science'" in str(caught.value)
