"""The inbox on a shared database: a PostgreSQL server of the test's own; skipped, saying so, where there is none."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "store"))
from live import Live, Parrot, house, running
from postgres import server
from reviewers import Person, outcomes, responses, said_before
from sqlalchemy import Connection

from sayso.errors import FeedbackError
from sayso.store import feedback
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import ResponseLog


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as here:
        yield here


@pytest.fixture
def shared(url: str, tmp_path: Path) -> Iterator[Live]:
    made = house(Parrot(), tmp_path)
    made.store.close()
    made.log.close()
    made = replace(made, store=FeedbackStore(url), log=ResponseLog(url))
    made.log.add(responses())
    said = said_before()
    made.store.add(said)
    made.store.record(outcomes(said))
    with running(made, made.answers) as served:
        yield served


def test_the_inbox_on_a_shared_database(shared: Live) -> None:
    anna, ben = Person(shared), Person(shared, "zh")
    anna.post("/sign-in", {"name": "anna"})
    ben.post("/sign-in", {"name": "本"})
    for queue in ("newest", "unsure", "repeated", "disputed", "audit"):
        assert anna.get(f"/queue/{queue}", follow_redirects=True).status_code == 200
    assert "2 people" in anna.get("/queue/repeated").text
    told = anna.say("chatcmpl-2", "Shorter.\0\ud800 短一点")
    kept = told.headers["location"].partition("kept=")[2]
    assert anna.post("/take-back", {"id": kept, "then": "item"}).status_code == 303
    assert shared.house.store.all(author="anna") == []
    assert anna.post("/bring-back", {"id": kept, "then": "item"}).status_code == 303
    assert anna.say("chatcmpl-2", "Much shorter.", change=kept).status_code == 409
    assert "短一点" in anna.get("/yours").text
    assert "本" in ben.get("/queue/newest").text

    def speak(one: Person, token: str, words: str) -> None:
        one.http.post("/item/chatcmpl-3", data={"comment": words, "verdict": "negative", "csrf": token})

    people = [(one, one.token(), f"remark {n}") for n, one in enumerate((anna, ben) * 4)]
    threads = [threading.Thread(target=speak, args=args) for args in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {one.comment for one in shared.house.store.all() if one.item == "chatcmpl-3"}
    assert {f"remark {n}" for n in range(8)} <= found


def test_on_a_shared_database_too_only_one_of_two_takes_a_place(shared: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    store = shared.house.store
    first, made = store.all()[0], []
    both, heirs = threading.Barrier(2, timeout=1), feedback._heirs

    def looked_up(connection: Connection, feedback_id: str) -> list[str]:
        found = heirs(connection, feedback_id)
        with contextlib.suppress(threading.BrokenBarrierError):  # whoever looks second has to wait for the first
            both.wait()
        return found

    def change(number: int) -> None:
        with contextlib.suppress(FeedbackError):
            made.append(store.supersede(first.id, replace(first, comment=f"{number}")).id)

    monkeypatch.setattr(feedback, "_heirs", looked_up)
    threads = [threading.Thread(target=change, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [one.id for one in store.all() if one.supersedes == first.id]
    assert len(made) == 1
