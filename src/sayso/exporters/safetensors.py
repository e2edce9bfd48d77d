"""The merged weights in the hub's layout, with tokenizer, template, generation config, model card and licence note.

Decided here:
- float32, one folder that transformers opens as it is: nothing of ours is needed to read it.
- It is proven in plain transformers, opened from the bundle by its Auto class: logits of the real rows, and answers by
  always taking the likeliest token.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sayso.bundle import Export, Replay, Replayed, Tolerance
from sayso.models import plain
from sayso.records import Kind

KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """Nothing to turn."""


def check(export: Export, knobs: Knobs) -> None:
    """Whatever was trained is carried."""
    del export, knobs


def tolerance(knobs: Knobs) -> Tolerance:
    """The same numbers in the same library: only the order of sums may differ."""
    del knobs
    return Tolerance(1e-4, 0.99, 0.98)


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """Weights, tokenizer, template, generation config."""
    del knobs
    shutil.copytree(export.weights, folder, dirs_exist_ok=True)


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """Open the folder with transformers alone."""
    import transformers

    del knobs
    return plain.replayed(plain.opened(str(folder), replay.kind), replay, "transformers", transformers.__version__)


def use(export: Export, knobs: Knobs) -> str:
    """Lines of Python."""
    del knobs
    auto = plain.AUTO[export.kind]
    return (
        f"```python\nfrom transformers import {auto}, AutoTokenizer\n\n"
        f'model, tokenizer = {auto}.from_pretrained("."), AutoTokenizer.from_pretrained(".")\n```'
    )
