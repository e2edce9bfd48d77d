"""How a page is made, and what every page forbids.

Decided here:
- Templates escape everything; what people and models wrote is never markup. Beside that the policy that goes with each
  page lets no script run but the two files of ours, nothing be fetched from elsewhere, and no form go elsewhere.
- No page is kept by a cache, none can be framed, none tells another site where the reader came from.
- Whatever goes wrong, a reader sees a page in their language with what to do, never JSON.
- Files are named by what is in them, so a browser keeps them for good and a new version is seen at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException

from sayso.grouping import clip
from sayso.report.diff import diff
from sayso.report.page import holdable
from sayso.serve.inbox.session import COOKIE, DAYS, Session
from sayso.serve.inbox.words import LANGUAGES, Words, preferred
from sayso.serve.keys import Caller
from sayso.serve.problems import Refusal, as_refusal

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LANGUAGE_COOKIE, LOOK_COOKIE, SHORTCUTS_COOKIE = "sayso_language", "sayso_look", "sayso_shortcuts"
LOOKS = ("auto", "light", "dark")
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: who, in which language, and what a page needs to know of them."""

    request: Request
    session: Session
    caller: Caller | None
    token: str
    cookie: str  # to be set again; "" where the browser has it
    keyless: bool = False

    @property
    def say(self) -> Words:
        """The interface in the reader's language."""
        return words_of(self.request)

    @property
    def at(self) -> str:
        """Where the inbox is."""
        return base_of(self.request)

    @property
    def here(self) -> str:
        """The address of this very page, as far as a reader can come back to it."""
        asked = f"?{self.request.url.query}" if self.request.url.query else ""
        return self.request.url.path + asked if self.request.method == "GET" else ""

    @property
    def done(self) -> str:
        """The key of what was just done, as the address says; "" for nothing that is known."""
        return {
            "taken_back": "taken_back_done",
            "brought_back": "brought_back_done",
            "rolled_back": "rolled_back_done",
        }.get(self.request.query_params.get("done", ""), "")

    @property
    def living(self) -> bool:
        """Whether what is served may be another version tomorrow."""
        return getattr(self.request.app.state, "living", None) is not None

    @property
    def look(self) -> str:
        """auto, light or dark."""
        chosen = self.request.cookies.get(LOOK_COOKIE, "")
        return chosen if chosen in LOOKS else LOOKS[0]

    @property
    def shortcuts(self) -> bool:
        """Whether single letters do something."""
        return self.request.cookies.get(SHORTCUTS_COOKIE) != "off"

    def to(self, path: str, **query: object) -> str:
        """The address of a page of the inbox."""
        asked = {name: str(value) for name, value in query.items() if value != ""}
        return f"{self.at}/{quote(path)}" + (f"?{urlencode(asked, errors='replace')}" if asked else "")


def words_of(request: Request) -> Words:
    """The language that the reader chose, else the one that the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return Words(language)
    return Words(preferred(request.headers.get("accept-language", "")))


def base_of(request: Request) -> str:
    """Where the inbox is, also behind a proxy that puts something before it."""
    return str(request.scope.get("root_path", "")) + "/inbox"


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one."""
    text = environment().get_template(template).render(visit=visit, say=visit.say, languages=LANGUAGES, **values)
    response = HTMLResponse(holdable(text), status)
    _remember(response, visit)
    return response


def away(visit: Visit, path: str, **query: object) -> RedirectResponse:
    """Go on to another page after something was done."""
    return _gone_to(visit, visit.to(path, **query))


def back(visit: Visit, to: str) -> RedirectResponse:
    """To a page of the inbox whose address a form carried; to the first one where it is none."""
    ours = to.startswith(f"{visit.at}/")  # a path of this site: no address of another begins with one slash
    return _gone_to(visit, to if ours else visit.to("queue/newest"))


def set_cookie(response: Response, request: Request, name: str, value: str) -> None:
    """A cookie that no script reads and no other site's form brings along."""
    response.set_cookie(
        name,
        value,
        max_age=DAYS * 86400,
        path=base_of(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """Our files and their types by name; nothing else is ever read from the disk."""
    folder = _HERE / "static"
    known = [path for path in sorted(folder.iterdir()) if path.suffix in TYPES]
    return {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in known}


@cache
def environment() -> Environment:
    """Templates that escape, and fail on what is not there."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"clip": clip, "exact": exact}
    made.globals |= {"diff": diff, "version_of": _version_of}
    return made


def exact(text: str) -> Markup:
    """Text whose characters a page counts as we do: a browser would make one of the two that end a line."""
    return Markup(escape(text).replace("\r", Markup("&#13;")))


class Shown(APIRoute):
    """A route whose errors are pages, and whose answers forbid what pages forbid."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, guarded."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await inner(request)
            except Exception as error:
                response = _problem(request, error)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


# ---------------------------------------------------------------- inside

_STATUSES = {
    400: "bad_form",
    401: "sign_in_first",
    403: "not_allowed",
    404: "not_here",
    409: "stands_already",
    413: "too_big",
    429: "too_often",
}


def _problem(request: Request, error: Exception) -> Response:
    told = _refusal(error)
    if told.status == 401 and request.method == "GET" and "hx-request" not in request.headers:
        to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{base_of(request)}/sign-in?{urlencode({'to': to})}", 303)
    say = words_of(request)
    key = told.code if told.code.startswith("say:") else _STATUSES.get(told.status, "fault")
    text = say(key.removeprefix("say:"))
    found = environment().get_template("problem.html.jinja")
    look = request.cookies.get(LOOK_COOKIE, "auto")
    body = found.render(say=say, text=text, status=told.status, at=base_of(request), look=look, languages=LANGUAGES)
    return HTMLResponse(holdable(body), told.status, told.headers)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, HTTPException):
        return Refusal(error.status_code, str(error.detail), "http", headers=error.headers)
    if isinstance(error, RequestValidationError):
        return Refusal(404, "no such page", "not_found")
    return as_refusal(error)


def _gone_to(visit: Visit, address: str) -> RedirectResponse:
    response = RedirectResponse(address, 303)
    _remember(response, visit)
    return response


def _remember(response: Response, visit: Visit) -> None:
    if visit.cookie:
        set_cookie(response, visit.request, COOKIE, visit.cookie)


def _version_of(name: str) -> str:
    return hashlib.sha256(static_files()[name][0]).hexdigest()[:12]
