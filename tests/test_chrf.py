"""chrF is sacreBLEU's, on one sentence."""

from __future__ import annotations

import pytest
from sacrebleu.metrics import CHRF

from sayso.chrf import chrf

PAIRS = [
    ("I'd like two kettles.", "I would like to buy two kettles."),
    ("How much is this?", "How much is this umbrella?"),
    ("我想买两把水壶。", "我要买两把水壶。"),
    ("水壶", "这把水壶多少钱？"),
    ("no", "是"),
    ("a b  c", "abc"),
    ("The the the the", "the cat"),
]


@pytest.mark.parametrize(("text", "reference"), PAIRS)
def test_it_is_what_sacrebleu_says(text: str, reference: str) -> None:
    assert 100 * chrf(text, reference) == pytest.approx(CHRF().sentence_score(text, [reference]).score, abs=1e-9)


def test_the_same_is_one_and_nothing_is_none() -> None:
    assert chrf("两把水壶", "两把水壶") == 1.0
    assert chrf("", "kettle") == chrf("kettle", "") == 0.0
