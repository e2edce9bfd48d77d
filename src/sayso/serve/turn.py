"""One request for an answer, from the ask to the log.

Decided here:
- A stream and a whole answer are the same Deltas. Where an answer corrects itself its text comes when it is decided,
  in one piece: what was streamed could not be taken back.
- A chunk without choices is sent only where the client asked for what it brings: many clients trip over one.
- Tokens of all rounds are counted, for somebody pays for them.
- The log has a response before its last chunk is sent; one whose client left is kept as far as it went.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from fastapi import Request

from sayso.protocols import Ask
from sayso.records import Messages
from sayso.serve.answers import Delta, Heard, Saying, Told, whole
from sayso.serve.correct import by_critic, by_itself, corrected
from sayso.serve.house import House
from sayso.serve.keys import Caller
from sayso.serve.problems import LEFT, Refusal, as_refusal
from sayso.serve.shapes import DONE, Shape, event
from sayso.store.responses import Response, Round, Sort

T = TypeVar("T")
_NAMES = {"chat": "chatcmpl", "completion": "cmpl", "classification": "class", "translation": "transl"}


def new_id(sort: Sort) -> str:
    """An id that nobody can guess: who has it was answered."""
    return f"{_NAMES[sort]}-{secrets.token_hex(12)}"


@dataclass
class Turn:
    """One request under way. `prompt` is what the client asked, `asks` what the model is shown."""

    house: House
    caller: Caller
    prompt: Messages
    asks: Sequence[Ask]
    shape: Shape
    stop: tuple[str, ...] = ()
    rounds: int = 0
    with_trace: bool = False
    with_usage: bool = False
    traces: dict[int, tuple[Round, ...]] = field(default_factory=dict)
    told: Told = field(init=False)
    kept: bool = False

    def __post_init__(self) -> None:
        self.told = Told(len(self.asks))

    async def begin(self) -> Saying:
        """Enter the queue. Refusal where it is full."""
        saying = await self.house.answers.begin(self.asks, self.stop)
        return _Correcting(self, saying) if self.rounds else saying

    async def answer(self, request: Request) -> dict[str, Any]:
        """The whole answer as JSON."""
        self.told = await unless_left(request, self._whole())
        await asyncio.to_thread(self.keep)
        return self.shape.whole(self.told, self.extra())

    async def events(self, saying: Saying) -> AsyncIterator[str]:
        """The answer as server-sent events."""
        try:
            for choice in range(self.told.n):
                yield self.shape.opening(choice)
            async for delta in saying:
                self.told.add(delta)
                if all(self.told.finish):
                    await asyncio.to_thread(self.keep)
                yield self.shape.chunk(delta)
            if self.with_usage or self.with_trace:
                yield self.shape.closing(self.told, self.extra(), self.with_usage)
            yield DONE
        except Exception as error:
            yield event(as_refusal(error).body())
        finally:
            saying.close()
            self.keep()

    async def _whole(self) -> Told:
        return await whole(await self.begin(), len(self.asks))

    def keep(self) -> None:
        """Write it into the log, once; nothing was said, nothing is kept."""
        if self.kept or not any(self.told.texts + self.told.finish):
            return
        self.kept = True
        self.house.metrics.tokens(self.told.prompt_tokens, self.told.completion_tokens)
        trace = tuple(look for choice in sorted(self.traces) for look in self.traces[choice])
        response = Response(
            self.shape.id,
            self.shape.sort,
            self.prompt,
            self.told.choices(),
            self.house.version,
            self.caller.name,
            self.asks[0].sampling,
            trace,
        )
        self.house.log.add([response])

    def extra(self) -> dict[str, Any]:
        """What only this server says of its answer."""
        looks = [self.traces[choice] for choice in sorted(self.traces)]
        extra: dict[str, Any] = {"version": self.house.version, "cut": self.told.cut}
        if self.rounds:
            extra["rounds"] = max(len(trace) - 1 for trace in looks) if looks else 0
        if self.with_trace:
            extra["trace"] = [
                [{"answer": one.answer, "comment": one.comment, "satisfied": one.satisfied} for one in trace]
                for trace in looks
            ]
        return extra


class _Correcting:
    """Waits for the answers, lets each be judged and mended, and then says them."""

    def __init__(self, turn: Turn, saying: Saying) -> None:
        self.turn, self.saying = turn, saying
        self.read = self.written = 0
        self.heard: dict[str, tuple[Heard, ...]] = {}

    async def __aiter__(self) -> AsyncIterator[Delta]:
        turn = self.turn
        first = await whole(self.saying, len(turn.asks))
        self.read, self.written = first.prompt_tokens, first.completion_tokens
        for choice, text in enumerate(first.texts):
            self.heard[text] = tuple(first.tokens[choice])
        texts = await asyncio.gather(*(self._mended(choice, text) for choice, text in enumerate(first.texts)))
        for choice, text in enumerate(texts):
            written = self.written if choice == 0 else 0
            finish = first.finish[choice] if text == first.texts[choice] else "stop"
            yield Delta(choice, text, self.heard[text], finish, self.read, written, first.cut)

    def close(self) -> None:
        """Nobody listens any more."""
        self.saying.close()

    async def _mended(self, choice: int, text: str) -> str:
        turn, house, ask = self.turn, self.turn.house, self.turn.asks[choice]

        async def say(context: Messages) -> str:
            asked = replace(ask, prompt=context, alternatives=ask.alternatives)
            told = await whole(await house.answers.begin([asked], turn.stop), 1)
            self.read, self.written = self.read + told.prompt_tokens, self.written + told.completion_tokens
            self.heard[told.texts[0]] = tuple(told.tokens[0])
            return told.texts[0]

        judge = (
            by_critic(turn.prompt, house.critic)
            if house.critic is not None
            else by_itself(turn.prompt, say, house.rules)
        )
        shown = ask.prompt if not isinstance(ask.prompt, str) else turn.prompt
        answer, turn.traces[choice] = await corrected(shown, text, turn.rounds, judge, say)
        return answer


async def unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What work comes to; it is cancelled when the client leaves (Refusal, which nobody reads)."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refusal(LEFT, "the client left", "left")
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


def now() -> int:
    """Seconds since 1970, as OpenAI's `created`."""
    return int(time.time())


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
