"""Each comment ends in a state, on answers made by hand, in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sayso.evaluate.outcomes import Check, Trial, in_words, outcome, refused, summary
from sayso.recipe import TaskPart
from sayso.records import Attempt, Feedback, Outcome, State, user
from sayso.tasks.classify import task as classify
from sayso.tasks.generate import task as generate

LABELS = ("正面", "负面", "neutral")
LABELLED = classify(TaskPart(labels=list(LABELS)), LABELS)
FREE = generate(TaskPart(name="generate"), ())


def comment(words: str = "应该是负面。") -> Feedback:
    return Feedback(user("快递太慢了"), Attempt("正面"), words)


def judged(task: Any, before: str, after: str, better: str | None = None, *checks: Check) -> Outcome:
    return outcome(Trial(comment(), before, after, better, checks=checks), task, "run")


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
    assert found.why.startswith("hardly closer to the better answer (chrF ")


def test_where_only_closeness_is_known_the_words_claim_no_more() -> None:
    found = judged(FREE, "不知道", "您好，订单会在明天送到", "您好，订单明天送到。")
    assert found.why.startswith("closer to the better answer (chrF 0 before, ")


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


BETTER = "Could you send us your order number first?"
BEFORE = "Yes, a refund is no problem."
AFTER = "You can't promise that. We always ask for the order no."
ASK = "Ask for the order number first."


@pytest.mark.parametrize(
    ("check", "state", "why"),
    [
        # it made the comment, or the comment names it
        (Check("c.py:ask", ASK, "", ASK, ASK, own=True), State.NOT_HEEDED, f"c.py:ask says of the answer: {ASK}"),
        (Check("c.py:ask", ASK, "", ASK, "", own=True), State.HEEDED, "c.py:ask is content with the answer"),
        (Check("c.py:ask", ASK, None, ASK, "", own=True), State.HEEDED, "c.py:ask is content"),
        (Check("c.py:ask", ASK, "", "", "", own=True), State.CANNOT_TELL, "as with the one before learning"),
        # it tells the attempt from the better answer: it is about the same matter
        (Check("c.py:ask", ASK, "", ASK, ASK), State.NOT_HEEDED, f"c.py:ask says of the answer: {ASK}"),
        (Check("c.py:ask", ASK, "", ASK, ""), State.HEEDED, "c.py:ask is content with the answer"),
        # it does not: closeness decides, but nothing is called heeded against its word
        (Check("c.py:ask", "", "", "", ASK), State.CANNOT_TELL, f", but c.py:ask says of the answer: {ASK}"),
        (Check("c.py:ask", "", "", "", ""), State.HEEDED, "closer to the better answer"),
        # it rejects the better answer too: it is about something else
        (Check("c.py:other", ASK, ASK, ASK, ASK), State.HEEDED, "closer to the better answer"),
        # it could not say
        (Check("c.py:ask", ASK, "", ASK, None, own=True), State.HEEDED, "closer to the better answer"),
    ],
)
def test_a_program_that_knows_the_matter_decides(check: Check, state: State, why: str) -> None:
    assert judged(FREE, BEFORE, AFTER, BETTER).state is State.HEEDED
    found = judged(FREE, BEFORE, AFTER, BETTER, check)
    assert found.state is state
    assert why in found.why


def test_of_two_programs_one_that_objects_is_enough() -> None:
    content, objects = Check("a", "no", "", "no", ""), Check("b", "no", "", "no", "要先问订单号。")
    assert judged(FREE, BEFORE, AFTER, BETTER, content, objects).why == "b says of the answer: 要先问订单号。"
    assert judged(FREE, BEFORE, BEFORE, None, content, replace(content, name="b", own=True)).state is State.HEEDED
    both = judged(FREE, BEFORE, AFTER, BETTER, content, replace(content, name="b"))
    assert both.why == "a and b are content with the answer"


@pytest.mark.parametrize(("after", "words"), [("负面", "kept as a test, and heeded"), ("正面", "and not heeded")])
def test_a_held_out_comment_says_whether_it_was_heeded_untaught(after: str, words: str) -> None:
    trial = Trial(comment(), "正面", after, "负面", held_out=True)
    found = outcome(trial, LABELLED, "run")
    assert found.state is State.HELD_OUT
    assert words in found.why
    unknown = outcome(Trial(comment(), "正面", after, held_out=True), LABELLED, "run")
    assert unknown.why.startswith("kept as a test: ")


def test_what_a_method_cannot_use_is_refused_with_its_reason() -> None:
    found = refused(comment(), "没有修改稿", "run")
    assert (found.state, found.why, found.before) == (State.REFUSED, "没有修改稿", "正面")


def test_the_summary_counts_states_and_held_out_ones_that_were_heeded_anyway() -> None:
    held = [
        outcome(Trial(comment(str(i)), "正面", after, "负面", True), LABELLED, "")
        for i, after in enumerate(("负面", "正面"))
    ]
    all_of_them = [*held, refused(comment("三"), "", ""), judged(LABELLED, "正面", "负面", "负面")]
    counts = summary(all_of_them)
    assert counts["held_out"] == 2
    assert counts["held_out_heeded"] == counts["heeded"] == counts["refused"] == 1
    assert counts["waiting"] == counts["not_heeded"] == 0
    assert in_words(counts) == ("4 comments: 1 heeded, 2 held out (1 of them heeded all the same), 1 refused")
    assert in_words(summary([refused(comment("三"), "", "")])) == "1 comment: 1 refused"
    assert in_words(summary([])) == "0 comments"
