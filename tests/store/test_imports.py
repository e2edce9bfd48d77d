"""Comments come in as people write them; what is no comment is listed, never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import FeedbackError
from sayso.records import Author, Feedback, Message, Scope, user
from sayso.store.imports import comment_from, comments_of, next_turns, read_comments


def test_a_plain_row_is_enough() -> None:
    row = {"prompt": "退货要多久？", "attempt": "三天。", "comment": "要说七天。"}
    feedback = comment_from(row)
    assert feedback.prompt == user("退货要多久？")
    assert (feedback.attempt.text, feedback.comment) == ("三天。", "要说七天。")
    assert feedback == comment_from({**row, "revision": None})
    assert feedback.scope == Scope()


def test_short_forms() -> None:
    row = {
        "prompt": [{"role": "system", "content": "你是客服"}, {"role": "user", "text": "在吗"}],
        "attempt": {"text": "在", "token_ids": [3]},
        "comment": "要说您好。",
        "revision": "您好，在的。",
        "author": "小王",
        "when": "顾客打招呼",
    }
    feedback = comment_from(row)
    assert feedback.prompt == (Message("system", "你是客服"), Message("user", "在吗"))
    assert feedback.attempt.token_ids == (3,)
    assert feedback.author == Author("person", "小王")
    assert feedback.scope == Scope("rule", "顾客打招呼")
    assert comment_from({**row, "when": None, "scope": "everywhere"}).scope == Scope("everywhere")
    assert comment_from({**row, "scope": {"reach": "everywhere"}}).scope == Scope("everywhere", "顾客打招呼")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"prompt": "问", "coment": "不对"}', "unknown field 'coment'; did you mean 'comment'?"),
        ('{"prompt": "", "comment": "不对"}', "no prompt"),
        ('{"comment": "不对"}', "no prompt"),
        ('{"prompt": "问", "attempt": "答"}', "neither a comment nor a revision"),
        ('{"prompt": 3, "comment": "不对"}', "prompt: expected a text"),
        ('{"prompt": [3], "comment": "不对"}', "expected an object"),
        ('{"prompt": [{"role": "bot", "text": ""}], "comment": "a"}', "one of system, user, assistant"),
        ('{"prompt": "问", "attempt": 3, "comment": "不对"}', "Feedback.attempt"),
        ('{"prompt": "问", "comment": "不对", "confidence": 2}', "confidence: expected 0 to 1"),
        ('{"prompt": "问", "comment": "不对", "confidence": NaN}', "confidence: expected 0 to 1"),
        ('{"prompt": "问", "attempt": "答", "comment": "不", "spans": [{"start": 0, "end": 2}]}', "not within"),
        ('{"prompt": "问", "comment": "不对", "scope": "galaxy"}', "one of item, rule, everywhere"),
        ('{"prompt": "问", "comment": "\\ud800"}', "half a character"),
        ('["a"]', "list where an object"),
        ('{"prompt": "问", ', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_comment_says_why(line: str, reason: str) -> None:
    good = b'{"prompt": "a", "comment": "b"}'
    found = comments_of([(1, good), (2, line.encode()), (3, b"  "), (4, good)])
    assert len(found.feedback) == 2
    assert [number for number, _ in found.refused] == [2]
    assert reason in found.refused[0][1]


def test_a_conversation_holds_what_the_user_said_next() -> None:
    messages = [
        {"role": "system", "content": "你是客服"},
        {"role": "assistant", "content": "您好！"},
        {"role": "user", "content": "退货要多久？"},
        {"role": "assistant", "content": "三天。"},
        {"role": "user", "content": "不对，是七天。"},
        {"role": "assistant", "content": "抱歉，七天。"},
        {"role": "user", "content": "Thanks, perfect!"},
    ]
    row = {"messages": messages, "author": "顾客7", "licence": "CC0", "confidence": 0.5}
    first, second = comments_of([(1, json.dumps(row).encode())]).feedback
    assert [one.text for one in first.prompt] == ["你是客服", "您好！", "退货要多久？"]
    assert (first.attempt.text, first.comment) == ("三天。", "不对，是七天。")
    assert (second.attempt.text, second.comment, len(second.prompt)) == ("抱歉，七天。", "Thanks, perfect!", 5)
    for one in (first, second):
        assert (one.author, one.licence, one.confidence) == (Author("user_turn", "顾客7"), "CC0", 0.5)
    english = [
        {"role": "user", "text": "Hi"},
        {"role": "assistant", "text": "Yo"},
        {"role": "user", "text": "Politely!"},
    ]
    assert next_turns({"messages": english})[0].author == Author("user_turn")


def turns(said: object, asker: str = "user") -> list[dict[str, object]]:
    roles = (asker, "assistant", "user")
    return [{"role": role, "content": text} for role, text in zip(roles, ("问", "答", said), strict=True)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "no turn of the user follows an answer"),
        ({"messages": turns("不对")[:2]}, "no turn of the user follows an answer"),
        ({"messages": turns(" ")}, "no turn of the user follows an answer"),
        ({"messages": turns("不对", asker="system")}, "no turn of the user follows an answer"),
        ({"messages": [1, None, "a"]}, "no turn of the user follows an answer"),
        ({"messages": turns(["不对"])}, "expected str"),
        ({"messages": 3}, "expected a text or a list"),
        ({"messages": turns("不对"), "comment": "不对"}, "'comment' beside 'messages'"),
        ({"messages": turns("不对"), "model": "m"}, "unknown field 'model'"),
        ({"messages": turns("不对"), "author": 3}, "expected an object"),
    ],
)
def test_a_conversation_without_a_next_turn_says_why(row: dict[str, object], reason: str) -> None:
    found = comments_of([(7, json.dumps(row).encode())])
    assert found.feedback == []
    assert found.refused[0][0] == 7
    assert reason in found.refused[0][1]


def test_bytes_that_are_no_text_cost_only_their_line(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"prompt":"a","comment":"b"}\r\n\xff\xfe\n{"prompt":"a\xe2\x80\xa8","comment":"c"}')
    found = read_comments(path)
    assert [comment.comment for comment in found.feedback] == ["b", "c"]
    assert found.refused == [(2, "not UTF-8 at byte 1")]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="no such file"):
        read_comments(tmp_path / "评语.jsonl")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.text(max_size=3) | st.just("好"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "role", "id"]), inner),
    max_leaves=4,
)
rows = st.dictionaries(st.sampled_from([*Feedback.__dataclass_fields__, "when", "messages", "x"]), values, max_size=6)


@given(st.lists(rows | st.binary(max_size=12), max_size=6))
@settings(deadline=None, max_examples=150)
def test_every_line_is_a_comment_or_listed(lines: list[object]) -> None:
    raw = [line.replace(b"\n", b" ") if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    found = comments_of(enumerate(raw, 1))
    assert len(found.feedback) + len(found.refused) == sum(
        bool(line.strip()) for line in raw
    )  # too short for two turns
    assert all(reason for _, reason in found.refused)


def test_written_feedback_on_programs(shared: Path) -> None:
    lines = []
    for line in (shared / "data/ilf_mbpp_feedback/surge_annotations.jsonl").read_text(encoding="utf-8").split("\n"):
        if line.strip():
            row = json.loads(line)
            lines.append(json.dumps({"prompt": row["prompt"], "comment": row["Feedback"]}).encode())
    found = comments_of(enumerate(lines, 1))
    assert len(found.feedback) == len(lines) > 100
