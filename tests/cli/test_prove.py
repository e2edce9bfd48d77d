"""Which comparisons on the items the gate is given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sayso.cli.prove import _on_items
from sayso.records import Comparison


def compared(unit: str, split: str, stages: tuple[str, str] = ("train", "learn")) -> Comparison:
    return Comparison(unit, split, *stages, 0.0, 0.1, 0.1, (0.0, 0.2), 10, "better", "")


def items(*comparisons: Comparison, metric: str = "") -> list[Comparison]:
    project: Any = SimpleNamespace(
        recipe=SimpleNamespace(task=SimpleNamespace(metric=metric)),
        task=SimpleNamespace(metric="chrf"),
        run=SimpleNamespace(comparisons=lambda: comparisons),
        start=lambda: "train",
    )
    return _on_items(project)


def test_the_headline_and_the_programs_on_the_test_items_and_else_on_validation() -> None:
    held = [compared(unit, "validation") for unit in ("chrf", "passes", "bleu")]
    tested = [compared(unit, "test") for unit in ("chrf", "passes", "bleu")]
    assert items(*held, *tested) == tested[:2]
    assert items(*held) == held[:2]
    assert items(*tested, metric="bleu") == tested[1:]


def test_only_the_stage_before_against_the_learnt_one() -> None:
    others = [
        compared("chrf", "test", stages) for stages in (("base", "learn"), ("base", "train"), ("learn", "train"))
    ]
    assert items(*others) == []
