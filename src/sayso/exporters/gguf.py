"""GGUF for llama.cpp and what is built on it, with an Ollama Modelfile beside it.

Decided here:
- Only what was proven: an architecture that is not in PROVEN, or a setting of it that changes what is computed, is
  refused. llama.cpp would read many more, and some of them wrongly without a word.
- The tokenizer goes in whole: every token with its kind, every merge, the template, the end tokens. llama.cpp cuts
  the golden prompts itself, and other tokens than here are a refusal like any other difference.
- It is proven in llama.cpp, with its cache in float32, so that what differs is the file and not the cache.
- `precision`: f32; f16, half the size (matrices only); q8_0, a quarter: blocks of 32 numbers with a scale each. Each
  has a tolerance of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sayso import engines
from sayso.bundle import Export, Golden, Replay, Replayed, Tolerance
from sayso.errors import Fault, UnsupportedError
from sayso.models.plain import template_of
from sayso.records import Kind
from sayso.turns import Parts, modelfile, parts_of

KINDS: tuple[Kind, ...] = ("decoder",)
PROVEN = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
PLAIN = {
    "hidden_act": "silu",
    "mlp_bias": False,
    "attention_bias": False,
    "use_sliding_window": False,
    "partial_rotary_factor": 1.0,
}
ROPES = ("default", "llama3")
TOLERANCES = {"f32": Tolerance(1e-3), "f16": Tolerance(1e-2, 0.98, 0.95), "q8_0": Tolerance(5e-2, 0.95, 0.85)}
FILE = "model.gguf"
ENGINE = "llamacpp"
QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS = {QWEN: "qwen2", QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|"): "llama-bpe"}


@dataclass(frozen=True, slots=True)
class Knobs:
    """`precision` of the matrices: f32, f16 or q8_0."""

    precision: Literal["f32", "f16", "q8_0"] = "f16"


def check(export: Export, knobs: Knobs) -> None:
    """UnsupportedError for an architecture, a setting or a tokenizer that was not proven, or without the engine."""
    del knobs
    _library()
    if export.architecture not in PROVEN:
        raise UnsupportedError(
            f"'{export.architecture}' is not proven to come out right as GGUF", expected=", ".join(sorted(PROVEN))
        )
    for key, plain in PLAIN.items():
        if (asked := export.config.get(key)) not in (None, plain):
            raise UnsupportedError(f"{key}: {asked!r} is not proven to come out right as GGUF", expected=f"{plain!r}")
    window = export.config.get("sliding_window")
    if export.architecture == "mistral" and window is not None:
        raise UnsupportedError(f"a sliding window of {window} is not proven as GGUF", expected="sliding_window: null")
    rope = _rope(export)
    if rope.get("rope_type", "default") not in ROPES:
        raise UnsupportedError(
            f"positions of the type '{rope['rope_type']}' are not proven as GGUF", expected=" or ".join(ROPES)
        )
    _cut(_tokenizer(export))
    engines.check(ENGINE)


def tolerance(knobs: Knobs) -> Tolerance:
    """Of the asked precision."""
    return TOLERANCES[knobs.precision]


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """model.gguf, and Modelfile where the template can be said in Ollama's words."""
    library = _library()
    writer = library.GGUFWriter(folder / FILE, PROVEN[export.architecture])
    _about(writer, export, knobs.precision)
    _vocabulary(writer, export)
    for name, tensor in _tensors(export):
        _add(writer, name, tensor, knobs.precision)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    parts = _parts(export)
    if parts is not None:
        vocabulary = {one["id"]: one["content"] for one in _tokenizer(export)["added_tokens"]}
        stops = [vocabulary[end] for end in export.replay.end_ids if end in vocabulary]
        words = modelfile(parts, FILE, stops, export.max_length)
        (folder / "Modelfile").write_text(words, encoding="utf-8")


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """llama.cpp reads the texts, then the rows. Fault where it cuts a text into other tokens."""
    del knobs
    with engines.asked(ENGINE, "read", folder, {"texts": [one.text for one in replay.golden]}) as (_, answer):
        for one, ids in zip(replay.golden, answer["ids"], strict=True):
            _check_ids(one, ids)
    return engines.replayed(ENGINE, folder, replay)


def use(export: Export, knobs: Knobs) -> str:
    """Commands of llama.cpp and Ollama."""
    words = [f"```sh\nllama-cli -m {FILE} -cnv --jinja --temp 0\nllama-server -m {FILE} --jinja\n```"]
    if _parts(export) is not None:
        words.append(
            f"With Ollama, whose Modelfile is beside it:\n\n```sh\nollama create {export.name} -f Modelfile\n```"
        )
    else:
        words.append(
            "There is no Modelfile: what this chat template writes cannot be said as words before and after each "
            "turn, which is what Ollama's own templates are made of. llama.cpp reads the template itself (`--jinja`)."
        )
    words.append(f"Matrices are stored as {knobs.precision}.")
    return "\n\n".join(words)


