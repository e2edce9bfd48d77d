"""The model card, read as the hub reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sayso.recipe import LearnPart, Recipe
from sayso.records import Attempt, Feedback, Score, user
from sayso.report import card
from sayso.report.contents import read
from sayso.store.runs import Run

KINDS = ("comments", "translation", "emotions", "minimal")


def front(run: Run) -> dict[str, object]:
    text = card.write(run).read_text(encoding="utf-8")
    assert text.startswith("---\n")
    return dict(yaml.safe_load(text.split("---\n")[1]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_hub_can_read_it(kind: str, run_of: Callable[[str], Run]) -> None:
    cards = pytest.importorskip("huggingface_hub").ModelCard
    loaded = cards.load(card.write(run_of(kind)))
    assert loaded.data.tags[0] == "sayso"
    assert loaded.data.library_name == "transformers"
    assert "## Limits" in loaded.text


def test_figures_carry_interval_and_count(run_of: Callable[[str], Run]) -> None:
    run = run_of("comments")
    (model,) = front(run)["model-index"]  # type: ignore[misc]
    found = {m["name"]: m for m in model["results"][0]["metrics"]}
    score = next(s for stage, split, s in run.scores() if (stage, split, s.unit) == ("learn", "test", "accuracy"))
    assert found["Accuracy"]["value"] == pytest.approx(score.value, abs=1e-4)
    assert found["Accuracy"]["args"]["interval_95"] == pytest.approx(score.interval, abs=1e-4)
    assert found["Accuracy"]["args"]["n"] == score.n
    assert model["results"][0]["dataset"]["split"] == "test"


def test_languages_and_kind(run_of: Callable[[str], Run]) -> None:
    matter = front(run_of("comments"))
    assert matter["language"] == ["zh", "en"]
    assert matter["pipeline_tag"] == "text-classification"
    assert "language-feedback" in matter["tags"]  # type: ignore[operator]
    assert front(run_of("translation"))["pipeline_tag"] == "translation"


def test_a_base_on_the_hub_is_linked_a_local_one_is_not(run_of: Callable[[str], Run], tmp_path: Path) -> None:
    assert front(run_of("emotions"))["base_model"] == "org/encoder-22m"
    local = Run.create(tmp_path / "local", Recipe.model_validate({"model": {"name": "/home/me/models/chinese-small"}}))
    local.write_note("model", {"name": "/home/me/models/chinese-small", "licence": "Apache-2.0"})
    matter = front(local)
    assert matter["license"] == "apache-2.0"
    text = card.write(local).read_text(encoding="utf-8")
    assert "/home/me" not in text
    assert "chinese-small" in text


def test_from_scratch_has_no_base(run_of: Callable[[str], Run]) -> None:
    run = run_of("translation")
    assert "base_model" not in front(run)
    assert "Trained from scratch" in card.render(read(run))


def test_limits_are_taken_from_the_run(run_of: Callable[[str], Run]) -> None:
    said = " ".join(card.limits(read(run_of("comments"))))
    for expected in (
        "240 test items",
        "zh, en",
        "Weakest labels: negative",
        "got worse",
        "6 comments were not heeded",
    ):
        assert expected in said
    assert "licence" in said


def test_comments_stand_there_in_words(run_of: Callable[[str], Run]) -> None:
    text = card.render(read(run_of("comments")))
    assert "这是反话" in text
    assert "; not heeded)" in text


def test_words_of_others_cannot_break_out(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe.model_validate({"name": "# ![x](evil)"}))
    evil = "<script>alert(1)</script>\n\n# 标题\n| a | [link](http://e.vil) `x`"
    run.write_feedback([Feedback(user("好"), Attempt("坏"), evil)])
    run.add_facts({"command": "sayso run x\n```\n<script>"})
    run.write_scores("base", "test", [Score("classify", "", "accuracy", 0.5)])
    text = card.render(read(run))
    body = re.sub(r"```.*?```", "", text.split("---\n", 2)[2], flags=re.S)
    assert "<script>" not in body
    assert "](" not in body.replace("\\]", "")
    assert text.count("```") % 2 == 0
    assert [line for line in body.splitlines() if line.startswith("# ")] == [f"# {card.markdown(run.recipe().name)}"]


@pytest.mark.parametrize(
    ("kind", "task", "adapter", "expected"),
    [
        ("encoder", "classify", False, 'pipeline("text-classification", model="weights/train"'),
        ("encoder_decoder", "translate", False, "AutoModelForSeq2SeqLM"),
        ("decoder", "generate", False, "apply_chat_template"),
        ("encoder", "text", False, "fill-mask"),
        ("decoder", "generate", True, "AutoPeftModelForCausalLM"),
        ("encoder", "classify", True, "AutoPeftModelForSequenceClassification"),
    ],
)
def test_how_to_use_it(tmp_path: Path, kind: str, task: str, adapter: bool, expected: str) -> None:
    run = Run.create(tmp_path / "run", Recipe.model_validate({"task": {"name": task}}))
    run.write_note("model", {"kind": kind, "name": "org/base"})
    run.weights("train").mkdir(parents=True)
    if adapter:
        (run.weights("train") / "adapter_config.json").write_text("{}", encoding="utf-8")
    text = card.render(read(run))
    assert expected in text
    code = text.split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert front(run)["library_name"] == ("peft" if adapter else "transformers")


def test_words_that_the_model_needs_are_told(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe(learn=LearnPart(method="prompt")))
    run.write_note("standing", {"zh": "请给出好的回答。", "en": "- one\n- two ```"})
    assert "请给出好的回答。" not in card.render(read(run)), "nothing was learnt"
    run.weights("learn").mkdir(parents=True)
    told = card.render(read(run))
    assert "What was learnt from comments are these words (zh), not weights" in told
    assert "```text\n- one\n- two '''\n```" in told
    assert "prompt" in front(run)["tags"]
    (run.folder / "lessons.learn.jsonl").write_text(
        '{"kind": "imitate", "context": [{"role": "user", "text": "好"}], "target": "好"}\n', encoding="utf-8"
    )
    told = card.render(read(run))
    assert "It was taught with these words in every prompt (zh), and needs them" in told
    assert "```text\n请给出好的回答。\n```" in told
