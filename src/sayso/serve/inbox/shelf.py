"""What is kept, ready to be read by pages: every comment with what happened to it, and the newest of the log.

Decided here:
- A comment's content never changes, so it is read from the store once. What does change (who superseded whom, what was
  taken back) is asked anew for every page: several servers and commands may write to one store.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sayso.errors import FeedbackError
from sayso.records import Feedback, State
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import Response, ResponseLog

MANY = 50  # comments that are read in one go
RECENT = 300


@dataclass(frozen=True, slots=True)
class Kept:
    """A comment as it stands: when it came, why it was taken back (None: it was not), which one took its place."""

    said: Feedback
    added: str
    back: str | None = None
    heir: str = ""

    @property
    def stands(self) -> bool:
        """Whether it is current."""
        return self.back is None and not self.heir


@dataclass(frozen=True, slots=True)
class Holdings:
    """All comments in the order of their arrival, and those on each item."""

    by_id: Mapping[str, Kept]
    by_item: Mapping[str, Sequence[Kept]] = field(default_factory=dict)

    def current(self) -> list[Kept]:
        """Those that stand."""
        return [one for one in self.by_id.values() if one.stands]

    def on(self, item: str) -> Sequence[Kept]:
        """Those on one item, whatever happened to them."""
        return self.by_item.get(item, ())

    def by(self, author: str) -> list[Kept]:
        """A person's own, those that were changed since left out, newest first."""
        own = [one for one in self.by_id.values() if one.said.author.kind == "person" and one.said.author.id == author]
        return [one for one in reversed(own) if not one.heir]

    def last_of(self, feedback_id: str) -> Kept | None:
        """The comment that stands at the end of those that took this one's place one after another."""
        found = self.by_id.get(feedback_id)
        while found is not None and found.heir:
            found = self.by_id.get(found.heir)
        return found


class Shelf:
    """Reads the store and the log, and writes into the store."""

    def __init__(self, store: FeedbackStore, log: ResponseLog) -> None:
        self.store, self.log = store, log
        self._lock = threading.Lock()
        self._known: dict[str, Feedback] = {}
        self._recent: tuple[int, list[Response]] = (-1, [])

    def holdings(self) -> Holdings:
        """All comments as they stand now."""
        came, back = self.store.arrivals(), self.store.taken_back()
        with self._lock:
            self._read([id_ for id_ in came if id_ not in self._known])
            known = dict(self._known)
        heirs = {one.supersedes: one.id for one in known.values() if one.supersedes and one.id in came}
        kept = {
            id_: Kept(known[id_], when, back.get(id_), heirs.get(id_, ""))
            for id_, when in came.items()
            if id_ in known
        }
        on: dict[str, list[Kept]] = defaultdict(list)
        for one in kept.values():
            on[one.said.item].append(one)
        return Holdings(kept, on)

    def recent(self) -> list[Response]:
        """The newest responses of the log, at most RECENT."""
        count = self.log.count()
        with self._lock:
            if self._recent[0] != count:
                self._recent = (count, self.log.some(RECENT))
            return self._recent[1]

    def state(self, feedback_id: str) -> State:
        """What became of a comment."""
        found = self.store.outcome(feedback_id)
        return found.state if found is not None else State.WAITING

    def keep(self, said: Feedback) -> Feedback:
        """Keep a comment; returns it as it was kept. FeedbackError where another took its place meanwhile."""
        if said.supersedes:
            return self.store.supersede(said.supersedes, said)
        return self.store.say(said)

    def bring_back(self, feedback_id: str) -> Feedback:
        """Say again what was taken back. FeedbackError where it stands already."""
        found = self.holdings().last_of(feedback_id)
        if found is None or found.back is None:
            raise FeedbackError("this comment stands already", where=self.store.where)
        return self.store.supersede(found.said.id, found.said)

    def _read(self, unknown: Sequence[str]) -> None:
        if len(unknown) > MANY:
            self._known = {one.id: one for one in self.store.all(current=False)}
            return
        for id_ in unknown:
            found = self.store.find(id_)
            if found is not None:
                self._known[id_] = found
