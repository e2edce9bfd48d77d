"""Each manner's test on hand-written texts, and its maker against its test."""

from __future__ import annotations

import pytest

from sayso.bilingual import Bank, Sentence, read_bank
from sayso.manners import (
    between,
    bracketed,
    contains,
    in_register,
    marks,
    shows_bracketed,
    shows_capital_names,
    shows_english,
    shows_family_first,
    shows_figures,
    shows_marks,
    shows_register,
)

BANK: Bank = read_bank(
    {"person": "李伟 = Wei Li", "foreigner": "汤姆·贝克 = Tom Baker", "goods": "饼干/块 = cookie\n卡车/辆 = truck"},
    "biscuit = cookie\nlorry = truck",
    {"few": (2, 12), "price": (13, 999)},
    {
        "x": "{person}见{foreigner}。 || {person} meets {foreigner}.\n{few}{goods_m}{goods}要{price}块。 || "
        "{few} {goods_s} cost {price} yuan.\n{time}见。 || See you at {time}."
    },
)


def sentence(english: str) -> Sentence:
    found = BANK.read(english, "en")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "wording", "there"),
    [
        ("Three Kettles are here", "kettle", True),
        ("the kettlebell", "kettle", False),
        ("sky berries", "sky berry", True),
        ("我的knife呢", "knife", True),
        ("一把水壶", "水壶", True),
        ("一把水", "水壶", False),
        ("KX-99", "KX-9", False),
    ],
)
def test_contains(text: str, wording: str, there: bool) -> None:
    assert contains(text, wording) == there


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("I don't know, it's late.", "I do not know, it is late."),
        ("Let's go, we're lost.", "Let us go, we are lost."),
        ("What's this? It isn't mine.", "What is this? It is not mine."),
        ("I'd like tea and can't wait.", "I would like tea and cannot wait."),
    ],
)
def test_english_registers(short: str, full: str) -> None:
    assert in_register(True, "en", short) == full
    assert in_register(False, "en", full) == short
    assert shows_register(True, "en", full)
    assert not shows_register(True, "en", short)
    assert shows_register(False, "en", short)
    assert not shows_register(False, "en", full)
    assert not shows_register(True, "en", "It is late and I'm tired.")


def test_a_text_that_cannot_be_shortened_has_no_register() -> None:
    for text in ("The shop is closed.", "Yes, I am.", "Tom's desk is old.", "What time is it?"):
        assert not shows_register(True, "en", text)
        assert not shows_register(False, "en", text)


def test_chinese_registers() -> None:
    assert in_register(True, "zh", "你的伞呢？") == "您的伞呢？"
    assert in_register(False, "zh", "您的伞呢？") == "你的伞呢？"
    assert shows_register(True, "zh", "您的伞呢？")
    assert not shows_register(True, "zh", "您看，你的伞。")
    assert not shows_register(True, "zh", "伞呢？")
    assert shows_register(False, "zh", "你的伞呢？")


def test_names() -> None:
    both = sentence("Wei Li meets Tom Baker.")
    assert shows_family_first(both, "Li Wei meets Tom Baker.")
    assert not shows_family_first(both, "Wei Li meets Baker Tom.")
    assert not shows_family_first(sentence("See you at 3:00."), "Li Wei")
    assert shows_capital_names(both, "Wei LI meets Tom BAKER.")
    assert not shows_capital_names(both, "Wei LI meets Tom Baker.")
    assert not shows_capital_names(both, "Wei LIN meets Tom BAKER.")


@pytest.mark.parametrize(
    ("text", "language", "figures", "words"),
    [
        ("3 cookies cost 21 yuan.", "en", True, False),
        ("Three cookies cost twenty-one yuan.", "en", False, True),
        ("Three cookies cost 21 yuan.", "en", False, False),
        ("13 cookies cost 210 yuan.", "en", False, False),
        ("Thirty-three cookies cost twenty-one yuan.", "en", False, False),
        ("Three hundred cookies cost twenty one yuan.", "en", False, False),
        ("Three cookies cost twenty one yuan.", "en", False, True),
        ("3块饼干要21块。", "zh", True, False),
        ("三块饼干要二十一块。", "zh", False, True),
        ("十三块饼干要二十一块。", "zh", False, False),
        ("饼干在3:21。", "zh", False, False),
    ],
)
def test_numbers(text: str, language: str, figures: bool, words: bool) -> None:
    asked = sentence("3 cookies cost 21 yuan.")
    assert shows_figures(True, ("few", "price"), asked, language, text) == figures
    assert shows_figures(False, ("few", "price"), asked, language, text) == words


@pytest.mark.parametrize(
    ("text", "language", "spelt"),
    [
        ("See you at half past three.", "en", True),
        ("See you at three thirty.", "en", True),
        ("See you at 3:30.", "en", False),
        ("See you at 3:30, half past three.", "en", False),
        ("See you at half past four.", "en", False),
        ("三点半见。", "zh", True),
        ("三点三十分见。", "zh", True),
        ("3:30见。", "zh", False),
        ("十三点半见。", "zh", False),
    ],
)
def test_times(text: str, language: str, spelt: bool) -> None:
    assert shows_figures(False, ("time",), sentence("See you at 3:30."), language, text) == spelt


def test_where_there_is_no_number_none_shows() -> None:
    assert not shows_figures(True, ("few",), sentence("See you at 3:30."), "en", "3 of them")


def test_british_and_american() -> None:
    asked = sentence("3 cookies cost 21 yuan.")
    assert shows_english(True, asked, "3 Biscuits cost 21 yuan.")
    assert not shows_english(True, asked, "3 cookies cost 21 yuan.")
    assert not shows_english(True, asked, "3 biscuits (cookies) cost 21 yuan.")
    assert shows_english(False, asked, "3 cookies cost 21 yuan.")
    assert not shows_english(False, asked, "3 cakes cost 21 yuan.")
    assert not shows_english(False, sentence("See you at 3:30."), "cookie")


def test_a_word_that_is_part_of_its_twin_does_not_count() -> None:
    plain = read_bank({"goods": "手机/部 = phone"}, "mobile phone = phone", {}, {"x": "我的{goods} || My {goods}"})
    asked = plain.read("My phone", "en")
    assert asked is not None
    assert shows_english(True, asked, "My mobile phone")
    assert not shows_english(True, asked, "My mobile phone, my phone")


@pytest.mark.parametrize(
    ("text", "there"), [("Tea (茶)", True), ("茶（ 茶 ）。", True), ("Tea 茶", False), ("(茶)", False)]
)
def test_brackets(text: str, there: bool) -> None:
    assert shows_bracketed("茶", text) == there


def test_brackets_are_those_of_the_text() -> None:
    assert bracketed("Tea.", "茶。") == "Tea. (茶。)"
    assert bracketed("茶。", "Tea.") == "茶。（Tea.）"


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("「」", "「茶」"),
        ("**", "**茶**"),
        ("*", "*茶*"),
        ("<<>>", "<<茶>>"),
        ("→←", "→茶←"),
        ("***", "***茶***"),
        ("||", "||茶||"),
    ],
)
def test_marks(mark: str, text: str) -> None:
    assert between(mark, "茶") == text
    assert shows_marks(mark, text)
    assert not shows_marks(mark, "茶")
    assert not shows_marks(mark, "".join(marks(mark)))
