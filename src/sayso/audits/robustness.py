"""Robustness: how much do answers and metrics move when a text is disturbed in ways that should not matter?

Decided here:
- The run's own test items (validation where there are none) are disturbed by rule (disturbances.py), one kind at a
  time; items that a kind leaves as they are do not count for it. Only the last turn is disturbed.
- The metric before and after is compared on the same items, with the paired interval and test of every comparison.
  Beside it stands the share of answers that stay the same, which needs no right answer.
- A warning is a metric that is surely worse by more than `tolerance`; surely worse by less is a note.
- The worst cases are those that were right and are wrong now; without right answers, those that changed most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sayso.auditing import Audited, Figure, Finding, Subject, Table
from sayso.chrf import chrf
from sayso.disturbances import KINDS, disturbed
from sayso.errors import UnsupportedError
from sayso.evaluate.asking import asked
from sayso.evaluate.compare import compare, figure
from sayso.evaluate.tally import intervals, mean_of
from sayso.records import Answer, Comparison, Example, Message
from sayso.surface import same

ASKS = "Do answers stay what they are when a text is typed a little differently?"
CANNOT_SEE = (
    "Only the listed kinds of change are tried, each by itself and by rule; a person's paraphrase goes further.",
    "No rule is checked for meaning: a typo in the one word that decides may change what is right.",
    "Attacks that look for the weakest spot of this very model are not tried.",
    "How the model behaves on other topics than those of the run's items is not seen.",
)
SHARES = ("accuracy", "f1_macro", "f1_micro", "f1", "exact_match", "passes")
SHOWN = 3  # worst cases of a kind


@dataclass(frozen=True)
class Knobs:
    """`rows`: items at most. `kinds`: of disturbances, all when empty. `resamples` of the bootstrap.

    `tolerance`: a loss, as a share, that is no warning yet.
    """

    rows: int = 200
    kinds: tuple[str, ...] = ()
    tolerance: float = 0.03
    resamples: int = 1000


@dataclass(frozen=True)
class Tried:
    """One kind of disturbance: items before and after, answers before and after."""

    kind: str
    before: tuple[Example, ...]
    after: tuple[Example, ...]
    said: tuple[Answer, ...]
    said_after: tuple[Answer, ...]


def audit(subject: Subject, knobs: Knobs) -> Audited:
    """Disturb, ask again, compare. UnsupportedError for a run on plain text, or one without items."""
    items = _items(subject, knobs)
    said = dict(zip((one.id for one in items), asked(subject, subject.result, items), strict=True))
    findings, figures, rows = [], [], []
    for kind in knobs.kinds or tuple(KINDS):
        try:
            tried = _tried(subject, kind, items, said)
        except UnsupportedError as error:
            findings.append(Finding("note", f"{kind}: not tried, {error.what}", error.fix))
            continue
        if tried.before:
            compared = _compared(subject, knobs, tried)
            findings.append(_finding(tried, compared, knobs))
            figures += _figures(subject, knobs, tried, compared)
            rows += _worst(subject, tried)
    title = "Worst cases: right before and wrong after, or changed most"
    columns = ("change", "text", "disturbed", "answer", "answer after")
    tables = (Table(title, columns, tuple(rows)),) if rows else ()
    return Audited(tuple(findings), tuple(figures), tables)


# ---------------------------------------------------------------- inside


def _items(subject: Subject, knobs: Knobs) -> list[Example]:
    found = list(subject.examples("test")) or list(subject.examples("validation"))
    if subject.task.name == "text":
        raise UnsupportedError("a run on plain text answers nothing that could be compared")
    if not found:
        raise UnsupportedError("the run has no items to disturb", fix="name data.test.path")
    return found[: knobs.rows]


def _tried(subject: Subject, kind: str, items: Sequence[Example], said: dict[str, Answer]) -> Tried:
    pairs = [(one, _disturbed(one, kind, subject.recipe.seed)) for one in items]
    changed = [(one, other) for one, other in pairs if one.prompt != other.prompt]
    before, after = tuple(one for one, _ in changed), tuple(other for _, other in changed)
    answers = tuple(asked(subject, subject.result, after)) if after else ()
    return Tried(kind, before, after, tuple(said[one.id] for one in before), answers)


def _disturbed(example: Example, kind: str, seed: int) -> Example:
    *rest, last = example.prompt
    return replace(example, prompt=(*rest, Message(last.role, disturbed(kind, last.text, seed))))


def _compared(subject: Subject, knobs: Knobs, tried: Tried) -> Comparison | None:
    """In the headline metric; None where no item has a right answer."""
    if all(one.target is None for one in tried.before):
        return None
    metric = subject.recipe.task.metric or subject.task.metric
    found = compare(
        subject.task,
        tried.before,
        tried.said,
        tried.said_after,
        stages=("as it is", tried.kind),
        split="test",
        resamples=knobs.resamples,
        seed=subject.recipe.seed,
    )
    return next((one for one in found if one.unit == metric), found[0] if found else None)


def _finding(tried: Tried, compared: Comparison | None, knobs: Knobs) -> Finding:
    kept = sum(_kept(*pair) for pair in zip(tried.said, tried.said_after, strict=True)) / len(tried.said)
    told = f"{tried.kind}: {kept:.0%} of {len(tried.said)} answers stay the same"
    if compared is None:
        return Finding("note", told)
    share = compared.difference if compared.unit in SHARES else compared.difference / 100
    words = f"{told}; {compared.unit} {figure(compared.unit, compared.before)} becomes "
    words += f"{figure(compared.unit, compared.after)} ({compared.verdict})"
    if compared.verdict != "worse":
        return Finding("fine", words)
    fix = "train on rows disturbed in this way too, or normalise the text before it is asked"
    return Finding("warning" if share < -knobs.tolerance else "note", words, fix)


def _figures(subject: Subject, knobs: Knobs, tried: Tried, compared: Comparison | None) -> list[Figure]:
    kept = mean_of("same", [_kept(*pair) for pair in zip(tried.said, tried.said_after, strict=True)])
    interval = intervals([kept], knobs.resamples, subject.recipe.seed)[0]
    stage = subject.result
    found = [Figure(f"{tried.kind}: answers that stay", kept.value, "share", kept.n, interval, stage)]
    if compared is None:
        return found
    unit = "points" if compared.unit in SHARES else compared.unit
    name = f"{tried.kind}: {compared.unit} moves by"
    moved = Figure(name, compared.difference, unit, compared.n, compared.interval, stage, compared.verdict)
    return [moved, *found]


def _kept(before: Answer, after: Answer) -> float:
    return float(same(before.text, after.text))


def _worst(subject: Subject, tried: Tried) -> list[tuple[str, ...]]:
    quads = zip(tried.before, tried.after, tried.said, tried.said_after, strict=True)
    ranked = sorted(
        ((_harm(subject, *quad), i, quad) for i, quad in enumerate(quads)), key=lambda one: (-one[0], one[1])
    )
    return [
        (tried.kind, one.prompt[-1].text[:120], other.prompt[-1].text[:120], a.text[:120], b.text[:120])
        for harm, _, (one, other, a, b) in ranked[:SHOWN]
        if harm > 0
    ]


def _harm(subject: Subject, before: Example, after: Example, said: Answer, said_after: Answer) -> float:
    """How much of the grade is lost; without a right answer, how unlike the two answers are."""
    if before.target is None:
        return 1 - chrf(said.text, said_after.text) if not same(said.text, said_after.text) else 0.0
    return subject.task.grade(before, said).value - subject.task.grade(after, said_after).value
