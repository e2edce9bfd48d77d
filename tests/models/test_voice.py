"""A voice says what `reply` says, draws as it is told, and stops when nobody listens."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened
from transformers import RepetitionPenaltyLogitsProcessor

from sayso.errors import UnsupportedError
from sayso.models.core import token_logps
from sayso.models.voice import LearnerVoice, _penalised, drawn
from sayso.protocols import Ask, Token
from sayso.records import Imitate, Message, Sampling, user

PROMPTS = [user("the cat sat"), user("一只猫坐在垫子上，向狗问好。你好吗"), user("good")]
SHORT = Sampling(max_new_tokens=9)
WRITERS = ("llama", "qwen3", "gpt2", "gemma2", "t5", "bart")


def say(voice: LearnerVoice, asks: Sequence[Ask], leave: Any = lambda _step: ()) -> dict[int, list[Token]]:
    said: dict[int, list[Token]] = {row: [] for row in range(len(asks))}
    steps: list[int] = []

    def heard(tokens: Sequence[Token]) -> Collection[int]:
        steps.append(len(tokens))
        for token in tokens:
            said[token.row].append(token)
        left: Collection[int] = leave(len(steps))
        return left

    voice.speak(asks, [voice.encoded(ask) for ask in asks], heard)
    return said


def text(voice: LearnerVoice, tokens: Sequence[Token]) -> str:
    return voice.decode([token.id for token in tokens])


@pytest.mark.parametrize("name", WRITERS)
def test_greedily_it_says_what_reply_says(name: str) -> None:
    voice = LearnerVoice(opened(name))
    replies = voice.reply(PROMPTS, SHORT)
    said = say(voice, [Ask(prompt, SHORT) for prompt in PROMPTS])
    for row, reply in enumerate(replies):
        assert tuple(token.id for token in said[row]) == reply.token_ids
        assert text(voice, said[row]) == reply.text
        assert said[row][-1].last == ("stop" if reply.ended else "length")
        assert not any(token.last for token in said[row][:-1])


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_log_probabilities_are_those_that_scoring_gives(name: str) -> None:
    voice = LearnerVoice(opened(name))
    said = say(voice, [Ask(PROMPTS[0], replace(SHORT, temperature=2.0), alternatives=3)])[0]
    learner = voice.learner
    row = learner.row(PROMPTS[0], text(voice, said))
    learner = voice.learner
    before = list(getattr(learner, "target_frame", ((), ()))[0])
    ids = tuple(token.id for token in said)
    row = learner.row(PROMPTS[0], "x", Imitate(PROMPTS[0], "x", target_ids=(*before, *ids)))
    scored = token_logps(learner, [row])[0][len(before) :]
    assert scored == pytest.approx([token.logprob for token in said], abs=1e-4)
    for token in said:
        best = [logprob for _, logprob in token.alternatives]
        assert best == sorted(best, reverse=True)
        assert len(best) == 3
        assert best[0] >= token.logprob


def test_a_row_draws_by_its_own_seed_whatever_is_beside_it() -> None:
    voice = LearnerVoice(opened("llama"))
    hot = [Ask(PROMPTS[0], replace(SHORT, temperature=1.5, seed=seed)) for seed in (1, 2, 1)]
    together = say(voice, [*hot, Ask(PROMPTS[1], SHORT)])
    alone = say(voice, hot[:1])[0]
    ids = [[token.id for token in together[row]] for row in range(3)]
    assert ids[0] == ids[2] == [token.id for token in alone]
    assert ids[0] != ids[1]


def test_every_row_has_its_own_length() -> None:
    voice = LearnerVoice(opened("llama"))
    said = say(voice, [Ask(PROMPTS[0], Sampling(max_new_tokens=n)) for n in (1, 4, 7)])
    assert [len(said[row]) for row in range(3)] == [1, 4, 7]
    assert [said[row][-1].last for row in range(3)] == ["length"] * 3


def test_who_leaves_is_spoken_to_no_more_and_work_ends_with_the_last() -> None:
    voice = LearnerVoice(opened("llama"))
    asks = [Ask(prompt, Sampling(max_new_tokens=30)) for prompt in PROMPTS[:2]]
    said = say(voice, asks, lambda step: {0: (), 1: (), 2: (1,)}.get(step, (0, 1) if step >= 5 else ()))
    assert len(said[1]) == 2
    assert len(said[0]) == 5


def test_prompts_are_cut_as_in_training_and_the_cut_is_told() -> None:
    learner = opened("llama")
    voice = LearnerVoice(learner)
    long = (Message("user", "the cat sat on the mat " * 60),)
    found = voice.encoded(Ask(long, SHORT))
    row = learner.row(long, "hello")
    assert found.cut > 0
    assert list(found.ids)[-20:] == list(row.ids[: len(row.ids) - len(row.targets)])[-20:]
    assert voice.encoded(Ask(PROMPTS[0], SHORT)).cut == 0
    said = say(voice, [Ask(long, Sampling(max_new_tokens=1000))])[0]
    assert len(said) <= learner.core.max_length // 2


def test_plain_text_is_gone_on_with_as_it_is_taught() -> None:
    learner = opened("llama")
    found = LearnerVoice(learner).encoded(Ask("the cat sat", SHORT))
    taught = learner.row((), "the cat sat on the mat").ids
    assert found.ids[:3] == taught[:3]


def test_beams_are_heard_too() -> None:
    voice = LearnerVoice(opened("bart"))
    wide = replace(SHORT, beams=3)
    said = say(voice, [Ask(PROMPTS[0], wide), Ask(PROMPTS[1], SHORT)])
    assert text(voice, said[0]) == voice.reply(PROMPTS[:1], wide)[0].text
    assert text(voice, said[1]) == voice.reply(PROMPTS[1:2], SHORT)[0].text


def test_an_encoder_writes_nothing() -> None:
    voice = LearnerVoice(opened("bert", ("good", "bad")))
    assert voice.kind == "encoder"
    assert len(voice.weigh([user("fine")], ("good", "bad"))[0]) == 2
    with pytest.raises(UnsupportedError, match="writes nothing"):
        voice.encoded(Ask(PROMPTS[0]))


@pytest.mark.parametrize(
    ("sampling", "left"),
    [
        (Sampling(temperature=1), {0, 1, 2, 3}),
        (Sampling(temperature=1, top_k=2), {0, 2}),
        (Sampling(temperature=1, top_p=0.5), {2}),
        (Sampling(temperature=1, top_p=0.8), {0, 2}),
        (Sampling(temperature=1, top_p=1e-9), {2}),
    ],
)
def test_only_what_top_k_and_top_p_leave_is_drawn_in_its_proportion(sampling: Sampling, left: set[int]) -> None:
    probs = torch.tensor([0.3, 0.15, 0.5, 0.05])
    counts = Counter(drawn(probs.log(), sampling, i / 1000) for i in range(1000))
    assert set(counts) == left
    total = sum(float(probs[i]) for i in left)
    for token in left:
        assert counts[token] / 1000 == pytest.approx(float(probs[token]) / total, abs=0.005)


def test_what_was_said_is_made_less_likely() -> None:
    voice = LearnerVoice(opened("llama"))
    plain = say(voice, [Ask(PROMPTS[0], Sampling(max_new_tokens=20))])[0]
    told_off = say(voice, [Ask(PROMPTS[0], Sampling(max_new_tokens=20, repetition_penalty=1e6))])[0]
    same = voice.reply(PROMPTS[:1], Sampling(max_new_tokens=20, repetition_penalty=1e6))[0]
    assert len({token.id for token in told_off}) == len(told_off)
    assert len({token.id for token in plain}) <= len({token.id for token in told_off})
    assert tuple(token.id for token in told_off) == same.token_ids


def test_what_was_seen_is_made_less_likely_as_transformers_does_it() -> None:
    logits_V = torch.tensor([-2.0, -0.5, 0.0, 0.5, 3.0, 1.0])
    reference = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([[0, 4, 4, 2]]), logits_V[None].clone())[0]
    assert torch.equal(_penalised(logits_V, [0, 4, 4, 2], 1.3), reference)
    assert reference[0] < logits_V[0]
    assert reference[4] < logits_V[4]
