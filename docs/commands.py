"""Prints docs/commands.md: the help of every command, as the commands themselves give it."""

from __future__ import annotations

import os
import subprocess
import sys

from sayso.cli.main import COMMANDS

PLAIN = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}


def page() -> str:
    """The whole page as Markdown."""
    parts = ["# The commands", "", "Written by `make docs` from the commands themselves.", ""]
    for words in ([], *([name] for name in COMMANDS)):
        parts += [f"## {' '.join(['sayso', *words])}", "", "```text", _help(words), "```", ""]
    return "\n".join(parts)


def _help(words: list[str]) -> str:
    command = [sys.executable, "-c", "from sayso.cli.main import main; main()", *words, "--help"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=os.environ | PLAIN, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(page(), end="")
