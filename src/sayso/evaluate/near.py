"""Prompts that a comment is not about but that lie near it: where overreach shows first.

Decided here:
- A comment on a rule that holds under a condition: the prompts of comments that name another condition,
  in the same language, for a condition in another one may be the same.
- A comment on one item: the items most like its prompt (chrF of the prompts) that nobody commented on.
- A comment that holds everywhere is about every prompt: it has no neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

from sayso.chrf import chrf
from sayso.records import Example, Feedback, Messages
from sayso.store.split import rule_of
from sayso.wording import language_of

MOST = 3  # neighbours of one comment
POOL = 200  # items among which they are looked for


def under_other_rules(one: Feedback, feedback: Sequence[Feedback]) -> list[Feedback]:
    """At most MOST comments, on other prompts, that name another condition; the nearest first."""
    if one.scope.reach != "rule" or not rule_of(one):
        return []
    fitting = [
        other
        for other in feedback
        if other.scope.reach == "rule"
        and rule_of(other) not in ("", rule_of(one))
        and other.prompt != one.prompt
        and language_of(other.comment) == language_of(one.comment)
        and not set(one.checks) & set(other.checks)
    ]
    return sorted(fitting, key=lambda other: -alike(one.prompt, other.prompt))[:MOST]


def like_it(one: Feedback, examples: Sequence[Example]) -> list[Example]:
    """At most MOST of these items, the nearest first; none for a comment that reaches further than its item."""
    if one.scope.reach != "item":
        return []
    others = [example for example in examples[:POOL] if example.prompt != one.prompt and example.id != one.item]
    return sorted(others, key=lambda example: -alike(one.prompt, example.prompt))[:MOST]


def alike(one: Messages, other: Messages) -> float:
    """How many runs of characters two conversations share, in [0, 1]."""
    return chrf(*("\n".join(message.text for message in prompt) for prompt in (one, other)))
