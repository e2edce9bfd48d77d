"""The feedback store: what people said, kept for good. SQLite beside the project, or PostgreSQL when shared.

Decided here:
- Append-only. A comment's id is the hash of its content, so the same comment twice is one; it is never edited, only
  superseded by another, and what became of it is a history of outcomes of which the latest counts.
- Several processes may write at once: SQLite with a write-ahead log, writers queue for half a minute.
- A comment's language, where it does not say, is told from its words for finding it; its content stays as given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sayso.errors import FeedbackError, MachineFault, UnsupportedError, nearest
from sayso.records import Feedback, Outcome, from_json, to_json
from sayso.store.files import json_line, write_lines
from sayso.store.imports import read_comments
from sayso.store.migrations import migrate
from sayso.wording import language_of

WAIT_SECONDS = 30
_TABLES = sa.MetaData()
_FEEDBACK = sa.Table(
    "feedback",
    _TABLES,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("id", "body", "added", "author", "language", "split", "supersedes")),
)
_OUTCOME = sa.Table(
    "outcome",
    _TABLES,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("feedback", "state", "run", "body", "added")),
)


class Added(NamedTuple):
    """How many comments were new, and how many the store had already."""

    added: int
    known: int


class Imported(NamedTuple):
    """As Added, with the ids of all comments in the file and (line number, reason) of every line that is none."""

    added: int
    known: int
    refused: list[tuple[int, str]]
    ids: tuple[str, ...] = ()


class FeedbackStore:
    """Comments and their outcomes at a path (SQLite) or a database URL."""

    def __init__(self, where: str | Path) -> None:
        """Open, making or migrating the tables. FeedbackError where the file is something else."""
        self.where = str(where)
        self._engine = _engine(self.where)
        with self._writing() as connection:
            migrate(connection, self.where)

    # ------------------------------------------------------------ comments

    def add(self, feedback: Iterable[Feedback]) -> Added:
        """Keep comments; all of them or, where the disk refuses, none."""
        rows = [_row(one) for one in feedback]
        insert = sqlite.insert(_FEEDBACK) if self._engine.dialect.name == "sqlite" else postgresql.insert(_FEEDBACK)
        statement = insert.on_conflict_do_nothing(index_elements=["id"]).returning(_FEEDBACK.c.id)
        with self._writing() as connection:
            added = sum(len(connection.execute(statement, row).all()) for row in rows)
        return Added(added, len(rows) - added)

    def supersede(self, old_id: str, new: Feedback) -> Feedback:
        """Put `new` in the place of a comment that stays on record; returns it as it was kept.

        FeedbackError where there is no such comment, or where another has taken its place already.
        """
        new = replace(new, supersedes=old_id)
        self.get(old_id)
        others = self._rows(_FEEDBACK, [_FEEDBACK.c.supersedes == old_id])
        heir = next((str(row.id) for row in others if row.id != new.id), "")
        if heir:
            raise FeedbackError(
                f"comment {old_id} was superseded already", where=self.where, fix=f"supersede {heir} instead"
            )
        self.add([new])
        return new

    def get(self, feedback_id: str) -> Feedback:
        """The comment of that id. FeedbackError, with the nearest id, where there is none."""
        rows = self._rows(_FEEDBACK, [_FEEDBACK.c.id == feedback_id])
        if not rows:
            fix = nearest(feedback_id, [one.id for one in self.all(current=False)][-200:])
            raise FeedbackError(f"no comment '{feedback_id:.80}'", where=self.where, fix=fix)
        return _feedback(rows[0])

    def all(
        self,
        current: bool = True,
        *,
        author: str | None = None,
        language: str | None = None,
        split: str | None = None,
        since: datetime | None = None,
    ) -> list[Feedback]:
        """Comments in the order of their arrival; `current` leaves out those superseded. `since` is when they came."""
        wanted = {"author": author, "language": language, "split": split}
        where = [_FEEDBACK.c[name] == _plain(value) for name, value in wanted.items() if value is not None]
        if since is not None:
            where.append(_FEEDBACK.c.added >= _stamp(since))
        if current:
            newer = _FEEDBACK.alias()
            where.append(~sa.exists().where(newer.c.supersedes == _FEEDBACK.c.id))
        return [_feedback(row) for row in self._rows(_FEEDBACK, where)]

    # ------------------------------------------------------------ outcomes

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Add to the histories of comments."""
        rows = [
            {
                "feedback": _plain(one.feedback),
                "state": one.state.value,
                "run": _plain(one.run),
                "body": json_line(to_json(one)),
                "added": _stamp(datetime.now(UTC)),
            }
            for one in outcomes
        ]
        with self._writing() as connection:
            if rows:
                connection.execute(sa.insert(_OUTCOME), rows)

    def outcome(self, feedback_id: str) -> Outcome | None:
        """What became of a comment in the latest run that had it; None before there is one."""
        history = self.history(feedback_id)
        return history[-1] if history else None

    def history(self, feedback_id: str) -> list[Outcome]:
        """All that became of a comment, oldest first."""
        rows = self._rows(_OUTCOME, [_OUTCOME.c.feedback == _plain(feedback_id)])
        return [from_json(Outcome, json.loads(row.body)) for row in rows]

    # ------------------------------------------------------------ files

    def import_jsonl(self, path: Path) -> Imported:
        """Add the comments of a file. Lines that are none are listed; FeedbackError only for the file itself."""
        found = read_comments(path)
        added, known = self.add(found.feedback)
        return Imported(added, known, found.refused, tuple(one.id for one in found.feedback))

    def export_jsonl(self, path: Path, current: bool = False) -> int:
        """Write all comments (or the current ones) to a file that `import_jsonl` reads; returns how many."""
        comments = self.all(current)
        write_lines(Path(path), map(to_json, comments))
        return len(comments)

    # ------------------------------------------------------------ connections

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> FeedbackStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, table: sa.Table, where: Sequence[sa.ColumnElement[bool]]) -> Sequence[sa.Row[Any]]:
        with _plain_errors(self.where), self._engine.connect() as connection:
            return connection.execute(sa.select(table).where(*where).order_by(table.c.seq)).all()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _plain_errors(self.where), self._engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing


