"""Personal data: where it stands in rows, comments, lessons and answers, in Chinese and in English.

Decided here:
- What is looked at is what the run kept, after its recipe's `privacy` section did its work: what is found here was not
  taken out.
- No table shows what was found, only where and of which kind: the audit must not be the leak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sayso.auditing import Audited, Figure, Finding, Subject, Table
from sayso.evaluate.tally import intervals, mean_of
from sayso.privacy.policy import WARNED, in_comment, in_example, in_words
from sayso.privacy.search import search
from sayso.records import Lesson, Prefer

if TYPE_CHECKING:
    from sayso.records import Messages

ASKS = "Does personal data stand in what was taught, said or answered?"
CANNOT_SEE = (
    "A name that is on no list and that no word introduces is not found, nor is what identifies a person without a "
    "name or a number (a job, a disease, a story).",
    "Addresses and names are looked for in Chinese and English only; numbers of other countries only where they have "
    "a checksum or an international prefix.",
    "The log of a server's answers, backups and files outside of the run are not looked at.",
    "Public figures' names count as names: whether a name is private is not decided here.",
)


@dataclass(frozen=True, slots=True)
class Knobs:
    """`rows` looks at so many rows of each place, from the first; 0 for all."""

    rows: int = 5000


def audit(subject: Subject, knobs: Knobs) -> Audited:
    """Count what holds personal data, place by place."""
    places = list(_places(subject, knobs))
    rows = [(name, len(found), sum(map(bool, found)), in_words(sum(found, Counter()))) for name, found in places]
    holding = [(name, found) for name, found in places if any(found)]
    return Audited(
        findings=tuple(_findings(holding, [name for name, _ in places])),
        figures=tuple(_figure(name, [bool(one) for one in found], subject.recipe.seed) for name, found in places),
        tables=(Table("Texts that hold personal data", ("where", "texts", "holding", "kinds"), tuple(rows)),),
        details={name: dict(sum(found, Counter())) for name, found in places},
    )


# ---------------------------------------------------------------- inside


def _places(subject: Subject, knobs: Knobs) -> Iterator[tuple[str, list[Counter[str]]]]:
    """(where, what stands in each text there); places without a text are left out."""
    labels, most = subject.recipe.task.name == "classify", knobs.rows or None
    yield from _some("training rows", [in_example(one, WARNED, labels) for one in subject.train()[:most]])
    yield from _some("comments", [in_comment(one, WARNED) for one in subject.feedback()[:most]])
    for stage in ("train", "learn"):
        yield from _some(f"lessons, {stage}", [_in_texts(_texts(one)) for one in subject.lessons(stage)[:most]])
    if labels:
        return
    for stage in subject.stages:
        answers = [one for split in ("validation", "test") for one in subject.run.answers(stage, split)]
        yield from _some(f"answers, {stage}", [_in_texts([one.text]) for one in answers[:most]])


def _some(name: str, found: list[Counter[str]]) -> Iterator[tuple[str, list[Counter[str]]]]:
    if found:
        yield name, found


def _in_texts(texts: Iterable[str]) -> Counter[str]:
    return Counter(one.kind for text in texts for one in search(text))


def _texts(lesson: Lesson) -> Iterator[str]:
    yield from _said(lesson.context)
    yield from (lesson.chosen, lesson.rejected) if isinstance(lesson, Prefer) else (lesson.target,)


def _said(context: Messages) -> Iterator[str]:
    return (message.text for message in context)


def _figure(name: str, holding: Sequence[bool], seed: int) -> Figure:
    tally = mean_of(name, [float(one) for one in holding])
    return Figure(f"hold personal data: {name}", tally.value, "share", len(holding), intervals([tally], 1000, seed)[0])


def _findings(holding: Sequence[tuple[str, list[Counter[str]]]], looked: Sequence[str]) -> Iterator[Finding]:
    if not holding:
        yield Finding("fine", f"No personal data was found in {', '.join(looked) or 'this run: it holds no text'}.")
    for name, found in holding:
        kinds = sum(found, Counter[str]())
        named = set(kinds) == {"name"}
        many = sum(map(bool, found))
        what = f"{many:,} of {len(found):,} texts ({name}) hold personal data: {in_words(kinds)}."
        fix = "privacy.comments" if name == "comments" else "privacy.rows"
        yield Finding("note" if named else "warning", what, f"set {fix} to redact, pseudonymise or refuse")
