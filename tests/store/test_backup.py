"""What was said is brought back whole, from either database into either, while people go on talking; or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres import database

from sayso.errors import FeedbackError, MachineFault
from sayso.records import Attempt, Author, Feedback, Outcome, State, user
from sayso.store import migrations
from sayso.store.backup import TABLES, backup, restore
from sayso.store.database import engine_of
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import Choice, Response, ResponseLog

SAID = [
    Feedback(user(f"问 {n}\0\ud800"), Attempt("答"), f"第 {n} 条。It's “{n}”", Author(id="小王")) for n in range(7)
]


@pytest.fixture
def full(where: str) -> str:
    """A store in which something of everything has happened."""
    with FeedbackStore(where) as store, ResponseLog(where) as log:
        store.add(SAID)
        store.supersede(SAID[0].id, replace(SAID[0], comment="换一句。"))
        store.withdraw(SAID[1].id, "说错了")
        store.record([Outcome(SAID[2].id, State.HEEDED, "因为", "前", "后", "v1")])
        log.add([Response("chatcmpl-1", "chat", user("问"), (Choice("答", (1,), certainty=0.75),), "v", "shop")])
    return where


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "restored.db")
        return
    with database(request.getfixturevalue("postgres_url")) as url:
        yield url


def rows(where: str) -> list[tuple[object, ...]]:
    engine = engine_of(where)
    with engine.connect() as connection:
        found = [
            (table, *row)
            for table in TABLES
            for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY seq"))
        ]
    engine.dispose()
    return found


@pytest.mark.parametrize("name", ["a.jsonl", "a.db"])
def test_a_restored_store_is_the_same_and_goes_on(full: str, elsewhere: str, tmp_path: Path, name: str) -> None:
    if "://" in full and name == "a.db":
        pytest.skip("a .db of a server's store is lines all the same")
    before = rows(full)
    assert backup(full, tmp_path / name) == len(before) == 11
    assert restore(tmp_path / name, elsewhere) == len(before)
    assert rows(elsewhere) == before
    with FeedbackStore(elsewhere) as store, ResponseLog(elsewhere) as log:
        assert store.withdrawn(SAID[1].id) == "说错了"
        assert log.count() == 1
        added = replace(SAID[0], comment="还有一句。")
        assert store.add([added]).added == 1
        assert store.all()[-1] == added
    assert len(list(tmp_path.glob(".*.new"))) == 0
    with pytest.raises(FeedbackError, match="something in it already"):
        restore(tmp_path / name, elsewhere)
    with FeedbackStore(elsewhere) as store:
        assert store.all()[-1] == added


@pytest.mark.parametrize("name", ["a.jsonl", "a.db"])
def test_a_backup_is_one_moment_of_a_store_that_is_written_to(where: str, tmp_path: Path, name: str) -> None:
    FeedbackStore(where).close()
    stop, acknowledged = threading.Event(), []

    def writer() -> None:
        number = 0
        with FeedbackStore(where) as store:
            while not stop.is_set():
                one = Feedback(user(f"{number}"), Attempt("a"), "x")
                store.add([one])
                acknowledged.append(one)
                number += 1

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        for turn in range(5):
            while len(acknowledged) < 5 * (turn + 1):
                stop.wait(0.005)
            known = len(acknowledged)
            count = backup(where, tmp_path / name)
            assert known <= count <= len(acknowledged) + 1
            assert restore(tmp_path / name, str(tmp_path / f"{turn}.db")) == count
            with FeedbackStore(tmp_path / f"{turn}.db") as store:
                assert store.all() == acknowledged[:count] or count == len(acknowledged) + 1
    finally:
        stop.set()
        thread.join()


def test_an_older_backup_is_brought_up_to_date(tmp_path: Path, elsewhere: str) -> None:
    body = '{"prompt": [{"role": "user", "text": "问"}], "attempt": {"text": "答"}, "comment": "不对"}'
    row = {"table": "feedback", "seq": 3, "id": "aaa", "body": body, "added": "2025", "author": ""}
    row |= {"language": "zh", "split": "", "supersedes": ""}
    lines = [{"kind": "sayso feedback store", "version": 1}, row, {"rows": 1}]
    (tmp_path / "old.jsonl").write_text("\n".join(map(_json, lines)), encoding="utf-8")
    assert restore(tmp_path / "old.jsonl", elsewhere) == 1
    with FeedbackStore(elsewhere) as store:
        assert store.get("aaa").comment == "不对"
        store.withdraw("aaa", "why not")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda lines: lines[:-1], "cut short"),
        (lambda lines: [*lines[:-2], lines[-1]], "cut short"),
        (lambda lines: [*lines[:3], b"{torn", *lines[3:]], "line is not of a backup"),
        (lambda lines: lines[1:], "no backup of a feedback store"),
        (lambda lines: [], "no backup of a feedback store"),
        (lambda lines: [lines[0].replace(b'"version": 5', b'"version": 99'), *lines[1:]], "of version 99"),
        (lambda lines: [lines[0], b'{"table": "sqlite_master", "x": 1}', *lines[1:]], "no row of a store"),
        (lambda lines: [lines[0], b'{"table": "feedback", "x\\") --": 1}', *lines[1:]], "no row of a store"),
        (lambda lines: [lines[0], b'{"table": "feedback"}', *lines[1:]], "no row of a store"),
    ],
)
def test_what_is_no_whole_backup_changes_nothing(full: str, tmp_path: Path, spoil: object, reason: str) -> None:
    assert migrations.STEPS[4:]
    assert not migrations.STEPS[5:], "the header below is of version 5"
    backup(full, tmp_path / "a.jsonl")
    lines = spoil((tmp_path / "a.jsonl").read_bytes().splitlines())  # type: ignore[operator]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises((FeedbackError, MachineFault), match=reason):
        restore(tmp_path / "a.jsonl", str(tmp_path / "new.db"))
    with FeedbackStore(tmp_path / "new.db") as store:
        assert store.all(current=False) == []


def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="there is no feedback store"):
        backup(str(tmp_path / "none.db"), tmp_path / "a.jsonl")
    with pytest.raises(FeedbackError, match="cannot be read"):
        restore(tmp_path / "none.jsonl", str(tmp_path / "new.db"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").write_text("x" * 5000)
    with pytest.raises(FeedbackError):
        backup(str(tmp_path / "notes.txt"), tmp_path / "a.jsonl")
    with pytest.raises(MachineFault):
        backup(str(tmp_path / "notes.txt"), tmp_path / "notes.txt" / "a.db")
    assert not (tmp_path / "a.jsonl").exists()


def _json(plain: object) -> str:
    import json

    return json.dumps(plain, ensure_ascii=False)
