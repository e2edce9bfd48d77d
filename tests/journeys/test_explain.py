"""From a run to the reasons of its answers, in each kind of model: words, attention, comments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from journey import contents, sayso, sets

TEXTS = ("画面很美，演员也好。", "the food was bad and cold")
LABELS = ("好评", "差评")


@pytest.fixture
def classified(tmp_path: Path, models: Path) -> Path:
    """A run of an encoder that was trained and has learnt from two comments."""
    rows = [{"text": f"{i} {TEXTS[i % 2]}", "label": LABELS[i % 2]} for i in range(12)]
    comments = [
        {
            "prompt": f"{i} {TEXTS[i % 2]}!",
            "attempt": LABELS[1 - i % 2],
            "revision": LABELS[i % 2],
            "comment": f"第{i}条错了",
        }
        for i in range(2)
    ]
    for name, body in (("train", rows), ("test", rows[:4]), ("comments", comments)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in body)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: 为什么\nrun: run\ntask: {{name: classify}}\nmodel: {{name: {models / 'bert'}}}\n"
        "data:\n  train: {path: train.jsonl}\n  test: {path: test.jsonl}\n  validation_share: 0.3\n"
        "feedback: {files: [comments.jsonl], held_out: 0}\nlearn: {method: imitate}\n",
        encoding="utf-8",
    )
    sayso("run", recipe, *sets())
    return tmp_path / "run"


def test_a_label_its_words_and_the_comments_behind_it(classified: Path, tmp_path: Path) -> None:
    before = contents(classified)
    page = tmp_path / "why.html"
    told = sayso("explain", classified, "--row", 2, "--stage", "learn", "--without", 2, "--html", page, "--json").json
    (one,) = told["items"]
    assert one["stage"] == "learn"
    assert {one["moved"]["answer"], one["moved"]["against"]} == set(LABELS)
    words = one["moved"]["words"]
    assert [word["text"] for word in words if word.get("said", True)] == ["1", *TEXTS[1].split()]
    moved = one["moved"]["whole"] - one["moved"]["bare"]
    assert sum(word.get("value", 0.0) for word in words) == pytest.approx(moved + one["moved"]["gap"], abs=1e-4)
    assert [grid["name"] for grid in one["attention"]] == ["attention"]
    blamed = one["cause"]["blamed"]
    assert {comment["comment"] for comment in blamed} == {"第0条错了", "第1条错了"}
    assert all(isinstance(comment["effect"], float) for comment in blamed)
    assert one["cause"]["noise"] >= 0
    assert "第0条错了" in page.read_text(encoding="utf-8")
    assert contents(classified) == before


def test_why_not_the_other_label(classified: Path) -> None:
    ask = ("explain", classified, "--text", "很美 but cold", "--no-comments", "--json")
    first, other = (sayso(*ask, "--answer", label).json["items"][0]["moved"] for label in LABELS)
    assert (first["answer"], first["against"]) == (other["against"], other["answer"])
    assert first["whole"] == pytest.approx(-other["whole"], abs=1e-5)
    told = sayso(*ask[:-1])
    assert "Words that moved it" in told.out
    assert "comment" not in told.out


def test_a_whole_split_has_a_summary(classified: Path, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    told = sayso("explain", classified, "--split", "test", "--limit", 3, "--html", page, "--json").json
    assert told["overall"]["n"] == len(told["items"]) == 3
    assert all("attention" not in item and "cause" not in item for item in told["items"])
    assert "All together" in page.read_text(encoding="utf-8")
    assert "of 3 explanations add up" in sayso("explain", classified, "--split", "test", "--limit", 3).out


def test_what_cannot_be_explained_says_why(classified: Path) -> None:
    def error(*words: str | Path | int) -> str:
        return " ".join(sayso("explain", *map(str, words), "--json", code=2).json.values())

    assert "there is no item 9" in error(classified, "--row", 9)
    assert "1 to 4" in error(classified, "--row", 9)
    assert "'好评'" in error(classified, "--answer", "好平")
    assert "there is no layer 7" in error(classified, "--layer", 7, "--no-comments")
    assert "did you mean 'learn'" in error(classified, "--stage", "lern")
    assert "no split" in error(classified, "--split", "tset")


@pytest.mark.parametrize("model", ["llama", "bart"])
def test_an_answer_in_words_and_what_it_used(tmp_path: Path, models: Path, model: str) -> None:
    rows = [{"prompt": f"the cat {i}", "target": "好 dog"} for i in range(6)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "train.jsonl").write_text(text, encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: words\nrun: run\ntask: {{name: generate}}\nmodel: {{name: {models / model}}}\n"
        "data: {train: {path: train.jsonl}, test: {path: train.jsonl}}\n",
        encoding="utf-8",
    )
    sayso("evaluate", recipe, *sets(), "--stage", "base")
    ask = ("explain", tmp_path / "run", "--text", "a cat 好", "--answer", "好 dog", "--layer", 1, "--head", 2)
    (one,) = sayso(*ask, "--json").json["items"]
    assert one["sources"]["columns"] == ["a", "cat", "好"]
    assert one["sources"]["rows"][:2] == ["好", "dog"]
    names = [grid["name"] for grid in one["attention"]]
    assert names == ["attention"] if model == "llama" else "attention from the answer to the source" in names
    assert all((grid["layer"], grid["head"]) == (1, 2) for grid in one["attention"])
    assert "What each word of the answer used most" in sayso(*ask).out
    refused = sayso("explain", tmp_path / "run", "--without", 1, "--answer", "好", "--json", code=2).json
    assert "no comment has changed this run's weights" in refused["what"]
