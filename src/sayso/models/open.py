"""Opens a model: from a folder, a hub, the package or nothing; with a head, adapters or neither.

Decided here:
- What kind of learner a model is follows from its architecture and the task: labels turn an encoder into a
  classifier; no labels leave it a masked language model.
- A local path never touches a hub; where no hub answers, what was fetched before is used.
- Weights are opened in float32 unless asked otherwise: a checkpoint stored in half precision is slow on a CPU.
- Weights that are not finite are refused: nothing can be learnt from them, and answers would be scored as if meant.
- The padding token may be the end token: padding is known by length everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from sayso.errors import ModelError, UnsupportedError
from sayso.models.adapt import adapt, open_adapter
from sayso.models.core import FACTS, Core, quiet
from sayso.models.decoder import Decoder
from sayso.models.encoder import Encoder
from sayso.models.encoder_decoder import EncoderDecoder
from sayso.models.hub import reachable
from sayso.models.masked import MaskedEncoder
from sayso.models.segments import Segments
from sayso.recipe import ModelPart

EMBEDDED = Path(__file__).parents[1] / "embedded" / "base"
DEFAULT_LENGTH = 512
DTYPES = {"auto": torch.float32, "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_TOO_LONG = "sequence-length-is-longer-than-the-specified-maximum"  # transformers warns of it once; we cut, and count
AnyLearner = Decoder | Encoder | EncoderDecoder | MaskedEncoder


@dataclass(frozen=True)
class Opening:
    """Everything besides the model's name that opening depends on."""

    options: tuple[str, ...] = ()
    several: bool = False
    tuning: str = "full"
    lora_rank: int = 8
    dropout: float = -1.0
    bpe_dropout: float = 0.0
    seed: int = 0
    texts: Callable[[], Iterable[str]] = field(default=lambda: ())


def open_learner(part: ModelPart, opening: Opening) -> AnyLearner:
    """The learner of a recipe's model section. ModelError says what is wrong with the model."""
    torch.manual_seed(opening.seed)
    if part.dtype in ("bfloat16", "float16") and opening.tuning == "full":
        raise UnsupportedError(
            f"full tuning in {part.dtype} rounds small updates away",
            fix="use model.dtype: float32, or strategy.tuning: lora, whose adapters stay in float32",
        )
    if part.scratch:
        return _assemble(*_from_scratch(part, opening), part, opening, origin="scratch")
    folder = locate(part.name)
    facts = _facts(folder)
    if (Path(folder) / "adapter_config.json").is_file():
        return _with_saved_adapter(folder, facts, part, opening)
    kind = _kind(folder, part, facts)
    opening = replace(opening, options=_head_order(_config(folder), opening.options))
    model, tokenizer = _load(folder, kind, part, opening), load_tokenizer(folder)
    return _assemble(model, tokenizer, kind, part, opening, origin=folder if part.name != "embedded" else part.name)


def locate(name: str) -> str:
    """A folder's path, or a hub id unchanged. ModelError for a path that is not there."""
    if name == "embedded":
        if not (EMBEDDED / "config.json").is_file():
            raise ModelError("this build carries no embedded model", fix="name a local folder or a hub id")
        return str(EMBEDDED)
    if Path(name).is_dir():
        return str(Path(name))
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"no model folder at '{name}'", expected="a folder with config.json and weights")
    return name


def load_tokenizer(folder: str) -> Any:
    """The tokenizer of a folder or hub id, with a padding token. ModelError where there is none."""
    try:
        with quiet():
            tokenizer = _tokenizer_class(folder).from_pretrained(folder, local_files_only=_only_here(folder))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"no usable tokenizer with model '{folder}'",
            expected="tokenizer.json or the files of a tokenizer beside the weights",
            fix=f"copy the tokenizer's files into the folder ({str(error).splitlines()[0][:160]})",
        ) from error
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(
            f"no usable tokenizer with model '{folder}'",
            expected="tokenizer.json or the files of a tokenizer beside the weights",
            fix="copy the tokenizer's files into the folder",
        )
    if tokenizer.pad_token_id is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.deprecation_warnings[_TOO_LONG] = True
    return tokenizer


# ---------------------------------------------------------------- inside


def _only_here(folder: str) -> bool:
    """Use no hub: for a folder, and where none can be reached."""
    return Path(folder).is_dir() or not reachable()


