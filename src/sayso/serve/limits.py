"""How often a key may call: a bucket of requests that fills up again steadily.

Decided here: a minute's worth may come at once, for people work in bursts; what is refused takes nothing away.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

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
