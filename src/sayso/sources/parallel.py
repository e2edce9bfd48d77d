"""Parallel text: two files whose lines belong together ("a.zh,b.en"), or one with a tab between the two.

Decided here:
- The fields are called "source" and "target", in the order of the path; further columns of a tab file get numbers.
- Files of unequal length are read to the end of the longer: each line without a partner is listed. Nothing shifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sayso.dataset.lines import Line, check_options, read_lines
from sayso.errors import DataError
from sayso.protocols import RawRow

SUFFIXES = ()
OPTIONS = ("encoding",)
NAMES = ("source", "target")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Pairs of lines. Option: encoding."""
    check_options(options, OPTIONS, "parallel")
    encoding = str(options.get("encoding", ""))
    files = [path] if path.is_file() else paths(path)
    if len(files) > 2:
        raise DataError(f"{len(files)} files for parallel text", where=str(path), expected="two, as in a.zh,b.en")
    if len(files) == 1:
        yield from (_cut(line) for line in read_lines(files[0], encoding))
        return
    left, right = (read_lines(file, encoding) for file in files)
    for number, (a, b) in enumerate(zip_longest(left, right), 1):
        yield _pair(number, a, b)


def paths(path: Path) -> list[Path]:
    """The files that "a.zh,b.en" names; the second may leave out the folder of the first."""
    first, *others = str(path).split(",")
    found = [Path(first)]
    for name in others:
        beside = Path(first).parent / name.strip()
        found.append(beside if beside.is_file() else Path(name.strip()))
    return found


def _pair(number: int, a: Line | None, b: Line | None) -> RawRow:
    if a is None or b is None:
        return RawRow(number, {}, f"no line {number} in the {'first' if a is None else 'second'} file")
    if a.problem or b.problem:
        side = "first" if a.problem else "second"
        return RawRow(number, {}, f"{side} file: {a.problem or b.problem}")
    return RawRow(number, dict(zip(NAMES, (a.text, b.text), strict=True)))


def _cut(line: Line) -> RawRow:
    if line.problem or not line.text.strip():
        return RawRow(line.number, {}, line.problem or "empty line")
    fields = line.text.split("\t")
    if len(fields) < 2:
        return RawRow(line.number, {}, "no tab between source and target")
    names = [*NAMES, *(str(i) for i in range(2, len(fields)))]
    return RawRow(line.number, dict(zip(names, fields, strict=True)))
