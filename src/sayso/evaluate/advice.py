"""Which method to learn by, and why, in words: one small table from what a probe found.

Decided here:
- The rows are tried in order and the first that holds decides. Each names methods in order of promise; those that are
  not there, cannot use this kind of model or made no lesson of these comments are passed over.
- MOSTLY: from half of the comments on, error spans, or turns of a user, are what there is to learn from.
- REVISED: a method that learns from better answers alone should not throw away more than a fifth of the comments.
- PAIRS: with fewer better answers than these, imitating them is as good as preferring them, and steadier
  (arXiv 2402.07896 teaches a rule with a hundred pairs; ILF, arXiv 2303.16755, imitates from a few dozen).
- SMALL: on fewer comments an edge that is not seen is not shown to be absent, and that is said.
- Not in the table, for who names them: `refine` and `reinforce`, which draw answers in several rounds and take many
  times as long; `prompt`, which teaches nothing; `patch`, which is for rules that give labels.
- A model that reads a comment no better than another one is no teacher: what it would distil is noise. It needs better
  answers, or a larger teacher.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sayso.evaluate.edge import Sight
from sayso.records import Feedback, Kind

MOSTLY = 0.5
REVISED = 0.8
PAIRS = 32
SMALL = 12


@dataclass(frozen=True, slots=True)
class Found:
    """What the table looks at: how many comments, the shares of them that have something, what the model can use."""

    kind: Kind
    comments: int
    better: float = 0.0
    spans: float = 0.0
    turns: float = 0.0
    sight: Sight = "cannot tell"
    measured: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    when: Callable[[Found], bool]
    methods: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Methods in order of promise, the first recommended (none where nothing can be learnt), and why, in sentences."""

    methods: tuple[str, ...]
    why: tuple[str, ...]


TABLE = (
    Row(
        lambda f: f.kind == "encoder",
        ("imitate", "prefer"),
        "The model is an encoder: it cannot read a comment, so it learns from better answers.",
    ),
    Row(
        lambda f: f.spans >= MOSTLY,
        ("mark", "prefer", "imitate"),
        "Most comments mark what is wrong: those words can be pushed away, the rest of the answer kept.",
    ),
    Row(
        lambda f: f.turns >= MOSTLY,
        ("hindsight", "condition", "distil"),
        "Most comments are what a user said next: there are no better answers, and the next turn tells how it went.",
    ),
    Row(
        lambda f: f.sight == "sees",
        ("distil", "prefer", "imitate"),
        "Reading a comment helps the model, and it is the words that help: it can teach itself.",
    ),
    Row(
        lambda f: f.better >= REVISED and f.comments * f.better >= PAIRS,
        ("prefer", "imitate"),
        "Reading a comment is not shown to help the model; but better answers are known, enough for pairs.",
    ),
    Row(
        lambda f: f.better >= MOSTLY,
        ("imitate", "prefer"),
        "Reading a comment is not shown to help the model; it can use better answers, and there are few.",
    ),
    Row(
        lambda _: True,
        ("condition", "predict"),
        "Reading a comment is not shown to help the model, and few better answers are known: what is left is to learn "
        "which answer each comment was said of. Write revisions, or name a larger model, for more.",
    ),
)


def found_in(feedback: Collection[Feedback], kind: Kind, better: int) -> Found:
    """The shares, of all comments; `better` is how many have a better answer. The sight is filled in by the probe."""
    n = max(1, len(feedback))
    spans, turns = sum(bool(one.spans) for one in feedback), sum(one.author.kind == "user_turn" for one in feedback)
    return Found(kind, len(feedback), better / n, spans / n, turns / n)


def advise(found: Found, able: Collection[str]) -> Advice:
    """The recommendation among the methods that are `able`: those that made a lesson of these comments."""
    place = next(place for place, row in enumerate(TABLE) if row.when(found))
    row, *later = TABLE[place:]
    named = dict.fromkeys([*row.methods, *(name for other in later for name in other.methods)])
    methods = tuple(name for name in named if name in able)
    passed = [name for name in row.methods if name not in able]
    why = [row.because]
    if passed and (not methods or row.methods[0] in passed):
        why.append(f"{' and '.join(passed)} can use none of these comments.")
    if not methods:
        why.append("No method can learn from these comments.")
    if found.kind != "encoder" and found.sight != "sees" and found.measured < SMALL:
        why.append(f"Only {found.measured} comments could be measured; more might show an edge that these do not.")
    return Advice(methods, tuple(why))
