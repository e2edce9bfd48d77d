"""The floors of the house: imports go strictly down, rooms on one floor do not see each other, torch has its rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[1] / "src" / "sayso"
FLOORS = (
    "records errors",
    "surface phrases numerals chrf grouping bundle turns",
    "houserules forms conversations bilingual",
    "protocols manners opinions auditing privacy reasons",
    "rooms outline endpoint agreement engines",
    "sheet presets",
    "recipe",
    "wording material",
    "drills",
    "exercises predicates rollouts disturbances swaps",
    "checks standing gates",
    "store dataset",
    "sources tasks critics methods worlds report",
    "models learn evaluate serve tune",
    "audits exporters",
    "cli embedded",
    "api",
    "__init__ __main__",
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms.split()}
PLURAL = ("sources", "tasks", "critics", "methods", "worlds", "exporters", "audits")
HEAVY = {"torch", "transformers", "peft", "accelerate", "safetensors"}
WITH_TORCH = ("models", "learn", "exporters", "audits")
LIGHT_FILES = ("models/catalogue.py", "models/inspect.py", "models/footprint.py")


def imports(node: ast.AST, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """(dotted name, whether it is inside a function) of all imports but those made only for types."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return
    if isinstance(node, ast.ImportFrom):
        yield from ((f"{node.module}.{alias.name}", inside) for alias in node.names)
    if isinstance(node, ast.Import):
        yield from ((alias.name, inside) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from imports(child, inside or isinstance(node, ast.FunctionDef))


def faults(house: Path) -> Iterator[str]:
    for file in sorted(house.rglob("*.py")):
        name = file.relative_to(house).as_posix()
        room = name.partition("/")[0].removesuffix(".py")
        light = room not in WITH_TORCH or name in LIGHT_FILES
        for imported, inside in imports(ast.parse(file.read_text(encoding="utf-8"))):
            package, _, rest = imported.partition(".")
            to = rest.partition(".")[0]
            if package in HEAVY and light and not (inside and (room in ("cli", "api") or name in LIGHT_FILES)):
                yield f"{name} imports {package}"
            if package == "sayso" and to == room and room in PLURAL:
                yield f"{name} sees {imported}, its neighbour"
            if package == "sayso" and to in FLOOR and to != room and FLOOR[to] >= FLOOR[room]:
                yield f"{name} sees {imported}, which is not below it"


def test_imports_go_down() -> None:
    assert list(faults(HOUSE)) == []


def test_every_room_has_its_floor() -> None:
    rooms = {path.stem for path in HOUSE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - set(FLOOR) == set()


def test_a_fault_would_be_found(tmp_path: Path) -> None:
    for name, text in {
        "store/a.py": "from sayso.critics import program",
        "critics/a.py": "def f():\n    import torch.nn",
        "critics/b.py": "from sayso.critics.a import x",
        "methods/a.py": "from sayso import tasks",
        "cli/a.py": "import torch",
        "cli/b.py": "def f():\n    import torch",
        "models/catalogue.py": "from transformers import AutoConfig",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [fault.partition(" ")[0] for fault in faults(tmp_path)] == [
        "cli/a.py",
        "critics/a.py",
        "critics/b.py",
        "methods/a.py",
        "models/catalogue.py",
        "store/a.py",
    ]
