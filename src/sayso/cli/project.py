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
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import DataError, RunError
from sayso.recipe import Recipe
from sayso.records import Example, Imitate, Lesson, split_labels
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

    def asked(self, stage: str) -> StrategyPart:
        """The strategy section that governs "train" or "learn"."""
        return self.recipe.strategy if stage == "train" else self.recipe.learn.strategy

    def strategy(self, learner: AnyLearner, stage: str, rows: int) -> StrategyPart:
        """The strategy of "train" or "learn" with every `auto` resolved."""
        from sayso.presets import resolve

        parameters = sum(p.numel() for p in learner.core.model.parameters())
        scratch = bool(self.recipe.model.scratch)
        return resolve(self.asked(stage), learner.kind, rows, parameters, scratch, stage)

    def tuning(self, stage: str) -> str:
        """How "train" or "learn" changes the weights, `auto` decided."""
        from sayso.presets import tuning_of

        asked, scratch = self.asked(stage).tuning, bool(self.recipe.model.scratch)
        return asked if asked != "auto" or scratch else tuning_of(asked, self._parameters())

    def learner(self, stage: str, tuning: str = "full") -> AnyLearner:
        """The model as it is after `stage` ("base", "train" or "learn"), opened with `tuning`."""
        from sayso.models.open import Opening, open_learner

        part = self.recipe.model
        if stage != "base":
            folder = self.run.weights(stage)
            if not folder.is_dir():
                raise RunError(f"this run has no '{stage}' weights yet", where=str(folder), fix=f"`sayso run` or `sayso {stage}` makes them")
            part = part.model_copy(update={"name": str(folder), "scratch": {}})
        asked = self.asked(stage)
        opening = Opening(
            options=self.labels,
            several=self.recipe.task.several,
            tuning="full" if tuning == "auto" else tuning,
            lora_rank=asked.lora_rank or 8,
            dropout=asked.dropout,
            seed=self.recipe.seed,
            texts=lambda: _texts(self.data.train),
        )
        learner = open_learner(part, opening)
        learner.core.fast_dtype = self._fast_dtype(learner)
        return learner

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

    def _parameters(self) -> int:
        from sayso.models.inspect import inspect_folder
        from sayso.models.open import locate

        folder = Path(locate(self.recipe.model.name))
        return inspect_folder(folder).shape.parameters if folder.is_dir() else 0

    def _fast_dtype(self, learner: AnyLearner) -> Any:
        """The dtype of training's matrix products: asked for, or measured once per run so that resuming repeats it."""
        import torch

        from sayso.models.hardware import choose_dtype, probe_dtypes

        asked = self.recipe.model.dtype
        if asked == "auto":
            note = self.run.note("dtype")
            if note is None:
                chosen = choose_dtype(probe_dtypes(learner.core.device.type))
                note = {"dtype": chosen.value, "why": chosen.why}
                self.run.write_note("dtype", note)
            asked = note["dtype"]
        return getattr(torch, asked)

    def latest(self) -> str:
        """The last stage that has weights, "base" before any training."""
        return next((stage for stage in ("learn", "train") if self.run.weights(stage).is_dir()), "base")

    # ------------------------------------------------------------ answers and scores

    def score(self, learner: AnyLearner, stage: str, splits: Sequence[str] = SPLITS) -> dict[str, float]:
        """Answer both splits, write answers and scores; returns the test (else validation) headline figures."""
        from sayso.cli.scoring import score_split

        headline: dict[str, float] = {}
        for split in splits:
            if self.examples(split):
                headline = score_split(self, learner, stage, split)
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
    from sayso.dataset.files import load_files, with_splits

    loaded = with_splits(load_files(recipe.task, recipe.data, Path()), recipe.data, recipe.seed)
    if "train" in loaded and not loaded["train"].examples:
        raise DataError("no usable training row", fix="name data.train.path; `sayso check` says why rows are dropped")
    parts = {name: loaded[name].examples if name in loaded else () for name in ("train", *SPLITS)}
    return Data(parts["train"], parts["validation"], parts["test"], {name: one.hash for name, one in loaded.items()})


def _labels_of(example: Example, several: bool) -> tuple[str, ...]:
    target = example.target or ""
    return split_labels(target) if several else ((target,) if target else ())


def _texts(examples: Sequence[Example]) -> Iterator[str]:
    for example in examples:
        yield from (message.text for message in example.prompt)
        yield example.target or ""
