"""Every comment as it stands: also what was taken back, changed and said again, by whomever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.errors import FeedbackError
from sayso.records import Attempt, Author, Feedback, user
from sayso.serve.inbox.shelf import MANY, Shelf
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import Choice, Response, ResponseLog


def said(words: str, who: str = "anna", item: str = "r") -> Feedback:
    return Feedback(user("退货？"), Attempt("三天"), words, Author(id=who), item=item)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with FeedbackStore(tmp_path / "s.db") as store, ResponseLog(tmp_path / "s.db") as log:
        yield Shelf(store, log)


def test_what_others_write_meanwhile_is_seen(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.holdings().current() == []
    with FeedbackStore(tmp_path / "s.db") as other:
        other.add([said("a"), said("b", "ben"), said("c", item="s")])
        assert [one.said.comment for one in shelf.holdings().on("r")] == ["a", "b"]
        other.withdraw(said("a").id, "wrong")
        other.supersede(said("b", "ben").id, said("b2", "ben"))
    now = shelf.holdings()
    assert [(one.said.comment, one.stands) for one in now.on("r")] == [("a", False), ("b", False), ("b2", True)]
    assert now.by_id[said("a").id].back == "wrong"
    assert now.by_id[said("b", "ben").id].heir == now.on("r")[2].said.id
    assert [one.said.comment for one in now.by("ben")] == ["b2"]


def test_many_at_once_are_all_there_in_their_order(shelf: Shelf) -> None:
    shelf.store.add(said(f"c{n}") for n in range(MANY + 5))
    assert [one.said.comment for one in shelf.holdings().current()] == [f"c{n}" for n in range(MANY + 5)]


def test_the_same_words_again_after_taking_them_back_are_kept(shelf: Shelf) -> None:
    one = shelf.keep(said("a"))
    assert shelf.keep(said("a")) == one, "said twice it is one comment"
    assert len(shelf.holdings().by_id) == 1
    shelf.store.withdraw(one.id)
    again = shelf.keep(said("a"))
    assert again.id != one.id
    assert [kept.said for kept in shelf.holdings().current()] == [again]
    assert [one.comment for one in shelf.store.all()] == ["a"]


def test_back_to_the_first_words_after_a_change(shelf: Shelf) -> None:
    one = shelf.keep(said("a"))
    two = shelf.keep(replace(said("b"), supersedes=one.id))
    three = shelf.keep(said("a"))
    assert three.supersedes == two.id
    assert [kept.said.comment for kept in shelf.holdings().current()] == ["a"]
    assert shelf.keep(said("a")) == three


def test_bringing_back_says_it_again_once(shelf: Shelf) -> None:
    one = shelf.keep(said("a"))
    with pytest.raises(FeedbackError, match="stands"):
        shelf.bring_back(one.id)
    shelf.store.withdraw(one.id)
    again = shelf.bring_back(one.id)
    assert again.supersedes == one.id
    with pytest.raises(FeedbackError, match="stands"):
        shelf.bring_back(one.id)
    shelf.store.withdraw(again.id)
    third = shelf.bring_back(one.id)
    assert [kept.said for kept in shelf.holdings().current()] == [third]


def test_a_change_of_what_was_changed_meanwhile_is_refused(shelf: Shelf) -> None:
    one = shelf.keep(said("a"))
    shelf.keep(replace(said("b"), supersedes=one.id))
    with pytest.raises(FeedbackError, match="superseded already"):
        shelf.keep(replace(said("c"), supersedes=one.id))


def test_the_newest_of_the_log(shelf: Shelf) -> None:
    assert shelf.recent() == []
    shelf.log.add([Response("a", "chat", user("q"), (Choice("x"),))])
    assert [one.id for one in shelf.recent()] == ["a"]
    shelf.log.add([Response("b", "chat", user("q"), (Choice("x"),))])
    assert [one.id for one in shelf.recent()] == ["b", "a"]
