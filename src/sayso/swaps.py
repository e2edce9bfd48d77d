"""The same text about somebody else: counterfactual pairs, and comments that judge a group of people.

Decided here:
- Sentences and words stand in swaps.yaml, in Chinese and in English, written for this project. What is not listed is
  not seen.
- In people's own rows words are exchanged in both directions, whole words only in English, their capital kept. Longer
  Chinese words are looked for first, so that 女主角 does not become 男 and 主角; where a pair is part of a longer word
  that means something else, the pair is wrong: the worst cases are shown to be read.
- A comment is suspicious where it names a group and judges, or leaves no exception, in the same comment. That is a
  reason to read it, not a proof.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("swaps.yaml")
LANGUAGES = ("en", "zh")
AXES = ("gender", "region", "names")


@dataclass(frozen=True, slots=True)
class Variant:
    """One sentence about somebody: which sentence, of which group, by which words."""

    sentence: int
    group: str
    words: str
    text: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What makes a comment suspicious: the groups that it names, and the words that judge."""

    groups: tuple[str, ...]
    verdicts: tuple[str, ...]


def variants(language: str, axis: str) -> list[Variant]:
    """Every sentence with every word of every group of an axis ("gender", "region", "names")."""
    part = _lists(language)
    return [
        Variant(number, group, words, sentence.replace("{}", words))
        for number, sentence in enumerate(part["sentences"][axis])
        for group, own in part["axes"][axis].items()
        for words in own
    ]


def swapped(text: str, language: str) -> str:
    """The text with every word of a pair exchanged for the other; the text itself where it has none."""
    pairs = _both_ways(language)
    return _pattern(language).sub(lambda found: _like(found[0], pairs[found[0].casefold()]), text)


def groups_in(text: str, language: str) -> frozenset[str]:
    """Which side of the pairs a text speaks of: "female", "male", both or none."""
    sides = _sides(language)
    return frozenset(sides[found.casefold()] for found in _pattern(language).findall(text))


def judges_a_group(comment: str, labels: tuple[str, ...] = ()) -> Judged | None:
    """Does a comment name a group and judge it? `labels` of the task judge too. None where it does not."""
    groups = _named(comment, "named")
    verdicts = [*_named(comment, "verdicts"), *(one for one in labels if _stands(one, comment))]
    return Judged(tuple(groups), tuple(dict.fromkeys(verdicts))) if groups and verdicts else None


# ---------------------------------------------------------------- inside


@cache
def _all() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found


def _lists(language: str) -> Mapping[str, Any]:
    part: Mapping[str, Any] = _all()[language]
    return part


@cache
def _both_ways(language: str) -> dict[str, str]:
    pairs = _lists(language)["swaps"]["gender"]
    return {b: a for a, b in reversed(pairs)} | dict(reversed(pairs))


@cache
def _sides(language: str) -> dict[str, str]:
    pairs = _lists(language)["swaps"]["gender"]
    return {a: "male" for a, _ in pairs} | {b: "female" for _, b in pairs}


@cache
def _pattern(language: str) -> re.Pattern[str]:
    words = sorted(_both_ways(language), key=len, reverse=True)
    either = "|".join(map(re.escape, words))
    return re.compile(either if language == "zh" else rf"\b(?:{either})\b", re.IGNORECASE)


def _like(old: str, new: str) -> str:
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def _named(text: str, kind: str) -> list[str]:
    return [word for language in LANGUAGES for word in _lists(language)[kind] if _stands(word, text)]


def _stands(word: str, text: str) -> bool:
    if not word.isascii():
        return word in text
    return re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) is not None
