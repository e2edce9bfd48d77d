"""The user's next turn judges the answer where it is about it; thanks, new questions and the rest are refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from materials import COMMENT, EXAMPLES, labelled, material

from sayso.errors import UnsupportedError
from sayso.learn.loop import Training, train
from sayso.learn.losses import token_logp
from sayso.methods.hindsight import Knobs, lessons, objective, standing
from sayso.recipe import StrategyPart
from sayso.records import Attempt, Author, Feedback, Imitate, Match, Message, Messages, user
from sayso.store.imports import next_turns

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

ALONE = Knobs(anchors=0)
USER = Author("user_turn")
ZH = Feedback(user("退货要多久？"), Attempt("退货要三天，请在三天之内寄回。"), "不对，是七天。", USER)
EN = Feedback(
    user("How long do returns take?"), Attempt("Returns take three days. Send it back!"), "No, it's seven.", USER
)


def said(turn: str, knobs: Knobs = ALONE) -> str:
    """What a turn, in the language that it is in, teaches about an answer: the kind of lesson, or the reason."""
    comment = replace(EN if turn.isascii() else ZH, comment=turn)
    found = lessons(material(comment), knobs)
    return type(found.lessons[0]).__name__ if found.lessons else found.refused[comment.id]


# ---------------------------------------------------------------- what is taught


def test_the_answer_is_judged_by_the_model_that_has_read_the_turn() -> None:
    for comment, words in ((ZH, "用户说：不对，是七天。"), (EN, "the user wrote: No, it's seven.")):
        (lesson,) = lessons(material(replace(comment, confidence=0.5)), ALONE).lessons
        assert isinstance(lesson, Match)
        assert (lesson.target, lesson.teacher, lesson.weight) == (comment.attempt.text, "start", 0.5)
        assert lesson.context == comment.prompt
        assert lesson.hinted[-1].text.startswith(comment.prompt[0].text)
        assert words in lesson.hinted[-1].text
        assert comment.attempt.text not in lesson.hinted[-1].text


def test_the_hint_stands_in_the_last_turn_of_a_conversation() -> None:
    prompt = (Message("user", "在吗"), Message("assistant", "您好"), Message("user", "How long?"))
    (lesson,) = lessons(material(replace(ZH, prompt=prompt)), ALONE).lessons
    assert isinstance(lesson, Match)
    assert lesson.hinted[:2] == prompt[:2]
    assert lesson.hinted[2].text.startswith("How long?\n\nAfter the answer the user wrote: 不对")


@pytest.mark.parametrize(
    "turn",
    [
        "不对，是七天。",
        "你说错了吧？",
        "再短一点",
        "请用敬语",
        "能再短一点吗？",
        "不要用感叹号",
        "用英文重写",
        "回答太长，说重点",
        "我是说换货",
        "这不是我要的",
        "不行",
        "不太好",
        "完美，但是再正式一点",
        "三天之内要退货才行",
        "退货要多久",
        "No, that's wrong.",
        "Shorter, please",
        "That's not right.",
        "Not perfect.",
        "That was too long.",
        "Don't use emoji.",
        "Use plain words instead.",
        "Could you make it shorter?",
        "I asked about exchanges!",
        "You forgot the fee",
        "Great, now make it more formal",
        "Could you rewrite it politely?",
        "Returns take seven days.",
        "how long do returns take",
    ],
)
def test_a_turn_about_the_answer_judges_it(turn: str) -> None:
    assert said(turn) == "Match"


@pytest.mark.parametrize(
    "turn",
    [
        "谢谢，太好了！",
        "没错，谢谢你",
        "很有用。",
        "Thanks, perfect!",
        "That works, thank you so much",
        "Exactly!",
    ],
)
def test_praise_and_no_more_is_heeded_by_imitating_the_answer(turn: str) -> None:
    assert said(turn) == "Imitate"
    assert said(turn, replace(ALONE, praise=0.0)) == "it is praise, and the knob praise is 0"


def test_praise_may_weigh_less_and_may_be_told_by_whoever_kept_the_log() -> None:
    comment = replace(ZH, comment="🙂🙂", polarity="positive", confidence=0.5)
    assert lessons(material(comment), replace(ALONE, praise=0.5)).lessons == (
        Imitate(ZH.prompt, ZH.attempt.text, 0.25, from_ids=(comment.id,)),
    )


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ("谢谢", "thanks"),
        ("好的，知道了", "thanks"),
        ("谢谢你的帮助，再见！", "thanks"),
        ("Thanks!", "thanks"),
        ("ok, got it", "thanks"),
        ("no problem, thanks for your help", "thanks"),
        ("👍", "thanks"),
        ("另外，你们几点开门？", "something else"),
        ("对了，能开发票吗", "something else"),
        ("By the way, do you ship abroad?", "something else"),
        ("Another question: who pays?", "something else"),
        ("那运费谁付？", "new question"),
        ("可以换货吗", "new question"),
        ("重新发货要多久？", "new question"),
        ("And who pays?", "new question"),
        ("What about exchanges", "new question"),
        ("帮我写一首关于海的诗", "too few"),
        ("我不是会员", "too few"),
        ("我忘了密码", "too few"),
        ("我买错了", "too few"),
        ("尺码不对", "too few"),
        ("请写一首诗", "too few"),
        ("特别说明一下发票", "too few"),
        ("有更长的保修期吗？", "new question"),
        ("Is there a longer warranty?", "new question"),
        ("Can I get a refund instead?", "new question"),
        ("Please write a poem about autumn.", "too few"),
        ("I wanted blue shoes.", "too few"),
        ("My parcel should be here by now.", "too few"),
        ("It is not working.", "too few"),
        ("Write a poem about the sea.", "too few"),
        ("I ordered the wrong size.", "too few"),
        ("I need it instead of the blue one.", "too few"),
    ],
)
def test_a_turn_that_says_nothing_about_the_answer_is_refused_with_the_reason(turn: str, reason: str) -> None:
    assert reason in said(turn)


def test_how_much_a_statement_shares_with_the_answer_is_a_knob() -> None:
    turn = "My neighbour returned hers within three days."
    assert "too few" in said(turn)
    assert said(turn, replace(ALONE, related=0.2)) == "Match"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"author": Author("person")}, "not the user's next turn"),
        ({"author": Author("critic")}, "not the user's next turn"),
        ({"comment": " "}, "no answer with a next turn"),
        ({"attempt": Attempt("")}, "no answer with a next turn"),
        ({"confidence": 0.0}, "confidence is 0"),
        ({"prompt": ()}, "no prompt"),
        ({"attempt": Attempt("很长" * 99)}, "does not fit the model"),
    ],
)
def test_a_comment_that_cannot_be_used_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    comment = replace(ZH, **change)
    found = lessons(material(comment, EN, fits=lambda _, answer: len(answer) < 99), ALONE)
    assert [one.from_ids for one in found.lessons] == [(EN.id,)]
    assert reason in found.refused[comment.id]


def test_two_users_who_say_the_same_are_one_lesson() -> None:
    other = replace(ZH, author=Author("user_turn", "7"), confidence=0.5)
    (lesson,) = lessons(material(other, ZH), ALONE).lessons
    assert (lesson.from_ids, lesson.weight) == ((other.id, ZH.id), 1.0)


def test_replay_and_anchors_stand_beside_the_judged_answers() -> None:
    found = lessons(material(ZH, replay=2.0), Knobs(anchors=3, hold=0.5)).lessons
    assert sum(isinstance(one, Imitate) and not one.from_ids for one in found) == 2
    anchors = [one for one in found if isinstance(one, Match) and not one.from_ids]
    assert len(anchors) == 3
    assert all(one.hinted == one.context and (one.teacher, one.weight) == ("start", 0.5) for one in anchors)
    assert objective(Knobs()).divergence == "reverse"
    assert standing(Knobs(), "zh") == ""


def test_a_head_reads_no_hint() -> None:
    with pytest.raises(UnsupportedError, match="'hindsight' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder"), ALONE)


def test_a_log_of_chats_is_read_and_taught() -> None:
    turns = [
        ("user", EXAMPLES[1].prompt[0].text),
        ("assistant", "负面"),
        ("user", "不对，是正面。"),
        ("assistant", "正面"),
    ]
    turns.append(("user", "谢谢"))
    log = next_turns({"messages": [{"role": role, "content": text} for role, text in turns]})
    found = lessons(material(*log), ALONE)
    assert [(type(one), one.target) for one in found.lessons if isinstance(one, Match)] == [(Match, "负面")]
    assert list(found.refused.values()) == ["thanks, or a nod, says nothing about the answer"]


# ---------------------------------------------------------------- what moves

STRATEGY = StrategyPart(
    learning_rate=3e-3,
    schedule="constant",
    warmup=0.0,
    batch_rows=2,
    micro_tokens=4096,
    steps=50,
    early_stopping=0,
    weight_decay=0.0,
    clip=1.0,
    label_smoothing=0.0,
    packing="off",
)
GOOD, BAD = "the cat sat on the mat", "the cat sat on the dog"


def token_logps(learner: Any, context: Messages, target: str) -> torch.Tensor:
    batch = learner.batch([learner.row(context, target)])
    learner.core.model.eval()
    with torch.no_grad():
        return token_logp(learner.logits(batch), batch.targets_N)


@pytest.mark.parametrize("name", ["llama", "bart"])
@pytest.mark.parametrize("turn", ["不对 mat", "No, mat."])
def test_what_looks_wrong_in_hindsight_falls_and_the_rest_stays(name: str, turn: str) -> None:
    """The model is first made to answer with the dog, and with the mat where it has read the turn."""
    learner = opened(name)
    asked = user("where is it? 一只猫")
    (lesson,) = lessons(material(Feedback(asked, Attempt(BAD), turn, USER)), ALONE).lessons
    assert isinstance(lesson, Match)
    knows = [Imitate(asked, BAD), Imitate(lesson.hinted, GOOD)]
    list(train(learner, knows, Training(STRATEGY.model_copy(update={"steps": 150}))))
    before, hinted = token_logps(learner, asked, BAD), token_logps(learner, lesson.hinted, BAD)
    good = float(token_logps(learner, asked, GOOD).sum())
    list(train(learner, [lesson], Training(STRATEGY, objective(Knobs()))))
    moved = token_logps(learner, asked, BAD) - before
    wrong = int((hinted - before).argmin())
    assert float((hinted - before)[wrong]) < -1
    assert float(moved[wrong]) < -1
    assert float(moved[:wrong].abs().max()) < 0.5
    assert float(token_logps(learner, asked, GOOD).sum()) > good + 1


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_praise_makes_the_answer_likelier(name: str) -> None:
    learner = opened(name)
    asked = user("一只猫")
    taught = lessons(material(Feedback(asked, Attempt(GOOD), "谢谢，太好了！", USER)), ALONE).lessons
    before = float(token_logps(learner, asked, GOOD).sum())
    list(train(learner, taught, Training(STRATEGY, objective(Knobs()))))
    assert float(token_logps(learner, asked, GOOD).sum()) > before + 1
