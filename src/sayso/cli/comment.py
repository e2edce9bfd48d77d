"""`sayso comment`: gather comments, from files and from critics, on the validation answers; or audit the critics.

Decided here:
- Critics speak about the answers of the model that will learn from them, never of one that has learnt already.
- What the recipe's files hold now counts: a file that has grown is read again, and learning then begins anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.errors import UserError

if TYPE_CHECKING:
    from sayso.cli.intake import Reading
    from sayso.cli.project import Project
    from sayso.recipe import CriticPart
    from sayso.records import Feedback
    from sayso.store.feedback import FeedbackStore, Imported


def comment(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    add: Annotated[Path | None, typer.Option(help="also import this file of comments")] = None,
    from_: Annotated[
        str, typer.Option("--from", help="how --add is read: argilla, label_studio, ...; by its suffix when empty")
    ] = "",
    column: Annotated[list[str] | None, typer.Option(help="a column of --add, e.g. comment=意见")] = None,
    option: Annotated[list[str] | None, typer.Option(help="an option of its source, e.g. sheet=2")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="gather nothing: compare the critics with this JSONL file of known verdicts")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. feedback.held_out=0.5")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Gather comments from the recipe's files and critics into the feedback store, and list them."""
    from sayso.cli.console import print_json, print_table
    from sayso.cli.intake import BY_SUFFIX, reading_of
    from sayso.cli.run import at_work, opened

    how = reading_of(from_, column or (), option or ())
    if add is None and how != BY_SUFFIX:
        raise UserError("--from, --column and --option say how --add is read", fix="name the file with --add")
    project = opened(recipe, set_)
    if audit is not None:
        if add is not None:
            raise UserError("an audit gathers nothing, so --add means nothing beside it", fix="leave out one of them")
        from sayso.cli.audit_critics import audit_critics

        audit_critics(project, audit, as_json=json)
        return
    with at_work(project):
        if add is not None:
            _add(project, add, how)
        comment_stage(project)
    found = project.run.feedback()
    if json:
        print_json([{"id": one.id} | {"feedback": one} for one in found])
    else:
        rows = [(one.id[:8], one.author.kind, one.comment, one.attempt.text[:60]) for one in found]
        count = "1 comment" if len(found) == 1 else f"{len(found):,} comments"
        print_table(count, ("id", "author", "comment", "on the answer"), rows)


def comment_stage(project: Project) -> int:
    """Import files, ask critics, keep everything in the store; the run's own copy is what `learn` reads."""
    from sayso.cli.private import warn_of

    part = project.recipe.feedback
    run, print_of = project.run, project.fingerprint("comment")
    added = (run.note("added") or {}).get("ids", [])
    if run.done("comment", print_of) or not (part.files or part.critics or added or run.feedback()):
        return len(run.feedback())
    with store_of(project) as store:
        imported = [_import(store, Path(name)) for name in part.files]
        found, _ = store.admit([one for critic in part.critics for one in _asked(project, critic)])
        store.add(found)
        ids = {*added, *(id_ for one in imported for id_ in one.ids), *(one.id for one in found)}
        arrived = [one for one in store.all() if one.id in ids]  # of two that contradict each other the later counts
    run.write_note("refused", {"lines": [line for one in imported for line in one.refused]})
    warn_of(arrived, project.recipe.privacy)
    run.write_feedback(arrived)
    run.mark_done("comment", print_of)
    return len(run.feedback())


def store_of(project: Project) -> FeedbackStore:
    """The project's feedback store: the recipe's, else one in the run folder."""
    from sayso.cli.private import policy_for
    from sayso.store.feedback import FeedbackStore

    where = project.recipe.feedback.store or project.run.folder / "feedback.db"
    return FeedbackStore(where, policy_for(project.recipe.privacy, "comments", project.run.folder))


def _add(project: Project, path: Path, how: Reading) -> None:
    """Import a file that the recipe does not name; the run remembers which comments came so."""
    with store_of(project) as store:
        ids = _import(store, path, how).ids
    known = (project.run.note("added") or {}).get("ids", [])
    project.run.write_note("added", {"ids": list(dict.fromkeys([*known, *ids]))})


def _import(store: FeedbackStore, path: Path, how: Reading | None = None) -> Imported:
    """The comments in a file. Rows that are none are said on stderr."""
    from sayso.cli.console import console
    from sayso.cli.intake import BY_SUFFIX, comments_at

    imported = store.take(comments_at(path, how or BY_SUFFIX))
    for line, reason in imported.refused:
        console(stderr=True).print(f"{path}:{line}: not imported: {reason}")
    return imported


def _asked(project: Project, part: CriticPart) -> tuple[Feedback, ...]:
    """What a critic says about the validation answers of the model that will learn from it."""
    from sayso.cli.console import console
    from sayso.cli.critics import reviewed

    stage = project.start()
    project.scored(stage)
    answers = {answer.item: answer for answer in project.run.answers(stage, "validation")}
    pairs = [(e, answers[e.id]) for e in project.examples("validation") if e.id in answers]
    review = reviewed(part, project.task, pairs, project.recipe.model)
    for item, reason in list(review.not_judged.items())[:1]:
        n = len(review.not_judged)
        console(stderr=True).print(f"critic {part.name}: {n} of {len(pairs)} answers not judged; {item}: {reason}")
    return review.feedback
