"""Comments in a file of whatever kind: JSONL, a table, an export of another tool.

Decided here:
- Without a name the suffix decides: tables (.csv, .tsv, .parquet, .xlsx) are read by their columns, anything else as
  JSONL. Exports of other tools all end in .json, so their source is named.
- A table that the store wrote comes back as it was. Of others the columns are named, or known by their names; which
  was taken for what is said. On a terminal a column that is missing is asked for.
- No row is dropped unsaid: each has its number and the reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import typer

from sayso.dataset.remarks import from_table, roles_of
from sayso.errors import DataError, UserError, nearest
from sayso.protocols import RawRow
from sayso.rooms import find
from sayso.store.imports import Comments, comments_in, read_comments
from sayso.store.tables import read_csv, read_parquet

TABLES = {".csv": "csv", ".tsv": "csv", ".tab": "csv", ".parquet": "parquet", ".pq": "parquet", ".xlsx": "xlsx"}
TOOLS = ("argilla", "label_studio", "langfuse", "open_webui")
_SAID = {"true": True, "false": False}
SAMPLE = 100  # rows whose columns are looked at


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: the source's name ("" by suffix), columns by role, the source's options."""

    source: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


BY_SUFFIX = Reading()


def reading_of(source: str, columns: Sequence[str], options: Sequence[str]) -> Reading:
    """From what was typed: `role=column` and `name=value`. UserError for what is neither."""
    known = [*dict.fromkeys(TABLES.values()), "jsonl", "chat", *TOOLS]
    if source and source not in known:
        what = f"comments cannot be read from '{source}'"
        raise UserError(what, expected=", ".join(known), fix=nearest(source, known))
    return Reading(source, _pairs(columns, "--column"), _pairs(options, "--option"))


def comments_at(path: Path, how: Reading = BY_SUFFIX) -> Comments:
    """The comments in a file. FeedbackError or DataError where the file itself cannot be read."""
    source = how.source or TABLES.get(path.suffix.lower(), "jsonl")
    own = _own(path, source) if how == BY_SUFFIX else None
    if own is not None:
        return own
    if source == "jsonl" and not how.columns and not how.options:
        return read_comments(path)
    if source in TOOLS:
        return comments_in(find("sources", source).read(path, {**how.columns, **how.options}))
    rows = find("sources", source).read(path, _typed(source, how.options))
    return comments_in(rows if source == "chat" else _mapped(path, rows, how.columns))


# ---------------------------------------------------------------- inside


def _own(path: Path, source: str) -> Comments | None:
    """A table that this store wrote; None for any other."""
    if source == "csv" and path.suffix.lower() == ".csv":
        return read_csv(path)
    return read_parquet(path) if source == "parquet" else None


def _typed(source: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Options as their source wants them. A table of comments has a header, unless it is said to have none."""
    typed = {name: _SAID.get(value, value) for name, value in options.items()}
    return {"header": True} | typed if source == "csv" else typed


def _pairs(words: Sequence[str], flag: str) -> dict[str, str]:
    split = [word.partition("=") for word in words]
    for name, _, value in split:
        if not name or not value:
            raise UserError(f"{flag} {name or '='}: expected NAME=VALUE", fix=f"for example {flag} comment=意见")
    return {name.strip(): value for name, _, value in split}


def _mapped(path: Path, rows: Iterator[RawRow], asked: Mapping[str, str]) -> Iterator[RawRow]:
    """The rows of a table as plain comments."""
    head = list(islice(rows, SAMPLE))
    present = list(dict.fromkeys(name for row in head for name in row.fields))
    roles = _complete(path, present, roles_of(present, asked)) if present else {}
    if present:
        _say(path, present, roles, asked)
    for row in chain(head, rows):
        yield row if row.problem else _plain(row, roles)


def _plain(row: RawRow, roles: Mapping[str, str]) -> RawRow:
    try:
        found = from_table(row.fields, roles)
    except ValueError as error:
        return RawRow(row.line, {}, str(error))
    return RawRow(row.line, found) if found else RawRow(row.line, {}, "an empty row")


def _complete(path: Path, present: Sequence[str], roles: dict[str, str]) -> dict[str, str]:
    """The columns, those that are needed among them; asked for where somebody sits there, else DataError."""
    for role, others in (("prompt", ()), ("comment", ("revision", "polarity"))):
        if any(each in roles for each in (role, *others)):
            continue
        left = [name for name in present if name not in roles.values()]
        if not (left and sys.stdin.isatty()):
            fix = f"name it: --column {role}={left[0] if left else 'NAME'}"
            raise DataError(f"no column for the {role}", where=str(path), expected=", ".join(present)[:300], fix=fix)
        roles = roles | {role: _asked_for(path, role, left)}
    return roles


def _asked_for(path: Path, role: str, left: Sequence[str]) -> str:
    """The mapping dialogue: one question, answered by a number or a name."""
    listed = "\n".join(f"  {number}  {name}" for number, name in enumerate(left, 1))
    typer.echo(f"{path}: which column is the {role}?\n{listed}", err=True)
    while True:
        said = str(typer.prompt(role, err=True)).strip()
        if said in left:
            return said
        if said.isdecimal() and 0 < int(said) <= len(left):
            return left[int(said) - 1]
        typer.echo(nearest(said, list(left)), err=True)


def _say(path: Path, present: Sequence[str], roles: Mapping[str, Any], asked: Mapping[str, str]) -> None:
    from sayso.cli.console import console

    taken = ", ".join(f"{role} = '{name}'{'' if role in asked else ' (by its name)'}" for role, name in roles.items())
    unread = [name for name in present if name not in roles.values()]
    console(stderr=True).print(f"{path}: {taken}" + (f"; not read: {', '.join(unread)}" if unread else ""))