# ---------------------------------------------------------------- inside


def _engine(where: str) -> sa.Engine:
    try:
        url = sa.make_url(where) if "://" in where else sa.URL.create("sqlite", database=where)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise UnsupportedError(
                f"no feedback store in {url.get_backend_name()}",
                where=url.render_as_string(),
                expected="a path, sqlite:///path or postgresql://...",
            )
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url)
        return sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise UnsupportedError(f"{error.name} is not installed", fix="pip install 'psycopg[binary]'") from None
    except sa.exc.ArgumentError as error:
        raise FeedbackError(f"not a database URL: {error}", where=where) from None


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    _make_folder(url.database)
    engine = sa.create_engine(url, connect_args={"timeout": WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 would begin only at the first write, too late to queue for it
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_folder(database: str | None) -> None:
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineFault(f"cannot be written: {error.strerror}", where=database) from None


@contextmanager
def _plain_errors(where: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        fix = "check that the place may be written and has space, or that the server runs"
        raise MachineFault(f"the feedback store cannot be used: {error.orig}", where=where, fix=fix) from error
    except sa.exc.DatabaseError as error:
        raise FeedbackError(
            f"this is no feedback store: {error.orig}", where=where, fix="name another file"
        ) from error


def _row(feedback: Feedback) -> dict[str, str]:
    return {
        "id": feedback.id,
        "body": json_line(to_json(feedback)),
        "added": _stamp(datetime.now(UTC)),
        "author": _plain(feedback.author.id),
        "language": _plain(feedback.language or language_of(feedback.comment or feedback.revision or "")),
        "split": feedback.split or "",
        "supersedes": _plain(feedback.supersedes),
    }


def _feedback(row: sa.Row[Any]) -> Feedback:
    return from_json(Feedback, json.loads(row.body))


def _plain(text: str) -> str:
    """What both databases can hold in a column: no NUL, no half characters. The body keeps them, escaped."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _stamp(when: datetime) -> str:
    """A time that sorts as text. One without a zone is local."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")
