"""Answers that a method draws: how, which can be taught, and what they are worth."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.errors import UnsupportedError
from sayso.material import cases
from sayso.records import Attempt, Author, Feedback, Reply, user
from sayso.rollouts import content, drawn, usable, worth

sys.path.insert(0, str(Path(__file__).parent / "methods"))
from materials import COMMENT, ENGLISH, Parrot, labelled, material

OWN = replace(COMMENT, author=Author("program", "checks.py:seven"))
LABEL = Feedback(user("这家店"), Attempt("正面"), "不是正面。", revision="负面")


def test_answers_are_drawn_by_the_seed_and_labels_are_written_as_the_task_does() -> None:
    parrot = Parrot(["七天。"])
    given = material(COMMENT, speaker=parrot, seed=9)
    assert [one.text for one in drawn(given, [COMMENT.prompt] * 2, 0.3)] == ["七天。"] * 2
    assert parrot.sampling is not None
    assert (parrot.sampling.temperature, parrot.sampling.seed, parrot.sampling.beams) == (0.3, 9, 1)
    told = material(LABEL, task=labelled(), speaker=Parrot([" 正面 ", "好"]))
    assert [one.text for one in drawn(told, [LABEL.prompt] * 2, 1.0)] == ["正面", "好"]
    case = cases(told)[0][0]
    assert [usable(told, case, Reply(text)) for text in ("正面", "好", "")] == [True, False, False]
    short = replace(told, fits=lambda _, answer: len(answer) < 2)
    assert not usable(short, case, Reply("正面"))
    with pytest.raises(UnsupportedError, match="needs a model that answers"):
        drawn(material(COMMENT), [], 1.0)


@pytest.mark.parametrize("comment", [COMMENT, ENGLISH])
def test_without_anyone_to_ask_the_better_answer_tells(comment: Feedback) -> None:
    given = material(comment)
    case = cases(given)[0][0]
    assert content(given, case, Reply("x")) is None
    assert worth(given, case, Reply(comment.revision or "")) == pytest.approx(1.0)
    assert (worth(given, case, Reply(comment.attempt.text)) or 0) < 0.9
    bare = material(replace(comment, revision=None))
    assert worth(bare, cases(bare)[0][0], Reply("x")) is None


@pytest.mark.parametrize(
    ("said", "reply", "expected"),
    [
        (None, Reply("七天。"), True),
        (None, Reply("七天", ended=False), False),
        ("别的", Reply("五天。"), False),
        (OWN.comment, Reply("五天。"), False),
        ("", Reply("崩"), None),
    ],
)
def test_who_commented_is_asked_first(said: str | None, reply: Reply, expected: bool | None) -> None:
    given = material(OWN, critic=lambda about, answer: said)
    case = cases(given)[0][0]
    assert content(given, case, reply) is expected
    assert worth(given, case, reply) == (
        float(expected) if expected is not None else worth(material(OWN), case, reply)
    )


def test_a_persons_words_given_back_are_no_judgement() -> None:
    given = material(COMMENT, critic=lambda about, answer: about.comment)
    assert content(given, cases(given)[0][0], Reply("五天。")) is None
    judge = material(replace(COMMENT, author=Author("critic", "judge:m")), critic=given.critic)
    assert content(judge, cases(judge)[0][0], Reply("五天。")) is None, "a judge is not asked again either"
    checked = material(replace(COMMENT, checks=("contains(七)",)), critic=given.critic)
    assert content(checked, cases(checked)[0][0], Reply("五天。")) is False, "a check may say the same again"
