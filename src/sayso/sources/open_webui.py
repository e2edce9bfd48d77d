"""Exports of Open WebUI: the feedback of its evaluations page, or chats, with ratings and what users said next.

Decided here:
- A feedback is about the message that it names in its snapshot of the chat; the prompt is the way from the chat's
  beginning to it, along the parents. One without its snapshot is listed.
- A thumb is a verdict; the words are the comment, else the chosen reason. A thumb down that says neither is listed,
  for nothing is to be learnt from it.
- Of a chat, rated messages are comments, and the branch that was read last is a conversation: what its user said after
  an answer is a comment on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options
from sayso.dataset.objects import json_objects
from sayso.dataset.remarks import said, verdict
from sayso.protocols import RawRow

SUFFIXES: tuple[str, ...] = ()
Fields = Mapping[str, Any]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Comments, and conversations in the field "messages". No options."""
    check_options(options, (), "open_webui")
    for row in json_objects(Path(path)):
        if row.problem:
            yield row
        elif "snapshot" in row.fields or {"meta", "data"} <= set(row.fields):
            yield _feedback(row)
        else:
            yield from _chat(row)


def _feedback(row: RawRow) -> RawRow:
    data, meta = _object(row.fields, "data"), _object(row.fields, "meta")
    messages = _messages(_object(row.fields, "snapshot"))
    name = str(meta.get("message_id") or "")
    if name not in messages:
        return RawRow(row.line, {}, f"its message '{name}' is not in a snapshot of the chat")
    return _rated(row, messages, name, data)


def _chat(row: RawRow) -> Iterator[RawRow]:
    messages = _messages(row.fields)
    rated = {name: _object(one, "annotation") for name, one in messages.items() if _object(one, "annotation")}
    yield from (_rated(row, messages, name, rating) for name, rating in rated.items())
    turns = _way(messages, _current(row.fields, messages))
    follows = any(pair == ("assistant", "user") for pair in pairwise(turn["role"] for turn in turns))
    if follows:
        yield RawRow(row.line, {"messages": turns, "author": str(row.fields.get("user_id") or "")})
    elif not rated:
        yield RawRow(row.line, {}, "no rated answer, and no turn of the user follows an answer")


def _rated(row: RawRow, messages: Mapping[str, Fields], name: str, rating: Fields) -> RawRow:
    *prompt, answer = _way(messages, name) or [{"role": "", "text": ""}]
    polarity, reason = verdict(rating.get("rating")), str(rating.get("reason") or "").replace("_", " ")
    words = str(rating.get("comment") or "").strip() or reason.strip()
    if answer["role"] != "assistant" or not prompt:
        return RawRow(row.line, {}, "the rated message answers nothing")
    if not words and polarity != "positive":
        return RawRow(row.line, {}, "a rating without a comment or a reason")
    who = str(row.fields.get("user_id") or "")
    common = {"prompt": prompt, "attempt": answer["text"], "comment": words, "author": who}
    return RawRow(row.line, common | ({"polarity": polarity} if polarity else {}))


def _way(messages: Mapping[str, Fields], name: str) -> list[dict[str, str]]:
    """The turns from the beginning to a message; each is gone over once."""
    turns: list[dict[str, str]] = []
    seen: set[str] = set()
    while name in messages and name not in seen:
        seen.add(name)
        one = messages[name]
        turns.append({"role": str(one.get("role") or ""), "text": said(one.get("content"))})
        name = str(one.get("parentId") or "")
    return turns[::-1]


def _messages(fields: Fields) -> dict[str, Fields]:
    """The messages by their ids: a feedback's snapshot holds a chat, whose content is in `chat` again."""
    while isinstance(fields.get("chat"), Mapping):
        fields = fields["chat"]
    found = _object(_object(fields, "history"), "messages")
    return {str(name): one for name, one in found.items() if isinstance(one, Mapping)}


def _current(fields: Fields, messages: Mapping[str, Fields]) -> str:
    while isinstance(fields.get("chat"), Mapping):
        fields = fields["chat"]
    return str(_object(fields, "history").get("currentId") or next(reversed(list(messages)), ""))


def _object(fields: Fields, name: str) -> Fields:
    found = fields.get(name)
    return found if isinstance(found, Mapping) else {}
