"""The table of docs/export.md is what the exporters say; this file run as a program writes it.

PYTHONPATH=tests/exporters:tests/models python tests/exporters/test_matrix.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from ready import ready

from sayso import engines
from sayso.agreement import check
from sayso.errors import UnsupportedError
from sayso.rooms import find

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- end -->"
ARCHITECTURES = ("bert", "roberta", "distilbert", "marian", "bart", "t5", "llama", "mistral", "qwen2", "qwen3", "gpt2")
EXPORTERS = ("safetensors", "adapter", "gguf", "handoff", "onnx")
NO_WINDOW = {"sliding_window": None}


def carried(architecture: str, folder: Path) -> list[str]:
    """One cell per exporter."""
    try:
        export = ready(architecture, folder, "lora", config=NO_WINDOW)
    except TypeError:  # peft cannot keep this head beside an adapter
        export = ready(architecture, folder, config=NO_WINDOW)
    cells = []
    for name in EXPORTERS:
        module = find("exporters", name)
        try:
            check(export, module, name, module.Knobs())
            cells.append("✓")
        except UnsupportedError:
            cells.append("")
    return cells


def row(architecture: str, cells: list[str]) -> str:
    return f"| {architecture} | {' | '.join(cells)} |\n"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_page_says_what_is_carried(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "check", lambda name: Path(name))
    assert row(architecture, carried(architecture, tmp_path)) in PAGE.read_text(encoding="utf-8")


def write() -> None:
    """Write the table."""
    engines.check = lambda name: Path(name)
    lines = ["| | " + " | ".join(EXPORTERS) + " |\n", "|---|" + ":-:|" * len(EXPORTERS) + "\n"]
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as place:
            lines.append(row(architecture, carried(architecture, Path(place))))
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(before + BEGIN + "".join(lines) + END + after, encoding="utf-8")


if __name__ == "__main__":
    write()
