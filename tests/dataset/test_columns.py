from __future__ import annotations

import pytest

from sayso.dataset.columns import Columns, map_columns
from sayso.errors import DataError
from sayso.recipe import TaskPart

CLASSIFY, GENERATE = TaskPart(), TaskPart(name="generate")
TRANSLATE = TaskPart(name="translate", source_language="zh", target_language="en")
REVIEWS = [{"0": f"这家酒店第{i}次来，很好。", "1": str(i % 2), "2": f"u{i}"} for i in range(40)]


def guess(rows: list[dict[str, str]], task: TaskPart, **asked: str) -> Columns:
    return map_columns(asked, rows, task, "a.tsv")


def test_names_win_and_are_said() -> None:
    rows = [{"index_id": "7", "category": "旅游", "text": "海边", "extra": "x"}]
    found = guess(rows, CLASSIFY)
    assert found.by_role == {"text": "text", "label": "category", "id": "index_id"}
    assert found.ignored == ("extra",)
    assert "label = column 'category' (guessed: by its name)" in found.said()
    assert "not read: extra" in found.said()


def test_content_decides_where_names_do_not() -> None:
    found = guess(REVIEWS, CLASSIFY)
    assert (found.by_role["text"], found.by_role["label"]) == ("0", "1")
    assert "fewest different values" in found.guessed["label"]
    turned = [{"a": row["1"], "b": row["0"]} for row in REVIEWS]
    assert guess(turned, CLASSIFY).by_role == {"label": "a", "text": "b"}


def test_what_is_asked_is_taken_by_name_or_number() -> None:
    assert guess(REVIEWS, CLASSIFY, text="2", label="1").by_role == {"text": "2", "label": "1"}
    rows = [{"review": "好", "stars": "5"}]
    assert guess(rows, CLASSIFY, text="0", label="stars").by_role == {"text": "review", "label": "stars"}
    assert guess(rows, CLASSIFY, text="0", label="stars").guessed == {}
    assert guess(rows, CLASSIFY, text="review", target="stars").by_role == {"text": "review", "label": "stars"}
    kept = guess(rows, CLASSIFY, **{"text": "review", "label": "stars", "meta.stars": "stars"})
    assert kept.by_role["meta.stars"] == "stars"


def test_translation_is_told_by_script() -> None:
    rows = [{"0": "Hi there.", "1": "你好。", "2": "CC-BY 2.0 Attribution: somebody"}] * 3
    assert guess(rows, TRANSLATE).by_role == {"source": "1", "target": "0"}
    back = TaskPart(name="translate", source_language="en", target_language="zh-TW")
    assert guess(rows, back).by_role == {"source": "0", "target": "1"}
    assert guess([{"en": "Hi", "zh": "你好"}], TRANSLATE).by_role == {"source": "zh", "target": "en"}
    assert guess(rows, TaskPart(name="translate")).by_role == {"source": "0", "target": "1"}


def test_instructions_and_conversations() -> None:
    rows = [{"instruction": "翻译", "input": "你好", "output": "Hello"}]
    assert guess(rows, GENERATE).by_role == {"prompt": "instruction", "input": "input", "target": "output"}
    assert guess([{"conversations": "[]"}], GENERATE).by_role == {"messages": "conversations"}
    assert guess([{"0": "问", "1": "答"}], GENERATE).by_role == {"prompt": "0", "target": "1"}


def test_errors_name_the_nearest() -> None:
    rows = [{"review": "好", "stars": "5"}]
    with pytest.raises(DataError, match="did you mean 'stars'"):
        guess(rows, CLASSIFY, text="review", label="star")
    with pytest.raises(DataError, match="did you mean 'label'"):
        guess(rows, CLASSIFY, text="review", lable="stars")
    with pytest.raises(DataError, match="no header that was recognised"):
        guess(REVIEWS, CLASSIFY, text="review")
    with pytest.raises(DataError, match="no column for text"):
        guess([{"b": "x"}] * 30, CLASSIFY)
