"""One recipe being carried through its stages: what they share, opened once and only when needed.

Decided here:
- A stage is done only for its fingerprint (fingerprint.py): running again goes on where it stopped.
- How the weights are changed is decided once, from the model's size, so that plan, opening and training agree.
- Every stage scores the same items, so every comparison is paired. Comments come from validation items; claims are
  made on the test items.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.cli import fingerprint
from sayso.errors import DataError, MachineFault, RunError
from sayso.recipe import Recipe
from sayso.records import Example, split_labels
from sayso.store.runs import Run

if TYPE_CHECKING:
    from sayso.dataset.examples import Loaded
    from sayso.models.open import AnyLearner, Opening
    from sayso.protocols import Task
    from sayso.recipe import StrategyPart

SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Data:
    """The examples of a project by split, and the hash of each split's file."""

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
        return cls(recipe, Run.create(cls.home(recipe), recipe))

    @staticmethod
    def home(recipe: Recipe) -> Path:
        """The run folder of a recipe."""
        return Path(recipe.run or f"runs/{recipe.name}")

    @cached_property
    def data(self) -> Data:
        """All examples, without what `privacy.rows` takes out. DataError: nothing to train on, or rows are refused."""
        from sayso.cli.private import canary_rows, rows_for

        data, folder = _load(self.recipe), self.run.folder
        parts = {split: rows_for(self.recipe, data.split(split), folder) for split in ("train", *SPLITS)}
        parts["train"] += canary_rows(self.recipe)
        return Data(**parts, hashes=data.hashes)

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

    # ------------------------------------------------------------ how the weights are changed

    def asked(self, stage: str) -> StrategyPart:
        """The strategy section that governs "train" or "learn"."""
        return self.recipe.strategy if stage == "train" else self.recipe.learn.strategy

    def strategy(self, learner: AnyLearner, stage: str, rows: int) -> StrategyPart:
        """The strategy of "train" or "learn" with every `auto` resolved; its tuning is that of `tuning`."""
        from sayso.presets import resolve

        parameters = sum(p.numel() for p in learner.core.model.parameters())
        asked = self.asked(stage).model_copy(update={"tuning": self.tuning(stage)})
        return resolve(asked, learner.kind, rows, parameters, bool(self.recipe.model.scratch), stage)

    def tuning(self, stage: str) -> str:
        """How "train" or "learn" changes the weights, `auto` decided."""
        from sayso.presets import tuning_of

        asked, scratch = self.asked(stage).tuning, bool(self.recipe.model.scratch)
        return tuning_of(asked, self._parameters if asked == "auto" and not scratch else 0, scratch)

    @cached_property
    def _parameters(self) -> int:
        from sayso.cli.layout import shape_for

        return shape_for(self.recipe).parameters

    # ------------------------------------------------------------ the model

    def learner(self, stage: str, training: str = "train") -> AnyLearner:
        """The model as it is after `stage` ("base", "train" or "learn"), opened as `training` ("train", "learn") does.

        To answer only, it is opened as for training: a model that fits only with adapters is scored with them too.
        RunError where the stage has no weights yet.
        """
        from sayso.models.open import open_learner

        part = self.recipe.model
        if stage != "base":
            part = part.model_copy(update={"name": str(self._kept(stage)), "scratch": {}})
        learner = open_learner(part, self._opening(training))
        learner.core.fast_dtype = self._fast_dtype(learner)
        return learner

    def _kept(self, stage: str) -> Path:
        folder = self.run.weights(stage)
        if not folder.is_dir():
            fix = f"`sayso run` or `sayso {stage}` makes them"
            raise RunError(f"this run has no '{stage}' weights yet", where=str(folder), fix=fix)
        return folder

    def _opening(self, training: str) -> Opening:
        from sayso.models.open import Opening
        from sayso.presets import rank_of

        asked, tuning = self.asked(training), self.tuning(training)
        return Opening(
            options=self.labels,
            several=self.recipe.task.several,
            tuning=tuning,
            lora_rank=rank_of(asked.lora_rank, tuning),
            dropout=asked.dropout,
            bpe_dropout=asked.bpe_dropout,
            seed=self.recipe.seed,
            texts=lambda: _texts(self.data.train),
        )

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

    def keep(self, learner: AnyLearner, stage: str) -> None:
        """Save the learner as the weights of a stage: beside, then renamed. MachineFault where the disk refuses."""
        from safetensors import SafetensorError

        final = self.run.weights(stage)
        beside = final.with_name(f".{final.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        try:
            beside.mkdir(parents=True)
            learner.core.save(beside)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            fix = "free some disk and run the same command again: what was learnt is in the checkpoint"
            raise MachineFault(f"cannot save the weights: {error}", where=str(final), fix=fix) from error
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)

    def start(self) -> str:
        """The stage whose answers are commented on, and from whose weights learning starts."""
        return "train" if self.run.weights("train").is_dir() else "base"

    def latest(self) -> str:
        """The run's result: the last stage that has weights and was not refused, "base" before any training."""
        return self.run.best()

    # ------------------------------------------------------------ stages

    def fingerprint(self, stage: str) -> str:
        """What a stage depends on."""
        return fingerprint.fingerprint(self, stage)

    def begin(self, stage: str) -> None:
        """Go on with "train" or "learn" where it was stopped; what was begun for another fingerprint is forgotten."""
        mark, print_of = f"{stage} begun", self.fingerprint(stage)
        if not self.run.done(mark, print_of):
            if self.run.begun(mark):
                _say(f"{stage:<8} begins anew: what it depends on (data, model, settings, comments) has changed")
            shutil.rmtree(self.run.checkpoints(stage), ignore_errors=True)
            self.run.drop_metrics(stage)
            self.run.mark_done(mark, print_of)

    def scored(self, stage: str, learner: AnyLearner | None = None) -> dict[str, float]:
        """The headline figures of a stage's model, which answers both splits unless it has already."""
        from sayso.cli.scoring import headline_of, score_split

        mark, print_of = f"{stage} scored", fingerprint.of_scores(self, stage)
        if not self.run.done(mark, print_of):
            speaker = learner if learner is not None else self.learner(stage)
            for split in SPLITS:
                if self.examples(split):
                    score_split(self, speaker, stage, split)
            self.run.mark_done(mark, print_of)
        return headline_of(self, stage)

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


