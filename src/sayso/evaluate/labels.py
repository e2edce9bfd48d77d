"""What can be counted where answers are labels: accuracy and F1, the table per class, who is confused with whom.

Decided here:
- One label and several are the same matrices (items by labels, gold and given); an answer without a label is an empty
  row, so it is wrong and never an error.
- Macro F1 is the mean over the labels that occur in the gold answers: a label that nobody could have got right does
  not pull it down, and an answer in such a label already costs recall where it should have gone.
- A pair "x taken for y" is counted where x was missed and y was said instead in the same answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import multilabel_confusion_matrix, precision_recall_fscore_support

from sayso.errors import DataError, nearest
from sayso.evaluate.tally import Array, Tally, divided, mean_of
from sayso.protocols import Task
from sayso.records import Answer, Example, split_labels
from sayso.tasks.classify import read_labels

Marks = npt.NDArray[np.bool_]
PAIRS = 20


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One label: precision, recall and F1 in [0, 1], and how many items have it."""

    label: str
    precision: float
    recall: float
    f1: float
    n: int


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """One label against the rest, in items."""

    label: str
    true_negative: int
    false_positive: int
    false_negative: int
    true_positive: int


@dataclass(frozen=True, slots=True)
class Pair:
    """`gold` was taken for `given` ("" for no label) in n items."""

    gold: str
    given: str
    n: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """counts[i][j]: items of labels[i] answered columns[j]; both empty where several labels may hold."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    per_label: tuple[LabelCounts, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """gold_NL and given_NL: which of the L options hold, and which were answered, for N items."""

    options: tuple[str, ...]
    several: bool
    gold_NL: Marks
    given_NL: Marks


def labelled(task: Task, examples: Sequence[Example], answers: Sequence[Answer]) -> Labelled:
    """Both matrices. DataError for a gold label that is not among the options."""
    gold = [_gold(task, example) for example in examples]
    given = [read_labels(answer.text, task.options) for answer in answers]
    if not task.several:
        given = [names if len(names) == 1 else () for names in given]
    return Labelled(task.options, task.several, _marks(gold, task.options), _marks(given, task.options))


def tallies(data: Labelled) -> list[Tally]:
    """Accuracy (several: exact_match), f1_macro, f1_micro."""
    both, gold, given = (data.gold_NL & data.given_NL), data.gold_NL, data.given_NL
    counts_NK = np.concatenate([both, gold, given], axis=1).astype(float)
    exact = (gold == given).all(axis=1)
    return [
        mean_of("exact_match" if data.several else "accuracy", exact),
        Tally("f1_macro", counts_NK, _macro),
        Tally("f1_micro", counts_NK, _micro),
    ]


def per_class(data: Labelled) -> tuple[ClassRow, ...]:
    """The table per label, in the options' order."""
    columns = precision_recall_fscore_support(data.gold_NL, data.given_NL, average=None, zero_division=0)
    return tuple(
        ClassRow(label, float(p), float(r), float(f), int(n))
        for label, p, r, f, n in zip(data.options, *columns, strict=True)
    )


def confusion(data: Labelled) -> Confusion:
    """Who is confused with whom; a last column "" appears where answers had no label."""
    cells = multilabel_confusion_matrix(data.gold_NL, data.given_NL)
    per_label = tuple(
        LabelCounts(label, *(int(count) for count in cell.ravel()))
        for label, cell in zip(data.options, cells, strict=True)
    )
    if data.several:
        return Confusion(data.options, (), (), per_label, _pairs(data))
    silent_N1 = np.logical_not(np.any(data.given_NL, axis=1, keepdims=True))
    columns = (*data.options, "") if silent_N1.any() else data.options
    given = np.concatenate([data.given_NL, silent_N1], axis=1)[:, : len(columns)]
    counts = data.gold_NL.astype(int).T @ given.astype(int)
    table = tuple(tuple(int(count) for count in row) for row in counts)
    return Confusion(data.options, columns, table, per_label, _pairs(data))


# ---------------------------------------------------------------- inside


def _gold(task: Task, example: Example) -> tuple[str, ...]:
    target = example.target or ""
    names = split_labels(target) if task.several else (target,)
    for name in names:
        if name not in task.options:
            raise DataError(
                f"the label '{name}' is not one of the task's",
                where=f"item {example.id}" + (f", line {example.line}" if example.line else ""),
                expected="one of " + ", ".join(task.options),
                fix=nearest(name, task.options),
            )
    return names


def _marks(names: Sequence[Sequence[str]], options: Sequence[str]) -> Marks:
    place = {option: i for i, option in enumerate(options)}
    cells = [(i, place[name]) for i, chosen in enumerate(names) for name in chosen]
    marks = np.zeros((len(names), len(options)), dtype=np.bool_)
    rows, columns = np.array(cells, dtype=int).reshape(-1, 2).T
    marks[rows, columns] = True
    return marks


def _macro(sums: Array) -> Array:
    both, gold, given = np.split(sums, 3, axis=-1)
    f1 = divided(2 * both, gold + given)
    return divided((f1 * (gold > 0)).sum(axis=-1), (gold > 0).sum(axis=-1))


def _micro(sums: Array) -> Array:
    both, gold, given = (part.sum(axis=-1) for part in np.split(sums, 3, axis=-1))
    return divided(2 * both, gold + given)


def _pairs(data: Labelled) -> tuple[Pair, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    missed_NL, extra_NL = data.gold_NL & ~data.given_NL, data.given_NL & ~data.gold_NL
    for missed, extra in zip(missed_NL, extra_NL, strict=True):
        said = [data.options[j] for j in np.flatnonzero(extra)] or [""]
        counts.update((data.options[i], name) for i in np.flatnonzero(missed) for name in said)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Pair(gold, given, n) for (gold, given), n in ordered[:PAIRS])
