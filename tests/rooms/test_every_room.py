"""Whatever file is put into a plural room says what it is in its first line, and is found by its name."""

from __future__ import annotations

import ast
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from sayso import rooms
from sayso.records import from_json, to_json
from sayso.rooms import Room

HOUSE = Path(rooms.__file__).parent
FILES = [(room, name) for room in get_args(Room) if (HOUSE / room).is_dir() for name in rooms.names(room)]
WITH_KNOBS = [(room, name) for room, name in FILES if room in ("methods", "critics")]


@pytest.mark.parametrize(("room", "name"), FILES)
def test_the_first_line_says_what_it_is(room: Room, name: str) -> None:
    first = rooms.summary(room, name)
    assert 10 <= len(first) <= 120
    assert first.endswith(".") or ":" in first
    assert rooms.find(room, name).__doc__ is not None


@pytest.mark.parametrize(("room", "name"), FILES)
def test_its_public_functions_and_classes_are_documented(room: Room, name: str) -> None:
    tree = ast.parse((HOUSE / room / f"{name}.py").read_text(encoding="utf-8"))
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


@pytest.mark.parametrize(("room", "name"), WITH_KNOBS)
def test_knobs_are_frozen_described_and_have_defaults(room: Room, name: str) -> None:
    module: ModuleType = rooms.find(room, name)
    knobs = module.Knobs()
    assert dataclasses.fields(knobs)
    for field in dataclasses.fields(knobs):
        assert f"`{field.name}`" in (module.Knobs.__doc__ or "")
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(knobs, field.name, getattr(knobs, field.name))
    assert from_json(module.Knobs, json.loads(json.dumps(to_json(knobs)))) == knobs


def test_no_room_below_the_models_loads_torch() -> None:
    below = [f"sayso.{room}.{name}" for room, name in FILES if room not in ("exporters", "audits")]
    code = f"import sys\nfor name in {below!r}: __import__(name)\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
