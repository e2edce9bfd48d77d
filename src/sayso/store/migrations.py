"""How the store's tables came to be, one step at a time. A step that has been released is never changed: add another.

Decided here:
- A comment's and an outcome's content is JSON in `body`; the columns beside it are only for finding and ordering.
- All steps run in one transaction that keeps other processes out, so two that open a new store at once do no harm.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from sayso.errors import FeedbackError

_SERIAL = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGSERIAL PRIMARY KEY"}
_LOCK = 7_310_177  # any number, the same in every process

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE feedback (
            seq {serial}, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, added TEXT NOT NULL,
            author TEXT NOT NULL, language TEXT NOT NULL, split TEXT NOT NULL, supersedes TEXT NOT NULL)""",
        "CREATE INDEX feedback_supersedes ON feedback (supersedes)",
    ),
    (
        """CREATE TABLE outcome (
            seq {serial}, feedback TEXT NOT NULL, state TEXT NOT NULL, run TEXT NOT NULL,
            body TEXT NOT NULL, added TEXT NOT NULL)""",
        "CREATE INDEX outcome_feedback ON outcome (feedback)",
    ),
    ("CREATE INDEX feedback_author ON feedback (author)", "CREATE INDEX feedback_added ON feedback (added)"),
    (
        """CREATE TABLE response (
            seq {serial}, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, added TEXT NOT NULL,
            author TEXT NOT NULL, version TEXT NOT NULL, certainty REAL)""",
        "CREATE INDEX response_added ON response (added)",
        "CREATE INDEX response_certainty ON response (certainty)",
    ),
    ("CREATE TABLE withdrawn (seq {serial}, feedback TEXT NOT NULL UNIQUE, why TEXT NOT NULL, added TEXT NOT NULL)",),
)


def migrate(connection: Connection, where: str, upto: int | None = None) -> int:
    """Bring the tables to step `upto` (the latest), inside the caller's transaction; returns how many steps ran.

    Raises FeedbackError for a store that a newer version wrote.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS sayso_version (version INTEGER PRIMARY KEY, applied TEXT NOT NULL)")
    )
    version = connection.execute(text("SELECT COALESCE(MAX(version), 0) FROM sayso_version")).scalar_one()
    if version > len(STEPS):
        raise FeedbackError(
            f"the store is at version {version}, this sayso knows {len(STEPS)}", where=where, fix="upgrade sayso"
        )
    steps = STEPS[version:upto]
    for number, step in enumerate(steps, version + 1):
        for statement in step:
            connection.execute(text(statement.format(serial=_SERIAL[connection.dialect.name])))
        values = {"version": number, "applied": datetime.now(UTC).isoformat()}
        connection.execute(text("INSERT INTO sayso_version VALUES (:version, :applied)"), values)
    return len(steps)
