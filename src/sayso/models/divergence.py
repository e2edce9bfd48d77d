"""How far a model has moved from what it was: KL per token, on answers that it used to give.

Decided here:
- KL(base || tuned), over the whole vocabulary, at the positions of a given answer: it grows where the tuned model no
  longer believes what the base believed. Without dropout, in float32.
- Words that stand in every prompt of the tuned model are in its context alone; the answer's tokens are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from sayso.errors import Fault
from sayso.models.core import SCORING_TOKENS, chunks_by_tokens
from sayso.protocols import Learner
from sayso.records import Messages, Row

Pair = tuple[Messages, str]


def divergences(
    learner: Learner, teacher: str, before: Sequence[Pair], after: Sequence[Pair]
) -> list[tuple[float, int]]:
    """For each answer the sum over its tokens of KL(`teacher` || now), in nats, and how many tokens it has.

    `before` and `after` are the same answers under the teacher's contexts and under today's. Fault where their tokens
    differ.
    """
    found: list[tuple[float, int]] = [(0.0, 0)] * len(before)
    was, now = ([learner.row(context, answer) for context, answer in pairs] for pairs in (before, after))
    if any(one.targets != other.targets for one, other in zip(was, now, strict=True)):
        raise Fault("an answer has other tokens under another context")
    learner.core.train_mode(False)
    lengths = [max(learner.cost(one), learner.cost(other)) for one, other in zip(was, now, strict=True)]
    for group in chunks_by_tokens(lengths, SCORING_TOKENS):
        sums = _kl(learner, teacher, [was[i] for i in group], [now[i] for i in group])
        for i, value in zip(group, sums, strict=True):
            found[i] = (value, len(was[i].targets))
    return found


def _kl(learner: Learner, teacher: str, was: Sequence[Row], now: Sequence[Row]) -> list[float]:
    with learner.core.as_teacher(teacher):
        before_NV = torch.log_softmax(learner.logits(learner.batch(was)).float(), dim=-1)
    with torch.no_grad():
        after_NV = torch.log_softmax(learner.logits(learner.batch(now)).float(), dim=-1)
    kl_N = torch.where(before_NV == -math.inf, 0.0, before_NV.exp() * (before_NV - after_NV)).sum(-1)
    parts = torch.split(kl_N, [len(row.targets) for row in was])
    return [float(part.double().sum()) for part in parts]


def entropies(learner: Learner, answered: Sequence[Pair]) -> list[tuple[float, int]]:
    """For each answer the sum over its tokens of the entropy of the next token, in nats, and how many tokens it has.

    How sure the model is while it writes: 0 where every token is certain. Without dropout, over the whole vocabulary.
    """
    rows = [learner.row(context, answer) for context, answer in answered]
    found: list[tuple[float, int]] = [(0.0, 0)] * len(rows)
    learner.core.train_mode(False)
    for group in chunks_by_tokens([learner.cost(row) for row in rows], SCORING_TOKENS):
        with torch.no_grad():
            logp_NV = torch.log_softmax(learner.logits(learner.batch([rows[i] for i in group])).float(), dim=-1)
        entropy_N = torch.where(logp_NV == -math.inf, 0.0, -logp_NV.exp() * logp_NV).sum(-1)
        parts = torch.split(entropy_N, [len(rows[i].targets) for i in group])
        found_here = [(float(part.double().sum()), len(rows[i].targets)) for i, part in zip(group, parts, strict=True)]
        for i, value in zip(group, found_here, strict=True):
            found[i] = value
    return found
