"""Numbers up to 999 and times of day, in words as they are said in English and in Chinese; and those in a text.

Decided here:
- The first wording of a list is the one to write; the others are those that a reader accepts as the same.
- Chinese numbers are those that stand before a measure word: two is 两, and 二 is accepted.
- Of the numbers in a text only those in figures are looked for. One up to ten is also there where it is in words.
"""

from __future__ import annotations

import re
import unicodedata

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS = "零一二三四五六七八九"
_FIGURES = re.compile(r"\d+")


def number_words(number: int, language: str) -> tuple[str, ...]:
    """How a number from 1 to 999 is written in words."""
    if language == "en":
        return tuple(dict.fromkeys((_english(number, " and "), _english(number, " "))))
    first = "两" if number == 2 else _chinese(number)
    if 200 <= number < 300:
        first = "两" + first[1:]
    return tuple(dict.fromkeys((first, _chinese(number))))


def clock_words(hour: int, minute: int, language: str) -> tuple[str, ...]:
    """How a time of day (hours 1 to 12) is said."""
    return _english_clock(hour, minute) if language == "en" else _chinese_clock(hour, minute)


def numbers_in(text: str) -> list[str]:
    """Runs of digits: 1,000 is one, 9:30 and 9.30 are the same two, the 00 of a full hour is none."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", unicodedata.normalize("NFKC", text))
    return [number for number in _FIGURES.findall(plain) if number.strip("0") or number == "0"]


def missing_numbers(text: str, wanted: str) -> list[str]:
    """The numbers in `wanted` that the text has neither in figures nor, where they are small, in words."""
    has, plain = set(numbers_in(text)), text.casefold()
    lacking = [number for number in dict.fromkeys(numbers_in(wanted)) if number not in has]
    return [number for number in lacking if not any(word in plain for word in _small(number))]


def _small(number: str) -> tuple[str, ...]:
    """How a number up to ten is said, in both languages."""
    if len(number) > 2 or int(number) > 10:
        return ()
    return (_ONES[int(number)], *(number_words(int(number), "zh") if int(number) else "零"))


def _english(number: int, joint: str) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{_ONES[hundreds]} hundred" + (joint + _english(rest, joint) if rest else "")


def _chinese(number: int) -> str:
    if number < 20:
        return ("十" if number > 9 else "") + (_DIGITS[number % 10] if number % 10 else "")
    if number < 100:
        return _DIGITS[number // 10] + _chinese(10 + number % 10)
    hundreds, rest = divmod(number, 100)
    joint = "零" if 0 < rest < 10 else "一" if 10 <= rest < 20 else ""
    return _DIGITS[hundreds] + "百" + joint + (_chinese(rest) if rest else "")


def _english_clock(hour: int, minute: int) -> tuple[str, ...]:
    this, following = _ONES[hour], _ONES[hour % 12 + 1]
    if minute == 0:
        return (f"{this} o'clock",)
    plain = f"{this} {_english(minute, ' ')}" if minute > 9 else f"{this} oh {_ONES[minute]}"
    if minute == 30:
        return (f"half past {this}", plain)
    if minute in (15, 45):
        of_hour = f"quarter past {this}" if minute == 15 else f"quarter to {following}"
        return (f"a {of_hour}", of_hour, plain)
    of_minutes = (minute, "past", this) if minute < 30 else (60 - minute, "to", following)
    return (f"{_english(of_minutes[0], ' ')} {of_minutes[1]} {of_minutes[2]}", plain)


def _chinese_clock(hour: int, minute: int) -> tuple[str, ...]:
    hours = number_words(hour, "zh")
    minutes = ("零" if minute < 10 else "") + _chinese(minute)
    ends: tuple[str, ...] = ("", "整") if minute == 0 else (f"{minutes}分", minutes)
    ends = {15: ("一刻", *ends), 30: ("半", *ends), 45: ("三刻", *ends)}.get(minute, ends)
    return tuple(f"{one}点{end}" for one in hours for end in ends)
