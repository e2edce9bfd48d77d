"""`sayso demo`: the main job on the model and data that the package carries, offline, in a minute or two.

Decided here:
- It calls the stages that every project goes through, on the carried recipe, and shows what they found; nothing is
  worked out for the show, and where the result is weak that is what is shown. New messages come first in the table,
  then the comments that were taught: to know those by heart is the lesser thing.
- The whole time left is guessed from how long the steps before took: SHARES are their parts of it.
- What belongs to the result goes to stdout, the stages' own progress to stderr.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from sayso.cli.demo_result import DemoResult, Pair
    from sayso.cli.project import Project

RECIPE = Path(__file__).parents[1] / "embedded" / "demo" / "recipe.yaml"
SHARES = {"answer": 0.1, "comments": 0.01, "probe": 0.2, "learn": 0.52, "prove": 0.17}


def demo(
    run: Annotated[Path, typer.Option(help="the run folder")] = Path("runs/demo"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. learn.method=imitate")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """See it work: a small model learns six house rules from 24 comments; offline, in a minute or two."""
    from sayso.cli.console import console, print_json
    from sayso.cli.run import at_work, opened

    project = opened(RECIPE, [f"run={run}", *(set_ or [])])
    screen = Screen(console(stderr=json))
    with at_work(project):
        result = _stages(project, screen)
    if json:
        print_json(result)


# ---------------------------------------------------------------- the stages, each shown when it is done


def _stages(project: Project, screen: Screen) -> dict[str, Any]:
    from sayso.cli.check import check_stage
    from sayso.cli.comment import comment_stage
    from sayso.cli.demo_result import DemoResult
    from sayso.cli.learn import learn_stage
    from sayso.cli.probe import probe_stage
    from sayso.cli.prove import prove_stage
    from sayso.cli.report import report_stage

    screen.step("answer", "The model that the package carries answers customers of a shop, in English and Chinese")
    check_stage(project)
    project.scored("base")
    screen.answered(project)
    screen.step("comments", "What people of the shop said about its answers")
    comment_stage(project)
    screen.comments(project)
    screen.step("probe", "Can the model use what they say? Asked before anything is learnt")
    probe = probe_stage(project)
    screen.probe(probe, project.recipe.learn.method)
    screen.step("learn", f"Learning from the comments, by the method `{project.recipe.learn.method}`")
    learn_stage(project)
    screen.step("prove", "Proof: the same messages, before and after; none of them was taught")
    gate = prove_stage(project)["gate"]
    result = DemoResult(project)
    page = report_stage(project)
    screen.result(result, gate)
    screen.end(project.run.folder, page)
    facts = {"run": str(project.run.folder), "report": str(page), "probe": probe["sight"], "gate": gate}
    return facts | {"seconds": round(screen.seconds, 1)} | result.as_json()


# ---------------------------------------------------------------- the screen


class Screen:
    """What a person sees, part by part."""

    def __init__(self, out: Any) -> None:
        self.out, self.begun, self.done = out, time.monotonic(), 0.0
        self.now = ""

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.begun

    def step(self, name: str, words: str) -> None:
        """A heading: which step of how many, and about how long all of it will still take."""
        from rich.text import Text

        self.done += SHARES.get(self.now, 0.0)
        self.now = name
        number = f"{list(SHARES).index(name) + 1}/{len(SHARES)}"
        self.out.print()
        self.out.print(
            Text(f"{number}  ", style="dim"), Text(words, style="bold cyan"), Text(self._left(), "dim"), sep=""
        )

    def _left(self) -> str:
        from sayso.cli.console import span

        if not self.done:
            return "   (all of it takes about a minute or two)"
        return f"   (about {span(self.seconds / self.done * (1 - self.done))} left)"

    def answered(self, project: Project) -> None:
        """Two of its answers: to the first message of the test and to the last."""
        examples, answers = project.examples("test"), project.run.answers("base", "test")
        for at in (0, -1):
            self._said("customer", examples[at].prompt[-1].text)
            self._said("model", answers[at].text)

    def comments(self, project: Project) -> None:
        """The whole file."""
        from rich.text import Text

        from sayso.cli.console import table

        said = project.run.feedback()
        rows = [(Text(one.author.id, "green"), one.comment) for one in said]
        files = ", ".join(project.recipe.feedback.files)
        self.out.print(table("", ("who", "comment"), rows))
        self.out.print(Text(f"{len(said)} comments, from {files}", style="dim"))

    def probe(self, note: Mapping[str, Any], method: str) -> None:
        """What the model makes of a comment that it reads, and what the probe would have chosen."""
        for one in note["edge"]:
            if one["unit"] == "share":
                self.out.print(one["words"])
        chosen = "which is this recipe's" if note["recommended"] == method else f"this recipe takes `{method}`"
        self.out.print(f"The probe recommends the method `{note['recommended']}`; {chosen}.")

    def result(self, found: DemoResult, gate: Mapping[str, Any]) -> None:
        """Answers, rules, drift, the gate's ruling."""
        from rich.text import Text

        from sayso.cli.console import table

        for pair in found.pairs:
            self._answers(pair)
        rows = [
            (
                row.rule,
                f"{row.before}/{row.messages} -> {row.after}/{row.messages}",
                f"{row.untouched}/{row.neighbours}",
                f"{row.heeded}/{row.comments}",
            )
            for row in found.rules
        ]
        self.out.print()
        columns = ("a rule for where ...", "new messages", "neighbours untouched", "taught comments heeded")
        title = "New messages answered by the rule, before -> after"
        self.out.print(table(title, columns, [*rows, _all(found)]))
        drift = found.drift
        same = f"{drift['same']} of {drift['n']} answers are the same, word for word"
        self.out.print(f"Out of every rule's scope: drift {drift['nats']:.3f} nats per token; {same}.")
        self.out.print()
        self.out.print(Text(gate["words"], style="bold green" if gate["promoted"] else "bold red"))

    def _answers(self, pair: Pair) -> None:
        from rich.text import Text

        self.out.print()
        self._said("customer", pair.prompt)
        for label, text, kept in (("before", pair.before, pair.kept_before), ("after", pair.after, pair.kept_after)):
            self._said(label, text, Text("✓ ", "green") if kept else Text("✗ ", "red"))

    def _said(self, who: str, words: str, mark: Text | str = "") -> None:
        from rich.text import Text

        self.out.print(Text.assemble((f"{who:<10}", "dim"), mark, " ".join(words.split())))

    def end(self, folder: Path, page: Path) -> None:
        """Where to read on, and what to do next."""
        from sayso.cli.console import span

        self.out.print()
        self.out.print(f"Report:  {_from_here(page)}")
        self.out.print(f"Next:    sayso serve {_from_here(folder)}      talk to it, and comment on what it says")
        self.out.print(f"It took {span(self.seconds)}.")


def _all(found: DemoResult) -> tuple[Any, ...]:
    """The last line of the table: all rules together."""
    from rich.text import Text

    def total(name: str) -> int:
        return sum(getattr(row, name) for row in found.rules)

    cells = (
        "all of them",
        f"{total('before')}/{total('messages')} -> {total('after')}/{total('messages')}",
        f"{total('untouched')}/{total('neighbours')}",
        f"{total('heeded')}/{total('comments')}",
    )
    return tuple(Text(cell, "bold") for cell in cells)


def _from_here(path: Path) -> Path:
    """As short as it can be written in this folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
