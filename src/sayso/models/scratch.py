"""A new model: a tokenizer trained on the data, and weights drawn from a seed.

Decided here: one byte-level BPE for every language, so no character is ever unknown; Chinese needs no segmenter.
Special tokens are fixed (<pad>, <s>, </s>, <mask>, and turn marks for conversations) and a chat template is written
for decoders. What the config leaves out is the architecture's own default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sayso.errors import ModelError, nearest

SPECIAL = ("<pad>", "<s>", "</s>", "<mask>", "<|system|>", "<|user|>", "<|bot|>")
TEMPLATE = (
    "{% for m in messages %}{{ {'system': '<|system|>', 'user': '<|user|>', 'assistant': '<|bot|>'}[m['role']] }}"
    "{{ m['content'] }}{{ eos_token if m['role'] == 'assistant' else '' }}{% endfor %}"
    "{% if add_generation_prompt %}<|bot|>{% endif %}"
)


def train_tokenizer(texts: Iterable[str], pieces: int, kind: str) -> Any:
    """A fast tokenizer of at most `pieces` byte-level BPE pieces, framed as its kind of model expects."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.normalizer = normalizers.NFC()
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
