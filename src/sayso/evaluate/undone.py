"""Is what a comment taught gone, once it was taken back and the model learnt without it?

Decided here:
- The trace of a comment is how sure the model is of what it asked for (log p of the better answer per token; where
  there is none, of the answer that was learnt), on the comment's own prompt, compared with the start.
- Gone: of what had been gained at most LEFT is left, or less than NOISE was ever gained or is left. The trace may end
  below the start, which is gone too.
- Other comments may teach the same: then it is not gone, and the words say that it need not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LEFT = 0.2
NOISE = 0.05  # nats per token

State = Literal["gone", "left", "never there"]


@dataclass(frozen=True, slots=True)
class Undone:
    """The trace in nats per token at the start, learnt, and without the comment; and what that says, in words."""

    start: float
    learnt: float
    after: float
    state: State
    words: str


def undone(start: float, learnt: float, after: float, alike: int = 0) -> Undone:
    """`alike` is how many of the comments that are still taught share the rule or the prompt."""
    gained, left = learnt - start, after - start
    traced = f"log p per token was {start:.2f} at the start, {learnt:.2f} learnt, and is {after:.2f} without it"
    if gained < NOISE:
        return Undone(start, learnt, after, "never there", f"There was nothing to take back: {traced}.")
    if left <= max(LEFT * gained, NOISE):
        share = min(1.0, 1 - left / gained)
        return Undone(start, learnt, after, "gone", f"Its effect is gone: {traced} ({share:.0%} taken back).")
    others = "1 other comment teaches" if alike == 1 else f"{alike} other comments teach"
    why = f"; {others} the same rule or is about the same prompt" if alike else ""
    why = why.replace("or is about", "or are about") if alike != 1 else why
    return Undone(start, learnt, after, "left", f"Its effect is not gone: {traced}, {left / gained:.0%} is left{why}.")
