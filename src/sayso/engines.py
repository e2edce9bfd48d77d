"""Engines that live in an environment of their own, asked as programs of their own.

Decided here:
- What pins torch, is heavy or must be compiled never enters Sayso's environment. `sayso engines NAME` makes a virtual
  environment for it from the requirements that stand beside its script, where SAYSO_ENGINES says, else in the cache.
- A script gets a folder, what it needs to know as JSON, and a folder for its answer. It needs numpy and its engine,
  nothing of ours, and runs with -I, so that the files beside it hide no package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sayso.bundle import Replay, Replayed
from sayso.errors import Fault, MachineFault, UnsupportedError, nearest

SCRIPTS = Path(__file__).parent / "exporters"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}


def names() -> tuple[str, ...]:
    """The engines that have an environment of their own: `_NAME.requirements.txt` stands beside `_NAME.py`."""
    return tuple(sorted(file.name[1:].partition(".")[0] for file in SCRIPTS.glob("_*.requirements.txt")))


def home(name: str) -> Path:
    """Where an engine's environment is or would be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("SAYSO_ENGINES") or cache / "sayso" / "engines") / name


def python(name: str) -> Path | None:
    """The engine's interpreter; None where its environment was not made."""
    path = home(name) / "bin" / "python"
    return path if path.is_file() else None


def check(name: str) -> Path:
    """The engine's interpreter. UnsupportedError that says how to make its environment, where it is missing."""
    found = python(name)
    if found is None:
        raise UnsupportedError(
            f"the engine '{name}' is not installed, and an export that nothing has loaded is not handed out",
            where=str(home(name)),
            fix=f"`sayso engines {name}` makes its environment",
        )
    return found


def make(name: str) -> Path:
    """Make an engine's environment anew, by pip as it is configured here. MachineFault where pip fails."""
    if name not in names():
        raise UnsupportedError(f"there is no engine '{name}' to install", fix=nearest(name, names()))
    folder = home(name)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    interpreter = folder / "bin" / "python"
    wanted = str(SCRIPTS / f"_{name}.requirements.txt")
    if subprocess.run([str(interpreter), "-m", "pip", "install", "-r", wanted], check=False).returncode:
        interpreter.unlink()  # half an environment counts as none
        raise MachineFault(
            f"pip could not install the engine '{name}'", where=str(folder), fix="see pip's words above"
        )
    return folder


@contextmanager
def asked(name: str, task: str, folder: Path, given: Any, timeout: float = 3600) -> Iterator[tuple[Path, Any]]:
    """Run `_NAME.py task folder given.json out`: the folder `out`, and what the script wrote into out/answer.json.

    `out` is there inside only. Fault with the script's last words where it fails.
    """
    interpreter = check(name)
    with tempfile.TemporaryDirectory(prefix=f"sayso-{name}-") as place:
        out = Path(place)
        (out / "given.json").write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")
        line = [
            str(interpreter),
            "-I",
            str(SCRIPTS / f"_{name}.py"),
            task,
            str(folder),
            str(out / "given.json"),
            place,
        ]
        done = subprocess.run(
            line, capture_output=True, text=True, env=os.environ | OFFLINE, timeout=timeout, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise Fault(f"the engine '{name}' failed: {' / '.join(last)[:600]}", where=str(folder))
        yield out, json.loads((out / "answer.json").read_text(encoding="utf-8"))


def replayed(name: str, folder: Path, replay: Replay) -> Replayed:
    """Put a Replay to an engine's script, task "replay".

    It writes answer.json: engine, version and answers (for each golden prompt its ids), and logits.npy: float32, one
    line for each place of all rows.
    """
    with asked(name, "replay", folder, as_json(replay)) as (out, answer):
        logits_NV = np.load(out / "logits.npy").astype(np.float32)
    answers = tuple(tuple(int(token) for token in one) for one in answer["answers"])
    return Replayed(str(answer["engine"]), str(answer["version"]), logits_NV, answers)


def as_json(replay: Replay) -> dict[str, Any]:
    """The inputs as a script gets them."""
    return {
        "kind": replay.kind,
        "several": replay.several,
        "end_ids": replay.end_ids,
        "pad_id": replay.pad_id,
        "rows": [{"ids": row.ids, "at": row.at, "shifted": row.shifted} for row in replay.rows],
        "golden": [
            {"text": one.text, "ids": one.ids, "room": one.room, "opening": one.opening} for one in replay.golden
        ],
    }
