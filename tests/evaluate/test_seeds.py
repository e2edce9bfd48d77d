"""Settings over several seeds: an interval that knows of items and of seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, ttest_rel

from sayso.errors import DataError
from sayso.evaluate.seeds import over_seeds
from sayso.evaluate.tally import Tally, mean_of

ITEMS = 400


def runs(rng: np.random.Generator, mean: float, spread: float, hard_N: np.ndarray, seeds: int = 3) -> list[Tally]:
    """Trainings whose skill scatters by seed, on items of one difficulty each."""
    skills = mean + spread * rng.standard_normal(seeds)
    return [mean_of("accuracy", (hard_N + rng.normal(0, 0.05, len(hard_N)) < skill).astype(float)) for skill in skills]


def test_without_chance_in_the_items_it_is_the_paired_t_interval() -> None:
    before = [mean_of("accuracy", [value] * 4) for value in (0.50, 0.52, 0.47, 0.55)]
    after = [mean_of("accuracy", [value] * 4) for value in (0.58, 0.57, 0.56, 0.66)]
    found = over_seeds(before, after, 50, 0)
    known = ttest_rel([t.value for t in after], [t.value for t in before]).confidence_interval()
    assert found.interval == pytest.approx((known.low, known.high))
    assert found.difference == pytest.approx(0.0825)
    assert found.verdict == "better"
    assert over_seeds(after, before, 50, 0).verdict == "worse"


def test_without_chance_in_the_seeds_it_is_the_interval_of_the_items() -> None:
    rng = np.random.default_rng(0)
    one, two = (mean_of("accuracy", (rng.random(ITEMS) < p).astype(float)) for p in (0.6, 0.7))
    found = over_seeds([one, one], [two, two], 4000, 0)
    apart = two.counts_NK[:, 0] - one.counts_NK[:, 0]
    half = norm.ppf(0.975) * apart.std() / np.sqrt(ITEMS)
    assert found.interval == pytest.approx((found.difference - half, found.difference + half), abs=0.004)


def test_a_difference_that_is_none_is_seldom_found_and_one_that_is_there_is_found() -> None:
    rng = np.random.default_rng(3)
    wrong = right = 0
    for number in range(150):
        hard_N = rng.random(ITEMS)
        before = runs(rng, 0.7, 0.02, hard_N)
        wrong += over_seeds(before, runs(rng, 0.7, 0.02, hard_N), 200, number).verdict != "cannot tell"
        right += over_seeds(before, runs(rng, 0.9, 0.02, hard_N), 200, number).verdict == "better"
    assert wrong <= 10, "the 5 % of an interval of 95 %, and some room"
    assert right >= 100


def test_one_seed_or_two_sides_that_do_not_pair_are_refused() -> None:
    one = mean_of("accuracy", [1.0, 0.0])
    with pytest.raises(DataError, match="1 and 1"):
        over_seeds([one], [one], 10, 0)
    with pytest.raises(DataError, match="2 and 3"):
        over_seeds([one] * 2, [one] * 3, 10, 0)
