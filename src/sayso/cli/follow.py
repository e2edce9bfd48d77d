"""Drives a training: shows it live, writes its metrics, mirrors them to a tracker where asked.

Decided here: which steps are written follows from their number alone, never from a clock, so that two equal runs write
equal lines. A line's losses are the means over the steps since the line before; all else is as it was at its step.
Where a stage has several rounds, steps, tokens and seconds are counted through, and a line names its round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier rounds of a stage took. `round` counts from 1; it is 0 where there are no rounds."""

    round: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @classmethod
    def before(cls, run: Run, stage: str, number: int) -> Past:
        """What the rounds before this one took, by the last step that was written of them."""
        lines = [one for one in run.metrics() if (one.get("stage"), one.get("kind")) == (stage, "step")]
        last = next((one for one in reversed(lines) if int(one.get("round", 0)) < number), None)
        if last is None:
            return cls(number)
        return cls(number, int(last["step"]), int(last["tokens"]), float(last["seconds"]))

    def added_to(self, event: Event) -> Event:
        """The event as it counts in the whole stage."""
        from sayso.learn.loop import Step, Validation

        if isinstance(event, Step):
            steps, seconds = event.steps + self.step, event.seconds + self.seconds
            tokens = event.tokens + self.tokens
            return replace(event, step=event.step + self.step, steps=steps, tokens=tokens, seconds=seconds)
        return replace(event, step=event.step + self.step) if isinstance(event, Validation) else event

    @property
    def mark(self) -> dict[str, int]:
        """What a line of this round says besides."""
        return {"round": self.round} if self.round else {}


NO_PAST = Past()


def follow(events: Iterator[Event], run: Run, stage: str, trackers: tuple[str, ...], past: Past = NO_PAST) -> None:
    """Exhaust a training's events. At even intervals a step is written, the last one always, whatever ends it."""
    from sayso.cli.console import console, progress
    from sayso.learn.loop import Notice, Step, Validation

    since: list[Step] = []
    with progress(stage) as line, _trackers(run, trackers) as mirrors:
        try:
            for event in map(past.added_to, events):
                if isinstance(event, Step):
                    line.update(**_line(event))
                    since.append(event)
                    if event.step % math.ceil(event.steps / LINES) == 0:
                        _write_step(run, stage, _together(since), mirrors, past.mark)
                        since.clear()
                elif isinstance(event, Validation):
                    _write_validation(run, stage, event, mirrors, past.mark)
                    line.note(f"step {event.step}: " + ", ".join(f"{k} {v:.4g}" for k, v in event.values.items()))
                elif isinstance(event, Notice):
                    console(stderr=True).print(event.words)
        finally:
            if since:
                _write_step(run, stage, _together(since), mirrors, past.mark)


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


def _write_validation(
    run: Run, stage: str, found: Validation, mirrors: list[Tracker], mark: Mapping[str, int]
) -> None:
    values = {key: float(value) for key, value in found.values.items()}
    facts = {"stage": stage, "kind": "validation", **mark, "step": found.step, "best": found.best}
    run.add_metric(facts | values)
    for mirror in mirrors:
        mirror.log(stage, found.step, {f"validation/{key}": value for key, value in values.items()})


def _write_step(run: Run, stage: str, step: Step, mirrors: list[Tracker], mark: Mapping[str, int]) -> None:
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
    run.add_metric({"stage": stage, "kind": "step", **mark} | facts | dict(step.parts))
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
