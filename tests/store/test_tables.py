"""A table of comments comes back as it was, and no cell of it is a formula."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import FeedbackError, MachineFault
from sayso.records import Attempt, Author, Feedback, Message, Sampling, Scope, Span, user
from sayso.store.tables import read_csv, read_parquet, write_csv, write_parquet

ODD = [
    "",
    '""',
    "'",
    "'=1",
    "=1+1",
    "+1",
    "-",
    "@x",
    "a\r\nb",
    "\r",
    '"q", "r"',
    "\u2028",
    "\0",
    "[1]",
    "null",
    "你好",
    "🙂",
]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(ODD)
comments = st.builds(
    Feedback,
    prompt=st.lists(st.builds(Message, st.sampled_from(["user", "system"]), texts), max_size=2).map(tuple),
    attempt=st.builds(
        Attempt,
        texts,
        st.lists(st.integers(0, 9), max_size=2).map(tuple),
        texts,
        st.none() | st.builds(Sampling, st.integers(1, 9), st.floats(0, 2)),
    ),
    comment=texts,
    author=st.builds(Author, st.sampled_from(["person", "program"]), texts),
    scope=st.builds(Scope, st.sampled_from(["item", "rule", "everywhere"]), texts),
    spans=st.lists(st.builds(Span, st.integers(0, 3), st.integers(3, 9), texts), max_size=1).map(tuple),
    revision=st.none() | texts,
    checks=st.lists(texts, max_size=2).map(tuple),
    polarity=st.sampled_from(["negative", "neutral", "positive"]),
    confidence=st.floats(0, 1),
    reveals_answer=st.booleans(),
    language=texts,
    split=st.sampled_from([None, "train", "test"]),
    licence=texts,
    supersedes=texts,
    item=texts,
)


@given(st.lists(comments, max_size=4))
@settings(deadline=None, max_examples=60)
def test_what_goes_into_a_table_comes_out(tmp_path_factory: pytest.TempPathFactory, said: list[Feedback]) -> None:
    folder = tmp_path_factory.mktemp("tables")
    write_csv(folder / "a.csv", said)
    write_parquet(folder / "a.parquet", said)
    for found in (read_csv(folder / "a.csv"), read_parquet(folder / "a.parquet")):
        assert found is not None
        assert (found.feedback, found.refused) == (said, [])
    with (folder / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        assert not [cell for row in csv.reader(file) for cell in row if cell[:1] in tuple("=+-@\t\r")]


def test_a_row_that_was_spoilt_is_listed(tmp_path: Path) -> None:
    one = Feedback(user("Hi"), Attempt("Yo"), "Politely!")
    write_csv(tmp_path / "a.csv", [one, one])
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    spoilt = [lines[1], lines[2].replace("Hi", 'Hi""'), '"too","short"']
    (tmp_path / "a.csv").write_text("\n".join([lines[0], *spoilt]), encoding="utf-8")
    found = read_csv(tmp_path / "a.csv")
    assert found is not None
    assert found.feedback == [one]
    assert [number for number, _ in found.refused] == [3, 4]


def test_other_tables_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt,comment\na,b\n", encoding="utf-8")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    assert read_csv(tmp_path / "a.csv") is read_csv(tmp_path / "b.csv") is read_csv(tmp_path / "none.csv") is None
    assert read_parquet(tmp_path / "a.csv") is read_parquet(tmp_path / "none.parquet") is None


def test_a_long_comment_comes_back_and_the_process_keeps_its_limit(tmp_path: Path) -> None:
    csv.field_size_limit(2**17)
    long = "好" * (2**17 + 1)
    path = tmp_path / "comments.csv"
    write_csv(path, [Feedback(user("Hi"), Attempt("No."), long)])
    found = read_csv(path)
    assert found is not None
    assert [one.comment for one in found.feedback] == [long]
    assert csv.field_size_limit() == 2**17


def test_half_a_character_is_an_error_that_leaves_the_old_file(tmp_path: Path) -> None:
    for write, name in ((write_csv, "a.csv"), (write_parquet, "a.parquet")):
        write(tmp_path / name, [])
        before = (tmp_path / name).read_bytes()
        with pytest.raises(FeedbackError, match="half a character"):
            write(tmp_path / name, [Feedback(user("\ud800"), Attempt(""), "x")])
        assert (tmp_path / name).read_bytes() == before
        (tmp_path / "file").write_text(json.dumps({}), encoding="utf-8")
        with pytest.raises(MachineFault):
            write(tmp_path / "file" / name, [])
