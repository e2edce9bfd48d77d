"""Comments as lines in a prompt, and what answers are worth under them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.material import cases
from sayso.records import Attempt, Author, Feedback, Messages, Scope, user
from sayso.standing import Trial, lines_of

sys.path.insert(0, str(Path(__file__).parent / "methods"))
from materials import COMMENT, ENGLISH, Parrot, labelled, material

EVERYWHERE = replace(ENGLISH, scope=Scope("everywhere"))
OTHER = replace(EVERYWHERE, prompt=user("When do you close?"), comment="Be exact.", revision="At nine.")


def test_a_line_names_its_condition_its_comments_and_its_prompts() -> None:
    ready, _ = cases(material(COMMENT, EVERYWHERE))
    refused: dict[str, str] = {}
    everywhere, item = lines_of(ready, refused)
    assert (everywhere.words, everywhere.languages) == ("The rule says seven.", {"zh", "en"})
    assert (item.words, item.languages) == ("遇到“退货要多久？”这类问题：店规是七天，要说七天。", {"zh"})
    assert (item.ids, item.about) == ((COMMENT.id,), {COMMENT.prompt})
    assert refused == {}


def test_the_worth_of_lines_is_the_mean_over_prompts_and_no_answer_is_drawn_twice() -> None:
    speaker = Parrot(["Seven."])
    given = material(EVERYWHERE, OTHER, speaker=speaker)
    ready, _ = cases(given)
    trial, lines = Trial(given, ready, "en"), lines_of(ready, {})
    trial.allow(8, 2)
    first = trial.value([])
    assert first is not None
    assert 0.5 < first < 1.0
    assert trial.value([]) == first
    assert len(speaker.asked) == 2
    assert trial.value(lines) is not None
    assert len(speaker.asked) == 4
    assert {prompt[-1].text.count("\n") for prompt in speaker.asked[2:]} == {2}, "each has the other's line alone"


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [(None, 1.0), ("Wrong.", 0.0), (EVERYWHERE.comment, 0.0), ("", 1.0)],
)
def test_worth_is_who_commented_else_the_better_answer(verdict: str | None, expected: float) -> None:
    program = replace(EVERYWHERE, author=Author("program", "checks.py:seven"))
    given = material(program, speaker=Parrot(["Seven."]), critic=lambda about, answer: verdict)
    trial = Trial(given, cases(given)[0], "en")
    trial.allow(4, 1)
    assert trial.value([]) == pytest.approx(expected)


def test_a_judge_that_is_not_there_to_be_asked_judges_nothing() -> None:
    judge = replace(EVERYWHERE, author=Author("critic", "judge:m"))
    given = material(judge, speaker=Parrot(["Seven."]), critic=lambda about, answer: about.comment)
    trial = Trial(given, cases(given)[0], "en")
    trial.allow(4, 1)
    assert trial.value([]) == pytest.approx(1.0)
    bare = material(replace(judge, revision=None), critic=given.critic)
    assert Trial(bare, cases(bare)[0], "en").judged == []


def test_of_labels_the_probability_counts_unless_who_commented_can_be_asked() -> None:
    class Sure(Parrot):
        def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
            return [[math.log(0.8), math.log(0.2)] for _ in prompts]

    said = Feedback(user("这家店"), Attempt("正面"), "不是。", Author("program", "checks.py:x"), revision="负面")
    for verdict, expected in (("", 0.2), (None, 1.0), ("不对。", 0.0)):
        given = material(
            said, task=labelled(), speaker=Sure([]), critic=lambda about, answer, verdict=verdict: verdict
        )
        trial = Trial(given, cases(given)[0], "zh")
        trial.allow(4, 1)
        assert trial.value([]) == pytest.approx(expected)


def test_where_no_more_may_be_drawn_there_is_no_worth() -> None:
    given = material(EVERYWHERE, OTHER, speaker=Parrot(["x"]))
    trial = Trial(given, cases(given)[0], "en")
    assert trial.value([]) is None
    trial.allow(2, -1)
    assert trial.value([]) == pytest.approx(0.0, abs=0.2)
    assert trial.value(lines_of(cases(given)[0], {})) is None
