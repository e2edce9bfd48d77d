"""How often a key may call, and how large a request may be.

Decided here:
- A minute's worth of requests may come at once, for people work in bursts; what is refused takes nothing away.
- A body is refused by the length that it says, or as soon as it is longer: it is never held whole. Nor is it waited
  for without end.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sayso.serve.metrics import Metrics
from sayso.serve.problems import Refusal


class Buckets:
    """One bucket per key."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics, self._clock, self._lock = metrics, clock, threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, name: str, per_minute: int) -> None:
        """Count one request of a key. Refusal (429) where its minute is used up; 0 is no limit."""
        if per_minute <= 0:
            return
        with self._lock:
            now = self._clock()
            left, since = self._left.get(name, (float(per_minute), now))
            left = min(float(per_minute), left + (now - since) * per_minute / 60)
            if left < 1:
                self._left[name] = (left, now)
                self._metrics.refused("rate")
                seconds = math.ceil((1 - left) * 60 / per_minute)
                words = f"this key may ask {per_minute} times a minute; come back in {seconds} s"
                raise Refusal(429, words, "rate", headers={"Retry-After": str(seconds)})
            self._left[name] = (left - 1, now)


class BodyLimit:
    """Refuses bodies above a size (413), and those that have not come after so many seconds (408)."""

    def __init__(self, app: ASGIApp, most: int, seconds: float) -> None:
        self.app, self.most, self.seconds = app, most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        words = f"a request has at most {self.most:,} bytes"
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > self.most:
            refusal = Refusal(413, words, "too_large")
            await JSONResponse(refusal.body(), 413, {"Connection": "close"})(scope, receive, send)
            return
        got, whole = 0, False
        end = asyncio.get_running_loop().time() + self.seconds

        async def counted() -> Message:
            nonlocal got, whole
            try:
                async with asyncio.timeout_at(None if whole else end):
                    message = await receive()
            except TimeoutError:
                what = f"the body of this request took longer than {self.seconds:g} s"
                raise HTTPException(408, what, {"Connection": "close"}) from None
            got += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if got > self.most:
                raise HTTPException(413, words, {"Connection": "close"})
            return message

        await self.app(scope, counted, send)
