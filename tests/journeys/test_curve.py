"""`sayso curve`: from growing shares to what more would bring, for rows and for comments, without the test items."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from journey import contents, sayso, sets

from sayso.store.runs import Run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str]]:
    """A Chinese project whose test file is gone: whoever reads it fails."""
    folder = tmp_path_factory.mktemp("curve")
    sayso("init", folder, "--task", "sentiment", "--language", "zh", "--force")
    return folder / "recipe.yaml", sets(model__name=models / "bert", learn__method="imitate")


def test_rows(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    hidden = recipe.parent / "test.jsonl"
    kept = hidden.read_text(encoding="utf-8")
    hidden.unlink()
    words = ["curve", recipe, *settings, "--amounts", "4", "--seeds", "2", "--target", "0.99"]
    found = sayso(*words, "--json").json
    assert [row["amount"] for row in found["amounts"]] == [5, 10, 20, 40]
    assert all(len(row["values"]) == 2 for row in found["amounts"])
    low, high = found["all"]["interval"]
    assert low <= found["all"]["value"] <= high
    assert found["twice"]["interval"][0] <= found["twice"]["value"] <= found["twice"]["interval"][1]
    folder = recipe.parent / "run-curve" / "train"
    for seed in (0, 1):
        texts = [{str(one) for one in Run(folder / f"{n}-rows-seed-{seed}").lessons("train")} for n in (5, 10, 20, 40)]
        assert [len(one) for one in texts] == [5, 10, 20, 40]
        assert texts[0] < texts[1] < texts[2] < texts[3], "smaller amounts are part of larger ones"
    assert not list(folder.glob("*/checkpoints")), "what is large is not kept"
    page = Path(found["page"]).read_text(encoding="utf-8")
    assert all(sentence.replace("'", "&#39;") in page for sentence in found["words"])
    assert "http" not in page.replace("http-equiv", "")
    assert json.loads((folder / "curve.json").read_text(encoding="utf-8"))["law"] == found["law"]
    before = contents(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sayso.models.open.open_learner", None)
        told = sayso(*words)
    assert contents(folder) == before, "nothing is trained twice"
    assert "With all 40 rows one training reaches accuracy" in told.out
    hidden.write_text(kept, encoding="utf-8")


def test_comments(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    missing = sayso("curve", recipe, *settings, "--stage", "learn", code=2)
    assert "no comments to learn from yet" in missing.err
    more = recipe.parent / "more.jsonl"
    rows = [
        {"prompt": f"第{n}家店不错。", "attempt": "负面", "comment": "这是好评。", "revision": "正面"}
        for n in range(16)
    ]
    more.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    sayso("comment", recipe, *settings, "--add", more)
    states = {one.feedback: one.state for one in Run.open(recipe.parent / "run").outcomes()}
    words = ["curve", recipe, *settings, "--stage", "learn", "--amounts", "4", "--seeds", "2", "--json"]
    found = sayso(*words).json
    assert found["noun"] == "comments"
    amounts = [row["amount"] for row in found["amounts"]]
    assert amounts == sorted(set(amounts))
    assert amounts[-1] == found["total"]
    assert found["more"]["comments"] == 50
    assert any(words.startswith("50 more comments would bring") for words in found["words"])
    assert {one.feedback: one.state for one in Run.open(recipe.parent / "run").outcomes()} == states


def test_what_makes_no_curve_is_said(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    assert "at least 4 amounts and 2 seeds" in sayso("curve", recipe, *settings, "--seeds", "1", code=2).err
    assert "a share above 0" in sayso("curve", recipe, *settings, "--up-to", "1.5", code=2).err
    assert "did you mean 'learn'" in sayso("curve", recipe, *settings, "--stage", "lern", code=2).err
    few = sayso("curve", recipe, *settings, "--up-to", "0.05", code=2)
    assert "give only" in few.err
