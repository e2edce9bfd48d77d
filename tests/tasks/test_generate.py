"""Instruction following: the conversation as it is, graded by closeness to the gold answer where there is one."""

from __future__ import annotations

import pytest

from sayso.errors import RecipeError
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Message, Why, user
from sayso.tasks.generate import Generate, task

ASKED = Example("1", user("用一句话介绍长城。"), "长城是中国古代的防御工程。")


def test_the_conversation_is_shown_as_it_is_with_the_question_before_it():
    assert Generate().context(ASKED, "decoder") == ASKED.prompt
    shown = Generate(question="请简短回答。").context(ASKED, "decoder")
    assert shown == (Message("system", "请简短回答。"), *ASKED.prompt)


@pytest.mark.parametrize(
    ("text", "ended", "why"),
    [
        ("长城是中国古代的防御工程。", True, Why.RIGHT),
        ("", True, Why.EMPTY),
        ("用一句话介绍长城", True, Why.COPIES),
        ("长城长城长城长城长城长城", True, Why.REPEATS),
        ("长城是中国", False, Why.UNFINISHED),
        ("长城很长，也很有名。", True, Why.DIFFERENT),
    ],
)
def test_why(text, ended, why):
    assert Generate().grade(ASKED, Answer("1", text, ended=ended)).why is why


def test_closer_to_the_gold_answer_is_worth_more():
    near = Generate().grade(ASKED, Answer("1", "长城是中国的防御工程。")).value
    far = Generate().grade(ASKED, Answer("1", "我喜欢吃苹果。")).value
    assert 0 <= far < near < 1
    assert Generate().grade(ASKED, Answer("1", ASKED.target or "")).value == pytest.approx(1)


def test_without_gold_nothing_is_judged_but_what_is_plain_to_see_is_said():
    score = Generate().grade(Example("1", user("hello")), Answer("1", ""))
    assert (score.why, score.n, score.detail) == (Why.NOT_JUDGED, 0, "empty")
    assert Generate().grade(Example("1", user("hello")), Answer("1", "Hi, friend!")).detail == ""


def test_an_empty_gold_answer_is_met_by_silence():
    assert Generate().grade(Example("1", user("shh"), ""), Answer("1", "")).why is Why.RIGHT


def test_the_recipe_makes_the_task():
    made = task(TaskPart(name="generate", question="Be kind.", max_new_tokens=9, beams=3), ())
    assert (made.sampling.max_new_tokens, made.sampling.beams) == (9, 3)
    with pytest.raises(RecipeError, match="no metric"):
        task(TaskPart(name="generate", metric="accuracy"), ())
