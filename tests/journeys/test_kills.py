"""Servers and learners are killed at random moments: what was acknowledged is there, and a whole version answers.

A small round of benchmarks/serve_faults.py, which kills fifty times.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from journey import sayso, sets

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "serve_faults.py"


def test_five_kills_lose_nothing_that_was_acknowledged(tmp_path: Path, models: Path) -> None:
    sayso("init", tmp_path, "--task", "instructions", "--language", "zh", "--force")
    asked = {"model__name": models / "llama", "task__max_new_tokens": 6, "learn__method": "imitate"}
    sayso("train", tmp_path / "recipe.yaml", *sets(**asked, learn__replay=0.0))
    spec = importlib.util.spec_from_file_location("serve_faults", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["serve_faults"] = script
    spec.loader.exec_module(script)
    found, told = script.faults(tmp_path / "run", 5, seed=1, most_seconds=1.5)
    assert (found.kills, found.lost, found.broken) == (5, [], [])
    assert len(told.comments) > 5
    assert len(told.answers) >= len(told.comments)
    assert set(told.failed) <= {429}
