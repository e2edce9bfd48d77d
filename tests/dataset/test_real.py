"""Real files, as they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.dataset.checks import check
from sayso.dataset.examples import Loaded, load
from sayso.recipe import DataPart, FilePart, TaskPart

pytestmark = pytest.mark.shared
TRANSLATE = TaskPart(name="translate", source_language="zh", target_language="en")


def read(shared: Path, path: str, task: TaskPart | None = None, **part: object) -> Loaded:
    file = FilePart(path=path, **part)  # type: ignore[arg-type]
    return load(file, "train", task or TaskPart(), DataPart(train=file), shared / "data")


@pytest.mark.parametrize(
    ("path", "rows", "labels"),
    [
        ("sst2/train.tsv", 6920, 2),
        ("sst2/dev.tsv", 872, 2),
        ("uci_sentiment/imdb_labelled.txt", 1000, 2),
        ("uci_sentiment/yelp_labelled.txt", 1000, 2),
        ("uci_sentiment/amazon_cells_labelled.txt", 1000, 2),
        ("chnsenticorp/train.tsv", 9600, 2),
        ("thucnews_titles/test.txt", 10000, 10),
        ("sib200/zho_Hans/train.tsv", 701, 7),
        ("sib200/eng_Latn/test.tsv", 204, 7),
    ],
)
def test_no_row_is_lost(shared: Path, path: str, rows: int, labels: int) -> None:
    found = read(shared, path)
    assert (len(found.examples), found.dropped) == (rows, ())
    assert len({e.target for e in found.examples}) == labels


def test_several_labels_with_names(shared: Path) -> None:
    found = read(shared, "goemotions/dev.tsv", TaskPart(several=True), options={"label_file": "labels.txt"})
    assert (len(found.examples), found.dropped) == (5426, ())
    assert [e.target for e in found.examples[:2]] == ["neutral", "approval | neutral"]
    report = check({"train": found}, several=True)
    assert len(report.splits["train"].labels) == 28


def test_translations(shared: Path) -> None:
    found = read(shared, "tatoeba_cmn_eng/cmn.txt", TRANSLATE)
    assert (found.rows, len(found.examples)) == (28447, 28447)
    assert (found.examples[0].prompt[0].text, found.examples[0].target) == ("嗨。", "Hi.")
    flores = read(shared, "flores_zh_en/zh-en/flores-dev.zh,flores-dev.en", TRANSLATE)
    assert (len(flores.examples), flores.source) == (997, "parallel")


def test_conversations_and_stories(shared: Path) -> None:
    found = read(shared, "soda_tinystories_chat_val/chat_val.txt", TaskPart(name="generate"), format="chat")
    assert len(found.examples) == 704
    assert all(row.reason.startswith("begins without a speaker") for row in found.dropped)
    stories = read(shared, "tinystories_sample/tinystories.txt", TaskPart(name="text"))
    report = check({"train": stories}, labelled=False)
    assert report.splits["train"].marks["mojibake"].count > 10


def test_genuine_chinese_is_never_called_misread(shared: Path) -> None:
    for path in ("chnsenticorp/train.tsv", "thucnews_titles/dev.txt"):
        report = check({"train": read(shared, path)})
        assert "mojibake" not in report.splits["train"].marks
