"""What a model's folder holds and what is odd about it, from its small files alone; no torch.

Decided here:
- Nothing is loaded: config.json, the tokenizer's files and the headers of the weights tell enough, in milliseconds.
- Odd things are sentences, each with what it means here; what makes a model unusable is a ModelError.
- Under which licence it stands is what its card says in its first lines (README.md, as on the hub).
- What kind of model it is follows from what it was saved as, then from its family.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from sayso.errors import ModelError, nearest
from sayso.models.footprint import Shape, body_parameters
from sayso.models.stored import Stored, read_weights
from sayso.models.template import Template, read_template, try_template
from sayso.models.vocabulary import Vocabulary, read_vocabulary
from sayso.records import Kind

FAMILIES: Mapping[Kind, str] = {
    "encoder": (
        "albert bert big_bird camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie esm "
        "eurobert flaubert fnet ibert longformer luke megatron-bert mobilebert modernbert mpnet nezha nomic_bert "
        "nystromformer rembert roberta roberta-prelayernorm roformer squeezebert xlm xlm-roberta xlm-roberta-xl xmod "
        "yoso"
    ),
    "encoder_decoder": (
        "bart bigbird_pegasus blenderbot blenderbot-small encoder-decoder fsmt led longt5 m2m_100 marian mbart mt5 "
        "nllb-moe pegasus pegasus_x plbart prophetnet switch_transformers t5 t5gemma umt5"
    ),
    "decoder": (
        "apertus arcee bitnet bloom codegen cohere cohere2 ctrl deepseek_v2 deepseek_v3 ernie4_5 exaone4 falcon gemma "
        "gemma2 gemma3_text glm glm4 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj granite helium hunyuan_v1_dense "
        "internlm2 internlm3 lfm2 llama mamba mamba2 minicpm minicpm3 ministral mistral mixtral mpt nemotron olmo "
        "olmo2 olmo3 openai-gpt opt persimmon phi phi3 phimoe qwen2 qwen2_moe qwen3 qwen3_moe rwkv seed_oss smollm3 "
        "stablelm starcoder2 xglm"
    ),
}
OTHER_SENSES = ("vision_config", "audio_config", "num_mel_bins", "image_size", "patch_size")
ROBERTA_LIKE = ("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "data2vec-text", "roberta-prelayernorm")
RELATIVE = ("t5", "mt5", "umt5", "longt5", "switch_transformers")
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
SIZES = {
    "hidden": ("hidden_size", "d_model", "n_embd", "dim"),
    "heads": ("num_attention_heads", "encoder_attention_heads", "n_head", "num_heads", "n_heads"),
    "intermediate": ("intermediate_size", "encoder_ffn_dim", "d_ff", "n_inner", "ffn_dim", "hidden_dim"),
    "vocabulary": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"),
    "kv_heads": ("num_key_value_heads",),
    "head_dim": ("head_dim", "d_kv"),
}
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
CARDS = ("README.md", "MODEL_CARD.md")
FRONT = re.compile(r"---\s*\n(.*?)\n---\s*$", re.DOTALL | re.MULTILINE)
FEW_CHINESE = 3000
COSTLY = 1.5  # tokens per Chinese character
LOST = 0.05  # of the characters of everyday Chinese text
MUCH_LARGER = 1024
USUAL_CONTEXT = 512


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model's folder as its files describe it: `template` None without one, `labels` those of a saved head.

    `licence` is "" where its card does not name one.
    """

    folder: str
    architecture: str
    family: str
    kind: Kind
    shape: Shape
    dtype: str
    size: int
    vocabulary: Vocabulary
    template: Template | None
    labels: tuple[str, ...]
    licence: str
    pickled: bool
    odd: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """All facts as plain values."""
        return asdict(self)


