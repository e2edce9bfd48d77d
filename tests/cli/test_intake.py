"""Comments come in from tables by their columns: which was taken for what is said, and a missing one asked for."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest

from sayso.cli.intake import BY_SUFFIX, Reading, comments_at, reading_of
from sayso.errors import DataError, UserError
from sayso.records import Author, Scope, user

TABLE = """问题,回答,意见,改写,评审,何时,评价,日期
退货要多久？,三天。,说七天。,七天。,小王,问退货,不好,5 月
在吗,在,,,小李,,好,
,,,,,,,
"""


def test_a_table_with_well_known_columns_needs_no_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "意见.csv"
    path.write_text(TABLE, encoding="utf-8-sig")
    comments, refused = comments_at(path)[:2]
    first, praise = comments
    assert (first.prompt, first.attempt.text, first.comment) == (user("退货要多久？"), "三天。", "说七天。")
    assert (first.revision, first.author, first.polarity) == ("七天。", Author(id="小王"), "negative")
    assert first.scope == Scope("rule", "问退货")
    assert (praise.comment, praise.polarity) == ("", "positive")
    assert refused == [(4, "an empty row")]
    said = capsys.readouterr().err.replace("\n", " ")
    assert "comment = '意见' (by its name)" in said
    assert "not read: 日期" in said


def test_columns_are_named_and_a_wrong_name_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("q\ta\tcritique by hand\nHi\tYo\tPolitely!\nHi\tYo\n", encoding="utf-8")
    how = reading_of("", ["prompt=q", "attempt=a", "comment=critique by hand"], [])
    comments, refused = comments_at(path, how)[:2]
    assert comments[0].comment == "Politely!"
    assert refused == [(3, "2 fields where the table has 3")]
    assert "(by its name)" not in capsys.readouterr().err
    bare = reading_of("", ["prompt=0", "attempt=1", "comment=2"], ["header=false"])
    assert len(comments_at(path, bare).feedback) == 2
    with pytest.raises(DataError, match="there is no column 'quest' for prompt"):
        comments_at(path, Reading("", {"prompt": "quest"}))
    with pytest.raises(DataError, match="a comment has no 'coment'"):
        comments_at(path, Reading("", {"coment": "a"}))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_missing_column_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt,A,B\nHi,Yo,Politely!\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column for the comment") as caught:
        comments_at(path)
    assert "--column comment=A" in caught.value.fix
    monkeypatch.setattr(sys, "stdin", Terminal("7\nC\n2\n"))
    assert comments_at(path).feedback[0].comment == "Politely!"
    assert "which column is the comment?" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Terminal("A\n"))
    assert comments_at(path).feedback[0].comment == "Yo"


def test_another_suffix_is_jsonl_and_a_tool_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "Hi", "comment": "Politely!"}\n{"q": 1}\n', encoding="utf-8")
    comments, refused = comments_at(path, BY_SUFFIX)[:2]
    assert (len(comments), refused[0][0]) == (1, 2)
    (tmp_path / "talk.chat").write_text("User: Hi\nBot: Yo\nUser: Politely!\n", encoding="utf-8")
    assert comments_at(tmp_path / "talk.chat", Reading("chat")).feedback[0].comment == "Politely!"
    with pytest.raises(UserError, match="cannot be read from 'argila'") as caught:
        reading_of("argila", [], [])
    assert "argilla" in caught.value.fix
    with pytest.raises(UserError, match="expected NAME=VALUE"):
        reading_of("", ["comment"], [])
