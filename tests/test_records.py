from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import records
from sayso.records import (
    Answer,
    Attempt,
    Author,
    Comparison,
    Example,
    Feedback,
    Imitate,
    Mark,
    Match,
    Message,
    Outcome,
    Prefer,
    Sampling,
    Scope,
    Score,
    Span,
    State,
    Why,
    content_id,
    from_json,
    join_labels,
    lesson_from_json,
    split_labels,
    to_json,
    user,
)

TEXT = st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "好", "不好！", "ok"]
)
REAL = st.floats(allow_nan=False, allow_infinity=False)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXT), max_size=3).map(tuple)
IDS = st.lists(st.integers(0, 10**6), max_size=4).map(tuple)
NAMES = st.lists(TEXT, max_size=3).map(tuple)
SAMPLING = st.builds(Sampling, st.integers(1, 99), REAL, REAL, st.integers(0, 9))
SPANS = st.lists(st.builds(Span, st.integers(0, 9), st.integers(0, 9), TEXT, TEXT, st.none() | TEXT), max_size=2).map(
    tuple
)
FEEDBACK = st.builds(
    Feedback,
    prompt=MESSAGES,
    attempt=st.builds(Attempt, TEXT, IDS, TEXT, st.none() | SAMPLING),
    comment=TEXT,
    author=st.builds(Author, st.sampled_from(["person", "critic", "program"]), TEXT),
    scope=st.builds(Scope, st.sampled_from(["item", "rule", "everywhere"]), TEXT),
    spans=SPANS,
    revision=st.none() | TEXT,
    checks=NAMES,
    confidence=REAL,
    reveals_answer=st.booleans(),
    split=st.none() | st.sampled_from(["train", "validation", "test"]),
)
MARKS = st.lists(st.builds(Mark, st.integers(0, 9), st.integers(0, 9), REAL), max_size=2).map(tuple)
LESSONS = (
    st.builds(Imitate, MESSAGES, TEXT, REAL, MARKS, NAMES, IDS)
    | st.builds(Prefer, MESSAGES, TEXT, TEXT, REAL, NAMES)
    | st.builds(Match, MESSAGES, MESSAGES, TEXT, st.sampled_from(["self", "start", "base"]), REAL, NAMES, IDS)
)
OTHERS = (
    st.builds(Example, TEXT, MESSAGES, st.none() | TEXT, meta=st.dictionaries(TEXT, TEXT, max_size=2))
    | st.builds(Answer, TEXT, TEXT, st.dictionaries(TEXT, REAL, max_size=2), st.booleans(), st.integers(0, 9))
    | st.builds(Score, TEXT, TEXT, TEXT, REAL, st.sampled_from(Why), st.none() | st.tuples(REAL, REAL))
    | st.builds(Outcome, TEXT, st.sampled_from(State), TEXT)
    | st.builds(
        Comparison,
        TEXT,
        st.just("test"),
        TEXT,
        TEXT,
        REAL,
        REAL,
        REAL,
        st.tuples(REAL, REAL),
        st.integers(0, 9),
        st.just("better"),
    )
)


def _through_a_file(record: Any) -> Any:
    return json.loads(json.dumps(to_json(record), ensure_ascii=False))


@settings(deadline=None, max_examples=80)
@given(record=FEEDBACK | OTHERS)
def test_records_survive_a_file(record: Any) -> None:
    assert from_json(type(record), _through_a_file(record)) == record


@settings(deadline=None, max_examples=80)
@given(lesson=LESSONS)
def test_lessons_survive_a_file_with_their_kind(lesson: Any) -> None:
    again = lesson_from_json(_through_a_file(lesson))
    assert again == lesson
    assert type(again) is type(lesson)


@settings(deadline=None, max_examples=60)
@given(feedback=FEEDBACK)
def test_the_id_is_the_content(feedback: Feedback) -> None:
    assert from_json(Feedback, _through_a_file(feedback)).id == feedback.id
    assert replace(feedback, comment=feedback.comment + "。").id != feedback.id
    assert len(feedback.id) == 16


def test_ids_do_not_depend_on_the_process() -> None:
    feedback = Feedback(user("天气如何？"), Attempt("晴"), "太短")
    code = "from sayso.records import *; print(Feedback(user('天气如何？'), Attempt('晴'), '太短').id)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == feedback.id


def test_defaults_are_left_out_of_files() -> None:
    plain = to_json(Feedback(user("问"), Attempt("答"), "评"))
    assert set(plain) == {"prompt", "attempt", "comment"}


def test_records_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Message("user", "问").text = "改"  # type: ignore[misc]


def test_no_record_has_grown_beyond_reading() -> None:
    sizes = {name: len(fields(cls)) for name, cls in vars(records).items() if hasattr(cls, "__dataclass_fields__")}
    assert max(sizes.values()) <= 16, sizes


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"prompt": [], "attempt": {"text": "答"}, "coment": "评"}, "unknown field 'coment'"),
        ({"prompt": [], "attempt": {"text": "答"}}, "missing"),
        ({"prompt": "问", "attempt": {"text": "答"}, "comment": "评"}, "Feedback.prompt: expected a list"),
        ({"prompt": [{"role": "boss", "text": ""}], "attempt": {"text": ""}, "comment": ""}, "one of system"),
        ({"prompt": [], "attempt": {"text": 3}, "comment": ""}, "Feedback.attempt.text: expected str, got 3"),
        ({"prompt": [], "attempt": {"text": ""}, "comment": "", "confidence": True}, "confidence: expected float"),
        ({"prompt": [], "attempt": {"text": ""}, "comment": "", "checks": "a"}, "checks: expected a list"),
        ([], "expected an object"),
    ],
)
def test_what_does_not_fit_is_named(plain: Any, words: str) -> None:
    with pytest.raises(ValueError, match="Feedback") as caught:
        from_json(Feedback, plain)
    assert words in str(caught.value)


def test_other_misfits_are_named() -> None:
    with pytest.raises(ValueError, match="one of imitate, prefer, match, not 'teach'"):
        lesson_from_json({"kind": "teach"})
    with pytest.raises(ValueError, match=r"Score.why: expected one of right"):
        from_json(Score, {"task": "", "item": "", "unit": "", "value": 1, "why": "luck"})
    with pytest.raises(ValueError, match=r"Score.interval: expected 2 values"):
        from_json(Score, {"task": "", "item": "", "unit": "", "value": 1, "interval": [1.0]})
    assert from_json(Score, {"task": "", "item": "", "unit": "", "value": 1}).value == 1.0


@settings(deadline=None, max_examples=40)
@given(labels=st.lists(st.sampled_from(["喜悦", "愤怒", "a b", "c-d"]), unique=True))
def test_labels_join_and_split(labels: list[str]) -> None:
    assert split_labels(join_labels(labels)) == tuple(labels)


def test_different_kinds_of_lesson_never_share_an_id() -> None:
    assert content_id(Imitate((), "好")) != content_id(Match((), (), "好"))
