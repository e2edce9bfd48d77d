"""ONNX for ONNX Runtime: any batch and length, the keys and values of a decoder as inputs and outputs, int8 if asked.

Decided here:
- The graphs and their inputs are named as Optimum names them, so what reads its exports finds its way: model.onnx, and
  of an encoder-decoder encoder_model.onnx and decoder_model.onnx. Tokenizer, template and config lie beside them.
- A decoder of CACHED is one graph for reading a prompt (past of length 0) and for going on token by token. Of others,
  and of encoder-decoders, every token reads the whole answer anew: right, and slower the longer it gets. Where keys
  were not seen to come out right, or torch's exporter does not end (GPT-Neo), a graph without them is the honest one.
- Real rows are replayed in padded batches of four and golden prompts alone, so batch, length and padding are proven to
  be free, and the past that grows is, too.
- int8 is ONNX Runtime's dynamic quantisation: weights in 8 bits with a scale per channel, activations as they come. It
  is another model, close by: what is asked of it stands in `tolerance`, and what it came to in agreement.json.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sayso.bundle import Export, Golden, Replay, Replayed, ReplayRow, Tolerance, said
from sayso.errors import UnsupportedError
from sayso.models import plain
from sayso.records import Kind

KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")
CACHED = ("gemma3_text", "gpt2", "llama", "mistral", "opt", "phi3", "qwen2", "qwen3")
NEEDS = ("onnx", "onnxruntime", "onnxscript")
LARGEST = 1_900_000_000  # bytes of weights: one ONNX file holds two gigabytes
BATCH = 4


@dataclass(frozen=True, slots=True)
class Knobs:
    """`int8`: weights in 8 bits, about a quarter of the size."""

    int8: bool = False


def check(export: Export, knobs: Knobs) -> None:
    """UnsupportedError without onnxruntime, or for a model that is too large for one file."""
    del knobs
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise UnsupportedError(
            f"ONNX files are written and proven with {', '.join(missing)}", fix="pip install 'sayso[onnx]'"
        )
    size = sum(file.stat().st_size for file in export.weights.glob("*.safetensors"))
    if size > LARGEST:
        raise UnsupportedError(
            f"weights of {size / 1e9:.1f} GB in float32 do not fit into one ONNX file, and several were not proven",
            expected=f"at most {LARGEST / 1e9:.1f} GB",
            fix="export to safetensors or gguf",
        )


def tolerance(knobs: Knobs) -> Tolerance:
    """Of the same numbers summed in another order; of int8 what rounding to 255 steps does to small models."""
    return Tolerance(0.25, 0.9, 0.7) if knobs.int8 else Tolerance(1e-3)


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """The graphs, and all of the model's folder but its weights."""
    shutil.copytree(export.weights, folder, ignore=shutil.ignore_patterns("*.safetensors*"), dirs_exist_ok=True)
    with _quiet():
        for graph in _graphs(export):
            made = torch.onnx.export(
                graph.module,
                (),
                kwargs=graph.example,
                dynamic_shapes=graph.free,
                input_names=graph.inputs,
                output_names=graph.outputs,
                dynamo=True,
                verbose=False,
            )
            if made is not None:
                made.save(folder / graph.file)
            if knobs.int8:
                _quantise(folder / graph.file)


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """Read the rows in padded batches and answer the golden prompts one by one in ONNX Runtime."""
    import onnxruntime

    del knobs
    engine = _Engine(folder, replay)
    found = [engine.read(replay.rows[i : i + BATCH]) for i in range(0, len(replay.rows), BATCH)]
    rows = [logits for group in found for logits in group]
    logits_NV = np.concatenate([logits[list(row.at)] for logits, row in zip(rows, replay.rows, strict=True)])
    answers = tuple(engine.answer(one) for one in replay.golden)
    return Replayed("ONNX Runtime", onnxruntime.__version__, logits_NV.astype(np.float32), answers)


