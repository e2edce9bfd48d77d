"""Sentences in two languages: composed, written in other manners, and read back from either side."""

from __future__ import annotations

from random import Random

import pytest

from sayso.bilingual import Bank, Manner, Word, article, plural, read_bank
from sayso.errors import Fault

LEXICON = {
    "goods": "雨伞/把 = umbrella\n刀/把 = knife/knives\n手电筒 = torch\n红刀/把 = red knife/red knives",
    "person": "李伟 = Wei Li\n王芳 = Fang Wang",
    "foreigner": "汤姆·贝克 = Tom Baker",
}
SENTENCES = {
    "shop": "我要{few}{goods_m}{goods}。 || I need {few} {goods_s}.\n这是{goods}。 || This is {goods_a}.",
    "home": "{person}和{person2}{time}来。 || {person} and {person2} come at {time}.\n"
    "{foreigner}来了。 || {foreigner} is here.",
}


@pytest.fixture(scope="module")
def bank() -> Bank:
    return read_bank(LEXICON, "torch = flashlight", {"few": (2, 12)}, SENTENCES)


def written(bank: Bank, english: str, manner: Manner, language: str = "en") -> str:
    sentence = bank.read(english, "en")
    assert sentence is not None
    return sentence.write(language, manner)


def test_each_side_is_written_as_one_says_it_there(bank: Bank) -> None:
    pairs = {
        "I need three umbrellas.": "我要三把雨伞。",
        "I need 2 knives.": "我要2把刀。",
        "I need two torches.": "我要两个手电筒。",
        "This is an umbrella.": "这是雨伞。",
        "Wei Li and Fang Wang come at half past three.": "李伟和王芳三点半来。",
        "Wei Li and Fang Wang come at 3:30.": "李伟和王芳3:30来。",
    }
    for english, chinese in pairs.items():
        sentence = bank.read(english, "en")
        assert sentence is not None
        assert bank.read(chinese, "zh") == sentence
        assert (sentence.write("en"), sentence.write("zh")) == (english, chinese)


@pytest.mark.parametrize(
    "text",
    [
        "I need three umbrella.",
        "This is a umbrella.",
        "I need 13 knives.",
        "i need 3 knives.",
        "This is an umbrella",
        "",
    ],
)
def test_what_is_not_written_so_is_not_read(bank: Bank, text: str) -> None:
    assert bank.read(text, "en") is None


@pytest.mark.parametrize("text", ["我要三个雨伞。", "我要二把刀。", "我要三把雨伞", "李伟和王芳4:60来。"])
def test_a_wrong_measure_word_or_number_is_not_read(bank: Bank, text: str) -> None:
    assert bank.read(text, "zh") is None


def test_either_english_is_read_as_the_same_sentence(bank: Bank) -> None:
    assert bank.read("This is a flashlight.", "en") == bank.read("This is a torch.", "en") is not None


def test_manners(bank: Bank) -> None:
    assert written(bank, "I need two torches.", Manner("american")) == "I need two flashlights."
    assert written(bank, "This is a flashlight.", Manner("british")) == "This is a torch."
    assert written(bank, "I need two knives.", Manner(figures=(("few", True),))) == "I need 2 knives."
    assert written(bank, "I need 2 knives.", Manner(figures=(("few", False),)), "zh") == "我要两把刀。"
    assert written(bank, "I need 2 knives.", Manner(figures=(("time", False),))) == "I need 2 knives."
    assert written(bank, "Tom Baker is here.", Manner(names="capitals")) == "Tom BAKER is here."
    assert written(bank, "Tom Baker is here.", Manner(names="family_first")) == "Tom Baker is here."
    names = "Wei Li and Fang Wang come at 3:00."
    assert written(bank, names, Manner(names="family_first")) == "Li Wei and Wang Fang come at 3:00."


def test_another_word_takes_its_plural_and_article(bank: Bank) -> None:
    sentence = bank.read("I need two knives.", "en")
    assert sentence is not None
    knife = sentence.words[1]
    assert sentence.write("en", Manner(instead=((knife, "sky berry"),))) == "I need two sky berries."
    assert sentence.write("en", Manner(instead=((knife, "刀"),))) == "I need two 刀."
    assert sentence.write("zh", Manner(instead=((knife, "knife"),))) == "我要两把knife。"
    assert written(bank, "This is a knife.", Manner(instead=((knife, "Aquapot"),))) == "This is an Aquapot."


def test_all_numbers_of_a_sentence_are_in_figures_or_none(bank: Bank) -> None:
    both = read_bank({}, "", {"few": (2, 12)}, {"x": "{few}到{few2} || {few} to {few2}"})
    for seed in range(40):
        one, other = both.draw(both.templates[0], Random(str(seed))).words
        assert one.figures != other.figures
        assert one.in_figures == other.in_figures


def test_a_given_word_is_in_the_sentence_and_only_once(bank: Bank) -> None:
    (person, other) = bank.words["person"]
    for given in (person, other):
        sentence = bank.draw(bank.templates[2], Random("x"), given)
        assert sentence.words[0] == given
        assert sentence.words[1] != given


def test_plurals_and_articles() -> None:
    assert [plural(word) for word in ("bus", "dish", "box", "berry", "toy", "X-40", "刀")] == [
        *("buses", "dishes", "boxes", "berries", "toys", "X-40", "刀")
    ]
    assert [article(word) for word in ("apple", "uniform", "hour", "X-ray", "one-way ticket", "knife", "Aquapot")] == [
        *("an", "a", "an", "an", "a", "a", "an")
    ]


def test_a_line_that_is_no_entry_is_named() -> None:
    with pytest.raises(Fault, match="雨伞 umbrella"):
        read_bank({"goods": "雨伞 umbrella"}, "", {}, {})


def test_words_are_told_apart_by_everything(bank: Bank) -> None:
    assert Word("few", "2", "2", figures="2", in_figures=True) in bank.words["few"]
    assert Word("few", "2", "2", figures="2") in bank.words["few"]
