"""What a piece of a step costs: each kind of Lesson through its own kernel, each normalised by its own tokens.

The totals are counted over the whole step before the first piece is computed, so eight pieces of one row and two of
four give the same gradient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    learner: Learner, items: Sequence[Item], objective: Objective, total: Mapping[str, float]
) -> dict[str, torch.Tensor]:
    """Each kernel's loss on these items, already divided by its total and multiplied by its strength."""
    teacher_NV = _teacher_logits(learner, items)
    batch = learner.batch([row for item in items for row in item.views.student])
    logits_NV = learner.logits(batch)
    where = _positions(items)
    parts: dict[str, torch.Tensor] = {}
    for kernel, places in where.items():
        chosen_N = torch.tensor(places, dtype=torch.long, device=logits_NV.device)
        own_NV = logits_NV if len(where) == 1 else logits_NV[chosen_N]
        own = [item for item in items if item.kernel == kernel]
        part = Part(own, own_NV, batch.targets_N[chosen_N], batch.weights_N[chosen_N], objective, total)
        parts |= _match(part, teacher_NV) if kernel == "match" else KERNELS[kernel](part)
    return parts


@dataclass(frozen=True)
class Part:
    """The items of one kernel with their N positions."""

    items: Sequence[Item]
    logits_NV: torch.Tensor
    targets_N: torch.Tensor
    weights_N: torch.Tensor
    objective: Objective
    total: Mapping[str, float]

    def per_token(self, values: Iterable[float]) -> torch.Tensor:
        """Numbers as float32 beside the weights, whatever the logits are in."""
        return self.weights_N.new_tensor(list(values))


def _imitate(part: Part) -> dict[str, torch.Tensor]:
    smoothing, total = part.objective.label_smoothing, part.total["imitate"]
    loss = losses.imitation(part.logits_NV, part.targets_N, part.weights_N, total, smoothing)
    return {"imitate": part.objective.imitate * loss}


def _policy(part: Part) -> dict[str, torch.Tensor]:
    lessons = [item.lesson for item in part.items if isinstance(item.lesson, Imitate)]
    behaviour_N = part.per_token(value for lesson in lessons for value in lesson.behaviour_logprobs)
    total, clip = part.total["policy"], part.objective.clip
    loss = losses.policy(part.logits_NV, part.targets_N, behaviour_N, part.weights_N, total, clip)
    return {"policy": part.objective.imitate * loss}


def _match(part: Part, teacher_NV: torch.Tensor) -> dict[str, torch.Tensor]:
    scale_N = part.per_token(item.lesson.weight for item in part.items for _ in item.views.student[0].targets)
    asked = part.objective
    loss = losses.divergence(
        part.logits_NV,
        teacher_NV,
        part.weights_N * scale_N,
        part.total["match"],
        kind=asked.divergence,
        top_k=asked.top_k,
        temperature=asked.temperature,
    )
    return {"match": asked.match * loss}


def _prefer(part: Part) -> dict[str, torch.Tensor]:
    """DPO over pairs, with likelihood of the chosen answers beside it where the objective asks for an anchor."""
    logp_N = losses.token_logp(part.logits_NV, part.targets_N)
    lengths = [len(row.targets) for item in part.items for row in item.views.student]
    row_N = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(logp_N.device)
    logp_B = losses.sequence_logp(logp_N, row_N, len(lengths))
    known_P = [part.per_token(item.reference[side] for item in part.items) for side in (0, 1)]
    weights_P = part.per_token(item.lesson.weight for item in part.items)
    asked, total = part.objective, part.total
    chosen_P, rejected_P = logp_B[0::2], logp_B[1::2]
    loss = losses.preference(chosen_P, rejected_P, known_P[0], known_P[1], weights_P, total["prefer"], asked.beta)
    parts = {"prefer": asked.prefer * loss}
    if asked.anchor:
        weight_N = weights_P.clamp(min=0).repeat_interleave(2)[row_N] * (row_N % 2 == 0)
        parts["anchor"] = asked.anchor * losses.imitation(part.logits_NV, part.targets_N, weight_N, total["anchor"])
    return parts


KERNELS = {"imitate": _imitate, "policy": _policy, "prefer": _prefer}


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
    asked = [(item.lesson.teacher, item.views.teacher) for item in items if isinstance(item.lesson, Match)]
    matches = [(name, row) for name, row in asked if row is not None]
    if not matches:
        return torch.empty(0)
    found: dict[int, torch.Tensor] = {}
    for teacher in sorted({name for name, _ in matches}):
        own = [i for i, (name, _) in enumerate(matches) if name == teacher]
        rows = [matches[i][1] for i in own]
        batch = learner.batch(rows)
        with learner.core.as_teacher(teacher):
            logits_NV = learner.logits(batch)
        found |= dict(zip(own, torch.split(logits_NV, [len(row.targets) for row in rows]), strict=True))
    return torch.cat([found[i] for i in range(len(matches))])
