"""A critic beside known verdicts: shares against references, and what makes it trusted or not."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from scipy.stats import binomtest, spearmanr
from sklearn.metrics import balanced_accuracy_score

from sayso.evaluate.trust import Judged, audit, lean, mean_of_two, ranks, share


def answers(passed: int, alarms: int, caught: int, missed: int, unjudged: int = 0) -> list[Judged]:
    """Right answers let pass or objected to, wrong ones objected to or let pass; lengths say nothing."""
    rows = [(True, False)] * passed + [(True, True)] * alarms + [(False, True)] * caught + [(False, False)] * missed
    found = [
        Judged(right, objects, "en" if i % 2 else "zh", 7 + 5 * i % 11) for i, (right, objects) in enumerate(rows)
    ]
    return [*found, *(Judged(True, None, "en", 9) for _ in range(unjudged))]


@pytest.mark.parametrize(("times", "n"), [(0, 5), (5, 5), (3, 7), (46, 50), (1, 1)])
def test_a_share_has_wilsons_interval(times: int, n: int) -> None:
    reference = binomtest(times, n).proportion_ci(method="wilson")
    assert share(times, n).interval == pytest.approx((reference.low, reference.high))
    assert share(times, n).interval[0] <= share(times, n).value <= share(times, n).interval[1]


def test_nothing_is_known_of_nothing() -> None:
    assert share(0, 0).interval == mean_of_two(share(0, 0), share(5, 5)).interval == (0.0, 1.0)


def test_the_interval_of_a_mean_of_two_holds_what_it_should() -> None:
    dice = np.random.default_rng(0)
    one, other = 0.9, 0.6
    inside = 0
    for _ in range(400):
        found = mean_of_two(*(share(int(dice.binomial(25, p)), 25) for p in (one, other)))
        inside += found.interval[0] <= (one + other) / 2 <= found.interval[1]
    assert 0.92 < inside / 400 < 0.985


def test_the_figures_are_those_of_the_table() -> None:
    rows = answers(18, 2, 24, 6, unjudged=5)
    found = audit(rows)
    judged = [one for one in rows if one.objects is not None]
    assert (found.n, found.judged) == (55, 50)
    assert found.agreement.value == pytest.approx(42 / 50)
    assert (found.false_alarms.value, found.false_alarms.n) == (pytest.approx(2 / 20), 20)
    assert (found.misses.value, found.misses.n) == (pytest.approx(6 / 30), 30)
    reference = balanced_accuracy_score([one.right for one in judged], [not one.objects for one in judged])
    assert found.balanced.value == pytest.approx(reference)


def test_ranks_and_correlation_are_spearmans() -> None:
    dice = np.random.default_rng(1)
    lengths = dice.integers(1, 9, 40).tolist()
    objects = [bool(dice.random() < length / 9) for length in lengths]
    assert lean(objects, [True] * 40, lengths).correlation == pytest.approx(spearmanr(objects, lengths).statistic)
    assert ranks([5, 3, 5, 1]).tolist() == [3.5, 2.0, 3.5, 1.0]


def test_a_critic_that_agrees_is_trusted_and_the_words_say_with_how_many() -> None:
    found = audit(answers(24, 1, 23, 2))
    assert found.amiss == ""
    assert found.words.startswith("trusted: of 50 known verdicts it judged 50 and agrees on 47 of 50; 1 of 25 right")
    assert "n = 50" in found.words


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (answers(0, 25, 25, 0), "wrong too often"),
        (answers(90, 0, 0, 10), "wrong too often"),
        (answers(4, 0, 4, 0), "n = 8 cannot tell"),
        (answers(30, 10, 30, 10), "n = 80 cannot tell"),
        (answers(30, 0, 0, 0), "known to be wrong it judged none"),
        (answers(0, 0, 30, 0), "known to be right it judged none"),
        (answers(20, 0, 20, 0, unjudged=20), "judged only 40 of 60"),
        ([], "judged only 0 of 0"),
    ],
)
def test_what_keeps_a_critic_from_being_trusted(rows: list[Judged], why: str) -> None:
    found = audit(rows)
    assert why in found.amiss
    more = f". Of {len(rows)} known verdicts" if found.judged else ""
    assert found.words.startswith(f"not trusted: {found.amiss}{more}")


def test_always_saying_the_same_is_never_trusted_however_lopsided_the_file() -> None:
    for rows in (answers(95, 0, 0, 5), answers(0, 5, 95, 0)):
        assert audit(rows).agreement.value == 0.95
        assert audit(rows).balanced.value == 0.5
        assert audit(rows).amiss


def test_a_critic_that_is_blind_in_one_language_is_not_trusted() -> None:
    good, blind = answers(100, 0, 100, 0), answers(0, 15, 15, 0)
    rows = [*(replace(one, language="en") for one in good), *(replace(one, language="zh") for one in blind)]
    found = audit(rows)
    assert found.balanced.interval[0] > 0.7
    assert found.amiss.startswith("in zh it is wrong too often")
    assert found.languages["en"].amiss == ""
    assert audit(good[:1]).languages == {}


def lengthy(bias: int) -> list[Judged]:
    """Wrong answers are long ones by themselves; with a bias the longest right answers are objected to as well."""
    dice = Random(0)
    right = [Judged(True, False, "en", dice.randint(10, 60)) for _ in range(60)]
    wrong = [Judged(False, True, "en", dice.randint(30, 90)) for _ in range(60)]
    right.sort(key=lambda one: bias * one.length)
    wrong.sort(key=lambda one: bias * one.length)
    n = 12 if bias else 0
    swayed = [replace(one, objects=True) for one in right[len(right) - n :]]
    passed = [replace(one, objects=False) for one in wrong[:n]]
    return [*right[: len(right) - n], *swayed, *passed, *wrong[n:]]


def test_length_that_sways_a_critic_is_told_from_length_that_goes_with_the_truth() -> None:
    fair = audit(lengthy(0))
    assert fair.length.correlation > 0.4
    assert fair.length.partial == 0.0
    assert fair.length.p == 1.0
    assert fair.amiss == ""
    for bias, kind in ((1, "long"), (-1, "short")):
        swayed = audit(lengthy(bias))
        assert bias * swayed.length.partial > 0.3
        assert swayed.length.p < 0.01
        assert f"objects to {kind} answers" in swayed.amiss


def test_chance_is_seldom_taken_for_a_bias() -> None:
    dice = np.random.default_rng(3)
    found = []
    for _ in range(60):
        right = dice.random(40) < 0.5
        objects = np.where(dice.random(40) < 0.2, right, ~right)
        lengths = np.where(right, 50, 20) + dice.integers(0, 30, 40)
        found.append(lean(objects.tolist(), right.tolist(), lengths.tolist()).p)
    assert sum(p < 0.05 for p in found) <= 8
