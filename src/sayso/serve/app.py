"""The server as an ASGI app: `create_app(house, limits, keys)`.

Decided here:
- One app, no state outside of it: tests and other programs may have several. What belongs to it lies in `app.state`
  (`house`, `needs`), so that further pages can be added with `app.include_router`.
- The documentation page is written here, since FastAPI's own takes its scripts from somebody else's server.
- Telemetry of the web framework is off: nothing phones home, whatever the environment has configured.
- Without keys only requests to this machine's own names are answered: no web page can rebind a name of its own to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sayso.serve.chat import chat_router
from sayso.serve.docs import docs_page
from sayso.serve.feedback import feedback_router
from sayso.serve.guard import Needs, guard_of
from sayso.serve.house import House, Limits
from sayso.serve.inbox.pages import inbox_router
from sayso.serve.inbox.session import Sessions
from sayso.serve.keys import Keys
from sayso.serve.labels import labels_router
from sayso.serve.limits import BodyLimit, Buckets
from sayso.serve.metrics import CONTENT_TYPE, Measured
from sayso.serve.problems import documented, handle_problems
from sayso.serve.schemas import Health, Models
from sayso.serve.turn import now

USUAL = Limits()
ABOUT = (
    "A fine-tuned model, and a place to say what is wrong with its answers. "
    "Answers carry the id by which `/v1/feedback` takes comments on them."
)
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}}


def create_app(house: House, limits: Limits = USUAL, keys: Keys | None = None, like: FastAPI | None = None) -> FastAPI:
    """The app that serves a house. Without keys everybody who reaches it is its owner.

    `like`: an app with the same keys that this one takes the place of. Who is signed in there is signed in here, and
    what a key has used of its minute there is used.
    """
    app = FastAPI(
        title=f"Sayso: {house.name}",
        description=ABOUT,
        version=version("sayso"),
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(house),
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    buckets = Buckets(house.metrics) if like is None else like.state.buckets
    sessions = Sessions(keys) if like is None else like.state.sessions
    needs = guard_of(keys, buckets)
    app.state.house, app.state.needs = house, needs
    app.state.buckets, app.state.sessions = buckets, sessions
    house.metrics.watch(house.answers.waiting)
    for router in (
        chat_router(house, limits, needs),
        labels_router(house, needs),
        feedback_router(house, needs),
        _about_router(house, needs, app),
        inbox_router(house, sessions, buckets),
    ):
        app.include_router(router)
    handle_problems(app)
    if limits.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=limits.origins, allow_methods=["GET", "POST"], allow_headers=["*"]
        )
    if limits.hosts != ("*",):
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=limits.hosts, www_redirect=False)
    app.add_middleware(BodyLimit, most=limits.body_bytes, seconds=limits.body_seconds)
    app.add_middleware(Measured, metrics=house.metrics)
    return app


# ---------------------------------------------------------------- inside


def _lifespan(house: House) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        house.answers.start()
        try:
            yield
        finally:
            await house.answers.stop()

    return lifespan


def _about_router(house: House, needs: Needs, app: FastAPI) -> APIRouter:
    """What is served, how it is, and how it is called."""
    router = APIRouter(tags=["about"])
    client, owner = Depends(needs("client")), Depends(needs("owner"))
    since = now()

    @router.get("/v1/models", response_model=Models, responses=documented(401, 403, 429), dependencies=[client])
    async def models() -> Any:
        """The model that is served."""
        card = {"id": house.name, "created": since, "version": house.version, "kind": house.kind}
        return {"data": [card | {"task": house.task.name, "labels": list(house.task.options)}]}

    @router.get("/health", response_model=Health)
    async def health() -> Any:
        """Does it live? Needs no key."""
        return {"model": house.name, "version": house.version, "waiting": house.answers.waiting()}

    @router.get(
        "/metrics",
        response_class=Response,
        responses=_TEXT | documented(401, 403, 429),
        dependencies=[owner],
    )
    async def metrics() -> Response:
        """Counters in Prometheus' text format; needs an owner's key."""
        return Response(house.metrics.text(), media_type=CONTENT_TYPE)

    @router.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()))

    return router
