"""What the audits of a run found, with what each of them cannot see.

Decided here:
- Warnings come first. An audit of earlier weights is shown and said to be that: it is not of the model at hand.
- What an audit cannot see stands beside what it found, never further away.
"""

from __future__ import annotations

from dataclasses import dataclass

from sayso.report.contents import Contents
from sayso.report.figures import DASH, MINUS, look_of, stage_name
from sayso.report.loose import count, listing, mapping, number, text

LEVELS = ("warning", "note", "fine")


@dataclass(frozen=True, slots=True)
class Found:
    """One finding."""

    level: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, written out."""

    name: str
    look: str
    stage: str
    value: str
    interval: str
    n: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A table: cells as text, and for each column whether it holds numbers."""

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit's part of the section."""

    name: str
    asks: str
    stale: bool
    findings: tuple[Found, ...]
    rows: tuple[Row, ...]
    tables: tuple[Shown, ...]
    cannot_see: tuple[str, ...]


def audits(contents: Contents) -> tuple[Audit, ...]:
    """Every audit that was made of the run, by name; none where none was made."""
    return tuple(_audit(name, found) for name, found in sorted(contents.run.audits().items()))


def sentence(contents: Contents) -> str:
    """How many warnings there are; "" where nothing was audited."""
    found = [one for one in audits(contents) if not one.stale]
    warnings = [one.level for audit in found for one in audit.findings].count("warning")
    if not found:
        return ""
    names = ", ".join(one.name for one in found)
    told = f"{warnings} warning{'' if warnings == 1 else 's'}" if warnings else "no warning"
    return f"Audited for {names}: {told}."


def value_of(unit: str, value: float | None) -> str:
    """A figure as it is written: shares and points in per cent, the rest to three digits."""
    if value is None:
        return ""
    signs = {"share": ("%", ""), "points": (" points", "+")}
    sign, plus = signs.get(unit, (f" {unit}" if unit else "", ""))
    scaled = 100 * value if unit in signs else value
    written = (
        f"{scaled:{plus}.1f}" if unit in signs else f"{scaled:,.0f}" if float(scaled).is_integer() else f"{scaled:.3g}"
    )
    return written.replace("-", MINUS) + sign.replace("%", "\N{NO-BREAK SPACE}%")


def span_of(unit: str, interval: object) -> str:
    """An interval as it is written, without its unit; "" for none."""
    ends = [number(end) for end in listing(interval)]
    if len(ends) != 2 or None in ends:
        return ""
    kept = unit if unit in ("share", "points") else ""
    low, high = (value_of(kept, end).partition("\N{NO-BREAK SPACE}")[0].partition(" ")[0] for end in ends)
    return f"{low} to {high}" if MINUS in low + high or "+" in low + high else f"{low}{DASH}{high}"


# ---------------------------------------------------------------- inside


def _audit(name: str, found: object) -> Audit:
    facts = mapping(found)
    findings = [_found(mapping(one)) for one in listing(facts.get("findings"))]
    return Audit(
        name=name,
        asks=text(facts.get("asks")),
        stale=bool(facts.get("stale")),
        findings=tuple(sorted(findings, key=lambda one: LEVELS.index(one.level))),
        rows=tuple(_row(mapping(one)) for one in listing(facts.get("figures"))),
        tables=tuple(_table(mapping(one)) for one in listing(facts.get("tables"))),
        cannot_see=tuple(map(text, listing(facts.get("cannot_see")))),
    )


def _found(one: dict[str, object]) -> Found:
    level = text(one.get("level"))
    return Found(level if level in LEVELS else "note", text(one.get("what")), text(one.get("fix")))


def _row(one: dict[str, object]) -> Row:
    unit, stage = text(one.get("unit")), text(one.get("stage"))
    value, interval = value_of(unit, number(one.get("value"))), span_of(unit, one.get("interval"))
    shown = (look_of(stage), stage_name(stage)) if stage else ("", "")
    return Row(text(one.get("name")), *shown, value, interval, count(one.get("n")), text(one.get("verdict")))


def _table(one: dict[str, object]) -> Shown:
    columns = tuple(map(text, listing(one.get("columns"))))
    rows = [listing(row) for row in listing(one.get("rows"))]
    numeric = tuple(all(number(row[at]) is not None for row in rows) for at in range(len(columns)))
    return Shown(text(one.get("title")), columns, numeric, tuple(tuple(map(_cell, row)) for row in rows))


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else text(value)
