"""One recipe being carried through its stages: what they share, opened once and only when needed.

Decided here:
- A stage is done only for the fingerprint of the recipe, the data and the stages before it; running again goes on
  where it stopped, and a changed recipe belongs into another folder.
- Every stage scores the same items, so every comparison is paired. Comments come from validation items; claims are
  made on the test items.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import DataError, RunError
from sayso.recipe import FilePart, Recipe
from sayso.records import Answer, Comparison, Example, Imitate, Lesson, split_labels
from sayso.store.runs import Run

if TYPE_CHECKING:
    from sayso.models.open import AnyLearner
    from sayso.protocols import Task
    from sayso.recipe import StrategyPart

STAGES = ("check", "plan", "base", "train", "comment", "learn", "report")
SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Data:
    """The examples of a project, by split, and what was left out and why."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    hashes: Mapping[str, str]

    def split(self, name: str) -> tuple[Example, ...]:
        """The examples of "train", "validation" or "test"."""
        return tuple(getattr(self, name))


class Project:
    """A recipe, its run folder, and lazily what the stages need."""

    def __init__(self, recipe: Recipe, run: Run) -> None:
        self.recipe, self.run = recipe, run

    @classmethod
    def open(cls, recipe: Recipe) -> Project:
        """The project of a recipe; its run folder is made or reopened."""
        return cls(recipe, Run.create(Path(recipe.run or f"runs/{recipe.name}"), recipe))

    @cached_property
    def data(self) -> Data:
        """All examples. DataError where there is nothing to train on."""
        return _load(self.recipe)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The recipe's labels, else those found in the training rows."""
        part = self.recipe.task
        if part.labels or part.name != "classify":
            return tuple(part.labels)
        found = {label for e in self.data.train for label in _labels_of(e, part.several)}
        if len(found) < 2:
            raise DataError(
                f"classification needs at least two labels, the training rows show {sorted(found)}",
                fix="map the label column in data.train.columns, or list task.labels",
            )
        return tuple(sorted(found))

    @cached_property
    def task(self) -> Task:
        """The task, with its labels."""
        from sayso.rooms import find

        task: Task = find("tasks", self.recipe.task.name).task(self.recipe.task, self.labels)
        return task

    def strategy(self, learner: AnyLearner, stage: str, rows: int) -> StrategyPart:
        """The strategy of "train" or "learn" with every `auto` resolved."""
        from sayso.presets import resolve

        asked = self.recipe.strategy if stage == "train" else self.recipe.learn.strategy
        return resolve(
            asked,
            kind=learner.kind,
            rows=rows,
            parameters=sum(p.numel() for p in learner.core.model.parameters()),
            scratch=bool(self.recipe.model.scratch),
            stage=stage,
        )

    def tuning(self, stage: str) -> str:
        """How "train" or "learn" changes the weights; `auto` is decided by the presets."""
        asked = self.recipe.strategy.tuning if stage == "train" else self.recipe.learn.strategy.tuning
        return "full" if asked == "auto" else asked

    def learner(self, stage: str, tuning: str = "full") -> AnyLearner:
        """The model as it is after `stage` ("base", "train" or "learn"), opened with `tuning`."""
        from sayso.models.open import Opening, open_learner

        part = self.recipe.model
        if stage != "base":
            folder = self.run.weights(stage)
            if not folder.is_dir():
                raise RunError(f"this run has no '{stage}' weights yet", where=str(folder), fix=f"run that stage first")
            part = part.model_copy(update={"name": str(folder), "scratch": {}})
        strategy = self.recipe.strategy
        opening = Opening(
            options=self.labels,
            several=self.recipe.task.several,
            tuning=tuning,
            lora_rank=strategy.lora_rank or 8,
            dropout=strategy.dropout,
            seed=self.recipe.seed,
            texts=lambda: _texts(self.data.train),
        )
        return open_learner(part, opening)

    def keep(self, learner: AnyLearner, stage: str) -> None:
        """Save the learner as the weights of a stage: beside, then renamed."""
        final = self.run.weights(stage)
        beside = final.with_name(f".{final.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        learner.core.save(beside)
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)

    def fingerprint(self, stage: str) -> str:
        """What a stage depends on: the recipe up to it, and the data's bytes."""
        text = repr([self.recipe.model_dump(exclude={"run", "trackers", "threads"}), sorted(self.data.hashes.items())])
        return hashlib.sha256(f"{stage}:{text}".encode()).hexdigest()[:16]

    # ------------------------------------------------------------ answers and scores

    def score(self, learner: AnyLearner, stage: str, splits: Sequence[str] = SPLITS) -> dict[str, float]:
        """Answer both splits, write answers and scores; returns the test (else validation) headline figures."""
        from sayso.cli.scoring import answers_of, evaluation_of, write_evaluation

        headline: dict[str, float] = {}
        for split in splits:
            examples = self.examples(split)
            if not examples:
                continue
            answers = answers_of(self, learner, examples, stage)
            evaluation = evaluation_of(self, examples, answers, stage, split)
            write_evaluation(self, stage, split, answers, evaluation)
            headline = {s.unit: s.value for s in evaluation.scores}
        return headline

    def examples(self, split: str) -> tuple[Example, ...]:
        """The items that are scored; written into the run so that the report needs no data."""
        chosen = self.data.split(split)
        limit = self.recipe.evaluate.limit
        chosen = chosen[:limit] if limit else chosen
        self.run.write_examples(split, list(chosen))
        return chosen


def prepare(recipe: Recipe) -> None:
    """Threads and environment, before torch does anything."""
    import torch

    if recipe.threads:
        torch.set_num_threads(recipe.threads)


def facts(project: Project) -> dict[str, Any]:
    """What a reader needs to repeat the run."""
    import platform
    from importlib.metadata import version

    names = ("sayso", "torch", "transformers", "peft", "tokenizers", "sacrebleu", "scikit-learn", "numpy")
    return {
        "versions": {name: version(name) for name in names} | {"python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "seed": project.recipe.seed,
        "data": dict(project.data.hashes),
        "command": "sayso " + " ".join(sys.argv[1:]),
    }


def class_weighted(lessons: Sequence[Lesson], several: bool) -> list[Lesson]:
    """Weights inversely proportional to how often a label occurs, mean 1 ("balanced" as scikit-learn means it)."""
    from collections import Counter
    from dataclasses import replace

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


# ---------------------------------------------------------------- inside


def _load(recipe: Recipe) -> Data:
    from sayso.dataset.examples import load, split_validation

    hashes: dict[str, str] = {}

    def read(part: FilePart | None, split: str) -> tuple[Example, ...]:
        if part is None:
            return ()
        loaded = load(part, split, recipe.task, recipe.data, Path())  # type: ignore[arg-type]
        hashes[split] = loaded.hash
        return tuple(loaded.examples)

    train = read(recipe.data.train, "train")
    if not train:
        raise DataError("no usable training row", fix="name data.train.path; `sayso check` says why rows are dropped")
    validation = read(recipe.data.validation, "validation")
    if not validation and recipe.data.validation_share > 0:
        kept, taken = split_validation(list(train), recipe.data.validation_share, recipe.seed)
        train, validation = tuple(kept), tuple(taken)
    return Data(train, validation, read(recipe.data.test, "test"), hashes)


def _labels_of(example: Example, several: bool) -> tuple[str, ...]:
    target = example.target or ""
    return split_labels(target) if several else ((target,) if target else ())


def _texts(examples: Sequence[Example]) -> Iterator[str]:
    for example in examples:
        yield from (message.text for message in example.prompt)
        yield example.target or ""
