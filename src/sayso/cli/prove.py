"""`sayso prove`: what a run made of its comments, measured before and after, and whether it may be promoted.

Decided here:
- What is measured, and of which comments: evaluate/proof.py and cli/evidence.py.
- The gate's ruling is part of the proof. A run is proved once for the same weights and scores.
- A learnt model that is refused stays on disk; the run's result is then the stage before (store/runs.py, `best`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.cli.fingerprint import of_scores
from sayso.errors import RunError
from sayso.records import Comparison, to_json

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.evaluate.proof import Fate

SHOWN = 3  # comments of each state


def prove(
    run: Annotated[Path, typer.Argument(help="a run folder, or the recipe that made it")],
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Measure what a run made of its comments, show each before and after, and let the gate rule."""
    from sayso.cli.console import print_json
    from sayso.cli.report import report_stage
    from sayso.cli.run import at_work

    project = project_at(run)
    with at_work(project):
        note = prove_stage(project)
        if note:
            report_stage(project)
    if not note:
        fix = "`sayso learn` teaches the comments first"
        raise RunError("nothing was learnt from comments in this run", where=str(project.run.folder), fix=fix)
    if json:
        print_json({"run": str(project.run.folder)} | note | {"comments": project.run.fates()})
    else:
        _print(note, project.run.fates())


def prove_stage(project: Project) -> dict[str, Any]:
    """The proof, written into the run; {} where nothing was learnt."""
    run = project.run
    if not run.weights("learn").is_dir() or not run.outcomes():
        return {}
    print_of = of_scores(project, "learn")
    if not run.done("prove", print_of) or run.proof() is None:
        project.scored(project.start())
        proof, fates = _proved(project)
        run.write_proof(proof, [to_json(one) | {"fell": one.fell} for one in fates])
        run.mark_done("prove", print_of)
    return run.proof() or {}


def project_at(path: Path) -> Project:
    """The project of a run folder, or of the recipe that made it. RunError where there is no run."""
    from sayso.cli.project import Project, prepare
    from sayso.recipe import load
    from sayso.store.runs import Run

    asked = load(path) if path.suffix in (".yaml", ".yml") else None
    run = Run.open(path if asked is None else Project.home(asked))
    recipe = run.recipe()
    prepare(recipe)
    return Project(recipe, run)


# ---------------------------------------------------------------- inside


def _proved(project: Project) -> tuple[dict[str, Any], list[Fate]]:
    from sayso.cli.evidence import Scene
    from sayso.evaluate.gate import rule
    from sayso.evaluate.measured import Draw
    from sayso.evaluate.proof import kept, measures

    scene = Scene(project)
    evidence = scene.evidence()
    draw = Draw(project.recipe.evaluate.resamples, project.recipe.seed)
    found = measures(evidence, draw)
    ruling = rule(found, _on_items(project))
    note = {
        "stages": [project.start(), "learn"],
        "measures": [to_json(one) for one in found],
        "kept": kept(evidence),
        "gate": to_json(ruling) | {"promoted": ruling.promoted},
    }
    return note, list(scene.fates(evidence))


def _on_items(project: Project) -> list[Comparison]:
    """The stage before against the learnt one: the headline and the programs' word, on the test items if any."""
    units = (project.recipe.task.metric or project.task.metric, "passes")
    stages = (project.start(), "learn")
    found = [
        one for one in project.run.comparisons() if one.unit in units and (one.before_stage, one.after_stage) == stages
    ]
    return [one for one in found if one.split == "test"] or found


# ---------------------------------------------------------------- for people


def _print(note: Mapping[str, Any], fates: Sequence[Mapping[str, Any]]) -> None:
    from sayso.cli.console import console, print_table

    out = console()
    for one in note["measures"]:
        out.print(one["words"])
    if note["kept"] is not None:
        out.print(f"Of what reading the comments gave before, {note['kept']:.0%} is there without them now.")
    out.print()
    rows = [(_state(fate), fate["comment"], _of(fate, "before"), _of(fate, "after")) for fate in _told(fates)]
    print_table("Comments, before and after", ("state", "comment", "before", "after"), rows)
    out.print()
    for loss in note["gate"].get("losses", []):
        out.print(f"Worse: {loss}")
    out.print(note["gate"]["words"])


def _told(fates: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each state the first few."""
    states = dict.fromkeys(map(_state, fates))
    return [one for state in states for one in [fate for fate in fates if _state(fate) == state][:SHOWN]]


def _state(fate: Mapping[str, Any]) -> str:
    return str(fate["outcome"]["state"]).replace("_", " ")


def _of(fate: Mapping[str, Any], side: str) -> str:
    return str(fate["outcome"].get(side, ""))
