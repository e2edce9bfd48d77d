"""The judgement of an attempt is what is learnt, in the words in which it is asked for everywhere."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from materials import COMMENT, ENGLISH, Parrot, labelled, material, steadily

from sayso.errors import UnsupportedError
from sayso.exercises import judged_prompt
from sayso.learn.loop import Training, train
from sayso.methods.predict import Knobs, lessons, objective, standing
from sayso.models.divergence import divergences
from sayso.records import Attempt, Example, Feedback, Imitate, Match, Message, user
from sayso.wording import read_verdict, to_judge

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

JUDGED = Knobs(auxiliary=0, anchors=0)


@pytest.mark.parametrize(
    ("comment", "asked", "judgement"),
    [
        (COMMENT, "留言：退货要多久？\n回答：三天。\n\n这个回答能通过吗？", "否。店规是七天，要说七天。"),
        (
            ENGLISH,
            "Message: How long do returns take?\nReply: Three days.\n\nWould you let this reply pass?",
            "No. The rule says seven.",
        ),
    ],
)
def test_the_comment_is_the_answer_to_the_question_whether_the_attempt_will_do(
    comment: Feedback, asked: str, judgement: str
) -> None:
    sure = replace(comment, confidence=0.5)
    assert lessons(material(sure), JUDGED).lessons == (Imitate(user(asked), judgement, 0.5, from_ids=(sure.id,)),)


def test_it_is_asked_in_the_words_of_the_exercises_without_the_rule() -> None:
    for comment, language in ((COMMENT, "zh"), (ENGLISH, "en")):
        theirs = judged_prompt(comment.prompt, "RULE", comment.attempt.text, language)[0].text
        ours = lessons(material(comment), JUDGED).lessons[0].context[0].text
        lines = theirs.split("\n\n")[0].splitlines()
        assert ours.split("\n\n")[0].splitlines() == [line for line in lines if "RULE" not in line]


@pytest.mark.parametrize(
    ("polarity", "target", "verdict"),
    [("positive", "Yes.", True), ("negative", "No. So polite!", False), ("neutral", "So polite!", None)],
)
def test_praise_says_that_it_is_fine_and_a_remark_says_neither(polarity: Any, target: str, verdict: Any) -> None:
    said = Feedback(user("Anyone there?"), Attempt("Good day, yes."), "So polite!", polarity=polarity)
    assert [one.target for one in lessons(material(said), JUDGED).lessons] == [target]  # type: ignore[union-attr]
    assert read_verdict(target) is verdict


def test_what_was_said_before_stays_as_it_was_said() -> None:
    earlier = (Message("system", "你是客服。"), Message("user", "你好"), Message("assistant", "您好"))
    context = lessons(material(replace(COMMENT, prompt=(*earlier, *COMMENT.prompt))), JUDGED).lessons[0].context
    assert context == (*earlier, *to_judge(COMMENT.prompt, "三天。"))


def test_the_better_answer_is_imitated_beside_it_with_its_weight() -> None:
    bare = replace(ENGLISH, revision=None)
    taught = lessons(material(replace(COMMENT, confidence=0.5), bare), replace(JUDGED, auxiliary=0.4)).lessons
    assert [(one.target, one.weight) for one in taught if isinstance(one, Imitate)] == [
        ("否。店规是七天，要说七天。", 0.5),
        ("七天。", 0.2),
        ("No. The rule says seven.", 1.0),
    ]
    assert taught[1].context == COMMENT.prompt
    praise = Feedback(user("在吗"), Attempt("您好，在的。"), "很好！", polarity="positive")
    both = lessons(material(praise), Knobs(anchors=0)).lessons
    assert [one.target for one in both if isinstance(one, Imitate)] == ["是。", "您好，在的。"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"attempt": Attempt("")}, "there is no attempt to judge"),
        ({"comment": " "}, "it says nothing of the attempt"),
        ({"comment": "七" * 99}, "its comment does not fit the model as an answer"),
    ],
)
def test_what_cannot_be_judged_is_refused_or_only_its_answer_taught(change: dict[str, Any], reason: str) -> None:
    comment = replace(COMMENT, **change)
    given = material(comment, ENGLISH, fits=lambda _, answer: len(answer) < 90)
    found = lessons(given, JUDGED)
    assert found.refused == {comment.id: reason}
    assert [one.from_ids for one in found.lessons] == [(ENGLISH.id,)]
    both = lessons(given, replace(JUDGED, auxiliary=1.0))
    assert both.refused == {}
    assert both.notices == (f"of 1 comments only the better answer is taught: {reason}",)
    assert [one.from_ids for one in both.lessons] == [(comment.id,), (ENGLISH.id,), (ENGLISH.id,)]


def test_two_who_say_the_same_are_one_lesson() -> None:
    other = replace(COMMENT, confidence=0.25)
    taught = lessons(material(other, COMMENT), JUDGED).lessons
    assert [(one.from_ids, one.weight) for one in taught] == [((other.id, COMMENT.id), 1.0)]


def test_replay_and_anchors_stand_beside_it_and_nothing_in_the_prompt() -> None:
    taught = lessons(material(COMMENT, replay=1.0), Knobs(anchors=3)).lessons
    assert [sum(isinstance(one, cls) for one in taught) for cls in (Imitate, Match)] == [2 + 2, 3]
    assert objective(Knobs(match=2.0)).match == 2.0
    assert standing(Knobs(), "zh") == standing(Knobs(), "en") == ""


def test_a_head_says_no_sentence() -> None:
    with pytest.raises(UnsupportedError, match="'predict' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder", speaker=Parrot([""])), JUDGED)


# ---------------------------------------------------------------- what moves

CASES = (
    Feedback(user("the cat sat"), Attempt("bad"), "Say good.", revision="good"),
    Feedback(user("一只猫"), Attempt("糟糕"), "要说不错。", revision="不错"),
)
ANCHORS = tuple(Example(f"a{i}", user(text), "fine", "train") for i, text in enumerate(("my order 1234", "狗问好")))
HELD = [(one.prompt, one.target or "") for one in ANCHORS]
STRATEGY = steadily(8, 20, learning_rate=1e-3)


def logps(learner: Any, pairs: Any) -> list[float]:
    return list(learner.logps([learner.row(context, target) for context, target in pairs]))


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_a_comment_becomes_likelier_after_its_own_attempt_and_more_so_than_after_the_other(name: str) -> None:
    learner = opened(name)
    taught = lessons(material(*CASES, kind=learner.kind), JUDGED).lessons
    own = [(one.context, one.target) for one in taught if isinstance(one, Imitate)]
    other = [(own[1][0], own[0][1]), (own[0][0], own[1][1])]
    before, apart = logps(learner, own), logps(learner, other)
    strategy = STRATEGY.model_copy(update={"steps": 60, "learning_rate": 3e-3})
    list(train(learner, taught, Training(strategy, objective(JUDGED))))
    gained = [after - was for after, was in zip(logps(learner, own), before, strict=True)]
    strayed = [after - was for after, was in zip(logps(learner, other), apart, strict=True)]
    assert min(gained) > 1
    assert all(here > there + 1 for here, there in zip(gained, strayed, strict=True))


def test_the_better_answer_becomes_likelier_by_what_auxiliary_weighs() -> None:
    answers = [(one.prompt, one.revision or "") for one in CASES]
    gains = []
    for auxiliary in (0.0, 0.1, 1.0):
        learner = opened("llama")
        before = logps(learner, answers)
        knobs = Knobs(auxiliary=auxiliary, anchors=0)
        list(train(learner, lessons(material(*CASES, examples=()), knobs).lessons, Training(STRATEGY)))
        gains.append(sum(logps(learner, answers)) - sum(before))
    assert gains[0] < gains[1] < gains[2]
    assert gains[2] > 0


def test_an_anchor_stays_where_it_was() -> None:
    drift = {}
    for match in (0.0, 5.0):
        learner = opened("llama")
        learner.core.remember("before")
        knobs = Knobs(match=match)
        found = lessons(material(*CASES, examples=ANCHORS), knobs)
        list(train(learner, found.lessons, Training(STRATEGY, objective(knobs))))
        drift[match] = sum(kl for kl, _ in divergences(learner, "before", HELD, HELD))
    assert drift[5.0] < drift[0.0] / 2
