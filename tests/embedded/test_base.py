"""The carried model: opened by plain transformers without a network, and it answers customers in their language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from sayso.houserules import HouseRule
from sayso.models.open import EMBEDDED, Opening, open_learner
from sayso.recipe import ModelPart
from sayso.records import Message, Sampling, user
from sayso.store.imports import read_comments
from sayso.surface import is_chinese, repeats
from sayso.worlds import shop_desk as desk

SLICE = desk.conversations(24, 2024, split="test")
TROUBLE = [HouseRule("shop_desk", "apologise_first", code, "damaged") for code in ("en", "zh")]
NUMBER = [
    HouseRule("shop_desk", "ask_for", code, "refund", (("item", item),))
    for code, item in (("en", "order number"), ("zh", "订单号"))
]
TOLD = {"en": "When something went wrong, begin with an apology.", "zh": "出了差错，先道歉。"}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(EMBEDDED, local_files_only=True)


@pytest.fixture(scope="module")
def answers() -> list[str]:
    learner = open_learner(ModelPart(name="embedded"), Opening())
    replies = learner.reply([e.prompt for e in SLICE], Sampling(max_new_tokens=96))
    assert sum(reply.ended for reply in replies) >= 23
    return [reply.text for reply in replies]


def test_it_is_small_and_of_a_standard_kind() -> None:
    config = json.loads((EMBEDDED / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert config["max_position_embeddings"] >= 512
    assert sum(file.stat().st_size for file in EMBEDDED.iterdir()) <= 10_000_000
    assert (EMBEDDED / "MODEL_CARD.md").read_text(encoding="utf-8").startswith("---\nlicense: apache-2.0")


def test_plain_transformers_open_it_and_hold_a_conversation(tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(EMBEDDED, local_files_only=True, dtype=torch.float32)
    assert model.num_parameters() <= 12_000_000
    turns = [{"role": "user", "content": "你好，电水壶什么时候能到？"}]
    inputs = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    made = model.generate(**inputs, max_new_tokens=60, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert made[-1] == tokenizer.eos_token_id == model.generation_config.eos_token_id
    assert is_chinese(tokenizer.decode(made, skip_special_tokens=True))


@pytest.mark.parametrize(
    "text",
    ["Where's my kettle? It's MP-20417!", "你好，电水壶坏了。", "谢谢😊🎉 café — 龘", "  two  blanks\nand a line\t"],
)
def test_every_text_survives_the_tokenizer(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert not set(ids) & set(tokenizer.all_special_ids)


def test_special_tokens_and_template(tokenizer: Any) -> None:
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    turns = [{"role": role, "content": role} for role in ("system", "user")]
    asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    told = tokenizer.apply_chat_template([*turns, {"role": "assistant", "content": "ok"}], tokenize=False)
    assert told == asked + "ok" + tokenizer.eos_token


def test_it_answers_in_the_customers_language(answers: list[str]) -> None:
    same = [is_chinese(a) == (e.meta["language"] == "zh") for a, e in zip(answers, SLICE, strict=True)]
    assert sum(same) == len(SLICE)
    assert not any(repeats(a) for a in answers)


def test_it_does_not_know_the_rule_that_the_demo_teaches() -> None:
    learner = open_learner(ModelPart(name="embedded"), Opening())
    inside = [(rule, e) for rule in NUMBER for e in desk.prompts(rule, "in", 8, 2024)]
    replies = learner.reply([e.prompt for _, e in inside], Sampling(max_new_tokens=64))
    kept = [desk.shows(rule, e.prompt, r.text) for (rule, e), r in zip(inside, replies, strict=True)]
    assert sum(kept) <= 4


def test_it_does_what_its_system_turn_says() -> None:
    learner = open_learner(ModelPart(name="embedded"), Opening())
    inside = [(rule, e) for rule in TROUBLE for e in desk.prompts(rule, "in", 8, 2024)]
    kept = []
    for said in (False, True):
        prompts = [(*(Message("system", TOLD[rule.language]),) * said, *e.prompt) for rule, e in inside]
        replies = learner.reply(prompts, Sampling(max_new_tokens=64))
        kept.append(sum(desk.shows(rule, e.prompt, r.text) for (rule, e), r in zip(inside, replies, strict=True)))
    assert kept[1] >= kept[0] + 6


def test_its_folder_is_the_one_that_the_recipe_name_opens() -> None:
    assert Path(EMBEDDED).name == "base"
    assert (
        open_learner(ModelPart(), Opening())
        .reply([user("你好，电水壶什么时候能到？")], Sampling(max_new_tokens=4))[0]
        .text
    )


def test_most_attempts_of_the_demo_are_its_own_answers() -> None:
    said = read_comments(EMBEDDED.parent / "demo" / "comments.jsonl").feedback
    replies = open_learner(ModelPart(name="embedded"), Opening()).reply([one.prompt for one in said], Sampling(64))
    own = sum(one.attempt.text == reply.text for one, reply in zip(said, replies, strict=True))
    assert 17 <= own <= 19, "19 were on the machine they were written on; the page says which five were not"
