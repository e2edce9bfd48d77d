"""A learning curve: how the error falls with the amount of data, error(n) = a + b n^-c, and how sure that is.

Decided here:
- The law and its three numbers are those of Hestness et al. 2017, arXiv 1712.00409, and Rosenfeld et al. 2020,
  arXiv 1909.12673: what no data takes away (a), and a part that falls with the exponent c. All are at least 0, and c
  lies between SLOWEST and FASTEST; outside, few points say nothing.
- For each c on a fine grid the best a and b are known in closed form, so a fit is exact to the grid, needs no start
  and cannot get stuck.
- Uncertainty is by bootstrap, every draw fitted anew: the items are drawn again (the same ones for every amount, since
  all were scored on the same), and to each mean a disturbance as large as the spread of the trainings is added. The
  spread is pooled over the amounts in proportion to the error, so its degrees of freedom are those of all of them.
- What is foretold of a training carries the spread of single trainings; what more data brings is a difference of two
  points of the same curve, drawn together.
- Amounts at which a model is no better than an untrained one are not on the curve yet; the smallest are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sayso.errors import DataError
from sayso.evaluate.tally import LEVEL, Tally, resampled

Array = npt.NDArray[np.float64]
SLOWEST, FASTEST, GRID = 0.05, 2.0, 120
FEWEST = 4  # amounts: one more than the law has numbers
CLEAR = 2.0  # standard errors between an untrained model and one that has begun to learn
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Errors of S trainings at each of K amounts, [K, S]; `drawn_RKS` the same on R draws of the items."""

    amounts_K: Array
    errors_KS: Array
    drawn_RKS: Array

    def without_first(self, count: int) -> Observed:
        """The same without the smallest amounts."""
        return Observed(self.amounts_K[count:], self.errors_KS[count:], self.drawn_RKS[:, count:])


@dataclass(frozen=True, slots=True, eq=False)
class Laws:
    """R curves: error(n) = a + b (n / unit)^-c, each of a, b, c of shape [R]."""

    a_R: Array
    b_R: Array
    c_R: Array
    unit: float

    def at(self, amount: float) -> Array:
        """The error at an amount, [R]."""
        fell: Array = self.b_R * (amount / self.unit) ** -self.c_R
        return self.a_R + fell


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """The curve that fits best, the R curves of the draws, and the spread of single trainings.

    `spread` is the variance of one training's error as a multiple of the error, with `freedom` degrees of freedom;
    `left_out` counts the smallest amounts, which no model had learnt from.
    """

    best: Laws
    draws: Laws
    spread: float
    freedom: int
    left_out: int
    seed: int

    def error(self, amount: float) -> Estimate:
        """The mean error of trainings on so much data."""
        return _estimate(float(self.best.at(amount)[0]), self.draws.at(amount))

    def training(self, amount: float) -> Estimate:
        """The error of one training on so much data: the curve, and how far a single training lies from it."""
        errors = self.draws.at(amount)
        rng = np.random.default_rng((self.seed, 1))
        apart = np.sqrt(self.spread * np.maximum(errors, 0)) * rng.standard_t(self.freedom, len(errors))
        return _estimate(float(self.best.at(amount)[0]), np.maximum(errors + apart, 0))

    def gain(self, amount: float, more: float) -> Estimate:
        """By how much the mean error falls from one amount to a larger one."""
        fell = self.draws.at(amount) - self.draws.at(more)
        return _estimate(float((self.best.at(amount) - self.best.at(more))[0]), fell)

    def needed(self, error: float) -> Estimate:
        """The amount at which the mean error is this low; infinite where no amount is enough."""
        return _estimate(float(_needed(self.best, error)[0]), _needed(self.draws, error))


def observe(
    amounts: Sequence[int], tallies_KS: Sequence[Sequence[Tally]], top: float, resamples: int, seed: int
) -> Observed:
    """The errors of trainings that were all scored on the same items; an error is what a metric lacks to `top`."""
    flat = [tally for row in tallies_KS for tally in row]
    shape = (len(amounts), len(tallies_KS[0]))
    errors_KS = top - np.array([tally.value for tally in flat]).reshape(shape)
    drawn_RKS = top - np.stack(resampled(flat, resamples, seed), axis=1).reshape(resamples, *shape)
    return Observed(np.array(amounts, dtype=float), errors_KS, drawn_RKS)


