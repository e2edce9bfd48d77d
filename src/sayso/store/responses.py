"""The log of what a server answered, in the same database as the comments on it.

Decided here:
- A response is written before the client has all of it, so that whoever has its id can comment on it.
- The prompt is what was asked, without what a method or a task puts around it: that is what a comment is about.
- Append-only like the comments; a response that was broken off is kept as far as it went.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa

from sayso.records import Messages, Sampling, from_json, to_json
from sayso.store.database import Database, plain, stamp
from sayso.store.files import json_line

Sort = Literal["chat", "completion", "classification", "translation"]
Order = Literal["newest", "least_certain"]
_TABLE = sa.Table(
    "response",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("id", "body", "added", "author", "version")),
    sa.Column("certainty", sa.Float),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `certainty`: the geometric mean of its tokens' probabilities, or of its label; None if unknown.

    `finish`: stop, length, or cancelled where the client left.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    finish: str = "stop"
    certainty: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One look at an answer while it corrects itself: the answer, what was said of it, and whether it will do.

    `satisfied` is None where it could not be judged.
    """

    answer: str
    comment: str = ""
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What was asked and what was answered, by which version of the model, for which key. `added`: when, UTC."""

    id: str
    sort: Sort
    prompt: Messages
    choices: tuple[Choice, ...]
    version: str = ""
    author: str = ""
    sampling: Sampling | None = None
    trace: tuple[Round, ...] = ()
    added: str = ""


class ResponseLog:
    """Responses at a path (SQLite) or a database URL."""

    def __init__(self, where: str | Path) -> None:
        """Open, making or migrating the tables. FeedbackError where the file is something else."""
        self._database = Database(where)
        self.where = self._database.where

    def add(self, responses: Iterable[Response]) -> None:
        """Keep responses, on disk before this returns; one that is known stays as it is."""
        statement = self._database.insert_new(_TABLE, "id")
        with self._database.writing() as connection:
            for one in responses:
                connection.execute(statement, _row(one))

    def find(self, response_id: str) -> Response | None:
        """The response of that id, None where there is none."""
        rows = self._database.rows(sa.select(_TABLE).where(_TABLE.c.id == plain(response_id)))
        return _response(rows[0]) if rows else None

    def some(self, limit: int = 50, *, order: Order = "newest", skip: int = 0) -> list[Response]:
        """A page of responses: the newest first, or those that the model was least certain of."""
        by: Sequence[Any] = (_TABLE.c.seq.desc(),)
        query = sa.select(_TABLE)
        if order == "least_certain":
            query, by = query.where(_TABLE.c.certainty.is_not(None)), (_TABLE.c.certainty, *by)
        return [_response(row) for row in self._database.rows(query.order_by(*by).limit(limit).offset(skip))]

    def count(self) -> int:
        """How many responses there are."""
        return int(self._database.rows(sa.select(sa.func.count(_TABLE.c.seq)))[0][0])

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def __enter__(self) -> ResponseLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


# ---------------------------------------------------------------- inside


def _row(response: Response) -> dict[str, Any]:
    known = [choice.certainty for choice in response.choices if choice.certainty is not None]
    return {
        "id": plain(response.id),
        "body": json_line(to_json(response)),
        "added": response.added or stamp(datetime.now(UTC)),
        "author": plain(response.author),
        "version": plain(response.version),
        "certainty": min(known, default=None),
    }


def _response(row: sa.Row[Any]) -> Response:
    return from_json(Response, {"added": row.added} | json.loads(row.body))
