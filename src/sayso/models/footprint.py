"""How much memory, disk and time a training takes, from a model's shape alone; no torch.

Decided here:
- Factors were measured on transformers 5 and include slack; `plan` measures one real step beside the estimate.
- What training holds and what an evaluation in the middle of it holds are both counted; the larger one is the peak.
- Activations per token and layer are linear in the widths plus, where attention is not fused, quadratic in the row's
  length (the accounting of Korthikanti et al. 2022, arXiv 2205.05198).
- The smallest change comes from a fixed order: what alters the result least is tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from sayso.records import Kind

Tuning = Literal["full", "lora", "dora", "rslora", "frozen", "qlora"]
ADAPTERS = ("lora", "dora", "rslora", "qlora")
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
NF4_BYTES = 0.56  # four bits and a scale per block of 64 (QLoRA, arXiv 2305.14314)
RUNTIME = 400 * 2**20  # the interpreter with torch and transformers loaded; much the same as a CUDA context
ADAM_MOMENTS = 2
EFFICIENCY = 0.4  # share of a large matrix product's speed that a training step reaches
SLACK = 1.2  # backward's temporaries and what the allocator cannot reuse: 1.1 to 1.2 was measured
ADAPTED = 1.25  # adapters keep their own inputs and outputs too: measured on rank 16 beside every linear layer
SHRINK = (8, 4, 2)


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model. `layers` counts encoder and decoder together, `encoder_layers` those that encode.

    `gated` is a feed-forward part with three matrices instead of two. kv_heads and head_dim of 0 mean the usual.
    """

    kind: Kind
    parameters: int
    hidden: int
    layers: int
    heads: int
    vocabulary: int
    intermediate: int
    context: int = 512
    kv_heads: int = 0
    head_dim: int = 0
    encoder_layers: int = 0
    gated: bool = False

    @property
    def attention(self) -> int:
        """Width of all query heads together."""
        return self.heads * (self.head_dim or self.hidden // max(1, self.heads))

    @property
    def keys(self) -> int:
        """Width of all key heads together."""
        return (self.kv_heads or self.heads) * (self.head_dim or self.hidden // max(1, self.heads))

    @property
    def crossing(self) -> int:
        """Layers with cross-attention."""
        return self.layers - self.encoder_layers if self.kind == "encoder_decoder" else 0


@dataclass(frozen=True, slots=True)
class Load:
    """What a training puts on the machine.

    micro_tokens and evaluation_tokens go through the network at once; row_tokens is the longest row; `supervised` is
    the share of tokens with a loss (-1: the usual for the kind); `snapshots` are copies of the trainable tensors that
    stay (a teacher, an average); tokens is the whole training's count.
    """

    tuning: Tuning = "full"
    dtype: str = "float32"
    micro_tokens: int = 2048
    row_tokens: int = 128
    evaluation_tokens: int = 8192
    lora_rank: int = 16
    labels: int = 0
    supervised: float = -1.0
    snapshots: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes per part, and what follows from them. `seconds` is 0 where no speed or no number of tokens is known."""

    weights: int
    gradients: int
    optimiser: int
    snapshots: int
    activations: int
    logits: int
    evaluation: int
    runtime: int
    disk: int
    trainable: int
    seconds: float = 0.0

    @property
    def held(self) -> int:
        """What stays allocated between steps."""
        return self.weights + self.gradients + self.optimiser + self.snapshots + self.runtime

    @property
    def peak(self) -> int:
        """Bytes at the worst moment, of training or of an evaluation within it."""
        return self.held + max(self.activations + self.logits, self.evaluation)

    def as_json(self) -> dict[str, float]:
        """All parts and the peak."""
        return asdict(self) | {"held": self.held, "peak": self.peak}


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a recipe that makes it fit: the key, its new value, in words, and what it then needs."""

    key: str
    value: str
    words: str
    footprint: Footprint


def estimate(shape: Shape, load: Load, flops_per_second: float = 0.0) -> Footprint:
    """The footprint of training `shape` under `load` on a machine that multiplies matrices at `flops_per_second`."""
    trained = trainable(shape, load)
    each = _trained_bytes(load)
    weights = _weight_bytes(shape, load)
    state = int(trained * each)
    moments = ADAM_MOMENTS * state
    copies = load.snapshots * state
    return Footprint(
        weights=weights,
        gradients=state,
        optimiser=moments,
        snapshots=copies,
        activations=_activations(shape, load),
        logits=_logits(shape, load, load.micro_tokens, kept=3),
        evaluation=_evaluation(shape, load),
        runtime=RUNTIME,
        disk=_disk(shape, load, state),
        trainable=trained,
        seconds=seconds(shape, load, flops_per_second),
    )


def fits(footprint: Footprint, memory: int) -> bool:
    """Whether the peak stays within `memory` bytes."""
    return footprint.peak <= memory


def smallest_change(
    shape: Shape, load: Load, memory: int, *, qlora: bool = False, smaller: Sequence[tuple[str, Shape]] = ()
) -> Change | None:
    """The first single change, mildest first, that makes it fit into `memory` bytes; None where none does.

    `smaller` are models to fall back on, the most preferred first; `qlora` says whether this machine can do it.
    """
    for key, value, words, other, lighter in _changes(shape, load, qlora, smaller):
        footprint = estimate(other, lighter)
        if fits(footprint, memory):
            return Change(key, value, words, footprint)
    return None


def trainable(shape: Shape, load: Load) -> int:
    """Parameters that are trained."""
    head = shape.hidden * load.labels + load.labels if shape.kind == "encoder" else 0
    if load.tuning == "full":
        return shape.parameters + head
    if load.tuning == "frozen":
        return min(shape.hidden * (shape.hidden + 1), shape.parameters) + head
    return min(adapter_parameters(shape, load.lora_rank, load.tuning == "dora"), shape.parameters) + head


def adapter_parameters(shape: Shape, rank: int, magnitudes: bool = False) -> int:
    """Low-rank factors beside every linear layer (LoRA, arXiv 2106.09685): rank x (inputs + outputs) each.

    DoRA (arXiv 2402.09353) adds one magnitude per output.
    """
    per_matrix = rank * _sum(shape, lambda rows, columns: rows + columns)
    return per_matrix + (_sum(shape, lambda _, columns: columns) if magnitudes else 0)


def body_parameters(shape: Shape) -> int:
    """Parameters in the layers, without embeddings, norms and biases."""
    return _sum(shape, lambda rows, columns: rows * columns)


def seconds(shape: Shape, load: Load, flops_per_second: float) -> float:
    """Time for load.tokens: 2 operations per parameter and token forward, 2 for inputs' and 2 for weights' gradients.

    Kaplan et al. 2020 (arXiv 2001.08361), section 2.1. Adapters spare the weights' gradients, a frozen body both.
    """
    if flops_per_second <= 0 or load.tokens <= 0:
        return 0.0
    passes = {"full": 6, "frozen": 2}.get(load.tuning, 4)
    output = shape.hidden * shape.vocabulary * _supervised(shape, load)
    operations = passes * (body_parameters(shape) * _through(shape) + output) * load.tokens
    return operations / (flops_per_second * EFFICIENCY)


def readable(size: float) -> str:
    """Bytes for people: 1.5 GB, 300 MB (powers of 1024)."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(size) < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if size >= 100 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


# ---------------------------------------------------------------- inside


def _matrices(shape: Shape) -> Iterator[tuple[int, int, int]]:
    """(inputs, outputs, how many) of every kind of linear layer."""
    attentions = shape.layers + shape.crossing
    yield shape.hidden, shape.attention, attentions
    yield shape.hidden, shape.keys, 2 * attentions
    yield shape.attention, shape.hidden, attentions
    yield shape.hidden, shape.intermediate, (2 if shape.gated else 1) * shape.layers
    yield shape.intermediate, shape.hidden, shape.layers


def _sum(shape: Shape, of: Callable[[int, int], int]) -> int:
    return sum(of(rows, columns) * count for rows, columns, count in _matrices(shape))


def _trained_bytes(load: Load) -> float:
    """Adapters stay in float32 even beside half-precision weights."""
    return 4.0 if load.tuning in ADAPTERS else BYTES[load.dtype]


def _weight_bytes(shape: Shape, load: Load) -> int:
    extra = trainable(shape, load) * 4 if load.tuning in ADAPTERS else 0
    if load.tuning != "qlora":
        return int(shape.parameters * BYTES[load.dtype]) + extra
    body = min(body_parameters(shape), shape.parameters)
    return int(body * NF4_BYTES + (shape.parameters - body) * BYTES[load.dtype]) + extra


def _through(shape: Shape) -> float:
    """Share of the layers that a token passes: source tokens pass the encoder only, target tokens the decoder."""
    return 0.5 if shape.kind == "encoder_decoder" else 1.0


def _supervised(shape: Shape, load: Load) -> float:
    usual = {"encoder": 0.0, "encoder_decoder": 0.5, "decoder": 1.0}
    return load.supervised if load.supervised >= 0 else usual[shape.kind]


def _feed_forward_factor(shape: Shape) -> int:
    """Tensors of the intermediate width that backward needs; GPT-like activations are many small operations."""
    if shape.gated:
        return 4
    return 5 if shape.kind == "decoder" else 2


def _attention_factor(shape: Shape) -> float:
    """Tensors of size heads x T x T per row: three where dropout in the attention keeps it from being fused."""
    return 0.3 if shape.kind == "decoder" and shape.gated else 3.0


def _per_token(shape: Shape, row_tokens: int) -> float:
    """Elements kept for backward per token and layer."""
    linear = 5 * shape.hidden + 6 * shape.attention + _feed_forward_factor(shape) * shape.intermediate
    crossing = 5 * shape.hidden * shape.crossing / max(1, shape.layers)
    return linear + crossing + _attention_factor(shape) * shape.heads * row_tokens


def _tokens(load: Load, tokens: int) -> int:
    """A piece holds at least one whole row."""
    return max(tokens, load.row_tokens)


def _activations(shape: Shape, load: Load) -> int:
    """A frozen body keeps nothing for backward: one layer's working set."""
    tokens = _tokens(load, load.micro_tokens) * _through(shape)
    per_layer = tokens * _per_token(shape, load.row_tokens) * BYTES[load.dtype] * SLACK
    if load.tuning == "frozen":
        return int(per_layer)
    return int(shape.layers * per_layer * (ADAPTED if load.tuning in ADAPTERS else 1.0))


def _logits(shape: Shape, load: Load, tokens: int, kept: int) -> int:
    """`kept` float32 copies over the vocabulary: the logits, their log-softmax and, in training, the gradient."""
    return int(kept * 4 * _tokens(load, tokens) * _supervised(shape, load) * shape.vocabulary)


def _evaluation(shape: Shape, load: Load) -> int:
    """One layer's working set, the keys and values of generation, and the logits of an evaluation batch."""
    tokens = _tokens(load, load.evaluation_tokens) * _through(shape)
    working = tokens * _per_token(shape, load.row_tokens)
    cache = 0 if shape.kind == "encoder" else tokens * 2 * shape.keys * shape.layers
    return int((working + cache) * BYTES[load.dtype]) + _logits(shape, load, load.evaluation_tokens, kept=2)


def _disk(shape: Shape, load: Load, state: int) -> int:
    """A resumable checkpoint and its successor while it is written, the best weights, and what is saved at the end."""
    checkpoint = state * (1 + ADAM_MOMENTS)
    final = state if load.tuning in ADAPTERS else int(shape.parameters * BYTES[load.dtype])
    return 2 * checkpoint + state + final


_Trial = tuple[str, str, str, Shape, Load]


def _changes(shape: Shape, load: Load, qlora: bool, smaller: Sequence[tuple[str, Shape]]) -> Iterator[_Trial]:
    yield from _smaller_pieces(shape, load)
    yield from _lighter_tuning(shape, load, qlora)
    for part in sorted(SHRINK):
        if load.row_tokens // part >= 32:
            rows = load.row_tokens // part
            words = f"cut rows to {rows} tokens instead of {load.row_tokens}"
            fewer = replace(load, row_tokens=rows, micro_tokens=min(load.micro_tokens, rows))
            yield "model.max_length", str(rows), words, shape, fewer
    for name, other in smaller:
        if other.parameters < shape.parameters:
            words = f"take the smaller model {name} ({other.parameters / 1e6:.0f}M parameters)"
            yield "model.name", name, words, other, load


def _smaller_pieces(shape: Shape, load: Load) -> Iterator[_Trial]:
    """Smaller pieces change nothing but speed: the loss is weighted by tokens."""
    for key, name in (("strategy.micro_tokens", "micro_tokens"), ("evaluate.batch_tokens", "evaluation_tokens")):
        tokens = getattr(load, name) // 2
        while tokens >= max(load.row_tokens, 1):
            what = "training" if name == "micro_tokens" else "evaluation"
            words = f"put {tokens} tokens instead of {getattr(load, name)} through the network at once in {what}"
            lighter = replace(load, micro_tokens=tokens) if name == "micro_tokens" else None
            yield key, str(tokens), words, shape, lighter or replace(load, evaluation_tokens=tokens)
            tokens //= 2


def _lighter_tuning(shape: Shape, load: Load, qlora: bool) -> Iterator[_Trial]:
    if load.tuning in ADAPTERS and load.dtype == "float32":
        words = "hold the weights, which are only read, in bfloat16"
        yield "model.dtype", "bfloat16", words, shape, replace(load, dtype="bfloat16")
    if load.tuning == "full":
        words = "train LoRA adapters instead of all weights"
        yield "strategy.tuning", "lora", words, shape, replace(load, tuning="lora")
    if qlora and load.tuning not in ("qlora", "frozen"):
        words = "hold the weights in four bits and train adapters (QLoRA)"
        yield "strategy.tuning", "qlora", words, shape, replace(load, tuning="qlora")
    if shape.kind == "encoder" and load.tuning != "frozen":
        words = "train the head alone and leave the encoder as it is"
        yield "strategy.tuning", "frozen", words, shape, replace(load, tuning="frozen")
