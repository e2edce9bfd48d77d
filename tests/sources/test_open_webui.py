"""Open WebUI's ratings and chats become comments; what is none says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sayso.records import Author, Feedback, user
from sayso.sources.open_webui import read
from sayso.store.imports import comments_in


def message(name: str, parent: str | None, role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "parentId": parent, "childrenIds": [], "role": role, "content": content, "timestamp": 1} | more


def chat(*messages: dict[str, Any]) -> dict[str, Any]:
    history = {"currentId": messages[-1]["id"], "messages": {one["id"]: one for one in messages}}
    inner = {"id": "", "title": "订单", "models": ["shop"], "history": history, "messages": list(messages)}
    return {"id": "c1", "user_id": "u7", "title": "订单", "chat": inner, "archived": False}


CHAT = chat(
    message("m1", None, "user", "Where is my order?"),
    message("m2", "m1", "assistant", "Somewhere.", model="shop"),
    message("m2b", "m1", "assistant", "On its way.", model="shop"),
    message("m3", "m2b", "user", "Say when it comes."),
    message("m4", "m3", "assistant", "Tomorrow."),
)


def feedback(message_id: str, **data: Any) -> dict[str, Any]:
    return {
        "id": "f1",
        "user_id": "u7",
        "version": 0,
        "type": "rating",
        "data": {"rating": -1, "model_id": "shop", "reason": "", "comment": "", **data},
        "meta": {"arena": False, "chat_id": "c1", "message_id": message_id, "tags": []},
        "snapshot": {"chat": CHAT},
        "created_at": 1,
        "updated_at": 1,
    }


class Found(NamedTuple):
    """The comments, and (number, reason) of each row that is none."""

    feedback: list[Feedback]
    refused: list[tuple[int, str]]


def found(folder: Path, data: object) -> Found:
    (folder / "export.json").write_text(json.dumps(data), encoding="utf-8")
    return Found(*comments_in(read(folder / "export.json", {}))[:2])


def test_a_rating_is_about_its_message(tmp_path: Path) -> None:
    comments, refused = found(
        tmp_path,
        [
            feedback("m2", comment="说清楚在哪里。"),
            feedback("m4", rating=1),
            feedback("m2", rating="-1", reason="not_factually_correct"),
        ],
    )
    first, second, third = comments
    assert (first.prompt, first.attempt.text) == (user("Where is my order?"), "Somewhere.")
    assert (first.comment, first.polarity, first.author) == ("说清楚在哪里。", "negative", Author(id="u7"))
    assert [turn.text for turn in second.prompt] == ["Where is my order?", "On its way.", "Say when it comes."]
    assert (second.polarity, second.comment) == ("positive", "")
    assert (third.comment, third.polarity) == ("not factually correct", "negative")
    assert refused == []


def test_a_chat_holds_what_was_said_next_and_what_was_rated(tmp_path: Path) -> None:
    rated = chat(
        message("a", None, "user", "Hi"),
        message("b", "a", "assistant", "Yo", annotation={"rating": -1, "comment": "Politely!"}),
        message("c", "b", "user", "请礼貌一点"),
    )
    comments, refused = found(tmp_path, [CHAT, rated])
    assert [(one.attempt.text, one.comment, one.author.kind) for one in comments] == [
        ("On its way.", "Say when it comes.", "user_turn"),
        ("Yo", "Politely!", "person"),
        ("Yo", "请礼貌一点", "user_turn"),
    ]
    assert refused == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (feedback("gone", comment="x"), "its message 'gone' is not in a snapshot"),
        (feedback("m2"), "a rating without a comment or a reason"),
        (feedback("m1", comment="x"), "the rated message answers nothing"),
        (feedback("m2", comment="x") | {"snapshot": None}, "not in a snapshot"),
        (chat(message("a", None, "user", "Hi"), message("b", "a", "assistant", "Yo")), "no rated answer"),
        (chat(message("a", "b", "user", "Hi"), message("b", "a", "assistant", "Yo")), "no rated answer"),
        ({"title": "x"}, "no rated answer"),
        ([], "no object"),
    ],
)
def test_what_is_no_comment_is_listed(tmp_path: Path, row: object, reason: str) -> None:
    comments, refused = found(tmp_path, [CHAT, row])
    assert len(comments) == 1
    assert reason in dict(refused)[2]
