"""Where several labels may hold: above which probability each one is said to hold.

Decided here:
- One threshold per label, the one with the highest F1 of that label on validation items (Lipton et al. 2014,
  arXiv 1402.1892); so macro F1 there never falls.
- Candidates lie half-way between neighbouring probabilities; among equals the nearest to one half wins, and a label
  that no validation item has keeps one half: nothing is learnt from nothing.
- A plain dict of label to threshold, so that it is saved as JSON beside the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sayso.errors import DataError
from sayso.evaluate.labels import Marks, labelled
from sayso.evaluate.metrics import paired
from sayso.evaluate.tally import Array, divided
from sayso.protocols import Task
from sayso.records import Answer, Example, join_labels

HALF = 0.5


def tune(task: Task, examples: Sequence[Example], answers: Sequence[Answer]) -> dict[str, float]:
    """The best threshold of every label on these (validation) items; none for a model that only says labels in words.

    DataError where some answers have probabilities and others lack them.
    """
    pairs = [(example, answer) for example, answer in paired(examples, answers) if example.target is not None]
    answers = [answer for _, answer in pairs]
    if not any(answer.probabilities for answer in answers):
        return {}
    gold_NL = labelled(task, [example for example, _ in pairs], answers).gold_NL
    p_NL = np.array([[_probability(answer, option) for option in task.options] for answer in answers])
    return {option: best_threshold(p_NL[:, i], gold_NL[:, i]) for i, option in enumerate(task.options)}


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


def best_threshold(p_N: Array, gold_N: Marks) -> float:
    """The threshold in (0, 1) with the highest F1, nearest to one half among equals."""
    if not gold_N.any():
        return HALF
    known = np.unique(p_N)
    candidates = np.append((known[1:] + known[:-1]) / 2, [HALF, known[0] / 2])
    order = np.argsort(p_N)
    right_from = np.append(np.cumsum(gold_N[order][::-1])[::-1], 0)
    first = np.searchsorted(p_N[order], candidates)  # items from here on are at or above the candidate
    f1 = divided(2.0 * right_from[first], gold_N.sum() + len(p_N) - first)
    best = candidates[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - HALF).argmin()])


def _probability(answer: Answer, option: str) -> float:
    if option not in answer.probabilities:
        raise DataError(
            f"the answer to item '{answer.item}' has no probability for '{option}'",
            expected="a probability for every label",
            fix="thresholds need a model that weighs labels, such as an encoder with a head",
        )
    return answer.probabilities[option]
