"""Where several labels may hold: above which probability each one is said to hold.

Decided here:
- Thresholds are tuned on validation items for the headline. f1_macro: each label for its own F1. f1_micro: all
  labels together, by Dinkelbach's method: at the best F each label is said where that adds more to 2 * right than
  F * said, and F is found by repetition. exact_match: one threshold for all.
- A label with few positive items tells little about its threshold, and of one that the model knows nothing about the
  highest F1 is had by always saying it (Lipton et al. 2014, arXiv 1402.1892). So every label is judged with POOLED
  further positive items that behave as those of all labels together.
- Candidates lie half-way between neighbouring probabilities of the label or (a selection) of all labels, and beyond
  the outermost. Among equals the nearest to one half wins. Thresholds that are no better than one half on the items
  where they were tuned are not used.
- A plain dict of label to threshold, so that it is saved as JSON beside the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sayso.errors import DataError
from sayso.evaluate.labels import Marks, labelled, tallies
from sayso.evaluate.metrics import paired
from sayso.evaluate.tally import Array, divided
from sayso.protocols import Task
from sayso.records import Answer, Example, join_labels

HALF = 0.5
POOLED = 5.0  # of 0 to 300, about the best on GoEmotions for both F1s and for two unlike models
ROUNDS = 50
CANDIDATES = 200
Thresholds = dict[str, float]


def tune(task: Task, examples: Sequence[Example], answers: Sequence[Answer]) -> Thresholds:
    """The thresholds of these (validation) items; none for a model that only says labels in words.

    DataError where some answers have probabilities and others lack them.
    """
    pairs = [(example, answer) for example, answer in paired(examples, answers) if example.target is not None]
    examples, answers = [example for example, _ in pairs], [answer for _, answer in pairs]
    if not any(answer.probabilities for answer in answers):
        return {}
    gold_NL = labelled(task, examples, answers).gold_NL
    p_NL = np.array([[_probability(answer, option) for option in task.options] for answer in answers])

    def reached(thresholds: Thresholds) -> float:
        data = labelled(task, examples, decide(task, answers, thresholds))
        values = {tally.unit: tally.value for tally in tallies(data)}
        return values.get(task.metric, values["f1_macro"])

    half = dict.fromkeys(task.options, HALF)
    if task.metric == "exact_match":
        found = _one_for_all(task.options, p_NL, reached)
    else:
        chosen = best_thresholds(p_NL, gold_NL, together=task.metric == "f1_micro")
        found = dict(zip(task.options, chosen, strict=True))
    return found if reached(found) > reached(half) else half


def decide(task: Task, answers: Sequence[Answer], thresholds: Mapping[str, float]) -> list[Answer]:
    """The same answers, their text naming the labels at or above their threshold (one half where none is given).

    An answer without probabilities stays as it was said.
    """
    return [
        replace(answer, text=labels_over(task.options, answer.probabilities, thresholds))
        if answer.probabilities
        else answer
        for answer in answers
    ]


def labels_over(options: Sequence[str], p: Mapping[str, float], thresholds: Mapping[str, float]) -> str:
    """The options that hold, joined."""
    return join_labels(option for option in options if p.get(option, 0.0) >= thresholds.get(option, HALF))


def best_thresholds(p_NL: Array, gold_NL: Marks, *, together: bool, pooled: float = POOLED) -> list[float]:
    """One threshold in (0, 1) per label: of the highest F1 of all labels together, or of each label for itself."""
    shared = _selected(_between(np.unique(p_NL)))
    curves = [_curve(p_NL, gold_NL, label, pooled, shared) for label in range(p_NL.shape[1])]
    if not together:
        return [curve.best(divided(2 * curve.right, curve.gold + curve.said)) for curve in curves]
    places: list[int] = [int(np.abs(curve.at - HALF).argmin()) for curve in curves]
    for _ in range(ROUNDS):
        gold_and_said = sum(c.own_gold + c.own_said[i] for c, i in zip(curves, places, strict=True))
        f1 = 2 * sum(c.own_right[i] for c, i in zip(curves, places, strict=True)) / max(1.0, gold_and_said)
        again = [curve.place(2 * curve.right - f1 * curve.said) for curve in curves]
        if again == places:
            break
        places = again
    return [float(curve.at[i]) for curve, i in zip(curves, places, strict=True)]


# ---------------------------------------------------------------- inside


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """One label at each of its candidates: how many items are said to have it, how many of these rightly.

    own_* are this label's counts, the others have the pooled items in them.
    """

    at: Array
    own_gold: float
    own_said: Array
    own_right: Array
    gold: float
    said: Array
    right: Array

    def place(self, value: Array) -> int:
        """Where the value is highest, the candidate nearest to one half among equals."""
        ties = np.flatnonzero(value >= value.max() - 1e-12)
        return int(ties[np.abs(self.at[ties] - HALF).argmin()])

    def best(self, value: Array) -> float:
        """The candidate there."""
        return float(self.at[self.place(value)])


def _curve(p_NL: Array, gold_NL: Marks, label: int, pooled: float, shared: Array) -> _Curve:
    p_N, gold_N = p_NL[:, label], gold_NL[:, label]
    at = np.concatenate([_between(np.unique(p_N)), shared, [HALF]])
    said, right = _counts(p_N, gold_N, at)
    all_said, all_right = _counts(p_NL.ravel(), gold_NL.ravel(), at)
    share = pooled / max(1, int(gold_NL.sum()))
    gold = float(gold_N.sum())
    return _Curve(at, gold, said, right, gold + pooled, said + share * all_said, right + share * all_right)


def _between(known: Array) -> Array:
    """Half-way between neighbours, below the first and above the last."""
    inner: Array = (known[1:] + known[:-1]) / 2
    return np.concatenate([[known[0] / 2], inner, [(known[-1] + 1) / 2]])


def _selected(known: Array) -> Array:
    """At most CANDIDATES of them, evenly by rank."""
    chosen: Array = known[np.unique(np.linspace(0, len(known) - 1, CANDIDATES).astype(int))]
    return chosen


def _counts(p_N: Array, gold_N: Marks, at: Array) -> tuple[Array, Array]:
    """At each candidate: items at or above it, and gold ones among them."""
    order = np.argsort(p_N)
    first = np.searchsorted(p_N[order], at)
    right_from = np.append(np.cumsum(gold_N[order][::-1])[::-1], 0)
    return (len(p_N) - first).astype(float), right_from[first].astype(float)


def _one_for_all(options: Sequence[str], p_NL: Array, reached: Callable[[Thresholds], float]) -> Thresholds:
    trials = sorted({HALF, *_selected(_between(np.unique(p_NL))).tolist()}, key=lambda at: abs(at - HALF))
    return max((dict.fromkeys(options, at) for at in trials), key=reached)


def _probability(answer: Answer, option: str) -> float:
    if option not in answer.probabilities:
        raise DataError(
            f"the answer to item '{answer.item}' has no probability for '{option}'",
            expected="a probability for every label",
            fix="thresholds need a model that weighs labels, such as an encoder with a head",
        )
    return answer.probabilities[option]
