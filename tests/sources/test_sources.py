"""The other ways in, one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso import rooms
from sayso.errors import DataError
from sayso.protocols import RawRow


def read(source: str, file: Path, **options: Any) -> list[RawRow]:
    return list(rooms.find("sources", source).read(file, options))


def written(folder: Path, content: str, name: str = "a") -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", rooms.names("sources"))
def test_every_source_keeps_the_promises_of_the_room(name: str, tmp_path: Path) -> None:
    module = rooms.find("sources", name)
    assert isinstance(module.SUFFIXES, tuple)
    assert rooms.summary("sources", name)
    with pytest.raises(DataError, match="has no option 'nonsense'"):
        list(module.read(tmp_path / "a", {"nonsense": 1}))
    with pytest.raises(DataError):
        list(module.read(tmp_path / "absent.jsonl", {}))


def test_no_two_sources_claim_a_suffix() -> None:
    claimed = [suffix for name in rooms.names("sources") for suffix in rooms.find("sources", name).SUFFIXES]
    assert len(claimed) == len(set(claimed))


def test_jsonl_lists_what_is_no_object(tmp_path: Path) -> None:
    lines = ['{"text": "好"}', "", "[1]", "nonsense", "7", "null", "{}", "[" * 100_000, "9" * 5000, '{"text": "坏"}']
    rows = read("jsonl", written(tmp_path, "\n".join(lines)))
    assert [row.line for row in rows] == list(range(1, 11))
    assert [dict(row.fields) for row in rows if not row.problem] == [{"text": "好"}, {"text": "坏"}]
    problems = [row.problem for row in rows if row.problem]
    assert problems[:3] == ["empty line", "a list where an object {...} was expected", "not JSON: expecting value"]
    assert problems[6] == "not JSON: nested too deeply"


def test_a_json_array_keeps_its_lines(tmp_path: Path) -> None:
    text = json.dumps([{"text": "好", "label": 1}, {"text": "坏\n", "label": 0}, 3], indent=1, ensure_ascii=False)
    rows = read("jsonl", written(tmp_path, text, "a.json"))
    assert [row.line for row in rows] == [2, 6, 10]
    assert rows[1].fields["text"] == "坏\n"
    assert rows[2].problem.startswith("a number")
    cut = read("jsonl", written(tmp_path, text[:40], "a.json"))
    assert [bool(row.problem) for row in cut] == [False, True]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.none(), min_size=1), max_size=5))
def test_jsonl_gives_back_what_was_written(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "a.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
    found = read("jsonl", tmp_path / "a.jsonl")
    assert [dict(row.fields) for row in found] == rows


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"text": ["好", None, "bad"], "label": [1, 0, 1]})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = read("parquet", tmp_path / "a.parquet")
    assert [(row.line, dict(row.fields)) for row in rows][:2] == [
        (1, {"text": "好", "label": 1}),
        (2, {"text": None, "label": 0}),
    ]
    broken = tmp_path / "b.parquet"
    broken.write_bytes((tmp_path / "a.parquet").read_bytes()[:-9])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read("parquet", broken)


def test_parquet_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = pa.array([b"good", b"\xff\xfe", b"fine"]).cast(pa.binary())
    broken_text = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    pq.write_table(pa.table({"text": broken_text}), tmp_path / "a.parquet")
    assert [row.problem for row in read("parquet", tmp_path / "a.parquet")] == ["", "not utf-8 text", ""]


def test_parallel_files_never_shift(tmp_path: Path) -> None:
    written(tmp_path, "你好\n\n再见\n", "a.zh")
    (tmp_path / "b.en").write_bytes(b"Hello\nlost\n\xff\nmore\n")
    for path in (f"{tmp_path}/a.zh,b.en", f"{tmp_path}/a.zh,{tmp_path}/b.en"):
        rows = read("parallel", Path(path))
        assert dict(rows[0].fields) == {"source": "你好", "target": "Hello"}
        assert dict(rows[1].fields) == {"source": "", "target": "lost"}
        assert [row.problem for row in rows[2:]] == ["second file: not utf-8 text", "no line 4 in the first file"]
    with pytest.raises(DataError, match="3 files"):
        read("parallel", Path(f"{tmp_path}/a.zh,b.en,c.fr"))


def test_parallel_text_between_tabs(tmp_path: Path) -> None:
    rows = read("parallel", written(tmp_path, "你好\tHello\tCC-BY\n\n无\n"))
    assert dict(rows[0].fields) == {"source": "你好", "target": "Hello", "2": "CC-BY"}
    assert [row.problem for row in rows[1:]] == ["empty line", "no tab between source and target"]


def test_text_by_line_block_and_file(tmp_path: Path) -> None:
    file = written(tmp_path, "甲\n乙\n\n\nthree\n")
    assert [(row.line, row.fields["text"]) for row in read("text", file)] == [(1, "甲\n乙"), (5, "three")]
    lines = read("text", file, by="line")
    assert [row.fields.get("text", row.problem) for row in lines] == ["甲", "乙", "empty line", "empty line", "three"]
    (whole,) = read("text", file, by="file")
    assert whole.fields["text"] == "甲\n乙\n\n\nthree"
    trailing = read("text", written(tmp_path, "甲\n乙\n\n"))
    assert [row.fields.get("text", row.problem) for row in trailing] == ["甲", "乙", "empty line"]


def test_half_a_document_is_no_document(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"one\n\xff\n\ntwo\n")
    assert [row.problem for row in read("text", file)] == ["not utf-8 text in line 2", ""]


def test_a_conversation_as_people_paste_it(tmp_path: Path) -> None:
    text = "User: Hi\nBot: Hello<|endoftext|>\n\n用户：你好\n在吗？\n助手：在。\n\nnobody speaks\n"
    first, second, third = read("chat", written(tmp_path, text))
    assert first.fields["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    assert second.fields["messages"][0] == {"role": "user", "content": "你好\n在吗？"}
    assert second.line == 4
    assert third.problem.startswith("begins without a speaker")


def test_a_dataset_saved_on_disk(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["差", "好"])})
    table = datasets.Dataset.from_dict({"text": ["甲", "乙"], "label": [1, 0]}, features=features)
    datasets.DatasetDict({"train": table, "dev": table}).save_to_disk(str(tmp_path / "both"))
    rows = read("hub", tmp_path / "both", split="train")
    assert [dict(row.fields) for row in rows] == [{"text": "甲", "label": "好"}, {"text": "乙", "label": "差"}]
    with pytest.raises(DataError, match="several splits"):
        read("hub", tmp_path / "both")
    with pytest.raises(DataError, match="no split 'test'"):
        read("hub", tmp_path / "both", split="test")
    with pytest.raises(DataError, match="no dataset saved in this folder"):
        read("hub", tmp_path)


def test_the_hub_out_of_reach_is_said_plainly() -> None:
    with pytest.raises(DataError, match="cannot get the dataset 'nobody/nothing' from the hub"):
        read("hub", Path("hub:nobody/nothing:train"))
