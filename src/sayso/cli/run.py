"""`sayso run`: carry a recipe through all its stages."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.recipe import Recipe


def run(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. strategy.epochs=2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Carry a recipe through all its stages; run it again to go on where it stopped."""
    project = opened(recipe, set_)
    with project.run.lock():
        result = run_project(project)
    if json:
        from sayso.cli.console import print_json

        print_json(result)
    else:
        _print(project, result)


def opened(recipe: Path, overrides: list[str] | None) -> Project:
    """The project of a recipe file, with the machine prepared for it."""
    from sayso.cli.project import Project

    return Project.open(prepared(recipe, overrides))


def prepared(recipe: Path, overrides: list[str] | None) -> Recipe:
    """The recipe, with all that it names there and the machine prepared for it."""
    from sayso.cli.asked import check_asked
    from sayso.cli.project import prepare
    from sayso.recipe import load

    asked = load(recipe, overrides or ())
    check_asked(asked)
    prepare(asked)
    return asked


@contextmanager
def at_work(project: Project) -> Iterator[None]:
    """The run folder for this process alone, with what a reader needs to repeat the run written down."""
    with project.run.lock():
        if not project.run.facts():
            project.run.add_facts(facts(project))
        yield


def facts(project: Project) -> dict[str, Any]:
    """Versions, machine, seed, data and command."""
    names = ("sayso", "torch", "transformers", "peft", "tokenizers", "sacrebleu", "scikit-learn", "numpy")
    return {
        "versions": {name: version(name) for name in names} | {"python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "seed": project.recipe.seed,
        "data": dict(project.data.hashes),
        "command": shlex.join(["sayso", *sys.argv[1:]]),
    }


def run_project(project: Project) -> dict[str, Any]:
    """Every stage in order; stages that are done are not repeated. Returns each stage's headline figures."""
    from sayso.cli.check import check_stage
    from sayso.cli.comment import comment_stage
    from sayso.cli.console import console
    from sayso.cli.evaluate import base_stage
    from sayso.cli.learn import learn_stage, states_of
    from sayso.cli.plan import plan_stage
    from sayso.cli.prove import prove_stage
    from sayso.cli.report import report_stage
    from sayso.cli.train import train_stage
    from sayso.evaluate.outcomes import in_words

    out = console(stderr=True)
    project.run.add_facts(facts(project))
    check_stage(project)
    for sentence in about_data(project.run.note("check") or {}):
        out.print(f"check    {sentence}")
    plan_stage(project)
    figures: dict[str, Any] = {"base": base_stage(project)}
    out.print(f"base     {headline(figures['base'])}")
    figures["train"] = train_stage(project)
    if figures["train"]:
        out.print(f"train    {headline(figures['train'])}")
    gathered = comment_stage(project)
    if gathered:
        out.print(f"comment  {gathered:,} {'comment' if gathered == 1 else 'comments'}")
    figures["learn"] = learn_stage(project)
    if figures["learn"]:
        out.print(f"learn    {headline(figures['learn'])}")
    proof = prove_stage(project)
    if proof:
        out.print(f"gate     {proof['gate']['words']}")
    states = states_of(project) if gathered and project.recipe.learn.method else {}
    if states:
        out.print(f"learn    {in_words(states)}")
    page = report_stage(project)
    told = {"run": str(project.run.folder), "report": str(page), "figures": {k: v for k, v in figures.items() if v}}
    return told | ({"states": states} if states else {}) | ({"gate": proof["gate"]} if proof else {})


def about_data(note: Mapping[str, Any]) -> Iterator[str]:
    """What the check found: rows by split, each reason for a dropped one, and what calls for attention."""
    from sayso.cli.project import reason_in_words

    for split, part in note.get("splits", {}).items():
        lost = part["dropped"].items()
        dropped = "; ".join(reason_in_words(reason, found["count"], found["lines"][0]) for reason, found in lost)
        kept = f"{part['kept']:,} rows for {split}"
        yield f"{kept}, {part['rows'] - part['kept']:,} dropped: {dropped}" if dropped else kept
    for finding in note.get("findings", []):
        if finding["level"] != "note":
            where = f"{finding['split']}: " if finding["split"] else ""
            yield f"{finding['level']}: {where}{finding['what']}"


def headline(figures: Mapping[str, float]) -> str:
    """The task's own metric first, then two more, in one line."""
    from sayso.evaluate.compare import figure

    return ", ".join(f"{unit} {figure(unit, value)}" for unit, value in list(figures.items())[:3])


def print_headline(project: Project, stage: str, figures: Mapping[str, float], *, as_json: bool) -> None:
    """One stage's figures, on stdout."""
    from sayso.cli.console import console, print_json

    if as_json:
        print_json({"run": str(project.run.folder), "stage": stage, "figures": dict(figures)})
    else:
        console().print(f"{stage}: {headline(figures)}   ({project.run.folder})")


def _print(project: Project, result: Mapping[str, Any]) -> None:
    from sayso.cli.console import console

    out = console()
    units = (project.recipe.task.metric or project.task.metric, "passes")
    compared = [c for c in project.run.comparisons() if c.unit in units]
    for comparison in [c for c in compared if c.split == "test"] or compared:
        out.print(comparison.words)
    out.print(f"report: {result['report']}")
