"""What a learner makes of real inputs, written down so that an export can be held against it; and its merged weights.

Decided here:
- It is the learner that was trained that answers, adapters beside the weights as in training. The merged weights are
  compared with it like any other export, so a wrong merge shows too.
- Of a row the first few places of the target are compared: a vocabulary of 150,000 makes every place 600 kB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sayso.bundle import Golden, Replay, ReplayRow, said
from sayso.errors import DataError, UnsupportedError
from sayso.models.core import FACTS, quiet
from sayso.models.decoder import Decoder
from sayso.models.encoder import Encoder
from sayso.models.encoder_decoder import EncoderDecoder
from sayso.models.masked import MaskedEncoder
from sayso.models.open import AnyLearner
from sayso.models.voice import LearnerVoice
from sayso.protocols import Ask
from sayso.records import Messages, Row, Sampling

PLACES = 8
Speaking = Decoder | EncoderDecoder


def replay_of(
    learner: AnyLearner, pairs: Sequence[tuple[Messages, str]], prompts: Sequence[Messages], room: int
) -> Replay:
    """Rows of (context, target) with the learner's logits, and its greedy answers of at most `room` tokens.

    A row whose target does not fit is left out. UnsupportedError for a masked language model, which answers nothing.
    """
    if isinstance(learner, MaskedEncoder):
        raise UnsupportedError(
            "a masked language model gives no answers that could be compared",
            fix="teach it labels first (task: classify); its folder weights/ is in the hub's layout as it is",
        )
    learner.core.model.float()
    learner.core.train_mode(False)
    rows = _rows(learner, pairs)
    logits_NV = _logits(learner, rows)
    ends = () if isinstance(learner, Encoder) else _ends(learner)
    golden = _labelled(learner, prompts) if isinstance(learner, Encoder) else _answered(learner, prompts, room)
    several = isinstance(learner, Encoder) and learner.several
    pad = learner.core.tokenizer.pad_token_id or 0
    return Replay(learner.kind, tuple(_seen(learner, row) for row in rows), logits_NV, golden, ends, pad, several)


def save_merged(learner: AnyLearner, folder: Path) -> None:
    """The model in float32 with its adapters merged, its tokenizer and our facts. The learner is used up by it."""
    core = learner.core
    model = core.model if core.adapter is None else core.adapter.merge_and_unload()
    with quiet():
        model.float().save_pretrained(folder)
        core.tokenizer.save_pretrained(folder)
    facts = core.facts | {"max_length": core.max_length, "origin": ""}
    (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    for file in folder.glob("*.safetensors"):
        file.chmod((folder / FACTS).stat().st_mode)


# ---------------------------------------------------------------- rows


def _rows(learner: Decoder | EncoderDecoder | Encoder, pairs: Sequence[tuple[Messages, str]]) -> list[Row]:
    """The rows that fit, each with its first places only; an encoder keeps its one vector."""
    found = []
    for context, target in pairs:
        try:
            row = learner.row(context, target)
        except DataError:
            continue
        if not isinstance(learner, Encoder):
            row = replace(row, at=row.at[:PLACES], targets=row.targets[:PLACES], weights=row.weights[:PLACES])
        found.append(row)
    return found


def _seen(learner: Decoder | EncoderDecoder | Encoder, row: Row) -> ReplayRow:
    if isinstance(learner, EncoderDecoder):
        return ReplayRow(row.ids, row.at, (learner.start, *row.targets[:-1]))
    return ReplayRow(row.ids, (0,) if isinstance(learner, Encoder) else row.at)


def _logits(learner: Decoder | EncoderDecoder | Encoder, rows: Sequence[Row]) -> Any:
    """logits_NV, each row computed alone: no padding, no packing."""
    found = []
    with torch.no_grad():
        for row in rows:
            logits = learner.logits(learner.batch([row])).float().cpu()
            several = isinstance(learner, Encoder) and learner.several
            found.append((logits[:, 1][None] if several else logits).numpy())
    return np.concatenate(found) if found else np.zeros((0, 0), dtype=np.float32)


# ---------------------------------------------------------------- golden prompts


def _labelled(learner: Encoder, prompts: Sequence[Messages]) -> tuple[Golden, ...]:
    rows = [learner.row(prompt, learner.options[0]) for prompt in prompts]
    logits_BL = _logits(learner, rows)
    pairs = zip(prompts, rows, logits_BL, strict=True)
    return tuple(
        Golden(prompt, _plain(prompt), row.ids, said(logits_L, learner.several), 0) for prompt, row, logits_L in pairs
    )


def _answered(learner: Speaking, prompts: Sequence[Messages], room: int) -> tuple[Golden, ...]:
    """Greedy, one beam, each prompt alone."""
    sampling = Sampling(max_new_tokens=min(room, learner.core.max_length // 2))
    opening = (learner.start, *learner.target_frame[0]) if isinstance(learner, EncoderDecoder) else ()
    voice, found = LearnerVoice(learner), []
    for prompt in prompts:
        ids = voice.encoded(Ask(prompt, sampling)).ids
        answer = learner.reply([prompt], sampling)[0].token_ids
        text = learner.renderer.prompt_text(prompt) if isinstance(learner, Decoder) else _plain(prompt)
        found.append(Golden(prompt, text, ids, answer, sampling.max_new_tokens, opening))
    return tuple(found)


def _ends(learner: Speaking) -> tuple[int, ...]:
    return learner.end_ids if isinstance(learner, EncoderDecoder) else learner.renderer.end_ids


def _plain(prompt: Messages) -> str:
    return "\n".join(message.text for message in prompt)
