"""An inbox with a log of answers in two languages, and people with keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from live import Live, Parrot, house, running
from reviewers import Person, outcomes, responses, said_before

from sayso.serve.keys import Keys


@pytest.fixture(autouse=True)
def _everybody_leaves() -> Iterator[None]:
    yield
    while Person.everybody:
        Person.everybody.pop().http.close()


@pytest.fixture
def held(tmp_path: Path) -> Any:
    """The house: its log has answers, its store comments."""
    made = house(Parrot(), tmp_path)
    made.log.add(responses())
    said = said_before()
    made.store.add(said)
    made.store.record(outcomes(said))
    return made


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """Secrets by name: two reviewers, the owner, and a program."""
    kept = Keys(tmp_path / "keys.json")
    people = {"anna": "reviewer", "Ben": "reviewer", "olga": "owner", "shop": "client"}
    return {name: kept.add(name, role) for name, role in people.items()}  # type: ignore[arg-type]


@pytest.fixture
def live(held: Any, keys: dict[str, str], tmp_path: Path) -> Iterator[Live]:
    """A server with keys."""
    with running(held, held.answers, keys=Keys(tmp_path / "keys.json")) as served:
        yield served


@pytest.fixture
def open_house(held: Any) -> Iterator[Live]:
    """A server without keys."""
    with running(held, held.answers) as served:
        yield served


@pytest.fixture
def person(live: Live, keys: dict[str, str]) -> Callable[..., Person]:
    """Somebody who has signed in."""

    def come_in(name: str, language: str = "en") -> Person:
        one = Person(live, language)
        assert one.post("/sign-in", {"key": keys[name]}).status_code == 303
        return one

    return come_in
