"""The page of a search, and what it says in words. One file that loads nothing, as page.py describes.

Decided here:
- The first sentence is the answer: whether the winner beats the recipe as it stands, on other seeds, with an interval.
- The history shows every finished trial, and the best so far; what a pruned trial had last is in the table only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sayso.report.charts import Line, lines
from sayso.report.figures import change, figure, from_to, full, in_words, points, scale, unit_name
from sayso.report.page import environment, holdable
from sayso.store.files import write_text

FEW = 12  # finished trials below which importance is only a hint


def write(path: Path, facts: Mapping[str, Any]) -> Path:
    """Write the page of a search, from what `sayso tune` found. MachineFault where the disk refuses."""
    unit = str(facts["metric"])
    page = (
        environment()
        .get_template("tuning.html.jinja")
        .render(
            title=f"{facts['name']}: the search for settings",
            facts=facts,
            unit=unit_name(unit),
            sign=", %," if scale(unit) == "percent" else "",
            chart=_history(facts["trials"], unit),
            rows=list(_rows(facts, unit)),
            few=_finished(facts["trials"]) < FEW,
            states=(),
        )
    )
    write_text(path, holdable(page))
    return path


def sentences(facts: Mapping[str, Any]) -> list[str]:
    """Whether the winner beats the recipe as it stands, and what was tried."""
    unit, best, found = str(facts["metric"]), facts["best"], facts["comparison"]
    said = [_verdict(unit, found) if found else _nothing_better(unit, best)]
    counts = {state: sum(one["state"] == state for one in facts["trials"]) for state in ("done", "pruned", "failed")}
    tried = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    said.append(f"Trials: {tried}. The best, trial {best['number']}, had {_value(unit, best['value'])} in the search.")
    stopped = [str(one["number"]) for one in facts["trials"] if one["state"] == "stopped"]
    if stopped:
        said.append(f"Stopped and begun again: trial {', '.join(stopped)}.")
    return said


# ---------------------------------------------------------------- inside


def _verdict(unit: str, found: Mapping[str, Any]) -> str:
    measured = found["unit"]
    facts = (
        f"{in_words(measured)} {full(measured, found['before'])} as it stands, {full(measured, found['after'])} by "
        f"the winner; difference {change(measured, found['difference'])}{points(measured)}, 95 % interval "
        f"{from_to(measured, found['interval'])}"
    )
    where = f"on {found['seeds']} other seeds and {found['n']:,} validation items"
    beats = {
        "better": "The winner beats the recipe as it stands",
        "worse": "The winner does not beat the recipe as it stands: on other seeds it is worse",
        "cannot tell": "The winner does not beat the recipe as it stands: chance could do this",
    }
    kept = f" (chosen by {in_words(unit)})" if measured != unit else ""
    return f"{beats[found['verdict']]}. {facts[:1].upper()}{facts[1:]}, {where}{kept}."


def _nothing_better(unit: str, best: Mapping[str, Any]) -> str:
    return (
        f"No trial did better than the recipe as it stands ({_value(unit, best['value'])}): nothing beats it, and "
        "there is nothing to compare."
    )


def _value(unit: str, value: float) -> str:
    return f"{in_words(unit)} {full(unit, value)}"


def _finished(trials: Sequence[Mapping[str, Any]]) -> int:
    return sum(one["state"] == "done" for one in trials)


def _history(trials: Sequence[Mapping[str, Any]], unit: str) -> Markup:
    done = [(float(one["number"]), float(one["value"])) for one in trials if one["state"] == "done"]
    best, highest = [], float("-inf")
    for number, value in done:
        highest = max(highest, value)
        best.append((number, highest))
    series = [Line("trial", tuple(done), "train faint", dotted=True), Line("best so far", tuple(best), "learn")]
    label = f"{unit_name(unit)} of {len(done)} finished trials; the best has {full(unit, highest)}."
    return lines(series, label, share=scale(unit) == "percent", along="trial")


def _rows(facts: Mapping[str, Any], unit: str) -> Iterator[tuple[str, str, str, str, str]]:
    for one in facts["trials"]:
        value = "" if one["value"] is None else figure(unit, one["value"])
        said = "the recipe as it stands" if one["first"] else ", ".join(_settings(one["values"]))
        why = f" – {one['why']}" if one["why"] else ""
        yield (str(one["number"]), str(one["state"]), value, f"{one['seconds']:.0f}", said + why)


def _settings(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield (
            f"{key.rpartition('.')[2]} {value:.3g}"
            if isinstance(value, float)
            else f"{key.rpartition('.')[2]} {value}"
        )
