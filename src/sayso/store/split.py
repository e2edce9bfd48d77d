"""Which comments are learnt from, and which are kept as a test of what was learnt.

Decided here:
- Comments that share a rule stay together, so that a claim about a held-out rule is about a rule never taught; the
  others go by the item they are about (its id, and its prompt), so that an item is never on both sides.
- Comments on one conversation stay together, whatever they are about: the prompt of a later turn holds the earlier
  answer and what was said to it. One prompt that begins with another is the same conversation further on.
- With fewer than FEW_RULES rules all go by their items: of two rules one held out whole would leave the other to be
  taught alone, and a model that is only ever told "this is positive" learns to say that.
- A comment that says itself where it belongs is believed, and takes its group along: "train" to learn from, else held
  out. Where a group is torn, it is held out.
- The draw depends on the groups' names and the seed, never on the order of the comments. With a single item there is
  nothing to hold out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sayso.records import Feedback, Messages, content_id

FEW_RULES = 5
_ITEM = "item:"


class Halves(NamedTuple):
    """Comments to learn from and comments held out, each in the order given."""

    learn: tuple[Feedback, ...]
    held_out: tuple[Feedback, ...]


def hold_out(feedback: Iterable[Feedback], share: float, seed: int) -> Halves:
    """About `share` of the groups held out: at least one, and at least one learnt from, where that can be."""
    comments = tuple(feedback)
    by_rule = len({rule_of(comment) for comment in comments} - {""}) >= FEW_RULES
    names = _groups(comments, by_rule)
    groups: dict[str, list[Feedback]] = defaultdict(list)
    for name, comment in zip(names, comments, strict=True):
        groups[name].append(comment)
    free = [name for name, members in groups.items() if not any(member.split for member in members)]
    drawn = sorted(free, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    held = set(drawn[: _number(share, len(free))]) | {name for name in groups if _says_held(groups[name])}
    sides: tuple[list[Feedback], list[Feedback]] = ([], [])
    for name, comment in zip(names, comments, strict=True):
        sides[name in held].append(comment)
    return Halves(*map(tuple, sides))


def rule_of(comment: Feedback) -> str:
    """What identifies the comment's rule, "" where it is about its item only. Case and white space do not matter."""
    words = comment.scope.when or (comment.comment if comment.scope.reach == "everywhere" else "")
    return " ".join(words.casefold().split()) if comment.scope.reach != "item" else ""


# ---------------------------------------------------------------- inside


def _groups(comments: Sequence[Feedback], by_rule: bool) -> list[str]:
    """The name of each comment's group: the first name, in the alphabet, of all that belongs together."""
    names = [_name(comment, by_rule) for comment in comments]
    at: dict[Messages, set[str]] = defaultdict(set)
    for name, comment in zip(names, comments, strict=True):
        at[comment.prompt].add(name)
    joined: dict[str, str] = {}
    for prompt, here in at.items():
        _join(joined, [name for name in here if name.startswith(_ITEM)])
        for turns in range(1, len(prompt)):
            if prompt[:turns] in at:
                _join(joined, [*here, *at[prompt[:turns]]])
    return [_root(joined, name) for name in names]


def _name(comment: Feedback, by_rule: bool) -> str:
    rule = rule_of(comment) if by_rule else ""
    return f"rule:{rule}" if rule else _ITEM + (comment.item or content_id(list(comment.prompt)))


def _join(joined: dict[str, str], names: Iterable[str]) -> None:
    first, *others = sorted({_root(joined, name) for name in names}) or [""]
    joined.update(dict.fromkeys(others, first))


def _root(joined: Mapping[str, str], name: str) -> str:
    while name in joined:
        name = joined[name]
    return name


def _says_held(members: list[Feedback]) -> bool:
    return any(member.split in ("validation", "test") for member in members)


def _number(share: float, groups: int) -> int:
    if share <= 0 or share >= 1:
        return groups if share >= 1 else 0
    return min(max(1, round(share * groups)), groups - 1) if groups > 1 else 0
