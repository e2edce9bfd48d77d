from __future__ import annotations

from dataclasses import replace

from sayso.dataset.tokens import pieces, rows_of, supervised
from sayso.errors import DataError
from sayso.records import Example, Row, user

DECODER = Row(ids=(10, 11, 12, 13), targets=(12, 13), at=(1, 2), weights=(1.0, 1.0), cut=3)
HALF = Row(ids=(10, 11, 12), targets=(11, 12), at=(0, 1), weights=(0.0, -0.5))
EMPTY = Row(ids=(10, 11), targets=(11,), at=(0,), weights=(0.0,), cut=7)
EXAMPLE = Example("a", user("你好"), "嗨", line=12)


def shown(ids: object) -> str:
    return "".join(chr(token + 87) for token in ids)  # type: ignore[attr-defined]


def test_counts_of_what_is_supervised() -> None:
    found = supervised([DECODER, HALF])
    assert (found.rows, found.supervised, found.cut_rows, found.cut_tokens) == (2, 3, 1, 3)
    assert (found.per_row[0], found.per_row[-1], found.lengths[-1]) == (1, 2, 4)


def test_every_row_that_teaches_nothing_is_found_with_its_line_and_the_others_are_kept() -> None:
    made = {1: DECODER, 12: EMPTY, 13: HALF}

    def row(example: Example) -> Row:
        if example.line == 14:
            raise DataError("an answer of 90 tokens does not fit into 32", fix="raise model.max_length")
        return made[example.line]

    rows, unfit = rows_of([replace(EXAMPLE, line=line) for line in (1, 12, 13, 14)], row)
    assert rows == [DECODER, HALF]
    assert [(one.line, one.what) for one in unfit] == [
        (12, "no supervised token is left: 2 tokens, 7 more cut off"),
        (14, "an answer of 90 tokens does not fit into 32"),
    ]
    assert all("model.max_length" in one.fix for one in unfit)
    assert supervised([]).per_row == ()


def test_pieces_of_each_kind() -> None:
    assert pieces(DECODER, "decoder", shown) == [("ab", False), ("cd", True)]
    assert pieces(HALF, "decoder", shown) == [("ab", False), ("c", True)]
    assert pieces(DECODER, "encoder", shown) == [("abcd", False)]
    assert pieces(DECODER, "encoder_decoder", shown) == [("abcd", False), ("cd", True)]
