"""`sayso comment`: gather comments, from files and from critics, on the validation answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.records import Feedback
    from sayso.store.feedback import FeedbackStore


def comment(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    add: Annotated[Path | None, typer.Option(help="also import this JSONL file of comments")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. feedback.held_out=0.5")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Gather comments from the recipe's files and critics into the feedback store, and list them."""
    from sayso.cli.console import print_json, print_table
    from sayso.cli.run import opened

    project = opened(recipe, set_)
    with project.run.lock():
        if add is not None:
            _import(project, store_of(project), add)
            project.run.forget("comment")
        comment_stage(project)
    found = project.run.feedback()
    if json:
        print_json([{"id": one.id} | {"feedback": one} for one in found])
    else:
        rows = [(one.id[:8], one.author.kind, one.comment, one.attempt.text[:60]) for one in found]
        print_table(f"{len(found)} comments", ("id", "author", "comment", "on the answer"), rows)


def comment_stage(project: Project) -> int:
    """Import files, ask critics, keep everything in the store; the run's own copy is what `learn` reads."""
    part = project.recipe.feedback
    run, print_of = project.run, project.fingerprint("comment")
    if run.done("comment", print_of):
        return len(run.feedback())
    if not part.files and not part.critics and not run.note("imported"):
        return 0
    store = store_of(project)
    ids: dict[str, None] = dict.fromkeys((run.note("imported") or {}).get("ids", []))
    for name in part.files:
        ids |= dict.fromkeys(_import(project, store, Path(name)))
    found = [one for critic in part.critics for one in _asked(project, critic.name, critic.knobs)]
    store.add(found)
    ids |= dict.fromkeys(one.id for one in found)
    current = {one.id: one for one in store.all()}
    run.write_feedback([current[i] for i in ids if i in current])
    run.mark_done("comment", print_of)
    return len(run.feedback())


def store_of(project: Project) -> FeedbackStore:
    """The project's feedback store: the recipe's, else one in the run folder."""
    from sayso.store.feedback import FeedbackStore

    return FeedbackStore(project.recipe.feedback.store or project.run.folder / "feedback.db")


def _import(project: Project, store: FeedbackStore, path: Path) -> tuple[str, ...]:
    """Ids of the comments in a file. Lines that are none are said on stderr and in the run's notes."""
    from sayso.cli.console import console

    imported = store.import_jsonl(path)
    for line, reason in imported.refused:
        console(stderr=True).print(f"{path}:{line}: not imported: {reason}")
    note = project.run.note("imported") or {"ids": [], "refused": []}
    refused = [{"file": path.name, "line": line, "reason": reason} for line, reason in imported.refused]
    ids = list(dict.fromkeys([*note["ids"], *imported.ids]))
    project.run.write_note("imported", {"ids": ids, "refused": [*note["refused"], *refused]})
    return imported.ids


def _asked(project: Project, name: str, knobs: dict[str, object]) -> list[Feedback]:
    """What a critic says about the latest model's validation answers."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    critic = find("critics", name)
    answers = {answer.item: answer for answer in project.run.answers(project.latest(), "validation")}
    pairs = [(e, answers[e.id]) for e in project.examples("validation") if e.id in answers]
    found: list[Feedback] = critic.comment(project.task, pairs, knobs_of(critic, knobs, f"critic {name}"))
    return found
