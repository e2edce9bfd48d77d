"""The data that went in: rows per split, labels, languages, what was dropped and why; and what was taught.

Decided here:
- The section is the check's report. Without one, the rows that the run itself knows of are counted.
- Every reason for dropping a row is shown with its lines; what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sayso.records import Imitate, Lesson, Prefer
from sayso.report.comments import in_words
from sayso.report.contents import Contents
from sayso.report.diff import clipped
from sayso.report.figures import about_percent
from sayso.report.loose import count, listing, mapping, text

MOST_LABELS = 40
MOST_REASONS = 12
MOST_LINES = 8
MIDDLE = 3  # the median among the check's quantiles


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One split of the data."""

    name: str
    kept: int
    dropped: int
    duplicates: int
    length: str
    languages: str
    file: str


@dataclass(frozen=True, slots=True)
class LabelRow:
    """How often a label occurs in each split; `bar` is its share of the commonest in the first."""

    label: str
    counts: tuple[int, ...]
    bar: str


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """Why rows were dropped."""

    split: str
    reason: str
    n: int
    lines: str


@dataclass(frozen=True, slots=True)
class Data:
    """The data section."""

    checked: bool
    splits: tuple[SplitRow, ...]
    labels: tuple[LabelRow, ...]
    hidden_labels: int
    dropped: tuple[DroppedRow, ...]
    findings: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Taught:
    """What one training taught: counts by kind, and one lesson of each kind in words."""

    stage: str
    words: str
    samples: tuple[tuple[str, str, str], ...]


def data(contents: Contents) -> Data | None:
    """The check's findings, else the counts that the run itself knows; None where it knows nothing."""
    note = contents.note("check")
    splits = {name: mapping(one) for name, one in mapping(note.get("splits")).items()}
    rows = tuple(_split(name, one) for name, one in splits.items()) or _counted(contents)
    if not rows:
        return None
    labels = _labels(splits)
    findings = [mapping(finding) for finding in listing(note.get("findings"))]
    return Data(
        bool(splits),
        rows,
        labels[:MOST_LABELS],
        max(0, len(labels) - MOST_LABELS),
        tuple(row for name, one in splits.items() for row in _dropped(name, one)),
        tuple((text(f.get("level")), text(f.get("split")), clipped(text(f.get("what")), 240)) for f in findings[:20]),
    )


def taught(contents: Contents) -> list[Taught]:
    """What each training taught."""
    found = []
    for stage, lessons in contents.lessons.items():
        kinds: dict[type, Lesson] = {}
        for lesson in lessons:
            kinds.setdefault(type(lesson), lesson)
        samples = tuple(_sample(lesson) for lesson in kinds.values())
        found.append(Taught(stage, in_words(lessons), samples))
    return found


# ---------------------------------------------------------------- data


def _split(name: str, one: Mapping[str, Any]) -> SplitRow:
    rows, kept = count(one.get("rows")), count(one.get("kept"))
    lengths = [listing(value) for value in mapping(one.get("lengths")).values()]
    middle = [f"{count(q[MIDDLE]):,}" for q in lengths if len(q) > MIDDLE and count(q[MIDDLE])]
    return SplitRow(
        name,
        kept,
        max(0, rows - kept),
        count(mapping(one.get("duplicates")).get("count")),
        " / ".join(middle),
        _languages(mapping(one.get("languages"))),
        text(one.get("path")).rpartition("/")[2],
    )


def _languages(note: Mapping[str, Any]) -> str:
    """zh 96 %, en 4 %; by side, where both sides of a pair are told apart."""
    sides = {side: mapping(counts) for side, counts in note.items() if isinstance(counts, Mapping)}
    if sides:
        return "; ".join(f"{side}: {_languages(counts)}" for side, counts in sides.items() if counts)
    total = sum(count(n) for n in note.values()) or 1
    ordered = sorted(note.items(), key=lambda pair: -count(pair[1]))
    return ", ".join(f"{name or 'unknown'} {about_percent(count(n) / total)}" for name, n in ordered[:4])


def _labels(splits: Mapping[str, Mapping[str, Any]]) -> tuple[LabelRow, ...]:
    tables = [mapping(one.get("labels")) for one in splits.values()]
    names = dict.fromkeys(label for table in tables for label in table)
    most = max((count(n) for n in tables[0].values()), default=0) if tables else 0
    return tuple(
        LabelRow(label, tuple(count(t.get(label)) for t in tables), f"{count(tables[0].get(label)) / (most or 1):.2f}")
        for label in names
    )


def _dropped(split: str, one: Mapping[str, Any]) -> list[DroppedRow]:
    found = []
    for reason, note in list(mapping(one.get("dropped")).items())[:MOST_REASONS]:
        lines = [text(line) for line in listing(mapping(note).get("lines"))]
        n = count(mapping(note).get("count"))
        more = ", …" if n > MOST_LINES else ""
        found.append(DroppedRow(split, clipped(reason, 200), n, ", ".join(lines[:MOST_LINES]) + more))
    return found


def _counted(contents: Contents) -> tuple[SplitRow, ...]:
    counts = {"train": len(contents.lessons.get("train", ()))}
    counts |= {split: len(contents.run.examples(split)) for split in ("validation", "test")}
    return tuple(SplitRow(name, n, 0, 0, "", "", "") for name, n in counts.items() if n)


def _sample(lesson: Lesson) -> tuple[str, str, str]:
    """(kind, context, what is taught) of one lesson."""
    context = clipped("\n".join(f"{m.role}: {m.text}" for m in lesson.context), 300)
    if isinstance(lesson, Prefer):
        return "prefer", context, f"{clipped(lesson.chosen, 200)}\nrather than\n{clipped(lesson.rejected, 200)}"
    if isinstance(lesson, Imitate):
        sign = "say" if lesson.weight >= 0 else "do not say"
        return "imitate", context, f"{sign}: {clipped(lesson.target, 300)}"
    hinted = clipped("\n".join(m.text for m in lesson.hinted), 300)
    return "match", context, f"believe of {clipped(lesson.target, 200)!r} what is believed after: {hinted}"
