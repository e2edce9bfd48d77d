"""Sentences in English and Chinese at once, composed from templates and a lexicon, and read back from either side.

Decided here:
- A template is a pair of lines, each written in its own language; {x} is a word of the lexicon's kind x, {x2} another
  one. A form is named after the slot: {x_m} the measure word, {x_a} with "a" or "an", {x_s} the plural.
- Every pair of template and words has one reference in each language. A manner changes how it is written (British or
  American words, figures or words, the order of a name, another word for a word) and leaves the rest as it is.
- Reading is exact: a text is a sentence only where writing that sentence gives the text again. So whatever is known of
  a sentence is known from its text alone.
- Numbers and times are words of the lexicon too, each twice: in figures and in words, the same on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Literal

from sayso.errors import Fault
from sayso.numerals import clock_words, number_words
from sayso.phrases import lines, pick

English = Literal["", "british", "american"]
_SLOT = re.compile(r"\{(([a-z]+)\d?)(?:_([ams]))?\}")
_ENTRY = re.compile(r"(?P<zh>[^/=]+?)(?:/(?P<measure>\S+))? = (?P<en>[^/]+?)(?:/(?P<plural>.+))?")
_FIGURES = re.compile(r"\d+(?::\d\d)?")
_MINUTES = (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55)


@dataclass(frozen=True, slots=True)
class Word:
    """What fills a slot. `twins` are its British and its American form, `figures` a number or a time in digits."""

    kind: str
    zh: str
    en: str
    measure: str = "个"
    plural: str = ""
    twins: tuple[str, str] = ("", "")
    figures: str = ""
    in_figures: bool = False

    def spelt(self, language: str) -> tuple[str, ...]:
        """A number or a time in words: the first is how it is written, the others are accepted."""
        hour, _, minute = self.figures.partition(":")
        return clock_words(int(hour), int(minute), language) if minute else number_words(int(hour), language)


@dataclass(frozen=True, slots=True)
class Template:
    """A pair of lines. `kinds` are the kinds of word it needs."""

    domain: str
    zh: str
    en: str

    def text(self, language: str) -> str:
        """The line of one language."""
        return self.en if language == "en" else self.zh

    @property
    def slots(self) -> dict[str, str]:
        """Slot -> kind, in the order of the English line."""
        return {found[1]: found[2] for found in _SLOT.finditer(self.en)}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence is written, where that differs from the reference.

    `figures` says by kind of number whether it is written in figures, `instead` gives other texts for words.
    """

    english: English = ""
    figures: tuple[tuple[str, bool], ...] = ()
    names: Literal["", "family_first", "capitals"] = ""
    instead: tuple[tuple[Word, str], ...] = ()


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template with its words."""

    template: Template
    fill: tuple[tuple[str, Word], ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """The words, in the order of the English line."""
        return tuple(word for _, word in self.fill)

    def write(self, language: str, manner: Manner = PLAIN) -> str:
        """The sentence in one language; in the plain manner that is the reference."""
        fill = dict(self.fill)
        line = self.template.text(language)
        text = _SLOT.sub(lambda found: _form(fill[found[1]], found[3] or "", language, manner), line)
        return text[0].upper() + text[1:] if language == "en" else text


def _form(word: Word, form: str, language: str, manner: Manner) -> str:
    if form == "m":
        return word.measure
    if word.figures:
        in_figures = dict(manner.figures).get(word.kind, word.in_figures)
        return word.figures if in_figures else word.spelt(language)[0]
    base = dict(manner.instead).get(word) or _plain_form(word, language, manner)
    if language == "zh":
        return base
    if form == "s":
        return word.plural if word.plural and base == word.en else plural(base)
    return f"{article(base)} {base}" if form == "a" else base


def _plain_form(word: Word, language: str, manner: Manner) -> str:
    if language == "zh":
        return word.zh
    if manner.english and word.twins[0]:
        return word.twins[0 if manner.english == "british" else 1]
    return named(word, manner.names) if manner.names else word.en


def named(word: Word, style: str) -> str:
    """A person's English name with the family name first (Chinese people) or in capitals."""
    given, _, family = word.en.rpartition(" ")
    if style == "family_first" and word.kind == "person":
        return f"{family} {given}"
    return f"{given} {family.upper()}" if style == "capitals" and word.kind in ("person", "foreigner") else word.en


def plural(text: str) -> str:
    """The regular plural of an English noun; a text that does not end in a small letter is left as it is."""
    if not re.search(r"[a-z]$", text):
        return text
    if re.search(r"[^aeiou]y$", text):
        return text[:-1] + "ies"
    return text + ("es" if re.search(r"(s|x|z|ch|sh)$", text) else "s")


def article(text: str) -> str:
    """The indefinite article before an English word."""
    if re.match(r"(uni|use|usu|eu|one|MRI)", text):
        return "an" if text.startswith("MRI") else "a"
    return "an" if re.match(r"[aeiouAEIO]|hour|hon|X-ray", text) else "a"


# ---------------------------------------------------------------- the lexicon and the templates


