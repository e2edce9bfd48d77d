"""Plain transformers as an engine: a model that its own Auto class opened, asked without anything of ours.

Decided here:
- Nothing is shared with the learners: no renderer, no batches, no cache, no saved generation settings. The likeliest
  token is taken, the whole text is read again, until the answer ends.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sayso.bundle import Golden, Replay, Replayed, ReplayRow, said
from sayso.models.core import quiet
from sayso.records import Kind
from sayso.turns import Render, Turn

AUTO = {
    "encoder": "AutoModelForSequenceClassification",
    "encoder_decoder": "AutoModelForSeq2SeqLM",
    "decoder": "AutoModelForCausalLM",
}


def opened(name: str, kind: Kind, labels: int = 0) -> Any:
    """A model in float32; with `labels` its head is new where it has another size."""
    import transformers

    extra = {"num_labels": labels, "ignore_mismatched_sizes": True} if labels else {}
    with quiet():
        return getattr(transformers, AUTO[kind]).from_pretrained(name, dtype=torch.float32, **extra).eval()


def template_of(folder: Path) -> Render:
    """A folder's chat template as a function of turns. A tokenizer saved as a plain one is opened as one."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    said = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("tokenizer_class")
    usual = said not in ("PreTrainedTokenizerFast", "TokenizersBackend")
    tokenizer: Any = (AutoTokenizer if usual else PreTrainedTokenizerFast).from_pretrained(folder)

    def render(turns: Sequence[Turn], answering: bool) -> str:
        said = [{"role": role, "content": words} for role, words in turns]
        options = {"tokenize": False, "add_generation_prompt": answering, "enable_thinking": False}
        return str(tokenizer.apply_chat_template(said, **options))

    return render


def replayed(model: Any, replay: Replay, engine: str, version: str) -> Replayed:
    """What it makes of a Replay."""
    with torch.no_grad():
        logits = [logits_of(model, row) for row in replay.rows]
        answers = tuple(_answer(model, replay, one) for one in replay.golden)
    return Replayed(engine, version, np.concatenate(logits), answers)


def logits_of(model: Any, row: ReplayRow) -> Any:
    """logits_NV at the places of one row."""
    inputs = {"input_ids": torch.tensor([row.ids])}
    if row.shifted:
        inputs["decoder_input_ids"] = torch.tensor([row.shifted])
    logits = model(**inputs).logits[0].float()
    return (logits if logits.dim() > 1 else logits[None])[list(row.at)].numpy()


# ---------------------------------------------------------------- inside


def _answer(model: Any, replay: Replay, one: Golden) -> tuple[int, ...]:
    if replay.kind == "encoder":
        return said(logits_of(model, ReplayRow(one.ids, (0,)))[0], replay.several)
    answer: list[int] = []
    while len(answer) < one.room and not (answer and answer[-1] in replay.end_ids):
        answer.append(_next(model, one, answer))
    return tuple(answer)


def _next(model: Any, one: Golden, answer: list[int]) -> int:
    read = (*(one.opening or one.ids), *answer)
    row = ReplayRow(one.ids, (len(read) - 1,), read) if one.opening else ReplayRow(read, (len(read) - 1,))
    return int(logits_of(model, row)[0].argmax())
