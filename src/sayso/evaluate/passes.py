"""How many answers a program has nothing to say about: whether a rule in words is heeded, where a check exists.

Decided here: an answer that the program could not judge does not count, neither as passing nor as failing; two models
are compared on the items that were judged for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sayso.evaluate.compare import comparison
from sayso.evaluate.tally import Tally, differences, intervals, mean_of
from sayso.records import Comparison, Score, Why

UNIT = "passes"


def scores(task: str, passed: Mapping[str, bool], resamples: int, seed: int) -> list[Score]:
    """The share of answers that pass, with its interval, and each item's verdict. `passed` is by item."""
    if not passed:
        return []
    tally = _tally(passed, list(passed))
    whole = Score(task, "", UNIT, tally.value, interval=intervals([tally], resamples, seed)[0], n=tally.n)
    each = [
        Score(task, item, UNIT, float(good), Why.RIGHT if good else Why.DIFFERENT) for item, good in passed.items()
    ]
    return [whole, *each]


def compared(
    before: Mapping[str, bool],
    after: Mapping[str, bool],
    *,
    stages: tuple[str, str],
    split: str,
    resamples: int = 2000,
    seed: int = 0,
) -> list[Comparison]:
    """The paired difference of the two shares; empty where no item was judged for both."""
    items = [item for item in before if item in after]
    if not items:
        return []
    one, other = _tally(before, items), _tally(after, items)
    return [comparison(one, other, differences([one], [other], resamples, seed)[0], split, stages)]


def _tally(passed: Mapping[str, bool], items: Sequence[str]) -> Tally:
    return mean_of(UNIT, [float(passed[item]) for item in items])
