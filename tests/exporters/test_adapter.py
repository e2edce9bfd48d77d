from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ready import ready, spoilt

from sayso.agreement import make
from sayso.errors import Fault, UnsupportedError
from sayso.exporters import adapter


@pytest.mark.parametrize(("name", "tuning"), [("llama", "lora"), ("qwen3", "dora"), ("bart", "rslora")])
def test_peft_puts_it_on_its_base(tmp_path: Path, name: str, tuning: str) -> None:
    export = ready(name, tmp_path, tuning)
    found = make(export, adapter, "adapter", adapter.Knobs(), tmp_path / "out")
    assert found.holds
    assert found.engine == "peft"
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert str(tmp_path / "base") in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_an_encoder_keeps_its_head(tmp_path: Path) -> None:
    export = ready("bert", tmp_path, "lora", change=with_pooler)
    found = make(export, adapter, "adapter", adapter.Knobs(), tmp_path / "out")
    assert found.holds
    assert "num_labels=3" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_an_adapter_on_layers_that_its_base_does_not_hold_is_refused(tmp_path: Path) -> None:
    export = ready("bert", tmp_path, "lora")  # a masked language model has no pooler: opening it made one up
    with pytest.raises(Fault, match="not the model that was trained"):
        make(export, adapter, "adapter", adapter.Knobs(), tmp_path / "out")


def with_pooler(folder: Path) -> None:
    """The same base as one that was saved with the layer above its first token."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    BertModel(BertConfig.from_pretrained(folder)).save_pretrained(folder)


def test_a_spoilt_adapter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export, write = ready("llama", tmp_path, "lora"), adapter.write

    def spoiling(export: Any, folder: Path, knobs: Any) -> None:
        write(export, folder, knobs)
        spoilt(folder / "adapter_model.safetensors")

    monkeypatch.setattr(adapter, "write", spoiling)
    with pytest.raises(Fault, match="not the model that was trained"):
        make(export, adapter, "adapter", adapter.Knobs(), tmp_path / "out")


def test_without_an_adapter_there_is_nothing_to_hand_out(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="all of its weights were trained"):
        make(ready("llama", tmp_path), adapter, "adapter", adapter.Knobs(), tmp_path / "out")
