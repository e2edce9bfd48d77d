"""Comments from JSONL, one per line, as people write them or as the store exports them.

Decided here:
- A plain row is enough: {"prompt": "...", "attempt": "...", "comment": "..."}; `revision`, `author` (a name), `when`
  (the condition of a rule) and every other field of Feedback may be added, in its short form or in the full one.
- A row of a log of chats is a conversation, {"messages": [{"role": "user", "content": "..."}, ...]}: each turn of the
  user that follows an answer is a comment on it, by the author kind `user_turn`.
- A line that is no comment is listed with its number and the reason; the others are read. Nothing is guessed: an
  unknown field is a reason, with the nearest name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sayso.errors import FeedbackError, nearest
from sayso.protocols import RawRow
from sayso.records import Feedback, from_json

T = TypeVar("T")
_KNOWN = (*(f.name for f in fields(Feedback)), "when")
_NEEDED = ("prompt",)
_IN_MESSAGES = ("prompt", "attempt", "comment", "revision", "spans", "item")


class Comments(NamedTuple):
    """What a file held: the comments, (line number, reason) of every line that is none, and each comment's line."""

    feedback: list[Feedback]
    refused: list[tuple[int, str]]
    lines: tuple[int, ...] = ()


def read_comments(path: Path) -> Comments:
    """The comments in a JSONL file. Raises FeedbackError only where the file itself cannot be read."""
    return comments_of(numbered_lines(path))


def comments_of(lines: Iterable[tuple[int, bytes]]) -> Comments:
    """The comments in numbered lines; blank lines are no lines."""
    read, refused = read_rows(lines, lambda number, row: [(number, one) for one in _one_or_more(row)])
    found = [one for comments in read for one in comments]
    return Comments([one for _, one in found], refused, tuple(number for number, _ in found))


def comments_in(rows: Iterable[RawRow]) -> Comments:
    """The comments in the rows of a source, which are plain rows or conversations; a row that is none is listed."""
    found: list[tuple[int, Feedback]] = []
    refused: list[tuple[int, str]] = []
    for row in rows:
        try:
            found += [(row.line, one) for one in _of_row(row)]
        except ValueError as error:
            refused.append((row.line, _reason(error)))
    return Comments([one for _, one in found], refused, tuple(number for number, _ in found))


def numbered_lines(path: Path) -> Iterable[tuple[int, bytes]]:
    """A file's lines, counted from 1. Raises FeedbackError where it cannot be read."""
    try:
        raw = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        fix = "paths in a recipe are relative to the recipe"
        raise FeedbackError(f"the comments cannot be read: {reason}", where=str(path), fix=fix) from None
    return enumerate(raw.split(b"\n"), 1)


def read_rows(
    lines: Iterable[tuple[int, bytes]], reading: Callable[[int, Mapping[str, Any]], T]
) -> tuple[list[T], list[tuple[int, str]]]:
    """What `reading` makes of each object with its line's number; and by number the lines it refuses, with why."""
    found: list[T] = []
    refused: list[tuple[int, str]] = []
    for number, line in lines:
        if line.strip():
            try:
                found.append(reading(number, _object(line)))
            except (ValueError, RecursionError) as error:
                refused.append((number, _reason(error)))
    return found, refused


def comment_from(row: Mapping[str, Any]) -> Feedback:
    """One row as Feedback. Raises ValueError with the reason."""
    for name in row:
        if name not in _KNOWN:
            raise ValueError(f"unknown field '{name}'; {nearest(name, _KNOWN)}")
    for name in _NEEDED:
        if not row.get(name):
            raise ValueError(f"no {name}")
    full = {name: value for name, value in row.items() if value is not None and name != "when"}
    full["prompt"] = _prompt(row["prompt"])
    full["attempt"] = _wrapped(row.get("attempt", ""), "text")
    full.setdefault("comment", "")
    if "author" in full:
        full["author"] = _wrapped(full["author"], "id")
    if "scope" in full or "when" in row:
        full["scope"] = _scope(full.get("scope"), row.get("when"))
    feedback = from_json(Feedback, full)
    _check(feedback)
    return feedback


