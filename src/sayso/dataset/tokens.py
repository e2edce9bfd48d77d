"""Rows in token ids: how many tokens of each are supervised after truncation, and which, to be shown.

Decided here:
- Counted are positions with a weight other than zero. A row without one teaches nothing and is an error that names
  the row, its length and the setting.
- Neighbouring tokens are decoded together: one Chinese character may be three tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sayso.dataset.checks import quantiles
from sayso.errors import DataError
from sayso.records import Example, Kind, Row


@dataclass(frozen=True, slots=True)
class Supervision:
    """Over all rows: supervised tokens in all and at checks.QUANTILES, lengths likewise, rows whose prompt was cut."""

    rows: int
    supervised: int
    per_row: tuple[int, ...]
    lengths: tuple[int, ...]
    cut_rows: int
    cut_tokens: int


def supervised(rows: Sequence[Row], examples: Sequence[Example]) -> Supervision:
    """Counts of the rows of these examples. DataError for the first row with nothing supervised."""
    counts = [sum(weight != 0 for weight in row.weights) for row in rows]
    for count, row, example in zip(counts, rows, examples, strict=True):
        if not count:
            raise DataError(
                f"no supervised token is left of this row: {len(row.ids)} tokens, {row.cut} more cut off",
                where=f"{example.split}, line {example.line} (id {example.id})",
                expected="at least one token of the answer within model.max_length",
                fix="raise model.max_length, shorten the row or drop it",
            )
    return Supervision(
        rows=len(rows),
        supervised=sum(counts),
        per_row=quantiles(counts),
        lengths=quantiles(len(row.ids) for row in rows),
        cut_rows=sum(row.cut > 0 for row in rows),
        cut_tokens=sum(row.cut for row in rows),
    )


def pieces(row: Row, kind: Kind, decode: Callable[[Sequence[int]], str]) -> list[tuple[str, bool]]:
    """The row as text in runs of tokens, each with whether it is supervised; for an encoder only what it reads."""
    tokens = [(token, False) for token in row.ids]
    if kind == "decoder":
        taught = {place + 1 for place, weight in zip(row.at, row.weights, strict=True) if weight != 0}
        tokens = [(token, place in taught) for place, token in enumerate(row.ids)]
    elif kind == "encoder_decoder":
        tokens += [(token, weight != 0) for token, weight in zip(row.targets, row.weights, strict=True)]
    runs = groupby(tokens, key=lambda token: token[1])
    return [(decode([token for token, _ in run]), is_taught) for is_taught, run in runs]
