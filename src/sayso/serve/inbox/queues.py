"""What to read next: five queues.

Decided here:
- newest: all, so that nothing is out of sight. unsure: what nobody has commented on, least certain first.
- repeated: groups of comments that say the same (grouping), the largest first; one is no repetition.
- disputed: two people whose comments contradict each other as learning sees it, or of whom one praises what the other
  finds wrong. What one person changed their mind about is no dispute.
- audit: a fair draw from the whole log, whatever is in it. The draw is named by a seed and the length of the log, so
  that a page read again is the same page and two people can look through the same one.
- Groups and disputes are looked for among the newest comments, for it takes a comparison of each with each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from sayso.grouping import groups, overruled
from sayso.records import Feedback
from sayso.serve.inbox.shelf import Holdings, Kept, Shelf
from sayso.store.responses import Order, Response, ResponseLog

Queue = Literal["newest", "unsure", "repeated", "disputed", "audit"]
QUEUES: tuple[Queue, ...] = get_args(Queue)
PAGE = 20
COMPARED = 400
LOOKED = 2000
AUDITED = 20


@dataclass(frozen=True, slots=True)
class Draw:
    """An audit: `seed` names it, `of` is how long the log was."""

    seed: int
    of: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two comments of two people that cannot both count; the newer one does."""

    older: Kept
    newer: Kept


def responses(shelf: Shelf, holdings: Holdings, queue: Queue, draw: Draw, skip: int = 0) -> list[Response]:
    """A page of a queue of answers, and one more where there is a next page."""
    if queue == "audit":
        return audited(shelf.log, draw)
    if queue == "unsure":
        return _unread(shelf.log, holdings, skip)
    return shelf.log.some(PAGE + 1, skip=skip)


def audited(log: ResponseLog, draw: Draw) -> list[Response]:
    """The drawn answers, in the order of the draw."""
    count = log.count()
    places = Random(f"audit:{draw.seed}").sample(range(draw.of), min(AUDITED, draw.of))
    found = [log.some(1, skip=count - 1 - place) for place in places if place < count]
    return [one for page in found for one in page]


def repeated(holdings: Holdings) -> list[list[Kept]]:
    """Comments that say the same, those that most people say first."""
    kept = {one.said.id: one for one in _compared(holdings) if one.said.polarity != "positive"}
    found = groups([one.said for one in kept.values() if one.said.comment.strip()])
    several = [[kept[one.id] for one in group] for group in found if len(group) > 1]
    return sorted(several, key=lambda group: -len(group))


def alike(holdings: Holdings, one: Kept) -> list[Kept]:
    """The comments that say the same as this one, itself among them."""
    others = [kept for kept in _compared(holdings) if kept.said.id != one.said.id]
    kept = {known.said.id: known for known in [*others, one]}
    if not one.said.comment.strip():
        return [one]
    found = groups([known.said for known in kept.values()])
    return next([kept[other.id] for other in group] for group in found if one.said in group)


def disputed(holdings: Holdings) -> list[Dispute]:
    """Comments of different people that contradict each other, the newest dispute first."""
    kept = {one.said.id: one for one in _compared(holdings)}
    said = [one.said for one in kept.values()]
    pairs = {(old, new.id) for old, new in overruled(said).items()} | set(_praise_and_blame(said))
    order = {id_: place for place, id_ in enumerate(kept)}
    found = [Dispute(kept[old], kept[new]) for old, new in pairs if _author(kept[old]) != _author(kept[new])]
    return sorted(found, key=lambda one: (-order[one.newer.said.id], -order[one.older.said.id]))


def after(ids: Sequence[str], current: str) -> str:
    """The next item of a queue; the first where the current one has left the queue, "" at its end."""
    if current in ids:
        rest = ids[list(ids).index(current) + 1 :]
        return rest[0] if rest else ""
    return ids[0] if ids else ""


# ---------------------------------------------------------------- inside


def _unread(log: ResponseLog, holdings: Holdings, skip: int) -> list[Response]:
    found: list[Response] = []
    for start in range(0, LOOKED, 100):
        order: Order = "least_certain"
        page = log.some(100, order=order, skip=start)
        found += [one for one in page if not any(kept.stands for kept in holdings.on(one.id))]
        if len(page) < 100 or len(found) > skip + PAGE:
            break
    return found[skip : skip + PAGE + 1]


def _compared(holdings: Holdings) -> list[Kept]:
    return holdings.current()[-COMPARED:]


def _author(kept: Kept) -> tuple[str, str]:
    return kept.said.author.kind, kept.said.author.id


def _praise_and_blame(said: Sequence[Feedback]) -> Iterator[tuple[str, str]]:
    """(older, newer) on one answer, of which one says that it is right and the other that it is wrong."""
    for place, newer in enumerate(said):
        for older in said[:place]:
            same = (older.item, older.attempt.text, older.prompt) == (newer.item, newer.attempt.text, newer.prompt)
            if same and {older.polarity, newer.polarity} == {"positive", "negative"}:
                yield older.id, newer.id
