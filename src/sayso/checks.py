"""A check of an answer as a line of text: a test by its name, an argument, a condition; and how it is said.

    at_most_words(40)
    contains(订单号 | order number) when 退款 | refund

Decided here:
- A check is its line, so the same words stand in a recipe, in a comment's `checks` and in a measurement. Several
  phrases are separated by |, and ways to translate a term by /.
- The condition is a phrase in the last turn of the user: a check says nothing about answers to anything else.
- What a breach is called, and the rule in one line, stand in checks.yaml, in English and in Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from sayso.errors import FeedbackError, nearest
from sayso.predicates import PREDICATES, Breach, Given, Takes, places
from sayso.records import Messages
from sayso.wording import Language, language_of_context

_WORDS = Path(__file__).with_suffix(".yaml")
_LINE = re.compile(r"(?P<name>\w+)(?:\((?P<argument>.*?)\))?(?:\s+when\s+(?P<when>.+))?", re.DOTALL)
_LANGUAGES = {"zh": {"en": "Chinese", "zh": "中文"}, "en": {"en": "English", "zh": "英文"}}
_WHERE = {"en": "Where the message says {said}: {rule}", "zh": "对方提到{said}时：{rule}"}


@dataclass(frozen=True, slots=True)
class Check:
    """One check, ready to be asked; `read` makes it from its line, and str() gives that line."""

    name: str
    argument: str = ""
    when: tuple[str, ...] = ()

    def __str__(self) -> str:
        called = f"{self.name}({self.argument})" if self.argument else self.name
        return f"{called} when {' | '.join(self.when)}" if self.when else called

    @property
    def given(self) -> Given:
        """Its argument, read. ValueError, saying what the check takes, where it does not fit."""
        return _given(PREDICATES[self.name].takes, self.argument)

    def applies(self, prompt: Messages) -> bool:
        """Does its condition hold for this prompt?"""
        return not self.when or bool(places(_asked(prompt), self.when))

    def breach(self, prompt: Messages, answer: str) -> Breach | None:
        """How the answer breaks it; None where it keeps it, or the condition does not hold."""
        if not self.applies(prompt):
            return None
        return PREDICATES[self.name].test(_asked(prompt), answer, self.given)

    def words(self, breach: Breach, language: Language) -> str:
        """What is wrong with the answer."""
        return self._said("broken", breach, language)

    def rule(self, language: Language) -> str:
        """What it asks for, in one line, with its condition."""
        rule = self._said("rule", Breach(), language)
        return _WHERE[language].format(said=_either(self.when, language), rule=rule) if self.when else rule

    def _said(self, part: str, breach: Breach, language: Language) -> str:
        given, template = self.given, self.name
        if self.name == "json" and given.phrases:
            template = "json_keys"
        terms = [f"{term} = {'/'.join(right)}" for term, right in given.terms]
        words = _words()[template][language][part].format(
            texts=_all(given.phrases or terms, language)
            if _needs_all(self.name)
            else _either(given.phrases, language),
            things=_all(breach.things, language),
            count=breach.count,
            ratio=f"{breach.ratio:.2g}",
            n=f"{given.low:g}",
            most=f"{given.high:g}",
            language=_LANGUAGES.get(self.argument, {}).get(language, ""),
        )
        return re.sub(r"\b1 (word|sentence|character)s\b", r"1 \1", words)


def names() -> tuple[str, ...]:
    """Every check's name, sorted."""
    return tuple(sorted(PREDICATES))


def read(line: str) -> Check:
    """The check in a line. FeedbackError for one that is not known, or whose argument does not fit."""
    where, found = f"check '{line}'", _LINE.fullmatch(line.strip())
    if not found:
        raise FeedbackError("this is not how a check is written", where=where, expected="name(argument) when a | b")
    if found["name"] not in PREDICATES:
        fix = nearest(found["name"], PREDICATES)
        raise FeedbackError(f"there is no check '{found['name']}'", where=where, fix=fix)
    check = Check(found["name"], (found["argument"] or "").strip(), _split(found["when"] or ""))
    try:
        _ = check.given
    except ValueError as error:
        raise FeedbackError("its argument does not fit", where=where, expected=str(error)) from None
    return check


def known(line: str) -> Check | None:
    """The check in a line; None where it is none: a comment's `checks` may also name programs."""
    try:
        return read(line)
    except FeedbackError:
        return None


def said_of(line: str, prompt: Messages, answer: str) -> str | None:
    """What a check says of an answer, in the language of the prompt: "" for nothing; None where the line is none."""
    check = known(line)
    if check is None:
        return None
    breach = check.breach(prompt, answer)
    return "" if breach is None else check.words(breach, language_of_context(prompt))


# ---------------------------------------------------------------- arguments


@lru_cache
def _given(takes: Takes, argument: str) -> Given:
    expected, reading = _READINGS[takes]
    given = reading(argument)
    if given is None:
        raise ValueError(expected)
    return given


def _nothing(argument: str) -> Given | None:
    return None if argument else Given()


def _phrases(argument: str) -> Given | None:
    found = _split(argument)
    return Given(found) if found else None


def _number(argument: str) -> Given | None:
    return Given(low=int(argument)) if re.fullmatch(r"[0-9]{1,9}", argument) else None


def _two_numbers(argument: str) -> Given | None:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*\|\s*([0-9]+(?:\.[0-9]+)?)", argument)
    if not found or float(found[1]) > float(found[2]):
        return None
    return Given(low=float(found[1]), high=float(found[2]))


def _terms(argument: str) -> Given | None:
    pairs = [part.partition("=") for part in _split(argument)]
    terms = tuple((term.strip(), _split(right, "/")) for term, _, right in pairs)
    return Given(terms=terms) if terms and all(term and right for term, right in terms) else None


def _language(argument: str) -> Given | None:
    return Given((argument,)) if argument in _LANGUAGES else None


_READINGS: Mapping[Takes, tuple[str, Callable[[str], Given | None]]] = {
    "nothing": ("no argument", _nothing),
    "phrases": ("phrases: (a | b)", _phrases),
    "phrases or nothing": ("phrases: (a | b)", lambda argument: Given(_split(argument))),
    "number": ("a whole number: (3)", _number),
    "two numbers": ("the least and the most: (0.5 | 2)", _two_numbers),
    "terms": ("terms and how each is translated: (stock = 库存 | refund = 退款/退钱)", _terms),
    "language": ("a language: (zh) or (en)", _language),
}


def _split(text: str, mark: str = "|") -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark) if part.strip())


def _asked(prompt: Messages) -> str:
    """What the user said last, else all that was said."""
    said = [message.text for message in prompt if message.role == "user"]
    return said[-1] if said else "\n".join(message.text for message in prompt)


# ---------------------------------------------------------------- words


@cache
def _words() -> Any:
    return yaml.safe_load(_WORDS.read_text(encoding="utf-8"))


def _needs_all(name: str) -> bool:
    return name in ("json", "keeps", "translates")


def _either(phrases: Sequence[str], language: Language) -> str:
    return _joined(phrases, language, {"en": " or ", "zh": "或"})


def _all(phrases: Sequence[str], language: Language) -> str:
    return _joined(phrases, language, {"en": " and ", "zh": "和"})


def _joined(phrases: Sequence[str], language: Language, last: Mapping[str, str]) -> str:
    """Quoted, the last two joined by a word, the others by a comma."""
    quoted = [f"“{one}”" if language == "zh" else f'"{one}"' for one in phrases]
    comma = "、" if language == "zh" else ", "
    return last[language].join(filter(None, (comma.join(quoted[:-1]), *quoted[-1:])))
