"""What the pages share: the house, who may come in, and what a page about comments needs to know.

Decided here:
- Reviewers and owners come in; a client's key is for programs, and the page says so.
- A person takes back what is theirs; the owner may take back anything. That is the veto.
- What is sent counts against the key's requests a minute; reading does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import Depends, Request

from sayso.records import Author, Feedback, Outcome
from sayso.serve.house import House
from sayso.serve.inbox.form import Form, form_of
from sayso.serve.inbox.session import COOKIE, TOKEN, Sessions
from sayso.serve.inbox.shelf import Holdings, Kept, Shelf
from sayso.serve.inbox.web import Visit
from sayso.serve.keys import Caller
from sayso.serve.limits import Buckets
from sayso.serve.problems import Refusal


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that counts, and who sent it."""

    visit: Visit
    caller: Caller
    form: Form


@dataclass(frozen=True, slots=True)
class Told:
    """A comment as a page tells it: what became of it, oldest first, and whether the reader may take it back."""

    kept: Kept
    history: Sequence[Outcome]
    mine: bool
    may: bool

    @property
    def latest(self) -> Outcome | None:
        """What became of it in the end."""
        return self.history[-1] if self.history else None

    @property
    def state(self) -> str:
        """The name of its state; taken back and changed count before what was learnt."""
        if self.kept.back is not None:
            return "taken_back"
        if self.kept.heir:
            return "changed"
        return self.latest.state.value if self.latest is not None else "waiting"


class Desk:
    """Everything behind the pages."""

    def __init__(self, house: House, sessions: Sessions, buckets: Buckets) -> None:
        self.house, self.sessions, self.buckets = house, sessions, buckets
        self.keys, self.shelf = sessions.keys, Shelf(house.store, house.log)

    # ------------------------------------------------------------ who comes in

    def visit(self, request: Request) -> Visit:
        """Anybody; whoever has no session yet gets one with the page."""
        found = self.sessions.read(request.cookies.get(COOKIE, ""))
        session = found or self.sessions.new()
        cookie = "" if found else self.sessions.cookie(session)
        caller, token = self.sessions.caller(session), self.sessions.token(session)
        return Visit(request, session, caller, token, cookie, self.keys is None)

    def reader(self, request: Request) -> Visit:
        """Somebody who may read. Refusal (401, 403) for others."""
        visit = self.visit(request)
        self.caller(visit)
        return visit

    def caller(self, visit: Visit) -> Caller:
        """Who reads. Refusal (401, 403) where they may not."""
        if visit.caller is None:
            raise Refusal(401, "sign in first", "key")
        if not visit.caller.reaches("reviewer"):
            raise Refusal(403, "the inbox is for reviewers", "role")
        return visit.caller

    def sent(self) -> Callable[..., Awaitable[Sent]]:
        """A dependency for routes that take a form: a Sent by somebody who may."""

        reader = Depends(self.reader)

        async def sent(request: Request, visit: Visit = reader) -> Sent:
            return Sent(visit, self._counted(visit), await self.checked(request, visit))

        return sent

    async def checked(self, request: Request, visit: Visit) -> Form:
        """The form of a request. Refusal (403) where it was on no page of ours."""
        form = await form_of(request)
        if not self.sessions.allows(visit.session, request, form.one(TOKEN)):
            raise Refusal(403, "this form is not from a page of this session", "say:old_form")
        return form

    def _counted(self, visit: Visit) -> Caller:
        caller, key = self.caller(visit), self.sessions.key_of(visit.session)
        if key is not None:
            self.buckets.take(key.name, key.per_minute)
        return caller

    # ------------------------------------------------------------ what is told

    def author(self, caller: Caller) -> Author:
        """Whose comment it is."""
        return Author("person", caller.name)

    def mine(self, caller: Caller, one: Feedback) -> bool:
        """Did this person say it?"""
        return one.author == self.author(caller)

    def may(self, caller: Caller, one: Feedback) -> bool:
        """May this person take it back?"""
        return caller.reaches("owner") or self.mine(caller, one)

    def told(self, caller: Caller, comments: Sequence[Kept]) -> list[Told]:
        """Comments with what became of them."""
        return [
            Told(one, self.house.store.history(one.said.id), self.mine(caller, one.said), self.may(caller, one.said))
            for one in comments
        ]

    def comment(self, holdings: Holdings, feedback_id: str) -> Kept:
        """The comment of that id. Refusal (404) where there is none."""
        found = holdings.by_id.get(feedback_id)
        if found is None:
            raise Refusal(404, "there is no such comment", "not_found")
        return found
