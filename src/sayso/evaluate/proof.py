"""What a learnt model makes of the comments: the measures of heeding on a run's own comments, before and after.

Decided here, for a comment f and how far an answer does what f asks (a share):
- internalised: on the comments that were taught, without any in the prompt, after less before. `kept` is its share of
  what the model gained by reading them before it had learnt, where it gained anything; all of it where learning gave
  more than reading.
- transfer: the same on comments that were held out.
- heed: of the learnt model, with f in the prompt less with another comment in its place.
- overreach: on prompts that f is not about, how far answers do what f asks, after less before.
- drift: mean KL(before || after) per token of the answers that were given before, on prompts nobody commented on.
- retention: on comments that earlier runs taught and heeded, after less before.
- obedience: of the learnt model, what a comment from elsewhere asks, with it in the prompt less without.
- belief: log p of the better answer per token, after less before, of the taught and of the held-out comments.
What could not be measured is not there, and nothing stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sayso.evaluate.measured import Draw, Measure, Measured, Values, divergence, paired
from sayso.records import Outcome

GAINED = 0.05  # a smaller gain by reading is no measure of anything
FELL = 0.05  # of a share; less is a matter of wording
_NONE: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Sides:
    """The same things before and after, or without and with."""

    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All values by comment's id (neighbours by id and item); `was` and `now` are the readings of the two models.

    Readings are by condition: "none", "right", "shuffled". `drift` is (sum of nats, tokens) per answer.
    """

    learnt: Sides = Sides()
    held_out: Sides = Sides()
    belief: Sides = Sides()
    belief_held_out: Sides = Sides()
    was: Mapping[str, Values] = field(default_factory=dict)
    now: Mapping[str, Values] = field(default_factory=dict)
    near: Sides = Sides()
    earlier: Sides = Sides()
    wrong: Sides = Sides()
    drift: Sequence[tuple[float, int]] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """One comment, before and after; shares and beliefs are None where they were not measured."""

    outcome: Outcome
    comment: str
    share: tuple[float, float] | None = None
    belief: tuple[float, float] | None = None

    @property
    def fell(self) -> bool:
        """Whether the answer does less of what the comment asks than before."""
        return self.share is not None and self.share[1] <= self.share[0] - FELL


_THEN = ("before", "after")
LEARNT = Measure("internalised", "taught comments done as asked, none of them in the prompt", _THEN)
HELD_OUT = Measure("transfer", "held-out comments done as asked, none of them in the prompt", _THEN)
HEED = Measure("heed", "answers as asked by the learnt model, the comment read", ("with another comment", "with it"))
NEAR = Measure("overreach", "answers elsewhere that do what a comment asks", _THEN, better=-1, of="prompt")
DRIFT = Measure("drift", "KL(before || after) where nobody commented", _THEN, "nats", -1, "answer")
EARLIER = Measure("retention", "comments of earlier runs done as asked", _THEN)
WRONG = Measure(
    "obedience", "answers that do what a comment from elsewhere asks", ("without it", "with it"), better=-1
)
BELIEF = Measure("belief", "log p of the better answers of taught comments", _THEN, "nats")
BELIEF_HELD_OUT = Measure("belief, held out", "log p of the better answers of held-out comments", _THEN, "nats")


def measures(evidence: Evidence, draw: Draw) -> list[Measured]:
    """Those of which there is any evidence."""
    return [one for one in _each(evidence, draw) if one is not None]


def kept(evidence: Evidence) -> float | None:
    """What is internalised, as a share (at most 1) of what reading gave; None where that was nothing to speak of."""
    right, none = evidence.was.get("right", _NONE), evidence.was.get("none", _NONE)
    sides = evidence.learnt
    ids = [id_ for id_ in right if id_ in none and id_ in sides.before and id_ in sides.after]
    gained = sum(right[id_] - none[id_] for id_ in ids)
    if not ids or gained < GAINED * len(ids):
        return None
    return min(1.0, sum(sides.after[id_] - sides.before[id_] for id_ in ids) / gained)


# ---------------------------------------------------------------- inside


def _each(evidence: Evidence, draw: Draw) -> Iterator[Measured | None]:
    for measure, sides in (
        (LEARNT, evidence.learnt),
        (HELD_OUT, evidence.held_out),
        (HEED, Sides(evidence.now.get("shuffled", _NONE), evidence.now.get("right", _NONE))),
        (NEAR, evidence.near),
        (EARLIER, evidence.earlier),
        (WRONG, evidence.wrong),
        (BELIEF, evidence.belief),
        (BELIEF_HELD_OUT, evidence.belief_held_out),
    ):
        yield paired(measure, sides.before, sides.after, draw)
    yield divergence(DRIFT, evidence.drift, draw)
