"""The maps are what the model computed: softmax(QK^T / sqrt(d)), again from the weights in float64."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened

from sayso.errors import UserError
from sayso.models.attention import between_words, maps, weights_of
from sayso.models.words import Piece
from sayso.records import user

ASKED = "the cat sat on the mat 一只猫"


def _heads(x_TD: torch.Tensor, linear: Any, heads: int) -> torch.Tensor:
    """Q or K of each head, [H, T, d], in float64 from the weights."""
    weight, bias = linear.weight.double(), getattr(linear, "bias", None)
    out_TD = x_TD @ weight.T + (0.0 if bias is None else bias.double())
    return out_TD.reshape(len(x_TD), heads, -1).transpose(0, 1)


def _softmax(q_HTd: torch.Tensor, k_HSd: torch.Tensor, causal: bool) -> torch.Tensor:
    scores = q_HTd @ k_HSd.transpose(1, 2) / math.sqrt(q_HTd.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -math.inf)
    return scores.softmax(-1)


def _rotated(x_HTd: torch.Tensor, theta: float) -> torch.Tensor:
    """RoPE, arXiv 2104.09864 equation 34, with halves paired as Llama stores them."""
    half = x_HTd.shape[-1] // 2
    rates = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle_Td = torch.arange(x_HTd.shape[1], dtype=torch.float64)[:, None] * rates
    a, b = x_HTd[..., :half], x_HTd[..., half:]
    return torch.cat([a * angle_Td.cos() - b * angle_Td.sin(), b * angle_Td.cos() + a * angle_Td.sin()], dim=-1)


def _stretched(module: Any) -> None:
    """Weights as large as trained ones: maps of a new model are all but even."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            if any(part in name for part in ("q_proj", "k_proj", "query", "key")):
                p.mul_(20)


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_a_decoder_with_rotary_positions_grouped_heads_and_a_causal_mask(name: str) -> None:
    learner = opened(name)
    model = learner.core.model
    _stretched(model)
    row = learner.row(user(ASKED), "good")
    found_YHTS = weights_of(learner, row)["attentions"].double()
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([row.ids]), output_hidden_states=True).hidden_states
    groups = model.config.num_attention_heads // model.config.num_key_value_heads
    assert groups == 2
    for at, layer in enumerate(model.model.layers):
        x_TD = hidden[at][0].double() if at else model.model.embed_tokens.weight[list(row.ids)].double()
        norm = layer.input_layernorm
        x_TD = x_TD / (x_TD.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon).sqrt() * norm.weight.double()
        theta = float(model.config.rope_parameters["rope_theta"])
        q = _rotated(_heads(x_TD, layer.self_attn.q_proj, model.config.num_attention_heads), theta)
        k = _rotated(_heads(x_TD, layer.self_attn.k_proj, model.config.num_key_value_heads), theta)
        expected = _softmax(q, k.repeat_interleave(groups, 0), causal=True)
        assert expected.max(-1).values[:, 4:].mean().item() > 0.3  # not even: there is something to compare
        torch.testing.assert_close(found_YHTS[at], expected, atol=1e-4, rtol=1e-3)
        assert not found_YHTS[at].triu(1).any()


def test_an_encoder_looks_both_ways() -> None:
    learner = opened("bert", ("good", "bad"))
    model = learner.core.model.bert
    _stretched(model)
    row = learner.row(user(ASKED), "good")
    found_YHTS = weights_of(learner, row)["attentions"].double()
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([row.ids]), output_hidden_states=True).hidden_states
    for at, layer in enumerate(model.encoder.layer):
        own = layer.attention.self
        q, k = (
            _heads(hidden[at][0].double(), linear, model.config.num_attention_heads) for linear in (own.query, own.key)
        )
        torch.testing.assert_close(found_YHTS[at], _softmax(q, k, causal=False), atol=1e-4, rtol=1e-3)
    assert found_YHTS.triu(1).any()


def test_an_answer_looks_at_its_source() -> None:
    learner = opened("bart")
    model = learner.core.model.model
    _stretched(model)
    row = learner.row(user(ASKED), "good cat")
    found = weights_of(learner, row)
    assert set(found) == {"encoder_attentions", "decoder_attentions", "cross_attentions"}
    cross = model.decoder.layers[0].encoder_attn
    seen: dict[str, torch.Tensor] = {}

    def keep(_module: Any, args: Any, kwargs: Any) -> None:
        seen["looks"] = (args[0] if args else kwargs["hidden_states"])[0].double()
        seen["looked_at"] = kwargs["key_value_states"][0].double()

    handle = cross.register_forward_pre_hook(keep, with_kwargs=True)
    weights_of(learner, row)
    handle.remove()
    q, k = _heads(seen["looks"], cross.q_proj, 4), _heads(seen["looked_at"], cross.k_proj, 4)
    torch.testing.assert_close(found["cross_attentions"][0].double(), _softmax(q, k, False), atol=1e-4, rtol=1e-3)
    grids = {grid.name: grid for grid in maps(learner, user(ASKED), "good cat")}
    between = grids["attention from the answer to the source"]
    assert between.rows == ("→", "good", "cat")
    assert "mat" in between.columns


def test_a_layer_and_a_head_and_the_mean_of_all() -> None:
    learner = opened("llama")
    weights_YHTS = weights_of(learner, learner.row(user(ASKED), "good"))["attentions"]
    (whole,) = maps(learner, user(ASKED), "good")
    (one,) = maps(learner, user(ASKED), "good", layer=2, head=3)
    assert (one.layer, one.head, whole.layer, whole.head) == (2, 3, 0, 0)
    assert one.rows == one.columns
    assert one.rows[-2:] == ("good", "</s>")
    places = {word: at for at, word in enumerate(one.rows)}
    assert one.values[places["good"]][0] == pytest.approx(float(weights_YHTS[1, 2, -2, 0]), abs=1e-6)
    assert whole.values[places["good"]][0] == pytest.approx(float(weights_YHTS[:, :, -2, 0].mean()), abs=1e-6)
    assert [sum(row) for row in one.values] == pytest.approx([1.0] * len(one.rows), abs=1e-5)
    for wrong in ({"layer": 3}, {"head": 5}):
        with pytest.raises(UserError, match="there is no"):
            maps(learner, user(ASKED), "good", **wrong)


def test_a_word_looks_as_its_tokens_do_on_average_and_is_looked_at_as_all_of_them() -> None:
    weights_TS = torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    pieces = [Piece("ab", (0, 1), True), Piece("c", (2,), True)]
    assert between_words(weights_TS, pieces, pieces) == (
        pytest.approx((0.7, 0.3)),
        pytest.approx((0.4, 0.6)),
    )
