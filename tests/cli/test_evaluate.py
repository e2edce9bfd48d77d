"""Every stage is shown in the same metrics, and how the asked one compares is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.cli.evaluate import _print
from sayso.cli.project import Project
from sayso.recipe import Recipe
from sayso.records import Comparison, Score


@pytest.fixture
def project(tmp_path: Path) -> Project:
    rows = "".join(f'{{"text": "第{i}条", "label": "{"好" if i % 2 else "bad"}"}}\n' for i in range(10))
    (tmp_path / "rows.jsonl").write_text(rows, encoding="utf-8")
    sections = {"run": str(tmp_path / "run"), "data": {"train": {"path": str(tmp_path / "rows.jsonl")}}}
    made = Project.open(Recipe.model_validate(sections))
    for stage, value, n in (("train", 0.75, 40), ("base", 0.5, 40), ("linear", 0.6, 20)):
        scores = [
            Score("classify", "", "accuracy", value, interval=(value - 0.1, value + 0.1), n=n),
            Score("classify", "", "brier", value / 2, n=n),
        ]
        made.run.write_scores(stage, "test", [*scores, Score("classify", "one item", "accuracy", 1.0)])
    made.run.write_comparisons(
        [
            Comparison(
                unit, "test", before, "train", 0.5, 0.75, 0.25, (0.1, 0.4), 40, "better", f"{unit}, {before}: better."
            )
            for unit in ("accuracy", "brier")
            for before in ("linear", "base")
        ]
    )
    return made


def test_the_same_metrics_for_each_stage_and_the_verdict(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    _print(project, "train", as_json=False)
    title, head, accuracy, brier, *words = capsys.readouterr().out.splitlines()
    assert title.strip() == "test items, with 95 % intervals"
    assert head.split() == ["metric", "linear", "base", "train", "n"]
    assert accuracy.split("  ")[0] == "accuracy"
    for cell in ("60.0 % [50.0, 70.0]", "50.0 % [40.0, 60.0]", "75.0 % [65.0, 85.0]", "20 or 40"):
        assert cell in accuracy
    assert brier.split() == ["brier", "0.300", "0.250", "0.375", "20", "or", "40"]
    assert [line for line in words if line.strip()] == ["accuracy, linear: better.", "accuracy, base: better."]


def test_a_stage_that_was_not_compared_has_no_verdict(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    _print(project, "learn", as_json=False)
    out = capsys.readouterr().out
    assert "accuracy" in out
    assert "better" not in out
