"""Conversations in JSON, in the two forms that are about: {role, content} and {from, value}.

Decided here:
- The last turn of the assistant is the answer, what stands before it the prompt, what comes after it is left out.
- "human" is a user, "gpt", "bot" and "model" are assistants; a turn of anybody else makes the row unusable, with the
  name in the reason. Content in parts is joined where all parts are text.
"""

from __future__ import annotations

import json
from typing import Any

from sayso.dataset.labels import Unusable, kind_of
from sayso.dataset.texts import visible
from sayso.records import Message, Messages, Role

_ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "system": "system",
    "用户": "user",
    "助手": "assistant",
    "系统": "system",
}


def conversation(raw: Any) -> tuple[Messages, str | None]:
    """Prompt and answer; the answer is None where the assistant never speaks. Raises Unusable with the reason."""
    turns = [_message(turn, number) for number, turn in enumerate(_turns(raw), 1)]
    last = max((i for i, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
    if last == 0:
        raise Unusable("the conversation begins with its answer: there is no prompt")
    if last < 0:
        return tuple(turns), None
    if not visible(turns[last].text):
        raise Unusable("empty answer")
    return tuple(turns[:last]), turns[last].text


def _turns(raw: Any) -> list[Any]:
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            raise Unusable("the messages are text that is not JSON") from None
    if not isinstance(raw, list):
        raise Unusable(f"the messages are {kind_of(raw)}, not a list of turns")
    if not raw:
        raise Unusable("no messages")
    return raw


def _message(turn: Any, number: int) -> Message:
    if not isinstance(turn, dict):
        raise Unusable(f"turn {number} is {kind_of(turn)}, not an object with role and content")
    role = turn.get("role", turn.get("from"))
    if not isinstance(role, str) or role.strip().lower() not in _ROLES:
        shown = repr(role)[:40]
        raise Unusable(f"turn {number} is spoken by {shown}, not by user, assistant or system")
    text = _content(turn.get("content", turn.get("value")), number)
    return Message(_ROLES[role.strip().lower()], text.strip())


def _content(content: Any, number: int) -> str:
    if isinstance(content, list) and all(isinstance(part, dict) and "text" in part for part in content):
        content = "".join(str(part["text"]) for part in content)
    if not isinstance(content, str):
        raise Unusable(f"the content of turn {number} is {kind_of(content)}, not text")
    return content
