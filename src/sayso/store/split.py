"""Which comments are learnt from, and which are kept as a test of what was learnt.

Decided here:
- Comments that share a rule stay together, so that a claim about a held-out rule is about a rule never taught; the
  others go by the item they are about (its id, else its prompt), so that an item is never on both sides.
- A comment that says itself where it belongs is believed, and takes its group along: "train" to learn from, else held
  out. Where a group is torn, it is held out.
- The draw depends on the groups' names and the seed, never on the order of the comments. With a single rule there is
  nothing to hold out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from sayso.records import Feedback, content_id


class Halves(NamedTuple):
    """Comments to learn from and comments held out, each in the order given."""

    learn: tuple[Feedback, ...]
    held_out: tuple[Feedback, ...]


def hold_out(feedback: Iterable[Feedback], share: float, seed: int) -> Halves:
    """About `share` of the groups held out: at least one, and at least one learnt from, where that can be."""
    comments = tuple(feedback)
    groups: dict[str, list[Feedback]] = defaultdict(list)
    for comment in comments:
        groups[_group(comment)].append(comment)
    free = [name for name, members in groups.items() if not any(member.split for member in members)]
    drawn = sorted(free, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    held = set(drawn[: _number(share, len(free))]) | {name for name in groups if _says_held(groups[name])}
    return Halves(
        tuple(comment for comment in comments if _group(comment) not in held),
        tuple(comment for comment in comments if _group(comment) in held),
    )


def rule_of(comment: Feedback) -> str:
    """What identifies the comment's rule, "" where it is about its item only. Case and white space do not matter."""
    words = comment.scope.when or (comment.comment if comment.scope.reach == "everywhere" else "")
    return " ".join(words.casefold().split()) if comment.scope.reach != "item" else ""


# ---------------------------------------------------------------- inside


def _group(comment: Feedback) -> str:
    rule = rule_of(comment)
    return f"rule:{rule}" if rule else f"item:{comment.item or content_id(list(comment.prompt))}"


def _says_held(members: list[Feedback]) -> bool:
    return any(member.split in ("validation", "test") for member in members)


def _number(share: float, groups: int) -> int:
    if share <= 0 or share >= 1:
        return groups if share >= 1 else 0
    return min(max(1, round(share * groups)), groups - 1) if groups > 1 else 0
