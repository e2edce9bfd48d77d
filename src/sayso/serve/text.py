"""Tokens as they come become text as it may be shown.

Decided here:
- A text is never taken back: a character that is not whole yet waits, and so does what may begin a stop sequence.
- A stop sequence ends the answer and is not part of it; the first one counts.
- Text is decoded from all tokens so far, so that the pieces put together are the text that `reply` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sayso.protocols import Token

_BROKEN = "\ufffd"


class Telling:
    """One answer being told."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stop: Sequence[str] = ()) -> None:
        self.decode, self.stop = decode, tuple(word for word in stop if word)
        self.ids: list[int] = []
        self.text = ""
        self.finish = ""

    def add(self, token: Token) -> str:
        """What may be shown now that this token is there; `finish` says whether that was all."""
        self.ids.append(token.id)
        whole = self.decode(self.ids)
        cut = min((place for word in self.stop if (place := whole.find(word)) >= 0), default=-1)
        if cut >= 0:
            self.finish = "stop"
            return self._shown(whole[:cut])
        self.finish = token.last
        return self._shown(whole if token.last else whole[: len(whole) - self._waiting(whole)])

    def _shown(self, text: str) -> str:
        new = text[len(self.text) :] if text.startswith(self.text) else ""
        self.text += new
        return new

    def _waiting(self, whole: str) -> int:
        """How many characters at the end may not be shown yet."""
        sound = whole.rstrip(_BROKEN)
        begun = (
            size
            for word in self.stop
            for size in range(min(len(word) - 1, len(sound)), 0, -1)
            if sound.endswith(word[:size])
        )
        return len(whole) - len(sound) + max(begun, default=0)
