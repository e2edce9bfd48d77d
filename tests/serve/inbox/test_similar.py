"""Past comments that matter to the one being written: the opposite first, then the same, then what is near."""

from __future__ import annotations

import pytest

from sayso.records import Attempt, Feedback, user
from sayso.serve.inbox.shelf import Kept
from sayso.serve.inbox.similar import similar

PAST = [
    Kept(Feedback(user("q"), Attempt("a"), words), "")
    for words in (
        "Always say when the parcel arrives.",
        "Say the price first.",
        "The price of the parcel is missing here.",
        "不要用“亲”。",
        "要用“亲”。",
        "先说价格，再说别的。",
        "",
    )
]


def found(words: str) -> list[tuple[str, str]]:
    return [(one.how, one.kept.said.comment) for one in similar(words, PAST)]


def test_the_same_in_either_language() -> None:
    assert found("Please say the price first!")[0] == ("same", "Say the price first.")
    assert found("先说价格。")[0][1] == "先说价格，再说别的。"


def test_the_opposite_comes_first() -> None:
    assert found("Never say when the parcel arrives.")[0] == ("opposite", "Always say when the parcel arrives.")
    assert [how for how, _ in found("不要用“亲”！")][:2] == ["opposite", "same"]


def test_what_shares_some_words_is_near() -> None:
    near = {words: how for how, words in found("The price of the parcel is wrong.")}
    assert near["The price of the parcel is missing here."] == "near"


@pytest.mark.parametrize("words", ["", "  ", "完全无关的话题：天气", "unrelated weather talk"])
def test_nothing_is_made_up(words: str) -> None:
    assert found(words) == []
