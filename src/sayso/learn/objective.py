"""What a piece of a step costs: each kind of Lesson through its own kernel, each normalised by its own tokens.

The totals are counted over the whole step before the first piece is computed, so eight pieces of one row and two of
four give the same gradient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sayso.learn import losses
from sayso.learn.batches import Views
from sayso.protocols import Learner
from sayso.records import Imitate, Lesson, Match, Objective, Prefer


@dataclass(frozen=True)
class Item:
    """A lesson ready for the network; `reference` holds a Prefer's log-probabilities before training."""

    lesson: Lesson
    views: Views
    reference: tuple[float, float] = (0.0, 0.0)

    @property
    def kernel(self) -> str:
        if isinstance(self.lesson, Imitate):
            return "policy" if self.lesson.behaviour_logprobs else "imitate"
        return "prefer" if isinstance(self.lesson, Prefer) else "match"

    @property
    def mass(self) -> float:
        """What this lesson adds to its kernel's normaliser: sum of |weight| of its tokens, or the pair's."""
        if isinstance(self.lesson, Prefer):
            return abs(self.lesson.weight)
        scale = abs(self.lesson.weight) if isinstance(self.lesson, Match) else 1.0
        return scale * sum(map(abs, self.views.student[0].weights))


def totals(items: Sequence[Item]) -> dict[str, float]:
    """Normaliser of each kernel over a whole step."""
    sums: dict[str, float] = defaultdict(float)
    for item in items:
        sums[item.kernel] += item.mass
        if isinstance(item.lesson, Prefer):
            sums["anchor"] += max(0.0, item.lesson.weight) * len(item.views.student[0].targets)
    return dict(sums)


def losses_of(
    learner: Learner, items: Sequence[Item], objective: Objective, total: dict[str, float]
) -> dict[str, torch.Tensor]:
    """Each kernel's loss on these items, already divided by its total and multiplied by its strength."""
    teacher_NV = _teacher_logits(learner, items)
    rows = [row for item in items for row in item.views.student]
    batch = learner.batch(rows)
    logits_NV = learner.logits(batch)
    where = _positions(items)
    parts: dict[str, torch.Tensor] = {}
    for kernel, places in where.items():
        own = [item for item in items if item.kernel == kernel]
        chosen_N = torch.tensor(places, dtype=torch.long, device=logits_NV.device)
        own_NV = logits_NV if len(where) == 1 else logits_NV[chosen_N]
        own_targets_N = batch.targets_N[chosen_N]
        weights_N = batch.weights_N[chosen_N]
        if kernel == "imitate":
            loss = losses.imitation(own_NV, own_targets_N, weights_N, total[kernel], objective.label_smoothing)
            parts[kernel] = objective.imitate * loss
        elif kernel == "policy":
            behaviour_N = weights_N.new_tensor([v for item in own for v in item.lesson.behaviour_logprobs])  # type: ignore[union-attr]
            loss = losses.policy(own_NV, own_targets_N, behaviour_N, weights_N, total[kernel], objective.clip)
            parts[kernel] = objective.imitate * loss
        elif kernel == "match":
            scale_N = weights_N.new_tensor([item.lesson.weight for item in own for _ in item.views.student[0].targets])  # type: ignore[union-attr]
            loss = losses.divergence(
                own_NV,
                teacher_NV,
                weights_N * scale_N,
                total[kernel],
                kind=objective.divergence,
                top_k=objective.top_k,
                temperature=objective.temperature,
            )
            parts[kernel] = objective.match * loss
        else:
            parts |= _preference(own, own_NV, own_targets_N, objective, total)
    return parts


def _preference(
    own: Sequence[Item], own_NV: torch.Tensor, targets_N: torch.Tensor, objective: Objective, total: dict[str, float]
) -> dict[str, torch.Tensor]:
    logp_N = losses.token_logp(own_NV, targets_N)
    lengths = [len(row.targets) for item in own for row in item.views.student]
    row_N = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(logp_N.device)
    logp_B = losses.sequence_logp(logp_N, row_N, len(lengths))
    chosen_P, rejected_P = logp_B[0::2], logp_B[1::2]
    reference_P2 = logp_B.new_tensor([item.reference for item in own])
    weights_P = logp_B.new_tensor([item.lesson.weight for item in own])
    loss = losses.preference(
        chosen_P, rejected_P, reference_P2[:, 0], reference_P2[:, 1], weights_P, total["prefer"], objective.beta
    )
    parts = {"prefer": objective.prefer * loss}
    if objective.anchor:
        weight_N = weights_P.clamp(min=0).repeat_interleave(2)[row_N] * (row_N % 2 == 0)
        parts["anchor"] = objective.anchor * losses.imitation(own_NV, targets_N, weight_N, total["anchor"])
    return parts


def margin(learner: Learner, items: Sequence[Item]) -> float | None:
    """Mean of log p(chosen) - log p(rejected) over the Prefer items, in nats; None without any."""
    pairs = [item for item in items if item.kernel == "prefer"]
    if not pairs:
        return None
    scores = learner.logps([row for item in pairs for row in item.views.student])
    return sum(scores[0::2]) / len(pairs) - sum(scores[1::2]) / len(pairs)


def _positions(items: Sequence[Item]) -> dict[str, list[int]]:
    """Per kernel, the places of its tokens among the batch's N."""
    where: dict[str, list[int]] = defaultdict(list)
    place = 0
    for item in items:
        count = sum(len(row.targets) for row in item.views.student)
        where[item.kernel] += range(place, place + count)
        place += count
    return dict(where)


def _teacher_logits(learner: Learner, items: Sequence[Item]) -> torch.Tensor:
    """Logits of all Match items' teachers, in the items' order; "self" is the model now, without dropout."""
    matches = [item for item in items if isinstance(item.lesson, Match)]
    if not matches:
        return torch.empty(0)
    found: dict[int, torch.Tensor] = {}
    for name in sorted({item.lesson.teacher for item in matches if isinstance(item.lesson, Match)}):
        own = [i for i, item in enumerate(matches) if isinstance(item.lesson, Match) and item.lesson.teacher == name]
        rows = [matches[i].views.teacher for i in own]
        batch = learner.batch([row for row in rows if row is not None])
        with learner.core.as_teacher(name):
            logits_NV = learner.logits(batch)
        for i, part in zip(own, logits_NV.split([len(row.targets) for row in rows if row is not None]), strict=True):
            found[i] = part
    return torch.cat([found[i] for i in range(len(matches))])
