"""The feedback store: what people said, kept for good. SQLite beside the project, or PostgreSQL when shared.

Decided here:
- Append-only. A comment's id is the hash of its content, so the same comment twice is one; it is never edited, only
  superseded by another or taken back, and what became of it is a history of outcomes of which the latest counts.
- Several processes may write at once (database.py).
- Personal data is dealt with at the door, whoever brings a comment: what the policy takes out is never written.
- A comment's language, where it does not say, is told from its words for finding it; its content stays as given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import sqlalchemy as sa

from sayso.errors import FeedbackError, nearest
from sayso.privacy.policy import KEPT, PersonalData, Policy, admitted
from sayso.records import Feedback, Outcome, from_json, to_json
from sayso.store.database import Database, plain, shown, stamp
from sayso.store.files import json_line, write_lines
from sayso.store.imports import Comments, read_comments
from sayso.wording import language_of

ERASED = "erased at its author's wish"
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
_WITHDRAWN = sa.Table(
    "withdrawn",
    _TABLES,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("feedback", "why", "added")),
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

    def __init__(self, where: str | Path, policy: Policy = KEPT) -> None:
        """Open, making or migrating the tables. FeedbackError where the file is something else."""
        self.where, self.policy = shown(where), policy
        self._database = Database(where)

    # ------------------------------------------------------------ comments

    def add(self, feedback: Iterable[Feedback]) -> Added:
        """Keep comments; all of them or, where the disk or the policy (PersonalData) refuses, none."""
        rows = [_row(admitted(one, self.policy)) for one in feedback]
        statement = self._database.insert_new(_FEEDBACK, "id")
        with self._database.writing() as connection:
            gone = set(connection.scalars(sa.select(_WITHDRAWN.c.feedback).where(_WITHDRAWN.c.why == ERASED)))
            rows = [row for row in rows if row["id"] not in gone]
            added = sum(len(connection.execute(statement, row).all()) for row in rows)
        return Added(added, len(rows) - added)

    def say(self, said: Feedback) -> Feedback:
        """Keep what somebody says now; returns it as it was kept, and as such it stands.

        Where the same words were taken back or changed since, they take the place of what came after them. To `add`
        such words changes nothing: a file that is read again says nothing anew. PersonalData where it is refused.
        """
        said = admitted(said, self.policy)
        with self._database.writing() as connection:
            last = _last(connection, said.id)
            if last is None:  # erased and said again is said
                connection.execute(sa.delete(_WITHDRAWN).where(_WITHDRAWN.c.feedback == plain(said.id)))
            else:
                if _same_words(last, said) and _stands(connection, last.id):
                    return last
                said = replace(said, supersedes=last.id)
            connection.execute(self._database.insert_new(_FEEDBACK, "id"), _row(said))
        return said

    def supersede(self, old_id: str, new: Feedback) -> Feedback:
        """Put `new` in the place of a comment that stays on record; returns it as it was kept, and it stands.

        FeedbackError where there is no such comment, or where another has taken its place already; PersonalData where
        it is refused.
        """
        new = replace(admitted(new, self.policy), supersedes=old_id)
        self.get(old_id)
        with self._database.writing() as connection:
            _locked(connection, old_id)
            heirs = _heirs(connection, old_id)
            if new.id in heirs and _stands(connection, new.id):
                return new
            if heirs:
                raise FeedbackError(
                    f"comment {old_id} was superseded already", where=self.where, fix=f"supersede {heirs[0]} instead"
                )
            connection.execute(self._database.insert_new(_FEEDBACK, "id"), _row(new))
        return new

    def withdraw(self, feedback_id: str, why: str = "") -> None:
        """Take a comment back: it stays on record and is no longer current. Taken back twice is taken back once.

        FeedbackError where there is no such comment.
        """
        self.get(feedback_id)
        row = {"feedback": plain(feedback_id), "why": plain(why), "added": stamp(datetime.now(UTC))}
        with self._database.writing() as connection:
            connection.execute(self._database.insert_new(_WITHDRAWN, "feedback"), row)

    def erase(self, feedback_ids: Iterable[str]) -> int:
        """Delete comments and what became of them; returns how many there were. Their ids stay, as erased.

        A file that holds them still does not bring them back. Of SQLite's file the free pages are written anew, so the
        words are in none of its bytes.
        """
        found = 0
        with self._database.writing() as connection:
            for one in map(plain, feedback_ids):
                found += connection.execute(sa.delete(_FEEDBACK).where(_FEEDBACK.c.id == one)).rowcount
                connection.execute(sa.delete(_OUTCOME).where(_OUTCOME.c.feedback == one))
                connection.execute(sa.delete(_WITHDRAWN).where(_WITHDRAWN.c.feedback == one))
                row = {"feedback": one, "why": ERASED, "added": stamp(datetime.now(UTC))}
                connection.execute(sa.insert(_WITHDRAWN), row)
        self._database.tidy()
        return found

    def withdrawn(self, feedback_id: str) -> str | None:
        """Why a comment was taken back; None where it was not."""
        rows = self._rows(_WITHDRAWN, [_WITHDRAWN.c.feedback == plain(feedback_id)])
        return str(rows[0].why) if rows else None

    def arrivals(self) -> dict[str, str]:
        """The id of every comment, in the order of their arrival, with the time (UTC)."""
        columns = sa.select(_FEEDBACK.c.id, _FEEDBACK.c.added).order_by(_FEEDBACK.c.seq)
        return {str(row.id): str(row.added) for row in self._database.rows(columns)}

    def taken_back(self) -> dict[str, str]:
        """By the id of every comment that was taken back, why."""
        return {str(row.feedback): str(row.why) for row in self._rows(_WITHDRAWN, [])}

    def get(self, feedback_id: str) -> Feedback:
        """The comment of that id. FeedbackError, with the nearest id, where there is none."""
        found = self.find(feedback_id)
        if found is None:
            fix = nearest(feedback_id, [one.id for one in self.all(current=False)][-200:])
            raise FeedbackError(f"no comment '{feedback_id:.80}'", where=self.where, fix=fix)
        return found

    def find(self, feedback_id: str) -> Feedback | None:
        """The comment of that id, None where there is none."""
        rows = self._rows(_FEEDBACK, [_FEEDBACK.c.id == plain(feedback_id)])
        return _feedback(rows[0]) if rows else None

    def heir(self, feedback_id: str) -> str:
        """The id of the comment that took this one's place; "" where none did."""
        rows = self._rows(_FEEDBACK, [_FEEDBACK.c.supersedes == plain(feedback_id)])
        return str(rows[0].id) if rows else ""

    def all(
        self,
        current: bool = True,
        *,
        author: str | None = None,
        language: str | None = None,
        split: str | None = None,
        since: datetime | None = None,
    ) -> list[Feedback]:
        """Comments in the order of their arrival; `current` leaves out those superseded or taken back.

        `since` is when they came.
        """
        wanted = {"author": author, "language": language, "split": split}
        where = [_FEEDBACK.c[name] == plain(value) for name, value in wanted.items() if value is not None]
        if since is not None:
            where.append(_FEEDBACK.c.added >= stamp(since))
        if current:
            newer = _FEEDBACK.alias()
            where.append(~sa.exists().where(newer.c.supersedes == _FEEDBACK.c.id))
            where.append(~sa.exists().where(_WITHDRAWN.c.feedback == _FEEDBACK.c.id))
        return [_feedback(row) for row in self._rows(_FEEDBACK, where)]

    # ------------------------------------------------------------ outcomes

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Add to the histories of comments."""
        rows = [
            {
                "feedback": plain(one.feedback),
                "state": one.state.value,
                "run": plain(one.run),
                "body": json_line(to_json(one)),
                "added": stamp(datetime.now(UTC)),
            }
            for one in outcomes
        ]
        with self._database.writing() as connection:
            if rows:
                connection.execute(sa.insert(_OUTCOME), rows)

    def outcome(self, feedback_id: str) -> Outcome | None:
        """What became of a comment in the latest run that had it; None before there is one."""
        history = self.history(feedback_id)
        return history[-1] if history else None

    def history(self, feedback_id: str) -> list[Outcome]:
        """All that became of a comment, oldest first."""
        rows = self._rows(_OUTCOME, [_OUTCOME.c.feedback == plain(feedback_id)])
        return [from_json(Outcome, json.loads(row.body)) for row in rows]

    # ------------------------------------------------------------ files

    def import_jsonl(self, path: Path) -> Imported:
        """Add the comments of a file. Lines that are none are listed; FeedbackError only for the file itself."""
        return self.take(read_comments(path))

    def take(self, found: Comments) -> Imported:
        """Add what was found in a file; what the policy refuses is listed with the lines that are no comments."""
        kept, refused = self.admit(found.feedback)
        lines = [(found.lines[place] if found.lines else place + 1, reason) for place, reason in refused.items()]
        added, known = self.add(kept)
        return Imported(added, known, found.refused + lines, tuple(one.id for one in kept))

    def admit(self, feedback: Sequence[Feedback]) -> tuple[list[Feedback], dict[int, str]]:
        """The comments as they may be kept, and by place in the sequence why one may not. Nothing is written."""
        kept: list[Feedback] = []
        refused: dict[int, str] = {}
        for place, one in enumerate(feedback):
            try:
                kept.append(admitted(one, self.policy))
            except PersonalData as error:
                refused[place] = error.what
        return kept, refused

    def export_jsonl(self, path: Path, current: bool = False) -> int:
        """Write all comments (or the current ones) to a file that `import_jsonl` reads; returns how many."""
        comments = self.all(current)
        write_lines(Path(path), map(to_json, comments))
        return len(comments)

    # ------------------------------------------------------------ connections

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def __enter__(self) -> FeedbackStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, table: sa.Table, where: Sequence[sa.ColumnElement[bool]]) -> Sequence[sa.Row[Any]]:
        return self._database.rows(sa.select(table).where(*where).order_by(table.c.seq))


# ---------------------------------------------------------------- inside


def _row(feedback: Feedback) -> dict[str, str]:
    return {
        "id": feedback.id,
        "body": json_line(to_json(feedback)),
        "added": stamp(datetime.now(UTC)),
        "author": plain(feedback.author.id),
        "language": plain(feedback.language or language_of(feedback.comment or feedback.revision or "")),
        "split": feedback.split or "",
        "supersedes": plain(feedback.supersedes),
    }


def _last(connection: sa.Connection, feedback_id: str) -> Feedback | None:
    """The comment at the end of those that took this one's place; None where there is none of that id."""
    found = None
    while (row := _locked(connection, feedback_id)) is not None:
        found = _feedback(row)
        heirs = _heirs(connection, feedback_id)
        if not heirs:
            break
        feedback_id = heirs[0]
    return found


def _locked(connection: sa.Connection, feedback_id: str) -> sa.Row[Any] | None:
    """A comment's row, whose place nobody else takes before this transaction has ended."""
    return connection.execute(
        sa.select(_FEEDBACK).where(_FEEDBACK.c.id == plain(feedback_id)).with_for_update()
    ).first()


def _heirs(connection: sa.Connection, feedback_id: str) -> list[str]:
    query = sa.select(_FEEDBACK.c.id).where(_FEEDBACK.c.supersedes == plain(feedback_id)).order_by(_FEEDBACK.c.seq)
    return [str(id_) for id_ in connection.scalars(query)]


def _stands(connection: sa.Connection, feedback_id: str) -> bool:
    """Whether it was neither superseded nor taken back."""
    back = sa.select(_WITHDRAWN.c.seq).where(_WITHDRAWN.c.feedback == plain(feedback_id))
    return not _heirs(connection, feedback_id) and connection.scalar(back) is None


def _same_words(one: Feedback, other: Feedback) -> bool:
    return replace(one, supersedes="") == replace(other, supersedes="")


def _feedback(row: sa.Row[Any]) -> Feedback:
    return from_json(Feedback, json.loads(row.body))
