"""A server whose model is exchanged while it answers: `Living` is the app, whichever version answers behind it.

Decided here:
- Every version is an app of its own, with its own model and queue. A request belongs to the version that was current
  when it arrived, to the end of its stream: no request is dropped, and the version that an answer names is the one
  that gave it.
- The new model is loaded beside the old one, in another thread. The old one goes when its last request has ended.
- A version that cannot be loaded is said once, and what answers goes on answering.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from sayso.errors import RunError, SaysoError
from sayso.serve.guard import Needs
from sayso.serve.house import House
from sayso.serve.problems import Refusal, documented
from sayso.serve.versions import Decision, Versions, roll_back

LOG = logging.getLogger("sayso.serve")
LOOK_SECONDS = 1.0


@dataclass
class _Seat:
    """A version that answers: its house, its app, and how many requests are under way."""

    number: int
    house: House
    app: FastAPI
    guests: int = 0


class Living:
    """ASGI. `enter` makes the house of a version (slow, in a thread), `build` its app, like the one before."""

    def __init__(
        self,
        versions: Versions,
        first: tuple[int, House],
        enter: Callable[[int], House],
        build: Callable[[House, FastAPI | None], FastAPI],
    ) -> None:
        self.versions, self._enter, self._build = versions, enter, build
        self._seat = self._seated(*first, None)
        self._failed: int | None = None
        self._looking = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def house(self) -> House:
        """Whoever answers those that come now."""
        return self._seat.house

    @property
    def number(self) -> int:
        """Its version."""
        return self._seat.number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        seat = self._seat
        seat.guests += 1
        try:
            await seat.app(scope, receive, send)
        finally:
            seat.guests -= 1
            self._let_go(seat)

    async def look(self) -> bool:
        """Exchange the model where another version is current; whether it was."""
        async with self._looking:
            return await self._exchange()

    # ------------------------------------------------------------ inside

    async def _exchange(self) -> bool:
        wanted = await asyncio.to_thread(lambda: self.versions.current)
        if wanted in (self._seat.number, self._failed):
            return False
        try:
            house = await asyncio.to_thread(self._enter, wanted)
        except SaysoError as error:
            self._failed = wanted
            LOG.error("version %s cannot be served, version %s goes on: %s", wanted, self._seat.number, error)
            return False
        old, self._failed = self._seat, None
        house.answers.start()
        self._seat = self._seated(wanted, house, old.app)
        LOG.warning("version %s answers now: %s", wanted, house.version)
        self._let_go(old)
        return True

    def _seated(self, number: int, house: House, like: FastAPI | None) -> _Seat:
        app = self._build(house, like)
        app.include_router(live_router(self, self.versions, app.state.needs))
        app.state.living = self  # for the owner's page in the inbox
        return _Seat(number, house, app)

    def _let_go(self, seat: _Seat) -> None:
        """A version that is no longer current ends when nobody is with it any more."""
        if seat is self._seat or seat.guests:
            return
        task = asyncio.ensure_future(seat.house.answers.stop())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._seat.house.answers.start()
        watching = asyncio.ensure_future(self._watch())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await asyncio.gather(self._seat.house.answers.stop(), *self._leaving)
        await send({"type": "lifespan.shutdown.complete"})

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                LOG.exception("a fault while looking for a new version; the old one goes on")
            await asyncio.sleep(LOOK_SECONDS)


# ---------------------------------------------------------------- the owner's pages


class DecisionTold(BaseModel):
    """What became of a version, and why."""

    number: int
    deed: str
    at: str
    words: str


class VersionsTold(BaseModel):
    """`current` is to answer, `answering` does (a moment later it is the same); `way` leads from the run to it."""

    current: int
    answering: int
    version: str
    way: list[int]
    history: list[DecisionTold]


def live_router(living: Living, versions: Versions, needs: Needs) -> APIRouter:
    """Which versions there are, and the way back."""
    router, owner = APIRouter(prefix="/v1/versions", tags=["versions"]), Depends(needs("owner"))

    def told() -> dict[str, Any]:
        way = versions.way
        history = [_told(one) for one in versions.history]
        answering = {"answering": living.number, "version": living.house.version}
        return answering | {"current": way[-1], "way": list(way), "history": history}

    @router.get("", response_model=VersionsTold, responses=documented(401, 403, 429), dependencies=[owner])
    async def list_versions() -> Any:
        """Which version answers, and what was decided of each; needs an owner's key."""
        return await asyncio.to_thread(told)

    @router.post("/back", response_model=VersionsTold, responses=documented(401, 403, 409, 429), dependencies=[owner])
    async def go_back() -> Any:
        """Let the version before answer again; needs an owner's key. Requests under way are answered first."""
        try:
            await asyncio.to_thread(roll_back, versions, living.house.store, "an owner")
        except RunError as error:
            raise Refusal(409, error.what, "no_version") from None
        await living.look()
        return await asyncio.to_thread(told)

    return router


def _told(one: Decision) -> dict[str, Any]:
    return {"number": one.number, "deed": one.deed, "at": one.at, "words": one.words}
