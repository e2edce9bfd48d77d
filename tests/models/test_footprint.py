"""Estimates against what torch and peft really allocate, and that every knob moves them the right way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    LlamaConfig,
    LlamaForCausalLM,
)

from sayso.models.footprint import (
    SLACK,
    Load,
    Shape,
    adapter_parameters,
    body_parameters,
    estimate,
    fits,
    readable,
    seconds,
    smallest_change,
    trainable,
)

SIZES = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 256}


def shape_of(model: Any, kind: Any, **more: Any) -> Shape:
    return Shape(kind, sum(p.numel() for p in model.parameters()), 64, 4, 4, 300, 256, **more)


@pytest.fixture(scope="module")
def bert() -> tuple[Any, Shape]:
    model = BertModel(BertConfig(vocab_size=300, **SIZES))
    return model, shape_of(model, "encoder")


@pytest.fixture(scope="module")
def llama() -> tuple[Any, Shape]:
    model = LlamaForCausalLM(LlamaConfig(vocab_size=300, num_key_value_heads=2, **SIZES))
    return model, shape_of(model, "decoder", kv_heads=2, gated=True)


@pytest.fixture(scope="module")
def gpt2() -> tuple[Any, Shape]:
    config = GPT2Config(vocab_size=300, n_embd=64, n_layer=4, n_head=4, bos_token_id=1, eos_token_id=1)
    model = GPT2Model(config)
    return model, shape_of(model, "decoder")


@pytest.fixture(scope="module")
def bart() -> tuple[Any, Shape]:
    widths = {"d_model": 64, "encoder_layers": 2, "decoder_layers": 2, "attention_dropout": 0.1}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
    wide = {"encoder_ffn_dim": 256, "decoder_ffn_dim": 256}
    model = BartForConditionalGeneration(BartConfig(vocab_size=300, **widths, **heads, **wide))
    return model, shape_of(model, "encoder_decoder", encoder_layers=2)


def kept_for_backward(model: Any, rows: int, length: int) -> int:
    """Bytes of all tensors that autograd keeps, each storage once, parameters not counted."""
    own = {p.untyped_storage().data_ptr() for p in (*model.parameters(), *model.buffers())}
    seen: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    ids = torch.randint(3, 300, (rows, length))
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        kept = model(input_ids=ids, attention_mask=torch.ones_like(ids).triu(-length + 2))
    assert kept is not None
    return sum(tensor.untyped_storage().nbytes() for tensor in seen.values())


@pytest.mark.parametrize("name", ["bert", "llama", "gpt2", "bart"])
@pytest.mark.parametrize(("rows", "length"), [(16, 16), (2, 128)])
def test_activations_are_near_what_autograd_keeps(
    name: str, rows: int, length: int, request: pytest.FixtureRequest
) -> None:
    model, shape = request.getfixturevalue(name)
    tokens = rows * length * (2 if shape.kind == "encoder_decoder" else 1)
    load = Load(micro_tokens=tokens, row_tokens=length, supervised=0.0)
    assert estimate(shape, load).activations / SLACK == pytest.approx(kept_for_backward(model, rows, length), rel=0.4)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
@pytest.mark.parametrize("name", ["bert", "llama", "bart"])
def test_adapters_are_counted_as_peft_counts_them(name: str, request: pytest.FixtureRequest) -> None:
    model, shape = request.getfixturevalue(name)
    wrapped = get_peft_model(type(model)(model.config), LoraConfig(r=4, target_modules="all-linear"))
    real = sum(p.numel() for p in wrapped.parameters() if p.requires_grad)
    assert adapter_parameters(shape, 4) == pytest.approx(real, rel=0.05)


@pytest.mark.parametrize("name", ["bert", "llama", "gpt2", "bart"])
def test_the_body_and_the_embeddings_make_up_the_model(name: str, request: pytest.FixtureRequest) -> None:
    model, shape = request.getfixturevalue(name)
    tables = {p.data_ptr(): p.numel() for m in model.modules() for p in _table(m)}
    assert body_parameters(shape) + sum(tables.values()) == pytest.approx(shape.parameters, rel=0.05)


def _table(module: Any) -> list[torch.Tensor]:
    return [module.weight] if isinstance(module, torch.nn.Embedding) or _is_output(module) else []


def _is_output(module: Any) -> bool:
    return isinstance(module, torch.nn.Linear) and module.out_features == 300


def test_full_training_allocates_gradients_and_two_moments_per_parameter(llama: tuple[Any, Shape]) -> None:
    model, shape = llama
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    model.eval()
    model(input_ids=torch.ones(1, 4, dtype=torch.long)).logits.sum().backward()
    optimizer.step()
    moments = sum(t.numel() * t.element_size() for s in optimizer.state.values() for t in s.values() if t.dim())
    gradients = sum(p.grad.numel() * p.grad.element_size() for p in model.parameters())
    footprint = estimate(shape, Load())
    assert (footprint.gradients, footprint.optimiser) == (gradients, moments)
    assert footprint.weights == sum(p.numel() * p.element_size() for p in model.parameters())


QWEN = Shape("decoder", 494_032_768, 896, 24, 14, 151_936, 4864, 32768, kv_heads=2, gated=True)
BERT = Shape("encoder", 102_267_648, 768, 12, 12, 21128, 3072)
OPUS = Shape("encoder_decoder", 77_943_296, 512, 12, 8, 65001, 2048, encoder_layers=6)
shapes = st.sampled_from([QWEN, BERT, OPUS])
loads = st.builds(
    Load,
    tuning=st.sampled_from(["full", "lora", "dora", "rslora", "frozen", "qlora"]),
    dtype=st.sampled_from(["float32", "bfloat16"]),
    micro_tokens=st.integers(64, 16384),
    row_tokens=st.integers(16, 1024),
    evaluation_tokens=st.integers(64, 16384),
    lora_rank=st.integers(1, 64),
    supervised=st.sampled_from([-1.0, 0.1, 0.9]),
    snapshots=st.integers(0, 2),
    tokens=st.integers(0, 10**7),
)


@settings(deadline=None, max_examples=60)
@given(shapes, loads, st.sampled_from(["micro_tokens", "row_tokens", "evaluation_tokens", "lora_rank", "snapshots"]))
def test_more_of_anything_never_takes_less_memory(shape: Shape, load: Load, knob: str) -> None:
    more = replace(load, **{knob: getattr(load, knob) * 2 + 1})
    assert estimate(shape, more).peak >= estimate(shape, load).peak


@settings(deadline=None, max_examples=40)
@given(shapes, loads)
def test_lighter_tuning_takes_less(shape: Shape, load: Load) -> None:
    held = {t: estimate(shape, replace(load, tuning=t)).held for t in ("full", "lora", "qlora", "frozen")}
    assert held["qlora"] < held["lora"] < held["full"]
    assert held["frozen"] < held["full"]
    assert trainable(shape, replace(load, tuning="dora")) > trainable(shape, replace(load, tuning="lora"))


@settings(deadline=None, max_examples=40)
@given(shapes, loads)
def test_half_precision_never_takes_more(shape: Shape, load: Load) -> None:
    half, whole = (estimate(shape, replace(load, dtype=d)) for d in ("bfloat16", "float32"))
    assert half.peak <= whole.peak
    assert half.weights < whole.weights


@settings(deadline=None, max_examples=40)
@given(shapes, loads, st.floats(0.3, 1.0))
def test_the_smallest_change_really_makes_it_fit(shape: Shape, load: Load, share: float) -> None:
    memory = int(estimate(shape, load).peak * share)
    change = smallest_change(shape, load, memory, smaller=[("tiny", replace(BERT, kind=shape.kind, layers=1))])
    assert change is None or fits(change.footprint, memory)


def test_mild_changes_come_before_harsh_ones() -> None:
    load = Load(micro_tokens=16384, row_tokens=128)
    peak = estimate(BERT, load).peak
    mild = smallest_change(BERT, load, int(peak * 0.9))
    assert mild is not None
    assert (mild.key, mild.value) == ("strategy.micro_tokens", "8192")
    small = Load(micro_tokens=128, row_tokens=128, evaluation_tokens=128)
    lora = smallest_change(BERT, small, int(estimate(BERT, small).peak * 0.6))
    assert lora is not None
    assert (lora.key, lora.value) == ("strategy.tuning", "lora")


def test_weights_beside_adapters_may_be_held_in_half_precision() -> None:
    load = Load(tuning="lora", micro_tokens=64, row_tokens=64, evaluation_tokens=64)
    change = smallest_change(QWEN, load, int(estimate(QWEN, load).peak * 0.7))
    assert change is not None
    assert (change.key, change.value) == ("model.dtype", "bfloat16")


def test_a_smaller_model_is_the_last_resort_and_nothing_fits_into_nothing() -> None:
    load = Load(tuning="frozen", micro_tokens=32, row_tokens=32, evaluation_tokens=32)
    small = replace(BERT, parameters=10_000_000, hidden=128, intermediate=512, vocabulary=8000)
    memory = estimate(small, load).peak + 1
    change = smallest_change(BERT, load, memory, smaller=[("小模型", small)])
    assert change is not None
    assert (change.key, change.value) == ("model.name", "小模型")
    assert "10M" in change.words
    assert smallest_change(BERT, load, 1000, smaller=[("小模型", small)]) is None


def test_qlora_is_offered_only_where_the_machine_can() -> None:
    load = Load(tuning="lora", micro_tokens=64, row_tokens=64, evaluation_tokens=64, dtype="bfloat16")
    memory = int(estimate(QWEN, load).peak * 0.8)
    with_it = smallest_change(QWEN, load, memory, qlora=True)
    without = smallest_change(QWEN, load, memory)
    assert with_it is not None
    assert with_it.value == "qlora"
    assert without is None or without.value != "qlora"


def test_time_follows_the_operations() -> None:
    load = Load(tokens=1_000_000)
    full = seconds(BERT, load, 1e12)
    assert full == pytest.approx(6 * body_parameters(BERT) * 1e6 / 0.4e12)
    assert seconds(BERT, replace(load, tokens=2_000_000), 1e12) == pytest.approx(2 * full)
    assert seconds(BERT, replace(load, tuning="lora"), 1e12) < full
    assert seconds(BERT, load, 0.0) == 0.0


def test_disk_holds_two_checkpoints_the_best_and_the_result() -> None:
    full, lora = estimate(BERT, Load()), estimate(BERT, Load(tuning="lora"))
    assert full.disk == 8 * BERT.parameters * 4
    assert lora.disk < full.disk / 20


def test_sizes_are_readable() -> None:
    assert [readable(n) for n in (12, 2048, 300 * 2**20, 1.5 * 2**30)] == ["12 B", "2.0 KB", "300 MB", "1.5 GB"]


def test_the_parts_as_json_hold_the_peak() -> None:
    plain = estimate(QWEN, Load()).as_json()
    assert plain["peak"] >= plain["held"] > plain["weights"] > 0
