"""What a training says goes into metrics.jsonl, and to a tracker where one is asked for."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso.cli import follow as following
from sayso.cli.follow import Past, follow
from sayso.errors import UnsupportedError
from sayso.learn.loop import Event, Notice, Step, Validation
from sayso.recipe import Recipe
from sayso.store.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "运行", Recipe())


def events() -> Iterator[Event]:
    yield Validation(0, {"accuracy": 0.5}, True)
    for step in (1, 2, 3):
        yield Step(step, 3, 1.0 / step, {"imitate": 1.0 / step}, 1e-3, 0.5, 10 * step, 99.5, 0.1 * step, 0.0)
    yield Notice("提前停止")
    yield Validation(3, {"accuracy": 0.75}, False)


def test_the_last_step_and_every_validation_are_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "LINES", 1)
    follow(events(), run, "learn", ())
    first, last, second = run.metrics()
    assert first == {"stage": "learn", "kind": "validation", "step": 0, "best": True, "accuracy": 0.5}
    mean = pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert (last["step"], last["loss"], last["imitate"], last["tokens"]) == (3, mean, mean, 30)
    assert (second["best"], second["accuracy"]) == (False, 0.75)
    assert "提前停止" in capsys.readouterr().err


def test_equal_runs_write_equal_lines_and_no_step_is_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LINES", 3)
    losses = [float(number) for number in range(1, 9)]  # 8 steps, 3 to a line
    parts = [{"prefer": loss} if loss < 3 else {"prefer": loss, "anchor": 2 * loss} for loss in losses]
    every = [Step(i + 1, 8, losses[i], parts[i], 1e-3, 0.5, 10, 9.5, 0.1, 0.0) for i in range(8)]
    follow(iter(every), run, "train", ())
    found = run.metrics()
    assert [(line["step"], line["loss"], line["prefer"]) for line in found] == [(3, 2, 2), (6, 5, 5), (8, 7.5, 7.5)]
    assert [line["anchor"] for line in found] == [6, 10, 15]


def test_what_was_done_before_a_fault_is_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LINES", 1)

    def broken() -> Iterator[Event]:
        yield from list(events())[:3]
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        follow(broken(), run, "train", ())
    assert [line["step"] for line in run.metrics()] == [0, 2]


def test_tensorboard_gets_the_same_figures(run: Run) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    follow(events(), run, "train", ("tensorboard",))
    board = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    losses = {event.step: event.value for event in board.Scalars("train/loss")}
    assert losses == pytest.approx({1: 1.0, 2: 0.5, 3: 1 / 3})
    assert [(e.step, e.value) for e in board.Scalars("train/validation/accuracy")] == [(0, 0.5), (3, 0.75)]


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_a_tracker_that_is_not_installed(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    real = builtins.__import__

    def without(module: str, *rest: Any) -> Any:
        if module in ("torch.utils.tensorboard", "trackio"):
            raise ImportError(module)
        return real(module, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedError, match=name) as caught:
        follow(events(), run, "train", (name,))
    assert "sayso[track]" in caught.value.fix


def test_trackio_gets_the_figures_and_is_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import SimpleNamespace

    logged: list[dict[str, float]] = []
    opened = SimpleNamespace(log=logged.append, finish=lambda: logged.append({"finished": 1}))
    monkeypatch.setitem(sys.modules, "trackio", SimpleNamespace(init=lambda **_: opened))
    follow(events(), run, "train", ("trackio",))
    assert logged[1]["train/loss"] == 1.0
    assert logged[1]["step"] == 1
    assert logged[-1] == {"finished": 1}


def test_rounds_are_counted_through(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LINES", 1)
    for number in (1, 2):
        follow(events(), run, "learn", (), Past.before(run, "learn", number))
    steps = [line for line in run.metrics() if line["kind"] == "step"]
    assert [(one["round"], one["step"], one["steps"], one["tokens"]) for one in steps] == [
        (1, 3, 3, 30),
        (2, 6, 6, 60),
    ]
    assert steps[1]["seconds"] == pytest.approx(0.6)
    checks = [(line["round"], line["step"]) for line in run.metrics() if line["kind"] == "validation"]
    assert checks == [(1, 0), (1, 3), (2, 3), (2, 6)]
    assert Past.before(run, "learn", 2) == Past(2, 3, 30, 0.3)
    assert Past.before(run, "train", 1) == Past(1)
