"""`sayso forget --author`: erase all that somebody said, learn without it, and prove that it is gone.

Decided here:
- The rows are deleted from the store, with what became of them; their ids stay, so that a file which still holds them
  does not bring them back. Nothing of the words stays.
- The learnt weights are thrown away with every checkpoint of their learning, then learnt anew without these comments:
  no weights are left that saw them.
- The proof is a search: for the comments' words in the bytes of every file of the run and of the store, and for their
  ids in the lessons of every generation of weights. What still holds them is named. It is the last thing done.
- Versions that were learnt live from them keep their weights, since one may be served right now: they are named.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import FeedbackError, nearest
from sayso.records import Feedback

if TYPE_CHECKING:
    from sayso.cli.project import Project

SHORTEST = 6  # characters of words that are looked for; shorter ones stand anywhere
WEIGHTS = (".safetensors", ".bin", ".pt")


def erase(project: Project, author: str) -> dict[str, Any]:
    """Erase, learn without, search. FeedbackError where the author said nothing here."""
    from sayso.cli.comment import store_of
    from sayso.cli.report import report_stage
    from sayso.cli.run import at_work

    with at_work(project):
        with store_of(project) as store:
            theirs = store.all(current=False, author=author)
            others = {one.author.id for one in store.all(current=False)}
            if not theirs:
                what = f"nobody called '{author:.40}' commented here"
                raise FeedbackError(what, where=store.where, fix=nearest(author, others))
            erased = store.erase(one.id for one in theirs)
        relearnt = _without(project, {one.id for one in theirs})
        report_stage(project)
        left = list(_left(project, theirs))
    return {
        "run": str(project.run.folder),
        "author": author,
        "erased": erased,
        "ids": [one.id for one in theirs],
        "learnt": relearnt,
        "left": left,
        "gone": not left,
    }


def print_erased(result: Mapping[str, Any], *, as_json: bool) -> None:
    """What was erased, and the proof."""
    from sayso.cli.console import console, print_json

    if as_json:
        print_json(result)
        return
    out = console()
    many = "1 comment" if result["erased"] == 1 else f"{result['erased']:,} comments"
    out.print(f"Erased: {many} by {result['author']}. {result['learnt']}")
    if result["gone"]:
        out.print(
            "Searched for their words and ids in the store, the lessons and every file of the run: they are gone."
        )
        return
    out.print("Still held, outside of what is erased here:")
    for one in result["left"]:
        out.print(f"  {one['file']}: {one['why']}")


# ---------------------------------------------------------------- inside


def _without(project: Project, ids: set[str]) -> str:
    """The run without these comments: its files, and its learnt model anew where they had a part in it."""
    from sayso.cli.learn import learn_stage, unlearn
    from sayso.cli.prove import prove_stage

    run = project.run
    rest = [one for one in run.feedback() if one.id not in ids]
    taught = run.weights("learn").is_dir() and bool(
        ids & {id_ for one in run.lessons("learn") for id_ in one.from_ids}
    )
    run.write_feedback(rest)
    told = (run.note("forgotten") or {}).get("comments", [])
    run.write_note("forgotten", {"comments": [one for one in told if one["id"] not in ids]})
    run.write_outcomes([one for one in run.outcomes() if one.feedback not in ids])
    shutil.rmtree(run.checkpoints("learn"), ignore_errors=True)
    run.write_lessons("learn", [one for one in run.lessons("learn") if not ids & {*one.from_ids}])
    if not run.weights("learn").is_dir():
        return "Nothing had been learnt from comments."
    unlearn(project)
    (run.folder / "proof.jsonl").unlink(missing_ok=True)
    (run.folder / "proof.json").unlink(missing_ok=True)
    run.forget("learn")
    if not rest:
        return "No comment is left, so nothing is learnt: the model is the one before."
    learn_stage(project)
    prove_stage(project)
    had = "They had been taught" if taught else "They were held out or never taught"
    return f"{had}; the model was learnt anew without them."


def _left(project: Project, theirs: Sequence[Feedback]) -> Iterator[dict[str, str]]:
    """Files that still hold their words, and weights whose lessons came from them."""
    words, ids = {text for one in theirs for text in _forms(one)}, {one.id for one in theirs}
    for file in _files(project):
        content = file.read_bytes()
        if any(word in content for word in words):
            yield {"file": str(file), "why": "holds their words"}
        elif file.name.startswith("lessons.") and any(f'"{one}"'.encode() in content for one in ids):
            yield {"file": str(file), "why": "these weights were taught their comments"}


def _forms(one: Feedback) -> Iterator[bytes]:
    """What they wrote, as it stands in files of text and of JSON."""
    for text in (one.comment, one.revision or "", one.scope.when):
        if len(text.strip()) >= SHORTEST:
            yield text.encode()
            yield json.dumps(text)[1:-1].encode()


def _files(project: Project) -> Iterable[Path]:
    """Every file of the run but weights, the store where it is a file, and the recipe's files of comments."""
    part = project.recipe.feedback
    found = {path for path in project.run.folder.rglob("*") if path.is_file() and path.suffix not in WEIGHTS}
    store = Path(part.store) if part.store and "://" not in part.store else None
    if store is not None:
        found |= set(store.parent.glob(store.name + "*"))
    found |= {Path(name) for name in part.files if Path(name).is_file()}
    return sorted(found)
