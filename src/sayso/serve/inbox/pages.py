"""The review inbox: the pages that are read. `inbox_router` is all that the server needs of this package.

Decided here:
- Every page is whole without a script; scripts make it quicker.
- A page is about one thing that has an address: a queue, an answer, a lesson (what people said alike), a person.
- Which queue somebody works through travels in the address, so the way to the next answer is theirs alone.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Response

from sayso.serve.house import House
from sayso.serve.inbox import queues
from sayso.serve.inbox.acts import add_acts
from sayso.serve.inbox.desk import Desk, Sent, Told
from sayso.serve.inbox.door import add_door
from sayso.serve.inbox.form import Draft, draft_from, scope_of
from sayso.serve.inbox.history import add_history
from sayso.serve.inbox.item import Seen, find, item_page
from sayso.serve.inbox.preview import preview
from sayso.serve.inbox.queues import PAGE, QUEUES, Draw, Queue
from sayso.serve.inbox.session import Sessions
from sayso.serve.inbox.similar import similar
from sayso.serve.inbox.web import Shown, Visit, away, page, static_files
from sayso.serve.limits import Buckets
from sayso.serve.problems import Refusal

YOURS = 30
_FOREVER = "public, max-age=31536000, immutable"


def inbox_router(house: House, sessions: Sessions, buckets: Buckets) -> APIRouter:
    """All pages of the inbox, under /inbox. Without keys everybody who reaches it is its owner."""
    router = APIRouter(prefix="/inbox", route_class=Shown, include_in_schema=False)
    desk = Desk(house, sessions, buckets)
    add_door(router, desk)
    add_acts(router, desk)
    add_history(router, desk)
    _add_lists(router, desk)
    _add_parts(router, desk)
    _add_rest(router)
    return router


# ---------------------------------------------------------------- inside


def _add_lists(router: APIRouter, desk: Desk) -> None:
    reader = Depends(desk.reader)

    @router.get("")
    @router.get("/")
    def home(visit: Visit = reader) -> Response:
        return away(visit, "queue/newest")

    @router.get("/queue/{name}")
    def queue(name: Queue, skip: int = 0, seed: int = 0, of: int = 0, visit: Visit = reader) -> Response:
        if name == "audit" and not of:
            count = desk.house.log.count()
            if count:
                return away(visit, "queue/audit", seed=secrets.randbelow(10**6), of=count)
        return _queue_page(desk, visit, name, Draw(seed, max(0, of)), max(0, skip))

    @router.get("/next")
    def following(queue: Queue, after: str, seed: int = 0, of: int = 0, visit: Visit = reader) -> Response:
        ids = _walk(desk, queue, Draw(seed, max(0, of)), after)
        on = queues.after(ids, after)
        if not on:
            return away(visit, f"queue/{queue}", seed=seed or "", of=of or "", done=1)
        return away(visit, f"item/{on}", queue=queue, seed=seed or "", of=of or "")

    @router.get("/item/{response_id}")
    def item(response_id: str, choice: int = 0, change: str = "", kept: str = "", visit: Visit = reader) -> Response:
        found, holdings = find(desk, response_id, choice), desk.shelf.holdings()
        draft = Draft()
        if change:
            one = desk.comment(holdings, change)
            if not desk.mine(desk.caller(visit), one.said) or one.said.item != response_id:
                raise Refusal(404, "there is no such comment", "not_found")
            draft = draft_from(one.said)
        return item_page(desk, visit, Seen(found, choice), draft, kept=kept)

    @router.get("/lesson/{feedback_id}")
    def lesson(feedback_id: str, visit: Visit = reader) -> Response:
        holdings, caller = desk.shelf.holdings(), desk.caller(visit)
        one = desk.comment(holdings, feedback_id)
        group = queues.alike(holdings, one)
        others = [kept for kept in group if kept.said.id != feedback_id]
        told = desk.told(caller, [one, *reversed(others)])
        states = Counter(each.state for each in told)
        people = {each.kept.said.author for each in told}
        items = {(each.kept.said.item, each.kept.said.prompt) for each in told}
        again = desk.house.log.find(one.said.item)
        numbers = {"people": len(people), "answers": len(items), "states": states}
        return page(visit, "lesson.html.jinja", told=told, one=told[0], numbers=numbers, answered=again is not None)

    @router.get("/yours")
    def yours(state: str = "", skip: int = 0, visit: Visit = reader) -> Response:
        caller = desk.caller(visit)
        told = desk.told(caller, desk.shelf.holdings().by(caller.name))
        states = Counter(one.state for one in told)
        state = state if state in states else ""
        wanted = [one for one in told if not state or one.state == state]
        shown, more = _paged(wanted, max(0, skip), YOURS)
        return page(visit, "yours.html.jinja", told=shown, states=states, state=state, n=len(told), more=more)


def _queue_page(desk: Desk, visit: Visit, name: Queue, draw: Draw, skip: int) -> Response:
    holdings, caller = desk.shelf.holdings(), desk.caller(visit)
    common: dict[str, Any] = {"queue": name, "queues": QUEUES, "draw": draw, "skip": skip, "more": 0}
    common["done"] = bool(visit.request.query_params.get("done"))
    if name == "repeated":
        shown, common["more"] = _paged(queues.repeated(holdings), skip, PAGE)
        groups = [desk.told(caller, list(reversed(group))) for group in shown]
        return page(visit, "repeated.html.jinja", groups=groups, compared=queues.COMPARED, **common)
    if name == "disputed":
        disputes, common["more"] = _paged(queues.disputed(holdings), skip, PAGE)
        pairs = [desk.told(caller, [one.older, one.newer]) for one in disputes]
        return page(visit, "disputed.html.jinja", pairs=pairs, compared=queues.COMPARED, **common)
    found = queues.responses(desk.shelf, holdings, name, draw, skip)
    if len(found) > PAGE and name != "audit":
        found, common["more"] = found[:PAGE], skip + PAGE
    rows = [(one, [kept for kept in holdings.on(one.id) if kept.stands]) for one in found]
    own = {one.id for one, on in rows if any(desk.mine(caller, kept.said) for kept in on)}
    return page(visit, "queue.html.jinja", rows=rows, own=own, count=desk.house.log.count(), **common)


def _walk(desk: Desk, queue: Queue, draw: Draw, current: str) -> list[str]:
    """The ids of a queue as far as the one after the current, looked for a page at a time."""
    if queue == "audit":
        return [one.id for one in queues.audited(desk.house.log, draw)]
    holdings, ids = desk.shelf.holdings(), []
    for skip in range(0, queues.LOOKED, PAGE):
        found = queues.responses(desk.shelf, holdings, queue, draw, skip)
        ids += [one.id for one in found[:PAGE]]
        if len(found) <= PAGE or (current in ids and ids[-1] != current):
            break
    return ids


def _paged(rows: Sequence[Any], skip: int, size: int) -> tuple[list[Any], int]:
    """A page of rows, and where the next one begins (0: nowhere)."""
    return list(rows[skip : skip + size]), skip + size if len(rows) > skip + size else 0


def _add_parts(router: APIRouter, desk: Desk) -> None:
    """What a page asks for while it is read."""
    reader, sent = Depends(desk.reader), Depends(desk.sent())

    @router.post("/preview/{response_id}")
    def previewed(response_id: str, given: Sent = sent) -> Response:
        found, form = find(desk, response_id, 0), given.form
        scope = scope_of(form)
        told = preview(scope, found.prompt, desk.shelf.recent())
        return page(given.visit, "preview.html.jinja", told=told, scope=scope)

    @router.post("/similar")
    def alike(given: Sent = sent) -> Response:
        words, change = given.form.one("comment")[:2000], given.form.one("change")
        past = [one for one in desk.shelf.holdings().current() if one.said.id != change]
        found = similar(words, past)
        told: list[Told] = desk.told(given.caller, [one.kept for one in found])
        return page(given.visit, "similar.html.jinja", found=list(zip(found, told, strict=True)))

    @router.get("/since/{response_id}")
    def since(response_id: str, seen: int = 0, visit: Visit = reader) -> Response:
        caller = desk.caller(visit)
        later = desk.shelf.holdings().on(response_id)[max(0, seen) :]
        new = [one for one in later if one.stands and not desk.mine(caller, one.said)]
        return page(visit, "since.html.jinja", new=new)


def _add_rest(router: APIRouter) -> None:
    @router.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in static_files():
            raise Refusal(404, "there is no such file", "not_found")
        content, kind = static_files()[name]
        return Response(content, media_type=f"{kind}; charset=utf-8", headers={"Cache-Control": _FOREVER})

    @router.get("/{rest:path}")
    def nothing() -> Response:
        raise Refusal(404, "there is no such page", "not_found")
