"""Base beside tuned beside learnt beside the baselines: the sentences at the top, the table, the chart, the pairs.

Decided here:
- A sentence says what was measured on what, from where to where, and whether chance can explain it; it claims
  nothing that no paired comparison carries.
- What measures quality stands in the first table and the chart; symptoms (length, copies, calibration) are a second
  table under it.
- One chart holds one scale: shares with BLEU and chrF, all to 100.
- Of the pairs, the steps of the run and the last stage against the baselines are shown; all others are folded away.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sayso.records import Comparison, Score
from sayso.report.charts import Dot, Group, intervals
from sayso.report.contents import SPLITS, Contents, rivals_on
from sayso.report.figures import (
    QUALITY,
    STAGES,
    change,
    figure,
    from_to,
    full,
    in_words,
    look_of,
    points,
    scale,
    scaled,
    sign_of,
    some,
    span,
    stage_name,
    unit_name,
)

MOST_CHARTED = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure with its interval, written out."""

    stage: str
    text: str
    interval: str


@dataclass(frozen=True, slots=True)
class Row:
    """One unit over the stages and the baselines."""

    unit: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One split's units over the stages that have any of them: what measures quality, or else the symptoms."""

    split: str
    n: int
    quality: bool
    stages: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One unit of a paired comparison; `reason` is why nobody can tell."""

    unit: str
    before: str
    after: str
    difference: str
    interval: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two stages on the same items; `level` names the units without any difference.

    `main` pairs are steps of the run, or the last stage against a baseline.
    """

    split: str
    before: str
    after: str
    n: int
    main: bool
    rows: tuple[Compared, ...]
    level: str


@dataclass(frozen=True, slots=True)
class Results:
    """The section."""

    tables: tuple[Table, ...]
    pairs: tuple[Pair, ...]
    others: tuple[Pair, ...]
    chart: Markup


@dataclass(frozen=True, slots=True)
class Sentence:
    """One claim, and the verdict that carries it ("" where nothing was compared)."""

    words: str
    verdict: str = ""


def results(contents: Contents) -> Results | None:
    """None where nothing was scored."""
    if not contents.split:
        return None
    tables = tuple(_table(contents, split, quality) for split in SPLITS for quality in (True, False))
    pairs = _pairs(contents)
    main = tuple(pair for pair in pairs if pair.main)
    return Results(
        tuple(t for t in tables if t.rows), main, tuple(pair for pair in pairs if not pair.main), _chart(contents)
    )


def sentences(contents: Contents) -> list[Sentence]:
    """The result in words: what training did, what learning from the comments did, and whether it pays."""
    unit = contents.headline
    if not unit:
        return [Sentence("Nothing has been scored in this run yet.")]
    last = contents.stages[-1]
    first = contents.comparison("base", "train", unit)
    then = contents.comparison("train", "learn", unit)
    whole = contents.comparison("base", "learn", unit)
    said = [Sentence(_training(first, "Training"), first.verdict)] if first else []
    if then:
        said.append(Sentence(_learning(then), then.verdict))
    elif whole:
        said.append(Sentence(_training(whole, "Learning from the comments"), whole.verdict))
    rivals = [contents.comparison(rival, last, unit) for rival in contents.rivals] if last != "base" else []
    said = said or [Sentence(_uncompared(contents, unit))]
    return said + [Sentence(_against(c), c.verdict) for c in rivals if c]


# ---------------------------------------------------------------- words


def _training(c: Comparison, what: str) -> str:
    on = f"on {some(c.n, f'{c.split} item')}"
    before, after = full(c.unit, c.before), full(c.unit, c.after)
    if not c.difference:
        return f"{unit_name(c.unit)} {on} is {after}, before as after {what[:1].lower() + what[1:]}."
    if c.verdict == "cannot tell":
        return (
            f"{unit_name(c.unit)} {on} was {before} before and is {after} after {what[:1].lower() + what[1:]}; "
            f"these items cannot tell whether that is a change ({_difference(c)})."
        )
    return f"{what} {_verb(c)} {in_words(c.unit)} {on} from {before} to {after} ({_difference(c)})."


def _learning(c: Comparison) -> str:
    after = full(c.unit, c.after)
    if not c.difference:
        return f"Learning from the comments left it at {after}."
    if c.verdict == "cannot tell":
        return (
            f"After learning from the comments {in_words(c.unit)} is {after}; "
            f"these items cannot tell whether that is a change ({_difference(c)})."
        )
    return f"Learning from the comments then {_verb(c)} it to {after} ({_difference(c)})."


def _against(c: Comparison) -> str:
    """The last stage against a baseline."""
    model = f"the {stage_name(c.after_stage)} model"
    reaches = f"The {c.before_stage} baseline reaches {full(c.unit, c.before)}"
    if not c.difference:
        return f"{reaches}, and so does {model}."
    if c.verdict == "cannot tell":
        return f"{reaches}; these items cannot tell it from {model} ({_difference(c)})."
    return f"{reaches}; {model} is {c.verdict} ({_difference(c)})."


def _verb(c: Comparison) -> str:
    return "raised" if c.difference > 0 else "lowered"


