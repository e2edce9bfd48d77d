"""What readers do: say something, change it, take it back, bring it back, ask the model again.

Decided here:
- Nothing is edited: a change supersedes, taking back is written down. So everything can be undone.
- A comment on an answer on which others commented meanwhile is kept beside theirs, and the page tells.
- What cannot be kept comes back in the form as it was typed.
- An answer that a reviewer asks for stands in no log: nobody is to review reviewers' trials.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi import APIRouter, Depends, Response

from sayso.errors import FeedbackError
from sayso.privacy.policy import PersonalData
from sayso.protocols import Ask
from sayso.records import Example, Feedback
from sayso.serve.answers import whole
from sayso.serve.house import House
from sayso.serve.inbox.desk import Desk, Sent
from sayso.serve.inbox.form import Draft, Unfinished, comment_from, draft_of
from sayso.serve.inbox.item import Seen, find, item_page, way
from sayso.serve.inbox.web import away, page
from sayso.serve.keys import Caller
from sayso.serve.problems import Refusal

MOST_AT_ONCE = 200


def add_acts(router: APIRouter, desk: Desk) -> None:
    """The routes that write."""
    sent = Depends(desk.sent())

    @router.post("/item/{response_id}")
    def say(response_id: str, choice: int = 0, given: Sent = sent) -> Response:
        seen, draft = Seen(find(desk, response_id, choice), choice), draft_of(given.form)
        try:
            kept = _kept(desk, given.caller, seen, draft)
        except Unfinished as error:
            return item_page(desk, given.visit, seen, draft, problem=error.key, status=400)
        except PersonalData:
            return item_page(desk, given.visit, seen, draft, problem="personal", status=422)
        except FeedbackError:
            draft = replace(draft, change="")  # sent again, it is a comment of its own
            return item_page(desk, given.visit, seen, draft, problem="was_changed", status=409)
        desk.house.metrics.comment()
        asked = {"choice": choice or "", "kept": kept.id, "seen": given.form.one("seen")}
        return away(given.visit, f"item/{response_id}", **asked, **way(given.visit))

    @router.post("/take-back")
    def take_back(given: Sent = sent) -> Response:
        holdings, ids = desk.shelf.holdings(), given.form.all("id")[:MOST_AT_ONCE]
        comments = [desk.comment(holdings, id_) for id_ in ids]
        if not comments or not all(desk.may(given.caller, one.said) for one in comments):
            raise Refusal(403, "only who said it, or an owner, takes it back", "say:not_yours")
        for one in comments:
            theirs = not desk.mine(given.caller, one.said)
            by = given.visit.say("vetoed_by", name=given.caller.name or given.visit.say("the_owner")) if theirs else ""
            desk.house.store.withdraw(one.said.id, given.form.one("why").strip()[:500] or by)
        return _back(given, comments[0].said, "taken_back")

    @router.post("/bring-back")
    def bring_back(given: Sent = sent) -> Response:
        one = desk.comment(desk.shelf.holdings(), given.form.one("id"))
        if not desk.mine(given.caller, one.said):
            raise Refusal(403, "only who said it says it again", "say:not_yours")
        try:
            kept = desk.shelf.bring_back(one.said.id)
        except FeedbackError:
            raise Refusal(409, "it stands already", "conflict") from None
        return _back(given, kept, "brought_back")

    @router.post("/ask/{feedback_id}")
    async def ask(feedback_id: str, given: Sent = sent) -> Response:
        holdings = await asyncio.to_thread(desk.shelf.holdings)
        one = desk.comment(holdings, feedback_id).said
        answer = await _answer(desk.house, one)
        version = desk.house.version
        part = "hx-request" in given.visit.request.headers
        template = "asked.html.jinja" if part else "asked_page.html.jinja"
        return await asyncio.to_thread(page, given.visit, template, one=one, answer=answer, version=version)


# ---------------------------------------------------------------- inside


def _kept(desk: Desk, caller: Caller, seen: Seen, draft: Draft) -> Feedback:
    """The comment as it is kept. Unfinished where it is none; FeedbackError where another took its place."""
    if draft.change:
        old = desk.comment(desk.shelf.holdings(), draft.change)
        if not desk.mine(caller, old.said) or old.said.item != seen.response.id:
            raise Refusal(404, "there is no such comment", "not_found")
        if old.back is not None:
            raise FeedbackError("this comment was taken back")
    return desk.shelf.keep(comment_from(draft, seen.response, seen.choice, desk.author(caller)))


def _back(given: Sent, one: Feedback, done: str) -> Response:
    """To where the reader came from, as the form says."""
    if given.form.one("then") == "yours":
        return away(given.visit, "yours", done=done)
    if given.form.one("then") == "item":
        kept = {"kept": one.id} if done == "brought_back" else {"back": one.id}
        return away(given.visit, f"item/{one.item}", **kept, **way(given.visit))
    return away(given.visit, f"lesson/{one.id}", done=done)


async def _answer(house: House, one: Feedback) -> str:
    """What the model says now to the prompt of a comment."""
    if house.task.name != "generate":
        asked = [Example(one.id, one.prompt)]
        return (await house.answers.call(lambda: house.decide(house.task, asked)))[0].text
    saying = await house.answers.begin([Ask(house.shown(one.prompt), house.task.sampling)])
    return (await whole(saying, 1)).texts[0]
