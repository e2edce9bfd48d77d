"""The five queues: what is in them, in which order, and the way through them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso.records import Attempt, Author, Feedback, Scope, user
from sayso.serve.inbox import queues
from sayso.serve.inbox.queues import AUDITED, PAGE, Draw
from sayso.serve.inbox.shelf import Shelf
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import Choice, Response, ResponseLog

NONE = Draw(0, 0)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with FeedbackStore(tmp_path / "s.db") as store, ResponseLog(tmp_path / "s.db") as log:
        yield Shelf(store, log)


def answered(shelf: Shelf, *certainties: float | None) -> None:
    start = shelf.log.count()
    shelf.log.add(
        Response(f"r{start + i}", "chat", user(f"q{start + i}"), (Choice(f"a{start + i}", certainty=sure),))
        for i, sure in enumerate(certainties)
    )


def said(words: str, who: str, item: int = 0, **more: Any) -> Feedback:
    return Feedback(user(f"q{item}"), Attempt(f"a{item}"), words, Author(id=who), item=f"r{item}", **more)


def ids(shelf: Shelf, queue: Any, draw: Draw = NONE, skip: int = 0) -> list[str]:
    return [one.id for one in queues.responses(shelf, shelf.holdings(), queue, draw, skip)]


def test_newest_and_least_certain(shelf: Shelf) -> None:
    answered(shelf, 0.9, 0.2, None, 0.5)
    assert ids(shelf, "newest") == ["r3", "r2", "r1", "r0"]
    assert ids(shelf, "unsure") == ["r1", "r3", "r0"]
    shelf.store.add([said("x", "anna", 1)])
    assert ids(shelf, "unsure") == ["r3", "r0"], "what somebody commented on leaves the queue"
    shelf.store.withdraw(said("x", "anna", 1).id)
    assert ids(shelf, "unsure") == ["r1", "r3", "r0"], "and comes back when the comment is taken back"


def test_a_page_is_one_longer_where_there_is_another(shelf: Shelf) -> None:
    answered(shelf, *([0.5] * (PAGE + 3)))
    for queue in ("newest", "unsure"):
        assert len(ids(shelf, queue)) == PAGE + 1
        assert len(ids(shelf, queue, skip=PAGE)) == 3


def test_an_audit_is_the_same_page_for_the_same_draw_and_fair(shelf: Shelf) -> None:
    answered(shelf, *([0.5] * 60))
    draw = Draw(7, 60)
    first = ids(shelf, "audit", draw)
    assert len(set(first)) == AUDITED
    answered(shelf, 0.1, 0.1)
    assert ids(shelf, "audit", draw) == first, "answers that come later do not change it"
    assert ids(shelf, "audit", Draw(8, 60)) != first
    drawn = Counter(one for seed in range(60) for one in ids(shelf, "audit", Draw(seed, 60)))
    assert set(drawn) == {f"r{i}" for i in range(60)}
    assert max(drawn.values()) < 3 * min(drawn.values()) + 10
    assert ids(shelf, "audit", Draw(1, 10**9)) == ids(shelf, "audit", Draw(1, 10**9))


def test_what_is_said_most_comes_first_and_once_is_no_repetition(shelf: Shelf) -> None:
    shelf.store.add(
        [
            said("Too long.", "anna"),
            said("不要用“亲”。", "李雷", 1),
            said("不要用“亲”这个字。", "韩梅梅", 2),
            said("不要用“亲”！", "anna", 3),
            said("Say the price first.", "anna", 4),
            said("Say the price first!", "ben", 5),
            said("", "anna", 6, polarity="positive"),
            said("", "ben", 7, polarity="positive"),
        ]
    )
    found = queues.repeated(shelf.holdings())
    assert [[one.said.item for one in group] for group in found] == [["r1", "r2", "r3"], ["r4", "r5"]]
    one = shelf.holdings().by_id[said("不要用“亲”！", "anna", 3).id]
    assert {kept.said.item for kept in queues.alike(shelf.holdings(), one)} == {"r1", "r2", "r3"}
    shelf.store.withdraw(one.said.id)
    again = shelf.holdings()
    assert len(queues.repeated(again)[0]) == 2
    assert one.said.id in {kept.said.id for kept in queues.alike(again, again.by_id[one.said.id])}


def test_two_people_who_contradict_each_other_are_a_dispute(shelf: Shelf) -> None:
    shelf.store.add(
        [
            said("Always greet.", "anna", scope=Scope("everywhere")),
            said("x", "anna", 1, revision="one"),
            said("", "李雷", 2, polarity="positive"),
            said("Never greet.", "ben", 3, scope=Scope("everywhere")),
            said("y", "anna", 1, revision="two"),
            said("不对。", "韩梅梅", 2),
        ]
    )
    found = queues.disputed(shelf.holdings())
    sides = [(one.older.said.author.id, one.newer.said.author.id) for one in found]
    assert sides == [("李雷", "韩梅梅"), ("anna", "ben")], "one person who changes their mind disputes nothing"
    shelf.store.withdraw(found[0].newer.said.id)
    assert len(queues.disputed(shelf.holdings())) == 1


def test_the_way_through_a_queue() -> None:
    assert queues.after(["a", "b", "c"], "a") == "b"
    assert queues.after(["a", "b"], "b") == ""
    assert queues.after(["b", "c"], "a") == "b", "what has left the queue is followed by its first"
    assert queues.after([], "a") == ""
