"""Plain text: no context, and a score that is a probability per token."""

from __future__ import annotations

import pytest

from sayso.errors import RecipeError
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Why, user
from sayso.tasks.text import task

TASK = task(TaskPart(name="text"), ())


def test_nothing_is_asked():
    assert TASK.context(Example("1", user("从前有座山。")), "decoder") == ()


def test_an_item_is_scored_by_its_probability_per_token():
    score = TASK.grade(Example("1", (), "从前有座山。"), Answer("1", "", {"per_token": 0.25}, tokens=6))
    assert (score.value, score.detail) == (0.25, "perplexity 4")


def test_without_a_probability_nothing_is_judged():
    assert TASK.grade(Example("1", (), "x"), Answer("1", "")).why is Why.NOT_JUDGED


def test_only_its_own_metric():
    assert TASK.metric == "log_likelihood"
    with pytest.raises(RecipeError, match="perplexity"):
        task(TaskPart(name="text", metric="perplexity"), ())
