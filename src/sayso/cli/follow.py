"""Drives a training: shows it live, writes its metrics, mirrors them to a tracker where asked.

Decided here: which steps are written follows from their number alone, never from a clock, so that two equal runs write
equal lines. A line's losses are the means over the steps since the line before; all else is as it was at its step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

from sayso.errors import UnsupportedError
from sayso.store.runs import Run

if TYPE_CHECKING:
    from sayso.learn.loop import Event, Step, Validation

LINES = 200  # of a training, however long it is


class Tracker(Protocol):
    """Where figures go besides the run folder."""

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


def follow(events: Iterator[Event], run: Run, stage: str, trackers: tuple[str, ...]) -> None:
    """Exhaust a training's events. At even intervals a step is written, the last one always, whatever ends it."""
    from sayso.cli.console import console, progress
    from sayso.learn.loop import Notice, Step, Validation

    since: list[Step] = []
    with progress(stage) as line, _trackers(run, trackers) as mirrors:
        try:
            for event in events:
                if isinstance(event, Step):
                    line.update(**_line(event))
                    since.append(event)
                    if event.step % math.ceil(event.steps / LINES) == 0:
                        _write_step(run, stage, _together(since), mirrors)
                        since.clear()
                elif isinstance(event, Validation):
                    _write_validation(run, stage, event, mirrors)
                    line.note(f"step {event.step}: " + ", ".join(f"{k} {v:.4g}" for k, v in event.values.items()))
                elif isinstance(event, Notice):
                    console(stderr=True).print(event.words)
        finally:
            if since:
                _write_step(run, stage, _together(since), mirrors)


def _together(steps: Sequence[Step]) -> Step:
    """The last step with the mean losses of all; a part counts where it occurs."""
    parts = {name: fmean(s.parts[name] for s in steps if name in s.parts) for s in steps for name in s.parts}
    return replace(steps[-1], loss=fmean(s.loss for s in steps), parts=parts)


def _line(step: Step) -> dict[str, Any]:
    return {
        "step": step.step,
        "steps": step.steps,
        "loss": step.loss,
        "tokens_per_second": step.tokens_per_second,
        "seconds_left": step.seconds_left,
    }


def _write_validation(run: Run, stage: str, found: Validation, mirrors: list[Tracker]) -> None:
    values = {key: float(value) for key, value in found.values.items()}
    run.add_metric({"stage": stage, "kind": "validation", "step": found.step, "best": found.best} | values)
    for mirror in mirrors:
        mirror.log(stage, found.step, {f"validation/{key}": value for key, value in values.items()})


def _write_step(run: Run, stage: str, step: Step, mirrors: list[Tracker]) -> None:
    facts = {
        "step": step.step,
        "steps": step.steps,
        "loss": step.loss,
        "learning_rate": step.learning_rate,
        "gradient_norm": step.gradient_norm,
        "tokens": step.tokens,
        "tokens_per_second": round(step.tokens_per_second, 1),
        "seconds": round(step.seconds, 3),
    }
    run.add_metric({"stage": stage, "kind": "step"} | facts | dict(step.parts))
    for mirror in mirrors:
        mirror.log(stage, step.step, {k: float(v) for k, v in facts.items()} | dict(step.parts))


@contextmanager
def _trackers(run: Run, names: tuple[str, ...]) -> Iterator[list[Tracker]]:
    opened = [_TRACKERS[name](run) for name in names]
    try:
        yield opened
    finally:
        for tracker in opened:
            tracker.close()


class _TensorBoard:
    def __init__(self, run: Run) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UnsupportedError(
                "the tracker tensorboard is not installed", fix="pip install 'sayso[track]'"
            ) from None
        self.writer: Any = SummaryWriter(str(run.folder / "tensorboard"))

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(f"{stage}/{name}", value, step)

    def close(self) -> None:
        self.writer.close()


class _Trackio:
    def __init__(self, run: Run) -> None:
        try:
            import trackio
        except ImportError:
            raise UnsupportedError("the tracker trackio is not installed", fix="pip install 'sayso[track]'") from None
        self.run = trackio.init(project="sayso", name=run.folder.name)

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        self.run.log({f"{stage}/{name}": value for name, value in values.items()} | {"step": step})

    def close(self) -> None:
        self.run.finish()


_TRACKERS: dict[str, Any] = {"tensorboard": _TensorBoard, "trackio": _Trackio}
