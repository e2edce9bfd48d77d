"""What is true of the rows before anything is trained on them: a Report, and what in it calls for attention.

Decided here:
- A duplicate is the same text with the same target, to the letter. A conflict, and a row in two splits, is the same
  text after `fold`: a leak in other letter case is a leak.
- So are labels: those that are the same after `fold` were most likely meant to be one. The commonest is the name that
  the others are told to take.
- Lines are listed, not only counted; each list is cut at SHOWN and says how many there are in all.
- Nothing here changes or drops a row; `repair` does.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

from sayso.dataset.examples import Loaded
from sayso.dataset.splits import key
from sayso.dataset.texts import fold, has_controls, has_zero_width, language, replaced, undo_mojibake
from sayso.records import Example, split_labels

Level = Literal["error", "warning", "note"]
SHOWN = 20
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
UNBALANCED = 10.0
FEW_ROWS = 10


@dataclass(frozen=True, slots=True)
class Lines:
    """How many rows, and the first SHOWN of their lines."""

    count: int = 0
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """One text with different labels."""

    text: str
    labels: tuple[str, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SplitReport:
    """One file. `lengths` are characters at QUANTILES; `marks` are rows with broken or suspicious characters."""

    source: str
    path: str
    rows: int
    kept: int
    said: tuple[str, ...]
    dropped: Mapping[str, Lines]
    duplicates: Lines
    conflicts: tuple[Conflict, ...]
    labels: Mapping[str, int]
    languages: Mapping[str, Mapping[str, int]]
    lengths: Mapping[str, tuple[int, ...]]
    marks: Mapping[str, Lines] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows of one split whose text stands in another too; `pairs` are their lines in both."""

    first: str
    second: str
    count: int
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that calls for attention."""

    level: Level
    split: str
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All splits together."""

    splits: Mapping[str, SplitReport]
    overlaps: tuple[Overlap, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, every field present."""
        return dataclasses.asdict(self)


def check(
    loaded: Mapping[str, Loaded], *, several: bool = False, labelled: bool = True, most_dropped: float = 1.0
) -> Report:
    """The report of a project's files by split. `labelled` where the target is a label.

    A file of whose rows more than the share `most_dropped` is unusable is an error.
    """
    splits = {name: _split(one, several, labelled) for name, one in loaded.items()}
    overlaps = tuple(_overlaps({name: one.examples for name, one in loaded.items()}))
    return Report(splits, overlaps, tuple(_findings(splits, overlaps, labelled, most_dropped)))


def quantiles(values: Iterable[int]) -> tuple[int, ...]:
    """The values at QUANTILES, each one that occurs; empty for none."""
    ordered = sorted(values)
    return tuple(ordered[round(q * (len(ordered) - 1))] for q in QUANTILES) if ordered else ()


def texts_of(example: Example) -> list[str]:
    """All that a person wrote in a row."""
    return [*(message.text for message in example.prompt), example.target or ""]


# ---------------------------------------------------------------- one split


def _split(loaded: Loaded, several: bool, labelled: bool) -> SplitReport:
    rows = loaded.examples
    reasons: dict[str, list[int]] = defaultdict(list)
    for row in loaded.dropped:
        reasons[row.reason].append(row.line)
    sides = _sides(rows, labelled)
    return SplitReport(
        source=loaded.source,
        path=loaded.path,
        rows=loaded.rows,
        kept=len(rows),
        said=loaded.said,
        dropped={reason: _lines(lines) for reason, lines in sorted(reasons.items(), key=lambda r: -len(r[1]))},
        duplicates=_lines(_duplicates(rows)),
        conflicts=_conflicts(rows) if labelled else (),
        labels=_labels(rows, several) if labelled else {},
        languages={side: dict(Counter(map(language, texts)).most_common()) for side, texts in sides.items()},
        lengths={side: quantiles(map(len, texts)) for side, texts in sides.items()},
        marks=_marks(rows),
    )


def _sides(rows: Sequence[Example], labelled: bool) -> dict[str, list[str]]:
    """The texts of the prompts and of the targets; a label is not a text."""
    prompts = [message.text for e in rows for message in e.prompt if message.role != "system"]
    targets = [] if labelled else [e.target for e in rows if e.target is not None]
    return {side: texts for side, texts in (("prompt", prompts), ("target", targets)) if texts}


def _lines(lines: Sequence[int]) -> Lines:
    return Lines(len(lines), tuple(lines[:SHOWN]))


def _duplicates(rows: Sequence[Example]) -> list[int]:
    """Lines of the second and later occurrences."""
    seen: set[object] = set()
    found = []
    for row in rows:
        content = (row.prompt, row.target)
        if content in seen:
            found.append(row.line)
        seen.add(content)
    return found


def _conflicts(rows: Sequence[Example]) -> tuple[Conflict, ...]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    found = []
    for same in groups.values():
        labels = sorted({row.target or "" for row in same})
        if len(labels) > 1:
            found.append(Conflict(same[0].prompt[-1].text[:80], tuple(labels), tuple(row.line for row in same)))
    return tuple(found)


def _labels(rows: Sequence[Example], several: bool) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(split_labels(row.target or "") if several else [row.target or ""])
    return dict(counts.most_common())


def _marks(rows: Sequence[Example]) -> dict[str, Lines]:
    """Rows with characters lost, misread or invisible. Only where there are any."""
    tests: dict[str, Callable[[str], bool]] = {
        "replacement characters": replaced,
        "mojibake": lambda text: undo_mojibake(text) != text,
        "control characters": has_controls,
        "zero-width characters": has_zero_width,
    }
    found = {name: [row.line for row in rows if any(map(test, texts_of(row)))] for name, test in tests.items()}
    return {name: _lines(lines) for name, lines in found.items() if lines}


def _overlaps(rows: Mapping[str, Sequence[Example]]) -> Iterable[Overlap]:
    first_lines = {name: {key(e): e.line for e in reversed(examples)} for name, examples in rows.items()}
    for a, b in combinations(rows, 2):
        pairs = [(e.line, first_lines[b][same]) for e in rows[a] if (same := key(e)) in first_lines[b]]
        if pairs:
            yield Overlap(a, b, len(pairs), tuple(pairs[:SHOWN]))


# ---------------------------------------------------------------- what calls for attention

_MEND = "`sayso check RECIPE --repair FOLDER` writes a mended copy"


def _findings(
    splits: Mapping[str, SplitReport], overlaps: Sequence[Overlap], labelled: bool, most_dropped: float
) -> Iterable[Finding]:
    for name, split in splits.items():
        yield from _of_split(name, split, most_dropped)
        if labelled:
            yield from _of_labels(name, split, splits.get("train"))
    for o in overlaps:
        leak = o.first == "train"
        what = f"{_rows(o.count)} with a text that also stands in {o.second} (lines {_pairs(o)})"
        yield Finding("warning" if leak else "note", o.first, what, _MEND if leak else "")


def _of_split(name: str, split: SplitReport, most_dropped: float) -> Iterable[Finding]:
    if not split.kept:
        yield Finding("error", name, "no usable row", "see the reasons of the dropped rows and the columns")
    elif name == "train" and split.kept < FEW_ROWS:
        yield Finding("warning", name, f"only {_rows(split.kept)} to train on")
    dropped = split.rows - split.kept
    if dropped and split.kept:
        share = dropped / split.rows
        level: Level = "error" if share > most_dropped else "warning" if share > 0.01 else "note"
        yield Finding(level, name, f"{_rows(dropped)} dropped ({share:.1%})", _MEND)
    if split.duplicates.count:
        yield Finding(
            "note", name, f"{_rows(split.duplicates.count)} given again (line {split.duplicates.lines[0]})", _MEND
        )
    if split.conflicts:
        shown = fold(split.conflicts[0].text)[:40]
        yield Finding(
            "warning", name, f"different labels on the same text ({len(split.conflicts)} times), e.g. '{shown}'"
        )
    for mark, lines in split.marks.items():
        level = "note" if mark == "zero-width characters" else "warning"
        fix = "" if mark == "replacement characters" else _MEND
        yield Finding(level, name, f"{_rows(lines.count)} with {mark} (line {lines.lines[0]})", fix)


def _of_labels(name: str, split: SplitReport, train: SplitReport | None) -> Iterable[Finding]:
    labels = {label: count for label, count in split.labels.items() if label}
    if name == "train" and split.kept and len(labels) < 2:
        yield Finding("error", name, f"only one label: {', '.join(labels) or 'none'}", "map the label column")
    if name == "train" and len(labels) > 1 and max(labels.values()) > UNBALANCED * min(labels.values()):
        rare = min(labels, key=lambda label: labels[label])
        what = f"labels are unbalanced: '{next(iter(labels))}' {max(labels.values())}, '{rare}' {labels[rare]}"
        yield Finding("note", name, what, "strategy.class_weights: balanced (one label per row)")
    shown = train.labels if train is not None else {}
    if name == "train":
        yield from _of_spellings(name, labels, labels)
    elif shown:
        unseen = sorted(set(labels) - set(shown))
        if unseen:
            yield Finding("warning", name, f"labels that training never shows: {', '.join(unseen[:10])}")
        yield from _of_spellings(name, {label: labels[label] for label in unseen}, shown)
    if name == "train" and len(labels) > max(50, split.kept // 2):
        yield Finding("warning", name, f"{len(labels)} different labels in {split.kept} rows: is this the label?")


def _of_spellings(name: str, labels: Mapping[str, int], known: Mapping[str, int]) -> Iterable[Finding]:
    """Labels that differ from a commoner, or a known, one only in letter case, width or blanks."""
    spelt: dict[str, str] = {}
    for label in sorted(filter(None, known), key=lambda label: -known[label]):
        spelt.setdefault(fold(label), label)
    found = {label: spelt[fold(label)] for label in labels if spelt.get(fold(label), label) != label}
    if not found:
        return
    told = [f"'{label}' ({labels[label]:,}) is near '{right}' ({known[right]:,})" for label, right in found.items()]
    more = f", and {len(told) - 5} more" if len(told) > 5 else ""
    names = ", ".join(f"{label!r}: {right!r}" for label, right in list(found.items())[:5])
    kept = ", ".join(sorted(set(spelt.values()))) if len(spelt) <= 8 else "..."
    yield Finding(
        "warning",
        name,
        f"labels that differ only in letter case, width or blanks: {'; '.join(told[:5])}{more}",
        f"write them alike, or read them so: task.labels: [{kept}] and data.label_names: {{{names}}}",
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _pairs(overlap: Overlap) -> str:
    return ", ".join(f"{a}={b}" for a, b in overlap.pairs[:3]) + (", ..." if overlap.count > 3 else "")
