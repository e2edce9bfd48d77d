"""Servers for the tests: with a model that repeats what was said, or with the one that the package carries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from live import Live, Parrot, house, running

from sayso.serve.queue import Room


@pytest.fixture
def parrot(tmp_path: Path) -> Iterator[Live]:
    """A server with a model that repeats what was said."""
    voice = Parrot()
    with running(house(voice, tmp_path), voice) as live:
        yield live


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with the model that the package carries."""
    from sayso.cli.serving import house_of, served

    folder = tmp_path_factory.mktemp("embedded")
    what = replace(served("embedded", "", ""), store=str(folder / "store.db"))
    with running(house_of(what, Room()), what.voice) as live:
        yield live