def inspect_folder(path: Path | str, device: str = "cpu") -> Inspection:
    """Read a model's folder, to be used on `device`. ModelError where it cannot be a model for text."""
    folder = Path(path).expanduser()
    config = read_config(folder)
    kind = kind_of(config, str(folder))
    stored = read_weights(folder, bool(config.get("tie_word_embeddings", True)))
    vocabulary = read_vocabulary(folder)
    text = read_template(folder)
    tokens = {f"{role}_token": special.text for role, special in vocabulary.special.items()}
    template = try_template(text, tokens, end_tokens(vocabulary)) if text else None
    plain = Inspection(
        folder=str(folder),
        architecture=str((config.get("architectures") or [config["model_type"]])[0]),
        family=str(config["model_type"]),
        kind=kind,
        shape=shape_of(config, kind, stored),
        dtype=stored.dtype if stored else str(config.get("dtype", config.get("torch_dtype", "")) or "unknown"),
        size=stored.size if stored else _pickle_size(folder),
        vocabulary=vocabulary,
        template=template,
        labels=_labels(config),
        licence=licence_of(folder),
        pickled=stored is None,
        odd=(),
    )
    facts = {name: getattr(plain, name) for name in Inspection.__slots__}
    return Inspection(**facts | {"odd": tuple(_oddities(plain, config, stored, device))})


def read_config(folder: Path) -> dict[str, Any]:
    """config.json. ModelError where folder or file is missing, or the folder holds an adapter only."""
    if not folder.is_dir():
        fix = nearest(folder.name, _beside(folder), "name a folder with a model, a hub id, or 'embedded'")
        raise ModelError("there is no such folder", where=str(folder), expected="a folder with a model", fix=fix)
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(
            _without_config(folder),
            where=str(folder),
            expected="config.json beside the weights",
            fix=_fix_config(folder),
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(config, dict) or not config.get("model_type"):
            raise ValueError("it names no model_type")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"config.json cannot be used: {error}",
            where=str(file),
            expected="a JSON object with model_type and sizes, as transformers writes it",
            fix="download or copy it again",
        ) from error
    return config


def licence_of(folder: Path) -> str:
    """The licence that a model's card states before its text, in small letters; "" where there is none.

    "other" stands for a licence of its own, whose name is given beside it.
    """
    card = next((folder / name for name in CARDS if (folder / name).is_file()), None)
    text = card.read_text(encoding="utf-8", errors="replace") if card is not None else ""
    found = FRONT.match(text.lstrip("\ufeff"))
    try:
        matter = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError:
        return ""
    stated = matter.get("license") if isinstance(matter, dict) else None
    if stated == "other":
        stated = matter.get("license_name") or stated
    names = stated if isinstance(stated, list) else [stated]
    return ", ".join(name.lower() for name in names if isinstance(name, str))


def kind_of(config: Mapping[str, Any], where: str = "") -> Kind:
    """encoder, encoder_decoder or decoder. ModelError for an architecture that is not for text, or not known."""
    family, declared = str(config["model_type"]), " ".join(config.get("architectures") or [])
    senses = [key for key in OTHER_SENSES if key in config]
    if senses:
        raise ModelError(
            f"'{family}' is a model for more than text ({senses[0]} in its config)",
            where=where,
            expected="an encoder, a decoder or an encoder-decoder for text",
            fix="take the text-only model of the family",
        )
    if config.get("is_encoder_decoder") or family in families("encoder_decoder"):
        return "encoder_decoder"
    if "CausalLM" in declared or "LMHeadModel" in declared or family in families("decoder"):
        return "decoder"
    if family in families("encoder") or "ForMaskedLM" in declared:
        return "encoder"
    known = [name for kind in FAMILIES for name in families(kind)]
    raise ModelError(
        f"unknown architecture '{family}'",
        where=where,
        expected="a family of encoders (bert, ...), decoders (llama, ...) or encoder-decoders (t5, ...)",
        fix=nearest(family, known, "choose a model that `sayso models` lists"),
    )


def families(kind: Kind) -> list[str]:
    """The model types known to be of this kind."""
    return FAMILIES[kind].split()


def shape_of(config: Mapping[str, Any], kind: Kind, stored: Stored | None = None) -> Shape:
    """The sizes in a config, whatever its family calls them. Without weights the parameters are estimated."""
    sizes = {name: _first(config, keys) for name, keys in SIZES.items()}
    layers, encoder_layers = _layers(config, kind)
    shape = Shape(
        kind=kind,
        parameters=0,
        hidden=sizes["hidden"],
        layers=layers,
        heads=max(1, sizes["heads"]),
        vocabulary=sizes["vocabulary"],
        intermediate=sizes["intermediate"] or 4 * sizes["hidden"],
        context=_context(config, sizes["context"]),
        kv_heads=sizes["kv_heads"],
        head_dim=sizes["head_dim"],
        encoder_layers=encoder_layers,
        gated=stored.gated if stored else "gated" in str(config.get("feed_forward_proj", config.get("hidden_act"))),
    )
    estimated = body_parameters(shape) + shape.vocabulary * shape.hidden
    facts = {name: getattr(shape, name) for name in Shape.__slots__}
    return Shape(**facts | {"parameters": stored.parameters if stored else estimated})


