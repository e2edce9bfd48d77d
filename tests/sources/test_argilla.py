"""Argilla's records become comments, one per annotator; what is none says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sayso.errors import DataError
from sayso.records import Author, Feedback, Message, Span, user
from sayso.sources.argilla import read
from sayso.store.imports import comments_in

NESTED: dict[str, Any] = {
    "id": "5f1c7b1e-0d5c-4a5e-9d0b-0f7a4f3c2b11",
    "fields": {"instruction": "退货要多久？", "response": "三天。大概吧。"},
    "metadata": {"source": "shop"},
    "suggestions": {"quality": {"value": "good", "score": 0.4, "agent": "llm"}},
    "responses": {
        "feedback": [
            {"value": "应该说七天。", "user_id": "anna", "status": "submitted"},
            {"value": "Say seven days.", "user_id": "ben", "status": "submitted"},
            {"value": "later", "user_id": "kim", "status": "draft"},
        ],
        "corrected": [{"value": "七天。", "user_id": "anna", "status": "submitted"}],
        "quality": [
            {"value": "bad", "user_id": "anna", "status": "submitted"},
            {"value": "good", "user_id": "ben", "status": "submitted"},
        ],
        "marks": [{"value": [{"start": 0, "end": 3, "label": "fact"}], "user_id": "anna", "status": "submitted"}],
    },
    "vectors": {},
    "status": "completed",
}
FLAT = {
    "id": "1",
    "status": "completed",
    "_server_id": "x",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
    "completion": "Hello there, dear friend!",
    "comment.responses": ["Shorter."],
    "comment.responses.users": ["ben"],
    "comment.responses.status": ["submitted"],
    "comment.suggestion": None,
}


class Found(NamedTuple):
    """The comments, and (number, reason) of each row that is none."""

    feedback: list[Feedback]
    refused: list[tuple[int, str]]


def found(folder: Path, records: object, **options: str) -> Found:
    (folder / "records.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return Found(*comments_in(read(folder / "records.json", options))[:2])


def test_each_annotator_of_a_record_has_said_something(tmp_path: Path) -> None:
    comments, refused = found(tmp_path, [NESTED])
    anna, ben = comments
    assert anna.prompt == ben.prompt == user("退货要多久？")
    assert (anna.comment, anna.revision, anna.polarity, anna.author) == (
        "应该说七天。",
        "七天。",
        "negative",
        Author(id="anna"),
    )
    assert anna.spans == (Span(0, 3, "fact"),)
    assert (ben.comment, ben.revision, ben.polarity, ben.spans) == ("Say seven days.", None, "positive", ())
    assert refused == [(1, "the response of kim is draft, not submitted")]


def test_the_flat_form_of_the_hub_says_the_same(tmp_path: Path) -> None:
    comments, refused = found(tmp_path, [FLAT])
    assert comments[0].prompt == (Message("system", "Be brief."), Message("user", "Hello?"))
    assert (comments[0].comment, comments[0].author.id) == ("Shorter.", "ben")
    assert refused == []


def test_fields_and_questions_may_be_named(tmp_path: Path) -> None:
    record = {
        "fields": {"anfrage": "Hi", "antwort": "Yo"},
        "responses": {"kritik": [{"value": "Politely.", "user_id": "a"}]},
    }
    assert found(tmp_path, [record]).refused[0][1].startswith("no field for the prompt")
    comments, _ = found(tmp_path, [record], prompt="anfrage", attempt="antwort", comment="kritik")
    assert (comments[0].attempt.text, comments[0].comment) == ("Yo", "Politely.")
    with pytest.raises(DataError, match="no column 'antwor' for attempt"):
        found(tmp_path, [record], prompt="anfrage", attempt="antwor")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"fields": {"prompt": "a"}, "responses": {}}, "no field for the answer"),
        ({"fields": {"prompt": "a", "answer": "b"}, "responses": {}}, "nobody has answered"),
        ({"fields": {"prompt": "a", "answer": "b"}, "responses": {"q": [3]}}, "nobody has answered"),
        (
            {"fields": {"prompt": "a", "answer": "b"}, "responses": {"rating": [{"value": 4, "user_id": "x"}]}},
            "neither a comment nor a revision",
        ),
        ({"fields": None}, "no field for the prompt"),
        (3, "int, no object"),
    ],
)
def test_what_is_no_comment_is_listed(tmp_path: Path, record: object, reason: str) -> None:
    comments, refused = found(tmp_path, [NESTED, record])
    assert len(comments) == 2
    assert reason in dict(refused)[2]
