"""The page of one answer: the conversation, what was said of it, and the form to say more."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from sayso.serve.inbox.desk import Desk
from sayso.serve.inbox.form import Draft, stretches
from sayso.serve.inbox.queues import QUEUES
from sayso.serve.inbox.shelf import Kept
from sayso.serve.inbox.web import Visit, page
from sayso.serve.problems import Refusal
from sayso.store.responses import Response

CARRIED = ("queue", "seed", "of")


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, and which of its choices is looked at."""

    response: Response
    choice: int = 0


def find(desk: Desk, response_id: str, choice: int) -> Response:
    """The response of that id. Refusal (404) where there is none, or no such choice."""
    found = desk.house.log.find(response_id)
    if found is None or not 0 <= choice < len(found.choices):
        raise Refusal(404, "there is no such answer", "not_found")
    return found


def way(visit: Visit) -> dict[str, str]:
    """The queue that the reader works through, as it stands in the address."""
    asked = visit.request.query_params
    if asked.get("queue") not in QUEUES:
        return {}
    return {name: asked.get(name, "") for name in CARRIED}


def item_page(
    desk: Desk, visit: Visit, seen: Seen, draft: Draft, *, problem: str = "", kept: str = "", status: int = 200
) -> HTMLResponse:
    """The page; `problem` is the key of what is wrong with the form, `kept` the comment that was just made."""
    holdings, caller = desk.shelf.holdings(), desk.caller(visit)
    on, choice = holdings.on(seen.response.id), seen.response.choices[seen.choice]
    told = desk.told(caller, [one for one in on if one.stands and one.said.attempt.text == choice.text])
    just = holdings.by_id.get(kept)
    return page(
        visit,
        "item.html.jinja",
        status,
        response=seen.response,
        choice=choice,
        number=seen.choice,
        stretches=stretches(choice.text, [one.kept.said for one in told]),
        told=told,
        seen=len(on),
        draft=draft,
        problem=problem,
        just=just if just is not None and just.stands and desk.mine(caller, just.said) else None,
        missed=_missed(desk, visit, kept),
        undone=_undone(desk, visit),
        way=way(visit),
        options=desk.house.task.options if seen.response.sort == "classification" else (),
        several=desk.house.task.several,
    )


def _undone(desk: Desk, visit: Visit) -> Kept | None:
    """The reader's own comment that was just taken back."""
    found = desk.shelf.holdings().by_id.get(visit.request.query_params.get("back", ""))
    ours = (
        found is not None and found.back is not None and not found.heir and desk.mine(desk.caller(visit), found.said)
    )
    return found if ours else None


def _missed(desk: Desk, visit: Visit, kept: str) -> list[str]:
    """Who commented between the moment when the page was opened and the reader's own comment."""
    since = visit.request.query_params.get("seen", "")
    if not kept or not since.isdigit() or len(since) > 8:
        return []
    caller, holdings = desk.caller(visit), desk.shelf.holdings()
    just = holdings.by_id.get(kept)
    later = holdings.on(just.said.item)[int(since) :] if just is not None else ()
    names = [one.said.author.id for one in later if one.stands and not desk.mine(caller, one.said)]
    return list(dict.fromkeys(names))
