"""Each comment ends in a state, on answers made by hand, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.evaluate.outcomes import Trial, outcome, refused, summary
from sayso.recipe import TaskPart
from sayso.records import Attempt, Feedback, Outcome, State, user
from sayso.tasks.classify import task as classify
from sayso.tasks.generate import task as generate

LABELS = ("正面", "负面", "neutral")
LABELLED = classify(TaskPart(labels=list(LABELS)), LABELS)
FREE = generate(TaskPart(name="generate"), ())


def comment(words: str = "应该是负面。") -> Feedback:
    return Feedback(user("快递太慢了"), Attempt("正面"), words)


def judged(task: Any, before: str, after: str, better: str | None = None, complaint: bool | None = None) -> Outcome:
    return outcome(Trial(comment(), before, after, better), task, lambda *_: complaint, "run")


@pytest.mark.parametrize(
    ("before", "after", "state", "why"),
    [
        ("正面", "负面", State.HEEDED, "the answer is now the better one"),
        ("负面", "负面", State.CANNOT_TELL, "the answer was right before learning too"),
        ("正面", "正面", State.NOT_HEEDED, "the answer is '正面', not '负面'"),
        ("正面", "neutral", State.NOT_HEEDED, "the answer is 'neutral', not '负面'"),
    ],
)
def test_a_label(before: str, after: str, state: State, why: str) -> None:
    found = judged(LABELLED, before, after, "负面")
    assert (found.state, found.why) == (state, why)
    assert (found.before, found.after, found.run, found.feedback) == (before, after, "run", comment().id)


@pytest.mark.parametrize(
    ("better", "before", "after", "state"),
    [
        ("您好，订单明天送到。", "不知道", "您好，订单明天送到。", State.HEEDED),
        ("您好，订单明天送到。", "不知道", "您好，订单会在明天送到", State.HEEDED),
        ("您好，订单明天送到。", "不知道", "不知道", State.NOT_HEEDED),
        ("您好，订单明天送到。", "您好，订单明天到。", "不知道", State.NOT_HEEDED),
        ("Your order arrives tomorrow.", "no idea", "Your order will arrive tomorrow.", State.HEEDED),
        ("Your order arrives tomorrow.", "Your order arrives", "no idea", State.NOT_HEEDED),
    ],
)
def test_a_text(better: str, before: str, after: str, state: State) -> None:
    assert judged(FREE, before, after, better).state is state


def test_a_text_that_is_a_hair_closer_cannot_be_told() -> None:
    better = "We are sorry that your parcel is late; it will arrive tomorrow before noon."
    found = judged(FREE, "We are sorry that the parcel is late", "We are sorry that the parcel is late;", better)
    assert found.state is State.CANNOT_TELL
    assert "only" in found.why


def test_without_a_better_answer_and_a_check_nobody_can_tell() -> None:
    assert judged(FREE, "好", "好的") == Outcome(
        comment().id,
        State.CANNOT_TELL,
        "the answer changed, and there is neither a check nor a better answer to compare with",
        "好",
        "好的",
        "run",
    )
    assert "the answer is the same" in judged(FREE, "好", "好").why


@pytest.mark.parametrize(("complaint", "state"), [(True, State.NOT_HEEDED), (False, State.HEEDED)])
def test_who_complained_is_asked_first(complaint: bool, state: State) -> None:
    assert judged(LABELLED, "正面", "负面" if complaint else "正面", "负面", complaint).state is state


@pytest.mark.parametrize(("after", "words"), [("负面", "kept as a test, and heeded"), ("正面", "and not heeded")])
def test_a_held_out_comment_says_whether_it_was_heeded_untaught(after: str, words: str) -> None:
    trial = Trial(comment(), "正面", after, "负面", held_out=True)
    found = outcome(trial, LABELLED, lambda *_: None, "run")
    assert found.state is State.HELD_OUT
    assert words in found.why
    unknown = outcome(Trial(comment(), "正面", after, held_out=True), LABELLED, lambda *_: None, "run")
    assert unknown.why.startswith("kept as a test: ")


def test_what_a_method_cannot_use_is_refused_with_its_reason() -> None:
    found = refused(comment(), "没有修改稿", "run")
    assert (found.state, found.why, found.before) == (State.REFUSED, "没有修改稿", "正面")


def test_the_summary_counts_states_and_held_out_ones_that_were_heeded_anyway() -> None:
    held = [
        outcome(Trial(comment(str(i)), "正面", after, "负面", True), LABELLED, lambda *_: None, "")
        for i, after in enumerate(("负面", "正面"))
    ]
    all_of_them = [*held, refused(comment("三"), "", ""), judged(LABELLED, "正面", "负面", "负面")]
    counts = summary({one.feedback: one for one in all_of_them})
    assert counts["held_out"] == 2
    assert counts["held_out_heeded"] == counts["heeded"] == counts["refused"] == 1
    assert counts["waiting"] == counts["not_heeded"] == 0