def _tokenizer_class(folder: str) -> Any:
    """A tokenizer that was saved as a plain one stays one: by the model's type transformers might add tokens to it."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    path = Path(folder) / "tokenizer_config.json"
    saved = json.loads(path.read_text(encoding="utf-8")).get("tokenizer_class") if path.is_file() else None
    return PreTrainedTokenizerFast if saved in ("PreTrainedTokenizerFast", "TokenizersBackend") else AutoTokenizer


def _facts(folder: str) -> dict[str, Any]:
    path = Path(folder) / FACTS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _config(folder: str) -> Any:
    from transformers import AutoConfig

    try:
        with quiet():
            return AutoConfig.from_pretrained(folder, local_files_only=_only_here(folder))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"cannot read the model '{folder}'",
            expected="a folder with config.json and weights, a reachable hub id, or 'embedded'",
            fix=str(error).splitlines()[0][:200],
        ) from error


def _kind(folder: str, part: ModelPart, facts: dict[str, Any]) -> str:
    if part.kind != "auto":
        return part.kind
    if "kind" in facts:
        return str(facts["kind"])
    return kind_of_config(_config(folder))


def kind_of_config(config: Any) -> str:
    """encoder, encoder_decoder or decoder, by the declared architecture, else by what transformers can build."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED

    declared = " ".join(getattr(config, "architectures", None) or [])
    if getattr(config, "is_encoder_decoder", False):
        return "encoder_decoder"
    if "CausalLM" in declared or "LMHeadModel" in declared:
        return "decoder"
    if config.model_type in MASKED and not getattr(config, "is_decoder", False):
        return "encoder"
    if config.model_type in CAUSAL:
        return "decoder"
    raise ModelError(
        f"'{config.model_type}' is not an architecture for text that this system trains",
        expected="an encoder (BERT-like), a decoder (Llama-like) or an encoder-decoder (T5-like)",
        fix="set model.kind if you know better",
    )


def _auto_class(kind: str, opening: Opening) -> Any:
    import transformers

    if kind == "encoder":
        labelled = transformers.AutoModelForSequenceClassification
        return labelled if opening.options else transformers.AutoModelForMaskedLM
    return transformers.AutoModelForSeq2SeqLM if kind == "encoder_decoder" else transformers.AutoModelForCausalLM


def _labels(kind: str, opening: Opening) -> dict[str, Any]:
    if kind != "encoder" or not opening.options:
        return {}
    return {
        "num_labels": len(opening.options),
        "id2label": dict(enumerate(opening.options)),
        "label2id": {label: i for i, label in enumerate(opening.options)},
        "problem_type": "multi_label_classification" if opening.several else "single_label_classification",
    }


def _head_order(config: Any, options: tuple[str, ...]) -> tuple[str, ...]:
    """A head that already knows these labels keeps its own order."""
    known = tuple(str(label) for label in (getattr(config, "id2label", None) or {}).values())
    return known if options and sorted(known) == sorted(options) else options


def _load(folder: str, kind: str, part: ModelPart, opening: Opening) -> Any:
    config = _config(folder)
    for key, value in _labels(kind, opening).items():
        setattr(config, key, value)
    extra = _quantised(opening) if opening.tuning == "qlora" else {}
    try:
        with quiet():
            return _auto_class(kind, opening).from_pretrained(
                folder,
                config=config,
                dtype=DTYPES[part.dtype],
                ignore_mismatched_sizes=bool(opening.options),
                local_files_only=_only_here(folder),
                **extra,
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"cannot load the weights of '{folder}' as {kind.replace('_', '-')}",
            expected="safetensors that fit config.json",
            fix=str(error).splitlines()[0][:200],
        ) from error


def _set_dropout(model: Any, dropout: float) -> None:
    """On the modules, not in the config: there each architecture has names of its own."""
    for module in model.modules() if dropout >= 0 else ():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
        for name in ("dropout", "attention_dropout", "activation_dropout", "dropout_prob"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, dropout)


def _quantised(opening: Opening) -> dict[str, Any]:
    if not torch.cuda.is_available():
        raise UnsupportedError(
            "QLoRA needs an NVIDIA GPU and bitsandbytes, and this machine shows no GPU",
            fix=f"use tuning: lora (rank {opening.lora_rank}); on a CPU it trains the same adapters unquantised",
        )
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        raise UnsupportedError("QLoRA needs bitsandbytes", fix="pip install bitsandbytes") from None
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    }


