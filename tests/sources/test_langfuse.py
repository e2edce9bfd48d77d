"""Langfuse's scores in words become comments on what the trace or the observation said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sayso.records import Author, Feedback, Message, user
from sayso.sources.langfuse import read
from sayso.store.imports import comments_in

TURNS = [{"role": "system", "content": "You sell shoes."}, {"role": "user", "content": "鞋子多少钱？"}]


def score(comment: str | None, value: Any = 0, **more: Any) -> dict[str, Any]:
    fields = {"id": "s1", "traceId": "t1", "name": "user-feedback", "source": "ANNOTATION", "dataType": "NUMERIC"}
    return fields | {"value": value, "comment": comment, "authorUserId": "anna"} | more


TRACE: dict[str, Any] = {
    "id": "t1",
    "timestamp": "2026-05-01T10:00:00.000Z",
    "name": "chat",
    "userId": "customer-7",
    "input": {"messages": TURNS},
    "output": {"role": "assistant", "content": "一百。"},
    "scores": [
        score("先说价格。"),
        score("Nice.", 1),
        score("so so", 0.37),
        score(None, 1),
        score("rude", "bad", source="EVAL", name="tone-judge", observationId="o1"),
    ],
    "observations": [{"id": "o1", "type": "GENERATION", "input": "Anything else?", "output": "No!"}],
}


class Found(NamedTuple):
    """The comments, and (number, reason) of each row that is none."""

    feedback: list[Feedback]
    refused: list[tuple[int, str]]


def found(folder: Path, data: object, name: str = "trace.json", **options: str) -> Found:
    text = data if isinstance(data, str) else json.dumps(data)
    (folder / name).write_text(text, encoding="utf-8")
    return Found(*comments_in(read(folder / name, options))[:2])


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: [one], lambda one: {"data": [one], "meta": {}}])
def test_scores_in_words_are_comments(tmp_path: Path, wrap: Any) -> None:
    comments, refused = found(tmp_path, wrap(TRACE))
    first, second, third, fourth = comments
    assert first.prompt == (Message("system", "You sell shoes."), Message("user", "鞋子多少钱？"))
    assert (first.attempt.text, first.comment, first.author) == ("一百。", "先说价格。", Author(id="anna"))
    assert [one.polarity for one in comments] == ["negative", "positive", "neutral", "negative"]
    assert (fourth.prompt, fourth.attempt.text) == (user("Anything else?"), "No!")
    assert fourth.author == Author("critic", "tone-judge")
    assert (second.comment, third.comment) == ("Nice.", "so so")
    assert refused == [(1, "the score 'user-feedback' has no comment")]


def test_the_page_puts_the_trace_aside_and_texts_into_json(tmp_path: Path) -> None:
    trace = TRACE | {"input": json.dumps(TURNS), "output": '"一百。"', "scores": [score("短一点")]}
    shown = found(tmp_path, {"trace": trace, "observations": []}).feedback[0]
    assert (len(shown.prompt), shown.attempt.text) == (2, "一百。")
    answered = TRACE | {"output": '{"price": 100}', "scores": [score("in words, please")]}
    assert found(tmp_path, answered).feedback[0].attempt.text == '{"price": 100}'


def test_a_file_of_scores_needs_the_observations(tmp_path: Path) -> None:
    line = {"id": "s", "trace_id": "t9", "observation_id": "o9", "name": "user", "value": 0, "comment": "wrong price"}
    observation = {"id": "o9", "trace_id": "t9", "input": json.dumps(TURNS), "output": "一百。", "user_id": "c"}
    lines = "\n".join(json.dumps(one) for one in (line, line | {"observation_id": "gone", "trace_id": "gone"}))
    assert "observations=" in found(tmp_path, lines, "scores.jsonl").refused[0][1]
    (tmp_path / "observations.jsonl").write_text(json.dumps(observation), encoding="utf-8")
    comments, refused = found(tmp_path, lines, "scores.jsonl", observations=str(tmp_path / "observations.jsonl"))
    assert (comments[0].attempt.text, comments[0].comment) == ("一百。", "wrong price")
    assert refused == [(2, "trace gone is not in the file of observations")]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scores": []}, "a trace without scores"),
        ({"input": 3, "scores": [score("x")]}, "the input is no text"),
        ({"input": [1], "scores": [score("x")]}, "the input is no text"),
        ({"output": None, "scores": [score("x")]}, "the output is no text"),
        ({"input": [{"role": "tool", "content": "x"}], "scores": [score("x")]}, "one of system, user, assistant"),
    ],
)
def test_what_is_no_comment_is_listed(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    comments, refused = found(tmp_path, TRACE | changed)
    assert comments == []
    assert reason in refused[0][1]
