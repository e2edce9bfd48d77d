"""From examples and answers to scores: for all items with an interval, for each item with a reason.

Decided here:
- Items without a right answer are not judged and not counted; `n` says how many were.
- Which metrics there are follows from the task: labels where it has options, a probability where nothing was asked,
  else text. The task's own metric comes first.
- Without resamples there are no intervals: validation in the middle of training needs none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sayso.errors import DataError
from sayso.evaluate import calibration, labels, texts
from sayso.evaluate.tally import Tally, intervals, ratio_of
from sayso.protocols import Task
from sayso.records import Answer, Example, Score, Why


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is known of some answers. `to_json` of records writes it, `from_json` reads it."""

    n: int
    scores: tuple[Score, ...]
    per_item: tuple[Score, ...]
    per_class: tuple[labels.ClassRow, ...] = ()
    confusion: labels.Confusion | None = None
    calibration: calibration.Calibration | None = None
    signature: str = ""

    def value(self, unit: str) -> float:
        """The score in that unit. KeyError where there is none."""
        return {score.unit: score.value for score in self.scores}[unit]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The tallies of one list of answers, all on the same n items, and the signature of the text metrics."""

    tallies: tuple[Tally, ...]
    graded: tuple[Score, ...]
    labelled: labels.Labelled | None = None
    signature: str = ""


def evaluate(
    task: Task, examples: Sequence[Example], answers: Sequence[Answer], resamples: int = 2000, seed: int = 0
) -> Evaluation:
    """Scores of the answers, paired to the examples by item. DataError where the two do not belong together."""
    found = measure(task, examples, answers)
    chosen = found.tallies
    spreads = intervals(chosen, resamples, seed)
    scores = tuple(_score(task, tally, spread) for tally, spread in zip(chosen, spreads, strict=True))
    if found.labelled is None:
        return Evaluation(_n(chosen), scores, found.graded, signature=found.signature)
    by_unit = {tally.unit: tally for tally in chosen}
    table = calibration.calibration(by_unit["ece"], by_unit["brier"]) if "ece" in by_unit else None
    rows, crossed = labels.per_class(found.labelled), labels.confusion(found.labelled)
    return Evaluation(_n(chosen), scores, found.graded, rows, crossed, table)


def measure(task: Task, examples: Sequence[Example], answers: Sequence[Answer]) -> Measured:
    """The tallies behind `evaluate`, the task's own metric first; comparisons resample them in pairs."""
    pairs = paired(examples, answers)
    graded = tuple(task.grade(example, answer) for example, answer in pairs)
    judged = [i for i, score in enumerate(graded) if score.why is not Why.NOT_JUDGED]
    if task.options:
        return _labels(task, [pairs[i] for i in judged], graded)
    if task.metric == "log_likelihood":
        return Measured(tuple(_likelihood([graded[i] for i in judged], [pairs[i][1] for i in judged])), graded)
    return _texts(task, pairs, graded, judged)


def paired(examples: Sequence[Example], answers: Sequence[Answer]) -> list[tuple[Example, Answer]]:
    """Each example with its answer, in the examples' order. DataError for a missing, foreign or doubled item."""
    by_item = {answer.item: answer for answer in answers}
    counts = Counter(example.id for example in examples)
    counts.subtract(answer.item for answer in answers)
    strange = [item for item, surplus in counts.items() if surplus] or _doubled(examples)
    if strange:
        raise DataError(
            f"{len(examples)} examples and {len(answers)} answers do not belong together; see item '{strange[0]}'",
            expected="exactly one answer to each example",
            fix="answer the same examples again",
        )
    return [(example, by_item[example.id]) for example in examples]


# ---------------------------------------------------------------- inside


def _doubled(examples: Sequence[Example]) -> list[str]:
    return [item for item, count in Counter(example.id for example in examples).items() if count > 1]


def _labels(task: Task, pairs: Sequence[tuple[Example, Answer]], graded: tuple[Score, ...]) -> Measured:
    answers = [answer for _, answer in pairs]
    data = labels.labelled(task, [example for example, _ in pairs], answers)
    found = [*labels.tallies(data), *calibration.tallies(data, answers)] if pairs else []
    return Measured(_first(task.metric, found), graded, data if pairs else None)


def _texts(
    task: Task, pairs: Sequence[tuple[Example, Answer]], graded: tuple[Score, ...], judged: Sequence[int]
) -> Measured:
    """With at least one reference only the items that have one, else all of them."""
    kept = list(judged) or list(range(len(pairs)))
    answers, grades = [pairs[i][1] for i in kept], [graded[i] for i in kept]
    found = texts.seen(answers, grades) if kept else []
    if not judged:
        return Measured(tuple(found), graded)
    language = str(getattr(task, "target_language", ""))
    compared = texts.scored(answers, [pairs[i][0].target or "" for i in judged], language)
    return Measured(_first(task.metric, [*compared.tallies, *found]), graded, signature=compared.signature)


def _likelihood(graded: Sequence[Score], answers: Sequence[Answer]) -> list[Tally]:
    """Nats per token, weighted by each text's tokens."""
    if not graded:
        return []
    tokens = np.array([max(1, answer.tokens) for answer in answers], dtype=float)
    logp = np.array([math.log(max(score.value, 1e-300)) for score in graded])
    return [ratio_of("log_likelihood", logp * tokens, tokens)]


def _first(unit: str, found: Iterable[Tally]) -> tuple[Tally, ...]:
    return tuple(sorted(found, key=lambda tally: tally.unit != unit))


def _score(task: Task, tally: Tally, spread: tuple[float, float] | None) -> Score:
    detail = f"perplexity {math.exp(min(700.0, -tally.value)):.4g}" if tally.unit == "log_likelihood" else ""
    return Score(task.name, "", tally.unit, tally.value, interval=spread, n=tally.n, detail=detail)


def _n(found: Sequence[Tally]) -> int:
    return found[0].n if found else 0