def _from_scratch(part: ModelPart, opening: Opening) -> tuple[Any, Any, str]:
    from sayso.models.scratch import new_config, train_tokenizer

    kind = part.kind if part.kind != "auto" else kind_of_config(new_config(part.scratch, 300))
    if part.name not in ("", "embedded") and Path(part.name).is_dir():
        tokenizer = load_tokenizer(part.name)
    else:
        tokenizer = train_tokenizer(opening.texts(), part.vocabulary or 8000, kind, part.simplified)
    config = new_config(part.scratch, len(tokenizer))
    for key, value in _labels(kind, opening).items():
        setattr(config, key, value)
    torch.manual_seed(opening.seed)
    return _auto_class(kind, opening).from_config(config, dtype=DTYPES[part.dtype]), tokenizer, kind


def _with_saved_adapter(folder: str, facts: dict[str, Any], part: ModelPart, opening: Opening) -> AnyLearner:
    base = str(facts.get("origin", ""))
    if not base:
        raise ModelError(f"'{folder}' holds an adapter but not the name of its base", fix=f"put it into {FACTS}")
    kind = _kind(locate(base), part, facts)
    opening = replace(opening, options=tuple(facts.get("options") or opening.options))
    model = _load(locate(base), kind, part, opening)
    adapter = open_adapter(model, folder)
    return _finish(adapter.get_base_model(), load_tokenizer(folder), kind, part, opening, base, adapter)


def _assemble(model: Any, tokenizer: Any, kind: str, part: ModelPart, opening: Opening, origin: str) -> AnyLearner:
    adapter = adapt(model, opening.tuning, opening.lora_rank, kind)
    plain = model if adapter is None else adapter.get_base_model()
    return _finish(plain, tokenizer, kind, part, opening, origin, adapter)


def _finish(
    model: Any, tokenizer: Any, kind: str, part: ModelPart, opening: Opening, origin: str, adapter: Any
) -> AnyLearner:
    _check_finite(model, origin)
    device = torch.device(_device(part.device))
    _set_dropout(model, opening.dropout)
    facts = {"kind": kind, "options": list(opening.options), "several": opening.several}
    core = Core(model.to(device), tokenizer, device, max_length(part, model.config), origin, adapter, facts)
    core.segments = Segments(tokenizer, opening.bpe_dropout, opening.seed)
    if model.config.vocab_size < len(tokenizer):
        raise ModelError(
            f"the tokenizer has {len(tokenizer)} tokens, the model {model.config.vocab_size}",
            expected="a tokenizer that belongs to the model",
        )
    if kind == "encoder":
        return Encoder(core, opening.options, opening.several) if opening.options else MaskedEncoder(core)
    return EncoderDecoder(core) if kind == "encoder_decoder" else Decoder(core)


def _check_finite(model: Any, origin: str) -> None:
    """ModelError for weights with NaN or infinity in them: a sum shows any, without a copy."""
    with torch.no_grad():
        floats = [(name, p) for name, p in model.named_parameters() if p.is_floating_point()]
        bad = [name for name, p in floats if not torch.isfinite(p.sum(dtype=torch.float32))]
    if bad:
        raise ModelError(
            f"{len(bad)} of {len(floats)} weight tensors hold values that are not finite, first '{bad[0]}'",
            where=origin,
            expected="finite numbers: a model with NaN in it neither answers nor learns",
            fix="take an earlier checkpoint of it, or download it again",
        )


def max_length(part: ModelPart, config: Any) -> int:
    """Tokens per row: as asked, else the model's own limit but at most 512."""
    own = [getattr(config, key, None) for key in ("max_position_embeddings", "n_positions", "max_length")]
    limit = next((int(value) for value in own if isinstance(value, int) and value > 20), 10**6)
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        limit -= 2  # their positions begin at 2
    if part.max_length > limit:
        raise ModelError(f"model.max_length is {part.max_length}", expected=f"at most {limit}, this model's own limit")
    return part.max_length or min(limit, DEFAULT_LENGTH)


def _device(name: str) -> str:
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
