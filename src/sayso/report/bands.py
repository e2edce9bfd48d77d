"""A curve with its band over amounts that double, and the measured points: inline SVG as in charts.py.

Decided here:
- Amounts stand on a logarithmic scale: a law that falls by a constant factor with each doubling is then easy to see,
  and the smallest amounts are not crowded into a corner.
- What is measured is a disc, what is only foretold a line with its band; a rule stands at what there is today.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sayso.report.charts import HEIGHT, ROUGHLY, Point, ticks

Band = tuple[float, float, float]  # amount, low, high
_MOST_MARKS = 7


@dataclass(frozen=True, slots=True)
class Drawn:
    """The curve's points, its band, the measured points, and where `today` is."""

    curve: tuple[Point, ...]
    band: tuple[Band, ...]
    measured: tuple[Point, ...]
    today: float
    share: bool = False


def band(drawn: Drawn, label: str) -> Markup:
    """The whole chart. Empty where there is no curve."""
    if len(drawn.curve) < 2:
        return Markup()
    ends = [y for _, low, high in drawn.band for y in (low, high)]
    values = [y for _, y in (*drawn.curve, *drawn.measured)]
    marks = ticks(min([*values, *ends]), max([*values, *ends]))
    frame = _Frame((drawn.curve[0][0], drawn.curve[-1][0]), (marks[0], marks[-1]))
    parts = [*_downs(frame, marks, drawn.share), *_acrosses(frame), _today(frame, drawn.today)]
    parts += [_shapes(frame, drawn), *_dots(frame, drawn)]
    return Markup('<svg class="plot curve" height="{}" role="img" aria-label="{}">{}</svg>').format(
        HEIGHT + 22, label, Markup("").join(parts)
    )


# ---------------------------------------------------------------- inside


@dataclass(frozen=True, slots=True)
class _Frame:
    """From values to places: percent across on a logarithmic scale, pixels down."""

    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, amount: float) -> float:
        return math.log(amount / self.x[0]) / math.log(self.x[1] / self.x[0]) * 100

    def down(self, value: float) -> float:
        return HEIGHT - (value - self.y[0]) / (self.y[1] - self.y[0]) * HEIGHT


def _downs(frame: _Frame, marks: Sequence[float], share: bool) -> list[Markup]:
    row = Markup('<line class="grid" x2="100%" y1="{0}" y2="{0}"/><text class="y" x="-8" y="{1}">{2}</text>')
    places = [(frame.down(mark), f"{100 * mark if share else mark:.4g}") for mark in marks]
    return [row.format(f"{y:.1f}", f"{y + 4:.1f}", text.replace("-", "\N{MINUS SIGN}")) for y, text in places]


def _acrosses(frame: _Frame) -> list[Markup]:
    """Amounts that double, from the smallest one on."""
    doublings = math.floor(math.log2(frame.x[1] / frame.x[0]) + 1e-6)
    every = max(1, math.ceil((doublings + 1) / _MOST_MARKS))
    text = Markup('<text class="x" x="{}%" y="{}">{}</text>')
    amounts = [frame.x[0] * 2**step for step in range(0, doublings + 1, every)]
    return [text.format(f"{frame.across(n):.1f}", HEIGHT + 18, f"{round(n):,}") for n in amounts]


def _today(frame: _Frame, amount: float) -> Markup:
    x = f"{frame.across(amount):.1f}%"
    return Markup(
        '<line class="best" x1="{0}" x2="{0}" y1="0" y2="{1}"/>'
        '<text class="note end" x="{0}" dx="4" y="-6">all there are, {2}</text>'
    ).format(x, HEIGHT, f"{round(amount):,}")


def _shapes(frame: _Frame, drawn: Drawn) -> Markup:
    wide = ROUGHLY / 100
    lows = [(n, low) for n, low, _ in drawn.band]
    highs = [(n, high) for n, _, high in drawn.band]
    area, line = (
        " ".join(f"{frame.across(n) * wide:.1f},{frame.down(y):.1f}" for n, y in points)
        for points in ((*lows, *reversed(highs)), drawn.curve)
    )
    return Markup(
        '<svg width="100%" height="{0}" viewBox="0 0 {1} {0}" preserveAspectRatio="none">'
        '<polygon class="band train" points="{2}"/><polyline class="line train" points="{3}"/></svg>'
    ).format(HEIGHT, ROUGHLY, area, line)


def _dots(frame: _Frame, drawn: Drawn) -> list[Markup]:
    dot = Markup('<circle class="dot train" cx="{}%" cy="{}" r="3"><title>{}: {}</title></circle>')
    return [
        dot.format(
            f"{frame.across(n):.1f}",
            f"{frame.down(y):.1f}",
            f"{round(n):,}",
            f"{100 * y:.1f} %" if drawn.share else f"{y:.4g}",
        )
        for n, y in drawn.measured
    ]
