"""What is searched: around the preset's values, as people say it, and always with the recipe as it stands inside."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sayso import presets, rooms
from sayso.errors import RecipeError
from sayso.recipe import StrategyPart
from sayso.tune.space import Choices, Range, Setting, read_space, rounded, space_of, start_of

METHODS = [name for name in rooms.names("methods") if name != "prompt"]


def setting(kind: str = "encoder", rows: int = 500, tuning: str = "full", **values: Any) -> Setting:
    solved = presets.resolve(StrategyPart(tuning=tuning), kind, rows, 22_000_000)  # type: ignore[arg-type]
    known = {f"strategy.{key}": value for key, value in solved.model_dump().items()}
    return Setting("train", solved.preset, "", bool(solved.lora_rank), known | values)


@pytest.mark.parametrize("kind", ["encoder", "encoder_decoder", "decoder"])
@pytest.mark.parametrize("rows", [50, 500, 5_000, 50_000])
@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_every_preset_has_a_space_that_holds_it(kind: str, rows: int, tuning: str) -> None:
    here = setting(kind, rows, tuning)
    space = space_of(here)
    start = start_of(space, here)
    rate = space["strategy.learning_rate"]
    assert isinstance(rate, Range)
    assert rate.log
    assert rate.low == pytest.approx(start["strategy.learning_rate"] / 5)
    assert rate.high == pytest.approx(start["strategy.learning_rate"] * 5)
    assert ("strategy.lora_rank" in space) == (tuning == "lora")
    counted = [key for key in space if "batch" in key]
    assert len(counted) == 1
    assert start[counted[0]] > 0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_knobs_to_search_and_they_are_its_own(method: str) -> None:
    knobs = dataclasses.asdict(rooms.find("methods", method).Knobs())
    values = {f"learn.knobs.{key}": value for key, value in knobs.items()} | {"learn.strategy.learning_rate": 1e-4}
    here = Setting("learn", "decoder_learn", method, False, values)
    space = space_of(here)
    assert any(key.startswith("learn.knobs.") for key in space)
    assert set(space) <= set(values)
    assert start_of(space, here)


def test_what_a_person_says_counts_and_the_later_counts_more() -> None:
    here = setting()
    space = space_of(
        here,
        ("recipe", {"strategy.epochs": {"low": 2, "high": 20}, "strategy.batch_rows": {}}),
        ("file", {"strategy.epochs": {"choices": [6, 12.0]}, "strategy.dropout": {"choices": [-1.0, 0.1]}}),
    )
    assert space["strategy.epochs"] == Choices((6, 12.0))
    assert "strategy.batch_rows" not in space
    assert space["strategy.dropout"] == Choices((-1.0, 0.1))
    whole = space_of(here, ("", {"strategy.batch_rows": {"low": 4, "high": 64, "log": True}}))["strategy.batch_rows"]
    assert whole == Range(4, 64, log=True, whole=True)
    times = space_of(here, ("", {"strategy.batch_rows": {"times": [0.5, 1, 1.5], "each": True}}))
    assert times["strategy.batch_rows"] == Choices((8, 16, 24))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"strategy.epoch": {"low": 1, "high": 2}}, "did you mean 'strategy.epochs'"),
        ({"learn.knobs.beta": {"low": 1, "high": 2}}, "may not be searched"),
        ({"strategy.epochs": {"low": 3, "high": 2}}, "is no range"),
        ({"strategy.epochs": {"low": 0, "high": 2, "log": True}}, "both above 0"),
        ({"strategy.epochs": {"choices": []}}, "nothing that can be searched"),
        ({"strategy.epochs": [1, 2]}, "nothing that can be searched"),
        ({"strategy.schedule": {"times": [1, 2]}}, "multiples of 'linear'"),
        ({"strategy.epochs": {"low": 100, "high": 200}}, "lies outside"),
    ],
)
def test_what_does_not_fit_is_said(entries: dict[str, Any], said: str) -> None:
    here = setting()
    with pytest.raises(RecipeError) as raised:
        start_of(space_of(here, ("space.yaml", entries)), here)
    assert said in str(raised.value)


def test_a_file_and_readable_numbers(tmp_path: Path) -> None:
    file = tmp_path / "空间.yaml"
    file.write_text("strategy.epochs: {choices: [1, 2]}\n", encoding="utf-8")
    assert read_space(file) == {"strategy.epochs": {"choices": [1, 2]}}
    file.write_text("- a\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="keys with ranges"):
        read_space(file)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_space(tmp_path / "none.yaml")
    assert rounded({"a": 0.000123456, "b": 7, "c": "start", "d": True}) == {
        "a": 0.000123,
        "b": 7,
        "c": "start",
        "d": True,
    }
