"""A corpus metric as per-item counts that are added, and a function of the sums; from that, intervals and p-values.

Decided here:
- Accuracy, F1, BLEU, chrF, calibration error and log-likelihood are all functions of sums over items. So every
  metric is resampled in the same way, by adding counts and never by scoring text again: one matrix product for all.
- Intervals are percentile bootstrap intervals over items (Efron 1979; for translation Koehn 2004), widened where
  needed to contain the measured value itself, which a biased metric could otherwise leave outside.
- A difference is also tested by paired approximate randomization (Noreen 1989; Yeh 2000): items whose two answers are
  swapped at random. With few items that differ a bootstrap interval is far too sure of itself; this test is not. For
  accuracy it is McNemar's exact test, sampled.
- The same seed draws the same items for every metric, so they can be read side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
LEVEL = 0.95
_CHUNK_CELLS = 2_000_000
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One metric on N items: counts_NK, and what K sums mean. `better` is +1 or -1; 0 where neither end is."""

    unit: str
    counts_NK: Array
    of_sums: Callable[[Array], Array]  # [..., K] -> [...]
    better: Literal[1, 0, -1] = 1

    @property
    def n(self) -> int:
        """The number of items."""
        return len(self.counts_NK)

    @property
    def value(self) -> float:
        """The metric on all items."""
        return float(self.of_sums(self.counts_NK.sum(axis=0)))


@dataclass(frozen=True, slots=True)
class Difference:
    """After minus before on the same items, its interval, and the p-value of "which is which does not matter"."""

    value: float
    interval: tuple[float, float]
    p: float


def mean_of(unit: str, values: Sequence[float] | Array, better: Literal[1, 0, -1] = 1) -> Tally:
    """The tally of a plain mean over items."""
    column = np.asarray(values, dtype=float)
    return ratio_of(unit, column, np.ones_like(column), better)


def ratio_of(unit: str, over: Any, under: Any, better: Literal[1, 0, -1] = 1) -> Tally:
    """The tally of sum(over) / sum(under); 0 where nothing is under."""
    counts_NK = np.stack([np.asarray(over, dtype=float), np.asarray(under, dtype=float)], axis=1)
    return Tally(unit, counts_NK, lambda sums: divided(sums[..., 0], sums[..., 1]), better)


def divided(over: Array, under: Array) -> Array:
    """over / under, 0 where `under` is 0."""
    return np.divide(over, under, out=np.zeros(np.broadcast(over, under).shape), where=np.asarray(under) != 0)


def intervals(tallies: Sequence[Tally], resamples: int, seed: int) -> list[tuple[float, float] | None]:
    """The 95 % bootstrap interval of each tally (all on the same items); None without resamples or items."""
    if not resamples or not tallies or not tallies[0].n:
        return [None] * len(tallies)
    drawn = resampled(tallies, resamples, seed)
    return [_around(tally.value, values) for tally, values in zip(tallies, drawn, strict=True)]


def differences(before: Sequence[Tally], after: Sequence[Tally], resamples: int, seed: int) -> list[Difference]:
    """After minus before, metric by metric; the two lists have the same units and all tallies the same items."""
    drawn = zip(resampled(before, resamples, seed), resampled(after, resamples, seed), strict=True)
    found = []
    for one, other, (lows, highs) in zip(before, after, drawn, strict=True):
        value = other.value - one.value
        found.append(Difference(value, _around(value, highs - lows), _p_value(one, other, resamples, seed)))
    return found


def resampled(tallies: Sequence[Tally], resamples: int, seed: int) -> list[Array]:
    """Each tally (all on the same items) on `resamples` draws of as many items with replacement, [resamples]."""
    distinct = {id(tally.counts_NK): tally.counts_NK for tally in tallies}
    values: list[list[Array]] = [[] for _ in tallies]
    for times_RN in _draws(tallies[0].n, resamples, seed):
        sums = {key: times_RN @ counts_NK for key, counts_NK in distinct.items()}
        for kept, tally in zip(values, tallies, strict=True):
            kept.append(tally.of_sums(sums[id(tally.counts_NK)]))
    return [np.concatenate(parts) for parts in values]


# ---------------------------------------------------------------- inside


def _draws(n: int, resamples: int, seed: int) -> Iterator[Array]:
    """How often each of n items is in each resample: [rows, n], a few rows at a time."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK_CELLS // n)
    for begin in range(0, resamples, rows):
        count = min(rows, resamples - begin)
        places = rng.integers(0, n, size=(count, n)) + n * np.arange(count)[:, None]
        yield np.bincount(places.ravel(), minlength=count * n).reshape(count, n).astype(float)


def _around(value: float, drawn: Array) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)


def _p_value(before: Tally, after: Tally, resamples: int, seed: int) -> float:
    """Two-sided, never 0: the measured arrangement counts as one of the drawn ones."""
    moved_NK = after.counts_NK - before.counts_NK
    moved_MK = moved_NK[np.any(moved_NK != 0, axis=1)]
    seen = abs(after.value - before.value)
    if not len(moved_MK):
        return 1.0
    sums_before, sums_after = before.counts_NK.sum(axis=0), after.counts_NK.sum(axis=0)
    rng = np.random.default_rng(seed)
    extreme, rows = 0, max(1, _CHUNK_CELLS // len(moved_MK))
    for begin in range(0, resamples, rows):
        swapped = rng.integers(0, 2, size=(min(rows, resamples - begin), len(moved_MK))) @ moved_MK
        drawn = np.abs(after.of_sums(sums_after - swapped) - before.of_sums(sums_before + swapped))
        extreme += int((drawn >= seen - _TINY * max(1.0, seen)).sum())
    return (1 + extreme) / (1 + resamples)
