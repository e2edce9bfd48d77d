"""Small randomly initialised models, saved to a folder as a user would have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sayso.models.open import Opening, open_learner
from sayso.models.scratch import train_tokenizer
from sayso.recipe import ModelPart

TEXTS = [
    "the cat sat on the mat and said hello to the dog",
    "一只猫坐在垫子上，向狗问好。",
    "good bad fine terrible 好 坏 不错 糟糕",
    "please send my order 1234 to Paris today 谢谢",
] * 3

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
BART = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4}
BART |= {"decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 128}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 4}
LONG = {"max_position_embeddings": 128}

ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("encoder", {**SMALL, **LONG}),
    "roberta": ("encoder", {**SMALL, "max_position_embeddings": 130}),
    "distilbert": ("encoder", {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, **LONG}),
    "electra": ("encoder", {**SMALL, **LONG, "embedding_size": 32}),
    "deberta-v2": ("encoder", {**SMALL, **LONG}),
    "modernbert": ("encoder", {**SMALL, **LONG}),
    "t5": ("encoder_decoder", T5),
    "mt5": ("encoder_decoder", T5),
    "bart": ("encoder_decoder", BART),
    "marian": ("encoder_decoder", BART),
    "pegasus": ("encoder_decoder", BART),
    "mbart": ("encoder_decoder", BART),
    "llama": ("decoder", {**SMALL, **LONG, "num_key_value_heads": 2}),
    "qwen2": ("decoder", {**SMALL, **LONG, "num_key_value_heads": 2}),
    "qwen3": ("decoder", {**SMALL, **LONG, "num_key_value_heads": 2, "head_dim": 8}),
    "gemma": ("decoder", {**SMALL, **LONG, "num_key_value_heads": 2, "head_dim": 8}),
    "gemma2": ("decoder", {**SMALL, **LONG, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 64}),
    "mistral": ("decoder", {**SMALL, **LONG, "num_key_value_heads": 2}),
    "gpt2": ("decoder", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}),
    "gpt_neo": (
        "decoder",
        {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], **LONG},
    ),
    "gpt_neox": ("decoder", {**SMALL, **LONG}),
    "phi": ("decoder", {**SMALL, **LONG}),
}


def opened(name: str, options: tuple[str, ...] = (), several: bool = False, **opening: Any) -> Any:
    """A new tiny learner of this architecture; dropout off so that two passes agree."""
    _, settings = ARCHITECTURES[name]
    part = ModelPart(name="", scratch={"model_type": name, **settings}, vocabulary=400, max_length=96)
    return open_learner(part, Opening(options=options, several=several, dropout=0.0, texts=lambda: TEXTS, **opening))


def saved(name: str, folder: Path) -> Path:
    """The same as a folder in the hub's layout, without any file of ours."""
    from sayso.models.open import _auto_class
    from sayso.models.scratch import new_config

    kind, settings = ARCHITECTURES[name]
    tokenizer = train_tokenizer(TEXTS, 400, kind)
    torch.manual_seed(0)
    model = _auto_class(kind, Opening()).from_config(new_config({"model_type": name, **settings}, len(tokenizer)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
