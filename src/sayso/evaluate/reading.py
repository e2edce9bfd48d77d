"""A model that reads a comment before it answers: what stands in its prompt, and in those of its controls.

Decided here:
- right: the comment itself. shuffled: what was said of another answer, about another rule and in the same language. It
  is as much a comment and has none of this one's content. vague: that something is wrong, and no more.
- All are shown as `wording.with_comment` shows them, after the attempt where there is one; so they differ in words
  alone.
- Where nobody said anything else in this language there is no shuffled comment, and nothing is made up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sayso.material import Case
from sayso.protocols import Task
from sayso.records import Answer, Example, Feedback, Kind, Messages, Sampling, Score
from sayso.store.split import rule_of
from sayso.wording import language_of, language_of_context, with_comment

Condition = Literal["right", "shuffled", "vague"]
CONDITIONS: tuple[Condition, ...] = ("right", "shuffled", "vague")
VAGUE: Mapping[str, str] = {"en": "Wrong, try again.", "zh": "错了，再来一遍。"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A task in which some prompts hold a comment: (attempt or None, comment) by the example's id."""

    task: Task
    said: Mapping[str, tuple[str | None, str]]

    @property
    def name(self) -> str:
        """The task's."""
        return self.task.name

    @property
    def metric(self) -> str:
        """The task's."""
        return self.task.metric

    @property
    def options(self) -> tuple[str, ...]:
        """The task's."""
        return self.task.options

    @property
    def several(self) -> bool:
        """The task's."""
        return self.task.several

    @property
    def sampling(self) -> Sampling:
        """The task's."""
        return self.task.sampling

    def context(self, example: Example, kind: Kind) -> Messages:
        """The task's, with what was said at its end."""
        context = self.task.context(example, kind)
        return with_comment(context, *self.said[example.id]) if example.id in self.said else context

    def grade(self, example: Example, answer: Answer) -> Score:
        """The task's."""
        return self.task.grade(example, answer)


def others(
    cases: Sequence[Case], pool: Sequence[Feedback], seed: int, alike: Collection[tuple[str, str]] = ()
) -> dict[str, Feedback]:
    """By comment's id another comment to be shown in its place; comments without one are left out.

    `alike` are pairs of ids of which the second is known to ask what the first asks.
    """
    found = {}
    for case in cases:
        own = case.feedback
        fitting = [one for one in pool if _unlike(own, one) and (own.id, one.id) not in alike]
        if fitting:
            found[case.feedback.id] = Random(f"shuffled:{seed}:{case.feedback.id}").choice(fitting)
    return found


def shown(
    task: Task, cases: Sequence[Case], condition: Condition, shuffled: Mapping[str, Feedback]
) -> tuple[Reading, list[Example]]:
    """The task and the examples (by comment's id) in which a model reads under this condition."""
    words = {case.feedback.id: _words(case, condition, shuffled) for case in cases}
    said = {case.feedback.id: (case.attempt, words[case.feedback.id]) for case in cases if words[case.feedback.id]}
    return Reading(task, said), [bare(case) for case in cases if case.feedback.id in said]


def bare(case: Case) -> Example:
    """The commented prompt as an example under the comment's id; its target is the better answer."""
    return Example(case.feedback.id, case.feedback.prompt, case.better)


# ---------------------------------------------------------------- inside


def _words(case: Case, condition: Condition, shuffled: Mapping[str, Feedback]) -> str:
    if condition == "right":
        return case.feedback.comment.strip()
    if condition == "vague":
        return VAGUE[language_of_context(case.context)]
    other = shuffled.get(case.feedback.id)
    return other.comment.strip() if other is not None else ""


def _unlike(one: Feedback, other: Feedback) -> bool:
    """Is the other comment about another matter, and could it be read in this one's place?"""
    if not other.comment.strip() or other.comment == one.comment or other.prompt == one.prompt:
        return False
    alike = (other.revision is not None and other.revision == one.revision) or set(one.checks) & set(other.checks)
    if alike or not _same_language(one, other):
        return False
    return rule_of(one) != rule_of(other) if rule_of(one) else True


def _same_language(one: Feedback, other: Feedback) -> bool:
    return language_of(one.comment) == language_of(other.comment)
