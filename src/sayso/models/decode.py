"""Answers of a decoder on a CPU, by a loop of our own: generate spends most of a small model's time elsewhere.

Decided here:
- Llama's layer and its near kin, as listed in KIN. Whatever else a model is, or where its first answers differ from
  what the model itself says (`agrees`), transformers' generate answers instead.
- A prompt is read once however many answers it gets; a row that has ended gives its place to the next prompt, and
  where none is left the last row moves up, so every step computes rows that are still wanted.
- Adapters are added into the weights for the length of a call: a rollout pays nothing for them.
- Keys and values lie in one block per layer, rows x heads x places; a step looks at as many places as its longest row.
- What a row says next is chosen by whoever asks (`choose`); `Draws` is the usual way: greedy, or the inverse of the
  distribution's cumulated sum at a number drawn from the row's own seed, so a row's answer does not depend on what is
  answered beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu

from sayso.models.core import Core
from sayso.models.generate import Words, reply_of
from sayso.records import Reply, Sampling

KIN = frozenset({"llama", "mistral", "qwen2", "qwen3"})
CACHE_BYTES = 1 << 30
MOST_ROWS = 64
READ_TOKENS = 4096  # of prompts read at once
CLOSE = 1e-3  # of the largest logit
BLOCK = 256  # of a vocabulary, in which a draw is looked for at once

Choose = Callable[[Sequence[int], torch.Tensor], Sequence[tuple[int, bool]]]
"""(numbers of rows, logits_NV) -> for each its next token, and whether its answer ends with it."""


@dataclass(frozen=True)
class _Map:
    """A linear layer: weight_OI and bias_O, adapters added in."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self.weight, self.bias)


@dataclass(frozen=True)
class _Layer:
    before: Any
    query: _Map
    key: _Map
    value: _Map
    out: _Map
    query_norm: Any
    key_norm: Any
    between: Any
    gate: _Map
    up: _Map
    down: _Map


