"""Every source keeps these promises. A new file in sources/ is tested by being there."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from sayso import rooms
from sayso.errors import DataError, UserError
from sayso.protocols import RawRow

NAMES = rooms.names("sources")


@pytest.mark.parametrize("name", NAMES)
def test_suffixes_are_suffixes(name: str) -> None:
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in rooms.find("sources", name).SUFFIXES)


def test_a_suffix_belongs_to_one_source() -> None:
    claimed = Counter(suffix for name in NAMES for suffix in rooms.find("sources", name).SUFFIXES)
    assert [suffix for suffix, times in claimed.items() if times > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_a_plain_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        list(rooms.find("sources", name).read(tmp_path / "没有", {}))
    assert caught.value.exit_code == 2
    assert "没有" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused_by_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("一\n", encoding="utf-8")
    with pytest.raises(DataError, match="nonsense"):
        list(rooms.find("sources", name).read(file, {"nonsense": 1}))


@pytest.mark.parametrize("name", [name for name in NAMES if rooms.find("sources", name).SUFFIXES])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", "乱七八糟 {".encode()])
def test_whatever_the_bytes_rows_come_or_a_plain_error(name: str, content: bytes, tmp_path: Path) -> None:
    source = rooms.find("sources", name)
    file = tmp_path / f"a{source.SUFFIXES[0]}"
    file.write_bytes(content)
    with suppress(DataError):
        rows = list(source.read(file, {}))
        assert all(isinstance(row, RawRow) and row.line >= 0 for row in rows)
        assert all(bool(row.fields) != bool(row.problem) for row in rows)
