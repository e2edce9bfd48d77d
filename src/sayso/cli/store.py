"""`sayso store`: what people said, put in safety, brought back, or written out for other programs.

Decided here:
- A store is named by its run, its recipe, its file or its URL. It may be in use meanwhile.
- The file's suffix says the form: a backup is a .db (SQLite's own) or lines, an export .jsonl, .csv or .parquet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sayso.errors import UserError, nearest

ACTIONS = ("backup", "restore", "export")
FORMS = (".jsonl", ".csv", ".parquet")


def store(
    action: Annotated[str, typer.Argument(help="backup, restore or export")],
    where: Annotated[str, typer.Argument(help="the store: a run folder, a recipe, a database file or its URL")],
    file: Annotated[Path, typer.Argument(help="the file that is written; of restore, the backup that is read")],
    all_: Annotated[bool, typer.Option("--all", help="export also what was superseded or taken back")] = False,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Back up a store of comments while it is used, restore it, or export its comments."""
    from sayso.cli.console import console, print_json
    from sayso.store.backup import backup, restore
    from sayso.store.database import shown

    if action not in ACTIONS:
        raise UserError(f"a store cannot be asked to '{action}'", fix=nearest(action, ACTIONS))
    place = place_of(where)
    if action == "export":
        count, words = _exported(place, file, everything=all_), f"comments of {shown(place)} are in {file}"
    elif action == "backup":
        count, words = backup(place, file), f"rows of {shown(place)} are in {file}"
    else:
        count, words = restore(file, place), f"rows of {file} are in {shown(place)}"
    if json:
        print_json({"action": action, "store": shown(place), "file": str(file), "count": count})
    else:
        console().print(f"{count:,} {words}")


def place_of(where: str) -> str:
    """The database of a run folder or recipe; else what was named."""
    from sayso.cli.project import Project
    from sayso.recipe import load
    from sayso.store.runs import Run

    path = Path(where)
    if path.suffix in (".yaml", ".yml"):
        recipe = load(path)
        return recipe.feedback.store or str(Project.home(recipe) / "feedback.db")
    if (path / "recipe.yaml").is_file():
        run = Run.open(path)
        return run.recipe().feedback.store or str(run.folder / "feedback.db")
    if path.is_dir():
        raise UserError("this folder is no run", where=where, fix="name the database file in it")
    return where


def _exported(place: str, file: Path, *, everything: bool) -> int:
    from sayso.records import to_json
    from sayso.store.backup import present
    from sayso.store.feedback import FeedbackStore
    from sayso.store.files import write_lines
    from sayso.store.tables import write_csv, write_parquet

    if file.suffix not in FORMS:
        raise UserError(f"comments are not exported as '{file.suffix}'", fix=nearest(file.suffix, FORMS))
    present(place)
    with FeedbackStore(place) as kept:
        comments = kept.all(current=not everything)
    if file.suffix == ".jsonl":
        write_lines(file, map(to_json, comments))
    else:
        (write_csv if file.suffix == ".csv" else write_parquet)(file, comments)
    return len(comments)
