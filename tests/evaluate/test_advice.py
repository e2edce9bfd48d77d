"""The table of methods: who is recommended what, and that every row can be reached."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sayso.evaluate.advice import TABLE, Found, advise, found_in
from sayso.records import Attempt, Author, Feedback, Span, user

ABLE = ("imitate", "prefer", "distil", "condition", "predict", "mark", "hindsight")
BLIND = Found("decoder", 64, better=1.0, sight="blind", measured=40)


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (replace(BLIND, kind="encoder", sight="cannot tell"), "imitate"),
        (replace(BLIND, spans=0.6), "mark"),
        (replace(BLIND, turns=0.9), "hindsight"),
        (replace(BLIND, sight="sees"), "distil"),
        (BLIND, "prefer"),
        (replace(BLIND, comments=16), "imitate"),
        (replace(BLIND, better=0.1), "condition"),
    ],
)
def test_who_is_recommended_what(found: Found, first: str) -> None:
    advice = advise(found, ABLE)
    assert advice.methods[0] == first
    row = next(row for row in TABLE if row.when(found))
    assert (row.methods[0], advice.why[0]) == (first, row.because)


def test_methods_that_can_use_none_of_the_comments_are_passed_over_and_said() -> None:
    advice = advise(replace(BLIND, sight="sees"), ("imitate", "prefer"))
    assert advice.methods == ("prefer", "imitate")
    assert "distil can use none of these comments." in advice.why


def test_where_none_can_learn_that_is_said() -> None:
    advice = advise(BLIND, ())
    assert advice.methods == ()
    assert "No method can learn from these comments." in advice.why


def test_few_comments_are_no_proof_of_blindness() -> None:
    assert "Only 5 comments could be measured" in advise(replace(BLIND, measured=5), ABLE).why[-1]
    assert len(advise(replace(BLIND, measured=40), ABLE).why) == 1


def test_the_shares_are_those_of_the_comments() -> None:
    plain = Feedback(user("在吗"), Attempt("在"), "太冷淡。")
    spanned = replace(plain, spans=(Span(0, 1),))
    turn = replace(plain, author=Author("user_turn", "ann"))
    found = found_in([plain, spanned, turn, plain], "decoder", better=1)
    assert (found.comments, found.better, found.spans, found.turns) == (4, 0.25, 0.25, 0.25)
