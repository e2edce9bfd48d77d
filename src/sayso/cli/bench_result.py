"""What `sayso bench` says at the end: measures with intervals, by group, weak families; as table, JSON and picture.

Decided here: shares are in per cent and differences in points, drift is in nats; a measure without an interval comes
from too few clusters for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sayso.cli.bench import Outcome
    from sayso.evaluate.heeding import Finding, Measure

SHOWN_BY_GROUP = (
    "heed",
    "right remark",
    "no comment",
    "revise",
    "critique",
    "internalised",
    "transfer",
    "retention",
    "overreach",
)


def figures(outcome: Outcome) -> dict[str, Any]:
    """Everything measured, as plain values."""
    from sayso.evaluate.heeding import HOUSERULES_VERSION, IN_CONTEXT, RATES
    from sayso.evaluate.houses import AFTER

    return {
        "houserules": HOUSERULES_VERSION,
        "in_context": _part((*IN_CONTEXT, *RATES), outcome.in_context),
        "methods": {name: _part(AFTER, found) for name, found in outcome.methods.items()},
    }


def _part(measures: Sequence[Measure], found: Sequence[Finding]) -> dict[str, Any]:
    from sayso.evaluate.heeding import GROUPS, report

    made = report(measures, found)
    says = {measure.name: measure.says for measure in measures}
    groups: dict[str, dict[str, Any]] = {by: {} for by in GROUPS}
    for (by, name), estimates in made.groups.items():
        groups[by][name] = list(estimates)
    weak = {name: list(families) for name, families in made.weak.items()}
    seeds = {
        str(seed): {one.measure: one.value for one in report(measures, mine, resamples=0).overall}
        for seed in sorted({one.question.seed for one in found})
        if (mine := [one for one in found if one.question.seed == seed])
    }
    return {"answers": len(found), "measures": list(made.overall), "says": says} | {
        "groups": groups,
        "weak": weak,
        "seeds": seeds,
    }


def write_plot(file: Path, result: Mapping[str, Any]) -> None:
    """The measures as an SVG file."""
    from sayso.report.bench import picture

    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(picture(list(_groups(result)), f"HouseRules: {result['model']}"), encoding="utf-8")


def print_figures(result: Mapping[str, Any]) -> None:
    """Tables on stdout."""
    from sayso.cli.console import console

    console().print(f"HouseRules {result['houserules']}: {result['model']}")
    if not result["whole"]:
        console().print("not all was asked: what follows is of the answers that there are")
    for title, part in _parts(result):
        _print_part(title, part)


# ---------------------------------------------------------------- inside


def _parts(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "in context", result["in_context"]
    for name, part in result["methods"].items():
        yield f"after {name}", part


def _print_part(title: str, part: Mapping[str, Any]) -> None:
    from sayso.cli.console import console, print_table

    if not part["measures"]:
        return
    clusters = "rules" if title == "in context" else "houses"
    rows = [
        (name, written(name, one.value), _interval(one), one.clusters, one.answers, part["says"][name])
        for one in part["measures"]
        for name in (one.measure,)
    ]
    console().print()
    print_table(title, ("measure", "value", "95 % interval", clusters, "answers", "what it is"), rows)
    shown = [name for name in SHOWN_BY_GROUP if any(one.measure == name for one in part["measures"])]
    console().print()
    print_table("", ("", *shown, clusters), list(_by_group(part, shown)))
    for measure, families in part["weak"].items():
        console().print(f"weak in {measure}: {', '.join(families)}")
    if len(part["seeds"]) > 1:
        head = shown[0]
        values = (written(head, said[head]) for said in part["seeds"].values() if head in said)
        console().print(f"{head} by seed: {', '.join(values)}")


def _by_group(part: Mapping[str, Any], shown: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for by, groups in part["groups"].items():
        for name, estimates in groups.items():
            known = {one.measure: one for one in estimates}
            cells = [written(measure, known[measure].value) if measure in known else "" for measure in shown]
            if any(cells):
                clusters = max(one.clusters for one in known.values() if one.measure in shown)
                yield f"{by} {name}", *cells, clusters


def written(measure: str, value: float) -> str:
    """A value as people write it."""
    return f"{value:.4f}" if measure == "drift" else f"{100 * value:.1f}"


def _interval(one: Any) -> str:
    if one.interval is None:
        return ""
    low, high = (written(one.measure, end) for end in one.interval)
    return f"[{low}, {high}]"


def _groups(result: Mapping[str, Any]) -> Iterator[Any]:
    from sayso.report.charts import Dot, Group

    for title, part in _parts(result):
        look = "base" if title == "in context" else "learn"
        dots = tuple(
            Dot(one.measure, 100 * one.value, _in_percent(one.interval), look, f"{written(one.measure, one.value)} %")
            for one in part["measures"]
            if one.measure != "drift"
        )
        if dots:
            yield Group(f"{title}, %", dots)


def _in_percent(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (100 * interval[0], 100 * interval[1])
