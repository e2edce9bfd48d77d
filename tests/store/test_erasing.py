"""What is erased is in no byte of the store, and a file does not bring it back; its author may say it again."""

from __future__ import annotations

from pathlib import Path

from sayso.records import Attempt, Author, Feedback, Outcome, State, user
from sayso.store.feedback import FeedbackStore

PRIVATE = Feedback(user("Where is it?"), Attempt("Here."), "my secret is elderberry wine", Author("person", "anna"))
OTHER = Feedback(user("Where is it?"), Attempt("Here."), "too short", Author("person", "ben"))


def test_erased_is_gone_from_every_byte(tmp_path: Path) -> None:
    with FeedbackStore(tmp_path / "it.db") as store:
        store.add([PRIVATE, OTHER])
        store.record([Outcome(PRIVATE.id, State.HEEDED, "elderberry was heeded")])
        store.withdraw(PRIVATE.id, "elderberry was a mistake")
        assert any(b"elderberry" in file.read_bytes() for file in tmp_path.iterdir())
        assert store.erase([PRIVATE.id]) == 1
        assert not any(b"elderberry" in file.read_bytes() for file in tmp_path.iterdir())
        assert store.all(current=False) == [OTHER]
        assert store.history(PRIVATE.id) == []
        assert store.erase([PRIVATE.id]) == 0


def test_a_file_does_not_bring_it_back_and_its_author_does(tmp_path: Path) -> None:
    with FeedbackStore(tmp_path / "it.db") as store:
        store.add([PRIVATE])
        store.erase([PRIVATE.id])
        assert store.add([PRIVATE, OTHER]).added == 1
        assert store.all(current=False) == [OTHER]
        assert store.say(PRIVATE).id == PRIVATE.id
        assert PRIVATE in store.all()
