"""`sayso audit`: questions of trust, asked of a run: is it private, fair, robust? What cannot be seen is said too.

Decided here:
- An audit changes nothing in the run but its own entry in audit.json, which says of which weights it speaks.
- Without --only every audit in audits/ is asked; one that makes no sense for this run is left out, with its reason.
  An audit that was named and makes no sense is an error.
- A warning is no failure: the exit code is 0 whatever was found. Who wants a gate reads --json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import RecipeError, UnsupportedError

if TYPE_CHECKING:
    from rich.text import Text

    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.protocols import Task
    from sayso.recipe import Recipe
    from sayso.records import Example, Feedback, Lesson
    from sayso.store.runs import Run

STYLES = {"warning": "bold yellow", "note": "default", "fine": "green"}


def audit(
    run: Annotated[Path, typer.Argument(help="a run folder, or the recipe that made it")],
    only: Annotated[list[str] | None, typer.Option(help="an audit's name; all when left out. May be repeated")] = None,
    knob: Annotated[list[str] | None, typer.Option(help="change a setting, e.g. privacy.rows=500")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Ask of a run whether it is private, fair and robust, and say what cannot be seen."""
    from sayso.cli.console import print_json
    from sayso.cli.prove import project_at
    from sayso.cli.report import report_stage
    from sayso.cli.run import at_work
    from sayso.rooms import find, names

    asked = [find("audits", name).__name__.rpartition(".")[2] for name in only or names("audits")]
    settings = _settings(knob or (), asked)
    project = project_at(run)
    with at_work(project):
        results = [audit_stage(project, name, settings[name], named=bool(only)) for name in asked]
        report_stage(project)
    if json:
        print_json({"run": str(project.run.folder), "audits": results})
    else:
        _print(results, project.run.folder / "audit.json")


def audit_stage(project: Project, name: str, knobs: Any, *, named: bool = True) -> dict[str, Any]:
    """One audit of a project's run, written into audit.json. Where it does not apply and was not named: the reason."""
    from sayso.cli.console import console
    from sayso.records import to_json
    from sayso.rooms import find

    module = find("audits", name)
    console(stderr=True).print(f"audit    {name}: {module.ASKS}")
    asks = {"audit": name, "asks": module.ASKS}
    try:
        found = module.audit(Opened(project), knobs)
    except UnsupportedError as error:
        if named:
            raise
        return asks | {"left_out": error.what}
    facts: dict[str, Any] = asks | asdict(found) | {"cannot_see": list(module.CANNOT_SEE), "knobs": to_json(knobs)}
    project.run.write_audit(name, facts)
    return facts


class Opened:
    """A project as an audit sees it (auditing.Subject)."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._open: tuple[str, AnyLearner] | None = None

    @property
    def recipe(self) -> Recipe:
        """The run's recipe."""
        return self._project.recipe

    @property
    def run(self) -> Run:
        """The run's folder."""
        return self._project.run

    @property
    def task(self) -> Task:
        """The task, with its labels."""
        return self._project.task

    @property
    def stages(self) -> tuple[str, ...]:
        """ "base", and what has weights."""
        return ("base", *(stage for stage in ("train", "learn") if self.run.weights(stage).is_dir()))

    @property
    def result(self) -> str:
        """The stage whose weights are the run's result."""
        return self._project.latest()

    def learner(self, stage: str) -> AnyLearner:
        """The model after a stage; the last one asked for stays open."""
        if self._open is None or self._open[0] != stage:
            self._open = None
            self._open = stage, self._project.learner(stage, training="learn" if stage == "learn" else "train")
        return self._open[1]

    def train(self) -> Sequence[Example]:
        """The training rows."""
        return self._project.data.train

    def examples(self, split: str) -> Sequence[Example]:
        """The scored items of a split."""
        return self._project.examples(split)

    def feedback(self) -> Sequence[Feedback]:
        """The run's comments."""
        return self.run.feedback()

    def lessons(self, stage: str) -> Sequence[Lesson]:
        """What a stage taught."""
        return self.run.lessons(stage)


# ---------------------------------------------------------------- inside


def _settings(asked: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """By audit its Knobs, from words like privacy.rows=500. RecipeError for one of an audit that is not asked."""
    import yaml

    from sayso.cli.knobs import knobs_of
    from sayso.errors import nearest
    from sayso.rooms import find

    given: dict[str, dict[str, Any]] = {name: {} for name in names}
    for word in asked:
        place, sign, value = word.partition("=")
        name, _, knob = place.partition(".")
        if not (sign and knob and name in given):
            fix = nearest(name, names)
            raise RecipeError(f"not a setting: {word}", where="--knob", expected="AUDIT.KNOB=VALUE", fix=fix)
        given[name][knob] = yaml.safe_load(value)
    return {name: knobs_of(find("audits", name), part, f"--knob {name}") for name, part in given.items()}


# ---------------------------------------------------------------- for people


def _print(results: Sequence[Mapping[str, Any]], file: Path) -> None:
    from rich.text import Text

    from sayso.cli.console import console

    out = console()
    for result in results:
        out.print(Text(f"{result['audit']}: {result['asks']}", style="bold"))
        if "left_out" in result:
            out.print(f"  not asked: {result['left_out']}\n")
            continue
        for finding in result["findings"]:
            out.print(_worded(finding))
        _print_figures(result["figures"])
        for table in result["tables"]:
            _print_table(table)
        out.print("what it cannot see:")
        for words in result["cannot_see"]:
            out.print(f"  - {words}")
        out.print()
    out.print(f"All of it is in {file}, and in the report.")


def _worded(finding: Mapping[str, str]) -> Text:
    from rich.text import Text

    words = Text(f"  {finding['level']:<8}", style=STYLES[finding["level"]]).append(finding["what"], style="default")
    return words.append(f"\n          to fix: {finding['fix']}") if finding["fix"] else words


def _print_figures(figures: Sequence[Mapping[str, Any]]) -> None:
    from sayso.cli.console import print_table

    if figures:
        rows = [(one["name"], one["stage"], *figure_in_words(one), one["n"], one["verdict"]) for one in figures]
        print_table("", ("measured", "stage", "value", "95 % interval", "n", "verdict"), rows)


def _print_table(table: Mapping[str, Any]) -> None:
    from sayso.cli.console import print_table

    print_table(table["title"], table["columns"], table["rows"])


def figure_in_words(figure: Mapping[str, Any]) -> tuple[str, str]:
    """A figure's value and interval as they are written: shares in per cent."""
    from sayso.report.audits import span_of, value_of

    return value_of(figure["unit"], figure["value"]), span_of(figure["unit"], figure["interval"])
