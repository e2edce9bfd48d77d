"""Small charts as inline SVG: curves, dots with intervals, reliability.

Decided here:
- Places across are in percent and places down in pixels, so a chart fills a phone or a desk and its words keep their
  size. Only the curves themselves are stretched, with strokes that are not.
- Colour is never alone: each stage has its own mark, and a figure that lies beside the curve has its own dash.
- No script. Exact values are in <title>, which browsers show on hover and readers read; a chart's whole message is in
  its label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

Point = tuple[float, float]
Interval = tuple[float, float]
HUGE, TINY = 1e300, 1e-100  # beyond and below, a figure is nothing that a chart can show
MOST_POINTS = 120
MOST_TIPS = 24
HEIGHT = 168
ROW = 26
SIDE = 300  # of the reliability diagram, in its own units
_SHAPES = {"learn": "M0-6.5 6.5 0 0 6.5-6.5 0Z", "rival": "M-4-4H4V4H-4Z"}
ROUGHLY = 1000  # width of the stretched layer, in its own units


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. `look` is its CSS class; `dotted` shows every point as a dot."""

    name: str
    points: tuple[Point, ...]
    look: str
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """One estimate with its interval; `text` is how it is written beside it."""

    name: str
    value: float
    interval: Interval | None
    look: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """The dots of one unit."""

    name: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Bins:
    """One stage's calibration: (confidence, accuracy, rows) of each bin that has rows."""

    name: str
    look: str
    bins: tuple[tuple[float, float, int], ...]


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round values that cover [low, high], about `wanted` steps apart; always at least two, increasing."""
    if not (abs(low) < HUGE and abs(high) < HUGE):  # NaN neither
        return [0.0, 1.0]
    low, high = (0.0 if abs(end) < TINY else end for end in (min(low, high), max(low, high)))
    size = max(abs(low), abs(high))
    span = high - low if high - low > 1e-6 * size else size or 1.0
    power: float = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= span / wanted * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points: means of neighbours, so that a noisy loss can be read. Points that are not finite go."""
    kept = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(kept) <= most:
        return kept
    edges = [round(i * len(kept) / most) for i in range(most + 1)]
    groups = [kept[a:b] for a, b in pairwise(edges)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def lines(
    series: Sequence[Line], label: str, best: float | None = None, share: bool = False, along: str = "step"
) -> Markup:
    """Curves over steps, or what is counted `along`; `best` marks one. Empty where no series has a finite point."""
    drawn = [Line(s.name, tuple(thinned(s.points)), s.look, s.dotted) for s in series]
    points = [point for s in drawn for point in s.points]
    if not points:
        return Markup()
    x_ticks = ticks(0, max(x for x, _ in points) or 1, 3)
    y_ticks = ticks(min(y for _, y in points), max(y for _, y in points))
    frame = _Frame((0, max(x for x, _ in points) or 1), (y_ticks[0], y_ticks[-1]))
    parts = [_grid(frame, y_ticks, share), _steps(frame, [t for t in x_ticks if t <= frame.x[1]])]
    parts += [_best(frame, best)] if best is not None and 0 <= best <= frame.x[1] else []
    parts += [_curves(frame, drawn), *(_tips(frame, s, share, along) for s in drawn)]
    return _svg("plot curve", HEIGHT + 22, label, parts)


def intervals(groups: Sequence[Group], label: str) -> Markup:
    """One row per dot, grouped by unit, on one scale. Empty where there is no dot."""
    values = [v for g in groups for d in g.dots for v in (d.value, *(d.interval or ()))]
    if not any(g.dots for g in groups):
        return Markup()
    marks = ticks(min(values), max(values), 5)
    height = sum(ROW * (len(g.dots) + 1) + 10 for g in groups)
    frame = _Frame((marks[0], marks[-1]), (0, 1))
    parts = [_verticals(frame, marks, height)]
    top = 0
    for group in groups:
        parts.append(_group(frame, group, top))
        top += ROW * (len(group.dots) + 1) + 10
    return _svg("plot dots", height + 22, label, parts)


def reliability(stages: Sequence[Bins], label: str) -> Markup:
    """Accuracy over confidence; the diagonal is a model that knows what it knows."""
    if not any(s.bins for s in stages):
        return Markup()
    marks = (0.0, 0.25, 0.5, 0.75, 1.0)
    parts = [
        Markup(
            '<path class="grid" d="M{0} 0V{1}M0 {0}H{1}"/><text x="{0}" y="{2}" class="x">{3}</text>'
            '<text x="-8" y="{4}" class="y">{3}</text>'
        ).format(_n(t * SIDE), SIDE, SIDE + 18, f"{t:.0%}".replace("%", ""), _n(SIDE - t * SIDE + 4))
        for t in marks
    ]
    parts.append(Markup('<path class="diagonal" d="M0 {0}L{0} 0"/>').format(SIDE))
    for stage in stages:
        ordered = sorted(stage.bins)
        path = " ".join(f"{_n(c * SIDE)},{_n(SIDE - a * SIDE)}" for c, a, _ in ordered)
        parts.append(Markup('<polyline class="line {}" points="{}"/>').format(stage.look, path))
        parts += [_bin(stage, one, max(n for _, _, n in ordered)) for one in ordered]
    inside = Markup("").join(parts)
    return Markup('<svg class="plot square" viewBox="-34 -8 {0} {0}" role="img" aria-label="{1}">{2}</svg>').format(
        SIDE + 46, label, inside
    )


def mark(look: str) -> Markup:
    """A stage's mark alone, for a legend."""
    return Markup('<svg class="key" width="14" height="14" aria-hidden="true">{}</svg>').format(
        _mark(look, "7", 7.0, "")
    )


# ---------------------------------------------------------------- parts


@dataclass(frozen=True, slots=True)
class _Frame:
    """From values to places: percent across, pixels down."""

    x: Interval
    y: Interval

    def across(self, value: float) -> float:
        return (value - self.x[0]) / (self.x[1] - self.x[0]) * 100

    def down(self, value: float) -> float:
        return HEIGHT - (value - self.y[0]) / (self.y[1] - self.y[0]) * HEIGHT


def _svg(look: str, height: float, label: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="{}" height="{}" role="img" aria-label="{}">{}</svg>').format(
        look, _n(height), label, Markup("").join(parts)
    )


def _grid(frame: _Frame, marks: Sequence[float], share: bool) -> Markup:
    row = Markup('<line class="grid" x2="100%" y1="{0}" y2="{0}"/><text class="y" x="-8" y="{1}">{2}</text>')
    return Markup("").join(
        row.format(_n(frame.down(t)), _n(frame.down(t) + 4), _tick(t * 100 if share else t)) for t in marks
    )


def _steps(frame: _Frame, marks: Sequence[float]) -> Markup:
    text = Markup('<text class="x" x="{}%" y="{}">{}</text>')
    return Markup("").join(text.format(_n(frame.across(t)), HEIGHT + 18, _tick(t)) for t in marks)


def _best(frame: _Frame, step: float) -> Markup:
    x = frame.across(step)
    side = "end" if x > 50 else "start"
    return Markup(
        '<line class="best" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>'
        '<text class="note {2}" x="{0}%" dx="{3}" y="-6">best, step {4}</text>'
    ).format(_n(x), HEIGHT, side, 4 if side == "end" else -4, _tick(step))


def _curves(frame: _Frame, series: Sequence[Line]) -> Markup:
    curve = Markup('<polyline class="line {}" points="{}"/>')
    width = ROUGHLY / 100
    paths = [
        curve.format(s.look, " ".join(f"{_n(frame.across(x) * width)},{_n(frame.down(y))}" for x, y in s.points))
        for s in series
        if len(s.points) > 1
    ]
    return Markup('<svg width="100%" height="{0}" viewBox="0 0 {1} {0}" preserveAspectRatio="none">{2}</svg>').format(
        HEIGHT, ROUGHLY, Markup("").join(paths)
    )


def _tips(frame: _Frame, line: Line, share: bool, along: str) -> Markup:
    """Dots, or unseen places to hover over, that name step and value."""
    every = max(1, math.ceil(len(line.points) / MOST_TIPS))
    chosen = list(line.points) if line.dotted and len(line.points) <= MOST_TIPS else line.points[::every]
    spot = Markup('<circle class="{}" cx="{}%" cy="{}" r="{}"><title>{}, {} {}: {}</title></circle>')
    seen = line.dotted or len(line.points) == 1
    look, radius = (f"dot {line.look}", "3") if seen else ("tip", "7")
    return Markup("").join(
        spot.format(
            look,
            _n(frame.across(x)),
            _n(frame.down(y)),
            radius,
            line.name,
            along,
            _tick(round(x)),
            f"{100 * y:.1f} %" if share else f"{y:.4g}",
        )
        for x, y in chosen
    )


def _verticals(frame: _Frame, marks: Sequence[float], height: float) -> Markup:
    row = Markup(
        '<line class="grid" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/><text class="x" x="{0}%" y="{3}">{4}</text>'
    )
    return Markup("").join(
        row.format(_n(frame.across(t)), ROW - 4, _n(height), _n(height + 16), _tick(t)) for t in marks
    )


def _group(frame: _Frame, group: Group, top: float) -> Markup:
    parts = [Markup('<text class="unit" x="0" y="{}">{}</text>').format(_n(top + 15), group.name)]
    for i, dot in enumerate(group.dots):
        parts.append(_dot(frame, dot, top + ROW * (i + 1) + ROW / 2))
    return Markup("").join(parts)


def _dot(frame: _Frame, dot: Dot, y: float) -> Markup:
    parts = [Markup('<text class="y" x="-10" y="{}">{}</text>').format(_n(y + 4), dot.name)]
    if dot.interval is not None:
        low, high = sorted(dot.interval)
        parts.append(
            Markup('<line class="whisker {0}" x1="{1}%" x2="{2}%" y1="{3}" y2="{3}"/>').format(
                dot.look, _n(frame.across(low)), _n(frame.across(high)), _n(y)
            )
        )
    parts.append(_mark(dot.look, f"{_n(frame.across(dot.value))}%", y, f"{dot.name}: {dot.text}"))
    return Markup("").join(parts)


def _mark(look: str, x: str, y: float, title: str) -> Markup:
    """A ring for the base, a disc for the tuned, a diamond for the learnt model, a square for a baseline."""
    tip = Markup("<title>{}</title>").format(title) if title else Markup()
    if look in _SHAPES:
        shape = Markup('<svg x="{}" y="{}" overflow="visible"><path class="dot {}" d="{}">{}</path></svg>')
        return shape.format(x, _n(y), look, _SHAPES[look], tip)
    return Markup('<circle class="dot {}" cx="{}" cy="{}" r="5">{}</circle>').format(look, x, _n(y), tip)


def _bin(stage: Bins, one: tuple[float, float, int], most: int) -> Markup:
    confidence, accuracy, rows = one
    radius = 2.5 + 5 * math.sqrt(rows / most) if most else 3
    return Markup('<circle class="dot {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
        stage.look,
        _n(confidence * SIDE),
        _n(SIDE - accuracy * SIDE),
        _n(radius),
        f"{stage.name}: says {confidence:.0%}, right in {accuracy:.0%} of {rows:,}",
    )


def _tick(value: float) -> str:
    """As short as it can be without lying: 2,000, 0.25, 1.5e-05."""
    if value == 0:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(escape(text.replace("-", "\N{MINUS SIGN}")))


def _n(value: float) -> str:
    """A coordinate: one decimal is a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
