"""One training to try something out: the recipe with other settings, rows or comments, in a folder of its own.

Decided here:
- There are no test items here: their file is not opened, and the rows that the recipe sets aside as a test are neither
  trained on nor answered.
- The data is read once and handed in. Another seed is another training on the same split, never another split.
- A trial is a run folder, so a trial that was stopped goes on where it was, and one that is done is not repeated. Its
  weights are not kept: they were only a question.
- What is tried by `learn` starts from the weights and comments of the recipe's own run, which is only read; no comment
  changes its state.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sayso.cli.project import Data, Project
from sayso.errors import DataError, FeedbackError, RecipeError, UnsupportedError
from sayso.records import Feedback
from sayso.store.runs import Run

if TYPE_CHECKING:
    from sayso.evaluate.tally import Tally
    from sayso.learn.loop import Event
    from sayso.models.open import AnyLearner
    from sayso.recipe import Recipe
    from sayso.store.split import Halves

Stage = Literal["train", "learn"]
STAGES: tuple[Stage, ...] = ("train", "learn")
RESULT = "result"


@dataclass(frozen=True)
class Question:
    """What is tried out, whichever settings, rows or comments are tried: one recipe, stage, data and start."""

    recipe: Recipe
    stage: Stage
    data: Data
    halves: Halves | None = None
    weights: Path | None = None

    @classmethod
    def of(cls, recipe: Recipe, stage: Stage) -> Question:
        """The recipe's question. Raises DataError, RecipeError or FeedbackError where it cannot be asked."""
        project = Project(blind(recipe), Run(Project.home(recipe)))
        found = project.data
        data = Data(found.train, found.validation, (), {k: v for k, v in found.hashes.items() if k != "test"})
        if not data.validation:
            raise DataError("there are no validation items to compare by", fix="name data.validation")
        if stage == "train":
            if not data.train:
                raise DataError("there is nothing to train on", fix="name data.train.path")
            return cls(_labelled(project), stage, data)
        return cls(_labelled(project), stage, data, _halves(project), _start(project))

    @cached_property
    def metric(self) -> str:
        """The recipe's headline metric."""
        return self.recipe.task.metric or self.project(Path()).task.metric

    def project(self, folder: Path, recipe: Recipe | None = None, data: Data | None = None) -> Project:
        """The question in a folder, with another recipe or other data."""
        made = Project(recipe or self.recipe, Run(folder))
        made.data = data or self.data
        return made


@dataclass(frozen=True)
class Trial:
    """One answer to be had: where, with which recipe, rows and comments."""

    question: Question
    folder: Path
    recipe: Recipe
    data: Data | None = None
    halves: Halves | None = None


@dataclass(frozen=True)
class Result:
    """What a trial came to: the validation metric of the kept weights, the same before any training, and its name."""

    metric: str
    value: float
    before: float
    seconds: float


def blind(recipe: Recipe) -> Recipe:
    """The recipe without its test file. Rows that it sets aside as a test without a file stay set aside."""
    share = 0.0 if recipe.data.test is not None else recipe.data.test_share
    data = recipe.data.model_copy(update={"test": None, "test_share": share})
    return recipe.model_copy(update={"data": data, "trackers": []})


def changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with `section.key: value` changed. RecipeError where a value does not fit."""
    from pydantic import ValidationError

    plain = recipe.model_dump()
    for path, value in values.items():
        *sections, key = path.split(".")
        place = plain
        for section in sections:
            place = place[section]
        place[key] = value
    try:
        return type(recipe).model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = " -> ".join(map(str, first["loc"]))
        raise RecipeError(f"{where}: {first['input']!r:.60} does not fit here: {first['msg']}") from None


def tried(trial: Trial, through: Callable[[Iterator[Event]], Iterator[Event]] = iter) -> Result:
    """Train or learn, and measure on the validation items. The loop's events go `through` a generator.

    What `through` raises ends the trial, and its checkpoints stay.
    """
    run = Run.create(trial.folder, trial.recipe.model_copy(update={"run": str(trial.folder)}))
    with run.lock():
        project = _prepared(trial, run)
        kept, print_of = run.note(RESULT), project.fingerprint(trial.question.stage)
        if kept is None or not run.done(RESULT, print_of):
            kept = _measured(trial, project, through)
            run.write_note(RESULT, kept)
            run.mark_done(RESULT, print_of)
            forget(trial.folder)
    return Result(kept["metric"], kept["value"], kept["before"], kept["seconds"])


def forget(folder: Path) -> None:
    """Checkpoints are large and nothing goes on from them any more."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def tally(question: Question, folder: Path) -> Tally:
    """A finished trial's metric item by item, always on the same items.

    With labels these are the validation items of which no comment is taught; with free text the held-out comments, of
    which it counts how far the answers do what they ask.
    """
    from sayso.evaluate.metrics import measure
    from sayso.evaluate.tally import mean_of

    run = Run(folder)
    effects = run.note("effects")
    if effects is not None:
        return mean_of("heed", [float(effects[key]) for key in sorted(effects)])
    taught = {one.item for one in question.halves.learn} if question.halves is not None else set()
    limit = question.recipe.evaluate.limit
    scored = question.data.validation[:limit] if limit else question.data.validation
    examples = [one for one in scored if one.id not in taught] or list(scored)
    answers = {answer.item: answer for answer in run.answers(question.stage, "validation")}
    found = measure(question.project(folder).task, examples, [answers[one.id] for one in examples])
    return next(one for one in found.tallies if one.unit == question.metric)


