"""What every method does with its Material: comments made ready, examples to replay, examples to anchor.

Decided here:
- A better answer to a comment's prompt is its revision, else the attempt where the comment is praise, else the gold
  answer where its item is known (never a test item's). Where the task has labels it must be one of them.
- Anchors keep what was not commented on. For comments on one item half of them are the nearest other examples, which
  overgeneralisation reaches first (arXiv 2402.10893); for a rule they are drawn at large, for a near example may well
  be under the rule. A comment that holds everywhere leaves nothing to anchor.
- Of comments that contradict each other the newer is taught. Comments that say the same of the same answer are one
  case, which names them all.
- All draws depend on the seed alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar

from sayso import grouping
from sayso.errors import UnsupportedError
from sayso.protocols import Material, Method, Syllabus, Task
from sayso.records import (
    Example,
    Feedback,
    Imitate,
    Kind,
    Lesson,
    Match,
    Messages,
    join_labels,
    split_labels,
)

T = TypeVar("T")
POOL = 1000  # examples among which neighbours are looked for
GRAM = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One comment, ready: the context as the task shows it, and the attempt and a better answer where there are.

    `ids` are those of all comments that say the same of the same answer, of which `feedback` is the surest.
    """

    feedback: Feedback
    context: Messages
    attempt: str | None
    better: str | None
    ids: tuple[str, ...] = ()

    @property
    def from_ids(self) -> tuple[str, ...]:
        """For the lessons about this comment, and for the reason why there are none."""
        return self.ids or (self.feedback.id,)

    @property
    def weight(self) -> float:
        """As sure as the commenter was."""
        return self.feedback.confidence


def check_kind(method: str, kinds: Sequence[Kind], kind: Kind) -> None:
    """UnsupportedError where a method does not work for this kind of learner."""
    if kind not in kinds:
        raise UnsupportedError(
            f"the method '{method}' does not work for an {kind.replace('_', '-')}",
            expected="one of: " + ", ".join(kinds),
            fix="choose another method; `imitate` works for every kind",
        )


def syllabus(method: Method, material: Material, knobs: Any) -> Syllabus:
    """What a method teaches; what is to be said of the comments themselves comes before what it has to say."""
    written, one_right = method.lessons(material, knobs), bool(material.task.options)
    return replace(written, notices=(*grouping.notices(_current(material), one_right), *written.notices))


def cases(material: Material) -> tuple[list[Case], dict[str, str]]:
    """The comments that can be used, each once, and the reasons why others cannot."""
    golds = {one.id: one.target for one in material.examples if one.split != "test" and one.target is not None}
    superseded = {one.supersedes for one in material.feedback}
    ready: list[Case] = []
    refused: dict[str, str] = {}
    for one in {one.id: one for one in material.feedback}.values():
        reason = "superseded by a newer comment" if one.id in superseded else _unusable(one)
        case = _case(material, one, golds.get(one.item))
        if reason or isinstance(case, str):
            refused[one.id] = reason or str(case)
        else:
            ready.append(case)
    for old, newer in grouping.overruled([case.feedback for case in ready], bool(material.task.options)).items():
        refused[old] = f"a newer comment contradicts it: {grouping.clip(newer.comment or newer.revision or '')}"
    return _joined([case for case in ready if case.feedback.id not in refused]), refused


def replayed(material: Material, lessons: int) -> list[Example]:
    """Training examples to be taught again beside so many lessons; those commented on are left out."""
    return _drawn(_others(material), round(material.replay * lessons), material.seed, "replay")


def anchored(material: Material, share: float) -> list[Example]:
    """Training examples on which nothing is to change, `share` per comment; none where a comment holds everywhere."""
    if any(one.scope.reach == "everywhere" for one in material.feedback):
        return []
    others, count = _others(material), round(share * len(material.feedback))
    items = [one for one in material.feedback if one.scope.reach == "item"]
    near = _nearest(items, _drawn(others, POOL, material.seed, "pool"), round(share * len(items) / 2))
    taken = {one.id for one in near}
    rest = [one for one in others if one.id not in taken]
    return near + _drawn(rest, count - len(near), material.seed, "anchor")


def kept(material: Material, lessons: int, anchors: float, weight: float = 1.0) -> list[Lesson]:
    """What is taught beside so many lessons so that the rest stays: replayed examples, and anchors of this weight."""
    context = material.task.context
    again = [Imitate(context(one, material.kind), one.target or "") for one in replayed(material, lessons)]
    still = [(context(one, material.kind), one.target or "") for one in anchored(material, anchors)]
    return [*again, *(Match(plain, plain, target, teacher="start", weight=weight) for plain, target in still)]


