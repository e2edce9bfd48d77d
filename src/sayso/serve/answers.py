"""What answering means to the routes, whoever answers: the model here, or a server behind this one.

Decided here:
- An answer comes as Deltas; whoever wants it whole puts them together (Told). So streaming and not are one path.
- Whoever stops listening closes what is being said: nobody writes for a client that has left.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sayso.protocols import Ask
from sayso.store.responses import Choice

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """One token as a client sees it: its text, its log-probability, and the likeliest ones in its place."""

    text: str
    logprob: float
    others: tuple[tuple[str, float], ...] = ()
    id: int = -1


@dataclass(frozen=True, slots=True)
class Delta:
    """The next part of one choice. With `finish` it is the last: stop or length. `prompt_tokens` come with the last.

    `cut`: tokens of the prompt that were left out on the left because the model's length ends there.
    """

    choice: int
    text: str
    tokens: tuple[Heard, ...] = ()
    finish: str = ""
    prompt_tokens: int = 0
    tokens_said: int = 0
    cut: int = 0


class Saying(Protocol):
    """Answers under way."""

    def __aiter__(self) -> AsyncIterator[Delta]: ...

    def close(self) -> None:
        """Nobody listens any more."""
        ...


class Answers(Protocol):
    """Who answers."""

    async def begin(self, asks: Sequence[Ask], stop: Sequence[str] = ()) -> Saying:
        """Answer all of these, each a choice. Refusal (429) where too many wait already."""
        ...

    async def call(self, work: Callable[[], T]) -> T:
        """Let work that needs the model be done in its turn."""
        ...

    def waiting(self) -> int:
        """How many answers wait for their turn."""
        ...

    def start(self) -> None:
        """Begin to answer."""
        ...

    async def stop(self) -> None:
        """End; what is under way is answered first."""
        ...


@dataclass
class Told:
    """What was said of `n` choices so far."""

    n: int
    texts: list[str] = field(init=False)
    tokens: list[list[Heard]] = field(init=False)
    finish: list[str] = field(init=False)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut: int = 0

    def __post_init__(self) -> None:
        self.texts, self.finish = [""] * self.n, [""] * self.n
        self.tokens = [[] for _ in range(self.n)]

    def add(self, delta: Delta) -> None:
        """Go on with one choice."""
        self.texts[delta.choice] += delta.text
        self.tokens[delta.choice] += delta.tokens
        if delta.finish:
            self.finish[delta.choice] = delta.finish
            self.prompt_tokens = max(self.prompt_tokens, delta.prompt_tokens)
            self.completion_tokens += delta.tokens_said
            self.cut = max(self.cut, delta.cut)

    def choices(self) -> tuple[Choice, ...]:
        """For the log; a choice that never ended was broken off."""
        return tuple(
            Choice(text, tuple(one.id for one in tokens if one.id >= 0), finish or "cancelled", _certainty(tokens))
            for text, tokens, finish in zip(self.texts, self.tokens, self.finish, strict=True)
        )


async def whole(saying: Saying, n: int) -> Told:
    """Wait for all of it."""
    told = Told(n)
    try:
        async for delta in saying:
            told.add(delta)
    finally:
        saying.close()
    return told


def _certainty(tokens: Sequence[Heard]) -> float | None:
    """The geometric mean of the tokens' probabilities."""
    return math.exp(sum(token.logprob for token in tokens) / len(tokens)) if tokens else None
