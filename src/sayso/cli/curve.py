"""`sayso curve`: how much data, or how many comments, does this task need?

Decided here:
- Amounts double up to a share of what there is; each is trained on with several seeds. A seed's rows (or comments) are
  drawn once and nested: a smaller amount is part of the larger ones.
- All are measured on the same validation items; the test items are not touched. What is foretold of all rows while
  only some were used can therefore be checked by training on all of them.
- With few rows a fixed number of epochs is a handful of steps, and the curve would show too little training rather
  than too little data. So a training on rows makes at least FEWEST_STEPS steps, or as many as the largest amount does,
  and is validated as often as the recipe's epochs say. Comments are learnt just as `sayso learn` would.
- Each training is a run folder beside the run; what is done is not repeated, so a larger share or more seeds go on
  from there.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sayso.errors import DataError, UserError, nearest

if TYPE_CHECKING:
    from sayso.cli.trial import Question, Result, Trial
    from sayso.evaluate.powerlaw import Estimate, LearningCurve
    from sayso.evaluate.tally import Tally
    from sayso.recipe import Recipe
    from sayso.records import Example, Feedback

    T = TypeVar("T", Example, Feedback)

FEWEST_STEPS = 100
MORE_COMMENTS = 50
NOUNS = {"train": "rows", "learn": "comments"}


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is trained: the largest share, how many amounts, how many seeds."""

    up_to: float
    amounts: int
    seeds: int