def use(export: Export, knobs: Knobs) -> str:
    """A few lines of Python without torch."""
    stored = "Weights are stored in 8 bits." if knobs.int8 else "Weights are stored in float32."
    if export.kind == "encoder_decoder":
        return (
            "`encoder_model.onnx` reads the source once (`input_ids`, `attention_mask`); `decoder_model.onnx` takes "
            "its `last_hidden_state` as `encoder_hidden_states`, the mask as `encoder_attention_mask` and the answer "
            f"so far as `input_ids`, and gives the logits of every place. {stored}"
        )
    asked = ["input_ids", "attention_mask"]
    words = "The logits are one per label of `config.json` (`id2label`)."
    if export.kind == "decoder":
        words = "The likeliest next token is `logits[0, -1].argmax()`."
        if export.architecture in CACHED:
            asked.append("position_ids")
            words += " `past_key_values.*` begin empty; give back `present.*` and the next token alone to go on."
    feeds = ", ".join(f'"{name}": {_FEEDS[name]}' for name in asked)
    return f"{_SNIPPET.format(feeds=feeds)}\n\n{words} {stored}"


_FEEDS = {"input_ids": "ids", "attention_mask": "np.ones_like(ids)", "position_ids": "np.arange(ids.shape[1])[None]"}
_SNIPPET = """```python
import numpy as np, onnxruntime
from tokenizers import Tokenizer

session = onnxruntime.InferenceSession("model.onnx")
ids = np.array([Tokenizer.from_file("tokenizer.json").encode("...").ids])
feeds = {{{feeds}}}
for one in session.get_inputs():  # an empty past, where there is one
    if one.name.startswith("past_"):
        feeds[one.name] = np.zeros((1, one.shape[1], 0, one.shape[3]), np.float32)
logits = session.run(["logits"], feeds)[0]
```"""


# ---------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class _Graph:
    """One file: what computes it, an example of its inputs, which of their dimensions are free, and names."""

    file: str
    module: torch.nn.Module
    example: dict[str, Any]
    free: dict[str, Any]
    inputs: list[str]
    outputs: list[str]


class _Whole(torch.nn.Module):
    """Everything is read at once, nothing is kept."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


class _Cached(torch.nn.Module):
    """What was read before comes in as keys and values, and goes out with what is new."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past: list[torch.Tensor],
    ) -> Any:
        from transformers import DynamicCache

        cache: Any = DynamicCache()
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        logits = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
        ).logits
        return (logits, *(tensor for layer in cache.layers for tensor in (layer.keys, layer.values)))


class _Source(torch.nn.Module):
    """The encoder of an encoder-decoder."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.get_encoder()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class _Target(torch.nn.Module):
    """Its decoder, with the layer that gives logits."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, encoder_hidden_states: torch.Tensor, encoder_attention_mask: torch.Tensor
    ) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=encoder_hidden_states),
            attention_mask=encoder_attention_mask,
            decoder_input_ids=input_ids,
            use_cache=False,
        ).logits


def _graphs(export: Export) -> Iterator[_Graph]:
    model = plain.opened(str(export.weights), export.kind)
    ids = torch.ones(3, 7, dtype=torch.long)
    read = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    line = {0: "batch", 1: "length"}
    if export.kind == "encoder_decoder":
        yield _graph("encoder_model.onnx", _Source(model), read, dict.fromkeys(read, line), "last_hidden_state")
        hidden = torch.zeros(3, 5, int(model.config.hidden_size))
        inputs = {"input_ids": ids, "encoder_hidden_states": hidden, "encoder_attention_mask": ids[:, :5]}
        source = {name: {0: "batch", 1: "source"} for name in ("encoder_hidden_states", "encoder_attention_mask")}
        yield _graph("decoder_model.onnx", _Target(model), inputs, {"input_ids": line} | source, "logits")
    elif export.architecture in CACHED:
        yield _with_past(model, read, line)
    else:
        model.config.use_cache = False
        yield _graph("model.onnx", _Whole(model), read, dict.fromkeys(read, line), "logits")


def _graph(file: str, module: torch.nn.Module, example: dict[str, Any], free: dict[str, Any], output: str) -> _Graph:
    return _Graph(file, module.eval(), example, free, list(example), [output])


