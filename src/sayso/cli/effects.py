"""How far a model does what comments ask: its answers with or without words in the prompt, judged; and its belief.

Decided here:
- An answer is judged as an outcome is: by a program that knows the comment's matter (1 content, 0 not), else by how
  close it is to the better answer. Where there is neither it has no value, and the comment is left out.
- A belief is log p of the better answer per token, so that long and short answers weigh alike.
- A comment is shuffled with one that asks something else: whose better answer does not do what this comment asks.
- What stands in the prompt of a stage's model stands there here too, after the comment that is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from sayso.errors import DataError
from sayso.evaluate.outcomes import Trial
from sayso.evaluate.reading import CONDITIONS, Condition, Reading, bare, others, shown
from sayso.material import Case, cases
from sayso.records import Answer, Example, Feedback, Messages

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.protocols import Task
    from sayso.records import Kind

Texts = Mapping[str, str]
CANDIDATES = 12  # comments among which another one is looked for
SHOWS = 0.5  # from here on an answer does what a comment asks


@dataclass(frozen=True, slots=True)
class Read:
    """By condition and comment's id: what was answered, and how sure the better answer was (nats per token)."""

    answers: Mapping[str, Texts]
    beliefs: Mapping[str, Mapping[str, float]]


def usable(project: Project, feedback: Sequence[Feedback], kind: Kind) -> list[Case]:
    """The comments that anything can be learnt from, with their better answers; those that say the same once."""
    from sayso.protocols import Material

    examples = (*project.data.train, *project.examples("validation"))
    return cases(Material(tuple(feedback), examples, project.task, kind))[0]


def read(
    project: Project,
    learner: AnyLearner,
    found: Sequence[Case],
    stage: str,
    conditions: Sequence[Condition] = CONDITIONS,
) -> Read:
    """Ask every comment's prompt as it is ("none") and under each condition. Shuffled ones come from `found`."""
    exchanged = shuffled(project, found) if "shuffled" in conditions else {}
    views = {"none": (Reading(project.task, {}), [bare(case) for case in found])}
    views |= {condition: shown(project.task, found, condition, exchanged) for condition in conditions}
    asked = {name: view for name, view in views.items() if view[1]}
    answers = {name: _said(project, learner, task, examples, stage) for name, (task, examples) in asked.items()}
    beliefs = {name: believed(project, learner, task, examples, stage) for name, (task, examples) in asked.items()}
    return Read(answers, beliefs)


def shuffled(project: Project, found: Sequence[Case]) -> dict[str, Feedback]:
    """By comment's id another of these comments, one whose own better answer does not do what this one asks."""
    seed, own = project.recipe.seed, {case.feedback.id: case for case in found}
    drawn = {id_: _some(list(found), case, seed) for id_, case in own.items()}
    pairs = [(own[id_], one) for id_, pool in drawn.items() for one in pool if one.better is not None]
    values = judged(project, [(case, one.better or "") for case, one in pairs])
    alike = {
        (case.feedback.id, one.feedback.id)
        for (case, one), value in zip(pairs, values, strict=True)
        if value is not None and value >= SHOWS
    }
    chosen: dict[str, Feedback] = {}
    for id_, pool in drawn.items():
        chosen |= others([own[id_]], [one.feedback for one in pool], seed, alike)
    return chosen


def believed(
    project: Project, learner: AnyLearner, task: Task, examples: Iterable[Example], stage: str
) -> dict[str, float]:
    """log p(target | context) per token, by item; items without a target or whose target does not fit are left out."""
    rows = {}
    for one in examples:
        try:
            row = learner.row(_context(project, task, one, learner.kind, stage), one.target or "")
        except DataError:
            continue
        if one.target is not None and row.targets:
            rows[one.id] = row
    sums = learner.logps(list(rows.values()))
    return {id_: value / len(row.targets) for (id_, row), value in zip(rows.items(), sums, strict=True)}


def judged(project: Project, asked: Sequence[tuple[Case, str]]) -> list[float | None]:
    """For each answer to a comment's prompt, how far it does what is asked, in [0, 1]; None: nobody can say."""
    from sayso.cli.outcomes import checked

    trials = checked(project, [Trial(case.feedback, text, text, case.better) for case, text in asked])
    return [_value(project.task, trial) for trial in trials]


def has_program(project: Project, asked: Sequence[tuple[Case, str]]) -> list[bool]:
    """For each answer to a comment's prompt, whether a program decides, or only closeness to the better answer."""
    from sayso.cli.outcomes import checked

    trials = checked(project, [Trial(case.feedback, text, text, case.better) for case, text in asked])
    return [any(check.decides for check in trial.checks) for trial in trials]


def effects(project: Project, found: Sequence[Case], answers: Texts) -> dict[str, float]:
    """By comment's id the same; comments without an answer or without anyone to judge it are left out."""
    asked = [(case, answers[case.feedback.id]) for case in found if case.feedback.id in answers]
    values = judged(project, asked)
    return {case.feedback.id: v for (case, _), v in zip(asked, values, strict=True) if v is not None}


def elsewhere(case: Case, prompt: Messages) -> Case:
    """The comment as if it had been made on another prompt: does an answer there show what it asks for?"""
    return replace(case, feedback=replace(case.feedback, prompt=prompt))


# ---------------------------------------------------------------- inside


def _some(found: list[Case], case: Case, seed: int) -> list[Case]:
    """A few of the comments: a program is asked about each of them."""
    return Random(f"others:{seed}:{case.feedback.id}").sample(found, min(CANDIDATES, len(found)))


def _value(task: Task, trial: Trial) -> float | None:
    deciding = [check for check in trial.checks if check.decides]
    if deciding:
        return float(not any(check.after for check in deciding))
    if trial.better is None:
        return None
    return task.grade(Example("", trial.feedback.prompt, trial.better), Answer("", trial.after)).value


def _said(
    project: Project, learner: AnyLearner, task: Task, examples: Sequence[Example], stage: str
) -> dict[str, str]:
    from sayso.evaluate.answers import answer
    from sayso.wording import language_of_context

    words = (project.run.note("standing") or {}) if stage == "learn" else {}
    found: dict[str, str] = {}
    for language in ("zh", "en"):
        own = [one for one in examples if language_of_context(one.prompt) == language]
        found |= {one.item: one.text for one in answer(learner, task, own, words.get(language, ""))}
    return found


def _context(project: Project, task: Task, example: Example, kind: Kind, stage: str) -> Messages:
    from sayso.wording import language_of_context, with_standing

    words = (project.run.note("standing") or {}) if stage == "learn" else {}
    context = task.context(example, kind)
    return with_standing(context, words.get(language_of_context(example.prompt), ""))
