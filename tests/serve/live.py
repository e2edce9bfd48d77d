"""A server on this machine, with a model that says what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from sayso.protocols import Ask, Encoded, Task, Token
from sayso.records import GREEDY, Answer, Example, Messages, Reply, Sampling
from sayso.serve.app import create_app
from sayso.serve.house import House, Limits
from sayso.serve.keys import Keys
from sayso.serve.metrics import Metrics
from sayso.serve.queue import Queue, Room
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import ResponseLog
from sayso.tasks.generate import Generate

Script = Callable[[str], str]
ROOM, LIMITS = Room(), Limits()


@dataclass
class Parrot:
    """A Voice that says what `script` makes of the last turn, a character at a time. `gate` holds it up."""

    script: Script = lambda text: f"You said: {text}"
    gate: threading.Event = field(default_factory=threading.Event)
    kind: Any = "decoder"
    batches: list[int] = field(default_factory=list)
    prompts: list[Messages | str] = field(default_factory=list)
    tokens: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    closed: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        return [Reply(self.script(prompt[-1].text)) for prompt in prompts]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        return [[-float(i) for i in range(len(options))] for _ in prompts]

    def encoded(self, ask: Ask) -> Encoded:
        text = ask.prompt if isinstance(ask.prompt, str) else ask.prompt[-1].text
        return Encoded(tuple(map(ord, text)))

    def speak(
        self, asks: Sequence[Ask], prompts: Sequence[Encoded], heard: Callable[[Sequence[Token]], Collection[int]]
    ) -> None:
        self.batches.append(len(asks))
        self.prompts += [ask.prompt for ask in asks]
        texts = [self.script(self.decode(prompt.ids)) + "\n" for prompt in prompts]
        left = set(range(len(asks)))
        place = 0
        self.begun.set()
        while left:
            self.gate.wait(30)
            told = []
            for row in sorted(left):
                most = asks[row].sampling.max_new_tokens
                last: Any = "stop" if texts[row][place] == "\n" else "length" if place + 1 == most else ""
                told.append(
                    Token(row, ord(texts[row][place]), -0.5, ((ord("x"), -0.5),) * asks[row].alternatives, last)
                )
            self.tokens += len(told)
            left -= {token.row for token in told if token.last} | set(heard(told))
            place += 1
        self.stopped.set()

    def close(self) -> None:
        self.closed = True

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids)).strip()

    def piece(self, token: int) -> str:
        return chr(token)


@dataclass(frozen=True)
class Live:
    """A server that runs: where it is, and what is in it."""

    url: str
    house: House
    voice: Any

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"


def house(voice: Any, folder: Path, room: Room = ROOM, task: Task | None = None, **more: Any) -> House:
    metrics = Metrics()

    def decide(task: Task, examples: Sequence[Example]) -> list[Answer]:
        if not task.options:
            return [
                Answer(one.id, f"{getattr(task, 'target_language', '')}:{one.prompt[-1].text}") for one in examples
            ]
        if task.several:
            return [Answer(one.id, " | ".join(task.options), dict.fromkeys(task.options, 0.9)) for one in examples]
        odds = dict(zip(task.options, (0.75, 0.25, *([0.0] * len(task.options))), strict=False))
        return [Answer(one.id, task.options[0], odds) for one in examples]

    return House(
        more.pop("name", "parrot"),
        "parrot/learn@1234",
        voice.kind,
        task or Generate(sampling=Sampling(max_new_tokens=200)),
        more.pop("answers", None) or Queue(voice, room, metrics),
        more.pop("decide", decide),
        FeedbackStore(folder / "store.db"),
        ResponseLog(folder / "store.db"),
        metrics,
        **more,
    )


@contextmanager
def running(held: House, voice: Any, limits: Limits = LIMITS, keys: Keys | None = None) -> Iterator[Live]:
    """The house behind a real socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(held, limits, keys), log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Live(f"http://127.0.0.1:{listening.getsockname()[1]}", held, voice)
    finally:
        getattr(voice, "gate", threading.Event()).set()
        server.should_exit = True
        thread.join(30)
        listening.close()
        held.store.close()
        held.log.close()
    assert not thread.is_alive()