def end_tokens(vocabulary: Vocabulary) -> list[str]:
    """Texts of the tokens that end an answer: the tokenizer's, and the usual names of turn ends."""
    own = [vocabulary.special["eos"].text] if "eos" in vocabulary.special else []
    return [*own, "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>"]


# ---------------------------------------------------------------- what is odd


def _oddities(seen: Inspection, config: Mapping[str, Any], stored: Stored | None, device: str) -> Iterator[str]:
    yield from _odd_weights(seen, config, stored, device)
    yield from _odd_vocabulary(seen, stored)
    yield from _odd_special(seen, config)
    if seen.kind == "decoder":
        yield from _odd_template(seen)
    yield from _odd_head(seen)


def _odd_weights(seen: Inspection, config: Mapping[str, Any], stored: Stored | None, device: str) -> Iterator[str]:
    if stored is None:
        yield (
            "the weights are in pickle format, not safetensors: the parameters are estimated from the config, and a "
            "pickle can run code when it is opened, so convert it if you do not trust its author"
        )
    if seen.dtype == "float16" and device == "cpu":
        yield (
            "the weights are stored in float16, which is slow on a CPU: they are opened in float32 "
            f"({seen.shape.parameters * 4 / 2**20:.0f} MB in memory)"
        )
    declared = str(config.get("dtype", config.get("torch_dtype", "")) or "")
    if stored and declared and declared != seen.dtype:
        yield f"config.json says {declared}, but the weights are stored in {seen.dtype}"
    if config.get("auto_map"):
        yield "the model asks for code that comes with it (auto_map): that code is never run here"
    if config.get("quantization_config"):
        yield "the weights are quantised: only adapters can be trained on them, and the parameter count is not exact"


def _odd_vocabulary(seen: Inspection, stored: Stored | None) -> Iterator[str]:
    own, table = seen.vocabulary.size, (stored.rows if stored else 0) or seen.shape.vocabulary
    if table != seen.shape.vocabulary:
        yield f"config.json says {seen.shape.vocabulary:,} tokens, but the stored table has {table:,} rows"
    if own > table:
        yield f"the tokenizer has {own:,} tokens, the model only {table:,}: the last ones would break training"
    elif own and table - own > MUCH_LARGER:
        yield f"the model has {table:,} rows for a tokenizer of {own:,}: the rest is never used"
    yield from _odd_chinese(seen.vocabulary)
    limit = seen.vocabulary.limit
    if limit > seen.shape.context:
        yield f"the tokenizer allows {limit:,} tokens, the model has places for {seen.shape.context:,}"


def _odd_chinese(words: Vocabulary) -> Iterator[str]:
    """As measured; where only lists of pieces are there, few Chinese ones among them bode ill."""
    reads = words.reads_chinese
    if reads is not None and reads.lost > LOST:
        yield f"{reads.lost:.0%} of the characters of Chinese text become the unknown token, or nothing at all"
    elif reads is not None and reads.cost > COSTLY:
        yield f"Chinese text costs about {reads.cost:.1f} tokens per character"
    elif reads is None and words.size and words.chinese < FEW_CHINESE:
        share = f"only {words.chinese:,} of {words.size:,} pieces are Chinese"
        cost = "may cost several tokens per character" if words.bytes else "may partly become the unknown token"
        yield f"{share}: Chinese text {cost}"


def _odd_special(seen: Inspection, config: Mapping[str, Any]) -> Iterator[str]:
    special = seen.vocabulary.special
    pad, end = special.get("pad"), special.get("eos")
    if pad is None:
        yield "there is no padding token: the end token is used, and padding is masked by position"
    elif end is not None and pad.text == end.text:
        yield f"padding and end are the same token ({end.text}): padding is masked by position, so the end is learnt"
    if end is None and seen.kind != "encoder":
        yield "there is no end token: answers could never end by themselves"
    ids = config.get("eos_token_id")
    known = ids if isinstance(ids, list) else [ids]
    if end is not None and end.id >= 0 and isinstance(known[0], int) and end.id not in known:
        yield f"the tokenizer's end token is number {end.id} ({end.text}), the config's is {ids}"
    if "unk" in special and end is not None and special["unk"].text == end.text and not seen.vocabulary.bytes:
        yield f"the unknown token is the end token ({end.text}): unknown characters would end an answer"
    if seen.kind == "encoder" and not {"cls", "sep"} & set(special):
        yield "the tokenizer marks neither beginning nor end of a text, as encoders expect"


