"""A TensorFlow SavedModel, made by KerasHub, that plain TensorFlow serves without Keras or torch.

Decided here:
- KerasHub converts weights, not heads: a classifier's head is copied tensor by tensor.
- Only what was proven: of other architectures and settings models/kerashub.py says why not.
- One signature: input_ids and attention_mask (int32, any batch and length) to logits (float32). There is no cache in
  it: an answer is written by reading all of it anew for each token.
- It is proven in TensorFlow where Keras, KerasHub, torch and transformers cannot be imported.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sayso import engines
from sayso.bundle import Export, Replay, Replayed, Tolerance
from sayso.models import kerashub
from sayso.records import Kind

KINDS: tuple[Kind, ...] = ("encoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """Nothing to turn."""


def check(export: Export, knobs: Knobs) -> None:
    """UnsupportedError for what KerasHub was not seen to read rightly, or without its environment."""
    del knobs
    kerashub.check(export)


def tolerance(knobs: Knobs) -> Tolerance:
    """The same numbers, summed in another order."""
    del knobs
    return Tolerance(1e-3)


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """saved_model.pb with its variables; tokenizer, template and config beside it."""
    del knobs
    kerashub.written(export, folder)
    shutil.copytree(export.weights, folder, ignore=shutil.ignore_patterns("*.safetensors*"), dirs_exist_ok=True)


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """Load it in plain TensorFlow."""
    del knobs
    return engines.replayed(kerashub.ENGINE, folder, replay)


def use(export: Export, knobs: Knobs) -> str:
    """A few lines of Python."""
    del knobs
    answer = "one logit per label of `config.json` (`id2label`)"
    if export.kind == "decoder":
        answer = "the logits of every place; the likeliest next token is `logits[0, -1]`'s largest"
    return (
        "```python\n"
        "import tensorflow as tf\nfrom tokenizers import Tokenizer\n\n"
        'model = tf.saved_model.load(".")\n'
        'ids = tf.constant([Tokenizer.from_file("tokenizer.json").encode("...").ids])\n'
        'serve = model.signatures["serving_default"]\n'
        'logits = serve(input_ids=ids, attention_mask=tf.ones_like(ids))["logits"]\n'
        "```\n\n"
        f"They are {answer}."
    )