# ---------------------------------------------------------------- inside


def _load(recipe: Recipe) -> Data:
    from sayso.dataset.files import load_files, with_splits

    loaded = with_splits(load_files(recipe.task, recipe.data, Path()), recipe.data, recipe.seed)
    for split, file in loaded.items():
        _not_too_many_dropped(split, file, recipe.data.most_dropped)
    if "train" in loaded and not loaded["train"].examples:
        raise DataError("no usable training row", fix="name data.train.path; `sayso check` says why rows are dropped")
    parts = {name: loaded[name].examples if name in loaded else () for name in ("train", *SPLITS)}
    return Data(parts["train"], parts["validation"], parts["test"], {name: one.hash for name, one in loaded.items()})


def _not_too_many_dropped(split: str, file: Loaded, most: float) -> None:
    """DataError where more than this share of a file's rows is unusable: it is not what it was taken for."""
    dropped = len(file.dropped)
    if dropped > most * file.rows:
        raise DataError(
            f"{dropped} of the {file.rows} {split} rows are unusable: {reasons(file)}",
            where=file.path,
            expected=f"at most {most:.0%} (data.most_dropped)",
            fix="`sayso check` lists them, `sayso check --repair` writes a mended copy; or raise data.most_dropped",
        )


def reasons(file: Loaded) -> str:
    """Why rows are dropped, each reason with its count and first line, the commonest first."""
    lines: dict[str, list[int]] = {}
    for row in file.dropped:
        lines.setdefault(row.reason, []).append(row.line)
    often = sorted(lines.items(), key=lambda one: -len(one[1]))
    return "; ".join(reason_in_words(reason, len(at), at[0]) for reason, at in often)


def reason_in_words(reason: str, count: int, line: int) -> str:
    """How many rows are dropped for a reason, and where the first of them stands."""
    return f"{count:,} {reason} (line {line}{', ...' if count > 1 else ''})"


def _say(words: str) -> None:
    from sayso.cli.console import console

    console(stderr=True).print(words)


def _labels_of(example: Example, several: bool) -> tuple[str, ...]:
    target = example.target or ""
    return split_labels(target) if several else ((target,) if target else ())


def _texts(examples: Sequence[Example]) -> Iterator[str]:
    for example in examples:
        yield from (message.text for message in example.prompt)
        yield example.target or ""
