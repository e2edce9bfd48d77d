"""Every script in examples/ runs as it stands, offline, and the flat loop does what it says."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.records import user
from sayso.store.imports import Comments, read_comments

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OTHERS = sorted(path for path in EXAMPLES.glob("*.py") if path.stem not in ("flat_loop", "spans_to_comments"))


@pytest.fixture(scope="module")
def flat_loop() -> Iterator[dict[str, Any]]:
    with torch.random.fork_rng():
        yield runpy.run_path(str(EXAMPLES / "flat_loop.py"), run_name="__main__")


def test_the_flat_loop_learns_every_answer_in_both_languages(flat_loop: dict[str, Any]) -> None:
    assert all(now > was + 10 for was, now in zip(flat_loop["before"], flat_loop["after"], strict=True))
    assert flat_loop["answers"] == [answer for _, answer, _ in flat_loop["LESSONS"]]


def test_the_flat_loop_teaches_the_answer_with_its_end_and_nothing_else(flat_loop: dict[str, Any]) -> None:
    ids, weights = flat_loop["row"]("可以退货吗？", "可以。", 0.5)
    taught = [token for token, weight in zip(ids, weights, strict=True) if weight]
    assert bytes(taught[:-1]).decode() == "可以。"
    assert taught[-1] == flat_loop["END"]
    assert set(weights) == {0.0, 0.5}


def test_in_the_flat_loop_padding_changes_nothing(flat_loop: dict[str, Any]) -> None:
    with torch.no_grad():
        together = flat_loop["loss_sum"](flat_loop["scored"]).item()
    assert together == pytest.approx(-sum(flat_loop["after"]), rel=1e-4)


@pytest.mark.parametrize("script", OTHERS, ids=lambda path: path.stem)
def test_a_script_runs(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES.parent / "tests" / "models"))
    from tiny import saved

    monkeypatch.setattr("sys.argv", [str(script), str(saved("bert", tmp_path / "bert"))])
    with torch.random.fork_rng():
        runpy.run_path(str(script), run_name="__main__")


def converted(rows: list[dict[str, str]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Comments:
    """What the script makes of translations with a marked error, read as comments."""
    given, made = folder / "given.jsonl", folder / "comments.jsonl"
    given.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["spans_to_comments.py", str(given), str(made)])
    runpy.run_path(str(EXAMPLES / "spans_to_comments.py"), run_name="__main__")
    return read_comments(made)


def test_translations_with_a_marked_error_become_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "source": "高铁",
        "target": "<v>Home of</v> rail",
        "reference": "HSR",
        "category": "Accuracy/Mistranslation",
    }
    whole = row | {"severity": "major", "score": "-5.0"}
    others = [whole | {"score": score} for score in ("-15.0", "None")]
    found = converted([whole, *others, whole | {"severity": "minor", "score": "-0.1"}], tmp_path, monkeypatch)
    assert found.refused == []
    first, last = found.feedback
    assert (first.prompt, first.attempt.text, first.revision) == (user("高铁"), "Home of rail", "HSR")
    assert [(s.start, s.end, s.label, s.severity) for s in first.spans] == [(0, 7, "Accuracy/Mistranslation", "major")]
    assert "Home of" in first.comment
    assert last.spans[0].severity == "minor"


@pytest.mark.parametrize("name", ["zhen", "ende"])
def test_real_translations_become_comments(
    name: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (shared / f"data/mt_feedback/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    found = converted([json.loads(line) for line in lines if line.strip()], tmp_path, monkeypatch)
    assert found.refused == []
    assert len(found.feedback) > 300
    assert all("<v>" not in one.attempt.text and one.spans[0].end > one.spans[0].start for one in found.feedback)
