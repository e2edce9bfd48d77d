"""Two settings trained with several seeds each: which is better, with an interval that knows of items and of seeds.

Decided here:
- Seeds are paired, and all trainings are scored on the same items. The difference has two sources of chance: which
  items there are (by paired bootstrap, of the mean over the seeds), and which seeds were drawn (by the variance of the
  differences seed by seed). Their variances are added.
- The interval is Student's t with the Satterthwaite (1946) degrees of freedom of that sum: with three seeds that
  differ much it is as wide as three seeds deserve. Where the items bring nothing it is the paired t interval.
- It errs on the wide side: what items and seeds share is counted in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sayso.errors import DataError
from sayso.evaluate.tally import LEVEL, Tally, resampled
from sayso.records import Verdict

_ITEMS = 1e9  # degrees of freedom of the items' share: a bootstrap of hundreds of items has no small-sample term


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """Two settings over S seeds on n items: the means, their difference with its interval, each seed's, a verdict."""

    unit: str
    before: float
    after: float
    difference: float
    interval: tuple[float, float]
    by_seed: tuple[float, ...]
    n: int
    verdict: Verdict


def over_seeds(before: Sequence[Tally], after: Sequence[Tally], resamples: int, seed: int) -> OverSeeds:
    """After less before, seed by seed. DataError with fewer than two seeds, or where the two sides do not pair."""
    if len(before) != len(after) or len(before) < 2:
        raise DataError(
            f"{len(before)} and {len(after)} trainings cannot be compared",
            expected="the same two or more seeds on both sides",
        )
    apart = np.array([two.value - one.value for one, two in zip(before, after, strict=True)])
    drawn = np.stack(resampled([*before, *after], resamples, seed))
    items = float((drawn[len(before) :] - drawn[: len(before)]).mean(axis=0).var())
    seeds = float(apart.var(ddof=1)) / len(apart)
    half = _half(items, seeds, len(apart))
    value = float(apart.mean())
    low, high = value - half, value + half
    decided: Verdict = "better" if low > 0 else "worse" if high < 0 else "cannot tell"
    one, other = (float(np.mean([tally.value for tally in side])) for side in (before, after))
    by_seed = tuple(map(float, apart))
    return OverSeeds(before[0].unit, one, other, value, (low, high), by_seed, before[0].n, decided)


def _half(items: float, seeds: float, count: int) -> float:
    """Half the width of the interval."""
    from scipy.stats import t

    total = items + seeds
    if not total:
        return 0.0
    freedom = total**2 / (items**2 / _ITEMS + seeds**2 / (count - 1))
    return float(t.ppf((1 + LEVEL) / 2, min(freedom, _ITEMS)) * np.sqrt(total))
