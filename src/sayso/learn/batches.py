"""Which lessons go together: the order of an epoch, its steps, and the pieces of a step that fit in memory.

Decided here:
- Everything is a pure function of (lengths, settings, seed, epoch): a resumed run asks again and gets the same.
- Steps are cut from neighbourhoods of like length, then shuffled: little padding, still random (the idea of length
  bucketing; neighbourhoods are 50 steps wide).
- A step has a fixed number of rows; the loss is weighted by tokens, so how a step is cut into pieces changes nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from sayso.protocols import Learner
from sayso.recipe import StrategyPart
from sayso.records import Imitate, Lesson, Match, Prefer, Row

NEIGHBOURHOOD = 50


@dataclass(frozen=True)
class Views:
    """One lesson in token ids: what the student sees (two rows for Prefer) and, for Match, what the teacher sees."""

    student: tuple[Row, ...]
    teacher: Row | None
    costs: tuple[int, ...]

    @property
    def longest(self) -> int:
        """Tokens of the costliest row."""
        return max(self.costs)

    @property
    def tokens(self) -> int:
        """Tokens of all rows together."""
        return sum(self.costs)


def views(learner: Learner, lesson: Lesson, draw: int = 0) -> Views:
    """A lesson's rows. Student and teacher rows of a Match have the very same target ids."""
    teacher: Row | None = None
    if isinstance(lesson, Imitate):
        student: tuple[Row, ...] = (learner.row(lesson.context, lesson.target, lesson, draw),)
    elif isinstance(lesson, Prefer):
        answers = (lesson.chosen, lesson.rejected)
        student = tuple(learner.row(lesson.context, answer, lesson) for answer in answers)
    else:
        student = (learner.row(lesson.context, lesson.target, lesson),)
        teacher = _teacher_row(learner, lesson, student[0])
    every = student if teacher is None else (*student, teacher)
    return Views(student, teacher, tuple(learner.cost(row) for row in every))


def _teacher_row(learner: Learner, lesson: Match, student: Row) -> Row:
    if lesson.hinted == lesson.context:
        return student
    same = Match(lesson.context, lesson.hinted, lesson.target, lesson.teacher, lesson.weight, (), student.targets)
    return learner.row(lesson.hinted, lesson.target, same)


def rows_per_step(strategy: StrategyPart, lengths: Sequence[int]) -> int:
    """batch_rows, or as many average rows as batch_tokens holds."""
    if strategy.batch_rows:
        return min(strategy.batch_rows, len(lengths))
    mean = sum(lengths) / len(lengths)
    return max(1, min(len(lengths), round(strategy.batch_tokens / mean)))


def epoch_steps(lengths: Sequence[int], rows: int, seed: int, epoch: int) -> list[list[int]]:
    """The steps of one epoch: every lesson once, `rows` to a step (the last may be smaller)."""
    dice = random.Random(f"{seed}:{epoch}")
    order = list(range(len(lengths)))
    dice.shuffle(order)
    steps: list[list[int]] = []
    for begin in range(0, len(order), rows * NEIGHBOURHOOD):
        near = sorted(order[begin : begin + rows * NEIGHBOURHOOD], key=lambda i: lengths[i])
        steps += [near[k : k + rows] for k in range(0, len(near), rows)]
    dice.shuffle(steps)
    return steps


def pieces(
    step: Sequence[int], longest: Sequence[int], tokens: Sequence[int], budget: int, packed: bool
) -> list[list[int]]:
    """A step cut so that each piece stays within `budget` tokens (padded size, or the sum where rows are packed)."""
    groups: list[list[int]] = []
    width = filled = 0
    for i in sorted(step, key=lambda i: (-longest[i], i)):
        rows = max(1, math.ceil(tokens[i] / max(1, longest[i])))
        cost = tokens[i] if packed else rows * max(width, longest[i])
        if groups and filled + cost <= budget:
            groups[-1].append(i)
            filled += cost
        else:
            groups.append([i])
            width = longest[i]
            filled = tokens[i] if packed else rows * width
    return groups
