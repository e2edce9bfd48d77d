from __future__ import annotations

from pathlib import Path

import pytest

from sayso.dataset.lines import read_lines
from sayso.errors import DataError


def written(folder: Path, content: bytes) -> Path:
    file = folder / "a.txt"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", []),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        ("\ufeff你好\n世界\n".encode(), ["你好", "世界"]),
        (b"a\x00b\n", ["a\x00b"]),
        ("a\u2028b\x0bc\n".encode(), ["a\u2028b\x0bc"]),
        ("你好\r\n世界".encode("utf-16"), ["你好", "世界"]),
    ],
)
def test_lines_as_an_editor_shows_them(content: bytes, texts: list[str], tmp_path: Path) -> None:
    lines = list(read_lines(written(tmp_path, content)))
    assert [line.text for line in lines] == texts
    assert [line.number for line in lines] == list(range(1, len(texts) + 1))


def test_an_undecodable_line_costs_only_itself(tmp_path: Path) -> None:
    good, bad, also_good = read_lines(written(tmp_path, b"one\n\xff\xfe\x80\nthree\n"))
    assert (good.text, bad.text, also_good.text) == ("one", "", "three")
    assert bad.problem == "not utf-8 text"
    assert also_good.number == 3


def test_chinese_from_a_spreadsheet_is_recognised_but_not_decoded_in_silence(tmp_path: Path) -> None:
    file = written(tmp_path, "酒店很好\n".encode("gbk"))
    (line,) = read_lines(file)
    assert "options.encoding to gb18030" in line.problem
    (line,) = read_lines(file, "gb18030")
    assert line.text == "酒店很好"


def test_wrong_encodings_and_paths_are_plain_errors(tmp_path: Path) -> None:
    file = written(tmp_path, b"x")
    with pytest.raises(DataError, match="did you mean 'gb18030'"):
        list(read_lines(file, "gb18031"))
    with pytest.raises(DataError, match="no encoding is called 'rot13'"):
        list(read_lines(file, "rot13"))
    with pytest.raises(DataError, match=r"did you mean 'a\.txt'"):
        list(read_lines(tmp_path / "b.txt"))
    with pytest.raises(DataError, match="directory"):
        list(read_lines(tmp_path))
