"""What the three learners share: a model with its tokenizer on a device, and what can be done with any of them.

Decided here:
- Only the logits that a loss or a score needs are computed: a hook in front of the output layer picks the supervised
  positions, so whatever the architecture does around that layer (scaling, soft caps, a bias) still happens. Where the
  layer is not reached in the usual way the full logits are computed and picked from afterwards, to the same effect.
- Training steps may multiply in a faster dtype (autocast) while weights, sums and all scoring stay in float32: what is
  reported does not depend on the machine.
- Where those steps multiply in bfloat16 on a CPU, rows of up to 256 tokens attend in plain matrix products: torch's
  fused attention gains nothing from the format there. Measured on an AMD EPYC (one thread, processor time of forward
  and backward, median of 5, models of 2M to 23M parameters, fused over plain): 1.4 to 1.5 at 32 tokens, 1.1 to 1.4 at
  64 and 128, 1.1 to 1.2 at 256, 0.7 at 512, where the weights of attention fill the memory; in float32 0.6 to 1.0.
- A teacher that is this model at an earlier time is a snapshot of the trainable tensors, swapped in and out.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from sayso.models.segments import Segments
from sayso.records import Row

FACTS = "sayso.json"
SCORING_TOKENS = 8192
PLAIN_ATTENTION = 256  # tokens of a row


@dataclass
class TokenBatch:
    """Rows laid out for one forward pass (L lines, T places, N supervised positions)."""

    inputs: dict[str, Any]
    at_N: torch.Tensor  # index into the flattened [L*T] places of the logits
    targets_N: torch.Tensor
    weights_N: torch.Tensor
    row_N: torch.Tensor
    rows: int
    tokens: int


@dataclass
class Core:
    """An opened model. `model` has any adapters injected; `adapter` is peft's handle on them."""

    model: Any
    tokenizer: Any
    device: torch.device
    max_length: int
    origin: str
    adapter: Any = None
    facts: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    fast_dtype: torch.dtype = torch.float32
    mixed: bool = False
    decodes: bool | None = None  # whether `decode` answers for this model; None before it was tried
    segments: Segments = field(init=False)

    def __post_init__(self) -> None:
        self.segments = Segments(self.tokenizer)

    @contextmanager
    def computing(self, batch: TokenBatch) -> Iterator[None]:
        """Inside, matrix products of a training step run in the fast dtype; the weights stay as they are.

        Lines that hold several rows attend as always: in that way they are known not to see each other.
        """
        if not self.mixed or self.fast_dtype == torch.float32:
            yield
            return
        lines, width = batch.inputs["input_ids"].shape
        plain = self.device.type == "cpu" and width <= PLAIN_ATTENTION and lines == batch.rows
        with torch.autocast(self.device.type, self.fast_dtype), self.attending("eager") if plain else nullcontext():
            yield

    @contextmanager
    def attending(self, how: str) -> Iterator[None]:
        """Inside, attention is computed in this way: "eager" is in plain matrix products, with weights to be seen."""
        usual = self.model.config._attn_implementation
        self.model.set_attn_implementation(how)
        try:
            yield
        finally:
            self.model.set_attn_implementation(usual)

    def parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """The trainable parameters by name, each tensor once."""
        return [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]

    def remember(self, name: str) -> None:
        """Keep the trainable tensors as they are now, as the teacher `name`; "base" is kept once and for all."""
        if name == "base" and name in self.snapshots:
            return
        self.snapshots[name] = {key: p.detach().clone() for key, p in self.parameters()}

    @contextmanager
    def as_teacher(self, name: str) -> Iterator[None]:
        """Inside, the trainable tensors are what they were when `name` was remembered ("self": as they are now).

        No gradients, no dropout.
        """
        kept = {} if name == "self" else self.snapshots[name]
        now = {key: p.data for key, p in self.parameters()}
        was_training = self.model.training
        for key, p in self.parameters():
            p.data = kept.get(key, p.data)
        self.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for key, p in self.parameters():
                p.data = now[key]
            self.model.train(was_training)

    def train_mode(self, on: bool) -> None:
        """Dropout on or off."""
        self.model.train(on)

    def save(self, folder: Path) -> None:
        """Model (or adapter), tokenizer and our facts, into `folder`, all readable to whom the umask says.

        safetensors keeps its files to their owner alone.
        """
        with quiet():
            (self.adapter if self.adapter is not None else self.model).save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
        facts = self.facts | {"max_length": self.max_length, "origin": self.origin}
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
        for file in folder.glob("*.safetensors"):
            file.chmod((folder / FACTS).stat().st_mode)