def learning_curve(observed: Observed, untrained: float | None, seed: int) -> LearningCurve:
    """Fit the errors. untrained: the error before any training, where it is known.

    Raises DataError where fewer than FEWEST amounts, or fewer than two trainings of each, are left to fit.
    """
    left_out = _unlearnt(observed, untrained)
    kept = observed.without_first(left_out)
    amounts, trainings = kept.errors_KS.shape
    if amounts < FEWEST or trainings < 2:
        raise DataError(
            f"{amounts} amounts with {trainings} trainings each do not make a curve ({left_out} left out, at which no "
            "model was better than an untrained one)",
            expected=f"at least {FEWEST} amounts and two trainings of each",
            fix="ask for more or larger shares, or for more seeds",
        )
    means_K = kept.errors_KS.mean(axis=1)
    spread = _spread(kept.errors_KS)
    rng = np.random.default_rng((seed, 0))
    freedom = amounts * (trainings - 1)
    disturbed = np.sqrt(spread * means_K / trainings) * rng.standard_t(freedom, (len(kept.drawn_RKS), amounts))
    drawn_RK = np.maximum(kept.drawn_RKS.mean(axis=2) + disturbed, 0)
    weights_K = 1 / np.maximum(means_K, _TINY)
    best = fit(kept.amounts_K, means_K[None], weights_K)
    return LearningCurve(best, fit(kept.amounts_K, drawn_RK, weights_K), spread, freedom, left_out, seed)


def fit(amounts_K: Array, errors_RK: Array, weights_K: Array) -> Laws:
    """The weighted least-squares law of each of R rows of errors, exact to the grid of exponents."""
    unit = float(amounts_K[-1])
    squares, found = [], []
    exponents = np.geomspace(SLOWEST, FASTEST, GRID)
    for exponent in exponents:
        x_K = (amounts_K / unit) ** -exponent
        a_R, b_R = _best_line(x_K, errors_RK, weights_K)
        rest = errors_RK - a_R[:, None] - b_R[:, None] * x_K
        squares.append((weights_K * rest**2).sum(axis=1))
        found.append((a_R, b_R))
    chosen = np.argmin(np.stack(squares), axis=0)
    rows = np.arange(len(errors_RK))
    a_GR, b_GR = (np.stack([one[place] for one in found]) for place in (0, 1))
    return Laws(a_GR[chosen, rows], b_GR[chosen, rows], exponents[chosen], unit)


# ---------------------------------------------------------------- inside


def _best_line(x_K: Array, y_RK: Array, w_K: Array) -> tuple[Array, Array]:
    """a and b of y = a + b x by weighted least squares, neither below 0."""
    w, wx, wxx = w_K.sum(), (w_K * x_K).sum(), (w_K * x_K**2).sum()
    wy, wxy = y_RK @ w_K, y_RK @ (w_K * x_K)
    b = (w * wxy - wx * wy) / (w * wxx - wx**2)
    b = np.maximum(b, 0)
    a = (wy - b * wx) / w
    b = np.where(a < 0, wxy / wxx, b)
    return np.maximum(a, 0), b


def _spread(errors_KS: Array) -> float:
    """The variance of single trainings as a multiple of their mean error, pooled over the amounts."""
    means_K = np.maximum(errors_KS.mean(axis=1), _TINY)
    return float((errors_KS.var(axis=1, ddof=1) / means_K).mean())


def _unlearnt(observed: Observed, untrained: float | None) -> int:
    """How many of the smallest amounts lie no clearer than chance below an untrained model."""
    if untrained is None or observed.errors_KS.shape[1] < 2:
        return 0
    means_K = observed.errors_KS.mean(axis=1)
    of_mean = np.sqrt(_spread(observed.errors_KS) * means_K / observed.errors_KS.shape[1])
    learnt = means_K < untrained - CLEAR * of_mean
    return int(np.argmax(learnt)) if learnt.any() else 0


def _needed(laws: Laws, error: float) -> Array:
    over = error - laws.a_R
    with np.errstate(over="ignore"):
        amounts = laws.unit * (laws.b_R / np.maximum(over, _TINY)) ** (1 / laws.c_R)
    return np.where(over > 0, amounts, np.inf)


def _estimate(value: float, drawn: Array) -> Estimate:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    return Estimate(value, (min(float(low), value), max(float(high), value)))


def geometric(total: int, largest: float, steps: int) -> Sequence[int]:
    """Amounts that double from one to the next, the last one `largest` of the total; at least 1, none twice."""
    top = max(1, round(total * largest))
    return sorted({max(1, round(top / 2**step)) for step in range(steps)})
