"""Plain text: a document per line, per block between empty lines, or the whole file.

Decided here:
- Unless `by` is given, a file with empty lines inside is cut at them, any other at each line.
- A line that cannot be decoded takes its block with it, listed: half a document is not a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import Line, check_options, choice, read_lines
from sayso.protocols import RawRow

SUFFIXES = (".txt", ".text", ".md")
OPTIONS = ("encoding", "by")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Documents, each in the field "text". Options: encoding, by (auto, line, block, file)."""
    check_options(options, OPTIONS, "text")
    by = choice(options, "by", ("auto", "line", "block", "file"))
    encoding = str(options.get("encoding", ""))
    if by == "auto":
        by = "block" if _has_blocks(read_lines(path, encoding)) else "line"
    lines = read_lines(path, encoding)
    if by == "line":
        yield from (_document([line]) for line in lines)
    elif by == "block":
        yield from map(_document, _blocks(lines))
    else:
        whole = list(lines)
        yield from [_document(whole)] if whole else []


def _document(lines: list[Line]) -> RawRow:
    broken = next((line for line in lines if line.problem), None)
    if broken:
        where = "" if broken is lines[0] else f" in line {broken.number}"
        return RawRow(lines[0].number, {}, broken.problem + where)
    text = "\n".join(line.text for line in lines)
    return RawRow(lines[0].number, {"text": text}) if text.strip() else RawRow(lines[0].number, {}, "empty line")


def _blocks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    for line in lines:
        if line.problem or line.text.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _has_blocks(lines: Iterable[Line]) -> bool:
    """An empty line with text before and after it."""
    gap = seen = False
    for line in lines:
        blank = not line.problem and not line.text.strip()
        if seen and gap and not blank:
            return True
        seen, gap = seen or not blank, blank
    return False
