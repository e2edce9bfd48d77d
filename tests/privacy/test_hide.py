"""What was found is taken out, places move with the text, and a pseudonym stays the same."""

from __future__ import annotations

import re

import pytest

from sayso.privacy.hide import hide, pseudonym
from sayso.privacy.search import search

TEXT = "我叫张伟，手机13812345678，备用138-1234-5678。"


def test_a_kind_in_the_texts_language_stands_in_its_place() -> None:
    assert hide(TEXT, search(TEXT)).text == "我叫[人名]，手机[手机号]，备用[手机号]。"
    english = "I am Priya Raman, call (415) 555-0132."
    assert hide(english, search(english)).text == "I am [name], call [phone]."


def test_a_pseudonym_is_the_same_for_the_same_number_however_it_is_written() -> None:
    hidden = hide(TEXT, search(TEXT), b"key").text
    tags = re.findall(r"\[手机号 (\w{4})\]", hidden)
    assert len(tags) == 2
    assert tags[0] == tags[1]
    assert "1381234" not in hidden
    assert hide(TEXT, search(TEXT), b"other").text != hidden
    assert pseudonym("13812345678", "phone", b"key") == pseudonym("+86 138 1234 5678", "phone", b"key")
    assert pseudonym("13812345678", "phone", b"key") != pseudonym("13812345679", "phone", b"key")


def test_many_numbers_share_a_pseudonym_so_none_leads_back() -> None:
    tags = [pseudonym(str(13_000_000_000 + n), "phone", b"k") for n in range(20_000)]
    assert len(set(tags)) < len(tags)


@pytest.mark.parametrize("key", [None, b"key"])
def test_places_move_with_the_text(key: bytes | None) -> None:
    hidden = hide(TEXT, search(TEXT), key)
    for word in ("我叫", "，手机", "，备用", "。"):
        at = TEXT.index(word)
        assert hidden.text[hidden.at(at) : hidden.at(at + len(word), end=True)] == word
    inside = TEXT.index("张伟") + 1
    assert hidden.text[hidden.at(inside) : hidden.at(inside, end=True)].startswith("[人名")
