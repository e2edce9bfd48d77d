"""A new model: a tokenizer trained on the data, and weights drawn from a seed.

Decided here: one byte-level BPE for every language, so no character is ever unknown; Chinese needs no segmenter.
Special tokens are fixed (<pad>, <s>, </s>, <mask>, and turn marks for conversations) and a chat template is written
for decoders. What the config leaves out is the architecture's own default. Where traditional Chinese is to be read as
simplified, the tokenizer itself does it, so whoever loads the model gets it; each character for itself, by OpenCC's
table, as far as the texts hold its simplified form (another would be a piece that was never taught).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from sayso.errors import ModelError, UnsupportedError, nearest

_HAN = (range(0x3400, 0xA000), range(0xF900, 0xFB00))
SPECIAL = ("<pad>", "<s>", "</s>", "<mask>", "<|system|>", "<|user|>", "<|bot|>")
TEMPLATE = (
    "{% for m in messages %}{{ {'system': '<|system|>', 'user': '<|user|>', 'assistant': '<|bot|>'}[m['role']] }}"
    "{{ m['content'] }}{{ eos_token if m['role'] == 'assistant' else '' }}{% endfor %}"
    "{% if add_generation_prompt %}<|bot|>{% endif %}"
)


def train_tokenizer(texts: Iterable[str], pieces: int, kind: str, simplified: bool = False) -> Any:
    """A fast tokenizer of at most `pieces` byte-level BPE pieces, framed as its kind of model expects.

    With `simplified` traditional Chinese characters are read as simplified ones; UnsupportedError without OpenCC.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    texts = list(texts)
    folds = [normalizers.Replace(old, new) for old, new in _traditional(texts)] if simplified else []
    core.normalizer = normalizers.Sequence([normalizers.NFC(), *folds]) if folds else normalizers.NFC()
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        min_frequency=2,
    )
    core.train_from_iterator(texts, trainer)
    if kind == "encoder":
        core.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    elif kind == "encoder_decoder":
        core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        mask_token="<mask>",
        cls_token="<s>" if kind == "encoder" else None,
        sep_token="</s>" if kind == "encoder" else None,
        clean_up_tokenization_spaces=False,
    )
    if kind == "decoder":
        tokenizer.chat_template = TEMPLATE
    return tokenizer


def _traditional(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Traditional characters and their simplified forms, as far as the texts hold the latter, or would then."""
    try:
        from opencc import OpenCC
    except ImportError:
        raise UnsupportedError(
            "model.simplified reads traditional characters as simplified ones by OpenCC's table, which is not here",
            fix="pip install 'sayso[chinese]'",
        ) from None
    simple = OpenCC("t2s")
    held = set(simple.convert("".join(sorted(set("".join(texts))))))
    pairs = ((old, simple.convert(old)) for old in map(chr, chain(*_HAN)))
    return [(old, new) for old, new in pairs if old != new and len(new) == 1 and new in held]


def new_config(settings: Mapping[str, Any], vocabulary: int) -> Any:
    """The config of a new model. ModelError for an unknown model_type or setting."""
    from transformers import CONFIG_MAPPING

    rest = dict(settings)
    model_type = str(rest.pop("model_type", ""))
    if model_type not in CONFIG_MAPPING:
        raise ModelError(
            f"model.scratch.model_type is '{model_type}'",
            expected="an architecture that transformers knows",
            fix=nearest(model_type, ["bert", "roberta", "llama", "qwen3", "gpt2", "t5", "bart", "marian"]),
        )
    known = CONFIG_MAPPING[model_type]().to_dict()
    for key in rest:
        if key not in known and key not in ("num_labels",):
            raise ModelError(f"model.scratch has no '{key}' for {model_type}", fix=nearest(key, known))
    rest |= {"vocab_size": vocabulary, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if CONFIG_MAPPING[model_type]().is_encoder_decoder:
        rest |= {"decoder_start_token_id": 1, "forced_eos_token_id": None, "forced_bos_token_id": None}
    return CONFIG_MAPPING[model_type](**rest)
