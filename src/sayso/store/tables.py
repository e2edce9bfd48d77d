"""Comments as a table, CSV or Parquet, and back without loss.

Decided here:
- A column for each field of a comment, and `id`. Texts stand as they are; what is no text is JSON in its cell, and so
  is a text that begins with a quotation mark. What is at its default is an empty cell.
- A spreadsheet takes a cell that begins with = + - or @ for a formula: in CSV such a text is preceded by an
  apostrophe, and so is one that begins with an apostrophe itself. Reading takes it away again.
- `id` is not read: it follows from the content. A table whose columns are others is none of ours (None).
- Half characters are in no table; a comment with one is an error that says so. JSONL holds them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sayso.errors import FeedbackError
from sayso.records import Feedback, from_json, to_json
from sayso.store.files import write_parts, write_text
from sayso.store.imports import Comments

COLUMNS = ("id", *(one.name for one in fields(Feedback)))
_TEXTS = {"comment", "revision", "polarity", "language", "split", "licence", "supersedes", "item"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def write_csv(path: Path, comments: Iterable[Feedback]) -> None:
    """Replace a file's content whole. FeedbackError for half a character; MachineFault where it cannot be written."""
    page = io.StringIO(newline="")
    table = csv.writer(page, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerow(COLUMNS)
    table.writerows([_guarded(cell) for cell in _cells(one)] for one in comments)
    write_text(path, "\ufeff" + page.getvalue())  # the mark by which spreadsheets know UTF-8


def write_parquet(path: Path, comments: Iterable[Feedback]) -> None:
    """As `write_csv`: every column is a text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_cells(one) for one in comments]
    columns = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(COLUMNS)}
    page = io.BytesIO()
    pq.write_table(pa.table(columns), page)
    write_parts(path, [page.getvalue()])


def read_csv(path: Path) -> Comments | None:
    """The comments that `write_csv` wrote, with the rows that are none any more; None where the table is another."""
    before = csv.field_size_limit(2**31 - 1)  # it holds for the whole process: others have it back as it was
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            table = csv.reader(file)
            if tuple(next(table, ())) != COLUMNS:
                return None
            return _read((number, [_bare(cell) for cell in row]) for number, row in enumerate(table, 2))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None  # whoever reads tables of other kinds says what is wrong with it
    finally:
        csv.field_size_limit(before)


def read_parquet(path: Path) -> Comments | None:
    """The comments that `write_parquet` wrote; None where the table is another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if tuple(pq.read_schema(path).names) != COLUMNS:
            return None
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return None
    return _read((number, [row[name] or "" for name in COLUMNS]) for number, row in enumerate(rows, 1))


# ---------------------------------------------------------------- inside


def _cells(one: Feedback) -> list[str]:
    body = {"id": one.id, **to_json(one)}
    cells = [_cell(name, body) for name in COLUMNS]
    try:
        "".join(cells).encode("utf-8")
    except UnicodeEncodeError:
        fix = "export to a .jsonl file, which can hold it"
        raise FeedbackError("half a character (a lone surrogate) in a comment", where=one.id, fix=fix) from None
    return cells


def _cell(name: str, body: Mapping[str, Any]) -> str:
    if name not in body:
        return ""
    value = body[name]
    if name == "id" or (name in _TEXTS and value and not value.startswith('"')):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _read(rows: Iterable[tuple[int, Sequence[str]]]) -> Comments:
    found: list[Feedback] = []
    refused: list[tuple[int, str]] = []
    for number, row in rows:
        try:
            found.append(_comment(row))
        except (ValueError, RecursionError) as error:
            refused.append((number, str(error)[:300]))
    return Comments(found, refused)


def _comment(row: Sequence[str]) -> Feedback:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} cells where the table has {len(COLUMNS)}")
    cells = {name: cell for name, cell in zip(COLUMNS, row, strict=True) if name != "id" and cell}
    plain = {name: cell if name in _TEXTS and cell[0] != '"' else json.loads(cell) for name, cell in cells.items()}
    return from_json(Feedback, {"prompt": [], "comment": "", "attempt": {"text": ""}} | plain)


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    return cell.removeprefix("'")
