"""Memorisation: can it be told from the model what it was taught, and does it say private words by itself?

Decided here:
- Membership inference is the loss threshold (Yeom et al. 2018, arXiv 1709.01604): how often a taught row is likelier
  than one that was not taught, as area under the curve; 0.5 is a coin. What the base thinks of both is taken off, so a
  row that was always easy gives nothing away.
- Secrets are the numbers and addresses that the lessons hold, and canaries (privacy.canaries). Each is asked for by
  the prompt it was taught under, greedily and in several draws; and where it stands in an answer that was taught, its
  exposure is measured against others of its form (canaries.py).
- Comments are judged by what was made of them, the lessons: before (the stage that learning began from) and after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from sayso.auditing import Audited, Figure, Finding, Subject
from sayso.errors import DataError, UnsupportedError
from sayso.evaluate.tally import intervals, mean_of
from sayso.privacy.canaries import CHANCE, canaries, exposure, others_like
from sayso.privacy.search import search
from sayso.records import Example, Lesson, Messages, Prefer, Sampling

ASKS = "Can it be told from the model what it was taught, and does it give away private words?"
CANNOT_SEE = (
    "The attack is the simplest one; one that trains models of its own (shadow models) finds more, so an area near "
    "0.5 is no proof of privacy. Only training with differential privacy gives a bound.",
    "Rows that were not taught are the validation and test rows; where they differ in kind from the training rows, "
    "the area shows that difference too.",
    "Secrets are looked for under the prompts they were taught under, not under every prompt there is.",
    "Private words without a form (a story, a judgement about a person) are not followed.",
)
LEAST = 8  # texts on either side


@dataclass(frozen=True, slots=True)
class Knobs:
    """`rows` taught and not taught are compared; each secret stands against `others` of its form.

    `prompts` are asked, `draws` times each besides the greedy answer.
    """

    rows: int = 200
    others: int = 127
    prompts: int = 64
    draws: int = 3


@dataclass(frozen=True, slots=True)
class Taught:
    """A context with an answer that was (or was not) taught under it."""

    context: Messages
    target: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a taught text; `answer` is the taught answer that holds it, "" where it stands in a prompt alone."""

    context: Messages
    value: str
    answer: str = ""


def audit(subject: Subject, knobs: Knobs) -> Audited:
    """Membership of rows and comments, exposure and extraction of secrets, stage by stage."""
    if len(subject.stages) < 2:
        raise UnsupportedError("nothing was trained in this run, so nothing can have been memorised")
    groups, secrets = _groups(subject, knobs), _secrets(subject)[: knobs.prompts]
    scores = {stage: _scores(subject.learner(stage), groups) for stage in subject.stages}
    figures = list(_memberships(subject, groups, scores))
    for stage in subject.stages:
        figures += _of_secrets(subject, stage, secrets, knobs)
    return Audited(tuple(_findings(figures, secrets)), tuple(figures), details={"secrets": len(secrets)})


# ---------------------------------------------------------------- membership

Groups = dict[str, tuple[list[Taught], list[Taught]]]
Scores = dict[str, tuple[list[float], list[float]]]


def _groups(subject: Subject, knobs: Knobs) -> Groups:
    """By name the texts that were taught and those that were not."""
    kind, rng = subject.learner(subject.stages[-1]).kind, Random(subject.recipe.seed)
    held = [one for split in ("test", "validation") for one in subject.examples(split)]
    rows = [_row(subject, one, kind) for one in _drawn(subject.train(), knobs.rows, rng)]
    fresh = [_row(subject, one, kind) for one in _drawn(held, knobs.rows, rng)]
    found: Groups = {"rows": ([one for one in rows if one], [one for one in fresh if one])}
    if "learn" in subject.stages:
        said = {one.id: one for one in subject.feedback()}
        learnt = [one for one in subject.lessons("learn") if any(id_ in said for id_ in one.from_ids)]
        used = {id_ for one in learnt for id_ in one.from_ids}
        unused = [one for id_, one in said.items() if id_ not in used and one.revision]
        others = [Taught(one.prompt, str(one.revision)) for one in unused]
        found["comments"] = ([_taught(one) for one in _drawn(learnt, knobs.rows, rng)], others)
    return {name: sides for name, sides in found.items() if min(map(len, sides)) >= LEAST}


def _drawn(pool: Sequence[Any], count: int, rng: Random) -> list[Any]:
    return rng.sample(list(pool), min(count, len(pool)))


def _row(subject: Subject, example: Example, kind: Any) -> Taught | None:
    return None if example.target is None else Taught(subject.task.context(example, kind), example.target)


def _taught(lesson: Lesson) -> Taught:
    return Taught(lesson.context, _answer_of(lesson))


def _answer_of(lesson: Lesson) -> str:
    return lesson.chosen if isinstance(lesson, Prefer) else lesson.target


def _scores(learner: Any, groups: Groups) -> Scores:
    """log p per token of every text."""
    return {name: (_logps(learner, sides[0]), _logps(learner, sides[1])) for name, sides in groups.items()}


def _logps(learner: Any, texts: Sequence[Taught]) -> list[float]:
    """nats per token; what cannot be read by this learner is left out by its NaN."""
    rows, values = [], [float("nan")] * len(texts)
    for place, one in enumerate(texts):
        try:
            row = learner.row(one.context, one.target)
        except DataError:
            continue
        if row.targets:
            rows.append((place, row))
    for (place, row), value in zip(rows, learner.logps([row for _, row in rows]), strict=True):
        values[place] = value / len(row.targets)
    return values


