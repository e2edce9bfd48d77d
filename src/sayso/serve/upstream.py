"""Answers from another OpenAI-compatible server: this one keeps the feedback side in front of it.

Decided here:
- What the upstream is sent is the conversation as the model was trained to see it, standing words and all.
- It is always asked for a stream, whoever asks here: text goes on as it comes, and a client that leaves ends it there.
- Only the address that was named is asked, without redirects; the key comes from the environment (endpoint.py).
- That server has a queue of its own; its 429 and its Retry-After are handed on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from sayso.endpoint import Endpoint
from sayso.protocols import Ask
from sayso.serve.answers import Delta, Heard
from sayso.serve.problems import Refusal

T = TypeVar("T")
CONNECT_SECONDS = 10.0


class Upstream:
    """One model behind an address, as what answers."""

    def __init__(self, endpoint: Endpoint, at_once: int = 64) -> None:
        self.endpoint, self.at_once = endpoint, at_once
        self._client: httpx.AsyncClient | None = None
        self._under_way = 0

    def start(self) -> None:
        """Open the connections."""
        headers = {"Authorization": f"Bearer {self.endpoint.key}"} if self.endpoint.key else {}
        seconds = httpx.Timeout(self.endpoint.seconds, connect=CONNECT_SECONDS)
        self._client = httpx.AsyncClient(headers=headers, timeout=seconds, trust_env=False)

    async def stop(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def waiting(self) -> int:
        """Answers that are under way: which of them wait, the upstream knows."""
        return self._under_way

    async def begin(self, asks: Sequence[Ask], stop: Sequence[str] = ()) -> _Saying:
        """Ask for all of these at once. Refusal: 429 as the upstream says, 502 where it does not answer."""
        if self._under_way + len(asks) > self.at_once:
            raise Refusal(
                429, f"{self._under_way} answers are under way already", "busy", headers={"Retry-After": "1"}
            )
        assert self._client is not None
        self._under_way += len(asks)
        opening = [asyncio.ensure_future(self._open(ask, stop)) for ask in asks]
        try:
            streams = await asyncio.gather(*opening)
        except BaseException:
            self._under_way -= len(asks)
            await _given_up(opening)
            raise
        return _Saying(streams, self._closed(len(asks)))

    async def call(self, work: Callable[[], T]) -> T:
        """Other work on the upstream, in a thread."""
        return await asyncio.to_thread(work)

    # ------------------------------------------------------------ inside

    def _closed(self, count: int) -> Callable[[], None]:
        def closed() -> None:
            self._under_way -= count

        return closed

    async def _open(self, ask: Ask, stop: Sequence[str]) -> httpx.Response:
        assert self._client is not None
        plain = isinstance(ask.prompt, str)
        url = f"{self.endpoint.address}/{'completions' if plain else 'chat/completions'}"
        request = self._client.build_request("POST", url, json=_body(self.endpoint.model, ask, stop))
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Refusal(502, f"the upstream does not answer: {type(error).__name__}", "upstream") from None
        if answer.status_code == 200:
            return answer
        said = (await answer.aread())[:4096]
        await answer.aclose()
        raise _refused(answer.status_code, said, answer.headers.get("Retry-After"))


class _Saying:
    """The upstream's streams, each a choice, as one."""

    def __init__(self, streams: Sequence[httpx.Response], closed: Callable[[], None]) -> None:
        self._streams, self._closed, self._open = streams, closed, True
        self._tasks: list[asyncio.Task[None]] = []

    async def __aiter__(self) -> AsyncIterator[Delta]:
        items: asyncio.Queue[Delta | BaseException] = asyncio.Queue()
        self._tasks = [asyncio.create_task(_listen(i, one, items)) for i, one in enumerate(self._streams)]
        left = len(self._streams)
        while left:
            item = await items.get()
            if isinstance(item, BaseException):
                raise item
            left -= bool(item.finish)
            yield item

    def close(self) -> None:
        """Nobody listens any more: the upstream is told by the closing of its connection."""
        if self._open:
            self._open = False
            self._closed()
            for task in self._tasks:
                task.cancel()
            self._closing = [asyncio.create_task(one.aclose()) for one in self._streams]


async def _given_up(opening: Sequence[asyncio.Future[httpx.Response]]) -> None:
    for one in opening:
        one.cancel()
    for found in await asyncio.gather(*opening, return_exceptions=True):
        if isinstance(found, httpx.Response):
            await found.aclose()


async def _listen(choice: int, stream: httpx.Response, items: asyncio.Queue[Delta | BaseException]) -> None:
    finish, usage, tokens = "", {"prompt_tokens": 0, "completion_tokens": 0}, 0
    try:
        async for line in stream.aiter_lines():
            if not line.startswith("data:") or line.strip() == "data: [DONE]":
                continue
            event = json.loads(line[5:])
            if "error" in event:
                raise Refusal(502, f"the upstream broke off: {str(event['error'])[:200]}", "upstream")
            usage |= {name: value for name, value in (event.get("usage") or {}).items() if name in usage}
            for part in event.get("choices") or ():
                text, heard = _part(part)
                tokens += max(len(heard), bool(text))
                finish = part.get("finish_reason") or finish
                if text or heard:
                    items.put_nowait(Delta(choice, text, heard))
        said = int(usage["completion_tokens"] or tokens)
        last = "length" if finish == "length" else "stop"
        items.put_nowait(Delta(choice, "", finish=last, prompt_tokens=int(usage["prompt_tokens"]), tokens_said=said))
    except Refusal as error:
        items.put_nowait(error)
    except (httpx.HTTPError, ValueError, TypeError, AttributeError, KeyError) as error:
        items.put_nowait(Refusal(502, f"the upstream broke off: {type(error).__name__}", "upstream"))


def _body(model: str, ask: Ask, stop: Sequence[str]) -> dict[str, Any]:
    """The standard fields; the others only where they say something, since not every server knows them."""
    sampling = ask.sampling
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if isinstance(ask.prompt, str):
        body |= {"prompt": ask.prompt} | ({"logprobs": ask.alternatives} if ask.alternatives else {})
    else:
        body["messages"] = [{"role": message.role, "content": message.text} for message in ask.prompt]
        body |= {"logprobs": True, "top_logprobs": ask.alternatives} if ask.alternatives else {}
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": sampling.seed}
        body |= {"top_k": sampling.top_k} if sampling.top_k else {}
    body |= {"repetition_penalty": sampling.repetition_penalty} if sampling.repetition_penalty != 1 else {}
    return body | ({"stop": list(stop)} if stop else {})


def _part(choice: Mapping[str, Any]) -> tuple[str, tuple[Heard, ...]]:
    text = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
    found = (choice.get("logprobs") or {}).get("content") or ()
    heard = tuple(
        Heard(
            str(one["token"]),
            float(one["logprob"]),
            tuple((str(other["token"]), float(other["logprob"])) for other in one.get("top_logprobs") or ()),
        )
        for one in found
    )
    return str(text), heard


def _refused(status: int, said: bytes, pause: str | None) -> Refusal:
    """What the upstream says of the request is the client's to mend; what it says of us is not."""
    try:
        plain = json.loads(said)["error"]
        words = str(plain["message"] if isinstance(plain, dict) else plain)[:300]
    except (ValueError, KeyError, TypeError):
        words = f"HTTP {status}"
    if status == 429:
        return Refusal(429, f"the upstream is busy: {words}", "busy", headers={"Retry-After": pause or "1"})
    if status in (400, 413, 422):
        return Refusal(400, f"the upstream refuses: {words}", "upstream")
    return Refusal(502, f"the upstream does not answer as it should (HTTP {status})", "upstream")
