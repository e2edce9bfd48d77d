"""Does a model heed what is said to it? The measures of HouseRules, each from judged answers alone.

Decided here:
- A reply is judged by the world's predicates on its text: shows (the rule's effect), obeys (that of a wrong comment),
  kept (of what a revision should keep), agrees (a judgement with the predicate), sound (an answer at all).
- A measure is a mean over answers, or the difference of two. heed is P(shows | right) - P(shows | shuffled): what is
  gained by the comment's content, not by there being a comment.
- Answers about one rule stand or fall together, so intervals are bootstrapped over clusters: rules, or the houses that
  were taught at once. Under five clusters no interval is given. Both halves of a difference come from the same
  clusters.
- A family is weak where its own interval lies below the measure of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sayso.evaluate.questions import Question
from sayso.evaluate.tally import Array, Tally, divided, intervals
from sayso.houserules import kept_share
from sayso.protocols import World
from sayso.wording import read_verdict

HOUSERULES_VERSION = 1
KEPT_FROM = 0.6
LEAST_CLUSTERS = 5
GROUPS = ("world", "language", "novelty", "family")


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged answer. `stage` says of which model: "base", "taught", "later"; `cluster` what it is drawn with."""

    question: Question
    reply: str
    values: Mapping[str, float]
    stage: str = "base"
    cluster: str = ""

    def group(self, by: str) -> str:
        """The world, language, novelty or family that the question belongs to; "" where it has none."""
        if by == "world":
            return self.question.world
        rule = self.question.rule
        if rule is None:
            return str(self.question.example.meta.get("language", "")) if by == "language" else ""
        return str(getattr(rule, by))


@dataclass(frozen=True, slots=True)
class Side:
    """The answers that a mean is over, and which of their values."""

    value: str
    form: str
    condition: str = "none"
    scope: str = "in"
    stage: str = "base"

    def of(self, one: Finding) -> float | None:
        """The value of an answer that belongs to this side, else None."""
        asked = one.question
        found = (asked.form, asked.condition, asked.scope, one.stage)
        return one.values.get(self.value) if found == (self.form, self.condition, self.scope, self.stage) else None


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean, less another one where `minus` is given. `better` is the good direction, 0 for none."""

    name: str
    says: str
    over: Side
    minus: Side | None = None
    better: int = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure on some answers, with its 95 % interval over clusters."""

    measure: str
    value: float
    interval: tuple[float, float] | None
    clusters: int
    answers: int


def _shows(form: str, condition: str, scope: str = "in") -> Side:
    return Side("shows", form, condition, scope)


IN_CONTEXT = (
    Measure(
        "heed",
        "rule shown after its comment, less after another rule's",
        _shows("remark", "right"),
        _shows("remark", "shuffled"),
    ),
    Measure(
        "heed revising",
        "the same where an attempt is revised",
        _shows("revise", "right"),
        _shows("revise", "shuffled"),
    ),
    Measure("revise", "revisions that show the rule and keep the rest", Side("revised", "revise", "right")),
    Measure(
        "overreach",
        "rule shown on near prompts after a comment that excludes them, less without one",
        _shows("remark", "right", "near"),
        _shows("remark", "none", "near"),
        -1,
    ),
    Measure(
        "obedience",
        "effect of a wrong comment, which excludes the prompt, less without one",
        Side("obeys", "remark", "wrong"),
        Side("would obey", "remark", "wrong"),
        -1,
    ),
    Measure("critique", "judgements that agree with the check; chance is half", Side("agrees", "judge")),
    Measure("skill", "sound answers to plain prompts", Side("sound", "plain")),
)
RATES = (
    Measure("no comment", "rule shown without a comment", _shows("remark", "none"), better=0),
    *(
        Measure(f"{condition} {form}", f"rule shown after a {condition} comment", _shows(form, condition), better=0)
        for form in ("remark", "revise")
        for condition in ("right", "shuffled", "vague", "wrong")
    ),
)


def judge(world: World, question: Question, reply: str, usual: str | None = None) -> dict[str, float]:
    """What the world's predicates say of a reply. `usual`: what the speaker answers here without a comment."""
    rule, example, other = question.rule, question.example, question.other
    if rule is None:
        return {"sound": float(world.sound(example, reply))}
    if question.form == "judge":
        said = read_verdict(reply)
        kept = world.shows(rule, example.prompt, question.attempt)
        return {"agrees": float(said is kept), "judged": float(said is not None)}
    values = {"shows": float(world.shows(rule, example.prompt, reply))}
    if question.condition == "wrong" and other is not None:
        values["obeys"] = float(world.shows(other, example.prompt, reply))
        if usual is not None:
            values["would obey"] = float(world.shows(other, example.prompt, usual))
    if question.form == "revise":
        kept_part = kept_share(question.attempt, world.obey(rule, example), reply)
        values |= {"kept": kept_part, "revised": float(bool(values["shows"]) and kept_part >= KEPT_FROM)}
    return values


