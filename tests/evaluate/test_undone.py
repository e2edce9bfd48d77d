"""Is a comment's trace gone? From three beliefs."""

from __future__ import annotations

import pytest

from sayso.evaluate.undone import undone


@pytest.mark.parametrize(
    ("start", "learnt", "after", "state"),
    [
        (-3.0, -1.0, -3.0, "gone"),
        (-3.0, -1.0, -2.7, "gone"),
        (-3.0, -1.0, -4.0, "gone"),
        (-3.0, -2.9, -2.96, "gone"),
        (-3.0, -2.9, -2.94, "left"),
        (-3.0, -1.0, -1.5, "left"),
        (-3.0, -1.0, -0.5, "left"),
        (-3.0, -2.98, -2.0, "never there"),
        (-3.0, -4.0, -3.0, "never there"),
    ],
)
def test_the_state(start: float, learnt: float, after: float, state: str) -> None:
    assert undone(start, learnt, after).state == state


def test_the_words_say_how_much_and_who_else_teaches_it() -> None:
    assert "(85% taken back)" in undone(-3.0, -1.0, -2.7).words
    assert (
        "75% is left; 1 other comment teaches the same rule or is about the same prompt."
        in undone(-3.0, -1.0, -1.5, alike=1).words
    )
    assert "2 other comments teach the same rule or are about the same prompt." in undone(-3.0, -1.0, -1.5, 2).words
    assert "75% is left." in undone(-3.0, -1.0, -1.5).words
