"""`sayso learn`: teach the model what was said about its answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.records import Answer, Example, Feedback, Outcome

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.protocols import Syllabus
    from sayso.store.split import Halves


def learn(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    method: Annotated[str, typer.Option(help="a method's name; the recipe's when empty")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. learn.knobs.beta=0.2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Teach the comments to the model, score it again and say what became of each comment."""
    from sayso.cli.comment import comment_stage
    from sayso.cli.run import opened, print_headline

    chosen = [f"learn.method={method}"] if method else []
    project = opened(recipe, [*(set_ or []), *chosen])
    with project.run.lock():
        comment_stage(project)
        figures = learn_stage(project)
    print_headline(project, "learn", figures, as_json=json)


def learn_stage(project: Project) -> dict[str, float]:
    """Lessons from the comments, training, scores, outcomes. Nothing without a method or without comments."""
    from sayso.cli.scoring import headline_of

    run, part = project.run, project.recipe.learn
    print_of = project.fingerprint("learn")
    if run.done("learn", print_of):
        return headline_of(project, "learn")
    feedback = run.feedback()
    if not part.method or not feedback:
        return {}
    from sayso.store.split import hold_out

    halves = hold_out(feedback, project.recipe.feedback.held_out, project.recipe.seed)
    before = "train" if run.weights("train").is_dir() else "base"
    learner = project.learner(before, project.tuning("learn"))
    answered = _answers(project, learner, feedback, before)
    syllabus = _teach(project, learner, halves)
    if syllabus.lessons:
        project.keep(learner, "learn")
        project.score(learner, "learn")
    outcomes = _outcomes(project, learner, halves, syllabus, answered)
    run.write_outcomes(outcomes)
    _tell_the_store(project, outcomes)
    run.mark_done("learn", print_of)
    return headline_of(project, "learn")


# ---------------------------------------------------------------- inside


def _teach(project: Project, learner: AnyLearner, halves: Halves) -> Syllabus:
    """Let the method write lessons and the loop teach them; the learner has changed afterwards."""
    from sayso.cli.follow import follow
    from sayso.cli.knobs import knobs_of
    from sayso.cli.scoring import validator
    from sayso.learn.loop import Training
    from sayso.learn.loop import train as teach
    from sayso.protocols import Material
    from sayso.rooms import find

    recipe, run = project.recipe, project.run
    method = find("methods", recipe.learn.method)
    knobs = knobs_of(method, recipe.learn.knobs, f"learn -> knobs of {recipe.learn.method}")
    run.write_note("standing", {language: method.standing(knobs, language) for language in ("zh", "en")})
    examples = (*project.data.train, *project.examples("validation"))
    material = Material(
        halves.learn, examples, project.task, learner.kind, learner, recipe.seed, recipe.learn.replay
    )
    syllabus: Syllabus = method.lessons(material, knobs)
    run.write_lessons("learn", syllabus.lessons)
    if syllabus.lessons:
        strategy = project.strategy(learner, "learn", len(syllabus.lessons))
        taught = frozenset(one.item for one in halves.learn if one.item)
        check = validator(project, learner, "learn", without=taught)
        metric = recipe.task.metric or project.task.metric
        training = Training(
            strategy, method.objective(knobs), recipe.seed, run.checkpoints("learn"), check, metric
        )
        follow(teach(learner, syllabus.lessons, training), run, "learn", tuple(recipe.trackers))
    return syllabus


def _answers(project: Project, learner: AnyLearner, feedback: Sequence[Feedback], stage: str) -> list[Answer]:
    """The model's answers to the prompts that were commented on, in the comments' order."""
    from sayso.cli.scoring import answers_of

    return answers_of(project, learner, [_example(one) for one in feedback], stage)


def _example(one: Feedback) -> Example:
    return Example(one.id, one.prompt)


def _outcomes(
    project: Project, learner: AnyLearner, halves: Halves, syllabus: Syllabus, before: Sequence[Answer]
) -> list[Outcome]:
    from sayso.evaluate.outcomes import Trial, outcome, refused

    feedback = project.run.feedback()
    first = {answer.item: answer.text for answer in before}
    after = {a.item: a.text for a in _answers(project, learner, feedback, "learn" if syllabus.lessons else "base")}
    gold = {e.id: e.target for e in project.examples("validation")}
    held = {one.id for one in halves.held_out}
    complains = _complaints(project, feedback, after)
    found = []
    for one in feedback:
        if one.id in syllabus.refused:
            found.append(refused(one, syllabus.refused[one.id], project.run.folder.name))
            continue
        better = one.revision if one.revision is not None else gold.get(one.item)
        trial = Trial(one, first[one.id], after[one.id], better, one.id in held)
        found.append(outcome(trial, project.task, complains, project.run.folder.name))
    return found


def _complaints(project: Project, feedback: Sequence[Feedback], after: dict[str, str]) -> Any:
    """Ask the recipe's program critics again about the new answers; None where no program commented."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    asked = [one for one in feedback if one.author.kind == "program"]
    still: set[str] = set()
    for part in project.recipe.feedback.critics if asked else ():
        if part.name != "program":
            continue
        critic = find("critics", part.name)
        pairs = [(_example(one), Answer(one.id, after[one.id])) for one in asked]
        comments = critic.comment(project.task, pairs, knobs_of(critic, part.knobs, "critic program"))
        still |= {comment.item for comment in comments if comment.polarity != "positive"}
    programs = {one.id for one in asked}
    return lambda one, _text: (one.id in still) if one.id in programs else None


def _tell_the_store(project: Project, outcomes: Sequence[Outcome]) -> None:
    from sayso.cli.comment import store_of

    store_of(project).record(outcomes)
