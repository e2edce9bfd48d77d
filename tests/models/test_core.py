"""How a training step computes: in which format, and by which attention."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.models import core
from sayso.records import GREEDY, user

sys.path.insert(0, str(Path(__file__).parent))
from tiny import ARCHITECTURES, opened

TEXTS = ("the cat sat on the mat", "你好，一只猫")


def batch_of(learner: Any, rows: int = 2) -> Any:
    return learner.batch([learner.row(user(text), "good") for text in TEXTS[:rows]])


def attention_of(learner: Any, batch: Any) -> str:
    """How the model attends while it computes this batch."""
    seen: list[str] = []
    model = learner.core.model
    handle = model.register_forward_pre_hook(lambda *_: seen.append(model.config._attn_implementation))
    learner.logits(batch)
    handle.remove()
    return seen[0]


def training(name: str) -> Any:
    learner = opened(name, ("good", "bad") if ARCHITECTURES[name][0] == "encoder" else ())
    learner.core.fast_dtype, learner.core.mixed = torch.bfloat16, True
    return learner


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_plain_attention_gives_the_logits_that_fused_attention_gives(name: str) -> None:
    learner = opened(name, ("good", "bad") if ARCHITECTURES[name][0] == "encoder" else ())
    learner.core.train_mode(False)
    batch = batch_of(learner)
    with torch.no_grad():
        fused = learner.logits(batch)
        with learner.core.attending("eager"):
            plain = learner.logits(batch)
    assert torch.allclose(fused, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["llama", "qwen3", "bert", "bart"])
def test_short_rows_in_bfloat16_attend_plainly_and_only_they(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = training(name)
    batch = batch_of(learner)
    assert attention_of(learner, batch) == "eager"
    assert learner.core.model.config._attn_implementation == "sdpa"
    monkeypatch.setattr(core, "PLAIN_ATTENTION", 3)
    assert attention_of(learner, batch) == "sdpa"
    monkeypatch.undo()
    learner.core.fast_dtype = torch.float32
    assert attention_of(learner, batch) == "sdpa"
    learner.core.fast_dtype, learner.core.mixed = torch.bfloat16, False
    assert attention_of(learner, batch) == "sdpa"


def test_packed_rows_attend_as_the_self_test_compared_them() -> None:
    learner = training("llama")
    rows = [learner.row(user(text), "good") for text in TEXTS]
    assert learner.packing_is_exact(rows)
    learner.packing = True
    batch = learner.batch(rows)
    assert batch.inputs["input_ids"].shape[0] == 1
    assert attention_of(learner, batch) == "sdpa"


def test_replies_do_not_depend_on_how_training_attends() -> None:
    learner = training("llama")
    before = learner.reply([user(TEXTS[0])], GREEDY)
    learner.logits(batch_of(learner))
    assert learner.reply([user(TEXTS[0])], GREEDY) == before
