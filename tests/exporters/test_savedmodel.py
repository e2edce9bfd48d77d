"""SavedModels: equal in plain TensorFlow, and refused where KerasHub was not seen to read a model rightly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sayso import engines
from sayso.agreement import check, make
from sayso.bundle import Card, Export, Replay
from sayso.errors import Fault, UnsupportedError
from sayso.exporters import savedmodel
from sayso.models.open import EMBEDDED, Opening, open_learner
from sayso.models.replay import replay_of, save_merged
from sayso.recipe import ModelPart
from sayso.records import Messages, user

KNOBS = savedmodel.Knobs()


@pytest.fixture
def engine() -> None:
    if engines.python("tensorflow") is None:
        pytest.skip("no environment with TensorFlow here: `sayso engines tensorflow` makes it")


def exported(model: str, pairs: list[tuple[Messages, str]], folder: Path, labels: tuple[str, ...] = ()) -> Export:
    learner = open_learner(ModelPart(name=model, device="cpu"), Opening(options=labels, seed=3))
    replay = replay_of(learner, pairs, [prompt for prompt, _ in pairs[:20]], room=8)
    folder.mkdir()
    save_merged(learner, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Export("tried", learner.kind, folder, config, labels, learner.core.max_length, replay, Card())


def of(config: dict[str, Any], kind: Any = "decoder") -> Export:
    """An Export that is only looked at."""
    none = Replay(kind, (), np.zeros((0, 1), np.float32), ())
    return Export("looked at", kind, Path(), config, (), 64, none, Card())


CARRIED = json.loads((EMBEDDED / "config.json").read_text(encoding="utf-8"))
LLAMA = CARRIED | {"model_type": "llama", "head_dim": 64, "mlp_bias": False}
BERT = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, "type_vocab_size": 2}
SCALED = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (LLAMA | {"rope_parameters": SCALED}, "rope_type: 'llama3'"),
        (LLAMA | {"head_dim": 32}, "head_dim: 32"),
        (CARRIED | {"attention_bias": True}, "attention_bias: True"),
        (CARRIED | {"use_sliding_window": True}, "use_sliding_window: True"),
        (CARRIED | {"model_type": "mistral"}, "'mistral'"),
        (CARRIED | {"model_type": "gpt_neo"}, "'gpt_neo'"),
    ],
)
def test_what_was_not_proven_is_refused_by_its_name(config: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words) as caught:
        check(of(config), savedmodel, "savedmodel", KNOBS)
    assert "not proven" in caught.value.what
    assert "onnx" in caught.value.fix


@pytest.mark.parametrize("wrong", [{"layer_norm_eps": 1e-5}, {"hidden_act": "relu"}, {"type_vocab_size": 4}])
def test_settings_of_bert_that_kerashub_never_looks_at(wrong: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=next(iter(wrong))):
        check(of(BERT | wrong, "encoder"), savedmodel, "savedmodel", KNOBS)


def test_an_encoder_decoder_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="cannot carry an encoder-decoder"):
        check(of({"model_type": "t5"}, "encoder_decoder"), savedmodel, "savedmodel", KNOBS)


def test_a_missing_environment_says_how_it_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAYSO_ENGINES", str(tmp_path))
    for export in (of(CARRIED), of(LLAMA), of(BERT, "encoder")):
        with pytest.raises(UnsupportedError) as caught:
            check(export, savedmodel, "savedmodel", KNOBS)
        assert "sayso engines tensorflow" in caught.value.fix


def test_a_classifier_with_its_head_agrees(engine: None, shared: Path, tmp_path: Path) -> None:
    lines = (shared / "data" / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[:32]
    labels = ("bad", "good", "neither")
    pairs = [(user(line.rpartition("\t")[0]), labels[int(line[-1])]) for line in lines]
    model = str(shared / "models" / "all-MiniLM-L6-v2")
    found = make(
        exported(model, pairs, tmp_path / "merged", labels), savedmodel, "savedmodel", KNOBS, tmp_path / "made"
    )
    assert (found.rows, found.engine, found.argmax) == (32, "TensorFlow", 1.0)
    assert found.difference < 1e-4  # with GELU approximated, as KerasHub's BERT has it, this is exceeded


def test_a_decoder_agrees_and_a_broken_weight_is_refused(engine: None, tmp_path: Path) -> None:
    pairs = [(user(f"where is my parcel {n}? 我的包裹在哪里？"), "We look for it.") for n in range(6)]
    export = exported(str(EMBEDDED), pairs, tmp_path / "merged")

    def broken(export: Export, folder: Path, knobs: savedmodel.Knobs) -> None:
        from safetensors.numpy import load_file, save_file

        other = tmp_path / "other"
        other.mkdir()
        for file in export.weights.iterdir():
            (other / file.name).write_bytes(file.read_bytes())
        tensors = load_file(other / "model.safetensors")
        tensors["model.layers.2.self_attn.v_proj.weight"] = -tensors["model.layers.2.self_attn.v_proj.weight"]
        save_file(tensors, other / "model.safetensors", {"format": "pt"})
        savedmodel.write(replace(export, weights=other), folder, knobs)

    names = ("Knobs", "KINDS", "check", "replay", "tolerance", "use")
    stand_in: Any = SimpleNamespace(**{name: getattr(savedmodel, name) for name in names}, write=broken)
    with pytest.raises(Fault, match="not the model that was trained"):
        make(export, stand_in, "savedmodel", KNOBS, tmp_path / "made")
    assert not (tmp_path / "made").exists()
    found = make(export, savedmodel, "savedmodel", KNOBS, tmp_path / "made")
    assert found.difference < 1e-4
    assert found.answers == 1.0
    assert (tmp_path / "made" / "saved_model.pb").is_file()
