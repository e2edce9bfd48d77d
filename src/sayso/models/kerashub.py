"""What KerasHub 0.32 was seen to read rightly of what transformers writes, and asking it to.

Decided here:
- KerasHub leaves out of a config what it does not know, and computes something else without a word: llama's
  rms_norm_eps and head_dim, BERT's epsilon and its exact GELU (put back in _tensorflow.py), and RoPE scaled as in
  Llama 3, which transformers 5 writes where KerasHub does not look. So every setting that changes what is computed has
  one proven value, or is said to it.
- It lives in the environment of the engine "tensorflow" and is asked as a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso import engines
from sayso.bundle import Export
from sayso.errors import UnsupportedError

ENGINE = "tensorflow"
PROVEN: Mapping[str, Mapping[str, Any]] = {
    "bert": {"hidden_act": "gelu", "layer_norm_eps": 1e-12, "type_vocab_size": 2, "is_decoder": False},
    "llama": {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
    "qwen3": {"hidden_act": "silu", "attention_bias": False, "use_sliding_window": False},
}


def check(export: Export) -> None:
    """UnsupportedError for an architecture or a setting that was not proven, or where the engine is missing."""
    if export.architecture not in PROVEN:
        raise UnsupportedError(
            f"'{export.architecture}' is not proven to come out right through KerasHub",
            expected=", ".join(sorted(PROVEN)),
            fix="export to onnx, which has no such list: its proof decides",
        )
    for key, proven in PROVEN[export.architecture].items():
        _same(key, export.config.get(key, proven), proven)
    _same("position_embedding_type", export.config.get("position_embedding_type") or "absolute", "absolute")
    rope = export.config.get("rope_parameters") or export.config.get("rope_scaling") or {}
    _same("rope_type", rope.get("rope_type", "default"), "default")
    _same("partial_rotary_factor", rope.get("partial_rotary_factor", 1.0), 1.0)
    if export.architecture == "llama":
        width = export.config["hidden_size"] // export.config["num_attention_heads"]
        _same("head_dim", export.config.get("head_dim") or width, width)
    engines.check(ENGINE)


def written(export: Export, folder: Path) -> None:
    """Have KerasHub read the weights and TensorFlow write a SavedModel into `folder`."""
    asked = {
        "weights": str(export.weights.resolve()),
        "kind": export.kind,
        "architecture": export.architecture,
        "labels": len(export.labels),
        "said": {"layer_norm_epsilon": export.config["rms_norm_eps"]} if export.architecture == "llama" else {},
    }
    with engines.asked(ENGINE, "savedmodel", folder, asked):
        pass


def _same(key: str, found: Any, proven: Any) -> None:
    if found != proven:
        raise UnsupportedError(
            f"{key}: {found!r} is not proven to come out right through KerasHub, which may not even look at it",
            expected=f"{key}: {proven!r}",
            fix="export to onnx, which has no such list: its proof decides",
        )
