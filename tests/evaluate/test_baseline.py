"""Baselines: they learn what is there to learn, in both languages, and are scored like a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.errors import DataError
from sayso.evaluate.baseline import baselines, copying, fit_linear, lookup
from sayso.evaluate.metrics import evaluate
from sayso.records import Example, user
from sayso.tasks.classify import Classify
from sayso.tasks.generate import Generate
from sayso.tasks.translate import Translate

GOOD = ["房间很干净", "服务非常热情", "早餐很好吃", "位置很方便", "床很舒服", "风景很美"]
BAD = ["房间太脏了", "服务态度恶劣", "早餐难吃", "隔音太差", "空调坏了", "又贵又吵"]
MOOD = Classify(("差评", "好评"))
TRAIN = [Example(f"g{i}", user(t), "好评") for i, t in enumerate(GOOD)]
TRAIN += [Example(f"b{i}", user(t), "差评") for i, t in enumerate(BAD)]


def test_it_learns_its_rows_and_what_is_like_them():
    fitted = fit_linear(MOOD, [*TRAIN, Example("u", user("不知道"))])
    assert evaluate(MOOD, TRAIN, fitted.answers(TRAIN), resamples=0).value("accuracy") == 1
    unseen = [Example("1", user("酒店很干净，很舒服")), Example("2", user("太脏太差太吵"))]
    assert [answer.text for answer in fitted.answers(unseen)] == ["好评", "差评"]
    for answer in fitted.answers(unseen):
        assert sum(answer.probabilities.values()) == pytest.approx(1)


def test_the_same_rows_give_the_same_answers():
    assert fit_linear(MOOD, TRAIN).answers(TRAIN) == fit_linear(MOOD, TRAIN).answers(TRAIN)


def test_several_labels_with_thresholds_tuned_on_validation():
    task = Classify(("干净", "吵", "远"), several=True)
    rows = [("very clean room", "干净"), ("noisy street", "吵"), ("clean but noisy", "干净 | 吵"), ("just a room", "")]
    train = [Example(f"{k}{i}", user(text), target) for k in range(3) for i, (text, target) in enumerate(rows)]
    fitted = fit_linear(task, train, train)
    assert set(fitted.thresholds) == set(task.options)
    answers = fitted.answers(train)
    assert evaluate(task, train, answers, resamples=0).value("exact_match") == 1
    assert all(answer.probabilities["远"] == 0 for answer in answers)
    assert fit_linear(task, train).thresholds == {}


def test_a_label_that_all_rows_have_is_always_answered():
    task = Classify(("a", "b"), several=True)
    train = [Example(str(i), user(text), "a") for i, text in enumerate(GOOD)]
    assert {answer.text for answer in fit_linear(task, train).answers(train)} == {"a"}


def test_nothing_to_learn_from_is_an_error():
    for train in ([], [Example("0", user(""), "好评")], [Example("0", user("好"))]):
        with pytest.raises(DataError, match="nothing to learn"):
            fit_linear(MOOD, train)
    assert fit_linear(MOOD, TRAIN).answers([]) == []


def test_copying_and_lookup_translate_without_knowing_a_language():
    pairs = [("我喜欢猫。", "I like cats."), ("他喜欢狗。", "He likes dogs."), ("今天下雨。", "It rains today.")]
    train = [Example(str(i), user(zh), en) for i, (zh, en) in enumerate(pairs)]
    asked = [
        Example("a", user("我喜欢猫咪。"), "I like kittens."),
        Example("b", user("今天下雨吗？"), "Does it rain?"),
    ]
    assert [answer.text for answer in copying(asked)] == ["我喜欢猫咪。", "今天下雨吗？"]
    assert [answer.text for answer in lookup(train, asked)] == ["I like cats.", "It rains today."]
    assert lookup(train, []) == []
    with pytest.raises(DataError, match="nothing to look"):
        lookup([Example("0", user("猫"))], asked)


def test_each_task_gets_the_baselines_that_make_sense():
    assert set(baselines(MOOD, TRAIN, [], TRAIN)) == {"linear"}
    assert set(baselines(Translate(), TRAIN, [], TRAIN)) == {"copying", "lookup"}
    assert baselines(Generate(), TRAIN, [], TRAIN) == {}


@pytest.mark.shared
def test_on_real_reviews_it_is_as_strong_as_is_known(shared: Path):
    """2,000 rows of ChnSentiCorp were measured at 85.5 % with a hashed linear model."""

    def rows(name: str, limit: int) -> list[Example]:
        lines = (shared / "data/chnsenticorp" / name).read_text(encoding="utf-8").splitlines()[1 : limit + 1]
        cells = [line.split("\t", 1) for line in lines]
        return [Example(f"{name}{i}", user(text), label) for i, (label, text) in enumerate(cells)]

    task = Classify(("0", "1"))
    test = rows("test.tsv", 500)
    answers = fit_linear(task, rows("train.tsv", 2000)).answers(test)
    assert evaluate(task, test, answers, resamples=0).value("accuracy") >= 0.85
