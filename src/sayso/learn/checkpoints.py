"""Where training stands, on disk: written beside and renamed, so that a kill leaves the one before.

step-000120/  the trainable tensors, the optimiser's state, the average if any, and state.json
best-000100/  the tensors that validated best; replaced only after a better one is wholly there
end-000000/   the tensors that a training ended with, where the next round goes on from them

safetensors writes files that only their owner can read; they get the mode of the others, which follows the umask.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sayso.errors import MachineFault, RunError


@dataclass(frozen=True)
class Progress:
    """Where a training stands after `step` steps."""

    fingerprint: str
    step: int = 0
    best_value: float | None = None
    best_step: int = 0
    without_gain: int = 0
    tokens: int = 0
    seconds: float = 0.0
    validated: int = -1
    halted: str = ""


def save_step(folder: Path, progress: Progress, weights: Mapping[str, torch.Tensor], rest: Mapping[str, Any]) -> None:
    """Write a checkpoint and only then remove the one before."""
    name = f"step-{progress.step:08d}"
    _write(folder, name, weights, rest, progress)
    _prune(folder, "step-", name)


def save_best(folder: Path, progress: Progress, weights: Mapping[str, torch.Tensor]) -> None:
    """Keep these weights as the best so far."""
    name = f"best-{progress.step:08d}"
    _write(folder, name, weights, {}, progress)
    _prune(folder, "best-", name)


def load_step(folder: Path, fingerprint: str) -> tuple[Progress, dict[str, torch.Tensor], dict[str, Any]] | None:
    """The latest checkpoint, or None. RunError where it was written for other lessons or settings."""
    found = sorted(folder.glob("step-????????"))
    if not found:
        return None
    progress = Progress(**json.loads((found[-1] / "state.json").read_text(encoding="utf-8")))
    if progress.fingerprint != fingerprint:
        raise RunError(
            "the checkpoint was written for other lessons or settings",
            where=str(found[-1]),
            expected="the same lessons, strategy and seed as when it was written",
            fix="name another run folder, or remove the checkpoints to begin again",
        )
    rest = torch.load(found[-1] / "rest.pt", weights_only=True)
    return progress, load_file(found[-1] / "weights.safetensors"), rest


def load_best(folder: Path) -> dict[str, torch.Tensor] | None:
    """The tensors that validated best, or None."""
    found = sorted(folder.glob("best-????????"))
    return load_file(found[-1] / "weights.safetensors") if found else None


def save_end(folder: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Keep the outcome of a training after which another one follows; where it went on from is not needed any more."""
    _write(folder, "end-00000000", weights, {}, Progress(""))
    _prune(folder, "step-", keep="")


def load_end(folder: Path) -> dict[str, torch.Tensor] | None:
    """What `save_end` kept, or None."""
    kept = folder / "end-00000000"
    return load_file(kept / "weights.safetensors") if kept.is_dir() else None


def best_of(folders: Sequence[Path]) -> tuple[int, Progress] | None:
    """In which of these folders the weights lie that validated best, of equally good ones the latest; or None.

    The weights of the others are not needed any more.
    """
    found = [(place, path) for place, folder in enumerate(folders) for path in sorted(folder.glob("best-????????"))]
    known = [(place, Progress(**json.loads((path / "state.json").read_text("utf-8")))) for place, path in found]
    if not known:
        return None
    best = max(known, key=lambda one: (-math.inf if one[1].best_value is None else one[1].best_value, one[0]))
    for place, folder in enumerate(folders):
        if place != best[0]:
            _prune(folder, "best-", keep="")
    return best


def halted(folder: Path) -> str:
    """Why the training in this folder was not allowed to go on; "" where it was."""
    found = sorted(folder.glob("step-????????"))
    return Progress(**json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))).halted if found else ""


def forget_steps(folder: Path) -> None:
    """Once a training's result is kept elsewhere nothing will go on from here; the best weights stay."""
    _prune(folder, "step-", keep="")


def _write(
    folder: Path, name: str, weights: Mapping[str, torch.Tensor], rest: Mapping[str, Any], progress: Progress
) -> None:
    if (folder / name).is_dir():
        return  # the same step of the same training: already wholly there
    beside = folder / f".{name}.{os.getpid()}"
    try:
        for left in folder.glob(".*-????????.*"):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed while writing
        beside.mkdir(parents=True, exist_ok=True)
        save_file({key: value.detach().contiguous() for key, value in weights.items()}, beside / "weights.safetensors")
        if rest:
            with (beside / "rest.pt").open("wb") as file:  # given a path, torch would not say that the disk is full
                torch.save(dict(rest), file)
        state = beside / "state.json"
        state.write_text(json.dumps(asdict(progress)), encoding="utf-8")
        (beside / "weights.safetensors").chmod(state.stat().st_mode)
        beside.rename(folder / name)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise MachineFault(
            f"cannot write a checkpoint: {error}",
            where=str(folder),
            fix="free some disk and run the same command again: the checkpoint before this one is kept",
        ) from error


def _prune(folder: Path, prefix: str, keep: str) -> None:
    for old in folder.glob(f"{prefix}????????"):
        if old.name != keep:
            shutil.rmtree(old, ignore_errors=True)
