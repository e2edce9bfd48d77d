"""/v1/chat/completions and /v1/completions, as OpenAI's clients call them.

Decided here:
- Greedy, or as the recipe says, where the client does not say; with a temperature and no seed every answer is another.
- A model's name must be the one that is served: an answer from another model than the one asked for is no answer.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from sayso.errors import nearest
from sayso.protocols import Ask
from sayso.records import Message, Messages, Sampling, user
from sayso.serve.guard import Needs
from sayso.serve.house import House, Limits, sampling_of
from sayso.serve.keys import Caller
from sayso.serve.problems import Refusal, documented
from sayso.serve.schemas import ChatMessage, ChatRequest, Completion, CompletionRequest, Drawing
from sayso.serve.shapes import Shape
from sayso.serve.turn import Turn, new_id, now, unless_left

_EVENT = {"type": "object", "required": ["data"], "properties": {"data": {"type": "string"}}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": _EVENT}}, "description": "whole, or as server-sent events"}
}
_RESPONSES = _STREAM | documented(400, 401, 403, 404, 413, 422, 429, 502, 504)


def chat_router(house: House, limits: Limits, needs: Needs) -> APIRouter:
    """The routes that answer in words."""
    router, client = APIRouter(prefix="/v1", tags=["answers"]), Depends(needs("client"))

    @router.post("/chat/completions", response_model=Completion, responses=_RESPONSES)
    async def chat(body: ChatRequest, request: Request, caller: Caller = client) -> Any:
        """Answer a conversation, whole or as a stream."""
        served(house, body.model)
        if body.top_logprobs and not body.logprobs:
            raise Refusal(400, "top_logprobs needs logprobs: true", "invalid", param="top_logprobs")
        prompt = tuple(_message(one) for one in body.messages)
        sampling = _sampling(house, limits, body, body.max_completion_tokens or body.max_tokens)
        rounds = limits.self_correct if body.self_correct is None else body.self_correct
        told = (body.top_logprobs or 0) if body.logprobs else None
        asks = _asks(house.shown(prompt), sampling, body.n, told)
        shape = Shape("chat", new_id("chat"), now(), house.name, house.version, told)
        turn = Turn(house, caller, prompt, asks, shape, _stops(body), rounds, body.trace, _with_usage(body))
        return await _given(turn, body, request)

    @router.post("/completions", response_model=Completion, responses=_RESPONSES)
    async def complete(body: CompletionRequest, request: Request, caller: Caller = client) -> Any:
        """Go on with a plain text, or with several."""
        served(house, body.model)
        texts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
        sampling = _sampling(house, limits, body, body.max_tokens)
        asks = [ask for text in texts for ask in _asks(text, sampling, body.n, body.logprobs)]
        shape = Shape("completion", new_id("completion"), now(), house.name, house.version, body.logprobs)
        prompt = tuple(message for text in texts for message in user(text))
        turn = Turn(house, caller, prompt, asks, shape, _stops(body), with_usage=_with_usage(body))
        return await _given(turn, body, request)

    return router


def served(house: House, name: str) -> None:
    """Refusal (404) for another model than the one that is served; no name is that one."""
    if name and name != house.name:
        fix = nearest(name, [house.name], f"this server has '{house.name}'")
        raise Refusal(404, f"there is no such model here; {fix}", "model_not_found", param="model")


# ---------------------------------------------------------------- inside


async def _given(turn: Turn, body: Drawing, request: Request) -> Any:
    if turn.house.kind == "encoder":
        raise Refusal(400, "this model is an encoder: it writes nothing; ask /v1/classify", "not_possible")
    if not body.stream:
        return await turn.answer(request)
    saying = await unless_left(request, turn.begin())
    return StreamingResponse(
        turn.events(saying), media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
    )


def _message(given: ChatMessage) -> Message:
    text = given.content if isinstance(given.content, str) else "".join(part.text for part in given.content)
    return Message("system" if given.role == "developer" else given.role, text)


def _sampling(house: House, limits: Limits, body: Drawing, most: int | None) -> Sampling:
    names = ("temperature", "top_p", "top_k", "repetition_penalty", "seed")
    asked = {name: getattr(body, name) for name in names} | {"max_new_tokens": most}
    sampling = sampling_of(house.task.sampling, limits.most_tokens, asked)
    if sampling.temperature > 0 and body.seed is None:
        return replace(sampling, seed=secrets.randbits(31))
    return sampling


def _asks(prompt: Messages | str, sampling: Sampling, n: int, told: int | None) -> list[Ask]:
    alternatives = 0 if told is None else max(1, told)  # an upstream says log-probabilities only where some are asked
    return [Ask(prompt, replace(sampling, seed=sampling.seed + i), alternatives) for i in range(n)]


def _stops(body: Drawing) -> tuple[str, ...]:
    return (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())


def _with_usage(body: Drawing) -> bool:
    return body.stream_options is not None and body.stream_options.include_usage
