"""Every test of a store runs on both databases: a SQLite file, and a PostgreSQL server where one is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from postgres import database, server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server that the tests of this process share."""
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place without a store: a path, and a database of its own."""
    if request.param == "sqlite":
        yield str(tmp_path / "new" / "feedback.db")
        return
    with database(request.getfixturevalue("postgres_url")) as url:
        yield url
