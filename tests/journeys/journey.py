"""The command line as a user has it, called in this process so that torch is loaded once."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from sayso.cli.main import command

# Small and the same everywhere: no probe of the hardware, one thread, few resamples.
ALIKE = {
    "threads": 1,
    "model.dtype": "float32",
    "evaluate.resamples": 20,
    "strategy.learning_rate": 0.003,
    "strategy.batch_rows": 8,
    "strategy.steps": 4,
    "strategy.validate_every": 2,
    "strategy.early_stopping": 0,
    "learn.strategy.learning_rate": 0.003,
    "learn.strategy.batch_rows": 8,
    "learn.strategy.steps": 2,
    "learn.strategy.validate_every": 2,
    "learn.strategy.early_stopping": 0,
}


@dataclass(frozen=True)
class Told:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def sayso(*words: str | Path, code: int = 0) -> Told:
    """Run a command; its exit code must be `code`."""
    args = [str(word) for word in words]
    out, err, argv, got = StringIO(), StringIO(), sys.argv, 0
    sys.argv = ["sayso", *args]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            command()(args=args, prog_name="sayso")
    except SystemExit as ended:
        got = int(ended.code or 0)
    finally:
        sys.argv = argv
    told = Told(out.getvalue(), err.getvalue(), got)
    assert got == code, f"exit code {got}:\n{told.out[-2000:]}\n{told.err[-3000:]}"
    assert "Traceback" not in told.out + told.err
    return told


def sets(**changes: Any) -> list[str]:
    """--set for everything in ALIKE, and for `changes` ("__" for a dot; None leaves one out)."""
    values = ALIKE | {key.replace("__", "."): value for key, value in changes.items()}
    return [word for key, value in values.items() if value is not None for word in ("--set", f"{key}={value}")]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run that running again must not change: all but the page, the card, the facts and the lock."""
    again = {"report.html", "README.md", "facts.json", ".lock"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in again]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if ".db" not in path.name}
