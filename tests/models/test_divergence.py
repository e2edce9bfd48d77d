"""KL per token between what a model was and is: zero where nothing moved, and the formula elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from sayso.errors import Fault
from sayso.models.divergence import divergences, entropies
from sayso.records import user

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened

PAIRS = [(user("hello cat"), "on the mat"), (user("你好，猫"), "坐在垫子上，向狗问好。"), (user("x"), "hello")]


@pytest.mark.parametrize("architecture", ["llama", "bart"])
def test_nothing_moved_then_moved_away(architecture: str) -> None:
    learner = opened(architecture)
    learner.core.remember("untaught")
    still = divergences(learner, "untaught", PAIRS, PAIRS)
    assert [tokens for _, tokens in still] == [len(learner.row(*pair).targets) for pair in PAIRS]
    assert max(abs(value) for value, _ in still) < 1e-4
    with torch.no_grad():
        for _, p in learner.core.parameters():
            p.add_(0.05 * torch.randn_like(p))
    moved = divergences(learner, "untaught", PAIRS, PAIRS)
    assert min(value for value, _ in moved) > 1e-4
    one = learner.batch([learner.row(*PAIRS[1])])
    with torch.no_grad():
        now = torch.log_softmax(learner.logits(one), -1)
        with learner.core.as_teacher("untaught"):
            was = torch.log_softmax(learner.logits(one), -1)
    expected = torch.nn.functional.kl_div(now, was, log_target=True, reduction="sum")
    assert moved[1][0] == pytest.approx(float(expected), rel=1e-3)


def test_words_that_stand_in_every_prompt_are_in_one_context_only() -> None:
    learner = opened("llama")
    learner.core.remember("untaught")
    standing = [(user("be good\n\n" + prompt[0].text), answer) for prompt, answer in PAIRS]
    found = divergences(learner, "untaught", PAIRS, standing)
    assert all(value > 0 for value, _ in found)
    with pytest.raises(Fault, match="other tokens"):
        divergences(learner, "untaught", PAIRS[:1], PAIRS[1:2])


@pytest.mark.parametrize("architecture", ["llama", "bart"])
def test_entropy_is_the_formula_and_falls_as_the_model_becomes_sure(architecture: str) -> None:
    learner = opened(architecture)
    found = entropies(learner, PAIRS)
    assert [tokens for _, tokens in found] == [len(learner.row(*pair).targets) for pair in PAIRS]
    with torch.no_grad():
        logits = learner.logits(learner.batch([learner.row(*PAIRS[0])]))
    expected = torch.distributions.Categorical(logits=logits.float()).entropy().sum()
    assert found[0][0] == pytest.approx(float(expected), rel=1e-4)
    head = learner.core.model.get_output_embeddings()
    with torch.no_grad():
        head.weight.mul_(50)
    assert all(after < before / 2 for (after, _), (before, _) in zip(entropies(learner, PAIRS), found, strict=True))
    assert entropies(learner, []) == []
