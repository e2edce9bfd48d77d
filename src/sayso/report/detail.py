"""Below the headline: per label, what is confused with what, calibration, and the signature of the text metrics.

Decided here:
- Per-label figures stand beside those of the base, where it has any.
- A matrix of more than MOST_LABELS labels is not drawn; what is confused most is always said in words.
- A cell's shade is its share of the row, so that a rare label's confusions are seen too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sayso.report.charts import Bins, reliability
from sayso.report.contents import Contents
from sayso.report.figures import about_percent, stage_name
from sayso.report.loose import count, listing, mapping, number, text

MOST_LABELS = 24
MOST_PER_CLASS = 60
MOST_CONFUSIONS = 6
NO_LABEL = "(no label)"


@dataclass(frozen=True, slots=True)
class PerClass:
    """One label: precision, recall, F1 written in per cent, how many rows, and the base's F1."""

    label: str
    precision: str
    recall: str
    f1: str
    bar: str
    before: str
    n: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the confusion matrix; `share` of its row is in [0, 1]."""

    n: int
    share: str
    right: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """How often one label was taken for another, and in what share of its rows ("" where unknown)."""

    gold: str
    given: str
    n: int
    share: str


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows are what was expected, columns what was answered. `rows` is empty where there are too many labels."""

    stage: str
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    columns: tuple[str, ...]
    worst: tuple[Taken, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability diagram and its figures by stage: (look, stage, ECE, Brier)."""

    svg: Markup
    rows: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """The section; each part may be missing."""

    stage: str
    per_class: tuple[PerClass, ...]
    hidden_classes: int
    has_before: bool
    confusion: Confusion | None
    calibration: Calibration | None
    signature: str


def detail(contents: Contents) -> Detail | None:
    """The last stage's details, None where there are none."""
    notes = {stage: note for stage in contents.stages if (note := contents.evaluation(stage))}
    if not notes:
        return None
    stage = list(notes)[-1]
    per_class = _per_class(notes[stage], notes.get("base", {}) if stage != "base" else {})
    found = Detail(
        stage_name(stage),
        per_class[:MOST_PER_CLASS],
        max(0, len(per_class) - MOST_PER_CLASS),
        any(row.before for row in per_class),
        _confusion(stage, mapping(notes[stage].get("confusion")), {row.label: row.n for row in per_class}),
        _calibration(notes),
        text(notes[stage].get("signature")),
    )
    parts = (found.per_class, found.confusion, found.calibration, found.signature)
    return found if any(parts) else None


# ---------------------------------------------------------------- parts


def _per_class(note: Mapping[str, Any], base: Mapping[str, Any]) -> tuple[PerClass, ...]:
    before = {text(row.get("label")): number(row.get("f1")) for row in _mappings(base.get("per_class"))}
    found = []
    for row in _mappings(note.get("per_class")):
        f1, name = number(row.get("f1")), text(row.get("label"))
        shares = [_percent(number(row.get(key))) for key in ("precision", "recall")]
        bar = f"{min(1.0, max(0.0, f1 or 0.0)):.2f}"
        found.append(
            PerClass(name, shares[0], shares[1], _percent(f1), bar, _percent(before.get(name)), count(row.get("n")))
        )
    return tuple(found)


def _mappings(value: object) -> list[dict[str, Any]]:
    return [mapping(item) for item in listing(value)]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _confusion(stage: str, note: Mapping[str, Any], rows_of: Mapping[str, int]) -> Confusion | None:
    labels = [text(label) for label in listing(note.get("labels"))]
    columns = [text(label) or NO_LABEL for label in listing(note.get("columns")) or labels]
    matrix = [[count(n) for n in listing(row)] for row in listing(note.get("counts"))]
    if len(matrix) != len(labels) or any(len(row) != len(columns) for row in matrix):
        matrix = []
    worst = _worst(note, rows_of)
    drawn = matrix if len(labels) <= MOST_LABELS else []
    rows = tuple((label, _cells(i, row)) for i, (label, row) in enumerate(zip(labels, drawn, strict=False)))
    return Confusion(stage_name(stage), rows, tuple(columns), worst) if rows or worst else None


def _cells(at: int, row: list[int]) -> tuple[Cell, ...]:
    total = sum(row) or 1
    return tuple(Cell(n, f"{n / total:.2f}", i == at) for i, n in enumerate(row))


def _worst(note: Mapping[str, Any], totals: Mapping[str, int]) -> tuple[Taken, ...]:
    pairs = [(text(p.get("gold")), text(p.get("given")), count(p.get("n"))) for p in _mappings(note.get("pairs"))]
    found = [Taken(gold, given or NO_LABEL, n, _share(n, totals.get(gold, 0))) for gold, given, n in pairs if n]
    return tuple(found[:MOST_CONFUSIONS])


def _share(n: int, total: int) -> str:
    return about_percent(n / total) if total else ""


def _calibration(notes: Mapping[str, Mapping[str, Any]]) -> Calibration | None:
    stages, rows = [], []
    for stage, note in notes.items():
        found = mapping(note.get("calibration"))
        bins = tuple(one for one in map(_bin, listing(found.get("bins"))) if one is not None)
        if bins:
            stages.append(Bins(stage_name(stage), stage, bins))
            figures = [number(found.get(key)) for key in ("ece", "brier")]
            rows.append((stage, stage_name(stage), *("" if f is None else f"{f:.3f}" for f in figures)))
    if not stages:
        return None
    told = "; ".join(f"{name}: calibration error {ece}" for _, name, ece, _ in rows if ece)
    svg = reliability(stages, f"Accuracy over confidence; the diagonal is perfect calibration. {told}")
    return Calibration(svg, tuple((look, name, ece, brier) for look, name, ece, brier in rows))


def _bin(plain: object) -> tuple[float, float, int] | None:
    one = mapping(plain)
    confidence, accuracy, n = number(one.get("confidence")), number(one.get("right")), count(one.get("n"))
    return None if confidence is None or accuracy is None or not n else (confidence, accuracy, n)
