"""Whatever the bytes: rows or listed problems, in order of lines, and no error but ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso import rooms
from sayso.dataset.examples import load
from sayso.errors import UserError
from sayso.recipe import DataPart, FilePart, TaskPart

PIECES = ["\t", ",", '"', "\n", "\r\n", "\r", "|", ";", "{", "}", "[", "]", ":", "text", "label", "好", "坏", "\ufeff"]
PIECES += [
    "\x00",
    "1",
    "0",
    " ",
    "\u200b",
    '{"text": "好", "label": 1}',
    "User: 你好",
    "Bot: hi",
    "\\ud800",
    "null",
    "'",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map(lambda parts: "".join(parts).encode())
BYTES = st.one_of(
    st.binary(max_size=200), TEXTS, st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))
)
SOURCES = [name for name in rooms.names("sources") if name != "hub"]
FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("source", SOURCES)
@FUZZ
@given(content=BYTES)
def test_any_bytes_are_rows_problems_or_a_plain_error(source: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any"
    file.write_bytes(content)
    try:
        rows = list(rooms.find("sources", source).read(file, {}))
    except UserError:
        return
    assert [row.line for row in rows] == sorted({row.line for row in rows})
    assert all(bool(row.problem) != bool(row.fields) for row in rows)


@FUZZ
@given(content=BYTES, encoding=st.sampled_from(["gb18030", "utf-16", "utf-32", "big5", "latin-1", "ascii"]))
def test_any_bytes_in_any_encoding(content: bytes, encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    for name in ("csv", "jsonl", "text", "chat", "parallel"):
        list(rooms.find("sources", name).read(file, {"encoding": encoding}))


@pytest.mark.parametrize("task", ["classify", "translate", "generate", "text"])
@pytest.mark.parametrize("source", SOURCES)
@settings(FUZZ, max_examples=25)
@given(content=BYTES, several=st.booleans())
def test_kept_and_dropped_are_all_rows(source: str, task: str, content: bytes, several: bool, tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(content)
    part = FilePart(path="any", format=source)
    try:
        loaded = load(part, "train", TaskPart(name=task, several=several), DataPart(train=part), tmp_path)
    except UserError:
        return
    assert len(loaded.examples) + len(loaded.dropped) == loaded.rows
    assert all(row.reason for row in loaded.dropped)
    assert len({example.id for example in loaded.examples}) == len(loaded.examples)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("\ud800")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=5,
)
TURNS = st.lists(st.fixed_dictionaries({"role": JSON | st.just("user"), "content": JSON}) | JSON, max_size=3)


@pytest.mark.parametrize("task", ["classify", "translate", "generate", "text"])
@FUZZ
@given(rows=st.lists(st.fixed_dictionaries({}, optional={
    "text": JSON, "label": JSON, "source": JSON, "target": JSON, "prompt": JSON, "messages": TURNS | JSON, "id": JSON,
    "system": JSON, "input": JSON,
}), max_size=5))  # fmt: skip
def test_any_values_in_the_columns(task: str, rows: list[object], tmp_path: Path) -> None:
    import json

    (tmp_path / "any.jsonl").write_text("\n".join(map(json.dumps, rows)))
    part = FilePart(path="any.jsonl")
    try:
        loaded = load(part, "train", TaskPart(name=task), DataPart(train=part), tmp_path)
    except UserError:
        return
    assert len(loaded.examples) + len(loaded.dropped) == loaded.rows
    for example in loaded.examples:
        "".join([*(m.text for m in example.prompt), example.target or "", example.id]).encode("utf-8")
