"""One measure of what a model makes of comments, before and after, on the same comments or prompts, in words with n.

Decided here:
- A share is how far an answer does what its comment asks (a program's word, else closeness to the better answer), in
  [0, 1]; a belief is log p of the better answer per token, in nats.
- Verdicts are those of every comparison (compare.py): the paired interval and the paired test both have to say so.
- Comments are drawn one by one: the claim is about more comments like these, not about other rules.
- A mean that nothing stands beside (a divergence) has an interval and no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.evaluate.compare import figure, verdict
from sayso.evaluate.tally import Difference, differences, intervals, mean_of, ratio_of
from sayso.records import Verdict

Unit = Literal["share", "nats"]
Good = Literal[1, -1]
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Draw:
    """How often items are drawn again, and from which seed."""

    resamples: int = 2000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured, and what its two sides are called. `better` is the good direction of the difference."""

    name: str
    says: str
    sides: tuple[str, str]
    unit: Unit = "share"
    better: Good = 1
    of: str = "comment"


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure on n comments or prompts.

    `interval` is that of the difference; where `verdict` is "" one mean stands alone, and it is the mean's.
    """

    name: str
    unit: Unit
    before: float
    after: float
    difference: float
    interval: tuple[float, float]
    n: int
    verdict: Verdict | Literal[""]
    better: Good
    words: str

    @property
    def gain(self) -> float:
        """The difference in the good direction: above 0 is better."""
        return self.difference * self.better


def paired(measure: Measure, before: Values, after: Values, draw: Draw) -> Measured | None:
    """After less before on the keys that both have; None where there is none."""
    keys = [key for key in before if key in after]
    if not keys:
        return None
    one, other = (mean_of(measure.name, [side[key] for key in keys], measure.better) for side in (before, after))
    found = differences([one], [other], draw.resamples, draw.seed)[0]
    decided = verdict(found, measure.better)
    words = _words(measure, len(keys), (one.value, other.value), found, decided)
    facts = (one.value, other.value, found.value, found.interval, len(keys), decided)
    return Measured(measure.name, measure.unit, *facts, measure.better, words)


def divergence(measure: Measure, sums: Sequence[tuple[float, int]], draw: Draw) -> Measured | None:
    """The mean per token of (sum in nats, tokens) per prompt, with its interval; None where nothing was measured."""
    known = [(nats, tokens) for nats, tokens in sums if tokens]
    if not known:
        return None
    tally = ratio_of(measure.name, [one[0] for one in known], [one[1] for one in known], measure.better)
    interval = intervals([tally], draw.resamples, draw.seed)[0] or (tally.value, tally.value)
    low, high = (figure("log_likelihood", end) for end in interval)
    value = figure("log_likelihood", tally.value)
    on = _some(len(known), measure.of)
    words = f"{_capital(measure.says)}, on {on}: {value} nats per token, 95 % interval [{low}, {high}]."
    facts = (0.0, tally.value, tally.value, interval, len(known))
    return Measured(measure.name, measure.unit, *facts, "", measure.better, words)


# ---------------------------------------------------------------- inside


def _words(measure: Measure, n: int, sides: tuple[float, float], found: Difference, decided: str) -> str:
    unit = "log_likelihood" if measure.unit == "nats" else measure.unit
    of = " nats per token" if measure.unit == "nats" else ""
    low, high = (figure(unit, end, signed=True).removesuffix(" points") for end in found.interval)
    told = ", ".join(f"{figure(unit, value)} {name}" for value, name in zip(sides, measure.sides, strict=True))
    by = figure(unit, found.value, signed=True) + of
    where = f"{_capital(measure.says)}, on {_some(n, measure.of)}: {told}"
    return f"{where}; difference {by}, 95 % interval [{low}, {high}], p = {found.p:.2g}: {decided}."


def _some(n: int, noun: str) -> str:
    return f"{n:,} {noun if n == 1 else noun + 's'}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
