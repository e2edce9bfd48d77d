"""Plain text first, from nothing, then the same weights for labels: for all three kinds of learner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from journey import sayso, sets

from sayso.records import Example
from sayso.store.runs import Run

SENTENCES = [
    "今天天气很好，我们去公园散步。",
    "the cat sat on the mat and said hello",
    "这家店的东西太差了。",
    "a good film",
]
SMALL = {
    "encoder": "{model_type: bert, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,"
    " intermediate_size: 32, max_position_embeddings: 32}",
    "decoder": "{model_type: llama, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,"
    " num_key_value_heads: 2, intermediate_size: 32, max_position_embeddings: 64}",
    "encoder_decoder": "{model_type: t5, d_model: 16, d_kv: 8, d_ff: 32, num_layers: 1, num_decoder_layers: 1,"
    " num_heads: 2}",
}


def _project(folder: Path, task: str, model: str, rows: list[dict[str, str]]) -> Path:
    folder.mkdir()
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"name: {task}\nrun: run\ntask: {{name: {task}}}\nmodel: {model}\n"
        "data: {train: {path: train.jsonl}, validation_share: 0.2, test_share: 0.2}\n",
        encoding="utf-8",
    )
    return recipe


@pytest.mark.parametrize("kind", SMALL)
def test_pretrained_here_then_taught_labels(tmp_path: Path, kind: str) -> None:
    rows = [{"text": f"{i} {SENTENCES[i % 4]}" * (9 if i == 2 else 1)} for i in range(24)]
    recipe = _project(tmp_path / "预训练", "text", f"{{scratch: {SMALL[kind]}, vocabulary: 300}}", rows)
    settings = sets(
        model__max_length=32, strategy__steps=24, strategy__validate_every=12, strategy__learning_rate=0.01
    )
    result = sayso("run", recipe, *settings, "--json").json["figures"]
    assert result["train"]["log_likelihood"] > result["base"]["log_likelihood"]
    run = Run.open(recipe.parent / "run")
    (compared,) = [c for c in run.comparisons() if c.split == "test" and c.unit == "log_likelihood"]
    assert (compared.before_stage, compared.after_stage) == ("base", "train")
    labels = [{"text": f"{i} {SENTENCES[i % 2 * 2]}", "label": ("好", "坏")[i % 2]} for i in range(20)]
    (run.weights("train") / "README.md").write_text("---\nlicense: CC-BY-4.0\n---\n")
    second = _project(tmp_path / "分类", "classify", f"{{name: {run.weights('train')}}}", labels)
    told = sayso("run", second, *sets(), "--json").json["figures"]
    assert set(told) == {"base", "train"}
    note = Run.open(second.parent / "run").note("model")
    assert note is not None
    assert (note["kind"], note["licence"]) == (kind, "cc-by-4.0")
    assert "license: cc-by-4.0" in (second.parent / "run" / "README.md").read_text("utf-8")


def test_a_text_longer_than_the_window_counts_whole(tmp_path: Path) -> None:
    from sayso.cli.run import opened
    from sayso.cli.scoring import answers_of

    recipe = _project(
        tmp_path / "长",
        "text",
        f"{{scratch: {SMALL['decoder']}, vocabulary: 300}}",
        [{"text": s} for s in SENTENCES * 3],
    )
    project = opened(recipe, ["model.max_length=64", "model.dtype=float32", "threads=1"])
    learner = project.learner("base")
    long, short = Example("长", (), "".join(SENTENCES) * 6), Example("短", (), SENTENCES[0])
    found = {one.item: one for one in answers_of(project, learner, [long, short], "base")}
    whole = len(learner.core.tokenizer(long.target, add_special_tokens=False)["input_ids"])
    assert found["长"].tokens >= whole > 64
    assert 0 < found["长"].probabilities["per_token"] < 1
    assert found["短"].tokens < 64
