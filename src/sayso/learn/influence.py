"""Which lessons pull a model towards an answer: the answer's gradient beside that of each lesson.

Decided here:
- TracIn, Pruthi et al. 2020, arXiv 2002.08484, equation 1 at one checkpoint: a step on a lesson moves the answer's
  loss by the step's length times the inner product of the two gradients. A lesson's gradient is that of its part of
  the whole step's loss, kernels and normalisers as in training, so the pulls of several lessons add up.
- The cosine beside it (GradCos) leaves out how long a lesson's gradient is; an optimiser that scales each direction,
  as Adam does, leaves it out too.
- Gradients are held one at a time and never stored: memory is that of one training step and one more gradient.
- It is a proxy. What is true of a comment is what becomes of the answer without it: the command trains again to know.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from sayso.learn.batches import views
from sayso.learn.losses import token_logp
from sayso.learn.objective import Item, losses_of, totals
from sayso.protocols import Learner
from sayso.records import Lesson, Objective, Prefer, Row


@dataclass(frozen=True, slots=True)
class Pull:
    """A lesson's inner product and cosine with the answer; above 0: it pulls towards the answer."""

    product: float
    cosine: float


def pulls(learner: Learner, answer: Row, lessons: Sequence[Lesson], objective: Objective) -> list[Pull]:
    """One Pull per lesson, at the weights that the learner has now. The learner does not change.

    "start" has to have been remembered where lessons are pairs or ask for it; "base" where they ask for that.
    """
    learner.core.train_mode(False)
    toward = _gradient(learner, _negative_logp(learner, answer))
    length = _norm(toward)
    found = []
    for loss in _losses(learner, lessons, objective):
        own = _gradient(learner, loss)
        product = _product(toward, own)
        size = length * _norm(own)
        found.append(Pull(product, product / size if size else 0.0))
    _forget(learner)
    return found


# ---------------------------------------------------------------- inside


def _losses(learner: Learner, lessons: Sequence[Lesson], objective: Objective) -> Iterator[torch.Tensor]:
    """Each lesson's part of the loss of one step over all of them."""
    items = [Item(lesson, views(learner, lesson)) for lesson in lessons]
    total = totals(items)
    for item in items:
        known = Item(item.lesson, item.views, _reference(learner, item))
        yield torch.stack(list(losses_of(learner, [known], objective, total).values())).sum()


def _reference(learner: Learner, item: Item) -> tuple[float, float]:
    if not isinstance(item.lesson, Prefer):
        return 0.0, 0.0
    with learner.core.as_teacher("start"):
        chosen, rejected = learner.logps(item.views.student)
    return chosen, rejected


def _negative_logp(learner: Learner, row: Row) -> torch.Tensor:
    batch = learner.batch([row])
    return -token_logp(learner.logits(batch), batch.targets_N).sum()


def _gradient(learner: Learner, loss: torch.Tensor) -> list[torch.Tensor | None]:
    parameters = [p for _, p in learner.core.parameters()]
    if not loss.requires_grad:
        return [None] * len(parameters)
    return list(torch.autograd.grad(loss, parameters, allow_unused=True))


def _product(one: Sequence[torch.Tensor | None], other: Sequence[torch.Tensor | None]) -> float:
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return math.fsum(float((a.double() * b.double()).sum()) for a, b in both)


def _norm(gradient: Sequence[torch.Tensor | None]) -> float:
    return math.sqrt(_product(gradient, gradient))


def _forget(learner: Learner) -> None:
    for _, p in learner.core.parameters():
        p.grad = None
