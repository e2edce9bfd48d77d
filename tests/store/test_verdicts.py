"""Known verdicts come in as people write them; what is none is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.errors import FeedbackError
from sayso.records import Answer, Example, user
from sayso.store.verdicts import Known, read_verdicts, verdict_from


def test_a_verdict_is_said_or_is_a_comment() -> None:
    row = {"prompt": "退货要多久？", "answer": "七天。"}
    found = verdict_from(3, {**row, "ok": True, "target": "七天。"})
    assert found == Known(Example("3", user("退货要多久？"), "七天。"), Answer("3", "七天。"), True)
    assert not verdict_from(3, {**row, "ok": False}).right
    assert not verdict_from(3, {**row, "comment": "要说七天。"}).right
    assert verdict_from(3, {**row, "comment": "说得好。", "polarity": "positive"}).right
    assert verdict_from(3, {**row, "comment": "说得好。", "ok": True, "author": "lin"}).right
    commented = {"prompt": [{"role": "user", "content": "Hi"}], "attempt": "Yo", "comment": "More formal."}
    assert verdict_from(1, commented) == Known(Example("1", user("Hi")), Answer("1", "Yo"), False)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"answer": "a", "ok": True}, "no prompt"),
        ({"prompt": "q", "ok": True}, "no answer"),
        ({"prompt": "q", "answer": "a"}, "neither ok nor a comment"),
        ({"prompt": "q", "answer": "a", "ok": "yes"}, "ok: expected true or false"),
        ({"prompt": "q", "answer": 3, "ok": True}, "answer: expected a text"),
        ({"prompt": "q", "answer": "a", "ok": True, "targt": "b"}, "unknown field 'targt'"),
    ],
)
def test_what_is_no_verdict_is_named(row: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        verdict_from(1, row)


def test_lines_are_counted_and_refused_ones_listed(tmp_path: Path) -> None:
    file = tmp_path / "known.jsonl"
    file.write_bytes('\ufeff{"prompt": "问", "answer": "答", "ok": true}\n\n{"prompt": 1}\nnot json\n'.encode())
    found = read_verdicts(file)
    assert [one.example.id for one in found.known] == ["1"]
    assert [line for line, _ in found.refused] == [3, 4]
    with pytest.raises(FeedbackError, match="cannot be read"):
        read_verdicts(tmp_path / "nowhere.jsonl")
