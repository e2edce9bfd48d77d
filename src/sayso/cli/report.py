"""`sayso report`: write the run's page and model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sayso.cli.project import Project


def report(
    run: Annotated[Path, typer.Argument(help="a run folder, or the recipe that made it")],
    json: Annotated[bool, typer.Option("--json", help="print where the files are as JSON")] = False,
) -> None:
    """Write the report of a run, one page that opens offline, and its model card."""
    from sayso.cli.console import console, print_json
    from sayso.recipe import load
    from sayso.report import card, page
    from sayso.store.runs import Run

    asked = load(run) if run.suffix in (".yaml", ".yml") else None
    opened = Run.open(run if asked is None else Path(asked.run or f"runs/{asked.name}"))
    written, beside = page.write(opened), card.write(opened)
    if json:
        print_json({"report": str(written), "card": str(beside)})
    else:
        console().print(f"report: {written}\ncard:   {beside}")


def report_stage(project: Project) -> Path:
    """The page and the card of a project's run."""
    from sayso.report import card, page

    card.write(project.run)
    return page.write(project.run)
