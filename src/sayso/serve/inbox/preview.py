"""How far a comment would reach: which of the answers in the log it would be about.

Decided here:
- "Just here" is the same question, "everywhere" all of them. "Whenever ..." is told by the gate of rules (gates.py),
  as learning does it: words of the condition that stand in this question and in few others. The page shows them, for
  what is found by words is a hint, and people should see why it was found.
- Where none of its words stands in this very question, those that stand in others are looked for instead.
- Only the newest answers of the log are looked through; how many is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sayso.gates import Patch, gated
from sayso.grouping import quotes, share_in, terms
from sayso.material import Case
from sayso.records import Attempt, Example, Feedback, Messages, Scope
from sayso.store.responses import Response

GATE = 0.5  # share of the words that must be there, as in the method `patch`
COMMON = 0.5  # a word in more of the questions than this marks nothing
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reaches:
    """`found` of `looked` answers, some of them, and the `words` by which; `here`: words of this very question."""

    found: int
    looked: int
    some: tuple[Response, ...]
    words: tuple[str, ...] = ()
    here: bool = True


def preview(scope: Scope, prompt: Messages, recent: Sequence[Response]) -> Reaches:
    """What a comment of this scope on this prompt would be about among the newest responses."""
    if scope.reach == "everywhere":
        return _told(recent, recent)
    if scope.reach == "item" or not scope.when.strip():
        return _told([one for one in recent if one.prompt == prompt], recent)
    rows = [Example(one.id, one.prompt) for one in recent]
    case = Case(Feedback(prompt, Attempt(""), "", scope=scope), prompt, None, None)
    patch = gated(Patch(scope.when, "", (case,)), rows, COMMON)
    words = patch.words or _elsewhere(scope.when, rows)
    found = [one for one in recent if words and share_in(words, _text(one.prompt)) >= GATE]
    return _told(found, recent, tuple(sorted(words)), bool(patch.words))


# ---------------------------------------------------------------- inside


def _elsewhere(when: str, rows: Sequence[Example]) -> frozenset[str]:
    """Words of the condition that stand in some questions, but in few."""
    asked = quotes(when) or terms(when)
    counts = {word: sum(share_in({word}, _text(row.prompt)) > 0 for row in rows) for word in asked}
    return frozenset(word for word, count in counts.items() if 0 < count <= COMMON * len(rows))


def _told(
    found: Sequence[Response], looked: Sequence[Response], words: tuple[str, ...] = (), here: bool = True
) -> Reaches:
    return Reaches(len(found), len(looked), tuple(found[:SHOWN]), words, here)


def _text(prompt: Messages) -> str:
    return "\n".join(message.text for message in prompt)
