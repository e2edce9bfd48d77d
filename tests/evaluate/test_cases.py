"""Which items are shown: those whose worth moved, the worst, the surest errors."""

from __future__ import annotations

import pytest

from sayso.evaluate.cases import changed, surest_errors, surety, worst
from sayso.records import Answer, Example, user
from sayso.tasks.classify import Classify
from sayso.tasks.translate import Translate

MOOD = Classify(("差评", "好评"))
EXAMPLES = [Example(str(i), user("房间"), gold) for i, gold in enumerate(["好评", "好评", "差评", None])]


def said(*texts, sure=0.9):
    odds = [{label: sure if label == text else 1 - sure for label in MOOD.options} for text in texts]
    return [Answer(str(i), text, p) for i, (text, p) in enumerate(zip(texts, odds, strict=True))]


def test_changed_items_are_those_whose_score_moved():
    found = changed(MOOD, EXAMPLES, said("差评", "好评", "差评", "好评"), said("好评。", "好评", "好评", "差评"))
    assert [case.example.id for case in found.better] == ["0"]
    assert [case.example.id for case in found.worse] == ["2"]
    assert found.better[0].before is not None
    assert (found.better[0].before.text, found.better[0].gain) == ("差评", 1.0)


def test_the_largest_change_comes_first():
    task = Translate("zh", "en")
    examples = [Example(str(i), user("你好"), "good morning everyone") for i in range(2)]
    before = [Answer("0", "good morning"), Answer("1", "xyz")]
    after = [Answer(str(i), "good morning everyone") for i in range(2)]
    found = changed(task, examples, before, after)
    assert [case.example.id for case in found.better] == ["1", "0"]
    assert found.worse == ()


def test_the_worst_are_never_right_or_unjudged():
    found = worst(MOOD, EXAMPLES, said("差评", "好评", "不知道", "好评"))
    assert [case.example.id for case in found] == ["0", "2"]
    assert found[0].gain == 0
    assert len(worst(MOOD, EXAMPLES, said("差评", "差评", "好评", "好评"), count=1)) == 1


def test_the_surest_error_comes_first():
    answers = [said("差评", sure=0.6)[0], *said("差评", "差评", "好评", "好评", sure=0.95)[1:]]
    assert [case.example.id for case in surest_errors(MOOD, EXAMPLES, answers)] == ["1", "2", "0"]


def test_with_several_labels_denying_one_surely_is_a_sure_error():
    task = Classify(("乐", "怒", "哀"), several=True)
    example = Example("0", user("x"), "乐 | 怒")
    assert surety(task, example, Answer("0", "哀", {"乐": 0.01, "怒": 0.4, "哀": 0.7})) == pytest.approx(0.99)
    assert surety(task, example, Answer("0", "乐 | 怒", {"乐": 0.9, "怒": 0.9, "哀": 0.1})) == 0
