"""Small models as an exporter is given them: random weights in the hub's layout, opened, replayed, merged."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

from tiny import ARCHITECTURES, saved

from sayso.bundle import Card, Export
from sayso.models.open import Opening, open_learner
from sayso.models.replay import replay_of, save_merged
from sayso.recipe import ModelPart
from sayso.records import Messages, user

LABELS = ("bad", "fine", "good")
WORDS = (
    "the cat sat on the mat",
    "一只猫坐在垫子上",
    "please send my order",
    "谢谢，不错！",
    "good bad fine",
    "terrible 糟糕 12",
)
TEXTS = tuple(f"{first} {second}" for first in WORDS for second in WORDS)
CARD = Card("# A model\n", "me/base", "mit", ("Say please. (heeded)",), {"en": "Be short."})


def ready(
    name: str,
    folder: Path,
    tuning: str = "full",
    several: bool = False,
    config: dict[str, Any] | None = None,
    change: Callable[[Path], None] = lambda _folder: None,
) -> Export:
    """A tiny model of this architecture as an Export; `change` may touch the base folder before it is opened."""
    kind = ARCHITECTURES[name][0]
    if not (folder / "base").is_dir():
        saved(name, folder / "base")
    change(folder / "base")
    options = LABELS if kind == "encoder" else ()
    part = ModelPart(name=str(folder / "base"), max_length=96)
    learner = open_learner(part, Opening(options=options, several=several, tuning=tuning, dropout=0.0))
    lively(learner)
    return exported(learner, folder, options, config or {})


def exported(
    learner: Any, folder: Path, options: tuple[str, ...] = (), config: dict[str, Any] | None = None
) -> Export:
    """A learner as an Export."""
    pairs: list[tuple[Messages, str]] = [
        (user(text), options[i % len(options)] if options else TEXTS[-i - 1]) for i, text in enumerate(TEXTS)
    ]
    replay = replay_of(learner, pairs, [user(text) for text in TEXTS[:20]], 6)
    adapter = None
    if learner.core.adapter is not None:
        adapter = folder / "adapter"
        adapter.mkdir(exist_ok=True)
        learner.core.save(adapter)
    weights = folder / "merged"
    weights.mkdir(exist_ok=True)
    length = learner.core.max_length
    save_merged(learner, weights)
    known = json.loads((weights / "config.json").read_text(encoding="utf-8"))
    return Export("tiny", learner.kind, weights, known | (config or {}), options, length, replay, CARD, adapter)


def lively(learner: Any) -> None:
    """Weights large enough that a wrong one shows: a new model is nearly linear, and a new adapter is nothing."""
    torch.manual_seed(1)
    with torch.no_grad():
        for _, p in learner.core.parameters():
            p.add_(torch.randn_like(p) * 0.08)


def spoilt(file: Path, part: str = "") -> str:
    """Change one matrix of a safetensors file; returns its name."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(file)
    name = next(key for key, value in sorted(tensors.items()) if value.ndim == 2 and part in key)
    tensors[name] = np.roll(tensors[name], 1, axis=-1)
    save_file(tensors, file, {"format": "pt"})
    return name
