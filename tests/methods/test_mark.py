"""Marked text falls, what led up to it rises, what follows is left alone, and corrections are imitated."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from materials import COMMENT, EXAMPLES, labelled, material

from sayso.errors import UnsupportedError
from sayso.learn.loop import Training, train
from sayso.learn.losses import token_logp
from sayso.methods.mark import Knobs, lessons, objective, standing
from sayso.recipe import StrategyPart
from sayso.records import Attempt, Feedback, Imitate, Mark, Match, Span, user

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

ALONE = Knobs(anchors=0)
ENGLISH = Feedback(
    user("外面在下毛毛雨。"),
    Attempt("It is raining cats today."),
    "Not cats.",
    spans=(Span(6, 18, "Accuracy", "major"),),
    language="en",
)
CHINESE = Feedback(
    user("The oranges are sweet."), Attempt("苹果很甜。"), "译错了。", spans=(Span(0, 2, severity="轻微"),)
)


def marks(feedback: Feedback, knobs: Knobs = ALONE) -> list[tuple[str, float]]:
    """What is marked, in words."""
    (lesson,) = (one for one in taught(feedback, knobs=knobs) if one.marks)
    return [(lesson.target[mark.start : mark.end], mark.weight) for mark in lesson.marks]


def taught(*feedback: Feedback, knobs: Knobs = ALONE) -> list[Imitate]:
    return [one for one in lessons(material(*feedback), knobs).lessons if isinstance(one, Imitate)]


# ---------------------------------------------------------------- what is taught


def test_an_error_is_pushed_away_and_what_follows_it_has_no_weight() -> None:
    (lesson,) = taught(replace(ENGLISH, confidence=0.5))
    assert (lesson.target, lesson.weight) == ("It is raining cats today.", 0.5)
    assert lesson.marks == (Mark(18, 25, 0.0), Mark(6, 18, -1.0))
    assert marks(CHINESE) == [("很甜。", 0.0), ("苹果", -0.2)]


@pytest.mark.parametrize(
    ("severity", "weight"),
    [("minor", -0.2), ("Major ", -1.0), ("critical", -1.0), ("严重", -1.0), ("", -0.5), ("neutral", -0.5)],
)
def test_the_severity_decides_how_far(severity: str, weight: float) -> None:
    assert marks(replace(ENGLISH, spans=(Span(6, 13, severity=severity),)))[-1] == ("raining", weight)
    softer = replace(ALONE, minor=-0.1, major=-0.4, other=0.0)
    assert -0.5 < marks(replace(ENGLISH, spans=(Span(6, 13, severity=severity),)), softer)[-1][1] <= 0


def test_knobs_weigh_the_text_before_and_after() -> None:
    assert marks(ENGLISH, replace(ALONE, unmarked=0.5, after=0.25)) == [
        ("It is ", 0.5),
        (" today.", 0.25),
        ("raining cats", -1.0),
    ]
    assert marks(ENGLISH, replace(ALONE, after=1.0)) == [("raining cats", -1.0)]


def test_later_errors_count_and_overlapping_ones_take_the_lower_weight() -> None:
    spans = (Span(14, 24, severity="minor"), Span(6, 18, severity="major"), Span(3, 5, severity="minor"))
    assert marks(replace(ENGLISH, spans=spans)) == [
        (" ", 0.0),
        (".", 0.0),
        ("is", -0.2),
        (" today", -0.2),
        ("raining cats", -1.0),
    ]


def test_space_around_an_error_is_not_the_errors_and_space_alone_is_a_place() -> None:
    assert marks(replace(ENGLISH, spans=(Span(5, 14),))) == [(" cats today.", 0.0), ("raining", -0.5)]
    places = (Span(2, 3), Span(6, 13), Span(9, 9))
    assert marks(replace(ENGLISH, spans=places)) == [("is ", 0.0), (" cats today.", 0.0), ("raining", -0.5)]
    only = replace(ENGLISH, spans=(Span(2, 3), Span(5, 5)))
    assert "no text is marked" in lessons(material(only), ALONE).refused[only.id]


def test_spans_outside_the_attempt_are_refused() -> None:
    for span in (Span(0, 26), Span(-1, 2), Span(5, 3)):
        wrong = replace(ENGLISH, spans=(span,), revision="It drizzles.")
        found = lessons(material(wrong), ALONE)
        assert found.lessons == ()
        assert "not within the attempt's 25 characters" in found.refused[wrong.id]


def test_a_replacement_or_a_revision_is_imitated_as_well() -> None:
    spans = (Span(20, 24, replacement="now"), Span(6, 18, severity="major", replacement="drizzling"))
    marked, corrected = taught(replace(ENGLISH, spans=spans), knobs=replace(ALONE, corrected=0.5))
    assert marked.marks
    assert corrected == Imitate(ENGLISH.prompt, "It is drizzling tnow.", 0.5, from_ids=marked.from_ids)
    halfway = replace(ENGLISH, spans=(spans[1], Span(19, 24)))
    assert [one.target for one in taught(halfway)] == [ENGLISH.attempt.text]
    revised = replace(CHINESE, revision="橘子很甜。", spans=(replace(CHINESE.spans[0], replacement="橘子"),))
    assert [(one.target, bool(one.marks)) for one in taught(revised)] == [("苹果很甜。", True), ("橘子很甜。", False)]
    assert [bool(one.marks) for one in taught(revised, knobs=replace(ALONE, corrected=0.0))] == [True]


def test_a_gold_answer_corrects_too_but_marks_nothing() -> None:
    known = replace(COMMENT, prompt=EXAMPLES[3].prompt, revision=None, item="e3", attempt=Attempt("正负"))
    assert taught(known) == [Imitate(known.prompt, "正面", from_ids=(known.id,))]


def test_what_one_comment_marks_no_other_teaches() -> None:
    other = replace(ENGLISH, comment="Tomorrow!", spans=(Span(19, 24, replacement="tomorrow"),), confidence=0.3)
    (lesson,) = taught(other, ENGLISH)
    assert lesson.marks == (Mark(18, 19, 0.0), Mark(24, 25, 0.0), Mark(19, 24, -0.5), Mark(6, 18, -1.0))
    assert (lesson.from_ids, lesson.weight) == ((other.id, ENGLISH.id), 1.0)


@pytest.mark.parametrize(
    ("attempt", "revision", "wrong"),
    [
        ("三天内可以退货。", "七天内可以退货。", ["三"]),
        ("It is raining outside.", "It is drizzling outside.", ["raining"]),
        ("Send it back, please, now.", "Send it back, please.", [", now"]),
        ("绝对没有问题，请放心。", "没有问题，请放心。", ["绝对"]),
    ],
)
def test_a_post_edit_marks_what_it_changes(attempt: str, revision: str, wrong: list[str]) -> None:
    edited = Feedback(user("问"), Attempt(attempt), "", revision=revision)
    assert [text for text, weight in marks(edited) if weight < 0] == wrong
    assert [one.target for one in taught(edited)] == [attempt, revision]
    assert [one.marks for one in taught(edited, knobs=replace(ALONE, kept=1.1))] == [()]


def test_what_was_written_anew_or_only_added_to_marks_nothing() -> None:
    anew = Feedback(user("问"), Attempt("三天内可以退货。"), "", revision="请您在七日之内寄回商品")
    longer = Feedback(user("再问"), Attempt("可以。"), "", revision="可以。还有别的吗？")
    assert [(one.target, one.marks) for one in taught(anew, longer)] == [
        ("请您在七日之内寄回商品", ()),
        ("可以。还有别的吗？", ()),
    ]
    same = replace(anew, revision="三天内可以退货。")
    assert "no better answer" in lessons(material(same), ALONE).refused[same.id]


def test_praise_is_imitated_whole() -> None:
    praise = replace(CHINESE, polarity="positive", confidence=0.5)
    assert taught(praise, knobs=replace(ALONE, corrected=0.1)) == [
        Imitate(CHINESE.prompt, "苹果很甜。", 0.5, from_ids=(praise.id,))
    ]


def test_what_cannot_be_used_is_refused_with_the_reason() -> None:
    silent = replace(COMMENT, revision=None)
    found = lessons(material(silent, replace(silent, confidence=0.0), ENGLISH), ALONE)
    assert [one.from_ids for one in found.lessons] == [(ENGLISH.id,)]
    assert set(found.refused.values()) == {"no text is marked, and there is no better answer", "its confidence is 0"}
    long = lessons(material(ENGLISH, fits=lambda _, answer: len(answer) < 9), ALONE)
    assert "does not fit" in long.refused[ENGLISH.id]


def test_replay_and_anchors_stand_beside_the_marks() -> None:
    found = lessons(material(ENGLISH, replay=2.0), Knobs(anchors=3)).lessons
    assert [sum(isinstance(one, cls) for one in found) for cls in (Imitate, Match)] == [3, 3]
    assert all(one.teacher == "start" and one.hinted == one.context for one in found if isinstance(one, Match))
    assert objective(Knobs(match=2.0)).match == 2.0
    assert standing(Knobs(), "zh") == ""


def test_a_label_has_no_parts_and_a_head_no_tokens() -> None:
    wrong = Feedback(EXAMPLES[3].prompt, Attempt(" 负面"), "不对", spans=(Span(0, 2),), item="e3")
    found = lessons(material(wrong, task=labelled()), ALONE).lessons
    assert [(one.target, one.marks) for one in found if isinstance(one, Imitate)] == [("正面", ())]
    with pytest.raises(UnsupportedError, match="'mark' does not work for an encoder"):
        lessons(material(wrong, task=labelled(), kind="encoder"), ALONE)


texts = st.text("ab 好，", max_size=8)
pieces = st.builds(Span, st.integers(0, 8), st.integers(0, 8), severity=st.sampled_from(["minor", "major", "x"]))


@given(texts, st.lists(pieces, max_size=4), st.none() | texts)
@settings(deadline=None, max_examples=150)
def test_marks_are_apart_and_never_teach_an_error(text: str, spans: list[Span], revision: str | None) -> None:
    comment = Feedback(user("问"), Attempt(text), "不对", spans=tuple(spans), revision=revision)
    for lesson in taught(comment):
        places = sorted((mark.start, mark.end) for mark in lesson.marks)
        assert all(0 <= a < b <= len(lesson.target) for a, b in places)
        assert all(one[1] <= other[0] for one, other in pairwise(places))
        lowest = {i: mark.weight for mark in lesson.marks for i in range(mark.start, mark.end)}
        if lesson.marks and spans:
            wrong = [i for span in spans for i in range(span.start, span.end) if text[span.start : span.end].strip()]
            assert all(lowest[i] < 0 for i in wrong if not text[i].isspace())


# ---------------------------------------------------------------- what moves

STRATEGY = StrategyPart(
    learning_rate=3e-3,
    schedule="constant",
    warmup=0.0,
    batch_rows=2,
    micro_tokens=4096,
    steps=60,
    early_stopping=0,
    weight_decay=0.0,
    clip=1.0,
    label_smoothing=0.0,
    packing="off",
)
CAT = Feedback(
    user("一只猫坐在垫子上"),
    Attempt("the cat sat on the dog and said hello"),
    "",
    spans=(Span(19, 22, severity="major", replacement="mat"),),
)
MAO = Feedback(
    user("the cat sat on the mat"),
    Attempt("一只猫坐在垫子上，向狗问好。"),
    "",
    spans=(Span(9, 13, severity="严重", replacement="不错"),),
)
BOTH = [(name, said) for name in ("llama", "bart") for said in (CAT, MAO)]


def logps(learner: Any, lesson: Imitate) -> tuple[torch.Tensor, torch.Tensor]:
    """log p of each token of the lesson's target, and its weight."""
    batch = learner.batch([learner.row(lesson.context, lesson.target, lesson)])
    learner.core.model.eval()
    with torch.no_grad():
        return token_logp(learner.logits(batch), batch.targets_N), batch.weights_N


