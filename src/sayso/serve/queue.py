"""Answers in batches from one model, whose turn is kept by a bounded queue.

Decided here:
- One thread works with the model. What waits when it is free is answered together, so batches grow with the load and
  nobody waits for a batch to fill.
- A request is taken whole or refused at once with a time to come back: what is accepted is answered.
- A row that nobody listens to any more is dropped at the next token; one that still waits is never begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sayso.protocols import Ask, Encoded, Token, Voice
from sayso.serve.answers import Delta, Heard
from sayso.serve.metrics import Metrics
from sayso.serve.problems import Refusal
from sayso.serve.text import Telling

T = TypeVar("T")
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Room:
    """How much fits: answers that may wait, rows and prompt tokens of a batch, and seconds for a request."""

    waiting: int = 64
    rows: int = 16
    tokens: int = 8192
    seconds: float = 120.0


class Line:
    """What a worker puts in and one listener takes out, in their different threads."""

    def __init__(self, seconds: float) -> None:
        self._loop, self._items = asyncio.get_running_loop(), asyncio.Queue[Any]()
        self._until = time.monotonic() + seconds
        self.left = False

    def put(self, item: Any) -> None:
        """From any thread. After the server has ended nobody is there to hear it."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    async def get(self) -> Any:
        """The next item; errors that were put in are raised. Refusal (504) where the time is over."""
        try:
            item = await asyncio.wait_for(self._items.get(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            self.left = True
            raise Refusal(504, "the answer took too long", "timeout") from None
        if isinstance(item, BaseException):
            raise item
        return item


@dataclass
class _Row:
    """One answer that waits or is under way."""

    ask: Ask
    choice: int
    line: Line
    telling: Telling
    encoded: Encoded | None = None
    held: list[Heard] = field(default_factory=list)


@dataclass
class _Call:
    """Work of another kind in its turn."""

    work: Callable[[], Any]
    line: Line


class Queue:
    """A Voice with a queue before it."""

    def __init__(self, voice: Voice, room: Room, metrics: Metrics) -> None:
        self.voice, self.room, self.metrics = voice, room, metrics
        self._waiting: deque[_Row | _Call] = deque()
        self._changed = threading.Condition()
        self._open = True
        self._pace = 1.0  # seconds that an answer has lately taken, others beside it
        self._worker = threading.Thread(target=self._work, name="sayso-voice", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._worker.start()

    async def stop(self) -> None:
        """End after the batch that is under way; whatever waits is refused, and the model's memory given back."""
        with self._changed:
            self._open = False
            self._changed.notify()
        await asyncio.to_thread(self._worker.join, self.room.seconds)
        if not self._worker.is_alive():
            self.voice.close()

    def waiting(self) -> int:
        """How many answers wait for their turn."""
        return sum(not job.line.left for job in tuple(self._waiting))

    async def begin(self, asks: Sequence[Ask], stop: Sequence[str] = ()) -> _Saying:
        """Answer all of these. Refusal (429) where they do not fit into the queue."""
        line = Line(self.room.seconds)
        rows = [_Row(ask, choice, line, Telling(self.voice.decode, stop)) for choice, ask in enumerate(asks)]
        self._enter(rows)
        return _Saying(line, len(rows))

    async def call(self, work: Callable[[], T]) -> T:
        """Let work that needs the model be done in its turn."""
        line = Line(self.room.seconds)
        self._enter([_Call(work, line)])
        try:
            result: T = (await line.get())[0]
            return result
        finally:
            line.left = True

    # ------------------------------------------------------------ in the loop's thread

    def _enter(self, jobs: Sequence[_Row | _Call]) -> None:
        with self._changed:
            waits = self.waiting()
            if not self._open or waits + len(jobs) > self.room.waiting:
                self.metrics.refused("queue")
                raise _busy(waits, self._pace)
            self._waiting.extend(jobs)
            self._changed.notify()

    # ------------------------------------------------------------ in the worker's thread

    def _work(self) -> None:
        while (jobs := self._next()) is not None:
            begun = time.monotonic()
            try:
                if isinstance(jobs, _Call):
                    jobs.line.put((jobs.work(),))
                else:
                    self._speak(jobs)
            except BaseException as error:
                for job in jobs if isinstance(jobs, list) else [jobs]:
                    job.line.put(error)
            count = len(jobs) if isinstance(jobs, list) else 1
            self._pace = 0.8 * self._pace + 0.2 * (time.monotonic() - begun) / max(1, count)

    def _next(self) -> list[_Row] | _Call | None:
        """The next turn: a call by itself, or the rows that fit together. None when all is over."""
        with self._changed:
            while self._open and not self._waiting:
                self._changed.wait()
            if not self._open:
                for job in self._waiting:
                    job.line.put(Refusal(503, "the server is shutting down", "closing"))
                return None
            if isinstance(self._waiting[0], _Call):
                call = self._waiting.popleft()
                assert isinstance(call, _Call)
                return call if not call.line.left else []
            return self._rows()

    def _rows(self) -> list[_Row]:
        """The rows at the head of the queue, as many as fit; those that nobody waits for are let go."""
        rows: list[_Row] = []
        longest = 0
        while self._waiting and len(rows) < self.room.rows:
            row = self._waiting[0]
            if isinstance(row, _Call):
                break
            if not row.line.left:
                try:
                    row.encoded = row.encoded or self.voice.encoded(row.ask)
                except BaseException as error:
                    row.line.left = True
                    row.line.put(error)
                    self._waiting.popleft()
                    continue
                longest = max(longest, len(row.encoded.ids) + row.ask.sampling.max_new_tokens)
                if rows and longest * (len(rows) + 1) > self.room.tokens:
                    break
                rows.append(row)
            self._waiting.popleft()
        return rows

    def _speak(self, rows: list[_Row]) -> None:
        if not rows:
            return
        self.metrics.batch(len(rows))
        prompts = [row.encoded for row in rows if row.encoded is not None]

        def heard(tokens: Sequence[Token]) -> Collection[int]:
            for token in tokens:
                self._tell(rows[token.row], token)
            return [place for place, row in enumerate(rows) if row.line.left or row.telling.finish]

        self.voice.speak([row.ask for row in rows], prompts, heard)

    def _tell(self, row: _Row, token: Token) -> None:
        if row.line.left or row.telling.finish:
            return
        others = tuple((self.voice.piece(other), logprob) for other, logprob in token.alternatives)
        row.held.append(Heard(self.voice.piece(token.id), token.logprob, others, token.id))
        text = row.telling.add(token)
        if text or row.telling.finish:
            row.line.put(self._delta(row, text))
            row.held.clear()

    @staticmethod
    def _delta(row: _Row, text: str) -> Delta:
        finish, prompt = row.telling.finish, row.encoded or Encoded(())
        if not finish:
            return Delta(row.choice, text, tuple(row.held))
        said = len(row.telling.ids)
        return Delta(row.choice, text, tuple(row.held), finish, len(prompt.ids), said, prompt.cut)


class _Saying:
    """The listener's end."""

    def __init__(self, line: Line, choices: int) -> None:
        self._line, self._open = line, choices

    async def __aiter__(self) -> AsyncIterator[Delta]:
        while self._open:
            delta: Delta = await self._line.get()
            self._open -= bool(delta.finish)
            yield delta

    def close(self) -> None:
        """Nobody listens any more."""
        self._line.left = True


def _busy(waits: int, pace: float) -> Refusal:
    """Come back when about half of those who wait have been answered."""
    seconds = min(LONGEST_WAIT, max(1.0, math.ceil(waits * pace / 2)))
    words = f"{waits} answers are waiting already; come back in {seconds:.0f} s"
    return Refusal(429, words, "busy", headers={"Retry-After": f"{seconds:.0f}"})
