"""A new tokenizer: every text comes back, and traditional Chinese is read as simplified where that is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from sayso.errors import UnsupportedError
from sayso.models.scratch import train_tokenizer

TEXTS = ["我们这个来说会很开心", "这个问题很难", "The cat sat.", "頭髮很長"] * 3
KINDS = ("decoder", "encoder", "encoder_decoder")


@pytest.mark.parametrize("kind", KINDS)
def test_traditional_characters_are_read_as_simplified_ones_and_stay_so_on_disk(kind: str, tmp_path: Path) -> None:
    train_tokenizer(TEXTS, 320, kind, simplified=True).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for traditional, simplified in (
        ("我們這個來說會很開心", "我们这个来说会很开心"),
        ("這個問題很難。", "这个问题很难。"),
    ):
        assert tokenizer(traditional)["input_ids"] == tokenizer(simplified)["input_ids"]
        assert tokenizer.decode(tokenizer(traditional)["input_ids"], skip_special_tokens=True) == simplified
    assert tokenizer.tokenize("The cat sat. 😊 café") == train_tokenizer(TEXTS, 320, kind).tokenize(
        "The cat sat. 😊 café"
    )


def test_also_where_the_texts_hold_only_the_traditional_form() -> None:
    tokenizer = train_tokenizer(TEXTS, 320, "decoder", simplified=True)
    assert tokenizer.decode(tokenizer("頭髮長")["input_ids"]) == "头发长"


def test_a_character_whose_simplified_form_nobody_taught_is_left_as_it_is() -> None:
    tokenizer = train_tokenizer(TEXTS, 320, "decoder", simplified=True)
    assert tokenizer.decode(tokenizer("龍")["input_ids"]) == "龍"


def test_unless_it_is_asked_for_nothing_is_folded() -> None:
    tokenizer = train_tokenizer(TEXTS, 320, "decoder")
    assert tokenizer.decode(tokenizer("我們")["input_ids"]) == "我們"


def test_without_the_table_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(UnsupportedError, match="OpenCC's table") as caught:
        train_tokenizer(TEXTS, 320, "decoder", simplified=True)
    assert "sayso[chinese]" in str(caught.value)
