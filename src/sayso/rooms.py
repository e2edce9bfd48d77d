"""Finds a file in a plural room by its name, and lists a room without importing it.

A room is a package whose files are interchangeable. Adding a file adds the thing: there is no registry to keep.
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Literal

from sayso.errors import UserError, nearest

Room = Literal["sources", "tasks", "critics", "methods", "worlds", "exporters", "audits"]
_HOUSE = Path(__file__).parent


@cache
def names(room: Room) -> tuple[str, ...]:
    """The names in a room, sorted. Files that begin with an underscore are not for choosing."""
    return tuple(sorted(file.stem for file in (_HOUSE / room).glob("*.py") if not file.stem.startswith("_")))


def find(room: Room, name: str) -> ModuleType:
    """The module of that name. Raises UserError with the nearest name."""
    if name not in names(room):
        raise UserError(f"no '{name}' among the {room}", fix=nearest(name, names(room)))
    return importlib.import_module(f"sayso.{room}.{name}")


@cache
def summary(room: Room, name: str) -> str:
    """The first line of the file's docstring, read without importing it."""
    tree = ast.parse((_HOUSE / room / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]
