"""JSON: an object per line, or one array of objects.

Decided here:
- A line that is no object is listed with what it is instead; an empty line is listed too.
- A file that begins with "[" is one array; its rows carry the line on which each begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options, read_lines
from sayso.errors import DataError
from sayso.protocols import RawRow

SUFFIXES = (".jsonl", ".ndjson", ".json")
OPTIONS = ("encoding",)
_KINDS = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
_GAP = re.compile(r"[\s,]*")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Rows of JSON. Option: encoding."""
    check_options(options, OPTIONS, "jsonl")
    encoding = str(options.get("encoding", ""))
    if _begins_array(path, encoding):
        yield from _array(path, encoding)
        return
    for line in read_lines(path, encoding):
        yield RawRow(line.number, {}, line.problem) if line.problem else _row(line.number, line.text)


def _row(number: int, text: str) -> RawRow:
    if not text.strip():
        return RawRow(number, {}, "empty line")
    try:
        value = json.loads(text)
    except RecursionError:
        return RawRow(number, {}, "not JSON: nested too deeply")
    except ValueError as error:
        return RawRow(number, {}, f"not JSON: {_reason(error)}")
    return _object(number, value)


def _object(number: int, value: Any) -> RawRow:
    if isinstance(value, dict):
        return RawRow(number, value) if value else RawRow(number, {}, "an empty object")
    return RawRow(number, {}, f"{_KINDS.get(type(value), 'null')} where an object {{...}} was expected")


def _reason(error: ValueError) -> str:
    return error.msg.lower() if isinstance(error, json.JSONDecodeError) else "a number with too many digits"


def _begins_array(path: Path, encoding: str) -> bool:
    """An array over the whole file, rather than lines that happen to be lists."""
    for line in read_lines(path, encoding):
        text = line.text.strip()
        if line.problem:
            return False
        if text:
            return text.startswith("[") and (path.suffix == ".json" or text == "[")
    return False


def _array(path: Path, encoding: str) -> Iterator[RawRow]:
    lines = list(read_lines(path, encoding))
    broken = next((line for line in lines if line.problem), None)
    if broken:
        raise DataError(broken.problem, where=f"{path}, line {broken.number}", expected="one readable JSON array")
    text = "\n".join(line.text for line in lines)
    place = text.index("[") + 1
    number = 1 + text.count("\n", 0, place)
    decoder = json.JSONDecoder()
    while True:
        begin = _GAP.match(text, place).end()  # type: ignore[union-attr]
        number += text.count("\n", place, begin)
        if text[begin : begin + 1] == "]":
            return
        try:
            value, place = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError) as error:
            reason = _reason(error) if isinstance(error, ValueError) else "nested too deeply"
            yield RawRow(number, {}, f"not JSON from here to the end: {reason}")
            return
        yield _object(number, value)
        number += text.count("\n", begin, place)
