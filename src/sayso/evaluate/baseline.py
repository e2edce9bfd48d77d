"""What a model must beat to be worth its cost: answers from seconds of arithmetic, scored like any model's.

Decided here:
- Labels: logistic regression over tf-idf of character n-grams, which need no word segmentation. Chinese takes 1 to 3
  characters, other scripts 2 to 5. A weak baseline would flatter the model, so this one is chosen to be strong.
- Several labels: one regression each; thresholds are tuned on validation items where there are some, as the model's.
- Translation: `copying` answers with the source, `lookup` with the translation of the nearest training source.
- liblinear needs no random numbers here, so the same rows give the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sayso.errors import DataError
from sayso.evaluate.tally import Array
from sayso.evaluate.thresholds import decide, labels_over, tune
from sayso.protocols import Task
from sayso.records import Answer, Example, split_labels
from sayso.surface import is_chinese

STRENGTH = 8.0
RARE_FROM_ROWS = 1000
_LOOKUP_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A fitted linear baseline. `models` has one regression per option, or a fixed probability where one label is
    all there is or never there."""

    task: Task
    features: Any
    models: tuple[Any, ...]
    thresholds: Mapping[str, float]

    def answers(self, examples: Sequence[Example]) -> list[Answer]:
        """One Answer per example with a probability per option."""
        if not examples:
            return []
        p_NL = self._probabilities([_text(example) for example in examples])
        answers = [self._answer(example, row.tolist()) for example, row in zip(examples, p_NL, strict=True)]
        return decide(self.task, answers, self.thresholds) if self.task.several else answers

    def _probabilities(self, texts: Sequence[str]) -> Array:
        """p_NL; one label: normalised over the options."""
        rows = self.features.transform(texts)
        columns = [_column(model, rows) for model in self.models]
        p_NL = np.stack(columns, axis=1)
        return p_NL if self.task.several else np.asarray(p_NL / np.maximum(p_NL.sum(axis=1, keepdims=True), 1e-12))

    def _answer(self, example: Example, row: Sequence[float]) -> Answer:
        odds = dict(zip(self.task.options, row, strict=True))
        text = labels_over(self.task.options, odds, {}) if self.task.several else max(odds, key=odds.__getitem__)
        return Answer(example.id, text, odds)


def fit_linear(task: Task, train: Sequence[Example], validation: Sequence[Example] = ()) -> Linear:
    """The linear baseline fitted on the rows that have a target. DataError where none has, or no text has a word."""
    rows = [example for example in train if example.target is not None]
    texts = [_text(example) for example in rows]
    features = _vectorizer(texts)
    try:
        counts = features.fit_transform(texts)
    except ValueError:
        raise DataError(
            f"{len(rows)} rows give the linear baseline nothing to learn from",
            expected="training rows with text and a label",
            fix="check the text and label columns, or set evaluate.baseline: false",
        ) from None
    held = [set(split_labels(row.target or "")) if task.several else {row.target} for row in rows]
    models = tuple(_fitted(counts, np.array([option in names for names in held])) for option in task.options)
    fitted = Linear(task, features, models, {})
    known = [example for example in validation if example.target is not None]
    if not task.several or not known:
        return fitted
    return Linear(task, features, models, tune(task, known, fitted.answers(known)))


def copying(examples: Sequence[Example]) -> list[Answer]:
    """The source as its own translation."""
    return [Answer(example.id, _text(example)) for example in examples]


def lookup(train: Sequence[Example], examples: Sequence[Example]) -> list[Answer]:
    """For each example the target of the training row whose source is nearest by cosine of character n-grams.

    DataError where no training row has a source and a target.
    """
    rows = [row for row in train if row.target and _text(row).strip()]
    if not rows:
        raise DataError("nothing to look translations up in", expected="training rows with source and target")
    sources = [_text(row) for row in rows]
    features = _vectorizer(sources)
    known = features.fit_transform(sources)
    answers = []
    for begin in range(0, len(examples), _LOOKUP_ROWS):
        group = examples[begin : begin + _LOOKUP_ROWS]
        nearest = (features.transform([_text(example) for example in group]) @ known.T).toarray().argmax(axis=1)
        answers += [
            Answer(example.id, rows[place].target or "") for example, place in zip(group, nearest, strict=True)
        ]
    return answers


def baselines(
    task: Task, train: Sequence[Example], validation: Sequence[Example], examples: Sequence[Example]
) -> dict[str, list[Answer]]:
    """The baselines that make sense for this task, by name, as answers to `examples`; none for free generation."""
    if task.options:
        return {"linear": fit_linear(task, train, validation).answers(examples)}
    if task.name == "translate":
        return {"copying": copying(examples), "lookup": lookup(train, examples)}
    return {}


# ---------------------------------------------------------------- inside


def _vectorizer(texts: Sequence[str]) -> Any:
    chinese = 2 * sum(map(is_chinese, texts)) > len(texts)
    return TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, 3) if chinese else (2, 5),
        min_df=2 if len(texts) >= RARE_FROM_ROWS else 1,
        sublinear_tf=True,
        dtype=np.float32,
    )


def _fitted(counts: Any, holds_N: Any) -> Any:
    """A regression, or the probability itself where all rows agree."""
    if holds_N.all() or not holds_N.any():
        return float(holds_N.all())
    return LogisticRegression(C=STRENGTH, solver="liblinear").fit(counts, holds_N)


def _column(model: Any, rows: Any) -> Array:
    if isinstance(model, float):
        return np.full(rows.shape[0], model)
    return np.asarray(model.predict_proba(rows)[:, 1], dtype=float)


def _text(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)
