"""The owner's page of versions: which one answers, what was decided of each, and the way back by one button.

Decided here:
- Going back counts only over the version that the owner saw: a button that is pressed twice goes back once.
- Where what is served never changes there is no such page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Response

from sayso.errors import RunError
from sayso.serve.inbox.desk import Desk, Sent
from sayso.serve.inbox.web import Visit, away, page
from sayso.serve.problems import Refusal
from sayso.serve.versions import roll_back

if TYPE_CHECKING:
    from sayso.serve.live import Living

NEWEST = 100


def add_history(router: APIRouter, desk: Desk) -> None:
    """The routes of the page."""
    reader, sent = Depends(desk.reader), Depends(desk.sent())

    @router.get("/versions")
    def versions(visit: Visit = reader) -> Response:
        living = _living(desk, visit)
        way, history = living.versions.way, living.versions.history
        newest = history[::-1][:NEWEST]
        return page(visit, "versions.html.jinja", way=way, history=newest, answering=living.number)

    @router.post("/versions/back")
    async def back(given: Sent = sent) -> Response:
        living = _living(desk, given.visit)
        if given.form.one("over") != str(living.versions.current):
            raise Refusal(409, "another version is served now", "say:other_version")
        name = given.caller.name or "an owner"
        try:
            await asyncio.to_thread(roll_back, living.versions, desk.house.store, name)
        except RunError:
            raise Refusal(409, "there is no version to go back to", "say:no_way_back") from None
        await living.look()
        return away(given.visit, "versions", done="rolled_back")


# ---------------------------------------------------------------- inside


def _living(desk: Desk, visit: Visit) -> Living:
    """What exchanges the model. Refusal (403) for others than owners, 404 where the model stays as it is."""
    if not desk.caller(visit).reaches("owner"):
        raise Refusal(403, "this is for owners", "role")
    if not visit.living:
        raise Refusal(404, "what is served here never changes", "not_found")
    found: Living = visit.request.app.state.living
    return found
