"""Coming in and going out, the language and the look, and whom the owner invites."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from sayso.errors import UserError
from sayso.serve.inbox.desk import Desk, Sent
from sayso.serve.inbox.session import COOKIE
from sayso.serve.inbox.web import (
    LANGUAGE_COOKIE,
    LOOK_COOKIE,
    LOOKS,
    SHORTCUTS_COOKIE,
    Visit,
    away,
    back,
    page,
    set_cookie,
)
from sayso.serve.inbox.words import LANGUAGES
from sayso.serve.keys import Keys
from sayso.serve.problems import Refusal

_CHOICES = {"language": (LANGUAGE_COOKIE, tuple(LANGUAGES)), "look": (LOOK_COOKIE, LOOKS)}
_CHOICES["shortcuts"] = (SHORTCUTS_COOKIE, ("on", "off"))


def add_door(router: APIRouter, desk: Desk) -> None:
    """The routes by which people come in, and what they choose for themselves."""
    _add_sign_in(router, desk)
    _add_choices(router, desk)
    _add_people(router, desk)


# ---------------------------------------------------------------- inside


def _add_sign_in(router: APIRouter, desk: Desk) -> None:
    anybody = Depends(desk.visit)

    @router.get("/sign-in")
    def sign_in(to: str = "", visit: Visit = anybody) -> Response:
        return page(visit, "sign_in.html.jinja", to=to, problem="")

    @router.post("/sign-in")
    async def enter(request: Request, visit: Visit = anybody) -> Response:
        form = await desk.checked(request, visit)
        if desk.keys is None:
            return _entered(visit, desk.sessions.cookie(desk.sessions.named(form.one("name"))), form.one("to"))
        found = desk.sessions.sign_in(form.one("key"))
        if found is None:
            return page(visit, "sign_in.html.jinja", 401, to=form.one("to"), problem="no_such_key")
        session, key = found
        if key.role == "client":
            return page(visit, "sign_in.html.jinja", 403, to=form.one("to"), problem="client_key")
        return _entered(visit, desk.sessions.cookie(session), form.one("to"))

    @router.post("/sign-out")
    async def leave(request: Request, visit: Visit = anybody) -> Response:
        await desk.checked(request, visit)
        response = away(visit, "sign-in")
        response.delete_cookie(COOKIE, path=visit.at)
        return response


def _entered(visit: Visit, cookie: str, to: str) -> Response:
    response = back(visit, to)
    set_cookie(response, visit.request, COOKIE, cookie)
    return response


def _add_choices(router: APIRouter, desk: Desk) -> None:
    anybody = Depends(desk.visit)

    @router.post("/choose")
    async def choose(request: Request, visit: Visit = anybody) -> Response:
        form = await desk.checked(request, visit)
        response = back(visit, form.one("to"))
        for name, (cookie, known) in _CHOICES.items():
            if form.one(name) in known:
                set_cookie(response, request, cookie, form.one(name))
        return response


def _add_people(router: APIRouter, desk: Desk) -> None:
    reader, sent = Depends(desk.reader), Depends(desk.sent())

    @router.get("/people")
    def people(visit: Visit = reader) -> Response:
        return page(visit, "people.html.jinja", keys=_keys(desk, visit).all(), link="", invited="", problem="")

    @router.post("/people")
    def invite(given: Sent = sent) -> Response:
        held, name = _keys(desk, given.visit), given.form.one("name").strip()
        try:
            secret = held.add(name, "reviewer")
        except UserError:
            values = {"keys": held.all(), "link": "", "invited": name, "problem": "name_taken"}
            return page(given.visit, "people.html.jinja", 400, **values)
        link = f"{given.visit.request.url.replace(path=given.visit.to('sign-in'), query='')}#{secret}"
        return page(given.visit, "people.html.jinja", keys=held.all(), link=link, invited=name, problem="")

    @router.post("/people/remove")
    def remove(given: Sent = sent) -> Response:
        held, name = _keys(desk, given.visit), given.form.one("name")
        if name == given.caller.name or not any(key.name == name for key in held.all()):
            raise Refusal(404, "there is nobody of that name to be removed", "not_found")
        held.remove(name)
        return away(given.visit, "people")


def _keys(desk: Desk, visit: Visit) -> Keys:
    """The keys, for an owner. Refusal (403, 404) for others, and where there are none."""
    if not desk.caller(visit).reaches("owner"):
        raise Refusal(403, "this is for owners", "role")
    if desk.keys is None:
        raise Refusal(404, "this server has no keys", "not_found")
    return desk.keys
