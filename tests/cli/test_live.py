"""What `sayso live --eager` lets in on few comments, and what not even then."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.cli.live import FEW, eagerly
from sayso.records import Attempt, Feedback, Outcome, State, user

BETTER = "您好，七天之内可以退货，请把单号发给我们，运费由我们承担。"
GATE: dict[str, Any] = {"promoted": False, "losses": []}


def asked(number: int = 1, words: str = "请说七天。", revision: str | None = BETTER) -> list[Feedback]:
    prompts = [user(f"退货要多久？{place}") for place in range(number)]
    return [Feedback(one, Attempt("三天。"), words, revision=revision) for one in prompts]


def told(feedback: list[Feedback], after: str = BETTER, state: State = State.HEEDED) -> list[Outcome]:
    return [Outcome(one.id, state, "", "三天之内可以退货，请联系我们的客服人员。", after) for one in feedback]


def test_few_comments_that_are_heeded_are_let_in() -> None:
    one, two, many, more = asked(), asked(2), asked(FEW), asked(FEW + 1)
    assert eagerly(GATE, one, told(one), []).startswith("Promoted eagerly: 1 comment is heeded")
    half = [*told(two[:1]), *told(two[1:], "三天之内可以退货，请联系我们的客服人员。", State.NOT_HEEDED)]
    assert "of 2 comments 1 are heeded" in eagerly(GATE, two, half, [])
    assert eagerly(GATE, many, told(many), [])
    assert not eagerly(GATE, more, told(more), [])


def test_nothing_heeded_something_worse_or_something_fallen_is_not() -> None:
    one = asked()
    assert not eagerly(GATE, one, told(one, state=State.CANNOT_TELL), [])
    assert not eagerly(GATE | {"losses": ["worse"]}, one, told(one), [])
    assert not eagerly(GATE, one, told(one), [{"fell": False}, {"fell": True}])
    assert eagerly(GATE, one, told(one), [{"fell": False}, {}])


@pytest.mark.parametrize("after", ["七天", "七天之内可以退货" * 12, "you can you can you can you can you can you can"])
def test_answers_that_came_closer_but_collapsed_are_not(after: str) -> None:
    one = asked()
    assert not eagerly(GATE, one, told(one, after), [])


def test_a_short_answer_that_was_asked_for_is_no_collapse() -> None:
    short, vague = asked(revision="七天。"), asked(words="不对。", revision=None)
    assert eagerly(GATE, short, told(short, "七天。"), [])
    without = asked(words="太长了，请说得短一点。", revision=None)
    assert eagerly(GATE, without, told(without, "七天。"), [])
    assert not eagerly(GATE, vague, told(vague, "七天。"), [])
