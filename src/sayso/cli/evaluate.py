"""`sayso evaluate`: score a stage's model on the same items as every other stage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sayso.cli.project import Project


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
    from sayso.cli.console import print_json, print_table
    from sayso.evaluate.compare import figure

    rows = [(at, split, score) for at, split, score in project.run.scores() if not score.item]
    if as_json:
        print_json([{"stage": at, "split": split} | {"score": score} for at, split, score in rows])
        return
    table = [
        (at, split, score.unit, figure(score.unit, score.value), _interval(score.unit, score.interval), score.n)
        for at, split, score in rows
        if at == stage or score.unit == (project.recipe.task.metric or project.task.metric)
    ]
    print_table("", ("stage", "items", "metric", "value", "95 % interval", "n"), table)


def _interval(unit: str, interval: tuple[float, float] | None) -> str:
    from sayso.evaluate.compare import figure

    return "" if interval is None else f"[{figure(unit, interval[0])}, {figure(unit, interval[1])}]"
