from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.dataset.checks import Report, check, quantiles
from sayso.dataset.examples import load
from sayso.dataset.files import load_files, with_validation
from sayso.dataset.repair import repair
from sayso.errors import DataError, MachineFault
from sayso.recipe import DataPart, FilePart, TaskPart

TRAIN = [
    ("很好", "1"),  # line 1
    ("很好", "1"),  # 2: again
    ("一般", "1"),  # 3: another label in line 4
    ("一般", "0"),
    ("Leaks INTO test", "1"),  # 5
    ("ä½\xa0å¥½", "1"),  # 6: misread
    ("零\u200b宽", "0"),  # 7
    ("坏\x07", "0"),  # 8
    ("", "0"),  # 9: dropped
    ("lost \ufffd", "0"),  # 10
    *[(f"第{i}行很好", "1") for i in range(40)],
]
TEST = [("leaks into  test", "1"), ("新的", "0"), ("新的很好", "2")]


@pytest.fixture
def data(tmp_path: Path) -> DataPart:
    for name, rows in (("train", TRAIN), ("test", TEST)):
        lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return DataPart(train=FilePart(path="train.jsonl"), test=FilePart(path="test.jsonl"))


@pytest.fixture
def report(data: DataPart, tmp_path: Path) -> Report:
    return check(load_files(TaskPart(), data, tmp_path))


def test_the_report_names_lines(report: Report) -> None:
    train = report.splits["train"]
    assert (train.rows, train.kept) == (50, 49)
    assert train.dropped["empty text"].lines == (9,)
    assert train.duplicates.lines == (2,)
    assert [(c.labels, c.lines) for c in train.conflicts] == [(("0", "1"), (3, 4))]
    assert train.labels == {"1": 45, "0": 4}
    assert train.languages["prompt"]["zh"] == 46
    assert train.marks["mojibake"].lines == (6,)
    assert train.marks["replacement characters"].lines == (10,)
    assert train.marks["zero-width characters"].lines == (7,)
    assert 8 in train.marks["control characters"].lines
    assert train.lengths["prompt"][0] == 2
    assert report.overlaps[0].pairs == ((5, 1),)


def test_findings_are_words_with_a_fix(report: Report) -> None:
    words = "\n".join(f"{f.level} {f.split}: {f.what}" for f in report.findings)
    for expected in (
        "warning train: 1 row dropped",
        "note train: 1 row given again (line 2)",
        "different labels on the same text",
        "note train: labels are unbalanced: '1' 45, '0' 4",
        "warning test: labels that training never shows: 2",
        "warning train: 1 row with a text that also stands in test (lines 5=1)",
        "warning train: 1 row with mojibake (line 6)",
    ):
        assert expected in words
    assert json.loads(json.dumps(report.as_json()))["splits"]["train"]["kept"] == 49


def test_one_label_or_no_row_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n好,1\n不错,1\n")
    (tmp_path / "b.csv").write_text("text,label\n,1\n")
    for name, words in (("a.csv", "only one label: 1"), ("b.csv", "no usable row")):
        part = FilePart(path=name)
        found = check({"train": load(part, "train", TaskPart(), DataPart(train=part), tmp_path)})
        assert (found.findings[0].level, found.findings[0].what) == ("error", words) or words in found.findings[1].what


def test_labels_that_differ_only_in_case_width_or_blanks_are_named_with_the_nearest(tmp_path: Path) -> None:
    rows = [("positive", 6), ("Positive", 2), ("negative", 5), ("非常 好", 3), ("非常  好", 1), ("ｎegative", 1)]
    texts = [f"{i}-{label}" for label, n in rows for i in range(n)]
    lines = [json.dumps({"text": text, "label": text.split("-")[1]}, ensure_ascii=False) for text in texts]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "test.jsonl").write_text('{"text": "x", "label": "NEGATIVE"}\n{"text": "y", "label": "odd"}\n')
    data = DataPart(train=FilePart(path="train.jsonl"), test=FilePart(path="test.jsonl"))
    found = [f for f in check(load_files(TaskPart(), data, tmp_path)).findings if "differ only" in f.what]
    assert [(f.level, f.split) for f in found] == [("warning", "train"), ("warning", "test")]
    for told in (
        "'Positive' (2) is near 'positive' (6)",
        "'非常  好' (1) is near '非常 好' (3)",
        "'ｎegative' (1) is near",
    ):
        assert told in found[0].what
    assert "task.labels: [negative, positive, 非常 好] and data.label_names: {'Positive': 'positive', " in found[0].fix
    assert "'NEGATIVE' (1) is near 'negative' (5)" in found[1].what
    assert "odd" not in found[1].what


def test_the_advised_names_read_two_spellings_as_one(tmp_path: Path) -> None:
    rows = [("好", "positive"), ("不错", "Positive"), ("坏", "negative"), ("很好", " positive ")]
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    data = DataPart(train=FilePart(path="a.jsonl"), label_names={"Positive": "positive"})
    report = check(load_files(TaskPart(labels=["negative", "positive"]), data, tmp_path))
    assert report.splits["train"].labels == {"positive": 3, "negative": 1}
    assert not [f for f in report.findings if "differ only" in f.what]


def test_translations_of_one_sentence_are_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("你好\tHi\n你好\tHello\n再见\tBye\n")
    part = FilePart(path="a.tsv")
    task = TaskPart(name="translate", source_language="zh", target_language="en")
    found = check({"train": load(part, "train", task, DataPart(train=part), tmp_path)}, labelled=False)
    assert found.splits["train"].conflicts == ()
    assert found.splits["train"].languages == {"prompt": {"zh": 3}, "target": {"en": 3}}
    assert found.splits["train"].labels == {}


