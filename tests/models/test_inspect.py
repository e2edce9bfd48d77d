"""Folders are read as transformers wrote them; odd things are found, and a broken folder is one plain error."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from sayso.errors import ModelError
from sayso.models.catalogue import EMBEDDED
from sayso.models.inspect import (
    COSTLY,
    FEW_CHINESE,
    Inspection,
    families,
    inspect_folder,
    kind_of,
    licence_of,
    shape_of,
)
from sayso.models.stored import read_header
from sayso.models.template import try_template
from sayso.models.vocabulary import read_vocabulary

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REWRITES = "{{ messages[-1].content }}{% if add_generation_prompt %}A:{% endif %}"
WITHOUT_SYSTEM = CHATML.replace("{{ m.content", "{{ '' if m.role == 'system' else m.content")
PLAIN = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "model_max_length": 64}
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def tokenizer(folder: Path, size: int = 50, **config: Any) -> None:
    """A tokenizer of words and Chinese characters, as files."""
    words = ["<pad>", "<s>", "</s>", "<unk>", "你", "好", *[f"w{i}" for i in range(size - 6)]]
    model = {"type": "WordLevel", "unk_token": "<unk>", "vocab": {word: i for i, word in enumerate(words)}}
    whole = {"version": "1.0", "added_tokens": [], "model": model, "pre_tokenizer": {"type": "Whitespace"}}
    (folder / "tokenizer.json").write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(PLAIN | config), encoding="utf-8")


def llama(folder: Path, **config: Any) -> Any:
    wide = {"num_key_value_heads": 1, "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=50, **SIZES, **(wide | config)))
    model.save_pretrained(folder)
    tokenizer(folder, chat_template=CHATML)
    return model


def change(file: Path, **values: Any) -> None:
    plain = json.loads(file.read_text(encoding="utf-8")) | values
    file.write_text(json.dumps({k: v for k, v in plain.items() if v is not None}), encoding="utf-8")


def says(found: Inspection, words: str) -> bool:
    return any(words in sentence for sentence in found.odd)


# ---------------------------------------------------------------- real models


def test_a_real_encoder(shared: Path) -> None:
    found = inspect_folder(shared / "models/all-MiniLM-L6-v2")
    assert (found.kind, found.architecture, found.dtype) == ("encoder", "BertModel", "float16")
    assert (found.shape.parameters, found.shape.hidden, found.shape.layers) == (22_713_216, 384, 6)
    assert found.vocabulary.special["pad"].id == 0
    assert says(found, "float16, which is slow on a CPU")
    assert says(found, "71% of the characters of Chinese text become the unknown token")
    assert not says(inspect_folder(shared / "models/all-MiniLM-L6-v2", device="cuda"), "slow on a CPU")


def test_a_real_decoder_with_a_template(shared: Path) -> None:
    found = inspect_folder(shared / "models/tinystories-chat-3m")
    assert (found.kind, found.shape.parameters, found.shape.context) == ("decoder", 3_410_560, 256)
    assert found.template is not None
    assert found.template.opens
    assert found.template.steady
    assert found.template.ends
    assert says(found, "padding and end are the same token (<|endoftext|>)")


def test_a_real_decoder_without_a_template(shared: Path) -> None:
    found = inspect_folder(shared / "models/stories260k")
    assert (found.shape.parameters, found.shape.kv_heads, found.shape.gated) == (260_032, 4, True)
    assert found.template is None
    assert says(found, "no chat template")


def test_a_real_encoder_decoder(shared: Path) -> None:
    found = inspect_folder(shared / "models/aren-transliteration")
    assert (found.kind, found.shape.layers, found.shape.encoder_layers) == ("encoder_decoder", 12, 6)
    assert found.shape.parameters == 198_144


def test_inspection_loads_neither_torch_nor_transformers(tmp_path: Path) -> None:
    llama(tmp_path)
    code = f"import sys; from sayso.models.inspect import inspect_folder; inspect_folder({str(tmp_path)!r})"
    code += "; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# ---------------------------------------------------------------- what transformers writes

BART = BartConfig(
    vocab_size=50, d_model=16, encoder_layers=2, decoder_layers=1, encoder_ffn_dim=32, decoder_ffn_dim=32,
    encoder_attention_heads=2, decoder_attention_heads=2, max_position_embeddings=32,
)  # fmt: skip
T5 = T5Config(
    vocab_size=50, d_model=16, d_ff=32, d_kv=8, num_layers=2, num_decoder_layers=1, num_heads=2,
    feed_forward_proj="gated-gelu",
)  # fmt: skip
XLMR = XLMRobertaConfig(vocab_size=50, max_position_embeddings=34, type_vocab_size=1, **SIZES)
GPT2 = GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=1, eos_token_id=2)
MODELS: list[tuple[Any, Any, str, int, int, bool]] = [
    (BartForConditionalGeneration, BART, "encoder_decoder", 3, 32, False),
    (T5ForConditionalGeneration, T5, "encoder_decoder", 3, 512, True),
    (XLMRobertaForMaskedLM, XLMR, "encoder", 2, 32, False),
    (GPT2LMHeadModel, GPT2, "decoder", 2, 64, False),
]


@pytest.mark.parametrize(("build", "config", "kind", "layers", "context", "gated"), MODELS)
def test_kind_and_sizes_of_saved_models(
    tmp_path: Path, build: Any, config: Any, kind: str, layers: int, context: int, gated: bool
) -> None:
    model = build(config)
    model.save_pretrained(tmp_path)
    tokenizer(tmp_path)
    found = inspect_folder(tmp_path)
    assert found.kind == kind
    assert (found.shape.layers, found.shape.context, found.shape.gated) == (layers, context, gated)
    assert (found.shape.hidden, found.shape.vocabulary) == (16, 50)
    assert found.shape.intermediate == (64 if build is GPT2LMHeadModel else 32)
    assert found.shape.parameters == sum(p.numel() for p in model.parameters())


def test_a_clean_decoder_is_hardly_odd(tmp_path: Path) -> None:
    model = llama(tmp_path)
    found = inspect_folder(tmp_path)
    assert found.shape.parameters == sum(p.numel() for p in model.parameters())
    assert found.dtype == "float32"
    assert found.vocabulary.special["eos"].id == 2
    assert found.vocabulary.chinese == 2
    assert [sentence for sentence in found.odd if "Chinese" not in sentence] == []
    assert json.loads(json.dumps(found.as_json()))["shape"]["kv_heads"] == 1


def test_weights_in_several_files_are_added_up(tmp_path: Path) -> None:
    model = llama(tmp_path)
    whole = load_file(tmp_path / "model.safetensors")
    names = sorted(whole)
    for number, part in enumerate((names[:5], names[5:])):
        save_file({name: whole[name] for name in part}, tmp_path / f"part-{number}.safetensors")
    (tmp_path / "model.safetensors").unlink()
    places = {name: f"part-{0 if i < 5 else 1}.safetensors" for i, name in enumerate(names)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert inspect_folder(tmp_path).shape.parameters == sum(p.numel() for p in model.parameters())
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(ModelError, match=r"1 of 2 weight files are missing, first 'part-1"):
        inspect_folder(tmp_path)


def test_a_tied_table_stored_twice_counts_once(tmp_path: Path) -> None:
    model = llama(tmp_path, tie_word_embeddings=True)
    whole = load_file(tmp_path / "model.safetensors")
    whole["lm_head.weight"] = whole["model.embed_tokens.weight"].clone()
    save_file(whole, tmp_path / "model.safetensors")
    assert inspect_folder(tmp_path).shape.parameters == sum(p.numel() for p in model.parameters())


def test_a_saved_head_shows_its_labels(tmp_path: Path) -> None:
    names = {0: "差评", 1: "好评"}
    labels = {"id2label": names, "label2id": {label: i for i, label in names.items()}}
    BertForSequenceClassification(BertConfig(vocab_size=50, **SIZES, **labels)).save_pretrained(tmp_path)
    tokenizer(tmp_path, cls_token="<s>", sep_token="</s>")
    assert inspect_folder(tmp_path).labels == ("差评", "好评")
    change(tmp_path / "config.json", id2label={"0": "LABEL_0", "1": "LABEL_1"})
    assert says(inspect_folder(tmp_path), "a head for 2 classes that nobody named")


# ---------------------------------------------------------------- odd things


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"pad_token": "</s>"}, "padding and end are the same token (</s>)"),
        ({"pad_token": None}, "no padding token"),
        ({"eos_token": None}, "no end token"),
        ({"eos_token": "w7"}, "the tokenizer's end token is number 13 (w7), the config's is 2"),
        ({"unk_token": "</s>"}, "unknown characters would end an answer"),
        ({"model_max_length": 128}, "allows 128 tokens, the model has places for 64"),
        ({"chat_template": None}, "no chat template"),
        ({"chat_template": "{{ raise_exception('坏了') }}"}, "cannot be rendered: 坏了"),
        ({"chat_template": "{{ nonsense."}, "cannot be rendered"),
        ({"chat_template": "{% for m in messages %}[{{ m.content }}]{% endfor %}"}, "no generation prompt"),
        ({"chat_template": REWRITES}, "rewrites the prompt"),
        ({"chat_template": CHATML.replace("<|im_end|>", "")}, "does not end the assistant's turn"),
        ({"chat_template": WITHOUT_SYSTEM}, "no system turn"),
    ],
)  # fmt: skip
def test_odd_tokenizers_and_templates_are_said(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    llama(tmp_path)
    change(tmp_path / "tokenizer_config.json", **values)
    assert says(inspect_folder(tmp_path), words)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"auto_map": {"AutoModel": "x.Y"}}, "code that comes with it"),
        ({"quantization_config": {"bits": 4}}, "quantised"),
        ({"dtype": "bfloat16"}, "config.json says bfloat16, but the weights are stored in float32"),
        ({"vocab_size": 60}, "config.json says 60 tokens, but the stored table has 50 rows"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "a classification head, which is not used"),
    ],
)
def test_odd_configs_are_said(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    llama(tmp_path)
    change(tmp_path / "config.json", **values)
    assert says(inspect_folder(tmp_path), words)


def test_vocabularies_of_different_size_are_said(tmp_path: Path) -> None:
    llama(tmp_path)
    tokenizer(tmp_path, 55)
    assert says(inspect_folder(tmp_path), "the tokenizer has 55 tokens, the model only 50")
    tokenizer(tmp_path, 20)
    assert not says(inspect_folder(tmp_path), "the rest is never used")


def test_pickled_weights_are_said_and_the_parameters_estimated(tmp_path: Path) -> None:
    model = llama(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    found = inspect_folder(tmp_path)
    assert found.pickled
    assert says(found, "pickle")
    assert found.shape.parameters == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.6)


# ---------------------------------------------------------------- folders that cannot be a model


def broken(folder: Path, error: str) -> ModelError:
    with pytest.raises(ModelError, match=error) as caught:
        inspect_folder(folder)
    assert caught.value.where
    assert caught.value.expected
    assert caught.value.fix
    return caught.value


def test_no_such_folder_names_the_nearest(tmp_path: Path) -> None:
    for name in ("qwen-small", "qwen-smax"):
        (tmp_path / name).mkdir()
    (tmp_path / "qwen-small" / "config.json").touch()
    assert broken(tmp_path / "qwen-smal", "no such folder").fix == "did you mean 'qwen-small'?"
    (tmp_path / "qwen-small" / "config.json").unlink()  # a folder that is no model is not what was meant
    assert "did you mean" not in broken(tmp_path / "qwen-smal", "no such folder").fix
    broken(tmp_path / "deep" / "er", "no such folder")


def test_no_config_says_what_the_folder_is_instead(tmp_path: Path) -> None:
    broken(tmp_path, "no config.json")
    (tmp_path / "模型").mkdir()
    (tmp_path / "模型/config.json").write_text("{}")
    assert "模型" in broken(tmp_path, "no config.json").fix
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "Qwen/Qwen3-0.6B"}))
    (tmp_path / "模型/config.json").unlink()
    assert "Qwen/Qwen3-0.6B" in broken(tmp_path, "an adapter").fix


def test_a_gguf_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    broken(tmp_path, "GGUF")


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"model_type": ""}'])
def test_an_unusable_config(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    broken(tmp_path, r"config\.json cannot be used")


def test_no_tokenizer(tmp_path: Path) -> None:
    llama(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    broken(tmp_path, "no tokenizer")


def test_a_tokenizer_that_cannot_be_read(tmp_path: Path) -> None:
    llama(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{oops")
    broken(tmp_path, "cannot be read")


def test_unknown_architectures(tmp_path: Path) -> None:
    llama(tmp_path)
    change(tmp_path / "config.json", model_type="lama", architectures=["LamaModel"])
    assert "llama" in broken(tmp_path, "unknown architecture 'lama'").fix
    change(tmp_path / "config.json", model_type="zzzzzz")
    assert "sayso models" in broken(tmp_path, "unknown architecture").fix
    change(tmp_path / "config.json", vision_config={})
    broken(tmp_path, "more than text")


def test_an_unknown_family_that_says_what_it_is(tmp_path: Path) -> None:
    assert kind_of({"model_type": "new", "architectures": ["NewForCausalLM"]}) == "decoder"
    assert kind_of({"model_type": "new", "architectures": ["NewForMaskedLM"]}) == "encoder"
    assert kind_of({"model_type": "new", "is_encoder_decoder": True}) == "encoder_decoder"
    assert kind_of({"model_type": "bert", "architectures": ["BertLMHeadModel"]}) == "decoder"


def test_no_weights(tmp_path: Path) -> None:
    llama(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    broken(tmp_path, "no weights")


def test_broken_weights(tmp_path: Path) -> None:
    llama(tmp_path)
    file = tmp_path / "model.safetensors"
    whole = file.read_bytes()
    for damaged in (b"", whole[:6], whole[:-10], whole[:100], whole + b"more", b"version https://git-lfs" + whole[:9]):
        file.write_bytes(damaged)
        broken(tmp_path, "damaged")


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_model_error_or_a_header(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, framed: bool
) -> None:
    file = tmp_path_factory.mktemp("bytes") / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(data)) + data if framed else data)
    with contextlib.suppress(ModelError):
        assert isinstance(read_header(file), dict)


# ---------------------------------------------------------------- parts


def test_every_family_has_one_kind() -> None:
    everything = [family for kind in ("encoder", "decoder", "encoder_decoder") for family in families(kind)]  # type: ignore[arg-type]
    assert len(everything) == len(set(everything)) > 80


def test_the_families_agree_with_transformers() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED

    elsewhere = {"internlm2", "internlm3", "minicpm", "minicpm3"}
    assert set(families("decoder")) - set(CAUSAL) - elsewhere <= {"nezha"}
    assert len(set(families("encoder")) & set(MASKED)) > 25


def test_byte_level_pieces_are_turned_back_before_chinese_is_counted(tmp_path: Path) -> None:
    vocab = {"ä½ł": 0, "å¥½": 1, "Ġhello": 2, "中": 3}  # 你, 好 in GPT-2's byte characters; a raw 中 is no byte
    whole = {"model": {"type": "BPE", "vocab": vocab}, "decoder": {"type": "ByteLevel"}, "added_tokens": []}
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    found = read_vocabulary(tmp_path)
    assert (found.size, found.chinese, found.bytes) == (4, 2, True)


def test_the_bytes_of_real_tokenizers_agree(shared: Path) -> None:
    from transformers import AutoTokenizer

    for name in ("all-MiniLM-L6-v2", "tinystories-chat-3m", "stories260k", "aren-transliteration"):
        real = AutoTokenizer.from_pretrained(shared / "models" / name, local_files_only=True)
        found = read_vocabulary(shared / "models" / name)
        assert found.size == len(real)
        assert found.special["pad"].id == real.pad_token_id


def test_how_chinese_is_read_is_measured_not_guessed_from_the_number_of_pieces(shared: Path) -> None:
    """The embedded vocabulary has some 1,500 Chinese pieces: few in a list, and nearly all of a text."""
    own, english = inspect_folder(EMBEDDED), inspect_folder(shared / "models" / "tinystories-chat-3m")
    assert own.vocabulary.chinese < FEW_CHINESE
    assert own.vocabulary.reads_chinese is not None
    assert 0.5 < own.vocabulary.reads_chinese.cost < COSTLY
    assert not says(own, "Chinese")
    assert says(english, "Chinese text costs about 3.0 tokens per character")


def test_without_a_tokenizer_to_measure_with_the_pieces_are_counted(tmp_path: Path) -> None:
    llama(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.txt").write_text("[UNK]\n我\na\n", encoding="utf-8")
    assert says(inspect_folder(tmp_path), "only 1 of 3 pieces are Chinese: Chinese text may partly become")


def test_older_tokenizers_of_plain_lists(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n我\n", encoding="utf-8")
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"pad_token": {"content": "[PAD]"}}))
    found = read_vocabulary(tmp_path)
    assert (found.size, found.chinese, found.special["pad"].id) == (5, 1, 0)
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "b": 1}))
    (tmp_path / "merges.txt").write_text("#version\n")
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<x>": 2}))
    assert (read_vocabulary(tmp_path).size, read_vocabulary(tmp_path).bytes) == (3, True)


def test_a_tokenizer_of_bytes_needs_no_file(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer"}))
    assert read_vocabulary(tmp_path).bytes


def test_templates_in_other_places(tmp_path: Path) -> None:
    llama(tmp_path)
    change(tmp_path / "tokenizer_config.json", chat_template=None)
    named = [{"name": "tool", "template": "x"}, {"name": "default", "template": CHATML}]
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": named}))
    found = inspect_folder(tmp_path)
    assert found.template is not None
    assert found.template.system
    (tmp_path / "chat_template.json").write_text("not json")
    assert inspect_folder(tmp_path).template is None
    (tmp_path / "chat_template.jinja").write_text(CHATML, encoding="utf-8")
    assert inspect_folder(tmp_path).template is not None


def test_tags_that_mark_training_spans_print_nothing() -> None:
    marked = CHATML.replace("{{ m.content }}", "{% generation %}{{ m.content | tojson }}{% endgeneration %}")
    assert try_template(marked, {}, ["<|im_end|>"]).problem == ""
    assert try_template("{{ strftime_now('%Y') }}" + CHATML, {}, ["<|im_end|>"]).opens


def test_sizes_without_weights_are_estimated() -> None:
    config = {
        "model_type": "gpt2",
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "vocab_size": 50257,
        "n_positions": 1024,
    }
    shape = shape_of(config, "decoder")
    assert shape.intermediate == 4 * 768
    assert shape.parameters == pytest.approx(124_439_808, rel=0.02)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: zh\nlicense: Apache-2.0\n---\n# A model", "apache-2.0"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n正文", "mit"),
        ("---\nlicense: other\nlicense_name: Qwen-Research\n---\n", "qwen-research"),
        ("---\nlicense: [mit, cc-by-4.0]\n---\n", "mit, cc-by-4.0"),
        ("# A model\n\n---\nlicense: mit\n---\n", ""),
        ("---\nlicense: {mit\n---\n", ""),
        ("---\n- mit\n---\n", ""),
        ("---\nlanguage: zh\n---\n", ""),
        (None, ""),
    ],
)
def test_the_licence_is_what_the_card_says_before_its_text(card: str | None, licence: str, tmp_path: Path) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card, encoding="utf-8", newline="")
    assert licence_of(tmp_path) == licence


def test_a_folder_with_a_card_tells_its_licence(tmp_path: Path) -> None:
    llama(tmp_path)
    assert inspect_folder(tmp_path).licence == ""
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    assert inspect_folder(tmp_path).licence == "mit"
    assert inspect_folder(EMBEDDED).licence == "apache-2.0"
