"""What became of each comment of a run: the model's answers to it before and after, and who judges them.

Decided here: a program that commented is asked again about the new answer, and only that program about its own
comments; where it fails, the comment is judged without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sayso.records import Answer, Example, Feedback, Outcome

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.recipe import CriticPart
    from sayso.store.split import Halves

Texts = Mapping[str, str]
MOST_WATCHED = 64


def answers_to(project: Project, learner: AnyLearner, feedback: Sequence[Feedback], stage: str) -> dict[str, str]:
    """By comment's id, what a stage's model answers to the prompt that was commented on."""
    from sayso.cli.scoring import answers_of

    answers = answers_of(project, learner, [Example(one.id, one.prompt) for one in feedback], stage)
    return {answer.item: answer.text for answer in answers}


def heeding(project: Project, learner: AnyLearner, feedback: Sequence[Feedback]) -> Callable[[], float] | None:
    """How good the model's answers to commented prompts are now, in [0, 1]; None where no better answer is known."""
    gold = {example.id: example.target for example in project.examples("validation")}
    better = {one.id: one.revision if one.revision is not None else gold.get(one.item) for one in feedback}
    known = [one for one in feedback if better[one.id] is not None][:MOST_WATCHED]
    if not known:
        return None

    def check() -> float:
        said = answers_to(project, learner, known, "learn")
        pairs = [(Example(one.id, one.prompt, better[one.id]), Answer(one.id, said[one.id])) for one in known]
        return sum(project.task.grade(example, answer).value for example, answer in pairs) / len(pairs)

    return check


def outcomes_of(
    project: Project, halves: Halves, reasons: Mapping[str, str], before: Texts, after: Texts
) -> list[Outcome]:
    """One Outcome per comment. reasons: by id, why the method could not use a comment."""
    from sayso.evaluate.outcomes import Trial, outcome, refused

    name = project.run.folder.name
    gold = {example.id: example.target for example in project.examples("validation")}
    held = {one.id for one in halves.held_out}
    verdicts = _verdicts(project, after)
    found = []
    for one in project.run.feedback():
        if one.id in reasons:
            found.append(refused(one, reasons[one.id], name))
            continue
        better = one.revision if one.revision is not None else gold.get(one.item)
        trial = Trial(one, before[one.id], after[one.id], better, one.id in held)
        found.append(outcome(trial, project.task, lambda asked, _: verdicts.get(asked.id), name))
    return found


# ---------------------------------------------------------------- inside


def _verdicts(project: Project, after: Texts) -> dict[str, bool]:
    """By comment's id, whether the program that made it still complains."""
    found: dict[str, bool] = {}
    for part in project.recipe.feedback.critics:
        if part.name == "program":
            found |= _asked_again(project, part, after)
    return found


def _asked_again(project: Project, part: CriticPart, after: Texts) -> dict[str, bool]:
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    critic = find("critics", part.name)
    knobs = knobs_of(critic, part.knobs, f"critic {part.name}")
    own = [one for one in project.run.feedback() if one.author.id == critic.author_id(knobs)]
    pairs = [(Example(one.id, one.prompt), Answer(one.id, after[one.id])) for one in own]
    review = critic.comment(project.task, pairs, knobs)
    still = {one.item for one in review.feedback if one.polarity != "positive"}
    return {one.id: one.id in still for one in own if one.id not in review.not_judged}
