from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sayso
from sayso import rooms
from sayso.errors import UserError

HOUSE = Path(sayso.__file__).parent
PLURAL: tuple[rooms.Room, ...] = ("sources", "tasks", "critics", "methods", "worlds", "exporters", "audits")


@pytest.mark.parametrize("room", PLURAL)
def test_a_room_lists_its_files(room: rooms.Room) -> None:
    files = {file.stem for file in (HOUSE / room).glob("*.py") if not file.stem.startswith("_")}
    assert set(rooms.names(room)) == files
    assert list(rooms.names(room)) == sorted(files)


@pytest.mark.parametrize("room", PLURAL)
def test_every_file_says_in_a_line_what_it_is(room: rooms.Room) -> None:
    for name in rooms.names(room):
        assert rooms.summary(room, name)
        assert len(rooms.summary(room, name)) <= 119


def test_a_file_is_found_by_its_name() -> None:
    assert rooms.find("tasks", "classify").__name__ == "sayso.tasks.classify"


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no 'clasify' among the tasks") as caught:
        rooms.find("tasks", "clasify")
    assert caught.value.fix == "did you mean 'classify'?"


def test_listing_a_room_imports_nothing_from_it() -> None:
    code = "from sayso import rooms; import sys; rooms.names('sources'); rooms.summary('sources', 'jsonl'); "
    code += "print([m for m in sys.modules if m.startswith('sayso.sources') or m == 'torch'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
