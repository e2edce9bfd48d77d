"""Rows in token ids: how many tokens of each are supervised after truncation, and which, to be shown.

Decided here:
- Counted are positions with a weight other than zero. A row without one teaches nothing; it is unfit, as is one whose
  answer is too long. All that are unfit are found before anything is said of them, each with its line and length.
- Neighbouring tokens are decoded together: one Chinese character may be three tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Unfit:
    """A row that cannot be learnt from, why, and what to do about it."""

    line: int
    id: str
    what: str
    fix: str


def rows_of(examples: Iterable[Example], row: Callable[[Example], Row]) -> tuple[list[Row], list[Unfit]]:
    """The rows that can be learnt from, and the examples that give none."""
    rows: list[Row] = []
    unfit: list[Unfit] = []
    for example in examples:
        try:
            made = row(example)
        except DataError as error:
            unfit.append(Unfit(example.line, example.id, error.what, error.fix))
            continue
        if any(weight != 0 for weight in made.weights):
            rows.append(made)
        else:
            what = f"no supervised token is left: {len(made.ids)} tokens, {made.cut} more cut off"
            unfit.append(Unfit(example.line, example.id, what, "raise model.max_length, or shorten or drop the row"))
    return rows, unfit


def supervised(rows: Sequence[Row]) -> Supervision:
    """Counts of rows that can be learnt from."""
    counts = [sum(weight != 0 for weight in row.weights) for row in rows]
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
