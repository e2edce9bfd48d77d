"""What can be seen on the surface of a text, in Chinese as in English: its script, repetition, copying.

Decided here:
- A unit is a word where words are spaced, and a character in Chinese, Japanese kana and their punctuation: what is
  said of repetition then means the same in both.
- Copying is judged by character 4-grams, so a changed comma does not hide it; texts under four characters copy only
  when they are the same.
- Nothing here guesses fine distinctions between languages; `is_chinese` asks which wording a reader expects.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED = rf"{_HAN}\u3001-\u303f\u3040-\u30ff\uff01-\uff0f\uff1a-\uff20"
_UNIT = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_ONE_HAN = re.compile(rf"[{_HAN}]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_WORD = re.compile(rf"[^\W\d_{_HAN}]+")
NGRAM = 4
REPEATS_FROM = 0.3
COPIES_FROM = 0.8


def is_chinese(text: str) -> bool:
    """Would a reader of this text expect to be addressed in Chinese? One Han character weighs as much as one word."""
    return not _KANA.search(text) and len(_ONE_HAN.findall(text)) > len(_WORD.findall(text))


def units(text: str) -> list[str]:
    """Words, and single characters where words are not spaced."""
    return _UNIT.findall(text)


def repeated_ngrams(text: str) -> tuple[int, int]:
    """How many of the 4-grams of units occurred before in this text, and how many 4-grams there are."""
    words = units(text)
    counts = Counter(tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1))
    total = counts.total()
    return total - len(counts), total


def repetition(text: str) -> float:
    """Share of repeated 4-grams, in [0, 1]; 0 for a text of fewer than four units."""
    repeated, total = repeated_ngrams(text)
    return repeated / total if total else 0.0


def copied_share(source: str, answer: str) -> float:
    """Share of the answer's character 4-grams that stand in the source (case, space and punctuation ignored)."""
    plain_source, plain_answer = _plain(source), _plain(answer)
    if len(plain_answer) < NGRAM or len(plain_source) < NGRAM:
        return float(bool(plain_answer) and plain_answer == plain_source)
    known = set(_grams(plain_source))
    grams = _grams(plain_answer)
    return sum(gram in known for gram in grams) / len(grams)


def copies(source: str, answer: str) -> bool:
    """Is the answer, in the main, the source again?"""
    long_enough = 2 * len(_plain(answer)) >= len(_plain(source))
    return long_enough and copied_share(source, answer) >= COPIES_FROM


def repeats(text: str) -> bool:
    """Does the text go round in circles?"""
    return repetition(text) >= REPEATS_FROM


def same(one: str, other: str) -> bool:
    """Equal but for the amount of white space and for Unicode's ways of writing the same characters."""
    return _spaced(one) == _spaced(other)


def _spaced(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _grams(text: str) -> list[str]:
    return [text[i : i + NGRAM] for i in range(len(text) - NGRAM + 1)]
