from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ready import ready, spoilt

from sayso.agreement import make
from sayso.errors import Fault
from sayso.exporters import safetensors


@pytest.mark.parametrize(
    ("name", "tuning"), [("bert", "full"), ("bart", "full"), ("llama", "full"), ("qwen3", "lora")]
)
def test_every_kind_opens_in_transformers_as_it_was_trained(tmp_path: Path, name: str, tuning: str) -> None:
    export = ready(name, tmp_path, tuning)
    found = make(export, safetensors, "safetensors", safetensors.Knobs(), tmp_path / "out")
    assert found.holds
    assert (found.rows, found.golden) == (36, 20)
    assert found.argmax == found.answers == 1.0
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md", "NOTICE.md", "agreement.json"} <= {
        file.name for file in (tmp_path / "out").iterdir()
    }


def test_several_labels_are_compared_each_by_itself(tmp_path: Path) -> None:
    export = ready("bert", tmp_path, several=True)
    found = make(export, safetensors, "safetensors", safetensors.Knobs(), tmp_path / "out")
    assert found.argmax == 1.0
    assert {len(one.answer) for one in export.replay.golden} <= {0, 1, 2, 3}


@pytest.mark.parametrize("name", ["bert", "bart", "llama"])
def test_a_spoilt_weight_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    export, write = ready(name, tmp_path), safetensors.write

    def spoiling(export: Any, folder: Path, knobs: Any) -> None:
        write(export, folder, knobs)
        spoilt(folder / "model.safetensors", "layer")

    monkeypatch.setattr(safetensors, "write", spoiling)
    with pytest.raises(Fault, match="the export is not the model that was trained"):
        make(export, safetensors, "safetensors", safetensors.Knobs(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_merge_that_forgets_the_adapter_is_refused(tmp_path: Path) -> None:
    import shutil

    export = ready("llama", tmp_path, "lora")
    shutil.copy(tmp_path / "base" / "model.safetensors", export.weights / "model.safetensors")
    with pytest.raises(Fault, match="not the model that was trained"):
        make(export, safetensors, "safetensors", safetensors.Knobs(), tmp_path / "out")