@contextmanager
def quiet() -> Iterator[None]:
    """transformers' loading bars and reports are not for our users: what matters we say ourselves."""
    from transformers.utils import logging as messages

    level, bars = messages.get_verbosity(), messages.is_progress_bar_enabled()
    messages.set_verbosity(logging.CRITICAL)
    messages.disable_progress_bar()
    try:
        yield
    finally:
        messages.set_verbosity(level)
        if bars:
            messages.enable_progress_bar()


def frame(tokenizer: Any, *, target: bool = False) -> tuple[list[int], list[int]]:
    """The special tokens that this tokenizer puts before and after a sentence (as a source, or as a target)."""
    word = {"text_target" if target else "text": "a"}
    bare, whole = (list(tokenizer(**word, add_special_tokens=special)["input_ids"]) for special in (False, True))
    begin = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
    return whole[:begin], whole[begin + len(bare) :]


def supervised_part(rows: Sequence[Row], starts: Sequence[int], device: torch.device) -> dict[str, Any]:
    """The N-sized tensors of a batch; starts[i] is where row i's places begin in the flattened logits."""
    at = [start + place for row, start in zip(rows, starts, strict=True) for place in row.at]
    return {
        "at_N": torch.tensor(at, dtype=torch.long, device=device),
        "targets_N": torch.tensor([t for row in rows for t in row.targets], dtype=torch.long, device=device),
        "weights_N": torch.tensor([w for row in rows for w in row.weights], dtype=torch.float32, device=device),
        "row_N": torch.tensor([i for i, row in enumerate(rows) for _ in row.at], dtype=torch.long, device=device),
        "rows": len(rows),
    }


def padded(lines: Sequence[Sequence[int]], fill: int, device: torch.device) -> torch.Tensor:
    """ids_LT, padded on the right."""
    width = max(map(len, lines))
    return torch.tensor([[*line, *[fill] * (width - len(line))] for line in lines], dtype=torch.long, device=device)


def filled(lines: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
    """mask_LT: 1 where a line has a token. By length, never by token id: padding may equal the end token."""
    width = max(map(len, lines))
    return torch.tensor(
        [[1] * len(line) + [0] * (width - len(line)) for line in lines], dtype=torch.long, device=device
    )


def picked_logits(model: Any, inputs: Mapping[str, Any], at_N: torch.Tensor) -> torch.Tensor:
    """logits_NV at the flattened places at_N of a model with an output layer over the vocabulary.

    Pass `use_cache: False` in `inputs` for a model that could keep its keys: with a cache there is no packing.
    """
    reached: list[bool] = []

    def pick(_module: Any, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        hidden = args[0]
        if hidden.dim() != 3:
            return None
        reached.append(True)
        return (hidden.reshape(-1, hidden.shape[-1]).index_select(0, at_N)[None], *args[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        logits = model(**inputs).logits
    finally:
        handle.remove()
    flat: torch.Tensor = logits.reshape(-1, logits.shape[-1])
    return flat if reached else flat.index_select(0, at_N)


def full_logits(model: Any, inputs: Mapping[str, Any], at_N: torch.Tensor) -> torch.Tensor:
    """The slow, certain way to the same logits_NV; tests compare the two."""
    logits: torch.Tensor = model(**inputs).logits
    return logits.reshape(-1, logits.shape[-1]).index_select(0, at_N)


def pieces(core: Core, text: str) -> list[str]:
    """A text cut at token boundaries so that each piece, with its special tokens, fits the model."""
    if not getattr(core.tokenizer, "is_fast", False):
        return [text]
    spans = core.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    room = core.max_length - 3
    cuts = [spans[begin][0] for begin in range(room, len(spans), room)]
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if text[a:b].strip()]


def chunks_by_tokens(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices, longest first, in groups whose padded size stays within `budget` tokens (at least one each)."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    groups: list[list[int]] = []
    width = 0
    for i in order:
        if groups and width * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(i)
        else:
            groups.append([i])
            width = lengths[i]
    return groups


def token_logps(learner: Any, rows: Sequence[Row], budget: int = SCORING_TOKENS) -> list[list[float]]:
    """log p of each target token of each row, in nats, without gradients or dropout."""
    learner.core.train_mode(False)
    scores: list[list[float]] = [[] for _ in rows]
    with torch.no_grad():
        for group in chunks_by_tokens([learner.cost(row) for row in rows], budget):
            batch = learner.batch([rows[i] for i in group])
            logp_NV = torch.log_softmax(learner.logits(batch).float(), dim=-1)
            logp_N = logp_NV.gather(1, batch.targets_N[:, None])[:, 0]
            for i, part in zip(group, torch.split(logp_N, [len(rows[i].targets) for i in group]), strict=True):
                scores[i] = part.tolist()
    return scores


def row_logps(learner: Any, rows: Sequence[Row]) -> list[float]:
    """Sum over each row's targets of log p(target), in nats."""
    return [math.fsum(scores) for scores in token_logps(learner, rows)]
