"""Which past comments say much the same as one that is being written, and which say the opposite.

Decided here:
- "The same" and "the opposite" are what learning takes for them (grouping), so nobody is told otherwise than it turns
  out. Below that a comment is near where enough of its words are shared.
- The surest come first: the opposite, for it decides which of the two counts, then the same, then the near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.grouping import ALIKE, demand, likeness, terms
from sayso.serve.inbox.shelf import Kept

How = Literal["opposite", "same", "near"]
MOST = 5
LOOKED = 2000  # newest comments that are compared while somebody types
NEAR = 0.34
_ORDER: tuple[How, ...] = ("opposite", "same", "near")


@dataclass(frozen=True, slots=True)
class Alike:
    """A past comment, how it compares, and how close it is (0 to 1)."""

    kept: Kept
    how: How
    closeness: float


def similar(words: str, past: Sequence[Kept], most: int = MOST) -> list[Alike]:
    """At most so many past comments that say much the same, or the opposite; none for no words."""
    if not words.strip():
        return []
    found = [
        one for kept in past[-LOOKED:] if kept.said.comment.strip() and (one := _compared(words, kept)) is not None
    ]
    return sorted(found, key=lambda one: (_ORDER.index(one.how), -one.closeness))[:most]


# ---------------------------------------------------------------- inside


def _compared(words: str, kept: Kept) -> Alike | None:
    theirs = kept.said.comment
    mine, other = demand(words), demand(theirs)
    if mine.matter and mine.matter == other.matter and mine.forbids != other.forbids:
        return Alike(kept, "opposite", 1.0)
    close = likeness(words, theirs)
    if close >= ALIKE:
        return Alike(kept, "same", close)
    one, two = terms(words), terms(theirs)
    shared = 2 * len(one & two) / (len(one) + len(two)) if one and two else 0.0
    return Alike(kept, "near", shared) if shared >= NEAR else None
