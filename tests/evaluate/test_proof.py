"""A proof from made values: which measure compares what, and in which direction."""

from __future__ import annotations

import pytest

from sayso.evaluate.measured import Draw, Measured
from sayso.evaluate.proof import Evidence, Fate, Sides, kept, measures
from sayso.records import Outcome, State

DRAW = Draw(resamples=200)


def of(value: float, n: int = 20) -> dict[str, float]:
    return {str(i): value for i in range(n)}


WHOLE = Evidence(
    learnt=Sides(of(0.0), of(0.6)),
    held_out=Sides(of(0.1, 12), of(0.3, 12)),
    belief=Sides(of(-3.0), of(-1.0)),
    belief_held_out=Sides(of(-3.0, 12), of(-2.0, 12)),
    was={"none": of(0.0), "right": of(0.8)},
    now={"none": of(0.6), "right": of(0.9), "shuffled": of(0.4)},
    near=Sides(of(0.0), of(0.3)),
    earlier=Sides(of(0.8, 12), of(0.2, 12)),
    wrong=Sides(of(0.1), of(0.5)),
    drift=[(0.2, 10)] * 8,
)


def found(evidence: Evidence) -> dict[str, Measured]:
    return {one.name: one for one in measures(evidence, DRAW)}


@pytest.mark.parametrize(
    ("name", "difference", "verdict", "n"),
    [
        ("internalised", 0.6, "better", 20),
        ("transfer", 0.2, "better", 12),
        ("heed", 0.5, "better", 20),
        ("overreach", 0.3, "worse", 20),
        ("retention", -0.6, "worse", 12),
        ("obedience", 0.4, "worse", 20),
        ("belief", 2.0, "better", 20),
        ("belief, held out", 1.0, "better", 12),
        ("drift", 0.02, "", 8),
    ],
)
def test_each_measure(name: str, difference: float, verdict: str, n: int) -> None:
    one = found(WHOLE)[name]
    assert one.difference == pytest.approx(difference)
    assert (one.verdict, one.n) == (verdict, n)


def test_what_was_not_measured_is_not_there() -> None:
    assert set(found(Evidence(learnt=Sides(of(0.0), of(1.0))))) == {"internalised"}
    assert found(Evidence()) == {}


def test_what_is_kept_is_a_share_of_what_reading_gave() -> None:
    assert kept(WHOLE) == pytest.approx(0.6 / 0.8)
    nothing_by_reading = Evidence(learnt=WHOLE.learnt, was={"none": of(0.0), "right": of(0.01)})
    assert kept(nothing_by_reading) is None
    assert kept(Evidence(learnt=WHOLE.learnt)) is None
    more_than_reading = Evidence(learnt=WHOLE.learnt, was={"none": of(0.0), "right": of(0.2)})
    assert kept(more_than_reading) == 1.0


def test_a_comment_that_is_now_done_less_has_fallen() -> None:
    outcome = Outcome("id", State.NOT_HEEDED)
    assert Fate(outcome, "请用敬语。", share=(0.9, 0.2)).fell
    assert not Fate(outcome, "请用敬语。", share=(0.2, 0.9)).fell
    assert not Fate(outcome, "请用敬语。", share=(0.9, 0.88)).fell, "a matter of wording"
    assert not Fate(outcome, "请用敬语。").fell
