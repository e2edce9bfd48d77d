"""`sayso worlds` writes exercises of the kinds that are asked for, and says what it does not know."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
from journey import sayso


def test_a_mix_names_the_exercises_that_are_written(tmp_path: Path) -> None:
    ordered = sayso("worlds", "shop_desk", "--write", tmp_path, "--rows", "30", "--mix", "told=1", "--json").json
    assert [Path(file["file"]).name for file in ordered["files"]] == ["train.jsonl", "validation.jsonl"]
    rows = (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 30
    assert all('"role": "system"' in row for row in rows), "told rules stand in the system turn"


@pytest.mark.parametrize(
    ("mix", "what"),
    [
        ("copid=1", "did you mean 'copied'?"),
        ("copied", "the weight of 'copied' is ''"),
        ("copied=-1", "expected: a number from 0 on"),
        ("copied=0", "no exercise has a weight above 0"),
    ],
)
def test_a_mix_that_cannot_be_is_said_and_nothing_written(mix: str, what: str, tmp_path: Path) -> None:
    told = sayso("worlds", "--write", tmp_path / "new", "--rows", "5", "--mix", mix, code=2)
    assert what in told.err
    assert not (tmp_path / "new").exists()
