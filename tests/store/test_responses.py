"""The log of responses: kept once, found by id, in the order a reviewer wants them."""

from __future__ import annotations

import pytest

from sayso.records import Attempt, Feedback, Sampling, user
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import Choice, Response, ResponseLog, Round


def response(name: str, *certainties: float | None) -> Response:
    choices = tuple(Choice(f"{name}的回答 {i}", (1, 2), certainty=sure) for i, sure in enumerate(certainties))
    return Response(name, "chat", user("问\ud800题"), choices, "run/learn", "shop", Sampling(temperature=0.5))


def test_what_was_answered_is_found_again_whole(where: str) -> None:
    one = Response("a", "chat", user("Q"), (Choice("A", (3,), "length", 0.5),), trace=(Round("B", "no", False),))
    with ResponseLog(where) as log:
        log.add([one, response("乙\0", 0.25)])
        found = log.find("a")
        assert found is not None
        assert found.added
        assert (found.prompt, found.choices, found.trace) == (one.prompt, one.choices, one.trace)
        assert log.find("乙\0") is not None
        assert log.find("b") is None


def test_a_known_id_stays_as_it_was(where: str) -> None:
    with ResponseLog(where) as log:
        log.add([response("a", 0.1)])
        log.add([response("a", 0.9, 0.9), response("b", 0.2)])
        assert log.count() == 2
        assert [len(one.choices) for one in log.some()] == [1, 1]


@pytest.mark.parametrize(("order", "names"), [("newest", "edcba"), ("least_certain", "bda")])
def test_reviewers_get_the_newest_or_the_least_certain_first(where: str, order: str, names: str) -> None:
    with ResponseLog(where) as log:
        log.add([response("a", 0.9), response("b", 0.8, 0.1), response("c", None), response("d", 0.5), response("e")])
        assert [one.id for one in log.some(order=order)] == list(names)  # type: ignore[arg-type]
        assert [one.id for one in log.some(2, order=order, skip=1)] == list(names[1:3])  # type: ignore[arg-type]


def test_log_and_comments_share_a_database(where: str) -> None:
    with FeedbackStore(where) as store, ResponseLog(where) as log:
        first, second = (Feedback(user("q"), Attempt("a"), comment) for comment in ("no", "no, because"))
        store.add([first])
        assert store.heir(first.id) == ""
        kept = store.supersede(first.id, second)
        log.add([response("a", 0.9)])
        assert store.find(kept.id) == kept
        assert store.heir(first.id) == kept.id
        assert store.find("nothing") is None
        assert log.count() == 1
