"""Comments as lines in a prompt, and what answers are worth under them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.material import cases
from sayso.records import Scope, user
from sayso.standing import Trial, lines_of

sys.path.insert(0, str(Path(__file__).parent / "methods"))
from materials import COMMENT, ENGLISH, Parrot, material

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


def test_where_no_more_may_be_drawn_there_is_no_worth() -> None:
    given = material(EVERYWHERE, OTHER, speaker=Parrot(["x"]))
    trial = Trial(given, cases(given)[0], "en")
    assert trial.value([]) is None
    trial.allow(2, -1)
    assert trial.value([]) == pytest.approx(0.0, abs=0.2)
    assert trial.value(lines_of(cases(given)[0], {})) is None
