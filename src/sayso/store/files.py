"""Files that are whole or not there: written beside and renamed, one record per line.

Decided here:
- A write that fails leaves the old file and raises MachineFault; nothing half-written is ever seen under its name.
- Only "\\n" ends a line: JSON leaves other line separators inside texts, where they belong.
- A line added to a log is the one exception to the rename. A torn last line (the machine died) is left out on reading.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sayso.errors import MachineFault, RunError


def json_line(plain: Any) -> str:
    """One line of JSON, readable as it stands; half characters are escaped so that the file stays UTF-8."""
    text = json.dumps(plain, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(plain)
    return text


def write_text(path: Path, text: str) -> None:
    """Replace a file's content whole. Raises MachineFault and leaves the old file where that cannot be done."""
    write_parts(path, [text.encode("utf-8")])


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """As `write_text`, part by part: what raises while they are made leaves the old file too."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        _remove(beside)
        raise _fault(path, error) from error
    except BaseException:
        _remove(beside)
        raise


def write_lines(path: Path, plains: Iterable[Any]) -> None:
    """Replace a JSONL file's content whole."""
    write_parts(path, (f"{json_line(plain)}\n".encode() for plain in plains))


def append_line(path: Path, plain: Any) -> None:
    """Add one line to a log; a torn line before it is closed first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            torn = size > 0 and (file.seek(size - 1), file.read(1))[1] != b"\n"
            file.write((("\n" if torn else "") + json_line(plain) + "\n").encode("utf-8"))
    except OSError as error:
        raise _fault(path, error) from error


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises RunError where it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError as error:
        raise RunError(
            f"not JSON: {error}", where=str(path), fix="delete the file; the stage writes it again"
        ) from None


def read_lines(path: Path, *, torn: bool = False) -> Iterator[tuple[int, Any]]:
    """(line number, value) of a JSONL file, nothing where there is none; `torn` leaves out lines that are not JSON."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="\n", errors="replace" if torn else "strict") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip():
                    yield number, json.loads(line)
            except ValueError as error:
                if not torn:
                    raise RunError(f"not JSON: {error}", where=f"{path}:{number}") from None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _fault(path: Path, error: OSError) -> MachineFault:
    fix = "free some space, or put the run elsewhere" if error.errno in (28, 122) else "check that it may be written"
    return MachineFault(f"cannot be written: {error.strerror or error}", where=str(path), fix=fix)
