from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ready import TEXTS, ready, spoilt

from sayso import engines
from sayso.agreement import make
from sayso.errors import Fault, UnsupportedError
from sayso.exporters import gguf

ENGINE = pytest.mark.skipif(
    engines.python("llamacpp") is None, reason="needs llama.cpp: `sayso engines llamacpp` makes its environment"
)
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}


@pytest.fixture
def no_engine_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "check", lambda name: Path(name))


@ENGINE
@pytest.mark.parametrize("name", ["llama", "mistral", "qwen2", "qwen3"])
def test_llama_cpp_answers_as_the_model_does(tmp_path: Path, name: str) -> None:
    export = ready(name, tmp_path, change=lambda folder: configure(folder, sliding_window=None))
    found = make(export, gguf, "gguf", gguf.Knobs("f32"), tmp_path / "out")
    assert found.difference < 1e-4
    assert found.answers == 1.0
    assert found.engine == "llama.cpp"


@ENGINE
def test_llama_3_positions_come_out_right(tmp_path: Path) -> None:
    export = ready("llama", tmp_path, change=lambda folder: configure(folder, rope_parameters=LLAMA3))
    assert export.config["rope_parameters"]["rope_type"] == "llama3"
    assert make(export, gguf, "gguf", gguf.Knobs("f32"), tmp_path / "out").difference < 1e-4
    plain = replace(export, config=export.config | {"rope_parameters": {"rope_theta": 10000.0}})
    with pytest.raises(Fault, match="not the model that was trained"):
        make(plain, gguf, "gguf", gguf.Knobs("f32"), tmp_path / "out")


@ENGINE
def test_less_precision_is_smaller_and_within_its_own_tolerance(tmp_path: Path) -> None:
    export = ready("qwen3", tmp_path)
    made = [make(export, gguf, "gguf", gguf.Knobs(p), tmp_path / p) for p in ("f32", "f16", "q8_0")]
    assert made[0].size > 1.3 * made[1].size > 1.3 * made[2].size
    assert made[0].difference < made[1].difference < made[2].difference


@ENGINE
@pytest.mark.parametrize("part", ["q_proj", "down_proj", "embed"])
def test_a_spoilt_weight_is_refused(tmp_path: Path, part: str) -> None:
    export = ready("llama", tmp_path)
    spoilt(export.weights / "model.safetensors", part)
    with pytest.raises(Fault, match="not the model that was trained"):
        make(export, gguf, "gguf", gguf.Knobs("f16"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@ENGINE
def test_a_tokenizer_that_llama_cpp_reads_otherwise_is_refused(tmp_path: Path) -> None:
    export = ready("llama", tmp_path)
    path = export.weights / "tokenizer.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["model"]["merges"] = plain["model"]["merges"][::-1]
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(Fault, match=r"llama\.cpp cuts a prompt into other tokens"):
        make(export, gguf, "gguf", gguf.Knobs(), tmp_path / "out")


def test_the_file_holds_every_token_the_template_and_the_ends(tmp_path: Path, no_engine_needed: None) -> None:
    from gguf import GGUFReader

    export = ready("qwen3", tmp_path)
    (tmp_path / "out").mkdir()
    gguf.write(export, tmp_path / "out", gguf.Knobs("f16"))
    fields = GGUFReader(tmp_path / "out" / "model.gguf").fields
    vocabulary = json.loads((export.weights / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    tokens = fields["tokenizer.ggml.tokens"].contents()
    assert all(tokens[place] == text for text, place in vocabulary.items())
    assert len(tokens) == export.config["vocab_size"]
    kinds = fields["tokenizer.ggml.token_type"].contents()
    assert [kinds[vocabulary[text]] for text in ("<s>", "</s>", "<|user|>", "a")] == [3, 3, 3, 1]
    assert fields["tokenizer.ggml.eos_token_id"].contents() == vocabulary["</s>"]
    template = (export.weights / "chat_template.jinja").read_text(encoding="utf-8")
    assert fields["tokenizer.chat_template"].contents() == template
    modelfile = (tmp_path / "out" / "Modelfile").read_text(encoding="utf-8")
    assert 'PARAMETER stop "</s>"' in modelfile
    assert '{{ if eq .Role "system" }}' not in modelfile or "<|system|>" in modelfile
    assert modelfile.startswith("FROM ./model.gguf\n")


@pytest.mark.parametrize("name", ["gpt2", "gemma", "phi"])
def test_an_architecture_that_was_not_proven_is_refused_with_the_list(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedError, match="is not proven to come out right as GGUF") as caught:
        make(ready(name, tmp_path), gguf, "gguf", gguf.Knobs(), tmp_path / "out")
    assert caught.value.expected == "llama, mistral, qwen2, qwen3"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"hidden_act": "gelu"}, "hidden_act: 'gelu'"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "positions of the type 'yarn'"),
        ({"attention_bias": True}, "attention_bias"),
    ],
)
def test_a_setting_that_was_not_proven_is_refused(
    tmp_path: Path, no_engine_needed: None, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedError, match=words):
        make(ready("llama", tmp_path, config=changed), gguf, "gguf", gguf.Knobs(), tmp_path / "out")


def test_without_the_engine_nothing_is_handed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_ENGINES", str(tmp_path / "nowhere"))
    with pytest.raises(UnsupportedError, match="'llamacpp' is not installed") as caught:
        make(ready("llama", tmp_path), gguf, "gguf", gguf.Knobs(), tmp_path / "out")
    assert caught.value.fix == "`sayso engines llamacpp` makes its environment"


def test_heads_are_turned_as_llama_cpp_turns_them() -> None:
    export: Any = type("E", (), {"architecture": "llama", "config": {"head_dim": 4}})()
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert gguf._turned("x.q_proj.weight", rows, export)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert gguf._turned("x.v_proj.weight", rows, export)[:, 0].tolist() == rows[:, 0].tolist()
    assert len(TEXTS) == 36


def configure(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | settings
    path.write_text(json.dumps(config), encoding="utf-8")
