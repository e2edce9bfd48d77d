"""What can be seen of an answer without a model: tests of its words, length, form, language and manners.

Decided here:
- A test is asked of what was said, the answer and an argument, and says what breaks it (a Breach), or None.
- Phrases are found in any case and width; a Latin one stands as a word of its own. A word is a word where words are
  spaced and a character in Chinese, without the marks, so that a limit means about the same in both.
- In doubt there is no breach: an answer without letters is in every language, and a number up to ten may be spelt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sayso.forms import sentences
from sayso.numerals import missing_numbers
from sayso.records import split_labels
from sayso.surface import copies, repeats, units
from sayso.wording import Language, language_of

Takes = Literal["nothing", "phrases", "phrases or nothing", "number", "two numbers", "terms", "language"]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """An argument, read: phrases, one or two numbers, or terms with what each may be translated as."""

    phrases: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong: things found or missing, how many of what is counted, and places [start, end) in the answer."""

    things: tuple[str, ...] = ()
    count: int = 0
    ratio: float = 0.0
    places: tuple[Place, ...] = ()


Test = Callable[[str, str, Given], Breach | None]


@dataclass(frozen=True, slots=True)
class Predicate:
    """What a test's argument is, and the test: (what was said, the answer, the argument) -> what breaks it."""

    takes: Takes
    test: Test


def places(text: str, phrases: tuple[str, ...]) -> tuple[Place, ...]:
    """Where any of the phrases stands in the text."""
    pattern = "|".join(_as_pattern(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    return tuple(found.span() for found in re.finditer(pattern, text.translate(_NARROW), re.I))


# ---------------------------------------------------------------- looking at a text

_NARROW = {0xFF01 + i: chr(0x21 + i) for i in range(94)} | {0x3000: " "}
_BULLET = re.compile(
    r"^\s*(?:[-*•·–]|\d+\s*[.)、．]|[（(]\d+[)）]|[一二三四五六七八九十]+、|第[一二三四五六七八九十]+)\s*\S", re.M
)
_MARKUP = re.compile(r"\*\*|__|```|^#{1,6} |^\s*[*-] |\[[^\]\n]+\]\([^)\n]+\)", re.M)
_LINK = re.compile(r"(?:https?://|www\.)[\w\-./?=&%#~:+]+", re.I | re.A)
_END = re.compile(r"[.!?。！？…～~][”’\"'」』)）\]]*$")
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"  # Chinese mobiles and landlines
    r"|\+\d{1,3}[ -]?(?:\(?\d{1,4}\)?[ -]?){2,4}\d{2,4}|(?<!\d)\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?!\d)"  # others
    r"|(?<!\d)\d{17}[\dXx](?!\w)|(?<!\d)(?:\d{4}[ -]?){3,4}\d{1,4}(?!\d)",  # identity cards, bank cards
    re.A,
)
_COURTESY: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile("您|请|谢|抱歉|对不起|不好意思|麻烦|劳驾|敬"),
    "en": re.compile(
        r"\b(?:please|thank|thanks|sorry|apolog\w+|regret|kindly|welcome|glad|happy to|pleased|pleasure|appreciate"
        r"|(?:could|would|may|might) (?:you|we|i))\b",
        re.I,
    ),
}
_TOO_FAMILIAR = re.compile("你(?!们)")


def _as_pattern(phrase: str) -> str:
    plain = phrase.translate(_NARROW)
    before = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", plain) else ""
    after = r"(?![A-Za-z0-9])" if re.search(r"[A-Za-z0-9]$", plain) else ""
    return before + re.escape(plain) + after


def _cut(text: str, at: tuple[Place, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text[start:end] for start, end in at))


def _word_count(text: str) -> int:
    return sum(any(letter.isalnum() for letter in unit) for unit in units(text))


def _letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)


# ---------------------------------------------------------------- the tests: (message, answer, argument) -> breach


def _not_empty(_said: str, answer: str, _: Given) -> Breach | None:
    return None if answer.strip() else Breach()


def _contains(_said: str, answer: str, given: Given) -> Breach | None:
    return None if places(answer, given.phrases) else Breach()


def _lacks(_said: str, answer: str, given: Given) -> Breach | None:
    return _showing(answer, places(answer, given.phrases))


def _showing(answer: str, at: tuple[Place, ...]) -> Breach | None:
    """A breach by what stands at these places; none where there are none."""
    return Breach(_cut(answer, at), places=at) if at else None


def _begins(_said: str, answer: str, given: Given) -> Breach | None:
    text = answer.strip()
    return None if any(start == 0 for start, _ in places(text, given.phrases)) else Breach()


def _ends(_said: str, answer: str, given: Given) -> Breach | None:
    text = answer.strip()
    return None if any(end == len(text) for _, end in places(text, given.phrases)) else Breach()


def _at_most(count: Callable[[str], int]) -> Test:
    def test(_said: str, answer: str, given: Given) -> Breach | None:
        found = count(answer)
        return Breach(count=found) if found > given.low else None

    return test


