"""Small changes to a text that should change nothing: typos, case, punctuation, width, script, other words.

Decided here:
- Every change is by rule and by dice from (seed, kind, text): the same text is always disturbed in the same way.
- A typo is made in one word of EVERY (at least one): neighbouring letters change places, as fingers do; in Chinese a
  character is taken for one that sounds or looks like it, or two change places.
- "rephrased" exchanges listed words (disturbances.yaml): no model writes here, so it is a weak paraphrase, and is
  called so. None of the words praises or blames.
- Where a text has nothing that a kind could change, it is not of that kind: it comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from sayso.errors import UnsupportedError
from sayso.surface import is_chinese

EVERY = 8  # words with one typo
_FILE = Path(__file__).with_name("disturbances.yaml")
_WORD = re.compile(r"[A-Za-z]{4,}")
_HAN_PAIR = re.compile(r"[\u4e00-\u9fff]{2}")
_PUNCTUATION = re.compile(r"[.,;:!?\"“”‘’。，、；：！？…—()（）《》-]")
_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_HALF = {full: half for half, full in _FULL.items()} | {0x3002: 0x2E, 0x3001: 0x2C, 0x201C: 0x22, 0x201D: 0x22}


def typos(text: str, dice: Random) -> str:
    """A slip of the finger in one word of EVERY."""
    return _chinese_slips(text, dice) if is_chinese(text) else _letters_exchanged(text, dice)


def case(text: str, dice: Random) -> str:
    """All in capitals; what is in capitals already, in small letters."""
    del dice
    return text.lower() if text.isupper() else text.upper()


def punctuation(text: str, dice: Random) -> str:
    """Without any punctuation; a space where it parted words."""
    del dice
    bare = _PUNCTUATION.sub("" if is_chinese(text) else " ", text.replace("'", ""))
    return re.sub(r" {2,}", " ", bare).strip() or text


def width(text: str, dice: Random) -> str:
    """Half-width signs and letters as full-width ones; in Chinese full-width ones as half-width ones."""
    del dice
    return text.translate(_HALF if is_chinese(text) else _FULL)


def script(text: str, dice: Random) -> str:
    """Simplified characters as traditional ones, or the other way. UnsupportedError without the extra `chinese`."""
    del dice
    traditional = _converted("s2t", text)
    return traditional if traditional != text else _converted("t2s", text)


def rephrased(text: str, dice: Random) -> str:
    """Listed words in others that mean the same."""
    del dice
    language = "zh" if is_chinese(text) else "en"
    words: Mapping[str, str] = _lists()[language]["rephrased"]
    return _phrases(language).sub(lambda found: _like(found[0], str(words[found[0].casefold()])), text)


KINDS: Mapping[str, Callable[[str, Random], str]] = {
    "typos": typos,
    "case": case,
    "punctuation": punctuation,
    "width": width,
    "script": script,
    "rephrased": rephrased,
}


def disturbed(kind: str, text: str, seed: int = 0) -> str:
    """The text, disturbed in one way; as it was where it has nothing to disturb in this way."""
    return KINDS[kind](text, Random(f"{seed}:{kind}:{text}"))


# ---------------------------------------------------------------- inside


@cache
def _lists() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found


@cache
def _phrases(language: str) -> re.Pattern[str]:
    words = sorted(map(str, _lists()[language]["rephrased"]), key=len, reverse=True)
    either = "|".join(map(re.escape, words))
    return re.compile(either if language == "zh" else rf"(?<![\w'])(?:{either})(?![\w'])", re.IGNORECASE)


def _like(old: str, new: str) -> str:
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def _letters_exchanged(text: str, dice: Random) -> str:
    words = [found for found in _WORD.finditer(text) if len(set(found[0][1:])) > 1]
    if not words:
        return text
    for found in sorted(dice.sample(words, max(1, len(words) // EVERY)), key=lambda one: -one.start()):
        places = [i for i in range(1, len(found[0]) - 1) if found[0][i] != found[0][i + 1]]
        at = found.start() + dice.choice(places)
        text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text


def _chinese_slips(text: str, dice: Random) -> str:
    slips: Mapping[str, str] = _lists()["zh"]["slips"]
    places = [i for i, sign in enumerate(text) if sign in slips]
    wanted = max(1, len(text) // (2 * EVERY))
    if places:
        chosen = set(dice.sample(places, min(wanted, len(places))))
        return "".join(slips[sign] if i in chosen else sign for i, sign in enumerate(text))
    pairs = [found.start() for found in _HAN_PAIR.finditer(text) if found[0][0] != found[0][1]]
    if not pairs:
        return text
    at = dice.choice(pairs)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


@cache
def _converter(way: str) -> Any:
    try:
        from opencc import OpenCC
    except ImportError:
        raise UnsupportedError(
            "simplified and traditional characters need opencc, which is not installed",
            fix="pip install 'sayso[chinese]'",
        ) from None
    return OpenCC(way)


def _converted(way: str, text: str) -> str:
    return str(_converter(way).convert(text))
