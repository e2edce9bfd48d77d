"""Translation: what is shown, and why an answer is not right."""

from __future__ import annotations

import pytest
from sacrebleu import sentence_chrf

from sayso.errors import RecipeError
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Why, user
from sayso.tasks.translate import Translate, task

ZH_EN = Translate("zh", "en")
CAT = Example("1", user("猫坐在垫子上。"), "The cat sat on the mat.")


def test_an_encoder_decoder_sees_the_source_alone_or_after_its_prefix():
    assert ZH_EN.context(CAT, "encoder_decoder") == user("猫坐在垫子上。")
    t5 = Translate(question="translate Chinese to English:")
    assert t5.context(CAT, "encoder_decoder") == user("translate Chinese to English: 猫坐在垫子上。")


def test_a_decoder_is_asked_in_the_language_of_the_source():
    assert ZH_EN.context(CAT, "decoder")[0].text == "猫坐在垫子上。\n\n把上面的文本翻译成英文，只给出译文。"
    english = Translate("en", "zh-CN").context(Example("1", user("Good morning.")), "decoder")[0].text
    assert english == "Good morning.\n\nTranslate this text into Chinese. Give the translation only."


def test_an_unknown_language_is_named_as_it_is_given_or_not_at_all():
    assert "into tlh." in Translate(target_language="tlh").context(Example("1", user("Hi there")), "decoder")[0].text
    assert "into" not in Translate().context(Example("1", user("Hi there")), "decoder")[0].text


@pytest.mark.parametrize(
    ("text", "ended", "why"),
    [
        ("The cat sat on the  mat.", True, Why.RIGHT),
        ("  ", True, Why.EMPTY),
        ("猫坐在垫子上", True, Why.COPIES),
        ("the cat the cat the cat the cat the cat", False, Why.REPEATS),
        ("The cat sat on", False, Why.UNFINISHED),
        ("A cat is on a mat.", True, Why.DIFFERENT),
    ],
)
def test_why(text, ended, why):
    score = ZH_EN.grade(CAT, Answer("1", text, ended=ended))
    assert score.why is why
    assert score.value == pytest.approx(sentence_chrf(text, [CAT.target or ""]).score / 100)


def test_into_chinese_repetition_is_of_characters():
    into = Translate("en", "zh")
    example = Example("1", user("I like it very much."), "我非常喜欢它。")
    assert into.grade(example, Answer("1", "我喜欢我喜欢我喜欢我喜欢我喜欢")).why is Why.REPEATS
    assert into.grade(example, Answer("1", "我很喜欢它。")).why is Why.DIFFERENT


def test_a_name_that_stays_the_same_is_right_and_no_copy():
    assert ZH_EN.grade(Example("1", user("Paris"), "Paris"), Answer("1", "Paris")).why is Why.RIGHT


def test_without_a_reference_nothing_is_judged():
    assert ZH_EN.grade(Example("1", user("猫")), Answer("1", "cat")).why is Why.NOT_JUDGED


def test_the_recipe_makes_the_task_and_an_unknown_metric_is_refused():
    made = task(TaskPart(name="translate", target_language="zh", metric="bleu", beams=5, length_penalty=1.5), ())
    assert (made.target_language, made.metric, made.options) == ("zh", "bleu", ())
    assert (made.sampling.beams, made.sampling.length_penalty) == (5, 1.5)
    with pytest.raises(RecipeError, match="metric 'blue'") as caught:
        task(TaskPart(name="translate", metric="blue"), ())
    assert "'bleu'" in str(caught.value)