def _with_past(model: Any, read: Mapping[str, torch.Tensor], line: dict[int, str]) -> _Graph:
    """Three lines of seven tokens, after a past of five."""
    with torch.no_grad():
        cache = model(input_ids=torch.ones(3, 5, dtype=torch.long), use_cache=True).past_key_values
    past = [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]
    names = [f"{layer}.{part}" for layer in range(len(past) // 2) for part in ("key", "value")]
    example = {
        "input_ids": read["input_ids"],
        "attention_mask": torch.ones(3, 12, dtype=torch.long),
        "position_ids": torch.arange(5, 12)[None].repeat(3, 1),
    }
    free = {"input_ids": line, "attention_mask": {0: "batch", 1: "total"}, "position_ids": line}
    return _Graph(
        "model.onnx",
        _Cached(model).eval(),
        example | {"past": past},
        free | {"past": [{0: "batch", 2: "past"}] * len(past)},
        [*example, *(f"past_key_values.{name}" for name in names)],
        ["logits", *(f"present.{name}" for name in names)],
    )


def _quantise(file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = file.rename(file.with_suffix(".whole"))
    quantize_dynamic(whole, file, per_channel=True, weight_type=QuantType.QInt8)
    whole.unlink()


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's and the quantiser's words are about torch's own insides."""
    was = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(was)


# ---------------------------------------------------------------- replaying


class _Engine:
    """The sessions of a bundle."""

    def __init__(self, folder: Path, replay: Replay) -> None:
        self.replay = replay
        self.sessions = {file.stem: self._session(file) for file in sorted(folder.glob("*.onnx"))}

    def read(self, rows: Sequence[ReplayRow]) -> list[Any]:
        """logits_TV of each row, or an encoder's logits_L as one line; computed together, padded on the right."""
        feeds = self._filled([row.ids for row in rows])
        if self.replay.kind == "encoder_decoder":
            logits_BTV = self._target(self._source(feeds), [row.shifted for row in rows])
        else:
            logits_BTV = self._run(feeds, len(rows))[0]
        return [logits if logits.ndim > 1 else logits[None] for logits in logits_BTV]

    def answer(self, one: Golden) -> tuple[int, ...]:
        """The labels, or the likeliest token again and again."""
        if self.replay.kind == "encoder":
            return said(self.read([ReplayRow(one.ids, (0,))])[0][0], self.replay.several)
        if self.replay.kind == "encoder_decoder":
            source = self._source(self._filled([one.ids]))
            return self._greedy(one, lambda answer: self._target(source, [(*one.opening, *answer)])[0, -1])
        return self._greedy(one, self._going_on(one))

    # ------------------------------------------------------------ inside

    def _greedy(self, one: Golden, after: Any) -> tuple[int, ...]:
        answer: list[int] = []
        while len(answer) < one.room and not (answer and answer[-1] in self.replay.end_ids):
            answer.append(int(after(answer).argmax()))
        return tuple(answer)

    def _going_on(self, one: Golden) -> Any:
        """The logits after an answer that grows by one token each time it is asked."""
        past: list[Any] = []

        def after(answer: Sequence[int]) -> Any:
            ids = (*one.ids, *answer)
            new = ids[-1:] if past else ids
            logits_BTV, *past[:] = self._run(self._filled([new], len(ids)), 1, past)
            return logits_BTV[0, -1]

        return after

    def _run(self, feeds: dict[str, Any], lines: int, past: Sequence[Any] = ()) -> Any:
        """Outputs of model.onnx; where it has no past, it is not asked for one and gives none."""
        session = self.sessions["model"]
        wanted = [one for one in session.get_inputs() if one.name.startswith("past_")]
        if wanted:
            total, new = feeds["attention_mask"].shape[1], feeds["input_ids"].shape[1]
            feeds = feeds | {"position_ids": np.arange(total - new, total)[None].repeat(lines, 0)}
        empty = [np.zeros((lines, one.shape[1], 0, one.shape[3]), np.float32) for one in wanted]
        given = zip(wanted, past or empty, strict=True)
        return session.run(None, feeds | {one.name: tensor for one, tensor in given})

    def _source(self, feeds: dict[str, Any]) -> dict[str, Any]:
        hidden = self.sessions["encoder_model"].run(None, feeds)[0]
        return {"encoder_hidden_states": hidden, "encoder_attention_mask": feeds["attention_mask"]}

    def _target(self, source: Mapping[str, Any], shifted: Sequence[Sequence[int]]) -> Any:
        ids_BT = self._filled(shifted)["input_ids"]
        return self.sessions["decoder_model"].run(None, {"input_ids": ids_BT} | dict(source))[0]

    def _filled(self, lines: Sequence[Sequence[int]], total: int = 0) -> dict[str, Any]:
        """ids_BT padded on the right, and a mask as long as what was read before and this together."""
        width = max(map(len, lines))
        ids = [[*line, *[self.replay.pad_id] * (width - len(line))] for line in lines]
        mask = [[1] * max(total, len(line)) + [0] * (width - len(line)) for line in lines]
        return {"input_ids": np.array(ids, dtype=np.int64), "attention_mask": np.array(mask, dtype=np.int64)}

    @staticmethod
    def _session(file: Path) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
