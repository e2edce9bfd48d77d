"""The page of a learning curve, and what it says in words. One file that loads nothing, as page.py describes.

Decided here: what is foretold always stands with its interval and with the amounts that it is foretold from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso.report.bands import Drawn, band
from sayso.report.figures import change, figure, from_to, full, in_words, points, scale, span, unit_name
from sayso.report.page import environment, holdable
from sayso.store.files import write_text


def write(path: Path, facts: Mapping[str, Any]) -> Path:
    """Write the page of a curve, from what `sayso curve` found. MachineFault where the disk refuses."""
    unit = str(facts["metric"])
    rows = [
        (f"{row['amount']:,}", [figure(unit, v) for v in row["values"]], _with_span(unit, row["curve"]))
        for row in facts["amounts"]
    ]
    page = (
        environment()
        .get_template("learning.html.jinja")
        .render(
            title=f"{facts['name']}: how many {facts['noun']}?",
            facts=facts,
            unit=unit_name(unit),
            sign="%" if scale(unit) == "percent" else "",
            rows=rows,
            chart=band(_drawn(facts), " ".join(facts["words"])),
            states=(),
        )
    )
    write_text(path, holdable(page))
    return path


def sentences(found: Mapping[str, Any]) -> list[str]:
    """What the curve says: what all there is gives, what more would bring, what a target needs."""
    unit, noun, total = str(found["metric"]), found["noun"], found["total"]
    foretold = f", foretold from at most {found['used']:,}" if found["used"] < total else ""
    first = (
        f"With all {total:,} {noun} one training reaches {in_words(unit)} {full(unit, found['all']['value'])}, "
        f"95 % interval {from_to(unit, found['all']['interval'])}{foretold}."
    )
    said = [first, _brings(f"Twice as many ({2 * total:,})", unit, found["twice"])]
    if "more" in found:
        said.append(_brings(f"{found['more']['comments']} more {noun}", unit, found["more"]))
    if "target" in found:
        said.append(_needs(found["target"], unit, noun))
    if found["left_out"]:
        which = "smallest amount is" if found["left_out"] == 1 else f"{found['left_out']} smallest amounts are"
        said.append(f"The {which} left out of the curve: no model learnt anything from so few.")
    return said


# ---------------------------------------------------------------- inside


def _brings(what: str, unit: str, gain: Mapping[str, Any]) -> str:
    low, high = (change(unit, end) for end in gain["interval"])
    would = f"{what} would bring {change(unit, gain['value'])}{points(unit)}, 95 % interval {low} to {high}"
    return would + ("." if gain["interval"][0] > 0 else ": perhaps nothing.")


def _needs(target: Mapping[str, Any], unit: str, noun: str) -> str:
    value, (low, high) = target["value"], target["interval"]
    aim = f"{unit_name(unit)} {full(unit, target['metric'])}"
    if value is None:
        few = f"at least {low:,}" if low is not None else "more than any number"
        return f"{aim} is not on this curve: however many {noun} there are, it stays below; 95 % interval {few}."
    most = f"{high:,}" if high is not None else "no number is enough"
    return f"{aim} needs about {value:,} {noun}, 95 % interval {low:,} to {most}."


def _with_span(unit: str, found: Mapping[str, Any]) -> str:
    return f"{figure(unit, found['value'])} ({span(unit, found['interval'])})"


def _drawn(facts: Mapping[str, Any]) -> Drawn:
    line: Sequence[Mapping[str, Any]] = facts["line"]
    return Drawn(
        tuple((one["amount"], one["value"]) for one in line),
        tuple((one["amount"], *one["interval"]) for one in line),
        tuple((row["amount"], value) for row in facts["amounts"] for value in row["values"]),
        float(facts["total"]),
        scale(str(facts["metric"])) == "percent",
    )
