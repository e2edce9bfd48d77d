"""The store keeps every comment once and for good, whoever writes at the same time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import FeedbackError, MachineFault, UnsupportedError
from sayso.records import Attempt, Author, Feedback, Message, Outcome, Scope, Span, State, user
from sayso.store import feedback as module
from sayso.store import migrations
from sayso.store.database import engine_of, shown
from sayso.store.feedback import FeedbackStore

COMMENT = Feedback(user("退货要多久？"), Attempt("三天。"), "应该说七天。", Author(id="小王"), revision="七天。")
ENGLISH = Feedback(user("How long?"), Attempt("3 days"), "Say seven days.", Author("critic", "rule"), split="test")


@pytest.fixture
def store(where: str) -> Iterator[FeedbackStore]:
    with FeedbackStore(where) as opened:
        yield opened


texts = st.text(max_size=12) | st.sampled_from(
    ["你好，世界", "\x00", "\ud800", "\u2028", "'; DROP TABLE feedback; --"]
)
feedbacks = st.builds(
    Feedback,
    prompt=st.lists(st.builds(Message, st.sampled_from(["user", "system"]), texts), max_size=2).map(tuple),
    attempt=st.builds(Attempt, texts, st.lists(st.integers(0, 9), max_size=2).map(tuple)),
    comment=texts,
    author=st.builds(Author, st.sampled_from(["person", "program"]), texts),
    scope=st.builds(Scope, st.sampled_from(["item", "rule", "everywhere"]), texts),
    spans=st.lists(st.builds(Span, st.integers(0, 3), st.integers(3, 9), texts), max_size=1).map(tuple),
    revision=st.none() | texts,
    confidence=st.floats(0, 1),
    language=st.sampled_from(["", "zh", "en"]),
    split=st.sampled_from([None, "train", "test"]),
)


def test_what_goes_in_comes_out_once_and_in_order(store: FeedbackStore, tmp_path: Path) -> None:
    known: dict[str, Feedback] = {}

    @given(st.lists(feedbacks, max_size=5))
    @settings(deadline=None, max_examples=25)
    def goes_in(comments: list[Feedback]) -> None:
        new = {comment.id: comment for comment in comments if comment.id not in known}
        assert store.add(comments) == (len(new), len(comments) - len(new))
        assert store.add(comments) == (0, len(comments))
        known.update(new)
        assert store.all(current=False) == list(known.values())
        assert all(store.get(id_) == comment for id_, comment in new.items())
        store.export_jsonl(tmp_path / "a.jsonl")
        lines = [line for line in (tmp_path / "a.jsonl").read_bytes().split(b"\n") if line]
        assert [json.loads(line)["comment"] for line in lines] == [one.comment for one in known.values()]

    goes_in()


def test_a_superseded_comment_stays_on_record(store: FeedbackStore) -> None:
    store.add([COMMENT, ENGLISH])
    newer = store.supersede(COMMENT.id, replace(COMMENT, comment="应该说十五天。"))
    assert newer.supersedes == COMMENT.id
    assert store.all() == [ENGLISH, newer]
    assert store.all(current=False) == [COMMENT, ENGLISH, newer]
    assert store.get(COMMENT.id) == COMMENT
    assert store.supersede(COMMENT.id, newer) == newer
    with pytest.raises(FeedbackError, match="superseded already") as caught:
        store.supersede(COMMENT.id, ENGLISH)
    assert newer.id in caught.value.fix


def test_what_is_said_again_after_it_was_taken_back_stands_again(store: FeedbackStore) -> None:
    assert store.say(COMMENT) == store.say(COMMENT) == COMMENT
    store.withdraw(COMMENT.id, "a mistake")
    assert store.add([COMMENT]) == (0, 1)
    assert store.all() == [], "a file that is read again brings nothing back"
    again = store.say(COMMENT)
    assert again == replace(COMMENT, supersedes=COMMENT.id)
    assert store.say(COMMENT) == again
    assert store.all() == [again]
    store.withdraw(again.id)
    third = store.say(COMMENT)
    assert store.all() == [third]
    assert store.all(current=False) == [COMMENT, again, third]


def test_first_words_said_again_take_the_place_of_their_change(store: FeedbackStore) -> None:
    store.say(COMMENT)
    changed = store.supersede(COMMENT.id, replace(COMMENT, comment="应该说十五天。"))
    back = store.say(COMMENT)
    assert back.supersedes == changed.id
    assert store.all() == [back]
    with pytest.raises(FeedbackError, match="superseded already"):
        store.supersede(COMMENT.id, changed)  # it was changed itself since


def test_a_change_that_was_taken_back_is_not_made_again_unsaid(store: FeedbackStore) -> None:
    store.say(COMMENT)
    changed = store.supersede(COMMENT.id, replace(COMMENT, comment="应该说十五天。"))
    store.withdraw(changed.id)
    with pytest.raises(FeedbackError, match="superseded already") as caught:
        store.supersede(COMMENT.id, changed)
    assert changed.id in caught.value.fix
    assert store.supersede(changed.id, changed) == store.all()[0]


def test_only_one_of_two_at_once_takes_a_place(
    store: FeedbackStore, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.say(COMMENT)
    both, heirs = threading.Barrier(2, timeout=1), module._heirs

    def looked_up(connection: sa.Connection, feedback_id: str) -> list[str]:
        found = heirs(connection, feedback_id)
        with suppress(threading.BrokenBarrierError):  # whoever looks second has to wait for the first to end
            both.wait()
        return found

    def change(number: int) -> str:
        with FeedbackStore(where) as own:
            try:
                return own.supersede(COMMENT.id, replace(COMMENT, comment=f"{number} 天")).id
            except FeedbackError:
                return ""

    monkeypatch.setattr(module, "_heirs", looked_up)
    with ThreadPoolExecutor(2) as pool:
        made = [one for one in pool.map(change, range(2)) if one]
    assert [one.id for one in store.all()] == made
    assert len(made) == 1


def test_an_unknown_id_names_the_nearest(store: FeedbackStore) -> None:
    store.add([COMMENT])
    with pytest.raises(FeedbackError) as caught:
        store.get(COMMENT.id[:-1] + "z")
    assert COMMENT.id in caught.value.fix
    with pytest.raises(FeedbackError):
        store.supersede("nothing", ENGLISH)
    assert store.all() == [COMMENT]


def test_filters(store: FeedbackStore) -> None:
    store.add([COMMENT, ENGLISH])
    assert store.all(author="小王") == store.all(language="zh") == [COMMENT]
    assert store.all(split="test") == store.all(language="en") == [ENGLISH]
    assert store.all(author="小王", split="test") == []
    hour = timedelta(hours=1)
    assert store.all(since=datetime.now(UTC) - hour) == [COMMENT, ENGLISH]
    assert store.all(since=datetime.now() + hour) == []


def test_of_the_outcomes_the_latest_counts_and_all_are_kept(store: FeedbackStore) -> None:
    assert store.outcome(COMMENT.id) is None
    first = Outcome(COMMENT.id, State.NOT_HEEDED, "没有变", "三天。", "三天。", "一")
    second = Outcome(COMMENT.id, State.HEEDED, before="三天。", after="七天。", run="二")
    store.record([first, Outcome(ENGLISH.id, State.HELD_OUT)])
    store.record([second])
    store.record([])
    assert store.outcome(COMMENT.id) == second
    assert store.history(COMMENT.id) == [first, second]


def test_reopening_finds_everything(store: FeedbackStore, where: str) -> None:
    store.add([COMMENT])
    with FeedbackStore(where if "://" in where else f"sqlite:///{where}") as again:
        assert again.all() == [COMMENT]


WRITER = """
import sys
from sayso.records import Attempt, Feedback, user
from sayso.store.feedback import FeedbackStore
with FeedbackStore(sys.argv[1]) as store:
    for i in range(20):
        store.add([Feedback(user("问"), Attempt("答"), f"{name} {i}") for name in (sys.argv[2], "共同")])
