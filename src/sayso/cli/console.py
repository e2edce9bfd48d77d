"""What the commands print: results to stdout, everything else to stderr.

Decided here:
- `sayso ... | other` and `--json` work because progress, notices and errors never touch stdout.
- Colour and live lines exist on a terminal only; NO_COLOR is heeded. In a pipe the same facts come as plain lines, now
  and then.
- Text is printed as it is: square brackets in a comment are not markup.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sayso.records import to_json

PIPE_WIDTH = 160
PLAIN_SECONDS = 10.0


def console(stderr: bool = False) -> Console:
    """A console on stdout, or on stderr. Wide in a pipe, so that a line stays a line."""
    made = Console(stderr=stderr, markup=False, highlight=False, soft_wrap=True)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPE_WIDTH
    return made


def print_json(value: Any) -> None:
    """Records, or what holds them, as JSON on stdout. Figures that are not finite become null."""
    print(json.dumps(_finite(to_json(value)), ensure_ascii=False, indent=2, default=str))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows under headings on stdout; numbers to the right."""
    console().print(table(title, columns, rows))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """The same as a rich Table."""
    body = [list(row) for row in rows]
    drawn = Table(title=Text(title, style="bold") if title else None, box=None, title_justify="left", pad_edge=False)
    for place, name in enumerate(columns):
        numeric = bool(body) and all(isinstance(row[place], int | float) for row in body)
        drawn.add_column(Text(name, style="dim"), justify="right" if numeric else "left", overflow="fold")
    for row in body:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(_cell(cell)) for cell in row))
    return drawn


class Line:
    """One line about long work, rewritten on a terminal, repeated now and then in a pipe."""

    def __init__(self, title: str, out: Console, live: Live | None) -> None:
        self.title, self.out, self.live = title, out, live
        self.shown = float("-inf")

    def update(
        self,
        *,
        step: int,
        steps: int,
        loss: float | None = None,
        tokens_per_second: float | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """Show where the work is. Facts that are not known are left out."""
        facts = [
            f"{step}/{steps}",
            f"{step / max(1, steps):.0%}",
            "" if loss is None else f"loss {loss:.4f}",
            "" if tokens_per_second is None else f"{tokens_per_second:,.0f} tokens/s",
            "" if seconds_left is None else f"{span(seconds_left)} left",
        ]
        words = f"{self.title}  " + "  ".join(filter(None, facts))
        if self.live is not None:
            self.live.update(Text(words))
        elif step >= steps or time.monotonic() - self.shown >= PLAIN_SECONDS:
            self.out.print(words)
            self.shown = time.monotonic()

    def note(self, words: str) -> None:
        """A line that stays."""
        self.out.print(f"{self.title}  {words}")


@contextmanager
def progress(title: str) -> Iterator[Line]:
    """A line on stderr for the duration of long work."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield Line(title, out, None)
        return
    with Live(Text(title), console=out, refresh_per_second=4, redirect_stdout=False) as live:
        yield Line(title, out, live)


def span(seconds: float) -> str:
    """Seconds as 42 s, 3:07 or 1:02:45."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
