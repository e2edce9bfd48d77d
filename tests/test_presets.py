from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import presets
from sayso.errors import RecipeError
from sayso.recipe import StrategyPart

KINDS = ("encoder", "encoder_decoder", "decoder")
TUNINGS = ("auto", "full", "lora", "dora", "rslora", "frozen", "qlora")
_ANY = {
    "kind": st.sampled_from(KINDS),
    "rows": st.integers(1, 10**7),
    "parameters": st.integers(1000, 10**11),
    "scratch": st.booleans(),
    "stage": st.sampled_from(["train", "learn"]),
}


def test_every_preset_has_a_line_and_a_kind() -> None:
    assert set(presets.describe()) == set(presets.names())
    assert all(presets.describe().values())
    assert len(presets.names()) >= 12


@settings(deadline=None, max_examples=100)
@given(tuning=st.sampled_from(TUNINGS), **_ANY)
def test_nothing_is_left_open(tuning: str, kind: str, rows: int, parameters: int, scratch: bool, stage: str) -> None:
    asked = StrategyPart(tuning=tuning)  # type: ignore[arg-type]
    found = presets.resolve(asked, kind, rows, parameters, scratch, stage)
    assert found.preset in presets.names()
    assert found.tuning != "auto"
    assert 0 < found.learning_rate <= 5e-3
    assert found.schedule
    assert found.optimizer
    assert found.class_weights
    assert min(found.warmup, found.weight_decay, found.clip, found.label_smoothing, found.early_stopping) >= 0
    assert found.epochs > 0
    assert found.micro_tokens > 0
    assert (found.batch_rows > 0) != (found.batch_tokens > 0)
    assert (found.lora_rank > 0) == (found.tuning in ("lora", "dora", "rslora", "qlora"))
    assert presets.resolve(found, kind, rows, parameters, scratch, stage) == found


@settings(deadline=None, max_examples=40)
@given(name=st.sampled_from(presets.names()), rows=st.integers(1, 10**6))
def test_every_preset_can_be_asked_for_by_name(name: str, rows: int) -> None:
    kind = max((kind for kind in KINDS if name.startswith(kind)), key=len)
    assert presets.resolve(StrategyPart(preset=name), kind, rows, 10**7).preset == name


def test_what_the_recipe_says_wins() -> None:
    asked = StrategyPart(
        learning_rate=3e-6, epochs=7, batch_tokens=999, warmup=0, clip=0, early_stopping=0, schedule="constant"
    )
    found = presets.resolve(asked, "encoder", 500, 10**8)
    assert (found.learning_rate, found.epochs, found.batch_tokens, found.batch_rows) == (3e-6, 7, 999, 0)
    assert (found.warmup, found.clip, found.early_stopping, found.schedule) == (0, 0, 0, "constant")


@pytest.mark.parametrize("kind", KINDS)
def test_larger_models_learn_more_gently(kind: str) -> None:
    rates = [presets.resolve(StrategyPart(), kind, 500, n).learning_rate for n in (10**5, 10**7, 10**8, 5 * 10**8)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_less_data_is_gone_through_more_often(kind: str) -> None:
    epochs = [presets.resolve(StrategyPart(), kind, rows, 10**8).epochs for rows in (300, 5_000, 50_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] > epochs[-1]


def test_a_handful_of_rows_is_enough_steps_to_learn_a_new_kind_of_answer() -> None:
    """40 rows in 25 steps of 1e-4 left a decoder of two million parameters at chance."""
    handful = presets.resolve(StrategyPart(), "decoder", 40, 2_000_000)
    few = presets.resolve(StrategyPart(), "decoder", 400, 2_000_000)
    assert handful.epochs * -(-40 // handful.batch_rows) >= 100
    assert handful.epochs > few.epochs
    assert handful.learning_rate > few.learning_rate
    assert handful.early_stopping * 2 >= handful.epochs, "a metric of few items stands still before it moves"


@pytest.mark.parametrize("kind", ["encoder", "encoder_decoder"])
def test_a_kind_without_a_preset_for_a_handful_takes_that_for_few(kind: str) -> None:
    assert presets.resolve(StrategyPart(), kind, 40, 10**7).preset == f"{kind}_few"


def test_adapters_learn_faster_and_undecayed() -> None:
    full = presets.resolve(StrategyPart(tuning="full"), "decoder", 5_000, 10**9)
    lora = presets.resolve(StrategyPart(tuning="lora"), "decoder", 5_000, 10**9)
    assert lora.learning_rate == pytest.approx(10 * full.learning_rate)
    assert lora.weight_decay == 0 < full.weight_decay
    assert 8 <= lora.lora_rank <= 16


def test_from_scratch_is_faster_and_comments_are_gentler() -> None:
    tuned = presets.resolve(StrategyPart(), "encoder_decoder", 50_000, 5_000_000)
    scratch = presets.resolve(StrategyPart(), "encoder_decoder", 50_000, 5_000_000, scratch=True)
    learnt = presets.resolve(StrategyPart(), "encoder_decoder", 50, 5_000_000, scratch=True, stage="learn")
    assert scratch.learning_rate > tuned.learning_rate > learnt.learning_rate
    assert scratch.label_smoothing == pytest.approx(0.1)
    assert scratch.epochs > tuned.epochs


def test_large_models_get_adapters_unless_they_begin_from_nothing() -> None:
    assert presets.tuning_of("auto", 7 * 10**9) == "lora"
    assert presets.tuning_of("auto", 7 * 10**9, scratch=True) == "full"
    assert presets.tuning_of("auto", 10**8) == "full"
    assert presets.tuning_of("frozen", 7 * 10**9) == "frozen"


def test_a_wrong_preset_is_named() -> None:
    with pytest.raises(RecipeError, match="encoder_few"):
        presets.resolve(StrategyPart(preset="encoder_fex"), "encoder", 500, 10**8)
    with pytest.raises(RecipeError, match="decoder"):
        presets.resolve(StrategyPart(preset="encoder_few"), "decoder", 500, 10**8)
