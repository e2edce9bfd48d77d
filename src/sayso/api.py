"""The Python interface: the same rooms as the command line, without a recipe where none is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.recipe import DataPart, FilePart, ModelPart, StrategyPart, TaskPart
from sayso.records import Answer, Comparison, Example, Lesson, Split

if TYPE_CHECKING:
    from sayso.evaluate.metrics import Evaluation
    from sayso.learn.loop import Event
    from sayso.models.open import AnyLearner
    from sayso.protocols import Learner, Speaker, Task


def open_model(
    name: str, labels: Sequence[str] = (), *, several: bool = False, tuning: str = "full", seed: int = 0
) -> AnyLearner:
    """Open a pretrained model: a hub id, a local folder, or "embedded".

    labels: with an encoder, the labels of its head (several may hold at once with `several`).
    tuning: full, lora, dora, rslora, frozen or qlora. Raises ModelError or UnsupportedError.
    """
    from sayso.models.open import Opening, open_learner

    return open_learner(
        ModelPart(name=name), Opening(options=tuple(labels), several=several, tuning=tuning, seed=seed)
    )


def task(name: str, labels: Sequence[str] = (), **settings: Any) -> Task:
    """A task by its name: "classify" with labels, "translate", "generate" or "text"; settings as in a recipe."""
    from sayso.rooms import find

    part = TaskPart.model_validate({"name": name, "labels": list(labels), **settings})
    found: Task = find("tasks", name).task(part, tuple(labels))
    return found


def load_examples(
    path: str | Path, task: str = "classify", *, split: Split = "train", **columns: str
) -> list[Example]:
    """The usable rows of a file; columns by keyword (text="review", label="stars") or guessed.

    Raises DataError where the file cannot be read or has no usable row.
    """
    from sayso.dataset.examples import load

    part = FilePart(path=str(path), columns=columns)
    settings = TaskPart.model_validate({"name": task})
    return list(load(part, split, settings, DataPart(train=part), Path()).examples)


def train(
    learner: Learner,
    lessons: Sequence[Lesson],
    *,
    learning_rate: float = 0.0,
    epochs: float = 0.0,
    steps: int = 0,
    seed: int = 0,
    folder: Path | None = None,
) -> Iterator[Event]:
    """Teach lessons. Yields a Step after every optimiser step; nothing happens unless it is iterated.

    What is left at 0 comes from the preset for this kind of model and number of lessons. With a folder, checkpoints
    are written there and training resumes from them.
    """
    from sayso.learn.loop import Training
    from sayso.learn.loop import train as teach
    from sayso.presets import resolve

    asked = StrategyPart(learning_rate=learning_rate, epochs=epochs, steps=steps)
    parameters = sum(p.numel() for _, p in learner.core.parameters())
    strategy = resolve(asked, learner.kind, len(lessons), parameters)
    return teach(learner, lessons, Training(strategy, seed=seed, folder=folder))


def score(speaker: Speaker, task: Task, examples: Sequence[Example], seed: int = 0) -> tuple[Evaluation, list[Answer]]:
    """Let a model answer, and score its answers with 95 % intervals."""
    from sayso.evaluate.answers import answer
    from sayso.evaluate.metrics import evaluate

    answers = answer(speaker, task, examples)
    return evaluate(task, examples, answers, seed=seed), answers


def compare(
    task: Task, examples: Sequence[Example], before: Sequence[Answer], after: Sequence[Answer], seed: int = 0
) -> list[Comparison]:
    """Two lists of answers to the same examples: paired differences with intervals and a verdict in words."""
    from sayso.evaluate.compare import compare as paired

    return paired(task, examples, before, after, stages=("before", "after"), split="test", seed=seed)


def run_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Mapping[str, Any]:
    """Carry a recipe through all its stages, as `sayso run` does. Returns where the run lies and its figures."""
    from sayso.cli.run import opened, run_project

    project = opened(Path(path), list(overrides))
    with project.run.lock():
        return run_project(project)
