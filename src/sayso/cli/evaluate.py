"""`sayso evaluate`: score a stage's model on the same items as every other stage.

Decided here: a table for each split, with every metric of every stage side by side; below it, in words, how the asked
stage compares with each other one in the headline metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.records import Comparison, Score


def evaluate(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    stage: Annotated[str, typer.Option(help="base, train or learn; the latest when empty")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. evaluate.limit=100")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Score a model on the validation and test items, with intervals, beside its baselines."""
    from sayso.cli.run import at_work, opened
    from sayso.errors import UserError, nearest

    if stage not in ("", "base", "train", "learn"):
        raise UserError(f"there is no stage '{stage}' to score", fix=nearest(stage, ("base", "train", "learn")))
    project = opened(recipe, set_)
    with at_work(project):
        chosen = stage or project.latest()
        base_stage(project)
        project.scored(chosen)
    _print(project, chosen, as_json=json)


def base_stage(project: Project) -> dict[str, float]:
    """Score the untouched model and what it is compared with, once."""
    from sayso.cli.scoring import baseline_stage

    run, print_of = project.run, project.fingerprint("baseline")
    if not run.done("baseline", print_of):
        baseline_stage(project)
        run.mark_done("baseline", print_of)
    return project.scored("base")


def _print(project: Project, stage: str, *, as_json: bool) -> None:
    from sayso.cli.console import console, print_json

    rows = [(at, split, score) for at, split, score in project.run.scores() if not score.item]
    if as_json:
        print_json([{"stage": at, "split": split} | {"score": score} for at, split, score in rows])
        return
    for split in ("validation", "test"):
        known = {(at, score.unit): score for at, on, score in rows if on == split}
        if known:
            _print_split(split, known)
            for comparison in _verdicts(project, stage, split):
                console().print(comparison.words)
            console().print()


def _print_split(split: str, scores: Mapping[tuple[str, str], Score]) -> None:
    """Metrics down, stages across, baselines first."""
    from sayso.cli.console import print_table
    from sayso.cli.scoring import MODEL_STAGES

    stages, units = (list(dict.fromkeys(key[place] for key in scores)) for place in (0, 1))
    stages.sort(key=lambda at: MODEL_STAGES.index(at) if at in MODEL_STAGES else -1)
    body = []
    for unit in units:
        found = [scores.get((at, unit)) for at in stages]
        counts = sorted({score.n for score in found if score is not None})
        body.append((unit, *map(_cell, found), " or ".join(map(str, counts))))
    print_table(f"{split} items, with 95 % intervals", ("metric", *stages, "n"), body)


def _verdicts(project: Project, stage: str, split: str) -> list[Comparison]:
    """The asked stage's comparisons in the headline metric and in what the programs say."""
    units = (project.recipe.task.metric or project.task.metric, "passes")
    return [
        one
        for one in project.run.comparisons()
        if one.split == split and one.unit in units and stage in (one.before_stage, one.after_stage)
    ]


def _cell(score: Score | None) -> str:
    from sayso.evaluate.compare import figure

    if score is None:
        return ""
    if score.interval is None:
        return figure(score.unit, score.value)
    low, high = (figure(score.unit, end).removesuffix(" %") for end in score.interval)
    return f"{figure(score.unit, score.value)} [{low}, {high}]"
