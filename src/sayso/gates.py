"""Rules that hold under a condition, and the gate that says of a text whether the condition holds.

Decided here:
- A gate is made of words, so that a person can see why it opens: what the condition quotes, else those of its words
  that stand in the texts commented on and in few others. Only words that stand in these texts count, so a condition
  that something is missing has no gate, and its rule goes no further than the texts commented on.
- Rules under the same condition are one; where they give it different labels the newer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sayso.grouping import ALIKE, likeness_of_conditions, quotes, share_in, terms
from sayso.material import Case
from sayso.records import Example, Messages
from sayso.wording import rule_for_label, with_comment


@dataclass(frozen=True, slots=True)
class Patch:
    """A condition, its label, the comments that say so, and the words by which its gate opens."""

    when: str
    label: str
    own: tuple[Case, ...]
    words: frozenset[str] = frozenset()

    @property
    def from_ids(self) -> tuple[str, ...]:
        """Of all comments that say so."""
        return tuple(id_ for case in self.own for id_ in case.from_ids)

    @property
    def rule(self) -> str:
        """The patch in words."""
        return rule_for_label(self.when, self.label)

    def stated(self, context: Messages) -> Messages:
        """The context with the patch in it."""
        return with_comment(context, None, self.rule)

    def opens(self, example: Example, gate: float) -> bool:
        """Does the condition seem to hold here?"""
        return share_in(self.words, _text(example.prompt)) >= gate


def patches_of(ready: Sequence[Case], refused: dict[str, str]) -> list[Patch]:
    """The rules among the comments, their gates not yet made; why others are none goes into `refused`."""
    found: list[Patch] = []
    for case in ready:
        when = case.feedback.scope.when.strip()
        if case.feedback.scope.reach != "rule" or not when or case.better is None:
            reason = "no better label is known" if case.better is None else "it is no rule that says when it holds"
            refused |= dict.fromkeys(case.from_ids, reason)
            continue
        patch = Patch(when, case.better, (case,))
        alike = next((one for one in found if likeness_of_conditions(one.when, when) >= ALIKE), None)
        if alike is not None:
            found.remove(alike)
            if alike.label == patch.label:
                patch = replace(patch, own=(*alike.own, case))
            else:
                refused |= dict.fromkeys(alike.from_ids, "a newer comment gives this condition another label")
        found.append(patch)
    return found


def gated(patch: Patch, rows: Sequence[Example], common: float) -> Patch:
    """The patch with its gate: a word that stands in more than `common` of all rows marks nothing."""
    own = [_text(case.feedback.prompt) for case in patch.own]

    def marks(words: frozenset[str]) -> frozenset[str]:
        return frozenset(word for word in words if any(share_in({word}, text) for text in own))

    def is_rare(word: str) -> bool:
        return sum(share_in({word}, _text(one.prompt)) for one in rows) <= common * len(rows)

    words = marks(quotes(patch.when)) or frozenset(filter(is_rare, marks(terms(patch.when))))
    return replace(patch, words=words)


def _text(prompt: Messages) -> str:
    return "\n".join(message.text for message in prompt)
