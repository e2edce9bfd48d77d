"""Loss and metrics over steps, of training and of learning from comments.

Decided here:
- Each stage has charts of its own: their steps do not count the same thing.
- The metric that chose the weights comes first; the step whose weights were kept is marked in every chart.
- Parts of the loss (imitate, prefer, match) are drawn apart only where there is more than one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sayso.report.charts import Line, Point, lines
from sayso.report.contents import Contents
from sayso.report.figures import QUALITY, big, duration, in_words, scale, some, unit_name
from sayso.report.loose import number

PARTS = ("imitate", "policy", "prefer", "match")
STAGE_TITLES = {"train": "Training", "learn": "Learning from the comments"}
_MOST_METRICS = 3


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart with its caption and what its lines are: (look, name)."""

    svg: Markup
    caption: str
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One training."""

    title: str
    summary: str
    charts: tuple[Chart, ...]


def curves(contents: Contents) -> list[Stage]:
    """One Stage for each training that left metrics."""
    found = []
    for stage, title in STAGE_TITLES.items():
        steps = [m for m in contents.metrics if m.get("stage") == stage and m.get("kind") == "step"]
        checks = [m for m in contents.metrics if m.get("stage") == stage and m.get("kind") == "validation"]
        charts = tuple(chart for chart in _charts(stage, steps, checks, contents.headline) if chart.svg)
        if charts:
            found.append(Stage(title, _summary(steps), charts))
    return found


def best_step(checks: Sequence[Mapping[str, Any]]) -> float | None:
    """The step whose weights were kept: the last that was the best so far."""
    best = [step for m in checks if m.get("best") is True and (step := number(m.get("step"))) is not None]
    return best[-1] if best else None


def _charts(
    stage: str, steps: Sequence[Mapping[str, Any]], checks: Sequence[Mapping[str, Any]], headline: str
) -> list[Chart]:
    best = best_step(checks)
    charts = [_loss(stage, steps, checks, best)]
    units = sorted(
        (u for u in QUALITY if len(_points(checks, u)) > 1 and not _twice(u, checks)), key=lambda u: u != headline
    )
    charts += [_metric(stage, unit, checks, best) for unit in units[:_MOST_METRICS]]
    parts = [part for part in PARTS if _points(steps, part)]
    charts += [_parts(steps, parts, best)] if len(parts) > 1 else []
    return [*charts, _margin(stage, steps, best)]


def _twice(unit: str, checks: Sequence[Mapping[str, Any]]) -> bool:
    """With one label per item micro F1 is accuracy under another name."""
    return unit == "f1_micro" and any("accuracy" in m for m in checks)


def _loss(
    stage: str, steps: Sequence[Mapping[str, Any]], checks: Sequence[Mapping[str, Any]], best: float | None
) -> Chart:
    series = [
        Line("training loss", _points(steps, "loss"), f"{stage} faint"),
        Line("validation loss", _points(checks, "loss"), stage, dotted=True),
    ]
    drawn = [s for s in series if s.points]
    label = f"Loss over steps, nats per token. {_told(drawn)}"
    return Chart(
        lines(drawn, label, best), "Loss, nats per token, over steps.", tuple((s.look, s.name) for s in drawn)
    )


def _metric(stage: str, unit: str, checks: Sequence[Mapping[str, Any]], best: float | None) -> Chart:
    share = scale(unit) == "percent"
    line = Line(f"validation {in_words(unit)}", _points(checks, unit), stage, dotted=True)
    label = f"{unit_name(unit)} on the validation items over steps. {_told([line])}"
    caption = f"{unit_name(unit)}{', %,' if share else ''} on the validation items, over steps."
    return Chart(lines([line], label, best, share=share), caption)


def _parts(steps: Sequence[Mapping[str, Any]], parts: Sequence[str], best: float | None) -> Chart:
    series = [Line(part, _points(steps, part), f"part{i}") for i, part in enumerate(parts)]
    label = f"The loss in its parts, over steps. {_told(series)}"
    legend = tuple((s.look, s.name) for s in series)
    return Chart(lines(series, label, best), "The loss in its parts, over steps.", legend)


def _margin(stage: str, steps: Sequence[Mapping[str, Any]], best: float | None) -> Chart:
    line = Line("margin", _points(steps, "margin"), stage)
    label = f"Margin of chosen over rejected answers over steps. {_told([line])}"
    return Chart(lines([line], label, best), "Margin of chosen over rejected answers, nats, over steps.")


def _points(metrics: Sequence[Mapping[str, Any]], key: str) -> tuple[Point, ...]:
    pairs = [(number(m.get("step")), number(m.get(key))) for m in metrics]
    return tuple(sorted((x, y) for x, y in pairs if x is not None and y is not None))


def _told(series: Sequence[Line]) -> str:
    ends = [(s.name, s.points[0], s.points[-1]) for s in series if s.points]
    return " ".join(f"{n}: {a[1]:.3g} at step {a[0]:g}, {b[1]:.3g} at step {b[0]:g}." for n, a, b in ends)


def _summary(steps: Sequence[Mapping[str, Any]]) -> str:
    if not steps:
        return ""
    last = steps[-1]
    step, tokens, seconds = (number(last.get(key)) for key in ("step", "tokens", "seconds"))
    told = [some(int(step), "step")] if step else []
    told += [f"{big(tokens)} tokens"] if tokens else []
    told += [duration(seconds)] if seconds else []
    return ", ".join(told) + "." if told else ""
