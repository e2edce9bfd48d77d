"""Numbers and times in words, written by hand."""

from __future__ import annotations

import pytest

from sayso.numerals import clock_words, missing_numbers, number_words, numbers_in


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (2, "two", "两"),
        (10, "ten", "十"),
        (12, "twelve", "十二"),
        (20, "twenty", "二十"),
        (22, "twenty-two", "二十二"),
        (99, "ninety-nine", "九十九"),
        (100, "one hundred", "一百"),
        (105, "one hundred and five", "一百零五"),
        (110, "one hundred and ten", "一百一十"),
        (117, "one hundred and seventeen", "一百一十七"),
        (230, "two hundred and thirty", "两百三十"),
        (999, "nine hundred and ninety-nine", "九百九十九"),
    ],
)
def test_numbers(number: int, english: str, chinese: str) -> None:
    assert number_words(number, "en")[0] == english
    assert number_words(number, "zh")[0] == chinese


def test_other_wordings_are_accepted() -> None:
    assert number_words(105, "en")[1:] == ("one hundred five",)
    assert number_words(2, "zh")[1:] == ("二",)
    assert number_words(250, "zh")[1:] == ("二百五十",)
    assert number_words(7, "en") == ("seven",)


def test_no_two_numbers_are_written_alike() -> None:
    for language in ("en", "zh"):
        said = [words for number in range(1, 1000) for words in number_words(number, language)]
        assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("hour", "minute", "english", "chinese"),
    [
        (3, 0, "three o'clock", "三点"),
        (3, 30, "half past three", "三点半"),
        (2, 15, "a quarter past two", "两点一刻"),
        (12, 45, "a quarter to one", "十二点三刻"),
        (9, 5, "five past nine", "九点零五分"),
        (9, 10, "ten past nine", "九点十分"),
        (7, 40, "twenty to eight", "七点四十分"),
        (11, 25, "twenty-five past eleven", "十一点二十五分"),
    ],
)
def test_times(hour: int, minute: int, english: str, chinese: str) -> None:
    assert clock_words(hour, minute, "en")[0] == english
    assert clock_words(hour, minute, "zh")[0] == chinese


def test_times_have_other_wordings() -> None:
    assert "three thirty" in clock_words(3, 30, "en")
    assert "nine oh five" in clock_words(9, 5, "en")
    assert {"三点三十分", "三点三十"} <= set(clock_words(3, 30, "zh"))


def test_numbers_in_a_text_are_those_in_figures() -> None:
    assert numbers_in("1,000 at 9:30, no. 7 of 10.00; 三") == ["1000", "9", "30", "7", "10"]
    assert numbers_in("０ 和 １２") == ["0", "12"]


@pytest.mark.parametrize(
    ("text", "wanted", "missing"),
    [
        ("three books", "3本书", []),
        ("两本书", "2 books", []),
        ("两本书", "3 books", ["3"]),
        ("I paid 1200", "1,200元，12月", ["12"]),
        ("eleven", "11", ["11"]),
        ("", "4 and 4 and 5", ["4", "5"]),
    ],
)
def test_a_small_number_may_be_spelt(text: str, wanted: str, missing: list[str]) -> None:
    assert missing_numbers(text, wanted) == missing