# ---------------------------------------------------------------- what the file says of the model


def _library() -> Any:
    try:
        import gguf
    except ImportError:
        raise UnsupportedError(
            "GGUF files are written with the package gguf", fix="pip install 'sayso[gguf]'"
        ) from None
    return gguf


def _rope(export: Export) -> Mapping[str, Any]:
    return dict(export.config.get("rope_parameters") or {})


def _head(config: Mapping[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _about(writer: Any, export: Export, precision: str) -> None:
    config, files = export.config, _library().LlamaFileType
    heads = int(config["num_attention_heads"])
    writer.add_name(export.name)
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(_head(config))
    writer.add_value_length(_head(config))
    writer.add_rope_dimension_count(_head(config))
    writer.add_rope_freq_base(float(_rope(export).get("rope_theta", 10000.0)))
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    writer.add_vocab_size(int(config["vocab_size"]))
    kinds = {"f32": files.ALL_F32, "f16": files.MOSTLY_F16, "q8_0": files.MOSTLY_Q8_0}
    writer.add_file_type(kinds[precision])


def _tensors(export: Export) -> Iterator[tuple[str, Any]]:
    """Every tensor by its name in GGUF. Fault for one that has none there: nothing is left out silently."""
    from safetensors import safe_open

    library, config = _library(), export.config
    arch = {name: kind for kind, name in library.MODEL_ARCH_NAMES.items()}[PROVEN[export.architecture]]
    names = library.get_tensor_name_map(arch, int(config["num_hidden_layers"]))
    for file in sorted(export.weights.glob("*.safetensors")):
        with safe_open(file, framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (no mapping)
                known = names.get_name(name, try_suffixes=(".weight", ".bias"))
                if known is None:
                    raise Fault(f"the tensor '{name}' has no name in GGUF", where=str(file))
                yield known, _turned(name, tensors.get_tensor(name), export)
    if _rope(export).get("rope_type") == "llama3":
        yield "rope_freqs.weight", _slowed(_rope(export), _head(config))


def _turned(name: str, tensor: Any, export: Export) -> Any:
    """llama.cpp turns neighbouring numbers of a head together where transformers turns its two halves."""
    if PROVEN[export.architecture] != "llama" or not name.endswith(("q_proj.weight", "k_proj.weight")):
        return tensor
    heads, pair = tensor.shape[0] // _head(export.config), (2, _head(export.config) // 2)
    return tensor.reshape(heads, *pair, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def _slowed(rope: Mapping[str, Any], width: int) -> Any:
    """Llama 3's factors by which slow frequencies are divided, smoothly between two wave lengths."""
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    old, factor = float(rope["original_max_position_embeddings"]), float(rope["factor"])
    waves = 2 * np.pi * float(rope["rope_theta"]) ** (np.arange(0, width, 2) / width)
    smooth = (old / waves - low) / (high - low)
    between = 1 / ((1 - smooth) / factor + smooth)
    factors = np.where(waves < old / high, 1.0, np.where(waves > old / low, factor, between))
    return factors.astype(np.float32)


def _add(writer: Any, name: str, tensor: Any, precision: str) -> None:
    """Matrices in the asked precision, vectors in float32; rows that are no multiple of 32 wide stay float16."""
    types = _library().GGMLQuantizationType
    if tensor.ndim < 2 or precision == "f32":
        writer.add_tensor(name, np.ascontiguousarray(tensor, dtype=np.float32))
    elif precision == "q8_0" and tensor.shape[-1] % 32 == 0:
        packed = _library().quants.quantize(np.ascontiguousarray(tensor, dtype=np.float32), types.Q8_0)
        writer.add_tensor(name, packed, raw_dtype=types.Q8_0)
    else:
        writer.add_tensor(name, np.ascontiguousarray(tensor, dtype=np.float16))


# ---------------------------------------------------------------- the tokenizer


def _tokenizer(export: Export) -> dict[str, Any]:
    path = export.weights / "tokenizer.json"
    if not path.is_file():
        raise UnsupportedError("this model has no tokenizer.json", expected="a fast tokenizer")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _cut(plain: Mapping[str, Any]) -> tuple[str, str]:
    """(model, pre) in GGUF's words. UnsupportedError for a tokenizer that llama.cpp has no name for."""
    model, before = plain["model"], plain.get("pre_tokenizer") or {}
    if model["type"] != "BPE":
        raise UnsupportedError(f"tokenizers of the type {model['type']} are not proven as GGUF", expected="BPE")
    if model.get("byte_fallback"):
        return "llama", "default"
    steps = before.get("pretokenizers") or [before]
    patterns = [step["pattern"].get("Regex", "") for step in steps if step.get("type") == "Split"]
    bytewise = [step for step in steps if step.get("type") == "ByteLevel"]
    if bytewise and not patterns and bytewise[0].get("use_regex", True):
        return "gpt2", "gpt-2"
    if bytewise and len(patterns) == 1 and patterns[0] in SPLITS:
        return "gpt2", SPLITS[patterns[0]]
    raise UnsupportedError(
        "llama.cpp has no name for how this tokenizer cuts words",
        expected="byte-level BPE as in GPT-2, Llama 3 or Qwen 2 and 3, or Llama 2's with byte fallback",
    )


def _vocabulary(writer: Any, export: Export) -> None:
    """Every token in its place, merges, special tokens, template."""
    plain = _tokenizer(export)
    model, pre = _cut(plain)
    tokens, kinds = _tokens(plain, int(export.config["vocab_size"]), model)
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    merges = [one if isinstance(one, str) else " ".join(one) for one in plain["model"]["merges"]]
    if model == "llama":
        ranks = {merge.replace(" ", ""): rank for rank, merge in reversed(list(enumerate(merges)))}
        writer.add_token_scores([-float(ranks.get(token, len(merges))) for token in tokens])
        writer.add_add_space_prefix("Prepend" in json.dumps(plain) or '"first"' in json.dumps(plain))
    else:
        writer.add_token_merges(merges)
    _special(writer, export, plain)


def _tokens(plain: Mapping[str, Any], size: int, model: str) -> tuple[list[str], list[int]]:
    """Texts by id, and their kinds; ids that the tokenizer does not know are unused."""
    kind = _library().TokenType
    texts = [f"[unused {place}]" for place in range(size)]
    kinds = [int(kind.UNUSED)] * size
    for text, place in plain["model"]["vocab"].items():
        byte = model == "llama" and len(text) == 6 and text.startswith("<0x")
        texts[place], kinds[place] = text, int(kind.BYTE if byte else kind.NORMAL)
    for one in plain["added_tokens"]:
        texts[one["id"]] = one["content"]
        kinds[one["id"]] = int(kind.CONTROL if one["special"] else kind.USER_DEFINED)
        if one["content"] == plain["model"].get("unk_token"):
            kinds[one["id"]] = int(kind.UNKNOWN)
    return texts, kinds


def _special(writer: Any, export: Export, plain: Mapping[str, Any]) -> None:
    """Begin, end, padding and the template; a template writes its own begin token."""
    said = json.loads((export.weights / "tokenizer_config.json").read_text(encoding="utf-8"))
    ids = {one["content"]: one["id"] for one in plain["added_tokens"]}
    for role, add in {
        "bos": writer.add_bos_token_id,
        "eos": writer.add_eos_token_id,
        "pad": writer.add_pad_token_id,
        "unk": writer.add_unk_token_id,
    }.items():
        if (token := _text(said.get(f"{role}_token"))) in ids:
            add(ids[token])
    ends = export.replay.end_ids
    if ends:
        writer.add_eot_token_id(ends[0])
    template = _template(export)
    begins = [one for one in export.replay.golden if one.ids[:1] == (ids.get(_text(said.get("bos_token"))),)]
    writer.add_add_bos_token(not template and bool(begins))
    writer.add_add_eos_token(False)
    if template:
        writer.add_chat_template(template)


def _text(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _check_ids(one: Golden, ids: list[int]) -> None:
    """A prompt that was cut to fit is compared in what is left of it."""
    kept = [*one.ids] if len(ids) == len(one.ids) else [*one.ids[1:]]
    if ids[len(ids) - len(kept) :] != kept:
        raise Fault(
            f"llama.cpp cuts a prompt into other tokens: {one.text[:60]!r}",
            expected=f"{list(one.ids)[:12]}..., and it reads {ids[:12]}...",
            fix="this tokenizer is not carried by GGUF; take another exporter",
        )


# ---------------------------------------------------------------- Ollama


def _template(export: Export) -> str:
    path = export.weights / "chat_template.jinja"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _parts(export: Export) -> Parts | None:
    """What the template writes around turns; of a model without one, the plain lines that Sayso writes."""
    if not _template(export):
        names = {"system": "System: ", "user": "User: ", "assistant": "Bot: "}
        return Parts(names, dict.fromkeys(names, "\n"), "", "Bot:")
    return parts_of(template_of(export.weights))
