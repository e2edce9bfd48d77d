"""Label Studio's annotations become comments; what is none says why."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sayso.records import Author, Feedback, Span, user
from sayso.sources.label_studio import read
from sayso.store.imports import comments_in


def region(name: str, kind: str, value: dict[str, Any], to: str = "answer") -> dict[str, Any]:
    return {"id": "zLSY", "from_name": name, "to_name": to, "type": kind, "origin": "manual", "value": value}


TASK: dict[str, Any] = {
    "id": 12,
    "project": 83,
    "created_at": "2026-03-09T21:52:49.513742Z",
    "data": {"question": "How long does it take?", "answer": "It takes 3 days!!!"},
    "annotations": [
        {
            "id": 1001,
            "completed_by": {"id": 10, "email": "anna@example.org"},
            "was_cancelled": False,
            "lead_time": 4.2,
            "result": [
                region("comment", "textarea", {"text": ["One exclamation mark at most.", "一个感叹号就够了。"]}),
                region("rewrite", "textarea", {"text": ["It takes 3 days."]}),
                region("verdict", "choices", {"choices": ["Bad"]}),
                region("label", "labels", {"start": 15, "end": 18, "text": "!!!", "labels": ["tone"]}),
                region("label", "labels", {"start": 0, "end": 3, "text": "How", "labels": ["topic"]}, "question"),
            ],
        },
        {"id": 1002, "completed_by": 11, "was_cancelled": True, "result": []},
        {"id": 1003, "completed_by": 12, "result": [region("issue", "choices", {"choices": ["too loud"]})]},
    ],
    "predictions": [],
}


class Found(NamedTuple):
    """The comments, and (number, reason) of each row that is none."""

    feedback: list[Feedback]
    refused: list[tuple[int, str]]


def found(folder: Path, tasks: object, **options: str) -> Found:
    (folder / "export.json").write_text(json.dumps(tasks), encoding="utf-8")
    return Found(*comments_in(read(folder / "export.json", options))[:2])


def test_each_annotation_is_a_comment(tmp_path: Path) -> None:
    comments, refused = found(tmp_path, [TASK])
    first, second = comments
    assert (first.prompt, first.attempt.text) == (user("How long does it take?"), "It takes 3 days!!!")
    assert first.comment == "One exclamation mark at most.\n一个感叹号就够了。"
    assert (first.revision, first.polarity, first.author) == (
        "It takes 3 days.",
        "negative",
        Author(id="anna@example.org"),
    )
    assert first.spans == (Span(15, 18, "tone"),)
    assert (second.comment, second.author.id) == ("too loud", "12")
    assert refused == [(1, "its annotator skipped it")]


def test_a_text_area_of_another_name_is_the_comment(tmp_path: Path) -> None:
    task = copy.deepcopy(TASK)
    task["annotations"] = [{"completed_by": 1, "result": [region("box", "textarea", {"text": ["太吵"]})]}]
    assert found(tmp_path, [task]).feedback[0].comment == "太吵"
    asked = found(tmp_path, [task], revision="box").feedback[0]
    assert (asked.comment, asked.revision) == ("", "太吵")


def test_marked_words_that_are_nowhere_are_said(tmp_path: Path) -> None:
    task = copy.deepcopy(TASK)
    task["annotations"] = [
        {"result": [region("label", "labels", {"start": 2, "end": 5, "text": "two", "labels": ["x"]})]}
    ]
    assert "marked words are not in the answer: [2, 5) 'two'" in found(tmp_path, [task]).refused[0][1]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"id": 1, "question": "a", "answer": "b"}, "JSON-MIN"),
        ({"data": {"image": "x.jpg"}, "annotations": []}, "no key for the prompt"),
        ({"data": {"prompt": "a"}, "annotations": []}, "no key for the answer"),
        ({"data": {"prompt": "a", "answer": "b"}, "annotations": []}, "nobody has annotated it"),
        ({"data": {"prompt": "a", "answer": "b"}, "annotations": [{"result": []}]}, "neither a comment"),
    ],
)
def test_what_is_no_comment_is_listed(tmp_path: Path, task: object, reason: str) -> None:
    comments, refused = found(tmp_path, [task, TASK])
    assert len(comments) == 2
    assert reason in dict(refused)[1]
