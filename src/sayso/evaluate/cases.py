"""Which items to look at: those that changed, the worst, the most confident errors.

Decided here:
- Items are compared by their own score, so an answer in other words that is worth the same has not changed.
- Largest changes first; ties in the order of the data, so that a report reads the same twice.
- Items that were not judged are never shown as errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sayso.evaluate.metrics import paired
from sayso.protocols import Task
from sayso.records import Answer, Example, Score, Why
from sayso.tasks.classify import read_labels

_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Case:
    """One item with its answer and grade; `before` and `before_score` where two models are compared."""

    example: Example
    answer: Answer
    score: Score
    before: Answer | None = None
    before_score: Score | None = None

    @property
    def gain(self) -> float:
        """How much the item's score rose; 0 without a before."""
        return self.score.value - self.before_score.value if self.before_score else 0.0


@dataclass(frozen=True, slots=True)
class Changed:
    """The items that got better and those that got worse, largest change first."""

    better: tuple[Case, ...]
    worse: tuple[Case, ...]


def changed(task: Task, examples: Sequence[Example], before: Sequence[Answer], after: Sequence[Answer]) -> Changed:
    """Every item whose score moved. DataError where the answers are not to these same examples."""
    was = {example.id: answer for example, answer in paired(examples, before)}
    cases = [
        Case(example, answer, task.grade(example, answer), was[example.id], task.grade(example, was[example.id]))
        for example, answer in paired(examples, after)
    ]
    moved = sorted((case for case in cases if _judged(case.score)), key=lambda case: -abs(case.gain))
    better = tuple(case for case in moved if case.gain > _LEAST)
    return Changed(better, tuple(case for case in moved if case.gain < -_LEAST))


def worst(task: Task, examples: Sequence[Example], answers: Sequence[Answer], count: int = 20) -> list[Case]:
    """The items with the lowest scores, right ones never among them."""
    wrong = _wrong(task, examples, answers)
    return sorted(wrong, key=lambda case: case.score.value)[:count]


def surest_errors(task: Task, examples: Sequence[Example], answers: Sequence[Answer], count: int = 20) -> list[Case]:
    """Wrong answers by the probability that the model gave to what is wrong in them, highest first.

    One label: the wrong label's probability. Several: the largest of what was added, or denied, wrongly. Also a way to
    find wrong labels in the data (Northcutt et al. 2021, arXiv 1911.00068).
    """
    wrong = [case for case in _wrong(task, examples, answers) if case.answer.probabilities]
    return sorted(wrong, key=lambda case: -surety(task, case.example, case.answer))[:count]


def surety(task: Task, example: Example, answer: Answer) -> float:
    """The largest probability of being mistaken as this answer is, over the labels that differ; 0 where none does."""
    gold = _labels(task, example.target or "")
    given = _labels(task, answer.text)
    odds = [p for label, p in answer.probabilities.items() if label in given - gold]
    if task.several:
        odds += [1 - p for label, p in answer.probabilities.items() if label in gold - given]
    return max(odds, default=0.0)


def _labels(task: Task, text: str) -> set[str]:
    return set(read_labels(text, task.options))


def _wrong(task: Task, examples: Sequence[Example], answers: Sequence[Answer]) -> list[Case]:
    cases = [Case(example, answer, task.grade(example, answer)) for example, answer in paired(examples, answers)]
    return [case for case in cases if _judged(case.score) and case.score.why is not Why.RIGHT]


def _judged(score: Score) -> bool:
    return score.why is not Why.NOT_JUDGED
