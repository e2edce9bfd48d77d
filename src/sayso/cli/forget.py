"""`sayso forget`: take a comment back, learn without it, and prove that its effect is gone.

Decided here:
- A comment taken back stays in the store, marked; no run of any project with that store learns from it again.
- Learning begins anew from the same start without it, so nothing of it can be left but what others teach too.
- An author's comments are not only taken back but erased (cli/erase.py).
- The proof is how sure the model is of what the comment asked for, on its own prompt: at the start, as it was learnt,
  and without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import FeedbackError, nearest
from sayso.records import Example, Feedback, State

if TYPE_CHECKING:
    from sayso.cli.project import Project

SHORTEST = 4  # digits of an id


def forget(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    comment: Annotated[
        str, typer.Argument(help="the comment's id, or how it begins; `sayso comment` lists them")
    ] = "",
    author: Annotated[str, typer.Option(help="erase all comments of this author instead, and prove it")] = "",
    why: Annotated[str, typer.Option(help="why it is taken back")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. learn.method=prefer")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Take a comment back, learn without it, and prove that its effect is gone."""
    from sayso.cli.console import console, print_json
    from sayso.cli.erase import erase, print_erased
    from sayso.cli.report import report_stage
    from sayso.cli.run import at_work, opened

    if bool(comment) == bool(author):
        raise FeedbackError("name a comment, or an author with --author", fix="`sayso comment` lists both")
    project = opened(recipe, set_)
    if author:
        print_erased(erase(project, author), as_json=json)
        return
    with at_work(project):
        result = _forgotten(project, _chosen(project, comment), why)
        report_stage(project)
    if json:
        print_json({"run": str(project.run.folder)} | result)
        return
    out = console()
    out.print(f"Taken back: {result['comment']}")
    for stage in ("start", "learnt", "after"):
        if stage in result.get("answers", {}):
            out.print(f"  {stage:<7} {result['answers'][stage]}")
    out.print(result["words"])


# ---------------------------------------------------------------- inside


def _chosen(project: Project, asked: str) -> Feedback:
    """The run's comment of that id. FeedbackError where there is none, or more than one begins so."""
    known = {one.id: one for one in project.run.feedback()}
    found = [id_ for id_ in known if id_.startswith(asked)] if len(asked) >= SHORTEST else []
    if len(found) != 1:
        what = f"{len(found)} comments begin with '{asked:.40}'" if found else f"this run has no comment '{asked:.40}'"
        fix = nearest(asked, known, "`sayso comment` lists them with their ids")
        where = str(project.run.folder)
        raise FeedbackError(what, where=where, expected=f"an id, or at least {SHORTEST} of its digits", fix=fix)
    return known[found[0]]


def _forgotten(project: Project, one: Feedback, why: str) -> dict[str, Any]:
    """Mark it, learn without it, compare."""
    from sayso.cli.comment import store_of

    traced = _Trace(project, one)
    before = traced.of("learn") if _was_taught(project, one) else None
    with store_of(project) as store:
        store.withdraw(one.id, why)
    rest = [other for other in project.run.feedback() if other.id != one.id]
    project.run.write_feedback(rest)
    result = {"id": one.id, "comment": one.comment, "why": why}
    if before is None:
        return result | {"state": "never taught", "words": "It had not been taught: nothing had to be learnt anew."}
    result |= _compared(project, traced, before, rest)
    _note(project, result)
    return result


def _was_taught(project: Project, one: Feedback) -> bool:
    states = {found.feedback: found.state for found in project.run.outcomes()}
    untaught = (State.HELD_OUT, State.REFUSED, State.WAITING)
    return project.run.weights("learn").is_dir() and states.get(one.id, State.WAITING) not in untaught


def _compared(project: Project, traced: _Trace, before: tuple[float, str], rest: Sequence[Feedback]) -> dict[str, Any]:
    from sayso.cli.learn import learn_stage, unlearn
    from sayso.cli.prove import prove_stage
    from sayso.evaluate.undone import undone

    if rest:
        learn_stage(project)
        prove_stage(project)
    else:
        unlearn(project)
        project.run.write_outcomes([])
    start = traced.of(project.start())
    after = traced.of("learn") if project.run.weights("learn").is_dir() else start
    found = undone(start[0], before[0], after[0], sum(map(traced.alike, rest)))
    answers = {"start": start[1], "learnt": before[1], "after": after[1]}
    return asdict(found) | {"answers": answers}


def _note(project: Project, result: dict[str, Any]) -> None:
    """What was taken back in this run, for the report."""
    told = (project.run.note("forgotten") or {}).get("comments", [])
    others = [line for line in told if line["id"] != result["id"]]
    project.run.write_note("forgotten", {"comments": [*others, result]})


class _Trace:
    """How sure a stage's model is of what a comment asked for, and what it answers to the comment's prompt."""

    def __init__(self, project: Project, one: Feedback) -> None:
        self.project, self.feedback = project, one
        self.target: str | None = None

    def of(self, stage: str) -> tuple[float, str]:
        """(log p per token in nats, the answer). The first stage asked fixes what is looked for."""
        from sayso.cli.effects import believed, usable
        from sayso.cli.outcomes import answers_to

        learner = self.project.learner(stage, training="learn")
        answer = answers_to(self.project, learner, [self.feedback], stage)[self.feedback.id]
        if self.target is None:
            found = usable(self.project, [self.feedback], learner.kind)
            better = found[0].better if found else None
            self.target = better if better is not None else answer
        asked = Example(self.feedback.id, self.feedback.prompt, self.target)
        values = believed(self.project, learner, self.project.task, [asked], stage)
        return values.get(self.feedback.id, 0.0), answer

    def alike(self, other: Feedback) -> bool:
        """Whether another comment is on the same prompt or rule."""
        from sayso.store.split import rule_of

        rule = rule_of(self.feedback)
        return other.prompt == self.feedback.prompt or bool(rule and rule_of(other) == rule)
