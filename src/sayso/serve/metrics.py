"""What Prometheus is told: requests, tokens, batches, refusals, comments, and how long it took.

Decided here: a registry of its own, so that two servers in one process do not count for each other; a route is named
by its pattern, so that ids do not become labels.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_ROWS = (1, 2, 4, 8, 16, 32)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self._requests = Counter("sayso_requests", "requests by route and status", ("route", "status"), registry=own)
        self._seconds = Histogram("sayso_seconds", "until done", ("route",), buckets=_SECONDS, registry=own)
        self._tokens = Counter("sayso_tokens", "tokens read and written", ("direction",), registry=own)
        self._rows = Histogram("sayso_batch_rows", "answers in a batch", buckets=_ROWS, registry=own)
        self._refused = Counter("sayso_refused", "requests refused for now, by reason", ("reason",), registry=own)
        self._comments = Counter("sayso_comments", "comments taken in", registry=own)
        self._waiting = Gauge("sayso_waiting", "answers that wait for their turn", registry=own)

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request is done."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def tokens(self, read: int, written: int) -> None:
        """An answer was given."""
        self._tokens.labels("read").inc(read)
        self._tokens.labels("written").inc(written)

    def batch(self, rows: int) -> None:
        """So many answers are begun together."""
        self._rows.observe(rows)

    def refused(self, reason: str) -> None:
        """Somebody is asked to come back later."""
        self._refused.labels(reason).inc()

    def comment(self) -> None:
        """Somebody said something."""
        self._comments.inc()

    def watch(self, waiting: Callable[[], int]) -> None:
        """Where the length of the queue is asked for."""
        self._waiting.set_function(waiting)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


class Measured:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.monotonic(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.request(route, status, time.monotonic() - begun)
