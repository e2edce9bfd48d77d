"""Answers that changed between two stages: better first, then worse.

Decided here:
- What got worse is shown as readily as what got better, and everything that is not shown is counted.
- Every kind of change (from this answer to that one, where another was expected) gets its turn, the largest first, so
  that forty times the same confusion does not hide the others.
- Labels are shown as labels, each marked right or wrong; free text is compared word by word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sayso.records import Answer, Example, Score, Why, split_labels
from sayso.report.contents import Contents
from sayso.report.diff import Parts, around_change, clipped, diff
from sayso.report.figures import stage_name, unit_name

SHOWN = 8
SHOWN_WORSE = 6
INPUT = 240
WHY_WORDS = {
    Why.WRONG_LABEL: "wrong label",
    Why.MISSING_LABEL: "a label is missing",
    Why.EXTRA_LABEL: "a label too many",
    Why.NO_LABEL: "names no label",
    Why.PARTIAL: "partly right",
    Why.EMPTY: "empty",
    Why.UNFINISHED: "did not end",
    Why.REPEATS: "goes round in circles",
    Why.COPIES: "copies the source",
}


@dataclass(frozen=True, slots=True)
class Label:
    """One label of an answer. `state` is right, wrong or missing; `probability` is written out, "" if unknown."""

    name: str
    state: str
    probability: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One stage's answer: labels, or text in parts; with its value and what is wrong with it."""

    look: str
    stage: str
    parts: Parts
    labels: tuple[Label, ...]
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """One item whose value changed."""

    item: str
    line: int
    turns: tuple[tuple[str, str], ...]
    gold: str
    before: Said
    after: Said
    labelled: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed from one stage to the next, with the counts of what is not shown."""

    before: str
    after: str
    split: str
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    n_better: int
    n_worse: int
    n_same: int
    n_right: int


@dataclass(frozen=True, slots=True)
class _Move:
    """One item with both answers and both scores."""

    example: Example
    answers: tuple[Answer, Answer]
    scores: tuple[Score, Score]

    @property
    def by(self) -> float:
        return self.scores[1].value - self.scores[0].value


def changes(contents: Contents) -> list[Changes]:
    """One for each step from a stage to the next that was scored item by item."""
    stages = contents.stages
    found = [_between(contents, a, b) for a, b in pairwise(stages)]
    return [one for one in found if one.n_better + one.n_worse + one.n_same]


def telling(moves: Iterable[_Move], most: int) -> list[_Move]:
    """Each kind of change in turn, within a kind the largest first, among equals the shortest."""
    left = sorted(moves, key=lambda m: (-abs(m.by), sum(len(message.text) for message in m.example.prompt)))
    seen: Counter[tuple[str, ...]] = Counter()
    turns: list[tuple[int, float, int, _Move]] = []
    for place, move in enumerate(left):
        kind = (move.example.target or "", move.answers[0].text, move.answers[1].text)
        turns.append((seen[kind], -abs(move.by), place, move))
        seen[kind] += 1
    return [move for *_, move in sorted(turns, key=lambda turn: turn[:3])[:most]]


# ---------------------------------------------------------------- inside


def _between(contents: Contents, before: str, after: str) -> Changes:
    split, moves = contents.split, _moves(contents, before, after)
    better, worse = [m for m in moves if m.by > 0], [m for m in moves if m.by < 0]
    same = [m for m in moves if m.by == 0]
    several = contents.recipe.task.several if contents.recipe.task.name == "classify" else None
    return Changes(
        before,
        after,
        split,
        tuple(_change(m, (before, after), several) for m in telling(better, SHOWN)),
        tuple(_change(m, (before, after), several) for m in telling(worse, SHOWN_WORSE)),
        len(better),
        len(worse),
        len(same),
        sum(m.scores[0].why is Why.RIGHT for m in same),
    )


def _moves(contents: Contents, before: str, after: str) -> list[_Move]:
    split, run = contents.split, contents.run
    was, now = (contents.graded.get((stage, split), {}) for stage in (before, after))
    said = [{answer.item: answer for answer in run.answers(stage, split)} for stage in (before, after)]
    return [
        _Move(example, (said[0][example.id], said[1][example.id]), (was[example.id], now[example.id]))
        for example in run.examples(split)
        if all(example.id in known for known in (*said, was, now)) and was[example.id].why is not Why.NOT_JUDGED
    ]


def _change(move: _Move, stages: tuple[str, str], several: bool | None) -> Change:
    example = move.example
    if several is None:
        texts = around_change(move.answers[0].text, move.answers[1].text)
        parts = diff(*texts)
        labels: tuple[tuple[Label, ...], ...] = ((), ())
    else:
        parts = ((), ())
        labels = tuple(_labels(answer, example.target or "", several) for answer in move.answers)
    before, after = (
        Said(
            stage,
            stage_name(stage),
            p,
            of,
            f"{unit_name(score.unit)} {100 * score.value:.0f}",
            WHY_WORDS.get(score.why, ""),
        )
        for stage, p, of, score in zip(stages, parts, labels, move.scores, strict=True)
    )
    turns = tuple((message.role, clipped(message.text, INPUT)) for message in example.prompt[-3:])
    return Change(example.id, example.line, turns, clipped(example.target or ""), before, after, several is not None)


def _labels(answer: Answer, target: str, several: bool) -> tuple[Label, ...]:
    gold: Sequence[str] = split_labels(target) if several else (target,)
    given: Sequence[str] = split_labels(answer.text) if several else (answer.text,)
    named = [Label(clipped(g, 80), "right" if g in gold else "wrong", _probability(answer, g)) for g in given if g]
    missing = [Label(clipped(g, 80), "missing", _probability(answer, g)) for g in gold if several and g not in given]
    return tuple(named + missing)


def _probability(answer: Answer, label: str) -> str:
    value = answer.probabilities.get(label)
    return f"{value:.2f}" if isinstance(value, int | float) else ""