def merged(lessons: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """Lessons that teach the same become one, which names all its comments and has the largest of their weights."""
    found: dict[object, Lesson] = {}
    for lesson in lessons:
        if not lesson.from_ids:
            found[len(found), "alone"] = lesson
            continue
        key = replace(lesson, weight=1.0, from_ids=())
        twin = found.get(key)
        if twin is not None:
            ids = tuple(dict.fromkeys(twin.from_ids + lesson.from_ids))
            lesson = replace(lesson, weight=max(twin.weight, lesson.weight), from_ids=ids)
        found[key] = lesson
    return tuple(found.values())


def as_labels(task: Task, text: str) -> str | None:
    """The text where the task has no labels; else the labels that it says, as they are written in the task."""
    if not task.options:
        return text
    known = {option.casefold(): option for option in task.options}
    said = [known.get(part.casefold()) for part in (split_labels(text) if task.several else (text.strip(),))]
    named = [label for label in said if label is not None]
    return join_labels(named) if len(named) == len(said) else None


# ---------------------------------------------------------------- inside


def _current(material: Material) -> list[Feedback]:
    """The comments, each once, that no other takes the place of."""
    superseded = {one.supersedes for one in material.feedback}
    return [one for one in {one.id: one for one in material.feedback}.values() if one.id not in superseded]


def _joined(ready: Sequence[Case]) -> list[Case]:
    """Cases that say the same of the same answer become one, in the place of the first."""
    about: dict[Hashable, list[Case]] = defaultdict(list)
    for case in ready:
        about[_matter(case)].append(case)
    order = [case.feedback.id for case in ready]
    alike = [_one_of(same) for group in about.values() for same in _alike(group)]
    return sorted(alike, key=lambda case: order.index(case.from_ids[0]))


def _matter(case: Case) -> Hashable:
    """All that is to be equal where two comments say the same of one answer. Who of several people says it is not."""
    one = case.feedback
    author = one.author if one.author.kind in ("program", "critic") else one.author.kind
    return case.context, one.attempt.text, case.better, one.spans, one.polarity, one.scope, one.checks, author


def _alike(group: Sequence[Case]) -> list[list[Case]]:
    by_id = {case.feedback.id: case for case in group}
    return [[by_id[one.id] for one in same] for same in grouping.groups([case.feedback for case in group])]


def _one_of(same: Sequence[Case]) -> Case:
    surest = max(reversed(same), key=lambda case: case.weight)
    return replace(surest, ids=tuple(case.feedback.id for case in same))


def _unusable(one: Feedback) -> str:
    if not one.prompt:
        return "it has no prompt"
    if not (math.isfinite(one.confidence) and one.confidence > 0):
        return f"its confidence is {one.confidence:g}"
    return ""


def _case(material: Material, one: Feedback, gold: str | None) -> Case | str:
    """The case, or why there is none."""
    task = material.task
    context = task.context(Example(one.item or one.id, one.prompt), material.kind)
    if not context:
        return f"the task '{task.name}' asks nothing, so there is no answer to comment on"
    praised = one.attempt.text if one.polarity == "positive" and one.attempt.text else None
    better = next((text for text in (one.revision, praised, gold) if text is not None), None)
    labels = None if better is None else as_labels(task, better)
    if better is not None and labels is None:
        return f"the better answer {better!r:.60} is not a label"
    return Case(one, context, _attempt(material, one.attempt.text), labels)


def _attempt(material: Material, text: str) -> str | None:
    """What the learner can be said to have answered: for a head a label, else any text but none at all."""
    labels = as_labels(material.task, text)
    if material.kind == "encoder":
        return labels
    return labels or text or None


def _others(material: Material) -> list[Example]:
    """Training examples with an answer that no comment is about."""
    items = {one.item for one in material.feedback}
    prompts = {one.prompt for one in material.feedback}
    return [
        one
        for one in material.examples
        if one.split == "train" and one.target is not None and one.id not in items and one.prompt not in prompts
    ]


def _drawn(pool: Sequence[T], count: int, seed: int, purpose: str) -> list[T]:
    return Random(f"{purpose}:{seed}").sample(list(pool), max(0, min(count, len(pool))))


def _nearest(feedback: Sequence[Feedback], pool: Sequence[Example], count: int) -> list[Example]:
    """The examples that share the rarest character n-grams with the comments' prompts, one comment after another."""
    holders: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(pool):
        for gram in _grams(example.prompt):
            holders[gram].append(place)
    taken: dict[int, None] = {}
    for one in feedback:
        closeness: dict[int, float] = defaultdict(float)
        for gram in sorted(_grams(one.prompt)):
            for place in holders.get(gram, ()):
                closeness[place] += 1 / len(holders[gram])
        best = max((place for place in closeness if place not in taken), key=closeness.__getitem__, default=None)
        if best is not None and len(taken) < count:
            taken[best] = None
    return [pool[place] for place in taken]


def _grams(prompt: Messages) -> set[str]:
    text = " ".join(message.text for message in prompt).casefold()
    return {text[i : i + GRAM] for i in range(max(1, len(text) - GRAM + 1))}
