from __future__ import annotations

import pytest

from sayso.dataset.tokens import pieces, supervised
from sayso.errors import DataError
from sayso.records import Example, Row, user

DECODER = Row(ids=(10, 11, 12, 13), targets=(12, 13), at=(1, 2), weights=(1.0, 1.0), cut=3)
HALF = Row(ids=(10, 11, 12), targets=(11, 12), at=(0, 1), weights=(0.0, -0.5))
EMPTY = Row(ids=(10, 11), targets=(11,), at=(0,), weights=(0.0,), cut=7)
EXAMPLE = Example("a", user("你好"), "嗨", line=12)


def shown(ids: object) -> str:
    return "".join(chr(token + 87) for token in ids)  # type: ignore[attr-defined]


def test_counts_of_what_is_supervised() -> None:
    found = supervised([DECODER, HALF], [EXAMPLE, EXAMPLE])
    assert (found.rows, found.supervised, found.cut_rows, found.cut_tokens) == (2, 3, 1, 3)
    assert (found.per_row[0], found.per_row[-1], found.lengths[-1]) == (1, 2, 4)


def test_a_row_that_teaches_nothing_is_named() -> None:
    with pytest.raises(DataError) as caught:
        supervised([DECODER, EMPTY], [EXAMPLE, EXAMPLE])
    text = str(caught.value)
    assert "train, line 12" in text
    assert "2 tokens, 7 more cut off" in text
    assert "model.max_length" in text


def test_pieces_of_each_kind() -> None:
    assert pieces(DECODER, "decoder", shown) == [("ab", False), ("cd", True)]
    assert pieces(HALF, "decoder", shown) == [("ab", False), ("c", True)]
    assert pieces(DECODER, "encoder", shown) == [("abcd", False)]
    assert pieces(DECODER, "encoder_decoder", shown) == [("abcd", False), ("cd", True)]
