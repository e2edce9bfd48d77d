"""Spreadsheets (.xlsx): the rows of a sheet, every cell as the text that it holds.

Decided here:
- The first row that is not empty names the columns. A whole number is written without a decimal point; a date is the
  number that the file has. Formulas count with the value that was saved.
- A workbook is a zip of XML from anywhere: no part of it may grow beyond MOST_BYTES while it is unpacked, and one that
  declares a document type, by which such bombs are built, is refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sayso.dataset.lines import check_options, unreadable
from sayso.errors import DataError, nearest
from sayso.protocols import RawRow

SUFFIXES = (".xlsx",)
OPTIONS = ("sheet",)
MOST_BYTES = 100 * 2**20
MOST_COLUMNS = 16_384  # the format's own limit
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Rows of a sheet, by the sheet's own numbers. Option: sheet (a name, or a number from 1; the first one)."""
    check_options(options, OPTIONS, "xlsx")
    try:
        with zipfile.ZipFile(path) as book:
            rows = list(_rows(book, str(options.get("sheet", ""))))
    except OSError as error:
        raise unreadable(Path(path), error) from error
    except (
        zipfile.BadZipFile,
        ElementTree.ParseError,
        zlib.error,
        EOFError,
        LookupError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        said = str(error).strip("'\"")[:160] or type(error).__name__
        raise DataError(f"not a readable workbook: {said}", where=str(path), expected="an .xlsx file") from None
    names: list[str] = []
    for number, cells in rows:
        if not names:
            names = _unique([cells.get(i, "").strip() or str(i) for i in range(max(cells, default=-1) + 1)])
        elif any(place >= len(names) for place in cells):
            yield RawRow(number, {}, f"a cell beyond the table's {len(names)} columns")
        else:
            yield RawRow(number, {name: cells.get(i, "") for i, name in enumerate(names)})


# ---------------------------------------------------------------- inside


def _rows(book: zipfile.ZipFile, sheet: str) -> Iterator[tuple[int, dict[int, str]]]:
    """(row number, text by column) of every row that is not empty."""
    shared = _shared(book)
    root = _xml(book, _sheet(book, sheet))
    for place, row in enumerate(root.iter(f"{_MAIN}row"), 1):
        cells = {}
        for i, cell in enumerate(row.findall(f"{_MAIN}c")):
            text = _cell(cell, shared)
            if text:
                cells[_column(cell.get("r", ""), i)] = text
        if cells:
            yield int(row.get("r", place)), cells


def _sheet(book: zipfile.ZipFile, asked: str) -> str:
    """The file of the sheet that is asked for."""
    links = {one.get("Id"): one.get("Target", "") for one in _xml(book, "xl/_rels/workbook.xml.rels")}
    key = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    sheets = [
        (one.get("name", ""), links[one.get(key)]) for one in _xml(book, "xl/workbook.xml").iter(f"{_MAIN}sheet")
    ]
    names = [name for name, _ in sheets]
    if asked and asked not in names and not (asked.isdecimal() and 0 < int(asked) <= len(sheets)):
        raise DataError(f"there is no sheet '{asked}'", expected=", ".join(names), fix=nearest(asked, names))
    place = names.index(asked) if asked in names else int(asked or 1) - 1
    target = sheets[place][1]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _shared(book: zipfile.ZipFile) -> list[str]:
    name = "xl/sharedStrings.xml"
    return [_text(one) for one in _xml(book, name).iter(f"{_MAIN}si")] if name in book.namelist() else []


def _cell(cell: ElementTree.Element, shared: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v") or ""
    if kind == "inlineStr":
        return _text(cell)
    if kind == "s":
        return shared[int(value)] if value else ""
    if kind == "b":
        return {"1": "true", "0": "false"}.get(value, value)
    if kind == "n" and value:
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else value
    return _plain(value)


def _text(element: ElementTree.Element) -> str:
    """A string with its runs; how it is to be pronounced is left out."""
    runs = [one for run in element if run.tag != f"{_MAIN}rPh" for one in run.iter(f"{_MAIN}t")]
    return _plain("".join(one.text or "" for one in runs))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _column(name: str, place: int) -> int:
    """0 for "A7", 27 for "AB7"; the place in the row where the cell is not named."""
    letters = name.rstrip("0123456789")
    if not letters.isascii() or not letters.isalpha():
        return place
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    if number > MOST_COLUMNS:
        raise ValueError(f"a cell {name[:20]} beyond the last column")
    return number - 1


def _xml(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with book.open(name) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{name} unpacks to more than {MOST_BYTES >> 20} MiB")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError(f"{name} declares a document type")
    return ElementTree.fromstring(data)


def _unique(names: list[str]) -> list[str]:
    return [name if name not in names[:i] else f"{name}.{i}" for i, name in enumerate(names)]
