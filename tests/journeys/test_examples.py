"""Every script in examples/ runs as it stands, offline, and the flat loop does what it says."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OTHERS = sorted(path for path in EXAMPLES.glob("*.py") if path.stem != "flat_loop")


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
