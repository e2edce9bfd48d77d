"""Conversations as people paste them: "User: ..." and "Bot: ..." lines, an empty line between conversations.

Decided here:
- Who speaks is read from the word before the colon, in English or Chinese; a line without one goes on with the turn
  before it. Conversations in JSON ("messages") are the source `jsonl`.
- A conversation that begins without a speaker is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import Line, check_options, read_lines
from sayso.protocols import RawRow

SUFFIXES = (".chat",)
OPTIONS = ("encoding", "end")
_SPEAKERS = {
    "user": ("user", "human", "customer", "q", "用户", "顾客", "客户", "问"),
    "assistant": ("bot", "assistant", "ai", "agent", "a", "助手", "机器人", "客服", "答"),
    "system": ("system", "系统"),
}
_ROLES = {word: role for role, words in _SPEAKERS.items() for word in words}
_TURN = re.compile(
    rf"\s*({'|'.join(sorted(_ROLES, key=len, reverse=True))})\s*[:：]\s*(.*)", re.IGNORECASE | re.DOTALL
)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Conversations in the field "messages". Options: encoding, end (a mark to strip from the end of a turn)."""
    check_options(options, OPTIONS, "chat")
    end = str(options.get("end", "<|endoftext|>"))
    block: list[Line] = []
    for line in read_lines(path, str(options.get("encoding", ""))):
        if line.problem or line.text.strip():
            block.append(line)
        elif block:
            yield _conversation(block, end)
            block = []
    if block:
        yield _conversation(block, end)


def _conversation(block: list[Line], end: str) -> RawRow:
    turns: list[dict[str, str]] = []
    for line in block:
        if line.problem:
            return RawRow(block[0].number, {}, f"{line.problem} in line {line.number}")
        spoken = _TURN.fullmatch(line.text)
        if spoken:
            turns.append({"role": _ROLES[spoken[1].lower()], "content": spoken[2]})
        elif turns:
            turns[-1]["content"] += "\n" + line.text
        else:
            return RawRow(block[0].number, {}, "begins without a speaker (User:, Bot:, 用户：, 助手：)")
    for turn in turns:
        turn["content"] = turn["content"].rstrip().removesuffix(end).rstrip()
    return RawRow(block[0].number, {"messages": turns})
