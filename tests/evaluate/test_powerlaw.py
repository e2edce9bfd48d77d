"""The law of a learning curve: found where it is known, as sure as it says, and honest where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

from sayso.errors import DataError
from sayso.evaluate.powerlaw import FASTEST, SLOWEST, LearningCurve, Observed, fit, geometric, learning_curve

AMOUNTS = np.array([100.0, 200, 400, 800, 1600])


def law(a: float, b: float, c: float, n: np.ndarray) -> np.ndarray:
    return np.asarray(a + b * n**-c)


def observed(rng: np.random.Generator, a: float, b: float, c: float, trainings: int = 3, items: int = 800) -> Observed:
    """Trainings whose true error scatters around the law, scored on the same items, which are then drawn again."""
    true_KS = law(a, b, c, AMOUNTS)[:, None] * (1 + 0.04 * rng.standard_normal((len(AMOUNTS), trainings)))
    hardness_N = rng.random(items)  # an item is got wrong by every training whose error is above its hardness
    flips = rng.normal(0, 0.02, (len(AMOUNTS), trainings, items))
    wrong_KSN = (hardness_N + flips < true_KS[..., None]).astype(float)
    times_RN = rng.multinomial(items, np.full(items, 1 / items), 300) / items
    return Observed(AMOUNTS, wrong_KSN.mean(axis=2), np.einsum("rn,ksn->rks", times_RN, wrong_KSN))


def test_a_law_without_noise_is_found() -> None:
    found = fit(AMOUNTS, np.stack([law(0.08, 3.0, 0.5, AMOUNTS), law(0.0, 1.0, 0.2, AMOUNTS)]), np.ones(5))
    assert found.at(6400) == pytest.approx([0.08 + 3.0 * 6400**-0.5, 6400**-0.2], rel=0.01)
    assert found.a_R == pytest.approx([0.08, 0.0], abs=0.01)
    assert found.c_R == pytest.approx([0.5, 0.2], rel=0.06)


@given(st.lists(st.floats(0.01, 0.9), min_size=5, max_size=5))
def test_no_least_squares_of_scipy_fits_better(errors: list[float]) -> None:
    y, weights = np.array(errors), np.array([1.0, 2, 1, 3, 1])
    ours = fit(AMOUNTS, y[None], weights)
    rest = sum(weights * (y - [ours.at(n)[0] for n in AMOUNTS]) ** 2)

    def residuals(p: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(weights) * (y - p[0] - p[1] * (AMOUNTS / AMOUNTS[-1]) ** -p[2]))

    starts = [(0.01, 0.1, c) for c in (0.06, 0.3, 1.0, 1.9)]
    bounds = ([0, 0, SLOWEST], [np.inf, np.inf, FASTEST])
    best = min(2 * least_squares(residuals, start, bounds=bounds).cost for start in starts)
    assert rest <= best * 1.01 + 1e-6


def test_an_interval_holds_what_it_foretells_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held, wide = 0, []
    for number in range(120):
        a, b, c = rng.uniform(0.02, 0.12), rng.uniform(0.8, 3), rng.uniform(0.3, 0.6)
        curve = learning_curve(observed(rng, a, b, c), None, number)
        truth = float(law(a, b, c, np.array([6400.0]))[0]) * (1 + 0.04 * rng.standard_normal())
        low, high = curve.training(6400).interval
        held += low <= truth <= high
        wide.append(high - low)
    assert held >= 108, "at least nine in ten of the intervals that say 95 %"
    assert np.median(wide) < 0.12, "and they say something"


def curve_of(errors: np.ndarray, untrained: float | None = None) -> LearningCurve:
    return learning_curve(Observed(AMOUNTS, errors, np.repeat(errors[None], 200, axis=0)), untrained, 0)


def test_more_data_brings_less_and_less_and_a_target_below_the_floor_needs_infinitely_much() -> None:
    means = law(0.1, 2.0, 0.5, AMOUNTS)
    curve = curve_of(np.stack([means - 0.002, means, means + 0.002], axis=1))
    first, second = curve.gain(1600, 3200), curve.gain(3200, 6400)
    assert first.value == pytest.approx(2 * (1600**-0.5 - 3200**-0.5), rel=0.1)
    assert 0 < second.value < first.value
    assert second.interval[0] <= second.value <= second.interval[1]
    assert curve.needed(0.12).value == pytest.approx((2.0 / 0.02) ** 2, rel=0.3)
    assert curve.needed(0.02).value == np.inf
    assert curve.needed(0.12).interval[0] < curve.needed(0.12).interval[1]


def test_noisier_trainings_make_wider_intervals_and_one_training_is_less_sure_than_the_mean() -> None:
    means = law(0.1, 2.0, 0.5, AMOUNTS)
    quiet, loud = (curve_of(np.stack([means - e, means, means + e], axis=1)) for e in (0.002, 0.02))

    def width(curve: LearningCurve, of: str) -> float:
        low, high = getattr(curve, of)(6400).interval
        return float(high - low)

    assert width(quiet, "error") < width(loud, "error")
    assert width(quiet, "error") < width(quiet, "training")


def test_amounts_from_which_nothing_was_learnt_are_left_out() -> None:
    means = np.array([0.5, 0.3, 0.24, 0.2, 0.17])
    errors = np.stack([means - 0.004, means, means + 0.004], axis=1)
    assert curve_of(errors, untrained=0.5).left_out == 1
    assert curve_of(errors, untrained=0.9).left_out == 0
    with pytest.raises(DataError, match="3 amounts with 3 trainings"):
        curve_of(errors, untrained=0.302)


def test_one_training_of_each_is_no_curve() -> None:
    with pytest.raises(DataError, match="1 trainings each"):
        curve_of(law(0.1, 2.0, 0.5, AMOUNTS)[:, None])


def test_amounts_double() -> None:
    assert geometric(6920, 0.25, 4) == [216, 432, 865, 1730]
    assert geometric(3, 1.0, 5) == [1, 2, 3]
