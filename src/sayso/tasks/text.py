"""Plain text, for pretraining: nothing is asked, the text itself is what is learnt.

Decided here:
- The context is empty, which means plain text to every Learner; the text is the target (or, in data that has no
  target, the prompt).
- The metric is the log-likelihood per token in nats: minus the loss, so that higher is better as for every task, and
  additive over tokens, so that it can be resampled. Perplexity is exp(-log_likelihood) and stands in a score's detail.
- There is no answer to grade: an item's Score reads the probability per token (its geometric mean), which the
  evaluation puts where other tasks have the probabilities of labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sayso.errors import RecipeError, nearest
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Kind, Messages, Sampling, Score, Why

METRICS = ("log_likelihood",)
PER_TOKEN = "per_token"


@dataclass(frozen=True, slots=True)
class Text:
    """Believe the text."""

    metric: str = METRICS[0]
    sampling: Sampling = field(default_factory=Sampling)
    options: tuple[str, ...] = ()
    several: bool = False
    name: str = "text"

    def context(self, example: Example, kind: Kind) -> Messages:
        """Nothing: plain text has no question before it."""
        del example, kind
        return ()

    def grade(self, example: Example, answer: Answer) -> Score:
        """Probability per token, in [0, 1]; NOT_JUDGED (n 0) where the answer carries none."""
        value = answer.probabilities.get(PER_TOKEN)
        if value is None:
            return Score(self.name, example.id, PER_TOKEN, 0.0, Why.NOT_JUDGED, n=0)
        detail = f"perplexity {1 / value:.4g}" if value > 0 else f"perplexity {math.inf}"
        return Score(self.name, example.id, PER_TOKEN, value, detail=detail)


def task(part: TaskPart, labels: tuple[str, ...]) -> Text:
    """The task of a recipe; `labels` is not used. RecipeError for a metric that it does not have."""
    del labels
    if part.metric and part.metric not in METRICS:
        raise RecipeError(
            f"text has no metric '{part.metric}'", where="task -> metric", fix=nearest(part.metric, METRICS)
        )
    return Text(sampling=Sampling(max_new_tokens=part.max_new_tokens))