def next_turns(row: Mapping[str, Any]) -> list[Feedback]:
    """What the user said to each answer of a conversation; other fields hold for all. ValueError with the reason."""
    for name in _IN_MESSAGES:
        if name in row:
            raise ValueError(f"'{name}' beside 'messages', which say what was asked, answered and said next")
    turns = _prompt(row["messages"])
    others = {name: value for name, value in row.items() if name != "messages"}
    author = _wrapped(row.get("author"), "id")
    others["author"] = {"kind": "user_turn"} | author if isinstance(author, dict) else author
    said = [
        comment_from({**others, "prompt": turns[:i], "attempt": turns[i].get("text"), "comment": turns[i + 1]["text"]})
        for i in _answers(turns)
    ]
    if not said:
        raise ValueError("messages: no turn of the user follows an answer")
    return said


# ---------------------------------------------------------------- inside


def _of_row(row: RawRow) -> list[Feedback]:
    if row.problem:
        raise ValueError(row.problem)
    return _one_or_more(row.fields)


def _one_or_more(row: Mapping[str, Any]) -> list[Feedback]:
    return next_turns(row) if "messages" in row else [comment_from(row)]


def _answers(turns: Sequence[Any]) -> Iterator[int]:
    """The places of answers to the user that the user said something to."""
    roles = [turn.get("role") if isinstance(turn, dict) else None for turn in turns]
    for i, pair in enumerate(pairwise(roles)):
        if pair == ("assistant", "user") and "user" in roles[:i] and str(turns[i + 1].get("text", "")).strip():
            yield i


def _object(line: bytes) -> Mapping[str, Any]:
    row = json.loads(line.decode("utf-8"))
    if not isinstance(row, dict):
        raise ValueError(f"{type(row).__name__} where an object {{...}} was expected")
    return row


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg.lower()} at character {error.pos + 1}"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start + 1}"
    if isinstance(error, UnicodeEncodeError):
        return "half a character (a lone surrogate)"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _prompt(raw: Any) -> list[Any]:
    if isinstance(raw, str):
        return [{"role": "user", "text": raw}]
    if not isinstance(raw, list):
        raise ValueError("prompt: expected a text or a list of messages")
    return [
        {"role": turn.get("role"), "text": turn["content"]} if isinstance(turn, dict) and "content" in turn else turn
        for turn in raw
    ]


def _wrapped(raw: Any, name: str) -> Any:
    return {name: raw} if isinstance(raw, str) else raw if raw is not None else {name: ""}


def _scope(scope: Any, when: Any) -> Any:
    """ "everywhere", or {"reach": ..., "when": ...}; a condition alone makes it a rule."""
    full = {"reach": scope} if isinstance(scope, str) else dict(scope) if isinstance(scope, dict) else scope
    if not when:
        return full if full is not None else {}
    return {"reach": "rule"} | (full if isinstance(full, dict) else {}) | {"when": when}


def _check(feedback: Feedback) -> None:
    praise, shows = feedback.polarity == "positive", feedback.revision is not None or bool(feedback.spans)
    if not (feedback.comment.strip() or shows or praise):
        raise ValueError("neither a comment nor a revision")
    if not (math.isfinite(feedback.confidence) and 0 <= feedback.confidence <= 1):
        raise ValueError(f"confidence: expected 0 to 1, got {feedback.confidence}")
    end = len(feedback.attempt.text)
    for span in feedback.spans:
        if not 0 <= span.start <= span.end <= end:
            raise ValueError(f"spans: [{span.start}, {span.end}) is not within the attempt's {end} characters")
    texts = (feedback.comment, feedback.revision or "", feedback.attempt.text, *(m.text for m in feedback.prompt))
    for text in texts:
        text.encode("utf-8")
