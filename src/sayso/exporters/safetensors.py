"""The merged weights in the hub's layout, with template, generation config, model card and licence note.

Decided here:
- float32, one folder that `transformers` opens as it is: nothing of ours is needed to read it.
- It is proven in plain transformers, opened from the bundle by its Auto classes: logits of the real rows, and answers
  by always taking the likeliest token.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sayso.bundle import Export, Golden, Replay, Replayed, ReplayRow, Tolerance, said
from sayso.records import Kind

KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """Nothing to turn."""


def check(export: Export, knobs: Knobs) -> None:
    """Whatever was trained is carried."""
    del export, knobs


def tolerance(knobs: Knobs) -> Tolerance:
    """The same numbers in the same library."""
    del knobs
    return Tolerance(difference=1e-4)


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """Weights, tokenizer, template, generation config, card."""
    del knobs
    shutil.copytree(export.weights, folder, dirs_exist_ok=True)
    (folder / "README.md").write_text(export.card.text, encoding="utf-8")


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """Open the folder with transformers alone."""
    import transformers

    del knobs
    names = {"encoder": "SequenceClassification", "encoder_decoder": "Seq2SeqLM", "decoder": "CausalLM"}
    auto = getattr(transformers, f"AutoModelFor{names[replay.kind]}")
    model = auto.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    with torch.no_grad():
        logits = [_logits(model, row) for row in replay.rows]
        answers = tuple(_answer(model, replay, one) for one in replay.golden)
    return Replayed("transformers", transformers.__version__, np.concatenate(logits), answers)


def use(export: Export, knobs: Knobs) -> str:
    """Three lines of Python."""
    del knobs
    names = {"encoder": "SequenceClassification", "encoder_decoder": "Seq2SeqLM", "decoder": "CausalLM"}
    auto = f"AutoModelFor{names[export.kind]}"
    return (
        "```python\n"
        f"from transformers import {auto}, AutoTokenizer\n\n"
        f'model, tokenizer = {auto}.from_pretrained("."), AutoTokenizer.from_pretrained(".")\n'
        "```\n"
    )


# ---------------------------------------------------------------- inside


def _logits(model: Any, row: ReplayRow) -> Any:
    inputs = {"input_ids": torch.tensor([row.ids])}
    if row.shifted:
        inputs["decoder_input_ids"] = torch.tensor([row.shifted])
    logits = model(**inputs).logits[0].float()
    return (logits if logits.dim() > 1 else logits[None])[list(row.at)].numpy()


def _answer(model: Any, replay: Replay, one: Golden) -> tuple[int, ...]:
    """The labels, or the likeliest token again and again."""
    if replay.kind == "encoder":
        return said(_logits(model, ReplayRow(one.ids, (0,)))[0], replay.several)
    answer: list[int] = []
    ids, opening = one.ids, one.opening
    while len(answer) < one.room and not (answer and answer[-1] in replay.end_ids):
        row = ReplayRow(ids, (0,), (*opening, *answer)) if opening else ReplayRow((*ids, *answer), (0,))
        last = len(row.shifted or row.ids) - 1
        answer.append(int(_logits(model, ReplayRow(row.ids, (last,), row.shifted))[0].argmax()))
    return tuple(answer)
