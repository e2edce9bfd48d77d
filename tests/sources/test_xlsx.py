"""Spreadsheets are read cell by cell, and what is no spreadsheet costs neither memory nor a traceback."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from sayso.errors import DataError
from sayso.sources import xlsx
from sayso.sources.xlsx import read

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHARED = ("问题", "意见", "退货要多久？", "太长 <了>")


def book(path: Path, *sheets: str, shared: str = "") -> Path:
    """A workbook as spreadsheet programs write it, of the rows of each sheet."""
    names = "".join(f'<sheet name="S{i}" sheetId="{i}" r:id="r{i}"/>' for i in range(1, len(sheets) + 1))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{DOCS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    words = "".join(f"<si><t>{escape(text)}</t></si>" for text in SHARED[:-1])
    words += f"<si><r><t>太长 </t></r><r><t>{escape('<了>')}</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si>"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{DOCS}"><sheets>{names}</sheets></workbook>'
        )
        file.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{links}</Relationships>')
        file.writestr("xl/sharedStrings.xml", shared or f'<sst xmlns="{MAIN}">{words}</sst>')
        for i, rows in enumerate(sheets, 1):
            sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
            file.writestr(f"xl/worksheets/sheet{i}.xml", sheet)
    return path


HEAD = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    '<c r="D1" t="inlineStr"><is><t>n</t></is></c></row>'
)
ROWS = (
    HEAD + '<row r="2"/>'
    '<row r="3"><c r="A3" t="s"><v>2</v></c><c r="B3" t="s"><v>3</v></c><c r="D3"><v>7</v></c></row>'
    '<row r="4"><c r="A4" t="str"><v>a_x000A_b</v></c><c r="B4" t="b"><v>1</v></c><c r="D4"><v>0.25</v></c></row>'
    '<row r="5"><c r="F5"><v>1</v></c></row>'
)


def test_cells_are_texts_under_their_columns_names(tmp_path: Path) -> None:
    rows = list(read(book(tmp_path / "a.xlsx", ROWS), {}))
    assert [(row.line, dict(row.fields)) for row in rows[:2]] == [
        (3, {"问题": "退货要多久？", "意见": "太长 <了>", "2": "", "n": "7"}),
        (4, {"问题": "a\nb", "意见": "true", "2": "", "n": "0.25"}),
    ]
    assert (rows[2].line, rows[2].problem) == (5, "a cell beyond the table's 4 columns")


def test_a_sheet_is_chosen_by_name_or_number(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", HEAD, ROWS)
    assert list(read(path, {})) == []
    assert len(list(read(path, {"sheet": "S2"}))) == len(list(read(path, {"sheet": "2"}))) == 3
    with pytest.raises(DataError, match="no sheet 'S3'"):
        list(read(path, {"sheet": "S3"}))


def test_a_bomb_is_refused_before_it_is_unpacked_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_BYTES", 1 << 20)
    path = book(tmp_path / "a.xlsx", ROWS, shared=" " * (1 << 24))
    assert path.stat().st_size < 1 << 16
    with pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        list(read(path, {}))


def test_entities_are_refused(tmp_path: Path) -> None:
    lol = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><sst>&b;</sst>'
    with pytest.raises(DataError, match="declares a document type"):
        list(read(book(tmp_path / "a.xlsx", ROWS, shared=lol), {}))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        '<row r="x"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="ZZZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>one</v></c></row>',
        "<row>",
    ],
)
def test_a_broken_sheet_is_a_plain_error(tmp_path: Path, rows: str) -> None:
    with pytest.raises(DataError, match="not a readable workbook"):
        list(read(book(tmp_path / "a.xlsx", rows), {}))


def test_a_zip_of_something_else_is_a_plain_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as file:
        file.writestr("../../etc/passwd", "x")
    with pytest.raises(DataError, match="not a readable workbook"):
        list(read(tmp_path / "a.xlsx", {}))
