"""Every task keeps these promises. A new file in tasks/ is tested by being there."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import rooms
from sayso.protocols import Task
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Kind, Message, Sampling, Why, user

LABELS = ("正面", "negative")
TASKS: list[Task] = [
    rooms.find("tasks", name).task(TaskPart.model_construct(**{**TaskPart().model_dump(), "name": name}), LABELS)
    for name in rooms.names("tasks")
]
texts = st.text(max_size=12) | st.sampled_from(["你好，世界", "Hello", " ", "正面", "负面 | 正面"])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_it_says_what_it_is(task: Task) -> None:
    assert task.name in rooms.names("tasks")
    assert task.metric
    assert task.options in ((), LABELS)
    assert not task.several
    assert isinstance(task.sampling, Sampling)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@given(st.lists(texts, min_size=1, max_size=3), st.sampled_from(get_args(Kind)))
@settings(deadline=None, max_examples=25)
def test_the_context_is_made_of_the_prompt_and_never_of_the_answer(task: Task, turns: list[str], kind: Kind) -> None:
    prompt = tuple(Message("user", text) for text in turns)
    secret, other = (Example("1", prompt, target) for target in ("🔑", "🗝"))
    context = task.context(secret, kind)
    assert context == task.context(other, kind) == task.context(secret, kind)
    assert all(isinstance(message, Message) for message in context)
    assert not context or all(text in "".join(message.text for message in context) for text in turns)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@given(texts, texts, st.booleans())
@settings(deadline=None, max_examples=25)
def test_a_grade_is_a_share_with_its_reason(task: Task, gold: str, said: str, ended: bool) -> None:
    score = task.grade(Example("七", user("问"), gold), Answer("七", said, ended=ended))
    assert (score.task, score.item) == (task.name, "七")
    assert math.isfinite(score.value)
    assert 0 <= score.value <= 1
    assert isinstance(score.why, Why)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_gold_answer_is_right_and_without_one_nothing_is_judged(task: Task) -> None:
    example = Example("1", user("问"), LABELS[0])
    if task.context(example, "decoder"):
        assert task.grade(example, Answer("1", LABELS[0])).why is Why.RIGHT
    score = task.grade(Example("1", user("问")), Answer("1", "好"))
    assert (score.why, score.n) == (Why.NOT_JUDGED, 0)
