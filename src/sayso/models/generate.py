"""Replies, by transformers' own generate, in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sayso.models.core import Core, chunks_by_tokens
from sayso.models.render import Renderer
from sayso.records import Reply, Sampling

GENERATION_TOKENS = 4096


def continuations(
    core: Core, renderer: Renderer, prompts: Sequence[Sequence[int]], sampling: Sampling, *, left: bool
) -> list[Reply]:
    """Replies to encoded prompts, in their order. `left` pads on the left, as a decoder needs."""
    core.model.eval()
    torch.manual_seed(sampling.seed)
    replies: list[Reply | None] = [None] * len(prompts)
    lengths = [len(prompt) + sampling.max_new_tokens for prompt in prompts]
    with torch.no_grad():
        for group in chunks_by_tokens(lengths, GENERATION_TOKENS):
            for i, reply in zip(group, _group(core, renderer, [prompts[i] for i in group], sampling, left), strict=True):
                replies[i] = reply
    return [reply for reply in replies if reply is not None]


def _group(
    core: Core, renderer: Renderer, prompts: Sequence[Sequence[int]], sampling: Sampling, left: bool
) -> list[Reply]:
    width = max(map(len, prompts))
    pad = core.tokenizer.pad_token_id or 0
    fill = [[pad] * (width - len(prompt)) for prompt in prompts]
    gaps = [[0] * len(extra) for extra in fill]
    ids = [[*f, *p] if left else [*p, *f] for f, p in zip(fill, prompts, strict=True)]
    mask = [[*g, *[1] * len(p)] if left else [*[1] * len(p), *g] for g, p in zip(gaps, prompts, strict=True)]
    out = core.model.generate(
        input_ids=torch.tensor(ids, device=core.device),
        attention_mask=torch.tensor(mask, device=core.device),
        pad_token_id=pad,
        eos_token_id=list(renderer.end_ids) or None,
        max_new_tokens=sampling.max_new_tokens,
        max_length=None,
        return_dict_in_generate=True,
        output_logits=True,
        **_drawing(sampling),
    )
    begin = width if left else out.sequences.shape[1] - len(out.logits)
    new = out.sequences[:, begin:]
    logp = torch.stack([step.float().log_softmax(-1) for step in out.logits], 1).gather(2, new[:, :, None])[:, :, 0]
    ends = set(renderer.end_ids)
    return [_reply(renderer, row, logps, ends) for row, logps in zip(new.tolist(), logp.tolist(), strict=True)]


def _reply(renderer: Renderer, ids: list[int], logps: list[float], ends: set[int]) -> Reply:
    length = next((i + 1 for i, token in enumerate(ids) if token in ends), len(ids))
    ended = length > 0 and ids[length - 1] in ends
    return Reply(renderer.decode(ids[:length]), tuple(ids[:length]), tuple(logps[:length]), ended)


def _drawing(sampling: Sampling) -> dict[str, Any]:
    """generate's own words for a Sampling; every one is set, so that a model's generation config cannot surprise."""
    drawn = sampling.temperature > 0
    return {
        "do_sample": drawn,
        "temperature": sampling.temperature if drawn else 1.0,
        "top_p": sampling.top_p if drawn else 1.0,
        "top_k": sampling.top_k if drawn else 50,
        "num_beams": 1,
        "repetition_penalty": sampling.repetition_penalty,
    }
