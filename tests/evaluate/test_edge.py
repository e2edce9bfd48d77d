"""Can a model use what it reads? From made answers: who gains by the words, and who only by being told off."""

from __future__ import annotations

from random import Random

import pytest

from sayso.evaluate.edge import Edge, edge
from sayso.evaluate.measured import Draw

DRAW = Draw(resamples=500)
N = 24


def values(**means: float) -> dict[str, dict[str, float]]:
    """Beliefs by condition: a level of each comment's own, and what the condition adds."""
    dice = Random(0)
    own = [dice.gauss(-3, 1) for _ in range(N)]
    return {
        condition: {str(i): level + mean + dice.gauss(0, 0.1) for i, level in enumerate(own)}
        for condition, mean in means.items()
    }


def sight(**means: float) -> str:
    return edge({"nats": values(**means)}, DRAW).sight


def test_a_reader_gains_by_the_words() -> None:
    assert sight(none=0.0, right=1.0, shuffled=0.1, vague=0.1) == "sees"


def test_one_that_any_comment_helps_cannot_use_the_words() -> None:
    found = edge({"nats": values(none=0.0, right=1.0, shuffled=1.0, vague=0.9)}, DRAW)
    assert found.found["edge", "nats"].verdict == "better"
    assert found.sight == "blind"


def test_one_that_a_comment_confuses_is_blind() -> None:
    assert sight(none=0.0, right=-1.0, shuffled=0.0, vague=0.0) == "blind"


def test_without_another_comment_wrong_try_again_is_the_control() -> None:
    assert sight(none=0.0, right=1.0, vague=0.0) == "sees"
    assert sight(none=0.0, right=1.0, vague=1.0) == "blind"


def test_a_teacher_that_knows_no_more_than_its_pupil_is_none() -> None:
    assert sight(none=1.0, right=1.0, shuffled=0.0, vague=0.0) == "blind"


def test_nothing_measured_is_not_blind() -> None:
    assert edge({}, DRAW).sight == "cannot tell"
    assert Edge({}).n == 0


def test_answers_that_contradict_the_belief_are_no_sight() -> None:
    shares = {"none": 0.5, "right": 0.0, "shuffled": 1.0, "vague": 0.5}
    by_condition = {name: {str(i): value for i in range(N)} for name, value in shares.items()}
    both = edge({"share": by_condition, "nats": values(none=0.0, right=1.0, shuffled=0.0, vague=0.0)}, DRAW)
    assert both.found["words", "nats"].verdict == "better"
    assert both.sight == "blind"
    assert both.n == N


@pytest.mark.parametrize("name", ["edge", "words", "content"])
def test_every_difference_is_the_comment_less_its_control(name: str) -> None:
    found = edge({"nats": values(none=0.0, right=3.0, shuffled=1.0, vague=2.0)}, DRAW).found[name, "nats"]
    assert found.difference == pytest.approx({"edge": 3.0, "words": 2.0, "content": 1.0}[name], abs=0.1)
