"""`sayso tune`: search for better settings of a recipe, and say whether they are better.

Decided here:
- The test items are not touched (cli/trial.py). What is best was chosen on the validation items, among many: so the
  winner and the recipe as it stands are trained again with other seeds, and compared with an interval. Even then the
  items are those that the winner was chosen by; what it is worth on others, `sayso run` says on the test items.
- The winner is written as a whole recipe, with a run folder of its own.
- The study, the trials, the page and the winner stand beside the recipe's run, in <run>-tune/<stage>.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import UserError, nearest

if TYPE_CHECKING:
    from sayso.cli.search import Search
    from sayso.cli.trial import Question
    from sayso.recipe import Recipe
    from sayso.tune.space import Setting
    from sayso.tune.study import Told

TRIALS = 20  # where neither trials nor minutes are asked for


def tune(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    stage: Annotated[str, typer.Option(help="train, or learn: the method's knobs too")] = "train",
    trials: Annotated[int, typer.Option(help="trainings in all, over all calls; 20 without --minutes")] = 0,
    minutes: Annotated[float, typer.Option(help="no trial begins after so many minutes of training")] = 0.0,
    workers: Annotated[int, typer.Option(help="processes that train at once")] = 1,
    space: Annotated[Path | None, typer.Option(help="a YAML file of what is to be searched")] = None,
    seeds: Annotated[int, typer.Option(help="other seeds on which winner and recipe are compared")] = 3,
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. strategy.epochs=2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Search for better settings, compare the best with the recipe as it stands, and write it as a recipe."""
    from sayso.cli.console import print_json
    from sayso.cli.run import prepared
    from sayso.cli.search import search_all
    from sayso.store.runs import Run

    if stage not in ("train", "learn"):
        raise UserError(f"there is no stage '{stage}' to tune", fix=nearest(stage, ("train", "learn")))
    _check(trials, minutes, workers, seeds)
    asked = prepared(recipe, set_)
    search = _search(asked, stage, space, (trials if trials or minutes else TRIALS, minutes, workers))
    with Run(search.folder).lock():
        search_all(search)
        found = _found(search, asked, seeds)
    if json:
        print_json(found)
    else:
        _print(found)


def setting_of(question: Question) -> Setting:
    """What the question's space depends on: its preset, and the value of every key as it stands."""
    from sayso.cli.layout import shape_for
    from sayso.presets import resolve
    from sayso.tune.space import Setting

    recipe, stage = question.recipe, question.stage
    shape = shape_for(recipe)
    own = recipe.strategy if stage == "train" else recipe.learn.strategy
    scratch = bool(recipe.model.scratch) and stage == "train"
    solved = resolve(own, shape.kind, max(1, len(question.data.train)), shape.parameters, scratch, stage)
    section = "strategy" if stage == "train" else "learn.strategy"
    values: dict[str, Any] = {f"{section}.{key}": value for key, value in solved.model_dump().items()}
    if own.steps:
        values[f"{section}.epochs"] = 0  # steps override them: there is nothing to search
    if stage == "learn":
        values |= _knobs(recipe)
    return Setting(stage, solved.preset, recipe.learn.method, bool(solved.lora_rank), values)


# ---------------------------------------------------------------- the search


def _check(trials: int, minutes: float, workers: int, seeds: int) -> None:
    if trials < 0 or minutes < 0 or workers < 1:
        expected = "--trials and --minutes of 0 or more, --workers of 1 or more"
        raise UserError(f"{trials} trials, {minutes:g} minutes, {workers} workers", expected=expected)
    if seeds < 2:
        fix = "of one seed nobody can say what chance did"
        raise UserError(f"--seeds is {seeds}", expected="2 or more", fix=fix)


def _search(asked: Recipe, stage: str, space: Path | None, extent: tuple[int, float, int]) -> Search:
    from sayso.cli.project import Project
    from sayso.cli.search import Search
    from sayso.cli.trial import Question
    from sayso.tune.space import read_space, space_of, start_of
    from sayso.tune.study import Budget

    question = Question.of(asked, "learn" if stage == "learn" else "train")
    setting, root = setting_of(question), "strategy." if stage == "train" else "learn."
    own = {key: entry for key, entry in asked.tune.space.items() if key.startswith(root) or not _known_root(key)}
    entries = [("tune -> space", own), *([(str(space), read_space(space))] if space is not None else [])]
    found = space_of(setting, *entries)
    home = Project.home(asked)
    folder = home.with_name(f"{home.name}-tune") / question.stage
    trials, minutes, workers = extent
    of = _digest(question, found)
    return Search(question, found, start_of(found, setting), folder, of, Budget(trials, minutes), workers)


def _known_root(key: str) -> bool:
    """Whether a key belongs to one of the two stages; the other's is not for this search."""
    return key.startswith(("strategy.", "learn."))


