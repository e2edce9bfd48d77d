"""Parquet, read by pyarrow a batch at a time.

Decided here:
- A row's "line" is its number in the file, from 1: the format has no lines.
- Text that is not UTF-8 costs its row, not the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options, unreadable
from sayso.errors import DataError
from sayso.protocols import RawRow

SUFFIXES = (".parquet", ".pq")
BATCH = 4096


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Rows of a Parquet file. No options."""
    check_options(options, (), "parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(str(path)) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                yield from _rows(batch, number)
                number += batch.num_rows
    except FileNotFoundError as error:
        raise unreadable(path, error) from error
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        raise DataError(
            f"not a readable Parquet file: {str(error).splitlines()[0][:160] if str(error) else type(error).__name__}",
            where=f"{path}, after row {number}" if number else str(path),
            expected="a complete Parquet file",
            fix="write it again, or name its real format in data.*.format",
        ) from error


def _rows(batch: Any, before: int) -> Iterator[RawRow]:
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            yield RawRow(before + 1, {}, "not utf-8 text")
            return
        for i in range(batch.num_rows):
            yield from _rows(batch.slice(i, 1), before + i)
        return
    for number, row in enumerate(rows, before + 1):
        yield RawRow(number, row) if row else RawRow(number, {}, "a row without columns")
