"""Answers in OpenAI's JSON: whole, and as the chunks of a stream.

Decided here: JSON knows no infinity, so a log-probability below -9999 is -9999, as OpenAI has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sayso.serve.answers import Delta, Heard, Told

LOWEST = -9999.0
DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """Which of the two forms, and what every chunk repeats. `logprobs`: likeliest tokens told; None for none."""

    sort: Literal["chat", "completion"]
    id: str
    created: int
    model: str
    version: str
    logprobs: int | None = None

    def whole(self, told: Told, extra: Mapping[str, Any]) -> dict[str, Any]:
        """The answer that is not streamed."""
        choices = [self._choice(i, told.texts[i], told.tokens[i], told.finish[i], "message") for i in range(told.n)]
        kind = "chat.completion" if self.sort == "chat" else "text_completion"
        return {"object": kind, **self._head(), "choices": choices, "usage": usage(told), "sayso": dict(extra)}

    def opening(self, choice: int) -> str:
        """The chunk that says who speaks; a plain completion has none."""
        if self.sort != "chat":
            return ""
        return self._event([{"index": choice, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])

    def chunk(self, delta: Delta) -> str:
        """A part of one choice; the last brings the reason why it ends, in a chunk of its own as OpenAI has it."""
        events = ""
        if delta.text or (delta.tokens and self.logprobs is not None):
            events = self._event([self._choice(delta.choice, delta.text, delta.tokens, None, "delta")])
        if delta.finish:
            empty: dict[str, Any] = {"delta": {}} if self.sort == "chat" else {"text": ""}
            last = {"index": delta.choice, **empty, "logprobs": None, "finish_reason": delta.finish}
            events += self._event([last])
        return events

    def closing(self, told: Told, extra: Mapping[str, Any], with_usage: bool) -> str:
        """The chunk without choices: usage where it was asked for, and what is ours."""
        more: dict[str, Any] = {"sayso": dict(extra)} | ({"usage": usage(told)} if with_usage else {})
        return self._event([], more)

    # ------------------------------------------------------------ inside

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "created": self.created, "model": self.model, "system_fingerprint": self.version}

    def _event(self, choices: list[dict[str, Any]], more: Mapping[str, Any] | None = None) -> str:
        kind = "chat.completion.chunk" if self.sort == "chat" else "text_completion"
        return event({"object": kind, **self._head(), "choices": choices, **(more or {})})

    def _choice(self, i: int, text: str, tokens: Sequence[Heard], finish: str | None, where: str) -> dict[str, Any]:
        if self.sort == "completion":
            said = {"text": text, "logprobs": None if self.logprobs is None else _legacy(tokens, self.logprobs)}
        else:
            turn = {"content": text} | ({"role": "assistant", "refusal": None} if where == "message" else {})
            said = {where: turn, "logprobs": None}
            if self.logprobs is not None:
                said["logprobs"] = {"content": [_told(one, self.logprobs) for one in tokens], "refusal": None}
        return {"index": i, **said, "finish_reason": finish}


def event(body: Mapping[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def usage(told: Told) -> dict[str, int]:
    """Tokens read and written."""
    read, written = told.prompt_tokens, told.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


# ---------------------------------------------------------------- inside


def _told(token: Heard, most: int) -> dict[str, Any]:
    others = [_pair(text, logprob) for text, logprob in token.others[:most]]
    return _pair(token.text, token.logprob) | {"top_logprobs": others}


def _pair(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": max(LOWEST, logprob), "bytes": list(text.encode("utf-8", "replace"))}


def _legacy(tokens: Sequence[Heard], most: int) -> dict[str, Any]:
    places = [0]
    for token in tokens:
        places.append(places[-1] + len(token.text))
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [max(LOWEST, token.logprob) for token in tokens],
        "top_logprobs": [{text: max(LOWEST, logprob) for text, logprob in token.others[:most]} for token in tokens],
        "text_offset": places[:-1],
    }
