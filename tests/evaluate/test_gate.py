"""The gate: promoted where better and nowhere worse, refused with the reason, in words with n."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sayso.evaluate.gate import DRIFT, FEARED, LOST, rule
from sayso.evaluate.measured import Measured
from sayso.records import Comparison, Verdict


def measured(name: str, gain: float, verdict: str, better: int = 1, n: int = 20) -> Measured:
    difference = gain * better
    unit = "nats" if name == "drift" else "share"
    words = f"{name} on {n}: {verdict}."
    interval = (difference - 0.01, difference + 0.01)
    return Measured(name, unit, 0.0, difference, difference, interval, n, verdict, better, words)  # type: ignore[arg-type]


def compared(unit: str, difference: float, verdict: Verdict, n: int = 100) -> Comparison:
    return Comparison(
        unit, "test", "train", "learn", 0.0, difference, difference, (0, 0), n, verdict, f"{unit}: {verdict}."
    )


HEEDED = measured("internalised", 0.5, "better")


def test_better_where_it_should_be_and_not_worse_elsewhere() -> None:
    ruling = rule([HEEDED, measured("transfer", 0.1, "cannot tell")], [compared("chrf", -0.2, "cannot tell")])
    assert ruling.promoted
    assert ruling.gains == (HEEDED.words,)
    assert len(ruling.unclear) == 2
    assert ruling.words.startswith("Promoted")
    assert HEEDED.words in ruling.words


@pytest.mark.parametrize(
    "worse",
    [
        measured("transfer", -0.2, "worse"),
        measured("overreach", -0.2, "worse", better=-1),
        measured("retention", -0.2, "worse"),
        measured("retention", -FEARED, "cannot tell"),
        replace(measured("drift", -1.0, "", better=-1), interval=(DRIFT + 0.01, 1.0)),
    ],
)
def test_one_thing_worse_refuses_and_is_named(worse: Measured) -> None:
    ruling = rule([HEEDED, worse], [])
    assert not ruling.promoted
    assert ruling.unclear == (), "a loss is not also among what could not be told"
    assert "one thing is worse" in ruling.words
    assert worse.words in ruling.losses[0]


@pytest.mark.parametrize(
    "harmless",
    [
        measured("overreach", 0.3, "better", better=-1),
        measured("overreach", -0.04, "worse", better=-1),
        measured("heed", -0.4, "worse"),
        measured("transfer", -LOST / 2, "worse"),
        replace(measured("drift", -0.3, "", better=-1), interval=(DRIFT - 0.01, 1.0)),
    ],
)
def test_what_is_no_loss_does_not_refuse(harmless: Measured) -> None:
    assert rule([HEEDED, harmless], []).promoted


@pytest.mark.parametrize(
    ("unit", "difference", "verdict", "promoted"),
    [
        ("accuracy", -0.02, "worse", False),
        ("accuracy", -0.06, "cannot tell", False),
        ("accuracy", -0.04, "cannot tell", True),
        ("chrf", -2.0, "worse", False),
        ("chrf", -0.5, "worse", True),
        ("chrf", -6.0, "cannot tell", False),
        ("bleu", 3.0, "better", True),
    ],
)
def test_the_items_count_on_their_own_scale(unit: str, difference: float, verdict: Verdict, promoted: bool) -> None:
    assert rule([HEEDED], [compared(unit, difference, verdict)]).promoted is promoted


def test_a_gain_on_the_items_alone_is_a_gain() -> None:
    assert rule([measured("internalised", 0.1, "cannot tell")], [compared("passes", 0.3, "better")]).promoted


def test_what_was_seen_on_something_new_is_named_before_what_was_taught() -> None:
    transfer, items = measured("transfer", 0.2, "better"), compared("passes", 0.3, "better")
    ruling = rule([HEEDED, transfer], [items])
    assert ruling.gains == (transfer.words, items.words, HEEDED.words)
    assert ruling.words.endswith(transfer.words)
    assert rule([HEEDED], [items]).words.endswith(items.words)


@pytest.mark.parametrize("other", ["heed", "retention", "belief", "obedience"])
def test_other_measures_are_no_gain(other: str) -> None:
    assert not rule([measured(other, 0.5, "better"), measured("transfer", 0.1, "cannot tell")], []).promoted


def test_no_gain_is_refused_with_the_number_that_was_looked_at() -> None:
    ruling = rule([measured("internalised", 0.3, "cannot tell", n=6)], [])
    assert not ruling.promoted
    assert ruling.words == "Refused: nothing is shown to be better, on 6 comments or items at most."


def test_nothing_measured_is_refused() -> None:
    assert "nothing could be measured" in rule([], []).words
    assert not rule([], []).promoted
