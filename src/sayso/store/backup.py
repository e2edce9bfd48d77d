"""A store's backup: all comments, outcomes and responses as they were at one moment, and a store made of it again.

Decided here:
- The rows as they stand, a line each, between a header with the version of the tables and a last line with their
  number: what was cut short is never restored in part. SQLite to a .db file goes by SQLite's own backup instead.
- Everything is read in one transaction, so people may write meanwhile; what they write is in the next backup.
- It is restored whole or not at all, into a place where nobody has said anything yet, of either kind of database: so a
  store moves from a file to a server and back. Tables of an older version are brought up to date afterwards.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sayso.errors import FeedbackError, MachineFault
from sayso.store.database import engine_of, plain_errors, shown
from sayso.store.files import json_line, write_parts
from sayso.store.migrations import STEPS, migrate

TABLES = ("feedback", "outcome", "response", "withdrawn")
KIND = "sayso feedback store"
AT_ONCE = 500
_SQLITE = b"SQLite format 3\0"
Row = Mapping[str, Any]


def backup(where: str, path: Path) -> int:
    """Write everything of a store to a file (.db for SQLite's own form, else lines); returns the number of rows.

    FeedbackError where there is no store, MachineFault where the file cannot be written.
    """
    with _opened(where) as engine, plain_errors(shown(where)):
        if path.suffix == ".db" and engine.dialect.name == "sqlite":
            return _copied(engine, path)
        with _reading(engine) as connection:
            lines = _Counted(_dumped(connection, shown(where)))
            write_parts(path, (f"{json_line(one)}\n".encode() for one in lines))
    return lines.rows


def restore(path: Path, where: str) -> int:
    """Make a store of a backup; returns the number of rows.

    FeedbackError for a file that is no whole backup, or a place where somebody has said something already; then
    nothing is changed.
    """
    with (
        _backed_up(path) as lines,
        closing(_Connecting(where)) as target,
        plain_errors(shown(where)),
        target.engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        _emptied(connection, shown(where))
        return _refilled(connection, lines, path, shown(where))


def present(where: str) -> None:
    """FeedbackError where there is no file of a store: opening would make one."""
    name = sa.make_url(where).database if where.startswith("sqlite:") else where if "://" not in where else None
    if name is not None and not Path(name).is_file():
        raise FeedbackError("there is no feedback store", where=shown(where), fix="name a run, a database or its URL")


# ---------------------------------------------------------------- reading


class _Counted:
    """Lines, and how many of them were rows."""

    def __init__(self, lines: Iterable[Row]) -> None:
        self._lines, self.rows = lines, 0

    def __iter__(self) -> Iterator[Row]:
        for line in self._lines:
            self.rows += "table" in line
            yield line


class _Connecting:
    """An engine that is given back."""

    def __init__(self, where: str) -> None:
        self.engine = engine_of(where)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _opened(where: str) -> Iterator[sa.Engine]:
    """A store that is there."""
    present(where)
    with closing(_Connecting(where)) as opened:
        yield opened.engine


@contextmanager
def _reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One moment of the store, however long it is read."""
    level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**level) as connection, connection.begin():
        yield connection


def _dumped(connection: sa.Connection, where: str) -> Iterator[Row]:
    if not sa.inspect(connection).has_table("sayso_version"):
        raise FeedbackError("this is no feedback store", where=where, fix="name another file")
    version = connection.execute(sa.text("SELECT MAX(version) FROM sayso_version")).scalar_one()
    yield {"kind": KIND, "version": version}
    rows = 0
    for table in TABLES:
        if sa.inspect(connection).has_table(table):
            for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY seq")).mappings():
                rows += 1
                yield {"table": table, **row}
    yield {"rows": rows}


def _copied(engine: sa.Engine, path: Path) -> int:
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(engine.raw_connection()) as source, closing(sqlite3.connect(beside)) as target:
            source.driver_connection.backup(target)  # type: ignore[union-attr]  # sqlite3's own connection
            target.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            rows = sum(target.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES)
        beside.replace(path)
    except (OSError, sqlite3.OperationalError) as error:
        with suppress(OSError):
            beside.unlink()
        raise MachineFault(f"cannot be written: {error}", where=str(path)) from error
    return int(rows)


@contextmanager
def _backed_up(path: Path) -> Iterator[Iterator[Row]]:
    """The lines of a backup of either form."""
    try:
        with Path(path).open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                file.seek(0)
                yield _lines(file, path)
                return
    except OSError as error:
        raise FeedbackError(f"the backup cannot be read: {error.strerror}", where=str(path)) from None
    with _opened(str(path)) as engine, plain_errors(str(path)), _reading(engine) as connection:
        yield _dumped(connection, str(path))


def _lines(file: Iterable[bytes], path: Path) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            fix = "take another backup"
            raise FeedbackError("this line is not of a backup", where=f"{path}:{number}", fix=fix)
        yield row


# ---------------------------------------------------------------- writing


def _emptied(connection: sa.Connection, where: str) -> None:
    """Without tables; FeedbackError where they hold anything."""
    here = [name for name in TABLES if sa.inspect(connection).has_table(name)]
    for name in here:
        if connection.execute(sa.text(f"SELECT 1 FROM {name} LIMIT 1")).first() is not None:
            fix = "name a place without one; nothing is ever put over what people said"
            raise FeedbackError("there is a feedback store with something in it already", where=where, fix=fix)
    for name in (*here, "sayso_version"):
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))


def _refilled(connection: sa.Connection, lines: Iterator[Row], path: Path, where: str) -> int:
    head = next(lines, {})
    version = head.get("version")
    if head.get("kind") != KIND or not isinstance(version, int) or version < 1:
        raise FeedbackError("this is no backup of a feedback store", where=str(path), fix="name another file")
    if version > len(STEPS):
        what = f"the backup is of version {version}, this sayso knows {len(STEPS)}"
        raise FeedbackError(what, where=str(path), fix="upgrade sayso")
    migrate(connection, where, version)
    count = 0
    last: Row = {}
    while chunk := list(islice(lines, AT_ONCE)):
        rows = [one for one in chunk if "table" in one]
        last = chunk[-1]
        count += len(rows)
        _insert(connection, rows, path)
    if last.get("rows") != count:
        what = f"this backup was cut short: {count} rows, and {last.get('rows', 'no last line')} were written"
        raise FeedbackError(what, where=str(path), fix="take another backup")
    migrate(connection, where)
    _count_on(connection)
    return count


def _insert(connection: sa.Connection, rows: Iterable[Row], path: Path) -> None:
    for row in rows:
        columns = {name: value for name, value in row.items() if name != "table"}
        if row["table"] not in TABLES or not columns or not all(map(str.isidentifier, columns)):
            raise FeedbackError(f"no row of a store: {str(row)[:80]}", where=str(path), fix="name another file")
        table = sa.table(row["table"], *(sa.column(name) for name in columns))
        connection.execute(sa.insert(table), columns)


def _count_on(connection: sa.Connection) -> None:
    """New rows are numbered after the restored ones; SQLite does so by itself."""
    for name in TABLES if connection.dialect.name == "postgresql" else ():
        serial = f"pg_get_serial_sequence('{name}', 'seq')"
        connection.execute(sa.text(f"SELECT setval({serial}, MAX(seq)) FROM {name} HAVING MAX(seq) IS NOT NULL"))
