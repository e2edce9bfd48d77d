"""A file of answers that grows as they come, so that what was measured once is not measured again.

Decided here:
- JSONL: a header that says what was asked of whom, then a row per answer, found by its key. It is only appended to.
- A file of something else is refused, never overwritten. A last line that was cut short is dropped.
- Without a file the rows are kept in memory alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sayso.errors import RunError

Row = Mapping[str, Any]


class Ledger:
    """Rows by their "key"."""

    def __init__(self, file: Path | None, header: Row) -> None:
        self.file, self.header = file, dict(header)
        self.rows: dict[str, Row] = {}
        if file is not None:
            self._open(file)

    def get(self, key: str) -> Row | None:
        """The row of a key, if there is one."""
        return self.rows.get(key)

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows, on disk before this returns."""
        new = list(rows)
        self.rows.update((str(row["key"]), row) for row in new)
        if self.file is not None and new:
            self._append(self.file, new)

    # ------------------------------------------------------------ inside

    def _open(self, file: Path) -> None:
        if not file.is_file() or not file.stat().st_size:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._append(file, [self.header])
            return
        raw = file.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        rows = [self._read(file, number, line) for number, line in enumerate(whole.splitlines(), 1)]
        if not rows or rows[0] != self.header:
            raise RunError(
                "this file holds other answers",
                where=str(file),
                expected=json.dumps(self.header, ensure_ascii=False),
                fix="name another file, or remove this one to begin anew",
            )
        self.rows = {str(row["key"]): row for row in rows[1:]}
        if len(whole) < len(raw):
            with file.open("r+b") as out:
                out.truncate(len(whole))

    @staticmethod
    def _read(file: Path, number: int, line: bytes) -> Row:
        try:
            row = json.loads(line)
            if isinstance(row, dict) and (number == 1 or "key" in row):
                return row
        except ValueError:
            pass
        fix = "name another file, or remove this line"
        raise RunError("a line is no saved answer", where=f"{file}:{number}", expected="a JSON object", fix=fix)

    @staticmethod
    def _append(file: Path, rows: Iterable[Row]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with file.open("a", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
