"""Answers whose verdict is known, from JSONL: what a critic is compared with before it is trusted.

Decided here:
- A row is {"prompt": ..., "answer": ..., "ok": true}. A comment is a verdict too: with its words, or `polarity`, in
  the place of `ok`, as in a file of comments; there `attempt` is the answer.
- `target` is the right answer, for critics that are told it.
- A line that is none is listed with its number and the reason; the others are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sayso.records import Answer, Example
from sayso.store.imports import comment_from, numbered_lines, read_rows

_OWN = ("answer", "ok", "target")


@dataclass(frozen=True, slots=True)
class Known:
    """An answer, and whether it is right."""

    example: Example
    answer: Answer
    right: bool


class Verdicts(NamedTuple):
    """What a file held, and (line number, reason) of every line that is no verdict."""

    known: list[Known]
    refused: list[tuple[int, str]]


def read_verdicts(path: Path) -> Verdicts:
    """The known verdicts in a JSONL file. Raises FeedbackError only where the file itself cannot be read."""
    return Verdicts(*read_rows(numbered_lines(path), verdict_from))


def verdict_from(number: int, row: Mapping[str, Any]) -> Known:
    """One row; its number is the item's id. Raises ValueError with the reason."""
    ok, target = row.get("ok"), row.get("target")
    for name, value, kind in (("ok", ok, bool), ("answer", row.get("answer"), str), ("target", target, str)):
        if value is not None and not isinstance(value, kind):
            raise ValueError(f"{name}: expected {'true or false' if kind is bool else 'a text'}, got {value!r:.40}")
    if row.get("answer") is None and row.get("attempt") is None:
        raise ValueError("no answer")
    if ok is None and not row.get("comment") and row.get("polarity") is None:
        raise ValueError("no verdict: neither ok nor a comment")
    answer = row.get("attempt") if row.get("answer") is None else row["answer"]
    rest = {name: value for name, value in row.items() if name not in _OWN}
    feedback = comment_from(rest | {"attempt": answer, "comment": row.get("comment") or "-"})
    right = feedback.polarity == "positive" if ok is None else ok
    item = str(number)
    return Known(Example(item, feedback.prompt, target), Answer(item, feedback.attempt.text), right)
