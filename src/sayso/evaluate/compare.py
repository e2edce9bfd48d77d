"""Two models on the same items: what changed, how sure that is, and the verdict in words.

Decided here:
- "better" and "worse" need two witnesses at the 5 % level: the paired bootstrap interval excludes zero, and so does
  the paired randomization test. Else it is "cannot tell"; three items that all improved prove nothing.
- Every metric that both have is compared, the task's own first; those where neither direction is good are left out.
- Better means the good direction: a falling calibration error is better.
- Nothing is compared on different items.
"""

from __future__ import annotations

from collections.abc import Sequence

from sayso.errors import DataError
from sayso.evaluate.metrics import measure
from sayso.evaluate.tally import LEVEL, Difference, Tally, differences
from sayso.protocols import Task
from sayso.records import Answer, Comparison, Example, Verdict

ON_SACREBLEUS_SCALE = ("bleu", "chrf")
PLAIN = ("log_likelihood", "brier")


def compare(
    task: Task,
    examples: Sequence[Example],
    before: Sequence[Answer],
    after: Sequence[Answer],
    *,
    stages: tuple[str, str],
    split: str,
    resamples: int = 2000,
    seed: int = 0,
) -> list[Comparison]:
    """One Comparison per metric. DataError where the answers are not to these same examples."""
    first, second = measure(task, examples, before).tallies, measure(task, examples, after).tallies
    by_unit = {tally.unit: tally for tally in second}
    ours = [tally for tally in first if tally.better and tally.unit in by_unit]
    theirs = [by_unit[tally.unit] for tally in ours]
    if any(one.counts_NK.shape != other.counts_NK.shape for one, other in zip(ours, theirs, strict=True)):
        raise DataError("the two models were judged on different items", fix="answer the same examples with both")
    if not ours:
        return []
    found = differences(ours, theirs, resamples, seed)
    return [
        comparison(one, other, difference, split, stages)
        for one, other, difference in zip(ours, theirs, found, strict=True)
    ]


def verdict(difference: Difference, better: int) -> Verdict:
    """In words, from the interval and the test; `better` is the good direction."""
    low, high = difference.interval
    if difference.p > 1 - LEVEL or low <= 0 <= high:
        return "cannot tell"
    return "better" if difference.value * better > 0 else "worse"


def figure(unit: str, value: float, signed: bool = False) -> str:
    """A value as people write it: shares in per cent (differences in points), BLEU and chrF with one decimal."""
    sign = "+" if signed else ""
    if unit in PLAIN:
        return f"{value:{sign}.3f}"
    if unit in ON_SACREBLEUS_SCALE:
        return f"{value:{sign}.1f}"
    return f"{100 * value:{sign}.1f}" + (" points" if signed else " %")


def comparison(before: Tally, after: Tally, difference: Difference, split: str, stages: tuple[str, str]) -> Comparison:
    """Two tallies of the same items and their difference, as a record with the verdict in words."""
    decided = verdict(difference, before.better)
    return Comparison(
        unit=before.unit,
        split=split,
        before_stage=stages[0],
        after_stage=stages[1],
        before=before.value,
        after=after.value,
        difference=difference.value,
        interval=difference.interval,
        n=before.n,
        verdict=decided,
        words=_words(before, after, difference, stages) + _because(decided, difference),
    )


# ---------------------------------------------------------------- inside


def _words(before: Tally, after: Tally, difference: Difference, stages: tuple[str, str]) -> str:
    unit = before.unit
    low, high = (figure(unit, end, signed=True).removesuffix(" points") for end in difference.interval)
    return (
        f"{unit} on {before.n} items: {figure(unit, before.value)} ({stages[0]}), {figure(unit, after.value)} "
        f"({stages[1]}); difference {figure(unit, difference.value, signed=True)}, 95 % interval [{low}, {high}], "
        f"p = {difference.p:.2g}: "
    )


def _because(decided: Verdict, difference: Difference) -> str:
    if decided != "cannot tell":
        return decided + "."
    if not difference.value:
        return "cannot tell; the two are level."
    low, high = difference.interval
    return "cannot tell; " + ("chance could do this." if low <= 0 <= high else "too few answers differ.")
