from __future__ import annotations

import csv as reference
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso.errors import DataError
from sayso.protocols import RawRow
from sayso.sources import csv


def rows_of(folder: Path, text: str, **options: Any) -> list[RawRow]:
    file = folder / "a.csv"
    file.write_bytes(text.encode())
    return list(csv.read(file, options))


def fields_of(folder: Path, text: str, **options: Any) -> list[list[str]]:
    return [list(row.fields.values()) for row in rows_of(folder, text, **options)]


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_delimiter_and_header_are_guessed(delimiter: str, tmp_path: Path) -> None:
    lines = [["text", "label"], ["很好。", "1"], ["不好。", "0"]]
    rows = rows_of(tmp_path, "\n".join(delimiter.join(line) for line in lines))
    assert [dict(row.fields) for row in rows] == [{"text": "很好。", "label": "1"}, {"text": "不好。", "label": "0"}]
    assert [row.line for row in rows] == [2, 3]


def test_without_a_header_columns_are_numbers(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "很好\t1\n不好\t0\n")
    assert [dict(row.fields) for row in rows] == [{"0": "很好", "1": "1"}, {"0": "不好", "1": "0"}]


def test_words_above_numbers_are_a_header_in_any_language(tmp_path: Path) -> None:
    assert list(rows_of(tmp_path, "Meinung,Note\ngut,1\nschlecht,0\n")[0].fields) == ["Meinung", "Note"]
    assert list(rows_of(tmp_path, "评论,标签\n好,正\n坏,负\n")[0].fields) == ["评论", "标签"]
    assert len(rows_of(tmp_path, "gut,1\nschlecht,0\n")) == 2
    assert len(rows_of(tmp_path, "text,label\n好,1\n", header=False)) == 2


def test_a_quoted_field_holds_anything(tmp_path: Path) -> None:
    text = 'text,label\n"first line\nsecond, ""quoted"" 你好",1\nplain,0\n'
    first, second = rows_of(tmp_path, text)
    assert first.fields["text"] == 'first line\nsecond, "quoted" 你好'
    assert (first.line, second.line) == (2, 4)


def test_lone_quotes_between_tabs_are_letters(tmp_path: Path) -> None:
    text = '"他说得对\t1\n5" 屏幕\t0\n"两句" 话\t1\n'
    assert fields_of(tmp_path, text) == [['"他说得对', "1"], ['5" 屏幕', "0"], ['"两句" 话', "1"]]


def test_tab_files_that_are_quoted_throughout_are_unquoted(tmp_path: Path) -> None:
    assert fields_of(tmp_path, '"a ""b"""\t1\n"c"\t0\n') == [['a "b"', "1"], ["c", "0"]]
    assert fields_of(tmp_path, '"c"\t0\n"d"\t0\n', quoting="none") == [['"c"', "0"], ['"d"', "0"]]


def test_an_unbalanced_quote_costs_one_row(tmp_path: Path) -> None:
    lines = ["a,1", '"b,0', "c,1", '"d" e,1', "f,0"] + ["g,1"] * 50
    rows = rows_of(tmp_path, "\n".join(lines))
    assert len(rows) == len(lines)
    assert [row.line for row in rows if row.problem] == [2, 4]
    assert "quoting" in rows[1].problem


def test_a_row_of_another_width_is_listed(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a,1\nb,c,0\nd\ne,1\n")
    assert [row.problem for row in rows] == [
        "",
        "3 fields where the table has 2",
        "1 fields where the table has 2",
        "",
    ]


def test_a_field_may_be_longer_than_the_standard_library_allows(tmp_path: Path) -> None:
    long = "好" * (2**17 + 1)  # its limit, as it is before anybody raises it
    assert fields_of(tmp_path, f'"{long}",1\n{long},0\n') == [[long, "1"], [long, "0"]]


def test_wrong_options_name_the_right_ones(tmp_path: Path) -> None:
    for options, words in [
        ({"delimeter": ","}, "did you mean 'delimiter'"),
        ({"quoting": "non"}, "did you mean 'none'"),
        ({"delimiter": "ab"}, "one character"),
        ({"header": "maybe"}, "true, false or auto"),
    ]:
        with pytest.raises(DataError, match=words):
            rows_of(tmp_path, "a,b\n", **options)


def test_an_unreadable_header_stops(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xff,label\na,1\n")
    with pytest.raises(DataError, match="line 1: the header cannot be read"):
        list(csv.read(tmp_path / "a.csv", {"header": True}))


CELLS = st.text(alphabet=st.sampled_from(list('ab好坏",;|\t\n ')), min_size=1, max_size=6)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES, delimiter=st.sampled_from("\t,;|"))
def test_what_the_standard_library_writes_is_read_back(
    table: list[tuple[str, str]], delimiter: str, tmp_path: Path
) -> None:
    buffer = io.StringIO()
    reference.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=reference.QUOTE_ALL).writerows(table)
    found = fields_of(tmp_path, buffer.getvalue(), delimiter=delimiter, header=False, quoting="standard")
    assert found == [list(row) for row in table]
