"""A run: one folder, in which every stop of the journey is a file that a person can read.

Decided here:
- A folder belongs to one recipe from the beginning of its first training: the same recipe reopens it, another is
  refused. Until then a recipe is simply corrected. Where it runs (folder, threads, trackers) does not make it another
  recipe; nor does what comes after the training (evaluate, feedback, learn), so that another way of learning can be
  tried on the same training: those stages know by their fingerprints.
- A stage is done for the fingerprint of what it depended on, so a stage whose inputs changed is not done.
- A resumed training repeats steps; of two lines about the same step the later one counts.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from sayso import recipe as recipes
from sayso.errors import MachineFault, RunError
from sayso.recipe import Recipe
from sayso.records import (
    Answer,
    Comparison,
    Example,
    Feedback,
    Lesson,
    Outcome,
    Score,
    from_json,
    lesson_from_json,
    to_json,
)
from sayso.store.files import append_line, read_json, read_lines, write_lines, write_text

R = TypeVar("R")
_ELSEWHERE = {"run", "threads", "trackers"}
_AFTERWARDS = {"evaluate", "feedback", "learn", "privacy", "tune"}
_TRAINING = {"train begun", "learn begun"}


class Run:
    """A run folder with typed doors. Writers raise MachineFault where the disk refuses, readers RunError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, recipe: Recipe) -> Run:
        """Make the folder, or reopen it. RunError if it is another recipe's, naming the first key that differs.

        RunError too where the recipe has changed (in what may change) while another process works with the old one.
        """
        run = cls(Path(folder))
        text = recipes.dump(recipe)
        if not run._is(text):
            with run.lock():
                if (run.folder / "recipe.yaml").exists() and run._stages().keys() & _TRAINING:
                    _same_recipe(run.folder, run.recipe(), recipe)
                write_text(run.folder / "recipe.yaml", text)
        return run

    @classmethod
    def open(cls, folder: Path) -> Run:
        """An existing run. RunError if there is none."""
        folder = Path(folder)
        if not (folder / "recipe.yaml").is_file():
            raise RunError("no run here", where=str(folder), expected="a folder with recipe.yaml", fix=_beside(folder))
        return cls(folder)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One process per folder while inside; RunError names the process that is already there."""
        with _opened(self.folder / ".lock") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                other = file.read().strip() or "unknown"
                raise RunError(
                    f"process {other} is already at work here",
                    where=str(self.folder),
                    fix="wait for it, or name another folder with `run:`",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def recipe(self) -> Recipe:
        """The recipe that this folder belongs to."""
        path = self.folder / "recipe.yaml"
        return recipes.parse(path.read_text(encoding="utf-8"), where=str(path))

    # ------------------------------------------------------------ facts, notes, metrics

    def facts(self) -> dict[str, Any]:
        """Versions, seed, machine, data hashes, command line: {} before the first stage."""
        path = self.folder / "facts.json"
        return dict(read_json(path)) if path.is_file() else {}

    def add_facts(self, facts: Mapping[str, Any]) -> None:
        """Add to the facts; a key that is there already is replaced."""
        _write_json(self.folder / "facts.json", self.facts() | dict(facts))

    def note(self, name: str) -> dict[str, Any] | None:
        """What a stage wrote down under this name ("check", "plan", "model", ...), None where it wrote nothing."""
        path = self.folder / "notes" / f"{name}.json"
        return dict(read_json(path)) if path.is_file() else None

    def write_note(self, name: str, note: Mapping[str, Any]) -> None:
        """Write down a stage's findings."""
        _write_json(self.folder / "notes" / f"{name}.json", dict(note))

    def add_metric(self, metric: Mapping[str, Any]) -> None:
        """One line of metrics.jsonl."""
        append_line(self.folder / "metrics.jsonl", dict(metric))

    def metrics(self) -> list[dict[str, Any]]:
        """All metrics in the order of their steps' first mention; of two about one step, the later."""
        found: dict[object, dict[str, Any]] = {}
        for number, line in read_lines(self.folder / "metrics.jsonl", torn=True):
            if isinstance(line, dict):
                step = tuple(line.get(key) for key in ("stage", "kind", "round", "step"))
                found[step if "step" in line else number] = line
        return list(found.values())

    def drop_metrics(self, stage: str) -> None:
        """Forget a stage's metrics, before it starts again from nothing."""
        path = self.folder / "metrics.jsonl"
        kept = [line for _, line in read_lines(path, torn=True) if line.get("stage") != stage]
        if path.is_file():
            write_lines(path, kept)

    # ------------------------------------------------------------ records

    def write_lessons(self, stage: str, lessons: Iterable[Lesson]) -> None:
        """Exactly what a stage teaches."""
        write_lines(self.folder / f"lessons.{stage}.jsonl", map(to_json, lessons))

    def lessons(self, stage: str) -> list[Lesson]:
        """What a stage teaches; [] where it has not said."""
        path = self.folder / f"lessons.{stage}.jsonl"
        return [_built(path, number, lesson_from_json, line) for number, line in read_lines(path)]

    def write_examples(self, split: str, examples: Iterable[Example]) -> None:
        """The items of an evaluated split."""
        write_lines(self.folder / f"examples.{split}.jsonl", map(to_json, examples))

    def examples(self, split: str) -> list[Example]:
        """The items of an evaluated split; [] where there are none."""
        return _records(Example, self.folder / f"examples.{split}.jsonl")

    def write_answers(self, stage: str, split: str, answers: Iterable[Answer]) -> None:
        """A stage's answers to a split."""
        write_lines(self.folder / "answers" / f"{stage}.{split}.jsonl", map(to_json, answers))

    def answers(self, stage: str, split: str) -> list[Answer]:
        """A stage's answers to a split; [] where there are none."""
        return _records(Answer, self.folder / "answers" / f"{stage}.{split}.jsonl")

    def write_scores(self, stage: str, split: str, scores: Iterable[Score]) -> None:
        """A stage's scores on a split, in place of those that it had."""
        path = self.folder / "scores.jsonl"
        others = [line for _, line in read_lines(path) if (line.get("stage"), line.get("split")) != (stage, split)]
        write_lines(path, others + [{"stage": stage, "split": split, **to_json(score)} for score in scores])

    def scores(self) -> list[tuple[str, str, Score]]:
        """(stage, split, Score) of all; a Score without an item is of all items together."""
        path = self.folder / "scores.jsonl"
        return [_built(path, number, _placed_score, line) for number, line in read_lines(path)]

    def write_comparisons(self, comparisons: Iterable[Comparison]) -> None:
        """The paired comparisons of stages."""
        write_lines(self.folder / "comparisons.jsonl", map(to_json, comparisons))

    def comparisons(self) -> list[Comparison]:
        """The paired comparisons; [] before there are any."""
        return _records(Comparison, self.folder / "comparisons.jsonl")

    def write_feedback(self, feedback: Iterable[Feedback]) -> None:
        """The comments that this run learns from or holds out."""
        write_lines(self.folder / "feedback.jsonl", map(to_json, feedback))

    def feedback(self) -> list[Feedback]:
        """The comments of this run."""
        return _records(Feedback, self.folder / "feedback.jsonl")

    def write_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """What became of each comment."""
        write_lines(self.folder / "outcomes.jsonl", map(to_json, outcomes))

    def outcomes(self) -> list[Outcome]:
        """What became of each comment."""
        return _records(Outcome, self.folder / "outcomes.jsonl")

    def write_proof(self, proof: Mapping[str, Any], fates: Iterable[Mapping[str, Any]]) -> None:
        """What the learnt model makes of the comments, and each comment before and after."""
        write_lines(self.folder / "proof.jsonl", map(dict, fates))
        _write_json(self.folder / "proof.json", {"learnt": self._stages().get("learn", ""), **proof})

    def proof(self) -> dict[str, Any] | None:
        """The proof, with the gate's ruling; None where nothing was proved of the weights that are learnt now."""
        path = self.folder / "proof.json"
        if not path.is_file() or not self.weights("learn").is_dir():
            return None
        proof = dict(read_json(path))
        return proof if proof.get("learnt") == self._stages().get("learn", "") else None

    def fates(self) -> list[dict[str, Any]]:
        """Each comment of the proof, before and after."""
        return [dict(line) for _, line in read_lines(self.folder / "proof.jsonl")]

    def write_audit(self, name: str, found: Mapping[str, Any]) -> None:
        """What an audit found, in place of what it found before; it speaks of the weights that are there now."""
        path = self.folder / "audit.json"
        known = dict(read_json(path)) if path.is_file() else {}
        _write_json(path, known | {name: dict(found) | {"weights": self._trained()}})

    def audits(self) -> dict[str, dict[str, Any]]:
        """By audit what it found; `stale` where the weights have changed since."""
        path = self.folder / "audit.json"
        known = dict(read_json(path)) if path.is_file() else {}
        return {
            name: dict(found) | {"stale": found.get("weights") != self._trained()} for name, found in known.items()
        }

    def _trained(self) -> dict[str, str]:
        """By stage that has weights, what it was done for."""
        stages = self._stages()
        return {stage: stages.get(stage, "") for stage in ("train", "learn") if self.weights(stage).is_dir()}

    # ------------------------------------------------------------ weights and stages

    def weights(self, stage: str) -> Path:
        """Where a stage's weights are kept ("train" or "learn"); not made here."""
        return self.folder / "weights" / stage

    def best(self) -> str:
        """The stage whose weights are the run's result: the last one, but a learnt model only if it is not refused.

        "base" where nothing was trained.
        """
        proof = self.proof()
        refused = proof is not None and not proof["gate"]["promoted"]
        stages = ("train",) if refused else ("learn", "train")
        return next((stage for stage in stages if self.weights(stage).is_dir()), "base")

    def checkpoints(self, stage: str) -> Path:
        """Where a stage's checkpoints are kept; not made here."""
        return self.folder / "checkpoints" / stage

    def done(self, stage: str, fingerprint: str = "") -> bool:
        """Whether a stage is done, for just this fingerprint."""
        return self._stages().get(stage) == fingerprint

    def mark_done(self, stage: str, fingerprint: str = "") -> None:
        """A stage is done for this fingerprint."""
        _write_json(self.folder / "stages.json", self._stages() | {stage: fingerprint})

    def begun(self, stage: str) -> bool:
        """Whether a stage was ever done, for whatever fingerprint."""
        return stage in self._stages()

    def forget(self, stage: str) -> None:
        """A stage is not done; its files stay until it writes them again."""
        _write_json(self.folder / "stages.json", {k: v for k, v in self._stages().items() if k != stage})

    def _stages(self) -> dict[str, str]:
        path = self.folder / "stages.json"
        return dict(read_json(path)) if path.is_file() else {}

    def _is(self, text: str) -> bool:
        path = self.folder / "recipe.yaml"
        return path.is_file() and path.read_text(encoding="utf-8") == text


