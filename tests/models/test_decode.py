"""Our decoding loop says what transformers' generate says, draws what softmax says, and knows what it cannot do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import rms_norm

sys.path.insert(0, str(Path(__file__).parent))
from tiny import TEXTS, opened

from sayso.models import decode
from sayso.models.generate import continuations, with_logprobs
from sayso.records import Reply, Sampling, user

KIN = ("llama", "qwen2", "qwen3")


def prompts(learner: Any, n: int = 7) -> list[list[int]]:
    texts = [TEXTS[i % len(TEXTS)][: 3 + 5 * i] for i in range(n)]
    return [learner.renderer.prompt_ids(user(text), 8) for text in texts]


def oracle(learner: Any, asked: list[list[int]], sampling: Sampling) -> list[Reply]:
    """One by one, so that no padding is in the way."""
    return [continuations(learner.core, learner.renderer, [one], sampling)[0] for one in asked]


def stirred(learner: Any) -> Any:
    """Weights far enough from where they were initialised that answers are more than one token again and again."""
    torch.manual_seed(3)
    with torch.no_grad():
        for p in learner.core.model.parameters():
            p.add_(torch.randn_like(p) * 0.08)
    return learner


@pytest.mark.parametrize("name", KIN)
@pytest.mark.parametrize("rows", [64, 2])
def test_greedy_answers_are_those_of_generate(name: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MOST_ROWS", rows)
    learner, sampling = stirred(opened(name)), Sampling(max_new_tokens=8)
    asked = prompts(learner)
    assert decode.suits(learner.core, sampling)
    replies = decode.replies(learner.core, learner.renderer, asked, sampling)
    assert replies == oracle(learner, asked, sampling)
    assert len({one.token_ids for one in replies}) > 1


def test_an_adapter_counts_and_one_that_is_switched_off_does_not() -> None:
    learner = stirred(opened("llama", tuning="lora", lora_rank=4))
    asked, sampling = prompts(learner), Sampling(max_new_tokens=8)
    adapted = decode.replies(learner.core, learner.renderer, asked, sampling)
    assert adapted == oracle(learner, asked, sampling)
    with learner.core.adapter.disable_adapter():
        bare = decode.replies(learner.core, learner.renderer, asked, sampling)
        assert bare == oracle(learner, asked, sampling)
    assert bare != adapted


def test_drawn_answers_carry_the_log_probabilities_that_scoring_gives() -> None:
    learner, sampling = stirred(opened("qwen3")), Sampling(max_new_tokens=8, temperature=0.7, top_p=0.9, seed=4)
    contexts = [user(text) for text in TEXTS[:4]]
    replies = learner.reply(contexts, sampling)
    scored = with_logprobs(learner, contexts, replies)
    for ours, theirs in zip(replies, scored, strict=True):
        assert ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-4)


def test_a_rows_draws_do_not_depend_on_its_neighbours_and_equal_prompts_are_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner, sampling = stirred(opened("llama")), Sampling(max_new_tokens=8, temperature=1.5, seed=1)
    asked = [prompts(learner)[3]] * 5
    read: list[int] = []
    usual = decode.Decoding.read
    monkeypatch.setattr(decode.Decoding, "read", lambda self, ids, n: read.append(len(ids)) or usual(self, ids, n))
    together = decode.replies(learner.core, learner.renderer, asked, sampling)
    assert read == [1]
    beside = decode.replies(learner.core, learner.renderer, [*asked, prompts(learner)[6]], sampling)[:5]
    assert [one.token_ids for one in beside] == [one.token_ids for one in together]
    assert len({one.token_ids for one in together}) > 1
    again = decode.replies(learner.core, learner.renderer, asked, Sampling(max_new_tokens=8, temperature=1.5, seed=2))
    assert again != together


def test_a_rotary_scaling_is_the_models_own() -> None:
    learner = stirred(opened("llama"))
    core, sampling = learner.core, Sampling(max_new_tokens=8)
    rotary = core.model.model.rotary_emb
    before = decode.replies(core, learner.renderer, prompts(learner), sampling)
    rotary.inv_freq = rotary.inv_freq / 3
    after = decode.replies(core, learner.renderer, prompts(learner), sampling)
    assert after == oracle(learner, prompts(learner), sampling)
    assert after != before


@pytest.mark.parametrize("size", [12, 600, 1024])
def test_a_draw_is_where_the_cumulated_sum_passes_the_chance(size: int) -> None:
    """Against a plain cumulated sum in float64; a probability of 1e-5 is far above what blocks round away."""
    logits_V = torch.randn(size, generator=torch.Generator().manual_seed(size)) * 2
    probs_V = (logits_V.double() / 0.7).softmax(-1)
    middles_V = probs_V.cumsum(-1) - probs_V / 2
    tokens = decode.inverse_cdf(logits_V.expand(size, -1), Sampling(temperature=0.7), middles_V.tolist())
    missed = {place for place, token in enumerate(tokens.tolist()) if token != place}
    assert all(probs_V[place] < 1e-5 for place in missed)
    assert len(missed) < size / 10


def test_draws_follow_the_distribution() -> None:
    """Chi-square of 40,000 draws over 12 tokens: below the 99.9 % point of 11 degrees of freedom."""
    logits_V = torch.linspace(-2, 1.5, 12)
    n = 40_000
    chances = torch.rand(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64).tolist()
    drawn = decode.inverse_cdf(logits_V.expand(n, -1), Sampling(temperature=0.8), chances)
    expected = (logits_V.double() / 0.8).softmax(-1) * n
    assert float(((drawn.bincount(minlength=12) - expected) ** 2 / expected).sum()) < 31.3


def test_what_is_cut_off_is_never_drawn() -> None:
    logits_NV = torch.tensor([0.0, 3.0, 1.0, 2.0]).expand(1000, -1)
    chances = [i / 1000 for i in range(1000)]
    assert set(decode.inverse_cdf(logits_NV, Sampling(temperature=1, top_k=2), chances).tolist()) == {1, 3}
    assert set(decode.inverse_cdf(logits_NV, Sampling(temperature=1, top_p=0.65), chances).tolist()) == {1, 3}
    assert set(decode.inverse_cdf(logits_NV, Sampling(temperature=1, top_p=0.01), chances).tolist()) == {1}
    assert set(decode.inverse_cdf(logits_NV, Sampling(temperature=1), chances).tolist()) == {0, 1, 2, 3}
    last = decode.inverse_cdf(torch.tensor([[0.0, 0.0, -200.0]]), Sampling(temperature=1), [1 - 2**-53])
    assert last.tolist() == [1], "a token without any probability is not drawn at the very end either"


def test_beams_penalties_and_strangers_are_left_to_generate() -> None:
    core = opened("llama").core
    assert decode.suits(core, Sampling())
    assert not decode.suits(core, Sampling(beams=2))
    assert not decode.suits(core, Sampling(repetition_penalty=1.2))
    assert not decode.suits(opened("gpt2").core, Sampling())
    core.model.config.layer_types = ["sliding_attention"]
    assert not decode.suits(core, Sampling())


def test_a_model_that_answers_otherwise_than_we_think_is_left_to_generate(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = stirred(opened("llama"))
    monkeypatch.setattr(decode, "_normed", lambda norm, x: x if norm is None else rms_norm(x, x.shape[-1:]) * 1.5)
    assert not decode.fits(learner.core)
    monkeypatch.undo()
    assert not decode.fits(learner.core), "found out once"
    sampling = Sampling(max_new_tokens=8)
    contexts = [user(text) for text in TEXTS[:2]]
    assert learner.reply(contexts, sampling) == continuations(
        learner.core, learner.renderer, [learner.renderer.prompt_ids(one, 8) for one in contexts], sampling
    )
