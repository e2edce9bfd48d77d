"""What a model is refused for when it is opened, a hub that is not there, and what is written when one is saved."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sayso.errors import ModelError
from sayso.models import hub
from sayso.models import open as opening
from sayso.models.open import Opening, open_learner
from sayso.recipe import ModelPart

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened, saved


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["llama", "bert", "bart"])
def test_weights_that_are_not_finite_are_refused_and_the_tensor_named(tmp_path: Path, name: str, value: float) -> None:
    file = saved(name, tmp_path) / "model.safetensors"
    weights = load_file(file)
    broken = next(key for key in weights if "layers.0" in key or "layer.0" in key)
    weights[broken].view(-1)[-1] = value
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 of .* not finite") as caught:
        open_learner(ModelPart(name=str(tmp_path)), Opening())
    assert broken.rpartition("layer")[2] in caught.value.what
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize(
    "template", ["{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}", "{{ raise_exception('x') }}"]
)
def test_a_template_that_cannot_be_used_is_named_by_its_folder(tmp_path: Path, template: str) -> None:
    (saved("llama", tmp_path) / "chat_template.jinja").write_text(template)
    with pytest.raises(ModelError, match="chat template") as caught:
        open_learner(ModelPart(name=str(tmp_path)), Opening())
    assert caught.value.where == str(tmp_path)


def test_large_weights_in_half_precision_are_finite() -> None:
    layer = torch.nn.Linear(8, 8).half()
    layer.weight.data.fill_(60000.0)  # their sum is beyond float16
    opening._check_finite(layer, "here")


def test_a_hub_that_cannot_be_reached_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    hub.reachable.cache_clear()
    began = time.monotonic()
    with pytest.raises(ModelError, match="cannot read the model 'nobody/nothing'") as caught:
        open_learner(ModelPart(name="nobody/nothing"), Opening())
    hub.reachable.cache_clear()
    assert time.monotonic() - began < 5 + hub.SECONDS
    assert "connect" in caught.value.fix
    assert "etry" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_saved_weights_are_as_readable_as_the_umask_says(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        opened("llama").core.save(tmp_path)
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {mode}