def _difference(c: Comparison) -> str:
    by = change(c.unit, c.difference) + points(c.unit)
    return f"{by}, 95\N{NO-BREAK SPACE}% interval {from_to(c.unit, c.interval)}"


def _uncompared(contents: Contents, unit: str) -> str:
    scores = [(stage, score) for stage in contents.stages if (score := contents.score(stage, unit))]
    told = ", ".join(f"{full(unit, score.value)} ({stage_name(stage)})" for stage, score in scores)
    n = scores[-1][1].n
    end = " The stages were not compared in pairs." if len(scores) > 1 else ""
    return f"{unit_name(unit)} on {some(n, f'{contents.split} item')}: {told}.{end}"


# ---------------------------------------------------------------- pairs


def _pairs(contents: Contents) -> list[Pair]:
    """Every pair that was compared, by the later stage: with the one before it, with the base, with the baselines."""
    grouped: dict[tuple[str, str, str], list[Comparison]] = {}
    for c in contents.comparisons:
        grouped.setdefault((c.split, c.before_stage, c.after_stage), []).append(c)
    order = (*contents.rivals, *STAGES)
    place = {stage: i for i, stage in enumerate(order)}
    keys = sorted(grouped, key=lambda k: (k[0] != contents.split, place.get(k[2], -1), -place.get(k[1], -1)))
    return [_pair(contents, grouped[key]) for key in keys]


def _pair(contents: Contents, found: Sequence[Comparison]) -> Pair:
    first = found[0]
    wanted = first.before_stage in STAGES or first.after_stage == contents.stages[-1]
    ordered = sorted(found, key=lambda c: c.unit != contents.headline)
    rows = tuple(_compared(c) for c in ordered if c.difference or c.unit == contents.headline)
    level = ", ".join(in_words(c.unit) for c in ordered if not c.difference and c.unit != contents.headline)
    main = wanted and first.split == contents.split
    names = stage_name(first.before_stage), stage_name(first.after_stage)
    return Pair(first.split, *names, first.n, main, rows, level)


def _compared(c: Comparison) -> Compared:
    _, cannot, reason = c.words.rpartition("cannot tell; ")
    return Compared(
        _heading(c.unit),
        figure(c.unit, c.before),
        figure(c.unit, c.after),
        change(c.unit, c.difference),
        from_to(c.unit, c.interval),
        c.verdict,
        reason.rstrip(".") if cannot else "",
    )


# ---------------------------------------------------------------- table and chart


def _heading(unit: str) -> str:
    """A unit with its sign, for a row whose figures have none: Accuracy, %."""
    return unit_name(unit) + (", %" if sign_of(unit) else "")


def _table(contents: Contents, split: str, quality: bool) -> Table:
    every = tuple(stage for stage in STAGES if (stage, split) in contents.scores) + rivals_on(contents.scores, split)
    units = dict.fromkeys(unit for stage in every for unit in contents.scores[stage, split])
    ordered = sorted(units, key=lambda unit: unit != contents.headline)
    shown = [unit for unit in ordered if (unit in (*QUALITY, contents.headline)) == quality]
    stages = tuple(stage for stage in every if any(unit in contents.scores[stage, split] for unit in shown))
    rows = tuple(
        Row(unit, _heading(unit), tuple(_cell(stage, contents.scores[stage, split].get(unit)) for stage in stages))
        for unit in shown
    )
    n = max((s.n for stage in stages for s in contents.scores[stage, split].values()), default=0)
    return Table(split, n, quality, stages, rows)


def _cell(stage: str, score: Score | None) -> Cell:
    if score is None:
        return Cell(stage, "", "")
    return Cell(stage, figure(score.unit, score.value), span(score.unit, score.interval))


def _chart(contents: Contents) -> Markup:
    units = dict.fromkeys(unit for stage in contents.stages for unit in contents.scores[stage, contents.split])
    ordered = sorted((u for u in units if _charted(u, units)), key=lambda u: u != contents.headline)
    groups = [_group(contents, unit) for unit in ordered[:MOST_CHARTED]]
    label = f"Scores on the {contents.split} items with 95 % intervals. " + " ".join(map(_spoken, groups))
    return intervals([group for group in groups if group.dots], label)


def _charted(unit: str, units: Container[str]) -> bool:
    """With one label per item micro F1 is accuracy under another name."""
    return unit in QUALITY and scale(unit) != "plain" and not (unit == "f1_micro" and "accuracy" in units)


def _group(contents: Contents, unit: str) -> Group:
    dots = []
    for stage in (*contents.stages, *contents.rivals):
        if score := contents.score(stage, unit):
            low_high = score.interval and (scaled(unit, score.interval[0]), scaled(unit, score.interval[1]))
            words = full(unit, score.value) + (f" ({span(unit, score.interval)})" if score.interval else "")
            dots.append(Dot(stage_name(stage), scaled(unit, score.value), low_high, look_of(stage), words))
    return Group(_heading(unit), tuple(dots))


def _spoken(group: Group) -> str:
    told = ", ".join(f"{dot.name} {dot.text}" for dot in group.dots)
    return f"{group.name}: {told}."
