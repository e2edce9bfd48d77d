"""Classification: what each kind of model is shown, how answers are read, and why a grade is what it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import RecipeError
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Message, Why, join_labels, user
from sayso.tasks.classify import Classify, read_labels, task

MOOD = Classify(("negative", "positive"))
HOTEL = Classify(("差评", "好评"))
FEELINGS = Classify(("joy", "anger", "fear"), several=True, metric="f1_macro")


def graded(asked: Classify, target: str | None, text: str) -> tuple[float, Why]:
    score = asked.grade(Example("1", user("x"), target), Answer("1", text))
    return score.value, score.why


def test_an_encoder_sees_the_raw_text_of_all_turns():
    turns = (Message("user", "房间很小"), Message("assistant", "抱歉"))
    assert MOOD.context(Example("1", turns), "encoder") == user("房间很小\n抱歉")


@pytest.mark.parametrize("kind", ["decoder", "encoder_decoder"])
def test_the_question_comes_after_the_text_so_that_cutting_from_the_left_spares_it(kind):
    shown = MOOD.context(Example("1", user("a gem of a film")), kind)[0].text
    assert shown.index("a gem of a film") < shown.index("Which label") < shown.index("negative, positive")


def test_a_chinese_text_is_asked_about_in_chinese():
    shown = HOTEL.context(Example("1", user("酒店很干净")), "decoder")[0].text
    assert "只回答一个标签" in shown
    assert "差评、好评" in shown
    assert "label" not in shown


def test_the_recipes_question_replaces_the_wording_and_keeps_the_labels():
    asked = Classify(("差评", "好评"), question="客人满意吗？")
    shown = asked.context(Example("1", user("酒店很干净")), "decoder")[0].text
    assert "客人满意吗？" in shown
    assert "差评、好评" in shown
    assert "只回答" not in shown


def test_a_conversation_says_who_speaks_in_its_own_language():
    chinese = (Message("user", "还没发货"), Message("assistant", "我查一下"))
    english = (Message("user", "It broke."), Message("assistant", "Sorry!"))
    assert "用户：还没发货\n助手：我查一下" in HOTEL.context(Example("1", chinese), "decoder")[0].text
    assert "User: It broke.\nAssistant: Sorry!" in MOOD.context(Example("1", english), "decoder")[0].text


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("positive", ("positive",)),
        (" Positive. ", ("positive",)),
        ("The label is: NEGATIVE!", ("negative",)),
        ("“positive”", ("positive",)),
        ("it is positive, not negative", ("negative", "positive")),
        ("nonpositive", ()),
        ("", ()),
        ("maybe", ()),
    ],
)
def test_an_answer_is_read_leniently(text, labels):
    assert read_labels(text, MOOD.options) == labels


def test_chinese_labels_are_found_within_a_sentence():
    assert read_labels("这是一条好评。", HOTEL.options) == ("好评",)
    assert read_labels("喜悦、愤怒", ("愤怒", "喜悦", "恐惧")) == ("愤怒", "喜悦")


def test_labels_that_differ_in_their_punctuation_stay_apart():
    assert read_labels("C++", ("C", "C++")) == ("C++",)
    assert read_labels("c", ("C", "C++")) == ("C",)
    assert read_labels("a, b", ("a, b", "c")) == ("a, b",)


def test_the_longer_label_wins_where_one_contains_another():
    assert read_labels("I would say not sure here", ("sure", "not sure")) == ("not sure",)
    assert read_labels("我觉得不满意。", ("满意", "不满意")) == ("不满意",)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["joy", "anger", "fear", "惊讶", "C++", "<none>"]), unique=True))
def test_joined_labels_are_read_back(labels):
    options = ("C++", "<none>", "anger", "fear", "joy", "惊讶")
    assert read_labels(join_labels(labels), options) == tuple(o for o in options if o in labels)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_any_answer_gets_a_grade_within_bounds(text):
    for asked, target in ((MOOD, "positive"), (HOTEL, "好评"), (FEELINGS, "joy | fear")):
        value, _ = graded(asked, target, text)
        assert 0 <= value <= 1


def test_why_of_a_single_label():
    assert graded(MOOD, "positive", "Positive") == (1.0, Why.RIGHT)
    assert graded(MOOD, "positive", "negative") == (0.0, Why.WRONG_LABEL)
    assert graded(MOOD, "positive", "positive or negative") == (0.0, Why.NO_LABEL)
    assert graded(HOTEL, "好评", "不知道") == (0.0, Why.NO_LABEL)


def test_why_of_several_labels():
    assert graded(FEELINGS, "joy | fear", "fear | joy") == (1.0, Why.RIGHT)
    assert graded(FEELINGS, "", "") == (1.0, Why.RIGHT)
    assert graded(FEELINGS, "joy | fear", "joy") == (pytest.approx(2 / 3), Why.MISSING_LABEL)
    assert graded(FEELINGS, "joy", "joy | anger") == (pytest.approx(2 / 3), Why.EXTRA_LABEL)
    assert graded(FEELINGS, "joy | fear", "joy | anger") == (0.5, Why.PARTIAL)
    assert graded(FEELINGS, "joy", "anger") == (0.0, Why.WRONG_LABEL)
    assert graded(FEELINGS, "joy", "") == (0.0, Why.NO_LABEL)


def test_without_a_right_answer_nothing_is_judged():
    score = MOOD.grade(Example("1", user("x")), Answer("1", "positive"))
    assert (score.why, score.n) == (Why.NOT_JUDGED, 0)


def test_the_recipe_makes_the_task():
    made = task(TaskPart(several=True, metric="f1_micro", max_new_tokens=5), ("乐", "怒"))
    assert (made.options, made.metric, made.sampling.max_new_tokens) == (("乐", "怒"), "f1_micro", 5)
    assert task(TaskPart(labels=["b", "a"]), ("x", "y")).options == ("b", "a")


@pytest.mark.parametrize(
    ("part", "labels", "says"),
    [
        (TaskPart(metric="acuracy"), ("a", "b"), "accuracy"),
        (TaskPart(), ("a",), "at least 2"),
        (TaskPart(), ("a", "a"), "listed twice"),
        (TaskPart(), ("a", " b"), "' b'"),
        (TaskPart(several=True), ("a | b", "c"), "'a | b'"),
    ],
)
def test_labels_and_metrics_that_cannot_be_are_refused(part, labels, says):
    with pytest.raises(RecipeError) as caught:
        task(part, labels)
    assert says in str(caught.value)