def curve(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    stage: Annotated[str, typer.Option(help="train: more rows; learn: more comments")] = "train",
    up_to: Annotated[float, typer.Option(help="the largest share of the rows or comments that is used")] = 1.0,
    amounts: Annotated[int, typer.Option(help="how many amounts, each twice the one before")] = 5,
    seeds: Annotated[int, typer.Option(help="trainings of each amount")] = 3,
    target: Annotated[float, typer.Option(help="a value of the metric to reach, e.g. 0.9; 0 for none")] = 0.0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. strategy.epochs=2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Train on growing shares of the rows or comments, and say what more of them would bring."""
    from sayso.cli.console import print_json
    from sayso.cli.run import prepared
    from sayso.cli.trial import STAGES, Question
    from sayso.store.runs import Run

    if stage not in STAGES:
        raise UserError(f"there is no stage '{stage}' with a curve", fix=nearest(stage, STAGES))
    extent = _extent(up_to, amounts, seeds)
    question = Question.of(prepared(recipe, set_), "learn" if stage == "learn" else "train")
    folder = folder_of(question)
    with Run(folder).lock():
        found = Curve(question, extent, folder).found(target)
    if json:
        print_json(found)
    else:
        _print(found)


def folder_of(question: Question) -> Path:
    """Beside the recipe's own run."""
    from sayso.cli.project import Project

    home = Project.home(question.recipe)
    return home.with_name(f"{home.name}-curve") / question.stage


class Curve:
    """All trainings of one question, and what follows from them."""

    def __init__(self, question: Question, extent: Extent, folder: Path) -> None:
        self.question, self.extent, self.folder = question, extent, folder
        self.noun = NOUNS[question.stage]
        halves = question.halves
        self.total = len(question.data.train) if halves is None else len(halves.learn)

    def found(self, target: float) -> dict[str, Any]:
        """Train what is not trained yet, fit, write the page; all that is known as plain values."""
        from sayso.evaluate.powerlaw import learning_curve, observe
        from sayso.report.learning import write
        from sayso.store.files import json_line, write_text

        amounts = self._amounts()
        results, tallies = self._trained(amounts)
        unit = tallies[0][0].unit
        resamples, seed = self.question.recipe.evaluate.resamples, self.question.recipe.seed
        before = [one.before for row in results for one in row if one.metric == unit]
        untrained = top_of(unit) - sum(before) / len(before) if before else None
        fitted = learning_curve(observe(amounts, tallies, top_of(unit), resamples, seed), untrained, seed)
        facts = self._facts(amounts, tallies, fitted) | self._answers(fitted, unit, target)
        page = write(self.folder / "curve.html", facts)
        write_text(self.folder / "curve.json", json_line(facts) + "\n")
        return facts | {"page": str(page)}

    def _amounts(self) -> list[int]:
        from sayso.evaluate.powerlaw import FEWEST, geometric

        found = list(geometric(self.total, self.extent.up_to, self.extent.amounts))
        if len(found) < FEWEST:
            raise DataError(
                f"{self.total} {self.noun} give only {len(found)} different amounts",
                expected=f"at least {FEWEST}",
                fix="a larger --up-to, or more of them",
            )
        return found

    def _trained(self, amounts: Sequence[int]) -> tuple[list[list[Result]], list[list[Tally]]]:
        from sayso.cli.console import progress
        from sayso.cli.trial import tally, tried

        results: list[list[Result]] = []
        tallies: list[list[Tally]] = []
        with progress("curve") as line:
            for amount in amounts:
                trials = [self._trial(amount, seed, amounts[-1]) for seed in range(self.extent.seeds)]
                results.append([tried(one) for one in trials])
                tallies.append([tally(self.question, one.folder) for one in trials])
                line.note(f"{amount:,} {self.noun}: " + ", ".join(f"{one.value:.4g}" for one in tallies[-1]))
        return results, tallies

    def _trial(self, amount: int, number: int, largest: int) -> Trial:
        from sayso.cli.trial import Trial, with_rows

        question, seed = self.question, self.question.recipe.seed + number
        recipe = question.recipe.model_copy(update={"seed": seed})
        folder = self.folder / f"{amount}-{self.noun}-seed-{seed}"
        if question.halves is not None:
            learn = nested(question.halves.learn, amount, seed)
            return Trial(question, folder, recipe, halves=question.halves._replace(learn=tuple(learn)))
        rows = nested(question.data.train, amount, seed)
        recipe = _enough_steps(recipe, rows, largest)
        return Trial(question, folder, recipe, with_rows(question.data, rows, f"{amount} by {seed}"))

    # ------------------------------------------------------------ what follows

    def _facts(
        self, amounts: Sequence[int], tallies: Sequence[Sequence[Tally]], fitted: LearningCurve
    ) -> dict[str, Any]:
        unit, best = tallies[0][0].unit, fitted.best
        law = {"a": float(best.a_R[0]), "b": float(best.b_R[0] * best.unit ** best.c_R[0]), "c": float(best.c_R[0])}
        rows = [
            {"amount": amount, "values": [one.value for one in row], "curve": _turned(fitted.error(amount), unit)}
            for amount, row in zip(amounts, tallies, strict=True)
        ]
        ahead = [round(amounts[0] * (2 * self.total / amounts[0]) ** (step / 24)) for step in range(25)]
        line = [{"amount": amount, **_turned(fitted.error(amount), unit)} for amount in ahead]
        facts = {"name": self.question.recipe.name, "stage": self.question.stage, "noun": self.noun, "metric": unit}
        items = {"items": tallies[0][0].n, "total": self.total, "seeds": self.extent.seeds}
        return facts | items | {"left_out": fitted.left_out, "law": law, "amounts": rows, "line": line}

    def _answers(self, fitted: LearningCurve, unit: str, target: float) -> dict[str, Any]:
        from sayso.report.learning import sentences

        total = self.total
        found: dict[str, Any] = {"used": self._amounts()[-1], "all": _turned(fitted.training(total), unit)}
        found["twice"] = asdict(fitted.gain(total, 2 * total))
        if self.question.stage == "learn":
            found["more"] = {"comments": MORE_COMMENTS} | asdict(fitted.gain(total, total + MORE_COMMENTS))
        if target:
            found["target"] = {"metric": target} | _amount(fitted.needed(top_of(unit) - target))
        facts = {"total": total, "noun": self.noun, "metric": unit, "left_out": fitted.left_out}
        return found | {"words": sentences(found | facts)}


# ---------------------------------------------------------------- inside


def top_of(unit: str) -> float:
    """What is lacking to the metric's best value is the error: 1 of a share, 100 of BLEU, 0 of a log-likelihood."""
    from sayso.evaluate.compare import ON_SACREBLEUS_SCALE

    return 100.0 if unit in ON_SACREBLEUS_SCALE else 0.0 if unit == "log_likelihood" else 1.0


def nested(all_: Sequence[T], amount: int, seed: int) -> list[T]:
    """So many of them, drawn by id and seed and in their own order; fewer are always among more."""
    drawn = sorted(all_, key=lambda one: hashlib.sha256(f"{seed}\0{one.id}".encode()).hexdigest())[:amount]
    chosen = {one.id for one in drawn}
    return [one for one in all_ if one.id in chosen]


def _amount(found: Estimate) -> dict[str, Any]:
    """An amount of data; None where none is enough."""
    ends = (found.value, *found.interval)
    value, low, high = (round(end) if math.isfinite(end) else None for end in ends)
    return {"value": value, "interval": (low, high)}


def _extent(up_to: float, amounts: int, seeds: int) -> Extent:
    from sayso.evaluate.powerlaw import FEWEST

    if not 0 < up_to <= 1:
        raise UserError(f"--up-to is {up_to:g}", expected="a share above 0, at most 1")
    if amounts < FEWEST or seeds < 2:
        expected = f"at least {FEWEST} amounts and 2 seeds: a law of three numbers is fitted, with its uncertainty"
        raise UserError(f"{amounts} amounts with {seeds} seeds make no curve", expected=expected)
    return Extent(up_to, amounts, seeds)


def _enough_steps(recipe: Recipe, rows: Sequence[Example], largest: int) -> Recipe:
    """The recipe with as many epochs on these rows as make enough steps, validated as often as before."""
    from sayso.cli.layout import guessed_lengths, row_limit, shape_for
    from sayso.presets import resolve

    asked, shape = recipe.strategy, shape_for(recipe)
    if asked.steps:
        return recipe
    found = resolve(asked, shape.kind, len(rows), shape.parameters, scratch=bool(recipe.model.scratch))
    lengths = guessed_lengths(rows, shape.kind, row_limit(recipe, shape))
    per_step = found.batch_rows or max(1, round(found.batch_tokens * lengths.rows / max(1, lengths.total)))
    own, most = (found.epochs * math.ceil(count / per_step) for count in (len(rows), largest))
    steps = max(own, min(FEWEST_STEPS, most))
    if steps <= own:
        return recipe
    epochs = round(steps / math.ceil(len(rows) / per_step), 3)
    every = asked.validate_every or math.ceil(steps / max(1, round(found.epochs)))
    changed = {"epochs": epochs, "validate_every": every}
    return recipe.model_copy(update={"strategy": asked.model_copy(update=changed)})


def _turned(error: Estimate, unit: str) -> dict[str, Any]:
    """An error as a value of the metric."""
    low, high = error.interval
    top = top_of(unit)
    return {"value": top - error.value, "interval": (top - high, top - low)}


def _print(found: dict[str, Any]) -> None:
    from sayso.cli.console import console, print_table

    rows = list(_rows(found))
    noun, metric = found["noun"], found["metric"]
    print_table(
        f"{metric} on {found['items']:,} items",
        (noun, *(f"seed {n + 1}" for n in range(found["seeds"])), "curve"),
        rows,
    )
    for words in found["words"]:
        console().print(words)
    console().print(f"page: {found['page']}")


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    from sayso.report.figures import figure, span

    unit = found["metric"]
    for row in found["amounts"]:
        curve = f"{figure(unit, row['curve']['value'])} [{span(unit, row['curve']['interval'])}]"
        yield (f"{row['amount']:,}", *(figure(unit, value) for value in row["values"]), curve)