# ---------------------------------------------------------------- inside


def _placed_score(line: Any) -> tuple[str, str, Score]:
    plain = dict(line)
    return str(plain.pop("stage")), str(plain.pop("split")), from_json(Score, plain)


def _records(cls: type[R], path: Path) -> list[R]:
    return [_built(path, number, lambda plain: from_json(cls, plain), line) for number, line in read_lines(path)]


def _built(path: Path, number: int, build: Any, line: Any) -> Any:
    try:
        return build(line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fix = "run the stage that writes this file again"
        raise RunError(f"not what this file holds: {error}", where=f"{path}:{number}", fix=fix) from None


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        fix = "name another folder with `run:`, or make this one writable"
        raise MachineFault(f"no run can be kept here: {error.strerror}", where=str(path.parent), fix=fix) from None


def _write_json(path: Path, plain: Any) -> None:
    write_text(path, json.dumps(plain, indent=2) + "\n")


def _same_recipe(folder: Path, here: Recipe, asked: Recipe) -> None:
    old, new = _flat(here.model_dump()), _flat(asked.model_dump())
    for key in [*old, *(key for key in new if key not in old)]:
        if old.get(key) != new.get(key) and key.partition(".")[0] not in _ELSEWHERE | _AFTERWARDS:
            raise RunError(
                f"this folder belongs to another recipe: {key} was {old.get(key)!r:.60}, now {new.get(key)!r:.60}",
                where=str(folder),
                fix="name another folder with `run:` (or another `name:`), or delete this one",
            )


def _flat(plain: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(plain, Mapping) or not plain:
        return {at: plain}
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        flat |= _flat(value, f"{at}.{key}" if at else str(key))
    return flat


def _beside(folder: Path) -> str:
    runs: Sequence[Path] = sorted(folder.parent.glob("*/recipe.yaml")) if folder.parent.is_dir() else []
    return "did you mean " + ", ".join(str(run.parent) for run in runs[:5]) + "?" if runs else "`sayso run` makes one"
