"""Learning in rounds: each writes its lessons anew, a stopped one goes on, a collapse ends it and is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from journey import contents, sayso, sets
from test_stopping import SCRIPT, unplaced

from sayso.evaluate import alarm
from sayso.store.runs import Run


def settings(models: Path, method: str, **changes: Any) -> list[str]:
    own = {"model__name": models / "llama", "task__max_new_tokens": 4, "evaluate__limit": 4, "learn__method": method}
    return sets(**own, **changes)


def begun(folder: Path, language: str = "zh") -> Path:
    sayso("init", folder, "--task", "instructions", "--language", language, "--force")
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str], str]:
    """A Chinese project that drew and taught in three rounds without being stopped."""
    recipe = begun(tmp_path_factory.mktemp("rounds"))
    words = settings(models, "distil", learn__knobs__rollouts=2, learn__rounds=3)
    return recipe, words, sayso("run", recipe, *words).err


def test_every_round_draws_anew_and_is_told(whole: tuple[Path, list[str], str]) -> None:
    recipe, words, told = whole
    run = Run.open(recipe.parent / "run")
    note = run.note("rounds")
    assert note is not None
    assert (note["of"], [one["round"] for one in note["rounds"]]) == (3, [1, 2, 3])
    assert sum(one["lessons"] for one in note["rounds"]) == len(run.lessons("learn"))
    assert all({"watched_length", "watched_entropy", "drift"} <= set(one["watched"]) for one in note["rounds"])
    assert "round 2 of 3" in told
    metrics = [one for one in run.metrics() if one["stage"] == "learn"]
    assert {one["round"] for one in metrics} == {1, 2, 3}
    assert [one["step"] for one in metrics if one["kind"] == "step"] == sorted(
        {one["step"] for one in metrics if one["kind"] == "step"}
    )
    first = next(one for one in metrics if one["kind"] == "validation")
    assert (first["watched_length"], first["drift"]) == (1.0, pytest.approx(0.0, abs=1e-5))
    by_round = iter(run.lessons("learn"))
    drawn = [{str(next(by_round)) for _ in range(one["lessons"])} for one in note["rounds"]]
    assert drawn[0] != drawn[1]
    assert not list(run.checkpoints("learn").glob("round-*"))
    before = contents(run.folder)
    sayso("run", recipe, *words)
    assert contents(run.folder) == before


def test_a_learning_may_end_with_its_last_weights(models: Path, tmp_path: Path) -> None:
    kept = {}
    for keep in ("best", "last"):
        recipe = begun(tmp_path / keep)
        words = settings(models, "imitate", learn__rounds=2, learn__strategy__keep=keep, strategy__steps=2)
        sayso("run", recipe, *words)
        kept[keep] = "kept" in (Run.open(recipe.parent / "run").note("rounds") or {})
    assert kept == {"best": True, "last": False}


def test_a_round_that_is_stopped_goes_on_and_the_ones_before_are_not_repeated(
    whole: tuple[Path, list[str], str], tmp_path: Path
) -> None:
    recipe, settings_, _ = whole
    copy = tmp_path / "copy"
    shutil.copytree(recipe.parent, copy, ignore=shutil.ignore_patterns("run"))
    words = ["run", str(copy / "recipe.yaml"), *settings_]
    command = [sys.executable, "-c", SCRIPT, str(int(signal.SIGINT)), "1", "round-2", *words]
    stopped = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert stopped.returncode == 130, stopped.stderr[-2000:]
    learn = Run.open(copy / "run").checkpoints("learn")
    assert sorted(path.name for path in learn.iterdir()) == ["round-1", "round-2"]
    drawn = json.loads((learn / "round-2" / "syllabus.json").read_text())["lessons"]
    told = sayso(*words).err
    assert "resumed after step 1" in told
    assert "round 1 of 3" not in told
    assert "round 3 of 3" in told
    run, uncut = Run.open(copy / "run"), Run.open(recipe.parent / "run")
    assert run.lessons("learn") == uncut.lessons("learn")
    assert len(drawn) == (uncut.note("rounds") or {})["rounds"][1]["lessons"]
    assert contents(run.weights("learn")) == unplaced(contents(uncut.weights("learn")), recipe, copy)
    assert [one["round"] for one in (run.note("rounds") or {})["rounds"]] == [1, 2, 3]


def test_a_collapse_stops_it_keeps_the_best_weights_and_says_so(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = begun(tmp_path, "en")
    words = settings(models, "imitate", learn__rounds=2, learn__strategy__learning_rate=0.01)
    calm = alarm.collapse
    monkeypatch.setattr(
        alarm, "collapse", lambda start, now, asked: "answers have shrunk" if now.drift else calm(start, now, asked)
    )
    told = sayso("run", recipe, *words)
    assert "answers have shrunk; the weights that were best before are kept" in told.err
    run = Run.open(tmp_path / "run")
    note = run.note("rounds")
    assert note is not None
    assert [(one["round"], one["halted"]) for one in note["rounds"]] == [(1, "answers have shrunk")]
    assert "answers have shrunk" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert run.answers("learn", "validation") == run.answers("train", "validation")


def test_without_validation_a_collapse_undoes_the_round(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sayso.cli import watch

    recipe = begun(tmp_path)
    words = settings(models, "imitate", learn__strategy__learning_rate=0.01)
    monkeypatch.setattr(watch, "validation", lambda *_: (None, "chrf"))
    sayso("run", recipe, *words)
    learnt = contents(Run.open(tmp_path / "run").weights("learn"))
    assert learnt["model.safetensors"] != contents(Run.open(tmp_path / "run").weights("train"))["model.safetensors"]
    monkeypatch.setattr(alarm, "collapse", lambda *_: "answers repeat themselves")
    told = sayso("run", recipe, *words, "--set", "learn.replay=2")
    assert "undone: answers repeat themselves" in told.err
    run = Run.open(tmp_path / "run")
    weights = [contents(run.weights(stage))["model.safetensors"] for stage in ("train", "learn")]
    assert weights[0] == weights[1]
