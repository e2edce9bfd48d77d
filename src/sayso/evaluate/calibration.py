"""Does a model that says 80 % turn out right in 80 % of the cases?

Decided here:
- One label: the confidence is the likeliest label's probability, and it is right or not (Guo et al. 2017,
  arXiv 1706.04599, equation 3); Brier's score is over all labels, in [0, 2] (Brier 1950).
- Several labels: every label of every item is one event of its own; Brier's score is then in [0, 1].
- Ten bins of equal width: their edges do not depend on the data, so the error is a function of sums and two models are
  compared on the same bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sayso.evaluate.labels import Labelled
from sayso.evaluate.tally import Array, Tally, divided, ratio_of
from sayso.records import Answer

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions with confidence in [low, high): how many, their mean confidence, the share that was right."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error, Brier's score, and the reliability table."""

    ece: float
    brier: float
    bins: tuple[Bin, ...]


def tallies(data: Labelled, answers: Sequence[Answer]) -> list[Tally]:
    """`ece` and `brier`; none where an answer has no probabilities for all options."""
    if not answers or not all(set(data.options) <= set(answer.probabilities) for answer in answers):
        return []
    p_NL = np.array([[answer.probabilities[option] for option in data.options] for answer in answers])
    squared = ((p_NL - data.gold_NL) ** 2).sum(axis=1)
    per_item = len(data.options) if data.several else 1
    brier = ratio_of("brier", squared, np.full(len(answers), per_item), better=-1)
    return [Tally("ece", _binned(data, p_NL), _ece, better=-1), brier]


def calibration(ece: Tally, brier: Tally) -> Calibration:
    """The reliability table of the two tallies."""
    n, confidence, right = np.split(ece.counts_NK.sum(axis=0), 3)
    rows = zip(n, divided(confidence, n), divided(right, n), strict=True)
    bins = tuple(Bin(i / BINS, (i + 1) / BINS, int(k), float(c), float(r)) for i, (k, c, r) in enumerate(rows))
    return Calibration(ece.value, brier.value, bins)


def _binned(data: Labelled, p_NL: Array) -> Array:
    """Per item and bin: events, their confidence, how many came true. [N, 3 * BINS]"""
    if data.several:
        confidence_NE, right_NE = p_NL, data.gold_NL
    else:
        top = p_NL.argmax(axis=1)[:, None]
        confidence_NE = np.take_along_axis(p_NL, top, axis=1)
        right_NE = np.take_along_axis(data.gold_NL, top, axis=1)
    place_NE = np.clip((confidence_NE * BINS).astype(int), 0, BINS - 1)
    in_bin_NEB = place_NE[:, :, None] == np.arange(BINS)
    parts = (np.ones_like(confidence_NE), confidence_NE, right_NE)
    return np.concatenate([(in_bin_NEB * part[:, :, None]).sum(axis=1) for part in parts], axis=1).astype(float)


def _ece(sums: Array) -> Array:
    n, confidence, right = np.split(sums, 3, axis=-1)
    return divided(np.abs(confidence - right).sum(axis=-1), n.sum(axis=-1))