def _at_least_words(_said: str, answer: str, given: Given) -> Breach | None:
    found = _word_count(answer)
    return Breach(count=found) if found < given.low else None


def _one_sentence(_said: str, answer: str, _: Given) -> Breach | None:
    found = len(sentences(answer))
    return Breach(count=found) if found != 1 else None


def _finished(_said: str, answer: str, _: Given) -> Breach | None:
    return None if _END.search(answer.strip()) else Breach()


def _asks_question(_said: str, answer: str, _: Given) -> Breach | None:
    return None if re.search("[?？]", answer) else Breach()


def _json(_said: str, answer: str, given: Given) -> Breach | None:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return Breach(given.phrases)
    missing = tuple(key for key in given.phrases if not isinstance(found, dict) or key not in found)
    return Breach(missing) if missing else None


def _list(_said: str, answer: str, _: Given) -> Breach | None:
    return None if len(_BULLET.findall(answer)) > 1 else Breach()


def _without(pattern: re.Pattern[str]) -> Test:
    def test(_said: str, answer: str, _: Given) -> Breach | None:
        return _showing(answer, tuple(found.span() for found in pattern.finditer(answer)))

    return test


def _same_language(said: str, answer: str, _: Given) -> Breach | None:
    both = _letters(said) and _letters(answer)
    return Breach() if both and language_of(said) != language_of(answer) else None


def _language(_said: str, answer: str, given: Given) -> Breach | None:
    return Breach() if _letters(answer) and language_of(answer) not in given.phrases else None


def _keeps_numbers(said: str, answer: str, _: Given) -> Breach | None:
    missing = tuple(missing_numbers(answer, said))
    return Breach(missing) if missing else None


def _no_repetition(_said: str, answer: str, _: Given) -> Breach | None:
    return Breach() if repeats(answer) else None


def _no_copy(said: str, answer: str, _: Given) -> Breach | None:
    return Breach() if copies(said, answer) else None


def _polite(_said: str, answer: str, _: Given) -> Breach | None:
    """In Chinese 您 rather than 你 too, since that is what politeness turns on there."""
    language = language_of(answer)
    familiar = language == "zh" and _TOO_FAMILIAR.search(answer)
    return Breach() if familiar or not _COURTESY[language].search(answer) else None


def _one_of(_said: str, answer: str, given: Given) -> Breach | None:
    """Several labels at once are each one of them."""
    labels = {phrase.casefold() for phrase in given.phrases}
    said = {label.casefold() for label in split_labels(answer)}
    return Breach() if labels and (not said or said - labels) else None


def _length_ratio(said: str, answer: str, given: Given) -> Breach | None:
    ratio = _word_count(answer) / max(1, _word_count(said))
    return None if given.low <= ratio <= given.high else Breach(ratio=ratio)


def _translates(said: str, answer: str, given: Given) -> Breach | None:
    """A term of the message that has none of its translations in the answer."""
    wrong = tuple(
        f"{term} = {'/'.join(right)}"
        for term, right in given.terms
        if places(said, (term,)) and not places(answer, right)
    )
    return Breach(wrong) if wrong else None


def _keeps(said: str, answer: str, given: Given) -> Breach | None:
    """Exactly as written, in any place: a name in other letters or another case has been changed."""
    lost = tuple(phrase for phrase in given.phrases if phrase in said and phrase not in answer)
    return Breach(lost) if lost else None


PREDICATES: Mapping[str, Predicate] = {
    "not_empty": Predicate("nothing", _not_empty),
    "contains": Predicate("phrases", _contains),
    "lacks": Predicate("phrases", _lacks),
    "begins": Predicate("phrases", _begins),
    "ends": Predicate("phrases", _ends),
    "at_most_words": Predicate("number", _at_most(_word_count)),
    "at_least_words": Predicate("number", _at_least_words),
    "at_most_characters": Predicate("number", _at_most(lambda text: len(text.strip()))),
    "at_most_sentences": Predicate("number", _at_most(lambda text: len(sentences(text)))),
    "one_sentence": Predicate("nothing", _one_sentence),
    "finished": Predicate("nothing", _finished),
    "asks_question": Predicate("nothing", _asks_question),
    "json": Predicate("phrases or nothing", _json),
    "list": Predicate("nothing", _list),
    "no_markdown": Predicate("nothing", _without(_MARKUP)),
    "same_language": Predicate("nothing", _same_language),
    "language": Predicate("language", _language),
    "keeps_numbers": Predicate("nothing", _keeps_numbers),
    "no_repetition": Predicate("nothing", _no_repetition),
    "no_copy": Predicate("nothing", _no_copy),
    "no_personal_data": Predicate("nothing", _without(_PERSONAL)),
    "no_links": Predicate("nothing", _without(_LINK)),
    "polite": Predicate("nothing", _polite),
    "one_of": Predicate("phrases or nothing", _one_of),
    "length_ratio": Predicate("two numbers", _length_ratio),
    "translates": Predicate("terms", _translates),
    "keeps": Predicate("phrases", _keeps),
}
