"""Can a critic be trusted? Its verdicts beside known ones: agreement, false alarms, misses, and a lean to length.

Decided here:
- A critic that always says the same agrees with most of a lopsided file. So what decides is `balanced`: the mean of
  the share of right answers that it lets pass and of wrong ones that it objects to; one half is chance.
- It is trusted where the whole 95 % interval of that lies above TRUSTED_FROM, it judged most answers, it is not wrong
  too often in one language, and its objections do not follow the length of answers. Else the words say what is amiss.
- A share has Wilson's interval (1927); the mean of two has the one that Zou and Donner (2008) make of theirs. Unlike a
  bootstrap these are not sure of themselves where few verdicts all agree.
- Length sways it where, among answers of one known verdict, those that it objects to are longer (or shorter): a
  partial rank correlation, tested by permutation within each verdict. A file whose wrong answers are the longer ones
  shows nothing by that alone.
- An answer that it did not judge is neither agreement nor error, and is counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from sayso.evaluate.tally import LEVEL, Array

TRUSTED_FROM = 0.7
MOST = 0.75  # share of the answers that must be judged
SWAYED_FROM = 0.3  # size of the partial correlation with length that is too much, where it is not chance
PERMUTATIONS = 2000
_TINY = 1e-9
_Z = 1.959963984540054  # of the normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: is it right, as is known; does the critic object (None: not judged); its language and length."""

    right: bool
    objects: bool | None
    language: str
    length: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` with its 95 % interval; of nothing it is 0, anywhere in [0, 1]."""

    value: float
    interval: tuple[float, float]
    n: int


@dataclass(frozen=True, slots=True)
class Lean:
    """How objections go with length: rank correlation in [-1, 1], the same within each known verdict, and its p."""

    correlation: float
    partial: float
    p: float


@dataclass(frozen=True, slots=True)
class Audit:
    """A critic beside known verdicts. `amiss` says why it is not to be trusted, "" where it is."""

    n: int
    judged: int
    agreement: Share
    balanced: Share
    false_alarms: Share
    misses: Share
    length: Lean
    languages: Mapping[str, Audit] = field(default_factory=dict)

    @property
    def amiss(self) -> str:
        """The first thing that keeps the critic from being trusted."""
        return next(_objections(self), "")

    @property
    def words(self) -> str:
        """The verdict with its reasons and n, in one or two sentences."""
        alarms, misses = self.false_alarms, self.misses
        if not self.judged:
            return f"not trusted: {self.amiss}"
        found = (
            f"f {self.n} known verdicts it judged {self.judged} and agrees on {_of(self.agreement)}; "
            f"{_of(alarms)} right answers objected to, {_of(misses)} wrong ones let pass; "
            f"balanced agreement {_percent(self.balanced)}"
        )
        return f"not trusted: {self.amiss}. O{found}" if self.amiss else f"trusted: o{found}"


def audit(answers: Sequence[Judged], seed: int = 0) -> Audit:
    """The critic on all answers and, where there are several, in each language."""
    names = sorted({one.language for one in answers})
    parts = {name: _audit([one for one in answers if one.language == name], seed) for name in names}
    return replace(_audit(answers, seed), languages=parts if len(parts) > 1 else {})


def share(times: int, n: int) -> Share:
    """times / n with Wilson's interval."""
    if not n:
        return Share(0.0, (0.0, 1.0), 0)
    value = times / n
    centre = (value + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * math.sqrt(value * (1 - value) / n + _Z**2 / (4 * n**2))
    return Share(value, (min(value, max(0.0, centre - reach)), max(value, min(1.0, centre + reach))), n)


def mean_of_two(one: Share, other: Share) -> Share:
    """The mean of two independent shares; where one is of nothing it may be anything."""
    if not one.n or not other.n:
        return Share((one.value + other.value) / 2, (0.0, 1.0), one.n + other.n)
    value = (one.value + other.value) / 2
    low, high = (math.hypot(one.value - one.interval[i], other.value - other.interval[i]) / 2 for i in (0, 1))
    return Share(value, (value - low, value + high), one.n + other.n)


def lean(objects: Sequence[bool], right: Sequence[bool], lengths: Sequence[int], seed: int = 0) -> Lean:
    """How objections go with length, all in all and among answers of one known verdict."""
    said_N, long_N, known_N = np.asarray(objects, dtype=float), ranks(lengths), np.asarray(right, dtype=bool)
    alike_N = np.zeros_like(known_N)
    whole = _correlation(_centred(said_N, alike_N), _centred(long_N, alike_N))
    within = _correlation(_centred(said_N, known_N), _centred(long_N, known_N))
    return Lean(whole, within, _p_value(_centred(said_N, known_N), _centred(long_N, known_N), known_N, seed))


def ranks(values: Sequence[int]) -> Array:
    """1 for the smallest; equal values share the mean of their ranks."""
    _, place, count = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place], dtype=float)


# ---------------------------------------------------------------- inside


def _audit(answers: Sequence[Judged], seed: int) -> Audit:
    judged = [one for one in answers if one.objects is not None]
    right, wrong = ([bool(one.objects) for one in judged if one.right == known] for known in (True, False))
    passed, caught = right.count(False), wrong.count(True)
    lengths, known = [one.length for one in judged], [one.right for one in judged]
    return Audit(
        n=len(answers),
        judged=len(judged),
        agreement=share(passed + caught, len(judged)),
        balanced=mean_of_two(share(passed, len(right)), share(caught, len(wrong))),
        false_alarms=share(right.count(True), len(right)),
        misses=share(wrong.count(False), len(wrong)),
        length=lean([bool(one.objects) for one in judged], known, lengths, seed),
    )


def _objections(found: Audit) -> Iterator[str]:
    """Why the critic is not to be trusted, what matters most first."""
    right, wrong, balanced, length = found.false_alarms.n, found.misses.n, found.balanced, found.length
    if found.judged < MOST * found.n or not found.judged:
        yield f"it judged only {found.judged} of {found.n} answers"
    if not right or not wrong:
        kind = "right" if not right else "wrong"
        yield f"of answers known to be {kind} it judged none, so nobody knows what it makes of those"
    if balanced.interval[1] < TRUSTED_FROM:
        yield "it is wrong too often"
    elif balanced.interval[0] <= TRUSTED_FROM:
        yield f"n = {found.judged} cannot tell whether it is right often enough (above {100 * TRUSTED_FROM:.0f} %)"
    for name, part in found.languages.items():
        if part.balanced.interval[1] < TRUSTED_FROM and part.false_alarms.n and part.misses.n:
            yield f"in {name} it is wrong too often (balanced agreement {_percent(part.balanced)})"
    if abs(length.partial) >= SWAYED_FROM and length.p < 1 - LEVEL:
        kind = "long" if length.partial > 0 else "short"
        yield f"it objects to {kind} answers (r = {length.partial:+.2f} beyond what is known, p = {length.p:.2g})"


def _of(part: Share) -> str:
    return f"{round(part.value * part.n)} of {part.n}"


def _percent(part: Share) -> str:
    low, high = (f"{100 * end:.0f}" for end in part.interval)
    return f"{100 * part.value:.0f} %, 95 % interval [{low}, {high}], n = {part.n}"


def _centred(values_N: Array, group_N: npt.NDArray[np.bool_]) -> Array:
    """What is left of the values when the mean of their own group is taken away."""
    left_N = values_N.copy()
    for group in (True, False):
        if (mine_N := group_N == group).any():
            left_N[mine_N] -= values_N[mine_N].mean()
    return left_N


def _correlation(one_N: Array, other_N: Array) -> float:
    """Of two centred rows; 0 where one does not vary."""
    norm = float(np.linalg.norm(one_N) * np.linalg.norm(other_N))
    return float(one_N @ other_N) / norm if norm > _TINY else 0.0


def _p_value(said_N: Array, long_N: Array, known_N: npt.NDArray[np.bool_], seed: int) -> float:
    """Two-sided, by permutation within each known verdict; never 0, since the measured order counts as one."""
    seen, rng = abs(float(said_N @ long_N)), np.random.default_rng(seed)
    drawn_R = np.zeros(PERMUTATIONS)
    for known in (True, False):
        mine_N = known_N == known
        shuffled_RN = rng.permuted(np.tile(said_N[mine_N], (PERMUTATIONS, 1)), axis=1)
        drawn_R += shuffled_RN @ long_N[mine_N]
    return float(1 + (np.abs(drawn_R) >= seen - _TINY).sum()) / (1 + PERMUTATIONS)
