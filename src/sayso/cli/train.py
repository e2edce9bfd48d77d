"""`sayso train`: teach the model the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.errors import DataError
from sayso.records import Imitate, Lesson

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.learn.loop import Event
    from sayso.models.open import AnyLearner


def train(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. strategy.epochs=2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Score the model as it is, train on the recipe's data, keep the weights that validated best."""
    from sayso.cli.evaluate import base_stage
    from sayso.cli.run import at_work, opened, print_headline

    project = opened(recipe, set_)
    with at_work(project):
        base_stage(project)
        headline = train_stage(project)
    print_headline(project, "train", headline, as_json=json)


def train_stage(project: Project) -> dict[str, float]:
    """Teach, keep the best weights, score both splits. What is done is not repeated."""
    run, print_of = project.run, project.fingerprint("train")
    if not project.data.train:
        return {}
    if run.done("train", print_of):
        return project.scored("train")
    from sayso.learn.checkpoints import forget_steps

    learner = project.learner("base")
    teach_rows(project, learner)
    project.keep(learner, "train")
    run.mark_done("train", print_of)
    forget_steps(run.checkpoints("train"))
    return project.scored("train", learner)


def teach_rows(
    project: Project, learner: AnyLearner, through: Callable[[Iterator[Event]], Iterator[Event]] = iter
) -> None:
    """Teach the training rows. The loop's events go `through` a generator, which may stop the training."""
    from sayso.cli.follow import follow
    from sayso.cli.scoring import validator
    from sayso.learn.loop import Training
    from sayso.learn.loop import train as teach
    from sayso.records import Objective

    recipe, run = project.recipe, project.run
    lessons = training_lessons(project, learner)
    strategy = project.strategy(learner, "train", len(lessons))
    project.begin("train")
    run.write_lessons("train", lessons)
    _describe(project, learner, strategy.tuning)
    _show(project)
    objective = Objective(label_smoothing=strategy.label_smoothing)
    metric = recipe.task.metric or project.task.metric
    check = validator(project, learner, "train")
    training = Training(strategy, objective, recipe.seed, run.checkpoints("train"), check, metric)
    follow(through(teach(learner, lessons, training)), run, "train", tuple(recipe.trackers))


def training_lessons(project: Project, learner: AnyLearner) -> list[Lesson]:
    """The training rows as lessons, with class weights where asked. DataError for a row that cannot be learnt from."""
    from sayso.cli.check import tokens_stage
    from sayso.cli.scoring import gold_lessons

    if project.recipe.task.name != "text":
        tokens_stage(project, learner)
    lessons = gold_lessons(project.task, project.data.train, learner)
    if project.recipe.strategy.class_weights == "balanced":
        return class_weighted(lessons, project.recipe.task.several)
    return lessons


def class_weighted(lessons: Sequence[Lesson], several: bool) -> list[Lesson]:
    """Weights inversely proportional to how often a label occurs, mean 1 ("balanced" as scikit-learn means it)."""
    if several:
        raise DataError("strategy.class_weights: balanced needs one label per row", fix="use none with task.several")
    counts = Counter(lesson.target for lesson in lessons if isinstance(lesson, Imitate))
    total = sum(counts.values())
    return [
        replace(lesson, weight=lesson.weight * total / (len(counts) * counts[lesson.target]))
        if isinstance(lesson, Imitate)
        else lesson
        for lesson in lessons
    ]


def _show(project: Project) -> None:
    """One example with its loss mask, as it was counted."""
    from rich.text import Text

    from sayso.cli.check import coloured
    from sayso.cli.console import console

    examples = (project.run.note("tokens") or {}).get("examples")
    if examples:
        console(stderr=True).print(Text("learns   ") + coloured(examples[0]))


def _describe(project: Project, learner: AnyLearner, tuning: str) -> None:
    model = learner.core.model
    project.run.write_note(
        "model",
        {
            "name": project.recipe.model.name if not project.recipe.model.scratch else "from scratch",
            "kind": learner.kind,
            "architecture": type(model).__name__,
            "parameters": sum(p.numel() for p in model.parameters()),
            "trainable": sum(p.numel() for _, p in learner.core.parameters()),
            "tuning": tuning,
            "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
            "device": str(learner.core.device),
            "max_length": learner.core.max_length,
            "licence": licence(project),
        },
    )


def licence(project: Project) -> str:
    """What the model's card says, else the catalogue; a model from nothing has none."""
    from sayso.cli.layout import downloaded
    from sayso.models.catalogue import EMBEDDED, find
    from sayso.models.inspect import licence_of

    part = project.recipe.model
    if part.scratch:
        return ""
    folder = EMBEDDED if part.name == "embedded" else downloaded(part.name)
    entry = find(part.name)
    return (licence_of(folder) if folder is not None else "") or (entry.licence if entry is not None else "")
