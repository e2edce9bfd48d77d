"""What a client is told when something goes wrong: the shape that OpenAI's clients read.

Decided here:
- {"error": {"message", "type", "param", "code"}} for every status, so that the `openai` client raises its own errors.
- What the caller can mend is said whole; a fault of ours is not, for it may name paths. It is in the server's log.
- What was sent is never repeated in an error.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from sayso.errors import SaysoError, UserError

LOG = logging.getLogger("sayso.serve")
LEFT = 499  # what web servers write down for a client that did not wait


class Detail(BaseModel):
    """What went wrong, in words and by a name that programs can rely on."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Problem(BaseModel):
    """The body of every answer that is none."""

    error: Detail


class Refusal(Exception):
    """A request that is not answered: the status, the words, a code, and headers such as Retry-After."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """As JSON."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: these statuses come with a Problem."""
    words = {
        400: "the request makes no sense here",
        401: "a key is missing or unknown",
        403: "the key's role does not reach so far",
        404: "there is no such thing, or it is not yours",
        409: "somebody was faster",
        413: "the body is too large",
        422: "a field is missing, unknown or out of range",
        429: "too much at once; Retry-After says in how many seconds to come back",
        502: "the server behind this one does not answer",
        504: "it took too long",
    }
    return {status: {"model": Problem, "description": words[status]} for status in statuses}


def as_refusal(error: BaseException) -> Refusal:
    """What a client is told of any error."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, UserError):
        return Refusal(400, str(error), "not_possible")
    LOG.error("a fault while answering", exc_info=error)
    what = "something is wrong on this server; its log says what"
    return Refusal(500, what, "fault")


def handle_problems(app: FastAPI) -> None:
    """Let the app answer every error in one shape."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        told = as_refusal(error)
        return JSONResponse(told.body(), told.status, told.headers)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        said = f"{where}: {first['msg']}" if where else str(first["msg"])
        told = Refusal(422, _harmless(said), "invalid", param=_harmless(where) or None)
        return JSONResponse(told.body(), told.status)

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        told = Refusal(error.status_code, str(error.detail), "http", headers=error.headers)
        return JSONResponse(told.body(), told.status, told.headers)

    for kind in (Refusal, SaysoError, Exception):
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _harmless(words: str) -> str:
    """A field's name is the client's: half characters in it cannot be sent back."""
    return words.encode("utf-8", "replace").decode("utf-8")[:500]