def _digest(question: Question, space: Mapping[str, Any]) -> str:
    """Which question a study belongs to: recipe, data, comments, space."""
    apart = {"name", "run", "threads", "trackers", "feedback", "tune"}
    recipe = question.recipe.model_dump(exclude=apart, exclude_defaults=True)
    comments = [one.id for one in question.halves.learn] if question.halves is not None else []
    facts = (recipe, question.stage, sorted(question.data.hashes.items()), comments, sorted(space.items()))
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _knobs(recipe: Recipe) -> dict[str, Any]:
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    method = recipe.learn.method
    knobs = knobs_of(find("methods", method), recipe.learn.knobs, f"learn -> knobs of {method}")
    return {f"learn.knobs.{key}": value for key, value in asdict(knobs).items()}


# ---------------------------------------------------------------- what was found


def _found(search: Search, asked: Recipe, seeds: int) -> dict[str, Any]:
    """Compare, write winner and page; all that is known as plain values."""
    from sayso.report.tuning import sentences, write
    from sayso.tune.space import describe
    from sayso.tune.study import opened

    with opened(search.folder, search.space, search.of, asked.seed) as study:
        trials, best, importance = study.trials(), study.best(), study.importance()
    assert best is not None, "the recipe as it stands is tried first"
    compared = {} if best.first else _compared(search, best, seeds)
    facts = {
        "name": asked.name,
        "stage": search.question.stage,
        "metric": search.question.metric,
        "space": {key: describe(one) for key, one in search.space.items()},
        "trials": [asdict(one) for one in trials],
        "best": asdict(best),
        "start": dict(search.start),
        "importance": importance,
        "comparison": compared,
        "winner": str(_write_winner(search, asked, best)),
    }
    facts["words"] = sentences(facts)
    return facts | {"page": str(write(search.folder / "tune.html", facts))}


def _compared(search: Search, best: Told, seeds: int) -> dict[str, Any]:
    """The winner and the recipe as it stands, each with other seeds, on the validation items."""
    from sayso.cli.console import progress
    from sayso.cli.search import recipe_of, trained
    from sayso.evaluate.seeds import over_seeds
    from sayso.tune.space import rounded

    own = search.question.recipe
    sides = {"start": search.start, "winner": best.values if best.first else rounded(best.values)}
    tallies: dict[str, list[Any]] = {side: [] for side in sides}
    with progress("compare") as line:
        for seed in range(own.seed + 1, own.seed + 1 + seeds):
            for side, values in sides.items():
                recipe = recipe_of(search.question, values).model_copy(update={"seed": seed})
                name = f"{side if side == 'start' else f'trial-{best.number}'}-seed-{seed}"
                tallies[side].append(trained(search, name, recipe))
            line.note(f"seed {seed}: " + ", ".join(f"{side} {tallies[side][-1].value:.4g}" for side in sides))
    return asdict(over_seeds(tallies["start"], tallies["winner"], own.evaluate.resamples, own.seed)) | {"seeds": seeds}


def _write_winner(search: Search, asked: Recipe, best: Told) -> Path:
    """The asked recipe, test items and all, with the winner's values; a run folder of its own."""
    from sayso.cli.project import Project
    from sayso.cli.trial import changed
    from sayso.recipe import dump
    from sayso.store.files import write_text
    from sayso.tune.space import rounded

    values = dict(best.values) if best.first else rounded(best.values)
    home = Project.home(asked).absolute()
    named = {"name": f"{asked.name}-tuned"[:100], "run": str(home.with_name(f"{home.name}-tuned"))}
    recipe = changed(asked, values).model_copy(update=named)
    path = search.folder / "winner.yaml"
    write_text(path, f"# Trial {best.number} of `sayso tune`, stage {search.question.stage}.\n{dump(recipe)}")
    return path


# ---------------------------------------------------------------- for people


def _print(found: Mapping[str, Any]) -> None:
    from sayso.cli.console import console, print_table

    out = console()
    print_table("", ("trial", "state", found["metric"], "seconds", "settings"), list(_rows(found)))
    if found["importance"]:
        shares = ", ".join(f"{key} {100 * share:.0f} %" for key, share in found["importance"].items())
        out.print(f"what moved it: {shares}")
    for words in found["words"]:
        out.print(words)
    out.print(f"winner: {found['winner']}\npage:   {found['page']}")


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    from sayso.cli.search import written

    for one in found["trials"]:
        value = "" if one["value"] is None else f"{one['value']:.4g}"
        said = "the recipe as it stands" if one["first"] else written(one["values"])
        why = f"; {one['why']}" if one["why"] else ""
        yield (str(one["number"]), one["state"], value, f"{one['seconds']:.0f}", said + why)