def findings(
    worlds: Mapping[str, World], answered: Sequence[tuple[Question, str]], stage: str = "base"
) -> list[Finding]:
    """Answers judged. A wrong comment's effect is compared with the same prompt's answer without a comment."""
    bare = {_prompt_of(asked): reply for asked, reply in answered if _is_bare(asked)}
    found = []
    for asked, reply in answered:
        values = judge(worlds[asked.world], asked, reply, bare.get(_prompt_of(asked)))
        cluster = asked.rule.id if asked.rule is not None else asked.key
        found.append(Finding(asked, reply, values, stage, cluster))
    return found


def estimate(measure: Measure, found: Iterable[Finding], resamples: int = 2000, seed: int = 0) -> Estimate | None:
    """The measure with its interval; None where no cluster has what it compares."""
    sums: dict[str, Array] = defaultdict(lambda: np.zeros(4))
    for one in found:
        for place, side in ((0, measure.over), (2, measure.minus)):
            value = side.of(one) if side is not None else None
            if value is not None:
                weight = one.values.get("tokens", 1.0) if side is not None and side.value == "kl" else 1.0
                sums[one.cluster][place : place + 2] += (value, weight)
    whole = [row for row in sums.values() if row[1] and (measure.minus is None or row[3])]
    if not whole:
        return None
    counts_NK = np.stack(whole)
    tally = Tally(measure.name, counts_NK, lambda s: divided(s[..., 0], s[..., 1]) - divided(s[..., 2], s[..., 3]))
    interval = intervals([tally], resamples, seed)[0] if len(whole) >= LEAST_CLUSTERS else None
    return Estimate(measure.name, tally.value, interval, len(whole), int(counts_NK[:, [1, 3]].sum()))


@dataclass(frozen=True, slots=True)
class Report:
    """Estimates of all answers, of each group by (kind of group, its name), and the weak families by measure."""

    overall: tuple[Estimate, ...]
    groups: Mapping[tuple[str, str], tuple[Estimate, ...]] = field(default_factory=dict)
    weak: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def report(measures: Sequence[Measure], found: Sequence[Finding], resamples: int = 2000, seed: int = 0) -> Report:
    """Every measure on all answers and by world, language, novelty and family."""
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for one in found:
        for by in GROUPS:
            if name := one.group(by):
                groups[by, name].append(one)
    overall = _estimates(measures, found, resamples, seed)
    parts = {key: _estimates(measures, groups[key], resamples, seed) for key in sorted(groups)}
    return Report(overall, {key: part for key, part in parts.items() if part}, _weak(measures, overall, parts))


# ---------------------------------------------------------------- inside


def _is_bare(question: Question) -> bool:
    return (question.form, question.condition, question.scope) == ("remark", "none", "in")


def _prompt_of(question: Question) -> tuple[str, str, str, int]:
    rule = question.rule.id if question.rule is not None else ""
    return question.world, rule, question.example.id, question.seed


def _estimates(
    measures: Sequence[Measure], found: Sequence[Finding], resamples: int, seed: int
) -> tuple[Estimate, ...]:
    return tuple(one for measure in measures if (one := estimate(measure, found, resamples, seed)) is not None)


def _weak(
    measures: Sequence[Measure],
    overall: Sequence[Estimate],
    parts: Mapping[tuple[str, str], Sequence[Estimate]],
) -> dict[str, tuple[str, ...]]:
    """Families whose interval lies on the bad side of the whole, worst first."""
    better = {measure.name: measure.better for measure in measures}
    weak: dict[str, tuple[str, ...]] = {}
    for whole in overall:
        sign = better[whole.measure]
        below = [
            (sign * one.value, name)
            for (by, name), part in parts.items()
            for one in part
            if by == "family" and one.measure == whole.measure and sign and one.interval is not None
            if max(sign * end for end in one.interval) < sign * whole.value
        ]
        if below:
            weak[whole.measure] = tuple(name for _, name in sorted(below))
    return weak