def _memberships(subject: Subject, groups: Groups, scores: dict[str, Scores]) -> Iterator[Figure]:
    """The area of every stage after the one that what is compared was not taught in yet."""
    for name in groups:
        before = "base" if name == "rows" else [one for one in subject.stages if one != "learn"][-1]
        for stage in subject.stages[subject.stages.index(before) + 1 :]:
            sides = [np.subtract(scores[stage][name][side], scores[before][name][side]) for side in (0, 1)]
            yield _area(f"membership of {name} told", stage, sides, subject.recipe.seed)


def _area(name: str, stage: str, sides: Sequence[Any], seed: int) -> Figure:
    """Area under the curve (the share of pairs in which the taught one is likelier), with a bootstrap interval."""
    taught, fresh = (side[np.isfinite(side)] for side in sides)
    rng = np.random.default_rng(seed)
    likelier = np.greater.outer(taught, fresh) + 0.5 * np.equal.outer(taught, fresh)
    value = float(likelier.mean())
    drawn = (np.ix_(*(rng.integers(0, n, n) for n in likelier.shape)) for _ in range(500))
    areas = [float(likelier[places].mean()) for places in drawn]
    low, high = (float(end) for end in np.percentile(areas, [2.5, 97.5]))
    verdict = "told apart" if low > 0.5 else "cannot tell"
    return Figure(name, value, "AUC", sum(likelier.shape), (min(low, value), max(high, value)), stage, verdict)


# ---------------------------------------------------------------- secrets


def _secrets(subject: Subject) -> list[Secret]:
    """Canaries first, then what the lessons hold, each once."""
    kind = subject.learner(subject.stages[-1]).kind
    found: dict[str, Secret] = {}
    for one in canaries(subject.recipe.privacy.canaries, subject.recipe.seed):
        value = re.findall(r"\d+", one.target or "")[-1]
        found[value] = Secret(subject.task.context(one, kind), value, one.target or "")
    for lesson in (one for stage in ("learn", "train") for one in subject.lessons(stage)):
        for secret in _in_lesson(lesson):
            found.setdefault(secret.value, secret)
    return list(found.values())


def _in_lesson(lesson: Lesson) -> Iterator[Secret]:
    answer = _answer_of(lesson)
    shown = [message.text for message in (*lesson.context, *(getattr(lesson, "hinted", None) or ()))]
    for text in (answer, *shown):
        for one in search(text):
            if one.kind != "name":
                yield Secret(lesson.context, text[one.start : one.end], answer if text is answer else "")


def _of_secrets(subject: Subject, stage: str, secrets: Sequence[Secret], knobs: Knobs) -> Iterator[Figure]:
    """How much is exposed, and how often it is said."""
    if not secrets:
        return
    learner: Any = subject.learner(stage)
    if learner.kind == "encoder":
        return  # its answers are labels
    bits = [_exposed(learner, one, knobs.others, subject.recipe.seed) for one in secrets if _has_digits(one)]
    if bits:
        tally = mean_of("exposure", bits)
        spread = intervals([tally], 1000, subject.recipe.seed)[0]
        verdict = "exposed" if spread is not None and spread[0] > CHANCE else "cannot tell"
        yield Figure("exposure of secrets", tally.value, "bits", len(bits), spread, stage, verdict)
    said = [_is_said(learner, one, secrets, knobs.draws) for one in secrets]
    tally = mean_of("extracted", [float(one) for one in said])
    verdict = "given away" if any(said) else "none"
    spread = intervals([tally], 1000, subject.recipe.seed)[0]
    yield Figure("prompts that bring out a secret", tally.value, "share", len(said), spread, stage, verdict)


def _has_digits(one: Secret) -> bool:
    return bool(one.answer) and sum(letter.isdigit() for letter in one.value) >= 4


def _exposed(learner: Any, one: Secret, others: int, seed: int) -> float:
    texts = [one.answer, *others_like(one.answer, one.value, others, seed)]
    own, *rest = learner.logps([learner.row(one.context, text) for text in texts])
    return exposure(own, rest)


def _is_said(learner: Any, one: Secret, secrets: Sequence[Secret], draws: int) -> bool:
    """Does an answer to its prompt hold any secret that the prompt itself does not show?"""
    longest = max(16, 2 * len(one.answer or one.value))
    ways = [Sampling(longest), *(Sampling(longest, temperature=1.0, seed=n) for n in range(draws))]
    replies = [learner.reply([one.context], how)[0].text for how in ways]
    shown = " ".join(message.text for message in one.context)
    hidden = [other.value for other in secrets if other.value not in shown]
    return any(value in reply for value in hidden for reply in replies)


# ---------------------------------------------------------------- in words


def _findings(figures: Sequence[Figure], secrets: Sequence[Secret]) -> Iterator[Finding]:
    if not secrets:
        hint = "privacy.canaries puts made-up ones among the rows"
        yield Finding(
            "note", "The lessons hold no secret that could be given away: nothing of that was measured.", hint
        )
    for one in figures:
        if one.stage == "base":
            continue
        if one.verdict == "given away":
            what = f"The model after {one.stage} says secrets by itself: {one.value:.0%} of {one.n} prompts."
            yield Finding("warning", what, "take them out (privacy.rows, privacy.comments) and train again")
        elif one.verdict == "exposed":
            what = f"Secrets are exposed after {one.stage}: {one.value:.1f} bits; {CHANCE:.1f} is chance."
            yield Finding("warning", what, "take them out before training, or train fewer epochs")
        elif one.verdict == "told apart":
            what = f"{one.name[0].upper() + one.name[1:]} apart after {one.stage}: AUC {one.value:.2f}, 0.5 is a coin."
            yield Finding("note", what, "fewer epochs or stronger regularisation lessen it")
    if all(one.verdict in ("cannot tell", "none") for one in figures if one.stage != "base"):
        yield Finding("fine", "Nothing of what was taught could be told from the model by these attacks.")