def test_the_mended_copy_reads_back_clean(data: DataPart, tmp_path: Path) -> None:
    files = load_files(TaskPart(), data, tmp_path)
    mended = repair(files, tmp_path / "mended", "classify")
    reasons = {change.line: (change.action, change.reason) for change in mended["train"].changes}
    assert reasons == {
        2: ("dropped", "the same as line 1"),
        5: ("dropped", "its text is also in test"),
        6: ("mended", "characters or white space"),
        7: ("mended", "characters or white space"),
        8: ("mended", "characters or white space"),
        9: ("dropped", "empty text"),
    }
    assert len((tmp_path / "mended/train.changes.jsonl").read_text().splitlines()) == len(reasons)
    again = load_files(TaskPart(), data, tmp_path / "mended")
    texts = [e.prompt[0].text for e in again["train"].examples]
    assert texts[:5] == ["很好", "一般", "一般", "你好", "零宽"]
    report = check(again)
    assert report.overlaps == ()
    assert set(report.splits["train"].marks) == {"replacement characters"}
    assert report.splits["train"].kept == report.splits["train"].rows == mended["train"].rows


@pytest.mark.parametrize(
    ("task", "row"),
    [
        (TaskPart(several=True), {"text": "好", "label": ["a", "b"]}),
        (TaskPart(name="translate"), {"source": "好", "target": "good"}),
        (
            TaskPart(name="generate"),
            {"messages": [{"role": r, "content": r} for r in ("system", "user", "assistant")]},
        ),
        (TaskPart(name="generate"), {"messages": [{"role": "user", "content": "写诗"}], "extra": 1}),
        (TaskPart(name="text"), {"text": "从前\n有座山"}),
        (TaskPart(), {"text": "好", "label": "a", "id": "7", "shop": "北京", "stars": 5}),
        (TaskPart(name="translate"), {"source": "好", "target": "good", "uid": "x:1"}),
        (TaskPart(name="generate"), {"prompt": "写诗", "response": "春眠", "编号": 3, "tags": ["a", {"b": 1}]}),
    ],
)
def test_every_task_reads_its_own_copy(task: TaskPart, row: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    part = FilePart(path="a.jsonl")
    files = {"test": load(part, "test", task, DataPart(), tmp_path)}
    assert files["test"].examples
    written = repair(files, tmp_path / "m", task.name, several=task.several)["test"]
    again = load(FilePart(path=written.path), "test", task, DataPart(), tmp_path)
    assert again.examples == files["test"].examples
    copied = json.loads(Path(written.path).read_text(encoding="utf-8"))
    assert {name: copied[name] for name in files["test"].columns.ignored} == {
        name: row[name] for name in files["test"].columns.ignored
    }


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_ids_and_columns_that_nobody_reads_stay_with_their_rows(name: str, tmp_path: Path) -> None:
    rows = [
        {"nr": "k1", "review": "好\u200b", "label": "1", "text": "taken", "shop": "上海"},
        {"nr": "k2", "review": "", "label": "1", "text": "", "shop": "dropped"},
        {"nr": "k1", "review": "坏", "label": "0", "text": "", "shop": "京"},
        {"nr": "", "review": "还行", "label": "0", "text": "", "shop": "no id"},
        {"nr": "k4", "review": "坏", "label": "0", "text": "", "shop": "given again"},
    ]
    table = ["nr,review,label,text,shop", *(",".join(row.values()) for row in rows)]
    whole = json.dumps(rows) if name == "a.json" else "\n".join(table)  # the array stands on one line
    (tmp_path / name).write_text(whole, encoding="utf-8")
    columns = {"id": "nr", "text": "review", "label": "label"}
    files = {"train": load(FilePart(path=name, columns=columns), "train", TaskPart(), DataPart(), tmp_path)}
    written = repair(files, tmp_path / "mended", "classify")["train"]
    copy = [json.loads(line) for line in Path(written.path).read_text(encoding="utf-8").splitlines()]
    assert copy == [
        {"text": "好", "shop": "上海", "id": "k1", "label": "1"},
        {"text": "坏", "shop": "京", "id": "k1#2", "label": "0"},
        {"text": "还行", "shop": "no id", "label": "0"},
    ]
    again = load(FilePart(path=written.path), "train", TaskPart(), DataPart(), tmp_path)
    assert [e.id for e in again.examples] == [files["train"].examples[i].id for i in (0, 1, 2)]


def test_repair_never_overwrites_an_original(data: DataPart, tmp_path: Path) -> None:
    files = load_files(TaskPart(), data, tmp_path)
    with pytest.raises(DataError, match="overwrite its original"):
        repair(files, tmp_path, "classify")
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(MachineFault, match="cannot write the mended copy"):
        repair(files, tmp_path / "taken", "classify")


def test_validation_comes_from_training_where_no_file_is_named(data: DataPart, tmp_path: Path) -> None:
    files = with_validation(load_files(TaskPart(), data, tmp_path), 0.2, 0)
    assert list(files) == ["train", "validation", "test"]
    assert len(files["train"].examples) + len(files["validation"].examples) == 49
    report = check(files)
    assert [(o.first, o.second) for o in report.overlaps if "validation" in (o.first, o.second)] == []
    with pytest.raises(DataError, match="names no data"):
        load_files(TaskPart(), DataPart(), tmp_path)


def test_quantiles_are_values_that_occur() -> None:
    assert quantiles([]) == ()
    assert quantiles([3]) == (3,) * 8
    assert quantiles(range(101)) == (0, 5, 25, 50, 75, 95, 99, 100)
