"""The objects of a JSON file as other tools write them: one array, one object, or an object per line.

Decided here:
- A file that is one JSON value is read whole, else line by line; an object is numbered by its place in the array, or
  by its line.
- A line that is no object is listed with what it is; a file that cannot be read as text at all is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sayso.dataset.lines import unreadable
from sayso.errors import DataError
from sayso.protocols import RawRow


def json_objects(path: Path) -> Iterator[RawRow]:
    """Every object with its number, and what is none with the reason. DataError where the file cannot be read."""
    text = _text(path)
    try:
        whole = json.loads(text)
    except RecursionError:
        raise DataError("not JSON: nested too deeply", where=str(path)) from None
    except ValueError:
        yield from (_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
        return
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        whole = whole["data"]  # a page of an API
    yield from (_object(number, one) for number, one in enumerate(whole if isinstance(whole, list) else [whole], 1))


# ---------------------------------------------------------------- inside


def _text(path: Path) -> str:
    try:
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        where = f"{path}, byte {error.start + 1}"
        raise DataError("not UTF-8 text", where=where, fix="write the export again as JSON") from None


def _line(number: int, line: str) -> RawRow:
    try:
        return _object(number, json.loads(line))
    except RecursionError:
        return RawRow(number, {}, "not JSON: nested too deeply")
    except ValueError as error:
        return RawRow(number, {}, f"not JSON: {error}")


def _object(number: int, value: Any) -> RawRow:
    if isinstance(value, dict) and value:
        return RawRow(number, value)
    return RawRow(number, {}, "an empty object" if value == {} else f"{type(value).__name__}, no object")
