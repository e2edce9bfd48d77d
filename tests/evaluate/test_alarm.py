"""A collapse is seen on the answers, in both languages; what was asked for, and small changes, are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sayso.evaluate.alarm import Vitals, asked_for, collapse, figures, in_words, vitals
from sayso.records import Answer, Attempt, Feedback, Scope, user

START = Vitals(length=20.0, repetition=0.05, entropy=0.8, drift=0.0)


def said(*texts: str) -> list[Answer]:
    return [Answer(str(i), text) for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"length": 9.0}, "answers have shrunk to 45 %"),
        ({"repetition": 0.36}, "answers repeat themselves: 36 %"),
        ({"entropy": 0.2}, "entropy of answers fell from 0.80 to 0.20"),
        ({"drift": 1.2}, "drifted by 1.20 nats"),
    ],
)
def test_each_sign_by_itself_is_told(now: dict[str, float], words: str) -> None:
    found = collapse(START, replace(START, **now))
    assert words.replace(" %", "%") in found
    assert ";" not in found
    assert "alarm" in found


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"length": 11.0},
        {"length": 60.0},
        {"repetition": 0.3},
        {"entropy": 0.3},
        {"entropy": 3.0},
        {"drift": 0.9},
        {"entropy": None, "drift": None},
    ],
)
def test_less_than_that_is_no_collapse(now: dict[str, float | None]) -> None:
    assert collapse(START, replace(START, **now)) == ""


def test_what_was_not_there_cannot_be_lost() -> None:
    short = Vitals(length=1.0, entropy=0.05)
    assert collapse(short, Vitals(length=0.0, entropy=0.0)) == ""


def test_several_signs_are_told_together() -> None:
    assert collapse(START, Vitals(1.0, 0.9, 0.01, 3.0)).count(";") == 3


def test_what_the_comments_ask_for_raises_no_alarm() -> None:
    plain = Feedback(user("退货要多久？"), Attempt("三天。"), "店规是七天。")
    short, longer = replace(plain, comment="太长了，短一点。"), replace(plain, comment="Too long.")
    always = replace(plain, scope=Scope("everywhere"))
    assert asked_for([plain]) == set()
    assert asked_for([plain, short]) == asked_for([longer]) == {"length"}
    assert asked_for([always]) == {"drift"}
    assert collapse(START, replace(START, length=2.0), {"length"}) == ""
    assert collapse(START, replace(START, drift=5.0), {"drift"}) == ""
    assert collapse(START, replace(START, drift=5.0), {"length"})


def test_vitals_are_counted_in_both_languages() -> None:
    one = vitals(said("退货要七天。", "seven days for returns please"), 0.5, 0.1)
    assert (one.length, one.repetition, one.entropy, one.drift) == (5.5, 0.0, 0.5, 0.1)
    round_and_round = vitals(said("好的好的好的好的好的", "no no no no no no no no"))
    assert round_and_round.repetition > 0.5
    assert vitals([]) == Vitals()


def test_figures_for_the_curves_and_in_words() -> None:
    found = figures(START, Vitals(10.0, 0.1, 0.4, 0.02))
    assert found == {"watched_length": 0.5, "watched_repetition": 0.1, "watched_entropy": 0.4, "drift": 0.02}
    assert in_words(found).startswith("answers 0.50 of their length at the start, 10% of their 4-grams repeated")
    assert "watched_entropy" not in figures(START, Vitals(10.0))
    assert "watched_length" not in figures(Vitals(), Vitals(3.0))
