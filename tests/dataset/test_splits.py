from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.dataset.splits import key, split_validation
from sayso.errors import DataError
from sayso.records import Example, user

TEXTS = st.sampled_from(
    ["好", "很好", "GOOD", "good", "Good ", "bad", "坏", "ｇｏｏｄ", *(f"第{i}句" for i in range(30))]
)


def examples(rows: list[tuple[str, str]]) -> list[Example]:
    return [Example(str(i), user(text), label, line=i + 1) for i, (text, label) in enumerate(rows)]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(TEXTS, st.sampled_from("ab")), max_size=80), st.floats(0, 0.9), st.integers(0, 9))
def test_a_text_is_on_one_side_only_and_no_row_is_lost(rows: list[tuple[str, str]], share: float, seed: int) -> None:
    given_rows = examples(rows)
    kept, taken = split_validation(given_rows, share, seed)
    assert not {key(e) for e in kept} & {key(e) for e in taken}
    assert sorted([e.id for e in kept] + [e.id for e in taken]) == sorted(e.id for e in given_rows)
    assert all(e.split == "validation" for e in taken)
    assert all(e.split == "train" for e in kept)
    assert kept or not given_rows


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(40)))
def test_the_order_of_the_file_does_not_matter(order: list[int]) -> None:
    rows = examples([(f"第{i}句", "ab"[i % 2]) for i in range(40)])
    expected = {e.id for e in split_validation(rows, 0.25, 3)[1]}
    assert {e.id for e in split_validation([rows[i] for i in order], 0.25, 3)[1]} == expected


def test_each_label_gives_its_share() -> None:
    rows = examples([(f"句子{i}", "rare" if i % 10 == 0 else "common") for i in range(1000)])
    kept, taken = split_validation(rows, 0.1, 0)
    assert Counter(e.target for e in taken) == {"common": 90, "rare": 10}
    assert len(kept) == 900
    assert split_validation(rows, 0.1, 1)[1] != taken
    assert split_validation(rows, 0, 1) == (rows, [])


def test_free_text_has_no_strata() -> None:
    rows = [Example(str(i), (), f"文章{i}") for i in range(50)]
    assert len(split_validation(rows, 0.2, 0)[1]) == 10


def test_adding_a_row_moves_few() -> None:
    rows = examples([(f"句子{i}", "a") for i in range(200)])
    before = {e.id for e in split_validation(rows, 0.2, 0)[1]}
    after = {e.id for e in split_validation([*rows, Example("new", user("新句子"), "a")], 0.2, 0)[1]}
    assert len(before - after) <= 1


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(DataError, match="validation_share"):
        split_validation(examples([("a", "b")]), share, 0)