class Decoding:
    """One decoder's weights as they are now, ready to answer; only for what `fits`."""

    def __init__(self, core: Core) -> None:
        model = _bare(core.model)
        self.config, self.inner = model.config, model.model
        self.heads: int = self.config.num_attention_heads
        self.kv_heads: int = getattr(self.config, "num_key_value_heads", None) or self.heads
        self.width: int = getattr(self.config, "head_dim", None) or self.config.hidden_size // self.heads
        self.layers = [_layer(layer) for layer in self.inner.layers]
        self.output = _map(model.lm_head)

    def answer(self, prompts: Sequence[Sequence[int]], room: int, choose: Choose) -> None:
        """Answer every prompt with at most `room` tokens, telling `choose` the logits after each.

        Rows are numbered as the prompts are; equal prompts that are begun together are read once.
        """
        with torch.inference_mode():
            _Desk(self, prompts, room, choose).run()

    # ------------------------------------------------------------ the network

    def read(self, ids_BT: torch.Tensor, lengths: Sequence[int]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """logits_BV after prompts that are padded on the right, and each layer's keys and values, [2, B, Hk, T, D]."""
        rows, width = ids_BT.shape
        cos_TD, sin_TD = self.turns(width)
        x_BTC = self.inner.embed_tokens(ids_BT)
        kept = []
        for layer in self.layers:
            q, k, v = self._projected(layer, x_BTC, cos_TD[None, None], sin_TD[None, None])
            kept.append(torch.stack([k, v]))
            heard = scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
            x_BTC = self._after(layer, x_BTC, heard.transpose(1, 2).reshape(rows, width, -1))
        last_BC = x_BTC[torch.arange(rows), torch.tensor(lengths) - 1]
        return self.output(_normed(self.inner.norm, last_BC)), kept

    def step(self, ids_B: torch.Tensor, at_B: torch.Tensor, desk: _Desk) -> torch.Tensor:
        """logits_BV after one more token of each row, which stands at place at_B of its row."""
        rows, places = len(ids_B), int(at_B.max()) + 1
        cos_BD, sin_BD = desk.cos[at_B], desk.sin[at_B]
        hidden_BT = torch.arange(places) > at_B[:, None]
        mask = torch.zeros(hidden_BT.shape).masked_fill_(hidden_BT, float("-inf"))[:, None, None]
        x_BC = self.inner.embed_tokens(ids_B)
        every = torch.arange(rows)
        for layer, (keys, values) in zip(self.layers, desk.cache, strict=True):
            q, k, v = self._projected(layer, x_BC[:, None], cos_BD[:, None, None], sin_BD[:, None, None])
            keys[every, :, at_B], values[every, :, at_B] = k[:, :, 0], v[:, :, 0]
            seen_k, seen_v = keys[:rows, :, :places], values[:rows, :, :places]
            grouped = q.reshape(rows, self.kv_heads, -1, self.width) * self.width**-0.5
            belief = (grouped @ seen_k.transpose(-1, -2) + mask).softmax(-1)
            x_BC = self._after(layer, x_BC, (belief @ seen_v).reshape(rows, -1))
        return self.output(_normed(self.inner.norm, x_BC))

    def turns(self, places: int) -> tuple[torch.Tensor, torch.Tensor]:
        """cos_TD and sin_TD of the rotary positions from 0 on, by the model's own module, so scaled as it scales."""
        like = torch.zeros(1, 1, self.width)
        cos, sin = self.inner.rotary_emb(like, torch.arange(places)[None])
        return cos[0], sin[0]

    def _projected(
        self, layer: _Layer, x_BTC: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rows, width, _ = x_BTC.shape
        normed = _normed(layer.before, x_BTC)
        q, k, v = (part(normed).view(rows, width, -1, self.width) for part in (layer.query, layer.key, layer.value))
        q, k = _normed(layer.query_norm, q), _normed(layer.key_norm, k)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        return q * cos + _half_turned(q) * sin, k * cos + _half_turned(k) * sin, v

    @staticmethod
    def _after(layer: _Layer, x: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        x = x + layer.out(heard)
        normed = _normed(layer.between, x)
        return x + layer.down(silu(layer.gate(normed)) * layer.up(normed))


class _Desk:
    """Rows under way: which prompt stands in which place, and what has been kept of each."""

    def __init__(self, decoding: Decoding, prompts: Sequence[Sequence[int]], room: int, choose: Choose) -> None:
        self.net, self.prompts, self.choose = decoding, prompts, choose
        self.waiting = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i), reverse=True)
        longest = max(map(len, prompts)) + room
        per_row = 8 * len(decoding.layers) * decoding.kv_heads * longest * decoding.width
        self.most = max(1, min(MOST_ROWS, len(prompts), CACHE_BYTES // per_row))
        shape = (2, self.most, decoding.kv_heads, longest, decoding.width)
        self.cache = [torch.zeros(shape) for _ in decoding.layers]  # what is masked still has to be finite
        self.cos, self.sin = decoding.turns(longest)
        self.rows: list[int] = []
        self.tokens: list[int] = []
        self.places: list[int] = []

    def run(self) -> None:
        while self.rows or self.waiting:
            if self.waiting and len(self.rows) <= self.most // 2:
                self._begin()
            if self.rows:
                logits = self.net.step(torch.tensor(self.tokens), torch.tensor(self.places), self)
                self._choose(logits, range(len(self.rows)))

    def _begin(self) -> None:
        """Read the prompts of the free places, each once, and let their first tokens be chosen."""
        free = self.most - len(self.rows)
        width = len(self.prompts[self.waiting[0]])
        taken = [self.waiting.pop(0) for _ in range(min(free, len(self.waiting), max(1, READ_TOKENS // width)))]
        unique = list(dict.fromkeys(tuple(self.prompts[i]) for i in taken))
        lengths = [len(prompt) for prompt in unique]
        ids_BT = torch.tensor([[*prompt, *[0] * (width - len(prompt))] for prompt in unique])
        logits, kept = self.net.read(ids_BT, lengths)
        source = torch.tensor([unique.index(tuple(self.prompts[i])) for i in taken])
        begin = len(self.rows)
        for block, part in zip(self.cache, kept, strict=True):
            block[:, begin : begin + len(taken), :, :width] = part[:, source]
        self.rows += taken
        self.tokens += [0] * len(taken)
        self.places += [len(self.prompts[i]) - 1 for i in taken]
        self._choose(logits[source], range(begin, len(self.rows)))

    def _choose(self, logits_NV: torch.Tensor, at: range) -> None:
        chosen = self.choose([self.rows[i] for i in at], logits_NV)
        ended = []
        for i, (token, done) in zip(at, chosen, strict=True):
            self.tokens[i], self.places[i] = token, self.places[i] + 1
            if done:
                ended.append(i)
        for i in reversed(ended):
            self._leave(i)

    def _leave(self, place: int) -> None:
        """The last row moves into the place of one that has ended."""
        last = len(self.rows) - 1
        if place != last:
            for block in self.cache:
                block[:, place] = block[:, last]
        for column in (self.rows, self.tokens, self.places):
            column[place] = column[last]
            column.pop()


class Draws:
    """The usual way to choose: what a Sampling says, each row by a seed of its own. Collects the answers.

    `said` and `logps` (temperature 1, nothing cut off; only where something is drawn) are per row.
    """

    def __init__(self, rows: int, sampling: Sampling, ends: Collection[int]) -> None:
        self.sampling, self.ends = sampling, frozenset(ends)
        self.said: list[list[int]] = [[] for _ in range(rows)]
        self.logps: list[list[float]] = [[] for _ in range(rows)]
        self.dice = [Random(f"{sampling.seed}:{row}") for row in range(rows)] if sampling.temperature > 0 else []

    def __call__(self, rows: Sequence[int], logits_NV: torch.Tensor) -> list[tuple[int, bool]]:
        """Choose, note, and say which answers end."""
        if self.dice:
            tokens_N = inverse_cdf(logits_NV, self.sampling, [self.dice[row].random() for row in rows])
            logp_N = logits_NV.gather(1, tokens_N[:, None])[:, 0] - logits_NV.logsumexp(-1)
            for row, logp in zip(rows, logp_N.tolist(), strict=True):
                self.logps[row].append(logp)
        else:
            tokens_N = logits_NV.argmax(-1)
        return [self._noted(row, token) for row, token in zip(rows, tokens_N.tolist(), strict=True)]

    def _noted(self, row: int, token: int) -> tuple[int, bool]:
        said = self.said[row]
        said.append(token)
        return token, token in self.ends or len(said) >= self.sampling.max_new_tokens


def inverse_cdf(logits_NV: torch.Tensor, sampling: Sampling, chances: Sequence[float]) -> torch.Tensor:
    """tokens_N: of each row's distribution, as temperature, top_k and top_p leave it, the token at its chance.

    The cumulated sum is over the vocabulary in order (over the likeliest first where something is cut off).
    """
    scaled_NV = logits_NV if sampling.temperature == 1 else logits_NV / sampling.temperature
    chance_N = torch.tensor(chances, dtype=torch.float64)
    if not sampling.top_k and sampling.top_p >= 1:
        return _at_chance((scaled_NV - scaled_NV.amax(-1, keepdim=True)).exp_(), chance_N)
    probs_NV, order_NV = scaled_NV.softmax(-1).sort(descending=True, stable=True)
    if sampling.top_k:
        probs_NV = probs_NV[:, : sampling.top_k]
    beyond_NV = probs_NV.cumsum(-1) - probs_NV >= sampling.top_p
    beyond_NV[:, 0] = False
    return order_NV.gather(1, _at_chance(probs_NV.masked_fill(beyond_NV, 0.0), chance_N)[:, None])[:, 0]


def _at_chance(weights_NV: torch.Tensor, chance_N: torch.Tensor) -> torch.Tensor:
    """places_N where the cumulated weights pass the chance's share of their sum.

    First the block of the vocabulary is found, then the place in it: cumulating all of a large vocabulary costs as
    much as a small model's layers. Sums of sums are in float64, so that nothing is lost to rounding.
    """
    rows, size = weights_NV.shape
    whole = size // BLOCK * BLOCK
    sums_NK = weights_NV[:, :whole].view(rows, -1, BLOCK).sum(-1) if whole else weights_NV.new_empty(rows, 0)
    sums_NK = torch.cat([sums_NK, weights_NV[:, whole:].sum(-1, keepdim=True)], dim=1).double()
    block_N, rest_N = _passed(sums_NK, chance_N * sums_NK.sum(-1))
    at_NB = block_N[:, None] * BLOCK + torch.arange(BLOCK)
    inside_NB = weights_NV.gather(1, at_NB.clamp(max=size - 1)).double().masked_fill_(at_NB >= size, 0.0)
    place_N, _ = _passed(inside_NB, rest_N)
    return block_N * BLOCK + place_N


def _passed(weights_NK: torch.Tensor, wanted_N: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first place whose cumulated weight passes what is wanted, and how much of that lies within it.

    What is wanted is held below the sum, so that no place without weight is ever the one.
    """
    sums_NK = weights_NK.cumsum(-1)
    all_N = sums_NK[:, -1]
    held_N = torch.minimum(wanted_N, all_N.nextafter(torch.zeros_like(all_N))).clamp_(min=0.0)
    place_N1 = torch.searchsorted(sums_NK, held_N[:, None], right=True)
    before_N1 = sums_NK.gather(1, place_N1) - weights_NK.gather(1, place_N1)
    return place_N1[:, 0], held_N - before_N1[:, 0]


def replies(core: Core, words: Words, prompts: Sequence[Sequence[int]], sampling: Sampling) -> list[Reply]:
    """Replies to encoded prompts, in their order; drawn ones with their log-probabilities, like `with_logprobs`."""
    core.model.eval()
    draws = Draws(len(prompts), sampling, words.end_ids)
    Decoding(core).answer(prompts, sampling.max_new_tokens, draws)
    return [reply_of(words, said, logps) for said, logps in zip(draws.said, draws.logps, strict=True)]


# ---------------------------------------------------------------- what can be answered here


def suits(core: Core, sampling: Sampling) -> bool:
    """Whether these answers are found here: greedy or drawn ones of a decoder that `fits`."""
    return sampling.beams == 1 and sampling.repetition_penalty == 1 and fits(core)


def fits(core: Core) -> bool:
    """Whether this decoder is answered here; found out once for each opened model."""
    if core.decodes is None:
        core.decodes = _is_kin(core) and agrees(core)
    return core.decodes and _is_kin(core)


def agrees(core: Core) -> bool:
    """Do our logits, read and stepped, equal the model's own on made-up rows of unlike length?"""
    size = core.model.config.vocab_size
    rows = [[token % size for token in row] for row in ([3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8], [1, 6, 1, 8, 0])]
    begins = [4, 1, 2]
    ours: list[list[torch.Tensor]] = [[] for _ in rows]

    def forced(numbers: Sequence[int], logits_NV: torch.Tensor) -> list[tuple[int, bool]]:
        chosen = []
        for number, logits in zip(numbers, logits_NV, strict=True):
            ours[number].append(logits)
            place = begins[number] + len(ours[number])
            chosen.append((rows[number][place - 1], place >= len(rows[number])))
        return chosen

    was_training = core.model.training
    core.model.eval()
    Decoding(core).answer([row[:n] for row, n in zip(rows, begins, strict=True)], max(map(len, rows)), forced)
    with torch.no_grad():
        own = [core.model(input_ids=torch.tensor([row]), use_cache=False).logits[0] for row in rows]
    core.model.train(was_training)
    pairs = [
        (torch.stack(got), told[n - 1 : n - 1 + len(got)]) for got, told, n in zip(ours, own, begins, strict=True)
    ]
    return all(bool((a - b).abs().max() <= CLOSE * b.abs().max().clamp(min=1.0)) for a, b in pairs)


def _is_kin(core: Core) -> bool:
    config = core.model.config
    plain = core.device.type == "cpu" and getattr(config, "model_type", "") in KIN
    if not plain or getattr(config, "hidden_act", "") != "silu" or "sliding_attention" in _kinds(config):
        return False
    model = _bare(core.model)
    known = all(_known(module) for name, module in model.named_modules() if name.endswith(("_proj", "lm_head")))
    return known and all(p.dtype == torch.float32 for p in model.parameters())


def _kinds(config: Any) -> Sequence[str]:
    """How the layers attend. A window that no layer uses is none."""
    listed = getattr(config, "layer_types", None)
    return listed or (["sliding_attention"] if getattr(config, "sliding_window", None) else [])


def _known(module: Any) -> bool:
    """A plain linear layer, or one with LoRA adapters that can be added to its weight."""
    if type(module) is torch.nn.Linear:
        return True
    if type(getattr(module, "base_layer", None)) is not torch.nn.Linear or not hasattr(module, "get_delta_weight"):
        return False
    return not any(getattr(module, "use_dora", {}).get(name) for name in module.active_adapters)


def _bare(model: Any) -> Any:
    """The transformers model inside peft's wrapping."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _map(module: Any) -> _Map:
    base = getattr(module, "base_layer", module)
    if base is module or getattr(module, "merged", False) or getattr(module, "disable_adapters", False):
        return _Map(base.weight.detach(), base.bias)
    deltas = [module.get_delta_weight(name).detach() for name in module.active_adapters if name in module.lora_A]
    return _Map(base.weight.detach() + torch.stack(deltas).sum(0) if deltas else base.weight.detach(), base.bias)


def _layer(layer: Any) -> _Layer:
    seen, mlp = layer.self_attn, layer.mlp
    return _Layer(
        before=layer.input_layernorm,
        query=_map(seen.q_proj),
        key=_map(seen.k_proj),
        value=_map(seen.v_proj),
        out=_map(seen.o_proj),
        query_norm=getattr(seen, "q_norm", None),
        key_norm=getattr(seen, "k_norm", None),
        between=layer.post_attention_layernorm,
        gate=_map(mlp.gate_proj),
        up=_map(mlp.up_proj),
        down=_map(mlp.down_proj),
    )


def _normed(norm: Any, x: torch.Tensor) -> torch.Tensor:
    return x if norm is None else rms_norm(x, norm.weight.shape, norm.weight, norm.variance_epsilon)


def _half_turned(x: torch.Tensor) -> torch.Tensor:
    left, right = x.chunk(2, dim=-1)
    return torch.cat([-right, left], dim=-1)