@dataclass(frozen=True)
class Bank:
    """All that sentences are made of: words by kind, templates in order."""

    words: Mapping[str, tuple[Word, ...]]
    templates: tuple[Template, ...]

    def draw(self, template: Template, dice: Random, given: Word | None = None) -> Sentence:
        """The template with words drawn for its slots, none twice, all numbers in figures or all in words.

        `given` fills the first slot of its kind.
        """
        fill: dict[str, Word] = {}
        for slot, kind in template.slots.items():
            place_given = given is not None and kind == given.kind and given not in fill.values()
            used = (*fill.values(), given)
            style = next((word.in_figures for word in fill.values() if word.figures), None)
            free = [
                word for word in self.words[kind] if word not in used and (style is None or _in_style(word, style))
            ]
            fill[slot] = given if place_given and given else pick(dice, free)
        return Sentence(template, tuple(fill.items()))

    def read(self, text: str, language: str) -> Sentence | None:
        """The sentence that this text is, in a language; None where it is none of this bank's."""
        for template, pattern in self._patterns[language]:
            found = pattern.fullmatch(text)
            sentence = found and self._from_match(template, found, language)
            if sentence and text in _written(sentence, language):
                return sentence
        return None

    def _from_match(self, template: Template, found: re.Match[str], language: str) -> Sentence | None:
        fill: dict[str, Word] = {}
        for slot, kind in template.slots.items():
            word = self._surfaces[kind, language].get(found[slot].casefold())
            if word is None:
                return None
            fill[slot] = word
        return Sentence(template, tuple(fill.items()))

    @cached_property
    def _surfaces(self) -> dict[tuple[str, str], dict[str, Word]]:
        """(kind, language) -> every form of a word -> the word."""
        return {
            (kind, language): {text.casefold(): word for word in words for text in _surfaces(word, language)}
            for kind, words in self.words.items()
            for language in ("en", "zh")
        }

    @cached_property
    def _patterns(self) -> dict[str, list[tuple[Template, re.Pattern[str]]]]:
        def alternatives(kind: str, language: str) -> str:
            if any(word.figures for word in self.words[kind]):
                return (
                    r"\d[\d:]*|[a-z][a-z' -]*?"
                    if language == "en"
                    else r"\d[\d:]*|[一二两三四五六七八九十百零点半刻分]+"
                )
            return _any_of(self._surfaces[kind, language])

        measures = {kind: _any_of({word.measure for word in words}) for kind, words in self.words.items()}
        options = {(kind, language): alternatives(kind, language) for kind in self.words for language in ("en", "zh")}
        return {
            language: [(t, _pattern(t, language, options, measures)) for t in self.templates]
            for language in ("en", "zh")
        }


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))


def _in_style(word: Word, figures: bool) -> bool:
    return not word.figures or word.in_figures == figures


def _written(sentence: Sentence, language: str) -> Iterator[str]:
    manners: tuple[English, ...] = ("", "british", "american") if language == "en" else ("",)
    return (sentence.write(language, Manner(english)) for english in manners)


def _surfaces(word: Word, language: str) -> Iterable[str]:
    if word.figures:
        return (word.figures,) if word.in_figures else (word.spelt(language)[0],)
    if language == "zh":
        return (word.zh,)
    bases = [base for base in dict.fromkeys((word.en, *word.twins)) if base]
    return [
        text for base in bases for text in (base, word.plural if base == word.en and word.plural else plural(base))
    ]


def _pattern(
    template: Template, language: str, options: Mapping[tuple[str, str], str], measures: Mapping[str, str]
) -> re.Pattern[str]:
    """The template as a pattern with a group for each slot; what a slot's later forms are is not asked here."""
    seen: set[str] = set()

    def group(slot: str, kind: str, form: str) -> str:
        if form == "m":
            return f"(?:{measures[kind]})"
        name = "" if slot in seen else f"?P<{slot}>"
        seen.add(slot)
        return ("an? " if form == "a" and language == "en" else "") + f"({name or '?:'}{options[kind, language]})"

    line, place, pattern = template.text(language), 0, ""
    for found in _SLOT.finditer(line):
        pattern += re.escape(line[place : found.start()]) + group(found[1], found[2], found[3] or "")
        place = found.end()
    return re.compile(pattern + re.escape(line[place:]), re.IGNORECASE)


def read_bank(
    lexicon: Mapping[str, str], twins: str, numbers: Mapping[str, Sequence[int]], sentences: Mapping[str, str]
) -> Bank:
    """A bank from blocks of text.

    A line of the lexicon is "Chinese/measure = English/plural", measure and plural where they are not the usual ones;
    one of `twins` is "British = American"; one of `sentences` is "Chinese || English". `numbers` gives ranges by kind;
    the kinds time (of day) and code (a number that is a name, as of a bus) are always there.
    """
    pairs = [tuple(part.strip() for part in line.split("=")) for line in lines(twins)]
    by_form = {form: (british, american) for british, american in pairs for form in (british, american)}
    words = {kind: tuple(_word(kind, line, by_form) for line in lines(block)) for kind, block in lexicon.items()}
    for kind, (low, high) in numbers.items():
        words[kind] = tuple(_figures(kind, (str(number) for number in range(low, high + 1))))
    words["time"] = tuple(_figures("time", (f"{hour}:{minute:02}" for hour in range(1, 13) for minute in _MINUTES)))
    words["code"] = tuple(Word("code", str(number), str(number)) for number in range(13, 1000))
    templates = [
        Template(domain, *(side.strip() for side in line.split("||")))
        for domain, block in sentences.items()
        for line in lines(block)
    ]
    return Bank(words, tuple(templates))


def _word(kind: str, line: str, twins: Mapping[str, tuple[str, str]]) -> Word:
    found = _ENTRY.fullmatch(line)
    if found is None:
        raise Fault(f"'{line}' is no entry of a lexicon", expected="Chinese/measure = English/plural")
    english = found["en"]
    return Word(
        kind, found["zh"], english, found["measure"] or "个", found["plural"] or "", twins.get(english, ("", ""))
    )


def _figures(kind: str, figures: Iterable[str]) -> Iterator[Word]:
    return (Word(kind, each, each, figures=each, in_figures=as_is) for each in figures for as_is in (True, False))