# ---------------------------------------------------------------- inside


def _labelled(project: Project) -> Recipe:
    """The recipe with its labels written out: a share of the rows may not show them all."""
    task = project.recipe.task.model_copy(update={"labels": list(project.labels)})
    return project.recipe.model_copy(update={"task": task})


def _halves(project: Project) -> Halves:
    from sayso.cli.auto import AUTO
    from sayso.store.split import hold_out

    method = project.recipe.learn.method
    if method in ("", AUTO):
        fix = "name one with --set learn.method=..., `sayso probe` recommends"
        raise RecipeError("no method is named to learn the comments by", where="learn -> method", fix=fix)
    feedback = project.run.feedback()
    if not feedback:
        where, fix = str(project.run.folder), "`sayso comment` gathers them, `sayso learn` learns from them"
        raise FeedbackError("this run has no comments to learn from yet", where=where, fix=fix)
    return hold_out(feedback, project.recipe.feedback.held_out, project.recipe.seed)


def _start(project: Project) -> Path | None:
    """The weights that learning starts from, None for the base."""
    folder = project.run.weights("train")
    return folder.resolve() if folder.is_dir() else None


def _prepared(trial: Trial, run: Run) -> Project:
    """The trial's project, with the comments and weights that it starts from where they belong in a run."""
    question, halves = trial.question, trial.halves or trial.question.halves
    project = question.project(trial.folder, run.recipe(), trial.data)
    if halves is not None:
        run.write_feedback([*halves.learn, *halves.held_out])
    start = run.weights("train")
    if question.weights is not None and not start.exists():
        start.parent.mkdir(parents=True, exist_ok=True)
        start.symlink_to(question.weights, target_is_directory=True)
    return project


def _measured(trial: Trial, project: Project, through: Callable[[Iterator[Event]], Iterator[Event]]) -> dict[str, Any]:
    question = trial.question
    if question.stage == "train":
        _train(project, through)
    else:
        _learn(project, trial.halves or question.halves, through)
    lines = [one for one in project.run.metrics() if one.get("stage") == question.stage]
    checks = [one for one in lines if one.get("kind") == "validation"]
    metric = "balance" if "balance" in checks[-1] else question.metric
    best = [one for one in checks if one["best"]]
    seconds = [float(one["seconds"]) for one in lines if "seconds" in one]
    facts = {"value": best[-1][metric], "before": checks[0][metric], "seconds": seconds[-1]}
    return {"metric": metric} | facts


def _train(project: Project, through: Callable[[Iterator[Event]], Iterator[Event]]) -> None:
    from sayso.cli.scoring import score_split
    from sayso.cli.train import teach_rows

    learner = project.learner("base")
    teach_rows(project, learner, through)
    score_split(project, learner, "train", "validation")


def _learn(project: Project, halves: Halves | None, through: Callable[[Iterator[Event]], Iterator[Event]]) -> None:
    from sayso.cli.learn import teach_comments
    from sayso.cli.scoring import score_split

    assert halves is not None
    learner = project.learner(project.start(), training="learn")
    if not teach_comments(project, learner, halves, through).lessons:
        fix = "another method, or comments with revisions; `sayso probe` says what each method can use"
        raise UnsupportedError("the method teaches nothing from these comments", fix=fix)
    if project.task.options:
        score_split(project, learner, "learn", "validation")
    else:
        project.run.write_note("effects", _effects(project, learner, halves.held_out or halves.learn))


def _effects(project: Project, learner: AnyLearner, comments: Sequence[Feedback]) -> dict[str, float]:
    """How far the answers to commented prompts do what was asked, by comment's id."""
    from sayso.cli.effects import effects, usable
    from sayso.cli.outcomes import answers_to

    found = effects(project, usable(project, comments, learner.kind), answers_to(project, learner, comments, "learn"))
    if not found:
        fix = "comments with revisions or checks, or a program among the critics"
        raise FeedbackError("nobody can say whether these comments are heeded", fix=fix)
    return found


def with_rows(data: Data, rows: Sequence[Any], mark: str) -> Data:
    """The data with fewer training rows; `mark` tells it from others."""
    hashes = dict(data.hashes) | {"train": f"{data.hashes.get('train', '')}:{mark}"}
    return replace(data, train=tuple(rows), hashes=hashes)
