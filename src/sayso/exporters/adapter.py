"""The LoRA adapter alone, in PEFT's layout: a small file that belongs on its base.

Decided here:
- It is only there where a run trained one (strategy.tuning: lora, dora, rslora); where all weights were trained,
  nothing smaller than the model holds what was learnt.
- It is proven by PEFT: the base opened by transformers, the adapter put on it from the bundle.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from sayso.bundle import Export, Replay, Replayed, Tolerance
from sayso.errors import UnsupportedError
from sayso.models import plain
from sayso.records import Kind

KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")
CONFIG = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Knobs:
    """Nothing to turn."""


def check(export: Export, knobs: Knobs) -> None:
    """UnsupportedError where there is no adapter."""
    del knobs
    if export.adapter is None:
        raise UnsupportedError(
            "this run has no adapter: all of its weights were trained",
            expected="a run with strategy.tuning: lora, dora or rslora",
            fix="--to safetensors takes the whole model",
        )


def tolerance(knobs: Knobs) -> Tolerance:
    """The same numbers in the same library."""
    del knobs
    return Tolerance(1e-4, 0.99, 0.98)


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """adapter_model.safetensors, adapter_config.json, tokenizer and template."""
    del knobs
    assert export.adapter is not None
    shutil.copytree(export.adapter, folder, dirs_exist_ok=True)


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """The base that the adapter names, with the adapter on it."""
    import peft

    del knobs
    base = str(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"])
    labels = replay.logits_NV.shape[1] if replay.kind == "encoder" else 0
    model = peft.PeftModel.from_pretrained(plain.opened(base, replay.kind, labels), str(folder)).eval()
    return plain.replayed(model, replay, "peft", peft.__version__)


def use(export: Export, knobs: Knobs) -> str:
    """Lines of Python, and where the base is looked for."""
    del knobs
    assert export.adapter is not None
    base = str(json.loads((export.adapter / CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"])
    auto, labels = plain.AUTO[export.kind], f", num_labels={len(export.labels)}" if export.kind == "encoder" else ""
    order = f"\n\nThe labels, in the order of the head: {', '.join(export.labels)}." if labels else ""
    return (
        f"```python\nfrom peft import PeftModel\nfrom transformers import {auto}\n\n"
        f'base = {auto}.from_pretrained("{base}"{labels})\nmodel = PeftModel.from_pretrained(base, ".")\n```\n\n'
        f"The base is looked for at `{base}`; elsewhere name its place there, and in `{CONFIG}`.{order}"
    )
