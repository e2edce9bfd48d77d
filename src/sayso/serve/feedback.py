"""/v1/feedback: what somebody says of an answer, and what became of it.

Decided here:
- A comment is on a response of the log: prompt and answer are taken from there, never from the client, so nobody can
  put an answer into the model's mouth.
- Under a client's key people are told apart by its name before theirs ("shop:anna"): one application cannot speak for
  another's people. Reviewers and owners are believed.
- What is not yours is not there (404): an id tells nothing about others.
- A comment is acknowledged (201) when it is on disk and stands. What was taken back and is said again counts again, by
  an id of its own.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Path

from sayso.errors import FeedbackError
from sayso.privacy.policy import PersonalData, in_comment
from sayso.records import Attempt, Author, Feedback, Outcome, Scope, Span, State
from sayso.serve.guard import Needs
from sayso.serve.house import House
from sayso.serve.keys import Caller
from sayso.serve.problems import Refusal, documented
from sayso.serve.schemas import FeedbackRequest, FeedbackTold
from sayso.store.responses import Choice, Response


def feedback_router(house: House, needs: Needs) -> APIRouter:
    """The routes by which comments arrive and are followed."""
    router, client = APIRouter(prefix="/v1", tags=["feedback"]), Depends(needs("client"))

    @router.post(
        "/feedback",
        status_code=201,
        response_model=FeedbackTold,
        responses=documented(400, 401, 403, 404, 409, 413, 422, 429),
    )
    async def say(body: FeedbackRequest, caller: Caller = client) -> Any:
        """Say what is wrong (or right) with an answer, in words; mark a span, rewrite it, say how far it reaches."""
        return await asyncio.to_thread(_taken, house, caller, body)

    @router.get("/feedback/{feedback_id}", response_model=FeedbackTold, responses=documented(401, 403, 404, 422, 429))
    async def state(feedback_id: str = Path(pattern="^[0-9a-f]{16}$"), caller: Caller = client) -> Any:
        """A comment's state, and what became of it."""
        return await asyncio.to_thread(_told, house, caller, feedback_id)

    return router


def comment_on(response: Response, body: FeedbackRequest, author: Author) -> Feedback:
    """The record of a comment. Refusal (400) where it says nothing or points outside of the answer."""
    if body.choice >= len(response.choices):
        raise Refusal(400, f"the response has {len(response.choices)} choices", "invalid", param="choice")
    choice = response.choices[body.choice]
    _says_something(body, choice)
    return Feedback(
        response.prompt,
        Attempt(choice.text, choice.token_ids, response.version, response.sampling),
        body.comment.strip(),
        author,
        Scope(body.scope.reach, body.scope.when.strip()),
        tuple(Span(one.start, one.end, one.label, one.severity, one.replacement) for one in body.spans),
        body.revision,
        polarity=body.polarity,
        reveals_answer=bool(body.revision) and str(body.revision) in body.comment,
        language=body.language,
        licence=body.licence,
        supersedes=body.supersedes,
        item=response.id,
    )


# ---------------------------------------------------------------- inside


def _says_something(body: FeedbackRequest, choice: Choice) -> None:
    if not body.comment.strip() and body.revision is None and not body.spans and body.polarity != "positive":
        raise Refusal(400, "say something: a comment, a revision or a span", "invalid", param="comment")
    if body.scope.reach == "rule" and not body.scope.when.strip():
        raise Refusal(400, "a rule needs `when`: where does it hold?", "invalid", param="scope.when")
    for number, span in enumerate(body.spans):
        if not span.start < span.end <= len(choice.text):
            what = f"the answer has {len(choice.text)} characters; a span is [start, end) within them"
            raise Refusal(400, what, "invalid", param=f"spans.{number}")


def _taken(house: House, caller: Caller, body: FeedbackRequest) -> dict[str, Any]:
    response = house.log.find(body.response_id)
    if response is None or not caller.owns(response.author):
        raise Refusal(404, "there is no such response", "not_found", param="response_id")
    try:
        feedback = _kept(house, caller, body, comment_on(response, body, _author(caller, body.author)))
    except PersonalData as error:
        raise Refusal(422, error.what, "personal_data", param="comment") from None
    house.metrics.comment()
    return _as_json(house, feedback)


def _kept(house: House, caller: Caller, body: FeedbackRequest, feedback: Feedback) -> Feedback:
    """The comment as the store keeps it. PersonalData where its policy refuses it."""
    if not body.supersedes:
        return house.store.say(feedback)
    old = house.store.find(body.supersedes)
    if old is None or not caller.owns(old.author.id):
        raise Refusal(404, "there is no such comment", "not_found", param="supersedes")
    try:
        return house.store.supersede(old.id, feedback)
    except PersonalData:
        raise
    except FeedbackError as error:
        raise Refusal(409, error.what, "superseded", param="supersedes") from None


def _author(caller: Caller, named: str) -> Author:
    if caller.name and not caller.reaches("reviewer"):
        return Author("person", f"{caller.name}:{named}" if named else caller.name)
    return Author("person", named or caller.name)


def _told(house: House, caller: Caller, feedback_id: str) -> dict[str, Any]:
    feedback = house.store.find(feedback_id)
    if feedback is None or not caller.owns(feedback.author.id):
        raise Refusal(404, "there is no such comment", "not_found", param="feedback_id")
    return _as_json(house, feedback)


def _warned(house: House, feedback: Feedback) -> list[str]:
    """The kinds of personal data that stand in a comment as it is kept, where the policy is to warn."""
    return sorted(in_comment(feedback, house.store.policy)) if house.store.policy.do == "warn" else []


def _as_json(house: House, feedback: Feedback) -> dict[str, Any]:
    history = house.store.history(feedback.id)
    latest = history[-1] if history else Outcome(feedback.id, State.WAITING)
    return {
        "id": feedback.id,
        "state": latest.state.value,
        "why": latest.why,
        "response_id": feedback.item,
        "comment": feedback.comment,
        "revision": feedback.revision,
        "scope": {"reach": feedback.scope.reach, "when": feedback.scope.when},
        "author": feedback.author.id,
        "superseded_by": house.store.heir(feedback.id),
        "withdrawn": house.store.withdrawn(feedback.id),
        "personal_data": _warned(house, feedback),
        "history": [
            {"state": one.state.value, "why": one.why, "before": one.before, "after": one.after, "run": one.run}
            for one in history
        ],
    }
