"""A run that is killed, or stopped with Ctrl-C, goes on where it was and ends with the very same weights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from journey import contents, sayso, sets

from sayso.store.runs import Run

# The command as it is, but that it sends itself a signal when a training has made so many steps.
SCRIPT = """
import os, sys
from sayso.learn import loop
number, at, stage = int(sys.argv.pop(1)), int(sys.argv.pop(1)), sys.argv.pop(1)
real = loop._Loop._step
def step(self):
    event = real(self)
    if event.step == at and self.training.folder is not None and self.training.folder.name == stage:
        os.kill(os.getpid(), number)
    return event
loop._Loop._step = step
from sayso.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str]]:
    """A Chinese project that ran without being stopped; its recipe and settings."""
    folder = tmp_path_factory.mktemp("whole")
    sayso("init", folder, "--task", "instructions", "--language", "zh", "--force")
    settings = sets(model__name=models / "llama", task__max_new_tokens=4, learn__method="imitate", evaluate__limit=4)
    sayso("run", folder / "recipe.yaml", *settings)
    return folder / "recipe.yaml", settings


@pytest.mark.parametrize(
    ("number", "at", "stage"), [(signal.SIGKILL, 3, "train"), (signal.SIGINT, 1, "learn")], ids=["kill", "ctrl-c"]
)
def test_a_stopped_run_ends_as_an_unstopped_one(
    whole: tuple[Path, list[str]], tmp_path: Path, number: int, at: int, stage: str
) -> None:
    recipe, settings = whole
    copy = tmp_path / "copy"
    shutil.copytree(recipe.parent, copy, ignore=shutil.ignore_patterns("run"))
    words = ["run", str(copy / "recipe.yaml"), *settings]
    command = [sys.executable, "-c", SCRIPT, str(number), str(at), stage, *words]
    stopped = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert "Traceback" not in stopped.stderr
    if number == signal.SIGINT:
        assert stopped.returncode == 130
        assert "run the same command again" in stopped.stderr
    else:
        assert stopped.returncode == -signal.SIGKILL
    run = Run.open(copy / "run")
    assert not run.weights(stage).exists()
    assert "resumed after step" in sayso(*words).err
    for each in ("train", "learn"):
        assert contents(run.weights(each)) == unplaced(
            contents(recipe.parent / "run" / "weights" / each), recipe, copy
        )
    lines = [(line["stage"], line["kind"], line["step"], line.get("loss")) for line in run.metrics()]
    uncut = [line for line in Run.open(recipe.parent / "run").metrics() if line["kind"] == "validation"]
    assert {(line["stage"], line["step"]) for line in uncut} <= {line[::2][:2] for line in lines}


def unplaced(files: dict[str, bytes], recipe: Path, copy: Path) -> dict[str, bytes]:
    """The same files had they been written by the copy: what was learnt remembers the folder that it came from."""
    return {name: body.replace(str(recipe.parent).encode(), str(copy).encode()) for name, body in files.items()}