def _odd_template(seen: Inspection) -> Iterator[str]:
    found = seen.template
    if found is None:
        yield "there is no chat template: turns are written as plain lines, 'User: ...' and 'Bot: ...'"
        return
    if found.problem:
        yield f"the chat template cannot be rendered: {found.problem}"
        return
    if not found.opens:
        yield "the chat template has no generation prompt: no room is left for an answer, so training is refused"
    elif not found.steady:
        yield "the chat template rewrites the prompt once it is answered: the loss mask is taken from the prompt alone"
    if not found.ends:
        yield "the chat template does not end the assistant's turn: the end token is added in training"
    if not found.system:
        yield "the chat template takes no system turn: its words are put in front of the user's"


def _odd_head(seen: Inspection) -> Iterator[str]:
    if seen.labels and all(label.startswith("LABEL_") for label in seen.labels):
        yield f"it has a head for {len(seen.labels)} classes that nobody named ({', '.join(seen.labels[:3])} ...)"
    if seen.labels and seen.kind != "encoder":
        yield f"it has a classification head, which is not used: a {seen.kind.replace('_', '-')} answers in words here"


# ---------------------------------------------------------------- inside


def _beside(folder: Path) -> list[str]:
    """The models' folders in the same place."""
    return [config.parent.name for config in folder.parent.glob("*/config.json")]


def _without_config(folder: Path) -> str:
    if (folder / "adapter_config.json").is_file():
        return "the folder holds an adapter, not a whole model"
    if any(folder.glob("*.gguf")):
        return "the folder holds a GGUF file, which can be run but not trained"
    return "the folder has no config.json"


def _fix_config(folder: Path) -> str:
    file = folder / "adapter_config.json"
    try:
        base = json.loads(file.read_text(encoding="utf-8")).get("base_model_name_or_path") if file.is_file() else ""
    except (OSError, ValueError, AttributeError):
        base = ""
    inner = [place.name for place in sorted(folder.iterdir()) if (place / "config.json").is_file()]
    if inner:
        return f"did you mean '{folder / inner[0]}'?"
    return f"look at its base: {base}" if base else "download the whole model, not its weights alone"


def _first(config: Mapping[str, Any], keys: tuple[str, ...]) -> int:
    return next((int(config[key]) for key in keys if isinstance(config.get(key), int | float)), 0)


def _layers(config: Mapping[str, Any], kind: Kind) -> tuple[int, int]:
    """(encoder and decoder together, those of the encoder)."""
    plain = _first(config, LAYERS)
    if kind != "encoder_decoder":
        return plain, 0
    encode = _first(config, ("encoder_layers",)) or plain
    decode = _first(config, ("decoder_layers", "num_decoder_layers")) or plain
    return encode + decode, encode


def _context(config: Mapping[str, Any], places: int) -> int:
    if config["model_type"] in ROBERTA_LIKE:
        return places - 2  # their positions begin at 2
    return places or (USUAL_CONTEXT if config["model_type"] in RELATIVE else 2048)


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    if not any("ForSequenceClassification" in name for name in config.get("architectures") or []):
        return ()
    named = config.get("id2label") or {str(i): f"LABEL_{i}" for i in range(int(config.get("num_labels", 2)))}
    return tuple(str(label) for _, label in sorted(named.items(), key=lambda pair: int(pair[0])))


def _pickle_size(folder: Path) -> int:
    found = [file for file in folder.glob("pytorch_model*.bin") if file.is_file()]
    if not found:
        raise ModelError(
            "the folder has no weights",
            where=str(folder),
            expected="model.safetensors, or several with model.safetensors.index.json",
            fix="download the weights too; to train from scratch give the sizes in model.scratch instead",
        )
    return sum(file.stat().st_size for file in found)
