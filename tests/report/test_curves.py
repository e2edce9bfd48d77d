import math
from pathlib import Path

from sayso.recipe import Recipe
from sayso.report.contents import read
from sayso.report.curves import best_step, curves
from sayso.store.runs import Run


def started(folder: Path) -> Run:
    return Run.create(folder / "run", Recipe(name="训练"))


def test_no_metrics_no_curves(tmp_path: Path) -> None:
    assert curves(read(started(tmp_path))) == []


def test_each_stage_has_its_own_charts(tmp_path: Path) -> None:
    run = started(tmp_path)
    for stage in ("train", "learn"):
        for step in (1, 2, 3):
            run.add_metric({"stage": stage, "kind": "step", "step": step, "loss": 1 / step, "seconds": 40 * step})
            run.add_metric(
                {"stage": stage, "kind": "validation", "step": step, "accuracy": step / 4, "copy_rate": 0.1}
            )
    stages = curves(read(run))
    assert [stage.title for stage in stages] == ["Training", "Learning from the comments"]
    assert [chart.caption.split(",")[0] for chart in stages[0].charts] == ["Loss", "Accuracy"]
    assert stages[0].summary == "3 steps, 2 min 0 s."


def test_the_kept_step_is_the_last_best() -> None:
    checks = [{"step": 1, "best": True}, {"step": 2, "best": True}, {"step": 3, "best": False}]
    assert best_step(checks) == 2
    assert best_step([]) is None


def test_a_loss_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    run = started(tmp_path)
    for step, loss in enumerate((0.5, math.nan, "?", 0.25)):
        run.add_metric({"stage": "train", "kind": "step", "step": step, "loss": loss})
    svg = curves(read(run))[0].charts[0].svg
    assert "nan" not in svg.lower()
    assert svg.count("<title>") == 2


def test_parts_and_margin_are_drawn_where_there_are_any(tmp_path: Path) -> None:
    run = started(tmp_path)
    for step in (1, 2):
        line = {
            "stage": "learn",
            "kind": "step",
            "step": step,
            "loss": 1.0,
            "imitate": 0.4,
            "prefer": 0.6,
            "margin": 0.1,
        }
        run.add_metric(line)
    captions = [chart.caption for chart in curves(read(run))[0].charts]
    assert [caption.split(",")[0] for caption in captions] == [
        "Loss",
        "The loss in its parts",
        "Margin of chosen over rejected answers",
    ]