"""


def test_several_processes_write_at_once(where: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, where, name]) for name in "甲乙丙"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with FeedbackStore(where) as store:
        assert len(store.all()) == 3 * 20 + 20


@pytest.mark.parametrize("version", range(1, len(migrations.STEPS)))
def test_an_old_store_is_brought_up_with_its_comments(where: str, version: int) -> None:
    body = '{"prompt": [{"role": "user", "text": "问"}], "attempt": {"text": "答"}, "comment": "不对"}'
    values = {"id": "aaa", "body": body, "added": "2025-01-01T00:00:00+00:00", "language": "zh"}
    values |= {"author": "", "split": "", "supersedes": ""}
    engine = engine_of(where)
    with engine.begin() as connection:
        assert migrations.migrate(connection, "", version) == version
        connection.execute(sa.insert(sa.table("feedback", *map(sa.column, values))), values)
    engine.dispose()
    with FeedbackStore(where) as store:
        assert store.get("aaa").comment == "不对"
        store.record([Outcome("aaa", State.WAITING)])
        assert store.history("aaa")
    with FeedbackStore(where) as store:
        assert len(store.all()) == 1


def test_released_migrations_are_as_they_were() -> None:
    prints = [hashlib.sha256("\n".join(step).encode()).hexdigest()[:8] for step in migrations.STEPS]
    assert prints == PRINTS, "a released step was changed: put it back and add another"


PRINTS = ["9e2f2c74", "13a36eef", "0cab52ff", "3b0840c0", "0a770a05"]


def test_a_comment_taken_back_stays_on_record_and_is_no_longer_current(where: str) -> None:
    ours, theirs = (Feedback(user("在吗"), Attempt("在"), words) for words in ("太冷淡。", "Say hello first."))
    with FeedbackStore(where) as store:
        store.add([ours, theirs])
        assert store.withdrawn(ours.id) is None
        store.withdraw(ours.id, "说错了")
        store.withdraw(ours.id, "again")
        assert store.withdrawn(ours.id) == "说错了"
        assert store.all() == [theirs]
        assert store.all(current=False) == [ours, theirs]
        assert store.get(ours.id) == ours
        assert store.add([ours]).known == 1
        assert store.all() == [theirs], "said again in the same words it is the same comment"
        with pytest.raises(FeedbackError, match="no comment 'nobody'"):
            store.withdraw("nobody")


def test_when_comments_came_and_which_were_taken_back_is_told_at_once(store: FeedbackStore) -> None:
    store.add([COMMENT])
    store.add([ENGLISH])
    store.withdraw(ENGLISH.id, "算了")
    came = store.arrivals()
    assert list(came) == [COMMENT.id, ENGLISH.id]
    assert came[COMMENT.id] < came[ENGLISH.id]
    assert store.taken_back() == {ENGLISH.id: "算了"}


def test_a_store_from_the_future_is_left_alone(where: str) -> None:
    FeedbackStore(where).close()
    engine = engine_of(where)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO sayso_version VALUES (99, '')"))
    engine.dispose()
    with pytest.raises(FeedbackError, match="version 99"):
        FeedbackStore(where)


def test_a_password_is_never_shown() -> None:
    secret = "postgresql://anna:geheim@localhost:1/none"
    with pytest.raises(MachineFault) as caught:
        FeedbackStore(secret)
    assert "geheim" not in str(caught.value)
    assert "anna:***@localhost" in str(caught.value)
    assert shown("a/b.db") == "a/b.db"


def test_what_is_no_store_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("这不是数据库" * 200, encoding="utf-8")
    with pytest.raises(FeedbackError, match="no feedback store"):
        FeedbackStore(tmp_path / "notes.db")
    with pytest.raises(MachineFault):
        FeedbackStore(tmp_path)
    with pytest.raises(MachineFault):
        FeedbackStore(tmp_path / "notes.db" / "deeper.db")
    with pytest.raises(UnsupportedError, match="mysql"):
        FeedbackStore("mysql://host/name")
    with pytest.raises(FeedbackError, match="database URL"):
        FeedbackStore("://")


def test_import_export_is_the_identity(store: FeedbackStore, tmp_path: Path) -> None:
    store.add([COMMENT, ENGLISH])
    assert store.export_jsonl(tmp_path / "all.jsonl") == 2
    with FeedbackStore(tmp_path / "other.db") as other:
        assert other.import_jsonl(tmp_path / "all.jsonl") == (2, 0, [], (COMMENT.id, ENGLISH.id))
        assert other.import_jsonl(tmp_path / "all.jsonl")[:3] == (0, 2, [])
        assert other.all() == store.all()
