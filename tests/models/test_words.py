"""Tokens become the words that a person reads, in both languages, and what nobody said is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened

from sayso.models.attribution import pieces_of
from sayso.models.words import joined_values, words_of
from sayso.records import Message, user


@pytest.mark.parametrize("name", ["bert", "llama", "bart", "gpt2", "t5"])
@pytest.mark.parametrize("text", ["Please refund order-12, it's broken!", "一只猫坐在垫子上，很好。", "a 好 b"])
def test_every_token_is_in_one_word_and_the_words_are_the_text(name: str, text: str) -> None:
    learner = opened(name, ("good", "bad") if name == "bert" else ())
    row = learner.row(user(text), "good")
    ids = row.ids[: row.at[0] + 1] if name in ("llama", "gpt2") else row.ids
    pieces = pieces_of(learner, ids, user(text))
    assert sorted(place for piece in pieces for place in piece.places) == list(range(len(ids)))
    assert "".join(piece.text for piece in pieces if piece.said).replace(" ", "") == text.replace(" ", "")


def test_sub_words_are_joined_and_bytes_of_a_character_never_stand_alone() -> None:
    learner = opened("llama")
    text = "unbelievably 鑫 good"
    ids = learner.core.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(ids) > 3
    assert [piece.text for piece in words_of(learner.core.tokenizer, ids, text)] == ["unbelievably", "鑫", "good"]


def test_what_was_cut_off_on_the_left_is_not_shown() -> None:
    tokenizer = opened("bert", ("good", "bad")).core.tokenizer
    text = "the cat sat on the mat"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert [piece.text for piece in words_of(tokenizer, ids[-2:], text)] == ["the", "mat"]


def test_the_template_was_not_said() -> None:
    learner = opened("llama")
    context = (Message("user", "hello dog"), Message("assistant", "good"), Message("user", "the cat"))
    row = learner.row(context, "bad")
    pieces = pieces_of(learner, row.ids[: row.at[0] + 1], context)
    assert [piece.text for piece in pieces if piece.said] == ["hello", "dog", "good", "the", "cat"]
    assert {piece.text for piece in pieces if not piece.said} >= {"<|user|>", "<|bot|>"}


def test_a_word_has_the_sum_of_its_tokens() -> None:
    tokenizer = opened("llama").core.tokenizer
    text = "unbelievably good"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = words_of(tokenizer, ids, text)
    values = [float(i) for i in range(len(ids))]
    assert sum(joined_values(pieces, values)) == sum(values)
    assert joined_values(pieces, values)[-1] == sum(values[place] for place in pieces[-1].places)
