"""Replies, by transformers' own generate, in batches of like length.

Decided here:
- A model's saved generation settings are not used. What a Sampling says is all that happens, the same in every
  architecture, in training and in serving.
- A beam search compares answers by log p per token, or as its length penalty says. Its beams count as rows, so a group
  of prompts with beams takes no more memory than one without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch

from sayso.errors import UnsupportedError
from sayso.models.core import Core, chunks_by_tokens, filled, padded, token_logps
from sayso.records import Imitate, Messages, Reply, Sampling

GENERATION_TOKENS = 4096


class Words(Protocol):
    """How token ids become text, and which end an answer."""

    @property
    def end_ids(self) -> tuple[int, ...]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


def continuations(
    core: Core, words: Words, prompts: Sequence[Sequence[int]], sampling: Sampling, opening: Sequence[int] = ()
) -> list[Reply]:
    """Replies to encoded prompts, in their order. `opening` is what an encoder-decoder's answer begins with.

    UnsupportedError where a Sampling asks for beams and to draw.
    """
    if sampling.beams > 1 and sampling.temperature > 0:
        raise UnsupportedError(
            f"{sampling.beams} beams draw nothing, and a temperature of {sampling.temperature:g} asks to",
            fix="set beams to 1 to draw answers, or the temperature to 0 to look for the likeliest",
        )
    core.model.eval()
    torch.manual_seed(sampling.seed)
    replies: list[Reply | None] = [None] * len(prompts)
    lengths = [sampling.beams * (len(prompt) + sampling.max_new_tokens) for prompt in prompts]
    with torch.no_grad():
        for group in chunks_by_tokens(lengths, GENERATION_TOKENS):
            answered = _group(core, words, [prompts[i] for i in group], sampling, opening)
            for i, reply in zip(group, answered, strict=True):
                replies[i] = reply
    return [reply for reply in replies if reply is not None]


def with_logprobs(learner: Any, prompts: Sequence[Messages], replies: Sequence[Reply]) -> list[Reply]:
    """The same replies with the log-probability of each token that was sampled (temperature 1, nothing cut off)."""
    before = list(getattr(learner, "target_frame", ((), ()))[0])
    rows = [
        learner.row(prompt, reply.text, Imitate(prompt, reply.text, target_ids=(*before, *reply.token_ids)))
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    scores = token_logps(learner, rows)
    return [replace(reply, logprobs=tuple(logps[len(before) :])) for reply, logps in zip(replies, scores, strict=True)]


def inputs_of(core: Core, prompts: Sequence[Sequence[int]], opening: Sequence[int]) -> tuple[dict[str, Any], int]:
    """What generate is given for encoded prompts, and the place at which answers begin in what it returns."""
    pad = core.tokenizer.pad_token_id or 0
    if opening:
        ids, mask = padded(prompts, pad, core.device), filled(prompts, core.device)
        start = torch.tensor([list(opening)] * len(prompts), device=core.device)
        return {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": start}, len(opening)
    backwards = [list(reversed(prompt)) for prompt in prompts]  # a decoder reads left to right: padding comes first
    ids, mask = padded(backwards, pad, core.device).flip(1), filled(backwards, core.device).flip(1)
    return {"input_ids": ids, "attention_mask": mask}, ids.shape[1]


def _group(
    core: Core, words: Words, prompts: Sequence[Sequence[int]], sampling: Sampling, opening: Sequence[int]
) -> list[Reply]:
    inputs, begin = inputs_of(core, prompts, opening)
    settings = settings_of(core, words, sampling, opening)
    out = core.model.generate(**inputs, generation_config=settings)
    return [reply_of(words, row) for row in out[:, begin:].tolist()]


def settings_of(core: Core, words: Words, sampling: Sampling, opening: Sequence[int]) -> Any:
    """A Sampling as transformers' GenerationConfig."""
    from transformers import GenerationConfig

    drawn = sampling.temperature > 0
    return GenerationConfig(
        max_new_tokens=sampling.max_new_tokens,
        do_sample=drawn,
        num_beams=sampling.beams,
        length_penalty=sampling.length_penalty if sampling.beams > 1 else None,
        temperature=sampling.temperature if drawn else 1.0,
        top_p=sampling.top_p if drawn else 1.0,
        top_k=sampling.top_k if drawn else 50,
        repetition_penalty=sampling.repetition_penalty,
        pad_token_id=core.tokenizer.pad_token_id or 0,
        eos_token_id=list(words.end_ids) or None,
        decoder_start_token_id=opening[0] if opening else None,
    )


def reply_of(words: Words, ids: Sequence[int], logps: Sequence[float] = ()) -> Reply:
    """The reply that these token ids are, up to the first that ends one."""
    ends = set(words.end_ids)
    length = next((i + 1 for i, token in enumerate(ids) if token in ends), len(ids))
    ended = length > 0 and ids[length - 1] in ends
    return Reply(words.decode(ids[:length]), tuple(ids[:length]), tuple(logps[:length]), ended)
