"""Answers that were kept are there again; a file of something else is not touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.errors import RunError
from sayso.store.ledger import Ledger

HEADER = {"houserules": 1, "model": "模型"}


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "answers.jsonl"
    first = Ledger(file, HEADER)
    first.add([{"key": "a", "reply": "好\u2028的"}, {"key": "b", "reply": "x\ny"}])
    first.add([])
    again = Ledger(file, HEADER)
    assert again.get("a") == {"key": "a", "reply": "好\u2028的"}
    assert again.get("b") == {"key": "b", "reply": "x\ny"}
    assert again.get("c") is None


def test_a_line_cut_short_is_dropped_and_the_file_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    Ledger(file, HEADER).add([{"key": "a", "reply": "1"}])
    with file.open("ab") as out:
        out.write(b'{"key": "b", "rep')
    again = Ledger(file, HEADER)
    assert set(again.rows) == {"a"}
    again.add([{"key": "b", "reply": "2"}])
    assert set(Ledger(file, HEADER).rows) == {"a", "b"}


def test_a_file_of_something_else_is_refused_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    Ledger(file, HEADER).add([{"key": "a"}])
    before = file.read_bytes()
    with pytest.raises(RunError, match="other answers"):
        Ledger(file, HEADER | {"model": "another"})
    assert file.read_bytes() == before
    file.write_text("no json\nat all\n")
    with pytest.raises(RunError, match="no saved answer") as caught:
        Ledger(file, HEADER)
    assert caught.value.where.endswith(":1")


def test_without_a_file_rows_are_in_memory() -> None:
    ledger = Ledger(None, HEADER)
    ledger.add([{"key": "a"}])
    assert ledger.get("a") == {"key": "a"}
