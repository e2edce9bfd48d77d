"""`sayso train`: teach the model the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.records import Lesson


def train(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. strategy.epochs=2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Train on the recipe's data and keep the weights that validated best."""
    from sayso.cli.run import opened, print_headline

    project = opened(recipe, set_)
    with project.run.lock():
        headline = train_stage(project)
    print_headline(project, "train", headline, as_json=json)


def train_stage(project: Project) -> dict[str, float]:
    """Teach, keep the best weights, score both splits. Done stages are not repeated."""
    from sayso.cli.follow import follow
    from sayso.cli.scoring import headline_of, validator
    from sayso.learn.loop import Training
    from sayso.learn.loop import train as teach
    from sayso.records import Objective

    run, print_of = project.run, project.fingerprint("train")
    if run.done("train", print_of):
        return headline_of(project, "train")
    if not project.data.train:
        return {}
    learner = project.learner("base", project.tuning("train"))
    lessons = training_lessons(project, learner)
    strategy = project.strategy(learner, "train", len(lessons))
    run.write_lessons("train", lessons)
    _describe(project, learner, strategy.tuning)
    check = validator(project, learner, "train")
    training = Training(
        strategy,
        Objective(label_smoothing=strategy.label_smoothing),
        project.recipe.seed,
        run.checkpoints("train"),
        check,
        project.recipe.task.metric or project.task.metric,
    )
    follow(teach(learner, lessons, training), run, "train", tuple(project.recipe.trackers))
    project.keep(learner, "train")
    headline = project.score(learner, "train")
    run.mark_done("train", print_of)
    return headline


def training_lessons(project: Project, learner: AnyLearner) -> list[Lesson]:
    """The training rows as lessons, with class weights where asked."""
    from sayso.cli.project import class_weighted
    from sayso.cli.scoring import gold_lessons

    lessons = gold_lessons(project.task, project.data.train, learner)
    if project.recipe.strategy.class_weights == "balanced":
        return class_weighted(lessons, project.recipe.task.several)
    return lessons


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
        },
    )
