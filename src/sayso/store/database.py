"""The database behind the stores: SQLite at a path, or PostgreSQL by its URL.

Decided here:
- Several processes may write at once: SQLite with a write-ahead log, writers queue for half a minute.
- What a library says is translated: a place that cannot be used is the machine's fault, a file of something else the
  user's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from sayso.errors import FeedbackError, MachineFault, UnsupportedError
from sayso.store.migrations import migrate

WAIT_SECONDS = 30


class Database:
    """Tables at a path (SQLite) or a database URL, brought up to date when it is opened."""

    def __init__(self, where: str | Path) -> None:
        """Open, making or migrating the tables. FeedbackError where the file is something else."""
        self.engine = engine_of(str(where))
        self.where = shown(where)
        try:
            with self.writing() as connection:
                migrate(connection, self.where)
        except BaseException:
            self.close()
            raise

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """What a query finds."""
        with plain_errors(self.where), self.engine.connect() as connection:
            return connection.execute(query).all()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer is in: all of it is kept or, where the disk refuses, none."""
        with plain_errors(self.where), self.engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing

    def insert_new(self, table: sa.Table, column: str) -> ReturningInsert[Any]:
        """An insert that leaves a row alone where its `column` is there already; it returns that column."""
        insert = sqlite.insert(table) if self.engine.dialect.name == "sqlite" else postgresql.insert(table)
        return insert.on_conflict_do_nothing(index_elements=[column]).returning(table.c[column])

    def tidy(self) -> None:
        """Write SQLite's file anew without its free pages: what was deleted is in none of its bytes.

        A PostgreSQL server does so by itself, in its own time.
        """
        if self.engine.dialect.name == "sqlite":
            with plain_errors(self.where), closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("VACUUM")
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def shown(where: str | Path) -> str:
    """The place as it may be printed: without the password of its URL."""
    text = str(where)
    try:
        return sa.make_url(text).render_as_string() if "://" in text else text
    except sa.exc.ArgumentError:
        return text


def engine_of(where: str) -> sa.Engine:
    """The connections to a path or URL, no table looked at. FeedbackError, UnsupportedError for what is neither."""
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
        raise UnsupportedError(f"{error.name} is not installed", fix="pip install 'sayso[postgres]'") from None
    except sa.exc.ArgumentError as error:
        raise FeedbackError(f"not a database URL: {error}", where=shown(where)) from None


@contextmanager
def plain_errors(where: str) -> Iterator[None]:
    """What a library says of a database, in our words."""
    try:
        yield
    except sa.exc.OperationalError as error:
        fix = "check that the place may be written and has space, or that the server runs"
        raise MachineFault(f"the feedback store cannot be used: {error.orig}", where=where, fix=fix) from error
    except sa.exc.DatabaseError as error:
        raise FeedbackError(
            f"this is no feedback store: {error.orig}", where=where, fix="name another file"
        ) from error


def plain(text: str) -> str:
    """What both databases can hold in a column: no NUL, no half characters. The body keeps them, escaped."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def stamp(when: datetime) -> str:
    """A time that sorts as text. One without a zone is local."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


# ---------------------------------------------------------------- inside


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
