"""Answering: a fake speaker is asked in the right way and its words become answers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from sayso.errors import UnsupportedError
from sayso.evaluate.answers import GROUP, answer
from sayso.records import Example, Reply, user
from sayso.tasks.classify import Classify
from sayso.tasks.generate import Generate
from sayso.tasks.text import Text
from sayso.tasks.translate import Translate

MOOD = Classify(("差评", "好评"))
FEELING = Classify(("乐", "怒", "哀"), several=True)


class Fake:
    """Remembers what it was asked."""

    def __init__(self, kind="decoder", weights=None, says="好"):
        self.kind, self.weights, self.says, self.asked = kind, weights or {}, says, []

    def reply(self, prompts, sampling):
        self.asked += prompts
        return [Reply(self.says, (1, 2, 3), ended=False) for _ in prompts]

    def weigh(self, prompts, options):
        self.asked += prompts
        return [[self.weights.get(option, -9.0) for option in options] for _ in prompts]


class Scorer(Fake):
    """A learner that gives every character one half."""

    def row(self, context, target, lesson=None, draw=0):
        return SimpleNamespace(targets=tuple(target))

    def logps(self, rows):
        return [-math.log(2) * len(row.targets) for row in rows]


@pytest.mark.parametrize("kind", ["encoder", "decoder", "encoder_decoder"])
def test_one_label_is_weighed_and_the_probabilities_are_of_the_options(kind):
    speaker = Fake(kind, {"差评": -3.0, "好评": -3.0 + math.log(3)})
    (found,) = answer(speaker, MOOD, [Example("a", user("房间很小"))])
    assert (found.item, found.text) == ("a", "好评")
    assert found.probabilities == pytest.approx({"差评": 0.25, "好评": 0.75})


def test_very_unlikely_labels_still_have_probabilities_that_add_up():
    (found,) = answer(Fake(weights={"差评": -2000.0, "好评": -2001.0}), MOOD, [Example("a", user("x"))])
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.text == "差评"
    (hopeless,) = answer(Fake(weights={"差评": -math.inf, "好评": -math.inf}), MOOD, [Example("a", user("x"))])
    assert hopeless.probabilities == {"差评": 0.5, "好评": 0.5}


def test_an_encoder_says_every_label_above_one_half():
    speaker = Fake("encoder", {"乐": math.log(0.9), "怒": math.log(0.4), "哀": math.log(0.5)})
    (found,) = answer(speaker, FEELING, [Example("a", user("x"))])
    assert found.text == "乐 | 哀"
    assert found.probabilities == pytest.approx({"乐": 0.9, "怒": 0.4, "哀": 0.5})


def test_a_decoder_says_several_labels_in_words_which_are_read():
    (found,) = answer(Fake(says="哀、乐。"), FEELING, [Example("a", user("x"))])
    assert (found.text, found.ended, found.tokens) == ("乐 | 哀", False, 3)
    (unread,) = answer(Fake(says="不知道"), FEELING, [Example("a", user("x"))])
    assert unread.text == "不知道"


@pytest.mark.parametrize("task", [Translate("zh", "en"), Generate()])
def test_free_text_is_replied(task):
    (found,) = answer(Fake(says="Good."), task, [Example("a", user("好"))])
    assert (found.text, found.ended, found.tokens, found.probabilities) == ("Good.", False, 3, {})


def test_the_order_of_answers_is_that_of_the_examples_and_progress_is_told():
    examples = [Example(str(i), user("字" * (1 + i * 7 % 50))) for i in range(GROUP + 5)]
    speaker, told = Fake(), []
    found = answer(speaker, Generate(), examples, progress=lambda done, total: told.append((done, total)))
    assert [one.item for one in found] == [example.id for example in examples]
    lengths = [len(prompt[0].text) for prompt in speaker.asked]
    assert lengths == sorted(lengths, reverse=True)
    assert told == [(GROUP, GROUP + 5), (GROUP + 5, GROUP + 5)]


def test_standing_words_are_in_every_prompt_and_the_input_still_is():
    speaker = Fake()
    answer(speaker, Generate(), [Example("a", user("写一首诗"))], standing="请简短。")
    said = "".join(message.text for message in speaker.asked[0])
    assert "写一首诗" in said
    assert "请简短。" in said


def test_plain_text_is_believed_token_by_token():
    found = answer(Scorer(), Text(), [Example("a", (), "从前"), Example("b", user("山里有庙"))])
    assert [one.probabilities["per_token"] for one in found] == pytest.approx([0.5, 0.5])
    assert [one.tokens for one in found] == [2, 4]


def test_a_speaker_that_cannot_score_text_says_so():
    with pytest.raises(UnsupportedError, match="how likely"):
        answer(Fake(), Text(), [Example("a", (), "从前")])


def test_nothing_asked_nothing_answered():
    assert answer(Fake(), MOOD, []) == []
