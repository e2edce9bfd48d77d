"""The gate: a learnt model is promoted only where it is better where it should be and not worse elsewhere.

Decided here:
- Better means one thing at least: the learnt comments are done as asked (internalised), held-out ones are (transfer),
  or the task's own metric or the programs' checks are better, with the verdict "better". A gain that nobody can tell
  from chance is no gain, and the words say on how many comments it was looked for.
- Worse is a verdict "worse" that loses at least LOST, or a loss of FEARED or more that these items can neither show
  nor exclude: whoever deploys it carries that risk, so it counts.
- Near prompts may show a comment's effect more often by at most NEAR.
- Drift refuses only where its whole interval lies above DRIFT. That is an alarm for a model that has come loose, not
  a goal: far below it other answers already read differently, so the measure is for people to look at.
- What was seen on something new is named first: transfer, then the items, then the taught comments. A model that knows
  its lessons by heart is the least of these.
- What it is told in its prompt (heed, obedience) is measured after learning only, so the gate has no say in it.
- Refused is not deleted: the weights stay, and the stage before remains the run's result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sayso.evaluate.compare import ON_SACREBLEUS_SCALE
from sayso.evaluate.measured import Measured
from sayso.records import Comparison

LOST = 0.01
FEARED = 0.05
NEAR = 0.05
DRIFT = 0.2  # nats per token
SHOULD = ("transfer", "internalised")


@dataclass(frozen=True, slots=True)
class Ruling:
    """Promoted or refused; what speaks for it, against it, and what could not be told, each in words with n."""

    promoted: bool
    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    words: str = ""


def rule(measures: Sequence[Measured], comparisons: Sequence[Comparison]) -> Ruling:
    """From the measures of a proof, and the comparisons of the stage before with the learnt one on the items."""
    gains = [one.words for one in _newest_first(measures, comparisons) if one.verdict == "better"]
    losses = [*_losses(measures), *_losses_on_items(comparisons)]
    told = {*gains, *losses}
    verdicts = [(one.verdict, one.words) for one in measures] + [(one.verdict, one.words) for one in comparisons]
    unclear = [words for verdict, words in verdicts if verdict == "cannot tell" and words not in told]
    promoted = bool(gains) and not losses
    return Ruling(promoted, tuple(gains), tuple(losses), tuple(unclear), _words(gains, losses, measures, comparisons))


# ---------------------------------------------------------------- inside


def _newest_first(measures: Sequence[Measured], comparisons: Sequence[Comparison]) -> Iterator[Measured | Comparison]:
    """What may speak for the model: held-out comments, the items, then the comments that it was taught."""
    held_out, taught = SHOULD
    yield from (one for one in measures if one.name == held_out)
    yield from comparisons
    yield from (one for one in measures if one.name == taught)


def _losses(measures: Sequence[Measured]) -> Iterator[str]:
    most = dict.fromkeys((*SHOULD, "retention"), LOST) | {"overreach": NEAR}
    for one in measures:
        if one.name == "drift" and one.interval[0] > DRIFT:
            yield f"{one.words} At most {DRIFT:g} are let pass."
        elif one.name in most and _lost(one.verdict, one.gain, most[one.name]):
            yield one.words


def _losses_on_items(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for one in comparisons:
        scale = 100 if one.unit in ON_SACREBLEUS_SCALE else 1
        if _lost(one.verdict, one.difference / scale, LOST):
            yield one.words


def _lost(verdict: str, gain: float, most: float) -> bool:
    """Is this a loss? `gain` is the difference in the good direction."""
    return (verdict == "worse" and gain <= -most) or (verdict == "cannot tell" and gain <= -max(FEARED, most))


def _words(
    gains: Sequence[str], losses: Sequence[str], measures: Sequence[Measured], comparisons: Sequence[Comparison]
) -> str:
    looked = [one.n for one in measures if one.name in SHOULD] + [one.n for one in comparisons]
    if not looked:
        return "Refused: nothing could be measured, so nothing shows that the learnt model is better."
    if losses:
        what = "one thing is" if len(losses) == 1 else f"{len(losses)} things are"
        return f"Refused: {what} worse. {losses[0]}"
    if not gains:
        return f"Refused: nothing is shown to be better, on {max(looked):,} comments or items at most."
    return f"Promoted: better where it should be, and nothing that the gate watches is shown to be worse. {gains[0]}"
