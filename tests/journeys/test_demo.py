"""`sayso demo`: the carried project, from its first answers to the table of rules. Two steps stand for learning."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey import Told, sayso

from sayso.cli.demo import RECIPE
from sayso.store.imports import read_comments
from sayso.store.runs import Run

FEW = {
    "task.max_new_tokens": 8,
    "evaluate.resamples": 20,
    "model.dtype": "float32",
    "learn.strategy.steps": 2,
    "learn.strategy.validate_every": 2,
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told, Told]:
    """The run's folder, the screen of the first run, and a second one's JSON."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    settings = [word for key, value in FEW.items() for word in ("--set", f"{key}={value}")]
    return folder, sayso("demo", "--run", folder, *settings), sayso("demo", "--run", folder, *settings, "--json")


def test_the_screen_shows_comments_rules_and_what_comes_next(told: tuple[Path, Told, Told]) -> None:
    folder, screen, _ = told
    shown = " ".join(screen.out.split())
    comments = read_comments(RECIPE.parent / "comments.jsonl").feedback
    assert all(" ".join(one.comment.split()) in shown for one in comments)
    assert [f"{n}/5" in shown for n in range(1, 6)] == [True] * 5
    assert " left)" in shown
    assert all(one.scope.when in shown for one in comments if one.language != "zh" and one.scope.when.isascii())
    assert shown.count("customer ") >= 3
    assert "nats per token" in shown
    assert f"sayso serve {folder}" in shown
    assert (folder / "report.html").is_file()
    assert str(folder / "report.html") in shown
    assert "\x1b[" not in screen.out, "no colour where nobody looks"


def test_its_figures_are_those_of_the_run(told: tuple[Path, Told, Told]) -> None:
    folder, screen, second = told
    run, found = Run.open(folder), second.json
    assert found["gate"]["words"] in screen.out
    assert [row["comments"] for row in found["rules"]] == [4] * 6
    assert [(row["messages"], row["neighbours"]) for row in found["rules"]] == [(12, 6)] * 6
    heeded = [one for one in run.outcomes() if one.state.value == "heeded"]
    assert sum(row["heeded"] for row in found["rules"]) == len(heeded)
    for stage, side in (("base", "before"), ("learn", "after")):
        said = {answer.text for answer in run.answers(stage, "test")}
        assert {pair[side] for pair in found["answers"]} <= said
    for row in found["rules"]:
        cells = (f"{row['before']}/12 -> {row['after']}/12", f"{row['untouched']}/6", f"{row['heeded']}/4")
        assert f"{row['rule']} {' '.join(cells)}" in " ".join(screen.out.split()), "new messages first"
    assert len(found["answers"]) == 3
    assert found["drift"]["n"] == 36
    assert found["drift"]["nats"] >= 0
    assert 0 <= found["drift"]["same"] <= 36
    assert not run.weights("train").is_dir(), "the model learns from the comments alone"


def test_a_second_time_nothing_is_done_again(told: tuple[Path, Told, Told]) -> None:
    _, _, second = told
    assert "learn  1/2" not in second.err