@pytest.mark.parametrize(("name", "said"), BOTH)
def test_what_is_marked_falls_and_what_led_up_to_it_rises(name: str, said: Feedback) -> None:
    learner = opened(name)
    marked, _ = taught(said)
    list(train(learner, [Imitate(said.prompt, said.attempt.text)], Training(STRATEGY)))
    before, weights = logps(learner, marked)
    list(train(learner, [marked], Training(STRATEGY)))
    moved = logps(learner, marked)[0] - before
    assert set(weights.tolist()) == {-1.0, 0.0, 1.0}
    assert bool((moved[weights < 0] < -1).all())
    first = int((weights < 0).nonzero()[0])
    assert bool((moved[:first] > 0).all())
    assert first > 0


@pytest.mark.parametrize(("name", "said"), BOTH)
def test_the_correction_comes_to_be_likelier_than_the_error(name: str, said: Feedback) -> None:
    learner = opened(name)
    marked, corrected = taught(said)
    list(train(learner, [Imitate(said.prompt, said.attempt.text)], Training(STRATEGY)))
    before = float(logps(learner, corrected)[0].sum() - logps(learner, marked)[0].sum())
    list(train(learner, [marked, corrected], Training(STRATEGY)))
    after = float(logps(learner, corrected)[0].sum() - logps(learner, marked)[0].sum())
    assert before < -1
    assert after > 1
